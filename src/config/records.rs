//! Where people's records are, besides this store: FHIR R4 servers. Names places and never holds a key, so it may be
//! printed.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::{ConfigError, reachable};

/// Where people's records are besides this store.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordsConfig {
    /// Seconds, 0 to 3600: what was read from a server less than this ago counts as read now. A conversation of several
    /// questions then asks a server once.
    pub fresh_seconds: u32,
    /// Milliseconds that all servers together may take of one turn, from the first question to the last word of a change,
    /// tries again included, 500 to 30000. What does not fit is told as of a server that cannot be reached.
    pub turn_ms: u64,
    /// The servers; none means that everything is in this store.
    pub server: Vec<ServerConfig>,
}

impl Default for RecordsConfig {
    fn default() -> Self {
        Self { fresh_seconds: 60, turn_ms: 4000, server: vec![] }
    }
}

/// A FHIR R4 server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// What it is called when it is spoken of, and by the commands: "Lakeside Clinic". No two are called the same.
    pub name: String,
    /// Its base address, such as `https://fhir.example.org/r4`; plain `http` on this machine only.
    pub base: String,
    /// Milliseconds that a read may take, tries again included; 100 to 60000.
    #[serde(default = "timeout")]
    pub timeout_ms: u64,
    /// PEM certificates of the authority that signed the server's; absent means the public ones.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Whether several questions may go in one request (FHIR batch). `false` for a server that takes none, or that lets a
    /// token that may only read have none; each question is then a request.
    #[serde(default = "yes")]
    pub batch: bool,
    /// This program's address as the server reaches it, such as `https://voice.example.org`: the server is then asked to say
    /// there when somebody's records change (FHIR Subscriptions, rest-hook). Absent: it is not asked.
    #[serde(default)]
    pub notify: Option<String>,
    /// Where the server knows Subscriptions by topic alone (Subscriptions R4 Backport): the topic for `orders`, `fillings`,
    /// `visits`, `results`, each that it has. What stands here is asked for by topic, the rest by search criteria.
    #[serde(default)]
    pub topics: BTreeMap<String, String>,
    /// How this program shows the server who it is (SMART Backend Services). Absent: with nothing, which is for a server
    /// on this machine or for one that only people connect to themselves.
    #[serde(default)]
    pub backend: Option<BackendConfig>,
}

/// This program as a client of its own (SMART Backend Services, `private_key_jwt`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// What the server calls this program.
    pub client_id: String,
    /// The private key: a PEM file (PKCS#8), readable by this user alone.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds the PEM instead.
    #[serde(default)]
    pub key_env: Option<String>,
    /// What the key signs with.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The name of the key among those that the server knows (`kid`).
    #[serde(default)]
    pub key_id: Option<String>,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
}

/// The key that this program shows an authorization server who it is with (`private_key_jwt`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// The private key: a PEM file (PKCS#8), readable by this user alone.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds the PEM instead.
    #[serde(default)]
    pub key_env: Option<String>,
    /// What the key signs with.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The name of the key among those that the server knows (`kid`).
    #[serde(default)]
    pub key_id: Option<String>,
}

impl KeyConfig {
    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.key_file.is_some() == self.key_env.is_some() {
            return Some("name one of key_file and key_env, where the private key is");
        }
        let named = self.key_id.as_deref().is_none_or(word);
        (!named).then_some("key_id must be 1 to 255 visible ASCII characters")
    }
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic())
}

/// How a client assertion is signed: one of the two that SMART demands of every server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Algorithm {
    /// ECDSA over P-384 with SHA-384.
    #[default]
    #[serde(rename = "ES384")]
    Es384,
    /// RSA (PKCS #1 v1.5) with SHA-384, of at least 2048 bits.
    #[serde(rename = "RS384")]
    Rs384,
}

const fn timeout() -> u64 {
    3000
}

const fn yes() -> bool {
    true
}

pub(super) fn scopes() -> Vec<String> {
    vec!["system/*.rs".into()]
}

impl RecordsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.fresh_seconds > 3600 {
            return invalid("records.fresh_seconds", "must be from 0 to 3600 seconds");
        }
        if !(500..=30_000).contains(&self.turn_ms) {
            return invalid("records.turn_ms", "must be from 500 to 30000 milliseconds");
        }
        for (n, server) in self.server.iter().enumerate() {
            if self.server[..n].iter().any(|other| other.name.eq_ignore_ascii_case(&server.name)) {
                return invalid("records.server.name", "two servers are called the same; people tell them apart by it");
            }
            server.check()?;
        }
        Ok(())
    }
}

impl ServerConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.name.trim() != self.name
            || !(1..=80).contains(&self.name.len())
            || self.name.chars().any(char::is_control)
        {
            return invalid("records.server.name", "must be what the server is called when spoken of, 1 to 80 bytes");
        }
        if !reachable(&self.base) || self.base.contains(['?', '#', '@']) || self.base.ends_with('/') {
            return invalid(
                "records.server.base",
                "must be https://… without query, fragment or a slash at the end (http:// on this machine alone)",
            );
        }
        if !(100..=60_000).contains(&self.timeout_ms) {
            return invalid("records.server.timeout_ms", "must be from 100 to 60000 milliseconds");
        }
        if self.notify.as_ref().is_some_and(|at| !reachable(at) || at.contains(['?', '#', '@']) || at.ends_with('/')) {
            return invalid(
                "records.server.notify",
                "must be https://… without query, fragment or a slash at the end (http:// on this machine alone)",
            );
        }
        if self.topics.iter().any(|(what, topic)| !WATCHED.contains(&what.as_str()) || topic.trim().is_empty()) {
            return invalid("records.server.topics", "must name topics of orders, fillings, visits or results");
        }
        self.backend.as_ref().map_or(Ok(()), BackendConfig::check)
    }
}

/// What a server can be asked to say when it changes.
const WATCHED: [&str; 4] = ["orders", "fillings", "visits", "results"];

impl BackendConfig {
    /// Where its key is.
    #[must_use]
    pub fn key(&self) -> KeyConfig {
        KeyConfig {
            key_file: self.key_file.clone(),
            key_env: self.key_env.clone(),
            algorithm: self.algorithm,
            key_id: self.key_id.clone(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !word(&self.client_id) {
            return invalid("records.server.backend.client_id", "must be what the server calls this program, in ASCII");
        }
        if let Some(fault) = self.key().fault() {
            return invalid("records.server.backend", fault);
        }
        if self.scopes.is_empty() || !self.scopes.iter().all(|scope| word(scope)) {
            return invalid("records.server.backend.scopes", "must be words such as system/*.rs, at least one");
        }
        Ok(())
    }
}

fn invalid(setting: &'static str, reason: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Invalid { setting, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use crate::config::{Algorithm, Config};

    const WHOLE: &str = "[records]\nfresh_seconds = 30\n[[records.server]]\nname = \"Lakeside Clinic\"\n\
        base = \"https://fhir.example.org/r4\"\n[records.server.backend]\nclient_id = \"wellspoken\"\nkey_file = \"/k\"\n";

    fn read(text: &str) -> Result<Config, String> {
        toml::from_str::<Config>(text).map_err(|e| e.to_string())?.validated().map_err(|e| e.to_string())
    }

    #[test]
    fn a_server_is_checked_whole() {
        assert!(read("").expect("the defaults").records.server.is_empty());
        let records = read(WHOLE).expect("valid").records;
        let server = &records.server[0];
        assert_eq!((server.timeout_ms, server.batch, records.fresh_seconds), (3000, true, 30));
        assert_eq!(server.backend.as_ref().map(|b| b.algorithm), Some(Algorithm::Es384));
        let again = WHOLE.replace("[records]\nfresh_seconds = 30\n", "").replace("Lakeside", "LAKESIDE");
        for (change, with, says) in [
            ("= 30", "= 9999", "fresh_seconds"),
            ("fresh_seconds = 30", "turn_ms = 100", "records.turn_ms"),
            ("Lakeside Clinic", "", "records.server.name"),
            ("https://", "http://", "records.server.base"),
            ("/r4", "/r4/", "records.server.base"),
            ("/r4", "/r4?x=1", "records.server.base"),
            ("fhir.example", "user@fhir.example", "records.server.base"),
            ("[records.server.backend]", "timeout_ms = 5\n[records.server.backend]", "timeout_ms"),
            ("key_file = \"/k\"", "", "key_file and key_env"),
            ("key_file = \"/k\"", "key_file = \"/k\"\nkey_env = \"K\"", "key_file and key_env"),
            ("key_file = \"/k\"", "key_file = \"/k\"\nscopes = []", "scopes"),
            ("key_file = \"/k\"", "key_file = \"/k\"\nalgorithm = \"HS256\"", "HS256"),
            ("[records.server.backend]", "notify = \"http://voice.example.org\"\n[records.server.backend]", "notify"),
            ("[records.server.backend]", "topics = { weather = \"urn:x\" }\n[records.server.backend]", "topics"),
            ("key_file = \"/k\"", "secret = \"s\"", "unknown field"),
            ("client_id = \"wellspoken\"", "client_id = \"\"", "client_id"),
        ] {
            assert!(WHOLE.contains(change), "{change}");
            let told = read(&WHOLE.replace(change, with)).map(|_| ()).expect_err(says);
            assert!(told.contains(says), "{with}: {told}");
        }
        let told = read(&format!("{WHOLE}{again}")).map(|_| ()).expect_err("two of one name");
        assert!(told.contains("called the same"), "{told}");
    }
}
