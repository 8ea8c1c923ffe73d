//! What a server says of its authorization (SMART App Launch, `.well-known/smart-configuration`), and the tokens this
//! program gets for itself (SMART Backend Services).
//!
//! Invariants: a token is asked for over TLS or within this machine; it is kept in memory alone, can be printed by nobody,
//! and is overwritten when it goes; each assertion is made for one endpoint and used once.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    FhirError, Server, TokenError, headers,
    wire::{Call, FORM, Reply},
};
use crate::config::{BackendConfig, reachable};

/// How long what a server says of itself is believed.
const BELIEVED: Duration = Duration::from_secs(3600);
/// A token is renewed so long before it ends, or at half its life where that is shorter.
const EARLY: Duration = Duration::from_secs(30);
/// How long a token lasts where the server does not say.
const UNSAID: u64 = 300;

/// What a server says of its authorization.
#[derive(Debug, Clone)]
pub struct Smart {
    /// The issuer of its ID tokens.
    pub issuer: Option<String>,
    /// Where a person's browser goes to agree.
    pub authorization: Option<String>,
    /// Where tokens come from.
    pub token: String,
    /// Where tokens are given back.
    pub revocation: Option<String>,
    /// Scopes it knows; may be empty.
    pub scopes: Vec<String>,
    /// What it can do: `launch-standalone`, `client-public`, `permission-v2`, …
    pub capabilities: Vec<String>,
    /// It takes code challenges with SHA-256 (PKCE).
    pub s256: bool,
    /// It names itself in what a browser brings back (RFC 9207).
    pub says_iss: bool,
    /// How clients may show its token endpoint who they are; empty where it does not say.
    pub methods: Vec<String>,
}

/// Why what a server says of its authorization is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not what the standard describes.
    #[error("cannot be read")]
    Unreadable,
    /// It names addresses that nothing secret is sent to.
    #[error("names addresses that are not https")]
    Insecure,
}

impl From<Unusable> for FhirError {
    fn from(unusable: Unusable) -> Self {
        Self::Wrong(match unusable {
            Unusable::Unreadable => "about its authorization cannot be read",
            Unusable::Insecure => "about its authorization names addresses that are not https",
        })
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

impl Smart {
    /// Where a server under that address says so.
    #[must_use]
    pub fn address(base: &str) -> String {
        format!("{}/.well-known/smart-configuration", base.trim_end_matches('/'))
    }

    /// What it says.
    ///
    /// # Errors
    /// When that is of no use.
    pub fn read(text: &[u8]) -> Result<Self, Unusable> {
        let document: Document = serde_json::from_slice(text).map_err(|_| Unusable::Unreadable)?;
        let endpoints = [&document.authorization_endpoint, &document.revocation_endpoint];
        let trusted = endpoints.into_iter().flatten().chain([&document.token_endpoint]).all(|at| reachable(at));
        if !trusted {
            return Err(Unusable::Insecure);
        }
        Ok(Self {
            says_iss: document.authorization_response_iss_parameter_supported && document.issuer.is_some(),
            methods: document.token_endpoint_auth_methods_supported,
            issuer: document.issuer,
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            revocation: document.revocation_endpoint,
            scopes: document.scopes_supported,
            capabilities: document.capabilities,
            s256: document.code_challenge_methods_supported.iter().any(|m| m == "S256"),
        })
    }
}

/// A token, and when to get the next one. Not `Debug`.
pub(super) struct Token {
    /// As the header wants it: `Bearer …`.
    header: Zeroizing<String>,
    renew: Instant,
    ends: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl Server {
    /// What the server says of its authorization, at most an hour old.
    ///
    /// # Errors
    /// When it does not answer, or names addresses that are not to be trusted.
    pub async fn smart(&self) -> Result<Smart, FhirError> {
        self.smart_within(Instant::now() + self.timeout()).await
    }

    async fn smart_within(&self, until: Instant) -> Result<Smart, FhirError> {
        if let Some((at, smart)) = &*self.known()
            && at.elapsed() < BELIEVED
        {
            return Ok(smart.clone());
        }
        let reply = self.send(Call::get(Smart::address(self.base())), None, until).await?;
        if reply.status != 200 {
            return Err(FhirError::of(reply.status, &reply.body, None));
        }
        let smart = Smart::read(&reply.body)?;
        *self.known() = Some((Instant::now(), smart.clone()));
        Ok(smart)
    }

    /// Posts a form to an OAuth endpoint of this server's and gives its answer.
    ///
    /// # Errors
    /// When it does not answer, or says no.
    pub async fn form(&self, at: &str, fields: &[(&str, &str)]) -> Result<Zeroizing<Vec<u8>>, FhirError> {
        self.form_within(at, fields, Instant::now() + self.timeout()).await
    }

    /// A signed statement that this program is the client its configuration names, for one OAuth endpoint and one use.
    /// `None` where no key is configured.
    #[must_use]
    pub fn assertion(&self, endpoint: &str) -> Option<Zeroizing<String>> {
        let (backend, key) = self.backend_key()?;
        key.assertion(&backend.client_id, endpoint, self.clock())
    }

    async fn form_within(
        &self,
        at: &str,
        fields: &[(&str, &str)],
        until: Instant,
    ) -> Result<Zeroizing<Vec<u8>>, FhirError> {
        if !reachable(at) {
            return Err(FhirError::Wrong("about its authorization names addresses that are not https"));
        }
        let call = Call::post(at.to_owned(), FORM, headers::form(fields).into_bytes());
        granted(self.send(call, None, until).await?)
    }

    /// The header that shows who this program is; `None` where the server is given none. A token is shared, and renewed
    /// before it ends by the first who needs it.
    pub(super) async fn own_token(&self, until: Instant) -> Result<Option<Zeroizing<String>>, FhirError> {
        let Some((backend, _)) = self.backend_key() else { return Ok(None) };
        let waited = tokio::time::timeout_at(until.into(), self.token_slot().lock()).await;
        let mut kept = waited.map_err(|_| FhirError::Unreachable("somebody else asks for a token"))?;
        let now = Instant::now();
        if let Some(token) = &*kept
            && now < token.renew
        {
            return Ok(Some(token.header.clone()));
        }
        match self.fresh_token(backend, until).await {
            Ok(token) => {
                let header = token.header.clone();
                *kept = Some(token);
                Ok(Some(header))
            }
            // The one there is is still good: whether the next can be had is a question for the next time.
            Err(error) => match &*kept {
                Some(token) if error.passing() && now < token.ends => Ok(Some(token.header.clone())),
                _ => Err(error),
            },
        }
    }

    /// A token that the server does not take is not shown again.
    pub(super) async fn drop_token(&self, refused: &str, until: Instant) {
        // Whoever holds it for so long gets another already.
        let Ok(mut kept) = tokio::time::timeout_at(until.into(), self.token_slot().lock()).await else { return };
        if kept.as_ref().is_some_and(|token| token.header.as_str() == refused) {
            *kept = None;
        }
    }

    async fn fresh_token(&self, backend: &BackendConfig, until: Instant) -> Result<Token, FhirError> {
        let smart = self.smart_within(until).await?;
        let assertion = self.assertion(&smart.token).ok_or(FhirError::Token(TokenError::Client))?;
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", &backend.scopes.join(" ")),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        let body = self.form_within(&smart.token, &fields, until).await?;
        let wrong = FhirError::Wrong("about a token cannot be read");
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| wrong.clone())?;
        let plain = Zeroizing::new(granted.access_token);
        if plain.is_empty()
            || !plain.bytes().all(|b| b.is_ascii_graphic())
            || !granted.token_type.eq_ignore_ascii_case("bearer")
        {
            return Err(wrong);
        }
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or(UNSAID).min(86_400));
        let now = Instant::now();
        Ok(Token {
            header: Zeroizing::new(format!("Bearer {}", plain.as_str())),
            renew: now + lasts.saturating_sub(EARLY).max(lasts / 2),
            ends: now + lasts,
        })
    }
}

/// The body of a yes; of a no, its word.
fn granted(reply: Reply) -> Result<Zeroizing<Vec<u8>>, FhirError> {
    match reply.status {
        200 => Ok(reply.body),
        400 | 401 | 403 => {
            let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            Err(FhirError::Token(match said.get("error").and_then(Value::as_str) {
                Some("invalid_client" | "unauthorized_client") => TokenError::Client,
                Some("invalid_grant") => TokenError::Grant,
                Some("invalid_scope") => TokenError::Scope,
                _ => TokenError::Other,
            }))
        }
        status => Err(FhirError::of(status, b"", None)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn endpoints_that_are_not_to_be_trusted_are_told_apart() {
        let good = json!({
            "issuer": "https://id.example", "token_endpoint": "https://id.example/token",
            "authorization_endpoint": "https://id.example/auth", "capabilities": ["launch-standalone"],
            "code_challenge_methods_supported": ["S256"],
        });
        let smart = Smart::read(good.to_string().as_bytes()).expect("whole");
        assert!(smart.s256 && smart.revocation.is_none() && smart.capabilities == ["launch-standalone"]);
        for (name, value) in [
            ("token_endpoint", json!("http://id.example/token")),
            ("token_endpoint", json!(null)),
            ("token_endpoint", json!("file:///etc/passwd")),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("revocation_endpoint", json!("ftp://id.example")),
        ] {
            let mut document = good.clone();
            document[name] = value;
            assert!(Smart::read(document.to_string().as_bytes()).is_err(), "{document}");
        }
        for text in ["", "[]", "<html>"] {
            assert!(Smart::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
