//! Servers that say when somebody's records change: a real one that delivers, and whatever may come to the door.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan as _};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wellspoken::{
    ambient::{Ambient, system_now},
    app::{App, Senses},
    channels::http::{Doors, Limits, Listener},
    cli::{import::import_into, serve::Program, source::bind},
    config::{Config, HttpConfig, ServerConfig},
    fhir::Session,
    policy::{PersonId, Surface},
    records::{Servers, changed::Watched},
    store::{Store, Watch},
    watch::Watcher,
};

use super::{
    medplum::{self, CLINIC, Medplum, identifier, patient_file},
    proxy::{Fault, Proxy},
    sekmet::{self, Sekmet},
};
use crate::{
    residue::{self, Folder},
    support::{Speaker, now, places},
};

const ROSA: &str = "rosa-delgado.json";

/// A program with its door open, and Rosa, whose records are at a server that is asked to say what changes.
struct Stage {
    program: Arc<Program>,
    rosa: PersonId,
    url: String,
    client: Client,
    _stop: oneshot::Sender<()>,
    _dir: Folder,
}

impl Stage {
    async fn open(mut server: ServerConfig, bundle: &Value, agreed: &str) -> Self {
        let http = HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() };
        let listener = Listener::bind(&http).await.expect("a free port");
        let url = listener.url();
        server.notify = Some(url.clone());
        let dir = residue::folder();
        // What was read counts as read now for an hour, so that only what is said makes it old.
        let mut records = medplum::records(server);
        records.fresh_seconds = 3600;
        let mut config = Config { records, ..Config::default() };
        config.place.zone = "America/New_York".into();
        let senses = Senses { ears: false, voice: false };
        let ambient = Ambient::fixed(now(), 7);
        let app = App::build(config.clone(), places(dir.path()), ambient, senses).await.expect("the program starts");
        let file = patient_file(&dir, bundle);
        let rosa = import_into(app.store(), &file, None, Some(agreed), None, now()).await.expect("imported");
        let servers = Servers::new(&config.records, system_now).expect("servers");
        bind(app.store(), &servers, &rosa, (CLINIC, &identifier(bundle)), "tester", now()).await.expect("bound");
        let program = Arc::new(Program::new(app));
        let doors = Doors::new(program.clone(), &[], Limits::default()).with_notified(program.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(listener.serve(doors, async {
            let _ = stopped.await;
        }));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { program, rosa, url, client, _stop: stop, _dir: dir }
    }

    fn store(&self) -> &Store {
        self.program.app().store()
    }

    fn watcher(&self) -> &Watcher {
        self.program.app().watcher().expect("a server is asked")
    }

    async fn watch(&self, what: Watched) -> Watch {
        let all = self.store().watches(&self.rosa).await.expect("read");
        all.into_iter().find(|watch| watch.what == what).expect("it is watched")
    }

    /// Until a server has said something.
    async fn is_told(&self, what: Watched) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.watch(what).await.told.is_none() {
            assert!(Instant::now() < deadline, "the server never said anything of {}", what.name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn looks(&self) -> usize {
        self.looks_at(now()).await
    }

    async fn looks_at(&self, at: Timestamp) -> usize {
        self.watcher().look(at).await.expect("it looks")
    }

    async fn news(&self) -> usize {
        self.store().waiting_news(&self.rosa).await.expect("read").len()
    }

    async fn says(&self, text: &str) -> String {
        Speaker::new(self.program.app(), Surface::Chat, Some(&self.rosa)).says(text).await.reply
    }

    fn at(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// As a server sends it, with the secret of that address.
    fn sent(&self, watch: &Watch) -> RequestBuilder {
        let secret = self.store().watch_secret(&watch.id);
        self.at(Method::POST, &format!("/v1/records/changed/{}", watch.id)).bearer_auth(secret.as_str())
    }
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

/// On its way since this morning.
fn shipped() -> Value {
    json!({ "resourceType": "MedicationDispense", "id": "rosa-metformin-fill-4", "status": "completed",
        "subject": { "reference": "Patient/rosa-delgado" },
        "medicationCodeableConcept": { "text": "metformin 500 MG Oral Tablet" },
        "authorizingPrescription": [{ "reference": "MedicationRequest/rosa-metformin" }],
        "whenPrepared": "2026-12-01T09:00:00-05:00", "destination": { "display": "home" } })
}

/// Writes a resource, whatever version of it is there.
async fn write(session: &Session, resource: Value) {
    let write = wellspoken::fhir::Write::Update { resource, version: None };
    session.transaction(&[write]).await.expect("taken");
}

async fn visit_at(session: &Session, start: &str, status: &str) {
    let mut visit = session.read("Appointment", "rosa-visit-cardiology").await.expect("there").value;
    let end: Timestamp = start.parse::<Timestamp>().expect("a time") + 30.minutes();
    visit["start"] = start.into();
    visit["end"] = end.to_string().into();
    visit["status"] = status.into();
    write(session, visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_says_what_changed_and_the_person_hears_of_it_once() {
    let sekmet = Sekmet::start(300).await;
    let scopes = ["system/*.rs", "system/*.write"];
    let writer = sekmet.session("writer", &scopes);
    sekmet::load(&writer, &sekmet::rosa()).await;
    let stage = Stage::open(sekmet.config("writer", &scopes), &sekmet::rosa(), "all").await;
    let round = stage.watcher().tend(now()).await.expect("asked");
    assert_eq!((round.asked, round.failed), (Watched::ALL.len(), 0));
    assert_eq!(stage.watcher().tend(now()).await.expect("asked").asked, 0, "each once");
    for what in Watched::ALL {
        let id = stage.watch(what).await.subscription.expect("the server has it");
        let there = writer.read("Subscription", &id).await.expect("there").value;
        assert_eq!(there["status"], "active", "{there}");
    }
    assert_eq!((stage.looks().await, stage.news().await), (4, 0), "what was there before is no news");

    write(&writer, shipped()).await;
    stage.is_told(Watched::Fillings).await;
    stage.looks().await;
    visit_at(&writer, "2026-12-11T15:30:00Z", "booked").await;
    stage.is_told(Watched::Visits).await;
    stage.looks().await;
    assert_eq!(stage.news().await, 2);
    let said = stage.says("what medicines do I take").await;
    assert!(said.contains("your metformin is on its way") && said.contains("was moved"), "{said}");
    assert!(!stage.says("what medicines do I take").await.contains("By the way"), "told once");
    let next = stage.says("when is my next visit").await;
    assert!(next.contains("December 11"), "the copy is a new one: {next}");

    assert_eq!(stage.watcher().unsubscribe(&stage.rosa).await.expect("told"), 4);
    let left = writer.search("Subscription", vec![("status", "active".to_owned())]).await.expect("read");
    assert_eq!((left.len(), stage.store().watches(&stage.rosa).await.expect("read").len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_that_knows_topics_shakes_hands_and_tells() {
    let sekmet = Sekmet::start(300).await;
    let scopes = ["system/*.rs", "system/*.write"];
    let writer = sekmet.session("writer", &scopes);
    sekmet::load(&writer, &sekmet::rosa()).await;
    let mut config = sekmet.config("writer", &scopes);
    config.topics.insert("visits".into(), "http://sekmet.dev/fhir/SubscriptionTopic/appointment-booked".into());
    let stage = Stage::open(config, &sekmet::rosa(), "all").await;
    stage.watcher().tend(now()).await.expect("asked");
    stage.looks().await;
    let watch = stage.watch(Watched::Visits).await;
    let id = watch.subscription.expect("the server has it");
    let deadline = Instant::now() + Duration::from_secs(30);
    while writer.read("Subscription", &id).await.expect("there").value["status"] != "active" {
        assert!(Instant::now() < deadline, "the handshake was not taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(stage.watch(Watched::Visits).await.told.is_none(), "a handshake says nothing of the records");
    visit_at(&writer, "2026-12-10T15:30:00Z", "cancelled").await;
    visit_at(&writer, "2026-12-14T15:30:00Z", "booked").await;
    stage.is_told(Watched::Visits).await;
    stage.looks().await;
    let said = stage.says("when is my next visit").await;
    assert!(said.contains("was moved"), "the topic tells that it is booked again: {said}");
}

/// Rosa at Medplum's server, which takes Subscriptions and sends nothing: a client sends what a server would.
async fn quiet_clinic(agreed: &str) -> (Medplum, Proxy, Session, Stage) {
    let medplum = Medplum::start();
    let bundle = medplum.load_demo(ROSA).await;
    let proxy = Proxy::start(&medplum.base).await;
    let stage = Stage::open(medplum::server(&proxy.base), &bundle, agreed).await;
    assert_eq!(stage.watcher().tend(now()).await.expect("asked").asked, 4, "they are valid Subscriptions");
    stage.looks().await;
    let config = medplum::server(&medplum.base);
    let session = wellspoken::fhir::Server::new(&config, system_now).expect("no key").backend();
    (medplum, proxy, session, stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_notification_says_is_believed_and_however_often_it_comes_there_is_one_piece_of_news() {
    let (_medplum, proxy, session, stage) = quiet_clinic("all").await;
    let watch = stage.watch(Watched::Fillings).await;
    // A whole resource, as R4 has it, that claims what the server does not have.
    let secret = stage.store().watch_secret(&watch.id);
    let put = format!("/v1/records/changed/{}/MedicationDispense/rosa-metformin-fill-4", watch.id);
    let claims = stage.at(Method::PUT, &put).bearer_auth(secret.as_str()).json(&shipped());
    assert_eq!(status(claims).await, 204);
    assert_eq!((stage.looks().await, stage.news().await), (1, 0), "the server has nothing of it");

    write(&session, shipped()).await;
    let many = (0..6).map(|_| status(stage.sent(&watch)));
    assert_eq!(futures_util::future::join_all(many).await, [204; 6]);
    stage.looks().await;
    assert_eq!(stage.news().await, 1);
    for _ in 0..3 {
        assert_eq!(status(stage.sent(&watch)).await, 204);
        stage.looks().await;
    }
    // One of an older version that comes late, and one of somebody else's resource.
    let late =
        json!({ "resourceType": "MedicationDispense", "id": "rosa-metformin-fill-4", "meta": { "versionId": "1" } });
    let strange =
        json!({ "resourceType": "MedicationDispense", "id": "x", "subject": { "reference": "Patient/milo-tran" } });
    for body in [late, strange] {
        assert_eq!(status(stage.sent(&watch).json(&body)).await, 204);
        stage.looks().await;
    }
    assert_eq!(stage.news().await, 1, "one, however often and late it is said");

    // The server is down when it is to be read: it is read later, and an answer meanwhile says how old it is.
    visit_at(&session, "2026-12-11T15:30:00Z", "booked").await;
    proxy.always(Some(Fault::Reset));
    let visits = stage.watch(Watched::Visits).await;
    assert_eq!(status(stage.sent(&visits)).await, 204);
    stage.looks().await;
    assert_eq!(stage.news().await, 1);
    let said = stage.says("when is my next visit").await;
    assert!(said.contains("I can't reach your records right now"), "the copy counts as old: {said}");
    assert!(said.contains("your metformin is on its way"), "what is known is told: {said}");
    proxy.always(None);
    // After so many failures the server is left alone for a moment.
    let (deadline, mut at) = (Instant::now() + Duration::from_secs(30), now());
    while stage.news().await == 0 {
        assert!(Instant::now() < deadline, "it is tried again");
        tokio::time::sleep(Duration::from_millis(100)).await;
        at += 1.hour();
        stage.looks_at(at).await;
    }
    let said = stage.says("what medicines do I take").await;
    assert!(said.contains("was moved") && !said.contains("on its way"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_agreed_to_nothing_is_not_looked_at_and_what_was_done_from_here_is_no_news() {
    let (_medplum, proxy, session, stage) = quiet_clinic("visits").await;
    proxy.seen();
    write(&session, shipped()).await;
    assert_eq!(status(stage.sent(&stage.watch(Watched::Fillings).await)).await, 204);
    stage.looks().await;
    assert_eq!((proxy.seen().len(), stage.news().await), (0, 0), "medicines were not agreed to");

    let mut speaker = Speaker::new(stage.program.app(), Surface::Chat, Some(&stage.rosa));
    let asked = speaker.says("cancel my visit with Dr. Patel").await;
    assert_eq!(asked.state.name(), "confirms", "{}", asked.reply);
    let done = speaker.says("yes").await;
    assert_eq!(done.state.name(), "done", "{}", done.reply);
    let there = session.read("Appointment", "rosa-visit-cardiology").await.expect("there").value;
    assert_eq!(there["status"], "cancelled");
    assert_eq!(status(stage.sent(&stage.watch(Watched::Visits).await)).await, 204);
    stage.looks().await;
    assert_eq!(stage.news().await, 0, "they know: they did it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_notification_is_refused_and_nothing_is_looked_at() {
    let (_medplum, proxy, _session, stage) = quiet_clinic("all").await;
    let (watch, other) = (stage.watch(Watched::Visits).await, stage.watch(Watched::Results).await);
    let path = format!("/v1/records/changed/{}", watch.id);
    let secret = |watch: &Watch| stage.store().watch_secret(&watch.id).as_str().to_owned();
    let base = &proxy.base;
    let status_of = |what: &str, about: String| {
        json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": { "resourceType": "Parameters", "parameter": [
            { "name": "subscription", "valueReference": { "reference": about } }, { "name": "type", "valueCode": what } ] } }] })
    };
    let subscription = watch.subscription.clone().expect("there");
    let post = |path: &str| stage.at(Method::POST, path);
    let unknown = format!("/v1/records/changed/{}", "0".repeat(32));
    let rows: Vec<(&str, RequestBuilder, u16)> = vec![
        ("no secret", post(&path), 401),
        ("a wrong one", post(&path).bearer_auth("wsn_0"), 401),
        ("another address's", post(&path).bearer_auth(secret(&other)), 401),
        ("an address there never was", post(&unknown).bearer_auth(secret(&watch)), 401),
        ("no address", post("/v1/records/changed/").bearer_auth(secret(&watch)), 404),
        ("a path of dots", post("/v1/records/changed/..%2f..%2fv1").bearer_auth(secret(&watch)), 401),
        ("a secret in the address", post(&format!("{path}?token={}", secret(&watch))), 401),
        ("a query", post(&format!("{path}?a=b")).bearer_auth(secret(&watch)), 400),
        ("read", stage.at(Method::GET, &path).bearer_auth(secret(&watch)), 405),
        ("huge", stage.sent(&watch).body(vec![b' '; 300 * 1024]), 413),
        ("broken off", stage.sent(&watch).body("{\"resourceType\":\"Appo"), 400),
        ("no JSON", stage.sent(&watch).body("<Appointment/>"), 400),
        ("no object", stage.sent(&watch).body("[1]"), 400),
        ("deep", stage.sent(&watch).body("{\"a\":".repeat(20_000)), 400),
        ("zeros", stage.sent(&watch).body(vec![0; 64]), 400),
        (
            "another Subscription",
            stage.sent(&watch).json(&status_of("event-notification", "Subscription/x".into())),
            403,
        ),
        (
            "another server's",
            stage.sent(&watch).json(&status_of(
                "event-notification",
                format!("https://elsewhere.example/Subscription/{subscription}"),
            )),
            403,
        ),
        (
            "a heartbeat",
            stage.sent(&watch).json(&status_of("heartbeat", format!("{base}/Subscription/{subscription}"))),
            204,
        ),
    ];
    for (name, request, wanted) in rows {
        assert_eq!(status(request).await, wanted, "{name}");
    }
    assert!(stage.watch(Watched::Visits).await.told.is_none(), "nothing of it was taken for a notification");
    assert_eq!(stage.looks().await, 0);
    let named =
        stage.sent(&watch).json(&status_of("event-notification", format!("{base}/Subscription/{subscription}")));
    assert_eq!(status(named).await, 204);
    assert_eq!(stage.looks().await, 1, "and its own is");

    stage.store().remove_source(&stage.rosa, "tester", now()).await.expect("removed");
    let gone = stage.sent(&watch).send().await.expect("an answer");
    assert_eq!(gone.status(), StatusCode::NOT_FOUND, "nothing is watched there any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_made_once_whatever_happens_and_renewed_before_they_end() {
    let medplum = Medplum::start();
    let bundle = medplum.load_demo(ROSA).await;
    let proxy = Proxy::start(&medplum.base).await;
    let stage = Stage::open(medplum::server(&proxy.base), &bundle, "all").await;
    let there = async || {
        let config = medplum::server(&medplum.base);
        let session = wellspoken::fhir::Server::new(&config, system_now).expect("no key").backend();
        let found = session.search("Subscription", vec![("_count", "100".to_owned())]).await.expect("read");
        found.iter().map(|one| serde_json::from_str(one.get()).expect("JSON")).collect::<Vec<Value>>()
    };
    // The answer to the first one is lost each time it is tried; the next round finds what was made.
    proxy.next([Fault::Truncate, Fault::Truncate, Fault::Truncate]);
    assert_eq!(stage.watcher().tend(now()).await.expect("tried").failed, 1);
    assert_eq!(stage.watcher().tend(now()).await.expect("asked").failed, 0);
    let made = there().await;
    assert_eq!(made.len(), 4, "{made:?}");
    for one in &made {
        assert!(one["channel"].get("payload").is_none() && one["end"].is_string(), "{one}");
    }
    let later = now() + (25 * 24).hours();
    assert_eq!(stage.watcher().tend(later).await.expect("asked").asked, 4, "five days before their end");
    let renewed = there().await;
    assert_eq!(renewed.len(), 4);
    assert!(renewed.iter().all(|one| made.iter().all(|before| before["end"] != one["end"])), "{renewed:?}");
}
