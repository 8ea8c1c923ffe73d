//! Changes as FHIR R4 resources: pure functions from what was agreed to and what the server has to what is sent.
//!
//! Invariants: everything that is made or changed carries the change's own name as an identifier, so that it is made once
//! and known again; a resource that is changed stays as it came but for the fields that change, extensions nobody here knows
//! included. Nobody's order is written here: a person proposes, asks and reports.

pub mod medicines;
pub mod reports;
pub mod visits;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// What a change's own name is a name in.
pub const SYSTEM: &str = "urn:wellspoken:change";

/// Whose change it is, which, and when it was said.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The change's own name.
    pub id: &'a str,
    /// The patient on the server: `Patient/123`.
    pub patient: &'a str,
    /// When the person said it.
    pub at: Timestamp,
    /// Where their days begin and end.
    pub zone: &'a TimeZone,
}

impl Told<'_> {
    /// The change's name as an identifier.
    #[must_use]
    pub fn identifier(&self) -> Value {
        json!({ "system": SYSTEM, "value": self.id })
    }

    /// The search that finds what this change made: for `If-None-Exist` and for looking whether it is there.
    #[must_use]
    pub fn query(&self) -> String {
        format!("identifier={}", token(self.id))
    }

    /// A reference to the person.
    #[must_use]
    pub fn person(&self) -> Value {
        json!({ "reference": self.patient })
    }

    /// A FHIR `dateTime`.
    #[must_use]
    pub fn time(&self) -> String {
        time(self.at)
    }

    /// Whether this change made, or changed, that resource.
    #[must_use]
    pub fn made(&self, resource: &Value) -> bool {
        is_of(resource, self.id)
    }

    /// Puts the change's name to those the resource has already.
    pub fn sign(&self, resource: &mut Value) {
        if self.made(resource) {
            return;
        }
        match resource.get_mut("identifier").and_then(Value::as_array_mut) {
            Some(identifiers) => identifiers.push(self.identifier()),
            None => resource["identifier"] = json!([self.identifier()]),
        }
    }
}

/// The search token of a change's name.
#[must_use]
pub fn token(id: &str) -> String {
    format!("{SYSTEM}|{id}")
}

/// The change that what a resource is called (`system|value`) is the name of.
#[must_use]
pub fn change_of(identifier: &str) -> Option<&str> {
    identifier.split_once('|').filter(|(system, _)| *system == SYSTEM).map(|(_, id)| id)
}

/// Whether what a resource is called (`system|value`) says that it was made or changed from here.
#[must_use]
pub fn is_ours(identifier: &str) -> bool {
    identifier.split_once('|').is_some_and(|(system, _)| system == SYSTEM)
}

/// Whether a resource carries the name of that change.
#[must_use]
pub fn is_of(resource: &Value, id: &str) -> bool {
    let identifiers = resource.get("identifier").and_then(Value::as_array);
    identifiers.is_some_and(|all| all.iter().any(|one| one["system"] == SYSTEM && one["value"] == id))
}

/// An instant with seconds, as servers of every kind take it.
#[must_use]
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a FHIR time means that instant.
#[must_use]
pub fn same_time(written: Option<&Value>, at: Timestamp) -> bool {
    let written = written.and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    written.is_some_and(|written| written.as_second() == at.as_second())
}

#[cfg(test)]
pub(crate) mod samples {
    use jiff::tz::TimeZone;

    use super::Told;

    pub fn told() -> Told<'static> {
        static ZONE: TimeZone = TimeZone::UTC;
        let at = "2026-11-20T15:00:00.123456Z".parse().expect("a time");
        Told { id: "0193-c1", patient: "Patient/p1", at, zone: &ZONE }
    }
}

#[cfg(test)]
mod tests {
    use super::{samples::told, *};

    #[test]
    fn a_change_is_known_again_and_signed_once() {
        let told = told();
        let mut resource = json!({ "identifier": [{ "system": "urn:other", "value": "0193-c1" }] });
        assert!(!told.made(&resource));
        told.sign(&mut resource);
        told.sign(&mut resource);
        assert!(told.made(&resource));
        assert_eq!(resource["identifier"].as_array().map(Vec::len), Some(2));
        let mut bare = json!({});
        told.sign(&mut bare);
        assert!(told.made(&bare) && !is_of(&bare, "0193-c2"));
        assert_eq!(told.query(), "identifier=urn:wellspoken:change|0193-c1");
        assert_eq!(told.time(), "2026-11-20T15:00:00Z");
    }

    #[test]
    fn times_are_compared_as_instants() {
        let at = "2026-12-01T14:00:00Z".parse().expect("a time");
        for (written, same) in [
            (json!("2026-12-01T14:00:00Z"), true),
            (json!("2026-12-01T09:00:00-05:00"), true),
            (json!("2026-12-01T14:00:00.000+00:00"), true),
            (json!("2026-12-01T14:30:00Z"), false),
            (json!("2026-12-01"), false),
            (json!(7), false),
        ] {
            assert_eq!(same_time(Some(&written), at), same, "{written}");
        }
        assert!(!same_time(None, at));
    }
}
