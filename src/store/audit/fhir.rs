//! Audit entries as FHIR R4 AuditEvent, after the patterns of IHE's Basic Audit Log Patterns (BALP): a disclosure is
//! a Privacy Disclosure at its source; the others follow DICOM's audit events (PS3.15 A.5), which BALP builds on.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Told, chain::Entry};
use crate::policy::{GLASS_RECORD, STAFF};

/// The profile that an opened disclosure conforms to.
const DISCLOSURE: &str =
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";

/// How a kind of entry is told.
struct Pattern {
    code: &'static str,
    display: &'static str,
    subtype: Option<(&'static str, &'static str, &'static str)>,
    action: &'static str,
    purpose: (&'static str, &'static str),
}

const PATIENT: (&str, &str) = ("PATRQT", "patient requested");
const TREATMENT: (&str, &str) = ("TREAT", "treatment");
const BROKEN_GLASS: (&str, &str) = ("BTG", "break the glass");
const ADMINISTRATION: (&str, &str) = ("HSYSADMIN", "health system administration");

fn pattern(event: &str, outcome: Option<&str>) -> Pattern {
    let of = |code, display, action, purpose| Pattern { code, display, subtype: None, action, purpose };
    match event {
        "opened" | "recognized" => Pattern {
            subtype: Some((LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")),
            ..of("110106", "Export", "R", PATIENT)
        },
        "closed" if outcome == Some("done") => of("110110", "Patient Record", "U", PATIENT),
        "closed" => of("110110", "Patient Record", "R", PATIENT),
        "refused" => of("110113", "Security Alert", "E", PATIENT),
        "urgent" => of("110110", "Patient Record", "C", ("ETREAT", "Emergency Treatment")),
        "connection" => of("110107", "Import", "E", PATIENT),
        "imported" => of("110107", "Import", "C", TREATMENT),
        "consent" => of("110110", "Patient Record", "U", ("PATADMIN", "patient administration")),
        "progressed" => of("110110", "Patient Record", "U", TREATMENT),
        "credential" => Pattern {
            subtype: Some((DICOM, "110137", "User Security Attributes Changed")),
            ..of("110113", "Security Alert", "E", ADMINISTRATION)
        },
        "keys" => Pattern {
            subtype: Some((DICOM, "110129", "Security Configuration")),
            ..of("110113", "Security Alert", "E", ADMINISTRATION)
        },
        "backup" => of("110106", "Export", "R", ADMINISTRATION),
        "hold" => of("110110", "Patient Record", "U", ("HLEGAL", "legal")),
        "glass-broken" => Pattern {
            subtype: Some((DICOM, "110127", "Emergency Override Started")),
            ..of("110113", "Security Alert", "E", BROKEN_GLASS)
        },
        "reviewed" => of("110113", "Security Alert", "E", ADMINISTRATION),
        "audit-read" => of("110101", "Audit Log Used", "R", ADMINISTRATION),
        _ => of("110100", "Application Activity", "E", ADMINISTRATION),
    }
}

/// The entry without its place in the chain. `told` is what was sealed; `None` where the key was destroyed.
pub fn audit_event(entry: &Entry, told: Option<&Told>, organization: &str) -> Value {
    let nothing = Told::default();
    let mut pattern = pattern(&entry.event, entry.outcome.as_deref());
    if entry.channel == STAFF && pattern.purpose == PATIENT {
        let under_glass = told.is_some_and(|told| told.intent.as_deref() == Some(GLASS_RECORD));
        pattern.purpose = if under_glass { BROKEN_GLASS } else { TREATMENT };
    }
    let disclosure = pattern.subtype.is_some_and(|(system, ..)| system == LIFECYCLE);
    let person = match told {
        Some(told) => told.subject.as_ref().map(|id| json!({ "reference": format!("Patient/{id}") })),
        None => Some(json!({
            "type": "Patient",
            "identifier": { "system": "urn:wellspoken:key", "value": entry.owner },
            "display": "unreadable: the key was destroyed",
        })),
    };
    let told = told.unwrap_or(&nothing);
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("entry-{}", entry.seq),
        "type": coding(DICOM, pattern.code, pattern.display),
        "action": pattern.action,
        "recorded": Timestamp::from_microsecond(entry.at).unwrap_or(Timestamp::UNIX_EPOCH),
        "outcome": if entry.event == "refused" { "8" } else { "0" },
        "outcomeDesc": entry.outcome.as_deref().unwrap_or(&entry.event),
        "purposeOfEvent": [{ "coding": [coding(
            "http://terminology.hl7.org/CodeSystem/v3-ActReason", pattern.purpose.0, pattern.purpose.1,
        )] }],
        "source": {
            "site": organization,
            "observer": observer(),
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
        "agent": agents(entry, told, person.as_ref()),
        "entity": entities(entry, told, person.as_ref()),
    });
    if let Some((system, code, display)) = pattern.subtype {
        event["subtype"] = json!([coding(system, code, display)]);
    }
    if disclosure && person.is_some() {
        event["meta"] = json!({ "profile": [DISCLOSURE] });
    }
    event
}

fn observer() -> Value {
    json!({ "identifier": { "system": "urn:wellspoken", "value": "wellspoken" }, "display": "wellspoken" })
}

/// The program, the channel the words go to, and whoever asked: the person, or staff, by name or by their sign-in.
fn agents(entry: &Entry, told: &Told, person: Option<&Value>) -> Vec<Value> {
    // The chain knows the kind of channel and not the network's address.
    let network = json!({ "address": format!("urn:wellspoken:channel:{}", entry.channel), "type": "5" });
    let staff = entry.channel == STAFF;
    let recipient = match &told.actor {
        Some(actor) => json!({ "identifier": { "system": "urn:wellspoken:credential", "value": actor } }),
        None => json!({ "display": entry.channel }),
    };
    let mut agents = vec![
        json!({
            "type": { "coding": [coding(DICOM, "110153", "Source Role ID")] },
            "who": observer(), "requestor": false, "network": { "address": "urn:wellspoken", "type": "5" },
        }),
        json!({
            "type": { "coding": [coding(DICOM, "110152", "Destination Role ID")] },
            "who": recipient, "requestor": told.by.is_none() && (staff || person.is_none()), "network": network,
        }),
    ];
    if let Some(by) = &told.by {
        agents.push(json!({
            "type": { "coding": [coding("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "AUT", "author")] },
            "who": { "display": by }, "name": by, "requestor": true,
        }));
    } else if let Some(person) = person.filter(|_| !staff) {
        agents.push(json!({
            "type": { "coding": [coding("http://snomed.info/sct", "429577009", "Patient Advocate")] },
            "who": person, "requestor": true,
        }));
    }
    agents
}

/// The person, and what it was about.
fn entities(entry: &Entry, told: &Told, person: Option<&Value>) -> Vec<Value> {
    const TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
    const ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
    let mut entities = vec![];
    if let Some(person) = person {
        entities.push(json!({
            "what": person, "type": coding(TYPE, "1", "Person"), "role": coding(ROLE, "1", "Patient"),
        }));
    }
    let closes = entry.closes.map(|n| n.to_string());
    let details = [
        ("session", told.session.as_ref()),
        ("turn", told.turn.as_ref()),
        ("closes", closes.as_ref()),
        ("key", told.key.as_ref()),
    ];
    let detail: Vec<Value> =
        details.into_iter().filter_map(|(kind, value)| Some(json!({ "type": kind, "valueString": value? }))).collect();
    let mut data = json!({
        "what": { "display": told.intent.as_deref().unwrap_or(&entry.event) },
        "type": coding(TYPE, "2", "System Object"),
        "role": coding(ROLE, "3", "Report"),
    });
    if !detail.is_empty() {
        data["detail"] = json!(detail);
    }
    entities.push(data);
    entities
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

/// The last line of an export: that it was made, from when to when.
pub fn export_event(at: Timestamp, by: &str, organization: &str) -> Value {
    json!({
        "resourceType": "AuditEvent",
        "id": "export",
        "type": coding(DICOM, "110101", "Audit Log Used"),
        "action": "R",
        "recorded": at,
        "outcome": "0",
        "source": { "site": organization, "observer": observer() },
        "agent": [{ "who": { "display": by }, "name": by, "requestor": true }],
    })
}
