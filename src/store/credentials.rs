//! Who may come in: devices, rooms, people, other platforms.
//!
//! Invariant: a token is kept only as a keyed hash, so that the database lets nobody in. A one-time token is
//! spent in the statement that checks it.

mod idle;
mod roster;
mod units;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    Place, Store,
    audit::Draft,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    people::person_id,
};
pub use roster::Listed;

use crate::policy::{Caller, CredentialId, Event, JournalEntry, PersonId, Proof, RoomId, Surface};
pub(super) use idle::ends_when_idle;

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The place or app.
    pub surface: Surface,
    /// The person it is for, where it is for one. A room's person is whoever lies there.
    pub person: Option<PersonId>,
    /// What staff call it; sealed.
    pub label: String,
    /// Good for one [`Store::redeem`], and for nothing else.
    pub one_time: bool,
    /// Until when.
    pub expires: Timestamp,
}

/// What of a credential is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedGrant {
    label: String,
    pub(super) person: Option<String>,
}

impl Store {
    /// Lets somebody in who shows this token; audited.
    ///
    /// # Errors
    /// When the token was issued before, or the database or a key fails.
    pub async fn issue(&self, grant: &Grant, token: &str, at: Timestamp) -> Result<CredentialId, StoreError> {
        let id = self.credential_id(token)?;
        self.admit(id, grant, at).await
    }

    /// Makes a credential of that name; audited.
    async fn admit(&self, id: CredentialId, grant: &Grant, at: Timestamp) -> Result<CredentialId, StoreError> {
        let (step, draft) = self.admission(&id, grant, at)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(id)
    }

    /// The statement that makes a credential of that name, and the audit row of it.
    pub(super) fn admission(
        &self,
        id: &CredentialId,
        grant: &Grant,
        at: Timestamp,
    ) -> Result<(Step, Draft), StoreError> {
        let owner = grant.person.clone().map_or(KeyOwner::House, KeyOwner::Person);
        let details =
            SealedGrant { label: grant.label.clone(), person: grant.person.as_ref().map(|p| p.as_str().to_owned()) };
        let plain = serde_json::to_vec(&details).unwrap_or_default();
        let (owner, sealed) = self.seal(&owner, "credential", "sealed", id.as_str(), &plain)?;
        let step = Step::new(
            "INSERT INTO credential (id, surface, room, one_time, issued, expires, owner, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                id.as_str().into(),
                grant.surface.name().into(),
                grant.surface.room().map(|room| room.as_str().to_owned()).into(),
                i64::from(grant.one_time).into(),
                at.as_microsecond().into(),
                grant.expires.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        let draft = self.draft(&entry(id, grant.person.clone(), "issued", at), None)?;
        Ok((step, draft))
    }

    /// Who shows this token; `None` when nobody may come in with it. One-time tokens are for [`Store::redeem`].
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn authenticate(&self, token: &str, at: Timestamp) -> Result<Option<Caller>, StoreError> {
        self.caller(self.credential_id(token)?, true, at).await
    }

    /// The same without noting that it is used.
    ///
    /// # Errors
    /// As [`Store::authenticate`].
    pub async fn recognize(&self, token: &str, at: Timestamp) -> Result<Option<Caller>, StoreError> {
        self.caller(self.credential_id(token)?, false, at).await
    }

    /// Who a credential of that name stands for.
    pub(super) async fn caller(
        &self,
        id: CredentialId,
        used: bool,
        at: Timestamp,
    ) -> Result<Option<Caller>, StoreError> {
        let known = "SELECT c.surface, c.room, c.owner, c.sealed, c.seen, c.idle, r.stay, r.owner AS stay_owner, r.sealed AS stay_sealed \
            FROM credential c LEFT JOIN room r ON r.room = c.room AND c.surface = 'room' \
            WHERE c.id = $1 AND c.one_time = 0 AND c.expires > $2";
        let row = self.inner.database.ask_one(known, &[id.as_str().into(), at.as_microsecond().into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(grant) = self.grant(&id, &row)? else { return Ok(None) };
        if !self.in_use(&id, &row, used, at).await? {
            return Ok(None);
        }
        let mut caller =
            Caller { surface: grant.0, credential: id, person: grant.1, stay: None, proof: Proof::None, house: None };
        // A device of several people does not say who speaks.
        if matches!(caller.surface, Surface::Home(_)) {
            let house = self.household(&caller.credential).await?;
            caller.person = match house.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            };
            caller.house = Some(house);
        }
        if let (Some(stay), Surface::Room(room)) = (row.try_get::<Option<String>, _>("stay")?, &caller.surface) {
            let (owner, sealed): (String, Vec<u8>) = (row.try_get("stay_owner")?, row.try_get("stay_sealed")?);
            match self.occupant_of(room.as_str(), &stay, &owner, &sealed) {
                Ok(occupant) => {
                    caller.person = Some(occupant.person);
                    caller.stay = Some(occupant.stay);
                }
                // The stay ended between two commits of somebody else; nobody is known to be there.
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(caller))
    }

    /// Spends a one-time token; `None` when it is none, was spent, or is too old. Audited.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn redeem(&self, one_time_token: &str, at: Timestamp) -> Result<Option<Grant>, StoreError> {
        let id = self.credential_id(one_time_token)?;
        let known = "SELECT surface, room, owner, sealed, expires FROM credential \
            WHERE id = $1 AND one_time = 1 AND used IS NULL AND expires > $2";
        let row = self.inner.database.ask_one(known, &[id.as_str().into(), at.as_microsecond().into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let Some((surface, person, label)) = self.grant(&id, &row)? else { return Ok(None) };
        let expires = Timestamp::from_microsecond(row.try_get("expires")?)
            .map_err(|_| StoreError::Damaged("credential.expires".into()))?;
        let step = Step::new(
            "UPDATE credential SET used = $2 WHERE id = $1 AND used IS NULL",
            vec![id.as_str().into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere);
        let draft = self.draft(&entry(&id, person.clone(), "redeemed", at), None)?;
        match self.inner.writer.submit(vec![step], vec![draft]).await {
            Ok(_) => Ok(Some(Grant { surface, person, label, one_time: true, expires })),
            Err(JobError::Refused(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a credential at once; audited. False when there is none of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, id: &CredentialId, at: Timestamp) -> Result<bool, StoreError> {
        let step =
            Step::new("DELETE FROM credential WHERE id = $1", vec![id.as_str().into()]).or_nothing(Refusal::NotThere);
        let members = Step::new("DELETE FROM member WHERE credential = $1", vec![id.as_str().into()]);
        let draft = self.draft(&entry(id, None, "revoked", at), None)?;
        let steps = [step, members].into_iter().chain(Self::queue_ends(id)).collect();
        match self.inner.writer.submit(steps, vec![draft]).await {
            Ok(_) => {
                self.inner.wakes.device(id);
                Ok(true)
            }
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The surface, person and label of a credential's row; `None` when its person's key was destroyed.
    fn grant(
        &self,
        id: &CredentialId,
        row: &sqlx::any::AnyRow,
    ) -> Result<Option<(Surface, Option<PersonId>, String)>, StoreError> {
        let damaged = || StoreError::Damaged("credential".into());
        let (owner, sealed): (String, Vec<u8>) = (row.try_get("owner")?, row.try_get("sealed")?);
        let place = Place { table: "credential", column: "sealed", row: id.as_str(), owner: &owner };
        let plain = match self.unseal(place, &sealed) {
            Ok(plain) => plain,
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => return Ok(None),
            Err(error) => return Err(error),
        };
        let details: SealedGrant = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        let room = row
            .try_get::<Option<String>, _>("room")?
            .map(|room| RoomId::parse(&room).map_err(|_| damaged()))
            .transpose()?;
        let surface = match (row.try_get::<String, _>("surface")?.as_str(), room) {
            ("room", Some(room)) => Surface::Room(room),
            ("home", Some(room)) => Surface::Home(room),
            ("chat", None) => Surface::Chat,
            ("third-party", None) => Surface::ThirdParty,
            _ => return Err(damaged()),
        };
        let person = details.person.as_deref().map(person_id).transpose()?;
        Ok(Some((surface, person, details.label)))
    }

    /// A credential's name: a keyed hash of its token.
    pub(super) fn credential_id(&self, token: &str) -> Result<CredentialId, StoreError> {
        let hash = self.inner.keys.root().hash("credential", &[token.as_bytes()]);
        CredentialId::parse(&hash).map_err(|_| StoreError::Damaged("credential".into()))
    }
}

fn entry(id: &CredentialId, subject: Option<PersonId>, outcome: &'static str, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Credential,
        subject,
        actor: Some(id.clone()),
        intent: None,
        channel: "staff",
        session: None,
        turn: None,
        closes: None,
        outcome: Some(outcome),
        at,
    }
}
