//! One request and its answer: over TLS or within this machine, and no long answers. Calls block.

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::FhirError;
use crate::{
    config::ServerConfig,
    outgoing::{
        self, Agent, BodyError, RequestBuilder, Timeout, Way,
        http::{Response, header::HeaderMap},
    },
};

/// No answer is larger, in bytes (32 MiB).
const LARGEST: u64 = 32 << 20;
/// Connections that are kept for the next request.
const KEPT: usize = 16;

pub(super) const FHIR: &str = "application/fhir+json";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

pub(super) struct Wire {
    agent: Agent,
}

/// What is asked.
#[derive(Clone)]
pub(super) enum Method {
    Get,
    Post(Body),
    Put(Body),
    Delete,
}

/// What is sent, and its media type. Overwritten when the last copy goes: it is somebody's health, or a credential.
#[derive(Clone)]
pub(super) struct Body(pub &'static str, pub Arc<Zeroizing<Vec<u8>>>);

/// A request.
#[derive(Clone)]
pub(super) struct Call {
    pub method: Method,
    pub at: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// An answer, whatever its status.
pub(super) struct Reply {
    pub status: u16,
    pub body: Zeroizing<Vec<u8>>,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub retry_after: Option<String>,
    /// It says that it is JSON of some kind.
    pub json: bool,
}

impl Call {
    pub fn get(at: String) -> Self {
        Self { method: Method::Get, at, headers: vec![] }
    }

    pub fn post(at: String, media: &'static str, body: Vec<u8>) -> Self {
        Self { method: Method::Post(Body(media, Arc::new(Zeroizing::new(body)))), at, headers: vec![] }
    }

    pub fn put(at: String, body: Vec<u8>) -> Self {
        Self { method: Method::Put(Body(FHIR, Arc::new(Zeroizing::new(body)))), at, headers: vec![] }
    }

    pub fn delete(at: String) -> Self {
        Self { method: Method::Delete, at, headers: vec![] }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Wire {
    pub fn new(config: &ServerConfig) -> Result<Self, FhirError> {
        let way = Way::direct(config.ca.as_deref(), Duration::from_millis(config.timeout_ms)).keeping(KEPT);
        let agent = way.agent().map_err(|error| {
            let (what, why) = error.parts();
            FhirError::Setting { server: config.name.clone(), what, why }
        })?;
        Ok(Self { agent })
    }

    /// Sends a request and reads the whole answer within that time.
    pub fn send(&self, call: &Call, authorization: Option<&str>, within: Duration) -> Result<Reply, FhirError> {
        let sent = match &call.method {
            Method::Get => dressed(self.agent.get(&call.at), call, authorization, within).call(),
            Method::Delete => dressed(self.agent.delete(&call.at), call, authorization, within).call(),
            Method::Post(Body(media, bytes)) => {
                let request = dressed(self.agent.post(&call.at), call, authorization, within);
                request.content_type(*media).send(bytes.as_slice())
            }
            Method::Put(Body(media, bytes)) => {
                let request = dressed(self.agent.put(&call.at), call, authorization, within);
                request.content_type(*media).send(bytes.as_slice())
            }
        };
        read(sent.map_err(|e| unsent(&e))?)
    }
}

fn dressed<B>(request: RequestBuilder<B>, call: &Call, token: Option<&str>, within: Duration) -> RequestBuilder<B> {
    let mut request = request
        .config()
        .timeout_global(Some(within))
        .build()
        .header("Accept", "application/fhir+json, application/json");
    for (name, value) in &call.headers {
        request = request.header(*name, value.as_str());
    }
    match token {
        Some(token) => request.header("Authorization", token),
        None => request,
    }
}

fn read(response: Response<outgoing::Body>) -> Result<Reply, FhirError> {
    let status = response.status().as_u16();
    let header = |name: &str| text(response.headers(), name);
    let (etag, location, retry_after) = (header("etag"), header("location"), header("retry-after"));
    let json = header("content-type").is_some_and(|kind| kind.contains("json"));
    let body = outgoing::body(response, LARGEST).map(Zeroizing::new).map_err(|error| match error {
        BodyError::TooLong => FhirError::Wrong("is too long"),
        BodyError::Late => FhirError::Unanswered("not in time"),
        BodyError::BrokeOff => FhirError::Unanswered("its answer broke off"),
    })?;
    Ok(Reply { status, body, etag, location, retry_after, json })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Without the error's own text: it may quote an address. Whether anything was sent decides whether it may be repeated.
fn unsent(error: &outgoing::Error) -> FhirError {
    match error {
        outgoing::Error::HostNotFound => FhirError::Unreachable("no such host"),
        outgoing::Error::ConnectionFailed => FhirError::Unreachable("no connection"),
        outgoing::Error::Tls(_) | outgoing::Error::Rustls(_) => {
            FhirError::Unreachable("its certificate is not trusted")
        }
        outgoing::Error::Io(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            FhirError::Unreachable("no connection")
        }
        outgoing::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            FhirError::Unreachable("no connection in time")
        }
        outgoing::Error::Timeout(_) => FhirError::Unanswered("not in time"),
        _ => FhirError::Unanswered("the connection was lost"),
    }
}
