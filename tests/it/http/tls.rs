//! TLS: offered with a certificate, demanded beyond loopback.

use std::{fs, path::PathBuf, time::Duration};

use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client, Version};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wellspoken::{
    channels::http::{Limits, ListenError, Listener},
    config::HttpConfig,
};

use super::door::{Door, Parrot, client};

struct Certified {
    dir: TempDir,
    pem: String,
}

impl Certified {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).expect("names");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2060, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(dir.path().join("cert.pem"), certificate.pem()).expect("written");
        fs::write(dir.path().join("key.pem"), key.serialize_pem()).expect("written");
        Self { dir, pem: certificate.pem() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn config(&self) -> HttpConfig {
        HttpConfig {
            tls_cert: Some(self.path("cert.pem")),
            tls_key: Some(self.path("key.pem")),
            ..HttpConfig::default()
        }
    }

    fn client(&self, http1: bool) -> Client {
        drop(client());
        let trusted = Certificate::from_pem(self.pem.as_bytes()).expect("a certificate");
        let builder = Client::builder().tls_certs_only([trusted]).no_proxy().timeout(Duration::from_secs(20));
        if http1 { builder.http1_only() } else { builder }.build().expect("a client")
    }

    async fn door(&self, http1: bool) -> Door {
        Door::with(Parrot::default(), Limits::default(), &self.config(), self.client(http1)).await
    }
}

#[tokio::test]
async fn a_turn_goes_through_tls() {
    let certified = Certified::new();
    let door = certified.door(true).await;
    assert!(door.url.starts_with("https://127.0.0.1:"));
    let response = door.say("hello").await;
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
    assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn a_cookie_under_tls_never_leaves_it() {
    let certified = Certified::new();
    let door = certified.door(true).await;
    let request = door.request(reqwest::Method::POST, "/v1/session").header("origin", &door.url);
    let response = request.json(&json!({ "link": "link-1" })).send().await.expect("an answer");
    let cookie = response.headers()["set-cookie"].to_str().expect("ASCII");
    assert_eq!(cookie, "__Host-wellspoken=page-of-link-1; Path=/; HttpOnly; SameSite=Strict; Secure");
    let plain = door.url.replace("https", "http");
    let turn = door.request(reqwest::Method::POST, "/v1/turns").header("cookie", "__Host-wellspoken=page-of-link-1");
    let refused = turn.header("origin", plain).json(&json!({ "text": "x" })).send().await.expect("an answer");
    assert_eq!(refused.status(), 403, "a page without TLS is not ours");
}

#[tokio::test]
async fn http2_is_spoken_when_both_can() {
    let certified = Certified::new();
    let door = certified.door(false).await;
    let connector = {
        let mut roots = rustls::RootCertStore::empty();
        let der = rustls_pki_types::pem::PemObject::from_pem_slice(certified.pem.as_bytes()).expect("a certificate");
        roots.add(der).expect("a root");
        let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
    };
    let name = "localhost".try_into().expect("a name");
    let stream = connector.connect(name, door.socket().await).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let turn = |text: &str| {
        hyper::Request::post(format!("{}/v1/turns", door.url))
            .header("authorization", "Bearer chat-token")
            .header("content-type", "application/json")
            .body(http_body_util::Full::new(bytes::Bytes::from(json!({ "text": text }).to_string())))
            .expect("a request")
    };
    let answer = send.send_request(turn("hello")).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, hyper::Version::HTTP_2));

    // Told to stop, the server finishes the turn in progress and says goodbye.
    let late = send.send_request(turn("wait"));
    let late = tokio::spawn(late);
    while door.turns() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut door = door;
    door.ask_to_stop();
    assert_eq!(late.await.expect("not cancelled").expect("an answer").status(), 200);
    let _ = tokio::time::timeout(Duration::from_secs(5), connection).await.expect("the connection ends");
    assert_eq!(door.stopped().await.turns_left, 0);
}

#[tokio::test]
async fn plain_http_to_a_tls_port_and_half_a_handshake_get_nothing() {
    let certified = Certified::new();
    let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
    let door = Door::with(Parrot::default(), limits, &certified.config(), certified.client(true)).await;
    let answer = door.raw(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", door.address()).as_bytes()).await;
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    let mut half = door.socket().await;
    half.write_all(b"\x16\x03\x01\x02").await.expect("sent");
    let ended = tokio::time::timeout(Duration::from_secs(5), half.read(&mut [0; 64])).await.expect("closed in time");
    assert!(matches!(ended, Ok(0) | Err(_)));
    assert_eq!(door.say("still here").await.status(), 200);
}

#[tokio::test]
async fn old_tls_is_not_spoken() {
    let certified = Certified::new();
    let door = certified.door(true).await;
    // A hello of TLS 1.0 that offers nothing newer.
    let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 2, 0, 0x2f, 1, 0]);
    let mut socket = door.socket().await;
    socket.write_all(&hello).await.expect("sent");
    let mut answer = [0; 16];
    let read = socket.read(&mut answer).await.unwrap_or(0);
    assert!(read == 0 || answer[0] == 0x15, "an alert or nothing, not {answer:?}");
}

#[tokio::test]
async fn beyond_loopback_plain_http_is_not_even_bound() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let config = HttpConfig { listen: listen.into(), ..HttpConfig::default() };
        let error = Listener::bind(&config).await.map(|_| ()).expect_err("must not be bound");
        assert!(matches!(error, ListenError::Exposed(_)), "{listen}: {error}");
    }
    let certified = Certified::new();
    let config = HttpConfig { listen: "0.0.0.0:0".into(), ..certified.config() };
    Listener::bind(&config).await.map(|_| ()).expect("with TLS it may");
    let taken =
        Listener::bind(&HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() }).await.expect("bound");
    let listen = taken.url().replace("http://", "");
    let error = Listener::bind(&HttpConfig { listen: listen.clone(), ..HttpConfig::default() }).await.map(|_| ());
    let error = error.expect_err("the port is taken").to_string();
    assert!(error.contains(&listen), "{error}");
}
