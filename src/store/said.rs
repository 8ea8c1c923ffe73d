//! What a person said here and is still kept: how much, what, and deleting it when they ask.
//!
//! Invariants: nothing is deleted while a legal hold is on the person, and that is asked in the transaction that deletes;
//! the proof goes into the trail in the same transaction. Of a turn the words go and its name stays until retention
//! takes it, so that a client which repeats it still never acts twice.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::{
    Place, Store,
    audit::Draft,
    error::StoreError,
    job::Step,
    keys::{KeyError, KeyOwner},
};
use crate::{
    actions::Words,
    policy::{Event, JournalEntry, PersonId, Phi, SessionId},
};

/// A conversation forgets by itself after this long; until then it may hold what was said before its last turn.
const LASTS: SignedDuration = SignedDuration::from_mins(30);

/// How much of what a person said is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spoken {
    /// Conversations that could still be gone on with, or whose last words are kept.
    pub conversations: i64,
    /// Answers with the words they answer.
    pub answers: i64,
    /// Since when.
    pub since: Option<Timestamp>,
}

impl Spoken {
    /// Whether there is anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.conversations + self.answers > 0
    }
}

/// A turn whose words are kept.
///
/// Not `Debug`: it holds what was said.
pub struct KeptTurn {
    /// When it was.
    pub at: Timestamp,
    /// The conversation it belongs to.
    pub session: String,
    /// As the turn left it.
    pub answer: Vec<u8>,
}

/// From when to when, in microseconds, the end not included.
fn bounds(words: Words) -> (i64, i64) {
    match words {
        Words::Between { from, until } => (from.as_microsecond(), until.as_microsecond()),
        Words::Conversation | Words::Everything => (i64::MIN, i64::MAX),
    }
}

impl Store {
    /// Whose keys a person's words are sealed under: their own, and their stay's where they lie in a room.
    async fn speaks_under(&self, person: &PersonId) -> Result<Vec<String>, StoreError> {
        let occupant = self.inner.keys.root().hash("occupant", &[person.as_str().as_bytes()]);
        let rows = self.inner.database.ask("SELECT owner FROM room WHERE occupant = $1", &[occupant.into()]).await?;
        let own = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        std::iter::once(Ok(own)).chain(rows.iter().map(|row| Ok(row.try_get("owner")?))).collect()
    }

    /// How much of a person's words is kept from that time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spoken(&self, person: &PersonId, words: Words) -> Result<Spoken, StoreError> {
        let count = "SELECT CAST((SELECT COUNT(*) FROM session WHERE owner = $1 AND last >= $2 AND last < $3) AS BIGINT) \
            AS conversations, CAST(COUNT(*) AS BIGINT) AS answers, MIN(at) AS since FROM turn \
            WHERE owner = $1 AND at >= $2 AND at < $3 AND body <> ''";
        let (from, until) = bounds(words);
        let mut all = Spoken::default();
        for owner in self.speaks_under(person).await? {
            let row = self.inner.database.ask_one(count, &[owner.into(), from.into(), until.into()]).await?;
            let Some(row) = row else { continue };
            all.conversations += row.try_get::<i64, _>("conversations")?;
            all.answers += row.try_get::<i64, _>("answers")?;
            let since: Option<i64> = row.try_get("since")?;
            let since = since.and_then(|at| Timestamp::from_microsecond(at).ok());
            all.since = [all.since, since].into_iter().flatten().min();
        }
        Ok(all)
    }

    /// The turns of a person whose words are kept, oldest first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn kept_turns(&self, person: &PersonId) -> Result<Phi<Vec<KeptTurn>>, StoreError> {
        let kept = "SELECT id, session, at, sealed FROM turn WHERE owner = $1 AND body <> '' ORDER BY at, id";
        let mut turns = Vec::new();
        for owner in self.speaks_under(person).await? {
            for row in self.inner.database.ask(kept, &[owner.as_str().into()]).await? {
                let (id, at): (String, i64) = (row.try_get("id")?, row.try_get("at")?);
                let place = Place { table: "turn", column: "sealed", row: &id, owner: &owner };
                let answer = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
                    Ok(plain) => plain.to_vec(),
                    Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                    Err(error) => return Err(error),
                };
                let at = Timestamp::from_microsecond(at).map_err(|_| StoreError::Damaged("turn.at".into()))?;
                turns.push(KeptTurn { at, session: row.try_get("session")?, answer });
            }
        }
        turns.sort_by_key(|turn| turn.at);
        Ok(Phi::new(person.clone(), turns))
    }

    /// Deletes what a person said, outside a turn; gives how much it was. `entry` is the turn-like row that closes it.
    ///
    /// # Errors
    /// [`StoreError::Held`] under a legal hold, or when the database or a key fails; nothing was deleted then.
    pub async fn forget_said(
        &self,
        person: &PersonId,
        words: Words,
        entry: &JournalEntry,
    ) -> Result<Spoken, StoreError> {
        let gone = self.spoken(person, words).await?;
        let steps = self.forget_steps(person, words, None).await?;
        let drafts = vec![self.forgotten(gone, entry)?, self.draft(entry, None)?];
        self.inner.writer.submit(steps, drafts).await?;
        Ok(gone)
    }

    /// When the person asked aloud for a copy that waits on their page, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn copies_asked(&self, person: &PersonId) -> Result<Vec<Timestamp>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let asked = "SELECT at FROM copy_asked WHERE owner = $1 ORDER BY at DESC";
        let rows = self.inner.database.ask(asked, &[owner.into()]).await?;
        let times = rows.iter().map(|row| {
            Timestamp::from_microsecond(row.try_get("at")?).map_err(|_| StoreError::Damaged("copy_asked.at".into()))
        });
        times.collect()
    }

    /// A copy was made for the person's page; none waits any more. `entry` is the row that closes it.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn copy_taken(&self, person: &PersonId, entry: &JournalEntry) -> Result<(), StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let step = Step::new("DELETE FROM copy_asked WHERE owner = $1", vec![owner.into()]);
        let draft = self.draft(entry, None)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// The statements that delete it. The turn that asked, named by its conversation and its key, is answered after them.
    pub(super) async fn forget_steps(
        &self,
        person: &PersonId,
        words: Words,
        asking: Option<(&SessionId, &str)>,
    ) -> Result<Vec<Step>, StoreError> {
        let (from, until) = bounds(words);
        let last = until.saturating_add(i64::try_from(LASTS.as_micros()).unwrap_or(0));
        let (session, turn) = asking.map_or(("", ""), |(session, turn)| (session.as_str(), turn));
        // What was counted of it cannot be told apart by days, so all of it goes that was not released yet.
        let mut steps = vec![self.unless_held(person), self.patterns_end(person)];
        for owner in self.speaks_under(person).await? {
            steps.extend(match words {
                Words::Conversation => [
                    Step::new(
                        "DELETE FROM session WHERE owner = $1 AND id = $2",
                        vec![owner.as_str().into(), session.into()],
                    ),
                    Step::new(
                        "UPDATE turn SET body = '', sealed = $4 WHERE owner = $1 AND session = $2 AND id <> $3",
                        vec![owner.into(), session.into(), turn.into(), vec![].into()],
                    ),
                ],
                Words::Between { .. } | Words::Everything => [
                    Step::new(
                        "DELETE FROM session WHERE owner = $1 AND last >= $2 AND last < $3",
                        vec![owner.as_str().into(), from.into(), last.into()],
                    ),
                    Step::new(
                        "UPDATE turn SET body = '', sealed = $5 WHERE owner = $1 AND at >= $2 AND at < $3 AND id <> $4",
                        vec![owner.into(), from.into(), until.into(), turn.into(), vec![].into()],
                    ),
                ],
            });
        }
        Ok(steps)
    }

    /// The proof that it is gone.
    pub(super) fn forgotten(&self, gone: Spoken, entry: &JournalEntry) -> Result<Draft, StoreError> {
        let proof = format!("{} conversations, {} answers, at their own wish", gone.conversations, gone.answers);
        let entry = JournalEntry { event: Event::Forgotten, closes: None, outcome: Some("done"), ..entry.clone() };
        self.draft(&entry, Some(&proof))
    }
}
