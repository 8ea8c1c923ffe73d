//! What follows from triage: an emergency, or the question whether it is one.
//!
//! Invariant: in a room staff are told before anything is said. At home nobody is called, and nothing says so.

use std::ops::ControlFlow;

use super::{Said, State, Turn, hear::Hearing};
use crate::{
    actions::Facts,
    dialogue::{self, Needs, Open, PATIENCE, Request, Wait},
    nlu::{Slot, SlotValue, Slots},
    policy::{
        Decision, Effect, NameLists, Surface, decide,
        triage::{self, Level, Triage},
    },
};

/// The intent of an emergency.
const HELP: &str = "emergency.help";
/// The intent that puts a call on the nurses' board.
const NURSE: &str = "nurse.request";
/// The intent that notes a value.
const LOG: &str = "reading.log";

impl Turn<'_> {
    /// Whether it was a cry, and what comes of it.
    pub(super) async fn alarmed(mut self, heard: &Hearing) -> ControlFlow<super::TurnResult, Self> {
        let Some(cry) = triage::triage(&heard.raw().utterance()) else {
            return ControlFlow::Continue(self);
        };
        self.triage = Some(cry);
        let words = heard.raw().shown();
        ControlFlow::Break(match cry.level {
            Level::Emergency | Level::Urgent => self.emergency(cry, words).await,
            // Asked already, and no answer either.
            Level::Unsure if self.asks_whether_emergency() => self.unanswered().await,
            Level::Unsure => self.perhaps(cry, words).await,
        })
    }

    /// An emergency: the action runs whatever else is true of the caller, and the conversation's question is dropped.
    async fn emergency(mut self, cry: Triage, words: &str) -> super::TurnResult {
        let intent = if cry.level == Level::Urgent && self.in_room() { NURSE } else { HELP };
        self.step_back();
        let said = self.escalated(intent, slots(cry, words)).await;
        let said = match Box::pin(self.noting(words)).await {
            Some(question) => said.then(question),
            None => said,
        };
        self.finish(said).await
    }

    /// A value that was told in the cry: after what has to be done about it, whether it is to be noted. Nobody is asked for
    /// anything else for its sake, no PIN and no agreement.
    async fn noting(&mut self, words: &str) -> Option<Said> {
        let meaning = self.read_as(words, &NameLists::default(), None);
        if meaning.intent != LOG || self.is_anothers(words, LOG, &meaning.slots) {
            return None;
        }
        let (needs, _) = self.needs(LOG, &meaning.slots).ok()?;
        let may = decide(&needs.task(LOG), &self.caller, &self.agreed.uses.answer());
        if !matches!(may, Decision::Person(_)) {
            return None;
        }
        let said = self.run(meaning.intent, meaning.slots).await.ok()?;
        let open = said.open.clone().filter(|open| matches!(open.wait, Wait::Confirm { .. }))?;
        // What it is like was said, and staff were told.
        let facts = said.facts.clone().with("alarm", None::<&str>);
        Some(Said { facts, changes: vec![], conflict: None, open: Some(open), ..said })
    }

    /// Perhaps an emergency. In a room staff are told first; then the speaker is asked, everywhere.
    async fn perhaps(mut self, cry: Triage, words: &str) -> super::TurnResult {
        self.step_back();
        let slots = slots(cry, words);
        if self.third_party() || self.owner().is_none() {
            // No conversation is kept here, so an answer would mean nothing: it is said for either case.
            let said = Said::new(HELP, self.about(&slots, "if_so"), State::Escalated);
            return self.finish(Said { slots, ..said }).await;
        }
        // A value that was told with it is noted once it turns out to be none: it is not to be told twice.
        let meaning = self.read_as(words, &NameLists::default(), None);
        if meaning.intent == LOG && !self.is_anothers(words, LOG, &meaning.slots) {
            self.state.later = Some(Request { intent: meaning.intent, slots: meaning.slots });
        }
        let question = self.whether_emergency(slots.clone());
        let said = if self.in_room() {
            let told = self.escalated(NURSE, slots).await;
            Said { intent: HELP.to_owned(), ..told.then(question) }
        } else {
            question
        };
        self.finish(said).await
    }

    /// No clear answer to whether it is an emergency: asked once more, then taken for one.
    pub(super) async fn unanswered(mut self) -> super::TurnResult {
        let said = match self.state.open.clone() {
            Some(open) if open.tries.saturating_add(1) < PATIENCE => {
                Self::question(Open { tries: open.tries.saturating_add(1), ..open })
            }
            open => self.escalated(HELP, open.map(|open| open.slots).unwrap_or_default()).await,
        };
        self.finish(said).await
    }

    /// Whether the open question is whether there is an emergency.
    pub(super) fn asks_whether_emergency(&self) -> bool {
        self.state.open.as_ref().is_some_and(|open| matches!(open.wait, Wait::Emergency))
    }

    /// Runs an urgent action. What goes wrong is said, with what to do instead.
    pub(super) async fn escalated(&mut self, intent: &str, slots: Slots) -> Said {
        match self.run(intent.to_owned(), slots).await {
            Ok(said) => Said { state: State::Escalated, keep_open: false, request: None, ..said },
            Err(e) => {
                tracing::error!(stage = "emergency", error = %e, "an emergency could not be recorded");
                Said::new("dialogue.common", self.unrecorded(), State::Escalated)
            }
        }
    }

    /// It is none after all: nobody is called, and a call that went out stays.
    pub(super) fn stood_down(&self) -> Said {
        let slots = self.state.open.as_ref().map(|open| open.slots.clone()).unwrap_or_default();
        let reply = if self.in_room() { "stood_down_room" } else { "stood_down" };
        Said::new(HELP, self.about(&slots, reply), State::Answered)
    }

    /// What is said of an emergency that could not be made durable: never that somebody knows.
    pub(super) fn unrecorded(&self) -> Facts {
        let reply = if self.in_room() { "emergency_unrecorded_room" } else { "emergency_unrecorded" };
        Facts::new(reply).with("emergency_number", &self.core.emergency_number)
    }

    pub(super) fn in_room(&self) -> bool {
        matches!(self.caller.surface, Surface::Room(_))
    }

    /// What was being asked steps back; going on with it is offered when the next turn is over.
    fn step_back(&mut self) {
        if let Some(open) = self.state.open.take().filter(Open::is_a_task) {
            self.state.aside = Some(open);
        }
    }

    fn about(&self, slots: &Slots, reply: &str) -> Facts {
        let kind = match slots.get("kind").map(|slot| &slot.value) {
            Some(SlotValue::Text(kind)) => kind.as_str(),
            _ => "",
        };
        Facts::new(reply).with("kind", kind).with("emergency_number", &self.core.emergency_number)
    }

    fn whether_emergency(&self, slots: Slots) -> Said {
        let facts = self.about(&slots, "perhaps");
        let needs = Needs { effect: Effect::Urgent, ..Needs::NOTHING };
        let said = dialogue::Said { intent: HELP.to_owned(), facts, needs };
        Self::question(Open { intent: HELP.to_owned(), slots, wait: Wait::Emergency, said, tries: 0, before: None })
    }

    /// The question of an open question, as it was said.
    pub(super) fn question(open: Open) -> Said {
        let said = Said::new(HELP, open.said.facts.clone(), State::Asks);
        Said { slots: open.slots.clone(), needs: open.said.needs.clone(), open: Some(open), ..said }
    }
}

fn slots(cry: Triage, words: &str) -> Slots {
    let spoken = |value: &str| Slot::new(words, SlotValue::Text(value.to_owned()), 1.0);
    Slots::from([("need".to_owned(), spoken(words)), ("kind".to_owned(), spoken(cry.kind.name()))])
}
