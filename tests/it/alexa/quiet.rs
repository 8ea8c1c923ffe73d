//! Nothing that a third party said, or that came with it, is left: not in files, logs, metrics or refusals.

use serde_json::{Value, json};
use wellspoken::records::demo::CANARY_WORDS;

use super::{
    authority::{Authority, Leaf, Place, signature},
    stage::{CHAIN, SKILL},
};
use crate::serve::process::{Server, collect, wellspoken};

fn assert_clean(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for word in CANARY_WORDS.iter().chain(&["marmalade", "amzn1.ask.account", "amzn1.echo-api", "amzn1.ask.device"]) {
        assert!(!lower.contains(&word.to_lowercase()), "{word} stands in {what}");
    }
}

#[tokio::test]
async fn nothing_a_third_party_said_is_left_anywhere() {
    let place = Place::plain();
    let authority = Authority::new("the tests' root");
    place.put("/echo.api/echo-api-cert.pem", authority.chain(&Leaf::default()));
    let elsewhere = crate::residue::folder();
    let roots = elsewhere.path().join("roots.pem");
    std::fs::write(&roots, authority.root_pem()).expect("written");
    let section = format!(
        "[alexa]\nsigning_roots = \"{}\"\nfetch_from = \"{}\"\n[[alexa.skills]]\nid = \"{SKILL}\"\n",
        roots.display(),
        place.address
    );
    let variables = [("WELLSPOKEN_LOG", "debug"), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")];
    let mut server = Server::configured(&section, &[], &variables).await;
    let bundle = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/canary.json");
    let imported =
        wellspoken(server.dir()).args(["import", "--consent", "all"]).arg(&bundle).output().expect("it runs");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let operator = server.credential(&["new", "--channel", "operator"]);

    let now = jiff_now();
    let envelope = |request: Value| {
        let mut whole = json!({ "requestId": "amzn1.echo-api.request.marmalade", "timestamp": now, "locale": "en-US" });
        whole.as_object_mut().expect("an object").extend(request.as_object().expect("an object").clone());
        json!({
            "version": "1.0",
            "session": { "sessionId": "amzn1.echo-api.session.marmalade", "application": { "applicationId": SKILL },
                "attributes": { "note": CANARY_WORDS.join(" ") }, "user": { "userId": "amzn1.ask.account.marmalade", "accessToken": "marmalade" } },
            "context": { "System": { "application": { "applicationId": SKILL }, "apiAccessToken": "marmalade",
                "device": { "deviceId": "amzn1.ask.device.marmalade" }, "unit": { "unitId": "marmalade" } } },
            "request": whole,
        })
    };
    let slot = |name: &str, value: &str| json!({ name: { "name": name, "value": value } });
    let asked =
        |name: &str, slots: Value| json!({ "type": "IntentRequest", "intent": { "name": name, "slots": slots } });
    let everything = CANARY_WORDS.join(" ");
    let bodies = [
        envelope(asked("PrescriptionStatus", slot("medicine", "velmoradine"))).to_string(),
        envelope(asked("SayAnything", slot("query", "renew the xylobrine of Quillon Zephyrantha"))).to_string(),
        envelope(asked("SayAnything", slot("query", &format!("I can't breathe {everything}")))).to_string(),
        envelope(asked("velmoradineIntent", slot("velmoradine", &everything))).to_string(),
        envelope(asked("NurseRequest", slot("need", "velmoradine for Quillon"))).to_string(),
        envelope(json!({ "type": "velmoradine.Quillon" })).to_string(),
        envelope(json!({ "type": "IntentRequest", "intent": "velmoradine" })).to_string(),
        envelope(json!({ "type": "SessionEndedRequest", "error": { "type": "velmoradine", "message": everything } }))
            .to_string(),
        envelope(json!({ "type": "LaunchRequest", "timestamp": "2020-01-01T00:00:00Z", "note": everything }))
            .to_string(),
        format!("{{\"velmoradine\": \"{everything}\""),
    ];
    let (mut answered, mut refused) = (0, 0);
    for body in &bodies {
        for (chain, signature) in [
            (CHAIN, signature(body.as_bytes())),
            (CHAIN, "velmoradine".to_owned()),
            ("https://s3.amazonaws.com/echo.api/velmoradine.pem", signature(body.as_bytes())),
            ("https://velmoradine.example/echo.api/Quillon.pem", signature(body.as_bytes())),
        ] {
            let request = server.request(reqwest::Method::POST, "/v1/alexa").header("SignatureCertChainUrl", chain);
            let response =
                request.header("Signature-256", signature).body(body.clone()).send().await.expect("an answer");
            if response.status() == 200 {
                answered += 1
            } else {
                refused += 1
            }
            assert_clean("an answer", &response.text().await.expect("a body"));
        }
    }
    assert_eq!((answered, refused), (7, 33), "they did go through the server");
    let metrics = server.request(reqwest::Method::GET, "/metrics").bearer_auth(&operator).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("a body");
    assert!(metrics.contains(r#"wellspoken_turns_total{channel="third-party",state="refused"}"#), "{metrics}");
    assert_clean("the metrics", &metrics);
    let audit = wellspoken(server.dir()).args(["audit", "export"]).output().expect("it runs");
    let audit = String::from_utf8_lossy(&audit.stdout).into_owned();
    assert!(audit.contains("third-party") && !audit.contains("prescription"), "{audit}");
    assert!(server.end().await.success());
    let log = server.log();
    assert!(log.contains(r#""route":"/v1/alexa""#) && log.contains("a request of a skill was refused"), "{log}");
    assert_clean("the log", &log);
    for word in ["prescription", "emergency", "velmo", "nurse"] {
        assert!(!log.to_lowercase().contains(word), "{word} stands in the log");
    }
    let mut files = vec![];
    collect(server.dir(), &mut files);
    assert!(files.len() > 2, "the server keeps files: {files:?}");
    for file in &files {
        let text = String::from_utf8_lossy(&std::fs::read(file).expect("readable")).into_owned();
        assert_clean(&file.display().to_string(), &text);
        assert_clean("a file's name", &file.display().to_string());
    }
}

/// The server runs by the real clock.
#[allow(clippy::disallowed_methods, reason = "a process is judged by the clock it runs by")]
fn jiff_now() -> String {
    jiff::Timestamp::now().to_string()
}
