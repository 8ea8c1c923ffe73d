//! What a person agreed to, version by version, as FHIR R4 Consent.
//!
//! Each version denies everything and permits what was agreed to, purpose by purpose; the newest is active, those before
//! it are not any more.

use serde_json::{Value, json};

use crate::{
    policy::{Agreements, Purpose, Scope, Use},
    store::ConsentVersion,
};

/// Purposes of use (HL7 v3 PurposeOfUse).
const PURPOSES: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const RESOURCES: &str = "http://hl7.org/fhir/resource-types";

/// All versions, oldest first. `patient` is the reference to the person.
#[must_use]
pub fn consents(versions: &[ConsentVersion], patient: &Value, organization: &str) -> Vec<Value> {
    let last = versions.len();
    let each = versions.iter().zip(1..);
    each.map(|(version, n)| consent(version, n == last, patient, organization)).collect()
}

fn consent(version: &ConsentVersion, newest: bool, patient: &Value, organization: &str) -> Value {
    json!({
        "resourceType": "Consent",
        "id": format!("agreement-{}", version.number),
        "meta": { "versionId": version.number.to_string() },
        // What permits nothing is in force all the same: it is the refusal.
        "status": if newest { "active" } else { "inactive" },
        "scope": coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent"),
        "category": [coded("http://loinc.org", "59284-0", "Consent Document")],
        "patient": patient,
        "dateTime": version.at,
        "performer": [patient],
        "organization": [{ "display": organization }],
        "policyRule": coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN", "opt-in"),
        "provision": provision(&version.uses),
    })
}

/// Everything is denied but what is agreed to.
fn provision(uses: &Agreements) -> Value {
    let permitted: Vec<Value> = uses.iter().map(permission).collect();
    if permitted.is_empty() { json!({ "type": "deny" }) } else { json!({ "type": "deny", "provision": permitted }) }
}

fn permission(one: Use) -> Value {
    json!({
        "type": "permit",
        "purpose": [purpose(one.purpose())],
        "class": classes(one.scope()).iter().map(|class| coding(RESOURCES, class, class)).collect::<Vec<_>>(),
        "code": [{
            "coding": [{ "system": "urn:wellspoken:use", "code": one.name(), "display": told(one) }],
            "text": told(one),
        }],
    })
}

/// Answering, and hearing rightly what is asked, are treatment; counting what is said is developing the system.
fn purpose(purpose: Purpose) -> Value {
    match purpose {
        Purpose::Answer | Purpose::Recognize => coding(PURPOSES, "TREAT", "treatment"),
        Purpose::Improve => coding(PURPOSES, "SYSDEV", "system development"),
    }
}

/// The kinds of resource that a scope covers; what is said is a Communication.
const fn classes(scope: Option<Scope>) -> &'static [&'static str] {
    match scope {
        Some(Scope::Medicines) => &["MedicationRequest", "MedicationDispense", "Medication"],
        Some(Scope::Visits) => &["Appointment", "Practitioner"],
        Some(Scope::Records) => {
            &["Observation", "DiagnosticReport", "AllergyIntolerance", "CareTeam", "NutritionOrder"]
        }
        None => &["Communication"],
    }
}

const fn told(one: Use) -> &'static str {
    match one {
        Use::Answer(Scope::Medicines) => "answering with medicines",
        Use::Answer(Scope::Visits) => "answering with visits",
        Use::Answer(Scope::Records) => "answering with results and the rest of the chart",
        Use::Recognize(Scope::Medicines) => "hearing by the names of medicines",
        Use::Recognize(Scope::Visits) => "hearing by the names of those who treat",
        Use::Recognize(Scope::Records) => "hearing by names of the chart",
        Use::Improve => "counting what is said, without the person, to improve understanding",
    }
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

fn coded(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coding(system, code, display)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64, uses: &str) -> ConsentVersion {
        let at = "2026-11-21T10:00:00Z".parse().expect("a time");
        ConsentVersion { number, uses: Agreements::read(uses), channel: "chat".into(), at }
    }

    #[test]
    fn each_version_is_a_consent_and_the_newest_is_active() {
        let versions = [version(1, "medicines"), version(2, "medicines,improve"), version(3, "")];
        let all = consents(&versions, &json!({ "reference": "Patient/p" }), "Clinic");
        let of = |n: usize, path: &str| all[n].pointer(path).cloned().unwrap_or_default();
        let states: Vec<_> = (0..3).map(|n| of(n, "/status")).collect();
        assert_eq!(states, ["inactive", "inactive", "active"]);
        assert_eq!(of(0, "/provision/type"), "deny");
        let permits = |n: usize| of(n, "/provision/provision").as_array().map_or(0, Vec::len);
        assert_eq!((permits(0), permits(1), permits(2)), (2, 3, 0));
        assert_eq!(of(1, "/provision/provision/0/purpose/0/code"), "TREAT");
        assert_eq!(of(1, "/provision/provision/2/purpose/0/code"), "SYSDEV");
        assert_eq!(of(1, "/provision/provision/2/class/0/code"), "Communication");
        assert!(all[2].pointer("/provision/provision").is_none(), "an empty list is no FHIR");
    }
}
