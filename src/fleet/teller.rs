//! Tells others what happens to calls: a webhook, a pager, a broker.
//!
//! Invariants: each event is told at least once, under the same name every time, so that its effect is once; what fails is told
//! again; nothing that was said, and nobody, is in what is told, least of all in an address or a topic.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use ring::hmac;
use serde::Serialize;

use super::{
    mqtt::{Mqtt, Topic},
    nurse::Routes,
};
use crate::{
    config::{HookConfig, NurseConfig},
    outgoing::{Agent, Way, WayError},
    store::{BoardRow, CallEvent, Store, StoreError},
};

/// How long one call of a webhook may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Shortest secret, in bytes.
const SHORTEST: usize = 16;

/// Why others cannot be told as configured.
#[derive(Debug, thiserror::Error)]
pub enum TellerError {
    /// The authorities cannot be read.
    #[error("nurse: {0}")]
    Way(#[from] WayError),
    /// The secret cannot be read.
    #[error("nurse: the secret {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The secret is no good.
    #[error("nurse: the secret {path} {why}")]
    NoGood {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no broker.
    #[error("nurse.mqtt needs the section [mqtt]")]
    NoBroker,
}

/// What is told of an event.
#[derive(Debug, Serialize)]
struct Message<'a> {
    /// The same each time it is told.
    id: String,
    event: &'a str,
    call: &'a str,
    room: &'a str,
    at: Timestamp,
    /// Absent once the call is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Now>,
}

/// A call as it is now.
#[derive(Debug, Serialize)]
struct Now {
    emergency: bool,
    priority: &'static str,
    role: &'static str,
    repeats: u32,
    answered: bool,
    cancelled_by_patient: bool,
    stay_over: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
}

/// What came of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// So many were taken.
    pub taken: usize,
    /// So many are told again.
    pub later: usize,
}

/// A signed webhook.
struct Hook {
    agent: Agent,
    url: Arc<str>,
    key: hmac::Key,
}

impl Hook {
    fn new(config: &HookConfig) -> Result<Self, TellerError> {
        let path = &config.secret_file;
        let read = |source| TellerError::Read { path: path.clone(), source };
        if std::fs::metadata(path).map_err(read)?.permissions().mode() & 0o077 != 0 {
            return Err(TellerError::NoGood { path: path.clone(), why: "can be read by others; run: chmod 600" });
        }
        let secret = zeroize::Zeroizing::new(std::fs::read(path).map_err(read)?);
        let secret = secret.trim_ascii();
        if secret.len() < SHORTEST {
            return Err(TellerError::NoGood { path: path.clone(), why: "is shorter than 16 bytes" });
        }
        let agent = Way::direct(config.ca.as_deref(), PATIENCE).agent()?;
        Ok(Self { agent, url: Arc::from(config.url.as_str()), key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    /// Whether it took it. The signature is over the time and the body: `t=SECONDS,v1=HEX`.
    async fn told(&self, id: String, body: String, now: Timestamp) -> bool {
        let signed = hmac::sign(&self.key, format!("{}.{body}", now.as_second()).as_bytes());
        let signature = format!("t={},v1={}", now.as_second(), hex::encode(signed.as_ref()));
        let (agent, url) = (self.agent.clone(), Arc::clone(&self.url));
        let sending = move || {
            let request = agent.post(&*url).header("Idempotency-Key", &id).header("Wellspoken-Signature", &signature);
            request.content_type("application/json").send(body).is_ok_and(|answer| answer.status().is_success())
        };
        tokio::task::spawn_blocking(sending).await.unwrap_or(false)
    }
}

/// Who tells.
pub struct Teller {
    store: Store,
    routes: Routes,
    webhook: Option<Hook>,
    pager: Option<Hook>,
    broker: Option<(Arc<Mqtt>, Duration)>,
}

impl Teller {
    /// As configured. `broker` is there where `[mqtt]` is, with how long it may take.
    ///
    /// # Errors
    /// When a file that is needed cannot be used, or there is no broker.
    pub fn new(
        store: Store,
        config: &NurseConfig,
        routes: Routes,
        broker: Option<(Arc<Mqtt>, Duration)>,
    ) -> Result<Self, TellerError> {
        let hook = |hook: &Option<HookConfig>| hook.as_ref().map(Hook::new).transpose();
        if config.mqtt && broker.is_none() {
            return Err(TellerError::NoBroker);
        }
        let broker = broker.filter(|_| config.mqtt);
        Ok(Self { store, routes, webhook: hook(&config.webhook)?, pager: hook(&config.pager)?, broker })
    }

    /// Tells what is due.
    ///
    /// # Errors
    /// When the database or a key fails; what was told meanwhile may be told once more.
    pub async fn tell(&self, now: Timestamp) -> Result<Round, StoreError> {
        let mut round = Round::default();
        for (adapter, what, hook) in [("webhook", "", &self.webhook), ("pager", "paged", &self.pager)] {
            let Some(hook) = hook else { continue };
            for (event, id, body) in self.due(adapter, what, now).await? {
                self.settle(adapter, &event, hook.told(id, body, now).await, now, &mut round).await?;
            }
        }
        if let Some((broker, patience)) = &self.broker {
            for (event, _, body) in self.due("mqtt", "", now).await? {
                let topic = Topic::parse(&format!("{}/calls/{}", broker.own(), event.room));
                let taken = match topic {
                    Some(topic) => broker.publish(&topic, body, false, *patience).await.is_ok(),
                    // No room is named so.
                    None => true,
                };
                self.settle("mqtt", &event, taken, now, &mut round).await?;
            }
        }
        Ok(round)
    }

    async fn due(
        &self,
        adapter: &'static str,
        what: &'static str,
        now: Timestamp,
    ) -> Result<Vec<(CallEvent, String, String)>, StoreError> {
        let events = self.store.due_call_events(adapter, what, now).await?;
        if events.is_empty() {
            return Ok(vec![]);
        }
        let board = self.store.board(None).await?;
        Ok(events
            .into_iter()
            .map(|event| {
                let message = self.message(&event, board.iter().find(|row| row.id == event.request));
                let body = serde_json::to_string(&message).unwrap_or_default();
                let id = message.id;
                (event, id, body)
            })
            .collect())
    }

    fn message<'a>(&self, event: &'a CallEvent, row: Option<&BoardRow>) -> Message<'a> {
        let now = row.map(|row| {
            let route = self.routes.of(row.need.as_deref(), row.emergency, row.repeats);
            Now {
                emergency: row.emergency,
                priority: route.priority.name(),
                role: route.role.name(),
                repeats: row.repeats,
                answered: row.answered(),
                cancelled_by_patient: row.patient_says_cancel.is_some(),
                stay_over: row.stay_over.is_some(),
                step: row.told.last().map(|told| told.step.clone()),
            }
        });
        Message {
            id: format!("{}-{}", event.request, event.seq),
            event: &event.what,
            call: &event.request,
            room: &event.room,
            at: event.at,
            now,
        }
    }

    async fn settle(
        &self,
        adapter: &'static str,
        event: &CallEvent,
        taken: bool,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<(), StoreError> {
        if taken {
            self.store.call_event_done(adapter, event.seq, now).await?;
            round.taken += 1;
        } else {
            tracing::warn!(adapter, "what happened to a call was not taken; it is told again");
            round.later += 1;
        }
        Ok(())
    }
}
