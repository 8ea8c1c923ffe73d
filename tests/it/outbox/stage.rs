//! A real FHIR server with orders and free times, a store, a person whose records live there, and a courier between them.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wellspoken::{
    actions::{Change, Route},
    ambient::{Ambient, system_now},
    config::{OutboxConfig, RecordsConfig},
    outbox::Courier,
    policy::PersonId,
    records::{Chart, OpenSlot, Servers, fhir_bundle},
    store::{Store, TurnCommit},
};

use super::proxy::Proxy;
use crate::{
    store::place::{self, Place},
    support::now,
};

/// What the server is called.
pub const NAME: &str = "Lakeside Clinic";
/// Orders and free times on the server.
pub const MANY: usize = 80;

/// A FHIR server in a process of its own; it ends with its input.
pub struct Clinic {
    child: Child,
    pub base: String,
    client: reqwest::Client,
}

impl Clinic {
    pub async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/fhir-server.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs the server");
        let out = child.stdout.take().expect("a pipe");
        let line = tokio::task::spawn_blocking(move || BufReader::new(out).lines().next()).await.expect("read");
        let line = line.expect("a line").expect("text");
        let base = line.strip_prefix("listening on ").expect("its address").to_owned();
        let clinic = Self { child, base, client: crate::http::door::client() };
        clinic.load(&bundle()).await;
        clinic
    }

    pub fn origin(&self) -> &str {
        self.base.strip_suffix("/fhir/R4").expect("its prefix")
    }

    async fn load(&self, bundle: &Value) {
        let sent = self.client.post(format!("{}/load", self.origin())).json(bundle).send().await.expect("an answer");
        let status = sent.status();
        assert!(status.is_success(), "{status} {}", sent.text().await.unwrap_or_default());
    }

    /// All resources of a kind that carry that change's name.
    pub async fn made(&self, kind: &str, change: &str) -> Vec<Value> {
        let token = format!("urn:wellspoken:change|{change}");
        let form = format!("identifier={}", token.replace('|', "%7C"));
        let found: Value = self
            .client
            .post(format!("{}/{kind}/_search", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("a bundle");
        let entries = found["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|entry| entry["resource"].clone()).collect()
    }

    pub async fn read(&self, reference: &str) -> Value {
        let found = self.client.get(format!("{}/{reference}", self.base)).send().await.expect("an answer");
        found.json().await.expect("a resource")
    }

    pub async fn write(&self, resource: &Value) {
        let at = format!(
            "{}/{}/{}",
            self.base,
            resource["resourceType"].as_str().expect("a type"),
            resource["id"].as_str().expect("an id")
        );
        let sent =
            self.client.put(at).header("content-type", "application/fhir+json").body(resource.to_string()).send().await;
        let status = sent.expect("an answer").status();
        assert!(status.is_success(), "{status}");
    }

    /// Somebody else takes a time.
    pub async fn somebody_takes(&self, n: usize) {
        let mut slot = self.read(&format!("Slot/free-{n}")).await;
        slot["status"] = json!("busy");
        self.write(&slot).await;
    }
}

impl Drop for Clinic {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(n: usize) -> Timestamp {
    now() + SignedDuration::from_hours(24 * 30) + SignedDuration::from_mins(30 * i64::try_from(n).expect("few"))
}

/// The person with their orders, and a schedule with free times.
pub fn bundle() -> Value {
    let patient = json!({
        "resourceType": "Patient", "id": "quetzalina", "birthDate": "1950-02-03",
        "identifier": [{ "system": "urn:hospital", "value": "MRN-77123" }],
        "name": [{ "family": "Xylander", "given": ["Quetzalina"] }],
    });
    let order = |n: usize| {
        let medicine = if n == 0 { "fluorozepamol".to_owned() } else { format!("medicament{n}") };
        json!({
            "resourceType": "MedicationRequest", "id": format!("order-{n}"), "status": "active", "intent": "order",
            "subject": { "reference": "Patient/quetzalina" },
            "medicationCodeableConcept": { "text": format!("{medicine} 10 mg tablet") },
            "dispenseRequest": { "numberOfRepeatsAllowed": 2 },
        })
    };
    let slot = |n: usize| {
        let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        json!({
            "resourceType": "Slot", "id": format!("free-{n}"), "status": "free",
            "schedule": { "reference": "Schedule/wombat" },
            "start": time(start(n)), "end": time(start(n + 1)),
            "extension": [{ "url": "urn:clinic:chair", "valueString": "blue" }],
        })
    };
    let schedule = json!({
        "resourceType": "Schedule", "id": "wombat", "active": true,
        "actor": [{ "reference": "Practitioner/wombat", "display": "Dr. Wombat" }],
    });
    let doctor = json!({ "resourceType": "Practitioner", "id": "wombat", "name": [{ "text": "Dr. Wombat", "family": "Wombat" }] });
    let all = [patient, schedule, doctor].into_iter().chain((0..MANY).map(order)).chain((0..MANY).map(slot));
    let entries: Vec<Value> = all.map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "collection", "entry": entries })
}

pub fn chart() -> Chart {
    fhir_bundle::parse(bundle().to_string().as_bytes()).expect("a chart")
}

/// How a server behind that origin is configured.
pub fn configured(origin: &str) -> RecordsConfig {
    let config = format!("[[server]]\nname = \"{NAME}\"\nbase = \"{origin}/fhir/R4\"\ntimeout_ms = 1000\n");
    toml::from_str(&config).expect("a configuration")
}

pub fn outbox() -> OutboxConfig {
    OutboxConfig { wait_ms: 1500, ..OutboxConfig::default() }
}

/// A courier with a connection, and a circuit breaker, of its own.
pub fn courier(store: &Store, origin: &str) -> Courier {
    let servers = Servers::new(&configured(origin), system_now).expect("a server");
    Courier::new(store.clone(), Arc::new(servers), outbox())
}

pub fn ambient(at: Timestamp) -> Ambient {
    Ambient::fixed(at, 7)
}

/// Everything together.
pub struct Stage {
    pub clinic: Clinic,
    pub proxy: Proxy,
    pub place: Place,
    pub store: Store,
    pub person: PersonId,
    turns: AtomicUsize,
}

impl Stage {
    pub async fn new() -> Self {
        Self::at(Place::sqlite()).await
    }

    pub async fn at(place: Place) -> Self {
        let clinic = Clinic::start().await;
        let proxy = Proxy::to(clinic.origin()).await;
        let store = place.open().await;
        let chart = chart();
        let person = store.import(&chart, wellspoken::store::ImportOptions::default(), now()).await.expect("imported");
        store.bind_source(&person, (NAME, "quetzalina"), &chart, "Kim", now()).await.expect("bound");
        Self { clinic, proxy, place, store, person, turns: AtomicUsize::new(0) }
    }

    pub fn courier(&self) -> Courier {
        courier(&self.store, &self.proxy.origin)
    }

    /// A turn that says so; gives the change's name.
    pub async fn says(&self, change: Change) -> String {
        let n = self.turns.fetch_add(1, Ordering::Relaxed);
        let turn = TurnCommit { sends: true, at: now(), ..place::commit(&format!("t{n}"), &self.person, vec![change]) };
        self.store.commit(turn).await.expect("durable").going.remove(0).1
    }

    /// What the worker does in the hours after.
    pub async fn hours_pass(&self, courier: &Courier) {
        for hour in 1..=4 {
            let later = now() + SignedDuration::from_hours(hour);
            courier.send_due(&ambient(later)).await.expect("it works");
        }
    }
}

/// What two validators find wrong with these.
pub fn found_wrong(stage: &Stage, resources: &[Value]) -> String {
    let file = stage.place.dir.path().join("made.ndjson");
    let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/validate.mjs");
    let out = Command::new("node").arg(script).arg(&file).output().expect("node runs");
    String::from_utf8(out.stderr).expect("text")
}

/// A change, and the kind of resource that it makes.
pub fn changes(n: usize) -> [(Change, &'static str); 3] {
    let renew = |n: usize, route| Change::Renew {
        prescription: format!("order-{n}"),
        medicine: "fluorozepamol".into(),
        strength: None,
        prescriber: None,
        pharmacy: None,
        route,
    };
    [
        (renew(n, Route::Pharmacy), "Task"),
        (renew(n + MANY / 2, Route::Prescriber), "MedicationRequest"),
        (book(n), "Appointment"),
    ]
}

pub fn book(n: usize) -> Change {
    let slot = OpenSlot {
        id: format!("free-{n}"),
        start: start(n),
        end: start(n + 1),
        provider: "Dr. Wombat".into(),
        specialty: None,
        place: None,
        mode: Default::default(),
        zone: None,
        version: None,
        actors: vec![],
    };
    Change::Book { slot, reason: Some("my secret need".into()) }
}
