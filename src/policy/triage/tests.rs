//! The rules against their phrases, and against anything at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Kind, Level, Triage, triage};

/// The rules are written from these: all must hold.
const KNOWN: &str = include_str!("phrases/known.tsv");
/// Written before the rules were tried on them.
const HELD_OUT: &str = include_str!("phrases/held_out.tsv");

struct Line {
    kinds: Vec<&'static str>,
    level: &'static str,
    heard: &'static str,
}

impl Line {
    fn is_cry(&self) -> bool {
        self.kinds != ["-"]
    }

    fn holds(&self, found: Option<Triage>) -> bool {
        match found {
            None => !self.is_cry(),
            Some(found) => {
                let level = match self.level {
                    "e" => found.level == Level::Emergency,
                    "u" => found.level == Level::Urgent,
                    _ => true,
                };
                level && self.kinds.contains(&found.kind.name())
            }
        }
    }
}

fn lines(file: &'static str) -> Vec<Line> {
    let rows = file.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    rows.map(|row| {
        let mut columns = row.split('\t');
        let mut next = || columns.next().unwrap_or_else(|| panic!("three columns, please: {row}"));
        Line { kinds: next().split('|').collect(), level: next(), heard: next() }
    })
    .collect()
}

/// What was missed, what was alarm for nothing, and what was told apart wrongly.
fn wrong(file: &'static str) -> BTreeMap<&'static str, Vec<String>> {
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in lines(file) {
        let found = triage(line.heard);
        let what = match (line.is_cry(), found) {
            (true, None) => "missed",
            (false, Some(_)) => "false alarm",
            _ if !line.holds(found) => "other kind or level",
            _ => continue,
        };
        wrong.entry(what).or_default().push(format!("{} → {found:?}", line.heard));
    }
    wrong
}

#[test]
fn every_known_phrase_is_told_right() {
    let all = lines(KNOWN);
    assert!(all.len() >= 150, "{} lines", all.len());
    assert_eq!(wrong(KNOWN), BTreeMap::new());
}

/// The file tells how each batch did when it was new; what held then must keep holding.
#[test]
fn held_out_phrases_keep_holding() {
    let all = lines(HELD_OUT);
    let cries = all.iter().filter(|l| l.is_cry()).count();
    let quiet = all.len() - cries;
    let wrong = wrong(HELD_OUT);
    let count = |what: &str| wrong.get(what).map_or(0, Vec::len);
    println!(
        "held out: {} of {cries} cries noticed, {} of {quiet} others left alone, {} of another kind or level\n{wrong:#?}",
        cries - count("missed"),
        quiet - count("false alarm"),
        count("other kind or level"),
    );
    assert_eq!(count("missed") + count("false alarm"), 0, "{wrong:#?}");
}

#[test]
fn no_phrase_is_in_both_files() {
    let plain = |l: &Line| l.heard.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != ' ', "");
    let known: Vec<String> = lines(KNOWN).iter().map(plain).collect();
    let both: Vec<String> = lines(HELD_OUT).iter().map(plain).filter(|h| known.contains(h)).collect();
    assert_eq!(both, Vec::<String>::new());
}

#[test]
fn names_are_the_wire_form() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).expect("a word"), kind.name());
    }
    assert!(Kind::ALL.is_sorted(), "the order of the list is the order of precedence");
}

#[test]
fn the_most_urgent_counts() {
    let both = triage("it hurts so much and I can't breathe").expect("a cry");
    assert_eq!((both.kind, both.level), (Kind::Breathing, Level::Emergency));
}

/// A minute of talk takes no longer per word than a sentence: no phrase looks further than its own length.
#[test]
fn long_transcripts_are_read_whole() {
    let mut long = "i was telling her about the garden and then ".repeat(20_000);
    assert_eq!(triage(&long), None);
    long.push_str("I can't breathe");
    assert!(triage(&long).is_some());
}

proptest! {
    #[test]
    fn nothing_anyone_says_makes_it_panic(heard in "\\PC{0,200}") {
        let _ = triage(&heard);
    }

    #[test]
    fn words_of_the_table_in_any_order_do_not_either(
        words in proptest::collection::vec(
            prop_oneof![
                Just("not"), Just("no"), Just("i"), Just("can't"), Just("breathe"), Just("chest"), Just("pain"), Just("help"),
                Just("["), Just("'s"), Just(","), Just("fell"), Just("last"), Just("year"), Just("9"), Just("1"), Just("?"),
                Just("better"), Just("now"), Just("if"), Just("ago"), Just("in"), Just("epi"), Just("pen"), Just("when"),
            ],
            0..40,
        )
    ) {
        let _ = triage(&words.join(" "));
    }
}
