//! What happened to calls, in order, and which adapter has heard of it.
//!
//! Invariants: an adapter that is told has an event to itself until its next try would be, so that two processes tell it once where
//! nothing fails; one that died over it is told again, under the same number.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::super::{
    Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    pause::pause,
    requests::time,
};

/// Events looked at in one go.
const AT_ONCE: i64 = 32;
/// The first pause after one that was not taken; doubled each time.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// The longest.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// What nobody took after this long is of no use to anybody.
const USEFUL: SignedDuration = SignedDuration::from_hours(24);

/// Something that happened to a call. Nobody and no word is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEvent {
    /// Its number; later ones have larger ones.
    pub seq: i64,
    /// The call.
    pub request: String,
    /// Its room.
    pub room: String,
    /// `new`, `changed`, `assigned`, `escalated`, `paged`, `acknowledged`, `said`, `cancelled-by-patient`, `completed`.
    pub what: String,
    /// When.
    pub at: Timestamp,
    /// How often an adapter was told of it, where one is.
    tries: i64,
}

impl CallEvent {
    fn of(row: &sqlx::any::AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.try_get("seq")?,
            request: row.try_get("request")?,
            room: row.try_get("room")?,
            what: row.try_get("what")?,
            at: time(row, "at")?,
            tries: row.try_get("tries")?,
        })
    }
}

impl Store {
    /// What happened after an event, in order; from the beginning of what is kept, after 0.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_events(&self, after: i64) -> Result<Vec<CallEvent>, StoreError> {
        let later = "SELECT seq, request, room, what, at, CAST(0 AS BIGINT) AS tries FROM call_event WHERE seq > $1 \
            ORDER BY seq LIMIT 500";
        self.inner.database.ask(later, &[after.into()]).await?.iter().map(CallEvent::of).collect()
    }

    /// The number of the latest event; 0 where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_call_event(&self) -> Result<i64, StoreError> {
        let row = self.inner.database.ask_one("SELECT COALESCE(MAX(seq), 0) AS seq FROM call_event", &[]).await?;
        row.map_or(Ok(0), |row| Ok(row.try_get("seq")?))
    }

    /// What an adapter is to be told now, of this kind or, where that is empty, of any; in order, each held by the caller until its next try would be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_call_events(
        &self,
        adapter: &'static str,
        what: &'static str,
        now: Timestamp,
    ) -> Result<Vec<CallEvent>, StoreError> {
        let due = "SELECT e.seq AS seq, e.request AS request, e.room AS room, e.what AS what, e.at AS at, \
            COALESCE(o.attempts, 0) AS tries, COALESCE(o.due, 0) AS due FROM call_event e \
            LEFT JOIN call_out o ON o.event = e.seq AND o.adapter = $1 \
            WHERE e.at > $3 AND ($5 = '' OR e.what = $5) AND (o.event IS NULL OR (o.done IS NULL AND o.due <= $2)) ORDER BY e.seq LIMIT $4";
        let (micros, useful) = (now.as_microsecond(), (now - USEFUL).as_microsecond());
        let values = [adapter.into(), micros.into(), useful.into(), AT_ONCE.into(), what.into()];
        let mut held = vec![];
        for row in self.inner.database.ask(due, &values).await? {
            let event = CallEvent::of(&row)?;
            let until = now.checked_add(pause(PAUSE, LONGEST_PAUSE, event.tries)).unwrap_or(Timestamp::MAX);
            let hold = Step::new(
                "INSERT INTO call_out (adapter, event, due, attempts) VALUES ($1, $2, $3, 1) \
                 ON CONFLICT (adapter, event) DO UPDATE SET due = excluded.due, attempts = call_out.attempts + 1 \
                 WHERE call_out.due = $4 AND call_out.done IS NULL",
                vec![
                    adapter.into(),
                    event.seq.into(),
                    until.as_microsecond().into(),
                    row.try_get::<i64, _>("due")?.into(),
                ],
            );
            match self.inner.writer.submit(vec![hold.or_nothing(Refusal::NotThere)], vec![]).await {
                Ok(_) => held.push(event),
                // Somebody else has it.
                Err(JobError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(held)
    }

    /// An adapter has an event.
    ///
    /// # Errors
    /// When the database fails; it is told once more then.
    pub async fn call_event_done(&self, adapter: &'static str, seq: i64, now: Timestamp) -> Result<(), StoreError> {
        let done = Step::new(
            "UPDATE call_out SET done = $3 WHERE adapter = $1 AND event = $2",
            vec![adapter.into(), seq.into(), now.as_microsecond().into()],
        );
        self.inner.writer.submit(vec![done], vec![]).await.map(drop).map_err(StoreError::from)
    }

    /// Deletes what happened long ago to calls that are closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_call_events(&self, now: Timestamp) -> Result<(), StoreError> {
        let old = (now - USEFUL - USEFUL).as_microsecond();
        let closed = "SELECT seq FROM call_event WHERE at < $1 \
            AND request IN (SELECT id FROM request WHERE closed IS NOT NULL) LIMIT 1";
        if self.inner.database.ask_one(closed, &[old.into()]).await?.is_none() {
            return Ok(());
        }
        let gone = Step::new(
            "DELETE FROM call_event WHERE at < $1 AND request IN (SELECT id FROM request WHERE closed IS NOT NULL)",
            vec![old.into()],
        );
        let out = Step::new("DELETE FROM call_out WHERE event NOT IN (SELECT seq FROM call_event)", vec![]);
        self.inner.writer.submit(vec![gone, out], vec![]).await.map(drop).map_err(StoreError::from)
    }
}
