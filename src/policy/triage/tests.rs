//! The rules against their phrases, and against anything at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    Kind, Level, Remarks, Triage, Utterance,
    phrases::{Expected, HELD_OUT, KNOWN, Phrase, read},
    reasons, triage,
};

fn typed(text: &str) -> Option<Triage> {
    triage(&Utterance::typed(text))
}

fn lines(table: &'static str) -> Vec<Phrase<'static>> {
    read(table).unwrap_or_else(|line| panic!("line {line} cannot be read"))
}

fn holds(expected: &Expected, found: Option<Triage>) -> bool {
    match (expected, found) {
        (Expected::Quiet, None) => true,
        (Expected::Cry(kinds), Some(found)) => found.level > Level::Unsure && kinds.contains(&found.kind),
        (Expected::Unsure(kinds), Some(found)) => kinds.contains(&found.kind),
        _ => false,
    }
}

/// What was missed, what was alarm for nothing, and what was told apart wrongly.
fn wrong(table: &'static str) -> BTreeMap<&'static str, Vec<String>> {
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in lines(table) {
        let found = typed(line.text);
        let what = match (line.expected.is_cry(), found) {
            (true, None) => "missed",
            (false, Some(_)) => "false alarm",
            _ if !holds(&line.expected, found) => "other kind or level",
            _ => continue,
        };
        let why: Vec<&str> = reasons(&Utterance::typed(line.text)).into_iter().map(|(_, line)| line).collect();
        wrong.entry(what).or_default().push(format!("{:?} {}: {found:?} {why:?}", line.expected, line.text));
    }
    wrong
}

#[test]
fn every_known_phrase_is_told_right() {
    let all = lines(KNOWN);
    let cries = all.iter().filter(|l| l.expected.is_cry()).count();
    assert!(cries >= 1200 && all.len() - cries >= 1200, "{cries} cries of {} lines", all.len());
    assert_eq!(wrong(KNOWN), BTreeMap::new());
}

/// Only that it can be read: what the rules make of it is what `wellspoken bench triage` reports, and mending them
/// for it would make the figure worthless.
#[test]
fn held_out_phrases_can_be_read() {
    lines(HELD_OUT);
}

#[test]
fn what_is_said_beside_a_request_or_a_story_counts() {
    for (said, cry) in [
        ("when you bring the blanket, my chest is getting tighter", true),
        ("if I fell, I'd want them to call my neighbor", false),
        ("turn the radio off please, the pain in my head is excruciating", true),
        ("in the movie she could not breathe", false),
        ("my soap opera was good, she just fainted at the altar", false),
        ("in the movie a man fell, my chest hurts now", true),
        ("I'm not right and it's getting worse", true),
        ("when will the pain in the hip go away", false),
    ] {
        assert_eq!(typed(said).is_some(), cry, "{said}");
    }
}

#[test]
fn no_known_phrase_stands_there_twice() {
    let known: std::collections::HashSet<String> = lines(KNOWN).iter().map(Phrase::plain).collect();
    assert_eq!(known.len(), lines(KNOWN).len());
}

#[test]
fn names_are_the_wire_form() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).expect("a word"), kind.name());
        assert_eq!(Kind::named(kind.name()), Some(kind));
    }
    assert!(Kind::ALL.is_sorted(), "the order of the list is the order of precedence");
}

#[test]
fn the_most_urgent_counts() {
    let both = typed("it hurts so much and I can't breathe").expect("a cry");
    assert_eq!((both.kind, both.level), (Kind::Breathing, Level::Emergency));
}

#[test]
fn a_denial_counts_only_where_it_was_heard_clearly() {
    let level = |text: &str, sureness: f32, words: &[f32]| {
        triage(&Utterance::heard(text, sureness, words, Remarks::Voiced)).map(|found| found.level)
    };
    for (text, doubted) in [
        ("I can breathe", &[0.95, 0.5, 0.95][..]),
        ("I have no chest pain", &[0.95, 0.95, 0.4, 0.95, 0.95]),
        ("I'm not having a stroke", &[0.95, 0.4, 0.95, 0.95, 0.95]),
    ] {
        assert_eq!(level(text, 1.0, &[]), None, "typed: {text}");
        assert_eq!(level(text, 0.95, &vec![0.95; doubted.len()]), None, "clear: {text}");
        assert_eq!(level(text, 0.9, doubted), Some(Level::Unsure), "one word in doubt: {text}");
        assert_eq!(level(text, 0.5, &[]), Some(Level::Unsure), "all in doubt: {text}");
    }
    assert_eq!(level("I can't breathe", 0.2, &[]), Some(Level::Emergency), "a cry counts however badly it was heard");
    assert_eq!(level("what time is lunch", 0.2, &[]), None, "doubt alone is no cry");
}

#[test]
fn a_remark_counts_where_somebody_can_be_heard_and_it_is_of_a_person() {
    let found = |text: &str, remarks| triage(&Utterance::heard(text, 0.9, &[], remarks)).is_some();
    // What hearing wrote, and whether it counts in sound with a voice and in sound without one.
    for (text, voiced, unvoiced) in [
        ("[screaming]", true, false),
        ("(man screaming)", true, false),
        ("*gasps*", true, false),
        ("[groans] [BLANK_AUDIO]", true, false),
        ("(I can't breathe)", true, false),
        ("(door slams, woman shrieking)", true, false),
        ("(choking and gunshots)", true, false),
        ("(a fall. screaming! I can't breathe)", true, false),
        ("(gunshots)", false, false),
        ("(gunshots) [explosion]", false, false),
        ("(dog whimpering)", false, false),
        ("[cat crying, wind moaning]", false, false),
        ("(crowd screaming)", false, false),
        ("(upbeat music)", false, false),
        ("(gunshots) Help me!", true, true),
        ("[BLANK_AUDIO] I can't breathe.", true, true),
        ("They shot him, he's bleeding badly", true, true),
        ("Call (555) 0100, I can't breathe", true, true),
    ] {
        assert_eq!(found(text, Remarks::Voiced), voiced, "{text} with a voice");
        assert_eq!(found(text, Remarks::Unvoiced), unvoiced, "{text} without one");
    }
    for written in ["(gunshots)", "[screaming]", "*choking*"] {
        assert!(typed(written).is_some(), "somebody wrote {written}");
    }
}

/// A minute of talk takes no longer per word than a sentence: no phrase looks further than its own length.
#[test]
fn long_transcripts_are_read_whole() {
    let mut long = "i was telling her about the garden and then ".repeat(20_000);
    assert_eq!(typed(&long), None);
    long.push_str("I can't breathe");
    assert!(typed(&long).is_some());
    let clock = std::time::Instant::now();
    assert!(typed(&"my wound fever chest pain arm jaw i he ".repeat(1_600)).is_some());
    assert!(clock.elapsed().as_secs() < 20, "64 KiB of nothing but signs: {:?}", clock.elapsed());
}

proptest! {
    #[test]
    fn nothing_anyone_says_makes_it_panic(heard in "\\PC{0,200}", sureness in 0.0f32..1.0) {
        let _ = triage(&Utterance::heard(&heard, sureness, &[sureness; 3], Remarks::Unvoiced));
    }

    #[test]
    fn words_of_the_table_in_any_order_do_not_either(
        words in proptest::collection::vec(
            prop_oneof![
                Just("not"), Just("no"), Just("i"), Just("can't"), Just("breathe"), Just("chest"), Just("pain"), Just("help"),
                Just("["), Just("'s"), Just(","), Just("fell"), Just("last"), Just("year"), Just("9"), Just("1"), Just("?"),
                Just("better"), Just("now"), Just("if"), Just("ago"), Just("in"), Just("epi"), Just("pen"), Just("when"),
                Just("救命"), Just("не"), Just("숨"), Just("j'ai"), Just("é"),
            ],
            0..40,
        )
    ) {
        let _ = typed(&words.join(" "));
    }
}
