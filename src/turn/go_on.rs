//! How a conversation goes on besides the answer: the second of two requests, the question that was open, what an
//! emergency interrupted, help, a person.

use super::{Said, State, Turn, TurnError, understand::Understood};
use crate::{
    actions::Facts,
    dialogue::{self, Needs, Open, PATIENCE, Request, Wait},
    nlu::{By, Interpretation, Slots},
    policy::Surface,
};

/// The intent that puts through to a person.
pub(super) const PERSON: &str = "human.talk";

impl Turn<'_> {
    /// Everything there is to say to what was understood.
    pub(super) async fn answered(&mut self, understood: Understood) -> Result<Said, TurnError> {
        let Understood { meaning, second } = understood;
        let step = dialogue::next(&self.state, &meaning, &self.core.catalogue);
        if second.is_some() {
            self.state.later = second;
        }
        if meaning.intent == "dialogue.stop" {
            (self.state.later, self.state.aside) = (None, None);
        }
        if self.state.open.as_ref().is_some_and(|open| matches!(open.wait, Wait::Resume))
            && meaning.intent != "dialogue.repeat"
        {
            // It was offered; a yes carries it in the step, anything else leaves it.
            self.state.aside = None;
        }
        let mut said = self.carry_out(step, &meaning).await?;
        self.keep_what_it_came_from(&mut said);
        self.go_on(said).await
    }

    /// The second request, then what stepped back, once nothing is open any more.
    pub(super) async fn go_on(&mut self, mut said: Said) -> Result<Said, TurnError> {
        if said.settled()
            && let Some(Request { intent, slots }) = self.state.later.take()
        {
            let step = dialogue::run_or_ask(&intent, slots.clone(), &self.core.catalogue);
            let meaning = Interpretation { intent, slots, confidence: 1.0, alternatives: vec![], by: By::Sentence };
            let more = self.carry_out(step, &meaning).await?;
            said = said.then(more);
        }
        if said.settled() && self.state.aside.is_some() {
            said = said.then(Self::asked("resume", Wait::Resume));
        }
        Ok(said)
    }

    /// "The other one" and "go back" need the question that this one came out of.
    pub(super) fn keep_what_it_came_from(&self, said: &mut Said) {
        let (Some(before), Some(open)) = (&self.state.open, said.question()) else { return };
        if before.intent != open.intent || open.before.is_some() {
            return;
        }
        open.before = match &before.wait {
            Wait::Slot { options, .. } if !options.is_empty() && open.tries == 0 && before.slots != open.slots => {
                Some(Box::new(Open { before: None, ..before.clone() }))
            }
            _ => before.before.clone(),
        };
    }

    /// After something in the middle of a question: the question again. Where that something asks a question of its
    /// own, the first one steps back.
    pub(super) async fn back_to_question(&mut self, said: Said) -> Result<Said, TurnError> {
        let Some(open) = self.state.open.clone() else { return Ok(said) };
        // Whoever asks for something else is asked once more whether they need help, then believed.
        if matches!(open.wait, Wait::Emergency) {
            self.state.open = None;
            let again = Open { tries: open.tries.saturating_add(1), ..open };
            return Ok(if said.settled() && again.tries < PATIENCE { said.then(Self::question(again)) } else { said });
        }
        let worth_it = open.is_a_task();
        if said.settled() && worth_it {
            return Ok(said.then(self.ask_again(open).await?));
        }
        if worth_it {
            self.state.aside = Some(open);
        }
        self.state.open = None;
        Ok(said)
    }

    /// What can be said now, then the question again.
    pub(super) async fn help(&mut self) -> Result<Said, TurnError> {
        let open = self.state.open.clone();
        let reply = match open.as_ref().map(|open| &open.wait) {
            Some(Wait::Pin { .. }) => "pin",
            Some(Wait::Who { .. }) => "name",
            Some(
                Wait::Confirm { .. }
                | Wait::Meant
                | Wait::Resume
                | Wait::Person
                | Wait::Consent { .. }
                | Wait::Aloud { .. }
                | Wait::Join
                | Wait::Emergency,
            ) => "yes_or_no",
            Some(Wait::Slot { options, .. }) if !options.is_empty() => "pick",
            Some(Wait::Slot { .. }) => "value",
            None if matches!(self.caller.surface, Surface::Room(_)) => "room",
            None => self.elsewhere("dialogue.help", "answer"),
        };
        let said = Said::new("dialogue.help", Facts::new(reply), State::Answered);
        Ok(match open {
            Some(open) => said.then(self.ask_again(open).await?),
            None => said,
        })
    }

    /// The reply for a channel of somebody else's, where there is one: what cannot be had there is not offered.
    pub(super) fn elsewhere(&self, intent: &str, reply: &'static str) -> &'static str {
        let has_one = || self.core.catalogue.intent(intent).is_some_and(|def| def.replies.contains_key("elsewhere"));
        if self.third_party() && has_one() { "elsewhere" } else { reply }
    }

    /// Slowly from now on, beginning with what was said last.
    pub(super) async fn slower(&mut self) -> Result<Said, TurnError> {
        self.state.slowly = true;
        let said = Said::new("dialogue.slower", Facts::new("answer"), State::Answered);
        let again = match (self.state.open.clone(), self.state.last.clone()) {
            (Some(open), _) => self.ask_again(open).await?,
            (None, last) if last.is_empty() => return Ok(said),
            (None, last) => self.say_again(last, None).await?,
        };
        Ok(said.then(again))
    }

    /// Nothing was understood again and again: what is open is left, and a person is offered.
    pub(super) fn given_up(&self, intent: &str) -> Said {
        let offer = self.offered_person();
        let left = self.state.open.as_ref().is_some_and(|open| !matches!(open.wait, Wait::Meant));
        let said =
            if left { Said::new("dialogue.common", Facts::new("gave_up"), State::Answered).then(offer) } else { offer };
        Said { intent: intent.to_owned(), ..said }
    }

    /// "Shall I ask for a person?"
    pub(super) fn offered_person(&self) -> Said {
        let in_room = matches!(self.caller.surface, Surface::Room(_));
        Self::asked(if in_room { "offer_person_room" } else { "offer_person" }, Wait::Person)
    }

    /// A question of the conversation's own, which names no fact.
    fn asked(reply: &str, wait: Wait) -> Said {
        let facts = Facts::new(reply);
        let said = dialogue::Said { intent: "dialogue.common".to_owned(), facts: facts.clone(), needs: Needs::NOTHING };
        let intent = if matches!(wait, Wait::Person) { PERSON } else { "dialogue.common" };
        let open = Open { intent: intent.to_owned(), slots: Slots::new(), wait, said, tries: 0, before: None };
        Said { open: Some(open), ..Said::new("dialogue.common", facts, State::Asks) }
    }
}
