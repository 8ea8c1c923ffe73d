//! A real FHIR server with orders and free times, a store, a person whose records live there, and a courier between them.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use wellspoken::{
    actions::{Change, HeldResult, Route, TakenDose},
    ambient::{Ambient, system_now},
    config::{OutboxConfig, RecordsConfig, ServerConfig},
    outbox::Courier,
    policy::PersonId,
    records::{
        Amount, Arrival, Chart, Decimal, Measure, OpenSlot, Reading, Servers, Unit, Visit, fhir_bundle,
        outgoing::{Goes, goes},
    },
    store::{Store, TurnCommit},
};

use super::proxy::Proxy;
use crate::{
    fhir::{OURS, Serving},
    store::place::{self, Place},
    support::now,
};

/// What the server is called.
pub const NAME: &str = "Lakeside Clinic";
/// Orders, free times and visits on the server. Half of them are for changes that need one of their own of a kind.
pub const MANY: usize = 120;

/// A FHIR server in a process of its own; it ends with its input.
pub struct Clinic {
    host: Host,
    pub base: String,
    client: reqwest::Client,
}

enum Host {
    /// Takes requests from anybody.
    Medplum(Child),
    /// Lets in only whoever shows a token.
    Sekmet(Serving),
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
        let clinic = Self { host: Host::Medplum(child), base, client: crate::http::door::client() };
        clinic.load(&bundle()).await;
        clinic
    }

    /// One that calls itself what is in front of it.
    pub async fn sekmet(port: u16, front: &str) -> Self {
        let serving = Serving::start(port, &format!("{front}/fhir"), 300).await;
        let base = format!("http://127.0.0.1:{port}/fhir");
        let clinic = Self { host: Host::Sekmet(serving), base, client: crate::http::door::client() };
        clinic.load(&bundle()).await;
        clinic
    }

    /// The server's process is killed.
    pub async fn killed(&mut self) {
        let Host::Sekmet(serving) = &mut self.host else { panic!("it keeps nothing") };
        serving.killed().await;
    }

    /// It runs again, with what it had on its disk.
    pub async fn again(&mut self) {
        let Host::Sekmet(serving) = &mut self.host else { panic!("it keeps nothing") };
        serving.again().await;
    }

    pub fn origin(&self) -> &str {
        self.base.split_once("/fhir").expect("its prefix").0
    }

    /// Where it is, seen through that door, and how it is shown who asks.
    pub fn configured(&self, front: &str) -> ServerConfig {
        let prefix = self.base.strip_prefix(self.origin()).expect("its own");
        let config = format!("[[server]]\nname = \"{NAME}\"\nbase = \"{front}{prefix}\"\ntimeout_ms = 1000\n");
        let mut server = toml::from_str::<RecordsConfig>(&config).expect("a configuration").server.remove(0);
        if let Host::Sekmet(serving) = &self.host {
            server.backend = Some(serving.backend("writer", &["system/*.rs", "system/*.write"]));
        }
        server
    }

    pub async fn load(&self, bundle: &Value) {
        let sent = match &self.host {
            Host::Medplum(_) => self.client.post(format!("{}/load", self.origin())).json(bundle),
            Host::Sekmet(_) => {
                let entries = bundle["entry"].as_array().expect("entries").iter().map(|entry| {
                    let resource = &entry["resource"];
                    let (kind, id) = (resource["resourceType"].as_str(), resource["id"].as_str());
                    let at = format!("{}/{}", kind.expect("a type"), id.expect("an id"));
                    json!({ "resource": resource, "request": { "method": "PUT", "url": at } })
                });
                let all =
                    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries.collect::<Vec<_>>() });
                self.client.post(&self.base).bearer_auth(OURS).json(&all)
            }
        };
        let sent = sent.send().await.expect("an answer");
        let status = sent.status();
        assert!(status.is_success(), "{status} {}", sent.text().await.unwrap_or_default());
    }

    /// All resources of a kind that carry that change's name.
    pub async fn made(&self, kind: &str, change: &str) -> Vec<Value> {
        self.called(kind, "urn:wellspoken:change", change).await
    }

    /// All resources of a kind that carry that identifier.
    pub async fn called(&self, kind: &str, system: &str, value: &str) -> Vec<Value> {
        let form = format!("identifier={system}%7C{value}");
        let found: Value = self
            .client
            .post(format!("{}/{kind}/_search", self.base))
            .bearer_auth(OURS)
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
        let found = self.client.get(format!("{}/{reference}", self.base)).bearer_auth(OURS).send().await;
        found.expect("an answer").json().await.expect("a resource")
    }

    pub async fn write(&self, resource: &Value) {
        let at = format!(
            "{}/{}/{}",
            self.base,
            resource["resourceType"].as_str().expect("a type"),
            resource["id"].as_str().expect("an id")
        );
        let sent = self.client.put(at).bearer_auth(OURS).header("content-type", "application/fhir+json");
        let status = sent.body(resource.to_string()).send().await.expect("an answer").status();
        assert!(status.is_success(), "{status}");
    }

    /// Somebody else takes a time.
    pub async fn somebody_takes(&self, n: usize) {
        let mut slot = self.read(&format!("Slot/free-{n}")).await;
        slot["status"] = json!("busy");
        self.write(&slot).await;
    }

    /// What a change made, or changed.
    pub async fn made_by(&self, case: &Case, id: &str) -> Vec<Value> {
        let Change::Taken { doses, .. } = &case.change else { return self.made(case.kind, id).await };
        let mut all = Vec::new();
        for n in 0..doses.len() {
            all.extend(self.made(case.kind, &format!("{id}.{n}")).await);
        }
        all
    }

    /// How often a change is there: once, not at all, or in some part only, which is `usize::MAX`.
    pub async fn there(&self, case: &Case, id: &str) -> usize {
        let made = self.made_by(case, id).await;
        let slot = async |id: &str| self.read(&format!("Slot/{id}")).await["status"].clone();
        let (visit, whole, untouched) = match &case.change {
            Change::Cancel { visit } => (visit, [json!("cancelled"), json!("free")], [json!("booked"), json!("busy")]),
            Change::Reschedule { visit, .. } => (visit, [json!("busy"), json!("free")], [json!("free"), json!("busy")]),
            Change::Taken { doses, .. } if made.len() == doses.len() => return 1,
            _ => return made.len(),
        };
        let now = self.read(&format!("Appointment/{}", visit.id)).await;
        let first = match &case.change {
            Change::Reschedule { to, .. } => slot(&to.id).await,
            _ => now["status"].clone(),
        };
        let at = now["start"].as_str().and_then(|text| text.parse::<Timestamp>().ok()).expect("a time");
        let to = match &case.change {
            Change::Reschedule { to, .. } => to.start,
            _ => visit.start,
        };
        let found = [first, slot(visit.slot.as_deref().expect("one")).await];
        match made.len() {
            1 if found == whole && at == to => 1,
            0 if found == untouched && at == visit.start => 0,
            _ => usize::MAX,
        }
    }
}

impl Drop for Clinic {
    fn drop(&mut self) {
        if let Host::Medplum(child) = &mut self.host {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(n: usize) -> Timestamp {
    now() + SignedDuration::from_hours(24 * 30) + SignedDuration::from_mins(30 * i64::try_from(n).expect("few"))
}

/// When the visits are that are booked already.
fn booked(n: usize) -> Timestamp {
    start(n) + SignedDuration::from_hours(24 * 30)
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
    let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let slot = |n: usize, busy: bool| {
        let (status, start, end) =
            if busy { ("busy", booked(n), booked(n + 1)) } else { ("free", start(n), start(n + 1)) };
        json!({
            "resourceType": "Slot", "id": format!("{status}-{n}"), "status": status,
            "schedule": { "reference": "Schedule/wombat" },
            "start": time(start), "end": time(end),
            "extension": [{ "url": "urn:clinic:chair", "valueString": "blue" }],
        })
    };
    let visit = |n: usize| {
        json!({
            "resourceType": "Appointment", "id": format!("visit-{n}"), "status": "booked",
            "start": time(booked(n)), "end": time(booked(n + 1)),
            "slot": [{ "reference": format!("Slot/busy-{n}") }],
            "participant": [
                { "actor": { "reference": "Patient/quetzalina" }, "status": "accepted" },
                { "actor": { "reference": "Practitioner/wombat" }, "status": "accepted" },
            ],
            "extension": [{ "url": "urn:clinic:chair", "valueString": "blue" }],
        })
    };
    let schedule = json!({
        "resourceType": "Schedule", "id": "wombat", "active": true,
        "actor": [{ "reference": "Practitioner/wombat", "display": "Dr. Wombat" }],
    });
    let doctor = json!({ "resourceType": "Practitioner", "id": "wombat", "name": [{ "text": "Dr. Wombat", "family": "Wombat" }] });
    let times = (0..MANY).flat_map(|n| [slot(n, false), slot(n, true), visit(n)]);
    // Those that somebody comes for.
    let more = (MANY..MANY + MANY / 2).flat_map(|n| [slot(n, true), visit(n)]);
    let all = [patient, schedule, doctor].into_iter().chain((0..MANY).map(order)).chain(times).chain(more);
    let entries: Vec<Value> = all.map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "collection", "entry": entries })
}

pub fn chart() -> Chart {
    fhir_bundle::parse(bundle().to_string().as_bytes()).expect("a chart")
}

/// A visit as the person knows it.
pub fn visit(n: usize) -> Visit {
    static VISITS: OnceLock<Vec<Visit>> = OnceLock::new();
    let id = format!("visit-{n}");
    VISITS.get_or_init(|| chart().visits).iter().find(|visit| visit.id == id).expect("booked").clone()
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
    courier_to(store, &configured(origin))
}

fn courier_to(store: &Store, records: &RecordsConfig) -> Courier {
    let servers = Servers::new(records, system_now).expect("a server");
    Courier::new(store.clone(), Arc::new(servers), outbox(), TimeZone::UTC)
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
    config: RecordsConfig,
    turns: AtomicUsize,
}

impl Stage {
    pub async fn new() -> Self {
        Self::at(Place::sqlite()).await
    }

    pub async fn at(place: Place) -> Self {
        let clinic = Clinic::start().await;
        let proxy = Proxy::to(clinic.origin()).await;
        let config = configured(&proxy.origin);
        Self::with(place, clinic, proxy, config).await
    }

    /// At a server that lets in only whoever shows a signed assertion.
    pub async fn sekmet() -> Self {
        let port = Serving::port();
        let proxy = Proxy::to(&format!("http://127.0.0.1:{port}")).await;
        let clinic = Clinic::sekmet(port, &proxy.origin).await;
        let mut config = configured(&proxy.origin);
        let server = &mut config.server[0];
        server.base = format!("{}/fhir", proxy.origin);
        let Host::Sekmet(serving) = &clinic.host else { panic!("it is one") };
        server.backend = Some(serving.backend("writer", &["system/*.rs", "system/*.write"]));
        Self::with(Place::sqlite(), clinic, proxy, config).await
    }

    async fn with(place: Place, clinic: Clinic, proxy: Proxy, config: RecordsConfig) -> Self {
        let store = place.open().await;
        let chart = chart();
        let person = store.import(&chart, wellspoken::store::ImportOptions::default(), now()).await.expect("imported");
        store.bind_source(&person, (NAME, "quetzalina"), &chart, "Kim", now()).await.expect("bound");
        Self { clinic, proxy, place, store, person, config, turns: AtomicUsize::new(0) }
    }

    pub fn courier(&self) -> Courier {
        courier_to(&self.store, &self.config)
    }

    /// One that waits no longer than this for an answer.
    pub fn hasty(&self, timeout_ms: u64) -> Courier {
        let mut config = self.config.clone();
        config.server[0].timeout_ms = timeout_ms;
        courier_to(&self.store, &config)
    }

    /// A turn that says so; gives the change's name.
    pub async fn says(&self, change: Change) -> String {
        let n = self.turns.fetch_add(1, Ordering::Relaxed);
        let turn = TurnCommit { sends: true, at: now(), ..place::commit(&format!("t{n}"), &self.person, vec![change]) };
        self.store.commit(turn).await.expect("durable").going.remove(0).1
    }

    /// Each kind of change, of things of their own; below `MANY / 2`. What is to be corrected is there already.
    pub async fn changes(&self, n: usize) -> Vec<Case> {
        let id = self.says(Change::KeepReading { reading: weight(160) }).await;
        let courier = self.courier();
        let tried = courier.at_once(&[&id], now(), &ambient(now())).await;
        courier.settle(tried, None, now()).await.expect("written down");
        changes(n, id)
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
    faults(stage.place.dir.path(), resources)
}

/// The same, with a folder to write in.
pub fn faults(dir: &std::path::Path, resources: &[Value]) -> String {
    let file = dir.join("made.ndjson");
    let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/validate.mjs");
    let out = Command::new("node").arg(script).arg(&file).output().expect("node runs");
    String::from_utf8(out.stderr).expect("text")
}

/// A change, what it is called in a table, the kind of resource that it makes or changes, and how many requests it takes.
pub struct Case {
    pub name: &'static str,
    pub change: Change,
    pub kind: &'static str,
    pub requests: usize,
}

impl Case {
    /// Whether the person hears that it went through.
    pub fn is_told(&self) -> bool {
        matches!(goes(&self.change), Goes::Out(change) if !change.is_a_report())
    }
}

fn weight(pounds: i32) -> Reading {
    let amount = Amount::of(Decimal::whole(pounds), Unit::Pound);
    Reading { id: String::new(), measure: Measure::Weight, amount, at: now(), timed: true }
}

fn changes(n: usize, noted: String) -> Vec<Case> {
    let case = |name, change, kind, requests| Case { name, change, kind, requests };
    let renew = |n: usize, route| Change::Renew {
        prescription: format!("order-{n}"),
        medicine: "fluorozepamol".into(),
        strength: None,
        prescriber: None,
        pharmacy: None,
        route,
    };
    let pressure = Reading {
        measure: Measure::BloodPressure,
        amount: Amount { value: Decimal::whole(128), lower: Some(Decimal::whole(82)), unit: Unit::MmHg },
        ..weight(0)
    };
    let corrected = Change::CorrectReading { old: noted, instead: Some(weight(166)) };
    let dose = |id| TakenDose { prescription: format!("order-{id}"), medicine: format!("medicament{id}") };
    let taken = Change::Taken { doses: vec![dose(n), dose(n + 1)], at: now(), part: None };
    let potassium = HeldResult { test: format!("potassium {n}"), value: "6.9".into(), taken: now() };
    let moved = Change::Reschedule { visit: visit(n + MANY / 2), to: slot(n + MANY / 2) };
    let arrival = Arrival { here: true, minutes: None, at: Some(now()) };
    let here = Change::Arrive { visit: visit(n + MANY), arrival, need: "is here".into() };
    vec![
        case("arriving", here, "Appointment", 2),
        case("refill", renew(n, Route::Pharmacy), "Task", 2),
        case("renewal", renew(n + MANY / 2, Route::Prescriber), "MedicationRequest", 2),
        case("booking", book(n), "Appointment", 2),
        case("cancelling", Change::Cancel { visit: visit(n) }, "Appointment", 3),
        case("moving", moved, "Appointment", 4),
        case("reading", Change::KeepReading { reading: pressure }, "Observation", 1),
        case("correction", corrected, "Observation", 2),
        case("doses", taken, "MedicationStatement", 3),
        case("message", Change::AskClinician { results: vec![potassium] }, "Communication", 1),
    ]
}

pub fn slot(n: usize) -> OpenSlot {
    OpenSlot {
        id: format!("free-{n}"),
        start: start(n),
        end: start(n + 1),
        provider: "Dr. Wombat".into(),
        ..OpenSlot::default()
    }
}

pub fn book(n: usize) -> Change {
    Change::Book { slot: slot(n), reason: Some("my secret need".into()) }
}
