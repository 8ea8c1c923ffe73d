//! A door on a free port, in front of a pretended program that remembers who said what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use wellspoken::{
    channels::{
        Backend, Holder, Opened, Part, Rights, Soon, Unavailable,
        http::{Doors, Drained, Limits, Listener},
    },
    config::HttpConfig,
    dialogue::{Request, Volume},
    policy::{Caller, CredentialId, Proof, RoomId, Surface},
    rights::{AccessList, Agreement, Copied, Denied, Gone, Kept, Me, OwnName, Which},
    turn::{AsksFor, Could, Expected, Heard, Input, Intended, State, Timings, TurnRequest, TurnResult},
};

/// Words that may stand in an answer and nowhere else.
pub const CANARY: &str = "marmalade xylophone";

/// What was asked of the pretended program.
pub struct Asked {
    pub surface: Surface,
    pub session: Option<String>,
    pub turn: Option<String>,
    pub bytes: usize,
    pub text: Option<String>,
    pub speak: bool,
}

/// A program that repeats what it hears. "wait" makes it take half a second, "hang" for ever, "break" panics.
#[derive(Default)]
pub struct Parrot {
    pub asked: Mutex<Vec<Asked>>,
    pub finished: Mutex<usize>,
    pub mute: bool,
    pub broken: Mutex<Option<String>>,
    pub sessions: Mutex<HashMap<String, Surface>>,
    pub spent: Mutex<Vec<String>>,
}

pub const TOKENS: [(&str, &str); 5] = [
    ("room-token", "room"),
    ("home-token", "home"),
    ("chat-token", "chat"),
    ("stranger-token", "third-party"),
    ("operator-token", "operator"),
];

fn surface(name: &str) -> Surface {
    match name {
        "room" => Surface::Room(RoomId::parse("room-7").expect("fits")),
        "home" => Surface::Home(RoomId::parse("kitchen").expect("fits")),
        "chat" => Surface::Chat,
        _ => Surface::ThirdParty,
    }
}

impl Backend for Parrot {
    fn turn(&self, request: TurnRequest) -> Soon<'_, TurnResult> {
        Box::pin(async move {
            let (text, bytes) = match request.input {
                Input::Text(text) => (Some(text), 0),
                Input::Audio(wav) | Input::Streamed(wav, _) => (None, wav.len()),
                Input::Intent(_) | Input::Silence => (None, 0),
            };
            let session = request.session.as_ref().map(|s| s.as_str().to_owned());
            let turn = request.turn.as_ref().map(|t| t.as_str().to_owned());
            self.asked.lock().expect("no test panics here").push(Asked {
                surface: request.caller.surface.clone(),
                session: session.clone(),
                turn: turn.clone(),
                bytes,
                text: text.clone(),
                speak: request.speak,
            });
            match text.as_deref() {
                Some("wait") => tokio::time::sleep(Duration::from_millis(500)).await,
                Some("hang") => std::future::pending().await,
                Some("break") => panic!("{CANARY}"),
                _ => {}
            }
            *self.finished.lock().expect("no test panics here") += 1;
            let said = text.unwrap_or_else(|| CANARY.to_owned());
            TurnResult {
                turn_id: turn.unwrap_or_else(|| "turn-1".into()),
                session: session.unwrap_or_else(|| "session-1".into()),
                heard: Some(Heard { text: said.clone(), confidence: 1.0, no_speech: 0.0 }),
                intent: "dialogue.repeat".into(),
                slots: Default::default(),
                also: Some(Request { intent: "dialogue.greet".into(), slots: Default::default() }),
                follow_up_ms: 0,
                asks_for: Some(AsksFor { intent: "dialogue.repeat".into(), slot: "what".into() }),
                volume: Some(Volume::Down),
                triage: None,
                state: State::Answered,
                reply: format!("You said {said}"),
                ssml: format!("<speak>You said {said}</speak>"),
                timings_ms: Timings { asr: 1.0, total: 2.0, ..Timings::default() },
                expects: Expected::Anything,
                slowly: false,
                audio: (request.speak && !self.mute).then(|| b"RIFF sound".to_vec()),
            }
        })
    }

    fn authenticate<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Holder>, Unavailable>> {
        Box::pin(async move {
            if token == "unlucky-token" {
                return Err(Unavailable);
            }
            let session = self.sessions.lock().expect("no test panics here").get(token).cloned();
            let caller = |surface| {
                let credential = CredentialId::parse("credential").expect("fits");
                Holder::Speaker(Caller {
                    surface,
                    credential,
                    person: None,
                    stay: None,
                    proof: Proof::None,
                    house: None,
                })
            };
            Ok(match TOKENS.iter().find(|(t, _)| *t == token) {
                Some((_, "operator")) => Some(Holder::Operator),
                Some((_, name)) => Some(caller(surface(name))),
                None => session.map(caller),
            })
        })
    }

    fn redeem<'a>(&'a self, link: &'a str) -> Soon<'a, Result<Option<Opened>, Unavailable>> {
        Box::pin(async move {
            let mut spent = self.spent.lock().expect("no test panics here");
            if !link.starts_with("link-") || spent.iter().any(|l| l == link) {
                return Ok(None);
            }
            spent.push(link.to_owned());
            let token = format!("page-of-{link}");
            self.sessions.lock().expect("no test panics here").insert(token.clone(), Surface::Chat);
            Ok(Some(Opened { token, surface: Surface::Chat, expires: Timestamp::UNIX_EPOCH }))
        })
    }

    fn close<'a>(&'a self, token: &'a str) -> Soon<'a, Result<(), Unavailable>> {
        Box::pin(async move {
            self.sessions.lock().expect("no test panics here").remove(token);
            Ok(())
        })
    }

    fn readiness(&self) -> Soon<'_, Vec<Part>> {
        Box::pin(async move {
            let problem = self.broken.lock().expect("no test panics here").clone();
            vec![
                Part { name: "store", problem, optional: false },
                Part { name: "voice", problem: self.mute.then(|| "run: make models".into()), optional: true },
            ]
        })
    }

    fn unit<'a>(&'a self, _: &'a str, _: &'a str) -> Soon<'a, Result<Option<Caller>, Unavailable>> {
        Box::pin(async { Ok(None) })
    }

    fn could(&self, _: &Surface, asked: &Intended) -> Could {
        Could { answer: true, slots: asked.slots.iter().map(|said| (said.slot.clone(), true)).collect() }
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn waiting(&self) -> usize {
        3
    }
}

/// Rights of nobody: a page of the app is shown an empty desk, anybody else nothing.
impl Rights for Parrot {
    fn me<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Me, Denied>> {
        let kept = Kept {
            medicines: 1,
            visits: 0,
            results: 0,
            allergies: 0,
            conditions: 0,
            immunizations: 0,
            vitals: 0,
            notes: 0,
            readings: 0,
            providers: 0,
            renewals: 0,
            doses: 0,
            reminders: 0,
            calls: 0,
            answers: 0,
            since: None,
            agreements: 0,
        };
        let me = Me {
            name: None,
            names_themselves: true,
            kept,
            conversation_hours: 24,
            answer_hours: 24,
            held: false,
            copies_asked: vec![],
            checked: None,
            connects: false,
        };
        Box::pin(async move { theirs(caller).map(|()| me) })
    }

    fn call_me<'a>(&'a self, caller: &'a Caller, who: &'a OwnName) -> Soon<'a, Result<(), Denied>> {
        Box::pin(async move {
            theirs(caller)?;
            match who.given.as_str() {
                "Rosa" => Ok(()),
                "" => Err(Denied::NoName { field: "given", expected: "a name" }),
                _ => Err(Denied::Known),
            }
        })
    }

    fn access<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<AccessList, Denied>> {
        Box::pin(async move { theirs(caller).map(|()| AccessList { entries: vec![], more: 0 }) })
    }

    fn agreement<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Agreement, Denied>> {
        Box::pin(async move { theirs(caller).map(|()| Agreement { version: 1, uses: vec![], versions: vec![] }) })
    }

    fn agree<'a>(&'a self, caller: &'a Caller, uses: &'a [String], seen: u64) -> Soon<'a, Result<Agreement, Denied>> {
        Box::pin(async move {
            theirs(caller)?;
            match (seen, uses) {
                (1, [one]) if one != "improve" => Err(Denied::NoSuchUse),
                (1, _) => Ok(Agreement { version: 2, uses: vec![], versions: vec![] }),
                _ => Err(Denied::Outdated),
            }
        })
    }

    fn forget<'a>(&'a self, caller: &'a Caller, which: Which) -> Soon<'a, Result<Gone, Denied>> {
        Box::pin(async move {
            theirs(caller)?;
            match which {
                Which::Everything => Err(Denied::Held),
                Which::Today | Which::Days { .. } => Ok(Gone { conversations: 1, answers: 2, readings: 0 }),
                Which::Readings => Ok(Gone { conversations: 0, answers: 0, readings: 3 }),
            }
        })
    }

    fn copy<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Copied, Denied>> {
        let copied = Copied { json: r#"{"resourceType":"Bundle"}"#.to_owned(), resources: 0 };
        Box::pin(async move { theirs(caller).map(|()| copied) })
    }
}

fn theirs(caller: &Caller) -> Result<(), Denied> {
    if caller.surface == Surface::Chat { Ok(()) } else { Err(Denied::NotTheirs) }
}

/// An open door.
pub struct Door {
    pub parrot: Arc<Parrot>,
    pub url: String,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
}

impl Door {
    pub async fn open() -> Self {
        Self::with(Parrot::default(), Limits::default(), &HttpConfig::default(), client()).await
    }

    pub async fn limited(limits: Limits) -> Self {
        Self::with(Parrot::default(), limits, &HttpConfig::default(), client()).await
    }

    pub async fn with(parrot: Parrot, limits: Limits, config: &HttpConfig, client: Client) -> Self {
        let config = HttpConfig { listen: "127.0.0.1:0".into(), ..config.clone() };
        let listener = Listener::bind(&config).await.expect("a free port");
        let url = listener.url();
        let parrot = Arc::new(parrot);
        let doors = Doors::new(parrot.clone(), &config.hosts, limits).with_rights(parrot.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(doors, async {
            let _ = stopped.await;
        }));
        Self { parrot, url, client, stop: Some(stop), served }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub fn turn(&self, token: &str) -> RequestBuilder {
        self.request(Method::POST, "/v1/turns").bearer_auth(token)
    }

    pub async fn say(&self, text: &str) -> Response {
        self.turn("chat-token").json(&serde_json::json!({ "text": text })).send().await.expect("an answer")
    }

    /// How many turns reached the program.
    pub fn turns(&self) -> usize {
        self.parrot.asked.lock().expect("no test panics here").len()
    }

    pub fn address(&self) -> String {
        self.url.split("//").nth(1).expect("an address").to_owned()
    }

    pub async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.expect("the door is open")
    }

    /// Writes bytes as they are and gives everything that comes back.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut socket = self.socket().await;
        // The door may answer and close before it has read everything.
        let _ = socket.write_all(bytes).await;
        let mut answer = vec![];
        let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await.expect("an end");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().expect("stopped once").send(());
    }

    pub async fn stopped(self) -> Drained {
        self.served.await.expect("the door closes in order")
    }
}

pub fn client() -> Client {
    // Fails when another test was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // No connection is used again: a door closes one that is idle, and whoever waited for a process meanwhile sees it too late.
    Client::builder().timeout(Duration::from_secs(30)).no_proxy().pool_max_idle_per_host(0).build().expect("a client")
}

/// A refusal's status, code and whole text.
pub async fn refusal(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    for field in ["code", "message", "help"] {
        assert!(json["error"][field].as_str().is_some_and(|s| !s.is_empty()), "no {field} in {text}");
    }
    (status, json["error"]["code"].as_str().expect("checked").to_owned(), text)
}
