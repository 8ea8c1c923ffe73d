//! Letters that wait to go out.
//!
//! Invariants: a letter is in the queue before anybody is told of it, and leaves it once the mail server has taken it, is
//! done with it for good, or it is of no use any more; whoever sends one has it to themselves meanwhile, and when they
//! die over it, it is sent again. To whom and what is sealed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
};
use crate::mail::{Address, Letter};

/// Letters looked at in one go.
const AT_ONCE: i64 = 32;
/// Longest pause between two tries.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(4);

/// A letter that is due, and who has it now.
pub struct DueLetter {
    id: String,
    held_until: i64,
    /// To whom.
    pub to: Address,
    /// What.
    pub letter: Letter,
    /// Tells it from every other one, also when it is sent once more.
    pub name: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    to: String,
    letter: Letter,
    name: String,
}

/// How long a letter is of use.
const fn useful(letter: &Letter) -> SignedDuration {
    match letter {
        Letter::Confirm { .. } => SignedDuration::from_hours(1),
        Letter::News => SignedDuration::from_hours(24),
        Letter::Enabled { days, .. } => SignedDuration::from_hours(24 * *days),
        Letter::Back { minutes, .. } => SignedDuration::from_mins(*minutes),
    }
}

/// The pause after so many tries: a minute, then twice as long each time.
fn pause(attempts: i64) -> SignedDuration {
    let doubled = 1_i64.checked_shl(u32::try_from(attempts).unwrap_or(u32::MAX)).unwrap_or(i64::MAX);
    SignedDuration::from_mins(doubled.clamp(1, 24 * 60)).min(LONGEST_PAUSE)
}

impl Store {
    /// The statement that puts a letter into the queue. One of its kind that waits for the same address is replaced.
    pub(super) fn letter_step(
        &self,
        owner: &KeyOwner,
        to: &Address,
        letter: &Letter,
        due: Timestamp,
    ) -> Result<Step, StoreError> {
        let id = self.inner.keys.root().hash("mail", &[letter.name().as_bytes(), to.as_str().as_bytes()]);
        let name = hex::encode(self.random::<12>()?);
        let sealed = Sealed { to: to.as_str().to_owned(), letter: letter.clone(), name };
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&sealed).unwrap_or_default());
        let (owner, sealed) = self.seal(owner, "mail", "sealed", &id, &plain)?;
        let gone = due.checked_add(useful(letter)).unwrap_or(Timestamp::MAX);
        let insert = "INSERT INTO mail (id, due, gone, attempts, owner, sealed) VALUES ($1, $2, $3, 0, $4, $5) \
            ON CONFLICT (id) DO UPDATE SET due = excluded.due, gone = excluded.gone, attempts = 0, \
            owner = excluded.owner, sealed = excluded.sealed";
        let values =
            vec![id.into(), due.as_microsecond().into(), gone.as_microsecond().into(), owner.into(), sealed.into()];
        Ok(Step::new(insert, values))
    }

    /// The next letters that are due, each held by the caller until its next try would be. What is of no use any more, or
    /// nobody's, goes.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn due_letters(&self, now: Timestamp) -> Result<Vec<DueLetter>, StoreError> {
        let stale = "DELETE FROM mail WHERE gone <= $1";
        let due = "SELECT id, due, attempts, owner, sealed FROM mail WHERE due <= $1 ORDER BY due, id LIMIT $2";
        let rows = self.inner.database.ask(due, &[now.as_microsecond().into(), AT_ONCE.into()]).await?;
        if rows.is_empty() {
            return Ok(vec![]);
        }
        self.inner.writer.submit(vec![Step::new(stale, vec![now.as_microsecond().into()])], vec![]).await?;
        let mut letters = Vec::new();
        for row in rows {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "mail", column: "sealed", row: &id, owner: &owner };
            let told: Sealed = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Ok(plain) => serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("mail.sealed".into()))?,
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => {
                    self.drop_letter(&id, row.try_get("due")?).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let to = Address::parse(&told.to).ok_or_else(|| StoreError::Damaged("mail.sealed".into()))?;
            let until = now.checked_add(pause(row.try_get("attempts")?)).unwrap_or(Timestamp::MAX).as_microsecond();
            let hold = "UPDATE mail SET due = $3, attempts = attempts + 1 WHERE id = $1 AND due = $2";
            let values = vec![id.as_str().into(), row.try_get::<i64, _>("due")?.into(), until.into()];
            match self.inner.writer.submit(vec![Step::new(hold, values).or_nothing(Refusal::NotThere)], vec![]).await {
                Ok(_) => letters.push(DueLetter { id, held_until: until, to, letter: told.letter, name: told.name }),
                // Somebody else has it, or it was of no use any more.
                Err(JobError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(letters)
    }

    /// A letter is out, or never will be. One that took its place meanwhile stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn letter_done(&self, letter: &DueLetter) -> Result<(), StoreError> {
        self.drop_letter(&letter.id, letter.held_until).await
    }

    /// The mail server takes nothing for this address: the letter is gone, and staff see so on the list of who waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn letter_refused(&self, letter: &DueLetter, at: Timestamp) -> Result<(), StoreError> {
        self.inner.writer.submit(vec![self.refused_step(&letter.to, at)], vec![]).await?;
        self.letter_done(letter).await
    }

    async fn drop_letter(&self, id: &str, due: i64) -> Result<(), StoreError> {
        let step = Step::new("DELETE FROM mail WHERE id = $1 AND due = $2", vec![id.into(), due.into()]);
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let minutes = [1, 2, 4, 8, 16, 32, 64, 128, 240, 240];
        for (attempts, wanted) in (0..).zip(minutes) {
            assert_eq!(pause(attempts), SignedDuration::from_mins(wanted), "{attempts}");
        }
        assert_eq!(pause(i64::MAX), LONGEST_PAUSE);
    }
}
