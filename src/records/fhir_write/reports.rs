//! What a person reports: what they measured, what they took, and what they ask of those who treat them.
//!
//! A measurement is an Observation whose performer is the patient, coded as US Core's vital signs are (a blood pressure by its
//! panel with two components), and glucose as a laboratory's. A correction changes that Observation (`corrected`) and one that
//! is taken out becomes `entered-in-error`; none is deleted. A dose is a MedicationStatement and no MedicationAdministration:
//! R4 keeps that for what somebody who treats the patient gave. Its status is `completed`, one event that is over
//! (R4 has no `taken`), with the patient as its source. A question is a Communication that the patient sent.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Told, time};
use crate::{
    actions::TakenDose,
    records::{Decimal, Measure, Reading, Unit},
};

/// What somebody measured. `patient` is a reference to them; where only the day is known, only the day (in `zone`) is told.
#[must_use]
pub fn observation(reading: &Reading, patient: &Value, zone: &TimeZone) -> Value {
    let category = if reading.measure == Measure::BloodSugar { "laboratory" } else { "vital-signs" };
    let mut observation = json!({
        "resourceType": "Observation",
        "status": "final",
        "category": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": category,
        }] }],
        "subject": patient,
        "performer": [patient],
    });
    measured(&mut observation, reading, zone);
    observation
}

/// What was measured, when and how much, put into an Observation in the place of what it told before.
fn measured(observation: &mut Value, reading: &Reading, zone: &TimeZone) {
    let quantity = |value: Decimal| {
        json!({
            "value": value.float(),
            "unit": reading.amount.unit.ucum(),
            "system": "http://unitsofmeasure.org",
            "code": reading.amount.unit.ucum(),
        })
    };
    let loinc = |code: &str| json!({ "system": "http://loinc.org", "code": code });
    let mut code = match (reading.measure, reading.amount.unit) {
        // Glucose by substance and by mass are two codes.
        (Measure::BloodSugar, Unit::MmolPerL) => json!({ "coding": [loinc("15074-8")] }),
        // US Core demands both of pulse oximetry.
        (Measure::Oxygen, _) => json!({ "coding": [loinc(Measure::Oxygen.loinc()), loinc("2708-6")] }),
        (measure, _) => json!({ "coding": [loinc(measure.loinc())] }),
    };
    code["text"] = json!(reading.measure.name());
    let day = || reading.at.to_zoned(zone.clone()).date().to_string();
    observation["code"] = code;
    observation["effectiveDateTime"] = json!(if reading.timed { time(reading.at) } else { day() });
    if let Some(fields) = observation.as_object_mut() {
        for old in ["component", "valueQuantity", "effectivePeriod", "effectiveInstant"] {
            fields.remove(old);
        }
    }
    match reading.amount.lower {
        Some(lower) => {
            let part =
                |code: &str, value| json!({ "code": { "coding": [loinc(code)] }, "valueQuantity": quantity(value) });
            observation["component"] = json!([part("8480-6", reading.amount.value), part("8462-4", lower)]);
        }
        None => observation["valueQuantity"] = quantity(reading.amount.value),
    }
}

/// A new measurement.
#[must_use]
pub fn reading(told: &Told<'_>, reading: &Reading) -> Value {
    let mut observation = observation(reading, &told.person(), told.zone);
    observation["identifier"] = json!([told.identifier()]);
    observation["issued"] = json!(told.time());
    observation
}

/// A measurement as it is after a correction; `instead` is nothing where it should not have been.
#[must_use]
pub fn corrected(told: &Told<'_>, found: &Value, instead: Option<&Reading>) -> Value {
    let mut observation = found.clone();
    match instead {
        Some(instead) => {
            measured(&mut observation, instead, told.zone);
            observation["status"] = json!("corrected");
            observation["issued"] = json!(told.time());
        }
        None => observation["status"] = json!("entered-in-error"),
    }
    told.sign(&mut observation);
    observation
}

/// Whether a measurement was taken out already.
#[must_use]
pub fn is_out(found: &Value) -> bool {
    found["status"] == "entered-in-error"
}

/// A dose that was taken at that time, or, with a part of the day, on that day. `order` is what it was prescribed by, where
/// that is there still.
#[must_use]
pub fn dose(
    told: &Told<'_>,
    dose: &TakenDose,
    at: jiff::Timestamp,
    part: Option<&str>,
    order: Option<&Value>,
) -> Value {
    let day = || at.to_zoned(told.zone.clone()).date().to_string();
    let mut statement = json!({
        "resourceType": "MedicationStatement",
        "identifier": [told.identifier()],
        "status": "completed",
        "category": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/medication-statement-category",
            "code": "patientspecified",
        }] },
        "subject": told.person(),
        "effectiveDateTime": if part.is_some() { day() } else { time(at) },
        "dateAsserted": told.time(),
        "informationSource": told.person(),
    });
    let code = order.and_then(|order| order.get("medicationCodeableConcept")).cloned();
    let reference = order.and_then(|order| order.pointer("/medicationReference/reference")).and_then(Value::as_str);
    match (code, reference.filter(|reference| !reference.starts_with('#'))) {
        (Some(code), _) => statement["medicationCodeableConcept"] = code,
        (None, Some(reference)) => statement["medicationReference"] = json!({ "reference": reference }),
        (None, None) => statement["medicationCodeableConcept"] = json!({ "text": dose.medicine }),
    }
    if order.is_some() {
        statement["basedOn"] = json!([{ "reference": format!("MedicationRequest/{}", dose.prescription) }]);
    }
    if let Some(part) = part {
        statement["note"] = json!([{ "text": format!("taken {part}") }]);
    }
    statement
}

/// What the person asks of those who treat them.
#[must_use]
pub fn message(told: &Told<'_>, words: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "identifier": [told.identifier()],
        "status": "completed",
        "subject": told.person(),
        "sender": told.person(),
        "sent": told.time(),
        "payload": [{ "contentString": words }],
    })
}

#[cfg(test)]
mod tests {
    use super::{super::samples::told, *};
    use crate::records::Amount;

    fn of(measure: Measure, value: i32, lower: Option<i32>, unit: Unit) -> Reading {
        let amount = Amount { value: Decimal::whole(value), lower: lower.map(Decimal::whole), unit };
        Reading { id: "r".into(), measure, amount, at: "2026-11-20T03:30:00.5Z".parse().expect("a time"), timed: true }
    }

    #[test]
    fn each_measure_has_its_code_and_unit() {
        for (reading, code, unit, category) in [
            (of(Measure::BloodSugar, 130, None, Unit::MgPerDl), "2339-0", "mg/dL", "laboratory"),
            (of(Measure::BloodSugar, 7, None, Unit::MmolPerL), "15074-8", "mmol/L", "laboratory"),
            (of(Measure::Oxygen, 97, None, Unit::Percent), "59408-5", "%", "vital-signs"),
            (of(Measure::Weight, 160, None, Unit::Pound), "29463-7", "[lb_av]", "vital-signs"),
        ] {
            let made = super::reading(&told(), &reading);
            assert_eq!(made["code"]["coding"][0]["code"], code);
            assert_eq!(made["valueQuantity"]["code"], unit);
            assert_eq!(made["category"][0]["coding"][0]["code"], category);
            assert_eq!(
                (&made["status"], &made["effectiveDateTime"]),
                (&json!("final"), &json!("2026-11-20T03:30:00Z"))
            );
            assert_eq!(made["performer"][0]["reference"], "Patient/p1", "it is the patient who says so");
            assert!(told().made(&made));
        }
        let pressure = super::reading(&told(), &of(Measure::BloodPressure, 128, Some(82), Unit::MmHg));
        let part = |n: usize| {
            (
                &pressure["component"][n]["code"]["coding"][0]["code"],
                &pressure["component"][n]["valueQuantity"]["value"],
            )
        };
        assert_eq!((part(0), part(1)), ((&json!("8480-6"), &json!(128.0)), (&json!("8462-4"), &json!(82.0))));
        assert!(pressure.get("valueQuantity").is_none());
    }

    #[test]
    fn where_only_the_day_is_known_only_the_day_is_told() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let evening = Reading { timed: false, ..of(Measure::Weight, 70, None, Unit::Kilogram) };
        let told = Told { zone: &zone, ..told() };
        assert_eq!(super::reading(&told, &evening)["effectiveDateTime"], "2026-11-19", "theirs, not Greenwich's");
        let taken = TakenDose { prescription: "rx1".into(), medicine: "lisinopril".into() };
        assert_eq!(dose(&told, &taken, evening.at, Some("in the evening"), None)["effectiveDateTime"], "2026-11-19");
    }

    #[test]
    fn a_correction_keeps_all_else_and_can_be_known_again() {
        let mut found = super::reading(&Told { id: "c0", ..told() }, &of(Measure::Weight, 160, None, Unit::Pound));
        found["extension"] = json!([{ "url": "urn:clinic:x", "valueString": "kept" }]);
        let now = corrected(&told(), &found, Some(&of(Measure::Weight, 72, None, Unit::Kilogram)));
        assert_eq!((&now["status"], &now["valueQuantity"]["code"]), (&json!("corrected"), &json!("kg")));
        assert_eq!(now["extension"], found["extension"]);
        assert!(told().made(&now) && super::super::is_of(&now, "c0"));
        let out = corrected(&told(), &found, None);
        assert!(is_out(&out) && !is_out(&now));
        assert_eq!(out["valueQuantity"], found["valueQuantity"]);
    }

    #[test]
    fn a_dose_is_a_statement_of_the_patients() {
        let taken = TakenDose { prescription: "rx1".into(), medicine: "lisinopril".into() };
        let at = told().at;
        let code = json!({ "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "314076" }] });
        for (order, field, want) in [
            (Some(json!({ "medicationCodeableConcept": code })), "medicationCodeableConcept", code.clone()),
            (
                Some(json!({ "medicationReference": { "reference": "Medication/m" } })),
                "medicationReference",
                json!({ "reference": "Medication/m" }),
            ),
            (
                Some(json!({ "medicationReference": { "reference": "#m" } })),
                "medicationCodeableConcept",
                json!({ "text": "lisinopril" }),
            ),
            (None, "medicationCodeableConcept", json!({ "text": "lisinopril" })),
        ] {
            let made = dose(&told(), &taken, at, None, order.as_ref());
            assert_eq!(made[field], want);
            assert_eq!(
                (&made["status"], &made["informationSource"]["reference"]),
                (&json!("completed"), &json!("Patient/p1"))
            );
            assert_eq!(made.get("basedOn").is_some(), order.is_some(), "an order that is gone is not pointed at");
        }
    }
}
