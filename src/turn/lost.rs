//! Free times that somebody is asked about: kept while they think, let go when they don't want them, and what is said
//! to whoever was too late.

use jiff::Timestamp;

use super::{Said, State, Turn, TurnError, TurnResult};
use crate::{
    actions::{Change, Conflict, Facts},
    dialogue::{self, QUESTION_LASTS, Request},
    nlu::{Slot, SlotValue},
    policy::Journal as _,
    store::CommitError,
};

/// How often other times are offered to whoever is too late again and again within one turn.
const TRIES: u32 = 3;

/// The slot that holds the chosen free time.
const PICKED: &str = "slot";

/// What is kept from now on, for as long as the question stays open, and what is let go of.
pub(super) fn holds(before: &dialogue::State, after: &dialogue::State, now: Timestamp) -> Vec<Change> {
    let gone = |id: &str| !after.held().any(|slot| slot.id == id);
    let let_go = before.held().filter(|slot| gone(&slot.id)).map(|slot| Change::ReleaseSlot { slot: slot.id.clone() });
    let until = now + QUESTION_LASTS;
    let again = |id: &str| before.held().any(|slot| slot.id == id);
    let kept = after.held().map(|slot| Change::HoldSlot { slot: slot.clone(), until, again: again(&slot.id) });
    let_go.chain(kept).collect()
}

impl Turn<'_> {
    /// A change no longer fits. Whoever came too late for a free time is offered others at once.
    pub(super) async fn lost(&mut self, said: &Said, conflict: Conflict) -> Result<TurnResult, TurnError> {
        let mut lost = conflict;
        let mut last: Option<Said> = None;
        for _ in 0..TRIES {
            let Some(Request { intent, slots }) = too_late(last.as_ref().unwrap_or(said), lost) else { break };
            self.let_go(said).await?;
            // What was read for this turn shows the time as free.
            self.ahead = None;
            let instead = Box::pin(self.run(intent, slots)).await?;
            let result = self.worded(&instead)?;
            match self.commit(&instead, &result, false).await {
                Err(TurnError::Commit(CommitError::Conflict(conflict))) => lost = conflict,
                done => return done.map(|_| result),
            }
            last = Some(instead);
        }
        let acts = said.parts().find(|part| !part.changes.is_empty()).unwrap_or(said);
        let conflict = acts.conflict.clone().unwrap_or_else(|| Facts::new("conflict"));
        let instead = Said {
            slots: acts.slots.clone(),
            needs: acts.needs.clone(),
            opened: acts.opened.filter(|_| last.is_none()),
            ..Said::new(&acts.from, conflict, State::Answered)
        };
        let result = self.worded(&instead)?;
        self.commit(&instead, &result, false).await?;
        Ok(result)
    }

    /// Closes what was opened for an answer that is not given.
    async fn let_go(&self, said: &Said) -> Result<(), TurnError> {
        for part in said.parts().filter(|part| part.opened.is_some()) {
            self.core.store.append(self.closing(part.opened, "conflict", Some(&part.intent))).await?;
        }
        Ok(())
    }
}

/// The request again, with the time that is gone as the one that was picked; `None` where it was no time that was lost.
fn too_late(said: &Said, conflict: Conflict) -> Option<Request> {
    if conflict != Conflict::SlotTaken {
        return None;
    }
    said.parts().find_map(|part| {
        let taken = part.changes.iter().find_map(|change| match change {
            Change::Book { slot, .. } | Change::Reschedule { to: slot, .. } => Some(&slot.id),
            _ => None,
        });
        let asked = || part.open.as_ref().and_then(|open| Some(&open.wait.plan()?.slot()?.id));
        let id = taken.or_else(asked)?;
        let mut request = part.request.clone()?;
        request.slots.insert(PICKED.to_owned(), Slot::new("", SlotValue::Text(id.clone()), 1.0));
        Some(request)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actions::Plan,
        dialogue::{Needs, Open, Wait},
        nlu::Slots,
        records::OpenSlot,
    };

    fn asks(id: &str) -> Option<Open> {
        let slot = OpenSlot { id: id.into(), ..OpenSlot::default() };
        let said = dialogue::Said { intent: "a.b".into(), facts: Facts::new("confirm"), needs: Needs::NOTHING };
        let wait = Wait::Confirm { plan: Plan::Book { slot, reason: None } };
        Some(Open { intent: "a.b".into(), slots: Slots::new(), wait, said, tries: 0, before: None })
    }

    #[test]
    fn what_is_asked_about_is_kept_and_nothing_else() {
        let state = |open, aside| dialogue::State { open, aside, ..dialogue::State::default() };
        let told = |before: &dialogue::State, after: &dialogue::State| {
            let changes = holds(before, after, Timestamp::UNIX_EPOCH);
            let told = changes.iter().map(|change| match change {
                Change::HoldSlot { slot, until, again } => {
                    format!("hold {} {}{}", slot.id, until.as_second(), if *again { " again" } else { "" })
                }
                Change::ReleaseSlot { slot } => format!("release {slot}"),
                _ => "?".into(),
            });
            told.collect::<Vec<_>>().join(", ")
        };
        let (none, a, b) = (state(None, None), state(asks("a"), None), state(asks("b"), None));
        assert_eq!(told(&none, &a), "hold a 180");
        assert_eq!(told(&a, &a), "hold a 180 again", "an answer about something else keeps it");
        assert_eq!(told(&a, &b), "release a, hold b 180");
        assert_eq!(told(&a, &state(asks("b"), asks("a"))), "hold b 180, hold a 180 again", "it stepped back");
        assert_eq!(told(&a, &none), "release a");
        assert_eq!(told(&none, &none), "");
    }
}
