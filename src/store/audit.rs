//! The audit chain: who opened whose data, when, for what, and how it ended.
//!
//! Invariants: rows are only ever added; each row's hash (SHA-256) covers all of the row and the hash before
//! it, so a flipped byte, a missing or a moved row shows, and needs no key to be shown; what tells about a
//! person is sealed under that person's key. Every thousand rows, at an export and when the program ends, the
//! head of the chain is signed. What neither shows is an end that was cut off together with its signatures: for
//! that, keep exports elsewhere, or note the head now and then.
//!
//! Where to look: `chain` the hashes and their verification, `sign` the signatures, `export` and `fhir` what leaves,
//! `offline` who checks it, `review` who looked at too many.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Store,
    database::Statement,
    error::StoreError,
    keys::{KeyError, KeyOwner},
    seal::{DataKey, Entropy, Place, SealError},
};
use crate::policy::{EntryId, Journal, JournalEntry, JournalError};

mod about;
mod chain;
mod export;
mod fhir;
mod offline;
mod review;
mod search;
mod sign;
mod tamper;

pub use about::Access;
pub use chain::{AuditReader, AuditReport, Break, Broken};
pub use export::{ExportOptions, Exported};
pub use offline::{ExportReport, Misfit, verify_export};
pub use review::{Finding, Review, ReviewRule};
pub use search::{TrailPage, TrailQuery, TrailRow};
pub use sign::{BadPublicKey, PublicKey};
pub use tamper::copy_with_entry_changed;

pub(super) use sign::Signer;

use chain::{ChainRow, Entry};

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
        chain::verify(&self.inner.database, None, None).await
    }

    /// The key that exports and checkpoints verify with.
    #[must_use]
    pub fn audit_public_key(&self) -> PublicKey {
        self.inner.writer.signer().public()
    }

    /// What is sealed of an entry; `None` where the key was destroyed.
    fn told(&self, entry: &Entry) -> Result<Option<Told>, StoreError> {
        let row = entry.seq.to_string();
        let place = Place { table: "audit", column: "sealed", row: &row, owner: &entry.owner };
        match self.unseal(place, &entry.sealed) {
            Ok(plain) => {
                Ok(Some(serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("audit.sealed".into()))?))
            }
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }
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

/// As [`Details`], read back.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    subject: Option<String>,
    actor: Option<String>,
    by: Option<String>,
    key: Option<String>,
    intent: Option<String>,
    session: Option<String>,
    turn: Option<String>,
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
