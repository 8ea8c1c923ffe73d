use jiff::Timestamp;

use super::*;
use crate::fleet::adt::Patient;

/// What a case is about: `A` has the number 1, `B` the number 2.
struct Case {
    beds: &'static [(&'static str, Option<&'static str>, i64)],
    last: Option<(Trigger, i64, &'static str)>,
    what: Trigger,
    /// Minutes.
    at: i64,
    to: &'static str,
    visit: &'static str,
}

const PLAIN: Case = Case { beds: &[], last: None, what: Trigger::Admit, at: 10, to: "1", visit: "" };

fn person(name: &str) -> PersonId {
    let seed = name.bytes().next().unwrap_or(b'x');
    PersonId::fresh(Timestamp::UNIX_EPOCH, [seed; 10])
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).expect("a room")
}

fn when(minutes: i64) -> When {
    When { at: Timestamp::from_second(minutes * 60).expect("a time"), sure: true }
}

fn patient(to: &str) -> Patient {
    Patient {
        identifiers: vec!["x|1".into()],
        merged: vec![],
        given: String::new(),
        family: String::new(),
        birth: None,
        location: Location::parse(to),
        visit: None,
    }
}

fn known(people: &[&str], to: &str) -> Known {
    Known {
        people: people.iter().map(|name| person(name)).collect(),
        merged: vec![],
        fresh: person("N"),
        last: None,
        visit: None,
        bed: RoomId::parse(to).ok().filter(|_| !to.starts_with('?')),
    }
}

fn world(beds: &[(&str, Option<&str>, i64)]) -> World {
    let bed = |(name, who, since): &(&str, Option<&str>, i64)| {
        (room(name), Bed { occupant: who.map(person), since: (*since > 0).then(|| when(*since)) })
    };
    World { beds: beds.iter().map(bed).collect() }
}

/// The state, the note, and who lies where of what changed, as one line.
fn line(decided: &Decided) -> String {
    let name = |who: &Option<PersonId>| {
        who.as_ref().map_or("-", |who| ["A", "B", "N"].into_iter().find(|name| person(name) == *who).unwrap_or("?"))
    };
    let lie: Vec<_> = decided.lie.iter().map(|(room, who)| format!(" {}={}", room.as_str(), name(who))).collect();
    let state = match &decided.state {
        State::Applied => "applied",
        State::Ignored => "ignored",
        State::Late => "late",
        State::Waiting(_) => "waiting",
        State::Review => "review",
    };
    let note = decided.note.map_or(String::new(), |note| format!(" {}", note.name()));
    format!("{state}{note}{}", lie.concat())
}

fn of(case: &Case, who: &[&str]) -> String {
    let event = Event { trigger: case.what, when: when(case.at), patients: vec![patient(case.to)] };
    let visit = |visit: &str| Some(visit.to_owned()).filter(|visit| !visit.is_empty());
    let known = Known {
        last: case.last.map(|(trigger, at, of)| Last { when: when(at), trigger, visit: visit(of) }),
        visit: visit(case.visit),
        ..known(who, case.to)
    };
    line(&decide(&event, &[known], &world(case.beds)))
}

#[test]
fn one_message_about_one_person() {
    use Trigger::*;
    const A_IN_1: &[(&str, Option<&str>, i64)] = &[("1", Some("A"), 5), ("2", None, 0)];
    const BOTH: &[(&str, Option<&str>, i64)] = &[("1", Some("A"), 5), ("2", Some("B"), 5)];
    let rows = [
        // Somebody comes.
        (Case { ..PLAIN }, &["A"][..], "applied 1=A"),
        (Case { ..PLAIN }, &[], "applied 1=N"),
        (Case { beds: A_IN_1, ..PLAIN }, &["A"], "applied"),
        (Case { to: "?", ..PLAIN }, &["A"], "waiting"),
        (Case { to: "?", beds: A_IN_1, ..PLAIN }, &["A"], "waiting 1=-"),
        (Case { to: "", ..PLAIN }, &["A"], "ignored"),
        (Case { to: "", beds: A_IN_1, ..PLAIN }, &["A"], "review no-bed 1=-"),
        (Case { what: Register, to: "", beds: A_IN_1, ..PLAIN }, &["A"], "ignored"),
        (Case { what: Register, ..PLAIN }, &["A"], "applied 1=A"),
        // They move, and whoever comes before the one before has gone.
        (Case { what: Transfer, to: "2", beds: A_IN_1, ..PLAIN }, &["A"], "applied 1=- 2=A"),
        (Case { what: Transfer, to: "2", beds: BOTH, ..PLAIN }, &["A"], "review bed-taken 1=- 2=A"),
        (Case { what: Transfer, to: "", beds: BOTH, ..PLAIN }, &["A"], "review no-bed 1=-"),
        (Case { beds: A_IN_1, ..PLAIN }, &["B"], "review bed-taken 1=B"),
        (Case { beds: A_IN_1, at: 3, ..PLAIN }, &["B"], "review two-in-one-bed 1=-"),
        // They go.
        (Case { what: Discharge, beds: A_IN_1, ..PLAIN }, &["A"], "applied 1=-"),
        (Case { what: CancelAdmit, beds: A_IN_1, ..PLAIN }, &["A"], "applied 1=-"),
        (Case { what: Discharge, to: "2", beds: A_IN_1, ..PLAIN }, &["A"], "review other-bed 1=-"),
        (Case { what: Discharge, to: "", beds: A_IN_1, ..PLAIN }, &["A"], "applied 1=-"),
        (Case { what: Discharge, beds: A_IN_1, ..PLAIN }, &["B"], "review not-who-lies-there"),
        (Case { what: Discharge, beds: A_IN_1, ..PLAIN }, &[], "review not-who-lies-there"),
        (Case { what: Discharge, ..PLAIN }, &["A"], "ignored"),
        (Case { what: Discharge, ..PLAIN }, &[], "ignored"),
        // It did not happen after all.
        (Case { what: CancelTransfer, to: "2", beds: A_IN_1, ..PLAIN }, &["A"], "applied 1=- 2=A"),
        (Case { what: CancelTransfer, to: "2", beds: BOTH, ..PLAIN }, &["A"], "review two-in-one-bed 1=- 2=-"),
        (Case { what: CancelDischarge, ..PLAIN }, &["A"], "applied 1=A"),
        (Case { what: CancelDischarge, beds: A_IN_1, ..PLAIN }, &["B"], "review two-in-one-bed 1=-"),
        // Something about them changed.
        (Case { what: Update, beds: A_IN_1, ..PLAIN }, &["A"], "applied"),
        (Case { what: Update, to: "", beds: A_IN_1, ..PLAIN }, &["A"], "applied"),
        (Case { what: Update, to: "?", beds: A_IN_1, ..PLAIN }, &["A"], "applied"),
        (Case { what: Update, to: "2", beds: A_IN_1, ..PLAIN }, &["A"], "review other-bed 1=-"),
        (Case { what: Update, ..PLAIN }, &["A"], "applied"),
        (Case { what: Update, ..PLAIN }, &[], "ignored"),
        // The numbers are two people's.
        (Case { to: "2", beds: BOTH, ..PLAIN }, &["A", "B"], "review several-people 1=- 2=-"),
        (Case { what: Discharge, beds: BOTH, ..PLAIN }, &["A", "B"], "review several-people 1=- 2=-"),
        // Too late.
        (Case { last: Some((Transfer, 12, "")), beds: A_IN_1, to: "2", ..PLAIN }, &["A"], "late"),
        (Case { last: Some((Discharge, 12, "")), ..PLAIN }, &["A"], "late"),
        (Case { last: Some((Discharge, 12, "")), ..PLAIN }, &[], "late"),
        (
            Case { what: Transfer, last: Some((Transfer, 10, "")), beds: A_IN_1, to: "2", ..PLAIN },
            &["A"],
            "applied 1=- 2=A",
        ),
        (Case { what: Update, to: "2", last: Some((Transfer, 12, "")), beds: A_IN_1, ..PLAIN }, &["A"], "late"),
        // An end counts even late, unless it was taken back or is of another visit.
        (Case { what: Discharge, last: Some((Admit, 12, "")), beds: A_IN_1, ..PLAIN }, &["A"], "review late-end 1=-"),
        (Case { what: Discharge, last: Some((Admit, 12, "v2")), visit: "v1", beds: A_IN_1, ..PLAIN }, &["A"], "late"),
        (
            Case { what: Discharge, last: Some((Admit, 12, "v2")), visit: "v2", beds: A_IN_1, ..PLAIN },
            &["A"],
            "review late-end 1=-",
        ),
        (Case { what: Discharge, last: Some((CancelDischarge, 12, "")), beds: A_IN_1, ..PLAIN }, &["A"], "late"),
        (
            Case { what: CancelAdmit, last: Some((CancelDischarge, 12, "")), beds: A_IN_1, ..PLAIN },
            &["A"],
            "review late-end 1=-",
        ),
        (Case { what: Discharge, last: Some((Discharge, 12, "")), ..PLAIN }, &["A"], "late"),
    ];
    for (row, (case, who, want)) in rows.iter().enumerate() {
        assert_eq!(of(case, who), *want, "row {row}: {} to {:?}", case.what.code(), case.to);
    }
}

#[test]
fn a_time_that_may_be_another_decides_no_order() {
    let unsure = When { sure: false, ..when(3) };
    let event = Event { trigger: Trigger::Transfer, when: unsure, patients: vec![patient("2")] };
    let last = Last { when: when(5), trigger: Trigger::Admit, visit: None };
    let known = Known { last: Some(last), ..known(&["A"], "2") };
    assert_eq!(line(&decide(&event, &[known], &world(&[("1", Some("A"), 5)]))), "applied 1=- 2=A");
}

#[test]
fn two_people_change_beds() {
    let event = Event { trigger: Trigger::Swap, when: when(10), patients: vec![patient("2"), patient("1")] };
    let beds = world(&[("1", Some("A"), 5), ("2", Some("B"), 5)]);
    let both = [known(&["A"], "2"), known(&["B"], "1")];
    assert_eq!(line(&decide(&event, &both, &beds)), "applied 1=B 2=A");
    // One of the beds is not mapped: nobody is known to lie where that one lay.
    let event = Event { trigger: Trigger::Swap, when: when(10), patients: vec![patient("2"), patient("?")] };
    assert_eq!(line(&decide(&event, &[known(&["A"], "2"), known(&["B"], "?")], &beds)), "waiting 1=- 2=A");
    // A third one is in the way.
    let event = Event { trigger: Trigger::Swap, when: when(10), patients: vec![patient("3"), patient("1")] };
    let beds = world(&[("1", Some("A"), 5), ("2", None, 5), ("3", Some("N"), 5)]);
    assert_eq!(line(&decide(&event, &[known(&["A"], "3"), known(&["B"], "1")], &beds)), "review bed-taken 1=B 3=A");
}

#[test]
fn two_numbers_turn_out_to_be_one_person() {
    let event = Event { trigger: Trigger::Merge, when: when(10), patients: vec![patient("")] };
    let merge = |stays: &[&str], gone: &[&str], beds: &[(&str, Option<&str>, i64)]| {
        let known = Known { merged: gone.iter().map(|name| person(name)).collect(), ..known(stays, "") };
        let decided = decide(&event, &[known], &world(beds));
        format!("{} joined {}", line(&decided), decided.joined.len())
    };
    assert_eq!(merge(&[], &[], &[]), "ignored joined 0");
    assert_eq!(merge(&["A"], &[], &[("1", Some("A"), 5)]), "applied joined 1");
    assert_eq!(merge(&[], &["B"], &[("1", Some("B"), 5)]), "applied joined 1");
    assert_eq!(merge(&["A"], &["A"], &[("1", Some("A"), 5)]), "applied joined 1");
    assert_eq!(merge(&["A"], &["B"], &[("1", Some("B"), 5)]), "review two-charts 1=A joined 1");
    assert_eq!(merge(&["A"], &["B"], &[("1", Some("A"), 5), ("2", Some("B"), 5)]), "review two-charts 2=- joined 1");
    assert_eq!(
        merge(&["A", "N"], &["B"], &[("1", Some("A"), 5), ("2", Some("B"), 5)]),
        "review several-people 1=- 2=- joined 0"
    );
}

mod any_order {
    use proptest::prelude::*;

    use super::*;

    /// A patient's day: admitted to 1, moved to 2, then 3, gone. However the four arrive, nobody is in a bed in the end, and
    /// of the first three the last one counts.
    fn run(order: &[usize]) -> World {
        let day = [
            (Trigger::Admit, 1, "1"),
            (Trigger::Transfer, 2, "2"),
            (Trigger::Transfer, 3, "3"),
            (Trigger::Discharge, 4, "3"),
        ];
        let mut beds = world(&[("1", None, 0), ("2", None, 0), ("3", None, 0)]);
        let mut last: Option<Last> = None;
        for (trigger, at, to) in order.iter().map(|which| day[*which]) {
            let event = Event { trigger, when: when(at), patients: vec![patient(to)] };
            let known = Known { last: last.clone(), ..known(&["A"], to) };
            let decided = decide(&event, &[known], &beds);
            for (room, who) in decided.lie {
                beds.beds.insert(room, Bed { occupant: who, since: Some(event.when) });
            }
            if decided.heard.contains(&0) {
                last = Some(Last { when: event.when, trigger, visit: None });
            }
        }
        beds
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_end_is_the_same(order in Just(vec![0usize, 1, 2, 3]).prop_shuffle()) {
            prop_assert_eq!(run(&order).of(&person("A")), None);
            let stays: Vec<usize> = order.into_iter().filter(|which| *which < 3).collect();
            prop_assert_eq!(run(&stays).of(&person("A")), Some(room("3")));
        }
    }
}
