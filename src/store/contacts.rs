//! Whom people may have called.
//!
//! Invariants: all of somebody's list is one commit; name, relation and number are sealed under the person's key and come out
//! only as [`Phi`]; nothing goes while a legal hold is on it.

use jiff::Timestamp;
use sqlx::Row as _;
use zeroize::Zeroizing;

use super::{Place, Store, error::StoreError, job::Step, keys::KeyOwner};
use crate::{
    policy::{PersonId, Phi},
    records::Contact,
};

impl Store {
    /// Whom a person may have called, in the order of their list.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn contacts(&self, person: &PersonId) -> Result<Phi<Vec<Contact>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let kept = "SELECT id, sealed FROM contact WHERE owner = $1 ORDER BY id";
        let mut all = Vec::new();
        for row in self.inner.database.ask(kept, &[owner.as_str().into()]).await? {
            let id: String = row.try_get("id")?;
            let place = Place { table: "contact", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let contact = serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("contact.sealed".into()))?;
            all.push(contact);
        }
        Ok(Phi::new(person.clone(), all))
    }

    /// Replaces a person's list; audited.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`]; under a legal hold; or when the database or a key fails. Then nothing was changed.
    pub async fn set_contacts(
        &self,
        person: &PersonId,
        contacts: &[Contact],
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.person_exists(person).await? {
            return Err(StoreError::UnknownPerson);
        }
        let owner = KeyOwner::Person(person.clone());
        let name = self.inner.keys.name(&owner);
        let gone = Step::new("DELETE FROM contact WHERE owner = $1", vec![name.as_str().into()]);
        let mut steps = vec![self.unless_held(person), gone];
        let list = self.change_id(at)?;
        for (n, contact) in contacts.iter().enumerate() {
            let id = format!("{list}-{n:03}");
            let plain = Zeroizing::new(serde_json::to_vec(contact).unwrap_or_default());
            let (name, sealed) = self.seal(&owner, "contact", "sealed", &id, &plain)?;
            steps.push(Step::new(
                "INSERT INTO contact (id, since, owner, sealed) VALUES ($1, $2, $3, $4)",
                vec![id.into(), at.as_microsecond().into(), name.into(), sealed.into()],
            ));
        }
        self.by_staff(steps, Some(person), "contacts", by, at).await
    }
}
