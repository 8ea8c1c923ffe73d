//! Slow, silent, many and large: each has an end.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use wellspoken::channels::http::Limits;

use super::door::{Door, refusal};

const SHORT: Duration = Duration::from_millis(300);

/// How long the door stays open for a client that goes on like this.
async fn closed_after(mut socket: TcpStream, dribble: &[u8]) -> Duration {
    let started = Instant::now();
    let mut answer = vec![0; 4096];
    for byte in dribble.iter().cycle() {
        tokio::select! {
            read = socket.read(&mut answer) => if matches!(read, Ok(0) | Err(_)) { break },
            () = tokio::time::sleep(Duration::from_millis(50)) => { let _ = socket.write_all(&[*byte]).await; }
        }
        assert!(started.elapsed() < Duration::from_secs(10), "never closed");
    }
    started.elapsed()
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let door = Door::limited(Limits { head: SHORT, ..Limits::default() }).await;
    let after =
        closed_after(door.socket().await, b"GET / HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await;
    assert!(after >= SHORT, "closed too early: {after:?}");
    let mut silent = door.socket().await;
    let ended = tokio::time::timeout(Duration::from_secs(8), silent.read(&mut [0; 64])).await.expect("closed in time");
    assert!(matches!(ended, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_slow_body_is_told_so() {
    for limits in [Limits { body_pause: SHORT, ..Limits::default() }, Limits { body_total: SHORT, ..Limits::default() }]
    {
        let pausing = limits.body_pause == SHORT;
        let door = Door::limited(limits).await;
        let mut socket = door.socket().await;
        let head = format!(
            "POST /v1/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer chat-token\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
            door.address()
        );
        socket.write_all(head.as_bytes()).await.expect("sent");
        let (mut from, mut to) = socket.into_split();
        let dribble = tokio::spawn(async move {
            while !pausing && to.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
            // A pausing client keeps its connection open and says nothing.
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        let mut answer = vec![0; 4096];
        let read =
            tokio::time::timeout(Duration::from_secs(5), from.read(&mut answer)).await.expect("an answer in time");
        let answer = String::from_utf8_lossy(&answer[..read.expect("an answer")]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        dribble.abort();
        assert_eq!(door.turns(), 0);
    }
}

#[tokio::test]
async fn a_reader_who_never_reads_does_not_stay() {
    let door = Door::limited(Limits { idle: SHORT, head: Duration::from_secs(60), ..Limits::default() }).await;
    let mut silent = door.socket().await;
    let ended = tokio::time::timeout(Duration::from_secs(8), silent.read(&mut [0; 64])).await.expect("closed in time");
    assert!(matches!(ended, Ok(0) | Err(_)));
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_rest_go_on() {
    let door = Door::limited(Limits { connections: 3, ..Limits::default() }).await;
    let mut held = vec![];
    for _ in 0..3 {
        held.push(door.socket().await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut refused = door.socket().await;
    let ended = tokio::time::timeout(Duration::from_secs(5), refused.read(&mut [0; 64])).await.expect("closed at once");
    assert!(matches!(ended, Ok(0) | Err(_)));
    let one = held.pop().expect("three");
    drop(one);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match door.turn("chat-token").json(&serde_json::json!({ "text": "hello" })).send().await {
            Ok(response) => break assert_eq!(response.status(), 200),
            Err(_) => assert!(Instant::now() < deadline, "the place was never given back"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn large_recordings_wait_their_turn_and_a_short_cry_never_does() {
    let limits = Limits { bodies_bytes: 1024 * 1024, small_bytes: 64 * 1024, ..Limits::default() };
    let door = Door::limited(limits).await;
    // Holds a megabyte of room for as long as it stays unfinished.
    let mut hoarder = door.socket().await;
    let head = format!(
        "POST /v1/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer room-token\r\nContent-Type: audio/wav\r\nContent-Length: 2000000\r\n\r\n",
        door.address()
    );
    hoarder.write_all(head.as_bytes()).await.expect("sent");
    hoarder.write_all(&vec![0; 64 * 1024 + 1024 * 1024]).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let wav = |bytes: usize| door.turn("room-token").header("content-type", "audio/wav").body(vec![0; bytes]);
    assert_eq!(wav(60_000).send().await.expect("an answer").status(), 200, "a short cry waits for nothing");
    let (status, code, _) = refusal(wav(500_000).send().await.expect("an answer")).await;
    assert_eq!((status, code.as_str()), (503, "busy"));
    drop(hoarder);
    let deadline = Instant::now() + Duration::from_secs(10);
    while wav(500_000).send().await.expect("an answer").status() != 200 {
        assert!(Instant::now() < deadline, "the room was never given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
