//! Talking to a FHIR R4 server: reading, searching and writing resources, and showing who asks (SMART).
//!
//! Invariants: what is searched by goes in a body, never in an address; a request is repeated only where doing it twice is
//! doing it once; an error holds nothing the server wrote but codes of closed lists; a server is spoken to over TLS or
//! within this machine, without proxy or redirect, and only at its own address; every call ends in time. Deliberately
//! absent: who a person is, and what a resource means. That is for `records`.
//!
//! Where to look: `session` what can be asked, `smart` tokens, `bundle` batches and transactions, `headers` ETags and
//! links, `breaker` and `error` what happens when it fails, `wire` the bytes.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

mod breaker;
mod bundle;
mod capability;
mod error;
mod headers;
mod key;
mod session;
mod smart;
mod wire;

pub use bundle::{Ask, Write, Written};
pub use error::{Done, FhirError, Issues, TokenError};
pub use headers::Version;
pub use key::ClientKey;
pub use session::{Resource, Session};
pub use smart::{Smart, Unusable};

use crate::config::{BackendConfig, ServerConfig};
use breaker::Breaker;
use smart::Token;
use wire::{Call, Reply, Wire};

/// Requests to one server at once; more wait their turn, each no longer than its time limit.
const AT_ONCE: usize = 16;
/// Why nothing is sent while a server is left alone.
const LEFT_ALONE: &str = "it failed again and again and is left alone for a moment";

/// A server. Cheap to clone; clones share connections, token and what is known of it.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    config: ServerConfig,
    wire: Wire,
    key: Option<ClientKey>,
    /// The world's time, which a signed statement must tell, also where the conversation's is fixed.
    clock: fn() -> Timestamp,
    breaker: Mutex<Breaker>,
    known: Mutex<Option<(Instant, Smart)>>,
    token: tokio::sync::Mutex<Option<Token>>,
    room: Semaphore,
    sent: AtomicU64,
}

impl Server {
    /// A server; nothing is asked yet.
    ///
    /// # Errors
    /// When the key or the authorities cannot be used.
    pub fn new(config: &ServerConfig, clock: fn() -> Timestamp) -> Result<Self, FhirError> {
        let key = config.backend.as_ref().map(|backend| ClientKey::read(&backend.key(), &config.name)).transpose()?;
        let inner = Inner {
            wire: Wire::new(config)?,
            key,
            clock,
            breaker: Mutex::default(),
            known: Mutex::default(),
            token: tokio::sync::Mutex::default(),
            room: Semaphore::new(AT_ONCE),
            sent: AtomicU64::new(0),
            config: config.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.config.name
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.inner.config.base
    }

    /// How it is configured.
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.inner.config
    }

    /// How many requests were sent to it so far, those for tokens included.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.inner.sent.load(Ordering::Relaxed)
    }

    /// Asking as this program itself: with a token of SMART Backend Services, or with none where none is configured.
    #[must_use]
    pub fn backend(&self) -> Session {
        Session::new(self.clone(), None)
    }

    /// Asking with a token that somebody was given elsewhere, such as a person's own.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Session {
        Session::new(self.clone(), Some(Zeroizing::new(format!("Bearer {token}"))))
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.inner.config.timeout_ms)
    }

    fn clock(&self) -> Timestamp {
        (self.inner.clock)()
    }

    fn backend_key(&self) -> Option<(&BackendConfig, &ClientKey)> {
        self.inner.config.backend.as_ref().zip(self.inner.key.as_ref())
    }

    fn known(&self) -> MutexGuard<'_, Option<(Instant, Smart)>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token_slot(&self) -> &tokio::sync::Mutex<Option<Token>> {
        &self.inner.token
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.inner.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one request, off the asynchronous threads, and tells the breaker how it went.
    async fn send(
        &self,
        call: Call,
        authorization: Option<Zeroizing<String>>,
        until: Instant,
    ) -> Result<Reply, FhirError> {
        let late = FhirError::Unreachable("too much is asked of it at once");
        let left = until.saturating_duration_since(Instant::now());
        let room = tokio::time::timeout(left, self.inner.room.acquire()).await;
        let Ok(Ok(_room)) = room else { return Err(late) };
        let now = Instant::now();
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            return Err(late);
        }
        if !self.breaker().may_pass(now) {
            return Err(FhirError::Unreachable(LEFT_ALONE));
        }
        self.inner.sent.fetch_add(1, Ordering::Relaxed);
        let inner = Arc::clone(&self.inner);
        let sending = move || inner.wire.send(&call, authorization.as_ref().map(|token| token.as_str()), left);
        let sent = tokio::task::spawn_blocking(sending).await.unwrap_or(Err(FhirError::Unanswered("interrupted")));
        let well = match &sent {
            Ok(reply) => reply.status < 500,
            Err(error) => !error.unwell(),
        };
        self.breaker().went(well, Instant::now());
        sent
    }
}
