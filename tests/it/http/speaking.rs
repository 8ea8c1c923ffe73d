//! What goes in as a turn, and the forms in which the answer comes out.

use serde_json::{Value, json};

use super::door::{CANARY, Door, Parrot, client};
use wellspoken::{channels::http::Limits, config::HttpConfig};

#[tokio::test]
async fn a_typed_turn_goes_through_whole() {
    let door = Door::open().await;
    let body = json!({ "text": "when is my visit", "session": "s-1", "turn_id": "t-1" });
    let response = door.turn("home-token").json(&body).send().await.expect("an answer");
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!(answer["session"], "s-1");
    assert_eq!(answer["turn_id"], "t-1");
    assert_eq!(answer["heard"]["text"], "when is my visit");
    assert!(answer.get("audio").is_none());
    let asked = door.parrot.asked.lock().expect("no test panics here");
    assert_eq!(asked[0].text.as_deref(), Some("when is my visit"));
    assert_eq!((asked[0].session.as_deref(), asked[0].turn.as_deref()), (Some("s-1"), Some("t-1")));
    assert!(!asked[0].speak);
}

#[tokio::test]
async fn a_recording_goes_through_whole() {
    let door = Door::open().await;
    let request = door
        .turn("room-token")
        .header("content-type", "audio/wav")
        .header("wellspoken-session", "s-2")
        .header("wellspoken-turn", "t-2")
        .body(vec![7; 3_000_000]);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&answer["session"], &answer["turn_id"]), (&json!("s-2"), &json!("t-2")));
    let asked = door.parrot.asked.lock().expect("no test panics here");
    assert_eq!(asked[0].bytes, 3_000_000);
    assert_eq!((asked[0].session.as_deref(), asked[0].turn.as_deref()), (Some("s-2"), Some("t-2")));
}

#[tokio::test]
async fn a_typed_turn_may_be_named_in_headers_as_well() {
    let door = Door::open().await;
    for body in [json!({ "text": "hello" }), json!({ "text": "hello", "session": "s-3" })] {
        let request = door.turn("chat-token").header("wellspoken-session", "s-3").header("wellspoken-turn", "t-3");
        let answer: Value = request.json(&body).send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!((&answer["session"], &answer["turn_id"]), (&json!("s-3"), &json!("t-3")));
    }
}

#[tokio::test]
async fn the_longest_recording_fits() {
    let door = Door::open().await;
    // Five and a half minutes of 48 kHz stereo 16-bit.
    let bytes = 330 * 48_000 * 4 + 44;
    let request = door.turn("room-token").header("content-type", "audio/wav").body(vec![0; bytes]);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn speech_comes_back_alone_or_inside_the_json() {
    let door = Door::open().await;
    let typed = || door.turn("home-token").json(&json!({ "text": "hello" }));
    let sound = typed().header("accept", "audio/wav").send().await.expect("an answer");
    assert_eq!(sound.headers()["content-type"], "audio/wav");
    assert_eq!(sound.headers()["wellspoken-session"], "session-1");
    assert_eq!(sound.headers()["wellspoken-turn"], "turn-1");
    let names: Vec<_> = sound.headers().keys().filter(|n| n.as_str().starts_with("wellspoken-")).collect();
    assert_eq!(names.len(), 2, "nothing of what was said travels in a header: {names:?}");
    assert_eq!(&sound.bytes().await.expect("a body")[..], b"RIFF sound");

    for request in [
        typed().header("accept", "application/json; audio=wav"),
        door.turn("home-token").json(&json!({ "text": "hello", "speak": true })),
        door.turn("home-token")
            .header("content-type", "audio/wav")
            .header("accept", "application/json;audio=wav")
            .body("x"),
    ] {
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer["audio"], "UklGRiBzb3VuZA==");
        assert_eq!(answer["state"], "answered");
    }
    assert!(door.parrot.asked.lock().expect("no test panics here").iter().all(|a| a.speak));
}

#[tokio::test]
async fn without_a_voice_the_answer_still_comes_as_text() {
    let parrot = Parrot { mute: true, ..Parrot::default() };
    let door = Door::with(parrot, Limits::default(), &HttpConfig::default(), client()).await;
    let request = door.turn("home-token").header("accept", "audio/wav").json(&json!({ "text": "hello" }));
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/json");
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!(answer["reply"], "You said hello");
}

#[tokio::test]
async fn a_turn_that_breaks_is_an_error_that_gives_nothing_away() {
    let door = Door::open().await;
    let response = door.say("break").await;
    let (status, code, text) = super::door::refusal(response).await;
    assert_eq!((status, code.as_str()), (500, "broken"));
    assert!(!text.contains(CANARY));
    assert_eq!(door.say("still here").await.status(), 200);
}

#[tokio::test]
async fn a_turn_goes_on_when_its_caller_hangs_up() {
    use tokio::io::AsyncWriteExt as _;
    let door = Door::open().await;
    let mut socket = door.socket().await;
    let body = r#"{"text":"wait"}"#;
    let request = format!(
        "POST /v1/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer room-token\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        door.address(),
        body.len()
    );
    socket.write_all(request.as_bytes()).await.expect("sent");
    while door.turns() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    drop(socket);
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    assert_eq!(*door.parrot.finished.lock().expect("no test panics here"), 1, "the call for help was dropped");
}
