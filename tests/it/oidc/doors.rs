//! Every described address that is not the staff's × every kind of credential: who is let in and who is not. What staff may do
//! is swept beside it.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use wellspoken::{
    policy::{RoomId, Surface, staff::Role},
    store::{Grant, NewStaffSession},
};

use super::stage::Stage;
use crate::support::now;

/// Who may come.
const WHO: [&str; 9] = ["nobody", "room", "home", "app", "page", "third party", "operator", "staff", "nonsense"];

/// Method, address, body, and who is let in, in the order of [`WHO`].
type Door = (&'static str, &'static str, fn() -> Value, [bool; 9]);

const ANYBODY: [bool; 9] = [true; 9];
const SPEAKERS: [bool; 9] = [false, true, true, true, true, true, false, false, false];
const DEVICES: [bool; 9] = [false, true, true, true, true, false, false, false, false];
/// A person on a surface of their own.
const ONESELF: [bool; 9] = [false, false, false, true, true, false, false, false, false];
const OPERATOR: [bool; 9] = [false, false, false, false, false, false, true, false, false];
const PAGE: [bool; 9] = [false, false, false, false, true, false, false, false, false];

fn turn() -> Value {
    json!({ "text": "hello" })
}

fn link() -> Value {
    json!({ "link": "spent" })
}

/// To a version that nobody has seen.
fn agreeing() -> Value {
    json!({ "version": 999, "uses": [] })
}

fn called() -> Value {
    json!({ "given": "Ann", "family": "Other", "birth": "1958-04-12" })
}

fn rang() -> Value {
    json!({ "id": "none", "at": "2026-12-01T15:00:00Z" })
}

fn today() -> Value {
    json!({ "what": "today" })
}

fn told() -> Value {
    let all = [("everything", true), ("medicines", true), ("visits", true), ("results", true)];
    let mut told: Value = all.into_iter().map(|(name, on)| (name.to_owned(), Value::Bool(on))).collect();
    for name in ["until", "from", "to"] {
        told[name] = Value::Null;
    }
    told
}

fn none_read() -> Value {
    json!({ "ids": [] })
}

fn something() -> Value {
    json!({ "nonsense": true })
}

const fn nothing() -> Value {
    Value::Null
}

#[rustfmt::skip]
const DOORS: [Door; 27] = [
    ("GET",    "/livez",         nothing,   ANYBODY),
    ("GET",    "/readyz",        nothing,   ANYBODY),
    ("GET",    "/openapi.json",  nothing,   ANYBODY),
    ("GET",    "/v1/sign-in",    nothing,   ANYBODY),
    ("POST",   "/v1/sign-in",    nothing,   ANYBODY),
    ("GET",    "/metrics",       nothing,   OPERATOR),
    ("POST",   "/v1/turns",      turn,      SPEAKERS),
    ("GET",    "/v1/session",    nothing,   SPEAKERS),
    ("GET",    "/v1/device/due", nothing,   DEVICES),
    ("POST",   "/v1/device/rang", rang,     DEVICES),
    // A link is a credential of its own, and this one is no good whoever brings it.
    ("POST",   "/v1/session",    link,      [false; 9]),
    ("GET",    "/v1/me",         nothing,   ONESELF),
    ("GET",    "/v1/me/access",  nothing,   ONESELF),
    ("GET",    "/v1/me/consent", nothing,   ONESELF),
    ("PUT",    "/v1/me/consent", agreeing,  ONESELF),
    ("POST",   "/v1/me/forget",  today,     ONESELF),
    ("POST",   "/v1/me/export",  nothing,   ONESELF),
    ("POST",   "/v1/me/code",    nothing,   ONESELF),
    ("PUT",    "/v1/me/name",    called,    ONESELF),
    ("PUT",    "/v1/me/pin",     something, ONESELF),
    ("GET",    "/v1/me/news",    nothing,   ONESELF),
    ("PUT",    "/v1/me/news",    told,      ONESELF),
    ("POST",   "/v1/me/news/read", none_read, ONESELF),
    ("PUT",    "/v1/me/letters", something, ONESELF),
    ("POST",   "/v1/me/letters/confirm", something, ONESELF),
    ("DELETE", "/v1/me/letters", nothing,   ONESELF),
    ("DELETE", "/v1/session",    nothing,   PAGE),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_lets_in_whom_it_is_for() {
    let stage = Stage::open().await;
    let document: Value =
        stage.request(Method::GET, "/openapi.json").send().await.expect("an answer").json().await.expect("JSON");
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .filter(|(path, _)| !path.starts_with("/v1/staff") && !path.starts_with("/v1/fleet"))
        .flat_map(|(path, methods)| {
            methods.as_object().expect("methods").keys().map(|m| (m.to_uppercase(), path.clone())).collect::<Vec<_>>()
        })
        .collect();
    // The door for Alexa skills knows its callers by Amazon's signature; it is described and not configured here.
    let alexa = ("POST".to_owned(), "/v1/alexa".to_owned());
    let swept: BTreeSet<_> = DOORS.iter().map(|(m, p, ..)| ((*m).to_owned(), (*p).to_owned())).collect();
    assert_eq!(described.into_iter().filter(|door| *door != alexa).collect::<BTreeSet<_>>(), swept);

    let (mut let_in, mut kept_out) = (0, 0);
    for (method, path, body, passes) in DOORS {
        for (who, passes) in WHO.into_iter().zip(passes) {
            let request = stage.request(method.parse().expect("a method"), path);
            let request = if body().is_null() { request } else { request.json(&body()) };
            // Fresh ones each time: one of the doors ends a session.
            let request = shown(&stage, who, &format!("{method}-{}", path.replace('/', "-")), request).await;
            let response = request.send().await.expect("an answer");
            let (status, text) = (response.status().as_u16(), response.text().await.expect("a body"));
            assert_ne!(status, 500, "{who}: {method} {path}: {text}");
            assert_eq!(!matches!(status, 401 | 403), passes, "{who}: {method} {path}: {status} {text}");
            assert!(passes || !text.contains("osa"), "{who}: {method} {path} names her: {text}");
            if passes { let_in += 1 } else { kept_out += 1 }
        }
    }
    println!("swept: {let_in} let in, {kept_out} kept out");
}

/// A request with a credential of that kind.
async fn shown(stage: &Stage, who: &str, mark: &str, request: RequestBuilder) -> RequestBuilder {
    let token = format!("{}-{mark}", who.replace(' ', "-"));
    let (room, later) = (RoomId::parse("room-7").expect("fits"), now() + SignedDuration::from_hours(1));
    let (surface, person) = match who {
        "room" => (Surface::Room(room), None),
        "home" => (Surface::Home(room), Some(stage.rosa.clone())),
        "app" | "page" => (Surface::Chat, Some(stage.rosa.clone())),
        "third party" => (Surface::ThirdParty, None),
        "operator" => {
            let token = format!("wso_{token}");
            stage.store().issue_operator("x", &token, later, now()).await.expect("issued");
            return request.bearer_auth(token);
        }
        "staff" => {
            let (roles, rooms) = ([Role::Nurse], [room]);
            let new = NewStaffSession {
                issuer: "i",
                subject: &token,
                name: "n",
                roles: &roles,
                rooms: &rooms,
                expires: later,
            };
            stage.store().open_staff_session(&new, &token, now()).await.expect("opened");
            return request.header("cookie", format!("wellspoken-staff={token}"));
        }
        "nonsense" => return request.bearer_auth("wsp_nonsense"),
        _ => return request,
    };
    let grant = Grant { surface, person, label: "x".into(), one_time: false, expires: later };
    if who == "page" {
        let idle = SignedDuration::from_mins(15);
        stage.store().issue_page(&grant, &token, idle, now()).await.expect("issued");
        request.header("cookie", format!("wellspoken={token}"))
    } else {
        stage.store().issue(&grant, &token, now()).await.expect("issued");
        request.bearer_auth(token)
    }
}
