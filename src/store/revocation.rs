//! Tokens of other organizations that are no longer used, until the organization has taken them back.
//!
//! Invariants: what is to be given back is here from the commit that took it from where it was; it leaves once the organization
//! said that it takes it no longer, or after two weeks; whoever tries has it to themselves meanwhile. Each row is sealed under a
//! key of its own, which goes before the row: whoever deletes a person still has the organization told, and what lies in a backup
//! opens nothing afterwards. Whose they were is not known here.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store,
    connection::{Access, Connection},
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
};
use crate::policy::{Event, JournalEntry, PersonId};

/// How long it is tried.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Longest pause between two tries.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(12);
/// Looked at in one go.
const AT_ONCE: i64 = 32;

/// Tokens that an organization has to be told of, and who has them now.
///
/// Not `Debug`: it holds tokens.
pub struct Revocation {
    id: String,
    owner: String,
    /// The organization's id in the configuration.
    pub organization: String,
    /// What is to be taken back.
    pub access: Access,
}

/// A row to be written, whose key is there.
pub(super) struct ToRevoke {
    /// Its id.
    pub id: String,
    /// The statement.
    pub step: Step,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    organization: String,
    access: Access,
}

/// The pause after so many tries: a minute, then twice as long each time.
fn pause(attempts: i64) -> SignedDuration {
    let doubled = 1_i64.checked_shl(u32::try_from(attempts).unwrap_or(u32::MAX)).unwrap_or(i64::MAX);
    SignedDuration::from_mins(doubled.clamp(1, 24 * 60)).min(LONGEST_PAUSE)
}

impl Store {
    /// The statement that keeps tokens until they are taken back. Where it is not carried out, [`Store::not_to_revoke`].
    pub(super) fn to_revoke(&self, organization: &str, access: &Access, at: Timestamp) -> Result<ToRevoke, StoreError> {
        let id = hex::encode(self.random::<16>()?);
        let key = KeyOwner::Token(id.clone());
        self.inner.keys.create(&key)?;
        let sealed = Sealed { organization: organization.to_owned(), access: access.clone() };
        let plain = Zeroizing::new(serde_json::to_vec(&sealed).unwrap_or_default());
        let (owner, sealed) = self.seal(&key, "revocation", "sealed", &id, &plain)?;
        let gone = at.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let insert = "INSERT INTO revocation (id, due, gone, attempts, owner, sealed) VALUES ($1, $2, $3, 0, $4, $5)";
        let at = at.as_microsecond();
        let values = vec![id.as_str().into(), at.into(), gone.as_microsecond().into(), owner.into(), sealed.into()];
        Ok(ToRevoke { id, step: Step::new(insert, values) })
    }

    /// Nothing was written, so nothing needs its key.
    pub(super) fn not_to_revoke(&self, id: &str) {
        let _ = self.inner.keys.destroy(&self.inner.keys.name(&KeyOwner::Token(id.to_owned())));
    }

    /// The same for what a connection holds; nothing where it holds nothing.
    pub(super) fn held_to_revoke(&self, held: &Connection, at: Timestamp) -> Result<Option<ToRevoke>, StoreError> {
        let details = &held.details;
        details.access.as_ref().map(|access| self.to_revoke(&details.organization, access, at)).transpose()
    }

    /// The same for all that somebody connected, whatever became of it.
    pub(super) async fn all_to_revoke(&self, person: &PersonId, at: Timestamp) -> Result<Vec<ToRevoke>, StoreError> {
        let all = self.seized(person, "").await?;
        all.iter().filter_map(|one| self.held_to_revoke(one, at).transpose()).collect()
    }

    /// Keeps tokens that are used for nothing until they are taken back; its id, for [`Store::take_revocation`].
    ///
    /// # Errors
    /// When the database or the key store fails.
    pub async fn give_back(&self, organization: &str, access: &Access, at: Timestamp) -> Result<String, StoreError> {
        let ToRevoke { id, step } = self.to_revoke(organization, access, at)?;
        match self.inner.writer.submit(vec![step], vec![]).await {
            Ok(_) => Ok(id),
            Err(error) => {
                self.not_to_revoke(&id);
                Err(error.into())
            }
        }
    }

    /// The tokens that an organization should be told of now, by their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_revocations(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let due = "SELECT id FROM revocation WHERE due <= $1 ORDER BY due, id LIMIT $2";
        let rows = self.inner.database.ask(due, &[now.as_microsecond().into(), AT_ONCE.into()]).await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Takes tokens to tell an organization of them; nobody else does before the next try would be. `None` where somebody else
    /// has them, or they are gone.
    ///
    /// # Errors
    /// When the database or the key store fails.
    pub async fn take_revocation(&self, id: &str, now: Timestamp) -> Result<Option<Revocation>, StoreError> {
        let one = "SELECT due, attempts, owner, sealed FROM revocation WHERE id = $1 AND due <= $2";
        let values = [id.into(), now.as_microsecond().into()];
        let Some(row) = self.inner.database.ask_one(one, &values).await? else { return Ok(None) };
        let until = now.checked_add(pause(row.try_get("attempts")?)).unwrap_or(Timestamp::MAX);
        let hold = "UPDATE revocation SET due = $3, attempts = attempts + 1 WHERE id = $1 AND due = $2";
        let due: i64 = row.try_get("due")?;
        let hold = Step::new(hold, vec![id.into(), due.into(), until.as_microsecond().into()]);
        match self.inner.writer.submit(vec![hold.or_nothing(Refusal::NotThere)], vec![]).await {
            Ok(_) => self.revocation_of(id, &row).await,
            Err(JobError::Refused(_)) => Ok(None),
            Err(JobError::Store(error)) => Err(error),
        }
    }

    async fn revocation_of(&self, id: &str, row: &AnyRow) -> Result<Option<Revocation>, StoreError> {
        let owner: String = row.try_get("owner")?;
        let place = Place { table: "revocation", column: "sealed", row: id, owner: &owner };
        match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => {
                let damaged = |_| StoreError::Damaged("revocation.sealed".into());
                let Sealed { organization, access } = serde_json::from_slice(&plain).map_err(damaged)?;
                Ok(Some(Revocation { id: id.to_owned(), owner, organization, access }))
            }
            // Whoever ended it got as far as the key.
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => {
                self.inner.writer.submit(vec![Self::revocation_gone(id)], vec![]).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The organization takes these no longer, or takes no word of it: they are gone from here. `outcome` says which of the two,
    /// in the audit trail.
    ///
    /// # Errors
    /// When the database or the key store fails; it is told once more then.
    pub async fn revocation_done(
        &self,
        done: &Revocation,
        outcome: &'static str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.keys.destroy(&done.owner)?;
        let draft = self.draft(&told(outcome, at), None)?;
        self.inner.writer.submit(vec![Self::revocation_gone(&done.id)], vec![draft]).await?;
        Ok(())
    }

    /// Deletes tokens that their organization never heard of in two weeks; how many.
    ///
    /// # Errors
    /// When the database or the key store fails.
    pub async fn forget_revocations(&self, now: Timestamp) -> Result<usize, StoreError> {
        let old = "SELECT id, owner FROM revocation WHERE gone <= $1";
        let rows = self.inner.database.ask(old, &[now.as_microsecond().into()]).await?;
        for row in &rows {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            self.inner.keys.destroy(&owner)?;
            let draft = self.draft(&told("given_up", now), None)?;
            self.inner.writer.submit(vec![Self::revocation_gone(&id)], vec![draft]).await?;
        }
        Ok(rows.len())
    }

    fn revocation_gone(id: &str) -> Step {
        Step::new("DELETE FROM revocation WHERE id = $1", vec![id.into()])
    }
}

/// About nobody: whose they were is not known any more.
fn told(outcome: &'static str, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Connection,
        subject: None,
        actor: None,
        intent: Some("record.connect".to_owned()),
        channel: "import",
        session: None,
        turn: None,
        closes: None,
        outcome: Some(outcome),
        at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let minutes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720];
        for (attempts, wanted) in (0..).zip(minutes) {
            assert_eq!(pause(attempts), SignedDuration::from_mins(wanted), "{attempts}");
        }
        assert_eq!(pause(i64::MAX), LONGEST_PAUSE);
    }
}
