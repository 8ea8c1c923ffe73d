//! How far unanswered calls have climbed.
//!
//! Invariants: a step that is told, what is due next and the event that boards and adapters see are one commit, which only
//! goes through where the call still waits at that very step: whoever comes second, another process or a lost answer, changes
//! nothing. So no lease is needed: nothing outside the database happens in between. A call has its row in `request` before
//! anybody climbs for it, so being killed at any instant loses no step.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row, any::AnyRow};

use super::super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
    requests::time,
};
use crate::policy::{Event, JournalEntry, staff::OUTPATIENTS};

/// A call that nobody has answered, of which something is to be done.
///
/// Not `Debug`: it holds what was said.
#[derive(Clone)]
pub struct UnansweredCall {
    /// Its identifier.
    pub id: String,
    /// The room.
    pub room: String,
    /// In what words; `None` when the key they were under was destroyed.
    pub words: Option<String>,
    /// An emergency rather than a need.
    pub emergency: bool,
    /// How often it was asked for again.
    pub repeats: u32,
    /// When what waits was asked for.
    pub armed: Timestamp,
    /// How far it has climbed; `None` where nobody was told yet.
    pub climb: Option<Climb>,
}

/// How far a call has climbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Climb {
    /// How many steps were told.
    pub steps: u32,
    /// When the last one was.
    pub told: Timestamp,
    /// When the next one is due.
    pub due: Timestamp,
    /// It was asked for again since.
    pub fresh: bool,
}

const UNANSWERED: &str = "SELECT q.id AS id, q.room AS room, q.emergency AS emergency, q.repeats AS repeats, \
    CASE WHEN q.acknowledged IS NULL THEN q.requested ELSE q.asked_last END AS armed, q.owner AS owner, q.sealed AS sealed, \
    l.climb AS climb, l.told AS told, l.due AS due, l.fresh AS fresh \
    FROM request q LEFT JOIN ladder l ON l.request = q.id \
    WHERE q.closed IS NULL AND q.kind = 'call' AND q.room <> $2 \
    AND (q.acknowledged IS NULL OR q.acknowledged < q.asked_last) \
    AND (q.patient_says_cancel IS NULL OR q.emergency = 1) \
    AND (l.request IS NULL OR l.due <= $1 OR l.fresh = 1) ORDER BY q.emergency DESC, q.requested, q.id";

impl Store {
    /// Calls that nobody has answered and of which a step is due, or the time of one is to be reckoned anew. What waits at a front
    /// desk is nobody's bedside and climbs nowhere; what its own room no longer needs climbs no further, unless it is an emergency.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn unanswered(&self, now: Timestamp) -> Result<Vec<UnansweredCall>, StoreError> {
        let rows = self.inner.database.ask(UNANSWERED, &[now.as_microsecond().into(), OUTPATIENTS.into()]).await?;
        rows.iter().map(|row| self.unanswered_row(row)).collect()
    }

    fn unanswered_row(&self, row: &AnyRow) -> Result<UnansweredCall, StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "request", column: "sealed", row: &id, owner: &owner };
        let words = self.words_if_kept(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        let climb = match row.try_get::<Option<i64>, _>("climb")? {
            None => None,
            Some(steps) => Some(Climb {
                steps: small(steps),
                told: time(row, "told")?,
                due: time(row, "due")?,
                fresh: row.try_get::<i64, _>("fresh")? != 0,
            }),
        };
        Ok(UnansweredCall {
            room: row.try_get("room")?,
            words,
            emergency: row.try_get::<i64, _>("emergency")? != 0,
            repeats: small(row.try_get("repeats")?),
            armed: time(row, "armed")?,
            climb,
            id,
        })
    }

    /// A step is told: written down once, with when the next is due. False where somebody else told it, or it was answered
    /// meanwhile.
    ///
    /// # Errors
    /// When the database or a key fails; then it was not told.
    pub async fn tell_step(
        &self,
        call: &UnansweredCall,
        step: &'static str,
        whom: &[String],
        next: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (_, sealed) = self.seal(&KeyOwner::House, "call_told", "whom", &call.id, whom.join("\n").as_bytes())?;
        let (armed, now_micros, next) = (call.armed.as_microsecond(), now.as_microsecond(), next.as_microsecond());
        let climbed = call.climb.map_or(0, |climb| i64::from(climb.steps));
        let due = call.climb.map_or(armed, |climb| climb.due.as_microsecond());
        let advance = if call.climb.is_none() {
            Step::new(
                "INSERT INTO ladder (request, armed, climb, told, due, fresh) VALUES ($1, $2, 1, $3, $4, 0)",
                vec![call.id.as_str().into(), armed.into(), now_micros.into(), next.into()],
            )
            .or_duplicate(Refusal::Repeated)
        } else {
            Step::new(
                "UPDATE ladder SET climb = climb + 1, told = $4, due = $5, fresh = 0 \
                 WHERE request = $1 AND climb = $2 AND due = $3",
                vec![call.id.as_str().into(), climbed.into(), due.into(), now_micros.into(), next.into()],
            )
            .or_nothing(Refusal::NotThere)
        };
        // Held by the row itself: an answer that comes at the same time either goes first, and this finds nothing, or after.
        let waits = Step::new(
            "UPDATE request SET repeats = repeats WHERE id = $1 AND closed IS NULL \
             AND (acknowledged IS NULL OR acknowledged < asked_last)",
            vec![call.id.as_str().into()],
        )
        .or_nothing(Refusal::NotThere);
        let told = Step::new(
            "INSERT INTO call_told (request, armed, climb, step, due, at, people, whom) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                call.id.as_str().into(),
                armed.into(),
                climbed.into(),
                step.into(),
                due.into(),
                now_micros.into(),
                i64::try_from(whom.len()).unwrap_or(i64::MAX).into(),
                sealed.into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        let what = match (climbed, step) {
            (0, _) => "assigned",
            (_, "pager") => "paged",
            _ => "escalated",
        };
        let event = Self::event_step(&call.id, what, now);
        let row = self.draft(&entry(step, now), None)?;
        match self.inner.writer.submit(vec![waits, advance, told, event], vec![row]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// It was asked for again: the next step is due then, and not later than it was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reckon_step(&self, call: &UnansweredCall, due: Timestamp) -> Result<(), StoreError> {
        let Some(climb) = call.climb else { return Ok(()) };
        let step = Step::new(
            "UPDATE ladder SET due = $4, fresh = 0 WHERE request = $1 AND climb = $2 AND due = $3",
            vec![
                call.id.as_str().into(),
                i64::from(climb.steps).into(),
                climb.due.as_microsecond().into(),
                due.min(climb.due).as_microsecond().into(),
            ],
        );
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }

    /// The latest time that anybody who climbs has seen, and whether anybody has anything to climb for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_seen(&self) -> Result<(Timestamp, bool), StoreError> {
        let seen = "SELECT last, CAST((SELECT COUNT(*) FROM ladder) AS BIGINT) AS open FROM nurse_clock WHERE id = 1";
        let Some(row) = self.inner.database.ask_one(seen, &[]).await? else { return Ok((Timestamp::UNIX_EPOCH, true)) };
        Ok((time(&row, "last")?, row.try_get::<i64, _>("open")? > 0))
    }

    /// Remembers a later time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn see_time(&self, now: Timestamp) -> Result<(), StoreError> {
        let step =
            Step::new("UPDATE nurse_clock SET last = $1 WHERE id = 1 AND last < $1", vec![now.as_microsecond().into()]);
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }

    /// The clock was put back: what is due moves with it; or, where nobody knows by how much, is due now. Once, by whoever
    /// noticed first; false where that was somebody else.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clock_put_back(
        &self,
        seen: Timestamp,
        now: Timestamp,
        by: Option<SignedDuration>,
    ) -> Result<bool, StoreError> {
        let now = now.as_microsecond();
        let first = Step::new(
            "UPDATE nurse_clock SET last = $2 WHERE id = 1 AND last = $1",
            vec![seen.as_microsecond().into(), now.into()],
        )
        .or_nothing(Refusal::Repeated);
        let moved = match by {
            Some(by) => {
                let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
                Step::new("UPDATE ladder SET due = due - $1, told = told - $1", vec![micros.into()])
            }
            None => Step::new("UPDATE ladder SET due = $1 WHERE due > $1", vec![now.into()]),
        };
        match self.inner.writer.submit(vec![first, moved], vec![]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The row of the trail that says that somebody was told.
fn entry(step: &'static str, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Progressed,
        subject: None,
        actor: None,
        intent: None,
        channel: "ladder",
        session: None,
        turn: None,
        closes: None,
        outcome: Some(step),
        at,
    }
}
