//! Broken glass: a member of staff opens the record of somebody they do not look after, for a while, with a reason.
//!
//! Invariant: the glass, the audit row that says so and the review it leads to are one commit, so none is without the
//! others. Who broke it, to whose record and why are sealed under the person's key.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    people::person_id,
    reviews::Raised,
};
use crate::policy::{
    CredentialId, Event, PersonId, RoomId, SessionId,
    staff::{Glass, StaffMember},
    staff_row,
};

/// What of broken glass is sealed.
#[derive(Serialize, Deserialize)]
struct SealedGlass {
    member: String,
    person: String,
    reason: String,
}

impl Store {
    /// Breaks glass; audited, and put before the privacy officers, in the same commit.
    ///
    /// # Errors
    /// When the database or a key fails; no glass is broken then.
    pub async fn break_glass(
        &self,
        staff: &StaffMember,
        person: &PersonId,
        reason: &str,
        until: Timestamp,
        at: Timestamp,
    ) -> Result<Glass, StoreError> {
        let id = SessionId::fresh(at, self.random()?);
        let sealed = SealedGlass {
            member: staff.member.as_str().to_owned(),
            person: person.as_str().to_owned(),
            reason: reason.trim().to_owned(),
        };
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&sealed).unwrap_or_default());
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "glass", "sealed", id.as_str(), &plain)?;
        let broken = Step::new(
            "INSERT INTO glass (id, pair, opened, ends, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                id.as_str().into(),
                self.pair(&staff.member, person).into(),
                at.as_microsecond().into(),
                until.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        );
        let raised = Raised::glass(&staff.member, person, &id);
        let mut steps = vec![broken];
        steps.extend(self.review_steps(&raised, at)?);
        let row = |event, intent, outcome| {
            staff_row(event, &staff.member, Some(person), intent, Some(id.clone()), outcome, at)
        };
        let drafts = vec![
            self.draft(&row(Event::GlassBroken, "staff.break-glass", None), None)?,
            self.draft(&row(Event::Reviewed, "staff.review", Some("raised")), None)?,
        ];
        self.inner.writer.submit(steps, drafts).await?;
        Ok(Glass { id, member: staff.member.clone(), subject: person.clone(), until })
    }

    /// The glass that a member of staff has broken to a person's record, if it is open.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn open_glass(
        &self,
        member: &CredentialId,
        person: &PersonId,
        now: Timestamp,
    ) -> Result<Option<Glass>, StoreError> {
        let open = "SELECT id, ends, owner, sealed FROM glass WHERE pair = $1 AND opened <= $2 AND ends > $2 \
            ORDER BY ends DESC, id LIMIT 1";
        let values = [self.pair(member, person).into(), now.as_microsecond().into()];
        let Some(row) = self.inner.database.ask_one(open, &values).await? else { return Ok(None) };
        let id: String = row.try_get("id")?;
        let damaged = || StoreError::Damaged("glass".into());
        let told = self.glass_told(&row)?.ok_or_else(damaged)?;
        Ok(Some(Glass {
            id: SessionId::parse(&id).map_err(|_| damaged())?,
            member: CredentialId::parse(&told.member).map_err(|_| damaged())?,
            subject: person_id(&told.person)?,
            until: Timestamp::from_microsecond(row.try_get("ends")?).map_err(|_| damaged())?,
        }))
    }

    /// Shuts glass before its time, by whoever broke it; audited. False where there is none of theirs that is open.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn shut_glass(&self, staff: &StaffMember, person: &PersonId, at: Timestamp) -> Result<bool, StoreError> {
        let Some(glass) = self.open_glass(&staff.member, person, at).await? else { return Ok(false) };
        let step = Step::new(
            "UPDATE glass SET ends = $2 WHERE id = $1 AND ends > $2",
            vec![glass.id.as_str().into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere);
        let row = staff_row(
            Event::Closed,
            &staff.member,
            Some(person),
            "staff.break-glass",
            Some(glass.id),
            Some("shut"),
            at,
        );
        match self.inner.writer.submit(vec![step], vec![self.draft(&row, None)?]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Why glass was broken and until when it is or was open; `None` where the person's key was destroyed.
    pub(super) async fn glass_reason(&self, id: &str) -> Result<Option<(String, Timestamp)>, StoreError> {
        let one = "SELECT id, ends, owner, sealed FROM glass WHERE id = $1";
        let Some(row) = self.inner.database.ask_one(one, &[id.into()]).await? else { return Ok(None) };
        let ends = Timestamp::from_microsecond(row.try_get("ends")?);
        let ends = ends.map_err(|_| StoreError::Damaged("glass.ends".into()))?;
        Ok(self.glass_told(&row)?.map(|told| (told.reason, ends)))
    }

    fn glass_told(&self, row: &sqlx::any::AnyRow) -> Result<Option<SealedGlass>, StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "glass", column: "sealed", row: &id, owner: &owner };
        match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => {
                let damaged = |_| StoreError::Damaged("glass.sealed".into());
                Ok(Some(serde_json::from_slice(&plain).map_err(damaged)?))
            }
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn pair(&self, member: &CredentialId, person: &PersonId) -> String {
        self.inner.keys.root().hash("glass", &[member.as_str().as_bytes(), person.as_str().as_bytes()])
    }

    /// The room a person stays in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn room_of(&self, person: &PersonId) -> Result<Option<RoomId>, StoreError> {
        let occupant = self.inner.keys.root().hash("occupant", &[person.as_str().as_bytes()]);
        let row = self.inner.database.ask_one("SELECT room FROM room WHERE occupant = $1", &[occupant.into()]).await?;
        let room = row.map(|row| row.try_get::<String, _>("room")).transpose()?;
        room.map(|room| RoomId::parse(&room).map_err(|_| StoreError::Damaged("room.room".into()))).transpose()
    }

    /// Who has a medical record number or the like, as `system|value`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person_of(&self, identifier: &str) -> Result<Option<PersonId>, StoreError> {
        let lookup = self.inner.keys.root().hash("identifier", &[identifier.as_bytes()]);
        let who = "SELECT person FROM identifier WHERE lookup = $1";
        let row = self.inner.database.ask_one(who, &[lookup.into()]).await?;
        row.map(|row| person_id(&row.try_get::<String, _>("person")?)).transpose()
    }
}
