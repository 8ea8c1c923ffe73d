//! `/openapi.json` says what the doors do, and no more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::door::Door;

async fn document(door: &Door) -> Value {
    let response = door.request(reqwest::Method::GET, "/openapi.json").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.json().await.expect("JSON")
}

#[tokio::test]
async fn the_description_is_the_one_checked_in() {
    insta::assert_json_snapshot!("openapi", document(&Door::open().await).await);
}

#[tokio::test]
async fn every_described_address_is_there_and_described_methods_are_taken() {
    let door = Door::open().await;
    let document = document(&door).await;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let method: reqwest::Method = method.to_uppercase().parse().expect("a method");
            let response = door.request(method.clone(), path).send().await.expect("an answer");
            assert!(!matches!(response.status().as_u16(), 404 | 405), "{method} {path}: {}", response.status());
        }
    }
}

#[tokio::test]
async fn every_operation_says_which_credential_it_wants() {
    let document = document(&Door::open().await).await;
    let open = ["/livez", "/readyz", "/openapi.json", "/v1/sign-in"];
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let security = operation["security"].as_array().expect("security");
            let free = security.iter().all(|s| s.as_object().is_some_and(serde_json::Map::is_empty));
            let expected = open.contains(&path.as_str()) || (path == "/v1/session" && method == "post");
            assert_eq!(free, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn an_answer_has_the_described_fields_and_no_others() {
    let door = Door::open().await;
    let document = document(&door).await;
    let body = serde_json::json!({ "text": "hello", "speak": true });
    let answer: Value =
        door.turn("chat-token").json(&body).send().await.expect("an answer").json().await.expect("JSON");
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let schemas = &document["components"]["schemas"];
    assert_eq!(names(&answer), names(&schemas["TurnResult"]["properties"]));
    assert_eq!(names(&answer["heard"]), names(&schemas["Heard"]["properties"]));
    assert_eq!(names(&answer["timings_ms"]), names(&schemas["Timings"]["properties"]));
}
