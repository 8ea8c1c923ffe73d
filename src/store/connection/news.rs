//! What a person is told of a connection without having asked.

use super::Details;
use crate::{
    actions::{Facts, Notice, NoticeKind},
    policy::Scope,
};

/// What stands beside a kind that the organization refuses to give.
pub const REFUSED: &str = "refused there";

/// What stands beside a kind that the person, or the organization, granted no scope for.
pub const NOT_GRANTED: &str = "not granted";

/// Kinds of resources, as the person is told of them.
const PARTS: [(&str, &str); 7] = [
    ("MedicationRequest", "prescriptions"),
    ("Appointment", "visits"),
    ("Observation", "test results and measurements"),
    ("DiagnosticReport", "lab reports"),
    ("AllergyIntolerance", "allergies"),
    ("Condition", "conditions"),
    ("Immunization", "vaccines"),
];

/// The name of the news that a connection lapsed.
pub(super) fn lapse_of(id: &str) -> String {
    format!("lapsed {id}")
}

/// What the person is told of it, the next time they speak.
pub(super) fn lapse(details: &Details) -> Notice {
    let facts = Facts::new("notice_lapsed").with("from", &details.name).with("fetched", details.fetched);
    Notice { kind: NoticeKind::ConnectionLapsed, topic: Scope::Records, sensitive: false, facts, next: None }
}

/// What the person is told, once, where the organization refuses to give some of it.
pub(super) fn unread(details: &Details) -> Option<Notice> {
    let is = |kind: &str| details.skipped.contains_key(&format!("{kind}: {REFUSED}"));
    let parts: Vec<&str> = PARTS.into_iter().filter(|(kind, _)| is(kind)).map(|(_, part)| part).collect();
    let facts = Facts::new("notice_unread").with("from", &details.name).with("parts", &parts);
    let kind = NoticeKind::RecordUnread;
    (!parts.is_empty()).then_some(Notice { kind, topic: Scope::Records, sensitive: false, facts, next: None })
}
