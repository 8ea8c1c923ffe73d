//! Talking to a provider: over TLS or within this machine, and no long answers. Calls block.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::OidcError;
use crate::{
    config::ProviderConfig,
    outgoing::{self, Agent, BodyError, Way},
};

/// No answer of a provider is larger, in bytes.
const LARGEST: u64 = 256 * 1024;

pub(crate) struct Web {
    agent: Agent,
    client: String,
    secret: Option<Zeroizing<String>>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl Web {
    pub fn new(config: &ProviderConfig) -> Result<Self, OidcError> {
        let secret = config.client_secret_file.as_ref().map(|path| {
            let wrong = |why: String| OidcError::Secret { path: path.clone(), why };
            let mode = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(wrong("others may read it; chmod 600".into()));
            }
            let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?);
            let text = Zeroizing::new(text.trim().to_owned());
            if text.is_empty() { Err(wrong("it is empty".into())) } else { Ok(text) }
        });
        let way = Way::direct(config.ca.as_deref(), Duration::from_millis(config.timeout_ms));
        let agent = way.agent().map_err(|e| OidcError::Authorities(e.to_string()))?;
        Ok(Self { agent, client: config.client_id.clone(), secret: secret.transpose()? })
    }

    /// A document of the provider's.
    pub fn get(&self, at: &str) -> Result<Vec<u8>, OidcError> {
        let response = self.agent.get(at).header("Accept", "application/json").call().map_err(|e| silent(&e))?;
        match response.status().as_u16() {
            200 => body(response),
            500..=599 | 429 => Err(OidcError::Silent("it is out of order")),
            _ => Err(OidcError::Wrong("documents are not there")),
        }
    }

    /// Exchanges a code for an ID token. The access token is not even read.
    pub fn exchange(&self, at: &str, form: &str, secret_in_body: bool) -> Result<String, OidcError> {
        match self.post(at, form, secret_in_body)? {
            (200, body) => {
                let tokens: Tokens =
                    serde_json::from_slice(&body).map_err(|_| OidcError::Wrong("answer has no ID token"))?;
                Ok(tokens.id_token)
            }
            (400..=499, _) => Err(OidcError::Code),
            _ => Err(OidcError::Silent("it is out of order")),
        }
    }

    /// Posts a form as this client; the status and what came back.
    pub fn post(&self, at: &str, form: &str, secret_in_body: bool) -> Result<(u16, Zeroizing<Vec<u8>>), OidcError> {
        let mut form = Zeroizing::new(form.to_owned());
        let mut request = self.agent.post(at).header("Accept", "application/json");
        match &self.secret {
            Some(secret) if !secret_in_body => {
                // Each half is form-encoded first (RFC 6749 §2.3.1).
                let pair = Zeroizing::new(format!("{}:{}", encode(&self.client), encode(secret)));
                request = request.header("Authorization", format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            }
            Some(secret) => {
                form.push_str(&format!("&{}", encoded(&[("client_id", &self.client), ("client_secret", secret)])));
            }
            None => form.push_str(&format!("&{}", encoded(&[("client_id", &self.client)]))),
        }
        let sent = request.content_type("application/x-www-form-urlencoded").send(form.as_str());
        let response = sent.map_err(|e| silent(&e))?;
        Ok((response.status().as_u16(), Zeroizing::new(body(response)?)))
    }
}

fn body(response: outgoing::http::Response<outgoing::Body>) -> Result<Vec<u8>, OidcError> {
    outgoing::body(response, LARGEST).map_err(|error| match error {
        BodyError::TooLong => OidcError::Wrong("answer is too long"),
        BodyError::BrokeOff | BodyError::Late => OidcError::Silent("its answer broke off"),
    })
}

fn silent(error: &outgoing::Error) -> OidcError {
    OidcError::Silent(outgoing::why(error))
}

/// Pairs as a form or a query has them.
#[must_use]
pub fn encoded(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
