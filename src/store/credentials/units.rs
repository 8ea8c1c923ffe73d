//! Units of a platform's skill (a hospital room, a flat) that stand for a room here.
//!
//! Invariant: a unit's name is public, so it must never work as a token. Its credential is named by a hash of another
//! purpose than a token's; no token has that name.

use jiff::Timestamp;

use super::{super::Store, super::StoreError, Grant};
use crate::policy::{Caller, CredentialId};

impl Store {
    /// Registers a unit of a skill; audited.
    ///
    /// # Errors
    /// When the unit is registered already, or the database or a key fails.
    pub async fn register_unit(
        &self,
        grant: &Grant,
        skill: &str,
        unit: &str,
        at: Timestamp,
    ) -> Result<CredentialId, StoreError> {
        self.admit(self.unit_id(skill, unit)?, grant, at).await
    }

    /// Who speaks from a unit; `None` where it is not registered, or not any more.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn unit(&self, skill: &str, unit: &str, at: Timestamp) -> Result<Option<Caller>, StoreError> {
        self.caller(self.unit_id(skill, unit)?, true, at).await
    }

    fn unit_id(&self, skill: &str, unit: &str) -> Result<CredentialId, StoreError> {
        let hash = self.inner.keys.root().hash("credential of a unit", &[skill.as_bytes(), unit.as_bytes()]);
        CredentialId::parse(&hash).map_err(|_| StoreError::Damaged("credential".into()))
    }
}
