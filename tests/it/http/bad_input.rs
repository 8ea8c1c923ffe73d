//! What is not a turn is refused with what to do, repeats nothing, and never reaches the program.

use std::time::{Duration, Instant};

use super::door::{CANARY, Door, refusal};

/// Headers besides the credential, body, status, code.
type Row = (&'static [(&'static str, &'static str)], Vec<u8>, u16, &'static str);

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const WAV: &[(&str, &str)] = &[("content-type", "audio/wav")];

fn rows() -> Vec<Row> {
    let json = |body: String, status, code| (JSON, body.into_bytes(), status, code);
    let deep = |n: usize| format!("{{\"text\":{}{}}}", "[".repeat(n), "]".repeat(n));
    let mut rows: Vec<Row> = vec![
        (&[], b"{}".to_vec(), 415, "wrong_type"),
        (&[("content-type", "text/plain")], CANARY.into(), 415, "wrong_type"),
        (&[("content-type", "application/jsonp")], b"{}".to_vec(), 415, "wrong_type"),
        (&[("content-type", "multipart/form-data; boundary=x")], b"--x--".to_vec(), 415, "wrong_type"),
        (&[("content-type", "audio/mpeg")], b"ID3".to_vec(), 415, "wrong_type"),
        (JSON, vec![], 400, "empty"),
        (WAV, vec![], 400, "empty"),
        (JSON, b"{\"text\":\"\xff\xfe\"}".to_vec(), 400, "not_utf8"),
        (JSON, b"\xef\xbb\xbf{\"text\":\"x\"}".to_vec(), 400, "not_json"),
        (JSON, vec![0; 100], 400, "not_json"),
        json(format!("{{\"text\":\"{CANARY}"), 400, "not_json"),
        json(format!("{{\"text\":\"{CANARY}\"}} trailing"), 400, "not_json"),
        json(format!("{{\"text\":\"{CANARY}\\ud800\"}}"), 400, "not_json"),
        json(format!("\"{CANARY}\""), 400, "not_an_object"),
        json(format!("[\"{CANARY}\"]"), 400, "not_an_object"),
        json("null".into(), 400, "not_an_object"),
        json(deep(200), 400, "too_deep"),
        json(deep(30_000), 400, "too_deep"),
        json("{}".into(), 400, "wrong_field"),
        json("{\"text\":\"\"}".into(), 400, "empty"),
        json("{\"text\":\" \\u00a0\\n\"}".into(), 400, "empty"),
        json("{\"text\":null}".into(), 400, "wrong_field"),
        json(format!("{{\"text\":[\"{CANARY}\"]}}"), 400, "wrong_field"),
        json(format!("{{\"text\":\"x\",\"session\":\"{CANARY}\"}}"), 400, "wrong_field"),
        json("{\"text\":\"x\",\"session\":7}".into(), 400, "wrong_field"),
        json(format!("{{\"text\":\"x\",\"turn_id\":\"{}\"}}", "t".repeat(65)), 400, "wrong_field"),
        json("{\"text\":\"x\",\"turn_id\":\"../../etc\"}".into(), 400, "wrong_field"),
        json(format!("{{\"text\":\"x\",\"speak\":\"{CANARY}\"}}"), 400, "wrong_field"),
        json("{\"text\":\"x\",\"text\":\"y\"}".into(), 400, "twice"),
        json("{\"text\":\"x\",\"volume\":11}".into(), 400, "unknown_field"),
        json(format!("{{\"text\":\"x\",\"{CANARY}\":1}}"), 400, "unknown_field"),
        json(format!("{{\"text\":\"{}\"}}", "x".repeat(70_000)), 413, "too_large"),
        (
            &[("content-type", "application/json"), ("wellspoken-session", "s")],
            br#"{"text":"x","session":"t"}"#.to_vec(),
            400,
            "disagree",
        ),
        (&[("content-type", "audio/wav"), ("wellspoken-session", "a b")], b"RIFF".to_vec(), 400, "wrong_field"),
        (&[("content-type", "audio/wav"), ("wellspoken-turn", "")], b"RIFF".to_vec(), 400, "wrong_field"),
        (&[("content-type", "audio/wav"), ("wellspoken-volume", "11")], b"RIFF".to_vec(), 400, "unknown_header"),
        (&[("content-type", "audio/wav"), ("wellspoken-channel", "room")], b"RIFF".to_vec(), 400, "impersonation"),
        (&[("content-type", "audio/wav"), ("wellspoken-as", "rosa")], b"RIFF".to_vec(), 400, "impersonation"),
    ];
    for name in ["channel", "person", "as", "room", "patient", "user", "trust", "Channel", "AS"] {
        rows.push(json(format!("{{\"text\":\"x\",\"{name}\":\"room\"}}"), 400, "impersonation"));
    }
    rows
}

#[tokio::test]
async fn what_is_no_turn_is_refused_with_what_to_do() {
    let door = Door::open().await;
    for (headers, body, status, code) in rows() {
        let shown = String::from_utf8_lossy(&body).chars().take(60).collect::<String>();
        let mut request = door.turn("chat-token").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (told, named, text) = refusal(request.send().await.expect("an answer")).await;
        assert_eq!((told, named.as_str()), (status, code), "{headers:?} {shown}: {text}");
        assert!(!text.contains("marmalade"), "repeats what was said: {text}");
    }
    assert_eq!(door.turns(), 0, "something reached the program");
}

#[tokio::test]
async fn an_unknown_field_is_named_and_so_is_why_a_channel_cannot_be() {
    let door = Door::open().await;
    let told = |body: &'static str| {
        let request = door.turn("chat-token").header("content-type", "application/json").body(body);
        async { refusal(request.send().await.expect("an answer")).await.2 }
    };
    assert!(told(r#"{"text":"x","volume":11}"#).await.contains("`volume`"));
    let channel = told(r#"{"text":"x","channel":"room"}"#).await;
    assert!(channel.contains("`channel`") && channel.contains("credential alone"), "{channel}");
}

#[tokio::test]
async fn nothing_belongs_in_the_address() {
    let door = Door::open().await;
    for path in ["/v1/turns?session=s", "/v1/turns?token=chat-token", "/v1/turns?as=rosa", "/v1/turns?"] {
        let request = door.request(reqwest::Method::POST, path).bearer_auth("chat-token");
        let response = request.json(&serde_json::json!({ "text": "x" })).send().await.expect("an answer");
        if path.ends_with('?') {
            continue; // The client library takes a lone question mark off.
        }
        assert_eq!(refusal(response).await.1, "query", "{path}");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_are_refused_by_their_announcement() {
    let door = Door::open().await;
    for (kind, limit) in [("audio/wav", "64000000"), ("application/json", "65536")] {
        let started = Instant::now();
        let head = format!(
            "POST /v1/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer chat-token\r\nContent-Type: {kind}\r\nContent-Length: 100000000\r\n\r\nRIFF",
            door.address()
        );
        let answer = door.raw(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains(limit), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(5), "it waited for the body");
    }
    assert_eq!(door.turns(), 0);
}

#[tokio::test]
async fn a_client_that_sends_a_hundred_megabytes_all_the_same_still_reads_the_answer() {
    let door = Door::open().await;
    let request = door.turn("chat-token").header("content-type", "audio/wav").body(vec![0; 100_000_000]);
    let (status, code, _) = refusal(request.send().await.expect("an answer, not a reset")).await;
    assert_eq!((status, code.as_str()), (413, "too_large"));
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_at_the_limit() {
    let door = Door::open().await;
    let mut request = format!(
        "POST /v1/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer chat-token\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        door.address()
    )
    .into_bytes();
    for _ in 0..100 {
        request.extend_from_slice(b"1000\r\n");
        request.extend_from_slice(&[b' '; 0x1000]);
        request.extend_from_slice(b"\r\n");
    }
    let answer = door.raw(&request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn bytes_that_are_not_http_get_no_turn_and_no_crash() {
    let door = Door::open().await;
    let host = door.address();
    let turn = |extra: &str, body: &str| {
        format!(
            "POST /v1/turns HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer chat-token\r\nContent-Type: application/json\r\n{extra}\r\n{body}"
        )
    };
    let smuggled = turn("Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    let twice = turn("Content-Length: 5\r\nContent-Length: 6\r\n", "{\"a\":1");
    let negative = turn("Content-Length: -1\r\n", "");
    let many: String = (0..200).map(|i| format!("X-{i}: y\r\n")).collect();
    let long = format!("GET /{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "a".repeat(200_000));
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"\0\0\0\0\0\0\0\0\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        smuggled.into_bytes(),
        twice.into_bytes(),
        negative.into_bytes(),
        turn(&many, "").into_bytes(),
        long.into_bytes(),
    ] {
        // A client that goes away half way closes its side, which ends the wait for the rest.
        let answer = door.raw(&bytes).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(door.turns(), 0);
    assert_eq!(door.say("still here").await.status(), 200);
}

#[tokio::test]
async fn a_body_that_ends_early_is_no_turn() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let door = Door::open().await;
    let mut socket = door.socket().await;
    let head = format!(
        "POST /v1/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer chat-token\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"text\":\"half",
        door.address()
    );
    socket.write_all(head.as_bytes()).await.expect("sent");
    socket.shutdown().await.expect("half closed");
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(door.turns(), 0);
}

#[tokio::test]
async fn what_only_looks_odd_is_taken() {
    let door = Door::open().await;
    let taken = [
        ("application/json; charset=utf-8", r#"{"text":"x","session":null,"turn_id":null}"#),
        ("Application/JSON", "\n {\"speak\":false,\"text\":\"\\u0000 <script>alert(1)</script> ' OR 1=1 --\"}"),
    ];
    for (kind, body) in taken {
        let response = door.turn("chat-token").header("content-type", kind).body(body).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{kind} {body}");
        assert_eq!(response.headers()["content-type"], "application/json", "never a type that a browser would run");
    }
    for kind in ["audio/wav", "audio/x-wav", "audio/wave", "AUDIO/VND.WAVE"] {
        let request = door.turn("room-token").header("content-type", kind).body("not a WAV, which hearing will say");
        assert_eq!(request.send().await.expect("an answer").status(), 200, "{kind}");
    }
}
