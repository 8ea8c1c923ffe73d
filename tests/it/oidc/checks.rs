//! What is refused: every lie of a provider, every answer that was not asked for here and now.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{
    provider::{Sign, challenge},
    stage::{Ended, SUBJECT, Stage},
};
use crate::support::now;

fn refused(word: &str) -> Ended {
    Ended { to: format!("/#sign-in={word}"), session: None }
}

type Lie = fn(&mut Value);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lie_is_refused_and_the_truth_is_not() {
    let stage = Stage::open().await;
    stage.bind().await;
    let honest: Lie = |_| {};
    #[rustfmt::skip]
    let lies: [(&str, Lie, Sign); 25] = [
        ("issuer",               |c| c["iss"] = "https://evil.example".into(), Sign::Well),
        ("issuer with a slash",  |c| c["iss"] = format!("{}/", c["iss"].as_str().expect("text")).into(), Sign::Well),
        ("no issuer",            |c| { c.as_object_mut().expect("claims").remove("iss"); }, Sign::Well),
        ("audience",             |c| c["aud"] = "somebody-else".into(), Sign::Well),
        ("audiences, not ours",  |c| c["aud"] = json!(["a", "b"]), Sign::Well),
        ("audiences without azp", |c| c["aud"] = json!(["wellspoken", "b"]), Sign::Well),
        ("another's azp",        |c| c["azp"] = "b".into(), Sign::Well),
        ("no audience",          |c| { c.as_object_mut().expect("claims").remove("aud"); }, Sign::Well),
        ("expired",              |c| c["exp"] = (now().as_second() - 61).into(), Sign::Well),
        ("expired, as text",     |c| c["exp"] = "9999999999".into(), Sign::Well),
        ("no end",               |c| { c.as_object_mut().expect("claims").remove("exp"); }, Sign::Well),
        ("from the future",      |c| c["iat"] = (now().as_second() + 120).into(), Sign::Well),
        ("not yet",              |c| c["nbf"] = (now().as_second() + 120).into(), Sign::Well),
        ("nonce",                |c| c["nonce"] = "another".into(), Sign::Well),
        ("no nonce",             |c| { c.as_object_mut().expect("claims").remove("nonce"); }, Sign::Well),
        ("nonce as a list",      |c| c["nonce"] = json!([c["nonce"]]), Sign::Well),
        ("no subject",           |c| { c.as_object_mut().expect("claims").remove("sub"); }, Sign::Well),
        ("an empty subject",     |c| c["sub"] = "".into(), Sign::Well),
        ("somebody unknown",     |c| c["sub"] = "a-stranger".into(), Sign::Well),
        ("not signed",           honest, Sign::None),
        ("HS256 with the public key", honest, Sign::PublicKeyAsSecret),
        ("a stranger's key",     honest, Sign::Stranger),
        ("an unknown key",       honest, Sign::UnknownKey),
        ("altered",              |c| c["sub"] = "x".into(), Sign::Altered),
        ("critical",             honest, Sign::Critical),
    ];
    let mut believed = vec![];
    for (name, lie, sign) in lies {
        let begun = stage.begin().await;
        let mut claims = stage.provider.claims(SUBJECT, &begun.query["nonce"]);
        lie(&mut claims);
        stage.provider.will_say(claims, sign);
        if stage.come_back(&begun).await != refused("refused") {
            believed.push(name);
        }
    }
    assert!(believed.is_empty(), "believed: {believed:?}");
    for (name, change) in [
        ("as it is", honest),
        ("a clock that is a little behind", (|c| c["exp"] = (now().as_second() - 30).into()) as Lie),
        ("among others", |c| {
            c["aud"] = json!(["wellspoken", "b"]);
            c["azp"] = "wellspoken".into();
        }),
    ] {
        let begun = stage.begin().await;
        let mut claims = stage.provider.claims(SUBJECT, &begun.query["nonce"]);
        change(&mut claims);
        stage.provider.will_say(claims, Sign::Well);
        let ended = stage.come_back(&begun).await;
        assert_eq!((ended.to.as_str(), ended.session.is_some()), ("/#sign-in=done", true), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_once_in_its_own_browser_and_from_its_own_provider() {
    let stage = Stage::open().await;
    stage.bind().await;
    let (ours, other) = (stage.begin().await, stage.begin().await);
    stage.provider.will_say(stage.provider.claims(SUBJECT, &ours.query["nonce"]), Sign::Well);
    let code = ("code", "a-code");
    let state = ("state", ours.query["state"].as_str());
    let (rest, last) = ours.cookie.split_at(ours.cookie.len() - 1);
    let altered = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    let old = stage.store().flow_cookie("people", [7; 32], now() - jiff::SignedDuration::from_mins(11));
    let old_words =
        stage.store().flow_words("people", &old, now() - jiff::SignedDuration::from_mins(11)).expect("then");
    type Back<'a> = (&'a str, Vec<(&'a str, &'a str)>, Option<&'a str>);
    let stale: [Back<'_>; 9] = [
        ("no cookie", vec![code, state], None),
        ("another sign-in's cookie", vec![code, state], Some(&other.cookie)),
        ("no state", vec![code], Some(&ours.cookie)),
        ("another sign-in's state", vec![code, ("state", &other.query["state"])], Some(&ours.cookie)),
        ("an invented state", vec![code, ("state", "abc")], Some(&ours.cookie)),
        ("an altered cookie", vec![code, state], Some(&altered)),
        ("a state twice", vec![code, state, state], Some(&ours.cookie)),
        ("too late", vec![code, ("state", &old_words.state)], Some(&old)),
        ("nothing", vec![], Some(&ours.cookie)),
    ];
    let mut taken = vec![];
    for (name, query, cookie) in stale {
        if stage.back(&query, cookie).await != refused("stale") {
            taken.push(name);
        }
    }
    assert!(taken.is_empty(), "taken: {taken:?}");
    assert_eq!(stage.provider.0.exchanges.load(Ordering::Relaxed), 0, "none of these asked the provider");

    let first = stage.come_back(&ours).await;
    assert_eq!(first.to, "/#sign-in=done");
    assert_eq!(stage.come_back(&ours).await, refused("stale"), "the same answer again");
    assert_eq!(stage.provider.0.exchanges.load(Ordering::Relaxed), 1);

    let begun = stage.begin().await;
    let state = ("state", begun.query["state"].as_str());
    assert_eq!(stage.back(&[("error", "access_denied"), state], Some(&begun.cookie)).await, refused("refused"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_names_itself_is_believed_only_by_name() {
    let stage = Stage::open().await;
    stage.bind().await;
    let begun = stage.begin().await;
    stage.provider.will_say(stage.provider.claims(SUBJECT, &begun.query["nonce"]), Sign::Well);
    let query = [("code", "c"), ("state", begun.query["state"].as_str()), ("iss", "https://evil.example")];
    assert_eq!(stage.back(&query, Some(&begun.cookie)).await, refused("refused"), "mixed up with another provider");
    let stage = Stage::open().await;
    stage.bind().await;
    *stage.provider.0.document.lock().expect("whole") =
        json!({ "authorization_response_iss_parameter_supported": true });
    let begun = stage.begin().await;
    stage.provider.will_say(stage.provider.claims(SUBJECT, &begun.query["nonce"]), Sign::Well);
    assert_eq!(stage.come_back(&begun).await, refused("refused"), "it names itself, and this answer does not");
    let begun = stage.begin().await;
    stage.provider.will_say(stage.provider.claims(SUBJECT, &begun.query["nonce"]), Sign::Well);
    let url = stage.provider.url();
    let query = [("code", "c"), ("state", begun.query["state"].as_str()), ("iss", url.as_str())];
    assert_eq!(stage.back(&query, Some(&begun.cookie)).await.to, "/#sign-in=done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_the_provider_is_what_it_needs() {
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "s3cret & more\n").expect("written");
    let stage = Stage::configured(&format!("client_secret_file = \"{}\"\n", secret.path().display())).await;
    stage.bind().await;
    let begun = stage.begin().await;
    let asked = &begun.query;
    let names: std::collections::BTreeSet<&str> = asked.keys().map(String::as_str).collect();
    let wanted = "client_id code_challenge code_challenge_method nonce redirect_uri response_type scope state";
    assert_eq!(names.into_iter().collect::<Vec<_>>().join(" "), wanted);
    assert_eq!((asked["response_type"].as_str(), asked["scope"].as_str()), ("code", "openid"));
    assert_eq!(asked["redirect_uri"], "http://localhost:1/sign-in/back");
    stage.provider.will_say(stage.provider.claims(SUBJECT, &asked["nonce"]), Sign::Well);
    assert_eq!(stage.come_back(&begun).await.to, "/#sign-in=done");
    let (form, basic) = stage.provider.0.asked.lock().expect("whole").clone().expect("an exchange");
    let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(challenge(field("code_verifier").expect("a verifier")), asked["code_challenge"]);
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!((field("code"), field("redirect_uri")), (Some("a-code"), Some("http://localhost:1/sign-in/back")));
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode("wellspoken:s3cret%20%26%20more");
    assert_eq!(basic, Some(format!("Basic {pair}")));
    assert_eq!(field("client_secret"), None);
    // Nothing repeats between two sign-ins.
    let other = stage.begin().await;
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(begun.query[name], other.query[name], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_signing_key_is_fetched_and_the_old_one_no_longer_counts() {
    let stage = Stage::open().await;
    stage.bind().await;
    for key in ["first", "second"] {
        if key == "second" {
            stage.provider.rotate(key);
            // Keys are not fetched anew more often than every ten seconds, whatever a token says.
            tokio::time::sleep(std::time::Duration::from_millis(10_100)).await;
        }
        let begun = stage.begin().await;
        stage.provider.will_say(stage.provider.claims(SUBJECT, &begun.query["nonce"]), Sign::Well);
        assert_eq!(stage.come_back(&begun).await.to, "/#sign-in=done", "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_is_said_plainly_and_in_time() {
    let stage = Stage::open().await;
    stage.bind().await;
    let begin = || stage.request(reqwest::Method::POST, "/v1/sign-in");
    stage.provider.0.hangs.store(true, Ordering::Relaxed);
    let started = std::time::Instant::now();
    let (status, code, _) = crate::http::door::refusal(begin().send().await.expect("an answer")).await;
    assert_eq!((status, code.as_str()), (503, "no_provider"));
    assert!(started.elapsed().as_millis() < 3000, "{:?}", started.elapsed());
    stage.provider.0.hangs.store(false, Ordering::Relaxed);
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    let begun = stage.begin().await;
    for down in [&stage.provider.0.broken, &stage.provider.0.hangs] {
        let begun = if std::ptr::eq(down, &stage.provider.0.broken) { &begun } else { &stage.begin().await };
        down.store(true, Ordering::Relaxed);
        assert_eq!(stage.come_back(begun).await, refused("unavailable"));
        down.store(false, Ordering::Relaxed);
    }
    // The code is not taken: an answer, not an outage.
    assert_eq!(stage.sign_in().await, refused("refused"));
}
