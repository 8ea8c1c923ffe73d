//! The patient's resources as they came, text and all, for giving them back: unknown fields, extensions and the zeros
//! behind a decimal point included.
//!
//! Invariant: as for the chart, nothing about anybody else comes along. What is about nobody (a clinic, a medicine, a
//! practitioner) is kept, because the patient's own resources refer to it; free times are not.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// Kinds that are about no patient, and that a patient's resources refer to.
const SHARED: [&str; 9] = [
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "Medication",
    "HealthcareService",
    "Substance",
    "InsurancePlan",
    "Endpoint",
];

/// Where a resource says whose it is.
const WHOSE: [&str; 5] = ["subject", "patient", "beneficiary", "for", "individual"];

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow, default)]
    entry: Vec<Kept<'a>>,
}

/// An entry of a bundle, its resource as it is written.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    full_url: Option<String>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    resource: Option<&'a RawValue>,
}

/// The entries of a bundle that are the patient's, each as JSON text. `is_patient` tells whether a reference points at
/// the patient.
pub fn entries(text: &str, is_patient: impl Fn(&str) -> bool) -> Vec<String> {
    // The bundle was read before this; where it cannot be read again there is nothing to give back.
    let Ok(whole) = serde_json::from_str::<Whole<'_>>(text) else { return vec![] };
    let theirs = |kept: &Kept<'_>| {
        let resource = kept.resource.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        resource.is_some_and(|resource| belongs(&resource, &is_patient))
    };
    let kept = whole.entry.iter().filter(|kept| theirs(kept));
    kept.filter_map(|kept| serde_json::to_string(kept).ok()).collect()
}

fn belongs(resource: &Value, is_patient: &impl Fn(&str) -> bool) -> bool {
    let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    if kind == "Patient" {
        return true;
    }
    let whose: Vec<&str> = WHOSE.iter().flat_map(|field| targets(resource.get(*field))).collect();
    let actors = resource.get("participant").and_then(Value::as_array).into_iter().flatten();
    let actors = actors.flat_map(|p| targets(p.get("actor")));
    if whose.iter().copied().chain(actors).any(is_patient) {
        return true;
    }
    whose.is_empty() && SHARED.contains(&kind)
}

/// The patient that a resource says it is of.
pub fn owner(resource: &Value) -> Option<String> {
    let whose = WHOSE.iter().flat_map(|field| targets(resource.get(*field)));
    let actors = resource.get("participant").and_then(Value::as_array).into_iter().flatten();
    let all = whose.chain(actors.flat_map(|p| targets(p.get("actor"))));
    let mut patients = all.filter(|target| target.contains("Patient/") || target.starts_with("urn:uuid:"));
    patients.next().map(str::to_owned)
}

/// What a reference, or a list of them, points at.
fn targets(reference: Option<&Value>) -> Vec<&str> {
    match reference {
        Some(Value::Array(several)) => several.iter().flat_map(|one| targets(Some(one))).collect(),
        Some(one) => one.get("reference").and_then(Value::as_str).into_iter().collect(),
        None => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_and_others_are_not() {
        let text = r#"{"resourceType":"Bundle","entry":[
            {"fullUrl":"urn:x","resource":{"resourceType":"Patient","id":"p","extension":[{"url":"urn:own","valueDecimal":5.10}]}},
            {"resource":{"resourceType":"Observation","subject":{"reference":"Patient/p"},"valueQuantity":{"value":7.0}}},
            {"resource":{"resourceType":"Observation","subject":{"reference":"Patient/other"}}},
            {"resource":{"resourceType":"Basic"}},
            {"resource":{"resourceType":"Appointment","participant":[{"actor":{"reference":"Patient/p"}},{"actor":{"reference":"Practitioner/d"}}]}},
            {"resource":{"resourceType":"Appointment","participant":[{"actor":{"reference":"Patient/other"}}]}},
            {"resource":{"resourceType":"Unheard","patient":{"reference":"Patient/p"},"future":true}},
            {"resource":{"resourceType":"Practitioner","id":"d"}},
            {"resource":{"resourceType":"Slot","schedule":{"reference":"Schedule/s"}}},
            {"search":{}}
        ]}"#;
        let kept = entries(text, |target| target == "Patient/p");
        assert_eq!(kept.len(), 5, "{kept:#?}");
        assert!(kept[0].starts_with(r#"{"fullUrl":"urn:x","resource":{"resourceType":"Patient""#), "{}", kept[0]);
        assert!(kept[0].contains("\"valueDecimal\":5.10") && kept[1].contains("\"value\":7.0"), "digits as written");
        assert!(kept[3].contains("Unheard") && kept[3].contains("future"));
        assert!(kept.iter().all(|entry| !entry.contains("other")));
    }
}
