//! Host names that were pointed here and pages of somebody else's get nothing.

use super::door::{Door, Parrot, client};
use wellspoken::{channels::http::Limits, config::HttpConfig};

async fn status(door: &Door, head: &str, body: &str) -> u16 {
    let request = format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = door.raw(request.as_bytes()).await;
    answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no status: {answer:?}"))
}

#[tokio::test]
async fn only_our_own_host_names_are_answered() {
    let config = HttpConfig { hosts: vec!["Voice.Clinic.Example".into()], ..HttpConfig::default() };
    let door = Door::with(Parrot::default(), Limits::default(), &config, client()).await;
    let port = door.address().rsplit(':').next().expect("a port").to_owned();
    let rows = [
        (format!("Host: 127.0.0.1:{port}\r\n"), 200),
        (format!("Host: localhost:{port}\r\n"), 200),
        ("Host: voice.clinic.example\r\n".into(), 200),
        ("Host: rebound.evil.example\r\n".into(), 421),
        (format!("Host: 127.0.0.1.evil.example:{port}\r\n"), 421),
        ("Host: 192.0.2.1\r\n".into(), 421),
        ("Host: \r\n".into(), 421),
        (format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"), 421),
        (String::new(), 421),
    ];
    for (host, expected) in rows {
        for path in ["/", "/livez", "/page/talk.js"] {
            let told = status(&door, &format!("GET {path} HTTP/1.1\r\n{host}"), "").await;
            assert!(told == expected || (expected == 421 && told == 400), "{path} with {host:?}: {told}");
        }
    }
    let absolute = status(&door, &format!("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"), "").await;
    assert_eq!(absolute, 421, "the target's authority counts, too");
    assert_eq!(status(&door, "GET / HTTP/1.0\r\n", "").await, 421);
}

#[tokio::test]
async fn pages_of_others_cannot_send_turns_even_with_a_token() {
    let door = Door::open().await;
    let host = door.address();
    let turn = |extra: &str| {
        format!(
            "POST /v1/turns HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer chat-token\r\nContent-Type: application/json\r\n{extra}"
        )
    };
    let body = r#"{"text":"x"}"#;
    for (extra, expected) in [
        (String::new(), 200),
        (format!("Origin: http://{host}\r\n"), 200),
        (format!("Origin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n"), 200),
        ("Origin: http://evil.example\r\n".into(), 403),
        ("Origin: null\r\n".into(), 403),
        (format!("Origin: https://{host}.evil.example\r\n"), 403),
        ("Sec-Fetch-Site: cross-site\r\n".into(), 403),
        ("Sec-Fetch-Site: same-site\r\n".into(), 403),
    ] {
        assert_eq!(status(&door, &turn(&extra), body).await, expected, "{extra:?}");
    }
    let preflight = format!(
        "OPTIONS /v1/turns HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n"
    );
    assert_eq!(status(&door, &preflight, "").await, 403, "no other origin is invited");
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers() {
    let door = Door::open().await;
    for path in ["/", "/page/talk.js", "/livez", "/nothing", "/v1/turns", "/metrics"] {
        let response = door.request(reqwest::Method::GET, path).send().await.expect("an answer");
        for (name, value) in wellspoken::channels::http::SERVER_HEADERS {
            assert_eq!(response.headers().get(name).and_then(|v| v.to_str().ok()), Some(value), "{path}: {name}");
        }
        assert!(!response.headers().contains_key("strict-transport-security"), "not without TLS");
        assert!(!response.headers().contains_key("access-control-allow-origin"));
        assert!(!response.headers().contains_key("server"));
    }
    let page = door.request(reqwest::Method::GET, "/").send().await.expect("an answer").text().await.expect("a page");
    for inline in ["<style", "style=", "onclick", "http://", "https://", "javascript:"] {
        assert!(!page.contains(inline), "the page holds {inline}");
    }
    assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=").count());
}
