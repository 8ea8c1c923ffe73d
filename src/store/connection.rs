//! Records of other organizations that a person connected: tokens, progress, and what was fetched.
//!
//! Invariants: everything is sealed under the person's key; whoever works on a connection holds it ([`Store::claim_connection`])
//! and each of their writes names the claim, so that of two processes one writes; what was fetched replaces what was there
//! in one commit, when all of it is here; a connection that is taken back takes along what came of it.

mod leaving;
mod news;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

pub use leaving::TakenBack;
pub use news::{NOT_GRANTED, REFUSED};
use news::{lapse, lapse_of, unread};

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    notice::NewNotice,
    people::{ChartKind, person_id},
    secret::Secret,
};
use crate::{
    policy::{JournalEntry, PersonId},
    records::{Chart, from_source},
};

/// How long a claim holds without a sign of life.
pub const CLAIM_LASTS: SignedDuration = SignedDuration::from_mins(2);

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// It is being fetched for the first time, or after it was connected anew.
    Importing,
    /// What was fetched is there.
    Ready,
    /// The organization takes its tokens no longer; what was fetched is there.
    Lapsed,
    /// The person took it back, and a legal hold keeps what was fetched.
    Ended,
    /// The person took it back, and what was fetched is gone; the organization is yet to be told.
    Leaving,
}

/// The name of [`ConnectionState::Lapsed`] in its column.
pub(super) const LAPSED: &str = "lapsed";

impl ConnectionState {
    const fn name(self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Ready => "ready",
            Self::Lapsed => LAPSED,
            Self::Ended => "ended",
            Self::Leaving => "leaving",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Importing, Self::Ready, Self::Lapsed, Self::Ended, Self::Leaving];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// What lets somebody read at the organization.
///
/// Not `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Access {
    /// The access token.
    pub access: Secret,
    /// The refresh token, where one was given.
    pub refresh: Option<Secret>,
    /// Until when the access token works.
    pub expires: Timestamp,
}

/// What is kept of a connection, all of it sealed.
///
/// Not `Debug`: it holds tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct Details {
    /// Whose records they are.
    person: String,
    /// The organization's id in the configuration.
    pub organization: String,
    /// What it is called.
    pub name: String,
    /// The id of the person's Patient resource there.
    pub patient: String,
    /// What lets it be read; absent once it lapsed or was taken back.
    pub access: Option<Access>,
    /// The scopes that were granted.
    pub granted: Vec<String>,
    /// Kinds of resources that were fetched so far, of those that will be.
    pub fetched_kinds: usize,
    /// When what is there was fetched.
    pub fetched: Option<Timestamp>,
    /// How many resources of each kind were used.
    pub used: BTreeMap<String, usize>,
    /// How many of each kind were not.
    pub skipped: BTreeMap<String, usize>,
}

/// A connection.
///
/// Not `Debug`: it holds tokens.
#[derive(Clone)]
pub struct Connection {
    /// Its random id.
    pub id: String,
    /// How far it is.
    pub state: ConnectionState,
    /// Since when.
    pub since: Timestamp,
    /// The rest.
    pub details: Details,
    version: i64,
}

impl Connection {
    /// Whose it is.
    ///
    /// # Errors
    /// When what is kept is damaged.
    pub fn person(&self) -> Result<PersonId, StoreError> {
        person_id(&self.details.person)
    }
}

/// A connection to be made.
pub struct NewConnection<'a> {
    /// The organization's id in the configuration.
    pub organization: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// The id of the person's Patient resource there.
    pub patient: &'a str,
    /// What lets it be read.
    pub access: Access,
    /// The scopes that were granted.
    pub granted: &'a [String],
}

/// What became of a connection that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnected {
    /// It is gone, and all that came of it.
    Deleted,
    /// Its tokens are gone; a legal hold keeps what came of it.
    Kept,
}

const ALL: &str = "SELECT id, state, since, version, owner, sealed FROM connection WHERE owner = $1 AND state <> 'leaving' \
    ORDER BY since, id";
const ONE: &str = "SELECT id, state, since, version, owner, sealed FROM connection WHERE id = $1";

impl Store {
    /// Keeps what an organization gave, in one commit with the audit row that says so. Connecting the same organization again
    /// replaces its tokens; what was fetched stays until it is fetched again. Gives its id.
    ///
    /// # Errors
    /// When the person is not known, or the database or a key fails.
    pub async fn keep_connection(&self, new: NewConnection<'_>, entry: &JournalEntry) -> Result<String, StoreError> {
        let person = entry.subject.as_ref().ok_or(StoreError::UnknownPerson)?;
        let once = self.once(person, new.organization);
        for _ in 0..3 {
            let there = "SELECT id, state, since, version, owner, sealed FROM connection WHERE once = $1";
            let row = self.inner.database.ask_one(there, &[once.as_str().into()]).await?;
            let before = row.map(|row| self.connection_of(&row)).transpose()?.flatten();
            let details = Details {
                person: person.as_str().to_owned(),
                organization: new.organization.to_owned(),
                name: new.name.to_owned(),
                patient: new.patient.to_owned(),
                access: Some(new.access.clone()),
                granted: new.granted.to_vec(),
                fetched_kinds: 0,
                fetched: before.as_ref().and_then(|b| b.details.fetched),
                used: before.as_ref().map(|b| b.details.used.clone()).unwrap_or_default(),
                skipped: BTreeMap::new(),
            };
            let at = entry.at.as_microsecond();
            let (id, steps) = match before {
                Some(before) => {
                    let (_, sealed) = self.seal_details(person, &before.id, &details)?;
                    let step = Step::new(
                        "UPDATE connection SET state = 'importing', since = $3, due = $3, busy = 0, version = version + 1, sealed = $4 \
                         WHERE id = $1 AND version = $2",
                        vec![before.id.as_str().into(), before.version.into(), at.into(), sealed.into()],
                    );
                    let pages = "DELETE FROM connected WHERE connection = $1 AND part LIKE 'page %'";
                    let pages = Step::new(pages, vec![before.id.as_str().into()]);
                    let told = Self::lapse_gone(&before.id);
                    (before.id, vec![step.or_nothing(Refusal::Repeated), pages, told])
                }
                None => {
                    let id = self.fresh_id(entry.at)?;
                    let (owner, sealed) = self.seal_details(person, &id, &details)?;
                    let step = Step::new(
                        "INSERT INTO connection (id, once, state, since, due, busy, version, owner, sealed) \
                         VALUES ($1, $2, 'importing', $3, $3, 0, 1, $4, $5)",
                        vec![id.as_str().into(), once.as_str().into(), at.into(), owner.into(), sealed.into()],
                    );
                    (id, vec![step.or_duplicate(Refusal::Repeated)])
                }
            };
            let draft = self.draft(entry, None)?;
            match self.inner.writer.submit(steps, vec![draft]).await {
                Ok(_) => return Ok(id),
                Err(JobError::Refused(Refusal::Repeated)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Locked)
    }

    /// A person's connections, oldest first; none that was taken back.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn connections(&self, person: &PersonId) -> Result<Vec<Connection>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let rows = self.inner.database.ask(ALL, &[owner.into()]).await?;
        rows.iter().filter_map(|row| self.connection_of(row).transpose()).collect()
    }

    /// Connections that somebody should work on now: to be fetched, and held by nobody.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_connections(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let due = "SELECT id FROM connection WHERE due <= $1 AND busy <= $1 AND state IN ('importing', 'ready', 'leaving') \
            ORDER BY due LIMIT 64";
        let rows = self.inner.database.ask(due, &[now.as_microsecond().into()]).await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Takes a connection for oneself; `None` where somebody else has it, or it is gone.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn claim_connection(&self, id: &str, now: Timestamp) -> Result<Option<Connection>, StoreError> {
        let step = Step::new(
            "UPDATE connection SET busy = $3, version = version + 1 WHERE id = $1 AND busy <= $2",
            vec![id.into(), now.as_microsecond().into(), (now + CLAIM_LASTS).as_microsecond().into()],
        );
        match self.inner.writer.submit(vec![step.or_nothing(Refusal::NotThere)], vec![]).await {
            Ok(_) => {}
            Err(JobError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let row = self.inner.database.ask_one(ONE, &[id.into()]).await?;
        row.map(|row| self.connection_of(&row)).transpose().map(Option::flatten)
    }

    /// Writes what is known of a claimed connection, and keeps the claim. False where somebody else has it by now.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn note_connection(
        &self,
        held: &Connection,
        page: Option<&[String]>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let person = held.person()?;
        let mut steps = vec![self.held_step(held, held.state, None, (now + CLAIM_LASTS).as_microsecond())?];
        if let Some(page) = page {
            let part = format!("page {:04}", held.details.fetched_kinds);
            let plain = Zeroizing::new(serde_json::to_vec(page).unwrap_or_default());
            steps.push(self.connected_step(&person, &held.id, &part, &plain)?);
        }
        self.done_or_lost(steps, None).await
    }

    /// What was fetched so far: the entries of a bundle, each as JSON text.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn fetched_pages(&self, held: &Connection) -> Result<Zeroizing<Vec<String>>, StoreError> {
        let pages =
            "SELECT part, owner, sealed FROM connected WHERE connection = $1 AND part LIKE 'page %' ORDER BY part";
        let rows = self.inner.database.ask(pages, &[held.id.as_str().into()]).await?;
        let mut all = Zeroizing::new(vec![]);
        for row in rows {
            let (part, owner): (String, String) = (row.try_get("part")?, row.try_get("owner")?);
            let name = format!("{} {part}", held.id);
            let place = Place { table: "connected", column: "sealed", row: &name, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let page: Vec<String> =
                serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("connected.sealed".into()))?;
            all.extend(page);
        }
        Ok(all)
    }

    /// Puts what was fetched in place of what was there before, and lets go of the connection until `due`. False where
    /// somebody else has it by now.
    ///
    /// # Errors
    /// When the database or the person's key fails. Nothing was changed.
    pub async fn keep_fetched(
        &self,
        held: &Connection,
        chart: &Chart,
        due: Timestamp,
        entry: &JournalEntry,
    ) -> Result<bool, StoreError> {
        let person = held.person()?;
        let fetched = held.details.fetched.unwrap_or(entry.at);
        let mut steps = vec![self.held_step(held, ConnectionState::Ready, Some(due), 0)?];
        steps.push(Step::new("DELETE FROM connected WHERE connection = $1", vec![held.id.as_str().into()]));
        for kind in ChartKind::ALL {
            let plain = Self::part_of(chart, kind);
            // Who somebody is, is told by their own chart alone.
            if kind == super::ChartKind::Profile {
                continue;
            }
            let facts = serde_json::from_slice(&plain).unwrap_or_default();
            let marked = from_source(facts, &held.id, &held.details.name, fetched);
            let plain = Zeroizing::new(serde_json::to_vec(&marked).unwrap_or_default());
            steps.push(self.connected_step(&person, &held.id, kind.name(), &plain)?);
        }
        if let Some(notice) = unread(&held.details) {
            let id = format!("unread {}", held.id);
            steps.push(self.notice_step(&person, &NewNotice { id, notice }, entry.at)?);
        }
        self.done_or_lost(steps, Some(entry)).await
    }

    /// Lets go of a connection until `due`: as it is, or, with `lapsed`, as one that the organization takes no longer. False
    /// where somebody else has it by now.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn let_go(
        &self,
        held: &Connection,
        lapsed: bool,
        due: Timestamp,
        entry: Option<&JournalEntry>,
    ) -> Result<bool, StoreError> {
        let mut held = held.clone();
        if lapsed {
            held.details.access = None;
            held.state = ConnectionState::Lapsed;
        }
        let mut steps = vec![self.held_step(&held, held.state, Some(due), 0)?];
        if lapsed {
            let new = NewNotice { id: lapse_of(&held.id), notice: lapse(&held.details) };
            steps.push(self.notice_step(&held.person()?, &new, entry.map_or(due, |entry| entry.at))?);
        }
        self.done_or_lost(steps, entry).await
    }

    /// That a connection lapsed is no news any more.
    pub(super) fn lapse_gone(id: &str) -> Step {
        Step::new("DELETE FROM notice WHERE id = $1", vec![lapse_of(id).into()])
    }

    fn held_step(
        &self,
        held: &Connection,
        state: ConnectionState,
        due: Option<Timestamp>,
        busy: i64,
    ) -> Result<Step, StoreError> {
        let (_, sealed) = self.seal_details(&held.person()?, &held.id, &held.details)?;
        let step = Step::new(
            "UPDATE connection SET state = $3, due = CASE WHEN $4 < 0 THEN due ELSE $4 END, busy = $5, sealed = $6 \
             WHERE id = $1 AND version = $2",
            vec![
                held.id.as_str().into(),
                held.version.into(),
                state.name().into(),
                due.map_or(-1, Timestamp::as_microsecond).into(),
                busy.into(),
                sealed.into(),
            ],
        );
        Ok(step.or_nothing(Refusal::NotThere))
    }

    async fn done_or_lost(&self, steps: Vec<Step>, entry: Option<&JournalEntry>) -> Result<bool, StoreError> {
        let drafts = entry.map(|entry| self.draft(entry, None)).transpose()?.into_iter().collect();
        match self.inner.writer.submit(steps, drafts).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(JobError::Store(error)) => Err(error),
        }
    }

    fn connected_step(&self, person: &PersonId, id: &str, part: &str, plain: &[u8]) -> Result<Step, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let (owner, sealed) = self.seal(&owner, "connected", "sealed", &format!("{id} {part}"), plain)?;
        Ok(Step::new(
            "INSERT INTO connected (connection, part, owner, sealed) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (connection, part) DO UPDATE SET sealed = excluded.sealed",
            vec![id.into(), part.into(), owner.into(), sealed.into()],
        ))
    }

    fn seal_details(&self, person: &PersonId, id: &str, details: &Details) -> Result<(String, Vec<u8>), StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(details).unwrap_or_default());
        self.seal(&KeyOwner::Person(person.clone()), "connection", "sealed", id, &plain)
    }

    /// A row; `None` where its person's key was destroyed.
    fn connection_of(&self, row: &AnyRow) -> Result<Option<Connection>, StoreError> {
        let damaged = || StoreError::Damaged("connection".into());
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "connection", column: "sealed", row: &id, owner: &owner };
        let plain = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => plain,
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Connection {
            state: ConnectionState::named(&row.try_get::<String, _>("state")?).ok_or_else(damaged)?,
            since: Timestamp::from_microsecond(row.try_get("since")?).map_err(|_| damaged())?,
            details: serde_json::from_slice(&plain).map_err(|_| damaged())?,
            version: row.try_get("version")?,
            id,
        }))
    }

    fn once(&self, person: &PersonId, organization: &str) -> String {
        self.inner.keys.root().hash("connection", &[person.as_str().as_bytes(), organization.as_bytes()])
    }

    /// An id that tells when, so that what was connected first comes first.
    fn fresh_id(&self, at: Timestamp) -> Result<String, StoreError> {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.random()?).into_uuid().to_string())
    }
}
