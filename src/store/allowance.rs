//! That staff looked at somebody's papers, because another organization has them under another name or date of birth.
//!
//! Invariants: it is for one person at one organization, under that one name and day, for a month; it is in the audit trail with
//! who allowed it, where the person sees it; it is sealed under the person's key.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::Step,
    keys::{KeyError, KeyOwner},
};
use crate::{
    policy::{Event, JournalEntry, PersonId, Phi},
    records::Profile,
};

/// How long it counts.
pub const ALLOWANCE_LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Store {
    /// Lets a person connect records at one organization that are under this name and date of birth, though theirs are others
    /// here; audited with who saw the papers. What was allowed there before no longer counts.
    ///
    /// # Errors
    /// When the person is not known, or the database or their key fails.
    pub async fn allow_connection(
        &self,
        person: &PersonId,
        organization: &str,
        there: &Profile,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.person_exists(person).await? {
            return Err(StoreError::UnknownPerson);
        }
        let id = self.allowance(person, organization);
        let plain = Zeroizing::new(serde_json::to_vec(there).unwrap_or_default());
        let owner = KeyOwner::Person(person.clone());
        let (owner, sealed) = self.seal(&owner, "pairing", "sealed", &id, &plain)?;
        let insert = "INSERT INTO pairing (id, kind, person, expires, owner, sealed) VALUES ($1, 'allowed', $1, $2, $3, $4) \
            ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, sealed = excluded.sealed";
        let until = at.checked_add(ALLOWANCE_LASTS).unwrap_or(Timestamp::MAX);
        let values = vec![id.into(), until.as_microsecond().into(), owner.into(), sealed.into()];
        let entry = JournalEntry {
            event: Event::Connection,
            subject: Some(person.clone()),
            actor: None,
            intent: Some("record.connect".to_owned()),
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some("allowed"),
            at,
        };
        let draft = self.draft(&entry, Some(by))?;
        self.inner.writer.submit(vec![Step::new(insert, values)], vec![draft]).await?;
        Ok(())
    }

    /// Under which other name and date of birth an organization may have a person; `None` where staff allowed none.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn allowed_connection(
        &self,
        person: &PersonId,
        organization: &str,
        now: Timestamp,
    ) -> Result<Phi<Option<Profile>>, StoreError> {
        let id = self.allowance(person, organization);
        let live = "SELECT owner, sealed FROM pairing WHERE id = $1 AND kind = 'allowed' AND expires > $2";
        let row = self.inner.database.ask_one(live, &[id.as_str().into(), now.as_microsecond().into()]).await?;
        let Some(row) = row else { return Ok(Phi::new(person.clone(), None)) };
        let owner: String = row.try_get("owner")?;
        let place = Place { table: "pairing", column: "sealed", row: &id, owner: &owner };
        let there = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => {
                Some(serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("pairing.sealed".into()))?)
            }
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => None,
            Err(error) => return Err(error),
        };
        Ok(Phi::new(person.clone(), there))
    }

    fn allowance(&self, person: &PersonId, organization: &str) -> String {
        self.inner.keys.root().hash("allowed connection", &[person.as_str().as_bytes(), organization.as_bytes()])
    }
}
