//! What is said where a person's records are at a server that cannot be reached, or that was not told of all that they changed.

use super::{Said, State, Turn, TurnError, aloud};
use crate::{
    actions::{ActionError, Facts, Outcome},
    nlu::Slots,
    policy::EntryId,
    records::{Records, RecordsError},
};

/// Hours of the day at which its parts begin, and what they are called in the catalogue's reply.
const PARTS: [(i8, &str); 4] = [(0, "night"), (5, "morning"), (12, "afternoon"), (18, "evening")];

impl Turn<'_> {
    /// That the records cannot be reached, or keep no such thing, where there is nothing at all to answer from; otherwise the
    /// outcome.
    pub(super) fn unless_unreachable(
        outcome: Result<Outcome, ActionError>,
        (intent, slots, opened): (&str, &Slots, Option<EntryId>),
    ) -> Result<Result<Outcome, Box<Said>>, ActionError> {
        let reply = match outcome {
            Err(ActionError::Records(RecordsError::Unreachable)) => "unreachable",
            Err(ActionError::Records(RecordsError::NotHeld)) => "not_held",
            Err(error) => return Err(error),
            Ok(outcome) => return Ok(Ok(outcome)),
        };
        Ok(Err(Box::new(Said {
            intent: intent.to_owned(),
            slots: slots.clone(),
            opened,
            ..Said::new("dialogue.common", Facts::new(reply), State::Answered)
        })))
    }

    /// An answer from a copy says so first, and how old it is. Where only a headline is said, it names no time.
    pub(super) fn with_age(&self, mut said: Said) -> Said {
        let Some(read) = self.ahead.as_ref().and_then(Records::stale) else { return said };
        let facts = if aloud::is_headline(&said.facts) {
            Facts::new("not_now")
        } else {
            let read_at = read.to_zoned(self.core.zone.clone());
            let today = read_at.date() == self.now.to_zoned(self.core.zone.clone()).date();
            let part = PARTS.iter().rev().find(|(from, _)| read_at.hour() >= *from).map_or("night", |(_, name)| *name);
            Facts::new("as_of").with("read", read).with("today", today).with("part", part)
        };
        let note = Said {
            intent: said.intent.clone(),
            slots: said.slots.clone(),
            request: said.request.take(),
            ..Said::new("dialogue.common", facts, State::Answered)
        };
        note.then(said)
    }

    /// After an answer about a part of the record to which a change of theirs is still on its way: that the server, and whoever
    /// works with it, does not have that yet.
    pub(super) async fn with_unsent(&self, said: Said) -> Result<Said, TurnError> {
        let (Some(scope), Some(person)) = (said.needs.scope, &self.caller.person) else { return Ok(said) };
        let told = said.state == State::Answered && said.opened.is_some() && !aloud::is_headline(&said.facts);
        if self.core.courier.is_none() || !told || !self.core.store.unsent(person).await?.contains(&scope) {
            return Ok(said);
        }
        let facts = Facts::new("unsent").with("part", scope.name()).with("organization", &self.core.organization);
        Ok(said.then(Said::new("dialogue.common", facts, State::Answered)))
    }
}
