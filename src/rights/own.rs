//! What a person did here, as FHIR R4: what they asked for, and what was said. What was said is a Communication each way
//! and not a DocumentReference: it has a sender, a time and words of its own, and nobody wrote a document.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::{
    actions::{Reminder, Renewal, RenewalState, Taken, Waiting},
    records::{Contact, Pharmacy, Reading, Visit, fhir_write::reports},
    store::{Call, KeptTurn},
    turn::words_of,
};

/// A request for more of a medicine.
pub fn renewal(renewal: &Renewal, patient: &Value) -> Value {
    let status = match renewal.state {
        RenewalState::Requested | RenewalState::PrescriberAsked => "requested",
        RenewalState::Approved => "accepted",
        RenewalState::Denied => "rejected",
        RenewalState::Filled | RenewalState::Ready | RenewalState::Shipped => "in-progress",
        RenewalState::Delivered | RenewalState::PickedUp => "completed",
    };
    let mut task = json!({
        "resourceType": "Task",
        "id": renewal.id,
        "status": status,
        "intent": "order",
        "code": { "text": "renewal of a prescription" },
        "description": renewal.medicine,
        "focus": { "reference": format!("MedicationRequest/{}", renewal.prescription) },
        "for": patient,
        "requester": patient,
        "authoredOn": renewal.requested,
        "lastModified": renewal.updated,
        "businessStatus": { "text": renewal.state.name() },
    });
    if let Some(reason) = &renewal.reason {
        task["statusReason"] = json!({ "text": reason });
    }
    if let Some(pharmacy) = &renewal.pharmacy {
        task["owner"] = json!({ "display": pharmacy });
    }
    task
}

/// A dose that the person said they took.
pub fn taken(note: &Taken, n: usize, patient: &Value) -> Value {
    let mut statement = json!({
        "resourceType": "MedicationStatement",
        "id": format!("taken-{n}"),
        "status": "completed",
        "medicationCodeableConcept": { "text": note.medicine },
        "subject": patient,
        "effectiveDateTime": note.at,
        "dateAsserted": note.noted,
        "informationSource": patient,
        "basedOn": [{ "reference": format!("MedicationRequest/{}", note.prescription) }],
    });
    if let Some(part) = &note.part {
        statement["note"] = json!([{ "text": format!("taken {part}; the time is the middle of it") }]);
    }
    statement
}

/// A reminder that the person set.
pub fn reminder(reminder: &Reminder, patient: &Value) -> Value {
    let rhythm = serde_json::to_string(&reminder.rhythm).unwrap_or_default();
    json!({
        "resourceType": "CommunicationRequest",
        "id": reminder.id,
        "status": "active",
        "subject": patient,
        "recipient": [patient],
        "authoredOn": reminder.made,
        "payload": [{ "contentString": reminder.medicine.as_deref().unwrap_or("medicines") }],
        "note": [{ "text": format!("rings {rhythm}, {}", reminder.zone) }],
    })
}

/// Somebody whom the person may have called.
pub fn contact(contact: &Contact, n: usize, patient: &Value) -> Value {
    json!({
        "resourceType": "RelatedPerson",
        "id": format!("contact-{n}"),
        "patient": patient,
        "name": [{ "text": contact.name }],
        "relationship": contact.relation.iter().map(|relation| json!({ "text": relation })).collect::<Vec<_>>(),
        "telecom": [{ "system": "phone", "value": contact.number.dialled() }],
    })
}

/// The pharmacy that the person chose.
pub fn pharmacy(pharmacy: &Pharmacy) -> Value {
    let mut organization = json!({ "resourceType": "Organization", "id": "chosen-pharmacy", "name": pharmacy.name });
    if let Some(street) = &pharmacy.street {
        organization["address"] = json!([{ "line": [street] }]);
    }
    organization
}

/// A call to the nurse, or a result that a clinician told first, with what they wrote of it.
pub fn call(call: &Call, written: Option<&String>, patient: &Value) -> Value {
    let mut task = json!({
        "resourceType": "Task",
        "id": call.id,
        "status": if call.closed.is_some() { "completed" } else { "requested" },
        "intent": "order",
        "priority": if call.emergency { "stat" } else { "routine" },
        "code": { "text": if call.emergency { "emergency in the room" } else { "call to the nurse" } },
        "for": patient,
        "requester": patient,
        "authoredOn": call.requested,
    });
    // An empty text is no FHIR.
    if !call.need.trim().is_empty() {
        task["description"] = json!(call.need);
    }
    if let Some(closed) = call.closed {
        task["lastModified"] = json!(closed);
    }
    if let Some(words) = written {
        task["note"] = json!([{ "text": words }]);
    }
    task
}

/// What the person measured: an Observation, whose performer is the person.
pub fn reading(reading: &Reading, patient: &Value, zone: &TimeZone) -> Value {
    let mut observation = reports::observation(reading, patient, zone);
    observation["id"] = json!(reading.id);
    observation
}
/// A visit that was booked here.
pub fn visit(visit: &Visit, patient: &Value) -> Value {
    let mut participant = vec![json!({ "actor": patient, "status": "accepted" })];
    for name in [&visit.provider, &visit.place].into_iter().flatten() {
        participant.push(json!({ "actor": { "display": name }, "status": "accepted" }));
    }
    let mut appointment = json!({
        "resourceType": "Appointment",
        "id": visit.id,
        "status": match (visit.booked, visit.arrival) {
            (false, _) => "cancelled",
            (true, Some(arrival)) if arrival.here => "arrived",
            (true, _) => "booked",
        },
        "start": visit.start,
        "end": visit.end.unwrap_or(visit.start),
        "participant": participant,
    });
    if let Some(specialty) = &visit.specialty {
        appointment["specialty"] = json!([{ "text": specialty }]);
    }
    if let Some(reason) = &visit.reason {
        appointment["reasonCode"] = json!([{ "text": reason }]);
    }
    appointment
}

/// An earlier time that the person waits for.
pub fn waiting(waiting: &Waiting, patient: &Value) -> Value {
    let mut participant = vec![json!({ "actor": patient, "status": "accepted" })];
    if let Some(provider) = &waiting.provider {
        participant.push(json!({ "actor": { "display": provider }, "status": "needs-action" }));
    }
    let mut appointment = json!({
        "resourceType": "Appointment",
        "id": waiting.id,
        "status": "waitlist",
        "created": waiting.since,
        "requestedPeriod": [{ "start": waiting.since, "end": waiting.before }],
        "participant": participant,
    });
    if let Some(specialty) = &waiting.specialty {
        appointment["specialty"] = json!([{ "text": specialty }]);
    }
    appointment
}

/// What was said in a turn, and what was answered.
pub fn turn(turn: &KeptTurn, n: usize, patient: &Value, organization: &str) -> Vec<Value> {
    let Some(words) = words_of(&turn.answer) else { return vec![] };
    let assistant = json!({ "display": format!("the voice assistant of {organization}") });
    let said = |id: String, from: &Value, to: &Value, text: &str| {
        json!({
            "resourceType": "Communication",
            "id": id,
            "status": "completed",
            "identifier": [{ "system": "urn:wellspoken:conversation", "value": turn.session }],
            "subject": patient,
            "sent": turn.at,
            "sender": from,
            "recipient": [to],
            "payload": [{ "contentString": text }],
        })
    };
    let (asked, answered) = (format!("said-{n}"), format!("answered-{n}"));
    let heard = (!words.heard.trim().is_empty()).then(|| said(asked.clone(), patient, &assistant, &words.heard));
    let reply = (!words.reply.trim().is_empty()).then(|| {
        let mut reply = said(answered, &assistant, patient, &words.reply);
        if heard.is_some() {
            reply["inResponseTo"] = json!([{ "reference": format!("Communication/{asked}") }]);
        }
        reply
    });
    heard.into_iter().chain(reply).collect()
}
