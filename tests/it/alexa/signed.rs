//! Who is let in: only what Amazon signed, for a declared skill, just now. Each row breaks one rule.

use axum::http::{HeaderMap, HeaderValue};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wellspoken::{
    channels::alexa::{Alexa, NoChain, NotSigned, RootsError, Verifier},
    config::AlexaConfig,
};

use super::{
    authority::{Authority, Leaf, Place, forged, signature},
    stage::{CHAIN, OWN, SKILL, Stage, config},
};
use crate::support;

const BODY: &[u8] = br#"{"request":{}}"#;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut all = HeaderMap::new();
    for (name, value) in pairs {
        all.append(*name, HeaderValue::from_str(value).expect("a value"));
    }
    all
}

fn at(name: &str) -> String {
    format!("https://s3.amazonaws.com/echo.api/{name}")
}

#[tokio::test]
async fn every_way_to_sign_wrongly_is_told_apart_and_refused() {
    let (place, dir) = (Place::plain(), crate::residue::folder());
    let (ours, other) = (Authority::new("ours"), Authority::new("another"));
    let chain = |leaf: Leaf| ours.chain(&leaf);
    place.put("/echo.api/echo-api-cert.pem", chain(Leaf::default()));
    place.put("/elsewhere/good.pem", chain(Leaf::default()));
    place.put("/echo.api/other-root.pem", other.chain(&Leaf::default()));
    place.put("/echo.api/expired.pem", chain(Leaf { until: 2026, ..Leaf::default() }));
    place.put("/echo.api/not-yet.pem", chain(Leaf { from: 2027, ..Leaf::default() }));
    place.put("/echo.api/other-name.pem", chain(Leaf { name: "echo-api.amazon.com.evil.example", ..Leaf::default() }));
    place.put("/echo.api/wildcard.pem", chain(Leaf { name: "s3.amazonaws.com", ..Leaf::default() }));
    let usage = ExtendedKeyUsagePurpose::EmailProtection;
    place.put("/echo.api/other-use.pem", chain(Leaf { usage, ..Leaf::default() }));
    let whole = chain(Leaf::default());
    let alone = format!("{}-----END CERTIFICATE-----\n", whole.split("-----END CERTIFICATE-----").next().expect("one"));
    place.put("/echo.api/alone.pem", alone);
    place.put("/echo.api/no-pem.pem", "<html>not found</html>");
    place.put("/echo.api/huge.pem", vec![b'x'; 100 * 1024]);
    place.put("/echo.api/many.pem", whole.repeat(20));
    let verifier = Verifier::new(&config(&place, &dir, &ours)).expect("it can be used");
    let good = signature(BODY);
    let check = async |pairs: &[(&'static str, &str)], body: &[u8]| {
        verifier.verify(&headers(pairs), body, support::now()).await
    };
    let one = async |chain: &str, signature: &str, body: &[u8]| {
        check(&[("signaturecertchainurl", chain), ("signature-256", signature)], body).await
    };

    assert_eq!(one(CHAIN, &good, BODY).await, Ok(()));
    assert_eq!(one(CHAIN, &good, br#"{"request":{} }"#).await, Err(NotSigned::Signature), "another body");
    assert_eq!(one(CHAIN, &forged(BODY), BODY).await, Err(NotSigned::Signature), "another key");
    assert_eq!(one(CHAIN, &signature(b"something else"), BODY).await, Err(NotSigned::Signature));
    assert_eq!(one(CHAIN, "", BODY).await, Err(NotSigned::Signature), "an empty signature");
    for unreadable in ["not base64!", "AAAA=AAAA", &"A".repeat(4000)] {
        assert_eq!(one(CHAIN, unreadable, BODY).await, Err(NotSigned::Encoding), "{unreadable}");
    }
    for (missing, pairs) in [
        ("Signature-256", vec![("signaturecertchainurl", CHAIN)]),
        ("Signature-256", vec![("signaturecertchainurl", CHAIN), ("signature", &*good)]),
        ("SignatureCertChainUrl", vec![("signature-256", &*good)]),
        ("Signature-256", vec![("signaturecertchainurl", CHAIN), ("signature-256", &good), ("signature-256", &good)]),
        (
            "SignatureCertChainUrl",
            vec![("signaturecertchainurl", CHAIN), ("signaturecertchainurl", CHAIN), ("signature-256", &good)],
        ),
    ] {
        assert_eq!(check(&pairs, BODY).await, Err(NotSigned::Header(missing)));
    }
    let before = place.fetched();
    for address in [
        "http://s3.amazonaws.com/echo.api/echo-api-cert.pem",
        "https://s3.amazonaws.com.evil.example/echo.api/echo-api-cert.pem",
        "https://evil.example/echo.api/echo-api-cert.pem",
        "https://s3.amazonaws.com:8443/echo.api/echo-api-cert.pem",
        "https://s3.amazonaws.com/echo.api/../elsewhere/good.pem",
        "https://s3.amazonaws.com/elsewhere/good.pem",
        "https://s3.amazonaws.com/EcHo.aPi/echo-api-cert.pem",
    ] {
        assert!(matches!(one(address, &good, BODY).await, Err(NotSigned::Address(_))), "{address}");
    }
    assert_eq!(place.fetched(), before, "what may not be fetched is not fetched");
    for (name, why) in [
        ("other-root.pem", NoChain::NotTrusted),
        ("expired.pem", NoChain::NotTrusted),
        ("not-yet.pem", NoChain::NotTrusted),
        ("other-use.pem", NoChain::NotTrusted),
        ("alone.pem", NoChain::NotTrusted),
        ("other-name.pem", NoChain::NotAmazons),
        ("wildcard.pem", NoChain::NotAmazons),
        ("no-pem.pem", NoChain::NotAChain),
        ("huge.pem", NoChain::NotAChain),
        ("many.pem", NoChain::NotAChain),
        ("not-there.pem", NoChain::NotThere),
        ("moved.pem", NoChain::NotThere),
    ] {
        assert_eq!(one(&at(name), &good, BODY).await, Err(NotSigned::Chain(why)), "{name}");
    }
}

#[tokio::test]
async fn a_chain_is_fetched_once_and_used_no_longer_than_it_is_valid() {
    let (place, dir) = (Place::secure(), crate::residue::folder());
    let ours = Authority::new("ours");
    place.put("/echo.api/echo-api-cert.pem", ours.chain(&Leaf { until: 2027, ..Leaf::default() }));
    let verifier = Verifier::new(&config(&place, &dir, &ours)).expect("it can be used");
    let headers = headers(&[("signaturecertchainurl", CHAIN), ("signature-256", &signature(BODY))]);
    for _ in 0..3 {
        assert_eq!(verifier.verify(&headers, BODY, support::now()).await, Ok(()), "over TLS of our own authority");
    }
    assert_eq!(place.fetched(), 1);
    let later = "2027-06-01T00:00:00Z".parse().expect("valid");
    let expired = verifier.verify(&headers, BODY, later).await;
    assert_eq!(expired, Err(NotSigned::Chain(NoChain::NotTrusted)), "the chain that is kept has expired");
    assert_eq!(place.fetched(), 2, "and another is asked for");
    place.put("/echo.api/echo-api-cert.pem", ours.chain(&Leaf::default()));
    assert_eq!(verifier.verify(&headers, BODY, later).await, Ok(()), "a renewed one is taken");
}

#[tokio::test]
async fn certificates_come_only_from_whom_the_configuration_trusts() {
    let (place, dir) = (Place::secure(), crate::residue::folder());
    let ours = Authority::new("ours");
    place.put("/echo.api/echo-api-cert.pem", ours.chain(&Leaf::default()));
    let headers = headers(&[("signaturecertchainurl", CHAIN), ("signature-256", &signature(BODY))]);
    let mut config = config(&place, &dir, &ours);
    config.fetch_roots = None;
    let verify = async |config: &AlexaConfig| {
        Verifier::new(config).expect("usable").verify(&headers, BODY, support::now()).await
    };
    assert_eq!(verify(&config).await, Err(NotSigned::Chain(NoChain::Unreachable)), "a TLS certificate of nobody known");
    config.fetch_roots = Some(dir.path().join("fetch-roots.pem"));
    config.signing_roots = None;
    assert_eq!(verify(&config).await, Err(NotSigned::Chain(NoChain::NotTrusted)), "by default, browsers' authorities");
    for (content, says) in [("", "as PEM"), ("no certificate", "as PEM")] {
        std::fs::write(dir.path().join("bad.pem"), content).expect("written");
        config.signing_roots = Some(dir.path().join("bad.pem"));
        let told = Verifier::new(&config).map(|_| ()).expect_err("no roots").to_string();
        assert!(told.contains(says) && told.contains("alexa.signing_roots"), "{told}");
    }
    config.signing_roots = Some(dir.path().join("nowhere.pem"));
    assert!(matches!(Alexa::new(&config).map(|_| ()), Err(RootsError::Read { .. })));
}

#[tokio::test]
async fn what_is_not_signed_fresh_and_for_a_declared_skill_gets_one_answer_and_no_turn() {
    let stage = Stage::empty().await;
    let launch = |stamp: &str, skill: &str| {
        stage.envelope(skill, None, json!({ "type": "LaunchRequest", "timestamp": stamp })).to_string()
    };
    let now = support::NOW;
    let good = launch(now, SKILL);
    let mut two = stage.envelope(SKILL, None, json!({ "type": "LaunchRequest" }));
    two["session"]["application"]["applicationId"] = OWN.into();
    let mut none = stage.envelope(SKILL, None, json!({ "type": "LaunchRequest" }));
    none["session"] = json!(null);
    none["context"]["System"]["application"] = json!(null);
    let refused = |body: String, signature: String, chain: &'static str| (body, signature, chain);
    let signed = |body: String| {
        let signature = signature(body.as_bytes());
        refused(body, signature, CHAIN)
    };
    let mut answers = vec![];
    for (body, signature, chain) in [
        signed(launch("2026-12-01T14:57:29Z", SKILL)),
        signed(launch("2026-12-01T15:02:31Z", SKILL)),
        signed(launch("", SKILL)),
        signed(launch(now, "amzn1.ask.skill.somebody-elses")),
        signed(two.to_string()),
        signed(none.to_string()),
        refused(good.replace("en-US", "en-GB"), signature(good.as_bytes()), CHAIN),
        refused(good.clone(), forged(good.as_bytes()), CHAIN),
        refused(good.clone(), "%%%".into(), CHAIN),
        refused(good.clone(), signature(good.as_bytes()), "https://evil.example/echo.api/echo-api-cert.pem"),
        refused(good.clone(), signature(good.as_bytes()), "https://s3.amazonaws.com/echo.api/not-there.pem"),
    ] {
        let response = stage.send(chain, &signature, body).await;
        assert_eq!(response.status(), 400);
        answers.push(response.text().await.expect("a body"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "from outside all reasons look alike: {answers:?}");
    assert!(answers[0].contains("\"not_signed\""), "{answers:?}");
    let unsigned = stage.client.post(format!("{}/v1/alexa", stage.url)).body(good.clone()).send().await;
    assert_eq!(unsigned.expect("an answer").status(), 400, "without headers");
    let token = stage.client.post(format!("{}/v1/alexa", stage.url)).bearer_auth("x").body(good.clone()).send().await;
    assert_eq!(token.expect("an answer").status(), 400, "a token is no signature");
    assert_eq!(stage.send(CHAIN, &signature(good.as_bytes()), good).await.status(), 200, "and the good one is let in");
}

#[tokio::test]
async fn what_is_no_request_is_refused_before_anything_is_fetched() {
    let stage = Stage::empty().await;
    let deep =
        format!("{{\"request\":{{\"type\":\"IntentRequest\",\"intent\":{}{}}}}}", "[".repeat(9000), "]".repeat(9000));
    for (body, status, code) in [
        (deep.into_bytes(), 400, "too_deep"),
        (b"\xff\xfe{}".to_vec(), 400, "not_utf8"),
        (b"{\"request\":".to_vec(), 400, "not_json"),
        (b"[1,2]".to_vec(), 400, "not_an_object"),
        (vec![], 400, "empty"),
        (vec![b' '; 300 * 1024], 413, "too_large"),
    ] {
        let response = stage.send(CHAIN, &signature(&body), body).await;
        assert_eq!(response.status(), status, "{code}");
        let told = response.text().await.expect("a body");
        assert!(told.contains(&format!("\"{code}\"")), "{told}");
    }
    let address = stage.url.trim_start_matches("http://").to_owned();
    for (length, chunked) in [("Content-Length: 104857600", false), ("Transfer-Encoding: chunked", true)] {
        let mut socket = tokio::net::TcpStream::connect(&address).await.expect("open");
        let head =
            format!("POST /v1/alexa HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{length}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.expect("sent");
        let (mut from, mut to) = socket.into_split();
        let sending = tokio::spawn(async move {
            let piece = vec![b' '; 1024 * 1024];
            for _ in 0..100 {
                let head = if chunked { "100000\r\n" } else { "" };
                if to.write_all(head.as_bytes()).await.is_err() || to.write_all(&piece).await.is_err() {
                    return false;
                }
                if chunked && to.write_all(b"\r\n").await.is_err() {
                    return false;
                }
            }
            true
        });
        let mut answer = vec![0; 12];
        from.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
        drop(from);
        assert!(!sending.await.expect("it ends"), "a hundred megabytes are not read to their end");
    }
    assert_eq!(stage.place.fetched(), 0);
    let get = stage.client.get(format!("{}/v1/alexa", stage.url)).send().await.expect("an answer");
    assert_eq!(get.status(), 405);
    let query = stage.client.post(format!("{}/v1/alexa?user=x", stage.url)).body("{}").send().await.expect("an answer");
    assert_eq!(query.status(), 400);
}

#[tokio::test]
async fn without_its_section_there_is_no_such_door_and_with_it_the_description_tells_of_it() {
    let without = crate::http::door::Door::open().await;
    let response = without.request(reqwest::Method::POST, "/v1/alexa").body("{}").send().await.expect("an answer");
    assert_eq!(response.status(), 404);
    let stage = Stage::empty().await;
    let document = stage.client.get(format!("{}/openapi.json", stage.url)).send().await.expect("an answer");
    let document: serde_json::Value = document.json().await.expect("JSON");
    insta::assert_json_snapshot!("alexa", document["paths"]["/v1/alexa"]);
    let scheme = &document["components"]["securitySchemes"]["alexa"];
    assert_eq!((&scheme["in"], &scheme["name"]), (&json!("header"), &json!("Signature-256")));
    assert!(document["paths"]["/v1/turns"].is_object(), "besides the others");
}
