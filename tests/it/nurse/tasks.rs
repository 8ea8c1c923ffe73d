//! Calls as Tasks of real FHIR servers, through a door that fails in every way at every step: each is there once, as it is now.

use std::{
    collections::BTreeMap,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wellspoken::{
    actions::Change,
    ambient::system_now,
    config::{RecordsConfig, ServerConfig},
    fleet::{
        Calls, Round, Tasks,
        nurse::{Routes, Units, Waits},
    },
    policy::PersonId,
    store::{Store, TurnCommit},
};

use crate::{
    outbox::{
        proxy::{FAULTS, HASTY, PATIENT, Proxy, Seen},
        stage::{Clinic, faults},
    },
    serve::process,
    store::{
        child::{self, opened_by_parent, set},
        place::{Place, admitted, at, commit, room, session},
    },
};

/// A server, the door to it, and a house that calls.
struct Ward {
    clinic: Clinic,
    proxy: Proxy,
    place: Place,
    store: Store,
    person: PersonId,
    clock: AtomicI64,
}

impl Ward {
    async fn medplum() -> Self {
        let clinic = Clinic::start().await;
        let proxy = Proxy::to(clinic.origin()).await;
        Self::of(clinic, proxy).await
    }

    /// At a server that lets in only whoever shows a signed assertion.
    async fn sekmet() -> Self {
        let port = crate::fhir::Serving::port();
        let proxy = Proxy::to(&format!("http://127.0.0.1:{port}")).await;
        let clinic = Clinic::sekmet(port, &proxy.origin).await;
        Self::of(clinic, proxy).await
    }

    async fn of(clinic: Clinic, proxy: Proxy) -> Self {
        let place = Place::sqlite();
        let store = place.open().await;
        let person = admitted(&store, None).await;
        Self { clinic, proxy, place, store, person, clock: AtomicI64::new(0) }
    }

    /// A time later than any before.
    fn later(&self, seconds: i64) -> Timestamp {
        at(self.clock.fetch_add(seconds, Ordering::SeqCst) + seconds)
    }

    /// A call of a room of its own; gives its id.
    async fn asks(&self, need: &str, emergency: bool) -> String {
        let now = self.later(1);
        let name = format!("n{}", self.clock.load(Ordering::SeqCst));
        self.asks_in(&name, need, emergency, now).await;
        self.store.board(Some(&room(&name))).await.expect("read")[0].id.clone()
    }

    async fn asks_in(&self, name: &str, need: &str, emergency: bool, now: Timestamp) {
        let change = Change::CallNurse { room: room(name), need: need.into(), emergency };
        let turn = format!("t{}", now.as_second());
        let turn = TurnCommit { at: now, session: session(&turn), ..commit(&turn, &self.person, vec![change]) };
        self.store.commit(turn).await.expect("durable");
    }

    fn config(&self, timeout_ms: u64) -> ServerConfig {
        ServerConfig { timeout_ms, ..self.clinic.configured(&self.proxy.origin) }
    }

    /// Who tells, with a connection, a token and a circuit breaker of its own.
    fn tasks(&self, timeout_ms: u64) -> Tasks {
        Tasks::new(self.store.clone(), &self.config(timeout_ms), Routes::default(), system_now).expect("a server")
    }

    async fn tell(&self, timeout_ms: u64) -> Round {
        self.tasks(timeout_ms).tell(self.later(1)).await.expect("asked")
    }

    /// What the program does in the time after; nothing is left to be told then.
    async fn time_passes(&self) {
        let tasks = self.tasks(PATIENT);
        for _ in 0..6 {
            tasks.tell(self.later(600)).await.expect("asked");
        }
        assert_eq!(tasks.tell(self.later(600)).await.expect("asked"), Round::default(), "nothing is left");
    }

    async fn found(&self, call: &str) -> Vec<Value> {
        self.clinic.called("Task", "urn:wellspoken:call", call).await
    }

    /// The one Task of a call.
    async fn task(&self, call: &str) -> Value {
        let mut found = self.found(call).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// What staff do with a call, one thing after another.
    async fn does(&self, phase: Phase, call: &str) {
        let now = self.later(1);
        match phase {
            Phase::New => {}
            Phase::Seen => self.store.acknowledge(call, "Maria", now).await.expect("acknowledged"),
            Phase::Closed => self.store.close_request(call, "Maria", now).await.expect("closed"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    New,
    Seen,
    Closed,
}

const PHASES: [(Phase, &str); 3] = [(Phase::New, "requested"), (Phase::Seen, "accepted"), (Phase::Closed, "completed")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_at_whatever_step_each_call_is_one_task() {
    every_fault(&Ward::medplum().await, 2).await;
}

/// The same at a server that lets in only whoever shows a signed assertion: finding out where to show it, and being given a token,
/// can go wrong, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_server_with_tokens_each_call_is_one_task() {
    every_fault(&Ward::sekmet().await, 4).await;
}

async fn every_fault(ward: &Ward, steps: usize) {
    let (mut lost, mut doubled, mut stale, mut many) = (0, 0, 0, 0);
    for fault in FAULTS {
        for step in 0..steps {
            let call = ward.asks("some water", false).await;
            for (phase, status) in PHASES {
                ward.does(phase, &call).await;
                ward.proxy.fails(step, fault);
                let round = ward.tell(HASTY).await;
                if round.taken > 0 && ward.task(&call).await["status"] != status {
                    stale += 1;
                }
                ward.proxy.heals();
                ward.time_passes().await;
                let found = ward.found(&call).await;
                many += 1;
                match found.as_slice() {
                    [] => lost += 1,
                    [task] if task["status"] == status => {}
                    [_] => stale += 1,
                    _ => doubled += 1,
                }
            }
        }
    }
    println!("{many} tellings: lost {lost}, doubled {doubled}, told and not so {stale}");
    assert_eq!((lost, doubled, stale), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_says_what_a_call_is_and_of_whom_it_is_not() {
    let ward = Ward::medplum().await;
    let mut seen = vec![];
    let hip = ward.asks("my secret need, my hip hurts", false).await;
    assert_eq!((ward.tell(PATIENT).await, ward.proxy.asked()), (Round { taken: 1, later: 0 }, 1), "one request");
    let task = ward.task(&hip).await;
    assert_eq!([&task["status"], &task["priority"], &task["intent"]], ["requested", "asap", "order"]);
    assert_eq!(task["code"]["coding"][0], json!({ "system": "urn:wellspoken:need", "code": "pain" }));
    assert_eq!(task["performerType"][0]["coding"][0]["code"], "nurse");
    assert!(task["location"]["identifier"]["value"].as_str().is_some_and(|room| room.starts_with('n')), "{task}");
    seen.push(task);

    // Nobody answers: it climbs, and is more pressing with each step.
    let trash = ward.asks("the trash is full", false).await;
    ward.time_passes().await;
    assert_eq!(ward.task(&trash).await["priority"], "routine");
    let mut calls = Calls::new(ward.store.clone(), Routes::default(), Waits::default(), Units::default());
    for n in 1..9_u64 {
        calls.look(ward.later(1), Duration::from_secs(n)).await.expect("looked");
    }
    ward.time_passes().await;
    let task = ward.task(&trash).await;
    assert_eq!([&task["priority"], &task["businessStatus"]["coding"][0]["code"]], ["asap", "pager"]);
    seen.push(task);

    let fallen = ward.asks("I have fallen, says Quetzalina", true).await;
    ward.time_passes().await;
    assert_eq!(ward.task(&fallen).await["priority"], "stat");
    for call in [&hip, &fallen] {
        ward.store.acknowledge(call, "Maria", ward.later(1)).await.expect("acknowledged");
    }
    ward.store.close_request(&fallen, "Maria", ward.later(1)).await.expect("closed");
    ward.time_passes().await;
    let (taken, closed) = (ward.task(&hip).await, ward.task(&fallen).await);
    assert_eq!((&taken["status"], &closed["status"]), (&json!("accepted"), &json!("completed")));
    assert!(closed["executionPeriod"]["end"].is_string(), "{closed}");
    seen.extend([taken, closed]);

    // What its own room no longer needs is open until staff close it, and cancelled then.
    let tea = ward.asks("some tea", false).await;
    let place = ward.store.call_state(&tea).await.expect("read").expect("there").room;
    let now = ward.later(1);
    let never_mind = Change::PatientSaysCancel { room: room(&place) };
    let turn = TurnCommit { at: now, session: session("nm"), ..commit("nm", &ward.person, vec![never_mind]) };
    ward.store.commit(turn).await.expect("durable");
    ward.time_passes().await;
    let task = ward.task(&tea).await;
    assert_eq!([&task["status"], &task["businessStatus"]["coding"][0]["code"]], ["requested", "cancelled-by-patient"]);
    ward.store.close_request(&tea, "Maria", ward.later(1)).await.expect("closed");
    ward.time_passes().await;
    seen.push(ward.task(&tea).await);
    assert_eq!(seen.last().expect("some")["status"], "cancelled");

    assert_eq!(faults(ward.place.dir.path(), &seen), "");
    for task in seen {
        let text = task.to_string();
        for word in ["secret", "hip", "hurts", "fallen", "Quetzalina", "Maria", "tea", ward.person.as_str(), "Patient"]
        {
            assert!(!text.contains(word), "{word} in {text}");
        }
        assert!(task.get("for").is_none() && task.get("requester").is_none(), "{text}");
    }
}

/// Others work with the Tasks: what they write, at whatever moment, stays, and ours comes through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_meanwhile_stays() {
    let ward = Arc::new(Ward::medplum().await);
    let call = ward.asks("some water", false).await;
    ward.time_passes().await;
    let id = ward.task(&call).await["id"].as_str().expect("an id").to_owned();
    let stop = Arc::new(AtomicBool::new(false));
    let (other, done) = (ward.clone(), stop.clone());
    let writing = tokio::spawn(async move {
        let at = format!("{}/Task/{id}", other.clinic.base);
        let client = crate::http::door::client();
        let mut written = 0;
        while !done.load(Ordering::SeqCst) {
            let mut task: Value = client.get(&at).send().await.expect("sent").json().await.expect("a Task");
            let version = task["meta"]["versionId"].as_str().expect("a version").to_owned();
            let note = json!({ "text": format!("note {written}") });
            match task["note"].as_array_mut() {
                Some(notes) => notes.push(note),
                None => task["note"] = json!([note]),
            }
            let put = client.put(&at).header("if-match", format!("W/\"{version}\"")).json(&task);
            written += usize::from(put.send().await.expect("sent").status().is_success());
            tokio::task::yield_now().await;
        }
        written
    });
    for n in 0..12 {
        match n % 2 {
            0 => ward.store.acknowledge(&call, "Maria", ward.later(1)).await.expect("acknowledged"),
            _ => {
                let place = ward.store.call_state(&call).await.expect("read").expect("there").room;
                ward.asks_in(&place, "some water", false, ward.later(1)).await;
            }
        }
        ward.tell(PATIENT).await;
    }
    ward.store.close_request(&call, "Maria", ward.later(1)).await.expect("closed");
    ward.tell(PATIENT).await;
    stop.store(true, Ordering::SeqCst);
    let written = writing.await.expect("it ends");
    ward.time_passes().await;
    let task = ward.task(&call).await;
    let notes = task["note"].as_array().cloned().unwrap_or_default();
    assert_eq!((notes.len(), &task["status"]), (written, &json!("completed")));
}

/// Tells what is due in a process of its own.
fn teller(ward: &Ward, now: Timestamp) -> Child {
    child::child("nurse::tasks::tells_what_is_due", &ward.place)
        .env("WELLSPOKEN_TEST_SERVER", ward.config(PATIENT).base)
        .env("WELLSPOKEN_TEST_NOW", now.to_string())
        .spawn()
        .expect("started")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below in processes of their own"]
async fn tells_what_is_due() {
    let store = opened_by_parent().await;
    let config =
        format!("[[server]]\nname = \"Ward\"\nbase = \"{}\"\ntimeout_ms = {PATIENT}\n", set("WELLSPOKEN_TEST_SERVER"));
    let server = toml::from_str::<RecordsConfig>(&config).expect("a configuration").server.remove(0);
    let tasks = Tasks::new(store, &server, Routes::default(), system_now).expect("a server");
    let now = set("WELLSPOKEN_TEST_NOW").parse().expect("a time");
    while tasks.tell(now).await.expect("asked").taken > 0 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_step_nothing_is_lost_and_nothing_there_twice() {
    let ward = Ward::medplum().await;
    for step in 0..2 {
        for seen in [Seen::Came(step), Seen::Done(step)] {
            let call = ward.asks("some water", false).await;
            for (phase, status) in PHASES {
                ward.does(phase, &call).await;
                let mut watch = ward.proxy.stops_at(seen);
                let mut process = teller(&ward, ward.later(1));
                tokio::select! {
                    _ = watch.recv() => {}
                    // Fewer requests than that: it was done before.
                    () = ends(&mut process) => {}
                }
                process.kill().expect("killed");
                process.wait().expect("ended");
                ward.proxy.goes_on();
                let mut process = teller(&ward, ward.later(600));
                assert!(process.wait().expect("ended").success());
                assert_eq!(ward.task(&call).await["status"], status, "{seen:?} {phase:?}");
            }
        }
    }
    ward.time_passes().await;
}

async fn ends(process: &mut Child) {
    while process.try_wait().expect("a child").is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_at_once_make_each_task_once() {
    let ward = Ward::medplum().await;
    let mut calls = BTreeMap::new();
    for n in 0..30 {
        let call = ward.asks("some water", false).await;
        let place = ward.store.call_state(&call).await.expect("read").expect("there").room;
        ward.asks_in(&place, "some water", false, ward.later(1)).await;
        if n % 3 == 0 {
            ward.store.acknowledge(&call, "Maria", ward.later(1)).await.expect("acknowledged");
        }
        calls.insert(call, if n % 3 == 0 { "accepted" } else { "requested" });
    }
    let now = ward.later(1);
    for mut process in [teller(&ward, now), teller(&ward, now)] {
        assert!(process.wait().expect("ended").success());
    }
    ward.time_passes().await;
    for (call, status) in calls {
        assert_eq!(ward.task(&call).await["status"], status);
    }
}

/// The program does it by itself, as configured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_configured_is_told() {
    let ward = Ward::medplum().await;
    let dir = ward.place.dir.path();
    let config = dir.join("config.toml");
    let server = format!("[nurse.tasks]\nname = \"Ward\"\nbase = \"{}\"\n", ward.config(PATIENT).base);
    std::fs::write(&config, format!("[http]\nlisten = \"127.0.0.1:0\"\n{server}")).expect("written");
    let mut command = process::wellspoken(dir);
    let intents = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/barista");
    command.arg("--config").arg(config).args(["--intents", intents, "serve"]);
    let mut serving = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let change = Change::CallNurse { room: room("412"), need: "some water".into(), emergency: false };
    let turn =
        TurnCommit { at: system_now() - SignedDuration::from_secs(1), ..commit("t1", &ward.person, vec![change]) };
    ward.store.commit(turn).await.expect("durable");
    let call = ward.store.board(None).await.expect("read")[0].id.clone();
    let deadline = Instant::now() + Duration::from_secs(120);
    while ward.found(&call).await.is_empty() {
        assert!(Instant::now() < deadline, "no Task came");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    serving.kill().expect("killed");
    serving.wait().expect("ended");
}
