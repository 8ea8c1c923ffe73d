//! Making people known from their charts, one at a time.
//!
//! Invariant: a chart is there whole or not at all, with the audit row that tells of it; whoever is found by any of the
//! same identifiers is the same person, unless name or date of birth say otherwise, and nobody is found by those of two.

mod lot;

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;
use zeroize::Zeroizing;

pub use lot::{ImportState, Lot};

use super::{
    Store,
    audit::Draft,
    database::Value,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
    people::{ChartKind, person_id},
};
use crate::{
    policy::{Agreements, Event, JournalEntry, PersonId, RoomId, Scope},
    records::{Chart, Profile, alike, fhir_bundle},
};

/// What comes with a chart.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions<'a> {
    /// A spoken PIN of 4 to 12 digits; `None` keeps what is there.
    pub pin: Option<&'a str>,
    /// Which parts of the record may be answered with; `None` keeps what was agreed to, and that is nothing for somebody
    /// new. Nothing else is ever agreed to by an import.
    pub consent: Option<Vec<Scope>>,
    /// The hospital room the person is in.
    pub room: Option<RoomId>,
    /// What is here of somebody known goes, whatever comes. Otherwise resources that are not among what comes stay.
    pub replace: bool,
}

/// All parts of a chart in one statement: they come and go together.
static ALL_PARTS: LazyLock<String> = LazyLock::new(|| {
    let row = |n: usize| format!("(${}, ${}, ${})", 3 * n + 1, 3 * n + 2, 3 * n + 3);
    let rows: Vec<String> = (0..ChartKind::ALL.len()).map(row).collect();
    format!(
        "INSERT INTO chart (owner, kind, sealed) VALUES {} \
         ON CONFLICT (owner, kind) DO UPDATE SET sealed = excluded.sealed",
        rows.join(", ")
    )
});

impl Store {
    /// Makes a person known, or brings the chart of somebody known by any of the same identifiers up to date. Free
    /// slots come along; one that was taken stays taken. With a room, the person is admitted there: whoever
    /// was there before is gone, and so is everything said there.
    ///
    /// # Errors
    /// When the identifiers belong to two people or to somebody else, the PIN is none, or the database or a key fails.
    /// Nothing was changed.
    pub async fn import(
        &self,
        chart: &Chart,
        options: ImportOptions<'_>,
        at: Timestamp,
    ) -> Result<PersonId, StoreError> {
        if let Some(pin) = options.pin
            && !((4..=12).contains(&pin.len()) && pin.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(StoreError::BadPin);
        }
        // A second round only where another process imported the same person in between.
        for _ in 0..3 {
            match self.try_import(chart, &options, at).await {
                Err(JobError::Refused(Refusal::Repeated)) => {}
                Err(error) => return Err(error.into()),
                Ok(person) => return Ok(person),
            }
        }
        Err(StoreError::Locked)
    }

    async fn try_import(
        &self,
        chart: &Chart,
        options: &ImportOptions<'_>,
        at: Timestamp,
    ) -> Result<PersonId, JobError> {
        let lookups = self.lookups(chart);
        let known = self.known_by(&lookups).await?;
        let person = match &known {
            Some(person) => {
                self.only_alike(person, &chart.profile).await?;
                person.clone()
            }
            None => PersonId::fresh(at, self.random()?),
        };
        let merged = match &known {
            Some(person) if !options.replace => self.with_what_is_here(person, chart, &HashSet::new()).await?,
            _ => None,
        };
        let chart = merged.as_ref().unwrap_or(chart);
        let owner = KeyOwner::Person(person.clone());
        if known.is_none() {
            self.inner.keys.create(&owner).map_err(StoreError::from)?;
        }
        let done = self.import_steps(chart, options, &person, known.is_some(), &lookups, at).await;
        let outcome = match done {
            Ok(steps) => {
                let draft = self.imported_draft(&person, at)?;
                self.inner.writer.submit(steps, vec![draft]).await
            }
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(_) => {
                self.finish_stays(at).await?;
                Ok(person)
            }
            Err(error) => {
                // Nobody was made known, so nothing needs this key.
                if known.is_none() {
                    let _ = self.inner.keys.destroy(&self.inner.keys.name(&owner));
                }
                Err(error)
            }
        }
    }

    /// The statements that make somebody known who was not.
    pub(super) fn newcomer_steps(
        &self,
        person: &PersonId,
        consent: Option<&[Scope]>,
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let uses = consent.map(Agreements::to_answer);
        let written = uses.as_ref().map(Agreements::written).unwrap_or_default();
        let (name, sealed) = self.seal(&owner, "person", "consent", person.as_str(), written.as_bytes())?;
        let new = "INSERT INTO person (id, owner, imported, consent, agreed) VALUES ($1, $2, $3, $4, $5)";
        let values = vec![
            person.as_str().into(),
            name.into(),
            at.as_microsecond().into(),
            sealed.into(),
            i64::from(uses.is_some()).into(),
        ];
        let mut steps = vec![Step::new(new, values).or_duplicate(Refusal::Repeated)];
        if let Some(uses) = uses {
            steps.push(self.version_step(person, &uses, 1, "import", at)?);
        }
        Ok(steps)
    }

    /// The audit row of an import.
    pub(super) fn imported_draft(&self, person: &PersonId, at: Timestamp) -> Result<Draft, StoreError> {
        let entry = JournalEntry {
            event: Event::Imported,
            subject: Some(person.clone()),
            actor: None,
            intent: None,
            channel: "import",
            session: None,
            turn: None,
            closes: None,
            outcome: None,
            at,
        };
        self.draft(&entry, None)
    }

    /// What somebody is found by, from the identifiers of their chart.
    pub(super) fn lookups(&self, chart: &Chart) -> Vec<String> {
        let root = self.inner.keys.root();
        chart.identifiers.iter().map(|id| root.hash("identifier", &[id.as_bytes()])).collect()
    }

    pub(super) async fn known_by(&self, lookups: &[String]) -> Result<Option<PersonId>, StoreError> {
        let mut known: Option<PersonId> = None;
        for lookup in lookups {
            let who = "SELECT person FROM identifier WHERE lookup = $1";
            let row = self.inner.database.ask_one(who, &[lookup.as_str().into()]).await?;
            let Some(row) = row else { continue };
            let found = person_id(&row.try_get::<String, _>("person")?)?;
            if known.as_ref().is_some_and(|person| *person != found) {
                return Err(StoreError::TwoPeople);
            }
            known = Some(found);
        }
        Ok(known)
    }

    /// Whoever is found by a number is who it says, as far as name and date of birth tell.
    pub(super) async fn only_alike(&self, known: &PersonId, told: &Profile) -> Result<(), StoreError> {
        let profile = self.profile_of(known).await?;
        match profile.and_then(|profile| alike::unlike(&profile, told)) {
            Some(why) => Err(StoreError::AnotherPerson(why)),
            None => Ok(()),
        }
    }

    /// The chart of what is here of somebody and of what comes, without what is removed; `None` where there is nothing here
    /// that was imported resource by resource.
    pub(super) async fn with_what_is_here(
        &self,
        person: &PersonId,
        chart: &Chart,
        removed: &HashSet<String>,
    ) -> Result<Option<Chart>, StoreError> {
        let here = Zeroizing::new(self.own_part::<String>(person, ChartKind::Source).await?);
        if here.is_empty() || chart.source.is_empty() {
            return Ok(None);
        }
        let (new, removed) = (chart.clone(), removed.clone());
        let merging = tokio::task::spawn_blocking(move || fhir_bundle::merged(&here, &new, &removed));
        merging.await.map_err(|_| StoreError::Closed)?.map(Some).map_err(StoreError::NotMerged)
    }

    /// The statements of an import.
    pub(super) async fn import_steps(
        &self,
        chart: &Chart,
        options: &ImportOptions<'_>,
        person: &PersonId,
        known: bool,
        lookups: &[String],
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let mut steps = Vec::new();
        let consent = options.consent.as_deref();
        if !known {
            steps.extend(self.newcomer_steps(person, consent.filter(|consent| !consent.is_empty()), at)?);
        } else if let Some(consent) = consent {
            let current = self.agreed(person).await?.version;
            steps.extend(self.consent_steps(person, &Agreements::to_answer(consent), Err(current), "import", at)?);
        }
        if let Some(pin) = options.pin {
            let (store, pin) = (self.clone(), pin.to_owned());
            let keys = move || store.inner.keys.root().pin_hash(&pin, store.inner.keys.entropy());
            let hash = tokio::task::spawn_blocking(keys).await.map_err(|_| StoreError::Closed)??;
            let (_, sealed) = self.seal(&owner, "person", "pin", person.as_str(), hash.as_bytes())?;
            steps.push(Step::new(
                "UPDATE person SET pin = $2 WHERE id = $1",
                vec![person.as_str().into(), sealed.into()],
            ));
            steps.push(self.failures_end(person));
        }
        for lookup in lookups {
            // Taken by the same person is fine; by somebody else, this import starts again and finds out.
            steps.push(
                Step::new(
                    "INSERT INTO identifier (lookup, person) VALUES ($1, $2) \
                     ON CONFLICT (lookup) DO UPDATE SET person = excluded.person WHERE identifier.person = excluded.person",
                    vec![lookup.as_str().into(), person.as_str().into()],
                )
                .or_nothing(Refusal::Repeated),
            );
        }
        steps.push(self.chart_step(&owner, chart)?);
        steps.extend(chart.slots.iter().map(Self::slot_step));
        for pharmacy in &chart.pharmacies {
            steps.push(self.pharmacy_step(pharmacy)?);
        }
        steps.extend(self.news_steps(person, chart, options.room.as_ref(), at).await?);
        if let Some(room) = &options.room
            && self.occupant(room).await?.is_none_or(|there| there.person != *person)
        {
            steps.extend(self.lie_steps(&BTreeMap::from([(room.clone(), Some(person.clone()))]), at).await?);
        }
        Ok(steps)
    }

    /// One part of a chart as it is kept: a list, as JSON text.
    pub(super) fn part_of(chart: &Chart, kind: ChartKind) -> Zeroizing<Vec<u8>> {
        fn rows<T: Serialize>(rows: &[T]) -> Zeroizing<Vec<u8>> {
            Zeroizing::new(serde_json::to_vec(rows).unwrap_or_default())
        }
        match kind {
            ChartKind::Profile => rows(std::slice::from_ref(&chart.profile)),
            ChartKind::Prescriptions => rows(&chart.prescriptions),
            ChartKind::Visits => rows(&chart.visits),
            ChartKind::Results => rows(&chart.results),
            ChartKind::Providers => rows(&chart.providers),
            ChartKind::Allergies => rows(&chart.allergies),
            ChartKind::Vitals => rows(&chart.history.vitals),
            ChartKind::Conditions => rows(&chart.history.conditions),
            ChartKind::Immunizations => rows(&chart.history.immunizations),
            ChartKind::Notes => rows(&chart.history.notes),
            ChartKind::Diet => rows(&chart.diet),
            ChartKind::Source => rows(&chart.source),
        }
    }

    /// The statement that keeps one part of a chart.
    pub(super) fn part_step(&self, owner: &KeyOwner, kind: ChartKind, chart: &Chart) -> Result<Step, StoreError> {
        self.sealed_part(owner, kind, &Self::part_of(chart, kind))
    }

    /// The statement that keeps what somebody is called, and nothing else of a chart.
    pub(super) fn name_step(&self, owner: &KeyOwner, profile: &Profile) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(std::slice::from_ref(profile)).unwrap_or_default());
        self.sealed_part(owner, ChartKind::Profile, &plain)
    }

    fn sealed_part(&self, owner: &KeyOwner, kind: ChartKind, plain: &[u8]) -> Result<Step, StoreError> {
        let (name, sealed) = self.seal(owner, "chart", "sealed", kind.name(), plain)?;
        Ok(Step::new(
            "INSERT INTO chart (owner, kind, sealed) VALUES ($1, $2, $3) \
             ON CONFLICT (owner, kind) DO UPDATE SET sealed = excluded.sealed",
            vec![name.into(), kind.name().into(), sealed.into()],
        ))
    }

    /// The statement that keeps all parts of a chart.
    fn chart_step(&self, owner: &KeyOwner, chart: &Chart) -> Result<Step, StoreError> {
        let mut values: Vec<Value> = Vec::with_capacity(3 * ChartKind::ALL.len());
        for kind in ChartKind::ALL {
            let (name, sealed) = self.seal(owner, "chart", "sealed", kind.name(), &Self::part_of(chart, kind))?;
            values.extend([name.into(), kind.name().into(), sealed.into()]);
        }
        Ok(Step::new(&ALL_PARTS, values))
    }
}
