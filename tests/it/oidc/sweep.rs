//! Every address of the staff's side × every role and every other credential: exactly the allowed ones pass.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    policy::{RoomId, Surface, staff::Role},
    store::{Grant, NewStaffSession},
};

use super::stage::Stage;
use crate::support::now;

/// Method, address, body, and who passes: nurse, clinician, pharmacist, manager, officer, operator.
type Route = (&'static str, &'static str, fn() -> Value, [bool; 6]);

const NOBODY: &str = "0192f0c1-9e4b-7c3a-b1a2-000102030405";

fn call() -> Value {
    json!({ "id": "none" })
}

fn whom() -> Value {
    json!({ "person": NOBODY })
}

fn way() -> Value {
    json!({ "id": "none", "to": "none" })
}

const fn nothing() -> Value {
    Value::Null
}

#[rustfmt::skip]
const ROUTES: [Route; 47] = [
    ("GET",  "/v1/staff/me",                   nothing, [true;  6]),
    ("POST", "/v1/staff/me",                   nothing, [true;  6]),
    ("GET",  "/v1/staff/requests",             nothing, [true,  true,  false, true,  false, false]),
    ("POST", "/v1/staff/requests/acknowledge", call,    [true,  true,  false, true,  false, false]),
    ("POST", "/v1/staff/requests/complete",    call,    [true,  true,  false, true,  false, false]),
    ("GET",  "/v1/staff/requests/live",        nothing, [true,  true,  false, true,  false, false]),
    ("POST", "/v1/staff/requests/say",
        || json!({ "id": "none", "words": "on my way" }),
                                                        [true,  true,  false, true,  false, false]),
    ("GET",  "/v1/staff/duty",                 nothing, [true,  true,  false, true,  false, false]),
    ("POST", "/v1/staff/duty",
        || json!({ "unit": "none", "role": "nurse", "who": "Ada", "until": "2026-12-01T20:00:00Z" }),
                                                        [false, false, false, true,  false, false]),
    ("POST", "/v1/staff/duty/end",             call,    [false, false, false, true,  false, false]),
    ("GET",  "/v1/staff/results",              nothing, [false, true,  false, false, false, false]),
    ("POST", "/v1/staff/results/told",
        || json!({ "id": "none", "words": "talked with her, and it is drawn again" }),
                                                        [false, true,  false, false, false, false]),
    ("GET",  "/v1/staff/people",               nothing, [true,  true,  true,  true,  false, false]),
    ("POST", "/v1/staff/record",               whom,    [true,  true,  true,  false, false, false]),
    ("POST", "/v1/staff/break-glass",
        || json!({ "person": NOBODY, "reason": "called to a fall in the corridor" }),
                                                        [true,  true,  true,  false, false, false]),
    ("POST", "/v1/staff/break-glass/shut",     whom,    [true,  true,  true,  false, false, false]),
    ("GET",  "/v1/staff/renewals",             nothing, [false, true,  false, false, false, false]),
    ("POST", "/v1/staff/renewals/approve",     call,    [false, true,  false, false, false, false]),
    ("POST", "/v1/staff/renewals/deny",
        || json!({ "id": "none", "reason": "please come in first" }),
                                                        [false, true,  false, false, false, false]),
    ("GET",  "/v1/staff/fills",                nothing, [false, false, true,  false, false, false]),
    ("POST", "/v1/staff/fills/move",
        || json!({ "id": "none", "to": "ready" }),      [false, false, true,  false, false, false]),
    ("GET",  "/v1/staff/reviews",              nothing, [false, false, false, false, true,  false]),
    ("GET",  "/v1/staff/reviews/all",          nothing, [false, false, false, false, true,  false]),
    ("POST", "/v1/staff/reviews/settle",
        || json!({ "id": "none", "finding": "asked, and it was an emergency" }),
                                                        [false, false, false, false, true,  false]),
    ("GET",  "/v1/staff/audit",                nothing, [false, false, false, false, true,  true]),
    ("POST", "/v1/staff/audit/export",
        || json!({ "from": "2026-12-01T00:00:00Z" }),   [false, false, false, false, true,  false]),
    ("POST", "/v1/staff/audit/search",
        || json!({ "event": "opened" }),                [false, false, false, false, true,  false]),
    ("GET",  "/v1/staff/admissions",           nothing, [false, false, false, true,  false, true]),
    ("POST", "/v1/staff/admissions/read",      call,    [false, false, false, true,  false, false]),
    ("POST", "/v1/staff/admissions/settle",    call,    [false, false, false, true,  false, true]),
    ("POST", "/v1/staff/admissions/again",     call,    [false, false, false, true,  false, true]),
    ("POST", "/v1/staff/admissions/map",
        || json!({ "bed": "4E^136^B", "room": "room-7" }), [false, false, false, true,  false, true]),
    ("GET",  "/v1/fleet/places",               nothing, [true,  false, false, true,  false, true]),
    ("POST", "/v1/fleet/places",
        || json!({ "parent": "none", "kind": "unit", "name": "4 West" }),
                                                        [false, false, false, false, false, true]),
    ("POST", "/v1/fleet/places/move",          way,     [false, false, false, false, false, true]),
    ("POST", "/v1/fleet/places/retire",        call,    [false, false, false, false, false, true]),
    ("POST", "/v1/fleet/places/settings",
        || json!({ "id": "none", "settings": { "volume": 40 } }),
                                                        [false, false, false, true,  false, true]),
    ("GET",  "/v1/fleet/devices",              nothing, [true,  false, false, true,  false, true]),
    ("POST", "/v1/fleet/devices",
        || json!({ "serial": "SN-1", "place": "none" }), [false, false, false, true,  false, true]),
    ("POST", "/v1/fleet/devices/code",         call,    [false, false, false, true,  false, true]),
    ("POST", "/v1/fleet/devices/move",         way,     [false, false, false, true,  false, true]),
    ("POST", "/v1/fleet/devices/end",
        || json!({ "id": "none", "how": "lost" }),      [false, false, false, true,  false, true]),
    ("GET",  "/v1/fleet/announcements",        nothing, [true,  false, false, true,  false, true]),
    ("POST", "/v1/fleet/announcements",
        || json!({ "place": "none", "priority": "routine", "text": "Hello", "ends": "2026-12-01T16:00:00Z" }),
                                                        [false, false, false, true,  false, true]),
    ("POST", "/v1/fleet/announcements/end",    call,    [false, false, false, true,  false, true]),
    ("POST", "/v1/fleet/drop-in",
        || json!({ "place": "none", "text": "Hello" }), [false, false, false, true,  false, true]),
    ("POST", "/v1/fleet/import",
        || json!({ "table": "property,room,serial" }),  [false, false, false, true,  false, true]),
];

/// Open to whoever has no session yet, or ends one.
const OTHERS: [(&str, &str); 3] =
    [("GET", "/v1/staff/sign-in"), ("POST", "/v1/staff/sign-in"), ("DELETE", "/v1/staff/session")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_allowed_ones_pass() {
    let stage = Stage::open().await;
    let document: Value =
        stage.request(Method::GET, "/openapi.json").send().await.expect("an answer").json().await.expect("JSON");
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .filter(|(path, _)| path.starts_with("/v1/staff") || path.starts_with("/v1/fleet"))
        .flat_map(|(path, methods)| {
            methods.as_object().expect("methods").keys().map(|m| (m.to_uppercase(), path.clone())).collect::<Vec<_>>()
        })
        .collect();
    let swept = ROUTES.iter().map(|(m, p, ..)| (*m, *p)).chain(OTHERS);
    let swept: BTreeSet<_> = swept.map(|(m, p)| (m.to_owned(), p.to_owned())).collect();
    assert_eq!(described, swept, "every described address is swept");

    let mut seen = (0, 0, 0);
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let token = format!("session-of-a-{}", role.name());
        let (roles, rooms) = ([role], [RoomId::parse("room-7").expect("fits")]);
        let expires = now() + SignedDuration::from_hours(1);
        let new =
            NewStaffSession { issuer: "i", subject: role.name(), name: "n", roles: &roles, rooms: &rooms, expires };
        stage.store().open_staff_session(&new, &token, now()).await.expect("opened");
        for (method, path, body, passes) in ROUTES {
            let request = stage.ask(&token, method.parse().expect("a method"), path, &body());
            let response = request.send().await.expect("an answer");
            let status = response.status().as_u16();
            // A watched board has no end.
            let endless = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
            let text = if endless { String::new() } else { response.text().await.expect("a body") };
            if passes[n] {
                assert!(matches!(status, 200 | 404), "{role:?} {method} {path}: {status} {text}");
                seen.0 += 1;
            } else {
                assert_eq!(status, 403, "{role:?} {method} {path}: {text}");
                assert!(text.contains("\"no_right\""), "{role:?} {method} {path}: {text}");
                seen.1 += 1;
            }
        }
    }

    let later = now() + SignedDuration::from_hours(1);
    let room = RoomId::parse("room-7").expect("fits");
    let grant = |surface, person| Grant { surface, person, label: "x".into(), one_time: false, expires: later };
    for (token, grant) in [
        ("wsp_room", grant(Surface::Room(room.clone()), None)),
        ("wsp_home", grant(Surface::Home(room), Some(stage.rosa.clone()))),
        ("wsp_chat", grant(Surface::Chat, Some(stage.rosa.clone()))),
        ("wsp_third", grant(Surface::ThirdParty, None)),
    ] {
        stage.store().issue(&grant, token, now()).await.expect("issued");
    }
    stage.store().issue_operator("x", "wso_operator", later, now()).await.expect("issued");
    for token in ["wsp_room", "wsp_home", "wsp_chat", "wsp_third", "wso_operator", "nonsense", ""] {
        for (method, path, body, _) in ROUTES {
            let way: Method = method.parse().expect("a method");
            let plain = || {
                let request = stage.request(way.clone(), path);
                if body().is_null() { request } else { request.json(&body()) }
            };
            let good = "wellspoken-staff=session-of-a-nurse";
            for (how, request) in [
                ("bearer", plain().bearer_auth(token)),
                ("page", plain().header("cookie", format!("wellspoken={token}"))),
                ("as staff", plain().header("cookie", format!("wellspoken-staff={token}"))),
                ("beside a good one", plain().bearer_auth(token).header("cookie", good)),
            ] {
                let status = request.send().await.expect("an answer").status();
                assert_eq!(status, 401, "{token} as {how}: {method} {path}");
                seen.2 += 1;
            }
        }
    }
    // The other way round: no session of staff speaks.
    for request in [
        stage.request(Method::POST, "/v1/turns").bearer_auth("session-of-a-nurse"),
        stage.request(Method::POST, "/v1/turns").header("cookie", "wellspoken=session-of-a-nurse"),
        stage.request(Method::POST, "/v1/turns").header("cookie", "wellspoken-staff=session-of-a-nurse"),
        stage.request(Method::GET, "/metrics").bearer_auth("session-of-a-operator"),
    ] {
        let response = request.json(&json!({ "text": "what medicines am I on" })).send().await.expect("an answer");
        assert_eq!(response.status(), 401);
    }
    // A page of somebody else's asks nothing in their name.
    let foreign = stage.client.post(format!("{}/v1/staff/record", stage.url)).header("origin", "http://evil.example");
    let foreign = foreign.header("cookie", "wellspoken-staff=session-of-a-nurse").json(&whom());
    assert_eq!(foreign.send().await.expect("an answer").status(), 403);
    println!("swept: {} allowed, {} refused by role, {} refused by credential", seen.0, seen.1, seen.2);
}
