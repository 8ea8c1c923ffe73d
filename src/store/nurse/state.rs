//! A call as it is now, open or closed, and who alone may tell a server of it.

use jiff::Timestamp;
use sqlx::Row;

use super::super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    requests::{time, time_or_none},
};

/// A call as it is now.
///
/// Not `Debug`: it holds what was said.
#[derive(Clone)]
pub struct CallState {
    /// Its identifier.
    pub id: String,
    /// The room.
    pub room: String,
    /// In what words; `None` when the key they were under was destroyed, or they are kept no longer.
    pub words: Option<String>,
    /// An emergency rather than a need.
    pub emergency: bool,
    /// How often it was asked for again.
    pub repeats: u32,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When it was asked for last, where it was asked for again.
    pub asked_last: Option<Timestamp>,
    /// When staff acknowledged it.
    pub acknowledged: Option<Timestamp>,
    /// Since when the person says that it is no longer needed.
    pub patient_says_cancel: Option<Timestamp>,
    /// Since when whoever lay there then has gone.
    pub stay_over: Option<Timestamp>,
    /// When staff ended it.
    pub closed: Option<Timestamp>,
    /// The step of the ladder that was told last since it was asked for last, and when.
    pub step: Option<(String, Timestamp)>,
}

impl Store {
    /// A call as it is now; `None` where there is none of that id.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn call_state(&self, id: &str) -> Result<Option<CallState>, StoreError> {
        let one = "SELECT room, emergency, requested, patient_says_cancel, stay_over, acknowledged, closed, owner, repeats, \
            asked_last, sealed FROM request WHERE id = $1 AND kind = 'call'";
        let Some(row) = self.inner.database.ask_one(one, &[id.into()]).await? else { return Ok(None) };
        let owner: String = row.try_get("owner")?;
        let place = Place { table: "request", column: "sealed", row: id, owner: &owner };
        let words = self.words_if_kept(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        let (closed, stay_over) = (time_or_none(&row, "closed")?, time_or_none(&row, "stay_over")?);
        // What was kept past its stay is overwritten by nothing when the call is closed.
        let forgotten = closed.is_some() && stay_over.is_some();
        Ok(Some(CallState {
            id: id.to_owned(),
            room: row.try_get("room")?,
            words: words.filter(|words| !(forgotten && words.is_empty())),
            emergency: row.try_get::<i64, _>("emergency")? != 0,
            repeats: u32::try_from(row.try_get::<i64, _>("repeats")?).unwrap_or(u32::MAX),
            requested: time(&row, "requested")?,
            asked_last: time_or_none(&row, "asked_last")?,
            acknowledged: time_or_none(&row, "acknowledged")?,
            patient_says_cancel: time_or_none(&row, "patient_says_cancel")?,
            stay_over,
            closed,
            step: self.latest_step(id).await?,
        }))
    }

    async fn latest_step(&self, id: &str) -> Result<Option<(String, Timestamp)>, StoreError> {
        let last = "SELECT step, at FROM call_told WHERE request = $1 ORDER BY armed DESC, climb DESC LIMIT 1";
        let row = self.inner.database.ask_one(last, &[id.into()]).await?;
        row.map(|row| Ok((row.try_get("step")?, time(&row, "at")?))).transpose()
    }

    /// Nobody else tells of this call under that name until then, or until it is let go; false where somebody else has it. Two
    /// who told of one call at the same time could each make what should be there once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_call(
        &self,
        name: &'static str,
        id: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // Held under the number of its first event, which stays as long as any of it.
        let hold = Step::new(
            "INSERT INTO call_out (adapter, event, due, attempts) SELECT $1, MIN(seq), $3, 0 FROM call_event WHERE request = $2 \
             HAVING MIN(seq) IS NOT NULL \
             ON CONFLICT (adapter, event) DO UPDATE SET due = excluded.due WHERE call_out.due <= $4",
            vec![name.into(), id.into(), until.as_microsecond().into(), now.as_microsecond().into()],
        );
        match self.inner.writer.submit(vec![hold.or_nothing(Refusal::NotThere)], vec![]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Others may tell of this call again.
    ///
    /// # Errors
    /// When the database fails; then they may when its time is up.
    pub async fn let_call_go(&self, name: &'static str, id: &str) -> Result<(), StoreError> {
        let free = Step::new(
            "UPDATE call_out SET due = 0 WHERE adapter = $1 \
             AND event = (SELECT MIN(seq) FROM call_event WHERE request = $2)",
            vec![name.into(), id.into()],
        );
        self.inner.writer.submit(vec![free], vec![]).await.map(drop).map_err(StoreError::from)
    }
}
