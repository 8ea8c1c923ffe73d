//! Slots in one utterance: where their values may stand, and what they are.

use std::cell::OnceCell;

use jiff::Zoned;

use super::{
    learn::{MEDICINE, PROVIDER, WHEN},
    values::{self, FAINT, Known},
};
use crate::nlu::{
    Context, Slot, SlotValue, Slots, When,
    catalogue::{Catalogue, IntentDef, SlotKind},
    grammar::{Candidate, Fit, Pattern, SlotUse, Values, WORD},
    when::{self, Sense, Span, Tense},
    words::Word,
};

mod plain;
mod scan;

use plain::{known_and_more, plain};

/// One utterance with what is known about its words.
pub(super) struct Finder<'a> {
    ctx: &'a Context<'a>,
    catalogue: &'a Catalogue,
    text: &'a str,
    heard: Vec<Word>,
    now: Zoned,
    /// It may have been heard and not typed, so that numbers that sound alike may be meant.
    by_ear: bool,
    medicines: Known<'a>,
    providers: Known<'a>,
    ahead: OnceCell<Vec<Span>>,
    behind: OnceCell<Vec<Span>>,
    intent: Option<&'a IntentDef>,
    memo: Vec<(SlotKind, Tense, usize, Vec<Candidate>)>,
}

/// Points a word for a value that is known for sure; a literal word has [`WORD`].
const SURE: i32 = WORD - 10;
/// Points a word for a person named by title.
const TITLED: i32 = 60;
/// Points a word for any name at all.
const OPEN: i32 = 20;
/// Points a word for free text.
const FREE: i32 = 10;
/// Longest name no list holds, in words.
const LONGEST_NAME: usize = 5;
/// Longest free text in a sentence, in words.
const LONGEST_TEXT: usize = 120;

/// The channel on which words are typed.
const TYPED: &str = "chat";

impl<'a> Finder<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, text: &'a str, heard: Vec<Word>, ctx: &'a Context<'a>) -> Self {
        Self {
            ctx,
            catalogue,
            text,
            heard,
            now: values::local(ctx.now, ctx.zone),
            by_ear: ctx.channel != TYPED,
            medicines: Known::new(&ctx.lists.medicines, catalogue, "medicine", false),
            providers: Known::new(&ctx.lists.providers, catalogue, "provider", true),
            ahead: OnceCell::new(),
            behind: OnceCell::new(),
            intent: None,
            memo: Vec::new(),
        }
    }

    pub(super) fn words(&self) -> Vec<&str> {
        self.heard.iter().map(|w| w.text.as_str()).collect()
    }

    /// Whose slots the next pattern fills.
    pub(super) fn look_for(&mut self, intent: &'a IntentDef) {
        self.intent = Some(intent);
    }

    /// Whether the catalogue uses a word.
    pub(super) fn in_vocabulary(&self, word: &str) -> bool {
        self.catalogue.vocabulary.knows(word)
    }

    pub(super) const fn ctx(&self) -> &Context<'a> {
        self.ctx
    }

    pub(super) const fn now(&self) -> &Zoned {
        &self.now
    }

    /// The words of a span as they were said.
    pub(super) fn spoken(&self, start: usize, end: usize) -> &'a str {
        let first = self.heard.get(start).map_or(0, |w| w.start);
        let last = end.checked_sub(1).and_then(|i| self.heard.get(i)).map_or(first, |w| w.end);
        self.text.get(first..last).unwrap_or_default()
    }

    /// Which way a date goes in what was said.
    pub(super) fn sense(&self, tense: Tense) -> Sense {
        tense.of(&self.words())
    }

    pub(super) fn whens(&self, sense: Sense) -> &[Span] {
        let cell = if sense == Sense::Ahead { &self.ahead } else { &self.behind };
        cell.get_or_init(|| when::find(&self.words(), &self.now, sense))
    }

    /// "doctor okafor", "doctor ann okafor": a title and one or two words the catalogue does not use.
    fn titled(&self, name: &[&str]) -> bool {
        matches!(name, ["doctor", rest @ ..]
            if (1..=2).contains(&rest.len()) && rest.iter().all(|w| !plain(w) && !self.in_vocabulary(w)))
    }

    pub(super) fn known(&self, kind: &SlotKind) -> Option<&Known<'a>> {
        match kind {
            SlotKind::Medicine => Some(&self.medicines),
            SlotKind::Provider => Some(&self.providers),
            _ => None,
        }
    }

    fn compute(&self, kind: &SlotKind, tense: Tense, at: usize) -> Vec<Candidate> {
        let sense = self.sense(tense);
        let words = self.words();
        let left = words.len() - at.min(words.len());
        let worth = |n: usize, each: i32| i32::try_from(n).unwrap_or(0) * each;
        let span = |n: usize| words.get(at..at + n).unwrap_or_default();
        let mut out = Vec::new();
        match kind {
            SlotKind::Medicine | SlotKind::Provider => {
                let Some(known) = self.known(kind) else { return out };
                for n in 1..=left.min(known.longest().max(LONGEST_NAME)) {
                    let name = span(n);
                    let titled = *kind == SlotKind::Provider && self.titled(name);
                    let edges_plain = name.first().is_some_and(|w| plain(w)) || name.last().is_some_and(|w| plain(w));
                    let points = if known.knows(name) {
                        worth(n, SURE)
                    } else if titled {
                        worth(n, TITLED)
                    } else if n <= LONGEST_NAME && !edges_plain && !known_and_more(known, name) {
                        worth(n, OPEN)
                    } else {
                        continue;
                    };
                    out.push(Candidate { end: at + n, points });
                }
            }
            SlotKind::Date | SlotKind::Time => {
                for s in self
                    .whens(sense)
                    .iter()
                    .filter(|s| s.start == at && s.when.map_or(*kind == SlotKind::Date, |w| fits(kind, &w)))
                {
                    out.push(Candidate { end: s.end, points: worth(s.end - s.start, SURE) });
                }
            }
            SlotKind::Number
            | SlotKind::Reading
            | SlotKind::Duration
            | SlotKind::Recurrence
            | SlotKind::Period
            | SlotKind::Ordinal
            | SlotKind::Digits => {
                for (_, n, _) in values::computed(kind, span(left), &self.now, sense) {
                    out.push(Candidate { end: at + n, points: worth(n, SURE) });
                }
            }
            SlotKind::Text => {
                for n in 1..=left.min(LONGEST_TEXT) {
                    out.push(Candidate { end: at + n, points: worth(n, FREE) });
                }
            }
            SlotKind::List(name) => {
                let Some(list) = self.catalogue.list(name) else { return out };
                if let Some((_, n)) = values::ranged(list, span(left)) {
                    out.push(Candidate { end: at + n, points: worth(n, SURE) });
                }
                if list.wildcard {
                    out.extend((1..=left.min(LONGEST_TEXT)).map(|n| Candidate { end: at + n, points: worth(n, FREE) }));
                }
                for n in 1..=left.min(list.names.longest()) {
                    if list.names.exact(span(n)).is_some() {
                        out.push(Candidate { end: at + n, points: worth(n, SURE) });
                    }
                }
            }
        }
        out
    }

    /// The value of a span as a slot.
    pub(super) fn value(&self, kind: &SlotKind, tense: Tense, start: usize, end: usize) -> Option<Slot> {
        let sense = self.sense(tense);
        let words = self.words();
        let span = words.get(start..end)?;
        let spoken = self.spoken(start, end).to_owned();
        if let Some(known) = self.known(kind) {
            return Some(self.with_alike(kind, span, known.slot(&spoken, span)));
        }
        let (value, confidence) = match kind {
            SlotKind::Date | SlotKind::Time => {
                let s = self.whens(sense).iter().find(|s| (s.start, s.end) == (start, end))?;
                (SlotValue::When(s.when?), s.confidence)
            }
            SlotKind::Number
            | SlotKind::Reading
            | SlotKind::Duration
            | SlotKind::Recurrence
            | SlotKind::Period
            | SlotKind::Ordinal
            | SlotKind::Digits => {
                let found = values::computed(kind, span, &self.now, sense);
                let (value, _, confidence) = found.into_iter().find(|(_, n, _)| *n == span.len())?;
                let slot = Slot::new(spoken, value, confidence);
                return Some(if self.by_ear { values::doubted(slot) } else { slot });
            }
            SlotKind::List(name) => {
                let list = self.catalogue.list(name)?;
                match list.names.like(span) {
                    Some(hit) => (SlotValue::Text(list.values.get(hit.entry)?.clone()), hit.confidence),
                    None if list.wildcard => (SlotValue::Text(spoken.clone()), 1.0),
                    None => (SlotValue::Number(values::ranged(list, span)?.0), 1.0),
                }
            }
            SlotKind::Text | SlotKind::Medicine | SlotKind::Provider => (SlotValue::Text(spoken.clone()), 1.0),
        };
        Some(Slot::new(spoken, value, confidence))
    }

    /// A medicine with those it is known to be taken for, by the name that was said and by the one that is meant.
    fn with_alike(&self, kind: &SlotKind, said: &[&str], slot: Slot) -> Slot {
        match (kind, self.known(kind)) {
            (SlotKind::Medicine, Some(known)) => values::taken_for(self.catalogue, "medicine", known, said, slot),
            _ => slot,
        }
    }

    /// The slots of a sentence that fits, and whether one of them is a name of no list.
    pub(super) fn fill(&self, def: &IntentDef, pattern: &Pattern, fit: &Fit) -> (Slots, bool) {
        let fixed = pattern.fixed.iter();
        let fixed = fixed.map(|(name, value)| (name.clone(), Slot::new("", SlotValue::Text(value.clone()), 1.0)));
        let mut slots: Slots = fixed.collect();
        let mut weak = false;
        for &(slot, start, end) in &fit.slots {
            let Some(used) = pattern.slots.get(slot) else { continue };
            let Some(slot_def) = def.slot(&used.name) else { continue };
            let kind = used.list.as_ref().map_or_else(|| slot_def.kind.clone(), |l| SlotKind::List(l.clone()));
            if let Some(value) = self.value(&kind, slot_def.sense, start, end) {
                weak |= self.known(&kind).is_some() && value.confidence < FAINT;
                slots.insert(used.name.clone(), value);
            }
        }
        self.keep_words(def, &mut slots);
        share_time(def, &mut slots);
        (slots, weak)
    }

    /// The slots of an intent wherever they stand in the utterance.
    pub(super) fn slots_of(&mut self, def: &'a IntentDef) -> Slots {
        let mut taken = vec![false; self.heard.len()];
        let mut slots = self.message(def, &mut taken);
        let wanted = || def.slots.iter().filter(|s| s.kind != SlotKind::Text);
        let mark = |span: (usize, usize), to: bool, taken: &mut Vec<bool>| {
            taken.iter_mut().take(span.1).skip(span.0).for_each(|t| *t = to);
        };
        // What is sure of every slot first: "some sugar" must not be taken for another slot's "some cream".
        let mut sure = Vec::new();
        for slot in wanted() {
            let span = self.sure(slot, &taken);
            if let Some(span) = span {
                mark(span, true, &mut taken);
            }
            sure.push(span);
        }
        for (slot, span) in wanted().zip(sure) {
            let found = match span {
                Some(span) => {
                    mark(span, false, &mut taken);
                    let (start, end) = self.misheard(slot, Some(span), &taken).unwrap_or(span);
                    self.value(&slot.kind, slot.sense, start, end).map(|value| (start, end, value))
                }
                None => self.find(slot, &taken),
            };
            if let Some((start, end, value)) = found {
                mark((start, end), true, &mut taken);
                slots.insert(slot.name.clone(), value);
            }
        }
        self.keep_words(def, &mut slots);
        share_time(def, &mut slots);
        slots
    }

    pub(super) const fn catalogue(&self) -> &'a Catalogue {
        self.catalogue
    }

    /// A slot that takes the person's own words where nothing in them is known: all of them.
    fn keep_words(&self, def: &IntentDef, slots: &mut Slots) {
        for slot in def.slots.iter().filter(|s| s.or_words) {
            let spoken = self.text.trim().to_owned();
            let value = SlotValue::Text(spoken.clone());
            slots.entry(slot.name.clone()).or_insert_with(|| Slot::new(spoken, value, 0.5));
        }
    }

    /// The words for the classifier: known names and dates as marks, so that all of them are one feature.
    pub(super) fn known_values_masked(&self) -> Vec<String> {
        let words = self.words();
        let mut out = Vec::with_capacity(words.len());
        let mut at = 0;
        while at < words.len() {
            let longest = |kind: &SlotKind, least: i32| {
                let found = self.compute(kind, Tense::Ahead, at);
                found.iter().filter(|c| c.points >= i32::try_from(c.end - at).unwrap_or(1) * least).map(|c| c.end).max()
            };
            let marked = longest(&SlotKind::Medicine, SURE)
                .map(|end| (MEDICINE, end))
                .or_else(|| longest(&SlotKind::Provider, TITLED).map(|end| (PROVIDER, end)))
                .or_else(|| longest(&SlotKind::Date, SURE).map(|end| (WHEN, end)))
                .or_else(|| longest(&SlotKind::Time, SURE).map(|end| (WHEN, end)));
            match marked {
                Some((mark, end)) => {
                    out.push(mark.to_owned());
                    at = end;
                }
                None => {
                    out.extend(words.get(at).map(|w| (*w).to_owned()));
                    at += 1;
                }
            }
        }
        out
    }
}

impl Values for Finder<'_> {
    fn candidates(&mut self, slot: &SlotUse, at: usize) -> &[Candidate] {
        let Some(def) = self.intent.and_then(|i| i.slot(&slot.name)) else { return &[] };
        let kind = slot.list.as_ref().map_or_else(|| def.kind.clone(), |l| SlotKind::List(l.clone()));
        let sense = def.sense;
        let index = match self.memo.iter().position(|(k, s, a, _)| *a == at && *s == sense && *k == kind) {
            Some(index) => index,
            None => {
                let found = self.compute(&kind, sense, at);
                self.memo.push((kind, sense, at, found));
                self.memo.len() - 1
            }
        };
        self.memo.get(index).map_or(&[], |(.., found)| found)
    }
}

/// Whether a phrase can be what a date or a time slot asks for.
pub(super) fn fits(kind: &SlotKind, when: &When) -> bool {
    match kind {
        SlotKind::Date => when.from.is_some(),
        _ => when.from.is_none() && (when.after.is_some() || when.before.is_some()),
    }
}

/// "tuesday at three" is a day and a time: where an intent has a slot for each, both are filled, and the day's
/// value carries the time too.
pub(super) fn share_time(def: &IntentDef, slots: &mut Slots) {
    let of_kind = |kind: SlotKind| def.slots.iter().find(|s| s.kind == kind).map(|s| s.name.clone());
    let (Some(date), Some(time)) = (of_kind(SlotKind::Date), of_kind(SlotKind::Time)) else { return };
    let day = slots.get(&date).cloned();
    let clock = slots.get(&time).cloned();
    match (day, clock) {
        (Some(day), None) => {
            if let SlotValue::When(when) = day.value
                && (when.after.is_some() || when.before.is_some())
            {
                let value = SlotValue::When(When { from: None, to: None, ..when });
                slots.insert(time, Slot { value, ..day });
            }
        }
        (Some(mut day), Some(clock)) => {
            if let (SlotValue::When(when), SlotValue::When(said)) = (&mut day.value, &clock.value)
                && when.after.is_none()
                && when.before.is_none()
            {
                (when.after, when.before) = (said.after, said.before);
                slots.insert(date, day);
            }
        }
        _ => {}
    }
}
