//! A real FHIR server that lets in only whoever shows a signed assertion (SMART Backend Services): sekmet-fhir, behind a
//! proxy that notes what is asked. It ends when this process does, however that ends.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wellspoken::{
    ambient::system_now,
    cli::{import::import_into, source::bind},
    config::{Algorithm, BackendConfig, ServerConfig},
    fhir::{Ask, FhirError, Server, Session, TokenError, Version, Write},
    policy::Surface,
    records::Servers,
};

use super::{
    medplum::{self, CLINIC, identifier, patient_file},
    proxy::{Fault, Proxy},
};
use crate::support::{self, Speaker, now};

/// What lets a test look at the server past the program.
pub const OURS: &str = "for-the-tests-alone";

/// The server, on a port of this machine.
pub struct Serving {
    /// Not one of the program's own folders: this server keeps what it is given in clear.
    dir: tempfile::TempDir,
    port: u16,
    /// Ends the server as soon as its input ends.
    guard: Child,
}

impl Serving {
    /// A port that is free.
    pub fn port() -> u16 {
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
    }

    /// Up and running; `base` is what it calls its own address, for which assertions are made.
    pub async fn start(port: u16, base: &str, token_lifetime: u32) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, options) in [
            ("ec", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
            ("stranger", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
            ("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ] {
            let (key, public) = (dir.path().join(format!("{name}.key")), dir.path().join(format!("{name}.pub")));
            run(Command::new("openssl").arg("genpkey").args(options).arg("-out").arg(&key));
            run(Command::new("openssl").arg("pkey").arg("-in").arg(&key).arg("-pubout").arg("-out").arg(&public));
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("a file");
        }
        let settings = json!({
            "base_url": base, "host": "127.0.0.1", "port": port, "data_dir": dir.path().join("data"),
            "validation": { "inbound": "off" }, "simulator": { "enabled": false },
            "server_auth": { "types": ["smart", "bearer"], "tokens": [OURS], "enforce_scopes": true, "token_lifetime": token_lifetime, "smart_clients": [
                { "client_id": "writer", "public_key_path": dir.path().join("ec.pub"), "scopes": "system/*.rs system/*.write" },
                { "client_id": "rsa", "public_key_path": dir.path().join("rsa.pub"), "scopes": "system/*.rs" },
                { "client_id": "small", "public_key_path": dir.path().join("ec.pub"), "scopes": "system/Patient.rs" },
            ] },
        });
        // JSON is YAML.
        std::fs::write(dir.path().join("settings.yaml"), settings.to_string()).expect("written");
        let guard = Self::spawned(dir.path());
        let serving = Self { dir, port, guard };
        serving.is_up().await;
        serving
    }

    fn spawned(dir: &Path) -> Child {
        let script = "python3 -m sekmet.cli serve -c settings.yaml >log 2>&1 </dev/null & exec >&-; cat >/dev/null; kill -KILL $!";
        Command::new("setsid")
            .args(["sh", "-c", script])
            .current_dir(dir)
            .env("PYTHONPATH", packages())
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh runs")
    }

    async fn is_up(&self) {
        let (deadline, up) =
            (Instant::now() + Duration::from_secs(60), format!("http://127.0.0.1:{}/fhir/metadata", self.port));
        while reqwest::get(&up).await.is_err() {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "sekmet did not start (scripts/setup.sh test installs it): {log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it as nothing can be ended more abruptly (SIGKILL); what it had on its disk stays.
    pub async fn killed(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().expect("ended");
        let deadline = Instant::now() + Duration::from_secs(10);
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
            assert!(Instant::now() < deadline, "it lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts it again with what it had.
    pub async fn again(&mut self) {
        self.guard = Self::spawned(self.dir.path());
        self.is_up().await;
    }

    /// How this program is a client of it.
    pub fn backend(&self, client: &str, scopes: &[&str]) -> BackendConfig {
        let rsa = client == "rsa";
        BackendConfig {
            client_id: client.into(),
            key_file: Some(self.dir.path().join(if rsa { "rsa.key" } else { "ec.key" })),
            key_env: None,
            algorithm: if rsa { Algorithm::Rs384 } else { Algorithm::Es384 },
            key_id: Some("first".into()),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        }
    }
}

pub struct Sekmet {
    pub proxy: Proxy,
    serving: Serving,
}

impl Sekmet {
    pub async fn start(token_lifetime: u32) -> Self {
        let port = Serving::port();
        // The proxy's address is the server's own.
        let proxy = Proxy::start(&format!("http://127.0.0.1:{port}/fhir")).await;
        let serving = Serving::start(port, &proxy.base, token_lifetime).await;
        Self { proxy, serving }
    }

    pub fn config(&self, client: &str, scopes: &[&str]) -> ServerConfig {
        ServerConfig { backend: Some(self.serving.backend(client, scopes)), ..medplum::server(&self.proxy.base) }
    }

    fn server(&self, client: &str, scopes: &[&str]) -> Server {
        Server::new(&self.config(client, scopes), system_now).expect("a key")
    }

    pub fn session(&self, client: &str, scopes: &[&str]) -> Session {
        self.server(client, scopes).backend()
    }

    /// How often a token was asked for since this was asked last.
    fn tokens(&self) -> usize {
        self.proxy.seen().iter().filter(|seen| seen.line == "POST /auth/token").count()
    }
}

fn packages() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or(home).expect("HOME is set").join("wellspoken/sekmet")
}

fn run(command: &mut Command) {
    let out = command.output().expect("openssl runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

pub fn rosa() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/rosa-delgado.json");
    serde_json::from_slice(&std::fs::read(path).expect("a bundle")).expect("JSON")
}

pub async fn load(session: &Session, bundle: &Value) {
    let entries = bundle["entry"].as_array().expect("entries");
    let writes: Vec<Write> =
        entries.iter().map(|e| Write::Update { resource: e["resource"].clone(), version: None }).collect();
    let written = session.transaction(&writes).await.expect("all of it is taken");
    assert_eq!(written.len(), entries.len());
    assert!(written.iter().all(|w| w.status == 201 && w.reference.is_some() && w.version.is_some()));
}

const PATIENT: &str = "Patient/rosa-delgado";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_shows_a_signed_assertion_is_let_in_as_far_as_its_scope() {
    let sekmet = Sekmet::start(300).await;
    let writer = sekmet.session("writer", &["system/*.rs", "system/*.write"]);
    load(&writer, &rosa()).await;
    assert_eq!(sekmet.tokens(), 1);
    for _ in 0..3 {
        writer.read("MedicationRequest", "rosa-metformin").await.expect("read");
    }
    assert_eq!(sekmet.tokens(), 0, "a token is kept");
    sekmet.session("rsa", &["system/*.rs"]).read("Patient", "rosa-delgado").await.expect("RS384, too");

    // A token that the server no longer takes is replaced once.
    sekmet.tokens();
    let refused = || Fault::Answer(401, "", "application/fhir+json", "{}".into());
    sekmet.proxy.next([refused()]);
    writer.read("Patient", "rosa-delgado").await.expect("with a new token");
    assert_eq!(sekmet.tokens(), 1);
    sekmet.proxy.next([refused(), Fault::None, refused()]);
    assert_eq!(writer.read("Patient", "rosa-delgado").await.err(), Some(FhirError::Unauthorized));
    assert_eq!(sekmet.tokens(), 1, "and only once");

    // Scopes.
    let told = |told: Result<_, FhirError>| told.map(|_: wellspoken::fhir::Resource| ()).expect_err("refused");
    let scope = told(sekmet.session("small", &["system/*.rs"]).read("Patient", "rosa-delgado").await);
    assert_eq!(scope, FhirError::Token(TokenError::Scope));
    let small = sekmet.session("small", &["system/Patient.rs"]);
    small.read("Patient", "rosa-delgado").await.expect("as far as it reaches");
    assert_eq!(told(small.read("MedicationRequest", "rosa-metformin").await), FhirError::Forbidden);
    assert_eq!(
        told(sekmet.session("nobody", &["system/*.rs"]).read("Patient", "x").await),
        FhirError::Token(TokenError::Client)
    );

    // Assertions: used twice, for somebody else, too old, and signed with another key.
    let server = sekmet.server("writer", &["system/*.rs"]);
    let endpoint = server.smart().await.expect("discovered").token;
    let ask = async |server: &Server, assertion: &str| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", "system/*.rs"),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        server.form(&endpoint, &fields).await.map(drop)
    };
    let client = Err(FhirError::Token(TokenError::Client));
    let once = server.assertion(&endpoint).expect("a key");
    assert_eq!(ask(&server, &once).await, Ok(()));
    assert_eq!(ask(&server, &once).await, client, "replayed");
    assert_eq!(ask(&server, &server.assertion("https://elsewhere.example/token").expect("a key")).await, client);
    let old = Server::new(&sekmet.config("writer", &["system/*.rs"]), long_ago).expect("a key");
    assert_eq!(ask(&old, &old.assertion(&endpoint).expect("a key")).await, client, "expired");
    let mut stranger = sekmet.config("writer", &["system/*.rs"]);
    stranger.backend.as_mut().expect("one").key_file = Some(sekmet.serving.dir.path().join("stranger.key"));
    let stranger = Server::new(&stranger, system_now).expect("a key");
    assert_eq!(ask(&stranger, &stranger.assertion(&endpoint).expect("a key")).await, client, "another's key");
}

fn long_ago() -> jiff::Timestamp {
    system_now() - jiff::SignedDuration::from_hours(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_at_once_is_not_used_for_ever() {
    let sekmet = Sekmet::start(0).await;
    let session = sekmet.session("writer", &["system/*.rs"]);
    assert_eq!(session.read("Patient", "x").await.err(), Some(FhirError::Unauthorized));
    assert_eq!(sekmet.tokens(), 2, "one, and one more");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_versions_conditions_and_extensions() {
    let sekmet = Sekmet::start(300).await;
    let writer = sekmet.session("writer", &["system/*.rs", "system/*.write"]);
    load(&writer, &rosa()).await;
    sekmet.proxy.seen();

    let by = |count: &str| vec![("patient", PATIENT.to_owned()), ("_count", count.to_owned())];
    let found = writer.search("MedicationDispense", by("5")).await.expect("all pages");
    assert_eq!(found.len(), 12);
    let seen = sekmet.proxy.seen();
    assert_eq!(seen.len(), 3, "of five each");
    for seen in &seen {
        assert_eq!(seen.line, "POST /fhir/MedicationDispense/_search", "what is searched by is in no address");
        assert!(seen.body.contains("rosa-delgado"), "but in the body");
    }

    let task = json!({
        "resourceType": "Task", "status": "requested", "intent": "order",
        "identifier": [{ "system": "urn:wellspoken:change", "value": "c1" }],
        "for": { "reference": PATIENT },
        "extension": [{ "url": "https://lakeside.example/own", "valueString": "stays" }],
    });
    let once = "identifier=urn:wellspoken:change|c1";
    let made = writer.create(&task, once).await.expect("made");
    let again = writer.create(&task, once).await.expect("there already");
    assert!(made.created && !again.created);
    assert_eq!(made.value["id"], again.value["id"]);
    // The answer is lost on the way: it is asked again, and there is one.
    let mut other = task.clone();
    other["identifier"][0]["value"] = "c2".into();
    sekmet.proxy.next([Fault::Truncate]);
    writer.create(&other, "identifier=urn:wellspoken:change|c2").await.expect("made once");
    let by = vec![("identifier", "urn:wellspoken:change|c2".to_owned())];
    assert_eq!(writer.search("Task", by).await.expect("found").len(), 1);

    let version = made.version.clone().expect("a version");
    let mut changed = made.value.clone();
    changed["status"] = "accepted".into();
    let now = writer.update(&changed, &version).await.expect("it is that version still");
    assert_ne!(now.version, Some(version.clone()));
    assert_eq!(writer.update(&changed, &version).await.err(), Some(FhirError::Stale));
    assert_eq!(now.value["extension"], task["extension"]);
    let id = made.value["id"].as_str().expect("an id");
    let read = writer.read("Task", id).await.expect("read");
    assert_eq!((&read.value["status"], &read.value["extension"]), (&json!("accepted"), &task["extension"]));

    // All or nothing.
    let basic = json!({"resourceType": "Basic", "code": {"text": "t"},
        "identifier": [{"system": "urn:test", "value": "rolled-back"}]});
    let refused = writer
        .transaction(&[
            Write::Create { full_url: None, resource: basic.clone(), if_none_exist: None },
            Write::Update { resource: changed.clone(), version: Version::parse("999") },
        ])
        .await;
    assert!(refused.is_err());
    let asks = [
        Ask::Search { kind: "Basic", by: vec![("identifier", "urn:test|rolled-back".into())] },
        Ask::Read { kind: "Task", id: id.to_owned() },
        Ask::Read { kind: "Task", id: "nobody".into() },
        Ask::Read { kind: "Task", id: "../Patient".into() },
    ];
    let all = writer.batch(&asks).await.expect("answered");
    assert_eq!(all[0].as_ref().map(Vec::len), Ok(0));
    assert_eq!(all[1].as_ref().map(Vec::len), Ok(1));
    assert_eq!(all[2].as_ref().err(), Some(&FhirError::NotFound));
    assert_eq!(all[3].as_ref().err(), Some(&FhirError::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_turns_with_a_token_with_batches_and_without() {
    let sekmet = Sekmet::start(300).await;
    load(&sekmet.session("writer", &["system/*.rs", "system/*.write"]), &rosa()).await;
    let mut said = Vec::new();
    for (client, scopes, batch) in
        [("writer", &["system/*.rs", "system/*.write"][..], true), ("rsa", &["system/*.rs"][..], false)]
    {
        let server = ServerConfig { batch, ..sekmet.config(client, scopes) };
        let config = wellspoken::config::Config { records: medplum::records(server), ..Default::default() };
        let senses = wellspoken::app::Senses { ears: false, voice: false };
        let scratch = support::with_config(config.clone(), senses).await;
        let file = patient_file(&scratch.dir, &rosa());
        let store = scratch.app.store();
        let person = import_into(store, &file, None, Some("all"), None, now()).await.expect("imported");
        let servers = Servers::new(&config.records, system_now).expect("servers");
        bind(store, &servers, &person, (CLINIC, &identifier(&rosa())), "tester", now()).await.expect("bound");
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&person));
        let mut replies = Vec::new();
        for text in ["what medicines am I taking", "when is my next visit", "what was my LDL"] {
            replies.push(speaker.says(text).await.reply);
        }
        assert!(
            replies[0].contains("metformin") && replies[1].contains("10:30") && replies[2].contains("131"),
            "{replies:?}"
        );
        said.push(replies);
    }
    assert_eq!(said[0], said[1], "with a batch and without");
}
