//! Tokens that are no longer used: the organization is told until it heard, over restarts, whoever was deleted meanwhile.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    ambient::Ambient,
    connect::{Desk, Organizations},
    store::Store,
};

use super::{
    organization::{ACCESS, REFRESH},
    secrets::walk,
    stage::Stage,
};
use crate::support::{now, places};

/// As a program that was started anew, at that time: how many are done with.
async fn later(stage: &Stage, at: Timestamp) -> usize {
    let options = wellspoken::store::StoreOptions {
        url: wellspoken::store::database_url(None, &places(stage.dir.path()).data_dir),
        key_file: places(stage.dir.path()).key_file,
        keys: wellspoken::config::KeysConfig::default(),
    };
    let store = Store::open(options).await.expect("a new process");
    let section = stage.program.app().config().connect.clone().expect("a section");
    let organizations = Organizations::new(&section, wellspoken::ambient::system_now).expect("usable");
    let ambient = Ambient::fixed(at, 5);
    let done = Desk { store: &store, ambient: &ambient, organizations: &organizations }.give_back_due().await;
    store.close().await;
    done.expect("looked up")
}

async fn disconnect(stage: &Stage, id: &str) -> Value {
    let gone = json!({ "connection": id });
    let ended = stage.own(Method::POST, "/v1/me/records/disconnect").json(&gone).send().await.expect("an answer");
    assert_eq!(ended.status(), 200);
    ended.json().await.expect("JSON")
}

fn told(stage: &Stage) -> Vec<String> {
    let mut told = stage.organization.0.given_back.lock().expect("whole").clone();
    told.sort();
    told
}

fn both() -> Vec<String> {
    vec![format!("{ACCESS}-0"), format!("{REFRESH}-authorization_code-0")]
}

const fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_is_told_again_until_it_is_up() {
    let stage = Stage::open().await;
    let status = &stage.organization.0.revoke_status;
    let id = stage.connect().await;
    status.store(503, Ordering::Relaxed);
    assert_eq!(disconnect(&stage, &id).await, json!({ "kept": false }), "it is over here at once");
    assert!(stage.connections().await.is_empty() && told(&stage).is_empty());
    for file in walk(stage.dir.path()) {
        let bytes = std::fs::read(&file).expect("readable");
        for word in [ACCESS, REFRESH] {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{word} waits in clear in {}", file.display());
        }
    }
    let start = now();
    assert_eq!(later(&stage, start).await, 0, "not before a minute is over");
    assert_eq!(stage.organization.0.revoked.load(Ordering::Relaxed), 2, "each of the two was tried once");
    assert_eq!(later(&stage, start + minutes(2)).await, 0, "it is down still");
    assert_eq!(stage.organization.0.revoked.load(Ordering::Relaxed), 4);
    status.store(200, Ordering::Relaxed);
    assert_eq!(later(&stage, start + minutes(3)).await, 0, "the second pause is longer");
    assert_eq!(later(&stage, start + minutes(5)).await, 1);
    assert_eq!(told(&stage), both());
    assert_eq!(later(&stage, start + minutes(100_000)).await, 0, "once");
    assert_eq!(stage.store().forget_revocations(start + minutes(100_000)).await.expect("swept"), 0);
    assert_eq!(told(&stage), both());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_deleted_still_has_their_tokens_taken_back() {
    let stage = Stage::open().await;
    stage.connect().await;
    assert!(stage.store().destroy_person(&stage.june, "admin", now()).await.expect("destroyed"));
    assert!(stage.connections().await.is_empty() && told(&stage).is_empty());
    assert_eq!(later(&stage, now()).await, 1);
    assert_eq!(told(&stage), both());
    assert_eq!(later(&stage, now() + minutes(100_000)).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legal_hold_keeps_whoever_is_to_be_deleted_and_their_tokens() {
    let stage = Stage::open().await;
    let id = stage.connect().await;
    stage.store().place_hold(&stage.june, "a lawsuit", "the lawyer", now()).await.expect("placed");
    assert!(stage.store().destroy_person(&stage.june, "admin", now()).await.is_err());
    assert_eq!(later(&stage, now()).await, 0, "what stays connected is not given back");
    stage.organization.0.revoke_status.store(500, Ordering::Relaxed);
    assert_eq!(disconnect(&stage, &id).await, json!({ "kept": true }));
    stage.organization.0.revoke_status.store(200, Ordering::Relaxed);
    assert_eq!(later(&stage, now() + minutes(2)).await, 1, "a hold keeps no access open");
    assert_eq!(told(&stage), both());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_takes_back_is_given_up_and_deleted() {
    let stage = Stage::open().await;
    // It says that it takes no such word: that is believed.
    *stage.organization.0.document.lock().expect("whole") = json!({ "revocation_endpoint": null });
    let id = stage.connect().await;
    disconnect(&stage, &id).await;
    assert_eq!(stage.store().due_revocations(now() + minutes(100_000)).await.expect("read").len(), 0);

    let stage = Stage::open().await;
    let id = stage.connect().await;
    stage.organization.0.revoke_status.store(400, Ordering::Relaxed);
    disconnect(&stage, &id).await;
    let (day, start) = (24 * 60, now());
    assert_eq!(stage.store().forget_revocations(start + minutes(13 * day)).await.expect("swept"), 0);
    assert_eq!(later(&stage, start + minutes(13 * day)).await, 0, "an error is no confirmation");
    assert_eq!(stage.store().forget_revocations(start + minutes(14 * day + 1)).await.expect("swept"), 1);
    assert_eq!(later(&stage, start + minutes(100 * day)).await, 0);
    assert!(stage.store().audit_verify().await.expect("read").whole());
}
