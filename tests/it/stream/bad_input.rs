//! What is no device, no message and no sound: each is told so or let go, and the next one is served.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use wellspoken::{
    cli::device::line::{Line, LineError, Told},
    device::message::{Down, Reason, Refused, Up},
    policy::Surface,
};

use super::stage::{Customs, Stage, bed, ending, hello, listen, next, spoken};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_is_refused_or_ends_it() {
    let stage = Stage::open(Customs::default()).await;
    stage.device("wsp_bed", bed("r7")).await;
    let text = |text: &str| vec![Message::text(text.to_owned())];
    let sound = |bytes: usize| Message::Binary(Bytes::from(vec![7; bytes]));
    let listening = |more: Vec<Message>| {
        let listen = serde_json::to_string(&listen("u-1", Reason::Wake)).expect("JSON");
        [vec![Message::text(listen)], more].concat()
    };
    let refused = |code| Some(Ok(code));
    let closed = |code| Some(Err(code));
    for (what, frames, expected) in [
        ("not JSON", text("marmalade"), refused(Refused::BadMessage)),
        ("an unknown type", text(r#"{"type":"marmalade"}"#), refused(Refused::BadMessage)),
        ("who it is", text(r#"{"type":"end","person":"rosa"}"#), refused(Refused::BadMessage)),
        ("an empty text", text(""), refused(Refused::BadMessage)),
        ("a long text", text(&"x".repeat(10_000)), refused(Refused::BadMessage)),
        ("hello twice", text(r#"{"type":"hello"}"#), refused(Refused::WrongOrder)),
        ("half a sample", listening(vec![sound(641)]), refused(Refused::OddAudio)),
        (
            "listening twice",
            listening(text(r#"{"type":"listen","utterance":"u-2","reason":"wake"}"#)),
            refused(Refused::StoppedShort),
        ),
        ("a huge frame", listening(vec![sound(64_002)]), closed(1009)),
        ("a huge text", text(&"x".repeat(70_000)), closed(1009)),
        ("the same mistake again and again", vec![Message::text("x".to_owned()); 22], closed(1008)),
        (
            "a text that is not UTF-8",
            vec![Message::Frame(Frame::message(vec![0xff_u8, 0xfe], OpCode::Data(Data::Text), true))],
            closed(1008),
        ),
        (
            "a kind of frame that there is not",
            vec![Message::Frame(Frame::message(vec![1_u8], OpCode::Data(Data::Reserved(5)), true))],
            closed(1008),
        ),
        (
            "an end of what never began",
            vec![Message::Frame(Frame::message(vec![1_u8], OpCode::Data(Data::Continue), true))],
            closed(1008),
        ),
        ("an empty frame of sound", listening(vec![sound(0)]), None),
        ("an answer to no question", vec![Message::Pong(Bytes::from_static(b"x"))], None),
        ("an end of nothing", text(r#"{"type":"end"}"#), None),
        ("having what never came", text(r#"{"type":"ack","seq":9223372036854775807}"#), None),
    ] {
        let mut line = stage.line("wsp_bed").await;
        for frame in frames {
            // The server may have ended it before all of it was sent.
            let _ = line.send(frame).await;
        }
        match expected {
            Some(Ok(code)) => {
                let told = next(&mut line).await;
                assert!(matches!(&told, Ok(Told::Message(Down::Refused { code: got, .. })) if *got == code), "{what}");
            }
            Some(Err(code)) => {
                let ended = ending(&mut line).await;
                assert!(matches!(&ended, LineError::Closed(got, _) if *got == code), "{what}: {ended}");
                continue;
            }
            None => {}
        }
        // It goes on after that.
        line.tell(&listen("u-9", Reason::Wake)).await.expect("sent");
        line.tell(&Up::End).await.expect("sent");
        let mut over = false;
        while !over {
            let told = next(&mut line).await.unwrap_or_else(|e| panic!("{what}: {e}"));
            over = matches!(told, Told::Message(Down::Ended { utterance, .. }) if utterance == "u-9");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_message_says_hello() {
    let stage = Stage::open(Customs::default()).await;
    stage.device("wsp_bed", bed("r7")).await;
    for frame in [
        Message::text(r#"{"type":"end"}"#),
        Message::text("x"),
        Message::text(r#"{"type":"hello","last_seq":-1}"#),
        Message::Binary(Bytes::from_static(b"1234")),
    ] {
        let mut line = Line::open(&stage.target("wsp_bed")).await.expect("let in");
        line.send(frame).await.expect("sent");
        let ended = ending(&mut line).await;
        assert!(matches!(ended, LineError::Closed(1008, _)), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_pieces_is_one_message() {
    let stage = Stage::open(Customs::default()).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = stage.line("wsp_bed").await;
    let text = serde_json::to_string(&listen("u-1", Reason::Wake)).expect("JSON");
    for (n, byte) in text.bytes().enumerate() {
        let kind = if n == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(vec![byte], OpCode::Data(kind), n + 1 == text.len());
        line.send(Message::Frame(frame)).await.expect("sent");
    }
    let bytes: Vec<u8> = spoken(300, 0).iter().flat_map(|s| s.to_le_bytes()).collect();
    // Cut in the middle of samples.
    let pieces: Vec<&[u8]> = bytes.chunks(1001).collect();
    for (n, piece) in pieces.iter().enumerate() {
        let kind = if n == 0 { Data::Binary } else { Data::Continue };
        let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), n + 1 == pieces.len());
        line.send(Message::Frame(frame)).await.expect("sent");
    }
    line.tell(&Up::End).await.expect("sent");
    let Ok(Told::Message(Down::Ended { ms, .. })) = next(&mut line).await else { panic!("it is over") };
    assert_eq!(ms, 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_devices_of_ours_are_let_in() {
    let stage = Stage::open(Customs::default()).await;
    stage.device("wsp_bed", bed("r7")).await;
    stage.device("wsp_stranger", Surface::ThirdParty).await;
    for (token, status) in [("wsp_nobody", 401), ("wsp_stranger", 403)] {
        let refused = Line::open(&stage.target(token)).await.err();
        assert!(matches!(refused, Some(LineError::Refused(got)) if got == status), "{token}");
    }
    let address = stage.address();
    let good = [
        ("Host", address.as_str()),
        ("Authorization", "Bearer wsp_bed"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "wellspoken.1"),
    ];
    let answered = async |line: &str, headers: &[(&str, &str)]| {
        let mut socket = tokio::net::TcpStream::connect(&address).await.expect("open");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        socket.write_all(format!("{line}\r\n{headers}\r\n").as_bytes()).await.expect("sent");
        let mut answer = vec![0; 12];
        socket.read_exact(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    let with = |name: &'static str, value: &'static str| {
        let mut headers = good.to_vec();
        headers.retain(|(old, _)| *old != name);
        headers.push((name, value));
        headers
    };
    let get = "GET /v1/stream HTTP/1.1";
    for (line, headers, status) in [
        (get, good.to_vec(), "101"),
        (get, with("Origin", "http://evil.example"), "403"),
        (get, with("Host", "evil.example"), "421"),
        (get, with("Authorization", "Basic x"), "401"),
        (get, with("Sec-WebSocket-Protocol", "wellspoken.2"), "400"),
        (get, with("Sec-WebSocket-Version", "8"), "400"),
        (get, with("Upgrade", "h2c"), "400"),
        ("GET /v1/stream?token=wsp_bed HTTP/1.1", good.to_vec(), "400"),
        ("POST /v1/stream HTTP/1.1", good.to_vec(), "405"),
    ] {
        assert_eq!(answered(line, &headers).await, status, "{line} {headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_a_message_byte_by_byte_is_let_go_in_time() {
    let limits = wellspoken::channels::http::StreamLimits {
        idle: Duration::from_millis(400),
        hello: Duration::from_millis(400),
        ..Default::default()
    };
    let stage = Stage::open(Customs { limits, ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = Line::open(&stage.target("wsp_bed")).await.expect("let in");
    let began = std::time::Instant::now();
    let text = serde_json::to_string(&hello(0)).expect("JSON");
    for (n, byte) in text.bytes().cycle().enumerate() {
        let kind = if n == 0 { Data::Text } else { Data::Continue };
        if line.send(Message::Frame(Frame::message(vec![byte], OpCode::Data(kind), false))).await.is_err() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "never let go");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
