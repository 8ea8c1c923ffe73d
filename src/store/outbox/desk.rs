//! Changes on their way as staff and the machine see them: counts and codes, nothing of whose they are.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;

use super::{
    super::{
        Store,
        error::StoreError,
        job::{Refusal, Step},
        keys::KeyOwner,
    },
    time,
};
use crate::policy::{PersonId, Scope};

/// How many rows there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutboxCounts {
    /// Not tried yet, or to be tried again.
    pub waiting: i64,
    /// Being sent.
    pub sending: i64,
    /// Arrived, and not yet forgotten.
    pub delivered: i64,
    /// Never to arrive; staff look into them.
    pub refused: i64,
    /// When the oldest of those that wait was said.
    pub oldest: Option<Timestamp>,
}

/// A row as staff see it: nothing of whose it is or what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxRow {
    /// The change's own name.
    pub id: String,
    /// Its kind: `renew`, `book`, …
    pub kind: String,
    /// `waiting`, `sending`, `delivered` or `refused`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was said.
    pub created: Timestamp,
    /// When it is tried next; `None` where it is settled.
    pub due: Option<Timestamp>,
    /// The code of what went wrong last.
    pub reason: Option<String>,
}

impl Store {
    /// Visits that a server took before this time are its own now: what was kept of them here goes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn handed_over(&self, before: Timestamp) -> Result<(), StoreError> {
        let any = "SELECT id FROM visit WHERE id IN (SELECT id FROM outbox WHERE state = 'delivered' AND settled < $1) \
                   AND owner NOT IN (SELECT owner FROM held) LIMIT 1";
        if self.inner.database.ask_one(any, &[before.as_microsecond().into()]).await?.is_none() {
            return Ok(());
        }
        let go = Step::new(
            "DELETE FROM visit WHERE id IN (SELECT id FROM outbox WHERE state = 'delivered' AND settled < $1) \
             AND owner NOT IN (SELECT owner FROM held)",
            vec![before.as_microsecond().into()],
        );
        self.inner.writer.submit(vec![go], vec![]).await?;
        Ok(())
    }

    /// How many rows there are, by state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        let all = "SELECT state, CAST(COUNT(*) AS BIGINT) AS many, MIN(created) AS oldest FROM outbox GROUP BY state";
        let mut counts = OutboxCounts::default();
        for row in self.inner.database.ask(all, &[]).await? {
            let many: i64 = row.try_get("many")?;
            let oldest = Some(time(&row, "oldest")?);
            match row.try_get::<String, _>("state")?.as_str() {
                "waiting" => {
                    (counts.waiting, counts.oldest) = (many, [counts.oldest, oldest].into_iter().flatten().min())
                }
                "sending" => {
                    (counts.sending, counts.oldest) = (many, [counts.oldest, oldest].into_iter().flatten().min())
                }
                "delivered" => counts.delivered = many,
                _ => counts.refused = many,
            }
        }
        Ok(counts)
    }

    /// The rows that are not delivered, oldest first; all of them with `delivered`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outbox_rows(&self, delivered: bool) -> Result<Vec<OutboxRow>, StoreError> {
        let all = "SELECT id, kind, state, attempts, created, due, reason FROM outbox \
                   WHERE state <> 'delivered' OR $1 = 1 ORDER BY created, place";
        let rows = self.inner.database.ask(all, &[i64::from(delivered).into()]).await?;
        rows.iter()
            .map(|row| {
                let (state, reason): (String, String) = (row.try_get("state")?, row.try_get("reason")?);
                let open = matches!(state.as_str(), "waiting" | "sending");
                Ok(OutboxRow {
                    id: row.try_get("id")?,
                    kind: row.try_get("kind")?,
                    attempts: row.try_get("attempts")?,
                    created: time(row, "created")?,
                    due: open.then(|| time(row, "due")).transpose()?,
                    reason: Some(reason).filter(|reason| !reason.is_empty()),
                    state,
                })
            })
            .collect()
    }

    /// The parts of somebody's record to which changes that were asked for here are still on their way. What is kept here in
    /// any case is not among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsent(&self, person: &PersonId) -> Result<Vec<Scope>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let waiting = "SELECT DISTINCT kind FROM outbox WHERE owner = $1 AND state IN ('waiting', 'sending')";
        let rows = self.inner.database.ask(waiting, &[owner.as_str().into()]).await?;
        let mut scopes = Vec::new();
        for row in &rows {
            let scope = match row.try_get::<String, _>("kind")?.as_str() {
                "renew" => Scope::Medicines,
                "book" | "cancel" | "move" | "arrive" => Scope::Visits,
                _ => continue,
            };
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        Ok(scopes)
    }

    /// When the next row may be taken; `None` where none waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outbox_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = "SELECT MIN(CASE WHEN o.state = 'waiting' THEN o.due ELSE o.lease END) AS due FROM outbox o \
            WHERE o.state IN ('waiting', 'sending') AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.owner = o.owner \
            AND e.thing = o.thing AND e.place < o.place AND e.state IN ('waiting', 'sending'))";
        let Some(row) = self.inner.database.ask_one(next, &[]).await? else { return Ok(None) };
        let due: Option<i64> = row.try_get("due")?;
        due.map(|due| Timestamp::from_microsecond(due).map_err(|_| StoreError::Damaged("outbox.due".into())))
            .transpose()
    }

    /// Staff have a row tried again at once: one that was refused, or one that waits. Audited.
    ///
    /// # Errors
    /// When there is no such row, it is being sent or has arrived, or the database fails.
    pub async fn outbox_retry(&self, id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let step = Step::new(
            "UPDATE outbox SET state = 'waiting', due = $2, settled = NULL, reason = '', created = created \
             WHERE id = $1 AND state IN ('waiting', 'refused')",
            vec![id.into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere);
        self.by_staff(vec![step], None, "retried", by, at).await
    }

    /// Staff give a row up that was refused: it goes. Audited.
    ///
    /// # Errors
    /// [`StoreError::Held`] under a legal hold; when there is no such row that was refused, or the database fails.
    pub async fn outbox_drop(&self, id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let whose = "SELECT owner FROM outbox WHERE id = $1 AND state = 'refused'";
        let row = self.inner.database.ask_one(whose, &[id.into()]).await?.ok_or(StoreError::NotPossible)?;
        let steps = vec![
            Self::unless_held_owner(&row.try_get::<String, _>("owner")?),
            Step::new("DELETE FROM outbox WHERE id = $1 AND state = 'refused'", vec![id.into()])
                .or_nothing(Refusal::NotThere),
        ];
        self.by_staff(steps, None, "dropped", by, at).await
    }
}
