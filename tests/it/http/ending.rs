//! An orderly end: what is in progress is finished, nothing new is begun, and it does not take for ever.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use wellspoken::channels::http::{Drained, Limits};

use super::door::{Door, refusal};

async fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "it never happened");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn turns_in_progress_are_finished_and_new_ones_refused() {
    let mut door = Door::open().await;
    let idle = door.socket().await;
    let turn = door.turn("chat-token").json(&serde_json::json!({ "text": "wait" }));
    let turn = tokio::spawn(async move { turn.send().await });
    until(|| door.turns() == 1).await;
    door.ask_to_stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(door.address()).await.is_err(), "new callers are refused while draining");
    let answer = turn.await.expect("not cancelled").expect("answered");
    assert_eq!(answer.status(), 200);
    let started = Instant::now();
    assert_eq!(door.stopped().await, Drained { turns_left: 0 });
    assert!(started.elapsed() < Duration::from_secs(5), "an idle connection held it up");
    drop(idle);
}

#[tokio::test]
async fn patience_has_an_end() {
    let mut door = Door::limited(Limits { drain: Duration::from_millis(300), ..Limits::default() }).await;
    let turn = door.turn("chat-token").json(&serde_json::json!({ "text": "hang" }));
    let turn = tokio::spawn(async move { turn.send().await });
    until(|| door.turns() == 1).await;
    door.ask_to_stop();
    let started = Instant::now();
    assert_eq!(door.stopped().await, Drained { turns_left: 1 });
    assert!(started.elapsed() < Duration::from_secs(3));
    turn.abort();
}

#[tokio::test]
async fn readiness_names_the_part_that_is_missing() {
    let door = Door::open().await;
    let ready = || async { door.request(reqwest::Method::GET, "/readyz").send().await.expect("an answer") };
    let good = ready().await;
    assert_eq!(good.status(), 200);
    let good: serde_json::Value = good.json().await.expect("JSON");
    assert_eq!(good["ready"], true);
    *door.parrot.broken.lock().expect("no test panics here") = Some("the disk is full".into());
    let bad = ready().await;
    assert_eq!(bad.status(), 503);
    let bad: serde_json::Value = bad.json().await.expect("JSON");
    assert_eq!((&bad["ready"], &bad["parts"][0]["name"]), (&false.into(), &"store".into()));
    assert_eq!(bad["parts"][0]["problem"], "the disk is full");
    assert_eq!(door.request(reqwest::Method::GET, "/livez").send().await.expect("an answer").status(), 200);
    assert!(matches!(
        refusal(door.request(reqwest::Method::PUT, "/readyz").send().await.expect("an answer")).await,
        (405, _, _)
    ));
}
