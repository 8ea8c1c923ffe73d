use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::records::{DispenseStage, LabFlag};

fn patient() -> Value {
    json!({"resource": {"resourceType": "Patient", "id": "p1", "birthDate": "1960-02-03",
        "identifier": [{"system": "urn:mrn", "value": "77"}, {"system": "urn:plan", "value": "F1",
            "type": {"coding": [{"code": "MB"}]}}],
        "name": [{"use": "old", "family": "Olde", "given": ["Ann"]}, {"family": "Moss", "given": ["Ann"]}]}})
}

fn bundle(entries: Vec<Value>) -> Vec<u8> {
    let mut all = vec![patient()];
    all.extend(entries);
    json!({"resourceType": "Bundle", "type": "collection", "entry": all}).to_string().into_bytes()
}

fn chart(entries: Vec<Value>) -> Chart {
    parse(&bundle(entries)).unwrap_or_else(|e| panic!("the bundle is good: {e}"))
}

fn request(more: Value) -> Value {
    let mut request = json!({"resourceType": "MedicationRequest", "id": "rx1", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p1"}, "medicationCodeableConcept": {"text": "lisinopril 10 MG Oral Tablet"}});
    for (k, v) in more.as_object().into_iter().flatten() {
        request[k] = v.clone();
    }
    json!({"resource": request})
}

fn dispense(more: Value) -> Value {
    let mut dispense = json!({"resourceType": "MedicationDispense", "status": "completed",
        "subject": {"reference": "Patient/p1"}, "authorizingPrescription": [{"reference": "MedicationRequest/rx1"}]});
    for (k, v) in more.as_object().into_iter().flatten() {
        dispense[k] = v.clone();
    }
    json!({"resource": dispense})
}

fn lab(more: Value) -> Value {
    let mut lab = json!({"resourceType": "Observation", "id": "o1", "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}], "code": {"text": "Potassium"},
        "subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2026-11-16T09:00:00Z",
        "valueQuantity": {"value": 4.1, "unit": "mmol/L"}});
    for (k, v) in more.as_object().into_iter().flatten() {
        lab[k] = v.clone();
    }
    json!({"resource": lab})
}

#[test]
fn a_patient_is_told_apart_by_what_nobody_shares() {
    let chart = chart(vec![]);
    assert_eq!((chart.profile.given.as_str(), chart.profile.family.as_str()), ("Ann", "Moss"));
    assert_eq!(chart.identifiers, ["Patient/p1|moss|ann|1960-02-03", "urn:mrn|77"]);
}

/// As Synthea writes them: its licenses are S999 and five digits, so that of some thousand people many share one.
#[test]
fn numbers_that_are_not_a_record_number_tell_nobody_apart() {
    let typed =
        |code: &str| json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": code}]});
    let patient = json!({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {"resourceType": "Patient", "id": "p1",
    "name": [{"family": "Moss"}], "identifier": [
        {"system": "https://github.com/synthetichealth/synthea", "value": "u-1"},
        {"type": typed("MR"), "system": "http://hospital.smarthealthit.org", "value": "u-1"},
        {"type": typed("SS"), "system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-99-9999"},
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-99-9999"},
        {"system": "urn:oid:2.16.840.1.113883.4.1", "value": "999-99-9999"},
        {"type": typed("DL"), "system": "urn:oid:2.16.840.1.113883.4.3.25", "value": "S99912345"},
        {"system": "urn:oid:2.16.840.1.113883.4.3.25", "value": "S99912345"},
        {"system": "urn:oid:2.16.840.1.113883.4.10", "value": "7"},
        {"type": typed("PPN"), "system": "http://standardhealthrecord.org/fhir/StructureDefinition/passportNumber", "value": "X1X"},
        {"system": "http://hl7.org/fhir/sid/passport-USA", "value": "X1X"},
    ]}}]});
    let chart = parse(patient.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        chart.identifiers,
        [
            "Patient/p1|moss||",
            "http://hospital.smarthealthit.org|u-1",
            "https://github.com/synthetichealth/synthea|u-1",
            "urn:oid:2.16.840.1.113883.4.10|7"
        ]
    );
}

#[test]
fn a_prescription_with_its_fillings() {
    let order = json!({"dispenseRequest": {"numberOfRepeatsAllowed": 5, "expectedSupplyDuration": {"value": 30, "unit": "days"},
        "validityPeriod": {"end": "2027-03-01"}}, "requester": {"display": "Dr. A. Patel"},
        "dosageInstruction": [{"text": "Take one tablet daily"}, {"text": "take one tablet daily"}, {"patientInstruction": "Avoid salt substitutes."}]});
    let chart = chart(vec![
        request(order),
        dispense(json!({"whenHandedOver": "2026-10-01T10:00:00Z"})),
        dispense(json!({"status": "in-progress", "whenPrepared": "2026-11-01T10:00:00Z"})),
        dispense(json!({"status": "declined"})),
    ]);
    let p = &chart.prescriptions[0];
    assert_eq!((p.medicine.as_str(), p.strength.as_deref()), ("lisinopril", Some("10 mg tablet")));
    assert_eq!((p.refills_left, p.days_supply, p.active), (Some(4), Some(30), true));
    assert_eq!(p.valid_until.map(|d| d.to_string()).as_deref(), Some("2027-03-01"));
    assert_eq!(p.instructions.as_deref(), Some("Take one tablet daily. Avoid salt substitutes."));
    let stages: Vec<_> = p.dispenses.iter().map(|d| d.stage).collect();
    assert_eq!(stages, [DispenseStage::Ready, DispenseStage::PickedUp, DispenseStage::Cancelled]);
}

#[test]
fn how_far_a_filling_is() {
    use DispenseStage::{Cancelled, Delivered, InProgress, OnHold, PickedUp, Ready, Shipped};
    let prepared = json!("2026-11-01");
    let to = json!({"display": "home"});
    for (what, stage) in [
        (json!({"status": "preparation"}), Some(InProgress)),
        (json!({"status": "in-progress", "whenPrepared": prepared}), Some(Ready)),
        (json!({"status": "in-progress", "whenPrepared": prepared, "destination": to}), Some(Shipped)),
        (json!({"status": "completed", "destination": to}), Some(Shipped)),
        (json!({"status": "completed", "destination": to, "whenHandedOver": prepared}), Some(Delivered)),
        (json!({"status": "completed"}), Some(PickedUp)),
        (json!({"status": "on-hold"}), Some(OnHold)),
        (json!({"status": "stopped"}), Some(Cancelled)),
        (json!({"status": "entered-in-error"}), None),
    ] {
        let chart = chart(vec![request(json!({})), dispense(what.clone())]);
        assert_eq!(chart.prescriptions[0].dispenses.first().map(|d| d.stage), stage, "{what}");
    }
}

#[test]
fn a_medicine_may_be_contained_or_elsewhere() {
    let contained = json!({"contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "Warfarin 5 MG Oral Tablet"}}],
        "medicationCodeableConcept": null, "medicationReference": {"reference": "#m"}});
    let elsewhere =
        json!({"id": "rx2", "medicationCodeableConcept": null, "medicationReference": {"reference": "Medication/m2"}});
    let other = json!({"resource": {"resourceType": "Medication", "id": "m2", "code": {"coding": [{"display": "metformin 500 MG Oral Tablet"}]}}});
    let chart = chart(vec![request(contained), request(elsewhere), other]);
    let names: Vec<_> = chart.prescriptions.iter().map(|p| p.medicine.as_str()).collect();
    assert_eq!(names, ["warfarin", "metformin"]);
}

#[test]
fn what_is_not_to_be_given_or_is_given_in_the_hospital_is_no_medicine_of_theirs() {
    let of = |codes: &[&str]| {
        let coding: Vec<_> = codes.iter().map(|code| json!({"code": code})).collect();
        json!([{ "coding": coding }])
    };
    let reason = "MedicationRequest: ";
    for (more, left_out) in [
        (json!({}), None),
        (json!({"doNotPerform": false}), None),
        (json!({"doNotPerform": true}), Some("an order not to give it")),
        (json!({"category": of(&["inpatient"])}), Some("given in the hospital, not taken at home")),
        (json!({"category": of(&["inpatient", "discharge"])}), None),
        (json!({"category": of(&["community"])}), None),
    ] {
        let chart = chart(vec![request(more.clone())]);
        assert_eq!(chart.prescriptions.is_empty(), left_out.is_some(), "{more}");
        if let Some(why) = left_out {
            assert_eq!(chart.summary.unusable[&format!("{reason}{why}")], 1, "{more}");
        }
    }
}

#[test]
fn nothing_about_somebody_else_comes_along() {
    let stranger = json!({"reference": "Patient/p2"});
    let chart = chart(vec![
        request(json!({"subject": stranger})),
        lab(json!({"subject": stranger})),
        lab(json!({"id": "o2", "subject": null})),
        json!({"resource": {"resourceType": "AllergyIntolerance", "patient": stranger, "code": {"text": "latex"}}}),
        json!({"resource": {"resourceType": "Appointment", "status": "booked", "start": "2026-12-01T10:00:00Z",
            "participant": [{"actor": stranger}]}}),
    ]);
    assert!(chart.prescriptions.is_empty() && chart.results.is_empty());
    assert!(chart.allergies.is_empty() && chart.visits.is_empty());
    assert_eq!(chart.summary.unusable["Observation: about somebody else"], 2);
}

#[test]
fn labs_with_panel_range_flag_and_words() {
    let report = json!({"resource": {"resourceType": "DiagnosticReport", "status": "final",
        "category": [{"coding": [{"code": "LAB"}]}], "code": {"text": "Basic metabolic panel"},
        "subject": {"reference": "Patient/p1"}, "conclusion": "All fine.", "result": [{"reference": "Observation/o1"}],
        "resultsInterpreter": [{"reference": "Practitioner/d1"}]}});
    let doctor = json!({"resource": {"resourceType": "Practitioner", "id": "d1",
        "name": [{"prefix": ["Dr."], "given": ["Anita"], "family": "Patel"}]}});
    let more = json!({"referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
        "interpretation": [{"coding": [{"code": "H"}]}, {"coding": [{"code": "HH"}]}]});
    let chart = chart(vec![lab(more), report, doctor]);
    let r = &chart.results[0];
    assert_eq!((r.test.as_str(), r.value.as_str(), r.unit.as_deref()), ("potassium", "4.1", Some("mmol/L")));
    assert_eq!((r.low, r.high, r.flag), (Some(3.5), Some(5.1), Some(LabFlag::Critical)));
    assert_eq!(r.panel.as_deref(), Some("metabolic panel"));
    assert_eq!((r.comment.as_deref(), r.commenter.as_deref()), (Some("All fine."), Some("Dr. Anita Patel")));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let deep = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{}1"#, "{\"a\":".repeat(300));
    let cut = bundle(vec![lab(json!({}))]);
    let mut other = patient();
    other["resource"]["id"] = json!("p2");
    let twins = json!({"resourceType": "Bundle", "entry": [patient(), other]}).to_string();
    let nobody = json!({"resourceType": "Bundle", "entry": []}).to_string();
    let nameless = json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]});
    let odd =
        json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "name": "xylobrine"}}]});
    let odd = odd.to_string().into_bytes();
    let text = |b: &[u8]| match parse(b) {
        Ok(_) => "a chart".to_owned(),
        Err(e) => e.to_string(),
    };
    #[rustfmt::skip]
    let table: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(),                                    "empty"),
        (b" \n ".to_vec(),                                "empty"),
        (b"{\"resourceType\": \"\xff".to_vec(),           "byte 18 is not UTF-8"),
        (b"hello".to_vec(),                               "not JSON at line 1"),
        (cut[..cut.len() / 2].to_vec(),                   "ends in the middle, at line 1"),
        (deep.into_bytes(),                               "nested too deeply"),
        (b"[]".to_vec(),                                  "not a FHIR bundle"),
        (b"{\"resourceType\": \"Patient\"}".to_vec(),     "`resourceType` is `Patient`"),
        (b"{\"resourceType\": \"Bundle\", \"type\": \"history\"}".to_vec(), "type history holds no chart"),
        (nobody.into_bytes(),                             "no Patient"),
        (twins.into_bytes(),                              "2 Patients"),
        (nameless.to_string().into_bytes(),               "no name"),
        (odd,                                             "entry 0 (Patient): invalid type: string …"),
        (vec![b' '; MAX_BYTES + 1],                       "larger than 64 MiB"),
    ];
    for (bytes, want) in table {
        let got = text(&bytes);
        assert!(got.contains(want), "wanted {want:?}, got {got:?}");
    }
}

#[test]
fn an_error_never_quotes_the_record() {
    let odd = json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "name": "xylobrine 555-0142"}}]});
    let Err(e) = parse(odd.to_string().as_bytes()) else { panic!("must fail") };
    assert!(!format!("{e} {e:?}").contains("xylobrine") && !format!("{e}").contains("0142"), "{e}");
}

#[test]
fn one_odd_field_takes_its_own_resource_away_and_no_other() {
    let allergy = |id: &str, more: Value| {
        let mut allergy =
            json!({"resourceType": "AllergyIntolerance", "id": id, "patient": {"reference": "Patient/p1"}});
        for (k, v) in more.as_object().into_iter().flatten() {
            allergy[k] = v.clone();
        }
        json!({"resource": allergy})
    };
    let penicillin = json!({"text": "Penicillin (substance)"});
    let read = chart(vec![
        lab(json!({"valueInteger": "five"})),
        allergy("1", json!({"code": penicillin})),
        allergy("1", json!({"code": penicillin})),
        allergy("2", json!({"code": {"text": "NKDA"}})),
        allergy("3", json!({"code": {"text": "No known drug allergy (situation)"}})),
        allergy("4", json!({"code": {"coding": [{"code": "716186003"}]}})),
        allergy("5", json!({"code": {"text": "old"}, "meta": {"lastUpdated": "2026-02-01T00:00:00Z"}})),
        allergy("5", json!({"code": {"text": "older"}, "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}})),
    ]);
    let substances: Vec<_> = read.allergies.iter().map(|a| a.substance.as_str()).collect();
    assert_eq!(substances, ["Penicillin", "old"]);
    let left: Vec<_> = read.summary.unusable.iter().map(|(why, n)| format!("{why} {n}")).collect();
    assert_eq!(
        left,
        [
            "AllergyIntolerance: says that none is known 3",
            "AllergyIntolerance: there twice 2",
            "Observation: a field of it is not as FHIR R4 writes it 1"
        ]
    );
    let mut named = patient();
    named["resource"]["name"] = json!([{"family": "Moss", "given": [null, "Li"]}]);
    let bundle = json!({"resourceType": "Bundle", "entry": [named]}).to_string();
    assert_eq!(parse(bundle.as_bytes()).map(|chart| chart.profile.given).as_deref(), Ok("Li"));
}

#[test]
fn the_anchor_day_becomes_today_and_birth_stays() {
    let mut value: Value = serde_json::from_slice(&bundle(vec![
        lab(json!({"effectiveDateTime": "2026-03-01"})),
        json!({"resource": {"resourceType": "Appointment", "status": "booked", "start": "2026-03-06T14:30:00-05:00",
            "participant": [{"actor": {"reference": "Patient/p1"}}]}}),
    ]))
    .expect("JSON");
    value["timestamp"] = json!("2026-03-02T08:00:00-05:00");
    let zone = TimeZone::get("America/New_York").expect("known");
    let now = "2026-11-20T15:00:00Z".parse().expect("valid");
    let Ok(chart) = parse_anchored(value.to_string().as_bytes(), now, &zone) else { panic!("must fit") };
    let local = |t: Timestamp| t.to_zoned(zone.clone()).strftime("%F %R %a").to_string();
    assert!(local(chart.results[0].taken).starts_with("2026-11-19"), "the day before the anchor is yesterday");
    // Four days on is a Tuesday here, at the same time of day in spite of the clock change.
    assert_eq!(local(chart.visits[0].start), "2026-11-24 14:30 Tue");
    assert_eq!(chart.profile.birth.map(|d| d.to_string()).as_deref(), Some("1960-02-03"));
    assert!(matches!(parse_anchored(&bundle(vec![]), now, &zone), Err(BundleError::NoAnchor)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    /// A good bundle with one byte changed, or cut anywhere: a chart or an error, never a panic, and never a
    /// chart of another person.
    #[test]
    fn a_damaged_bundle_is_a_chart_or_an_error(at in 0_usize..1_200, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = bundle(vec![request(json!({})), dispense(json!({})), lab(json!({}))]);
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if cut && at > 0 {
            prop_assert!(parse(&bytes).is_err());
        } else if let Ok(chart) = parse(&bytes) {
            prop_assert!(!chart.identifiers.is_empty());
        }
    }

    /// Whatever strings a record holds, they come through as they are or not at all.
    #[test]
    fn any_words_are_taken(words in ".{0,60}") {
        let chart = chart(vec![
            request(json!({"medicationCodeableConcept": {"text": words}})),
            lab(json!({"code": {"text": words}, "valueQuantity": null, "valueString": words})),
        ]);
        prop_assert!(chart.prescriptions.iter().all(|p| p.medicine.chars().any(char::is_alphabetic)));
        prop_assert!(chart.results.iter().all(|r| !r.value.is_empty()));
    }
}

#[test]
fn a_schedule_tells_whose_where_and_how() {
    let slot = |id: &str, schedule: &str, more: Value| {
        let mut slot = json!({"resourceType": "Slot", "id": id, "status": "free", "meta": {"versionId": "3"},
            "schedule": {"reference": format!("Schedule/{schedule}")},
            "start": "2026-12-03T14:00:00Z", "end": "2026-12-03T14:30:00Z"});
        for (k, v) in more.as_object().into_iter().flatten() {
            slot[k] = v.clone();
        }
        json!({"resource": slot})
    };
    let coded = |code: &str| json!([{"coding": [{"code": code}]}]);
    let west = json!([{"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "America/Los_Angeles"}]);
    let chart = chart(vec![
        json!({"resource": {"resourceType": "Practitioner", "id": "d1", "name": [{"prefix": ["Dr."], "family": "Coast"}]}}),
        json!({"resource": {"resourceType": "Location", "id": "west", "name": "West Clinic", "extension": west}}),
        json!({"resource": {"resourceType": "Location", "id": "screen", "physicalType": {"coding": [{"code": "vi"}]}}}),
        json!({"resource": {"resourceType": "HealthcareService", "id": "walk-in", "name": "Harbor Urgent Care",
            "specialty": [{"text": "Urgent care"}], "location": [{"reference": "Location/west"}]}}),
        json!({"resource": {"resourceType": "Schedule", "id": "s1", "actor": [{"reference": "Practitioner/d1"}, {"reference": "Location/west"}]}}),
        json!({"resource": {"resourceType": "Schedule", "id": "s2", "actor": [{"reference": "Practitioner/d1"}, {"reference": "Location/screen"}]}}),
        json!({"resource": {"resourceType": "Schedule", "id": "s3", "actor": [{"reference": "HealthcareService/walk-in"}]}}),
        json!({"resource": {"resourceType": "Schedule", "id": "s4", "actor": [{"reference": "Location/west"}]}}),
        slot("a", "s1", json!({})),
        slot("b", "s1", json!({"serviceType": coded("185317003")})),
        slot("c", "s1", json!({"appointmentType": {"text": "Video visit"}})),
        slot("d", "s2", json!({})),
        slot("e", "s3", json!({})),
        slot("f", "s4", json!({})),
        json!({"resource": {"resourceType": "Appointment", "id": "v", "status": "booked", "start": "2026-12-04T14:00:00Z",
            "meta": {"versionId": "7"}, "slot": [{"reference": "https://ehr.example/fhir/Slot/x9"}],
            "serviceType": coded("448337001"), "participant": [{"actor": {"reference": "Patient/p1"}},
            {"actor": {"reference": "Location/west"}}]}}),
    ]);
    let mut told: Vec<String> = chart
        .slots
        .iter()
        .map(|s| {
            let (zone, actors) = (s.zone.as_deref().unwrap_or("-"), s.actors.join("+"));
            format!("{} {} {} {zone} {actors}", s.id, s.provider, s.mode.name())
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "a Dr. Coast in person America/Los_Angeles Practitioner/d1+Location/west",
            "b Dr. Coast phone America/Los_Angeles Practitioner/d1+Location/west",
            "c Dr. Coast video America/Los_Angeles Practitioner/d1+Location/west",
            "d Dr. Coast video - Practitioner/d1+Location/screen",
            "e Harbor Urgent Care in person - HealthcareService/walk-in",
        ]
    );
    let urgent = chart.slots.iter().find(|s| s.id == "e").expect("read");
    assert_eq!((urgent.specialty.as_deref(), urgent.place.as_deref()), (Some("urgent care"), Some("West Clinic")));
    assert!(chart.slots.iter().all(|s| s.version.as_deref() == Some("3")));
    assert_eq!(chart.summary.unusable.get("Slot: no provider"), Some(&1));
    let visit = &chart.visits[0];
    assert_eq!((visit.slot.as_deref(), visit.version.as_deref(), visit.mode.name()), (Some("x9"), Some("7"), "video"));
    assert_eq!(visit.zone.as_deref(), Some("America/Los_Angeles"));
}

/// What US Core (6.1) profiles, and what Synthea writes besides.
const EVERY_KIND: [&str; 37] = [
    "AllergyIntolerance",
    "Appointment",
    "Binary",
    "CarePlan",
    "CareTeam",
    "Claim",
    "Condition",
    "Coverage",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Goal",
    "HealthcareService",
    "ImagingStudy",
    "Immunization",
    "Location",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "RelatedPerson",
    "Schedule",
    "ServiceRequest",
    "Slot",
    "Specimen",
];

/// Hardly anything in it, about the patient, about somebody else, and about nobody.
#[test]
fn every_kind_is_read_or_named_as_left_out_and_never_passed_over() {
    let patient = r#"{"resource":{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:x","value":"1"}],"name":[{"family":"Moss","given":["Ann"]}]}}"#;
    let mut silent = Vec::new();
    for kind in EVERY_KIND {
        for whose in ["Patient/p", "Patient/other", ""] {
            let reference = format!(r#"{{"reference":"{whose}"}}"#);
            let about = if whose.is_empty() {
                String::new()
            } else {
                format!(r#","subject":{reference},"patient":{reference},"participant":[{{"actor":{reference}}}]"#)
            };
            // `participant` of a CareTeam and an Encounter names members, not actors.
            let resource = format!(r#"{{"resource":{{"resourceType":"{kind}","id":"1"{about}}}}}"#);
            let text = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{patient},{resource}]}}"#);
            let chart = parse(text.as_bytes()).unwrap_or_else(|e| panic!("{kind}: {e}"));
            let Summary { read, skipped, unusable } = &chart.summary;
            let told: usize = [read, skipped, unusable].into_iter().flat_map(|counts| counts.values()).sum();
            let named = [read, skipped, unusable].iter().any(|counts| counts.keys().any(|name| name.starts_with(kind)));
            if told != 2 || !named {
                silent.push(format!("{kind} of {whose:?}: {:?}", chart.summary));
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}
