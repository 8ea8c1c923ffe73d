//! Whose records are at another server, and the copy of them that is kept here.
//!
//! Invariants: one patient of a server stands for one person; which one is sealed under the person's key; a copy is
//! written together with the time it was read, part by part, so that no part is ever taken for newer than it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    ChartKind, Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
    people::person_id,
};
use crate::{
    policy::{Event, JournalEntry, PersonId},
    records::{Chart, OpenSlot},
};

/// Where a person's records are. Not `Debug`: it says who somebody is elsewhere.
#[derive(Clone)]
pub struct Source {
    /// What the server is called in the configuration.
    pub server: String,
    /// The id of its Patient that stands for the person.
    pub patient: String,
    read: BTreeMap<String, i64>,
    outdated: BTreeMap<String, i64>,
}

impl Source {
    /// Whether the server said since it was read that a part is another way by now.
    #[must_use]
    pub fn outdated(&self, kind: ChartKind) -> bool {
        self.outdated.contains_key(kind.name())
    }

    /// When a part was last read whole from there; `None` where it never was.
    #[must_use]
    pub fn read(&self, kind: ChartKind) -> Option<Timestamp> {
        self.read.get(kind.name()).and_then(|at| Timestamp::from_microsecond(*at).ok())
    }
}

/// A person with a source, for whoever looks after the servers.
#[derive(Clone, Serialize)]
pub struct Sourced {
    /// The person.
    pub person: String,
    /// What the server is called.
    pub server: String,
    /// The id of the Patient there.
    pub patient: String,
    /// When anything was last read from it.
    pub read: Option<Timestamp>,
}

/// Why a patient of a server does not come to stand for a person; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing tells that the two are one.
    #[error(
        "nothing tells that this patient is that person: no identifier of the one is the other's, or name or date of birth \
         differ. Import a bundle of the person that holds the identifier, or look for the right patient"
    )]
    Unlike,
    /// The patient stands for somebody else, or the person has a source.
    #[error(
        "this patient stands for somebody already, or the person's records are at a server already. See: wellspoken source list"
    )]
    Taken,
    /// There is none.
    #[error("this person's records are at no server. See: wellspoken source list")]
    None,
    /// The database or a key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct Told {
    person: String,
    server: String,
    patient: String,
    read: BTreeMap<String, i64>,
    /// Parts of which the server said since that they changed, and when it did.
    #[serde(default)]
    outdated: BTreeMap<String, i64>,
}

impl Store {
    /// Where a person's records are; `None` where they are here.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn source(&self, person: &PersonId) -> Result<Option<Source>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let one = "SELECT id, sealed FROM source WHERE owner = $1";
        let Some(row) = self.inner.database.ask_one(one, &[owner.as_str().into()]).await? else { return Ok(None) };
        let told = self.source_told(&row.try_get::<String, _>("id")?, &owner, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        Ok(Some(Source { server: told.server, patient: told.patient, read: told.read, outdated: told.outdated }))
    }

    /// Everybody whose records are at a server, in no order. Whoever's key was destroyed is not among them.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn sources(&self) -> Result<Vec<Sourced>, StoreError> {
        let rows = self.inner.database.ask("SELECT id, owner, read, sealed FROM source", &[]).await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let told = match self.source_told(&id, &owner, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Err(StoreError::Key(_)) => continue,
                told => told?,
            };
            let read: i64 = row.try_get("read")?;
            let read = Some(read).filter(|at| *at > 0).and_then(|at| Timestamp::from_microsecond(at).ok());
            all.push(Sourced { person: told.person, server: told.server, patient: told.patient, read });
        }
        Ok(all)
    }

    fn source_told(&self, id: &str, owner: &str, sealed: &[u8]) -> Result<Told, StoreError> {
        let plain = self.unseal(Place { table: "source", column: "sealed", row: id, owner }, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("source.sealed".into()))
    }

    /// From now on a person's records are at a server: `chart` is what was read there just now, and takes the place of
    /// what was imported. Audited.
    ///
    /// # Errors
    /// When nothing tells that they are the same, either is taken, nobody of that id is known, or the database or a key
    /// fails.
    pub async fn bind_source(
        &self,
        person: &PersonId,
        (server, patient): (&str, &str),
        chart: &Chart,
        by: &str,
        at: Timestamp,
    ) -> Result<(), SourceError> {
        if !self.person_exists(person).await? {
            return Err(StoreError::UnknownPerson.into());
        }
        let lookups: Vec<String> =
            chart.identifiers.iter().map(|id| self.inner.keys.root().hash("identifier", &[id.as_bytes()])).collect();
        match self.known_by(&lookups).await {
            Ok(Some(known)) if known == *person => match self.only_alike(person, &chart.profile).await {
                Err(StoreError::AnotherPerson(_)) => return Err(SourceError::Unlike),
                alike => alike?,
            },
            Ok(_) | Err(StoreError::TwoPeople) => return Err(SourceError::Unlike),
            Err(error) => return Err(error.into()),
        }
        let id = self.source_id(server, patient);
        let source = Source {
            server: server.to_owned(),
            patient: patient.to_owned(),
            read: BTreeMap::new(),
            outdated: BTreeMap::new(),
        };
        let (owner, sealed) = self.sealed_source(&id, person, &source)?;
        let mut steps = vec![
            Step::new(
                "INSERT INTO source (id, owner, read, sealed) VALUES ($1, $2, 0, $3)",
                vec![id.into(), owner.into(), sealed.into()],
            )
            .or_duplicate(Refusal::Repeated),
        ];
        steps.extend(self.copy_steps(person, source, chart, &ChartKind::ALL, at).await?);
        match self.audited_source(person, steps, "source-bound", by, at).await {
            Err(JobError::Refused(_)) => Err(SourceError::Taken),
            Err(JobError::Store(error)) => Err(error.into()),
            Ok(()) => Ok(()),
        }
    }

    /// A person's records are at no server any more; what was copied from it goes. Audited.
    ///
    /// # Errors
    /// When they were at none, a legal hold keeps what is theirs, or the database fails.
    pub async fn remove_source(&self, person: &PersonId, by: &str, at: Timestamp) -> Result<(), SourceError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let steps = vec![
            self.unless_held(person),
            Step::new("DELETE FROM source WHERE owner = $1", vec![owner.as_str().into()]).or_nothing(Refusal::NotThere),
            Step::new("DELETE FROM watch WHERE owner = $1", vec![owner.as_str().into()]),
            // Who somebody is was known before, and stays.
            Step::new("DELETE FROM chart WHERE owner = $1 AND kind <> 'profile'", vec![owner.into()]),
        ];
        match self.audited_source(person, steps, "source-removed", by, at).await {
            Err(JobError::Refused(Refusal::NotThere)) => Err(SourceError::None),
            other => other.map_err(StoreError::from).map_err(SourceError::from),
        }
    }

    /// Keeps what was read of a person's records as the copy of these parts.
    ///
    /// # Errors
    /// When the source is gone meanwhile, or the database or the person's key fails.
    pub async fn keep_copy(
        &self,
        person: &PersonId,
        source: Source,
        chart: &Chart,
        kinds: &[ChartKind],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..3 {
            let mut steps = self.copy_steps(person, source.clone(), chart, kinds, at).await?;
            let mut drafts = Vec::new();
            if kinds.contains(&ChartKind::Prescriptions) {
                let (answers, rows) = self.answered_steps(person, chart, at).await?;
                steps.extend(answers);
                drafts = rows;
            }
            match self.inner.writer.submit(steps, drafts).await {
                // The same result came in by another turn at the same time.
                Err(JobError::Refused(Refusal::Repeated)) => {}
                done => return done.map(drop).map_err(StoreError::from),
            }
        }
        Err(StoreError::Locked)
    }

    /// Forgets what was copied, and when; the next question reads it anew.
    ///
    /// # Errors
    /// When there is no source, a legal hold keeps what is theirs, or the database or the person's key fails.
    pub async fn forget_copy(&self, person: &PersonId) -> Result<(), StoreError> {
        let Some(source) = self.source(person).await? else { return Err(StoreError::NotPossible) };
        let id = self.source_id(&source.server, &source.patient);
        let (owner, sealed) = self.sealed_source(&id, person, &Source { read: BTreeMap::new(), ..source })?;
        let steps = vec![
            self.unless_held(person),
            Step::new("DELETE FROM chart WHERE owner = $1 AND kind <> 'profile'", vec![owner.into()]),
            Step::new("UPDATE source SET read = 0, sealed = $2 WHERE id = $1", vec![id.into(), sealed.into()]),
        ];
        self.inner.writer.submit(steps, vec![]).await?;
        Ok(())
    }

    /// The statement that notes that parts of a copy are older than what the server has; none where there is no source.
    pub(super) async fn outdated_step(
        &self,
        person: &PersonId,
        kinds: &[ChartKind],
        at: Timestamp,
    ) -> Result<Option<Step>, StoreError> {
        let Some(mut source) = self.source(person).await? else { return Ok(None) };
        source.outdated.extend(kinds.iter().map(|kind| (kind.name().to_owned(), at.as_microsecond())));
        let id = self.source_id(&source.server, &source.patient);
        let (_, sealed) = self.sealed_source(&id, person, &source)?;
        Ok(Some(Step::new("UPDATE source SET sealed = $2 WHERE id = $1", vec![id.into(), sealed.into()])))
    }

    async fn copy_steps(
        &self,
        person: &PersonId,
        mut source: Source,
        chart: &Chart,
        kinds: &[ChartKind],
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let mut steps = Vec::new();
        // Of what a server does not keep, nothing was read: it must not count as empty, now or while the server is away.
        for kind in kinds.iter().filter(|kind| !chart.lacking.contains(kind)) {
            source.read.insert(kind.name().to_owned(), at.as_microsecond());
            // What was said after this look began is still to be looked at.
            source.outdated.retain(|part, said| part != kind.name() || *said > at.as_microsecond());
            steps.push(self.part_step(&owner, *kind, chart)?);
        }
        if kinds.contains(&ChartKind::Prescriptions) {
            for pharmacy in &chart.pharmacies {
                steps.push(self.pharmacy_step(pharmacy)?);
            }
        }
        if kinds.contains(&ChartKind::Results) {
            steps.extend(self.news_steps(person, chart, None, at).await?);
        }
        let id = self.source_id(&source.server, &source.patient);
        let (_, sealed) = self.sealed_source(&id, person, &source)?;
        steps.push(
            Step::new(
                "UPDATE source SET read = $2, sealed = $3 WHERE id = $1",
                vec![id.into(), at.as_microsecond().into(), sealed.into()],
            )
            .or_nothing(Refusal::NotThere),
        );
        Ok(steps)
    }

    /// Keeps a server's free times between two times. What is no longer among them, and was not taken here, goes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_slots(
        &self,
        server: &str,
        (from, until): (Timestamp, Timestamp),
        slots: &[OpenSlot],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let seen = at.as_microsecond();
        let mut steps: Vec<Step> = slots.iter().map(Self::slot_step).collect();
        steps.extend(slots.iter().map(|slot| {
            Step::new(
                "UPDATE slot SET server = $2, seen = $3 WHERE id = $1",
                vec![slot.id.as_str().into(), server.into(), seen.into()],
            )
        }));
        steps.push(Step::new(
            "DELETE FROM slot WHERE server = $1 AND free = 1 AND seen < $2 AND starts >= $3 AND starts < $4",
            vec![server.into(), seen.into(), from.as_microsecond().into(), until.as_microsecond().into()],
        ));
        self.inner.writer.submit(steps, vec![]).await?;
        Ok(())
    }

    /// When a server's free times were last read; `None` where none of them is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn slots_seen(&self, server: &str) -> Result<Option<Timestamp>, StoreError> {
        let last = "SELECT MAX(seen) AS seen FROM slot WHERE server = $1";
        let Some(row) = self.inner.database.ask_one(last, &[server.into()]).await? else { return Ok(None) };
        let seen: Option<i64> = row.try_get("seen")?;
        let damaged = |_| StoreError::Damaged("slot.seen".into());
        seen.map(|at| Timestamp::from_microsecond(at).map_err(damaged)).transpose()
    }

    fn source_id(&self, server: &str, patient: &str) -> String {
        self.inner.keys.root().hash("source", &[server.as_bytes(), patient.as_bytes()])
    }

    fn sealed_source(&self, id: &str, person: &PersonId, source: &Source) -> Result<(String, Vec<u8>), StoreError> {
        let told = Told {
            person: person_id(person.as_str())?.as_str().to_owned(),
            server: source.server.clone(),
            patient: source.patient.clone(),
            read: source.read.clone(),
            outdated: source.outdated.clone(),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&told).unwrap_or_default());
        self.seal(&KeyOwner::Person(person.clone()), "source", "sealed", id, &plain)
    }

    async fn audited_source(
        &self,
        person: &PersonId,
        steps: Vec<Step>,
        outcome: &'static str,
        by: &str,
        at: Timestamp,
    ) -> Result<(), JobError> {
        let entry = JournalEntry {
            event: Event::Imported,
            subject: Some(person.clone()),
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some(outcome),
            at,
        };
        let draft = self.draft(&entry, Some(by))?;
        self.inner.writer.submit(steps, vec![draft]).await.map(drop)
    }
}
