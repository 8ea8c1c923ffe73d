//! What must hold of any bytes that come through the admission system's door: used by the fuzz target and by a test of the ordinary
//! run. Whoever includes it has `adt`, `frame` and `policy` beside it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    adt::{Bed, Code, Customs, Event, Known, Last, Location, World, acknowledge, decide, parse, refuse},
    frame::Frames,
    policy::{PersonId, RoomId},
};

/// Takes bytes as a connection does, and as one message.
pub fn take(bytes: &[u8]) {
    let Some(messages) = framed(bytes, bytes.len().max(1)) else { return };
    assert_eq!(Some(&messages), framed(bytes, 1).as_ref(), "however it is cut it is the same");
    for message in &messages {
        for answer in answered(message) {
            assert!(!answer.iter().any(|byte| matches!(byte, 0x0b | 0x1c)), "an answer is one frame");
        }
    }
    answered(bytes);
}

/// The messages that end in these bytes, which come so many at once; `None` where one is too long.
fn framed(bytes: &[u8], at_once: usize) -> Option<Vec<Vec<u8>>> {
    let mut frames = Frames::default();
    let mut all = vec![];
    for some in bytes.chunks(at_once) {
        all.extend(frames.take(some).ok()?);
    }
    Some(all)
}

/// Reads a message, decides what becomes of it, and gives every answer it could get.
fn answered(message: &[u8]) -> Vec<Vec<u8>> {
    let customs = Customs { zone: TimeZone::UTC, systems: BTreeMap::from([("MERCY".into(), "urn:mercy".into())]) };
    let at = Timestamp::UNIX_EPOCH;
    let header = match parse(message, &customs, at) {
        Ok(reading) => {
            if let Some(event) = &reading.event {
                decided(event, message);
            }
            reading.header
        }
        Err(wrong) => {
            assert!(!wrong.what.is_empty());
            *wrong.header
        }
    };
    let mut answers = acknowledge(&header, "0193c1", at);
    for code in [Code::Segment, Code::Missing, Code::Kind, Code::Processing, Code::Version, Code::Internal] {
        answers.extend(refuse(&header, code, "PID-3: no identifier", "0193c1", at));
    }
    assert!(answers.len() <= 14);
    for answer in &answers {
        assert!(parse(answer, &customs, at).is_err(), "an answer is no message about anybody");
        let segments = answer.iter().filter(|byte| **byte == b'\r').count();
        assert!((2..=3).contains(&segments), "an answer has two segments, or three");
    }
    answers
}

/// What is known is drawn from the message's own bytes.
fn decided(event: &Event, message: &[u8]) {
    let mut bits = message.iter().rev().copied();
    let mut bit = |of: u8| bits.next().unwrap_or(0) % of;
    let person = |n: u8| PersonId::parse(&format!("p{n}")).expect("an id");
    let room = |n: u8| RoomId::parse(&format!("r{n}")).expect("an id");
    let mut known = vec![];
    for patient in &event.patients {
        assert!(!patient.identifiers.is_empty());
        if let Some(bed) = &patient.location {
            assert_eq!(
                Location::parse(bed.as_str()).as_ref(),
                Some(bed),
                "a bed is called the same when it is read again"
            );
        }
        known.push(Known {
            people: (0..bit(3)).map(person).collect(),
            merged: (0..bit(3)).map(person).collect(),
            fresh: person(9),
            last: (bit(2) == 0).then_some(Last { when: event.when, trigger: event.trigger, visit: None }),
            visit: None,
            bed: (bit(3) > 0).then(|| room(bit(2))),
        });
    }
    let beds = (0..2).map(|n| (room(n), Bed { occupant: (bit(3) > 0).then(|| person(n)), since: Some(event.when) }));
    let world = World { beds: beds.collect() };
    let decided = decide(event, &known, &world);
    let lie: Vec<_> = decided.lie.values().flatten().collect();
    assert_eq!(lie.iter().collect::<BTreeSet<_>>().len(), lie.len(), "nobody lies in two beds");
}
