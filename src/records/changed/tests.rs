use serde_json::{Value, json};

use super::*;
use crate::records::fhir_bundle::parse;

fn now() -> Timestamp {
    "2026-05-04T10:00:00Z".parse().expect("a time")
}

fn chart(entries: &[Value]) -> Chart {
    let patient = json!({ "resourceType": "Patient", "id": "p1", "birthDate": "1960-02-03",
        "identifier": [{ "system": "urn:mrn", "value": "77" }], "name": [{ "family": "Moss", "given": ["Ann"] }] });
    let entries: Vec<Value> =
        std::iter::once(&patient).chain(entries).map(|resource| json!({ "resource": resource })).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    parse(bundle.to_string().as_bytes()).expect("a good bundle")
}

fn order(status: &str) -> Value {
    json!({ "resourceType": "MedicationRequest", "id": "rx1", "status": status, "intent": "order",
        "authoredOn": "2026-05-01", "subject": { "reference": "Patient/p1" },
        "medicationCodeableConcept": { "text": "lisinopril 10 MG Oral Tablet" } })
}

fn filling(more: Value) -> Value {
    let mut filling = json!({ "resourceType": "MedicationDispense", "id": "d1", "status": "in-progress",
        "subject": { "reference": "Patient/p1" }, "authorizingPrescription": [{ "reference": "MedicationRequest/rx1" }] });
    more.as_object().into_iter().flatten().for_each(|(k, v)| filling[k] = v.clone());
    filling
}

fn visit(status: &str, start: &str) -> Value {
    json!({ "resourceType": "Appointment", "id": "v1", "status": status, "start": start,
        "identifier": [{ "system": "urn:wellspoken:change", "value": "c7" }],
        "participant": [{ "actor": { "reference": "Patient/p1" }, "status": "accepted" }] })
}

fn lab(id: &str, status: &str, value: f64, flag: &str) -> Value {
    json!({ "resourceType": "Observation", "id": id, "status": status, "code": { "text": "Potassium" },
        "category": [{ "coding": [{ "code": "laboratory" }] }], "subject": { "reference": "Patient/p1" },
        "effectiveDateTime": "2026-05-03T09:00:00Z", "valueQuantity": { "value": value, "unit": "mmol/L" },
        "interpretation": [{ "coding": [{ "code": flag }] }] })
}

/// What is told when a chart was one way at the last look and is another way now.
fn told(what: Watched, before: &[Value], after: &[Value]) -> Vec<String> {
    let news = what.news(&what.seen(&chart(before)), &chart(after), now());
    news.into_iter().map(|one| one.notice.facts.reply).collect()
}

#[test]
fn what_changed_between_two_looks() {
    use Watched::{Fillings, Orders, Results, Visits};
    let (active, ended, paused) = (order("active"), order("stopped"), order("on-hold"));
    let working = filling(json!({}));
    let prepared = filling(json!({ "whenPrepared": "2026-05-04T08:00:00Z" }));
    let sent = filling(
        json!({ "whenPrepared": "2026-05-04T08:00:00Z", "destination": { "display": "home" }, "status": "completed" }),
    );
    let fetched = filling(json!({ "status": "completed", "whenHandedOver": "2026-05-04T09:00:00Z" }));
    let off = filling(json!({ "status": "cancelled" }));
    let (seven, nine) = ("2026-05-07T14:00:00Z", "2026-05-09T14:00:00Z");
    let past = "2026-05-01T14:00:00Z";
    let l = lab;
    let mut old = order("active");
    old["authoredOn"] = "2021-01-01".into();
    let mut aged = lab("o1", "final", 4.1, "N");
    aged["effectiveDateTime"] = "2024-05-03T09:00:00Z".into();
    #[rustfmt::skip]
    let table: Vec<(Watched, Vec<Value>, Vec<Value>, &[&str])> = vec![
        (Orders, vec![], vec![active.clone()], &["notice_ordered"]),
        (Orders, vec![], vec![old], &[]),
        (Orders, vec![active.clone()], vec![active.clone()], &[]),
        (Orders, vec![active.clone()], vec![ended.clone()], &["notice_stopped"]),
        (Orders, vec![active.clone()], vec![paused.clone()], &["notice_stopped"]),
        (Orders, vec![paused], vec![active.clone()], &["notice_ordered"]),
        (Orders, vec![], vec![ended], &[]),
        (Fillings, vec![active.clone()], vec![active.clone(), working.clone()], &[]),
        (Fillings, vec![active.clone(), working.clone()], vec![active.clone(), prepared.clone()], &["notice_ready"]),
        (Fillings, vec![active.clone(), prepared.clone()], vec![active.clone(), prepared.clone()], &[]),
        (Fillings, vec![active.clone(), working], vec![active.clone(), sent], &["notice_shipped"]),
        (Fillings, vec![active.clone(), prepared.clone()], vec![active.clone(), fetched], &[]),
        (Fillings, vec![active.clone(), prepared], vec![active, off], &["notice_not_filled"]),
        (Visits, vec![visit("booked", seven)], vec![visit("booked", nine)], &["notice_visit_moved"]),
        (Visits, vec![visit("booked", seven)], vec![visit("cancelled", seven)], &["notice_visit_off"]),
        (Visits, vec![visit("booked", past)], vec![visit("cancelled", past)], &[]),
        (Visits, vec![visit("booked", seven)], vec![visit("booked", past)], &[]),
        (Visits, vec![], vec![visit("booked", seven)], &[]),
        (Visits, vec![visit("booked", seven)], vec![], &[]),
        (Results, vec![], vec![l("o1", "final", 4.1, "N")], &["notice_result"]),
        (Results, vec![], vec![l("o1", "preliminary", 4.1, "N")], &[]),
        (Results, vec![l("o1", "preliminary", 4.1, "N")], vec![l("o1", "final", 4.1, "N")], &["notice_result"]),
        (Results, vec![l("o1", "final", 4.1, "N")], vec![l("o1", "corrected", 4.7, "N")], &["notice_result_corrected"]),
        // A clinician tells it first.
        (Results, vec![], vec![l("o1", "final", 7.9, "HH")], &[]),
        (Results, vec![l("o1", "final", 7.9, "HH")], vec![l("o1", "corrected", 4.9, "N")], &["notice_result"]),
        (Results, vec![], vec![aged], &[]),
        // Two of one test at one time.
        (Results, vec![l("o1", "final", 4.1, "N"), l("o2", "final", 4.3, "N")], vec![l("o2", "final", 4.3, "N"), l("o1", "final", 4.1, "N")], &[]),
    ];
    for (n, (what, before, after, wanted)) in table.into_iter().enumerate() {
        assert_eq!(told(what, &before, &after), wanted, "row {n}, {what:?}");
    }
}

#[test]
fn news_has_one_name_however_often_it_is_found_and_says_what_it_takes_the_place_of() {
    let (seven, nine) = ("2026-05-07T14:00:00Z", "2026-05-09T14:00:00Z");
    let (before, after) = (chart(&[visit("booked", seven)]), chart(&[visit("booked", nine)]));
    let moved = || Watched::Visits.news(&Watched::Visits.seen(&before), &after, now()).pop().expect("it was moved");
    assert_eq!(moved().name, moved().name);
    assert_eq!(moved().instead_of.as_deref(), Some("visits v1 2026-05-07T14:00:00Z"));
    assert_eq!(moved().visit.expect("a visit").names, ["v1", "c7"], "also by what it was booked under from here");
    let back = Watched::Visits.news(&Watched::Visits.seen(&after), &before, now()).pop().expect("moved back");
    assert_eq!(back.instead_of, Some(moved().name), "the first move is not told any more");
}

#[test]
fn a_panel_is_one_piece_of_news() {
    let panel = |id: &str, name: &str| {
        let mut one = lab(id, "final", 4.1, "N");
        one["code"]["text"] = name.into();
        one
    };
    let report = json!({ "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": { "text": "Electrolytes" },
        "category": [{ "coding": [{ "code": "LAB" }] }], "subject": { "reference": "Patient/p1" }, "effectiveDateTime": "2026-05-03T09:00:00Z",
        "result": [{ "reference": "Observation/o1" }, { "reference": "Observation/o2" }] });
    let after = [panel("o1", "Potassium"), panel("o2", "Sodium"), report];
    assert_eq!(told(Watched::Results, &[], &after), ["notice_result"]);
}
