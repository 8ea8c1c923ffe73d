//! A running program that relies on the pretended provider, and a browser without a screen.

use std::{collections::HashMap, sync::Arc};

use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::Value;
use tokio::sync::oneshot;
use wellspoken::{
    app::Senses,
    channels::http::{Doors, Limits, Listener},
    cli::serve::Program,
    config::{Config, HttpConfig},
    policy::PersonId,
    store::Store,
};

use super::provider::{CLIENT, Provider};
use crate::{
    residue::Folder,
    support::{self, Scratch},
};

pub const SUBJECT: &str = "rosa-at-the-provider-4711";

pub struct Stage {
    pub program: Arc<Program>,
    pub provider: Provider,
    pub url: String,
    pub client: Client,
    pub rosa: PersonId,
    pub dir: Folder,
    _stop: oneshot::Sender<()>,
}

/// What a page was sent away with.
pub struct Begun {
    pub query: HashMap<String, String>,
    pub cookie: String,
}

/// What came of coming back.
#[derive(Debug, PartialEq)]
pub struct Ended {
    pub to: String,
    pub session: Option<String>,
}

impl Stage {
    pub async fn open() -> Self {
        Self::configured("").await
    }

    /// With more under `[sign_in.people]`.
    pub async fn configured(more: &str) -> Self {
        let provider = Provider::start().await;
        let url = provider.url();
        let text = format!(
            "[audit]\nreview_people = 2\n[sign_in]\npublic_url = \"http://localhost:1\"\n[sign_in.staff]\nroles = {{ nurse = [\"rn\"], \
             privacy-officer = [\"privacy\"], clinician = [\"md\"], pharmacist = [\"rx\"] }}\nunits = {{ \"4-west\" = [\"room-7\", \"room-8\"] }}\n\
             [sign_in.staff.provider]\nissuer = \"{url}\"\nclient_id = \"{CLIENT}\"\ntimeout_ms = 1000\n\
             [sign_in.people]\nissuer = \"{url}\"\nclient_id = \"{CLIENT}\"\ntimeout_ms = 1000\n{more}",
        );
        let config: Config = toml::from_str(&text).expect("TOML");
        let config = config.validated().expect("valid");
        let scratch = support::with_config(config, Senses { ears: false, voice: false }).await;
        let rosa = support::add_demo(&scratch, "rosa-delgado.json", "all", None).await;
        let Scratch { app, dir } = scratch;
        let http = HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() };
        let listener = Listener::bind(&http).await.expect("a free port");
        let url = listener.url();
        let program = Arc::new(Program::new(app).with_sign_in().expect("it can be used"));
        let doors = Doors::new(program.clone(), &[], Limits::default())
            .with_alerts(program.clone())
            .with_rights(program.clone())
            .with_bell(program.clone())
            .with_secrets(program.clone())
            .with_notices(program.clone())
            .with_sign_in(program.clone())
            .with_staff(program.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(listener.serve(doors, async {
            let _ = stopped.await;
        }));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { program, provider, url, client, rosa, dir, _stop: stop }
    }

    pub fn store(&self) -> &Store {
        self.program.app().store()
    }

    pub async fn bind(&self) -> wellspoken::policy::CredentialId {
        let url = self.provider.url();
        let bound = self.store().bind(&url, SUBJECT, &self.rosa, "Rosa's account", support::now());
        bound.await.expect("bound")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("origin", &self.url)
    }

    pub async fn begin(&self) -> Begun {
        let response = self.request(Method::POST, "/v1/sign-in").send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let cookies = cookies(&response);
        let answer: Value = response.json().await.expect("JSON");
        let go = answer["go"].as_str().expect("an address");
        let (address, query) = go.split_once('?').expect("a query");
        assert_eq!(address, format!("{}/auth", self.provider.url()));
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Begun { query, cookie: cookies["wellspoken-sign-in"].clone() }
    }

    /// As a browser that comes back with this query and this cookie.
    pub async fn back(&self, query: &[(&str, &str)], cookie: Option<&str>) -> Ended {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mut request = self.client.get(format!("{}/sign-in/back?{query}", self.url));
        // As a browser says it when it is sent here by another site.
        request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        if let Some(cookie) = cookie {
            request = request.header("cookie", format!("wellspoken-sign-in={cookie}"));
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 303);
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        let cookies = cookies(&response);
        assert_eq!(cookies["wellspoken-sign-in"], "", "the sign-in's own cookie is gone either way");
        let to = response.headers()["location"].to_str().expect("ASCII").to_owned();
        Ended { to, session: cookies.get("wellspoken").cloned() }
    }

    /// A member of staff's whole way, with these claims besides.
    pub async fn staff_signs_in(&self, subject: &str, more: Value) -> Ended {
        let response = self.request(Method::POST, "/v1/staff/sign-in").send().await.expect("an answer");
        let cookie = cookies(&response)["wellspoken-staff-sign-in"].clone();
        let answer: Value = response.json().await.expect("JSON");
        let (_, query) = answer["go"].as_str().expect("an address").split_once('?').expect("a query");
        let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(query["redirect_uri"], "http://localhost:1/console/back");
        let mut claims = self.provider.claims(subject, &query["nonce"]);
        for (name, value) in more.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        self.provider.will_say(claims, super::provider::Sign::Well);
        let back = format!("{}/console/back?code=c&state={}", self.url, query["state"]);
        let request = self.client.get(back).header("cookie", format!("wellspoken-staff-sign-in={cookie}"));
        let response = request.send().await.expect("an answer");
        let to = response.headers()["location"].to_str().expect("ASCII").to_owned();
        Ended { to, session: cookies(&response).get("wellspoken-staff").cloned() }
    }

    /// A member of staff asks something.
    pub fn ask(&self, session: &str, method: Method, path: &str, body: &Value) -> RequestBuilder {
        let request = self.request(method.clone(), path).header("cookie", format!("wellspoken-staff={session}"));
        if method == Method::POST && !body.is_null() { request.json(body) } else { request }
    }

    /// The whole way, with what the provider was told to say. `{nonce}` is the sign-in's.
    pub async fn sign_in(&self) -> Ended {
        let begun = self.begin().await;
        self.come_back(&begun).await
    }

    pub async fn come_back(&self, begun: &Begun) -> Ended {
        self.back(&[("code", "a-code"), ("state", &begun.query["state"])], Some(&begun.cookie)).await
    }

    pub async fn turn(&self, session: &str, text: &str) -> Response {
        let request = self.request(Method::POST, "/v1/turns").header("cookie", format!("wellspoken={session}"));
        request.json(&serde_json::json!({ "text": text })).send().await.expect("an answer")
    }
}

/// What is set, by name.
pub fn cookies(response: &Response) -> HashMap<String, String> {
    let all = response.headers().get_all("set-cookie").iter().map(|v| v.to_str().expect("ASCII"));
    all.map(|cookie| {
        let (name, rest) = cookie.split_once('=').expect("a pair");
        (name.to_owned(), rest.split(';').next().unwrap_or_default().to_owned())
    })
    .collect()
}
