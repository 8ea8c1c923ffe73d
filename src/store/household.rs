//! Who speaks through a device at home.
//!
//! Invariants: who belongs to a device is sealed under each one's own key, so that whoever is forgotten is gone from
//! here, too; a name that was said is compared here, and only whose it is comes out, never a name.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::Row;

use super::{
    Place, Store,
    credentials::SealedGrant,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    people::{ChartKind, person_id},
};
use crate::{
    policy::{Agreed, CredentialId, Event, JournalEntry, PersonId},
    records::{
        Profile,
        called::{Fit, fit},
    },
};

impl Store {
    /// The people who may speak through a device at home: the one it was made for, then those who came later. Whoever's
    /// key was destroyed is not among them.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn household(&self, device: &CredentialId) -> Result<Vec<PersonId>, StoreError> {
        let all = "SELECT '' AS id, issued AS since, owner, sealed FROM credential WHERE id = $1 AND surface = 'home' \
            UNION ALL SELECT id, since, owner, sealed FROM member WHERE credential = $1 ORDER BY since, id";
        let rows = self.inner.database.ask(all, &[device.as_str().into()]).await?;
        let mut people: Vec<PersonId> = Vec::new();
        for row in rows {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let (table, name) = if id.is_empty() { ("credential", device.as_str()) } else { ("member", id.as_str()) };
            let place = Place { table, column: "sealed", row: name, owner: &owner };
            let plain = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Ok(plain) => plain,
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                Err(error) => return Err(error),
            };
            let damaged = || StoreError::Damaged(format!("{table}.sealed"));
            let person = if id.is_empty() {
                serde_json::from_slice::<SealedGrant>(&plain).map_err(|_| damaged())?.person
            } else {
                Some(String::from_utf8(plain.to_vec()).map_err(|_| damaged())?)
            };
            let Some(person) = person.as_deref().map(person_id).transpose()? else { continue };
            if !people.contains(&person) {
                people.push(person);
            }
        }
        Ok(people)
    }

    /// Lets one more person speak through a device at home. `entry` is the audit row that tells of it; its subject is
    /// the person. Whoever belongs to it already stays.
    ///
    /// # Errors
    /// When nobody is named or known by that id, or the database or a key fails.
    pub async fn add_member(&self, device: &CredentialId, entry: &JournalEntry) -> Result<(), StoreError> {
        let person = entry.subject.as_ref().ok_or(StoreError::UnknownPerson)?;
        if !self.person_exists(person).await? {
            return Err(StoreError::UnknownPerson);
        }
        let id = self.member_id(device, person);
        let owner = KeyOwner::Person(person.clone());
        let (owner, sealed) = self.seal(&owner, "member", "sealed", &id, person.as_str().as_bytes())?;
        let step = Step::new(
            "INSERT INTO member (id, credential, since, owner, sealed) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (id) DO NOTHING",
            vec![id.into(), device.as_str().into(), entry.at.as_microsecond().into(), owner.into(), sealed.into()],
        );
        let draft = self.draft(entry, None)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// Lets somebody no longer speak through a device that they were added to. False where they were not. `entry` as
    /// for [`Store::add_member`].
    ///
    /// # Errors
    /// When nobody is named, or the database or a key fails.
    pub async fn remove_member(&self, device: &CredentialId, entry: &JournalEntry) -> Result<bool, StoreError> {
        let person = entry.subject.as_ref().ok_or(StoreError::UnknownPerson)?;
        let step = Step::new("DELETE FROM member WHERE id = $1", vec![self.member_id(device, person).into()])
            .or_nothing(Refusal::NotThere);
        let draft = self.draft(entry, None)?;
        match self.inner.writer.submit(vec![step], vec![draft]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Which of these people a name fits: all whose whole name it is, or else all of whose name it is a part.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn called(&self, among: &[PersonId], name: &str) -> Result<Vec<PersonId>, StoreError> {
        let mut fits: Vec<(Fit, PersonId)> = Vec::new();
        for person in among {
            if let Some(profile) = self.profile_of(person).await? {
                fits.push((fit(&profile, name), person.clone()));
            }
        }
        let best = fits.iter().map(|(fit, _)| *fit).max().unwrap_or(Fit::No);
        let theirs = fits.into_iter().filter(|(fit, _)| best > Fit::No && *fit == best);
        Ok(theirs.map(|(_, person)| person).collect())
    }

    /// When somebody was born, as far as it is on record: for telling whether a PIN is easily guessed.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn born(&self, person: &PersonId) -> Result<Option<jiff::civil::Date>, StoreError> {
        Ok(self.profile_of(person).await?.and_then(|profile| profile.birth))
    }

    /// Never leaves the store as a whole.
    pub(super) async fn profile_of(&self, person: &PersonId) -> Result<Option<Profile>, StoreError> {
        Ok(self.own_part::<Profile>(person, ChartKind::Profile).await?.pop())
    }

    /// One part of what was imported of somebody, for the store alone; nothing for nobody, or whoever's key was destroyed.
    pub(super) async fn own_part<T: DeserializeOwned>(
        &self,
        person: &PersonId,
        kind: ChartKind,
    ) -> Result<Vec<T>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let part = "SELECT sealed FROM chart WHERE owner = $1 AND kind = $2";
        let kind = kind.name();
        let row = self.inner.database.ask_one(part, &[owner.as_str().into(), kind.into()]).await?;
        let Some(row) = row else { return Ok(vec![]) };
        let place = Place { table: "chart", column: "sealed", row: kind, owner: &owner };
        let plain = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => plain,
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => return Ok(vec![]),
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("chart.sealed".into()))
    }

    /// What somebody agreed to, and whether they have a PIN; `None` for nobody, or whoever's key was destroyed.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn standing(&self, person: &PersonId) -> Result<Option<(Agreed, bool)>, StoreError> {
        let Some(row) = self.person_row(person).await? else { return Ok(None) };
        let (owner, sealed): (String, Vec<u8>) = (row.try_get("owner")?, row.try_get("consent")?);
        let has_pin = row.try_get::<Option<Vec<u8>>, _>("pin")?.is_some();
        match self.agreed_of(person.as_str(), &owner, &sealed, row.try_get("agreed")?) {
            Ok(agreed) => Ok(Some((agreed, has_pin))),
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn member_id(&self, device: &CredentialId, person: &PersonId) -> String {
        self.inner.keys.root().hash("member", &[device.as_str().as_bytes(), person.as_str().as_bytes()])
    }
}

/// The audit row of staff who change who speaks through a device.
#[must_use]
pub const fn membership(person: PersonId, outcome: &'static str, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Credential,
        subject: Some(person),
        actor: None,
        intent: None,
        channel: "staff",
        session: None,
        turn: None,
        closes: None,
        outcome: Some(outcome),
        at,
    }
}
