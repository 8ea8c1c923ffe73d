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

/// Everything under somebody's key: its table, its column, its row's name. A turn whose words were deleted has nothing to open.
const ROWS: &str = "\
SELECT 'person' AS place, 'consent' AS col, id AS name, consent AS sealed FROM person WHERE owner = $1 \
UNION ALL SELECT 'chart', 'sealed', kind, sealed FROM chart WHERE owner = $1 \
UNION ALL SELECT 'consent', 'sealed', id, sealed FROM consent WHERE owner = $1 \
UNION ALL SELECT 'request', 'sealed', id, sealed FROM request WHERE owner = $1 \
UNION ALL SELECT 'call_said', 'sealed', id, sealed FROM call_said WHERE owner = $1 \
UNION ALL SELECT 'call_reply', 'sealed', id, sealed FROM call_reply WHERE owner = $1 \
UNION ALL SELECT 'for_clinician', 'words', request, words FROM for_clinician WHERE owner = $1 AND words IS NOT NULL \
UNION ALL SELECT 'credential', 'sealed', id, sealed FROM credential WHERE owner = $1 \
UNION ALL SELECT 'subject', 'sealed', id, sealed FROM subject WHERE owner = $1 \
UNION ALL SELECT 'source', 'sealed', id, sealed FROM source WHERE owner = $1 \
UNION ALL SELECT 'watch', 'sealed', id, sealed FROM watch WHERE owner = $1 \
UNION ALL SELECT 'mailbox', 'sealed', 'mailbox', sealed FROM mailbox WHERE owner = $1 \
UNION ALL SELECT 'glass', 'sealed', id, sealed FROM glass WHERE owner = $1 \
UNION ALL SELECT 'pattern', 'sealed', id, sealed FROM pattern WHERE owner = $1 \
UNION ALL SELECT 'connection', 'sealed', id, sealed FROM connection WHERE owner = $1 \
UNION ALL SELECT 'connected', 'sealed', connection || ' ' || part, sealed FROM connected WHERE owner = $1 \
UNION ALL SELECT 'visit', 'sealed', id, sealed FROM visit WHERE owner = $1 \
UNION ALL SELECT 'waitlist', 'sealed', id, sealed FROM waitlist WHERE owner = $1 \
UNION ALL SELECT 'reading', 'sealed', id, sealed FROM reading WHERE owner = $1 \
UNION ALL SELECT 'contact', 'sealed', id, sealed FROM contact WHERE owner = $1 \
UNION ALL SELECT 'renewal', 'sealed', id, sealed FROM renewal WHERE owner = $1 \
UNION ALL SELECT 'outbox', 'sealed', id, sealed FROM outbox WHERE owner = $1 AND state <> 'delivered' \
UNION ALL SELECT 'quiet', 'sealed', 'quiet', sealed FROM quiet WHERE owner = $1 \
UNION ALL SELECT 'notice', 'sealed', id, sealed FROM notice WHERE owner = $1 \
UNION ALL SELECT 'taken', 'sealed', id, sealed FROM taken WHERE owner = $1 \
UNION ALL SELECT 'reminder', 'sealed', id, sealed FROM reminder WHERE owner = $1 \
UNION ALL SELECT 'chosen_pharmacy', 'sealed', owner, sealed FROM chosen_pharmacy WHERE owner = $1 \
UNION ALL SELECT 'session', 'sealed', id, sealed FROM session WHERE owner = $1 \
UNION ALL SELECT 'turn', 'sealed', id, sealed FROM turn WHERE owner = $1 AND body <> ''";

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
            let (table, column) = known(&table, &column);
            // What a hold keeps is set aside under another name, and sealed under its own.
            let place = Place { table, column, row: name.strip_prefix("held ").unwrap_or(&name), owner: &owner };
            key.open(place, &sealed).map_err(|_| StoreError::Damaged(format!("{table}.{column}")))?;
        }
        Ok(ReadBack::Opened(rows.len()))
    }
}

/// The names as the rows were sealed with.
const TABLES: &[&str] = &[
    "person",
    "chart",
    "connection",
    "connected",
    "consent",
    "request",
    "credential",
    "subject",
    "source",
    "watch",
    "mailbox",
    "glass",
    "pattern",
    "visit",
    "waitlist",
    "reading",
    "contact",
    "renewal",
    "outbox",
    "notice",
    "taken",
    "reminder",
    "chosen_pharmacy",
    "session",
    "turn",
];

fn known(table: &str, column: &str) -> (&'static str, &'static str) {
    let table = TABLES.iter().copied().find(|known| *known == table);
    (table.unwrap_or("person"), if column == "consent" { "consent" } else { "sealed" })
}
