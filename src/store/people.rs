//! People: their charts, consent and PIN, and the rooms they lie in.
//!
//! Invariant: a chart comes out only as [`Phi`]. A room's occupant changes only together with the end of the
//! former stay: its sessions go in the same commit and its key right after.

use serde::de::DeserializeOwned;
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store,
    connection::LAPSED,
    error::StoreError,
    keys::{KeyError, KeyOwner},
    seal::DataKey,
};
use crate::{
    policy::{PersonId, Phi, RoomId, StayId},
    records::{merged, without_news},
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
    /// [`crate::records::DietOrder`]s.
    Diet,
    /// What was imported, as it came: entries of a bundle, each as JSON text.
    Source,
}

impl ChartKind {
    /// Every part.
    pub const ALL: [Self; 12] = [
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
        Self::Diet,
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
            Self::Diet => "diet",
            Self::Source => "source",
        }
    }
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
const PART: &str = "SELECT '' AS source, '' AS state, sealed FROM chart WHERE owner = $1 AND kind = $2 \
    UNION ALL SELECT d.connection, COALESCE(c.state, ''), d.sealed FROM connected d LEFT JOIN connection c ON c.id = d.connection \
    WHERE d.owner = $1 AND d.part = $2 ORDER BY 1";

impl Store {
    /// One part of a person's chart, as it was imported. Empty for a part that was never imported.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn chart_rows<T: DeserializeOwned>(
        &self,
        person: &PersonId,
        kind: ChartKind,
    ) -> Result<Phi<Vec<T>>, StoreError> {
        Ok(Phi::new(person.clone(), self.chart_plain(person, kind).await?))
    }

    /// As [`Store::chart_rows`], for a judgement made in here.
    pub(super) async fn chart_plain<T: DeserializeOwned>(
        &self,
        person: &PersonId,
        kind: ChartKind,
    ) -> Result<Vec<T>, StoreError> {
        let (owner, key) = self.inner.keys.key(&KeyOwner::Person(person.clone()))?;
        let rows = self.inner.database.ask(PART, &[owner.as_str().into(), kind.name().into()]).await?;
        opened(kind, (&owner, &key), &rows)
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
        Ok(Phi::new(person.clone(), opened(kind, (&owner, &key), &rows)?))
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
/// once; what came from one that lets nothing be read any more is marked so.
fn opened<T: DeserializeOwned>(
    kind: ChartKind,
    (owner, key): (&str, &DataKey),
    rows: &[AnyRow],
) -> Result<Vec<T>, StoreError> {
    let damaged = || StoreError::Damaged("chart.sealed".into());
    let mut parts = Vec::with_capacity(rows.len());
    for row in rows {
        let (source, sealed): (String, Vec<u8>) = (row.try_get("source")?, row.try_get("sealed")?);
        let (table, name) = match source.as_str() {
            "" => ("chart", kind.name().to_owned()),
            connection => ("connected", format!("{connection} {}", kind.name())),
        };
        let place = Place { table, column: "sealed", row: &name, owner };
        let lapsed = row.try_get::<String, _>("state")? == LAPSED;
        parts.push((lapsed, key.open(place, &sealed).map_err(|_| damaged())?));
    }
    let facts = match parts.as_slice() {
        [] => vec![],
        [(false, own)] => serde_json::from_slice(own).map_err(|_| damaged())?,
        several => {
            let read = |(lapsed, part): &(bool, Zeroizing<Vec<u8>>)| {
                let facts = serde_json::from_slice::<Vec<serde_json::Value>>(part)?;
                Ok::<_, serde_json::Error>(if *lapsed { without_news(facts) } else { facts })
            };
            let several: Result<Vec<Vec<serde_json::Value>>, _> = several.iter().map(read).collect();
            let all = serde_json::Value::Array(merged(several.map_err(|_| damaged())?));
            serde_json::from_value(all).map_err(|_| damaged())?
        }
    };
    Ok(facts)
}

pub(super) fn person_id(text: &str) -> Result<PersonId, StoreError> {
    PersonId::parse(text).map_err(|_| StoreError::Damaged("a person's id".into()))
}
