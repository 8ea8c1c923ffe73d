//! A real FHIR server for the tests of this process: Medplum's, over a repository in memory that validates what is written.
//! It ends when this process does, however that ends.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;
use wellspoken::config::{RecordsConfig, ServerConfig};

use crate::residue::Folder;

pub struct Medplum {
    pub base: String,
    /// The server ends as soon as its input does.
    _process: Child,
}

static SHARED: OnceLock<Medplum> = OnceLock::new();

/// The server that all tests of this process share. Whoever writes to it writes about people of their own.
pub fn shared() -> &'static Medplum {
    SHARED.get_or_init(Medplum::start)
}

impl Medplum {
    pub fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/fhir-server.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs; see scripts/setup.sh test");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let base = line.trim().strip_prefix("listening on ").expect("the server starts").to_owned();
        Self { base, _process: process }
    }

    /// Keeps the resources of a bundle under the ids they have.
    pub async fn load(&self, bundle: &Value) {
        let origin = self.base.strip_suffix("/fhir/R4").expect("its path");
        let sent = reqwest::Client::new().post(format!("{origin}/load")).json(bundle).send().await.expect("sent");
        let (status, text) = (sent.status(), sent.text().await.expect("a body"));
        assert!(status.is_success(), "{text}");
    }

    /// A demo person's bundle, as it stands in `demo/`; loaded.
    pub async fn load_demo(&self, file: &str) -> Value {
        let path = format!("{}/demo/{file}", env!("CARGO_MANIFEST_DIR"));
        let bundle: Value = serde_json::from_slice(&std::fs::read(path).expect("a bundle")).expect("JSON");
        self.load(&bundle).await;
        bundle
    }
}

/// A server at that address, as the configuration names it; nothing read before counts as read now.
pub fn server(base: &str) -> ServerConfig {
    ServerConfig {
        name: CLINIC.into(),
        base: base.into(),
        timeout_ms: 20_000,
        ca: None,
        batch: true,
        notify: None,
        topics: std::collections::BTreeMap::new(),
        backend: None,
    }
}

pub const CLINIC: &str = "Lakeside Clinic";

pub fn records(server: ServerConfig) -> RecordsConfig {
    RecordsConfig { fresh_seconds: 0, server: vec![server], ..RecordsConfig::default() }
}

/// The bundle with nothing in it but its patient.
pub fn patient_alone(bundle: &Value) -> Value {
    let mut alone = bundle.clone();
    let entries = alone["entry"].as_array_mut().expect("entries");
    entries.retain(|entry| entry["resource"]["resourceType"] == "Patient");
    alone
}

/// `system|value` of a bundle's patient.
pub fn identifier(bundle: &Value) -> String {
    let alone = patient_alone(bundle);
    let first = &alone["entry"][0]["resource"]["identifier"][0];
    format!("{}|{}", first["system"].as_str().expect("a system"), first["value"].as_str().expect("a value"))
}

/// Where a bundle's patient alone lies, for importing it.
pub fn patient_file(folder: &Folder, bundle: &Value) -> std::path::PathBuf {
    let path = folder.path().join("patient.json");
    std::fs::write(&path, patient_alone(bundle).to_string()).expect("written");
    path
}
