//! Telling that something is to be looked into: a count, a line in the log, and a webhook where one is configured, which is told
//! at least once, each time under the same name.
//!
//! Invariant: an alert tells which kind, how many and when. Nothing about a person, patient or staff, is in it. It is in the queue in the
//! commit of the review it is about (`store::alerts`), so nothing is lost with a process.

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
    store::{DueAlert, Store, StoreError},
};

/// How long one call of the webhook may take.
const PATIENCE: Duration = Duration::from_secs(5);

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
}

/// What became of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertsSent {
    /// The webhook took so many.
    pub taken: usize,
    /// So many are tried again.
    pub later: usize,
    /// So many are not tried again.
    pub given_up: usize,
}

impl Alerts {
    /// As configured.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub fn new(config: &AlertsConfig) -> Result<Self, AlertsError> {
        let agent = Way::direct(config.ca.as_deref(), PATIENCE).agent()?;
        let webhook = config.webhook.as_deref().map(|at| (agent, Arc::from(at)));
        Ok(Self { raised: Default::default(), webhook })
    }

    /// Notes that so many things of a kind are to be looked into. The webhook is told of what is in the queue.
    pub fn raise(&self, kind: AlertKind, many: u64) {
        self.raised[kind as usize].fetch_add(many, Ordering::Relaxed);
        tracing::warn!(kind = kind.name(), many, "something is to be looked into: see the reviews");
    }

    /// Tells the webhook what is due. Without one the queue is emptied: the reviews are there all the same.
    ///
    /// # Errors
    /// When the database fails; what was told meanwhile is told once more.
    pub async fn deliver(&self, store: &Store, now: Timestamp) -> Result<AlertsSent, StoreError> {
        let mut sent = AlertsSent::default();
        let Some((agent, at)) = &self.webhook else {
            store.drop_alerts().await?;
            return Ok(sent);
        };
        for alert in store.due_alerts(now).await? {
            if told(agent.clone(), Arc::clone(at), alert.clone()).await {
                store.alert_done(&alert).await?;
                sent.taken += 1;
            } else if store.alert_not_taken(&alert, now).await? {
                sent.given_up += 1;
                tracing::error!(
                    kind = alert.kind,
                    "the webhook of alerts.webhook took no alert for a day, it is given up; the review is there all the same"
                );
            } else {
                sent.later += 1;
                tracing::warn!(kind = alert.kind, "the webhook of alerts.webhook took no alert; it is told again");
            }
        }
        Ok(sent)
    }

    /// How many alerts of each kind were raised since the start.
    #[must_use]
    pub fn raised(&self) -> Vec<(&'static str, u64)> {
        let count = |kind: AlertKind| (kind.name(), self.raised[kind as usize].load(Ordering::Relaxed));
        AlertKind::ALL.into_iter().map(count).collect()
    }
}

/// Whether the webhook took it. The key is the same each time, so whoever counts can leave out what they counted.
async fn told(agent: Agent, at: Arc<str>, alert: DueAlert) -> bool {
    let body = serde_json::json!({ "id": alert.id, "alert": alert.kind, "many": alert.many, "at": alert.raised });
    let sending = move || {
        let request = agent.post(&*at).header("Idempotency-Key", &alert.id).content_type("application/json");
        request.send(body.to_string()).is_ok_and(|answer| answer.status().is_success())
    };
    tokio::task::spawn_blocking(sending).await.unwrap_or(false)
}
