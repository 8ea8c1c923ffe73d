//! What is refused, each time with nothing kept: answers that were not asked for here and now, lies, and somebody else's
//! records.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wellspoken::records::Profile;

use super::{
    organization::{june, patient},
    stage::Stage,
};
use crate::support::now;

async fn nothing_is_kept(stage: &Stage, name: &str) {
    assert!(stage.connections().await.is_empty(), "{name}: something is kept");
    assert_eq!(stage.program.fetch_connected().await, 0, "{name}: something is fetched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_once_in_its_own_browser_and_in_time() {
    let stage = Stage::open().await;
    let (ours, other) = (stage.begin().await, stage.begin().await);
    let (code, state) = (("code", "a-code"), ("state", ours.query["state"].as_str()));
    let (rest, last) = ours.cookie.split_at(ours.cookie.len() - 1);
    let altered = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    type Back<'a> = (&'a str, Vec<(&'a str, &'a str)>, Option<&'a str>);
    let stale: [Back<'_>; 8] = [
        ("no cookie", vec![code, state], None),
        ("another one's cookie", vec![code, state], Some(&other.cookie)),
        ("no state", vec![code], Some(&ours.cookie)),
        ("another one's state", vec![code, ("state", &other.query["state"])], Some(&ours.cookie)),
        ("an invented state", vec![code, ("state", "abc")], Some(&ours.cookie)),
        ("an altered cookie", vec![code, state], Some(&altered)),
        ("a state twice", vec![code, state, state], Some(&ours.cookie)),
        ("nothing", vec![], Some(&ours.cookie)),
    ];
    for (name, query, cookie) in stale {
        assert_eq!(stage.back(&query, cookie).await, "stale", "{name}");
        nothing_is_kept(&stage, name).await;
    }
    let later = now() + wellspoken::store::CONNECTING_LASTS;
    let late = stage.store().connection_came_back(&other.query["state"], &other.cookie, later).await.expect("asked");
    assert!(late.is_none(), "too late");
    assert_eq!(stage.organization.0.exchanges.load(Ordering::Relaxed), 0, "none of these asked the organization");

    assert_eq!(stage.come_back(&ours).await, "done");
    assert_eq!(stage.come_back(&ours).await, "stale", "the same answer again");
    assert_eq!(stage.organization.0.exchanges.load(Ordering::Relaxed), 1);
    assert_eq!(stage.connections().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_signed_out_meanwhile_connects_nothing() {
    let stage = Stage::open().await;
    let begun = stage.begin().await;
    assert!(stage.store().revoke(&stage.page, now()).await.expect("revoked"));
    assert_eq!(stage.come_back(&begun).await, "stale");
    nothing_is_kept(&stage, "signed out").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lies_or_says_no_connects_nothing_and_gets_back_what_they_gave() {
    let stage = Stage::open().await;
    let shared = &stage.organization.0;
    let (none, down) = (json!({}), || shared.answers.store(0, Ordering::Relaxed));
    type Set<'a> = Box<dyn Fn() + 'a>;
    let token = |change: Value| -> Set<'_> { Box::new(move || *shared.token.lock().expect("whole") = change.clone()) };
    let there = &stage.organization;
    let records = |all: Vec<Value>| -> Set<'_> { Box::new(move || there.has("Patient", all.clone())) };
    let status = |status: usize| -> Set<'_> { Box::new(move || shared.token_status.store(status, Ordering::Relaxed)) };
    // What it does, what the page says, whether there was something to give back.
    let lies: Vec<(&str, Set<'_>, &str, bool)> = vec![
        ("no patient", token(json!({ "patient": null })), "person", true),
        ("a path for a patient", token(json!({ "patient": "../Patient/p-1" })), "person", true),
        ("no bearer token", token(json!({ "token_type": "mac" })), "wrong", false),
        ("the code is not taken", status(400), "wrong", false),
        ("out of order", status(503), "unavailable", false),
        ("somebody else", records(vec![patient("p-1", "Ada", "Quill", "1970-01-01")]), "person", true),
        ("a twin", records(vec![patient("p-1", "Jane", "Whitlock", "1984-08-09")]), "person", true),
        ("a daughter of her name", records(vec![patient("p-1", "June", "Whitlock", "2010-08-09")]), "person", true),
        ("no date of birth", records(vec![patient("p-1", "June", "Whitlock", "1984")]), "person", true),
        ("two people", records(vec![june(), patient("p-2", "June", "Whitlock", "1984-08-09")]), "person", true),
        ("nobody", records(vec![]), "person", true),
        ("the token is not taken", Box::new(|| shared.shut.store(true, Ordering::Relaxed)), "person", true),
        ("the records are down", Box::new(down), "unavailable", true),
    ];
    for (name, lie, word, given) in lies {
        lie();
        let (begun, before) = (stage.begin().await, shared.revoked.load(Ordering::Relaxed));
        assert_eq!(stage.come_back(&begun).await, word, "{name}");
        nothing_is_kept(&stage, name).await;
        assert_eq!(shared.revoked.load(Ordering::Relaxed) > before, given, "{name}: given back");
        *shared.token.lock().expect("whole") = none.clone();
        shared.token_status.store(200, Ordering::Relaxed);
        shared.shut.store(false, Ordering::Relaxed);
        shared.answers.store(usize::MAX, Ordering::Relaxed);
        stage.organization.has("Patient", vec![june()]);
    }
    let begun = stage.begin().await;
    let state = ("state", begun.query["state"].as_str());
    assert_eq!(stage.back(&[("error", "access_denied"), state], Some(&begun.cookie)).await, "refused");
    let begun = stage.begin().await;
    let query = [("code", "c"), ("state", begun.query["state"].as_str()), ("iss", "https://evil.example")];
    assert_eq!(stage.back(&query, Some(&begun.cookie)).await, "wrong", "mixed up with another");
    nothing_is_kept(&stage, "the end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_bound_to_this_begin_and_this_server() {
    let stage = Stage::open().await;
    let begun = stage.begin().await;
    let asked = &begun.query;
    let names: std::collections::BTreeSet<&str> = asked.keys().map(String::as_str).collect();
    let wanted = "aud client_id code_challenge code_challenge_method redirect_uri response_type scope state";
    assert_eq!(names.into_iter().collect::<Vec<_>>().join(" "), wanted);
    assert_eq!(asked["aud"], format!("{}/fhir", stage.organization.url()));
    assert_eq!(asked["redirect_uri"], "http://localhost:1/connect/back");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["scope"].split(' ').any(|scope| scope == "launch/patient"), "{}", asked["scope"]);
    assert_eq!(stage.come_back(&begun).await, "done");
    let form = stage.organization.0.form.lock().expect("whole").clone();
    let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default();
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier"))), asked["code_challenge"]);
    assert!(field("code_verifier").len() >= 43);
    let other = stage.begin().await;
    for name in ["state", "code_challenge"] {
        assert_ne!(asked[name], other.query[name], "{name}");
    }
    assert_ne!(begun.cookie, other.cookie);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_a_page_of_the_persons_own_comes_near() {
    let stage = Stage::open().await;
    let id = stage.connect().await;
    let bodies = [
        (Method::GET, "/v1/me/records", Value::Null),
        (Method::POST, "/v1/me/records", json!({ "organization": "mercy" })),
        (Method::POST, "/v1/me/records/disconnect", json!({ "connection": id })),
    ];
    for (method, path, body) in &bodies {
        let ask = |token: Option<&str>| {
            let request = stage.request(method.clone(), path).json(body);
            match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            }
        };
        assert_eq!(ask(None).send().await.expect("an answer").status(), 401, "{path}");
        assert_eq!(ask(Some("nonsense")).send().await.expect("an answer").status(), 401, "{path}");
        let elsewhere = stage.client.request(method.clone(), format!("{}{path}", stage.url)).json(body);
        let elsewhere = elsewhere.bearer_auth(super::stage::PAGE).header("origin", "https://evil.example");
        assert_eq!(elsewhere.send().await.expect("an answer").status(), 403, "{path}");
    }
    for (body, status) in [(json!({ "organization": "nowhere" }), 400), (json!({ "organisation": 7 }), 400)] {
        let answer = stage.own(Method::POST, "/v1/me/records").json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{body}");
    }
    let gone = json!({ "connection": "nothing" });
    let answer = stage.own(Method::POST, "/v1/me/records/disconnect").json(&gone).send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert_eq!(stage.connections().await.len(), 1, "it is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_is_taken_once_staff_saw_papers_for_that_name_and_that_place() {
    let stage = Stage::open().await;
    let store = stage.store();
    stage.organization.has("Patient", vec![patient("p-1", "June", "Ashby", "1984-08-09")]);
    let there = |given: &str, family: &str, birth: &str| Profile {
        given: given.into(),
        family: family.into(),
        birth: birth.parse().ok(),
        called: vec![],
    };
    let connects = async || {
        let begun = stage.begin().await;
        stage.come_back(&begun).await
    };
    assert_eq!(connects().await, "person");
    for (organization, papers) in [
        ("lake", there("June", "Ashby", "1984-08-09")),
        ("mercy", there("June", "Whitlock", "1984-08-09")),
        ("mercy", there("June", "Ashby", "1984-08-10")),
        ("mercy", there("", "", "1984-08-09")),
    ] {
        store.allow_connection(&stage.june, organization, &papers, "Lee Park", now()).await.expect("allowed");
        assert_eq!(connects().await, "person", "{organization}: {} {}", papers.given, papers.family);
        nothing_is_kept(&stage, "other papers").await;
    }
    let papers = there("June", "Ashby", "1984-08-09");
    let nobody = wellspoken::policy::PersonId::parse("nobody").expect("fits");
    assert!(store.allow_connection(&nobody, "mercy", &papers, "Lee Park", now()).await.is_err());
    let long_ago = now() - wellspoken::store::ALLOWANCE_LASTS;
    store.allow_connection(&stage.june, "mercy", &papers, "Lee Park", long_ago).await.expect("allowed");
    assert_eq!(connects().await, "person", "for thirty days");
    store.allow_connection(&stage.june, "mercy", &papers, "Lee Park", now()).await.expect("allowed");
    assert_eq!(connects().await, "done");
    assert_eq!(stage.connections().await.len(), 1);
    // The person sees who allowed it.
    let looked = stage.own(Method::GET, "/v1/me/access").send().await.expect("an answer");
    let looked: Value = looked.json().await.expect("JSON");
    let rows = looked["entries"].as_array().expect("a list");
    let allowed = rows.iter().find(|row| row["outcome"] == "allowed").expect("a row");
    assert_eq!((&allowed["by"], &allowed["own"]), (&json!("Lee Park"), &json!(false)));
}
