//! Changes on their way to the server where a person's records live: delivered once, however often it is tried.
//!
//! Invariants: nothing is sent without the lease of its row, nor without a row of the trail that opens the sending; how an
//! attempt ended is written down by [`Courier::settle`] alone, and an attempt that nobody wrote down is made again, which
//! changes nothing more on the server (`errand`). A turn waits for so long and no longer; what it does not see arrive, the
//! worker sends later, and the person hears of it.

mod clinic;
mod errand;
mod pause;
mod server;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub use clinic::{Clinic, Fault, Write};
pub use errand::{Ending, deliver};
pub use pause::pause;

use crate::{
    ambient::Ambient,
    config::OutboxConfig,
    fhir::Session,
    policy::{EntryId, JournalError, PersonId, WrongSubject, admit_delivery},
    records::{
        Servers,
        fhir_write::Told,
        outgoing::{Outgoing, Trouble},
    },
    store::{Amended, Attempted, Claim, Claimed, How, NewNotice, Store, StoreError, Which},
};

/// With less than this left a turn does not begin to send.
const LEAST: Duration = Duration::from_millis(50);
/// Changes that the worker sends beside each other.
const BESIDE: usize = 4;
/// After this long what a server took is read from there alone; until then a copy may be older than the change.
const HANDED_OVER: SignedDuration = SignedDuration::from_hours(2);

/// Takes changes to where they belong.
#[derive(Clone)]
pub struct Courier {
    store: Store,
    servers: Arc<Servers>,
    config: OutboxConfig,
    zone: TimeZone,
}

/// Why a change could not even be tried. It stays where it is.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// The database or a key.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The row that opens the sending could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A row of somebody else's came back. A defect; nothing was sent.
    #[error(transparent)]
    WrongSubject(#[from] WrongSubject),
}

/// An attempt that is not written down yet.
pub struct Tried {
    row: Claim,
    change: Outgoing,
    opened: EntryId,
    how: How,
}

impl Tried {
    /// The change's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.row.id
    }

    /// How it ended.
    #[must_use]
    pub const fn how(&self) -> How {
        self.how
    }
}

impl Courier {
    /// Between this store and these servers; people's days begin and end as in `zone`.
    #[must_use]
    pub const fn new(store: Store, servers: Arc<Servers>, config: OutboxConfig, zone: TimeZone) -> Self {
        Self { store, servers, config, zone }
    }

    /// The same where a turn may wait no longer than that.
    #[must_use]
    pub fn within(&self, left: Duration) -> Self {
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let config = OutboxConfig { wait_ms: self.config.wait_ms.min(left), ..self.config.clone() };
        Self { config, ..self.clone() }
    }

    /// Whether a person's changes belong on a server.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sends(&self, person: &PersonId) -> Result<bool, CourierError> {
        Ok(self.store.source(person).await?.is_some())
    }

    /// Tries these changes now, as long as a turn may wait. What could not be taken, or not be tried, is not among the
    /// answers: the worker sends it.
    pub async fn at_once(&self, ids: &[&str], now: Timestamp, ambient: &Ambient) -> Vec<Tried> {
        let until = tokio::time::Instant::now() + Duration::from_millis(self.config.wait_ms);
        let mut tried = Vec::new();
        for id in ids {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            // An attempt that cannot end would be noted as one that failed, and keep the worker away for a pause.
            if left < LEAST {
                break;
            }
            let claimed = self.store.claim(Which::This(id), self.lease(), now).await;
            let attempt = match claimed {
                Ok(Some(claimed)) => self.attempt(claimed, left, now, ambient).await,
                Ok(None) => continue,
                Err(error) => Err(error.into()),
            };
            match attempt {
                Ok(attempt) => tried.push(attempt),
                Err(error) => tracing::warn!(%error, "a change could not be sent now; it is tried again"),
            }
        }
        tried
    }

    /// Writes down how attempts ended; with the answer of the turn that made them, or with news for the person.
    ///
    /// # Errors
    /// When another process holds one of the rows by now, or the database or a key fails. The attempts are made again.
    pub async fn settle(
        &self,
        tried: Vec<Tried>,
        amended: Option<Amended<'_>>,
        now: Timestamp,
    ) -> Result<(), CourierError> {
        if tried.is_empty() {
            return Ok(());
        }
        let heard = amended.is_some();
        let attempts = tried.into_iter().map(|Tried { row, change, opened, how }| {
            let trouble = match how {
                How::Delivered => Some(None),
                How::Refused(why) => Some(Some(why)),
                How::Later(..) => None,
            };
            let notice = trouble
                .filter(|_| !heard)
                .and_then(|trouble| change.news(trouble, row.created))
                .map(|notice| NewNotice { id: row.id.clone(), notice });
            Attempted { row, change, opened, how, notice }
        });
        Ok(self.store.attempted(attempts.collect(), amended, now).await?)
    }

    /// Sends all that is due; gives how many attempts that were.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn send_due(&self, ambient: &Ambient) -> Result<usize, CourierError> {
        let mut many = 0;
        loop {
            let now = ambient.now();
            let mut taken = Vec::new();
            while taken.len() < BESIDE
                && let Some(claimed) = self.store.claim(Which::Due, self.lease(), now).await?
            {
                taken.push(claimed);
            }
            if taken.is_empty() {
                self.store.handed_over(now - HANDED_OVER).await?;
                return Ok(many);
            }
            many += taken.len();
            let within = Duration::from_secs(u64::from(self.config.lease_seconds) / 2);
            let attempts = taken.into_iter().map(|claimed| async move {
                let tried = self.attempt(claimed, within, now, ambient).await?;
                self.settle(vec![tried], None, ambient.now()).await
            });
            for done in futures_util::future::join_all(attempts).await {
                match done {
                    Ok(()) => {}
                    // Somebody else has it by now, and tells.
                    Err(CourierError::Store(StoreError::NotPossible)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// How long nothing is due, as far as is known; at most `longest`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn idle(&self, longest: Duration, now: Timestamp) -> Result<Duration, CourierError> {
        let due = self.store.outbox_due().await?;
        let until = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO));
        Ok(until.unwrap_or(longest).min(longest))
    }

    async fn attempt(
        &self,
        claimed: Claimed,
        within: Duration,
        now: Timestamp,
        ambient: &Ambient,
    ) -> Result<Tried, CourierError> {
        let Claimed { row, change } = claimed;
        let permit = admit_delivery(&row.person, row.kind, now, &self.store).await?;
        let opened = permit.entry();
        let change = change.reveal(&permit)?;
        let ending = match self.store.source(&row.person).await? {
            Some(source) => match self.servers.named(&source.server) {
                Some(server) => {
                    let patient = format!("Patient/{}", source.patient);
                    let told = Told { id: &row.id, patient: &patient, at: row.created, zone: &self.zone };
                    carried(&server.backend(), &told, &change, within, now).await
                }
                // It is no longer configured, or not on this machine.
                None => Ending::Later(Trouble::Unreachable, None),
            },
            None => Ending::Refused(Trouble::Disconnected),
        };
        let how = match ending {
            Ending::Delivered => How::Delivered,
            Ending::Refused(why) => How::Refused(why),
            Ending::Later(why, after) => {
                let age = now.duration_since(row.created);
                if age > SignedDuration::from_hours(i64::from(self.config.give_up_hours)) {
                    How::Refused(Trouble::GaveUp)
                } else {
                    let random = u64::from_le_bytes(ambient.random());
                    let pause = pause(&self.config, row.attempts, after, random);
                    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
                    How::Later(why, now.checked_add(pause).unwrap_or(Timestamp::MAX))
                }
            }
        };
        Ok(Tried { row, change, opened, how })
    }

    fn lease(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.config.lease_seconds))
    }
}

async fn carried(session: &Session, told: &Told<'_>, change: &Outgoing, within: Duration, now: Timestamp) -> Ending {
    let done = tokio::time::timeout(within, deliver(session, told, change, now)).await;
    done.unwrap_or(Ending::Later(Trouble::Unanswered, None))
}
