//! What a platform understood, in the light of the conversation; and what could be answered, without answering.

use std::time::Instant;

use super::{Core, Could, Turn, millis, understand::Understood};
use crate::{
    dialogue::Wait,
    nlu::{Context, Intended, Interpretation, Slots, alexa},
    policy::{DataClass, NameLists, Surface, Trust},
};

impl Turn<'_> {
    /// What a platform's request means here; `None` where only its words, if any, are left to understand.
    pub(super) fn intended(&mut self, asked: &Intended, names: &NameLists) -> Option<Understood> {
        let clock = Instant::now();
        let (core, channel) = (self.core, self.caller.surface.name());
        let ctx = Context { channel, pending: self.pending(), lists: names, now: self.now, zone: &core.zone };
        let found = core.engine.intended(asked, &ctx);
        self.timings.nlu += millis(clock);
        let meaning = self.settled_elsewhere(asked, found?);
        Some(Understood { meaning, second: None })
    }

    /// A yes that the platform was given counts only for what was read back here; a no always.
    fn settled_elsewhere(&self, asked: &Intended, meaning: Interpretation) -> Interpretation {
        let open = self.state.open.as_ref().filter(|open| open.intent == meaning.intent);
        let read_back = open.is_some_and(|open| matches!(open.wait, Wait::Confirm { .. }));
        let instead = match asked.confirmed {
            Some(true) if read_back => "dialogue.yes",
            Some(false) if open.is_some() => "dialogue.no",
            Some(false) => "dialogue.cancel",
            Some(true) | None => return meaning,
        };
        Interpretation { intent: instead.to_owned(), slots: Slots::new(), ..meaning }
    }
}

impl Core {
    /// Whether a platform's request could be answered on a surface. Nothing is done, nobody's names are looked at, and
    /// nothing is kept.
    #[must_use]
    pub fn could(&self, surface: &Surface, asked: &Intended) -> Could {
        let lists = NameLists::default();
        let now = self.ambient.now();
        let ctx = Context { channel: surface.name(), pending: None, lists: &lists, now, zone: &self.zone };
        let def = self.engine.intent_for(asked);
        let understood = |said: &crate::nlu::Said| {
            let slot = def.and_then(|def| alexa::slot_here(def, &said.slot));
            slot.is_some_and(|slot| self.engine.said(slot, said, &ctx).is_some())
        };
        let may = |data: DataClass| data == DataClass::Public || surface.trust() == Trust::FirstParty;
        Could {
            answer: def.is_some_and(|def| def.action.is_some() && may(def.data)),
            slots: asked.slots.iter().map(|said| (said.slot.clone(), understood(said))).collect(),
        }
    }
}
