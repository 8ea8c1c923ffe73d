//! Whole turns of somebody whose records are at a server, with the server well, ill and gone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use wellspoken::{
    ambient::{Ambient, system_now},
    app::{App, Senses},
    cli::{import::import_into, source::bind},
    config::{AlertsConfig, Config, ServerConfig},
    fhir::Server,
    policy::{
        CredentialId, PersonId, Surface,
        staff::{Role, StaffMember},
    },
    records::{Budget, Records, RecordsError, Servers, sensitive::Hush},
    staff::{Alerts, Ask, Desk, RecordView, Told, Whom},
};

use super::{
    medplum::{self, CLINIC, identifier, patient_file},
    proxy::{Fault, Proxy, Seen},
};
use crate::{
    residue::Folder,
    support::{Speaker, now, places},
};

const ROSA: &str = "rosa-delgado.json";
const NEXT: &str = "when is my next visit";
const MEDICINES: &str = "what medicines am I taking";

/// A program, a server behind a proxy, and Rosa, whose records are there.
struct Clinic {
    app: App,
    proxy: Proxy,
    rosa: PersonId,
    dir: Folder,
    config: Config,
}

impl Clinic {
    async fn open(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let proxy = Proxy::start(&medplum::shared().base).await;
        let bundle = medplum::shared().load_demo(ROSA).await;
        let mut server = medplum::server(&proxy.base);
        change(&mut server);
        let dir = crate::residue::folder();
        let mut config = Config { records: medplum::records(server), ..Config::default() };
        config.place.zone = "America/New_York".into();
        let app = program(&config, &dir, now()).await;
        let file = patient_file(&dir, &bundle);
        let rosa = import_into(app.store(), &file, None, Some("all"), None, now()).await.expect("imported");
        let clinic = Self { app, proxy, rosa, dir, config };
        clinic.bind(&bundle).await;
        clinic.proxy.seen();
        clinic
    }

    async fn bind(&self, bundle: &Value) {
        let servers = Servers::new(&self.config.records, system_now).expect("servers");
        let names = (CLINIC, identifier(bundle));
        bind(self.app.store(), &servers, &self.rosa, (names.0, &names.1), "tester", now()).await.expect("bound");
    }

    /// The same at another time, with a program that has asked nothing yet.
    async fn later(self, hours: i64) -> Self {
        self.app.close().await;
        let at = now().checked_add(hours.hours()).expect("a time");
        Self { app: program(&self.config, &self.dir, at).await, ..self }
    }

    async fn says(&self, text: &str) -> String {
        Speaker::new(&self.app, Surface::Chat, Some(&self.rosa)).says(text).await.reply
    }
}

async fn program(config: &Config, dir: &Folder, at: Timestamp) -> App {
    let senses = Senses { ears: false, voice: false };
    App::build(config.clone(), places(dir.path()), Ambient::fixed(at, 7), senses).await.expect("the program starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_takes_at_most_two_requests_and_tells_addresses_nothing() {
    let clinic = Clinic::open(|_| {}).await;
    for text in [NEXT, MEDICINES, "how do I take my metformin", "what was my LDL", "who is on my care team"] {
        let mut speaker = Speaker::new(&clinic.app, Surface::Chat, Some(&clinic.rosa));
        speaker.says(text).await;
        clinic.proxy.seen();
        let reply = speaker.says(text).await.reply;
        let seen = clinic.proxy.seen();
        let lines: Vec<&str> = seen.iter().map(|s| s.line.as_str()).collect();
        println!("{text}: {} requests {lines:?}: {reply}", seen.len());
        assert!(seen.len() <= 2, "{text}: {lines:?}");
        for Seen { line, body } in &seen {
            assert!(!line.to_lowercase().contains("rosa") && !line.contains('?'), "{line}");
            assert!(body.is_empty() || body.contains("Patient"), "what is asked stands in the body");
        }
    }
    // Who has which times is read besides; the first time also what the schedules refer to, and, as in any conversation's
    // first turn, the names that help hearing.
    let mut speaker = Speaker::new(&clinic.app, Surface::Chat, Some(&clinic.rosa));
    for cached in [false, true] {
        clinic.proxy.seen();
        let reply = speaker.says("book a visit with Dr. Patel").await.reply;
        let seen = clinic.proxy.seen();
        let lines: Vec<&str> = seen.iter().map(|s| s.line.as_str()).collect();
        println!("booking: {} requests {lines:?}: {reply}", seen.len());
        assert!(!cached || seen.len() <= 2, "{lines:?}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_from_a_server_has_as_much_in_it_as_one_that_is_imported() {
    let clinic = Clinic::open(|_| {}).await;
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    let people = wellspoken::records::demo::all(now(), &zone).expect("demo people");
    let here = people.into_iter().find(|(file, _)| *file == ROSA).expect("Rosa").1;
    let servers = Servers::new(&clinic.config.records, system_now).expect("servers");
    let server = servers.named(CLINIC).expect("it");
    let there = servers.fetch(server, "rosa-delgado", &wellspoken::store::ChartKind::ALL, None).await.expect("read");
    let counts = |chart: &wellspoken::records::Chart| {
        [
            ("prescriptions", chart.prescriptions.len()),
            ("dispenses", chart.prescriptions.iter().map(|p| p.dispenses.len()).sum()),
            ("visits", chart.visits.len()),
            ("results", chart.results.len()),
            ("providers", chart.providers.len()),
            ("specialties", chart.providers.iter().filter(|p| p.specialty.is_some()).count()),
            ("allergies", chart.allergies.len()),
            ("vitals", chart.history.vitals.len()),
            ("conditions", chart.history.conditions.len()),
            ("immunizations", chart.history.immunizations.len()),
            ("notes", chart.history.notes.len()),
        ]
    };
    assert_eq!(counts(&there), counts(&here));
    assert!(counts(&here).iter().all(|(_, n)| *n > 0), "each part has something to lose: {:?}", counts(&here));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_at_the_server_is_what_is_said() {
    let clinic = Clinic::open(|_| {}).await;
    let before = clinic.says(NEXT).await;
    assert!(before.contains("10:30"), "{before}");
    clinic.proxy.always(Some(Fault::Edit(|answer| {
        let text = answer.to_string().replace("T10:30:00-05:00", "T11:45:00-05:00");
        *answer = serde_json::from_str(&text).expect("JSON");
    })));
    let after = clinic.says(NEXT).await;
    assert!(after.contains("11:45") && !after.contains("10:30"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_told_with_the_age_of_what_is_said() {
    let mut clinic = Clinic::open(|server| server.timeout_ms = 3_000).await;
    clinic.proxy.always(Some(Fault::Reset));
    let times = clinic.says("book a visit with Dr. Patel").await;
    assert!(times.contains("can't reach your records right now, so"), "never read is not none: {times}");
    for (hours, says) in [
        (2, "This is as of this morning."),
        (20, "This is as of yesterday."),
        (24 * 12, "This is as of Tuesday, December 1st."),
    ] {
        clinic = clinic.later(hours).await;
        for fault in [Fault::Reset, Fault::Silence] {
            clinic.proxy.always(Some(fault));
            let reply = clinic.says(MEDICINES).await;
            assert!(reply.starts_with("I can't reach your records right now. This is as of "), "{reply}");
            assert!(reply.contains(says) && reply.contains("metformin"), "{hours}: {reply}");
        }
        let booked = clinic.says(NEXT).await;
        assert!(booked.contains(says), "every intent says so: {booked}");
    }
    clinic.proxy.always(None);
    let clinic = clinic.later(24 * 13).await;
    assert!(!clinic.says(MEDICINES).await.contains("can't reach"), "it is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_copy_it_says_that_the_records_cannot_be_reached() {
    let clinic = Clinic::open(|server| server.timeout_ms = 3_000).await;
    clinic.app.store().remove_source(&clinic.rosa, "tester", now()).await.expect("removed");
    let none = clinic.says(MEDICINES).await;
    assert!(none.contains("on record here") && !none.contains("metformin"), "what was copied went, too: {none}");
    let bundle = medplum::shared().load_demo(ROSA).await;
    clinic.bind(&bundle).await;
    clinic.app.store().forget_copy(&clinic.rosa).await.expect("forgotten");
    clinic.proxy.always(Some(Fault::Reset));
    for text in [MEDICINES, NEXT, "what was my LDL"] {
        let reply = clinic.says(text).await;
        assert!(
            reply.starts_with("I can't reach your records right now, so I can't tell you that."),
            "{text}: {reply}"
        );
    }
}

/// Each of these happens to the first answer, or to all; what is said is right or is said to be old.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_on_the_way_nothing_wrong_is_said() {
    let clinic = Clinic::open(|server| server.timeout_ms = 2_000).await;
    let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception",
        "diagnostics": "Rosa Delgado takes velmoradine"}]});
    let answer = |status, more, body: String| Fault::Answer(status, more, "application/fhir+json", body);
    let text = outcome.to_string();
    let once: [(&str, Vec<Fault>); 5] = [
        ("reset", vec![Fault::Reset]),
        ("500", vec![answer(500, "", text.clone())]),
        ("429", vec![answer(429, "retry-after: 0\r\n", text.clone())]),
        ("503 twice", vec![answer(503, "", text.clone()), answer(503, "", text.clone())]),
        ("cut off", vec![Fault::Truncate]),
    ];
    let well = clinic.says(MEDICINES).await;
    assert!(well.contains("metformin") && !well.contains("can't reach"), "{well}");
    for (name, faults) in once {
        clinic.proxy.next(faults);
        assert_eq!(clinic.says(MEDICINES).await, well, "{name}: asked again");
    }
    let ever = [
        ("500", answer(500, "", text.clone())),
        ("429 for long", answer(429, "retry-after: 3600\r\n", text.clone())),
        ("403", answer(403, "", text.clone())),
        ("404", answer(404, "", text.clone())),
        ("a redirect", answer(302, "location: https://evil.example/\r\n", String::new())),
        ("another type", answer(200, "", json!({"resourceType": "Patient", "id": "rosa-delgado"}).to_string())),
        ("no JSON", answer(200, "", "<html>velmoradine</html>".into())),
        ("a page", Fault::Answer(200, "", "text/html", "<html></html>".into())),
        ("nothing", answer(200, "", String::new())),
        ("an empty batch", answer(200, "", json!({"resourceType": "Bundle", "type": "batch-response"}).to_string())),
        ("cut off", Fault::Truncate),
        ("too long", answer(200, "", "[".repeat(33 << 20))),
        ("deep", answer(200, "", "[".repeat(100_000))),
        (
            "pages elsewhere",
            Fault::Edit(|answer| {
                answer["entry"][1]["resource"]["link"] =
                    json!([{"relation": "next", "url": "https://evil.example/r4/X?y=z"}]);
            }),
        ),
        (
            "pages without end",
            Fault::Edit(|answer| {
                let link = json!([{"relation": "next", "url": "MedicationRequest?page=2"}]);
                answer["link"] = link.clone();
                if let Some(found) = answer.pointer_mut("/entry/1/resource") {
                    found["link"] = link;
                }
            }),
        ),
        (
            "an entry that failed",
            Fault::Edit(|answer| {
                answer["entry"][1] = json!({"response": {"status": "500"}});
            }),
        ),
        (
            "no patient",
            Fault::Edit(|answer| {
                answer["entry"][0]["resource"]["id"] = "somebody-else".into();
            }),
        ),
    ];
    for (name, fault) in ever {
        clinic.proxy.always(Some(fault));
        // Each with a program that has not given the server up yet.
        let servers = Servers::new(&clinic.config.records, system_now).expect("servers");
        let server = servers.named(CLINIC).expect("it");
        let told = servers.fetch(server, "rosa-delgado", &[wellspoken::store::ChartKind::Prescriptions], None).await;
        let told = told.map(|_| ()).expect_err(name);
        let told = format!("{told} {told:?}");
        assert!(!told.contains("velmoradine") && !told.to_lowercase().contains("rosa"), "{name}: {told}");
        let reply = clinic.says(MEDICINES).await;
        assert!(
            reply.starts_with("I can't reach your records right now. This is as of this morning."),
            "{name}: {reply}"
        );
        assert!(reply.contains("metformin") && !reply.contains("velmoradine"), "{name}: {reply}");
    }
}

/// A server that takes its time with each request takes it of one budget, whatever number of requests a turn needs; what
/// does not fit is as if it could not be reached.
#[tokio::test(flavor = "multi_thread")]
async fn all_requests_of_a_turn_share_one_time() {
    let clinic = Clinic::open(|server| server.timeout_ms = 60_000).await;
    let servers = Arc::new(Servers::new(&clinic.config.records, system_now).expect("servers"));
    let records = Records::new(clinic.app.store().clone()).with_servers(servers);
    let hush = || Hush { aloud: false, named: vec![] };
    // Nothing is ever answered: the server's own limit is a minute for each request.
    clinic.proxy.always(Some(Fault::Silence));
    let begun = Instant::now();
    let budget = Budget::new(Duration::from_millis(400));
    let turn = records.within(&budget).hushed(hush(), now());
    turn.visits(&clinic.rosa).await.expect("from the copy");
    turn.prescriptions(&clinic.rosa).await.expect("from the copy");
    turn.results(&clinic.rosa).await.expect("from the copy");
    assert!(turn.stale().is_some(), "it says how old that is");
    // Other records of the same turn, such as for its names, have no more.
    let other = records.within(&budget).hushed(hush(), now());
    other.visits(&clinic.rosa).await.expect("from the copy");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!((budget.left(), clinic.proxy.seen().len()), (Duration::ZERO, 1), "nothing is begun that cannot end");
    // The server answers again, and the next turn has time of its own.
    clinic.proxy.always(None);
    let next = records.within(&Budget::new(Duration::from_secs(30))).hushed(hush(), now());
    next.visits(&clinic.rosa).await.expect("read");
    assert_eq!(next.stale(), None);
}

/// The same with words: the answer of a whole turn comes in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_does_not_keep_anybody_waiting() {
    let mut clinic = Clinic::open(|server| server.timeout_ms = 60_000).await;
    clinic.config.records.turn_ms = 500;
    let clinic = clinic.later(0).await;
    clinic.proxy.always(Some(Fault::Silence));
    let begun = Instant::now();
    let reply = clinic.says(MEDICINES).await;
    assert!(reply.starts_with("I can't reach your records right now."), "{reply}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_again_and_again_is_left_alone() {
    let proxy = Proxy::start(&medplum::shared().base).await;
    let session = Server::new(&medplum::server(&proxy.base), system_now).expect("a server").backend();
    proxy.always(Some(Fault::Reset));
    for _ in 0..20 {
        assert!(session.read("Practitioner", "anita-patel").await.is_err());
    }
    let sent = proxy.seen().len();
    assert!((5..20).contains(&sent), "20 questions of three tries each made {sent} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_never_gets_in() {
    let clinic = Clinic::open(|_| {}).await;
    clinic.proxy.always(Some(Fault::Edit(|answer| {
        let others = [
            json!({"resourceType": "MedicationRequest", "id": "x1", "status": "active", "intent": "order",
                "medicationCodeableConcept": {"text": "velmoradine"}, "subject": {"reference": "Patient/canary"}}),
            json!({"resourceType": "MedicationRequest", "id": "x2", "status": "active", "intent": "order",
                "medicationCodeableConcept": {"text": "xylobrine"},
                "subject": {"reference": "https://other.example/fhir/Patient/rosa-delgado"}}),
            json!({"resourceType": "MedicationRequest", "id": "x3", "status": "active", "intent": "order",
                "medicationCodeableConcept": {"text": "fennimast"}}),
            json!({"resourceType": "Patient", "id": "canary", "name": [{"family": "Zephyrantha"}]}),
        ];
        for entry in answer["entry"].as_array_mut().into_iter().flatten() {
            if let Some(found) = entry.pointer_mut("/resource/entry").and_then(Value::as_array_mut) {
                found.extend(others.iter().map(|other| json!({ "resource": other })));
            }
        }
    })));
    let reply = clinic.says(MEDICINES).await;
    assert!(reply.contains("metformin") && !reply.contains("can't reach"), "{reply}");
    for word in ["velmoradine", "xylobrine", "fennimast", "Zephyrantha"] {
        assert!(!reply.contains(word), "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_patient_stands_for_one_person_and_only_for_whom_an_identifier_tells() {
    let clinic = Clinic::open(|_| {}).await;
    let store = clinic.app.store();
    let bundle = medplum::shared().load_demo("milo-tran.json").await;
    let servers = Servers::new(&clinic.config.records, system_now).expect("servers");
    let file = patient_file(&clinic.dir, &bundle);
    let milo = import_into(store, &file, None, Some("all"), None, now()).await.expect("imported");
    let rosas = identifier(&medplum::shared().load_demo(ROSA).await);
    let try_bind = async |who: &PersonId, server: &str, by: &str| {
        bind(store, &servers, who, (server, by), "tester", now()).await.map_err(|e| format!("{e:#}"))
    };
    let milos = identifier(&bundle);
    for (who, server, by, says) in [
        (&milo, CLINIC, rosas.as_str(), "nothing tells that this patient is that person"),
        (&clinic.rosa, CLINIC, rosas.as_str(), "stands for somebody already"),
        (&milo, "Elsewhere", milos.as_str(), "names no server `Elsewhere`"),
        (&milo, CLINIC, "urn:nobody|7", "no Patient with that identifier"),
        (&milo, CLINIC, "7", "system|value"),
    ] {
        let told = try_bind(who, server, by).await.expect_err(says);
        assert!(told.contains(says), "{told}");
    }
    try_bind(&milo, CLINIC, &milos).await.expect("bound");
    assert_eq!(store.sources().await.expect("read").len(), 2);
    store.remove_source(&milo, "tester", now()).await.expect("removed");
    assert!(store.remove_source(&milo, "tester", now()).await.is_err(), "there is none any more");
}

/// What a nurse sees of Rosa's record, an hour after the program began to ask.
async fn staff_see(clinic: &Clinic, at: Timestamp) -> Box<RecordView> {
    let alerts = std::sync::Arc::new(Alerts::new(&AlertsConfig::default()).expect("nothing to read"));
    let desk = Desk::new(clinic.app.store().clone(), alerts, jiff::SignedDuration::from_hours(1));
    let desk = desk.reading(&clinic.app.core().records);
    let nurse =
        StaffMember { member: CredentialId::parse("ada").expect("fits"), roles: vec![Role::Nurse], rooms: vec![] };
    let why = "Called to a fall in the corridor of another unit";
    let open = Ask::BreakGlass(Whom::Person(clinic.rosa.clone()), why.into());
    assert!(desk.answer(&nurse, open, at).await.is_ok());
    match desk.answer(&nurse, Ask::Record(clinic.rosa.clone()), at).await {
        Ok(Told::Record(record)) => record,
        _ => panic!("a record"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_how_old_a_copy_is() {
    let clinic = Clinic::open(|_| {}).await;
    let (soon, later) = (now() + 1.hour(), now() + 2.hours());
    let record = staff_see(&clinic, soon).await;
    let copied = record.copied.as_ref().expect("it is a server's");
    assert_eq!((copied.from.as_str(), copied.read), (CLINIC, Some(soon)), "read when it was asked for");
    assert!(!record.vitals.is_empty() && !record.conditions.is_empty() && !record.immunizations.is_empty());
    clinic.proxy.always(Some(Fault::Reset));
    let old = staff_see(&clinic, later).await;
    assert_eq!(old.copied.as_ref().and_then(|copied| copied.read), Some(soon), "not newer than it is");
    assert_eq!(old.vitals.len(), record.vitals.len());
}

/// A copy may be older than an order for nothing by mouth.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_may_eat_is_told_as_it_is_now_or_not_at_all() {
    let clinic = Clinic::open(|_| {}).await;
    let list = |name: &str| {
        let catalogue = wellspoken::nlu::catalogue::Catalogue::builtin().expect("the catalogue");
        catalogue.list(name).expect("a list").values.clone()
    };
    let menu = wellspoken::records::Menu::read(include_str!("../../../demo/menu.toml"), &list("dish"), &list("meal"));
    let menu = menu.expect("fits");
    clinic.app.store().set_house_list(wellspoken::records::MENU, &menu, "tester", now()).await.expect("kept");
    let mut speaker = Speaker::new(&clinic.app, crate::support::room(), Some(&clinic.rosa));
    let said = speaker.says("what's for dinner").await.reply;
    assert!(said.starts_with("For dinner today") && said.contains("baked salmon"), "{said}");
    let said = speaker.says("I'll have the salmon for dinner").await.reply;
    assert!(said.starts_with("Baked salmon for dinner today."), "{said}");
    let said = speaker.says("yes").await.reply;
    assert_eq!(said, "I've put baked salmon for dinner on dietary's board. Nobody has confirmed it yet.");
    let board = clinic.app.store().board(None).await.expect("read");
    let needs: Vec<String> = board.into_iter().filter_map(|row| row.need).collect();
    assert_eq!(needs, ["dietary meal order, dinner of 2026-12-01: baked salmon. Takes the place of any before."]);
    let said = speaker.says("I'll have the salmon for dinner").await.reply;
    assert!(said.starts_with("Baked salmon for dinner today."), "{said}");
    clinic.proxy.always(Some(Fault::Reset));
    let said = speaker.says("yes").await.reply;
    assert!(said.starts_with("I can't tell what you may eat right now, so I ordered nothing."), "{said}");
    let said = speaker.says("what's for dinner").await.reply;
    assert!(said.starts_with("I can't tell what you may eat right now, so I name no food."), "{said}");
}

/// A server that keeps no visits, nor times for them: not in what it says it has, and 404 for whoever asks.
fn without_visits(answer: &mut Value) {
    let is_of = |kinds: &[&str], value: &Value| kinds.iter().any(|kind| value == kind);
    if answer["resourceType"] == "CapabilityStatement" {
        let kinds = ["Patient", "MedicationRequest", "MedicationDispense", "Observation", "Task"]
            .map(|kind| json!({"type": kind}));
        answer["rest"][0]["resource"] = json!(kinds);
    }
    for entry in answer["entry"].as_array_mut().into_iter().flatten() {
        let found = entry.pointer("/resource/entry/0/resource/resourceType").unwrap_or(&Value::Null);
        if is_of(&["Appointment"], found) {
            *entry = json!({"response": {"status": "404"}});
        }
    }
    if answer.pointer("/entry/0/resource/resourceType").is_some_and(|kind| kind == "Slot") {
        *answer =
            json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-supported"}]});
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_keep_is_said_to_be_lacking_and_not_to_be_none() {
    let clinic = Clinic::open(|_| {}).await;
    let store = clinic.app.store();
    store.forget_copy(&clinic.rosa).await.expect("forgotten");
    clinic.proxy.always(Some(Fault::Edit(without_visits)));
    let program = || {
        let servers = Arc::new(Servers::new(&clinic.config.records, system_now).expect("servers"));
        Records::new(store.clone()).with_servers(servers)
    };
    let hush = || Hush { aloud: false, named: vec![] };
    let records = program();
    for _ in 0..2 {
        let turn = records.hushed(hush(), now());
        assert!(matches!(turn.visits(&clinic.rosa).await, Err(RecordsError::NotHeld)));
        turn.prescriptions(&clinic.rosa).await.expect("it has those");
        turn.providers(&clinic.rosa).await.expect("as far as the rest tells");
        assert_eq!(turn.stale(), None);
    }
    // What it never had is not none while it is away, either.
    clinic.proxy.always(Some(Fault::Reset));
    let turn = program().hushed(hush(), now());
    assert!(matches!(turn.visits(&clinic.rosa).await, Err(RecordsError::Unreachable)));
    turn.prescriptions(&clinic.rosa).await.expect("from the copy");
    // A server that has them, and fails, lacks nothing.
    clinic.proxy.always(Some(Fault::Edit(|answer| {
        for entry in answer["entry"].as_array_mut().into_iter().flatten().skip(1) {
            *entry = json!({"response": {"status": "404"}});
        }
    })));
    let turn = program().hushed(hush(), now());
    assert!(matches!(turn.visits(&clinic.rosa).await, Err(RecordsError::Unreachable)));
}

/// The same in words.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_a_server_does_not_keep_hears_that_it_does_not() {
    let clinic = Clinic::open(|_| {}).await;
    clinic.proxy.always(Some(Fault::Edit(without_visits)));
    let reply = clinic.says(NEXT).await;
    assert!(reply.starts_with("The records that I can read for you don't hold that kind of thing"), "{reply}");
    assert!(clinic.says(MEDICINES).await.contains("metformin"));
}
