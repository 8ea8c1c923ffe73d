//! What a message tells.

use std::fmt;

use jiff::{Timestamp, civil::Date};

/// What happened. The table of HL7 v2.5.1 §3.3 says what each is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A01: somebody is admitted and lies in a bed from now on.
    Admit,
    /// A02: somebody is moved to another bed.
    Transfer,
    /// A03: somebody goes.
    Discharge,
    /// A04: somebody is registered, with a bed or without.
    Register,
    /// A08: something about somebody changed, but not where they are.
    Update,
    /// A11: the admission did not take place.
    CancelAdmit,
    /// A12: the move did not take place; the message tells where the person is (§3.3.12).
    CancelTransfer,
    /// A13: the discharge did not take place; the message tells where the person is (§3.3.13).
    CancelDischarge,
    /// A17: two people change beds.
    Swap,
    /// A40: two identifiers turn out to be one person's.
    Merge,
}

impl Trigger {
    /// Each with its code.
    pub const ALL: [(&'static str, Self); 10] = [
        ("A01", Self::Admit),
        ("A02", Self::Transfer),
        ("A03", Self::Discharge),
        ("A04", Self::Register),
        ("A08", Self::Update),
        ("A11", Self::CancelAdmit),
        ("A12", Self::CancelTransfer),
        ("A13", Self::CancelDischarge),
        ("A17", Self::Swap),
        ("A40", Self::Merge),
    ];

    /// The trigger of a code such as `A01`.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == code).map(|(_, trigger)| *trigger)
    }

    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, trigger)| *trigger == self).map_or("", |(code, _)| *code)
    }
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The moment.
    pub at: Timestamp,
    /// Whether it can be no other: a time without its offset from UTC that the clocks show twice is not.
    pub sure: bool,
}

impl When {
    /// Whether this was certainly before that.
    #[must_use]
    pub fn before(self, other: Self) -> bool {
        self.sure && other.sure && self.at < other.at
    }
}

/// A bed as the hospital's system calls it: point of care, room, bed and facility of a PL field (HL7 v2.5.1 §2.A.53), in
/// capitals and without what surrounds them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location(String);

impl Location {
    /// Longest accepted, in bytes.
    pub const LONGEST: usize = 200;

    /// `4E^136^B^MERCY`, with or without the facility; `None` where all of it is empty or it is too long.
    #[must_use]
    pub fn of(point: &str, room: &str, bed: &str, facility: &str) -> Option<Self> {
        let parts = [point, room, bed, facility].map(|part| part.replace('^', " ").trim().to_uppercase());
        let text = parts.join("^");
        let text = text.trim_end_matches('^');
        (!text.is_empty() && text.len() <= Self::LONGEST && !text.chars().any(char::is_control))
            .then(|| Self(text.into()))
    }

    /// The same from a text such as an operator types.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('^');
        let mut next = || parts.next().unwrap_or_default();
        let (point, room, bed, facility) = (next(), next(), next(), next());
        parts.next().is_none().then(|| Self::of(point, room, bed, facility)).flatten()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody a message is about. Not `Debug`: it says who.
#[derive(Clone, PartialEq, Eq)]
pub struct Patient {
    /// Their identifiers, each as `system|value`; at least one.
    pub identifiers: Vec<String>,
    /// Identifiers that turned out to be theirs as well (MRG-1).
    pub merged: Vec<String>,
    /// First name, or nothing.
    pub given: String,
    /// Family name, or nothing.
    pub family: String,
    /// Day of birth.
    pub birth: Option<Date>,
    /// Where they are (PV1-3).
    pub location: Option<Location>,
    /// The number of their visit (PV1-19).
    pub visit: Option<String>,
}

/// A message that was read. Not `Debug`: it says who.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub trigger: Trigger,
    /// When.
    pub when: When,
    /// To whom: two for a swap, one or more for a merge, else one.
    pub patients: Vec<Patient>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bed_is_called_the_same_however_it_is_written() {
        for (text, want) in [
            ("4e^136^b^Mercy", Some("4E^136^B^MERCY")),
            (" 4E ^ 136 ^ B ", Some("4E^136^B")),
            ("4E^136", Some("4E^136")),
            ("^^B", Some("^^B")),
            ("^^^", None),
            ("", None),
            ("4E^136^B^MERCY^X", None),
            ("4E^13\u{7}6^B", None),
        ] {
            assert_eq!(Location::parse(text).as_ref().map(Location::as_str), want, "{text}");
        }
        assert_eq!(Location::of(&"x".repeat(300), "", "", ""), None);
        // Where `^` is no delimiter of the message's, a part may hold one, at its end, too.
        for (part, want) in [("4^E", "4 E"), ("4E^", "4E"), ("^4E ^", "4E")] {
            let bed = Location::of(part, "", "", "").expect("a bed");
            assert_eq!((bed.as_str(), Location::parse(bed.as_str())), (want, Some(bed.clone())), "{part}");
        }
    }
}
