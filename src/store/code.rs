//! One-time codes: made on a person's own page, said at a device.
//!
//! Invariants: one live code a person, kept as a keyed hash; it works once and for ten minutes; a try at one is counted
//! for the device, durably, before it is looked at.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    people::person_id,
};
use crate::policy::{JournalEntry, PersonId, lockout::Gate};

/// How long a code works.
pub const CODE_LASTS: SignedDuration = SignedDuration::from_mins(10);
/// Digits of a code: so many that a device, which may try a dozen an hour, finds none of however many are live.
pub const CODE_DIGITS: usize = 8;

/// How a try at a code ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeTried {
    /// It is this person's, and is spent.
    Fits(PersonId),
    /// It is nobody's, or not one of theirs who may use one there.
    Wrong,
    /// These digits can be no code; not counted.
    NoCode,
    /// There were too many wrong ones on this device; not before this.
    Locked(Timestamp),
}

impl Store {
    /// Makes a person's code; the one before it no longer works. `entry` is filled with how it ended and audited.
    ///
    /// # Errors
    /// When nobody is named or known by that id, or the database or a key fails.
    pub async fn make_code(&self, entry: &JournalEntry, at: Timestamp) -> Result<Zeroizing<String>, StoreError> {
        let person = entry.subject.as_ref().ok_or(StoreError::UnknownPerson)?;
        if !self.person_exists(person).await? {
            return Err(StoreError::UnknownPerson);
        }
        // Two live codes are alike once in a hundred million times.
        for _ in 0..3 {
            let code = self.fresh_code()?;
            let whose = self.code_of(person);
            let owner = KeyOwner::Person(person.clone());
            let (owner, sealed) = self.seal(&owner, "code", "sealed", &whose, person.as_str().as_bytes())?;
            let steps = vec![
                Step::new("DELETE FROM code WHERE expires <= $1", vec![at.as_microsecond().into()]),
                Step::new(
                    "INSERT INTO code (person, code, expires, owner, sealed) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (person) DO UPDATE SET code = excluded.code, expires = excluded.expires, \
                     owner = excluded.owner, sealed = excluded.sealed",
                    vec![
                        whose.into(),
                        self.code_key(&code).into(),
                        (at + CODE_LASTS).as_microsecond().into(),
                        owner.into(),
                        sealed.into(),
                    ],
                )
                .or_duplicate(Refusal::Repeated),
            ];
            let draft = self.draft(&JournalEntry { outcome: Some("code_made"), ..entry.clone() }, None)?;
            match self.inner.writer.submit(steps, vec![draft]).await {
                Ok(_) => return Ok(code),
                Err(JobError::Refused(Refusal::Repeated)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Locked)
    }

    /// Tries a code on a device. `only`: those who may use one there; anybody where `None`. `entry` is filled with how it
    /// ended and audited.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn try_code(
        &self,
        digits: &str,
        only: Option<&PersonId>,
        entry: &JournalEntry,
        now: Timestamp,
    ) -> Result<CodeTried, StoreError> {
        let Some(device) = entry.actor.as_ref() else { return Ok(CodeTried::NoCode) };
        if digits.len() != CODE_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(CodeTried::NoCode);
        }
        match self.counted_for(vec![self.device_try(device)], now).await? {
            Gate::Open => {}
            Gate::Until(until) => {
                self.note_code(entry, "code_locked", vec![]).await?;
                return Ok(CodeTried::Locked(until));
            }
            Gate::Shut => return Ok(CodeTried::Wrong),
        }
        let found = self.live_code(digits, now).await?;
        let Some(person) = found.filter(|person| only.is_none_or(|only| only == person)) else {
            self.note_code(entry, "code_wrong", vec![]).await?;
            return Ok(CodeTried::Wrong);
        };
        let spent = Step::new("DELETE FROM code WHERE code = $1", vec![self.code_key(digits).into()])
            .or_nothing(Refusal::NotThere);
        let entry = JournalEntry { subject: Some(person.clone()), ..entry.clone() };
        match self.note_code(&entry, "code_right", vec![spent, self.one_failure_less(device)]).await {
            Ok(()) => Ok(CodeTried::Fits(person)),
            // Said twice at once: the other one was first.
            Err(JobError::Refused(_)) => Ok(CodeTried::Wrong),
            Err(JobError::Store(error)) => Err(error),
        }
    }

    async fn live_code(&self, digits: &str, now: Timestamp) -> Result<Option<PersonId>, StoreError> {
        let live = "SELECT person, owner, sealed FROM code WHERE code = $1 AND expires > $2";
        let values = [self.code_key(digits).into(), now.as_microsecond().into()];
        let Some(row) = self.inner.database.ask_one(live, &values).await? else { return Ok(None) };
        let (whose, owner): (String, String) = (row.try_get("person")?, row.try_get("owner")?);
        let place = Place { table: "code", column: "sealed", row: &whose, owner: &owner };
        match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => {
                let text = std::str::from_utf8(&plain).map_err(|_| StoreError::Damaged("code.sealed".into()))?;
                person_id(text).map(Some)
            }
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn note_code(&self, entry: &JournalEntry, outcome: &'static str, steps: Vec<Step>) -> Result<(), JobError> {
        let draft = self.draft(&JournalEntry { outcome: Some(outcome), ..entry.clone() }, None)?;
        self.inner.writer.submit(steps, vec![draft]).await.map(|_| ())
    }

    fn fresh_code(&self) -> Result<Zeroizing<String>, StoreError> {
        let number = u64::from_be_bytes(self.random::<8>()?) % 100_000_000;
        Ok(Zeroizing::new(format!("{number:08}")))
    }

    fn code_of(&self, person: &PersonId) -> String {
        self.inner.keys.root().hash("code of a person", &[person.as_str().as_bytes()])
    }

    fn code_key(&self, digits: &str) -> String {
        self.inner.keys.root().hash("one-time code", &[digits.as_bytes()])
    }
}
