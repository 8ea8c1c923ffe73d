//! Reading records that are at a server: first from there, and where it cannot be reached from the copy, which then says
//! how old it is.
//!
//! Invariants: a part that could not be read is never answered from without [`Records::stale`] telling its age, and where
//! there is no copy nothing is answered; what comes from a server goes sealed into the copy and comes out of it wrapped,
//! as everything else does.
//!
//! A server is asked once policy has said yes, while the row that opens the disclosure goes to the disk. Its own log then
//! may hold a reading whose row never reached the disk: nothing of it was told to anybody, and a log that tells of one
//! reading too many misleads nobody about who learned what. The other order would cost every turn the time of a commit.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::de::DeserializeOwned;

use super::{Records, RecordsError, sensitive::Hush, server::Servers};
use crate::{
    fhir::{FhirError, Server},
    policy::{PersonId, Phi, Scope},
    store::{ChartKind, Source},
};

/// How far ahead free times are read, in days.
const SLOTS_AHEAD: i32 = 60;

/// How long all that one turn asks of servers may take together. Begins with the first question; clones share it.
#[derive(Clone)]
pub struct Budget {
    within: Duration,
    until: Arc<OnceLock<Instant>>,
}

impl Budget {
    /// One that nothing was asked within yet.
    #[must_use]
    pub fn new(within: Duration) -> Self {
        Self { within, until: Arc::default() }
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Instant {
        *self.until.get_or_init(|| Instant::now() + self.within)
    }

    /// What is left of it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.until().saturating_duration_since(Instant::now())
    }
}

/// The servers, for one turn.
pub(super) struct Live {
    pub servers: Arc<Servers>,
    now: Timestamp,
    /// How long they may take together; absent where nobody waits for a spoken answer.
    budget: Option<Budget>,
    seen: Mutex<Seen>,
}

/// What became of the parts this turn.
#[derive(Default)]
struct Seen {
    parts: HashMap<ChartKind, Part>,
    slots: bool,
    /// No server keeps free times.
    no_slots: bool,
    /// The oldest that was answered from although its server could not be reached.
    stale: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Part {
    /// As it is now.
    Now,
    /// As it was then.
    Then(Timestamp),
    /// Neither.
    Missing,
    /// The server keeps nothing of the kind.
    Lacking,
}

impl Live {
    pub fn new(servers: Arc<Servers>, now: Timestamp, budget: Option<Budget>) -> Self {
        Self { servers, now, budget, seen: Mutex::default() }
    }

    fn until(&self) -> Option<Instant> {
        self.budget.as_ref().map(Budget::until)
    }

    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The parts that a question of a scope will most likely read.
pub(super) const fn parts_of(scope: Scope) -> &'static [ChartKind] {
    match scope {
        Scope::Medicines => &[ChartKind::Prescriptions],
        Scope::Visits => &[ChartKind::Visits, ChartKind::Providers],
        Scope::Records => &[ChartKind::Results],
    }
}

impl Records {
    /// How old what was answered from is, where a server could not be reached; `None` where everything is as it is now.
    #[must_use]
    pub fn stale(&self) -> Option<Timestamp> {
        self.live().and_then(|live| live.seen(|seen| seen.stale))
    }

    /// Reads everything of a person anew, where their records are at a server that can be reached.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn refreshed(&self, person: &PersonId, now: Timestamp) -> Result<(), RecordsError> {
        self.hushed(Hush { aloud: false, named: vec![] }, now).freshen(person, &ChartKind::ALL).await
    }

    /// How many requests were sent to record servers so far, by all turns.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.servers().map_or(0, |servers| servers.all().iter().map(Server::sent).sum())
    }

    /// A part of the chart, as it is now or, where its server cannot be reached, as it was.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        person: &PersonId,
        kind: ChartKind,
    ) -> Result<Phi<Vec<T>>, RecordsError> {
        self.reached(person, kind).await?;
        Ok(self.store().chart_rows(person, kind).await?)
    }

    /// Whether a part can be answered from. Notes its age where it is old.
    pub(super) async fn reached(&self, person: &PersonId, kind: ChartKind) -> Result<(), RecordsError> {
        self.freshen(person, &[kind]).await?;
        let Some(live) = self.live() else { return Ok(()) };
        live.seen(|seen| match seen.parts.get(&kind) {
            Some(Part::Missing) => Err(RecordsError::Unreachable),
            Some(Part::Lacking) => Err(RecordsError::NotHeld),
            Some(Part::Then(at)) => {
                seen.stale = Some(seen.stale.map_or(*at, |before| before.min(*at)));
                Ok(())
            }
            Some(Part::Now) | None => Ok(()),
        })
    }

    /// Whether these parts are here as they are now, rather than as they were when their server was last reached.
    pub(super) async fn is_now(&self, person: &PersonId, kinds: &[ChartKind]) -> Result<bool, RecordsError> {
        self.freshen(person, kinds).await?;
        let Some(live) = self.live() else { return Ok(self.servers().is_none()) };
        Ok(live.seen(|seen| kinds.iter().all(|kind| matches!(seen.parts.get(kind), Some(Part::Now)))))
    }

    /// Reads these parts from the person's server, where they have one, in one request; each at most once a turn.
    pub(super) async fn freshen(&self, person: &PersonId, kinds: &[ChartKind]) -> Result<(), RecordsError> {
        let Some(live) = self.live() else { return Ok(()) };
        let mut wanted: Vec<ChartKind> =
            live.seen(|seen| kinds.iter().copied().filter(|kind| !seen.parts.contains_key(kind)).collect());
        if wanted.is_empty() {
            return Ok(());
        }
        let source = self.store().source(person).await?;
        let young = |source: &Source, kind| {
            let age = |at: Timestamp| live.now.duration_since(at);
            let lately = |at| (SignedDuration::ZERO..live.servers.fresh()).contains(&age(at));
            !source.outdated(kind) && source.read(kind).is_some_and(lately)
        };
        let now = |kind: &ChartKind| source.as_ref().is_none_or(|source| young(source, *kind));
        live.seen(|seen| seen.parts.extend(wanted.iter().filter(|kind| now(kind)).map(|kind| (*kind, Part::Now))));
        wanted.retain(|kind| !now(kind));
        let Some(source) = source.filter(|_| !wanted.is_empty()) else { return Ok(()) };
        let outcome = self.copied(live, person, &source, &wanted).await?;
        let became = |kind: &ChartKind| match (&outcome, source.read(*kind)) {
            (Ok(lacking), _) if lacking.contains(kind) => Part::Lacking,
            (Ok(_), _) => Part::Now,
            (Err(_), Some(at)) => Part::Then(at),
            (Err(_), None) => Part::Missing,
        };
        live.seen(|seen| seen.parts.extend(wanted.iter().map(|kind| (*kind, became(kind)))));
        Ok(())
    }

    /// Reads parts from a server into the copy; gives those that it does not keep at all. The inner error is the server's, and told to the operator.
    async fn copied(
        &self,
        live: &Live,
        person: &PersonId,
        source: &Source,
        kinds: &[ChartKind],
    ) -> Result<Result<Vec<ChartKind>, FhirError>, RecordsError> {
        let Some(server) = live.servers.named(&source.server) else {
            tracing::error!("a person's records are at a server that the configuration does not name");
            return Ok(Err(FhirError::Unreachable("not configured")));
        };
        let chart = match live.servers.fetch(server, &source.patient, kinds, live.until()).await {
            Ok(chart) => chart,
            Err(error) => {
                failed(server, &error);
                return Ok(Err(error));
            }
        };
        self.store().keep_copy(person, source.clone(), &chart, kinds, live.now).await?;
        Ok(Ok(chart.lacking))
    }

    /// That there is no free time, where times are kept anywhere.
    pub(super) fn none_free<T>(&self, found: Vec<T>) -> Result<Vec<T>, RecordsError> {
        match self.live() {
            Some(live) if found.is_empty() && live.seen(|seen| seen.no_slots) => Err(RecordsError::NotHeld),
            _ => Ok(found),
        }
    }

    /// Brings the servers' free times up to date, once a turn.
    pub(super) async fn freshen_slots(&self) -> Result<(), RecordsError> {
        let Some(live) = self.live() else { return Ok(()) };
        if live.seen(|seen| std::mem::replace(&mut seen.slots, true)) {
            return Ok(());
        }
        let Ok(until) = live.now.checked_add((i64::from(SLOTS_AHEAD) * 24).hours()) else { return Ok(()) };
        let mut without = 0;
        for server in live.servers.all() {
            if !live.servers.slots_are_old(server, live.now) {
                continue;
            }
            match live.servers.slots(server, (live.now, until), live.until()).await {
                Ok(slots) => {
                    self.store().keep_slots(server.name(), (live.now, until), &slots, live.now).await?;
                    live.servers.slots_read(server, live.now);
                }
                Err(error) if live.servers.has_no(&server.backend().until(live.until()), "Slot", &error).await => {
                    without += 1;
                }
                // Told from the copy, with its age: an offer that is taken meanwhile is told when it is booked. Without a
                // copy nobody knows whether there are any, which is not that there are none.
                Err(error) => {
                    failed(server, &error);
                    let read = self.store().slots_seen(server.name()).await?.ok_or(RecordsError::Unreachable)?;
                    live.seen(|seen| seen.stale = Some(seen.stale.map_or(read, |before| before.min(read))));
                }
            }
        }
        live.seen(|seen| seen.no_slots = without == live.servers.all().len());
        Ok(())
    }
}

fn failed(server: &Server, error: &FhirError) {
    tracing::warn!(server = server.name(), %error, "records could not be read from their server");
}
