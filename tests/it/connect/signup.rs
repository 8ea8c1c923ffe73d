//! From signing up to an answer out of connected records, as one who was known to nobody before.

use std::sync::atomic::Ordering;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use wellspoken::{
    mail::Address,
    policy::{PersonId, Surface},
    store::Grant,
};

use super::{
    organization::medicine,
    stage::{Stage, cookies},
};
use crate::support::{Speaker, now};

const TOKEN: &str = "a-page-of-somebody-new";
const ASKS: &str = "what medicines am I on";

/// Lets somebody in from the waiting list; who they became.
async fn let_in(stage: &Stage) -> PersonId {
    let (store, address) = (stage.store(), Address::parse("new@example.org").expect("an address"));
    store.wants_in(&address, "11112222", "wsp_unused", now()).await.expect("noted");
    assert!(store.confirms(&address, "11112222", now()).await.expect("asked").is_some());
    let id = store.waiting().await.expect("read").remove(0).id;
    assert!(store.enable(&id, "wsp_in", "admin", now()).await.expect("let in"));
    let grant = store.redeem("wsp_in", now()).await.expect("asked").expect("the link works");
    store.issue(&Grant { one_time: false, ..grant.clone() }, TOKEN, now()).await.expect("a session");
    grant.person.expect("somebody")
}

async fn ask(stage: &Stage, method: Method, path: &str, body: Value) -> Response {
    stage.request(method, path).bearer_auth(TOKEN).json(&body).send().await.expect("an answer")
}

async fn says(stage: &Stage, person: &PersonId) -> String {
    Speaker::new(stage.program.app(), Surface::Chat, Some(person)).says(ASKS).await.reply
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signed_up_says_who_they_are_and_connects_only_their_own_records() {
    let stage = Stage::open().await;
    stage.organization.has("MedicationRequest", vec![medicine("m-1", "levothyroxine 50 MCG Oral Tablet", "1")]);
    let person = let_in(&stage).await;
    assert_ne!(person, stage.june);
    let me = async || -> Value {
        let request = stage.request(Method::GET, "/v1/me").bearer_auth(TOKEN);
        request.send().await.expect("an answer").json().await.expect("JSON")
    };
    let before = me().await;
    assert_eq!((&before["names_themselves"], before.get("name")), (&json!(true), None), "{before}");
    let all = json!({ "version": 0, "uses": ["answer.medicines", "answer.records"] });
    assert_eq!(ask(&stage, Method::PUT, "/v1/me/consent", all).await.status(), 200);
    assert!(!says(&stage, &person).await.contains("levothyroxine"));

    let mercy = json!({ "organization": "mercy" });
    let refused = ask(&stage, Method::POST, "/v1/me/records", mercy.clone()).await;
    assert_eq!(refused.status(), 409, "nobody knows whose records would be theirs");
    assert_eq!(refused.json::<Value>().await.expect("JSON")["error"]["code"], "nameless");
    for wrong in [
        json!({ "given": "", "family": "Whitlock", "birth": "1984-08-09" }),
        json!({ "given": "June", "family": "Whitlock", "birth": "2984-08-09" }),
        json!({ "given": "June", "family": "Whitlock", "birth": "1984-02-30" }),
        json!({ "given": "June", "family": "Whitlock" }),
    ] {
        assert_eq!(ask(&stage, Method::PUT, "/v1/me/name", wrong.clone()).await.status(), 400, "{wrong}");
    }

    let connect = async || -> String {
        let begun = ask(&stage, Method::POST, "/v1/me/records", mercy.clone()).await;
        assert_eq!(begun.status(), 200);
        let cookie = cookies(&begun)["wellspoken-connect"].clone();
        let go = begun.json::<Value>().await.expect("JSON")["go"].as_str().expect("an address").to_owned();
        let query = go.split_once('?').expect("a query").1;
        let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").expect("a state").1;
        stage.back(&[("code", "a-code"), ("state", &state)], Some(&cookie)).await
    };
    // They say that they are somebody else than who signs in at the organization.
    let other = json!({ "given": "Ada", "family": "Quill", "birth": "1970-01-01" });
    assert_eq!(ask(&stage, Method::PUT, "/v1/me/name", other).await.status(), 204);
    assert_eq!(connect().await, "person");
    assert_eq!(stage.organization.0.revoked.load(Ordering::Relaxed), 2, "what was given is given back");
    assert!(stage.store().connections(&person).await.expect("read").is_empty());

    let name = json!({ "given": "June", "family": "Whitlock", "birth": "1984-08-09" });
    assert_eq!(ask(&stage, Method::PUT, "/v1/me/name", name.clone()).await.status(), 204);
    assert_eq!(connect().await, "done");
    assert_eq!(stage.program.fetch_connected().await, 1);
    let told = says(&stage, &person).await;
    assert!(told.contains("levothyroxine") && told.contains("Mercy Hospital"), "{told}");
    let after = me().await;
    assert_eq!((&after["names_themselves"], &after["name"]), (&json!(false), &json!("June Whitlock")));
    let known = ask(&stage, Method::PUT, "/v1/me/name", name.clone()).await;
    assert_eq!(known.status(), 409, "what is connected is theirs under that name");
    // Somebody else of the same name and birthday is not touched by any of it.
    assert!(!stage.says(ASKS).await.contains("levothyroxine"));
    let theirs = stage.own(Method::PUT, "/v1/me/name").json(&name).send().await.expect("an answer");
    assert_eq!(theirs.status(), 409, "a record tells who they are");
}
