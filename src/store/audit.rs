//! The audit chain: who opened whose data, when, for what, and how it ended.
//!
//! Invariants: rows are only ever added; each row's hash (SHA-256) covers all of the row and the hash before
//! it, so a flipped byte, a missing or a moved row shows, and needs no key to be shown; what tells about a
//! person is sealed under that person's key. What the chain alone cannot show is a cut-off end: for that,
//! note the head now and then and verify against it.

use std::{io::Write, sync::Arc};

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Store,
    database::{Database, Statement},
    error::StoreError,
    keys::KeyOwner,
    seal::{DataKey, Entropy, Place, SealError},
};
use crate::policy::{EntryId, Journal, JournalEntry, JournalError};

impl Journal for Store {
    async fn append(&self, entry: JournalEntry) -> Result<EntryId, JournalError> {
        self.journal(&entry, None).await.map_err(|error| JournalError(error.to_string()))
    }
}

impl Store {
    async fn journal(&self, entry: &JournalEntry, by: Option<&str>) -> Result<EntryId, StoreError> {
        let draft = self.draft(entry, by)?;
        let ids = self.inner.writer.submit(vec![], vec![draft]).await?;
        ids.first().copied().ok_or(StoreError::Closed)
    }

    /// An audit row that only misses its place in the chain. `by` names staff.
    pub(super) fn draft(&self, entry: &JournalEntry, by: Option<&str>) -> Result<Draft, StoreError> {
        self.draft_about(entry, by, None)
    }

    /// As [`Self::draft`]; `about_key` names a key that the row is about. Such a row is the organization's, since it has to
    /// stay readable when that key is gone.
    pub(super) fn draft_about(
        &self,
        entry: &JournalEntry,
        by: Option<&str>,
        about_key: Option<&str>,
    ) -> Result<Draft, StoreError> {
        let owner = entry.subject.clone().map_or(KeyOwner::House, KeyOwner::Person);
        let (owner, key) = self.inner.keys.key(&owner)?;
        let details = Details {
            subject: entry.subject.as_ref().map(|id| id.as_str()),
            actor: entry.actor.as_ref().map(|id| id.as_str()),
            by,
            key: about_key,
            intent: entry.intent.as_deref(),
            session: entry.session.as_ref().map(|id| id.as_str()),
            turn: entry.turn.as_ref().map(|id| id.as_str()),
        };
        Ok(Draft {
            at: entry.at.as_microsecond(),
            event: entry.event.name(),
            channel: entry.channel,
            closes: entry.closes.map(|entry| entry.0),
            outcome: entry.outcome,
            owner,
            key,
            details: Zeroizing::new(serde_json::to_vec(&details).unwrap_or_default()),
        })
    }

    /// Recomputes the whole chain and finds the first entry that does not fit.
    ///
    /// # Errors
    /// When the database cannot be read. A broken chain is not an error but the report's finding.
    pub async fn audit_verify(&self) -> Result<AuditReport, StoreError> {
        verify(&self.inner.database, None).await
    }

    /// Writes one JSON object a line for each entry: everything but what is sealed.
    ///
    /// # Errors
    /// When the database cannot be read or the lines cannot be written.
    pub async fn audit_export(&self, to: &mut (impl Write + Send)) -> Result<i64, StoreError> {
        export(&self.inner.database, to).await
    }
}

/// Reading the chain without any key, and without changing anything.
pub struct AuditReader(Database);

impl AuditReader {
    /// Opens a database (a path or a `postgres://` address) for reading.
    ///
    /// # Errors
    /// When it cannot be reached, or holds no chain.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let database = Database::reach(url, true).await?;
        if !database.has_tables().await? {
            return Err(StoreError::Unreachable("it holds no audit chain".into()));
        }
        Ok(Self(database))
    }

    /// As [`Store::audit_verify`]. With `expect_head`, the hash of a head noted before must still be in the
    /// chain: where it is not, entries were cut off, or the chain was made anew.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn verify(&self, expect_head: Option<[u8; 32]>) -> Result<AuditReport, StoreError> {
        verify(&self.0, expect_head).await
    }

    /// As [`Store::audit_export`].
    ///
    /// # Errors
    /// When the database cannot be read or the lines cannot be written.
    pub async fn export(&self, to: &mut (impl Write + Send)) -> Result<i64, StoreError> {
        export(&self.0, to).await
    }
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Entries that fit.
    pub entries: i64,
    /// The hash of the last of them, in hexadecimal digits; note it to find out later that the end was cut off.
    pub head: String,
    /// The first entry that does not fit.
    pub broken: Option<Broken>,
    /// Whether the expected head was found; `None` where none was given.
    pub expected_head_found: Option<bool>,
}

impl AuditReport {
    /// Whether the chain is whole, and holds the expected head if one was given.
    #[must_use]
    pub const fn whole(&self) -> bool {
        self.broken.is_none() && !matches!(self.expected_head_found, Some(false))
    }
}

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The number of the entry that does not fit.
    pub entry: i64,
    /// How.
    pub how: Break,
}

/// How a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// The entry is not there although a later one is.
    Missing,
    /// The entry's contents or its place do not match its hash.
    Changed,
}

/// An audit row before it has its place in the chain.
pub(super) struct Draft {
    at: i64,
    event: &'static str,
    channel: &'static str,
    closes: Option<i64>,
    outcome: Option<&'static str>,
    owner: String,
    key: Arc<DataKey>,
    details: Zeroizing<Vec<u8>>,
}

#[derive(Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<&'a str>,
}

/// The end of the chain.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub seq: i64,
    pub hash: [u8; 32],
}

impl Head {
    pub const START: Self = Self { seq: 0, hash: [0; 32] };
    pub const QUERY: &'static str = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";

    pub fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let hash: Vec<u8> = row.try_get("hash")?;
        let hash = hash.try_into().map_err(|_| StoreError::Damaged("audit.hash".into()))?;
        Ok(Self { seq: row.try_get("seq")?, hash })
    }
}

impl Draft {
    /// The row in its place after `head`, and the head it makes.
    pub fn chained(&self, head: Head, entropy: &Entropy) -> Result<(Statement, Head), SealError> {
        let seq = head.seq + 1;
        let row_name = seq.to_string();
        let place = Place { table: "audit", column: "sealed", row: &row_name, owner: &self.owner };
        let sealed = self.key.seal(place, &self.details, entropy)?;
        let row = ChainRow {
            seq,
            at: self.at,
            event: self.event,
            channel: self.channel,
            closes: self.closes,
            outcome: self.outcome,
            owner: &self.owner,
            sealed: &sealed,
        };
        let hash = row.hash(&head.hash);
        let statement = Statement::new(
            "INSERT INTO audit (seq, at, event, channel, closes, outcome, owner, sealed, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                seq.into(),
                self.at.into(),
                self.event.into(),
                self.channel.into(),
                self.closes.into(),
                self.outcome.map(str::to_owned).into(),
                self.owner.as_str().into(),
                sealed.into(),
                hash.to_vec().into(),
            ],
        );
        Ok((statement, Head { seq, hash }))
    }
}

/// A row as the hash sees it.
struct ChainRow<'a> {
    seq: i64,
    at: i64,
    event: &'a str,
    channel: &'a str,
    closes: Option<i64>,
    outcome: Option<&'a str>,
    owner: &'a str,
    sealed: &'a [u8],
}

impl ChainRow<'_> {
    /// Every part with its length or a mark of its absence before it, so that no two rows are told alike.
    fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
        fn part(hash: &mut Sha256, bytes: &[u8]) {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        let mut hash = Sha256::new();
        part(&mut hash, b"wellspoken audit 1");
        part(&mut hash, before);
        part(&mut hash, &self.seq.to_be_bytes());
        part(&mut hash, &self.at.to_be_bytes());
        part(&mut hash, self.event.as_bytes());
        part(&mut hash, self.channel.as_bytes());
        part(&mut hash, &self.closes.map_or(vec![], |n| n.to_be_bytes().to_vec()));
        hash.update([u8::from(self.outcome.is_some())]);
        part(&mut hash, self.outcome.unwrap_or_default().as_bytes());
        part(&mut hash, self.owner.as_bytes());
        part(&mut hash, self.sealed);
        hash.finalize().into()
    }
}

async fn verify(database: &Database, expect_head: Option<[u8; 32]>) -> Result<AuditReport, StoreError> {
    let mut head = Head::START;
    let mut found = expect_head.map(|expected| expected == head.hash);
    let mut broken = None;
    'chain: loop {
        let rows = page(database, if head.seq == 0 { i64::MIN } else { head.seq }).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let seq: i64 = row.try_get("seq")?;
            // A column of another type or not text is a changed entry, not a reason to stop without naming it.
            match checked(&row, seq, &head).unwrap_or(None) {
                Some(hash) if seq == head.seq + 1 => head = Head { seq, hash },
                _ => {
                    let missing = seq > head.seq + 1;
                    let entry = if missing { head.seq + 1 } else { seq };
                    broken = Some(Broken { entry, how: if missing { Break::Missing } else { Break::Changed } });
                    break 'chain;
                }
            }
            if expect_head == Some(head.hash) {
                found = Some(true);
            }
        }
    }
    Ok(AuditReport { entries: head.seq, head: hex::encode(head.hash), broken, expected_head_found: found })
}

/// The next thousand rows of the chain.
async fn page(database: &Database, after: i64) -> Result<Vec<AnyRow>, StoreError> {
    let next = "SELECT seq, at, event, channel, closes, outcome, owner, sealed, hash FROM audit \
        WHERE seq > $1 ORDER BY seq LIMIT 1000";
    database.ask(next, &[after.into()]).await
}

/// The row's hash, if it is what the row and the head say it must be.
fn checked(row: &AnyRow, seq: i64, head: &Head) -> Result<Option<[u8; 32]>, sqlx::Error> {
    let (event, channel, owner): (String, String, String) =
        (row.try_get("event")?, row.try_get("channel")?, row.try_get("owner")?);
    let (outcome, sealed, told): (Option<String>, Vec<u8>, Vec<u8>) =
        (row.try_get("outcome")?, row.try_get("sealed")?, row.try_get("hash")?);
    let hash = ChainRow {
        seq,
        at: row.try_get("at")?,
        event: &event,
        channel: &channel,
        closes: row.try_get("closes")?,
        outcome: outcome.as_deref(),
        owner: &owner,
        sealed: &sealed,
    }
    .hash(&head.hash);
    Ok((told == hash).then_some(hash))
}

async fn export(database: &Database, to: &mut (impl Write + Send)) -> Result<i64, StoreError> {
    #[derive(Serialize)]
    struct Line {
        entry: i64,
        at: Option<jiff::Timestamp>,
        event: String,
        channel: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        closes: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        hash: String,
    }
    let mut count = 0;
    let mut last = i64::MIN;
    loop {
        let rows = page(database, last).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            last = row.try_get("seq")?;
            let hash: Vec<u8> = row.try_get("hash")?;
            let line = Line {
                entry: last,
                at: jiff::Timestamp::from_microsecond(row.try_get("at")?).ok(),
                event: row.try_get("event")?,
                channel: row.try_get("channel")?,
                closes: row.try_get("closes")?,
                outcome: row.try_get("outcome")?,
                hash: hex::encode(hash),
            };
            let text = serde_json::to_string(&line).unwrap_or_default();
            writeln!(to, "{text}").map_err(|e| StoreError::Refused(format!("the lines could not be written: {e}")))?;
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_covers_every_column_and_the_hash_before() {
        fn row(owner: &str) -> ChainRow<'_> {
            ChainRow {
                seq: 5,
                at: 7,
                event: "opened",
                channel: "room",
                closes: None,
                outcome: None,
                owner,
                sealed: b"sealed",
            }
        }
        let plain = row("o").hash(&[0; 32]);
        let others = [
            row("o").hash(&[1; 32]),
            row("p").hash(&[0; 32]),
            ChainRow { seq: 6, ..row("o") }.hash(&[0; 32]),
            ChainRow { at: 8, ..row("o") }.hash(&[0; 32]),
            ChainRow { event: "closed", ..row("o") }.hash(&[0; 32]),
            ChainRow { channel: "chat", ..row("o") }.hash(&[0; 32]),
            ChainRow { closes: Some(0), ..row("o") }.hash(&[0; 32]),
            ChainRow { outcome: Some(""), ..row("o") }.hash(&[0; 32]),
            ChainRow { sealed: b"sealee", ..row("o") }.hash(&[0; 32]),
            ChainRow { event: "openedr", channel: "oom", ..row("o") }.hash(&[0; 32]),
        ];
        for (n, other) in others.iter().enumerate() {
            assert_ne!(&plain, other, "{n}");
        }
        assert_eq!(plain, row("o").hash(&[0; 32]));
    }
}
