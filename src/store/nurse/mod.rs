//! Calls to staff beyond their row on the board: asking again, what happened to them, who was told, who is on duty.
//!
//! Invariants: the same need of the same room is one open call, held by a unique key and not by looking first; what happens to a
//! call is written down in the commit in which it happens; no event and no row here names a person or holds a word in clear.

mod duty;
mod event;
mod ever;
mod ladder;
mod reply;
mod state;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;

pub use self::{
    duty::DutyRow,
    event::CallEvent,
    ever::{CallEver, StepEver},
    ladder::{Climb, UnansweredCall},
    reply::{RoomCall, SaidBack},
    state::CallState,
};
use super::{
    Place, Store,
    error::StoreError,
    job::{Refusal, Step},
    keys::{KeyError, KeyOwner},
    requests::time,
};
use crate::{fleet::nurse::Need, policy::RoomId};

/// What somebody said when they asked again.
///
/// Not `Debug`: it holds what was said.
#[derive(Clone, Serialize)]
pub struct AskedAgain {
    /// When.
    pub at: Timestamp,
    /// In what words; `None` when the key they were under was destroyed.
    pub words: Option<String>,
}

/// A step of the ladder that was told.
#[derive(Clone, Serialize)]
pub struct StepTold {
    /// `assigned`, `charge`, `supervisor`, `pager`.
    pub step: String,
    /// When.
    pub at: Timestamp,
    /// Who was on duty for it; nobody where that is empty.
    pub whom: Vec<String>,
}

/// What is known of an open call beyond its row.
#[derive(Clone, Default)]
pub(super) struct Beyond {
    pub again: Vec<AskedAgain>,
    pub told: Vec<StepTold>,
    pub said: Vec<SaidBack>,
}

impl Store {
    /// The statements that put a call on the board. The same need of the same room, still open, is asked for once more instead.
    pub(super) fn call_steps(
        &self,
        owner: &KeyOwner,
        id: &str,
        (room, need, emergency): (&RoomId, &str, bool),
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        // An emergency never hides behind one that somebody has seen already.
        let thing = if emergency { String::new() } else { self.call_thing(room, need) };
        let (name, sealed) = self.seal(owner, "request", "sealed", id, need.as_bytes())?;
        let (_, again) = self.seal(owner, "call_said", "sealed", id, need.as_bytes())?;
        let (id, thing, micros) = (|| id.into(), || thing.as_str().into(), || at.as_microsecond().into());
        Ok(vec![
            Step::new(
                "INSERT INTO request (id, room, emergency, requested, owner, sealed, thing) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) \
                 ON CONFLICT (thing) WHERE thing <> '' AND closed IS NULL AND stay_over IS NULL AND patient_says_cancel IS NULL \
                 DO UPDATE SET repeats = request.repeats + 1, asked_last = excluded.requested",
                vec![
                    id(),
                    room.as_str().into(),
                    i64::from(emergency).into(),
                    micros(),
                    name.as_str().into(),
                    sealed.into(),
                    thing(),
                ],
            ),
            // Besides its own sense it keeps PostgreSQL from taking all of this as one statement, in which the next ones would
            // not see the first.
            Step::new(
                "UPDATE ladder SET fresh = 1 WHERE request IN (SELECT id FROM request WHERE thing = $1 AND thing <> '' \
                 AND closed IS NULL AND stay_over IS NULL AND patient_says_cancel IS NULL)",
                vec![thing()],
            ),
            Step::new(
                "INSERT INTO call_said (id, request, at, owner, sealed) SELECT $1, id, $3, $4, $5 FROM request \
                 WHERE thing = $2 AND thing <> '' AND id <> $1 \
                 AND closed IS NULL AND stay_over IS NULL AND patient_says_cancel IS NULL",
                vec![id(), thing(), micros(), name.as_str().into(), again.into()],
            ),
            Step::new(
                "INSERT INTO call_event (request, room, what, at) \
                 SELECT id, room, CASE WHEN id = $1 THEN 'new' ELSE 'changed' END, $3 FROM request \
                 WHERE id = $1 OR (thing = $2 AND thing <> '' \
                 AND closed IS NULL AND stay_over IS NULL AND patient_says_cancel IS NULL)",
                vec![id(), thing(), micros()],
            )
            // Never so; it makes the writer take its lock before any row is, so that two processes never wait for each other.
            .or_nothing(Refusal::NotThere),
        ])
    }

    fn call_thing(&self, room: &RoomId, need: &str) -> String {
        let thing = Need::of(need).thing(need);
        self.inner.keys.root().hash("call", &[room.as_str().as_bytes(), thing.as_bytes()])
    }

    /// Something happened to one call.
    pub(super) fn event_step(id: &str, what: &'static str, at: Timestamp) -> Step {
        Step::new(
            "INSERT INTO call_event (request, room, what, at) SELECT id, room, $2, $3 FROM request WHERE id = $1",
            vec![id.into(), what.into(), at.as_microsecond().into()],
        )
    }

    /// Whoever asked in a room says that it is no longer needed. Staff close the calls.
    pub(super) fn cancel_steps(room: &RoomId, at: Timestamp) -> Vec<Step> {
        let values = || vec![room.as_str().into(), at.as_microsecond().into()];
        vec![
            // What the person said first stays; the request stays open either way.
            Step::new(
                "UPDATE request SET patient_says_cancel = $2 \
                 WHERE room = $1 AND closed IS NULL AND patient_says_cancel IS NULL AND kind = 'call'",
                values(),
            ),
            Step::new(
                "INSERT INTO call_event (request, room, what, at) SELECT id, room, 'cancelled-by-patient', $2 FROM request \
                 WHERE room = $1 AND closed IS NULL AND kind = 'call' AND patient_says_cancel = $2",
                values(),
            ),
        ]
    }

    /// What is known of the open calls beyond their rows, by call.
    pub(super) async fn beyond(&self) -> Result<HashMap<String, Beyond>, StoreError> {
        let mut all: HashMap<String, Beyond> = HashMap::new();
        let again = "SELECT s.id, s.request, s.at, s.owner, s.sealed FROM call_said s JOIN request q ON q.id = s.request \
            WHERE q.closed IS NULL ORDER BY s.at, s.id";
        for row in self.inner.database.ask(again, &[]).await? {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "call_said", column: "sealed", row: &id, owner: &owner };
            let words = self.words_if_kept(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let asked = AskedAgain { at: time(&row, "at")?, words };
            all.entry(row.try_get("request")?).or_default().again.push(asked);
        }
        let told = "SELECT t.request, t.step, t.at, t.whom FROM call_told t JOIN request q ON q.id = t.request \
            WHERE q.closed IS NULL ORDER BY t.armed, t.climb";
        let house = self.inner.keys.name(&KeyOwner::House);
        for row in self.inner.database.ask(told, &[]).await? {
            let request: String = row.try_get("request")?;
            let place = Place { table: "call_told", column: "whom", row: &request, owner: &house };
            let whom = self.unseal(place, &row.try_get::<Vec<u8>, _>("whom")?)?;
            let whom = String::from_utf8_lossy(&whom).lines().map(str::to_owned).collect();
            let told = StepTold { step: row.try_get("step")?, at: time(&row, "at")?, whom };
            all.entry(request).or_default().told.push(told);
        }
        for (request, said) in self.said_back().await? {
            all.entry(request).or_default().said.push(said);
        }
        Ok(all)
    }

    /// Sealed words; `None` when the key they were under was destroyed.
    pub(super) fn words_if_kept(&self, place: Place<'_>, sealed: &[u8]) -> Result<Option<String>, StoreError> {
        match self.unseal(place, sealed) {
            Ok(plain) => Ok(Some(String::from_utf8_lossy(&plain).into_owned())),
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Words of open calls that somebody unknown made must stay readable when the key of their stay is gone.
    pub(super) async fn kept_words(&self, owner: &str) -> Result<Vec<Step>, StoreError> {
        const KEPT: [(&str, &str, &str); 2] = [
            (
                "call_said",
                "SELECT s.id, s.sealed FROM call_said s JOIN request q ON q.id = s.request \
                 WHERE s.owner = $1 AND q.closed IS NULL",
                "UPDATE call_said SET owner = $2, sealed = $3 WHERE id = $1",
            ),
            (
                "call_reply",
                "SELECT s.id, s.sealed FROM call_reply s JOIN request q ON q.id = s.request \
                 WHERE s.owner = $1 AND q.closed IS NULL",
                "UPDATE call_reply SET owner = $2, sealed = $3 WHERE id = $1",
            ),
        ];
        let mut steps = vec![];
        for (table, open, keep) in KEPT {
            for row in self.inner.database.ask(open, &[owner.into()]).await? {
                let id: String = row.try_get("id")?;
                let place = Place { table, column: "sealed", row: &id, owner };
                let Some(words) = self.words_if_kept(place, &row.try_get::<Vec<u8>, _>("sealed")?)? else { continue };
                let (house, sealed) = self.seal(&KeyOwner::House, table, "sealed", &id, words.as_bytes())?;
                steps.push(Step::new(keep, vec![id.into(), house.into(), sealed.into()]));
            }
        }
        Ok(steps)
    }

    /// A call was closed: nobody climbs for it any more, and what was kept readable past its stay is needed no longer.
    pub(super) fn call_ends(&self, id: &str) -> Vec<Step> {
        let house = self.inner.keys.name(&KeyOwner::House);
        vec![
            Step::new("DELETE FROM ladder WHERE request = $1", vec![id.into()]),
            Step::new(
                "DELETE FROM call_said WHERE request = $1 AND owner = $2",
                vec![id.into(), house.as_str().into()],
            ),
            Step::new("DELETE FROM call_reply WHERE request = $1 AND owner = $2", vec![id.into(), house.into()]),
        ]
    }
}
