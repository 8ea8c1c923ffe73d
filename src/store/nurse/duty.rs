//! Who is on duty.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;

use super::super::{
    Place, Store,
    error::StoreError,
    job::{Refusal, Step},
    keys::KeyOwner,
    requests::time,
};

/// Somebody's time on duty.
#[derive(Clone, Serialize)]
pub struct DutyRow {
    /// Its identifier.
    pub id: String,
    /// The unit; `house` for the whole house.
    pub unit: String,
    /// For what.
    pub role: String,
    /// Who, as people call them.
    pub who: String,
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Store {
    /// Puts somebody on duty; audited. Gives the identifier.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn put_on_duty(
        &self,
        (unit, role, who): (&str, &'static str, &str),
        (since, until): (Timestamp, Timestamp),
        by: &str,
        at: Timestamp,
    ) -> Result<String, StoreError> {
        let id = self.change_id(at)?;
        let (owner, sealed) = self.seal(&KeyOwner::House, "duty", "sealed", &id, who.as_bytes())?;
        let step = Step::new(
            "INSERT INTO duty (id, unit, role, since, until, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                id.as_str().into(),
                unit.into(),
                role.into(),
                since.as_microsecond().into(),
                until.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        );
        self.by_staff(vec![step], None, "on-duty", by, at).await?;
        Ok(id)
    }

    /// Somebody's time on duty ends now; audited.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where there is no such time that is not over, or when the database fails.
    pub async fn take_off_duty(&self, id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let step = Step::new(
            "UPDATE duty SET until = $2 WHERE id = $1 AND until > $2",
            vec![id.into(), at.as_microsecond().into()],
        );
        self.by_staff(vec![step.or_nothing(Refusal::NotThere)], None, "off-duty", by, at).await
    }

    /// Who is or will be on duty, by unit and role.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn duties(&self, now: Timestamp) -> Result<Vec<DutyRow>, StoreError> {
        let rows = "SELECT id, unit, role, since, until, owner, sealed FROM duty WHERE until > $1 \
            ORDER BY unit, role, since, id";
        let mut duties = vec![];
        for row in self.inner.database.ask(rows, &[now.as_microsecond().into()]).await? {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "duty", column: "sealed", row: &id, owner: &owner };
            let who = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            duties.push(DutyRow {
                unit: row.try_get("unit")?,
                role: row.try_get("role")?,
                who: String::from_utf8_lossy(&who).into_owned(),
                since: time(&row, "since")?,
                until: time(&row, "until")?,
                id,
            });
        }
        Ok(duties)
    }
}
