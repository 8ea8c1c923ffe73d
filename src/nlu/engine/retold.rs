//! What may have been said instead of what was heard: the same words with a known name where some of them sound like it.
//!
//! Invariant: nothing here is believed. It makes texts to be weighed against the sound, names that are nobody's own among
//! them, so that a name that is not on the list has something to win with.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Engine, carrier};
use crate::nlu::{
    catalogue::{Catalogue, SlotKind},
    names::{Names, Spot},
    words::{self, Word},
};
use crate::policy::NameLists;

/// Names of the person's own that are tried, the likest first.
const OWN: usize = 5;
/// Names of the general list that are tried.
const GENERAL: usize = 4;
/// Places that each of the likest names of the person's own is tried at.
const PLACES: usize = 2;
/// A second place that is so much less like the name than the first is not tried.
const WORSE: f32 = 0.2;
/// What is less like a name than this is not tried at all.
const FAR: f32 = 0.35;
/// Longest utterance that is retold, in words.
const LONGEST: usize = 24;

/// Other sentences than the one that was heard that a name is tried in.
const CARRIED: usize = 4;

/// Makes such texts for one person.
pub struct Retelling {
    kinds: Vec<SlotKind>,
    catalogue: Arc<Catalogue>,
    own: Names,
    /// As the names are said, by entry, and of which of the person's medicines or people.
    ways: Vec<(String, usize)>,
    /// Names of the general list that are the person's own under another name, and of which.
    also_own: HashMap<usize, usize>,
    medicines: bool,
}

/// A text that may have been said.
#[derive(Debug, Clone, PartialEq)]
pub struct Retold {
    /// All of it.
    pub text: String,
    /// The name in it, as it is said.
    pub name: String,
    /// Whose name it is.
    pub whose: Whose,
    /// How like the name the words are that it stands for, 0 to 1.
    pub likeness: f32,
    /// Whether the words around the name are not those that were heard, but those of a sentence of the grammar.
    pub carried: bool,
}

/// Whose name it is, by number: several names may be of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// One of the person's own medicines or people.
    Own(usize),
    /// One of the general list.
    Nobodys(usize),
}

impl Retold {
    /// Whether it is the person's own.
    #[must_use]
    pub const fn own(&self) -> bool {
        matches!(self.whose, Whose::Own(_))
    }
}

impl Engine {
    /// For names of these kinds; others are left aside.
    #[must_use]
    pub fn retelling(&self, kinds: &[SlotKind], lists: &NameLists) -> Retelling {
        Retelling::new(Arc::clone(&self.catalogue), kinds, lists)
    }
}

impl Retelling {
    pub(crate) fn new(catalogue: Arc<Catalogue>, kinds: &[SlotKind], lists: &NameLists) -> Self {
        let medicines = kinds.contains(&SlotKind::Medicine);
        let mut ways: Vec<(String, usize)> = Vec::new();
        let theirs = [(medicines, &lists.medicines), (kinds.contains(&SlotKind::Provider), &lists.providers)];
        let wanted = theirs.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, named)| named);
        for (which, named) in wanted.enumerate() {
            for way in std::iter::once(&named.name).chain(&named.aliases) {
                // "lisinopril 10 MG Oral Tablet" is said "lisinopril".
                let way = way.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().trim();
                if !way.is_empty() && !ways.iter().any(|(known, _)| known.eq_ignore_ascii_case(way)) {
                    ways.push((way.to_owned(), which));
                }
            }
        }
        let own = Names::new(ways.iter().map(|(way, _)| way.as_str()).enumerate());
        let mut also_own = HashMap::new();
        if medicines && let Some(list) = catalogue.list("medicine") {
            let which = |way: &str| Some(ways.get(own.exact(&way.split(' ').collect::<Vec<_>>())?)?.1);
            also_own.extend(list.said.iter().filter_map(|(value, way)| Some((*value, which(way)?))));
        }
        Self { kinds: kinds.to_vec(), catalogue, own, ways, also_own, medicines }
    }

    /// The texts that may have been said where this was heard. None where no name is like any of its words.
    #[must_use]
    pub fn of(&self, text: &str) -> Vec<Retold> {
        let heard = words::words(text);
        if heard.is_empty() || heard.len() > LONGEST {
            return Vec::new();
        }
        let spelled: Vec<&str> = heard.iter().map(|w| w.text.as_str()).collect();
        let mut out: Vec<Retold> = Vec::new();
        let mut add = |spot: &Spot, name: &str, whose: Whose| {
            if let Some(text) = with(text, &heard, spot, name)
                && out.iter().all(|known| known.text != text)
            {
                out.push(Retold { text, name: name.to_owned(), whose, likeness: spot.likeness, carried: false });
            }
        };
        let mut tried: Vec<usize> = Vec::new();
        let mut likest = f32::MAX;
        for spot in self.own.spots(&spelled, false) {
            let times = tried.iter().filter(|entry| **entry == spot.entry).count();
            let new = times == 0 && tried.iter().collect::<HashSet<_>>().len() < OWN;
            if times == 0 {
                likest = likest.min(spot.likeness);
            }
            if spot.likeness >= FAR && (new || (1..PLACES).contains(&times) && spot.likeness >= likest - WORSE) {
                tried.push(spot.entry);
                if let Some((name, which)) = self.ways.get(spot.entry) {
                    add(&spot, name, Whose::Own(*which));
                }
            }
        }
        if self.medicines
            && let Some(list) = self.catalogue.list("medicine")
        {
            let mut left = GENERAL;
            let mut seen: HashSet<&str> = HashSet::new();
            for spot in list.names.spots(&spelled, true) {
                let Some(name) = list.names.spelled(spot.sound) else { continue };
                if left == 0 || spot.likeness < FAR {
                    break;
                }
                // "This morning" is no morphine: names of everybody's stand where a word does that nothing else explains.
                let span = spelled.get(spot.from..spot.to).unwrap_or_default();
                if span.iter().all(|w| self.catalogue.vocabulary.knows(w)) && span.join(" ") != name {
                    continue;
                }
                let own = self.also_own.get(&spot.entry).copied();
                if own.is_some() && self.ways.iter().any(|(way, _)| words::normal(way) == name) || !seen.insert(name) {
                    continue;
                }
                left -= 1;
                add(&spot, name, own.map_or(Whose::Nobodys(spot.entry), Whose::Own));
            }
        }
        out
    }
}

impl Retelling {
    /// Whether the catalogue knows all words of this: then no name is hidden in them, if another listen heard the same.
    #[must_use]
    pub fn knows(&self, text: &str) -> bool {
        words::words(text).iter().all(|word| self.catalogue.vocabulary.knows(&word.text))
    }

    /// The sentences of the grammar that may have been said with this name where this was heard and not understood.
    #[must_use]
    pub fn carried(&self, text: &str, like: &Retold) -> Vec<Retold> {
        let texts = carrier::like(&self.catalogue, text, &self.kinds, &like.name, CARRIED);
        texts.into_iter().map(|text| Retold { text, carried: true, ..like.clone() }).collect()
    }
}

/// The text with a name in place of some words.
fn with(text: &str, heard: &[Word], spot: &Spot, name: &str) -> Option<String> {
    let (first, last) = (heard.get(spot.from)?, heard.get(spot.to.checked_sub(1)?)?);
    Some(format!("{}{name}{}", text.get(..first.start)?, text.get(last.end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Named;

    fn retelling(medicines: &[&str], kinds: &[SlotKind]) -> Retelling {
        let catalogue = Catalogue::builtin().expect("the catalogue loads");
        let named = |name: &str| Named { name: name.to_owned(), aliases: vec![format!("{name} 10 MG Oral Tablet")] };
        let lists = NameLists { medicines: medicines.iter().map(|n| named(n)).collect(), providers: vec![] };
        Retelling::new(Arc::new(catalogue), kinds, &lists)
    }

    #[test]
    fn names_stand_where_they_may_have_been_said() {
        let retelling = retelling(&["lisinopril", "telmisartan", "warfarin"], &[SlotKind::Medicine]);
        for (heard, own, text) in [
            ("Refill my live on a pill.", true, "Refill my lisinopril."),
            ("Refill my listen a pril, please.", true, "Refill my lisinopril, please."),
            ("Is my war for in ready?", true, "Is my warfarin ready?"),
            ("Could you order Martel Missartan for me?", true, "Could you order telmisartan for me?"),
            // Somebody else's medicine, and one of the person's own under its brand.
            ("Refill my met fourmin.", false, "Refill my metformin."),
            ("Refill my coo my din.", true, "Refill my coumadin."),
        ] {
            let found = retelling.of(heard);
            assert!(found.iter().any(|r| r.text == text && r.own() == own), "{heard}: {found:?}");
        }
        assert!(retelling.of("").is_empty());
        assert!(retelling.of(&"refill ".repeat(40)).is_empty());
        let most = 2 * OWN + GENERAL;
        assert!(retelling.of("When should I take my listen a pril and the other pills this morning?").len() <= most);
    }

    #[test]
    fn a_sentence_that_was_lost_is_told_as_the_grammar_has_it() {
        let retelling = retelling(&["quinapril", "warfarin", "lisinopril"], &[SlotKind::Medicine]);
        let heard = "is my Quinn up already.";
        let like = retelling.of(heard).into_iter().find(|r| r.name == "quinapril").expect("it is like some words");
        let found = retelling.carried(heard, &like);
        assert!(found.iter().any(|r| r.text == "Is my quinapril ready?" && r.own() && r.carried), "{found:?}");
        assert!(found.len() <= CARRIED);
    }

    #[test]
    fn names_of_a_kind_that_is_not_expected_are_left_aside() {
        assert!(retelling(&["lisinopril"], &[SlotKind::Provider]).of("Refill my listen a pril.").is_empty());
    }
}
