//! What people measured themselves.
//!
//! Invariants: a reading is sealed under the person's key and comes out only as [`Phi`]; a correction takes the old one out
//! and puts the new one in, both or neither; nothing goes while a legal hold is on it.

use jiff::Timestamp;
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store, TurnCommit,
    error::StoreError,
    job::{Refusal, Step},
    keys::KeyOwner,
};
use crate::{
    actions::{Change, Conflict},
    policy::{Event, JournalEntry, PersonId, Phi},
    records::Reading,
};

impl Store {
    /// A person's own readings, newest measured first.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn readings(&self, person: &PersonId) -> Result<Phi<Vec<Reading>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let kept = "SELECT id, sealed FROM reading WHERE owner = $1 ORDER BY id";
        let rows = self.inner.database.ask(kept, &[owner.as_str().into()]).await?;
        let mut all: Vec<Reading> = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: String = row.try_get("id")?;
            let place = Place { table: "reading", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let reading: Reading =
                serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("reading.sealed".into()))?;
            all.push(Reading { id, ..reading });
        }
        // Of two at the same time, the one that was noted later comes first.
        all.reverse();
        all.sort_by_key(|reading| std::cmp::Reverse(reading.at));
        Ok(Phi::new(person.clone(), all))
    }

    /// The statements of a change to somebody's readings, and of staff being told of one.
    pub(super) fn reading_steps(
        &self,
        change: &Change,
        commit: &TurnCommit,
        id: &str,
    ) -> Result<Vec<Step>, StoreError> {
        match (change, &commit.person, &commit.room) {
            (Change::KeepReading { reading }, Some(person), _) => {
                Ok(vec![self.reading_step(person, id, reading, commit.at)?])
            }
            (Change::CorrectReading { old, instead }, Some(person), _) => {
                let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
                let gone = Step::new(
                    "DELETE FROM reading WHERE id = $1 AND owner = $2",
                    vec![old.as_str().into(), owner.into()],
                );
                let gone = gone.or_nothing(Refusal::Conflict(Conflict::ReadingGone));
                let new =
                    instead.as_ref().map(|reading| self.reading_step(person, id, reading, commit.at)).transpose()?;
                Ok([self.unless_held(person), gone].into_iter().chain(new).collect())
            }
            (Change::TellStaff { need }, person, Some(room)) => {
                let owner = person.clone().map_or_else(|| commit.owner.clone(), KeyOwner::Person);
                self.call_steps(&owner, id, (room, need, true), commit.at)
            }
            // At home there is no board; what to do was said.
            (Change::TellStaff { .. }, _, None) => Ok(vec![]),
            _ => Err(StoreError::NotPossible),
        }
    }

    fn reading_step(&self, person: &PersonId, id: &str, reading: &Reading, at: Timestamp) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(reading).unwrap_or_default());
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "reading", "sealed", id, &plain)?;
        Ok(Step::new(
            "INSERT INTO reading (id, noted, owner, sealed) VALUES ($1, $2, $3, $4)",
            vec![id.into(), at.as_microsecond().into(), owner.into(), sealed.into()],
        ))
    }

    /// Deletes all of a person's own readings, outside a turn; gives how many there were. `entry` is the row that closes it.
    ///
    /// # Errors
    /// [`StoreError::Held`] under a legal hold, or when the database or a key fails; nothing was deleted then.
    pub async fn forget_readings(&self, person: &PersonId, entry: &JournalEntry) -> Result<i64, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let count = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM reading WHERE owner = $1";
        let row = self.inner.database.ask_one(count, &[owner.as_str().into()]).await?;
        let n: i64 = row.map(|row| row.try_get("n")).transpose()?.unwrap_or_default();
        let steps =
            vec![self.unless_held(person), Step::new("DELETE FROM reading WHERE owner = $1", vec![owner.into()])];
        let proof = format!("{n} readings, at their own wish");
        let gone = JournalEntry { event: Event::Forgotten, closes: None, outcome: Some("done"), ..entry.clone() };
        let drafts = vec![self.draft(&gone, Some(&proof))?, self.draft(entry, None)?];
        self.inner.writer.submit(steps, drafts).await?;
        Ok(n)
    }
}
