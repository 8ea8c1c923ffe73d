//! People: their charts, consent and PIN, and the rooms they lie in.
//!
//! Invariant: a chart comes out only as [`Phi`]. A room's occupant changes only together with the end of the
//! former stay: its sessions go in the same commit and its key right after.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    seal::DataKey,
};
use crate::{
    policy::{Agreements, Event, JournalEntry, PersonId, Phi, RoomId, Scope, StayId},
    records::{Chart, merged},
};

/// The parts of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChartKind {
    /// One [`crate::records::Profile`].
    Profile,
    /// [`crate::records::Prescription`]s.
    Prescriptions,
    /// [`crate::records::Visit`]s.
    Visits,
    /// [`crate::records::LabResult`]s.
    Results,
    /// [`crate::records::Provider`]s.
    Providers,
    /// [`crate::records::Allergy`]s.
    Allergies,
    /// [`crate::records::Vital`]s.
    Vitals,
    /// [`crate::records::Condition`]s.
    Conditions,
    /// [`crate::records::Immunization`]s.
    Immunizations,
    /// [`crate::records::VisitNote`]s.
    Notes,
    /// What was imported, as it came: entries of a bundle, each as JSON text.
    Source,
}

impl ChartKind {
    /// Every part.
    pub const ALL: [Self; 11] = [
        Self::Profile,
        Self::Prescriptions,
        Self::Visits,
        Self::Results,
        Self::Providers,
        Self::Allergies,
        Self::Vitals,
        Self::Conditions,
        Self::Immunizations,
        Self::Notes,
        Self::Source,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Prescriptions => "prescriptions",
            Self::Visits => "visits",
            Self::Results => "results",
            Self::Providers => "providers",
            Self::Allergies => "allergies",
            Self::Vitals => "vitals",
            Self::Conditions => "conditions",
            Self::Immunizations => "immunizations",
            Self::Notes => "notes",
            Self::Source => "source",
        }
    }
}

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
}

/// Who lies in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// The person.
    pub person: PersonId,
    /// Their admission.
    pub stay: StayId,
}

/// One part of a chart: the person's own, then what came of their connections, oldest first.
const PART: &str = "SELECT '' AS source, sealed FROM chart WHERE owner = $1 AND kind = $2 \
    UNION ALL SELECT connection, sealed FROM connected WHERE owner = $1 AND part = $2 ORDER BY 1";

impl Store {
    /// Makes a person known, or replaces the chart of somebody known by any of the same identifiers. Free
    /// slots come along; one that was taken stays taken. With a room, the person is admitted there: whoever
    /// was there before is gone, and so is everything said there.
    ///
    /// # Errors
    /// When the identifiers belong to two people, the PIN is none, or the database or a key fails. Nothing
    /// was changed.
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
        let lookups: Vec<String> =
            chart.identifiers.iter().map(|id| self.inner.keys.root().hash("identifier", &[id.as_bytes()])).collect();
        let known = self.known_by(&lookups).await?;
        let person = match &known {
            Some(person) => person.clone(),
            None => PersonId::fresh(at, self.random()?),
        };
        let owner = KeyOwner::Person(person.clone());
        if known.is_none() {
            self.inner.keys.create(&owner).map_err(StoreError::from)?;
        }
        let done = self.import_steps(chart, options, &person, known.is_some(), &lookups, at).await;
        let outcome = match done {
            Ok((steps, ended)) => {
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
                let draft = self.draft(&entry, None)?;
                self.inner.writer.submit(steps, vec![draft]).await.map(|_| ended)
            }
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(ended) => {
                for key in ended {
                    if !self.held_owner(&key).await? {
                        self.inner.keys.destroy(&key).map_err(StoreError::from)?;
                    }
                }
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

    /// The statements of an import, and the names of the keys that must go once they are committed.
    async fn import_steps(
        &self,
        chart: &Chart,
        options: &ImportOptions<'_>,
        person: &PersonId,
        known: bool,
        lookups: &[String],
        at: Timestamp,
    ) -> Result<(Vec<Step>, Vec<String>), StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let mut steps = Vec::new();
        if !known {
            let (name, consent) = self.seal(&owner, "person", "consent", person.as_str(), b"")?;
            steps.push(
                Step::new(
                    "INSERT INTO person (id, owner, imported, consent) VALUES ($1, $2, $3, $4)",
                    vec![person.as_str().into(), name.into(), at.as_microsecond().into(), consent.into()],
                )
                .or_duplicate(Refusal::Repeated),
            );
        }
        if let Some(consent) = options.consent.as_deref().filter(|consent| known || !consent.is_empty()) {
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
        for kind in ChartKind::ALL {
            steps.push(self.part_step(&owner, kind, chart)?);
        }
        steps.extend(chart.slots.iter().map(Self::slot_step));
        for pharmacy in &chart.pharmacies {
            steps.push(self.pharmacy_step(pharmacy)?);
        }
        steps.extend(self.news_steps(person, chart, options.room.as_ref(), at).await?);
        let ended = match &options.room {
            Some(room) => self.admit_steps(person, room, at, &mut steps).await?,
            None => vec![],
        };
        Ok((steps, ended))
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
            ChartKind::Source => rows(&chart.source),
        }
    }

    /// The statement that keeps one part of a chart.
    pub(super) fn part_step(&self, owner: &KeyOwner, kind: ChartKind, chart: &Chart) -> Result<Step, StoreError> {
        self.chart_step(owner, kind, &Self::part_of(chart, kind))
    }

    fn chart_step(&self, owner: &KeyOwner, kind: ChartKind, plain: &[u8]) -> Result<Step, StoreError> {
        let (name, sealed) = self.seal(owner, "chart", "sealed", kind.name(), plain)?;
        Ok(Step::new(
            "INSERT INTO chart (owner, kind, sealed) VALUES ($1, $2, $3) \
             ON CONFLICT (owner, kind) DO UPDATE SET sealed = excluded.sealed",
            vec![name.into(), kind.name().into(), sealed.into()],
        ))
    }

    /// Ends whatever stays are in the way and begins a new one; the keys of the ended ones are returned.
    async fn admit_steps(
        &self,
        person: &PersonId,
        room: &RoomId,
        at: Timestamp,
        steps: &mut Vec<Step>,
    ) -> Result<Vec<String>, StoreError> {
        if self.occupant(room).await?.is_some_and(|there| there.person == *person) {
            return Ok(vec![]);
        }
        let occupant = self.inner.keys.root().hash("occupant", &[person.as_str().as_bytes()]);
        let rooms = "SELECT owner FROM room WHERE room = $1 OR occupant = $2";
        let ended: Vec<String> = self
            .inner
            .database
            .ask(rooms, &[room.as_str().into(), occupant.as_str().into()])
            .await?
            .iter()
            .map(|row| row.try_get("owner"))
            .collect::<Result<_, _>>()?;
        for owner in ended.iter().cloned().chain([self.inner.keys.name(&KeyOwner::Room(room.clone()))]) {
            steps.extend(Self::stay_ends(&owner));
        }
        steps.push(Step::new(
            "DELETE FROM room WHERE room = $1 OR occupant = $2",
            vec![room.as_str().into(), occupant.as_str().into()],
        ));
        let stay = StayId::fresh(at, self.random()?);
        let stay_key = KeyOwner::Stay(stay.clone());
        self.inner.keys.create(&stay_key)?;
        let (owner, sealed) = self.seal(&stay_key, "room", "sealed", room.as_str(), person.as_str().as_bytes())?;
        steps.push(
            Step::new(
                "INSERT INTO room (room, stay, occupant, since, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
                vec![
                    room.as_str().into(),
                    stay.as_str().into(),
                    occupant.into(),
                    at.as_microsecond().into(),
                    owner.into(),
                    sealed.into(),
                ],
            )
            .or_duplicate(Refusal::Repeated),
        );
        Ok(ended)
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

    /// One part of a person's chart, as it was imported. Empty for a part that was never imported.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn chart_rows<T: DeserializeOwned>(
        &self,
        person: &PersonId,
        kind: ChartKind,
    ) -> Result<Phi<Vec<T>>, StoreError> {
        let (owner, key) = self.inner.keys.key(&KeyOwner::Person(person.clone()))?;
        let rows = self.inner.database.ask(PART, &[owner.as_str().into(), kind.name().into()]).await?;
        opened(person, kind, (&owner, &key), &rows)
    }

    /// As [`Store::chart_rows`], for a task that waits for a commit besides.
    ///
    /// # Errors
    /// As [`Store::chart_rows`].
    pub async fn chart_rows_aside<T: DeserializeOwned>(
        &self,
        person: &PersonId,
        kind: ChartKind,
    ) -> Result<Phi<Vec<T>>, StoreError> {
        let (owner, key) = self.inner.keys.key(&KeyOwner::Person(person.clone()))?;
        let rows = self.inner.database.ask_aside(PART, &[owner.as_str().into(), kind.name().into()]).await?;
        opened(person, kind, (&owner, &key), &rows)
    }

    /// Whether somebody of that id is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person_exists(&self, person: &PersonId) -> Result<bool, StoreError> {
        Ok(self.person_row(person).await?.is_some())
    }

    pub(super) async fn person_row(&self, person: &PersonId) -> Result<Option<AnyRow>, StoreError> {
        let who = "SELECT owner, consent, pin, agreed FROM person WHERE id = $1";
        self.inner.database.ask_one(who, &[person.as_str().into()]).await
    }

    /// Who lies in a room.
    ///
    /// # Errors
    /// When the database or the stay's key fails.
    pub async fn occupant(&self, room: &RoomId) -> Result<Option<Occupant>, StoreError> {
        let there = "SELECT stay, owner, sealed FROM room WHERE room = $1";
        let row = self.inner.database.ask_one(there, &[room.as_str().into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let (stay, owner): (String, String) = (row.try_get("stay")?, row.try_get("owner")?);
        match self.occupant_of(room.as_str(), &stay, &owner, &row.try_get::<Vec<u8>, _>("sealed")?) {
            // The stay's key was destroyed; nobody is known to be there.
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            occupant => occupant.map(Some),
        }
    }

    pub(super) fn occupant_of(
        &self,
        room: &str,
        stay: &str,
        owner: &str,
        sealed: &[u8],
    ) -> Result<Occupant, StoreError> {
        let plain = self.unseal(Place { table: "room", column: "sealed", row: room, owner }, sealed)?;
        let person = std::str::from_utf8(&plain).map_err(|_| StoreError::Damaged("room.sealed".into()))?;
        let stay = StayId::parse(stay).map_err(|_| StoreError::Damaged("room.stay".into()))?;
        Ok(Occupant { person: person_id(person)?, stay })
    }
}

/// A part of a chart, wrapped as soon as it is open; nothing where there is no such part. Of several sources each fact comes
/// once.
fn opened<T: DeserializeOwned>(
    person: &PersonId,
    kind: ChartKind,
    (owner, key): (&str, &DataKey),
    rows: &[AnyRow],
) -> Result<Phi<Vec<T>>, StoreError> {
    let damaged = || StoreError::Damaged("chart.sealed".into());
    let mut parts = Vec::with_capacity(rows.len());
    for row in rows {
        let (source, sealed): (String, Vec<u8>) = (row.try_get("source")?, row.try_get("sealed")?);
        let (table, name) = match source.as_str() {
            "" => ("chart", kind.name().to_owned()),
            connection => ("connected", format!("{connection} {}", kind.name())),
        };
        let place = Place { table, column: "sealed", row: &name, owner };
        parts.push(key.open(place, &sealed).map_err(|_| damaged())?);
    }
    let facts = match parts.as_slice() {
        [] => vec![],
        [own] => serde_json::from_slice(own).map_err(|_| damaged())?,
        several => {
            let several: Result<Vec<Vec<serde_json::Value>>, _> =
                several.iter().map(|part| serde_json::from_slice(part)).collect();
            let all = serde_json::Value::Array(merged(several.map_err(|_| damaged())?));
            serde_json::from_value(all).map_err(|_| damaged())?
        }
    };
    Ok(Phi::new(person.clone(), facts))
}

pub(super) fn person_id(text: &str) -> Result<PersonId, StoreError> {
    PersonId::parse(text).map_err(|_| StoreError::Damaged("a person's id".into()))
}
