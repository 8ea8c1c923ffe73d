//! Free words in a sentence that fits no template whole: what stands behind the words a template leads them in with.

use super::find::Finder;
use crate::nlu::{
    Slots,
    catalogue::{IntentDef, SlotKind},
    grammar::{Candidate, Fit, Scratch, SlotUse, Values},
};

/// A finder that begins at a later word.
struct From<'f, 'a> {
    finder: &'f mut Finder<'a>,
    start: usize,
    found: Vec<Candidate>,
}

impl Values for From<'_, '_> {
    fn candidates(&mut self, slot: &SlotUse, at: usize) -> &[Candidate] {
        self.found.clear();
        let later = self.finder.candidates(slot, self.start + at).iter();
        self.found.extend(later.map(|c| Candidate { end: c.end - self.start, ..*c }));
        &self.found
    }
}

impl<'a> Finder<'a> {
    /// "so anyway could somebody ask my doctor if i can stop the antibiotic": the end of it fits "ask my doctor
    /// {message}". Marks the words it takes.
    pub(super) fn message(&mut self, def: &'a IntentDef, taken: &mut [bool]) -> Slots {
        if !def.slots.iter().any(|s| s.kind == SlotKind::Text) {
            return Slots::new();
        }
        let catalogue = self.catalogue();
        let numbers: Vec<u32> = self.words().iter().map(|w| catalogue.vocabulary.number(w)).collect();
        let of_intent = |i: usize| catalogue.intents().get(i).is_some_and(|d| d.name == def.name);
        let takes_text = |name: &str| def.slot(name).is_some_and(|s| s.kind == SlotKind::Text);
        let mut memory = Scratch::default();
        self.look_for(def);
        for start in 0..numbers.len().min(64) {
            let rest = numbers.get(start..).unwrap_or_default();
            let mut best: Option<(Fit, Vec<String>)> = None;
            for sentence in catalogue.sentences.iter().filter(|s| of_intent(s.intent)) {
                let pattern = &sentence.pattern;
                // A template that begins with free words would fit anywhere.
                if !pattern.slots.iter().any(|s| takes_text(&s.name)) || pattern.begins_open() || !pattern.may_fit(rest)
                {
                    continue;
                }
                let mut values = From { finder: self, start, found: Vec::new() };
                let Some(fit) = pattern.fit(rest, &mut values, &mut memory, false) else { continue };
                if best.as_ref().is_none_or(|(b, _)| fit.points > b.points) {
                    best = Some((fit, pattern.slots.iter().map(|s| s.name.clone()).collect()));
                }
            }
            let Some((fit, names)) = best else { continue };
            let mut slots = Slots::new();
            for (slot, from, to) in fit.slots {
                let Some(slot) = names.get(slot).and_then(|name| def.slot(name)) else { continue };
                let (from, to) = (from + start, to + start);
                if let Some(value) = self.value(&slot.kind, slot.sense, from, to) {
                    taken.iter_mut().take(to).skip(from).for_each(|t| *t = true);
                    slots.insert(slot.name.clone(), value);
                }
            }
            return slots;
        }
        Slots::new()
    }
}
