//! A running program with the door for skills, and somebody who sends it signed requests.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::residue::Folder;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wellspoken::{
    channels::{
        alexa::Alexa,
        http::{Doors, Limits, Listener},
    },
    cli::serve::Program,
    config::{AlexaConfig, HttpConfig, SkillConfig, SmartPropertiesConfig},
    policy::{PersonId, RoomId, Surface},
    store::Grant,
};

use super::authority::{Authority, Leaf, Place, signature};
use crate::support::{self, Scratch};

/// A skill of somebody's.
pub const SKILL: &str = "amzn1.ask.skill.11111111-2222-3333-4444-555555555555";
/// The organization's own.
pub const OWN: &str = "amzn1.ask.skill.99999999-8888-7777-6666-555555555555";
/// Where Amazon says the certificates are.
pub const CHAIN: &str = "https://s3.amazonaws.com/echo.api/echo-api-cert.pem";
/// A unit of the organization's.
pub const UNIT: &str = "amzn1.alexa.unit.did.A1B2C3";

/// Both skills, certificates from `place`.
pub fn config(place: &Place, dir: &Folder, authority: &Authority) -> AlexaConfig {
    let roots = dir.path().join("roots.pem");
    std::fs::write(&roots, authority.root_pem()).expect("written");
    let fetch_roots: Option<PathBuf> = place.trust.as_ref().map(|pem| {
        let path = dir.path().join("fetch-roots.pem");
        std::fs::write(&path, pem).expect("written");
        path
    });
    let agreement = SmartPropertiesConfig { agreement: "Business associate addendum of 2026-03-01".into() };
    AlexaConfig {
        skills: vec![
            SkillConfig { id: SKILL.into(), smart_properties: None },
            SkillConfig { id: OWN.into(), smart_properties: Some(agreement) },
        ],
        signing_roots: Some(roots),
        fetch_from: Some(place.address.clone()),
        fetch_roots,
    }
}

pub struct Stage {
    pub program: Arc<Program>,
    pub place: Place,
    pub url: String,
    pub client: Client,
    _dir: Folder,
    _stop: oneshot::Sender<()>,
    requests: AtomicUsize,
}

impl Stage {
    /// Without people.
    pub async fn empty() -> Self {
        Self::of(support::empty().await, Place::plain()).await
    }

    /// With Rosa, who agreed to everything and lies in room-7.
    pub async fn with_rosa() -> (Self, PersonId) {
        let (scratch, rosa) = support::with_demo("rosa-delgado.json", "all", Some("room-7")).await;
        (Self::of(scratch, Place::plain()).await, rosa)
    }

    pub async fn of(scratch: Scratch, place: Place) -> Self {
        let Scratch { app, dir } = scratch;
        let authority = Authority::new("the tests' root");
        place.put("/echo.api/echo-api-cert.pem", authority.chain(&Leaf::default()));
        let alexa = Alexa::new(&config(&place, &dir, &authority)).expect("it can be used");
        let http = HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() };
        let listener = Listener::bind(&http).await.expect("a free port");
        let url = listener.url();
        let program = Arc::new(Program::new(app));
        let doors = Doors::new(program.clone(), &[], Limits::default()).with_alexa(alexa);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(listener.serve(doors, async {
            let _ = stopped.await;
        }));
        let client = crate::http::door::client();
        Self { program, place, url, client, _dir: dir, _stop: stop, requests: AtomicUsize::new(0) }
    }

    /// Registers a unit of the own skill to a hospital room.
    pub async fn register(&self, unit: &str, room: &str) {
        let grant = Grant {
            surface: Surface::Room(RoomId::parse(room).expect("fits")),
            person: None,
            label: "by the window".into(),
            one_time: false,
            expires: "2027-12-01T00:00:00Z".parse().expect("valid"),
        };
        let registered = self.program.app().store().register_unit(&grant, OWN, unit, support::now()).await;
        registered.expect("registered");
    }

    /// An envelope as Amazon makes it, of this moment.
    pub fn envelope(&self, skill: &str, unit: Option<&str>, request: Value) -> Value {
        let mut system = json!({
            "application": { "applicationId": skill },
            "user": { "userId": "amzn1.ask.account.NOBODYSBUSINESS" },
            "device": { "deviceId": "amzn1.ask.device.D", "supportedInterfaces": {} },
            "apiEndpoint": "https://api.amazonalexa.com",
            "apiAccessToken": "a-token-that-is-not-read",
        });
        if let Some(unit) = unit {
            system["unit"] = json!({ "unitId": "amzn1.ask.unit.changes", "persistentUnitId": unit });
        }
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let mut whole = json!({
            "requestId": format!("amzn1.echo-api.request.{number}"),
            "timestamp": support::NOW,
            "locale": "en-US",
        });
        whole.as_object_mut().expect("an object").extend(request.as_object().expect("an object").clone());
        json!({
            "version": "1.0",
            "session": {
                "new": false,
                "sessionId": "amzn1.echo-api.session.0b5e1e9a-0000-4000-8000-000000000000",
                "application": { "applicationId": skill },
                "attributes": {},
                "user": { "userId": "amzn1.ask.account.NOBODYSBUSINESS" },
            },
            "context": { "System": system, "Viewport": { "experiences": [] } },
            "request": whole,
        })
    }

    /// Sends a body with these headers.
    pub async fn send(&self, chain: &str, signature: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.client.request(Method::POST, format!("{}/v1/alexa", self.url));
        let request = request.header("SignatureCertChainUrl", chain).header("Signature-256", signature);
        let request = request.header("Signature", "the old one, which is not looked at");
        request.header("Content-Type", "application/json; charset=utf-8").body(body).send().await.expect("an answer")
    }

    /// Signs and sends an envelope; the answer must be one.
    pub async fn ask(&self, envelope: &Value) -> Value {
        let body = envelope.to_string();
        let response = self.send(CHAIN, &signature(body.as_bytes()), body).await;
        let status = response.status();
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["version"], "1.0");
        assert_eq!(answer["sessionAttributes"], json!({}), "the platform is given nothing to keep");
        answer
    }

    /// An intent with values for its slots, from a skill and maybe a unit.
    pub async fn intent(&self, skill: &str, unit: Option<&str>, name: &str, slots: &[(&str, &str)]) -> Value {
        self.ask(&self.envelope(skill, unit, intent(name, slots))).await
    }
}

/// An intent request.
pub fn intent(name: &str, slots: &[(&str, &str)]) -> Value {
    let slot = |(name, value): &(&str, &str)| {
        let value = json!({ "name": name, "value": value, "confirmationStatus": "NONE", "source": "USER" });
        ((*name).to_owned(), value)
    };
    let slots: serde_json::Map<String, Value> = slots.iter().map(slot).collect();
    json!({ "type": "IntentRequest", "intent": { "name": name, "confirmationStatus": "NONE", "slots": slots } })
}

/// What is said, without markup.
pub fn said(answer: &Value) -> String {
    let speech = &answer["response"]["outputSpeech"];
    assert_eq!(speech["type"], "SSML", "{answer}");
    let ssml = speech["ssml"].as_str().expect("markup");
    assert!(ssml.starts_with("<speak>") && ssml.ends_with("</speak>"), "{ssml}");
    let mut text = String::new();
    let mut inside = false;
    for c in ssml.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&apos;", "'")
}

/// Whether the microphone stays open.
pub fn open(answer: &Value) -> bool {
    let open = !answer["response"]["shouldEndSession"].as_bool().expect("said");
    assert_eq!(answer["response"]["reprompt"].is_object(), open, "an open microphone asks again: {answer}");
    open
}
