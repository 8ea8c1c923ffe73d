//! Every way a delivery can go, against a server in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use serde_json::json;

use super::*;
use crate::records::{Amount, Decimal, Measure, Unit, outgoing::Undo};

/// A server in memory: transactions, versions, conditional creates; and what goes wrong, by the number of the request.
#[derive(Default)]
struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    resources: BTreeMap<String, Value>,
    asked: usize,
    /// At which request, whether it is done all the same, and what comes back.
    faults: Vec<(usize, bool, Fault)>,
    includes: bool,
}

const LOST: Fault = Fault::Later(Trouble::Unanswered, None);

impl Inner {
    /// What comes back instead, if anything; and whether it is done.
    fn trouble(&mut self) -> (bool, Option<Fault>) {
        let n = self.asked;
        self.asked += 1;
        match self.faults.iter().find(|(at, ..)| *at == n) {
            Some((_, done, fault)) => (*done, Some(*fault)),
            None => (true, None),
        }
    }

    fn put(&mut self, mut resource: Value) {
        let kind = resource["resourceType"].as_str().expect("a type").to_owned();
        let id = resource["id"].as_str().map_or_else(|| format!("n{}", self.resources.len()), str::to_owned);
        let key = format!("{kind}/{id}");
        let version = self.resources.get(&key).map_or(1, |r| r["meta"]["versionId"].as_u64().unwrap_or(0) + 1);
        resource["id"] = json!(id);
        resource["meta"] = json!({ "versionId": version });
        self.resources.insert(key, resource);
    }

    fn found(&self, kind: &str, name: &str, value: &str) -> Vec<Value> {
        let fits = |r: &Value| match name {
            "_id" => r["id"] == value,
            "identifier" => {
                let (system, value) = value.split_once('|').expect("a token");
                let all = r["identifier"].as_array();
                all.is_some_and(|all| all.iter().any(|i| i["system"] == system && i["value"] == value))
            }
            _ => true,
        };
        self.resources.values().filter(|r| r["resourceType"] == kind && fits(r)).cloned().collect()
    }

    fn is_fresh(&self, resource: &Value) -> bool {
        let key = format!(
            "{}/{}",
            resource["resourceType"].as_str().expect("a type"),
            resource["id"].as_str().expect("an id")
        );
        self.resources.get(&key).is_some_and(|r| r["meta"] == resource["meta"])
    }

    fn absent(&self, resource: &Value, unless: &str) -> bool {
        let (name, value) = unless.split_once('=').expect("a search");
        self.found(resource["resourceType"].as_str().expect("a type"), name, value).is_empty()
    }
}

impl Memory {
    fn of(resources: Vec<Value>) -> Self {
        let memory = Self::default();
        for resource in resources {
            memory.lock().put(resource);
        }
        memory
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("whole")
    }

    fn count(&self, kind: &str, id: &str) -> usize {
        self.lock().found(kind, "identifier", &token(id)).len()
    }

    fn one(&self, kind: &str, id: &str) -> Value {
        self.lock().resources.get(&format!("{kind}/{id}")).expect("there").clone()
    }

    fn write<T>(&self, done: impl FnOnce(&mut Inner) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut inner = self.lock();
        let (does, fault) = inner.trouble();
        let answer = if does { Some(done(&mut inner)) } else { None };
        match (fault, answer) {
            (Some(fault), _) => Err(fault),
            (None, Some(answer)) => answer,
            (None, None) => Err(LOST),
        }
    }
}

impl Clinic for Memory {
    async fn read(&self, kind: &'static str, id: &str) -> Result<Value, Fault> {
        self.write(|inner| inner.resources.get(&format!("{kind}/{id}")).cloned().ok_or(Fault::Missing))
    }

    async fn search(&self, kind: &'static str, params: &[(&'static str, &str)]) -> Result<Vec<Value>, Fault> {
        self.write(|inner| {
            let (name, value) = params[0];
            let mut found = inner.found(kind, name, value);
            if inner.includes && kind == "Slot" {
                found.extend(inner.found("Schedule", "", ""));
            }
            Ok(found)
        })
    }

    async fn create(&self, resource: &Value, unless: &str) -> Result<(), Fault> {
        self.write(|inner| {
            if inner.absent(resource, unless) {
                inner.put(resource.clone());
            }
            Ok(())
        })
    }

    async fn together(&self, writes: Vec<Write>) -> Result<(), Fault> {
        self.write(|inner| {
            if writes.iter().any(|w| matches!(w, Write::Update(r) if !inner.is_fresh(r))) {
                return Err(Fault::Stale);
            }
            for write in writes {
                match write {
                    Write::Create(resource, unless) if inner.absent(&resource, &unless) => inner.put(resource),
                    Write::Create(..) => {}
                    Write::Update(resource) => inner.put(resource),
                }
            }
            Ok(())
        })
    }
}

fn told() -> Told<'static> {
    static ZONE: jiff::tz::TimeZone = jiff::tz::TimeZone::UTC;
    Told { id: "c1", patient: "Patient/p1", at: "2026-11-20T15:00:00Z".parse().expect("a time"), zone: &ZONE }
}

fn now() -> Timestamp {
    told().at
}

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

/// Each kind of change: what the server has, the change, and of which kind the resource is that it makes.
fn changes() -> Vec<(Vec<Value>, Outgoing, &'static str)> {
    let order = json!({ "resourceType": "MedicationRequest", "id": "rx1", "status": "active", "medicationCodeableConcept": { "text": "lisinopril" } });
    let renew = |route| Outgoing::Renew {
        prescription: "rx1".into(),
        medicine: "lisinopril".into(),
        pharmacy: Some("Harbor Pharmacy".into()),
        route,
    };
    let slots = vec![
        json!({ "resourceType": "Slot", "id": "s1", "status": "free", "start": "2026-12-01T14:00:00Z", "schedule": { "reference": "Schedule/d1" } }),
        json!({ "resourceType": "Schedule", "id": "d1", "actor": [{ "reference": "Practitioner/x" }] }),
    ];
    let visit = json!({
        "resourceType": "Appointment", "id": "v1", "status": "booked", "start": "2026-11-25T14:00:00Z",
        "slot": [{ "reference": "Slot/s0" }], "extension": [{ "url": "urn:clinic:x", "valueString": "kept" }],
        "identifier": [{ "system": "urn:wellspoken:change", "value": "c0" }],
    });
    let old = json!({ "resourceType": "Slot", "id": "s0", "status": "busy", "start": "2026-11-25T14:00:00Z" });
    let had = || vec![visit.clone(), old.clone(), slots[0].clone()];
    let start = "2026-11-25T14:00:00Z".parse().expect("a time");
    let cancel = |visit: &str| Outgoing::Cancel {
        visit: visit.into(),
        start,
        provider: None,
        sensitive: false,
        undo: Undo::default(),
    };
    let reading = |value| Reading {
        id: String::new(),
        measure: Measure::Weight,
        amount: Amount::of(Decimal::whole(value), Unit::Pound),
        at: start,
        timed: true,
    };
    let noted = || {
        let mut noted = reports::reading(&Told { id: "c0", ..told() }, &reading(160));
        noted["id"] = json!("o1");
        vec![noted]
    };
    let correct = |instead| Outgoing::Correct { old: "c0".into(), instead };
    vec![
        (had(), cancel("v1"), "Appointment"),
        (had(), cancel("c0"), "Appointment"),
        (
            had(),
            Outgoing::Move { visit: "v1".into(), start, to: slot(), sensitive: false, undo: Undo::default() },
            "Appointment",
        ),
        (vec![order.clone()], renew(Route::Pharmacy), "Task"),
        (vec![order], renew(Route::Prescriber), "MedicationRequest"),
        (slots.clone(), Outgoing::Book { slot: slot(), reason: Some("cough".into()) }, "Appointment"),
        (vec![], Outgoing::Reading { reading: reading(160) }, "Observation"),
        (noted(), correct(Some(reading(166))), "Observation"),
        (noted(), correct(None), "Observation"),
        // What is corrected never arrived.
        (vec![], correct(Some(reading(166))), "Observation"),
        (vec![], Outgoing::Message { words: "please".into() }, "Communication"),
        (
            had(),
            Outgoing::Arrive { visit: "v1".into(), start, provider: None, sensitive: false, undo: Undo::default() },
            "Appointment",
        ),
    ]
}

/// Delivers again and again, as the worker does.
async fn until_settled(memory: &Memory, change: &Outgoing) -> (Ending, usize) {
    for n in 1..10 {
        match deliver(memory, &told(), change, now()).await {
            Ending::Later(..) => {}
            ending => return (ending, n),
        }
    }
    panic!("never settled");
}

#[tokio::test]
async fn whatever_goes_wrong_wherever_it_is_there_once() {
    let mut table = Vec::new();
    for (had, change, kind) in changes() {
        for includes in [true, false] {
            let clean = Memory::of(had.clone());
            clean.lock().includes = includes;
            assert_eq!(until_settled(&clean, &change).await, (Ending::Delivered, 1));
            let requests = clean.lock().asked;
            for first in 0..requests {
                for second in first..requests + 3 {
                    for done in [(false, false), (false, true), (true, false), (true, true)] {
                        let memory = Memory::of(had.clone());
                        {
                            let mut inner = memory.lock();
                            inner.includes = includes;
                            inner.faults = vec![(first, done.0, LOST), (second, done.1, LOST)];
                        }
                        let (ending, tries) = until_settled(&memory, &change).await;
                        let there = memory.count(kind, "c1");
                        assert_eq!((ending, there), (Ending::Delivered, 1), "{kind}: {first} {second} {done:?}");
                        table.push(tries);
                        // Once more, as a restored backup would.
                        assert_eq!(until_settled(&memory, &change).await.0, Ending::Delivered);
                        assert_eq!(memory.count(kind, "c1"), 1);
                    }
                }
            }
        }
    }
    assert!(table.len() > 100);
}

#[tokio::test]
async fn a_time_that_somebody_else_took_is_not_taken_again() {
    let (had, change, _) = changes().remove(5);
    let memory = Memory::of(had);
    let mut theirs = memory.one("Slot", "s1");
    theirs["status"] = json!("busy");
    memory.lock().put(theirs);
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Refused(Trouble::Taken));
    assert_eq!(memory.count("Appointment", "c1"), 0);
    // Gone altogether, or moved to another hour.
    memory.lock().resources.remove("Slot/s1");
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Refused(Trouble::Taken));
    memory.lock().put(json!({ "resourceType": "Slot", "id": "s1", "status": "free", "start": "2026-12-01T15:00:00Z" }));
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Refused(Trouble::Taken));
}

#[tokio::test]
async fn who_is_there_is_noted_once_and_nobody_who_was_called_off() {
    let (had, change, _) = changes().pop().expect("the last one");
    for (status, want) in [
        ("arrived", Ending::Delivered),
        ("checked-in", Ending::Delivered),
        ("fulfilled", Ending::Delivered),
        ("cancelled", Ending::Refused(Trouble::Changed)),
        ("noshow", Ending::Refused(Trouble::Changed)),
    ] {
        let memory = Memory::of(had.clone());
        let mut visit = memory.one("Appointment", "v1");
        visit["status"] = json!(status);
        memory.lock().put(visit);
        assert_eq!(deliver(&memory, &told(), &change, now()).await, want, "{status}");
        assert_eq!(memory.one("Appointment", "v1")["status"], status, "the front desk was quicker");
    }
    let memory = Memory::of(had);
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Delivered);
    let visit = memory.one("Appointment", "v1");
    assert_eq!((&visit["status"], &visit["extension"][0]["valueString"]), (&json!("arrived"), &json!("kept")));
}

#[tokio::test]
async fn two_who_want_one_time() {
    let (had, change, _) = changes().remove(5);
    let memory = Memory::of(had);
    let other = Told { id: "c2", ..told() };
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Delivered);
    assert_eq!(deliver(&memory, &other, &change, now()).await, Ending::Refused(Trouble::Taken));
    assert_eq!((memory.count("Appointment", "c1"), memory.count("Appointment", "c2")), (1, 0));
    assert!(told().made(&memory.one("Slot", "s1")));
}

/// What the person heard is what the server is told: the pharmacy they chose, and not the one the order had.
#[tokio::test]
async fn a_renewal_goes_to_the_pharmacy_that_the_person_was_told() {
    let chosen = json!({ "resourceType": "Organization", "id": "harbor", "name": "Harbor Pharmacy" });
    for (route, kind, at) in
        [(Route::Pharmacy, "Task", "/owner"), (Route::Prescriber, "MedicationRequest", "/dispenseRequest/performer")]
    {
        for (known, trouble, want) in [
            (true, None, json!({ "reference": "Organization/harbor", "display": "Harbor Pharmacy" })),
            (false, None, json!({ "display": "Harbor Pharmacy" })),
            // A server that keeps no Organizations.
            (false, Some(Fault::Missing), json!({ "display": "Harbor Pharmacy" })),
            (false, Some(Fault::Never(Trouble::Invalid)), json!({ "display": "Harbor Pharmacy" })),
        ] {
            let mut order = json!({ "resourceType": "MedicationRequest", "id": "rx1", "status": "active" });
            order["dispenseRequest"] = json!({ "performer": { "reference": "Organization/old" } });
            let memory = Memory::of(vec![order]);
            if known {
                memory.lock().put(chosen.clone());
            }
            memory.lock().faults = trouble.map(|fault| (1, false, fault)).into_iter().collect();
            let change = Outgoing::Renew {
                prescription: "rx1".into(),
                medicine: "lisinopril".into(),
                pharmacy: Some("Harbor Pharmacy".into()),
                route,
            };
            assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Delivered);
            let made = memory.lock().found(kind, "identifier", &token("c1")).remove(0);
            assert_eq!(made.pointer(at), Some(&want), "{kind} {known} {trouble:?}");
        }
    }
}

#[tokio::test]
async fn a_prescription_that_was_stopped_meanwhile_is_not_renewed() {
    for (had, change, kind) in changes().drain(3..5) {
        let memory = Memory::of(had);
        let mut order = memory.one("MedicationRequest", "rx1");
        order["status"] = json!("stopped");
        memory.lock().put(order);
        assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Refused(Trouble::Changed));
        assert_eq!(memory.count(kind, "c1"), 0);
        memory.lock().resources.clear();
        assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Refused(Trouble::Gone));
    }
}

#[tokio::test]
async fn what_the_server_says_is_what_it_means() {
    let later = |why| Fault::Later(why, Some(Duration::from_secs(30)));
    for (fault, want) in [
        (later(Trouble::Busy), Ending::Later(Trouble::Busy, Some(Duration::from_secs(30)))),
        (LOST, Ending::Later(Trouble::Unanswered, None)),
        (Fault::Later(Trouble::NotAllowed, None), Ending::Later(Trouble::NotAllowed, None)),
        (Fault::Never(Trouble::Invalid), Ending::Refused(Trouble::Invalid)),
    ] {
        for (had, change, _) in changes() {
            let memory = Memory::of(had);
            memory.lock().faults = vec![(0, false, fault)];
            assert_eq!(deliver(&memory, &told(), &change, now()).await, want);
        }
    }
}

#[tokio::test]
async fn a_time_that_is_past_is_not_taken_any_more() {
    let (had, change, _) = changes().remove(5);
    let memory = Memory::of(had);
    let past = slot().start;
    assert_eq!(deliver(&memory, &told(), &change, past).await, Ending::Refused(Trouble::TooLate));
    assert_eq!(memory.count("Appointment", "c1"), 0);
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Delivered);
    assert_eq!(deliver(&memory, &told(), &change, past).await, Ending::Delivered, "it went through in time");
}

#[tokio::test]
async fn a_visit_is_called_off_or_moved_with_its_time_and_all_else_as_it_was() {
    for (n, status, start, old, new) in [
        (0, "cancelled", "2026-11-25T14:00:00Z", "free", "free"),
        (2, "booked", "2026-12-01T14:00:00Z", "free", "busy"),
    ] {
        let (had, change, _) = changes().remove(n);
        let memory = Memory::of(had);
        assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Delivered);
        let visit = memory.one("Appointment", "v1");
        assert_eq!((&visit["status"], &visit["start"]), (&json!(status), &json!(start)));
        assert_eq!(visit["extension"][0]["valueString"], "kept");
        assert_eq!(
            (&memory.one("Slot", "s0")["status"], &memory.one("Slot", "s1")["status"]),
            (&json!(old), &json!(new))
        );
    }
}

#[tokio::test]
async fn a_visit_that_somebody_else_changed_is_left_alone() {
    for (n, status, start, want) in [
        (0, "cancelled", "2026-11-25T14:00:00Z", Ending::Delivered),
        (0, "booked", "2026-11-26T14:00:00Z", Ending::Refused(Trouble::Changed)),
        (0, "fulfilled", "2026-11-25T14:00:00Z", Ending::Refused(Trouble::Changed)),
        (2, "cancelled", "2026-11-25T14:00:00Z", Ending::Refused(Trouble::Changed)),
        (2, "booked", "2026-11-26T14:00:00Z", Ending::Refused(Trouble::Changed)),
    ] {
        let (had, change, _) = changes().remove(n);
        let memory = Memory::of(had);
        let mut visit = memory.one("Appointment", "v1");
        (visit["status"], visit["start"]) = (json!(status), json!(start));
        memory.lock().put(visit);
        assert_eq!(deliver(&memory, &told(), &change, now()).await, want, "{n} {status} {start}");
    }
    let (had, change, _) = changes().remove(2);
    let memory = Memory::of(had);
    let mut theirs = memory.one("Slot", "s1");
    theirs["status"] = json!("busy");
    memory.lock().put(theirs);
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Refused(Trouble::Taken));
    memory.lock().resources.remove("Appointment/v1");
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Refused(Trouble::Gone));
}

#[tokio::test]
async fn several_doses_are_there_once_each_whatever_goes_wrong() {
    let order = json!({ "resourceType": "MedicationRequest", "id": "rx1", "status": "active", "medicationCodeableConcept": { "text": "lisinopril" } });
    let dose = |id: &str| TakenDose { prescription: id.into(), medicine: "lisinopril".into() };
    let change = Outgoing::Taken { doses: vec![dose("rx1"), dose("gone")], at: now(), part: None };
    for first in 0..4 {
        for done in [false, true] {
            let memory = Memory::of(vec![order.clone()]);
            memory.lock().faults = vec![(first, done, LOST)];
            assert_eq!(until_settled(&memory, &change).await.0, Ending::Delivered);
            assert_eq!(until_settled(&memory, &change).await.0, Ending::Delivered, "once more");
            let each = [memory.count("MedicationStatement", "c1.0"), memory.count("MedicationStatement", "c1.1")];
            assert_eq!(each, [1, 1], "{first} {done}");
        }
    }
}

#[tokio::test]
async fn a_reading_that_the_clinic_took_out_is_not_put_back() {
    for (n, want) in [(7, Ending::Refused(Trouble::Changed)), (8, Ending::Delivered)] {
        let (had, change, _) = changes().remove(n);
        let memory = Memory::of(had);
        let mut theirs = memory.one("Observation", "o1");
        theirs["status"] = json!("entered-in-error");
        memory.lock().put(theirs.clone());
        assert_eq!(deliver(&memory, &told(), &change, now()).await, want);
        assert_eq!(memory.one("Observation", "o1")["valueQuantity"], theirs["valueQuantity"]);
    }
}

#[tokio::test]
async fn a_correction_is_corrected() {
    let (had, change, _) = changes().remove(7);
    let memory = Memory::of(had);
    assert_eq!(deliver(&memory, &told(), &change, now()).await, Ending::Delivered);
    let again = Told { id: "c2", ..told() };
    let out = Outgoing::Correct { old: "c1".into(), instead: None };
    assert_eq!(deliver(&memory, &again, &out, now()).await, Ending::Delivered);
    let one = memory.one("Observation", "o1");
    assert_eq!((&one["status"], one["identifier"].as_array().map(Vec::len)), (&json!("entered-in-error"), Some(3)));
}
