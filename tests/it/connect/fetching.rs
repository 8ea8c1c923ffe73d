//! Fetching what was connected: taken up again, by one alone, without the same thing twice, and gone when it is taken back.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    ambient::Ambient,
    config::Config,
    connect::{Desk, Fetched, Organizations},
    store::{ConnectionState, Store},
};

use super::{organization::medicine, stage::Stage};
use crate::support::{now, places};

const ASKS: &str = "what medicines am I on";

async fn state(stage: &Stage) -> ConnectionState {
    stage.connections().await.pop().expect("one").state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_goes_on_where_it_was_and_half_of_it_is_not_used() {
    let stage = Stage::open().await;
    stage.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    stage.connect().await;
    let shared = &stage.organization.0;
    shared.asked.lock().expect("whole").clear();
    // The Patient and the prescriptions come; the rest does not.
    shared.answers.store(2, Ordering::Relaxed);
    assert_eq!(stage.program.fetch_connected().await, 1);
    assert_eq!(state(&stage).await, ConnectionState::Importing);
    assert!(!stage.says(ASKS).await.contains("levothyroxine"), "half of it is not used");
    let shown = &stage.shown().await["connections"][0];
    assert!(shown["progress"]["done"].as_u64() >= Some(2), "{shown}");

    shared.answers.store(usize::MAX, Ordering::Relaxed);
    assert_eq!(stage.program.fetch_connected().await, 0, "it is left alone for a while");
    let mut config = Config::default();
    config.connect = stage.program.app().config().connect.clone();
    let organizations =
        Organizations::new(config.connect.as_ref().expect("a section"), wellspoken::ambient::system_now);
    let organizations = organizations.expect("usable");
    let later = Ambient::fixed(now() + jiff::SignedDuration::from_mins(11), 3);
    let desk = Desk { store: stage.store(), ambient: &later, organizations: &organizations };
    assert_eq!(desk.fetch_due().await.expect("fetched"), 1);
    assert_eq!(state(&stage).await, ConnectionState::Ready);
    for kind in ["Patient", "MedicationRequest", "Observation"] {
        assert_eq!(stage.organization.asked_for(kind), 1, "{kind} was asked for once");
    }
    let told = stage.says(ASKS).await;
    assert!(told.contains("levothyroxine"), "{told}");
    let shown = &stage.shown().await["connections"][0];
    assert_eq!((&shown["state"], &shown["used"]["MedicationRequest"]), (&json!("ready"), &json!(1)));
    assert!(shown["missing"].to_string().contains("your allergies"), "what was not granted is told: {shown}");
    assert!(shown["skipped"].to_string().contains("AllergyIntolerance: not granted"), "{shown}");
    assert_eq!(stage.organization.asked_for("AllergyIntolerance"), 0, "what was not granted is not asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_shows_the_refresh_token() {
    let stage = Stage::open().await;
    *stage.organization.0.token.lock().expect("whole") = json!({ "expires_in": 0 });
    let id = stage.connect().await;
    *stage.organization.0.token.lock().expect("whole") = json!({});
    let options = wellspoken::store::StoreOptions {
        url: wellspoken::store::database_url(None, &places(stage.dir.path()).data_dir),
        key_file: places(stage.dir.path()).key_file,
        keys: wellspoken::config::KeysConfig::default(),
    };
    let other = Store::open(options).await.expect("a second process");
    let section = stage.program.app().config().connect.clone().expect("a section");
    let organizations = Organizations::new(&section, wellspoken::ambient::system_now).expect("usable");
    let ambient = Ambient::fixed(now(), 5);
    let one = Desk { store: stage.store(), ambient: &ambient, organizations: &organizations };
    let two = Desk { store: &other, ambient: &ambient, organizations: &organizations };
    let (a, b) = tokio::join!(one.fetch(&id), two.fetch(&id));
    let mut outcomes = [a.expect("fetched"), b.expect("fetched")];
    outcomes.sort_by_key(|how| *how == Fetched::NotMine);
    // Whoever comes while the other works is turned away; who comes after it finds a token that is still good.
    assert_eq!(outcomes[0], Fetched::Ready);
    assert!(matches!(outcomes[1], Fetched::NotMine | Fetched::Ready));
    assert_eq!(stage.organization.0.refreshes.load(Ordering::Relaxed), 1, "a refresh token works once");
    // What came back is what is kept: the next one works, too.
    stage.organization.0.shut.store(true, Ordering::Relaxed);
    assert_eq!(
        one.fetch(&id).await.expect("fetched"),
        Fetched::Lapsed,
        "the token is taken nowhere, and the refresh was"
    );
    assert_eq!(stage.organization.0.refreshes.load(Ordering::Relaxed), 2);
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_that_is_taken_back_is_said_and_what_was_fetched_stays() {
    let stage = Stage::open().await;
    stage.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    let id = stage.connect().await;
    assert_eq!(stage.program.fetch_connected().await, 1);
    stage.organization.0.shut.store(true, Ordering::Relaxed);
    stage.organization.0.token_status.store(400, Ordering::Relaxed);
    let section = stage.program.app().config().connect.clone().expect("a section");
    let organizations = Organizations::new(&section, wellspoken::ambient::system_now).expect("usable");
    let ambient = Ambient::fixed(now(), 5);
    let desk = Desk { store: stage.store(), ambient: &ambient, organizations: &organizations };
    assert_eq!(desk.fetch(&id).await.expect("fetched"), Fetched::Lapsed);
    assert_eq!(state(&stage).await, ConnectionState::Lapsed);
    assert!(stage.connections().await[0].details.access.is_none(), "its tokens are gone");
    let told = stage.says(ASKS).await;
    assert!(told.contains("levothyroxine"), "what was fetched stays: {told}");
    assert!(told.contains("By the way, Mercy Hospital no longer lets me read your records there"), "{told}");
    let again = stage.says(ASKS).await;
    assert!(!again.contains("no longer lets me"), "once");
    assert!(again.contains("from Mercy Hospital, fetched"), "but never without its day from then on: {again}");
    assert_eq!(stage.shown().await["connections"][0]["state"], "lapsed");
    // Connecting it again makes it whole.
    stage.organization.0.shut.store(false, Ordering::Relaxed);
    stage.organization.0.token_status.store(200, Ordering::Relaxed);
    assert_eq!(stage.connect().await, id, "it is the same connection");
    assert_eq!(stage.program.fetch_connected().await, 1);
    assert_eq!((state(&stage).await, stage.connections().await.len()), (ConnectionState::Ready, 1));
    let told = stage.says(ASKS).await;
    assert!(told.contains("from Mercy Hospital") && !told.contains("fetched"), "what is new needs no day: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_granted_is_not_told_as_if_there_were_none() {
    let stage = Stage::open().await;
    stage.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    let asks = "do I have any allergies";
    assert!(!stage.says(asks).await.contains("Mercy"));
    let id = stage.connect().await;
    assert_eq!(stage.program.fetch_connected().await, 1);
    let told = stage.says(asks).await;
    assert!(told.contains("Mercy Hospital did not let me read your allergies, so there may be some there."), "{told}");
    let told = stage.says("what lab results do I have").await;
    assert!(!told.contains("did not let me"), "there it may be read, and there is none: {told}");
    let told = stage.says("which hospitals am I connected to").await;
    assert!(told.contains("It did not let me read your") && told.contains("allergies"), "{told}");
    let gone = json!({ "connection": id });
    let ended = stage.own(Method::POST, "/v1/me/records/disconnect").json(&gone).send().await.expect("an answer");
    assert_eq!(ended.status(), 200);
    assert!(!stage.says(asks).await.contains("Mercy"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_prescription_at_two_places_counts_once_and_goes_with_its_source() {
    let stage = Stage::open().await;
    let twice = vec![
        medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1"),
        medicine("m-2", "warfarin 5 MG Oral Tablet", "2"),
    ];
    stage.organization.has("MedicationRequest", twice.clone());
    // It is on record here, too, under the same number.
    let mut bundle: Value =
        serde_json::from_str(include_str!("../../../demo/empty-chart.json")).expect("the demo bundle");
    let mut own = twice[0].clone();
    own["id"] = "own-1".into();
    own["subject"] = json!({ "reference": "Patient/june-whitlock" });
    bundle["entry"].as_array_mut().expect("entries").push(json!({ "resource": own }));
    let chart = wellspoken::records::fhir_bundle::parse(bundle.to_string().as_bytes()).expect("a chart");
    let options = wellspoken::store::ImportOptions::default();
    assert_eq!(stage.store().import(&chart, options, now()).await.expect("imported"), stage.june);

    let id = stage.connect().await;
    assert_eq!(stage.program.fetch_connected().await, 1);
    let kept = async || -> Value {
        let response = stage.own(Method::GET, "/v1/me").send().await.expect("an answer");
        response.json::<Value>().await.expect("JSON")["kept"]["medicines"].clone()
    };
    assert_eq!(kept().await, 2, "one of them is at both places");
    let gone = json!({ "connection": id });
    let before = stage.organization.0.revoked.load(Ordering::Relaxed);
    let ended = stage.own(Method::POST, "/v1/me/records/disconnect").json(&gone).send().await.expect("an answer");
    assert_eq!(ended.json::<Value>().await.expect("JSON"), json!({ "kept": false }));
    assert_eq!(kept().await, 1, "what was here all along stays");
    assert!(stage.connections().await.is_empty());
    assert_eq!(stage.organization.0.revoked.load(Ordering::Relaxed), before + 2, "both tokens are given back");
    assert!(!stage.says(ASKS).await.contains("warfarin"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legal_hold_keeps_what_was_fetched_and_ends_the_access_all_the_same() {
    let stage = Stage::open().await;
    stage.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    let id = stage.connect().await;
    assert_eq!(stage.program.fetch_connected().await, 1);
    stage.store().place_hold(&stage.june, "a lawsuit", "the lawyer", now()).await.expect("placed");
    let gone = json!({ "connection": id });
    let ended = stage.own(Method::POST, "/v1/me/records/disconnect").json(&gone).send().await.expect("an answer");
    assert_eq!(ended.json::<Value>().await.expect("JSON"), json!({ "kept": true }));
    let left = stage.connections().await.pop().expect("one");
    assert!(left.state == ConnectionState::Ended && left.details.access.is_none());
    assert!(stage.says(ASKS).await.contains("levothyroxine"));
}

/// What came of it goes with the turn; the organization hears of it from whoever fetches.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_disconnected_aloud_is_gone_at_once_and_its_tokens_are_given_back() {
    let stage = Stage::open().await;
    stage.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    let id = stage.connect().await;
    assert_eq!(stage.program.fetch_connected().await, 1);
    assert!(stage.says(ASKS).await.contains("levothyroxine"));
    let mut speaker =
        crate::support::Speaker::new(stage.program.app(), wellspoken::policy::Surface::Chat, Some(&stage.june));
    let asked = speaker.says("disconnect my health records").await;
    assert!(asked.reply.contains("delete what I fetched from Mercy Hospital"), "{}", asked.reply);
    let done = speaker.says("yes").await;
    assert!(done.reply.starts_with("It's done. I have nothing from Mercy Hospital any more."), "{}", done.reply);
    assert!(!stage.says(ASKS).await.contains("levothyroxine"), "at once");
    assert!(stage.connections().await.is_empty());
    assert_eq!(stage.organization.0.revoked.load(Ordering::Relaxed), 0);
    assert_eq!(stage.program.fetch_connected().await, 1, "the organization is told");
    assert_eq!(stage.organization.0.revoked.load(Ordering::Relaxed), 2, "both tokens");
    assert_eq!(stage.program.fetch_connected().await, 0, "and nothing is left to be told of");
    assert!(stage.store().claim_connection(&id, now()).await.expect("asked").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_strict_server_gives_in_parts_is_read_and_what_it_refuses_is_told_once() {
    let stage = Stage::open().await;
    let shared = &stage.organization.0;
    stage.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    *shared.strict.lock().expect("whole") = [("MedicationRequest", "intent"), ("Observation", "category")].into();
    stage.connect().await;
    assert_eq!(stage.program.fetch_connected().await, 1);
    let told = stage.says(ASKS).await;
    assert!(told.contains("levothyroxine") && !told.contains("couldn't read"), "{told}");
    assert_eq!(stage.organization.asked_for("Observation"), 3, "at once, then each part");

    let other = Stage::open().await;
    other.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    *other.organization.0.strict.lock().expect("whole") = [("Observation", "")].into();
    other.connect().await;
    assert_eq!(other.program.fetch_connected().await, 1);
    let told = other.says(ASKS).await;
    assert!(told.contains("levothyroxine") && told.contains("couldn't read your test results"), "{told}");
    let again = other.says(ASKS).await;
    assert!(!again.contains("couldn't read"), "once: {again}");
}
