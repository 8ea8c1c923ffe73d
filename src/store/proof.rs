//! What came of checking the promises, so that whoever asks is told of the last check and not of a hope.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;

use super::{Store, error::StoreError, job::Step};
use crate::policy::{Event, JournalEntry};

/// One check of all promises. Counts, and nothing about anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// When.
    pub at: Timestamp,
    /// Promises there are.
    pub checks: u32,
    /// Of those, how many did not hold.
    pub broken: u32,
    /// Of those, how many could not be looked at.
    pub unchecked: u32,
}

impl Store {
    /// Keeps what came of a check; audited with who made it.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn record_check(&self, checked: Checked, by: &str) -> Result<(), StoreError> {
        let step = Step::new(
            "INSERT INTO evidence (id, at, checks, broken, unchecked) VALUES ($1, $2, $3, $4, $5)",
            vec![
                hex::encode(self.random::<8>()?).into(),
                checked.at.as_microsecond().into(),
                i64::from(checked.checks).into(),
                i64::from(checked.broken).into(),
                i64::from(checked.unchecked).into(),
            ],
        );
        let entry = JournalEntry {
            event: Event::Checked,
            subject: None,
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some(if checked.broken == 0 { "held" } else { "broken" }),
            at: checked.at,
        };
        let draft = self.draft(&entry, Some(by))?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// The last check; `None` where none was recorded yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checked(&self) -> Result<Option<Checked>, StoreError> {
        let last = "SELECT at, checks, broken, unchecked FROM evidence ORDER BY at DESC, id DESC LIMIT 1";
        let Some(row) = self.inner.database.ask_one(last, &[]).await? else { return Ok(None) };
        let count = |column: &'static str| -> Result<u32, StoreError> {
            u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Damaged(format!("evidence.{column}")))
        };
        let at = Timestamp::from_microsecond(row.try_get("at")?);
        Ok(Some(Checked {
            at: at.map_err(|_| StoreError::Damaged("evidence.at".into()))?,
            checks: count("checks")?,
            broken: count("broken")?,
            unchecked: count("unchecked")?,
        }))
    }
}
