//! Codes and tokens: where they are, what they open, and how often they may be tried.

use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::turn::State;

use super::{
    organization::{ACCESS, REFRESH},
    stage::{Stage, cookies},
};
use crate::support::{Speaker, home, now, room};

/// A code, as it is said at a device.
async fn said(stage: &Stage) -> String {
    let mut speaker = Speaker::new(stage.program.app(), home(), Some(&stage.june));
    let asked = speaker.says("connect my health records").await;
    assert_eq!(asked.state, State::Confirms, "{}", asked.reply);
    let told = speaker.says("yes").await;
    assert_eq!(told.state, State::Done, "{}", told.reply);
    let (_, rest) = told.reply.split_once("code:").expect("a code");
    rest.split('.').next().expect("a sentence").chars().filter(char::is_ascii_digit).collect()
}

async fn typed(stage: &Stage, code: &str) -> (u16, Option<String>) {
    let body = json!({ "code": code });
    let answer = stage.request(Method::POST, "/v1/me/records/code").json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), cookies(&answer).get("wellspoken-code").cloned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_lets_a_page_begin_and_nothing_else() {
    let stage = Stage::open().await;
    let kept = stage.connect().await;
    let code = said(&stage).await;
    let (status, page) = typed(&stage, &code).await;
    let page = page.filter(|_| status == 204).expect("a page");
    assert_eq!(typed(&stage, &code).await.0, 403, "a code works once");
    let with = |method, path: &str| stage.request(method, path).header("cookie", format!("wellspoken-code={page}"));
    let begun = with(Method::POST, "/v1/me/records").json(&json!({ "organization": "mercy" })).send().await;
    assert_eq!(begun.expect("an answer").status(), 200);
    let gone = with(Method::POST, "/v1/me/records/disconnect").json(&json!({ "connection": kept })).send().await;
    assert_eq!(gone.expect("an answer").status(), 403, "nothing is ended with a code");
    for path in ["/v1/me", "/v1/me/access", "/v1/session"] {
        assert_eq!(with(Method::GET, path).send().await.expect("an answer").status(), 401, "{path}");
    }
    let late = stage.store().paired_page(&page, now() + wellspoken::store::PAIRED_LASTS).await.expect("asked");
    assert!(late.is_none(), "half an hour ends it");
    assert_eq!(stage.connections().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_ends_the_one_before_and_guessing_is_counted() {
    let stage = Stage::open().await;
    let (old, new) = (said(&stage).await, said(&stage).await);
    assert_ne!(old, new);
    assert_eq!(typed(&stage, &old).await.0, 403);
    assert_eq!(typed(&stage, "12345").await.0, 403, "too short to be one, and not counted");
    let mut locked = 0;
    for n in 0..12 {
        let guess = format!("{:08}", (new.parse::<u64>().expect("digits") + 1 + n) % 100_000_000);
        locked += u32::from(typed(&stage, &guess).await.0 == 429);
    }
    assert!(locked >= 2, "guesses from one place end: {locked}");
    assert_eq!(typed(&stage, &new).await.0, 429, "the right one, too, for a while");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whoever_is_known_begins_aloud() {
    let stage = Stage::open().await;
    let mut nobody = Speaker::new(stage.program.app(), room(), None);
    let told = nobody.says("connect my health records").await;
    assert_eq!(told.state, State::Refused, "{}", told.reply);
    let mut third = Speaker::new(stage.program.app(), wellspoken::policy::Surface::ThirdParty, None);
    let told = third.says("connect my health records").await;
    assert_eq!(told.state, State::Refused, "{}", told.reply);
    let mut page = Speaker::new(stage.program.app(), wellspoken::policy::Surface::Chat, Some(&stage.june));
    let told = page.says("connect my health records").await;
    assert!(told.reply.contains("My health records") && !told.reply.contains("code"), "{}", told.reply);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_in_clear_anywhere() {
    let stage = Stage::open().await;
    *stage.organization.0.token.lock().expect("whole") = json!({ "expires_in": 0 });
    stage.connect().await;
    assert_eq!(stage.program.fetch_connected().await, 1);
    let kept = stage.connections().await.pop().expect("one").details.access.expect("tokens");
    assert!(kept.access.0.starts_with(ACCESS), "it is kept");
    let begun = stage.begin().await;
    let (code, secrets) = (
        said(&stage).await,
        [ACCESS, REFRESH, "Mercy Hospital", "p-1\"", begun.cookie.as_str(), &begun.query["state"]],
    );
    let mut bytes = 0;
    for entry in walk(stage.dir.path()) {
        let content = std::fs::read(&entry).expect("readable");
        bytes += content.len();
        let text = String::from_utf8_lossy(&content);
        for secret in secrets.into_iter().chain([code.as_str()]) {
            assert!(!text.contains(secret), "{secret} in {}", entry.display());
        }
    }
    assert!(bytes > 10_000, "something was looked at: {bytes}");
    let shown: Value = stage.shown().await;
    assert!(!shown.to_string().contains(ACCESS) && !shown.to_string().contains(REFRESH));
}

pub fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok).map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
