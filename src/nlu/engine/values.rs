//! What a span of words means as a value of a slot.

use std::collections::{HashMap, HashSet};

use jiff::Zoned;

use crate::nlu::{
    Slot, SlotValue,
    catalogue::{Catalogue, List, SlotKind},
    digits,
    grammar::{Candidate, SlotUse, Values},
    lasting, measure,
    names::{Hit, Names},
    numbers, recurrence,
    when::{self, Sense},
    words,
};
use crate::policy::Named;

/// Nothing can stand in a slot: for patterns without slots.
pub(super) struct NoValues;

impl Values for NoValues {
    fn candidates(&mut self, _: &SlotUse, _: usize) -> &[Candidate] {
        &[]
    }
}

/// Words nothing matched are a value, but one nobody should act on unasked.
pub(super) const UNKNOWN: f32 = 0.3;
/// Words that are hardly like any name: the sentence around them is not made an intent by them alone.
pub(super) const FAINT: f32 = 0.5;
/// Something else sounds the same: read back or asked, never taken for sure.
const DOUBTED: f32 = 0.8;
/// A person named by title whom no list holds.
const TITLED: f32 = 0.5;

/// Names that stand for two who are not called the same in full.
fn shared(names: &[(usize, &str)], named: &[Named]) -> HashSet<String> {
    let mut first: HashMap<String, &str> = HashMap::new();
    let mut shared = HashSet::new();
    for (entry, name) in names {
        let Some(full) = named.get(*entry).map(|named| named.name.as_str()) else { continue };
        let said = words::words(name);
        let key = untitled(&said.iter().map(|w| w.text.as_str()).collect::<Vec<_>>());
        if *first.entry(key.clone()).or_insert(full) != full {
            shared.insert(key);
        }
    }
    shared
}

fn untitled(words: &[&str]) -> String {
    words.iter().copied().filter(|word| *word != "doctor").collect::<Vec<_>>().join(" ")
}

/// The person's own names and the general list behind them.
pub(super) struct Known<'a> {
    own: Names,
    named: &'a [Named],
    general: Option<&'a List>,
    /// Known letter for letter: what is said so is none of the others, however like them it sounds.
    exact: Option<&'a List>,
    kinds: Option<&'a List>,
    /// What two of them are called by: it tells neither from the other.
    shared: HashSet<String>,
}

impl<'a> Known<'a> {
    pub(super) fn new(named: &'a [Named], catalogue: &'a Catalogue, list: &str, surnames: bool) -> Self {
        let mut names: Vec<(usize, &str)> = Vec::new();
        for (entry, thing) in named.iter().enumerate() {
            names.push((entry, &thing.name));
            names.extend(thing.aliases.iter().map(|alias| (entry, alias.as_str())));
            if surnames && let Some(last) = thing.name.split_whitespace().next_back() {
                names.push((entry, last));
            }
        }
        // "lisinopril 10 mg tablet" is asked for as "lisinopril".
        if !surnames {
            for (entry, thing) in named.iter().enumerate() {
                let head = thing.name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().trim();
                if !head.is_empty() && head != thing.name {
                    names.push((entry, head));
                }
            }
        }
        let shared = if surnames { shared(&names, named) } else { HashSet::new() };
        Self {
            own: Names::new(names),
            named,
            general: catalogue.list(list),
            exact: catalogue.exact(list),
            kinds: catalogue.kinds(list),
            shared,
        }
    }

    /// Words of the longest name.
    pub(super) fn longest(&self) -> usize {
        let lists = [self.general, self.exact, self.kinds].into_iter().flatten();
        lists.map(|l| l.names.longest()).fold(self.own.longest(), usize::max) + 1
    }

    /// Whether these words are a known name letter for letter.
    pub(super) fn knows(&self, words: &[&str]) -> bool {
        let lists = [self.general, self.exact];
        self.own.exact(words).is_some() || lists.iter().flatten().any(|l| l.names.exact(words).is_some())
    }

    /// The value these words stand for and how sure that is, if they are like any name.
    ///
    /// `by_ear`: names of the general list may be meant by likeness too, not only letter for letter.
    pub(super) fn value(&self, words: &[&str], by_ear: bool) -> Option<(String, f32)> {
        let own = self.own.like(words);
        let listed = |hit: Hit| self.general.and_then(|l| l.values.get(hit.entry)).cloned();
        if let Some(hit) = own.filter(|h| h.confidence >= 1.0) {
            return Some((self.named.get(hit.entry)?.name.clone(), 1.0));
        }
        let general = self.general.and_then(|l| {
            let exact = l.names.exact(words).map(|entry| Hit { entry, confidence: 1.0 });
            exact.or_else(|| l.names.like(words).filter(|_| by_ear))
        });
        if let Some(hit) = general.filter(|h| h.confidence >= 1.0) {
            let generic = listed(hit)?;
            return Some(self.own_by_generic(self.general, hit.entry).map_or((generic, 1.0), |own| (own, 0.95)));
        }
        let said_so = |list: Option<&'a List>| list.and_then(|l| l.names.exact(words).map(|entry| (l, entry)));
        if let Some((list, entry)) = said_so(self.exact) {
            let own = self.own_by_generic(self.exact, entry).map(|own| (own, 0.95));
            return own.or_else(|| Some((list.values.get(entry)?.clone(), 1.0)));
        }
        if let Some((list, entry)) = said_so(self.kinds) {
            return Some((list.values.get(entry)?.clone(), 1.0));
        }
        // By ear, the person's own names come first: they are few, and theirs.
        match (own, general) {
            (Some(own), Some(other)) if other.confidence > own.confidence + 0.1 => {
                Some((listed(other)?, other.confidence))
            }
            (Some(own), _) => Some((self.named.get(own.entry)?.name.clone(), own.confidence)),
            (None, Some(other)) => Some((
                self.own_by_generic(self.general, other.entry).or_else(|| listed(other))?,
                other.confidence * 0.9,
            )),
            (None, None) => None,
        }
    }

    /// The person's own entry for a value of a list, whatever name it goes by there.
    fn own_by_generic(&self, list: Option<&List>, value: usize) -> Option<String> {
        let list = list?;
        let ways = list.said.iter().filter(|(v, _)| *v == value).map(|(_, way)| way.as_str());
        let own = ways.filter_map(|way| self.own.exact(&way.split(' ').collect::<Vec<_>>())).next()?;
        self.named.get(own).map(|n| n.name.clone())
    }

    /// The value of a span that stands where a name must be.
    pub(super) fn slot(&self, spoken: &str, words: &[&str]) -> Slot {
        if self.shared.contains(&untitled(words)) {
            // Whoever acts on it asks which of them.
            return Slot::new(spoken, SlotValue::Text(spoken.to_owned()), 1.0);
        }
        let (value, confidence) = self.value(words, true).unwrap_or_else(|| {
            let titled = words.len() > 1 && words.first() == Some(&"doctor");
            (spoken.to_owned(), if titled { TITLED } else { UNKNOWN })
        });
        Slot::new(spoken, SlotValue::Text(value), confidence)
    }
}

/// The values of a computed kind that begin with the first of the words: value, words, how sure.
pub(super) fn computed(kind: &SlotKind, words: &[&str], now: &Zoned, sense: Sense) -> Vec<(SlotValue, usize, f32)> {
    match kind {
        SlotKind::Number => {
            numbers::number(words).map(|(n, used)| (SlotValue::Number(n), used, 1.0)).into_iter().collect()
        }
        SlotKind::Reading => {
            measure::at(words).into_iter().map(|(m, used)| (SlotValue::Measured(m), used, 1.0)).collect()
        }
        SlotKind::Duration => {
            let found = lasting::at(words, now).into_iter();
            found.map(|(l, used, sure)| (SlotValue::Lasting(l), used, sure)).collect()
        }
        SlotKind::Recurrence => {
            let found = recurrence::at(words, now).into_iter();
            found.map(|(r, used)| (SlotValue::Recurring(r), used, 1.0)).collect()
        }
        SlotKind::Period => {
            let found = when::periods(words, now, sense).into_iter();
            found.map(|(w, used, sure)| (SlotValue::When(w), used, sure)).collect()
        }
        SlotKind::Ordinal => {
            let place = numbers::place(words).map(|(n, used)| (SlotValue::Number(f64::from(n)), used, 1.0));
            place.into_iter().collect()
        }
        SlotKind::Digits => {
            digits::at(words).map(|(code, used)| (SlotValue::Text(code), used, 1.0)).into_iter().collect()
        }
        SlotKind::Medicine
        | SlotKind::Provider
        | SlotKind::Date
        | SlotKind::Time
        | SlotKind::Text
        | SlotKind::List(_) => Vec::new(),
    }
}

/// The number of a range at the start of the words: its value, and how many words it takes.
pub(super) fn ranged(list: &List, words: &[&str]) -> Option<(f64, usize)> {
    let range = list.range?;
    let said = if range.fractions { measure::spoken(words) } else { numbers::number(words) };
    let (said, n) = said?;
    Some((range.value(said)?, n))
}

/// A name with the names it is known to be taken for, as the person's own list or the general one writes them.
pub(super) fn taken_for(catalogue: &Catalogue, list: &str, known: &Known<'_>, said: &[&str], slot: Slot) -> Slot {
    let SlotValue::Text(value) = &slot.value else { return slot };
    // "lisinopril 10 mg tablet" goes by its first words.
    let head = value.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
    let mut alike: Vec<SlotValue> = Vec::new();
    for name in [said.join(" "), words::normal(head)] {
        for other in catalogue.taken_for(list, &name) {
            let spelled: Vec<&str> = other.split(' ').collect();
            let meant = known.value(&spelled, false).filter(|(_, sure)| *sure >= 0.95);
            let other = SlotValue::Text(meant.map_or_else(|| other.clone(), |(name, _)| name));
            if other != slot.value && !alike.contains(&other) {
                alike.push(other);
            }
        }
    }
    let confidence = if alike.is_empty() { slot.confidence } else { slot.confidence.min(DOUBTED) };
    Slot { confidence, alike, ..slot }
}

/// A value with what sounds like it; where something does, it is less sure.
pub(super) fn doubted(slot: Slot) -> Slot {
    let SlotValue::Measured(measured) = &slot.value else { return slot };
    let alike: Vec<SlotValue> = measured.sounds_like().into_iter().map(SlotValue::Measured).collect();
    let confidence = if alike.is_empty() { slot.confidence } else { slot.confidence.min(DOUBTED) };
    Slot { confidence, alike, ..slot }
}

/// Now, where it is said.
pub(super) fn local(now: jiff::Timestamp, zone: &jiff::tz::TimeZone) -> Zoned {
    now.to_zoned(zone.clone())
}
