//! A running program that may connect the pretended organization, and a browser without a screen.

use std::{collections::HashMap, sync::Arc};

use jiff::SignedDuration;
use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wellspoken::{
    app::Senses,
    channels::http::{Doors, Limits, Listener},
    cli::serve::Program,
    config::{Config, HttpConfig},
    policy::{CredentialId, PersonId, Surface},
    store::{Connection, Grant, Store},
};

use super::organization::Organization;
use crate::{
    residue::Folder,
    support::{self, Scratch, now},
};

pub const PAGE: &str = "a-page-of-junes-own";

pub struct Stage {
    pub program: Arc<Program>,
    pub organization: Organization,
    pub url: String,
    pub client: Client,
    pub june: PersonId,
    pub page: CredentialId,
    pub dir: Folder,
    _stop: oneshot::Sender<()>,
}

/// What a page was sent away with.
pub struct Begun {
    pub query: HashMap<String, String>,
    pub cookie: String,
}

impl Stage {
    pub async fn open() -> Self {
        Self::of("empty-chart.json").await
    }

    pub async fn of(bundle: &str) -> Self {
        let organization = Organization::start().await;
        let text = format!(
            "[connect]\npublic_url = \"http://localhost:1\"\n[[connect.organizations]]\nid = \"mercy\"\n\
             name = \"Mercy Hospital\"\nfhir = \"{}/fhir\"\nclient_id = \"wellspoken\"\ntimeout_ms = 2000\n",
            organization.url()
        );
        let config: Config = toml::from_str(&text).expect("TOML");
        let scratch =
            support::with_config(config.validated().expect("valid"), Senses { ears: false, voice: false }).await;
        let june = support::add_demo(&scratch, bundle, "all", None).await;
        let Scratch { app, dir } = scratch;
        let expires = now() + SignedDuration::from_hours(12);
        let grant = Grant {
            surface: Surface::Chat,
            person: Some(june.clone()),
            label: String::new(),
            one_time: false,
            expires,
        };
        let page = app.store().issue(&grant, PAGE, now()).await.expect("issued");
        let http = HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() };
        let listener = Listener::bind(&http).await.expect("a free port");
        let url = listener.url();
        let program = Arc::new(Program::new(app).with_connect().expect("it can be used"));
        let doors = Doors::new(program.clone(), &[], Limits::default())
            .with_rights(program.clone())
            .with_connect(program.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(listener.serve(doors, async {
            let _ = stopped.await;
        }));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { program, organization, url, client, june, page, dir, _stop: stop }
    }

    pub fn store(&self) -> &Store {
        self.program.app().store()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("origin", &self.url)
    }

    pub fn own(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(PAGE)
    }

    pub async fn begin(&self) -> Begun {
        let wish = json!({ "organization": "mercy" });
        let response = self.own(Method::POST, "/v1/me/records").json(&wish).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let cookie = cookies(&response)["wellspoken-connect"].clone();
        let answer: Value = response.json().await.expect("JSON");
        let (address, query) = answer["go"].as_str().expect("an address").split_once('?').expect("a query");
        assert_eq!(address, format!("{}/auth", self.organization.url()));
        Begun { query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(), cookie }
    }

    /// As a browser that comes back with this query and this cookie; the word it is told.
    pub async fn back(&self, query: &[(&str, &str)], cookie: Option<&str>) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mut request = self.client.get(format!("{}/connect/back?{query}", self.url));
        request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        if let Some(cookie) = cookie {
            request = request.header("cookie", format!("wellspoken-connect={cookie}"));
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["referrer-policy"]),
            (303, &"no-referrer".parse().expect("text"))
        );
        assert_eq!(cookies(&response)["wellspoken-connect"], "", "the flow's own cookie is gone either way");
        let to = response.headers()["location"].to_str().expect("ASCII");
        to.split_once("#records=").expect("a word").1.to_owned()
    }

    pub async fn come_back(&self, begun: &Begun) -> String {
        self.back(&[("code", "a-code"), ("state", &begun.query["state"])], Some(&begun.cookie)).await
    }

    /// Connects, without fetching yet; its id.
    pub async fn connect(&self) -> String {
        let begun = self.begin().await;
        assert_eq!(self.come_back(&begun).await, "done");
        self.connections().await.pop().expect("one").id
    }

    pub async fn connections(&self) -> Vec<Connection> {
        self.store().connections(&self.june).await.expect("readable")
    }

    pub async fn shown(&self) -> Value {
        let response = self.own(Method::GET, "/v1/me/records").send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        response.json().await.expect("JSON")
    }

    /// What the person is answered on a page of their own.
    pub async fn says(&self, text: &str) -> String {
        let mut speaker = support::Speaker::new(self.program.app(), Surface::Chat, Some(&self.june));
        speaker.says(text).await.reply
    }
}

pub fn cookies(response: &Response) -> HashMap<String, String> {
    let set = response.headers().get_all("set-cookie").iter();
    let pairs = set.filter_map(|v| v.to_str().ok()?.split(';').next()?.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
