//! Changes for a server on which every request fails once, in either way: before it is done, and after.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::seen::Delivering;
use crate::{
    actions::Route,
    outbox::{Clinic, Ending, Fault, Write, deliver},
    records::{
        OpenSlot,
        fhir_write::{Told, token},
        outgoing::{Outgoing, Trouble, Undo},
    },
};

/// The name of the change that is delivered.
const NAME: &str = "evidence-1";
/// Attempts that are made at most.
const ATTEMPTS: usize = 8;

/// Looks.
pub async fn look(now: Timestamp) -> anyhow::Result<Delivering> {
    let mut seen = Delivering::default();
    for (had, change, kind) in changes(now)? {
        let whole = Server::with(&had);
        let told = Told { id: NAME, patient: "Patient/p", at: now, zone: &jiff::tz::TimeZone::UTC };
        deliver(&whole, &told, &change, now).await;
        let requests = whole.lock().asked;
        for at in 0..requests {
            for done in [false, true] {
                let server = Server::with(&had);
                server.lock().fault = Some((at, done));
                let mut ending = deliver(&server, &told, &change, now).await;
                seen.failed += usize::from(ending != Ending::Delivered);
                for _ in 0..ATTEMPTS {
                    if !matches!(ending, Ending::Later(..)) {
                        break;
                    }
                    ending = deliver(&server, &told, &change, now).await;
                }
                // Once more, as a restored backup would.
                deliver(&server, &told, &change, now).await;
                let there = server.lock().found(kind, "identifier", &token(NAME)).len();
                seen.changes += 1;
                seen.lost += usize::from(there == 0);
                seen.doubled += there.saturating_sub(1);
                seen.told_wrong += usize::from((ending == Ending::Delivered) != (there > 0));
            }
        }
    }
    Ok(seen)
}

/// What the server has, a change, and the kind of resource that it makes.
fn changes(now: Timestamp) -> anyhow::Result<Vec<(Vec<Value>, Outgoing, &'static str)>> {
    let start = now + jiff::SignedDuration::from_hours(72);
    let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let order = json!({
        "resourceType": "MedicationRequest", "id": "rx", "status": "active",
        "medicationCodeableConcept": { "text": "lisinopril" },
    });
    let free = json!({
        "resourceType": "Slot", "id": "s", "status": "free", "start": time(start), "schedule": { "reference": "Schedule/d" },
    });
    let schedule = json!({ "resourceType": "Schedule", "id": "d", "actor": [{ "reference": "Practitioner/x" }] });
    let visit_at = now + jiff::SignedDuration::from_hours(48);
    let visit = json!({
        "resourceType": "Appointment", "id": "v", "status": "booked", "start": time(visit_at),
        "slot": [{ "reference": "Slot/busy" }],
    });
    let busy = json!({ "resourceType": "Slot", "id": "busy", "status": "busy", "start": time(visit_at) });
    let renew = |route| Outgoing::Renew {
        prescription: "rx".into(),
        medicine: "lisinopril".into(),
        pharmacy: Some("Harbor Pharmacy".into()),
        route,
    };
    let slot = OpenSlot {
        id: "s".into(),
        start,
        end: start + jiff::SignedDuration::from_mins(30),
        provider: "Dr. Evidence".into(),
        ..OpenSlot::default()
    };
    let had = vec![free.clone(), schedule.clone(), visit, busy];
    Ok(vec![
        (vec![order.clone()], renew(Route::Pharmacy), "Task"),
        (vec![order], renew(Route::Prescriber), "MedicationRequest"),
        (vec![free, schedule], Outgoing::Book { slot: slot.clone(), reason: None }, "Appointment"),
        (
            had.clone(),
            Outgoing::Cancel {
                visit: "v".into(),
                start: visit_at,
                provider: None,
                sensitive: false,
                undo: Undo::default(),
            },
            "Appointment",
        ),
        (
            had,
            Outgoing::Move { visit: "v".into(), start: visit_at, to: slot, sensitive: false, undo: Undo::default() },
            "Appointment",
        ),
    ])
}

/// A server in memory: versions, conditional writes, transactions.
#[derive(Default)]
struct Server(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    resources: BTreeMap<String, Value>,
    asked: usize,
    /// Which request fails, once, and whether it is done all the same.
    fault: Option<(usize, bool)>,
}

fn key(resource: &Value) -> String {
    let part = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", part("resourceType"), part("id"))
}

impl Inner {
    fn put(&mut self, mut resource: Value) {
        if resource["id"].is_null() {
            resource["id"] = json!(format!("new-{}", self.resources.len()));
        }
        let before = self.resources.get(&key(&resource)).and_then(|r| r["meta"]["versionId"].as_u64());
        resource["meta"] = json!({ "versionId": before.unwrap_or(0) + 1 });
        self.resources.insert(key(&resource), resource);
    }

    fn found(&self, kind: &str, name: &str, value: &str) -> Vec<Value> {
        let named = |i: &Value| {
            let text = |field: &str| i[field].as_str().unwrap_or_default().to_owned();
            format!("{}|{}", text("system"), text("value")) == value
        };
        let fits = |r: &&Value| match name {
            "_id" => r["id"] == value,
            "identifier" => r["identifier"].as_array().is_some_and(|all| all.iter().any(named)),
            _ => false,
        };
        self.resources.values().filter(|r| r["resourceType"] == kind).filter(fits).cloned().collect()
    }

    /// Makes a resource, unless the search finds one.
    fn make(&mut self, resource: Value, unless: &str) {
        let (name, value) = unless.split_once('=').unwrap_or_default();
        let kind = resource["resourceType"].as_str().unwrap_or_default().to_owned();
        if self.found(&kind, name, value).is_empty() {
            self.put(resource);
        }
    }

    fn stale(&self, write: &Write) -> bool {
        match write {
            Write::Create(..) => false,
            Write::Update(resource) => {
                self.resources.get(&key(resource)).is_none_or(|there| there["meta"] != resource["meta"])
            }
        }
    }
}

impl Server {
    fn with(resources: &[Value]) -> Self {
        let server = Self::default();
        for resource in resources {
            server.lock().put(resource.clone());
        }
        server
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request, which may fail, done or not.
    fn asked<T>(&self, ask: impl FnOnce(&mut Inner) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut inner = self.lock();
        let n = inner.asked;
        inner.asked += 1;
        match inner.fault {
            Some((at, done)) if at == n => {
                if done {
                    let _ = ask(&mut inner);
                }
                Err(Fault::Later(Trouble::Unanswered, None))
            }
            _ => ask(&mut inner),
        }
    }
}

impl Clinic for Server {
    async fn read(&self, kind: &'static str, id: &str) -> Result<Value, Fault> {
        self.asked(|inner| inner.resources.get(&format!("{kind}/{id}")).cloned().ok_or(Fault::Missing))
    }

    async fn search(&self, kind: &'static str, params: &[(&'static str, &str)]) -> Result<Vec<Value>, Fault> {
        let (name, value) = params.first().copied().unwrap_or_default();
        self.asked(|inner| Ok(inner.found(kind, name, value)))
    }

    async fn create(&self, resource: &Value, unless: &str) -> Result<(), Fault> {
        self.asked(|inner| {
            inner.make(resource.clone(), unless);
            Ok(())
        })
    }

    async fn together(&self, writes: Vec<Write>) -> Result<(), Fault> {
        self.asked(|inner| {
            if writes.iter().any(|write| inner.stale(write)) {
                return Err(Fault::Stale);
            }
            for write in writes {
                match write {
                    Write::Create(resource, unless) => inner.make(resource, &unless),
                    Write::Update(resource) => inner.put(resource),
                }
            }
            Ok(())
        })
    }
}
