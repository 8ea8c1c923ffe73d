//! Climbs for calls that nobody answers.
//!
//! Invariants: of each call one step at a time is told, each once, by whichever process comes first; a look that fails is
//! made again and loses nothing; a clock that was put back makes no step later than a look takes.

use std::time::Duration;

use jiff::Timestamp;

use super::nurse::{
    Clock, Helper, Jump, Routes, Rung, Units, Waits,
    duty::HOUSE,
    ladder::{APART, UNNOTICED},
};
use crate::{
    policy::RoomId,
    store::{DutyRow, Store, StoreError, UnansweredCall},
};

/// How often the latest time is written down, so that a clock that is put back between two runs is noticed.
const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// What came of a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// Steps that were told.
    pub told: usize,
    /// What was due moved because the clock was put back.
    pub put_back: bool,
}

/// Who climbs.
pub struct Calls {
    store: Store,
    routes: Routes,
    waits: Waits,
    units: Units,
    clock: Clock,
}

impl Calls {
    /// For a house with these units, by these rules.
    #[must_use]
    pub fn new(store: Store, routes: Routes, waits: Waits, units: Units) -> Self {
        Self { store, routes, waits, units, clock: Clock::default() }
    }

    /// Goes on with other units.
    pub fn set_units(&mut self, units: Units) {
        self.units = units;
    }

    /// Tells what is due. `running` is a clock that only goes forward, from any beginning.
    ///
    /// # Errors
    /// When the database or a key fails; what was not told is told at the next look.
    pub async fn look(&mut self, now: Timestamp, running: Duration) -> Result<Looked, StoreError> {
        let put_back = self.watch_clock(now, running).await?;
        self.store.speak_replies(now).await?;
        let waiting = self.store.unanswered(now).await?;
        let mut looked = Looked { told: 0, put_back };
        if waiting.is_empty() {
            return Ok(looked);
        }
        let duties = self.store.duties(now).await?;
        for call in waiting {
            looked.told += usize::from(self.climb(&call, &duties, now).await?);
        }
        Ok(looked)
    }

    /// Whether a step was told.
    async fn climb(&self, call: &UnansweredCall, duties: &[DutyRow], now: Timestamp) -> Result<bool, StoreError> {
        let route = self.routes.of(call.words.as_deref(), call.emergency, call.repeats);
        let steps = call.climb.map_or(0, |climb| climb.steps);
        if let Some(climb) = call.climb
            && climb.due > now
        {
            let last = steps.saturating_sub(1);
            let due = self.waits.next(route.priority, last, true, climb.told);
            self.store.reckon_step(call, due).await?;
            return Ok(false);
        }
        let rung = Rung::after(steps);
        let unit = RoomId::parse(&call.room).ok().and_then(|room| self.units.of(&room).map(str::to_owned));
        let whom = on_duty(duties, unit.as_deref(), rung, route.role, now);
        let next = self.waits.next(route.priority, steps, !whom.is_empty(), now);
        self.store.tell_step(call, rung.name(), &whom, next, now).await
    }

    async fn watch_clock(&mut self, now: Timestamp, running: Duration) -> Result<bool, StoreError> {
        let jump = self.clock.seen(now, running);
        let (seen, open) = self.store.latest_seen().await?;
        let ahead = seen.duration_since(now);
        match jump {
            // Nobody knows how long nobody looked: sooner rather than later.
            Jump::First if ahead > APART => {
                tracing::warn!(
                    seconds = ahead.as_secs(),
                    "the clock is behind what was seen last; every open step is told now"
                );
                self.store.clock_put_back(seen, now, None).await
            }
            Jump::Back(by) if ahead > UNNOTICED => {
                tracing::warn!(seconds = by.as_secs(), "the clock was put back; what is due is told as soon as before");
                self.store.clock_put_back(seen, now, Some(by)).await
            }
            _ => {
                if open && now.duration_since(seen) >= REMEMBERED {
                    self.store.see_time(now).await?;
                }
                Ok(false)
            }
        }
    }
}

/// Who is told: whoever is on duty for it, else the unit's nurses; nobody where there are none.
fn on_duty(duties: &[DutyRow], unit: Option<&str>, rung: Rung, role: Helper, now: Timestamp) -> Vec<String> {
    let there = |unit: Option<&str>, role: Helper| -> Vec<String> {
        let of = |duty: &&DutyRow| {
            Some(duty.unit.as_str()) == unit && duty.role == role.name() && duty.since <= now && now < duty.until
        };
        duties.iter().filter(of).map(|duty| duty.who.clone()).collect()
    };
    let first = |roles: &[(Option<&str>, Helper)]| {
        roles.iter().map(|(unit, role)| there(*unit, *role)).find(|whom| !whom.is_empty()).unwrap_or_default()
    };
    match rung {
        Rung::Assigned => first(&[(unit, role), (unit, Helper::Nurse), (Some(HOUSE), role)]),
        Rung::Charge => first(&[(unit, Helper::Charge), (Some(HOUSE), Helper::Charge)]),
        Rung::Supervisor | Rung::Pager => first(&[(Some(HOUSE), Helper::Supervisor), (unit, Helper::Supervisor)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_of_a_step() {
        let at = |seconds| Timestamp::from_second(seconds).expect("in range");
        let duty = |unit: &str, role: &str, who: &str, since, until| DutyRow {
            id: who.into(),
            unit: unit.into(),
            role: role.into(),
            who: who.into(),
            since: at(since),
            until: at(until),
        };
        let duties = [
            duty("4-west", "nurse", "Maria", 0, 100),
            duty("4-west", "nurse", "Tom", 0, 100),
            duty("4-west", "assistant", "Ann", 0, 100),
            duty("4-west", "assistant", "Yesterday", 0, 50),
            duty("4-west", "assistant", "Tomorrow", 90, 100),
            duty("4-west", "charge", "Chris", 0, 100),
            duty("4-east", "charge", "Other", 0, 100),
            duty("house", "supervisor", "Sam", 0, 100),
            duty("house", "chaplain", "Paul", 0, 100),
        ];
        let west = Some("4-west");
        for (unit, rung, role, wanted) in [
            (west, Rung::Assigned, Helper::Assistant, vec!["Ann"]),
            (west, Rung::Assigned, Helper::Nurse, vec!["Maria", "Tom"]),
            (west, Rung::Assigned, Helper::Housekeeping, vec!["Maria", "Tom"]),
            (Some("4-east"), Rung::Assigned, Helper::Chaplain, vec!["Paul"]),
            (Some("4-east"), Rung::Assigned, Helper::Nurse, vec![]),
            (None, Rung::Assigned, Helper::Nurse, vec![]),
            (west, Rung::Charge, Helper::Assistant, vec!["Chris"]),
            (None, Rung::Charge, Helper::Assistant, vec![]),
            (west, Rung::Supervisor, Helper::Assistant, vec!["Sam"]),
            (None, Rung::Pager, Helper::Assistant, vec!["Sam"]),
        ] {
            assert_eq!(on_duty(&duties, unit, rung, role, at(60)), wanted, "{unit:?} {rung:?} {role:?}");
        }
    }
}
