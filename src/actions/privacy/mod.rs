//! A person's rights over what is known about them: who looked, what is kept, deleting it, a copy; and how it is protected.
//!
//! Invariant: none of these rests on an agreement, so taking one back takes no right away; each but the last needs whoever
//! has a PIN to have shown it.

pub mod export;
pub mod forget;
pub mod how_protected;
pub mod protection;
pub mod what_stored;
pub mod who_accessed;

use crate::policy::{DataClass, Effect, Floor, Identity};

/// The floor of a right.
const fn of_the_person(effect: Effect) -> Floor {
    Floor { data: DataClass::Identifiable, effect, identity: Identity::Pin, scope: None }
}

/// The days of a slot as times, the end not included; `None` where it names no days.
fn span(days: crate::nlu::When, zone: &jiff::tz::TimeZone) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    let (from, to) = (days.from?, days.to.or(days.from)?);
    let start = |day: jiff::civil::Date| Some(day.to_zoned(zone.clone()).ok()?.timestamp());
    Some((start(from)?, start(to.tomorrow().ok()?)?))
}
