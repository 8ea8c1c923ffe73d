//! Every door wants a credential, and who calls comes from it alone.

use reqwest::{Method, header};
use serde_json::json;

use super::door::{Door, TOKENS, refusal};

/// Every address that is not open to everybody.
const DOORS: [(&str, &str); 4] =
    [("POST", "/v1/turns"), ("GET", "/v1/session"), ("DELETE", "/v1/session"), ("GET", "/metrics")];

fn method(name: &str) -> Method {
    name.parse().expect("a method")
}

#[tokio::test]
async fn every_door_wants_a_credential_and_says_no_more_about_a_wrong_one() {
    let door = Door::open().await;
    for (name, path) in DOORS {
        let mut answers = vec![];
        let wrong = ["", "Bearer", "Bearer ", "Bearer wrong", "Basic Y2hhdC10b2tlbg==", "chat-token", "Bearer link-1"];
        for credential in wrong {
            let mut request = door.request(method(name), path).json(&json!({ "text": "x" }));
            if !credential.is_empty() {
                request = request.header(header::AUTHORIZATION, credential);
            }
            let response = request.send().await.expect("an answer");
            assert_eq!(
                response.headers().get("www-authenticate").map(|v| v.as_bytes()),
                Some(&b"Bearer realm=\"wellspoken\""[..])
            );
            let (status, code, text) = refusal(response).await;
            assert_eq!((status, code.as_str()), (401, "unauthenticated"), "{name} {path} with {credential:?}");
            answers.push(text);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{name} {path}: the answers differ: {answers:?}");
    }
    assert_eq!(door.turns(), 0);
}

#[tokio::test]
async fn the_open_addresses_are_these_and_hold_no_data() {
    let door = Door::open().await;
    let open = [
        "/",
        "/page/talk.css",
        "/page/talk.js",
        "/page/microphone.js",
        "/page/sign-in.js",
        "/page/tap.js",
        "/v1/sign-in",
        "/page/icon.svg",
        "/livez",
        "/readyz",
        "/openapi.json",
    ];
    for path in open {
        let response = door.request(Method::GET, path).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
    }
    let (status, code, _) = refusal(door.request(Method::GET, "/v1/people").send().await.expect("an answer")).await;
    assert_eq!((status, code.as_str()), (404, "not_found"));
    let (status, code, _) = refusal(door.request(Method::GET, "/v1/turns").send().await.expect("an answer")).await;
    assert_eq!((status, code.as_str()), (405, "wrong_method"));
}

#[tokio::test]
async fn the_channel_is_the_credentials() {
    let door = Door::open().await;
    for (token, channel) in TOKENS {
        let response = door.turn(token).json(&json!({ "text": "hello" })).send().await.expect("an answer");
        if channel == "operator" {
            assert_eq!(refusal(response).await.1, "not_meant", "an operator's credential speaks for nobody");
            continue;
        }
        assert_eq!(response.status(), 200, "{token}");
        let asked = door.parrot.asked.lock().expect("no test panics here");
        assert_eq!(asked.last().map(|a| a.surface.name()), Some(channel));
    }
}

#[tokio::test]
async fn metrics_are_for_operators() {
    let door = Door::open().await;
    for (token, channel) in TOKENS {
        let response = door.request(Method::GET, "/metrics").bearer_auth(token).send().await.expect("an answer");
        let expected = if channel == "operator" { 200 } else { 403 };
        assert_eq!(response.status(), expected, "{token}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_lets_nobody_in_and_says_so() {
    let door = Door::open().await;
    let response = door.turn("unlucky-token").json(&json!({ "text": "x" })).send().await.expect("an answer");
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(refusal(response).await.1, "unavailable");
}

#[tokio::test]
async fn a_link_works_once_and_its_cookie_only_from_the_page() {
    let door = Door::open().await;
    let redeem =
        || door.request(Method::POST, "/v1/session").header("origin", &door.url).json(&json!({ "link": "link-1" }));
    let response = redeem().send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let cookie = response.headers()["set-cookie"].to_str().expect("ASCII").to_owned();
    assert_eq!(cookie, "wellspoken=page-of-link-1; Path=/; HttpOnly; SameSite=Strict");
    let body = response.text().await.expect("a body");
    assert!(!body.contains("page-of"), "the token is for the cookie alone: {body}");

    let again = redeem().send().await.expect("an answer");
    assert!(!again.headers().contains_key("set-cookie"));
    assert_eq!(refusal(again).await.1, "link_spent");

    let pair = cookie.split(';').next().expect("a pair").to_owned();
    let turn = |origin: Option<&str>| {
        let request = door.request(Method::POST, "/v1/turns").header("cookie", &pair).json(&json!({ "text": "hello" }));
        if let Some(origin) = origin { request.header("origin", origin) } else { request }
    };
    let ours = turn(Some(&door.url)).send().await.expect("an answer");
    assert_eq!(ours.status(), 200);
    for origin in [None, Some("http://evil.example"), Some("null"), Some("http://localhost:1")] {
        let refused = turn(origin).send().await.expect("an answer");
        assert_eq!(refusal(refused).await.1, "wrong_origin", "{origin:?}");
    }
    assert_eq!(door.turns(), 1);

    let session = |method| door.request(method, "/v1/session").header("cookie", &pair).header("origin", &door.url);
    assert_eq!(session(Method::GET).send().await.expect("an answer").status(), 200);
    let ended = session(Method::DELETE).send().await.expect("an answer");
    assert_eq!(ended.status(), 204);
    assert!(ended.headers()["set-cookie"].to_str().expect("ASCII").contains("Max-Age=0"));
    assert_eq!(session(Method::GET).send().await.expect("an answer").status(), 401);
    assert_eq!(turn(Some(&door.url)).send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn what_is_no_link_is_refused() {
    let door = Door::open().await;
    let post = |body: &str| {
        door.request(Method::POST, "/v1/session").header("content-type", "application/json").body(body.to_owned())
    };
    for (body, status, code) in [
        ("", 400, "empty"),
        ("{", 400, "wrong_field"),
        ("{}", 400, "wrong_field"),
        (r#"{"link":7}"#, 400, "wrong_field"),
        (r#"{"link":"link-2","as":"rosa"}"#, 400, "wrong_field"),
        (r#"{"link":""}"#, 403, "link_spent"),
        (r#"{"link":"chat-token"}"#, 403, "link_spent"),
        (&format!(r#"{{"link":"{}"}}"#, "x".repeat(2000)), 413, "too_large"),
    ] {
        let (told, named, _) = refusal(post(body).send().await.expect("an answer")).await;
        assert_eq!((told, named.as_str()), (status, code), "{body}");
    }
    let form =
        door.request(Method::POST, "/v1/session").header("content-type", "text/plain").body(r#"{"link":"link-2"}"#);
    assert_eq!(refusal(form.send().await.expect("an answer")).await.1, "wrong_type", "a form must not redeem a link");
    let query = door.request(Method::POST, "/v1/session?link=link-2").json(&json!({ "link": "link-2" }));
    assert_eq!(refusal(query.send().await.expect("an answer")).await.1, "query");
    let bearer = door.request(Method::DELETE, "/v1/session").bearer_auth("room-token");
    assert_eq!(
        refusal(bearer.send().await.expect("an answer")).await.1,
        "not_meant",
        "a device cannot end its own token"
    );
    assert_eq!(door.turns(), 0);
}
