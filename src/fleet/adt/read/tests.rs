use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::fleet::adt::{acknowledge, refuse};

const A01: &str = "MSH|^~\\&|ADT|MERCY|WS|MERCY|20261122101500-0500||ADT^A01^ADT_A01|42|P|2.5.1\r\
    EVN|A01|20261122101400-0500\r\
    PID|1||77^^^MERCY^MR~9^^^&1.2.3&ISO^MR~12^^^BLUE^MB||Rivera^Maria^L||19680314|F\r\
    PV1|1|I|4E^136^B^MERCY^^N||||||||||||||||V9^^^MERCY\r";

fn read(text: &str) -> Result<Reading, Unreadable> {
    parse(text.as_bytes(), &customs(), at())
}

fn customs() -> Customs {
    Customs { zone: TimeZone::UTC, systems: BTreeMap::new() }
}

fn at() -> Timestamp {
    "2026-11-22T16:00:00Z".parse().expect("a time")
}

fn wrong(text: &str) -> (Code, &'static str) {
    match read(text) {
        Err(wrong) => (wrong.code, wrong.what),
        Ok(_) => panic!("was read: {text}"),
    }
}

#[test]
fn what_a_message_tells_is_read() {
    let event = read(A01).ok().and_then(|read| read.event).expect("an event");
    assert_eq!(event.trigger, Trigger::Admit);
    assert_eq!((event.when.at.to_string().as_str(), event.when.sure), ("2026-11-22T15:14:00Z", true));
    let [patient] = event.patients.as_slice() else { panic!("one patient") };
    assert_eq!(patient.identifiers, ["hl7:MERCY|77", "urn:oid:1.2.3|9"], "and no number of an insurance");
    assert_eq!((patient.given.as_str(), patient.family.as_str()), ("Maria", "Rivera"));
    assert_eq!(patient.birth.map(|day| day.to_string()).as_deref(), Some("1968-03-14"));
    assert_eq!(patient.location.as_ref().map(Location::as_str), Some("4E^136^B^MERCY"));
    assert_eq!(patient.visit.as_deref(), Some("V9"));
}

#[test]
fn a_number_of_the_hospital_is_the_number_that_records_have() {
    let systems = BTreeMap::from([("MERCY".to_owned(), "https://mercy.example/mrn".to_owned())]);
    for named in ["77^^^mercy^MR", "77^^^^MR", "77"] {
        let text = A01.replace("77^^^MERCY^MR", named);
        let customs = Customs { systems: systems.clone(), ..customs() };
        let event = parse(text.as_bytes(), &customs, at()).ok().and_then(|read| read.event).expect("an event");
        assert_eq!(event.patients[0].identifiers[0], "https://mercy.example/mrn|77", "{named}");
    }
}

#[test]
fn a_number_that_does_not_say_whose_it_is_is_the_senders() {
    let text = A01.replace("77^^^MERCY^MR", "77").replace("|P|2.5.1\r", "|P|2.5.1|||AL|AL\r");
    for (sender, system) in [("ADT|MERCY|", "hl7:MERCY|77"), ("Adt||", "hl7:ADT|77")] {
        let event = read(&text.replace("ADT|MERCY|", sender)).ok().and_then(|read| read.event).expect("an event");
        assert_eq!(event.patients[0].identifiers[0], system);
    }
}

#[test]
fn what_cannot_be_used_is_told_by_segment_and_field() {
    let without = |what: &str, by: &str| A01.replace(what, by);
    let cases = [
        (String::new(), Code::Segment, "not an HL7 version 2 message"),
        ("hello".into(), Code::Segment, "not an HL7 version 2 message"),
        ("MSH".into(), Code::Segment, "not an HL7 version 2 message"),
        ("MSH||||".into(), Code::Segment, "MSH-2: not four different delimiters"),
        (without("EVN|", "EVNT|"), Code::Segment, "not an HL7 version 2 message"),
        (without("|42|", "||"), Code::Missing, "MSH-10: no control id"),
        (without("ADT^A01^ADT_A01", "ORU^R01"), Code::Kind, "MSH-9: only ADT is taken here"),
        (without("ADT^A01^ADT_A01", "ADT"), Code::Missing, "MSH-9.2: no trigger"),
        (without("|P|2.5.1", "|T|2.5.1"), Code::Processing, "MSH-11: only P, production, is taken here"),
        (without("|P|2.5.1", "|P|3.0"), Code::Version, "MSH-12: not version 2"),
        (without("PID|", "ZID|"), Code::Segment, "PV1: comes before PID"),
        (A01.split("PID|").next().unwrap_or_default().into(), Code::Missing, "PID: there is none"),
        (
            without("77^^^MERCY^MR~9^^^&1.2.3&ISO^MR~12^^^BLUE^MB", "12^^^BLUE^MB"),
            Code::Missing,
            "PID-3: no identifier",
        ),
        (format!("{A01}PID|2||78^^^MERCY^MR\r"), Code::Segment, "PID: more than one patient"),
        (without("A01^ADT_A01", "A17"), Code::Segment, "PID: a swap is of two patients"),
        (without("A01^ADT_A01", "A40"), Code::Missing, "MRG-1: no identifier that is merged"),
    ];
    for (text, code, what) in cases {
        assert_eq!(wrong(&text), (code, what), "{text}");
    }
}

#[test]
fn other_triggers_are_taken_and_tell_nothing() {
    for other in ["A05", "A31", "A60"] {
        let read = read(&A01.replace("ADT^A01^ADT_A01", &format!("ADT^{other}"))).ok().expect("readable");
        assert!(read.event.is_none(), "{other}");
    }
}

#[test]
fn times_are_never_later_than_the_message() {
    for (evn, want) in [
        ("EVN|A01|20261122155900+0000", "2026-11-22T15:59:00Z"),
        ("EVN|A01|20261122155900+0000||||20261122120000+0000", "2026-11-22T12:00:00Z"),
        ("EVN|A01|20290101000000+0000", "2026-11-22T16:00:00Z"),
        ("EVN|A01|", "2026-11-22T15:15:00Z"),
        ("EVN|A01|20261122", "2026-11-22T15:15:00Z"),
    ] {
        let text = A01.replace("EVN|A01|20261122101400-0500", evn);
        let when = read(&text).ok().and_then(|read| read.event).expect("an event").when;
        assert_eq!(when.at.to_string(), want, "{evn}");
    }
}

#[test]
fn other_delimiters_escapes_and_line_ends_are_understood() {
    let strange = A01.replace("^~\\&", "@#!%").replace('^', "@").replace('~', "#").replace("&1.2.3&", "%1.2.3%");
    for text in [strange, A01.replace('\r', "\r\n"), A01.replace('\r', "\n"), format!("\u{feff}{A01}")] {
        let event = read(&text).ok().and_then(|read| read.event).expect("an event");
        assert_eq!(event.patients[0].identifiers, ["hl7:MERCY|77", "urn:oid:1.2.3|9"], "{text}");
    }
    let escaped = A01.replace("Rivera", "O\\T\\Neil\\X41\\\\Xa\u{e9}b\\");
    let event = read(&escaped).ok().and_then(|read| read.event).expect("an event");
    assert_eq!(event.patients[0].family, "O&Neil\\X41\\\\Xa\u{e9}b\\");
    let latin: Vec<u8> = A01.replace("Rivera", "Mu?oz").bytes().map(|b| if b == b'?' { 0xf1 } else { b }).collect();
    let event = parse(&latin, &customs(), at()).ok().and_then(|read| read.event).expect("an event");
    assert_eq!(event.patients[0].family, "Mu\u{f1}oz");
}

/// The one answer.
fn only(mut answers: Vec<Vec<u8>>) -> String {
    assert_eq!(answers.len(), 1);
    String::from_utf8(answers.remove(0)).expect("text")
}

/// HL7 v2.5.1 §2.9.3 and table 0155.
#[test]
fn a_sender_hears_what_it_asked_to_hear() {
    let [well, ill, no] = [None, Some(Code::Missing), Some(Code::Kind)];
    let lost = Some(Code::Internal);
    #[rustfmt::skip]
    let table = [
        // MSH-15, MSH-16, what is wrong, the answers
        ("",   "",   well, &["AA"][..]),
        ("",   "",   ill,  &["AE"]),
        ("",   "",   no,   &["AR"]),
        ("",   "",   lost, &["AR"]),
        ("AL", "",   well, &["CA"]),
        ("AL", "NE", ill,  &["CA"]),
        ("AL", "NE", no,   &["CR"]),
        ("AL", "NE", lost, &["CE"]),
        ("NE", "AL", well, &["AA"]),
        ("NE", "AL", ill,  &["AE"]),
        ("",   "AL", no,   &["AR"]),
        ("AL", "AL", well, &["CA", "AA"]),
        ("AL", "AL", ill,  &["CA", "AE"]),
        ("AL", "AL", no,   &["CR"]),
        ("AL", "ER", well, &["CA"]),
        ("AL", "ER", ill,  &["CA", "AE"]),
        ("ER", "ER", well, &[]),
        ("ER", "ER", ill,  &["AE"]),
        ("ER", "NE", lost, &["CE"]),
        ("SU", "SU", well, &["CA", "AA"]),
        ("SU", "SU", ill,  &["CA"]),
        ("SU", "SU", lost, &[]),
        ("NE", "NE", lost, &[]),
        ("??", "NE", well, &["CA"]),
    ];
    for (accept, application, wrong, wanted) in table {
        let message = A01.replace("|P|2.5.1\r", &format!("|P|2.5.1|||{accept}|{application}\r"));
        let header = read(&message).ok().expect("readable").header;
        let answers = match wrong {
            None => acknowledge(&header, "1", at()),
            Some(code) => refuse(&header, code, "x", "1", at()),
        };
        let told = |answer: &Vec<u8>| {
            let answer = String::from_utf8(answer.clone()).expect("text");
            answer.split('\r').find_map(|line| line.strip_prefix("MSA|")).expect("an answer")[..2].to_owned()
        };
        assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), wanted, "{accept} {application} {wrong:?}");
    }
}

#[test]
fn answers_go_back_to_whoever_sent_it() {
    let header = read(A01).ok().expect("readable").header;
    let text = only(acknowledge(&header, "0192-ab", at()));
    assert_eq!(text, "MSH|^~\\&|WS|MERCY|ADT|MERCY|20261122160000+0000||ACK^A01^ACK|0192ab|P|2.5.1\rMSA|AA|42\r");
    let refused = only(refuse(&header, Code::Missing, "PID-3: no identifier", "1", at()));
    assert!(refused.ends_with("MSA|AE|42\rERR|||101^Required field missing^HL70357|E||||PID-3: no identifier\r"));
    let nobody = only(refuse(&Header::default(), Code::Internal, "x", "", at()));
    assert!(nobody.starts_with("MSH|^~\\&|||||") && nobody.contains("\rMSA|AR|\r"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a message, it is read or refused, and its answer is one message again.
    #[test]
    fn nothing_makes_it_panic(cut in 0usize..400, at_byte in 0usize..400, put in proptest::collection::vec(any::<u8>(), 0..8)) {
        let mut bytes = A01.as_bytes().to_vec();
        let place = at_byte.min(bytes.len());
        bytes.splice(place..place, put);
        bytes.truncate(bytes.len().saturating_sub(cut));
        let header = match parse(&bytes, &customs(), at()) {
            Ok(read) => read.header,
            Err(wrong) => *wrong.header,
        };
        let answers = acknowledge(&header, "1", at());
        prop_assert!(answers.len() <= 2);
        for answer in answers {
            prop_assert!(parse(&answer, &customs(), at()).is_err(), "an answer is no ADT");
            prop_assert_eq!(answer.iter().filter(|byte| **byte == b'\r').count(), 2);
        }
    }

    #[test]
    fn noise_is_refused(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&noise, &customs(), at());
    }
}
