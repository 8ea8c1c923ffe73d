//! The door to a person's own page: who is let near, what is refused, and how.

use reqwest::{Method, Response};
use serde_json::json;

use super::door::{Door, refusal};

const READS: [&str; 3] = ["/v1/me", "/v1/me/access", "/v1/me/consent"];

async fn put(door: &Door, token: &str, body: &serde_json::Value) -> Response {
    door.request(Method::PUT, "/v1/me/consent").bearer_auth(token).json(body).send().await.expect("an answer")
}

async fn post(door: &Door, token: &str, path: &str, body: &serde_json::Value) -> Response {
    door.request(Method::POST, path).bearer_auth(token).json(body).send().await.expect("an answer")
}

#[tokio::test]
async fn a_page_of_ones_own_and_nobody_else() {
    let door = Door::open().await;
    let everything = json!({ "what": "today" });
    let wish = json!({ "version": 1, "uses": [] });
    for (token, expected) in [
        ("chat-token", 200),
        ("room-token", 403),
        ("home-token", 403),
        ("stranger-token", 403),
        ("operator-token", 403),
        ("nobody", 401),
    ] {
        for path in READS {
            let answer = door.request(Method::GET, path).bearer_auth(token).send().await.expect("an answer");
            assert_eq!(answer.status(), expected, "{token} {path}");
        }
        assert_eq!(put(&door, token, &wish).await.status(), expected, "{token}");
        assert_eq!(post(&door, token, "/v1/me/forget", &everything).await.status(), expected, "{token}");
        assert_eq!(post(&door, token, "/v1/me/export", &json!({})).await.status(), expected, "{token}");
    }
    let open = door.request(Method::GET, "/v1/me").send().await.expect("an answer");
    assert_eq!(open.status(), 401, "no credential");
}

#[tokio::test]
async fn a_copy_is_a_file_and_stays_in_no_cache() {
    let door = Door::open().await;
    let answer = post(&door, "chat-token", "/v1/me/export", &json!({})).await;
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert!(header("content-type").starts_with("application/fhir+json"));
    assert!(header("content-disposition").starts_with("attachment"));
    assert_eq!(header("cache-control"), "no-store");
    // A link cannot fetch it.
    let linked = door.request(Method::GET, "/v1/me/export").bearer_auth("chat-token").send().await.expect("an answer");
    assert_eq!(linked.status(), 405);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_reason() {
    let door = Door::open().await;
    for (body, status, code) in [
        (json!({ "version": 0, "uses": [] }), 409, "outdated"),
        (json!({ "version": 1, "uses": ["sell"] }), 400, "wrong_field"),
        (json!({ "version": 1 }), 400, "wrong_field"),
        (json!({ "version": -1, "uses": [] }), 400, "wrong_field"),
        (json!({ "version": 1, "uses": [], "person": "somebody" }), 400, "wrong_field"),
        (json!([1, 2]), 400, "wrong_field"),
    ] {
        let (told, named, text) = refusal(put(&door, "chat-token", &body).await).await;
        assert_eq!((told, named.as_str()), (status, code), "{body}");
        assert!(!text.contains("somebody") && !text.contains("sell"), "{text}");
    }
    for (body, status, code) in [
        (json!({ "what": "everything" }), 451, "held"),
        (json!({ "what": "chart" }), 400, "wrong_field"),
        (json!({ "what": "days", "from": "2026-02-30", "to": "2026-03-01" }), 400, "wrong_field"),
        (json!({ "what": "days", "from": "2026-02-01" }), 400, "wrong_field"),
        (json!({}), 400, "wrong_field"),
    ] {
        let (told, named, _) = refusal(post(&door, "chat-token", "/v1/me/forget", &body).await).await;
        assert_eq!((told, named.as_str()), (status, code), "{body}");
    }
    let who = |given: &str| json!({ "given": given, "family": "Delgado", "birth": "1958-04-12" });
    for (body, status, code) in [
        (who(""), 400, "wrong_field"),
        (who("Milo"), 409, "known"),
        (json!({ "given": "Rosa", "family": "Delgado", "birth": "1958-02-30" }), 400, "wrong_field"),
        (json!({ "given": "Rosa", "family": "Delgado", "birth": "1958-04-12", "person": "x" }), 400, "wrong_field"),
    ] {
        let asked = door.request(Method::PUT, "/v1/me/name").bearer_auth("chat-token").json(&body);
        let (told, named, _) = refusal(asked.send().await.expect("an answer")).await;
        assert_eq!((told, named.as_str()), (status, code), "{body}");
    }
    let asked = door.request(Method::PUT, "/v1/me/name").bearer_auth("chat-token").json(&who("Rosa"));
    assert_eq!(asked.send().await.expect("an answer").status(), 204);
    let big = json!({ "version": 1, "uses": vec!["x"; 4096] });
    assert_eq!(refusal(put(&door, "chat-token", &big).await).await.0, 413);
    let text = door.request(Method::PUT, "/v1/me/consent").bearer_auth("chat-token").body("version=1");
    assert_eq!(refusal(text.send().await.expect("an answer")).await.0, 415);
    for path in READS {
        let asked = door.request(Method::GET, &format!("{path}?as=rosa")).bearer_auth("chat-token");
        assert_eq!(refusal(asked.send().await.expect("an answer")).await.1, "query", "{path}");
    }
}

#[tokio::test]
async fn a_page_of_somebody_elses_can_do_none_of_it() {
    let door = Door::open().await;
    let opened = door.request(Method::POST, "/v1/session").json(&json!({ "link": "link-1" }));
    let answer = opened.send().await.expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("one").to_owned();
    let paths = [
        (Method::GET, "/v1/me"),
        (Method::GET, "/v1/me/access"),
        (Method::PUT, "/v1/me/name"),
        (Method::PUT, "/v1/me/consent"),
        (Method::POST, "/v1/me/forget"),
        (Method::POST, "/v1/me/export"),
    ];
    for (method, path) in paths {
        for (name, value) in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")] {
            let asked = door.request(method.clone(), path).header("cookie", &cookie).header(name, value);
            let (status, code, _) = refusal(asked.json(&json!({})).send().await.expect("an answer")).await;
            assert_eq!((status, code.as_str()), (403, "wrong_origin"), "{method} {path} {name}");
        }
        // A change that does not say where it comes from is no browser's.
        if method != Method::GET {
            let asked = door.request(method.clone(), path).header("cookie", &cookie).json(&json!({}));
            assert_eq!(asked.send().await.expect("an answer").status(), 403, "{method} {path}");
        }
    }
    let own = door.request(Method::GET, "/v1/me").header("cookie", &cookie);
    assert_eq!(own.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn the_page_holds_no_data_and_no_script_of_its_own() {
    let door = Door::open().await;
    let page = door.request(Method::GET, "/me").send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    let csp = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(csp.contains("script-src 'self'") && !csp.contains("unsafe"), "{csp}");
    let text = page.text().await.expect("a page");
    for inline in ["<style", "style=", "onclick", "onsubmit", "http://", "https://", "javascript:"] {
        assert!(!text.contains(inline), "the page holds {inline}");
    }
    assert_eq!(text.matches("<script").count(), text.matches("<script type=\"module\" src=\"/page/").count());
}
