//! Telling at once that something is to be looked into: a count, a line in the log, and a webhook where one is configured.
//! The review itself was durable before; an alert that gets lost loses nothing.
//!
//! Invariant: an alert tells which kind, how many and when. Nothing about a person, patient or staff, is in it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::config::AlertsConfig;

/// How long one call of the webhook may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is tried, each time after a longer pause.
const TRIES: u32 = 3;
/// Calls at once; alerts beyond that are counted and logged alone.
const AT_ONCE: usize = 4;

/// What is to be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// Somebody broke glass.
    BreakGlass,
    /// Somebody opened many strangers.
    ManyStrangers,
}

impl AlertKind {
    const ALL: [Self; 2] = [Self::BreakGlass, Self::ManyStrangers];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BreakGlass => "break-glass",
            Self::ManyStrangers => "many-strangers",
        }
    }
}

/// The authorities for the webhook's certificate cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("alerts.ca: {path}: {why}")]
pub struct AlertsError {
    path: PathBuf,
    why: String,
}

/// Where alerts go.
pub struct Alerts {
    raised: [AtomicU64; 2],
    webhook: Option<(Agent, Arc<str>)>,
    room: Arc<tokio::sync::Semaphore>,
}

impl Alerts {
    /// As configured.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub fn new(config: &AlertsConfig) -> Result<Self, AlertsError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &config.ca {
            let wrong = |why: String| AlertsError { path: path.clone(), why };
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
        let agent: Agent = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(None)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("wellspoken/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let webhook = config.webhook.as_deref().map(|at| (agent, Arc::from(at)));
        Ok(Self { raised: Default::default(), webhook, room: Arc::new(tokio::sync::Semaphore::new(AT_ONCE)) })
    }

    /// Tells that so many things of a kind are to be looked into.
    pub fn raise(&self, kind: AlertKind, many: u64, at: Timestamp) {
        self.raised[kind as usize].fetch_add(many, Ordering::Relaxed);
        tracing::warn!(kind = kind.name(), many, "something is to be looked into: see the reviews");
        let (Some((agent, at_address)), Ok(room)) = (self.webhook.clone(), self.room.clone().try_acquire_owned())
        else {
            return;
        };
        let body = serde_json::json!({ "alert": kind.name(), "many": many, "at": at }).to_string();
        tokio::task::spawn_blocking(move || {
            let _room = room;
            for n in 0..TRIES {
                if agent.post(&*at_address).content_type("application/json").send(body.as_str()).is_ok() {
                    return;
                }
                if n + 1 < TRIES {
                    std::thread::sleep(Duration::from_secs(1 << n));
                }
            }
            tracing::error!("the webhook of alerts.webhook took no alert; the review is in the queue all the same");
        });
    }

    /// How many alerts of each kind were raised since the start.
    #[must_use]
    pub fn raised(&self) -> Vec<(&'static str, u64)> {
        let count = |kind: AlertKind| (kind.name(), self.raised[kind as usize].load(Ordering::Relaxed));
        AlertKind::ALL.into_iter().map(count).collect()
    }
}
