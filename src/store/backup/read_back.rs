//! Reading what was restored: opens every sealed row of somebody, and lets nothing of it out.

use sqlx::Row as _;

use super::super::{
    Place, Store,
    error::StoreError,
    keys::{KeyError, KeyOwner},
};
use crate::policy::{Event, JournalEntry, PersonId};

/// What became of somebody's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBack {
    /// So many rows, and each of them opened.
    Opened(usize),
    /// So many rows, and none of them can be opened: the key was destroyed.
    Gone(usize),
}

/// The rows under a person's key: the table and its column as the value was sealed with, how the row is named, and which rows have
/// something to open.
macro_rules! sealed {
    ($(($table:literal, $column:literal, $name:literal, $which:literal)),+ $(,)?) => {
        const ROWS: &str = concat!(
            "SELECT '' AS place, '' AS col, owner AS name, sealed FROM chart WHERE owner <> owner"
            $(, " UNION ALL SELECT '", $table, "', '", $column, "', ", $name, ", ", $column, " FROM ", $table,
                " WHERE owner = $1", $which)+
        );
        /// The names as the rows were sealed with.
        const NAMES: &[(&str, &str)] = &[$(($table, $column)),+];
    };
}

sealed![
    ("person", "consent", "id", ""),
    ("chart", "sealed", "kind", ""),
    ("consent", "sealed", "id", ""),
    ("request", "sealed", "id", ""),
    ("call_said", "sealed", "id", ""),
    ("call_reply", "sealed", "id", ""),
    ("for_clinician", "words", "request", " AND words IS NOT NULL"),
    ("credential", "sealed", "id", ""),
    ("subject", "sealed", "id", ""),
    ("source", "sealed", "id", ""),
    ("watch", "sealed", "id", ""),
    ("mailbox", "sealed", "'mailbox'", ""),
    ("glass", "sealed", "id", ""),
    ("pattern", "sealed", "id", ""),
    ("connection", "sealed", "id", ""),
    ("connected", "sealed", "connection || ' ' || part", ""),
    ("visit", "sealed", "id", ""),
    ("waitlist", "sealed", "id", ""),
    ("reading", "sealed", "id", ""),
    ("contact", "sealed", "id", ""),
    ("renewal", "sealed", "id", ""),
    ("outbox", "sealed", "id", " AND state <> 'delivered'"),
    ("quiet", "sealed", "'quiet'", ""),
    ("notice", "sealed", "id", ""),
    ("taken", "sealed", "id", ""),
    ("reminder", "sealed", "id", ""),
    ("chosen_pharmacy", "sealed", "owner", ""),
    ("session", "sealed", "id", ""),
    ("turn", "sealed", "id", " AND body <> ''"),
];

impl Store {
    /// People drawn at random.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn some_people(&self, at_most: u32) -> Result<Vec<PersonId>, StoreError> {
        let some = "SELECT id FROM person ORDER BY RANDOM() LIMIT $1";
        let rows = self.inner.database.ask(some, &[i64::from(at_most).into()]).await?;
        rows.iter().map(|row| super::super::people::person_id(&row.try_get::<String, _>("id")?)).collect()
    }

    /// Opens every sealed row of somebody and forgets what was in it. `trail` is the running installation, in whose audit
    /// chain it stands first that this person's data is read, by whom and what for.
    ///
    /// # Errors
    /// When a row does not open although its key is there, or the database, the key store or the trail fails.
    pub async fn read_back(
        &self,
        person: &PersonId,
        trail: &Self,
        by: &str,
        at: jiff::Timestamp,
    ) -> Result<ReadBack, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let rows = self.inner.database.ask(ROWS, &[owner.as_str().into()]).await?;
        let key = match self.inner.keys.named(&owner) {
            Ok(key) => key,
            Err(KeyError::Gone) => return Ok(ReadBack::Gone(rows.len())),
            Err(error) => return Err(error.into()),
        };
        let entry = JournalEntry {
            event: Event::Backup,
            subject: Some(person.clone()),
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some("read-in-drill"),
            at,
        };
        let draft = trail.draft(&entry, Some(by))?;
        trail.inner.writer.submit(vec![], vec![draft]).await.map_err(StoreError::from)?;
        for row in &rows {
            let (table, column): (String, String) = (row.try_get("place")?, row.try_get("col")?);
            let (name, sealed): (String, Vec<u8>) = (row.try_get("name")?, row.try_get("sealed")?);
            let (table, column) = known(&table, &column)?;
            // What a hold keeps is set aside under another name, and sealed under its own.
            let place = Place { table, column, row: name.strip_prefix("held ").unwrap_or(&name), owner: &owner };
            key.open(place, &sealed).map_err(|_| StoreError::Damaged(format!("{table}.{column}")))?;
        }
        Ok(ReadBack::Opened(rows.len()))
    }
}

fn known(table: &str, column: &str) -> Result<(&'static str, &'static str), StoreError> {
    let names = NAMES.iter().copied().find(|names| *names == (table, column));
    names.ok_or_else(|| StoreError::Damaged(format!("{table}.{column}")))
}
