//! Signing in by OpenID Connect, as the party that relies on a provider: authorization code with PKCE (S256), state and
//! nonce (OpenID Connect Core 1.0, RFC 7636, RFC 9207).
//!
//! Invariants: nobody is signed in but by an ID token that this client asked for, fetched itself from the provider, and
//! checked whole (`token`); the access token is dropped unread; an error holds nothing that came from outside. What a
//! subject stands for here is not known here. Deliberately absent: the implicit and hybrid flows, `none` and HMAC
//! signatures, following redirects, proxies.
//!
//! Where to look: `discovery` what the provider offers, `keys` its signing keys, `token` the checks, `web` the wire.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

mod discovery;
mod keys;
mod token;
mod web;

use discovery::Discovered;
use keys::Keys;
pub use token::{Claims, Misfit};
pub(crate) use web::Web;
pub use web::encoded;

use crate::config::ProviderConfig;

/// How long what a provider says of itself is believed.
const DISCOVERED_FOR: Duration = Duration::from_secs(3600);
/// How often keys are fetched anew at most, because a token names one that is not there.
const KEYS_PAUSE: Duration = Duration::from_secs(10);
/// How long a provider that did not answer is left alone.
const SILENCE: Duration = Duration::from_secs(2);
/// Exchanges at once; more wait their turn, each no longer than its time limit.
const AT_ONCE: usize = 8;

/// Why nobody was signed in. Holds nothing of what the browser or the provider sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The client secret cannot be read.
    #[error("the client secret {path} cannot be used: {why}")]
    Secret {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The authorities for the provider's certificate cannot be read; which file, and why.
    #[error("{0}")]
    Authorities(String),
    /// The provider does not answer, or not in time.
    #[error("the OpenID provider does not answer ({0})")]
    Silent(&'static str),
    /// The provider answers with something else than it must.
    #[error("the OpenID provider's {0}")]
    Wrong(&'static str),
    /// The answer in the browser came from another provider than was asked.
    #[error("the answer names another issuer than the one that was asked")]
    MixedUp,
    /// The provider, or the person there, said no.
    #[error("the OpenID provider refused")]
    Refused,
    /// The code was not taken: used before, expired, or not for this client.
    #[error("the OpenID provider did not take the code")]
    Code,
    /// The ID token does not fit.
    #[error("the ID token {0}")]
    Token(#[from] Misfit),
}

impl OidcError {
    /// Whether trying again later may help.
    #[must_use]
    pub const fn passing(&self) -> bool {
        matches!(self, Self::Silent(_))
    }
}

/// What is made up for one sign-in, and must come back with it.
///
/// Not `Debug`: whoever has the verifier can finish the sign-in.
#[derive(Clone)]
pub struct Flow {
    /// Comes back with the browser.
    pub state: String,
    /// Comes back inside the ID token.
    pub nonce: String,
    /// Shown to the provider when the code is exchanged; 43 to 128 unreserved characters.
    pub verifier: String,
}

/// What the browser brought back.
///
/// Not `Debug`: it holds the code.
#[derive(Clone, Default)]
pub struct Answer {
    /// The code, where the provider said yes.
    pub code: Option<String>,
    /// The issuer that says it answers (RFC 9207).
    pub iss: Option<String>,
    /// The provider said no.
    pub error: bool,
}

/// A client of one provider. Cheap to clone; clones share what they know of the provider.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: ProviderConfig,
    web: Web,
    known: Mutex<Known>,
    room: Semaphore,
}

/// What was fetched, and when.
#[derive(Default)]
struct Known {
    provider: Option<(Instant, Discovered)>,
    keys: Option<(Instant, Keys)>,
    /// It did not answer.
    silent: Option<(Instant, OidcError)>,
}

impl Client {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// When the client secret or the authorities cannot be read.
    pub fn new(config: &ProviderConfig) -> Result<Self, OidcError> {
        let web = Web::new(config)?;
        let inner = Inner { config: config.clone(), web, known: Mutex::default(), room: Semaphore::const_new(AT_ONCE) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The issuer it relies on.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.config.issuer
    }

    /// Where the browser goes to sign in. `back` is where it comes back to.
    ///
    /// # Errors
    /// When the provider does not answer, or cannot be relied on.
    pub async fn begin(&self, flow: &Flow, back: &str) -> Result<String, OidcError> {
        let (provider, config) = (self.provider().await?, &self.inner.config);
        let challenge = challenge(&flow.verifier);
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", &config.client_id),
            ("redirect_uri", back),
            ("scope", &config.scopes.join(" ")),
            ("state", &flow.state),
            ("nonce", &flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(with_query(&provider.authorization, &query))
    }

    /// Who signed in, by what the browser brought back. The caller has checked `state` against the browser and spent it.
    ///
    /// # Errors
    /// When anything about it does not fit, or the provider does not answer.
    pub async fn finish(&self, flow: &Flow, back: &str, answer: &Answer, now: Timestamp) -> Result<Claims, OidcError> {
        let provider = self.provider().await?;
        match &answer.iss {
            Some(iss) if *iss != self.inner.config.issuer => return Err(OidcError::MixedUp),
            None if provider.says_iss => return Err(OidcError::MixedUp),
            Some(_) | None => {}
        }
        let code = answer.code.as_deref().filter(|_| !answer.error).ok_or(OidcError::Refused)?;
        let form = encoded(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", &flow.verifier),
        ]);
        let (inner, at, post) = (self.inner.clone(), provider.token.clone(), provider.secret_in_body);
        let token = self.off(move || inner.web.exchange(&at, &form, post)).await?;
        let signed = token::read(&token)?;
        let keys = self.keys(&provider, &signed).await?;
        let wanted = token::Wanted {
            issuer: &self.inner.config.issuer,
            client: &self.inner.config.client_id,
            nonce: &flow.nonce,
            now,
        };
        Ok(token::check(&signed, &keys, &wanted)?)
    }

    /// Where the browser goes to sign out at the provider, too; `None` where the provider offers no such thing or does not
    /// answer. It names this client and nobody.
    pub async fn sign_out(&self, after: &str) -> Option<String> {
        let end = self.provider().await.ok()?.end_session?;
        let query = encoded(&[("client_id", &self.inner.config.client_id), ("post_logout_redirect_uri", after)]);
        Some(with_query(&end, &query))
    }

    /// What the provider says of itself, at most an hour old.
    async fn provider(&self) -> Result<Discovered, OidcError> {
        {
            let known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, provider)) = &known.provider
                && at.elapsed() < DISCOVERED_FOR
            {
                return Ok(provider.clone());
            }
            if let Some((at, error)) = &known.silent
                && at.elapsed() < SILENCE
            {
                return Err(error.clone());
            }
        }
        let inner = self.inner.clone();
        let found = self.off(move || discovery::discover(&inner.web, &inner.config.issuer)).await;
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Ok(provider) => known.provider = Some((Instant::now(), provider.clone())),
            Err(error) => known.silent = Some((Instant::now(), error.clone())),
        }
        found
    }

    /// The provider's keys, fetched anew where the token's is not among them.
    async fn keys(&self, provider: &Discovered, signed: &token::Signed) -> Result<Keys, OidcError> {
        {
            let known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, keys)) = &known.keys
                && (keys.fits(signed).is_some() || at.elapsed() < KEYS_PAUSE)
                && at.elapsed() < DISCOVERED_FOR
            {
                return Ok(keys.clone());
            }
        }
        let (inner, at) = (self.inner.clone(), provider.keys.clone());
        let keys = self.off(move || Keys::read(&inner.web.get(&at)?)).await?;
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).keys = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }

    /// Runs a call to the provider off the asynchronous threads.
    async fn off<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, OidcError> + Send + 'static,
    ) -> Result<T, OidcError> {
        let _room = self.inner.room.acquire().await.map_err(|_| OidcError::Silent("closed"))?;
        tokio::task::spawn_blocking(call).await.map_err(|_| OidcError::Silent("interrupted"))?
    }
}

/// What shows, before the code is exchanged, that whoever exchanges it has the verifier (RFC 7636 §4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// An address with a query, whether or not it has one already.
pub(crate) fn with_query(address: &str, query: &str) -> String {
    format!("{address}{}{query}", if address.contains('?') { '&' } else { '?' })
}
