//! `medicine.interaction`: whether two medicines stand together on a published list of pairs to be warned of.
//!
//! Invariants: nothing is said that the list (`interactions.toml`, with its sources) does not hold; a pair that is not on it is
//! one nothing is known of here, never a safe one; whoever decides is the pharmacist.

use std::sync::LazyLock;

use serde::Deserialize;

use super::super::{ActionError, Facts, Outcome, Pass, Setting, of_nobody, prescription::unsure, text, words};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor},
};

/// Reads a published list.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Read);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    pair: Vec<Pair>,
}

/// Each of the one with each of the other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    /// Its number in the publication.
    entry: u8,
    a: Vec<String>,
    b: Vec<String>,
}

/// Should the file not read, nothing is known: `the_list_reads` keeps that from happening.
static LIST: LazyLock<List> = LazyLock::new(|| toml::from_str(include_str!("interactions.toml")).unwrap_or_default());

pub async fn run(_pass: Pass, slots: &Slots, _setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    // A name that is only like what was said may be another medicine's.
    for slot in ["medicine", "medicine2"] {
        if let Some(ask) = slots.get(slot).and_then(|said| unsure(slot, said)) {
            return Ok(ask);
        }
    }
    let name = |slot: &str| text(slots, slot).unwrap_or_default();
    Ok(Outcome::Answer(together(name("medicine"), name("medicine2"))))
}

/// Replies: `listed` (entry), `same`, `nothing`; before them `alike` where a name was hardly heard.
fn together(one: &str, other: &str) -> Facts {
    let reply = match listed(one, other) {
        Some(entry) => Facts::new("listed").with("entry", entry),
        None if words(one) == words(other) => Facts::new("same"),
        None => Facts::new("nothing"),
    };
    reply.with("medicine", one).with("medicine2", other)
}

/// The entry under which both stand.
pub(super) fn listed(one: &str, other: &str) -> Option<u8> {
    let (one, other) = (words(one), words(other));
    let holds = |name: &[String], members: &[String]| {
        members.iter().any(|member| {
            let member = words(member);
            !member.is_empty() && member.iter().all(|word| name.contains(word))
        })
    };
    let both = |pair: &&Pair| {
        (holds(&one, &pair.a) && holds(&other, &pair.b)) || (holds(&other, &pair.a) && holds(&one, &pair.b))
    };
    LIST.pair.iter().find(both).map(|pair| pair.entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_reads() {
        let list: List = toml::from_str(include_str!("interactions.toml")).expect("it reads");
        let entries: Vec<u8> = list.pair.iter().map(|p| p.entry).collect();
        assert_eq!(entries, [3, 4, 6, 8, 11, 16, 20, 22, 23, 25, 27, 28, 30, 31]);
        for pair in &list.pair {
            let all: Vec<&String> = pair.a.iter().chain(&pair.b).collect();
            assert!(!pair.a.is_empty() && !pair.b.is_empty(), "{}", pair.entry);
            assert!(all.iter().all(|name| **name == name.to_lowercase() && name.len() > 4), "{}", pair.entry);
        }
    }

    #[test]
    fn what_is_listed_is_told_either_way_round_and_nothing_is_called_safe() {
        for (one, other, entry) in [
            ("sertraline", "phenelzine", Some(8)),
            ("phenelzine", "Sertraline", Some(8)),
            ("simvastatin", "clarithromycin", Some(25)),
            ("omeprazole", "atazanavir", Some(4)),
            ("ritonavir", "St. John's wort", Some(23)),
            ("sumatriptan", "methylene blue", Some(31)),
            ("dextroamphetamine amphetamine", "selegiline", Some(3)),
            ("ibuprofen", "warfarin", None),
            // Of the same class, and not with one another.
            ("sertraline", "fluoxetine", None),
            ("blue", "sumatriptan", None),
            ("", "", None),
        ] {
            assert_eq!(listed(one, other), entry, "{one} / {other}");
        }
        assert_eq!(together("acetaminophen", "acetaminophen").reply, "same");
        assert_eq!(together("ibuprofen", "warfarin").reply, "nothing");
    }
}
