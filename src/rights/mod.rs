//! What a person may see and change of what is known about them, on a page of their own.
//!
//! Invariants: every function asks [`crate::policy::admit`] first, so the row that opens it is durable before anything is
//! read, and a refusal leaves one too; only somebody signed in to a page of their own is let in, whatever else a
//! credential stands for. Deliberately absent: HTTP, and any other way to a person's data than a permit.

mod bundle;
pub mod consent;
mod kept;
mod news;
mod own;
mod who;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    actions::Protection,
    ambient::Ambient,
    policy::{
        Agreements, Caller, DataClass, Effect, Event, Identity, Journal, JournalEntry, JournalError, Occasion, Permit,
        PersonId, Proof, SessionId, Surface, Task, TurnId, Use, Verdict, WrongSubject, admit,
    },
    records::{Records, RecordsError},
    store::{Store, StoreError},
};
pub use bundle::Copied;
pub use kept::{AccessEntry, AccessList, Agreement, Check, Gone, Kept, Me, UseShown, Version, Which};
pub use news::{News, Told};
pub use who::OwnName;

/// Most entries of the audit trail that are shown at once; all of them are in the copy.
const SHOWN: usize = 500;

/// What the rights of one installation are exercised with.
pub struct Desk<'a> {
    /// The database.
    pub store: &'a Store,
    /// The records of the people, which may be at a server.
    pub records: &'a Records,
    /// Time and randomness.
    pub ambient: &'a Ambient,
    /// What the assistant calls the organization.
    pub organization: &'a str,
    /// Where a day begins.
    pub zone: &'a TimeZone,
    /// How what is said is protected, as configured.
    pub protection: &'a Protection,
}

/// Why nothing was shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The credential is not a page of a person's own.
    #[error("this is for a page that a person signed in to")]
    NotTheirs,
    /// It was changed elsewhere meanwhile.
    #[error("it was changed elsewhere meanwhile")]
    Outdated,
    /// A legal hold keeps it.
    #[error("a legal hold keeps it from being deleted")]
    Held,
    /// There is nothing of that name to agree to.
    #[error("there is nothing of that name to agree to")]
    NoSuchUse,
    /// What somebody says that they are called is no name, or the day none that they can be born on.
    #[error("`{field}` is not {expected}")]
    NoName {
        /// Which of it.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Who they are is told by a record.
    #[error("who they are is told by a record, or something is connected already")]
    Known,
    /// The days are none.
    #[error("the last day is before the first, or there is no such day")]
    NoDays,
    /// The trail, the database or a key failed. Nothing was shown and nothing changed.
    #[error(transparent)]
    Store(StoreError),
    /// The audit row could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Rows of somebody else came back. A defect; nothing was shown.
    #[error(transparent)]
    WrongSubject(#[from] WrongSubject),
}

impl From<StoreError> for Denied {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Outdated => Self::Outdated,
            StoreError::Held => Self::Held,
            other => Self::Store(other),
        }
    }
}

impl From<RecordsError> for Denied {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::Store(error) => error.into(),
            RecordsError::Mixed(error) => error.into(),
            // The desk reads what is here, and asks no server.
            RecordsError::Unreachable | RecordsError::NotHeld => Self::Store(StoreError::NotPossible),
        }
    }
}

/// One visit to the desk, let in and audited.
struct Visit {
    permit: Permit,
    occasion: Occasion,
    caller: Caller,
    intent: &'static str,
}

impl Visit {
    fn person(&self) -> &PersonId {
        self.permit.subject()
    }

    /// The row that closes it.
    fn closing(&self, event: Event, outcome: &'static str) -> JournalEntry {
        JournalEntry {
            event,
            subject: Some(self.person().clone()),
            actor: Some(self.caller.credential.clone()),
            intent: Some(self.intent.to_owned()),
            channel: self.caller.surface.name(),
            session: Some(self.occasion.session.clone()),
            turn: Some(self.occasion.turn.clone()),
            closes: Some(self.permit.entry()),
            outcome: Some(outcome),
            at: self.occasion.at,
        }
    }
}

impl Desk<'_> {
    /// Lets in whoever signed in to a page of their own; the opening row is durable before this returns.
    async fn visit(&self, caller: &Caller, intent: &'static str, effect: Effect) -> Result<Visit, Denied> {
        let own = caller.surface == Surface::Chat && caller.person.is_some();
        // A device in a room shows nothing by being there, whatever was said to it.
        let caller = Caller { proof: if own { Proof::Fresh } else { Proof::None }, ..caller.clone() };
        let now = self.ambient.now();
        let occasion = Occasion {
            session: SessionId::fresh(now, self.ambient.random()),
            turn: TurnId::fresh(now, self.ambient.random()),
            at: now,
        };
        let (data, identity) = (DataClass::Identifiable, Identity::Proven);
        let task = Task { intent, data, effect, identity, scope: None };
        match admit(&task, &caller, &[], &occasion, self.store).await? {
            Verdict::Allow(permit) => Ok(Visit { permit, occasion, caller, intent }),
            Verdict::AllowRoom(_)
            | Verdict::AllowPublic
            | Verdict::StepUp(_)
            | Verdict::Refuse(_)
            | Verdict::Escalate => Err(Denied::NotTheirs),
        }
    }

    async fn close(&self, visit: &Visit, outcome: &'static str) -> Result<(), Denied> {
        self.store.append(visit.closing(Event::Closed, outcome)).await?;
        Ok(())
    }

    /// Who the page is for, how much is kept of them and for how long.
    ///
    /// # Errors
    /// See [`Denied`]; so for every function here.
    pub async fn me(&self, caller: &Caller) -> Result<Me, Denied> {
        let visit = self.visit(caller, "privacy.what_stored", Effect::Read).await?;
        let me = self.kept_of(&visit).await?;
        self.close(&visit, "answered").await?;
        Ok(me)
    }

    /// Who looked, newest first, and everything else that the trail tells about the person.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn access(&self, caller: &Caller) -> Result<AccessList, Denied> {
        let visit = self.visit(caller, "privacy.who_accessed", Effect::Read).await?;
        let all = self.store.audit_about(visit.person(), None, None).await?.reveal(&visit.permit)?;
        let list = kept::listed(&all, SHOWN);
        self.close(&visit, "answered").await?;
        Ok(list)
    }

    /// What the person agrees to, and every version of it.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn agreement(&self, caller: &Caller) -> Result<Agreement, Denied> {
        let visit = self.visit(caller, "consent.show", Effect::Read).await?;
        let agreement = self.agreement_of(&visit).await?;
        self.close(&visit, "answered").await?;
        Ok(agreement)
    }

    /// Replaces what the person agrees to, where they saw the version that is there; `uses` by their names.
    ///
    /// # Errors
    /// [`Denied::Outdated`] where they did not, [`Denied::NoSuchUse`] for a name nobody knows; and see [`Denied`].
    pub async fn agree(&self, caller: &Caller, uses: &[String], seen: u64) -> Result<Agreement, Denied> {
        let visit = self.visit(caller, "consent.change", Effect::Change).await?;
        let entry = visit.closing(Event::ConsentChanged, "changed");
        let named = uses.iter().map(|name| Use::named(name)).collect::<Option<Agreements>>();
        let changed = match named {
            Some(uses) => self.store.set_consent(visit.person(), &uses, Some(seen), &entry).await.map_err(Denied::from),
            None => Err(Denied::NoSuchUse),
        };
        self.close(&visit, if changed.is_ok() { "done" } else { "refused" }).await?;
        changed?;
        self.agreement_of(&visit).await
    }

    /// Deletes what the person said, or their own readings; gives how much it was.
    ///
    /// # Errors
    /// [`Denied::Held`] under a legal hold; and see [`Denied`].
    pub async fn forget(&self, caller: &Caller, which: Which) -> Result<Gone, Denied> {
        let visit = self.visit(caller, "privacy.forget", Effect::Change).await?;
        let entry = visit.closing(Event::Closed, "done");
        let gone = match (which, which.words(self.now(), self.zone)) {
            (Which::Readings, _) => {
                let gone = self.store.forget_readings(visit.person(), &entry).await.map_err(Denied::from);
                gone.map(|readings| Gone { conversations: 0, answers: 0, readings })
            }
            (_, Some(words)) => {
                self.store.forget_said(visit.person(), words, &entry).await.map(Gone::from).map_err(Denied::from)
            }
            (_, None) => Err(Denied::NoDays),
        };
        if gone.is_err() {
            self.close(&visit, "refused").await?;
        }
        gone
    }

    /// A copy of everything, as a FHIR R4 Bundle.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn copy(&self, caller: &Caller) -> Result<Copied, Denied> {
        let visit = self.visit(caller, "privacy.export", Effect::Read).await?;
        // Where they are at a server that cannot be reached, what was read from it last is what there is to give.
        self.records.refreshed(visit.person(), self.now()).await?;
        let copied = self.copy_of(&visit).await?;
        let entry = visit.closing(Event::Closed, "done");
        self.store.copy_taken(visit.person(), &entry).await?;
        Ok(copied)
    }

    /// When it is.
    fn now(&self) -> Timestamp {
        self.ambient.now()
    }
}
