//! Visits: a free time is taken, given back, or changed for another.
//!
//! The Appointment and the Slots go in one transaction, each change under `If-Match` of the version that was looked at: of two
//! who want the same time one gets it. A Slot that was taken carries the change's name, so that after a broken connection it
//! can be told by whom.

use serde_json::{Value, json};

use super::{Told, is_of, same_time, time};
use crate::records::OpenSlot;

/// Whether a free time is there to be taken, as the person chose it.
#[must_use]
pub fn is_free(found: &Value, slot: &OpenSlot) -> bool {
    found["status"] == "free" && same_time(found.get("start"), slot.start)
}

/// The Slot, taken by this change.
#[must_use]
pub fn taken(told: &Told<'_>, found: &Value) -> Value {
    let mut slot = found.clone();
    slot["status"] = json!("busy");
    told.sign(&mut slot);
    slot
}

/// The Slot, free again.
#[must_use]
pub fn freed(told: &Told<'_>, found: &Value) -> Value {
    let mut slot = found.clone();
    slot["status"] = json!("free");
    told.sign(&mut slot);
    slot
}

/// A new visit in a Slot; `schedule` is the Slot's, where it could be had.
#[must_use]
pub fn booked(
    told: &Told<'_>,
    slot: &OpenSlot,
    reason: Option<&str>,
    found: &Value,
    schedule: Option<&Value>,
) -> Value {
    let mut participant = vec![json!({ "actor": told.person(), "required": "required", "status": "accepted" })];
    let actors = schedule.and_then(|s| s.get("actor")).and_then(Value::as_array);
    match actors.filter(|all| !all.is_empty()) {
        // The time was offered as free by those whose schedule it is.
        Some(all) => participant.extend(all.iter().map(|actor| json!({ "actor": actor, "status": "accepted" }))),
        None => participant.push(json!({ "actor": { "display": slot.provider }, "status": "accepted" })),
    }
    let mut visit = json!({
        "resourceType": "Appointment",
        "identifier": [told.identifier()],
        "status": "booked",
        "start": time(slot.start),
        "end": time(slot.end),
        "created": told.time(),
        "slot": [{ "reference": format!("Slot/{}", slot.id) }],
        "participant": participant,
    });
    if let Some(reason) = reason {
        visit["reasonCode"] = json!([{ "text": reason }]);
    }
    for field in ["serviceCategory", "serviceType", "specialty", "appointmentType"] {
        if let Some(value) = found.get(field) {
            visit[field] = value.clone();
        }
    }
    visit
}

/// What is to be done about a visit that is to be changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// This change did it already.
    Ours,
    /// It is as the person knows it.
    AsKnown,
    /// It was called off.
    Cancelled,
    /// It is at another time, or over.
    Otherwise,
}

/// How a visit stands that the person knows at that time.
#[must_use]
pub fn standing(told: &Told<'_>, visit: &Value, start: jiff::Timestamp) -> Standing {
    match visit["status"].as_str() {
        _ if told.made(visit) => Standing::Ours,
        Some("cancelled" | "entered-in-error") => Standing::Cancelled,
        Some("proposed" | "pending" | "booked" | "waitlist") if same_time(visit.get("start"), start) => {
            Standing::AsKnown
        }
        _ => Standing::Otherwise,
    }
}

/// The visit, called off by the patient.
#[must_use]
pub fn cancelled(told: &Told<'_>, visit: &Value) -> Value {
    let mut visit = visit.clone();
    visit["status"] = json!("cancelled");
    visit["cancelationReason"] = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason",
        "code": "pat",
        "display": "Patient",
    }] });
    told.sign(&mut visit);
    visit
}

/// The visit at another time.
#[must_use]
pub fn moved(told: &Told<'_>, visit: &Value, to: &OpenSlot) -> Value {
    let mut visit = visit.clone();
    visit["start"] = json!(time(to.start));
    visit["end"] = json!(time(to.end));
    visit["slot"] = json!([{ "reference": format!("Slot/{}", to.id) }]);
    told.sign(&mut visit);
    visit
}

/// The ids of the Slots that a visit takes up.
#[must_use]
pub fn slots_of(visit: &Value) -> Vec<String> {
    let slots = visit.get("slot").and_then(Value::as_array);
    let id = |slot: &Value| Some(slot["reference"].as_str()?.rsplit_once("Slot/")?.1.to_owned());
    slots.map(|all| all.iter().filter_map(id).collect()).unwrap_or_default()
}

/// Whether a Slot was taken for that change.
#[must_use]
pub fn taken_by(slot: &Value, change: &str) -> bool {
    slot["status"] != "free" && is_of(slot, change)
}

/// The visit as it is once the person is there.
#[must_use]
pub fn arrived(told: &Told<'_>, visit: &Value) -> Value {
    let mut visit = visit.clone();
    visit["status"] = json!("arrived");
    told.sign(&mut visit);
    visit
}

/// Whether the clinic has somebody down as there, or already seen.
#[must_use]
pub fn is_there(visit: &Value) -> bool {
    matches!(visit["status"].as_str(), Some("arrived" | "checked-in" | "fulfilled"))
}

#[cfg(test)]
mod tests {
    use super::{super::samples::told, *};

    fn slot() -> OpenSlot {
        let at = |text: &str| text.parse().expect("a time");
        OpenSlot {
            id: "s1".into(),
            start: at("2026-12-01T14:00:00Z"),
            end: at("2026-12-01T14:30:00Z"),
            provider: "Dr. Anita Patel".into(),
            ..OpenSlot::default()
        }
    }

    fn found() -> Value {
        json!({
            "resourceType": "Slot", "id": "s1", "status": "free", "start": "2026-12-01T09:00:00-05:00",
            "schedule": { "reference": "Schedule/c1" }, "serviceType": [{ "text": "check-up" }],
            "extension": [{ "url": "urn:clinic:x", "valueString": "kept" }],
        })
    }

    #[test]
    fn a_visit_names_patient_schedule_and_slot() {
        let schedule = json!({ "actor": [{ "reference": "Practitioner/d1" }, { "reference": "Location/l1" }] });
        let visit = booked(&told(), &slot(), Some("cough"), &found(), Some(&schedule));
        assert_eq!(visit["status"], "booked");
        assert_eq!(visit["start"], "2026-12-01T14:00:00Z");
        assert_eq!(visit["slot"][0]["reference"], "Slot/s1");
        assert_eq!(visit["serviceType"][0]["text"], "check-up");
        let actors: Vec<_> =
            visit["participant"].as_array().expect("a list").iter().map(|p| &p["actor"]["reference"]).collect();
        assert_eq!(actors, ["Patient/p1", "Practitioner/d1", "Location/l1"]);
        let bare = booked(&told(), &slot(), None, &found(), None);
        assert_eq!(bare["participant"][1]["actor"]["display"], "Dr. Anita Patel");
        assert!(bare.get("reasonCode").is_none());
    }

    #[test]
    fn a_slot_is_taken_and_freed_with_all_else_as_it_was() {
        assert!(is_free(&found(), &slot()));
        let busy = taken(&told(), &found());
        assert_eq!((&busy["status"], &busy["extension"]), (&json!("busy"), &found()["extension"]));
        assert!(taken_by(&busy, "0193-c1") && !is_free(&busy, &slot()));
        let free = freed(&told(), &busy);
        assert!(!taken_by(&free, "0193-c1"));
        let elsewhen = json!({ "status": "free", "start": "2026-12-01T15:00:00Z" });
        assert!(!is_free(&elsewhen, &slot()), "a slot that was moved is not the one that was chosen");
    }

    #[test]
    fn how_a_visit_stands() {
        let start = slot().start;
        let visit = |status: &str, start: &str| json!({ "status": status, "start": start });
        for (visit, want) in [
            (visit("booked", "2026-12-01T14:00:00Z"), Standing::AsKnown),
            (visit("pending", "2026-12-01T14:00:00Z"), Standing::AsKnown),
            (visit("booked", "2026-12-02T14:00:00Z"), Standing::Otherwise),
            (visit("fulfilled", "2026-12-01T14:00:00Z"), Standing::Otherwise),
            (visit("cancelled", "2026-12-01T14:00:00Z"), Standing::Cancelled),
            (cancelled(&told(), &visit("booked", "2026-12-01T14:00:00Z")), Standing::Ours),
            (moved(&told(), &visit("booked", "2026-12-03T14:00:00Z"), &slot()), Standing::Ours),
        ] {
            assert_eq!(standing(&told(), &visit, start), want, "{visit}");
        }
    }

    #[test]
    fn the_slots_of_a_visit() {
        let visit = json!({ "slot": [{ "reference": "Slot/s1" }, { "reference": "https://x.example/fhir/Slot/s2" }, { "display": "?" }] });
        assert_eq!(slots_of(&visit), ["s1", "s2"]);
        assert!(slots_of(&json!({})).is_empty());
    }
}
