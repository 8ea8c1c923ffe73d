//! Records from the local store: what was imported, and what has happened since.

use super::{Allergy, LabResult, OpenSlot, Prescription, Profile, Provider, SlotQuery, Visit};
use crate::{
    actions::Renewal,
    policy::{NameLists, Named, PersonId, Phi, WrongSubject},
    store::{ChartKind, Store, StoreError},
};

/// Where the actions read people's records. Reads only: changes go through the turn.
#[derive(Clone)]
pub struct Records {
    store: Store,
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The database or a key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rows of two people came back for one. A defect; nothing was revealed.
    #[error("the store answered with another person's rows")]
    Mixed(#[from] WrongSubject),
}

impl Records {
    /// Records kept in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// The person's prescriptions.
    ///
    /// # Errors
    /// When the database or the person's key fails; so for every function here.
    pub async fn prescriptions(&self, person: &PersonId) -> Result<Phi<Vec<Prescription>>, RecordsError> {
        Ok(self.store.chart_rows(person, ChartKind::Prescriptions).await?)
    }

    /// The person's visits: those of the chart and those booked here since.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn visits(&self, person: &PersonId) -> Result<Phi<Vec<Visit>>, RecordsError> {
        let chart = self.store.chart_rows::<Visit>(person, ChartKind::Visits).await?;
        let booked = self.store.booked_visits(person).await?;
        Ok(chart.zip(booked)?.map(|(chart, booked)| {
            let mut all = chart;
            // A chart imported again may bring a booking back under another id.
            let known = |v: &Visit, all: &[Visit]| all.iter().any(|o| o.start == v.start && o.provider == v.provider);
            for visit in booked {
                if !known(&visit, &all) {
                    all.push(visit);
                }
            }
            all.sort_by_key(|v| v.start);
            all
        }))
    }

    /// The person's laboratory results.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn results(&self, person: &PersonId) -> Result<Phi<Vec<LabResult>>, RecordsError> {
        Ok(self.store.chart_rows(person, ChartKind::Results).await?)
    }

    /// Who treats the person.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn providers(&self, person: &PersonId) -> Result<Phi<Vec<Provider>>, RecordsError> {
        Ok(self.store.chart_rows(person, ChartKind::Providers).await?)
    }

    /// The person's allergies on record.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn allergies(&self, person: &PersonId) -> Result<Phi<Vec<Allergy>>, RecordsError> {
        Ok(self.store.chart_rows(person, ChartKind::Allergies).await?)
    }

    /// Who the person is; `None` for somebody who was never imported.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn profile(&self, person: &PersonId) -> Result<Phi<Option<Profile>>, RecordsError> {
        let rows = self.store.chart_rows::<Profile>(person, ChartKind::Profile).await?;
        Ok(rows.map(|mut rows| rows.pop()))
    }

    /// The person's renewals asked for here.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn renewals(&self, person: &PersonId) -> Result<Phi<Vec<Renewal>>, RecordsError> {
        Ok(self.store.renewals(person).await?)
    }

    /// The names in the person's own records that may help recognition.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn names(&self, person: &PersonId) -> Result<Phi<NameLists>, RecordsError> {
        let medicines = self.prescriptions(person).await?;
        let providers = self.providers(person).await?;
        Ok(medicines.zip(providers)?.map(|(p, q)| name_lists(&p, &q)))
    }

    /// Free times in the schedules, earliest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn free_slots(&self, query: SlotQuery) -> Result<Vec<OpenSlot>, RecordsError> {
        Ok(self.store.free_slots(&query).await?)
    }
}

/// Each medicine and each provider once, current medicines first.
fn name_lists(prescriptions: &[Prescription], providers: &[Provider]) -> NameLists {
    let mut medicines: Vec<Named> = Vec::new();
    let (current, ended): (Vec<_>, Vec<_>) = prescriptions.iter().partition(|p| p.active);
    for p in current.into_iter().chain(ended) {
        match medicines.iter_mut().find(|m| m.name == p.medicine) {
            Some(known) => {
                for alias in &p.aliases {
                    if !known.aliases.contains(alias) {
                        known.aliases.push(alias.clone());
                    }
                }
            }
            None => medicines.push(Named { name: p.medicine.clone(), aliases: p.aliases.clone() }),
        }
    }
    let providers = providers.iter().map(|p| Named { name: p.name.clone(), aliases: called(&p.name) }).collect();
    NameLists { medicines, providers }
}

/// What a provider is called besides the full name: "Dr. Anita Patel" → "doctor Patel", "Anita Patel", "Patel".
fn called(name: &str) -> Vec<String> {
    let title = |w: &&str| matches!(w.trim_end_matches('.').to_lowercase().as_str(), "dr" | "doctor" | "prof");
    let words: Vec<&str> = name.split_whitespace().collect();
    let bare: Vec<&str> = words.iter().copied().filter(|w| !title(w)).collect();
    let Some(surname) = bare.last() else { return vec![] };
    let mut found = vec![format!("doctor {surname}"), bare.join(" "), (*surname).to_owned()];
    if bare.len() == words.len() {
        found.remove(0);
    }
    found.retain(|f| f != name);
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_called_by_title_and_surname() {
        assert_eq!(called("Dr. Anita Patel"), ["doctor Patel", "Anita Patel", "Patel"]);
        assert_eq!(called("Lena Fischer"), ["Fischer"]);
        assert_eq!(called("Dr. Patel"), ["doctor Patel", "Patel"]);
        assert!(called("").is_empty());
    }
}
