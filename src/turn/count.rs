//! What of a turn is counted, where the person agreed to it: its shape, and the words of one that went wrong.
//!
//! Invariant: only what a person agreed to, only after the turn is durable, never of a third party's channel or an
//! emergency, and whatever comes of it, the turn goes on.

use std::collections::BTreeSet;

use super::{State, Turn, TurnResult, said::Said};
use crate::{
    nlu::NONE,
    patterns::{Item, phrases},
};

impl Turn<'_> {
    pub(super) fn count(&self, said: &Said, result: &TurnResult) {
        let (Some(config), Some(person)) = (&self.core.patterns, &self.caller.person) else { return };
        if !config.collect || !self.agreed.uses.improve() || self.third_party() || self.triage.is_some() {
            return;
        }
        let failure = failure(said, result);
        let mut items = vec![Item::Turn {
            intent: said.intent.clone(),
            slots: said.slots.keys().filter_map(|name| self.kind(&said.intent, name)).collect(),
            outcome: result.state.name().to_owned(),
            failure: failure.to_owned(),
        }];
        if let (Some(heard), "not-understood" | "unsure" | "missed" | "asked") = (&result.heard, failure) {
            let values: Vec<(String, String)> = said
                .slots
                .iter()
                .map(|(name, slot)| {
                    (slot.spoken.clone(), self.kind(&said.intent, name).unwrap_or_else(|| "text".to_owned()))
                })
                .collect();
            let found = phrases(&heard.text, values.iter().map(|(spoken, kind)| (spoken.as_str(), kind.as_str())));
            items.extend(found.into_iter().map(|words| Item::Phrase { failure: failure.to_owned(), words }));
        }
        self.core.store.collect(person, items, self.now, config.period_days);
    }

    /// The type of a slot, as the catalogue calls it.
    fn kind(&self, intent: &str, slot: &str) -> Option<String> {
        let def = self.core.catalogue.intent(intent)?.slot(slot)?;
        Some(def.kind.word().to_owned())
    }
}

/// What went wrong, if anything did.
fn failure(said: &Said, result: &TurnResult) -> &'static str {
    let replies: BTreeSet<&str> = said.parts().map(|part| part.facts.reply.as_ref()).collect();
    match result.state {
        _ if said.intent == NONE => "not-understood",
        _ if replies.contains("meant") => "unsure",
        _ if said.parts().any(|part| part.missed) => "missed",
        State::Asks => "asked",
        State::Refused => "refused",
        State::Rejected => "not-heard",
        State::Answered | State::Confirms | State::Done | State::Escalated => "none",
    }
}
