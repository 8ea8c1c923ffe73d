//! What a platform understood, in the light of the conversation; and what could be answered, without answering.

use std::time::Instant;

use super::{Core, Could, Turn, millis, understand::Understood};
use crate::{
    dialogue::{Request, Wait},
    nlu::{Context, Intended, Interpretation, Slots, alexa},
    policy::{DataClass, NameLists, Surface, Trust},
};

impl Turn<'_> {
    /// What a platform's request means here; `None` where only its words, if any, are left to understand.
    pub(super) fn intended(&mut self, asked: &Intended, names: &NameLists) -> Option<Understood> {
        let clock = Instant::now();
        let (core, channel) = (self.core, self.caller.surface.name());
        let ctx = Context { channel, pending: self.pending(), lists: names, now: self.now, zone: &core.zone };
        let (first, second) = apart(asked);
        let found = core.engine.intended(&first, &ctx);
        let later = second.and_then(|second| core.engine.intended(&second, &ctx));
        self.timings.nlu += millis(clock);
        let meaning = self.settled_elsewhere(asked, found?);
        let second = later.map(|later| Request { intent: later.intent, slots: later.slots });
        Some(Understood { meaning, second })
    }

    /// A yes that the platform was given counts only for what was read back here, every value the same; a no always.
    fn settled_elsewhere(&self, asked: &Intended, meaning: Interpretation) -> Interpretation {
        let open = self.state.open.as_ref().filter(|open| open.intent == meaning.intent);
        let read_back = open.is_some_and(|open| {
            let same = |(name, slot): (&String, &crate::nlu::Slot)| {
                open.slots.get(name).is_some_and(|before| before.value == slot.value)
            };
            matches!(open.wait, Wait::Confirm { .. }) && meaning.slots.iter().all(same)
        });
        let instead = match asked.confirmed {
            Some(true) if read_back => "dialogue.yes",
            Some(false) if open.is_some() => "dialogue.no",
            Some(false) => "dialogue.cancel",
            Some(true) | None => return meaning,
        };
        Interpretation { intent: instead.to_owned(), slots: Slots::new(), ..meaning }
    }
}

/// Two values for one slot are two requests. Of more none is taken, so that the slot is asked for: to drop some of them
/// without a word would be to guess.
fn apart(asked: &Intended) -> (Intended, Option<Intended>) {
    let of = |slot: &str| asked.slots.iter().filter(|said| said.slot == slot).count();
    let most = asked.slots.iter().map(|said| of(&said.slot)).max().unwrap_or(0);
    let nth = |n: usize| {
        let mut slots: Vec<crate::nlu::Said> = Vec::new();
        for said in &asked.slots {
            let values = of(&said.slot);
            let mut all = asked.slots.iter().filter(|other| other.slot == said.slot);
            let wanted = if values == 2 { all.nth(n) } else { all.next().filter(|_| values == 1) };
            if let Some(wanted) = wanted
                && slots.iter().all(|taken| taken.slot != said.slot)
            {
                slots.push(wanted.clone());
            }
        }
        Intended { slots, ..asked.clone() }
    };
    (nth(0), (most == 2).then(|| nth(1)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_for_a_slot_are_two_requests_and_more_are_asked_about() {
        let told = |asked: &Intended| {
            asked.slots.iter().map(|s| format!("{}={}", s.slot, s.words)).collect::<Vec<_>>().join(" ")
        };
        for (slots, first, second) in [
            (&[][..], "", None),
            (&[("medicine", "a"), ("day", "x")][..], "medicine=a day=x", None),
            (&[("medicine", "a"), ("medicine", "b"), ("day", "x")], "medicine=a day=x", Some("medicine=b day=x")),
            (&[("medicine", "a"), ("medicine", "b"), ("medicine", "c"), ("day", "x")], "day=x", None),
        ] {
            let said = |(slot, words): &(&str, &str)| crate::nlu::Said {
                slot: (*slot).into(),
                words: (*words).into(),
                likely: None,
            };
            let asked = Intended { slots: slots.iter().map(said).collect(), ..Intended::named("x") };
            let (one, two) = apart(&asked);
            assert_eq!((told(&one).as_str(), two.as_ref().map(told).as_deref()), (first, second));
        }
    }
}
