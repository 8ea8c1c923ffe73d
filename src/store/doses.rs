//! What a person says of their medicines: doses taken, the pharmacy they chose. And the pharmacies there are.
//!
//! Invariant: what was taken, when, and where somebody's prescriptions go is sealed under their key; pharmacies are nobody's.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{Place, Store, error::StoreError, job::Step, keys::KeyOwner};
use crate::{
    actions::{Taken, TakenDose},
    policy::{PersonId, Phi},
    records::Pharmacy,
};

/// How far back notes are read; older ones are kept and asked for by nothing.
const READ: SignedDuration = SignedDuration::from_hours(35 * 24);

impl Store {
    /// The statements that note doses.
    pub(super) fn taken_steps(
        &self,
        owner: &KeyOwner,
        doses: &[TakenDose],
        at: Timestamp,
        part: Option<&String>,
        noted: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let mut steps = Vec::with_capacity(doses.len());
        for dose in doses {
            let id = hex::encode(self.random::<16>()?);
            let note = Taken {
                prescription: dose.prescription.clone(),
                medicine: dose.medicine.clone(),
                at,
                part: part.cloned(),
                noted,
            };
            let plain = Zeroizing::new(serde_json::to_vec(&note).unwrap_or_default());
            let (owner, sealed) = self.seal(owner, "taken", "sealed", &id, &plain)?;
            steps.push(Step::new(
                "INSERT INTO taken (id, noted, owner, sealed) VALUES ($1, $2, $3, $4)",
                vec![id.into(), noted.as_microsecond().into(), owner.into(), sealed.into()],
            ));
        }
        Ok(steps)
    }

    /// What somebody noted in the last five weeks, oldest first; all of it with `None`.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn taken(&self, person: &PersonId, now: Option<Timestamp>) -> Result<Phi<Vec<Taken>>, StoreError> {
        Ok(Phi::new(person.clone(), self.taken_plain(person, now).await?))
    }

    /// As [`Store::taken`], for a judgement made in here.
    pub(super) async fn taken_plain(
        &self,
        person: &PersonId,
        now: Option<Timestamp>,
    ) -> Result<Vec<Taken>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let since = now.map_or(0, |now| (now - READ).as_microsecond());
        let theirs = "SELECT id, sealed FROM taken WHERE owner = $1 AND noted >= $2 ORDER BY noted, id";
        let rows = self.inner.database.ask(theirs, &[owner.as_str().into(), since.into()]).await?;
        let mut found: Vec<Taken> = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.try_get("id")?;
            let place = Place { table: "taken", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            found.push(serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("taken.sealed".into()))?);
        }
        // Those of one turn were noted at once.
        found.sort_by_key(|note| (note.noted, note.at));
        Ok(found)
    }

    /// The statement by which somebody chooses a pharmacy.
    pub(super) fn pharmacy_chosen_step(&self, owner: &KeyOwner, pharmacy: &Pharmacy) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(pharmacy).unwrap_or_default());
        let name = self.inner.keys.name(owner);
        let (owner, sealed) = self.seal(owner, "chosen_pharmacy", "sealed", &name, &plain)?;
        Ok(Step::new(
            "INSERT INTO chosen_pharmacy (owner, sealed) VALUES ($1, $2) \
             ON CONFLICT (owner) DO UPDATE SET sealed = excluded.sealed",
            vec![owner.into(), sealed.into()],
        ))
    }

    /// The pharmacy that somebody chose here.
    ///
    /// # Errors
    /// As [`Store::taken`].
    pub async fn chosen_pharmacy(&self, person: &PersonId) -> Result<Phi<Option<Pharmacy>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let theirs = "SELECT sealed FROM chosen_pharmacy WHERE owner = $1";
        let Some(row) = self.inner.database.ask_one(theirs, &[owner.as_str().into()]).await? else {
            return Ok(Phi::new(person.clone(), None));
        };
        let place = Place { table: "chosen_pharmacy", column: "sealed", row: &owner, owner: &owner };
        let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        let damaged = |_| StoreError::Damaged("chosen_pharmacy.sealed".into());
        Ok(Phi::new(person.clone(), Some(serde_json::from_slice(&plain).map_err(damaged)?)))
    }

    /// A pharmacy as it comes with a chart; a newer chart knows its street better.
    pub(super) fn pharmacy_step(&self, pharmacy: &Pharmacy) -> Result<Step, StoreError> {
        let id = self.inner.keys.root().hash("pharmacy", &[pharmacy.name.as_bytes()]);
        let plain = serde_json::to_vec(pharmacy).unwrap_or_default();
        let (_, sealed) = self.seal(&KeyOwner::House, "pharmacy", "sealed", &id, &plain)?;
        Ok(Step::new(
            "INSERT INTO pharmacy (id, sealed) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
            vec![id.into(), sealed.into()],
        ))
    }

    /// The pharmacies that charts told of, by name.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn pharmacies(&self) -> Result<Vec<Pharmacy>, StoreError> {
        let rows = self.inner.database.ask("SELECT id, sealed FROM pharmacy", &[]).await?;
        let house = self.inner.keys.name(&KeyOwner::House);
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.try_get("id")?;
            let place = Place { table: "pharmacy", column: "sealed", row: &id, owner: &house };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let damaged = |_| StoreError::Damaged("pharmacy.sealed".into());
            all.push(serde_json::from_slice::<Pharmacy>(&plain).map_err(damaged)?);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }
}
