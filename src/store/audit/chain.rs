//! The hashes, and verifying them without any key.

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{Row, any::AnyRow};
use std::{collections::BTreeMap, io::Write};

use super::{
    super::{database::Database, error::StoreError},
    Head,
    sign::{Checkpoint, PublicKey},
};

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

    /// As [`crate::store::Store::audit_verify`]. With `expect_head`, the hash of a head noted before must still be in the
    /// chain: where it is not, entries were cut off, or the chain was made anew. With `public_key`, what was signed
    /// must have been signed by it; without, by whichever key it names.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn verify(
        &self,
        expect_head: Option<[u8; 32]>,
        public_key: Option<&PublicKey>,
    ) -> Result<AuditReport, StoreError> {
        verify(&self.0, expect_head, public_key).await
    }

    /// Writes one JSON object a line for each entry: everything but what is sealed.
    ///
    /// # Errors
    /// When the database cannot be read or the lines cannot be written.
    pub async fn outline(&self, to: &mut (impl Write + Send)) -> Result<i64, StoreError> {
        outline(&self.0, to).await
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
    /// Signed heads that fit.
    pub checkpoints: i64,
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
    /// The chain up to here is not the one that was signed: some of it was changed and its hashes made anew.
    NotAsSigned,
}

/// A row as the hash sees it.
pub(super) struct ChainRow<'a> {
    pub seq: i64,
    pub at: i64,
    pub event: &'a str,
    pub channel: &'a str,
    pub closes: Option<i64>,
    pub outcome: Option<&'a str>,
    pub owner: &'a str,
    pub sealed: &'a [u8],
}

impl ChainRow<'_> {
    /// Every part with its length or a mark of its absence before it, so that no two rows are told alike.
    pub fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
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

/// A row as it was read.
pub(super) struct Entry {
    pub seq: i64,
    pub at: i64,
    pub event: String,
    pub channel: String,
    pub closes: Option<i64>,
    pub outcome: Option<String>,
    pub owner: String,
    pub sealed: Vec<u8>,
    /// The hash it says it has.
    pub hash: Vec<u8>,
}

impl Entry {
    pub fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            seq: row.try_get("seq")?,
            at: row.try_get("at")?,
            event: row.try_get("event")?,
            channel: row.try_get("channel")?,
            closes: row.try_get("closes")?,
            outcome: row.try_get("outcome")?,
            owner: row.try_get("owner")?,
            sealed: row.try_get("sealed")?,
            hash: row.try_get("hash")?,
        })
    }

    /// The head that it makes after another, if it is what both say it must be.
    pub fn after(&self, head: &Head) -> Option<Head> {
        let hash = ChainRow {
            seq: self.seq,
            at: self.at,
            event: &self.event,
            channel: &self.channel,
            closes: self.closes,
            outcome: self.outcome.as_deref(),
            owner: &self.owner,
            sealed: &self.sealed,
        }
        .hash(&head.hash);
        (self.seq == head.seq + 1 && self.hash == hash).then_some(Head { seq: self.seq, hash })
    }
}

pub(super) async fn verify(
    database: &Database,
    expect_head: Option<[u8; 32]>,
    public_key: Option<&PublicKey>,
) -> Result<AuditReport, StoreError> {
    let mut head = Head::START;
    let mut found = expect_head.map(|expected| expected == head.hash);
    let mut broken = None;
    let checkpoints: BTreeMap<i64, Checkpoint> =
        Checkpoint::all(database).await?.into_iter().map(|checkpoint| (checkpoint.head.seq, checkpoint)).collect();
    let mut signed = 0;
    'chain: loop {
        let rows = page(database, if head.seq == 0 { i64::MIN } else { head.seq }).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let seq: i64 = row.try_get("seq")?;
            // A column of another type or not text is a changed entry, not a reason to stop without naming it.
            match Entry::read(&row).ok().and_then(|entry| entry.after(&head)) {
                Some(next) => head = next,
                None => {
                    let missing = seq > head.seq + 1;
                    let entry = if missing { head.seq + 1 } else { seq };
                    broken = Some(Broken { entry, how: if missing { Break::Missing } else { Break::Changed } });
                    break 'chain;
                }
            }
            if let Some(checkpoint) = checkpoints.get(&seq) {
                if !checkpoint.fits(&head, public_key) {
                    broken = Some(Broken { entry: seq, how: Break::NotAsSigned });
                    break 'chain;
                }
                signed += 1;
            }
            if expect_head == Some(head.hash) {
                found = Some(true);
            }
        }
    }
    // Something was signed that is not there any more.
    if broken.is_none() && checkpoints.last_key_value().is_some_and(|(seq, _)| *seq > head.seq) {
        broken = Some(Broken { entry: head.seq + 1, how: Break::Missing });
    }
    let hex = hex::encode(head.hash);
    Ok(AuditReport { entries: head.seq, head: hex, broken, expected_head_found: found, checkpoints: signed })
}

/// The next thousand rows of the chain.
pub(super) async fn page(database: &Database, after: i64) -> Result<Vec<AnyRow>, StoreError> {
    let next = "SELECT seq, at, event, channel, closes, outcome, owner, sealed, hash FROM audit \
        WHERE seq > $1 ORDER BY seq LIMIT 1000";
    database.ask(next, &[after.into()]).await
}

/// Lines that tell nothing personal.
async fn outline(database: &Database, to: &mut (impl Write + Send)) -> Result<i64, StoreError> {
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
