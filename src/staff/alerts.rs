//! Telling at once that something is to be looked into: a count, a line in the log, and a webhook where one is configured.
//! The review itself was durable before; an alert that gets lost loses nothing.
//!
//! Invariant: an alert tells which kind, how many and when. Nothing about a person, patient or staff, is in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    config::AlertsConfig,
    outgoing::{Agent, Way, WayError},
};

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
#[error("alerts.ca: {0}")]
pub struct AlertsError(#[from] WayError);

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
        let agent = Way::direct(config.ca.as_deref(), PATIENCE).agent()?;
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
                let answer = agent.post(&*at_address).content_type("application/json").send(body.as_str());
                if answer.is_ok_and(|answer| answer.status().is_success()) {
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
