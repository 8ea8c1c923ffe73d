//! Tells a FHIR server of calls: each is one Task there, and says what the call is now.
//!
//! Invariants: a Task is made unless the call's name is there already, and changed only as the version that was read; the call is
//! read after that version was, so that whoever was slower cannot put an older state over a newer one. So doing it again, wholly
//! or from any point on, changes nothing more. One process at a time tells of a call.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    nurse::{
        Need, Routes, Rung,
        task::{CallNow, brought, made, query},
    },
    teller::Round,
};
use crate::{
    config::ServerConfig,
    fhir::{FhirError, Resource, Server, Session},
    store::{CallEvent, CallState, Store, StoreError},
};

/// Its name among those who are told.
const ADAPTER: &str = "task";
/// Under which one process has a call.
const HOLD: &str = "task hold";
/// Calls told of beside each other.
const BESIDE: usize = 8;
/// How often is looked again where somebody else wrote in between.
const LOOKS: usize = 4;

/// Who tells.
pub struct Tasks {
    store: Store,
    routes: Routes,
    session: Session,
    /// How long telling of one call may take.
    within: Duration,
    /// How long nobody else tells of it: longer, so that what is still on its way then has arrived.
    held: SignedDuration,
}

/// Why a server was not told.
enum Missed {
    Store(StoreError),
    Server(FhirError),
}

impl From<StoreError> for Missed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FhirError> for Missed {
    fn from(error: FhirError) -> Self {
        Self::Server(error)
    }
}

impl Tasks {
    /// Who tells that server; nothing is asked yet. `clock` is the world's time, which a signed statement must tell.
    ///
    /// # Errors
    /// When its key or its authorities cannot be used.
    pub fn new(
        store: Store,
        config: &ServerConfig,
        routes: Routes,
        clock: fn() -> Timestamp,
    ) -> Result<Self, FhirError> {
        let patience = Duration::from_millis(config.timeout_ms);
        let within = patience * 2;
        let held = SignedDuration::try_from(within + patience * 2).unwrap_or(SignedDuration::MAX);
        Ok(Self { store, routes, session: Server::new(config, clock)?.backend(), within, held })
    }

    /// Tells what is due.
    ///
    /// # Errors
    /// When the database or a key fails; what was told meanwhile may be told once more.
    pub async fn tell(&self, now: Timestamp) -> Result<Round, StoreError> {
        let mut calls: BTreeMap<String, Vec<CallEvent>> = BTreeMap::new();
        for event in self.store.due_call_events(ADAPTER, "", now).await? {
            calls.entry(event.request.clone()).or_default().push(event);
        }
        let (mut round, mut calls) = (Round::default(), calls.into_iter());
        loop {
            let some: Vec<_> = calls.by_ref().take(BESIDE).collect();
            if some.is_empty() {
                return Ok(round);
            }
            let told = some.iter().map(|(call, events)| self.told(call, events, now));
            for (taken, (_, events)) in futures_util::future::join_all(told).await.into_iter().zip(&some) {
                if taken? { round.taken += events.len() } else { round.later += events.len() }
            }
        }
    }

    /// Whether the server has the call as it was after these events.
    async fn told(&self, call: &str, events: &[CallEvent], now: Timestamp) -> Result<bool, StoreError> {
        let until = now.checked_add(self.held).unwrap_or(Timestamp::MAX);
        if !self.store.hold_call(HOLD, call, until, now).await? {
            return Ok(false);
        }
        let late = Missed::Server(FhirError::Unanswered("not in time"));
        let there = tokio::time::timeout(self.within, self.bring(call)).await.unwrap_or(Err(late));
        let taken = match there {
            Ok(()) => true,
            Err(Missed::Server(error)) => {
                tracing::warn!(%error, "the server of nurse.tasks was not told of a call; it is told again");
                false
            }
            Err(Missed::Store(error)) => return Err(error),
        };
        if taken {
            for event in events {
                self.store.call_event_done(ADAPTER, event.seq, now).await?;
            }
        }
        self.store.let_call_go(HOLD, call).await?;
        Ok(taken)
    }

    /// Brings the server to what the call is now.
    async fn bring(&self, id: &str) -> Result<(), Missed> {
        for _ in 0..LOOKS {
            let Some(call) = self.store.call_state(id).await? else { return Ok(()) };
            let Resource { value, version, created } =
                self.session.create(&made(&self.known(&call)), &query(id)).await?;
            if created {
                return Ok(());
            }
            // Read once more, now that the version is known: whoever writes from here on makes the update below fail.
            let Some(call) = self.store.call_state(id).await? else { return Ok(()) };
            let Some(task) = brought(&value, &self.known(&call)) else { return Ok(()) };
            let Some(version) = version else { return Err(FhirError::Wrong("tells no version").into()) };
            match self.session.update(&task, &version).await {
                Ok(_) => return Ok(()),
                Err(FhirError::Stale | FhirError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(FhirError::Stale.into())
    }

    /// What of a call others may know.
    fn known<'a>(&self, call: &'a CallState) -> CallNow<'a> {
        let words = call.words.as_deref();
        let since = call.asked_last.unwrap_or(call.requested);
        // A step before it was asked for again tells nothing of what waits now.
        let step = call.step.as_ref().filter(|(_, at)| *at >= since);
        CallNow {
            id: &call.id,
            room: &call.room,
            need: words.map(Need::of),
            route: self.routes.of(words, call.emergency, call.repeats),
            rung: step.and_then(|(name, _)| Rung::ALL.into_iter().find(|rung| rung.name() == name)),
            told: step.map(|(_, at)| *at),
            requested: call.requested,
            asked_last: call.asked_last,
            acknowledged: call.acknowledged,
            cancelled: call.patient_says_cancel,
            stay_over: call.stay_over.is_some(),
            closed: call.closed,
        }
    }
}
