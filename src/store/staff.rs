//! Who works here, and their sessions.
//!
//! Invariants: issuer, subject and token are kept as keyed hashes alone; a session ends when nobody did anything for a while
//! and, whatever is done, at its end; what a session may do is what was sealed when it was opened.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
};
use crate::policy::{
    CredentialId, Event, JournalEntry, RoomId,
    staff::{Role, StaffMember},
    staff_row,
};

/// Activity is noted no more often than this, so that a busy page does not keep the disk busy.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// Somebody who has just signed in.
///
/// Not `Debug`: it holds their name.
pub struct NewStaffSession<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// What the provider calls them.
    pub subject: &'a str,
    /// What people call them; sealed.
    pub name: &'a str,
    /// What they do here; never empty.
    pub roles: &'a [Role],
    /// The rooms of their units.
    pub rooms: &'a [RoomId],
    /// Until when at most.
    pub expires: Timestamp,
}

/// What of a session is sealed.
#[derive(Serialize, Deserialize)]
struct SealedSession {
    member: String,
    roles: Vec<String>,
    rooms: Vec<String>,
}

impl Store {
    /// Opens a session; audited, with who it is.
    ///
    /// # Errors
    /// When the token was used before, or the database or the house's key fails.
    pub async fn open_staff_session(
        &self,
        new: &NewStaffSession<'_>,
        token: &str,
        at: Timestamp,
    ) -> Result<CredentialId, StoreError> {
        let root = self.inner.keys.root();
        let member = root.hash("staff", &[new.issuer.as_bytes(), new.subject.as_bytes()]);
        let id = root.hash("staff session", &[token.as_bytes()]);
        let sealed = SealedSession {
            member: member.clone(),
            roles: new.roles.iter().map(|role| role.name().to_owned()).collect(),
            rooms: new.rooms.iter().map(|room| room.as_str().to_owned()).collect(),
        };
        let plain = serde_json::to_vec(&sealed).unwrap_or_default();
        let (owner, session) = self.seal(&KeyOwner::House, "staff_session", "sealed", &id, &plain)?;
        let (house, name) = self.seal(&KeyOwner::House, "staff", "sealed", &member, new.name.as_bytes())?;
        let steps = vec![
            Step::new("DELETE FROM staff_session WHERE expires <= $1", vec![at.as_microsecond().into()]),
            Step::new(
                "INSERT INTO staff (id, owner, sealed) VALUES ($1, $2, $3) \
                 ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, sealed = excluded.sealed",
                vec![member.as_str().into(), house.into(), name.into()],
            ),
            Step::new(
                "INSERT INTO staff_session (id, started, seen, expires, owner, sealed) VALUES ($1, $2, $2, $3, $4, $5)",
                vec![
                    id.into(),
                    at.as_microsecond().into(),
                    new.expires.as_microsecond().into(),
                    owner.into(),
                    session.into(),
                ],
            )
            .or_duplicate(Refusal::Repeated),
        ];
        let member = CredentialId::parse(&member).map_err(|_| StoreError::Damaged("staff".into()))?;
        let row = staff_row(Event::Identified, &member, None, "staff.sign-in", None, Some("signed_in"), at);
        let draft = self.draft(&row, Some(new.name))?;
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(member)
    }

    /// Whose session this token is; `None` where it is none, was idle for too long, or has ended. `renew` says that
    /// somebody is there, and not only their page.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn staff_session(
        &self,
        token: &str,
        idle: SignedDuration,
        renew: bool,
        now: Timestamp,
    ) -> Result<Option<StaffMember>, StoreError> {
        let id = self.inner.keys.root().hash("staff session", &[token.as_bytes()]);
        let earliest = (now - idle).as_microsecond();
        let known = "SELECT seen, owner, sealed FROM staff_session WHERE id = $1 AND expires > $2 AND seen > $3";
        let values = [id.as_str().into(), now.as_microsecond().into(), earliest.into()];
        let Some(row) = self.inner.database.ask_one(known, &values).await? else { return Ok(None) };
        let (owner, sealed): (String, Vec<u8>) = (row.try_get("owner")?, row.try_get("sealed")?);
        let seen: i64 = row.try_get("seen")?;
        if renew && now.as_microsecond() - seen > i64::try_from(NOTED_EVERY.as_micros()).unwrap_or(0) {
            let step = Step::new(
                "UPDATE staff_session SET seen = $2 WHERE id = $1 AND seen > $3",
                vec![id.as_str().into(), now.as_microsecond().into(), earliest.into()],
            )
            .or_nothing(Refusal::NotThere);
            match self.inner.writer.submit(vec![step], vec![]).await {
                Ok(_) => {}
                Err(JobError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        let plain =
            self.unseal(Place { table: "staff_session", column: "sealed", row: &id, owner: &owner }, &sealed)?;
        let damaged = || StoreError::Damaged("staff_session.sealed".into());
        let told: SealedSession = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        Ok(Some(StaffMember {
            member: CredentialId::parse(&told.member).map_err(|_| damaged())?,
            roles: told.roles.iter().filter_map(|name| Role::named(name)).collect(),
            rooms: told.rooms.iter().filter_map(|room| RoomId::parse(room).ok()).collect(),
        }))
    }

    /// Ends a session; audited. Ending one that does not exist is no error.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn close_staff_session(
        &self,
        token: &str,
        member: &CredentialId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let id = self.inner.keys.root().hash("staff session", &[token.as_bytes()]);
        let step = Step::new("DELETE FROM staff_session WHERE id = $1", vec![id.into()]);
        let row = staff_row(Event::Identified, member, None, "staff.sign-out", None, Some("signed_out"), at);
        let draft = self.draft(&row, None)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// Ends every session of staff at once, as after a role was taken away at the provider; audited. Gives how many.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn end_staff_sessions(&self, by: &str, at: Timestamp) -> Result<i64, StoreError> {
        let open = "SELECT CAST(COUNT(*) AS BIGINT) AS open FROM staff_session WHERE expires > $1";
        let row = self.inner.database.ask_one(open, &[at.as_microsecond().into()]).await?;
        let open = row.map(|row| row.try_get("open")).transpose()?.unwrap_or(0);
        let step = Step::new("DELETE FROM staff_session", vec![]);
        let entry = JournalEntry {
            event: Event::Credential,
            subject: None,
            actor: None,
            intent: Some("staff.sign-out".into()),
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some("revoked"),
            at,
        };
        self.inner.writer.submit(vec![step], vec![self.draft(&entry, Some(by))?]).await?;
        Ok(open)
    }

    /// What people call the members of staff that are known here.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn staff_names(&self) -> Result<HashMap<String, String>, StoreError> {
        let rows = self.inner.database.ask("SELECT id, owner, sealed FROM staff", &[]).await?;
        let names = rows.iter().map(|row| {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "staff", column: "sealed", row: &id, owner: &owner };
            let name = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            Ok((id.clone(), String::from_utf8_lossy(&name).into_owned()))
        });
        names.collect()
    }
}
