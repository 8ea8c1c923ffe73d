//! The board as it happens: server-sent events over a real socket, answering in the room, and who is on duty.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    actions::Change,
    policy::{RoomId, staff::Role},
    store::{NewStaffSession, TurnCommit},
};

use super::stage::Stage;
use crate::{store::place::commit, support::now};

/// What comes of a watched board, event by event.
struct Watched {
    response: reqwest::Response,
    text: String,
}

impl Watched {
    async fn begin(stage: &Stage, session: &str, last: Option<&str>) -> Self {
        let request = stage.ask(session, Method::GET, "/v1/staff/requests/live", &Value::Null);
        let request = match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event: its kind, its number, what it holds; nothing at the end.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
                };
                let found = (field("event:"), field("id:"), field("data:"));
                self.text = rest.to_owned();
                if found.0.is_empty() {
                    continue;
                }
                return Some((found.0, found.1, serde_json::from_str(&found.2).expect("JSON")));
            }
            let piece = tokio::time::timeout(std::time::Duration::from_secs(20), self.response.chunk()).await;
            let piece = piece.expect("in time").ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }

    async fn wait(&mut self, what: &str) -> (String, Value) {
        let (event, id, data) = self.next().await.expect("an event");
        assert_eq!(event, what, "{data}");
        (id, data)
    }
}

async fn nurse(stage: &Stage, token: &str, role: Role, room: &str) {
    let (roles, rooms) = ([role], [RoomId::parse(room).expect("fits")]);
    let expires = now() + SignedDuration::from_hours(1);
    let new = NewStaffSession { issuer: "i", subject: token, name: "Ada", roles: &roles, rooms: &rooms, expires };
    stage.store().open_staff_session(&new, token, now()).await.expect("opened");
}

async fn call(stage: &Stage, room: &str, need: &str) {
    let room = RoomId::parse(room).expect("fits");
    let change = Change::CallNurse { room, need: need.into(), emergency: false };
    let turn = commit(need, &stage.rosa, vec![change]);
    stage.store().commit(TurnCommit { at: now(), ..turn }).await.expect("durable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_is_watched_as_it_happens() {
    let stage = Stage::open().await;
    nurse(&stage, "ada", Role::Nurse, "room-7").await;
    let mut watched = Watched::begin(&stage, "ada", None).await;
    let (begin, _) = watched.wait("begin").await;
    call(&stage, "room-99", "pain").await;
    call(&stage, "room-7", "water").await;
    let (_, new) = watched.wait("new").await;
    assert_eq!((&new["room"], &new["request"]["need"]), (&json!("room-7"), &json!("water")), "and nothing of room-99");
    assert_eq!((&new["request"]["role"], &new["request"]["priority"]), (&json!("assistant"), &json!("routine")));
    let id = new["id"].as_str().expect("an id").to_owned();

    let ask = |path: &'static str, body: Value| {
        let request = stage.ask("ada", Method::POST, path, &body);
        async move {
            let response = request.send().await.expect("an answer");
            (response.status().as_u16(), response.text().await.expect("a body"))
        }
    };
    for words in ["", "<b>", "x", "on\nmy way"] {
        let (status, text) = ask("/v1/staff/requests/say", json!({ "id": id, "words": words })).await;
        assert!(status == 400 && text.contains("unspeakable"), "{words:?}: {text}");
    }
    let (status, text) = ask("/v1/staff/requests/say", json!({ "id": id, "words": "I am on my way" })).await;
    assert_eq!(status, 200, "{text}");
    let (said_at, said) = watched.wait("said").await;
    let request = &said["request"];
    assert_eq!(
        (&request["answered"], &request["acknowledged_by"]),
        (&json!(true), &json!("Ada")),
        "saying so is having seen it"
    );
    assert_eq!((&request["said"][0]["words"], &request["said"][0]["by"]), (&json!("I am on my way"), &json!("Ada")));
    assert_eq!(ask("/v1/staff/requests/complete", json!({ "id": id })).await.0, 200);
    let (_, done) = watched.wait("completed").await;
    assert_eq!((&done["id"], &done["request"]), (&json!(id), &Value::Null));

    // Whoever comes back hears what they missed, and nothing twice.
    let mut again = Watched::begin(&stage, "ada", Some(&said_at)).await;
    again.wait("completed").await;
    let mut all = Watched::begin(&stage, "ada", Some(&begin)).await;
    for what in ["new", "said", "completed"] {
        all.wait(what).await;
    }
    // It ends with the session.
    let left = stage.ask("ada", Method::DELETE, "/v1/staff/session", &Value::Null).send().await.expect("an answer");
    assert_eq!(left.status(), 204);
    assert!(watched.next().await.is_none() && again.next().await.is_none(), "nothing is shown after signing out");
    let refused =
        stage.ask("ada", Method::GET, "/v1/staff/requests/live", &Value::Null).send().await.expect("an answer");
    assert_eq!(refused.status(), 401);
}
