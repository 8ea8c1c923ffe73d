//! Legal holds: a person's data that must not be deleted until somebody lifts the hold.
//!
//! Invariants: whether somebody is held is asked in the transaction that would delete ([`Store::unless_held`], or
//! `AND owner NOT IN (SELECT owner FROM held)`), so that a hold placed a moment before counts; each hold and its end is in the audit chain; why, by whom
//! and about whom is sealed. A hold keeps rows and keys. It keeps no chart from being replaced by a newer import, and no
//! credential from being withdrawn.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
};
use crate::policy::{Event, JournalEntry, PersonId};

/// Bytes of a reason.
const LONGEST: usize = 2000;

/// A hold, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Its random id.
    pub id: String,
    /// Whose data is held.
    pub person: String,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub by: String,
    /// When it was placed.
    pub placed: Timestamp,
    /// When it was lifted; `None` while it holds.
    pub lifted: Option<Timestamp>,
    /// Who lifted it, and why.
    pub lifted_because: Option<(String, String)>,
}

/// Why a hold could not be placed or lifted; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// There is no reason, or a book of it.
    #[error("a reason must have 1 to 2000 bytes")]
    Reason,
    /// Nobody is held there.
    #[error("there is no such hold that still holds. See: wellspoken hold list")]
    NotHeld,
    /// More than one hold is open.
    #[error("there are {0} holds on this person; name one with --hold (see: wellspoken hold list)")]
    Several(usize),
    /// The database or a key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is sealed of a hold.
#[derive(Serialize, Deserialize)]
struct Told {
    person: String,
    reason: String,
    by: String,
    lifted_because: Option<(String, String)>,
}

impl Store {
    /// Whether somebody's data must stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held(&self, person: &PersonId) -> Result<bool, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        self.held_owner(&owner).await
    }

    pub(super) async fn held_owner(&self, owner: &str) -> Result<bool, StoreError> {
        let row = self.inner.database.ask_one("SELECT owner FROM held WHERE owner = $1", &[owner.into()]).await?;
        Ok(row.is_some())
    }

    /// A step that changes nothing and refuses the whole job, as [`StoreError::Held`], while this person's data is held.
    /// Whatever deletes what is theirs submits it in front of its own steps.
    pub(super) fn unless_held(&self, person: &PersonId) -> Step {
        Self::unless_held_owner(&self.inner.keys.name(&KeyOwner::Person(person.clone())))
    }

    pub(super) fn unless_held_owner(owner: &str) -> Step {
        let ask = "UPDATE meta SET value = value WHERE name = 'master key' AND $1 NOT IN (SELECT owner FROM held)";
        Step::new(ask, vec![owner.into()]).or_nothing(Refusal::Held)
    }

    /// Places a hold; gives its id. There may be several on one person, each with its own reason. Audited.
    ///
    /// # Errors
    /// When nobody of that id is known, the reason is none, or the database or the house's key fails.
    pub async fn place_hold(
        &self,
        person: &PersonId,
        reason: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<String, HoldError> {
        let reason = reason.trim();
        if !(1..=LONGEST).contains(&reason.len()) {
            return Err(HoldError::Reason);
        }
        if !self.person_exists(person).await? {
            return Err(StoreError::UnknownPerson.into());
        }
        let subject = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let occupant = self.inner.keys.root().hash("occupant", &[person.as_str().as_bytes()]);
        let id = hex::encode(self.random::<8>()?);
        let told = Told {
            person: person.as_str().to_owned(),
            reason: reason.to_owned(),
            by: by.to_owned(),
            lifted_because: None,
        };
        let (owner, sealed) = self.sealed_hold(&id, &told)?;
        let step = Step::new(
            "INSERT INTO hold (id, subject, occupant, placed, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                id.as_str().into(),
                subject.as_str().into(),
                occupant.into(),
                at.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        );
        self.audited_hold(vec![step], "placed", &subject, by, at).await?;
        Ok(id)
    }

    /// Lifts a hold: the only one on this person, or the one named. What is too old goes with the next sweep. Audited.
    ///
    /// # Errors
    /// When there is none, several and none named, the reason is none, or the database or the house's key fails.
    pub async fn lift_hold(
        &self,
        person: &PersonId,
        hold: Option<&str>,
        reason: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<(), HoldError> {
        let reason = reason.trim();
        if !(1..=LONGEST).contains(&reason.len()) {
            return Err(HoldError::Reason);
        }
        let mut open = self.holds(Some(person)).await?;
        open.retain(|held| held.lifted.is_none() && hold.is_none_or(|id| id == held.id));
        let several = open.len();
        let held = open.pop().ok_or(HoldError::NotHeld)?;
        if several > 1 {
            return Err(HoldError::Several(several));
        }
        let told = Told {
            person: held.person,
            reason: held.reason,
            by: held.by,
            lifted_because: Some((by.to_owned(), reason.to_owned())),
        };
        let (_, sealed) = self.sealed_hold(&held.id, &told)?;
        let step = Step::new(
            "UPDATE hold SET lifted = $2, sealed = $3 WHERE id = $1 AND lifted IS NULL",
            vec![held.id.into(), at.as_microsecond().into(), sealed.into()],
        )
        .or_nothing(Refusal::NotThere);
        let subject = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        match self.audited_hold(vec![step], "lifted", &subject, by, at).await {
            Err(JobError::Refused(_)) => Err(HoldError::NotHeld),
            Err(JobError::Store(error)) => Err(error.into()),
            Ok(()) => Ok(()),
        }
    }

    /// Every hold, lifted ones too, oldest first; of one person, or of all.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn holds(&self, person: Option<&PersonId>) -> Result<Vec<Hold>, StoreError> {
        let all = "SELECT id, placed, lifted, owner, sealed FROM hold \
                   WHERE $1 = '' OR subject = $1 ORDER BY placed, id";
        let subject = person.map(|person| self.inner.keys.name(&KeyOwner::Person(person.clone()))).unwrap_or_default();
        let rows = self.inner.database.ask(all, &[subject.into()]).await?;
        let damaged = || StoreError::Damaged("hold.sealed".into());
        let time = |at: i64| Timestamp::from_microsecond(at).map_err(|_| damaged());
        let holds = rows.into_iter().map(|row| {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let sealed: Vec<u8> = row.try_get("sealed")?;
            let plain = self.unseal(Place { table: "hold", column: "sealed", row: &id, owner: &owner }, &sealed)?;
            let told: Told = serde_json::from_slice(&plain).map_err(|_| damaged())?;
            let lifted: Option<i64> = row.try_get("lifted")?;
            Ok(Hold {
                person: told.person,
                reason: told.reason,
                by: told.by,
                placed: time(row.try_get("placed")?)?,
                lifted: lifted.map(time).transpose()?,
                lifted_because: told.lifted_because,
                id,
            })
        });
        holds.collect()
    }

    fn sealed_hold(&self, id: &str, told: &Told) -> Result<(String, Vec<u8>), StoreError> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(told).unwrap_or_default());
        self.seal(&KeyOwner::House, "hold", "sealed", id, &plain)
    }

    /// The row is the organization's, and names the person's key: it must stay readable when that key is gone.
    async fn audited_hold(
        &self,
        steps: Vec<Step>,
        outcome: &'static str,
        subject: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<(), JobError> {
        let entry = JournalEntry {
            event: Event::Hold,
            subject: None,
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some(outcome),
            at,
        };
        let draft = self.draft_about(&entry, Some(by), Some(subject))?;
        self.inner.writer.submit(steps, vec![draft]).await.map(|_| ())
    }

    /// What happens to the conversations of stays that end: they go, or where somebody held was in the room, are put
    /// where no turn finds them.
    pub(super) fn stay_ends(owner: &str) -> [Step; 7] {
        [
            // No identifier has a space in it, so nobody can ask for such a row.
            "UPDATE session SET id = 'held ' || id WHERE owner = $1 AND owner IN (SELECT owner FROM held)",
            "UPDATE turn SET id = 'held ' || id WHERE owner = $1 AND owner IN (SELECT owner FROM held)",
            "INSERT INTO hold_stay (owner, subject) SELECT DISTINCT room.owner, hold.subject FROM room \
             JOIN hold ON hold.occupant = room.occupant WHERE hold.lifted IS NULL AND room.owner = $1",
            "DELETE FROM session WHERE owner = $1 AND owner NOT IN (SELECT owner FROM held)",
            "DELETE FROM turn WHERE owner = $1 AND owner NOT IN (SELECT owner FROM held)",
            // No device has that name.
            "UPDATE device_event SET credential = 'held ' || credential \
             WHERE owner = $1 AND owner IN (SELECT owner FROM held)",
            "DELETE FROM device_event WHERE owner = $1 AND owner NOT IN (SELECT owner FROM held)",
        ]
        .map(|sql| Step::new(sql, vec![owner.into()]))
    }

    /// Stays that were kept for a hold which no longer holds.
    pub(super) async fn released_stays(&self) -> Result<Vec<String>, StoreError> {
        let released = "SELECT owner FROM hold_stay WHERE owner NOT IN (SELECT owner FROM held)";
        let rows = self.inner.database.ask(released, &[]).await?;
        Ok(rows.iter().map(|row| row.try_get("owner")).collect::<Result<_, _>>()?)
    }
}

impl From<JobError> for HoldError {
    fn from(error: JobError) -> Self {
        Self::Store(error.into())
    }
}
