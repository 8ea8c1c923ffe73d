//! More of a medicine.
//!
//! Refills are left: the order stands, and the pharmacy is asked to act on it. That is a Task with the code `fulfill` whose
//! focus is the order (R4 Task, §12.2: "a request to fulfil an existing authorization"). None is left: somebody has to decide
//! first. That is a MedicationRequest with intent `proposal` ("a suggestion made by someone that does not have an intention to
//! ensure it occurs and without providing an authorization to act"), with `priorPrescription`, and in status `draft` ("requires
//! sign-off"), so that nobody who lists active medicines takes it for one.

use serde_json::{Value, json};

use super::Told;

/// Whether more of it can be asked for still: not of an order that was stopped meanwhile.
#[must_use]
pub fn can_be_renewed(order: &Value) -> bool {
    matches!(order["status"].as_str(), Some("active" | "completed" | "unknown"))
}

/// A name as what a search looks for: FHIR's own marks in it mean nothing (R4 Search, 3.1.1.4.6).
#[must_use]
pub fn literal(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, ',' | '|' | '$' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// A reference to the pharmacy of that name among Organizations that a search found: the order's own where that is one of
/// them, the only one where it is one, and otherwise its name alone, which a Reference may be (R4 Reference, `display`):
/// of two that are called the same nobody said which.
#[must_use]
pub fn pharmacy(named: &str, ordered: Option<&Value>, found: &[Value]) -> Value {
    let of_that_name =
        |one: &&Value| one["resourceType"] == "Organization" && one["name"].as_str().map(str::trim) == Some(named);
    let reference = |one: &Value| one["id"].as_str().map(|id| format!("Organization/{id}"));
    let all: Vec<String> = found.iter().filter(of_that_name).filter_map(reference).collect();
    let ordered_one = ordered.and_then(|ordered| ordered["reference"].as_str());
    let same = |one: &&String| ordered_one.is_some_and(|r| r == one.as_str() || r.ends_with(&format!("/{one}")));
    match (all.iter().find(same), all.as_slice(), ordered) {
        (Some(_), _, Some(ordered)) => ordered.clone(),
        (None, [one], _) => json!({ "reference": one, "display": named }),
        _ => json!({ "display": named }),
    }
}

/// Asks a pharmacy to fill an order again.
#[must_use]
pub fn refill(told: &Told<'_>, prescription: &str, medicine: &str, pharmacy: Option<Value>) -> Value {
    let mut task = json!({
        "resourceType": "Task",
        "identifier": [told.identifier()],
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{ "system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill" }],
            "text": "refill",
        },
        "description": format!("The patient asks for a refill of {medicine}."),
        "focus": { "reference": format!("MedicationRequest/{prescription}") },
        "for": told.person(),
        "authoredOn": told.time(),
        "lastModified": told.time(),
        "requester": told.person(),
    });
    if let Some(pharmacy) = pharmacy {
        task["owner"] = pharmacy;
    }
    task
}

/// Proposes a new order to the prescriber, to be filled at that pharmacy.
#[must_use]
pub fn proposal(
    told: &Told<'_>,
    prescription: &str,
    medicine: &str,
    (order, pharmacy): (&Value, Option<Value>),
) -> Value {
    let mut request = json!({
        "resourceType": "MedicationRequest",
        "identifier": [told.identifier()],
        "status": "draft",
        "intent": "proposal",
        "subject": told.person(),
        "authoredOn": told.time(),
        "requester": told.person(),
        "priorPrescription": { "reference": format!("MedicationRequest/{prescription}") },
        "note": [{ "text": "The patient asks for a renewal.", "time": told.time() }],
    });
    // How it is to be taken is for the prescriber to say again.
    let reference = order.pointer("/medicationReference/reference").and_then(Value::as_str);
    if let Some(code) = order.get("medicationCodeableConcept") {
        request["medicationCodeableConcept"] = code.clone();
    } else if let Some(reference) = reference.filter(|r| !r.starts_with('#')) {
        request["medicationReference"] = json!({ "reference": reference });
    } else {
        request["medicationCodeableConcept"] = json!({ "text": medicine });
    }
    if let Some(category) = order.get("category") {
        request["category"] = category.clone();
    }
    if let Some(pharmacy) = pharmacy {
        request["dispenseRequest"] = json!({ "performer": pharmacy });
    }
    request
}

#[cfg(test)]
mod tests {
    use super::{super::samples::told, *};

    fn ordered() -> Option<Value> {
        order().pointer("/dispenseRequest/performer").cloned()
    }

    fn order() -> Value {
        json!({
            "resourceType": "MedicationRequest", "id": "rx1", "status": "active", "intent": "order",
            "medicationCodeableConcept": { "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "314076" }] },
            "dosageInstruction": [{ "text": "Take one." }],
            "dispenseRequest": { "performer": { "reference": "Organization/ph" }, "numberOfRepeatsAllowed": 0 },
        })
    }

    #[test]
    fn a_refill_is_a_task_for_the_pharmacy() {
        let task = refill(&told(), "rx1", "lisinopril", ordered());
        assert_eq!(task["focus"]["reference"], "MedicationRequest/rx1");
        assert_eq!((&task["status"], &task["intent"]), (&json!("requested"), &json!("order")));
        assert_eq!(task["owner"]["reference"], "Organization/ph");
        assert_eq!(task["identifier"][0]["value"], "0193-c1");
    }

    #[test]
    fn a_renewal_is_a_proposal_of_the_patients_and_never_an_order() {
        let proposed = proposal(&told(), "rx1", "lisinopril", (&order(), ordered()));
        assert_eq!((&proposed["status"], &proposed["intent"]), (&json!("draft"), &json!("proposal")));
        assert_eq!(proposed["requester"]["reference"], "Patient/p1");
        assert_eq!(proposed["medicationCodeableConcept"], order()["medicationCodeableConcept"]);
        assert!(proposed.get("dosageInstruction").is_none(), "a dose is the prescriber's to say");
        assert_eq!(proposed["dispenseRequest"], json!({ "performer": { "reference": "Organization/ph" } }));
    }

    #[test]
    fn a_medicine_is_named_as_the_order_names_it_where_that_can_be_pointed_at() {
        for (order, field, want) in [
            (
                json!({ "medicationReference": { "reference": "Medication/m1" } }),
                "medicationReference",
                json!({ "reference": "Medication/m1" }),
            ),
            (
                json!({ "medicationReference": { "reference": "#m1" } }),
                "medicationCodeableConcept",
                json!({ "text": "lisinopril" }),
            ),
            (json!({}), "medicationCodeableConcept", json!({ "text": "lisinopril" })),
        ] {
            assert_eq!(proposal(&told(), "rx1", "lisinopril", (&order, None))[field], want);
        }
    }

    #[test]
    fn a_pharmacy_is_pointed_at_where_it_is_clear_which_and_named_otherwise() {
        let one = |id: &str, name: &str| json!({ "resourceType": "Organization", "id": id, "name": name });
        let (harbor, hill) = (one("harbor", "Harbor Pharmacy"), one("hill", "Harbor Pharmacy Hill"));
        let another = one("another", "Harbor Pharmacy");
        let own = json!({ "reference": "https://fhir.example/r4/Organization/another" });
        let named = json!({ "display": "Harbor Pharmacy" });
        let clear = json!({ "reference": "Organization/harbor", "display": "Harbor Pharmacy" });
        for (ordered, found, want) in [
            // A search finds whatever begins so.
            (None, vec![harbor.clone(), hill.clone()], clear.clone()),
            // The order names another: the person's choice counts.
            (ordered(), vec![harbor.clone()], clear),
            (None, vec![hill], named.clone()),
            (ordered(), vec![], named.clone()),
            (ordered(), vec![harbor.clone(), another.clone()], named),
            (Some(own.clone()), vec![harbor, another], own),
        ] {
            assert_eq!(pharmacy("Harbor Pharmacy", ordered.as_ref(), &found), want, "{ordered:?} {found:?}");
        }
        assert_eq!(literal("Hill, Dale | Sons"), "Hill\\, Dale \\| Sons");
    }

    #[test]
    fn what_was_stopped_meanwhile_is_not_asked_for() {
        for (status, can) in [
            ("active", true),
            ("completed", true),
            ("stopped", false),
            ("cancelled", false),
            ("on-hold", false),
            ("entered-in-error", false),
        ] {
            assert_eq!(can_be_renewed(&json!({ "status": status })), can, "{status}");
        }
        assert!(!can_be_renewed(&json!({})));
    }
}
