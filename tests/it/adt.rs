//! Admissions over real sockets: from a sender of HL7's own library, cut into bytes, pipelined, over TLS, and killed in between.

mod fuzzed;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::serve::process::{Server, wellspoken};

const CONFIG: &str = "[adt]\nlisten = \"127.0.0.1:0\"\nsystems = { LAKESIDE = \"https://lakeside.example/mrn\" }\n";

/// A small catalogue is enough where nobody speaks.
const QUIET: &[&str] = &["--intents", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/barista")];

/// The canary: nothing about them may be found anywhere afterwards.
const NUMBER: &str = "QZ-77190425";

fn message(trigger: &str, control: &str, bed: &str, minute: u32) -> String {
    let when = format!("202611220{:01}{:02}00+0000", minute / 60, minute % 60);
    format!(
        "MSH|^~\\&|ADT|LAKESIDE|WS|LAKESIDE|{when}||ADT^{trigger}|{control}|P|2.5.1\rEVN|{trigger}|{when}\r\
         PID|1||{NUMBER}^^^LAKESIDE^MR||Zephyrantha^Quillon\rPV1|1|I|{bed}\r"
    )
}

fn framed(message: &str) -> Vec<u8> {
    [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()
}

/// The codes and control ids of the answers that came, until there are so many.
fn answers(stream: &mut impl std::io::Read, many: usize) -> Vec<String> {
    let (mut bytes, mut buffer) = (vec![], [0; 4096]);
    while bytes.iter().filter(|byte| **byte == 0x1c).count() < many {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let told = |line: &str| line.strip_prefix("MSA|").map(str::to_owned);
    text.split('\r').filter_map(told).collect()
}

fn port(server: &Server) -> u16 {
    let printed = server.printed();
    let line = printed.lines().find_map(|line| line.strip_prefix("admissions on ")).expect("the door");
    line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port(server))).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    stream
}

fn adt(server: &Server, arguments: &[&str]) -> String {
    let output = wellspoken(server.dir()).arg("adt").args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn import(server: &Server) {
    let bundle = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("demo/canary.json");
    let imported = wellspoken(server.dir()).args(["import", "--consent", "all"]).arg(bundle).output().expect("it runs");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
}

/// Where the sender's package lies.
fn sender() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or(home).expect("HOME is set").join("wellspoken/hl7")
}

/// Sends a message by `mllp_send`.
fn mllp_send(server: &Server, message: &str) -> String {
    let file = server.dir().join("message.hl7");
    std::fs::write(&file, message.replace('\r', "\r\n")).expect("written");
    let sent = Command::new("python3")
        .args(["-c", "from hl7.client import mllp_send; mllp_send()", "--loose", "-p"])
        .arg(port(server).to_string())
        .arg("-f")
        .arg(&file)
        .arg("127.0.0.1")
        .env("PYTHONPATH", sender())
        .output()
        .expect("python3 runs");
    let _ = std::fs::remove_file(file);
    assert!(sent.status.success(), "scripts/setup.sh test installs it: {}", String::from_utf8_lossy(&sent.stderr));
    let answer = String::from_utf8_lossy(&sent.stdout).into_owned();
    let told = answer.split('\r').find_map(|line| line.strip_prefix("MSA|"));
    told.unwrap_or_else(|| panic!("no answer: {answer}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_knows_who_is_in_it_and_forgets_when_they_leave() {
    let server = Server::configured(CONFIG, &[], &[]).await;
    import(&server);
    let token = server.credential(&["new", "--channel", "room", "--room", "136-A"]);
    let ask = async |session: Option<&str>, text: &str| {
        let request = server.request(Method::POST, "/v1/turns").bearer_auth(&token);
        let turn = request.json(&json!({ "text": text, "session": session })).send().await.expect("an answer");
        turn.json::<Value>().await.expect("JSON")
    };
    let visit = "when is my next appointment";
    let before = ask(None, visit).await;
    assert_ne!(before["state"], "answered", "nobody is known to lie there: {before}");

    assert_eq!(mllp_send(&server, &message("A01", "1", "4E^136^A", 1)), "AA|1", "kept");
    assert!(adt(&server, &["list"]).contains("4E^136^A is no room yet"), "{}", adt(&server, &["list"]));
    adt(&server, &["map", "4e^136^a", "136-A"]);
    assert_eq!(mllp_send(&server, &message("A08", "2", "4E^136^A", 2)), "AA|2");
    let there = ask(None, visit).await;
    assert_eq!(there["state"], "answered", "{there}");
    let session = there["session"].as_str().expect("an id").to_owned();
    let call = ask(Some(&session), "I need some water please").await;
    assert_eq!(call["intent"], "nurse.request", "{call}");

    assert_eq!(mllp_send(&server, &message("A03", "3", "4E^136^A", 3)), "AA|3");
    let after = ask(Some(&session), visit).await;
    assert_ne!(after["state"], "answered", "{after}");
    let board = wellspoken(server.dir()).args(["board", "list"]).output().expect("it runs");
    let board = String::from_utf8_lossy(&board.stdout).into_owned();
    assert!(board.contains("136-A") && board.contains("left the room"), "the call stays, flagged: {board}");
    let listed: Vec<Value> = serde_json::from_str(&adt(&server, &["list", "--json"])).expect("JSON");
    let states: Vec<_> = listed.iter().map(|row| format!("{} {}", row["kind"], row["state"])).collect();
    assert_eq!(states, ["\"A01\" \"applied\"", "\"A08\" \"applied\"", "\"A03\" \"applied\""]);
    let id = listed[0]["id"].as_str().expect("an id");
    assert!(adt(&server, &["show", id]).contains("PID|1||"), "an operator may read it, audited");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_the_bytes_come_each_message_is_answered_once_and_in_order() {
    let server = Server::configured(CONFIG, QUIET, &[]).await;
    let mut stream = connect(&server);
    for byte in framed(&message("A01", "slow", "4E^136^A", 1)) {
        stream.write_all(&[byte]).expect("sent");
    }
    assert_eq!(answers(&mut stream, 1), ["AA|slow"]);
    let many: Vec<u8> = (0..40).flat_map(|n| framed(&message("A08", &format!("m{n}"), "4E^136^A", n + 2))).collect();
    stream.write_all(&many).expect("sent");
    let want: Vec<_> = (0..40).map(|n| format!("AA|m{n}")).collect();
    assert_eq!(answers(&mut stream, 40), want);
    // Noise around it, a message that breaks off within another, and what is none.
    let mut odd = b"noise\x0bMSH|^~".to_vec();
    odd.extend(framed(&message("A08", "whole", "4E^136^A", 50)));
    odd.extend(framed("hello"));
    odd.extend(framed(&message("Z99", "other", "4E^136^A", 51)));
    stream.write_all(&odd).expect("sent");
    assert_eq!(answers(&mut stream, 3), ["AA|whole", "AE|", "AA|other"]);
    // A message without an end is given up, and costs nobody else anything.
    let mut endless = connect(&server);
    let chunk = vec![b'x'; 64 * 1024];
    let refused = endless.write_all(b"\x0bMSH|").and_then(|()| (0..64).try_for_each(|_| endless.write_all(&chunk)));
    assert!(refused.is_err() || endless.read(&mut [0; 16]).map_or(true, |read| read == 0), "it is closed");
    stream.write_all(&framed(&message("A08", "last", "4E^136^A", 52))).expect("sent");
    assert_eq!(answers(&mut stream, 1), ["AA|last"]);
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tls_only_senders_of_a_known_authority_are_let_in() {
    let dir = crate::residue::folder();
    let authority = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(vec![]).expect("fits");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).expect("signed");
    let issuer = rcgen::Issuer::new(params, authority);
    let leaf = |name: &str| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("fits");
        (cert.signed_by(&key, &issuer).expect("signed"), key)
    };
    let (cert, key) = leaf("localhost");
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("plain").to_owned()
    };
    let config = format!(
        "{CONFIG}tls_cert = \"{}\"\ntls_key = \"{}\"\nclient_ca = \"{}\"\n",
        file("cert.pem", cert.pem()),
        file("key.pem", key.serialize_pem()),
        file("ca.pem", root.pem())
    );
    let server = Server::configured(&config, QUIET, &[]).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.der().clone()).expect("a root");
    let client = |own: Option<(rcgen::Certificate, rcgen::KeyPair)>| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots.clone());
        match own {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
                builder.with_client_auth_cert(vec![cert.der().clone()], key).expect("fits")
            }
        }
    };
    let send = |config: rustls::ClientConfig| {
        let name = rustls_pki_types::ServerName::try_from("localhost").expect("a name");
        let connection = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut stream = rustls::StreamOwned::new(connection, connect(&server));
        let _ = stream.write_all(&framed(&message("A08", "tls", "4E^136^A", 1)));
        answers(&mut stream, 1)
    };
    assert_eq!(send(client(Some(leaf("sender")))), ["AA|tls"]);
    assert!(send(client(None)).is_empty(), "without a certificate");
    let stranger = rcgen::generate_simple_self_signed(["sender".to_owned()]).expect("a certificate");
    assert!(send(client(Some((stranger.cert, stranger.signing_key)))).is_empty(), "with one of nobody's");
    let mut plain = connect(&server);
    plain.write_all(&framed(&message("A08", "plain", "4E^136^A", 1))).expect("sent");
    assert!(answers(&mut plain, 1).is_empty(), "without TLS");
    assert!(server.stop().await.success());
}

/// Killed at any moment: whatever was answered is there, and counts once the program runs again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_answered_survives_kill_9() {
    let mut server = Server::configured(CONFIG, QUIET, &[]).await;
    adt(&server, &["map", "4E^136^A", "136-A"]);
    adt(&server, &["map", "4E^136^B", "136-B"]);
    let (mut answered, mut sent) = (vec![], 0u32);
    for round in 0..6u64 {
        let mut stream = connect(&server);
        let pid = server.pid().to_string();
        // The moment is drawn from the round, and falls anywhere within the messages.
        let kill = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5 + round * 13));
            Command::new("kill").args(["-9", &pid]).status().expect("kill runs")
        });
        for _ in 0..2000 {
            sent += 1;
            let bed = if sent % 2 == 0 { "4E^136^A" } else { "4E^136^B" };
            let control = format!("k{sent}");
            if stream.write_all(&framed(&message("A02", &control, bed, 1))).is_err() {
                break;
            }
            match answers(&mut stream, 1).as_slice() {
                [answer] => {
                    assert_eq!(*answer, format!("AA|{control}"));
                    answered.push(bed);
                }
                _ => break,
            }
        }
        assert!(kill.join().expect("joined").success());
        server = server.again(CONFIG, QUIET).await;
    }
    // All that were answered are there, and at most one a round besides, whose answer was lost.
    let mut stream = connect(&server);
    stream.write_all(&framed(&message("A08", "end", "4E^136^A", 1))).expect("sent");
    assert_eq!(answers(&mut stream, 1), ["AA|end"]);
    let listed: Vec<Value> = serde_json::from_str(&adt(&server, &["list", "--json"])).expect("JSON");
    let moves = listed.iter().filter(|row| row["kind"] == "A02").count();
    assert!((answered.len()..=answered.len() + 6).contains(&moves), "{} answered, {moves} kept", answered.len());
    assert!(listed.iter().all(|row| row["state"] == "applied" || row["kind"] == "A08"), "{listed:?}");
    println!("{} messages answered, {} kept, killed 6 times: lost 0", answered.len(), moves);
    assert!(server.stop().await.success());
}
