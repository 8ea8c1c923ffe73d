//! What a record server says about renewals that were asked for from here: the Task or the proposal that a change made is
//! found by the change's name, and its status read (R4 Task, 12.1; MedicationRequest.status).
//!
//! Invariant: a status that nobody here understands is no answer. What others asked for is not looked at.

use super::{
    Book,
    resources::{Concept, Resource},
};
use crate::{actions::RenewalState, records::RenewalAnswer};

pub fn answers(book: &mut Book<'_>) -> Vec<RenewalAnswer> {
    let mut found = Vec::new();
    for resource in book.resources() {
        let ours = book.change_of(resource);
        let told = match resource {
            Resource::Task(task) => {
                match ours {
                    Some(_) if book.concerns_patient(task.r#for.as_ref()) => book.read("Task"),
                    _ => book.unusable("Task", "not asked for here"),
                }
                let concerns = book.concerns_patient(task.r#for.as_ref());
                of_task(task.status.as_deref()).filter(|_| concerns).zip(Some(&task.status_reason))
            }
            Resource::MedicationRequest(request) if request.intent.as_deref() == Some("proposal") => {
                let concerns = book.concerns_patient(request.subject.as_ref());
                of_proposal(request.status.as_deref()).filter(|_| concerns).zip(Some(&request.status_reason))
            }
            _ => None,
        };
        if let Some(((state, reason), change)) = told.zip(ours) {
            let reason = reason.as_ref().and_then(Concept::words).filter(|_| state == RenewalState::Denied);
            found.push(RenewalAnswer { change: change.to_owned(), state, reason: reason.map(str::to_owned) });
        }
    }
    found
}

/// What became of a refill that a pharmacy was asked for.
fn of_task(status: Option<&str>) -> Option<RenewalState> {
    match status? {
        "requested" | "received" | "accepted" | "ready" | "on-hold" => Some(RenewalState::Requested),
        "in-progress" => Some(RenewalState::Approved),
        "completed" => Some(RenewalState::Filled),
        "rejected" | "cancelled" | "failed" | "entered-in-error" => Some(RenewalState::Denied),
        _ => None,
    }
}

/// What became of a renewal that a prescriber was asked for.
fn of_proposal(status: Option<&str>) -> Option<RenewalState> {
    match status? {
        "draft" | "on-hold" => Some(RenewalState::PrescriberAsked),
        "active" | "completed" => Some(RenewalState::Approved),
        "cancelled" | "stopped" | "entered-in-error" => Some(RenewalState::Denied),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse;
    use crate::actions::RenewalState::{self, Approved, Denied, Filled, PrescriberAsked, Requested};

    fn answers(resource: &serde_json::Value) -> Vec<(String, RenewalState, Option<String>)> {
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": "p1", "birthDate": "1950-02-03",
                "name": [{"family": "Wren", "given": ["Ada"]}]}},
            {"resource": resource},
        ]});
        let chart = parse(bundle.to_string().as_bytes()).expect("a chart");
        chart.answers.into_iter().map(|a| (a.change, a.state, a.reason)).collect()
    }

    #[test]
    fn the_status_of_what_was_asked_for_from_here_is_the_answer() {
        let ours = json!([{"system": "urn:wellspoken:change", "value": "0193-c1"}]);
        let others = json!([{"system": "urn:elsewhere", "value": "0193-c1"}]);
        let task = |status: &str, whose: &str, identifier: &serde_json::Value| {
            json!({"resourceType": "Task", "id": "t1", "status": status, "intent": "order", "identifier": identifier,
                "for": {"reference": whose}, "statusReason": {"text": "Needs a blood test first."}})
        };
        let proposal = |status: &str, intent: &str| {
            json!({"resourceType": "MedicationRequest", "id": "m1", "status": status, "intent": intent,
                "identifier": ours, "subject": {"reference": "Patient/p1"},
                "medicationCodeableConcept": {"text": "metformin"}, "statusReason": {"coding": [{"display": "See me."}]}})
        };
        let (me, blood, see) = ("Patient/p1", Some("Needs a blood test first."), Some("See me."));
        for (resource, want) in [
            (task("requested", me, &ours), Some((Requested, None))),
            (task("in-progress", me, &ours), Some((Approved, None))),
            (task("completed", me, &ours), Some((Filled, None))),
            (task("rejected", me, &ours), Some((Denied, blood))),
            (task("draft", me, &ours), None),
            (task("rejected", me, &others), None),
            (task("rejected", "Patient/p2", &ours), None),
            (proposal("draft", "proposal"), Some((PrescriberAsked, None))),
            (proposal("active", "proposal"), Some((Approved, None))),
            (proposal("cancelled", "proposal"), Some((Denied, see))),
            (proposal("cancelled", "order"), None),
        ] {
            let want: Vec<_> = want.iter().map(|(s, r)| ("0193-c1".to_owned(), *s, r.map(str::to_owned))).collect();
            assert_eq!(answers(&resource), want, "{resource}");
        }
    }
}
