//! What the webhook is still to be told.
//!
//! Invariants: an alert is in the queue in the commit of what it is about, and leaves it once the webhook has taken it; whoever sends
//! one has it to themselves meanwhile, and when they die over it, it is sent again under the same name; one that nobody took in
//! time stays as given up until somebody has had the time to see that. Nothing in it is about anybody.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::{
    Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    pause::pause,
    requests::time,
};

/// Alerts looked at in one go.
const AT_ONCE: i64 = 16;
/// The first pause after one that was not taken; doubled each time.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// The longest.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);
/// An alert that nobody took after this long is given up.
const USEFUL: SignedDuration = SignedDuration::from_hours(24);
/// How long one that was given up is told of.
const TOLD_OF: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An alert that is due, and who has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAlert {
    /// Tells it from every other one, also when it is sent once more.
    pub id: String,
    /// Its kind: `break-glass`, `many-strangers`.
    pub kind: String,
    /// How many of it.
    pub many: i64,
    /// When it came up.
    pub raised: Timestamp,
    held_until: i64,
}

impl Store {
    /// The statement that puts an alert into the queue.
    pub(super) fn alert_step(&self, kind: &str, many: i64, at: Timestamp) -> Result<Step, StoreError> {
        let insert =
            "INSERT INTO alert (id, kind, many, raised, due, attempts, given_up) VALUES ($1, $2, $3, $4, $4, 0, NULL)";
        let id = hex::encode(self.random::<16>()?);
        Ok(Step::new(insert, vec![id.into(), kind.into(), many.into(), at.as_microsecond().into()]))
    }

    /// The next alerts that are due, each held by the caller until its next try would be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_alerts(&self, now: Timestamp) -> Result<Vec<DueAlert>, StoreError> {
        let due = "SELECT id, kind, many, raised, due, attempts FROM alert WHERE due <= $1 AND given_up IS NULL \
            ORDER BY due, id LIMIT $2";
        let rows = self.inner.database.ask(due, &[now.as_microsecond().into(), AT_ONCE.into()]).await?;
        let mut held = Vec::new();
        for row in rows {
            let until = now
                .checked_add(pause(PAUSE, LONGEST_PAUSE, row.try_get("attempts")?))
                .unwrap_or(Timestamp::MAX)
                .as_microsecond();
            let alert = DueAlert {
                id: row.try_get("id")?,
                kind: row.try_get("kind")?,
                many: row.try_get("many")?,
                raised: time(&row, "raised")?,
                held_until: until,
            };
            let hold = "UPDATE alert SET due = $3, attempts = attempts + 1 WHERE id = $1 AND due = $2";
            let step =
                Step::new(hold, vec![alert.id.as_str().into(), row.try_get::<i64, _>("due")?.into(), until.into()]);
            match self.inner.writer.submit(vec![step.or_nothing(Refusal::NotThere)], vec![]).await {
                Ok(_) => held.push(alert),
                // Somebody else has it.
                Err(JobError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(held)
    }

    /// The webhook has taken an alert.
    ///
    /// # Errors
    /// When the database fails; it is sent once more then.
    pub async fn alert_done(&self, alert: &DueAlert) -> Result<(), StoreError> {
        let step = Step::new("DELETE FROM alert WHERE id = $1", vec![alert.id.as_str().into()]);
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }

    /// The webhook has not taken it. Whether it is given up now, because it is too old to be of use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_not_taken(&self, alert: &DueAlert, now: Timestamp) -> Result<bool, StoreError> {
        if now.duration_since(alert.raised) < USEFUL {
            return Ok(false);
        }
        let give_up = "UPDATE alert SET given_up = $3 WHERE id = $1 AND due = $2";
        let values = vec![alert.id.as_str().into(), alert.held_until.into(), now.as_microsecond().into()];
        self.inner.writer.submit(vec![Step::new(give_up, values)], vec![]).await?;
        Ok(true)
    }

    /// How many alerts were given up lately; older ones go.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts_given_up(&self, now: Timestamp) -> Result<i64, StoreError> {
        let old = (now - TOLD_OF).as_microsecond();
        let count = "SELECT CAST(COUNT(*) AS BIGINT) AS lately, \
            CAST(COALESCE(SUM(CASE WHEN given_up < $1 THEN 1 ELSE 0 END), 0) AS BIGINT) AS old FROM alert WHERE given_up IS NOT NULL";
        let Some(row) = self.inner.database.ask_one(count, &[old.into()]).await? else { return Ok(0) };
        let (all, past): (i64, i64) = (row.try_get("lately")?, row.try_get("old")?);
        if past > 0 {
            let step = Step::new("DELETE FROM alert WHERE given_up < $1", vec![old.into()]);
            self.inner.writer.submit(vec![step], vec![]).await?;
        }
        Ok(all - past)
    }

    /// Empties the queue: nobody is to be told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_alerts(&self) -> Result<(), StoreError> {
        if self.inner.database.ask_one("SELECT id FROM alert LIMIT 1", &[]).await?.is_none() {
            return Ok(());
        }
        let step = Step::new("DELETE FROM alert", vec![]);
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }
}
