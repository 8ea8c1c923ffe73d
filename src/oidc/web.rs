//! Talking to a provider: over TLS or within this machine, in time, no redirects, no proxies, no long answers. Calls
//! block.

use std::{io::Read as _, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};
use zeroize::Zeroizing;

use super::OidcError;
use crate::config::ProviderConfig;

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
        let mut tls = TlsConfig::builder();
        if let Some(path) = &config.ca {
            let wrong = |why: String| OidcError::Authorities { path: path.clone(), why };
            let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
            let roots: Vec<Certificate<'static>> = parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            if roots.is_empty() {
                return Err(wrong("there is no PEM certificate in it".into()));
            }
            tls = tls.root_certs(RootCerts::Specific(Arc::new(roots)));
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_millis(config.timeout_ms)))
            .user_agent(concat!("wellspoken/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
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

fn body(response: ureq::http::Response<ureq::Body>) -> Result<Vec<u8>, OidcError> {
    let mut bytes = vec![];
    let read = response.into_body().into_reader().take(LARGEST + 1).read_to_end(&mut bytes);
    if read.is_err() {
        return Err(OidcError::Silent("its answer broke off"));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(OidcError::Wrong("answer is too long"));
    }
    Ok(bytes)
}

/// Without the error's own text: it may quote an address.
fn silent(error: &ureq::Error) -> OidcError {
    OidcError::Silent(match error {
        ureq::Error::Timeout(_) => "not in time",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "its certificate is not trusted",
        ureq::Error::HostNotFound => "no such host",
        _ => "no connection",
    })
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
