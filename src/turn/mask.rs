//! Secret digits in what was said, and what stands for them.
//!
//! Invariant: a PIN or a code goes to where it is tried and nowhere else. What is kept, shown, put on the board or
//! answered has the mask in its place, whatever else was said in the same breath; only triage, understanding and the
//! try itself read the words as they were.

use zeroize::Zeroizing;

use super::{Turn, understand::Understood};
use crate::{
    dialogue::Wait,
    nlu::{Slot, SlotValue, catalogue::SlotKind, digits},
};

/// What stands for a secret in everything that is shown, stored or said.
pub(super) const MASK: &str = "[PIN]";

impl Turn<'_> {
    /// Whether digits are what is waited for.
    fn waits_for_digits(&self) -> bool {
        let Some(open) = &self.state.open else { return false };
        match &open.wait {
            Wait::Pin { .. } => true,
            Wait::Slot { slot, .. } => self.is_digits(&open.intent, slot),
            Wait::Confirm { .. }
            | Wait::Meant
            | Wait::Resume
            | Wait::Person
            | Wait::Emergency
            | Wait::Who { .. }
            | Wait::Aloud { .. }
            | Wait::Join
            | Wait::Consent { .. } => false,
        }
    }

    fn is_digits(&self, intent: &str, slot: &str) -> bool {
        let def = self.core.catalogue.intent(intent);
        def.and_then(|def| def.slot(slot)).is_some_and(|slot| slot.kind == SlotKind::Digits)
    }

    /// Masks what was heard. Where digits are waited for, every one of them: half a PIN is half a secret.
    pub(super) fn mask_heard(&mut self) {
        let every = self.waits_for_digits();
        if let Some(heard) = &mut self.heard {
            let secrets = if every { digits::runs(&heard.text, 1) } else { digits::secrets(&heard.text) };
            heard.text = digits::masked(&heard.text, &secrets, MASK);
        }
    }

    /// What was heard where digits are waited for, as digits, where it can be nothing else.
    pub(super) fn digits_by_ear(&self, words: &str) -> Option<String> {
        self.waits_for_digits().then(|| digits::by_ear(words)).flatten()
    }

    /// Words as staff may read them. "I took 20 pills" in answer to the question for a PIN is no PIN.
    pub(super) fn for_the_board(&self, words: &str) -> String {
        if self.digits_by_ear(words).is_some() {
            return MASK.to_owned();
        }
        let secrets = if self.waits_for_digits() { digits::codes(words) } else { digits::secrets(words) };
        digits::masked(words, &secrets, MASK)
    }

    /// A code that was said is nothing to keep or to say again, in whatever slot it stands.
    pub(super) fn mask(&mut self, understood: &mut Understood) {
        self.code = self.code_in(understood);
        self.mask_where_digits_are_told(understood);
        let told = self.waits_for_digits() || self.heard.as_ref().is_some_and(|heard| heard.text.contains(MASK));
        let second = understood.second.iter_mut().map(|request| (request.intent.clone(), &mut request.slots));
        let first = (understood.meaning.intent.clone(), &mut understood.meaning.slots);
        for (intent, slots) in std::iter::once(first).chain(second) {
            for (name, slot) in slots.iter_mut() {
                if self.is_digits(&intent, name) {
                    *slot = Slot::new(MASK, SlotValue::Text(MASK.to_owned()), slot.confidence);
                } else if told {
                    *slot = without_codes(slot);
                }
            }
        }
    }
}

impl Turn<'_> {
    /// Whoever tells digits to be tried may call them what they like: what was heard has the mask for them, too.
    fn mask_where_digits_are_told(&mut self, understood: &Understood) {
        let first = (&understood.meaning.intent, &understood.meaning.slots);
        let second = understood.second.iter().map(|request| (&request.intent, &request.slots));
        let mut all = std::iter::once(first).chain(second);
        if all.any(|(intent, slots)| slots.keys().any(|name| self.is_digits(intent, name)))
            && let Some(heard) = &mut self.heard
        {
            heard.text = digits::masked(&heard.text, &digits::codes(&heard.text), MASK);
        }
    }

    /// A one-time code, for the try alone.
    fn code_in(&self, understood: &Understood) -> Option<Zeroizing<String>> {
        let meaning = &understood.meaning;
        let slot = meaning.slots.iter().find(|(name, _)| self.is_digits(&meaning.intent, name));
        match slot.map(|(_, slot)| &slot.value) {
            Some(SlotValue::Text(digits)) => Some(Zeroizing::new(digits.clone())),
            _ => None,
        }
    }
}

fn without_codes(slot: &Slot) -> Slot {
    let masked = |text: &str| digits::masked(text, &digits::codes(text), MASK);
    let spoken = masked(&slot.spoken);
    match &slot.value {
        SlotValue::Text(text) => Slot::new(spoken, SlotValue::Text(masked(text)), slot.confidence),
        _ if spoken == slot.spoken => slot.clone(),
        _ => Slot::new(spoken, SlotValue::Text(MASK.to_owned()), slot.confidence),
    }
}
