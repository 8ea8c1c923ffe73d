//! The same rights on a page of one's own, over a real socket in front of the real program.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::SignedDuration;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wellspoken::{
    channels::http::{Doors, Limits, Listener},
    cli::{import::import_into, serve::Program},
    config::HttpConfig,
    policy::{PersonId, Surface},
    records::demo::CANARY_WORDS,
    store::{AuditReader, Grant, Store, sqlite_path},
};

use crate::residue::Folder;
use crate::support::{Scratch, Speaker, add_demo, empty, home, now, room};

pub struct Page {
    pub program: Arc<Program>,
    url: String,
    client: Client,
    dir: Folder,
    _stop: oneshot::Sender<()>,
}

impl Page {
    pub async fn open(scratch: Scratch) -> Self {
        let Scratch { app, dir } = scratch;
        let config = HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() };
        let listener = Listener::bind(&config).await.expect("a free port");
        let url = listener.url();
        let program = Arc::new(Program::new(app));
        let doors = Doors::new(program.clone(), &[], Limits::default())
            .with_rights(program.clone())
            .with_notices(program.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(listener.serve(doors, async {
            let _ = stopped.await;
        }));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { program, url, client, dir, _stop: stop }
    }

    pub fn store(&self) -> &Store {
        self.program.app().store()
    }

    /// A token for this surface and person.
    pub async fn token(&self, surface: Surface, person: Option<&PersonId>) -> String {
        let token = format!("token-{}-{}", surface.name(), person.map_or("nobody", PersonId::as_str));
        let expires = now() + SignedDuration::from_hours(1);
        let grant = Grant { surface, person: person.cloned(), label: "test".into(), one_time: false, expires };
        self.store().issue(&grant, &token, now()).await.expect("issued");
        token
    }

    pub async fn ask(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        let (status, text) = (response.status(), response.text().await.expect("a body"));
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") })
    }

    async fn rows(&self, event: &str) -> usize {
        let mut lines = Vec::new();
        let database = sqlite_path(&self.dir.path().join("data")).display().to_string();
        AuditReader::open(&database).await.expect("opens").outline(&mut lines).await.expect("read");
        String::from_utf8_lossy(&lines).matches(&format!("\"{event}\"")).count()
    }

    fn speaker(&self, surface: Surface, person: &PersonId) -> Speaker<'_> {
        Speaker::new(self.program.app(), surface, Some(person))
    }
}

async fn demo() -> (Page, PersonId) {
    let scratch = empty().await;
    let rosa = add_demo(&scratch, "rosa-delgado.json", "all", None).await;
    (Page::open(scratch).await, rosa)
}

#[tokio::test]
async fn whoever_is_let_in_or_not_is_in_the_trail_first() {
    let (page, rosa) = demo().await;
    let own = page.token(Surface::Chat, Some(&rosa)).await;
    let calls = [
        (Method::GET, "/v1/me", None),
        (Method::GET, "/v1/me/access", None),
        (Method::GET, "/v1/me/consent", None),
        (Method::PUT, "/v1/me/consent", Some(json!({ "version": 1, "uses": ["improve"] }))),
        (Method::POST, "/v1/me/forget", Some(json!({ "what": "today" }))),
        (Method::POST, "/v1/me/export", None),
    ];
    for surface in [home(), room(), Surface::ThirdParty] {
        let device = page.token(surface, Some(&rosa)).await;
        for (method, path, body) in &calls {
            let (opened, refused) = (page.rows("opened").await, page.rows("refused").await);
            let (status, told) = page.ask(&device, method.clone(), path, body.as_ref()).await;
            assert_eq!(status, 403, "{path}: {told}");
            assert_eq!((page.rows("opened").await, page.rows("refused").await), (opened, refused + 1), "{path}");
            assert!(!told.to_string().contains("Delgado") && !told.to_string().contains("lisinopril"), "{told}");
        }
    }
    assert!(page.store().consent(&rosa).await.expect("read").len() == 3, "nobody's wish was done");
    let stranger = page.token(Surface::Chat, None).await;
    assert_eq!(page.ask(&stranger, Method::GET, "/v1/me", None).await.0, 403, "an app with nobody signed in");
    for (method, path, body) in &calls {
        let (opened, closed) = (page.rows("opened").await, page.rows("closed").await);
        let (status, told) = page.ask(&own, method.clone(), path, body.as_ref()).await;
        assert_eq!(status, 200, "{path}: {told}");
        assert_eq!((page.rows("opened").await, page.rows("closed").await), (opened + 1, closed + 1), "{path}");
    }
    // And the person sees all of it, the refused ones too.
    let (_, list) = page.ask(&own, Method::GET, "/v1/me/access", None).await;
    let events: Vec<&str> =
        list["entries"].as_array().expect("a list").iter().filter_map(|e| e["event"].as_str()).collect();
    assert!(events.iter().filter(|e| **e == "refused").count() >= 12, "{events:?}");
    assert_eq!(events[0], "opened", "newest first: this very look");
}

#[tokio::test]
async fn what_is_agreed_to_on_the_page_counts_in_the_room_at_once_and_the_other_way_round() {
    let (page, rosa) = demo().await;
    let own = page.token(Surface::Chat, Some(&rosa)).await;
    let (_, before) = page.ask(&own, Method::GET, "/v1/me/consent", None).await;
    assert_eq!(before["version"], 1);
    let agreed = |told: &Value, name: &str| {
        let uses = told["uses"].as_array().expect("a list").clone();
        uses.iter().find(|u| u["name"] == name).map(|u| u["agreed"] == true).expect("it is named")
    };
    assert!(agreed(&before, "answer.medicines") && !agreed(&before, "improve"));

    let mut speaker = page.speaker(home(), &rosa);
    assert!(speaker.says("what medicines am I on").await.reply.contains("lisinopril"));
    let wish = json!({ "version": 1, "uses": ["answer.visits", "improve"] });
    let (status, after) = page.ask(&own, Method::PUT, "/v1/me/consent", Some(&wish)).await;
    assert_eq!((status.as_u16(), &after["version"]), (200, &json!(2)));
    assert!(page.store().improves(&rosa).await.expect("read"));
    let asks = speaker.says("what medicines am I on").await;
    assert!(!asks.reply.contains("lisinopril"), "at once: {}", asks.reply);
    speaker.says("yes").await;
    // The page still shows version 2; what was said meanwhile is not overwritten.
    let (status, refused) =
        page.ask(&own, Method::PUT, "/v1/me/consent", Some(&json!({ "version": 2, "uses": [] }))).await;
    assert_eq!((status.as_u16(), refused["error"]["code"].as_str()), (409, Some("outdated")));
    let (_, now) = page.ask(&own, Method::GET, "/v1/me/consent", None).await;
    assert!(agreed(&now, "answer.medicines") && agreed(&now, "improve"));
    let versions: Vec<_> = now["versions"].as_array().expect("a list").iter().map(|v| v["channel"].clone()).collect();
    assert_eq!(versions, ["import", "chat", "home"]);
}

#[tokio::test]
async fn what_was_said_is_deleted_from_the_page_and_not_under_a_hold() {
    let (page, rosa) = demo().await;
    let own = page.token(Surface::Chat, Some(&rosa)).await;
    page.speaker(home(), &rosa).says("what medicines am I on").await;
    let june = add_demo_to(&page).await;
    page.speaker(home(), &june).says("what medicines am I on").await;
    let days = |from: &str, to: &str| json!({ "what": "days", "from": from, "to": to });
    let (_, none) = page.ask(&own, Method::POST, "/v1/me/forget", Some(&days("2026-11-01", "2026-11-30"))).await;
    assert_eq!(none["answers"], 0);
    let (status, _) = page.ask(&own, Method::POST, "/v1/me/forget", Some(&days("2026-12-02", "2026-12-01"))).await;
    assert_eq!(status, 400);
    let hold = page.store().place_hold(&rosa, "a lawsuit", "legal", now()).await.expect("placed");
    let everything = json!({ "what": "everything" });
    let (status, told) = page.ask(&own, Method::POST, "/v1/me/forget", Some(&everything)).await;
    assert_eq!((status.as_u16(), told["error"]["code"].as_str()), (451, Some("held")));
    assert_eq!(page.ask(&own, Method::GET, "/v1/me", None).await.1["held"], true);
    page.store().lift_hold(&rosa, Some(&hold), "over", "legal", now()).await.expect("lifted");
    let (status, gone) = page.ask(&own, Method::POST, "/v1/me/forget", Some(&everything)).await;
    assert_eq!((status.as_u16(), &gone["answers"]), (200, &json!(1)));
    let (_, me) = page.ask(&own, Method::GET, "/v1/me", None).await;
    assert_eq!(me["kept"]["answers"], 0);
    assert_eq!(me["kept"]["medicines"], 6, "the record stays: {me}");
    let hers = page.token(Surface::Chat, Some(&june)).await;
    assert_eq!(page.ask(&hers, Method::GET, "/v1/me", None).await.1["kept"]["answers"], 1, "nobody else's");
}

async fn add_demo_to(page: &Page) -> PersonId {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/empty-chart.json");
    import_into(page.store(), &path, None, Some("all"), None, now()).await.expect("imported")
}

#[tokio::test]
async fn a_copy_has_everything_to_the_letter_and_nothing_of_anybody_else() {
    let scratch = empty().await;
    let june = add_demo(&scratch, "empty-chart.json", "all", None).await;
    // As it came from elsewhere: extensions nobody here knows, digits that mean something, kinds that are not read.
    let path = scratch.dir.path().join("bundle.json");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/canary.json")).expect("read");
    let mut bundle: Value = serde_json::from_str(&text).expect("JSON");
    let patient =
        bundle["entry"].as_array().expect("entries").iter().find(|e| e["resource"]["resourceType"] == "Patient");
    let patient = patient.expect("a patient")["resource"]["id"].as_str().expect("an id").to_owned();
    let odd = json!({ "resource": {
        "resourceType": "Observation", "id": "odd", "status": "final", "subject": { "reference": format!("Patient/{patient}") },
        "extension": [{ "url": "https://example.org/own", "valueString": "krelvane-kept" }],
        "code": { "text": "weight" }, "valueQuantity": { "value": 0 },
    } });
    let other = json!({ "resource": {
        "resourceType": "Observation", "id": "other", "status": "final", "subject": { "reference": "Patient/somebody-else" },
        "code": { "text": "not hers" },
    } });
    bundle["entry"].as_array_mut().expect("entries").extend([odd, other]);
    std::fs::write(&path, bundle.to_string().replace("\"value\":0}", "\"value\":70.10}")).expect("written");
    let canary = import_into(scratch.app.store(), &path, None, Some("all"), None, now()).await.expect("imported");
    let page = Page::open(scratch).await;

    page.speaker(home(), &june).says("what medicines am I on").await;
    let mut speaker = page.speaker(home(), &canary);
    speaker.says("what medicines am I on").await;
    speaker.says("send me a copy of my data").await;
    speaker.says("yes").await;
    let own = page.token(Surface::Chat, Some(&canary)).await;
    let (_, me) = page.ask(&own, Method::GET, "/v1/me", None).await;
    assert_eq!(me["copies_asked"].as_array().map(Vec::len), Some(1), "asked aloud, waiting here");

    let request = page.client.post(format!("{}/v1/me/export", page.url)).bearer_auth(&own);
    let text = request.send().await.expect("an answer").text().await.expect("text");
    let copy: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&copy["resourceType"], &copy["type"]), (&json!("Bundle"), &json!("collection")));
    assert!(text.contains("\"value\":70.10") && text.contains("krelvane-kept"), "to the letter");
    assert!(!text.contains("somebody-else") && !text.contains(june.as_str()), "nothing of anybody else");
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for entry in copy["entry"].as_array().expect("entries") {
        let kind = entry["resource"]["resourceType"].as_str().expect("each has a kind");
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    let had = |kind: &str| {
        let all = bundle["entry"].as_array().expect("entries").iter();
        all.filter(|e| e["resource"]["resourceType"] == kind && e["resource"]["id"] != "other").count()
    };
    for kind in ["Patient", "MedicationRequest", "Observation", "Appointment", "AllergyIntolerance"] {
        assert_eq!(kinds.get(kind).copied().unwrap_or_default(), had(kind), "{kind}: {kinds:?}");
    }
    assert_eq!((kinds["Consent"], kinds.get("Slot")), (1, None), "{kinds:?}");
    assert!(kinds["Communication"] >= 4 && kinds["AuditEvent"] >= 5, "{kinds:?}");
    let (_, me) = page.ask(&own, Method::GET, "/v1/me", None).await;
    assert_eq!(me["copies_asked"], json!([]), "it waits no longer");

    // All of that, and none of it in clear in a file.
    let mut files = vec![];
    let mut folders = vec![page.dir.path().join("data"), page.dir.path().join("keys")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("read").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                files.push(std::fs::read(entry.path()).expect("read").to_ascii_lowercase());
            }
        }
    }
    assert!(files.len() > 2);
    for word in CANARY_WORDS {
        let word = word.to_lowercase();
        let found = files.iter().any(|bytes| bytes.windows(word.len()).any(|w| w == word.as_bytes()));
        assert!(!found, "{word} stands in clear in a file");
    }
}
