//! A key service that speaks Vault's transit API.
//!
//! Invariants: the master key never leaves the service; the token goes to the configured address and nowhere else
//! (no proxy, no redirect), and only over TLS or within this machine. Calls block, off the asynchronous threads,
//! and end in time; a service that does not answer is not asked again for a second, so that turns fail at once.

use std::{
    io::Read as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    error::{KeyError, Trouble},
    folder::open_private,
    master::Plain,
};
use crate::{
    config::TransitConfig,
    outgoing::{self, Agent, Way},
    store::seal::wrapped_as,
};

/// How the service's ciphertexts begin.
const MARK: &[u8] = b"vault:v";
/// Bytes before the key that bind it to its name. The service would bind it too, but could not re-wrap it then.
const BOUND: usize = 16;
/// How long a service that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// No answer is larger, not even to a whole batch.
const LARGEST: u64 = 4 << 20;

/// The service.
pub struct Transit {
    agent: Agent,
    config: TransitConfig,
    silent: Mutex<Option<(Instant, String)>>,
}

#[derive(Serialize)]
struct Batch<'a> {
    batch_input: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Results<'a>,
}

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    batch_results: Vec<Outcome<'a>>,
}

/// Borrowed, so that no copy of a key is left behind. The service escapes nothing in base64.
#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(default, borrow)]
    plaintext: &'a str,
    #[serde(default, borrow)]
    ciphertext: &'a str,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    errors: Vec<String>,
}

impl Transit {
    /// Nothing is asked yet.
    pub fn new(config: &TransitConfig) -> Result<Self, KeyError> {
        let patience = Duration::from_millis(config.timeout_ms);
        let agent = Way::direct(config.ca.as_deref(), patience).agent().map_err(|error| {
            let (path, why) = error.parts();
            KeyError::Io { doing: "cannot read", path, source: std::io::Error::other(why) }
        })?;
        Ok(Self { agent, config: config.clone(), silent: Mutex::default() })
    }

    /// What a person calls it.
    pub fn describe(&self) -> String {
        format!("the transit key {} of {}", self.config.key, self.config.address)
    }

    /// Whether a service wrapped this.
    pub fn wrapped(bytes: &[u8]) -> bool {
        bytes.starts_with(MARK)
    }

    /// The version of the key that wrapped this.
    pub fn version(bytes: &[u8]) -> Option<u64> {
        let rest = std::str::from_utf8(bytes.strip_prefix(MARK)?).ok()?;
        rest.split(':').next()?.parse().ok()
    }

    pub fn wrap(&self, name: &str, key: &[u8; 32]) -> Result<Vec<u8>, KeyError> {
        let key = Zeroizing::new(*key);
        self.wrap_many(&[(name, &key)])?.pop().ok_or_else(|| self.odd("nothing"))
    }

    pub fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Option<Plain>, KeyError> {
        Ok(self.unwrap_many(&[(name, wrapped)])?.pop().flatten())
    }

    pub fn wrap_many(&self, keys: &[(&str, &Plain)]) -> Result<Vec<Vec<u8>>, KeyError> {
        let texts: Vec<Zeroizing<String>> = keys
            .iter()
            .map(|(name, key)| {
                let mut plain = Zeroizing::new([0; BOUND + 32]);
                plain[..BOUND].copy_from_slice(&bound(name));
                plain[BOUND..].copy_from_slice(key.as_slice());
                Zeroizing::new(STANDARD.encode(plain.as_slice()))
            })
            .collect();
        let items = texts.iter().map(|text| Item { plaintext: Some(text), ciphertext: None }).collect();
        self.batch("encrypt", items, keys.len(), |outcome| self.ciphertext(outcome))
    }

    /// `None` for what this key did not wrap under this name.
    pub fn unwrap_many(&self, wrapped: &[(&str, &[u8])]) -> Result<Vec<Option<Plain>>, KeyError> {
        let texts = texts(wrapped.iter().map(|(_, bytes)| *bytes));
        let mut names = wrapped.iter().map(|(name, _)| *name);
        self.batch("decrypt", texts, wrapped.len(), |outcome| {
            let name = names.next().unwrap_or_default();
            if !outcome.error.is_empty() {
                return self.judged(&outcome.error).map_or(Ok(None), Err);
            }
            let plain = Zeroizing::new(STANDARD.decode(outcome.plaintext).unwrap_or_default());
            let key = plain.strip_prefix(&bound(name)).and_then(|key| <[u8; 32]>::try_from(key).ok());
            Ok(key.map(Zeroizing::new))
        })
    }

    /// Wraps under the newest version of the key, without the plain key leaving the service.
    pub fn rewrap(&self, wrapped: &[&[u8]]) -> Result<Vec<Vec<u8>>, KeyError> {
        let texts = texts(wrapped.iter().copied());
        self.batch("rewrap", texts, wrapped.len(), |outcome| self.ciphertext(outcome))
    }

    /// Makes a new version of the key, which wraps from now on; its number, where the service tells.
    pub fn rotate(&self) -> Result<Option<u64>, KeyError> {
        let path = format!("{}/keys/{}/rotate", self.config.mount, self.config.key);
        let answer = self.call(&path, b"{}")?;
        let told: Option<serde_json::Value> = serde_json::from_slice(&answer).ok();
        Ok(told.and_then(|told| told.pointer("/data/latest_version")?.as_u64()))
    }

    fn ciphertext(&self, outcome: &Outcome<'_>) -> Result<Vec<u8>, KeyError> {
        match Self::wrapped(outcome.ciphertext.as_bytes()) {
            true => Ok(outcome.ciphertext.as_bytes().to_vec()),
            false => Err(self.judged(&outcome.error).unwrap_or_else(|| self.odd("without a ciphertext"))),
        }
    }

    fn batch<T>(
        &self,
        verb: &str,
        items: Vec<Item<'_>>,
        count: usize,
        each: impl FnMut(&Outcome<'_>) -> Result<T, KeyError>,
    ) -> Result<Vec<T>, KeyError> {
        let body = Zeroizing::new(serde_json::to_vec(&Batch { batch_input: items }).unwrap_or_default());
        let path = format!("{}/{verb}/{}", self.config.mount, self.config.key);
        let answer = self.call(&path, &body)?;
        let answer: Answer<'_> = serde_json::from_slice(&answer).map_err(|_| self.odd("something unreadable"))?;
        if answer.data.batch_results.len() != count {
            return Err(self.odd("another number of results than was asked for"));
        }
        answer.data.batch_results.iter().map(each).collect()
    }

    fn call(&self, path: &str, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if let Some((when, why)) = &*self.silent.lock().unwrap_or_else(PoisonError::into_inner)
            && when.elapsed() < PAUSE
        {
            return Err(self.failed(Trouble::Unreachable(why.clone())));
        }
        let answer = off_the_runtime(|| self.ask(path, body));
        let why = match &answer {
            Err(KeyError::Service { trouble: Trouble::Unreachable(why), .. }) => Some((Instant::now(), why.clone())),
            _ => None,
        };
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = why;
        answer
    }

    fn ask(&self, path: &str, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let token = self.token()?;
        let url = format!("{}/v1/{path}", self.config.address.trim_end_matches('/'));
        let response = self
            .agent
            .post(&url)
            .header("X-Vault-Token", token.as_str())
            .content_type("application/json")
            .send(body)
            .map_err(|e| self.failed(Trouble::Unreachable(e.to_string())))?;
        let status = response.status().as_u16();
        let bytes = outgoing::body(response, LARGEST);
        let bytes = Zeroizing::new(bytes.map_err(|e| self.failed(Trouble::Unreachable(e.to_string())))?);
        match status {
            200 | 204 => Ok(bytes),
            // A batch in which something failed answers with what became of each.
            400 if serde_json::from_slice::<Answer<'_>>(&bytes).is_ok() => Ok(bytes),
            _ => Err(self.refusal(status, path, &bytes)),
        }
    }

    fn refusal(&self, status: u16, path: &str, bytes: &[u8]) -> KeyError {
        let said = serde_json::from_slice::<Refused>(bytes).map(|r| r.errors.join("; ")).unwrap_or_default();
        match status {
            401 | 403 => {
                let token_file = self.config.token_file.clone();
                self.failed(Trouble::Denied { token_file, path: path.to_owned() })
            }
            404 => self.failed(Trouble::NoEngine(self.config.mount.clone())),
            503 if said.contains("sealed") => self.failed(Trouble::Sealed),
            502..=504 => self.failed(Trouble::Unreachable(format!("it answers {status}"))),
            _ => self.judged(&said).unwrap_or_else(|| self.odd(&format!("with status {status}"))),
        }
    }

    /// What the service's own words mean; `None` where only this one ciphertext is at fault. The words themselves
    /// are not passed on.
    fn judged(&self, said: &str) -> Option<KeyError> {
        let has = |words: &str| said.contains(words);
        let trouble = match () {
            () if has("encryption key not found") || has("no existing key") => Trouble::NoKey(self.config.key.clone()),
            () if has("too old") => Trouble::Retired,
            () if has("invalid ciphertext") || has("authentication failed") || has("invalid key version") => {
                return None;
            }
            () if said.is_empty() => return None,
            () => Trouble::Odd("with an error about the key".into()),
        };
        Some(self.failed(trouble))
    }

    fn token(&self) -> Result<Zeroizing<String>, KeyError> {
        let path: &PathBuf = &self.config.token_file;
        let io = |source| KeyError::Io { doing: "cannot read", path: path.clone(), source };
        let (file, _) = open_private(path)?.ok_or_else(|| io(std::io::ErrorKind::NotFound.into()))?;
        let mut text = Zeroizing::new(String::with_capacity(256));
        file.take(256).read_to_string(&mut text).map_err(io)?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(io(std::io::Error::other("there is no token in it")));
        }
        Ok(Zeroizing::new(token.to_owned()))
    }

    fn odd(&self, what: &str) -> KeyError {
        self.failed(Trouble::Odd(what.to_owned()))
    }

    fn failed(&self, trouble: Trouble) -> KeyError {
        KeyError::Service { address: self.config.address.clone(), trouble }
    }
}

fn texts<'a>(wrapped: impl Iterator<Item = &'a [u8]>) -> Vec<Item<'a>> {
    // What is not text is not the service's, and opens to nothing.
    wrapped.map(|bytes| Item { plaintext: None, ciphertext: std::str::from_utf8(bytes).ok().or(Some("")) }).collect()
}

fn bound(name: &str) -> [u8; BOUND] {
    let hash: [u8; 32] = Sha256::digest(wrapped_as(name)).into();
    let mut bound = [0; BOUND];
    bound.copy_from_slice(&hash[..BOUND]);
    bound
}

/// Hands this thread's other work to another one first, where it is one of a server's.
fn off_the_runtime<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
