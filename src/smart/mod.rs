//! SMART App Launch (HL7 2.2), patient standalone launch: a person lets this server read their records at an organization,
//! by signing in at that organization's own authorization server. Authorization code with PKCE (S256).
//!
//! Invariants: addresses come from the organization's own `.well-known/smart-configuration` and are over TLS; without S256
//! nothing begins; what was granted is what the token answer says, and no more is believed than was asked for; an error
//! holds nothing that came from outside. Whose records they are is not known here. Deliberately absent: writing scopes, the
//! implicit flow, tokens in addresses, following redirects.
//!
//! Where to look: `discovery` what an organization offers, `scopes` what is asked for in plain words.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

mod discovery;
pub mod scopes;

use crate::{
    config::{OrganizationConfig, ProviderConfig},
    fhir::{ClientKey, FhirError},
    oidc::{Answer, OidcError, Web, challenge, encoded, with_query},
};
use discovery::Discovered;

/// How long what an organization says of itself is believed.
const DISCOVERED_FOR: Duration = Duration::from_secs(3600);
/// Exchanges at once; more wait their turn, each no longer than its time limit.
const AT_ONCE: usize = 8;
/// An access token without a lifetime is used for no longer than this.
const SHORT: SignedDuration = SignedDuration::from_mins(5);
/// Longest lifetime that is believed, in seconds.
const LONGEST: i64 = 24 * 3600;

/// Why nothing was connected or renewed. Holds nothing of what the browser or the organization sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmartError {
    /// The client secret or the authorities cannot be used.
    #[error("connect.organizations: {0}")]
    SetUp(OidcError),
    /// The key of this client cannot be used.
    #[error("connect.organizations: {0}")]
    Key(FhirError),
    /// A scope is not one that people are told of in words, or one that changes something.
    #[error("connect.organizations: {organization}: `{scope}` is not a scope that is asked for here; only reading is")]
    Scope {
        /// The organization's id.
        organization: String,
        /// The scope.
        scope: String,
    },
    /// It does not answer, or not in time.
    #[error("the organization's authorization server does not answer ({0})")]
    Silent(&'static str),
    /// It answers with something else than it must.
    #[error("the organization's {0}")]
    Wrong(&'static str),
    /// The answer in the browser came from another server than was asked.
    #[error("the answer names another authorization server than the one that was asked")]
    MixedUp,
    /// The organization, or the person there, said no.
    #[error("the organization refused")]
    Refused,
    /// The code or the refresh token was not taken: used before, expired, revoked, or not for this client.
    #[error("the organization no longer takes what it gave")]
    Gone,
}

impl SmartError {
    /// Whether trying again later may help.
    #[must_use]
    pub const fn passing(&self) -> bool {
        matches!(self, Self::Silent(_))
    }

    fn of(error: OidcError) -> Self {
        match error {
            OidcError::Silent(why) => Self::Silent(why),
            OidcError::Wrong(what) => Self::Wrong(what),
            OidcError::MixedUp => Self::MixedUp,
            OidcError::Refused => Self::Refused,
            OidcError::Code | OidcError::Token(_) => Self::Gone,
            setting @ (OidcError::Secret { .. } | OidcError::Authorities { .. }) => Self::SetUp(setting),
        }
    }
}

/// What an organization gave.
///
/// Not `Debug`: whoever has it reads somebody's records.
#[derive(Clone)]
pub struct Tokens {
    /// Shown with each request.
    pub access: Zeroizing<String>,
    /// Shown for the next one; used once where a new one comes back.
    pub refresh: Option<Zeroizing<String>>,
    /// Until when the access token works.
    pub expires: Timestamp,
    /// What was granted of what was asked for.
    pub granted: Vec<String>,
    /// The id of the person's Patient resource there.
    pub patient: Option<String>,
}

/// Whether an organization heard that tokens are used no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// It takes no such word.
    Never,
    /// It takes them no longer.
    Yes,
    /// It did not answer, or not as it must; it is told again.
    NotYet,
}

/// An organization as a client of it sees it. Cheap to clone; clones share what they know of it.
#[derive(Clone)]
pub struct Organization {
    inner: Arc<Inner>,
}

struct Inner {
    config: OrganizationConfig,
    web: Web,
    /// What shows who this client is, where it has a key.
    key: Option<ClientKey>,
    known: Mutex<Option<(Instant, Discovered)>>,
    room: Semaphore,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    patient: Option<String>,
}

impl Organization {
    /// A client of it; nothing is asked yet.
    ///
    /// # Errors
    /// When a file of its configuration cannot be used, or a scope has no words or would change something.
    pub fn new(config: &OrganizationConfig) -> Result<Self, SmartError> {
        if let Some(scope) = config.scopes.iter().find(|scope| !scopes::known(scope)) {
            return Err(SmartError::Scope { organization: config.id.clone(), scope: scope.clone() });
        }
        let provider = ProviderConfig {
            issuer: config.fhir.clone(),
            client_id: config.client_id.clone(),
            client_secret_file: config.client_secret_file.clone(),
            scopes: config.scopes.clone(),
            ca: config.ca.clone(),
            timeout_ms: config.timeout_ms,
            session_hours: 1,
        };
        let web = Web::new(&provider).map_err(SmartError::SetUp)?;
        let key = config.key.as_ref().map(|key| ClientKey::read(key, &config.name)).transpose();
        let inner = Inner {
            config: config.clone(),
            web,
            key: key.map_err(SmartError::Key)?,
            known: Mutex::default(),
            room: Semaphore::const_new(AT_ONCE),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How it is configured.
    #[must_use]
    pub fn config(&self) -> &OrganizationConfig {
        &self.inner.config
    }

    /// Where the browser goes to sign in and agree. `back` is where it comes back to.
    ///
    /// # Errors
    /// When the organization does not answer, or cannot be relied on.
    pub async fn begin(&self, state: &str, verifier: &str, back: &str) -> Result<String, SmartError> {
        let (found, config) = (self.discovered().await?, &self.inner.config);
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", &config.client_id),
            ("redirect_uri", back),
            ("scope", &config.scopes.join(" ")),
            ("state", state),
            ("aud", &config.fhir),
            ("code_challenge", &challenge(verifier)),
            ("code_challenge_method", "S256"),
        ]);
        Ok(with_query(&found.authorization, &query))
    }

    /// What the organization gives for what the browser brought back. The caller has checked `state` against the browser and
    /// spent it.
    ///
    /// # Errors
    /// When anything about it does not fit, or the organization does not answer.
    pub async fn finish(
        &self,
        verifier: &str,
        back: &str,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<Tokens, SmartError> {
        let found = self.discovered().await?;
        match (&answer.iss, &found.smart.issuer) {
            (Some(iss), Some(issuer)) if iss != issuer => return Err(SmartError::MixedUp),
            (None, _) if found.smart.says_iss => return Err(SmartError::MixedUp),
            _ => {}
        }
        let code = answer.code.as_deref().filter(|_| !answer.error).ok_or(SmartError::Refused)?;
        let form = encoded(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", verifier),
        ]);
        self.given(&found, form, now).await
    }

    /// New tokens for a refresh token. Where no new refresh token comes back, the old one stays good.
    ///
    /// # Errors
    /// [`SmartError::Gone`] where access was taken back or has expired; else as [`Organization::finish`].
    pub async fn refresh(&self, refresh: &Zeroizing<String>, now: Timestamp) -> Result<Tokens, SmartError> {
        let found = self.discovered().await?;
        let form = encoded(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
        let mut tokens = self.given(&found, form, now).await?;
        tokens.refresh.get_or_insert_with(|| refresh.clone());
        Ok(tokens)
    }

    /// Tells the organization that these are no longer used (RFC 7009). A token that it does not know is taken back already.
    pub async fn revoke(&self, tokens: &Tokens, now: Timestamp) -> Heard {
        let Ok(found) = self.discovered().await else { return Heard::NotYet };
        let post = found.secret_in_body();
        let Some(at) = found.smart.revocation else { return Heard::Never };
        let all = [tokens.refresh.as_ref().map(|t| (t, "refresh_token")), Some((&tokens.access, "access_token"))];
        let mut heard = Heard::Never;
        for (token, hint) in all.into_iter().flatten() {
            let form = encoded(&[("token", token), ("token_type_hint", hint)]);
            let Ok(form) = self.signed(form, &at, now) else { return Heard::NotYet };
            let (inner, at) = (self.inner.clone(), at.clone());
            let sent = self.off(move || inner.web.post(&at, &form, post).map_err(SmartError::of)).await;
            heard = heard.max(match sent {
                Ok((200, _)) => Heard::Yes,
                Ok((400, body)) if takes_no_such(&body) => Heard::Never,
                _ => Heard::NotYet,
            });
        }
        heard
    }

    async fn given(&self, found: &Discovered, form: String, now: Timestamp) -> Result<Tokens, SmartError> {
        let (inner, at, post) = (self.inner.clone(), found.smart.token.clone(), found.secret_in_body());
        let form = self.signed(form, &at, now)?;
        let sent = self.off(move || inner.web.post(&at, &form, post).map_err(SmartError::of));
        match sent.await? {
            (200, body) => self.read(&body, now),
            (429 | 500..=599, _) => Err(SmartError::Silent("it is out of order")),
            (400..=499, _) => Err(SmartError::Gone),
            _ => Err(SmartError::Wrong("token answer is none")),
        }
    }

    /// A form with a fresh assertion of who this client is, for the endpoint it is sent to (RFC 7523); as it is where this
    /// client has no key.
    fn signed(&self, form: String, at: &str, now: Timestamp) -> Result<Zeroizing<String>, SmartError> {
        let Some(key) = &self.inner.key else { return Ok(Zeroizing::new(form)) };
        let assertion = key.assertion(&self.inner.config.client_id, at, now);
        let assertion = assertion.ok_or(SmartError::Silent("nothing can be signed"))?;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let more = [("client_assertion_type", kind), ("client_assertion", assertion.as_str())];
        Ok(Zeroizing::new(format!("{}&{}", Zeroizing::new(form).as_str(), encoded(&more))))
    }

    fn read(&self, body: &[u8], now: Timestamp) -> Result<Tokens, SmartError> {
        let given: Given =
            serde_json::from_slice(body).map_err(|_| SmartError::Wrong("token answer cannot be read"))?;
        let printable = |t: &str| (1..=8192).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic());
        let access = Zeroizing::new(given.access_token);
        let refresh = given.refresh_token.map(Zeroizing::new);
        if !given.token_type.eq_ignore_ascii_case("bearer") || !printable(&access) {
            return Err(SmartError::Wrong("token is none that can be shown"));
        }
        if refresh.as_ref().is_some_and(|t| !printable(t)) {
            return Err(SmartError::Wrong("refresh token is none"));
        }
        let patient = given.patient.filter(|id| fhir_id(id));
        let asked = &self.inner.config.scopes;
        let mut granted: Vec<String> = match &given.scope {
            // RFC 6749 §5.1: left out where it is what was asked for.
            None => asked.clone(),
            Some(scope) => scope.split(' ').filter(|s| scopes::known(s)).map(str::to_owned).collect(),
        };
        // Whoever gives a refresh token lets news be looked for, whatever else they say.
        let later = asked.iter().find(|s| *s == "offline_access" && refresh.is_some() && !granted.contains(s));
        granted.extend(later.cloned());
        let lasts = given.expires_in.map_or(SHORT, |s| SignedDuration::from_secs(s.clamp(0, LONGEST)));
        let expires = now.checked_add(lasts).unwrap_or(now);
        Ok(Tokens { access, refresh, expires, granted, patient })
    }

    /// What the organization says of itself, at most an hour old.
    async fn discovered(&self) -> Result<Discovered, SmartError> {
        {
            let known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, found)) = &*known
                && at.elapsed() < DISCOVERED_FOR
            {
                return Ok(found.clone());
            }
        }
        let inner = self.inner.clone();
        let signs = inner.key.is_some();
        let found = self.off(move || discovery::discover(&inner.web, &inner.config.fhir, signs)).await?;
        *self.inner.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    /// Runs a call off the asynchronous threads.
    async fn off<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, SmartError> + Send + 'static,
    ) -> Result<T, SmartError> {
        let _room = self.inner.room.acquire().await.map_err(|_| SmartError::Silent("closed"))?;
        tokio::task::spawn_blocking(call).await.map_err(|_| SmartError::Silent("interrupted"))?
    }
}

/// Whether a server says that it takes back no tokens of that kind (RFC 7009, 2.2.1).
fn takes_no_such(body: &[u8]) -> bool {
    let told = serde_json::from_slice::<serde_json::Value>(body).ok();
    told.is_some_and(|told| told.get("error").is_some_and(|error| error == "unsupported_token_type"))
}

/// Whether a text may be the id of a resource, and so part of an address.
fn fhir_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && !text.bytes().all(|b| b == b'.')
}

impl From<OidcError> for SmartError {
    fn from(error: OidcError) -> Self {
        Self::of(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization() -> Organization {
        let config: OrganizationConfig = toml::from_str(
            "id = \"mercy\"\nname = \"Mercy Hospital\"\nfhir = \"https://fhir.mercy.example/r4\"\nclient_id = \"w\"\n\
             scopes = [\"launch/patient\", \"offline_access\", \"patient/Patient.rs\", \"patient/Observation.rs\"]",
        )
        .expect("TOML");
        Organization::new(&config).expect("usable")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn what_was_granted_is_what_the_answer_says_and_no_more_than_is_known() {
        let now = at("2026-12-01T15:00:00Z");
        let read = |text: &str| organization().read(text.as_bytes(), now);
        let good = r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","patient":"p-1",
            "scope":"launch/patient patient/Patient.rs patient/Observation.cruds openid"}"#;
        let tokens = read(good).expect("read");
        assert_eq!(
            tokens.granted,
            ["launch/patient", "patient/Patient.rs", "offline_access"],
            "neither writing nor what has no words"
        );
        assert_eq!((tokens.expires, tokens.patient.as_deref()), (at("2026-12-01T16:00:00Z"), Some("p-1")));
        let bare = read(r#"{"access_token":"a","token_type":"bearer"}"#).expect("read");
        assert_eq!((bare.granted.len(), bare.expires), (4, at("2026-12-01T15:05:00Z")));
        for (change, with) in [
            ("\"Bearer\"", "\"mac\""),
            ("\"a\"", "\"a b\""),
            ("\"a\"", "\"\""),
            ("\"r\"", "\"r\\n\""),
            ("{\"acc", "[{\"acc"),
        ] {
            assert!(good.contains(change) && read(&good.replace(change, with)).is_err(), "{with}");
        }
        for id in ["../Patient", "", "a/b", "..", "p?x=1", &"x".repeat(65)] {
            let text = good.replace("p-1", id);
            assert!(read(&text).is_ok_and(|tokens| tokens.patient.is_none()), "{id:?} is no id");
        }
    }

    #[test]
    fn only_reading_is_ever_asked_for() {
        let mut config = organization().config().clone();
        config.scopes.push("patient/Observation.write".into());
        assert!(matches!(Organization::new(&config), Err(SmartError::Scope { .. })));
    }
}
