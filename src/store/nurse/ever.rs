//! Every call there ever was and every step that was told of one, for whoever checks that none was lost and none told twice.
//! No word and nobody is in it.

use jiff::Timestamp;
use sqlx::Row;

use super::super::{
    Store,
    error::StoreError,
    requests::{time, time_or_none},
};

/// A call, open or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEver {
    /// Its identifier.
    pub id: String,
    /// The room.
    pub room: String,
    /// An emergency rather than a need.
    pub emergency: bool,
    /// How often it was asked for again.
    pub repeats: u64,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When staff ended it.
    pub closed: Option<Timestamp>,
}

/// A step of the ladder that was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepEver {
    /// Of which call.
    pub request: String,
    /// When what waited was asked for.
    pub armed: Timestamp,
    /// How many were told before it.
    pub climb: u64,
    /// When it was due.
    pub due: Timestamp,
    /// When it was told.
    pub at: Timestamp,
}

impl Store {
    /// All calls.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_ever(&self) -> Result<Vec<CallEver>, StoreError> {
        let all = "SELECT id, room, emergency, repeats, requested, closed FROM request WHERE kind = 'call' ORDER BY requested, id";
        let rows = self.inner.database.ask(all, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(CallEver {
                    id: row.try_get("id")?,
                    room: row.try_get("room")?,
                    emergency: row.try_get::<i64, _>("emergency")? != 0,
                    repeats: u64::try_from(row.try_get::<i64, _>("repeats")?).unwrap_or(0),
                    requested: time(row, "requested")?,
                    closed: time_or_none(row, "closed")?,
                })
            })
            .collect()
    }

    /// All steps, in the order of their calls.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn steps_ever(&self) -> Result<Vec<StepEver>, StoreError> {
        let all = "SELECT request, armed, climb, due, at FROM call_told ORDER BY request, armed, climb";
        let rows = self.inner.database.ask(all, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(StepEver {
                    request: row.try_get("request")?,
                    armed: time(row, "armed")?,
                    climb: u64::try_from(row.try_get::<i64, _>("climb")?).unwrap_or(0),
                    due: time(row, "due")?,
                    at: time(row, "at")?,
                })
            })
            .collect()
    }
}
