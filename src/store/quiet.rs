//! What somebody does not want to be told unasked: one sealed row a person. It says when to keep still, and nothing of what
//! there is.

use sqlx::Row;

use super::{Place, Store, error::StoreError, job::Step, keys::KeyOwner};
use crate::policy::{JournalEntry, PersonId, quiet::Quiet};

impl Store {
    /// What a person does not want to be told unasked; nothing, where they never said.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn quiet(&self, person: &PersonId) -> Result<Quiet, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let kept = "SELECT sealed FROM quiet WHERE owner = $1";
        let row = self.inner.database.ask_one(kept, &[owner.as_str().into()]).await?;
        let Some(row) = row else { return Ok(Quiet::default()) };
        let place = Place { table: "quiet", column: "sealed", row: "quiet", owner: &owner };
        let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("quiet.sealed".into()))
    }

    /// Replaces it; audited by `entry`.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn set_quiet(&self, person: &PersonId, quiet: &Quiet, entry: &JournalEntry) -> Result<(), StoreError> {
        let (step, draft) = (self.quiet_step(person, quiet)?, self.draft(entry, None)?);
        self.inner.writer.submit(vec![step], vec![draft]).await.map(drop).map_err(StoreError::from)
    }

    /// The statement that keeps it.
    pub(super) fn quiet_step(&self, person: &PersonId, quiet: &Quiet) -> Result<Step, StoreError> {
        let plain = serde_json::to_vec(quiet).unwrap_or_default();
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "quiet", "sealed", "quiet", &plain)?;
        let keep = "INSERT INTO quiet (owner, sealed) VALUES ($1, $2) \
            ON CONFLICT (owner) DO UPDATE SET sealed = excluded.sealed";
        Ok(Step::new(keep, vec![owner.into(), sealed.into()]))
    }
}
