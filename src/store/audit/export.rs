//! The chain as FHIR AuditEvents, a line each, that whoever has the public key can check without anything else.
//!
//! Invariants: every line ends in a signature over all the bytes before it; the entries of an export follow each
//! other without a gap; the last line says, signed, which they were. So a flipped byte, a swapped, dropped or added
//! line, and a cut-off end are each found, and where. A chain that does not verify is not exported.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::Row as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::{
    super::{Store, error::StoreError},
    Head,
    chain::{Entry, page},
    fhir::{audit_event, export_event},
    sign::Checkpoint,
};
use crate::policy::{Event, JournalEntry};

/// Where the chain's own values stand in an AuditEvent.
pub const ENTRY: &str = "urn:wellspoken:audit:entry";
/// Where the signed head stands.
pub const CHECKPOINT: &str = "urn:wellspoken:audit:checkpoint";
/// Where the last line says what the export holds.
pub const EXPORT: &str = "urn:wellspoken:audit:export";
/// What stands between a line's bytes and its signature, and what ends the line.
pub const BEFORE_SIGNATURE: &str = ",{\"url\":\"urn:wellspoken:audit:signature\",\"valueBase64Binary\":\"";
/// See [`BEFORE_SIGNATURE`].
pub const AFTER_SIGNATURE: &str = "\"}]}";
/// The first line of a Bundle.
pub const BUNDLE_BEGINS: &str = "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[";
/// The last line of a Bundle.
pub const BUNDLE_ENDS: &str = "]}";

/// What to export, and for whom.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// From the first entry at or after this time; `None`: from the beginning.
    pub from: Option<Timestamp>,
    /// To the last entry before this time; `None`: to the end.
    pub to: Option<Timestamp>,
    /// One Bundle instead of one resource a line.
    pub bundle: bool,
    /// Who asks; stands in the chain and in the export.
    pub by: String,
    /// The organization's name.
    pub organization: String,
    /// When it is made.
    pub at: Timestamp,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Entries.
    pub entries: i64,
    /// Of those, entries whose details are gone with their key.
    pub unreadable: i64,
}

impl Store {
    /// Writes the chain as signed FHIR AuditEvents. That it was asked for is in the chain first.
    ///
    /// # Errors
    /// When the chain does not verify, or the database, a key or the writing fails.
    pub async fn audit_export(
        &self,
        options: &ExportOptions,
        to: &mut (impl AsyncWrite + Unpin + Send),
    ) -> Result<Exported, StoreError> {
        self.note_reading("exported", &options.by, options.at).await?;
        self.inner.writer.checkpoint().await?;
        let (mut head, last) = self.range(options).await?;
        let start = head;
        let checkpoints: BTreeMap<i64, Checkpoint> =
            Checkpoint::all(&self.inner.database).await?.into_iter().map(|c| (c.head.seq, c)).collect();
        let public = self.audit_public_key();
        let mut lines = Lines { store: self, to, bundle: options.bundle, any: false };
        lines.begin().await?;
        let mut unreadable = 0;
        'chain: while head.seq < last {
            let rows = page(&self.inner.database, head.seq).await?;
            if rows.is_empty() {
                return Err(StoreError::Chain(head.seq + 1));
            }
            for row in rows {
                let broken = StoreError::Chain(head.seq + 1);
                let Some(entry) = Entry::read(&row).ok() else { return Err(broken) };
                let Some(next) = entry.after(&head) else { return Err(broken) };
                let checkpoint = checkpoints.get(&entry.seq);
                if checkpoint.is_some_and(|c| !c.fits(&next, Some(&public))) {
                    return Err(StoreError::Chain(entry.seq));
                }
                let told = self.told(&entry)?;
                unreadable += i64::from(told.is_none());
                let event = audit_event(&entry, told.as_ref(), &options.organization);
                let extensions = entry_extensions(&entry, &head, checkpoint);
                lines.line(&format!("entry-{}", entry.seq), &event, &extensions).await?;
                head = next;
                if head.seq >= last {
                    break 'chain;
                }
            }
        }
        let entries = head.seq - start.seq;
        let event = export_event(options.at, &options.by, &options.organization);
        lines.line("export", &event, &[export_extension(&start, &head, options)]).await?;
        lines.end().await?;
        Ok(Exported { entries, unreadable })
    }

    /// The head before the first entry, and the number of the last.
    async fn range(&self, options: &ExportOptions) -> Result<(Head, i64), StoreError> {
        let database = &self.inner.database;
        let limit = |at: Option<Timestamp>, none: i64| at.map_or(none, Timestamp::as_microsecond);
        let first = "SELECT COALESCE(MIN(seq), 0) AS seq FROM audit WHERE at >= $1";
        let last = "SELECT COALESCE(MAX(seq), 0) AS seq FROM audit WHERE at < $1";
        let first = database.ask_one(first, &[limit(options.from, i64::MIN).into()]).await?;
        let last = database.ask_one(last, &[limit(options.to, i64::MAX).into()]).await?;
        let number = |row: Option<sqlx::any::AnyRow>| row.map_or(Ok(0), |row| row.try_get::<i64, _>("seq"));
        let (first, last) = (number(first)?, number(last)?);
        if first <= 1 {
            return Ok((Head::START, if first == 0 { 0 } else { last }));
        }
        let before = "SELECT seq, hash FROM audit WHERE seq = $1";
        let row = database.ask_one(before, &[(first - 1).into()]).await?.ok_or(StoreError::Chain(first - 1))?;
        let head = Head::read(&row)?;
        Ok((head, last.max(head.seq)))
    }

    /// That somebody reads the trail by name is in the trail.
    pub(super) async fn note_reading(&self, outcome: &'static str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let entry = JournalEntry {
            event: Event::AuditRead,
            subject: None,
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some(outcome),
            at,
        };
        self.journal(&entry, Some(by)).await.map(|_| ())
    }
}

fn text(url: &str, value: impl ToString) -> Value {
    json!({ "url": url, "valueString": value.to_string() })
}

fn entry_extensions(entry: &Entry, before: &Head, checkpoint: Option<&Checkpoint>) -> Vec<Value> {
    let mut parts = vec![
        text("sequence", entry.seq),
        text("previous", hex::encode(before.hash)),
        text("at", entry.at),
        text("event", &entry.event),
        text("channel", &entry.channel),
    ];
    parts.extend(entry.closes.map(|closes| text("closes", closes)));
    parts.extend(entry.outcome.as_ref().map(|outcome| text("outcome", outcome)));
    parts.push(text("owner", &entry.owner));
    parts.push(json!({ "url": "sealed", "valueBase64Binary": STANDARD.encode(&entry.sealed) }));
    parts.push(text("hash", hex::encode(&entry.hash)));
    let mut extensions = vec![json!({ "url": ENTRY, "extension": parts })];
    extensions.extend(checkpoint.map(|checkpoint| {
        json!({ "url": CHECKPOINT, "extension": [
            text("signer", &checkpoint.signer),
            { "url": "signature", "valueBase64Binary": STANDARD.encode(&checkpoint.signature) },
        ] })
    }));
    extensions
}

fn export_extension(start: &Head, end: &Head, options: &ExportOptions) -> Value {
    let mut parts = vec![
        text("before", start.seq),
        text("last", end.seq),
        text("previous", hex::encode(start.hash)),
        text("hash", hex::encode(end.hash)),
    ];
    parts.extend(options.from.map(|from| text("from", from)));
    parts.extend(options.to.map(|to| text("to", to)));
    json!({ "url": EXPORT, "extension": parts })
}

/// Signed lines, as they are or as entries of a Bundle.
struct Lines<'a, W> {
    store: &'a Store,
    to: &'a mut W,
    bundle: bool,
    any: bool,
}

impl<W: AsyncWrite + Unpin> Lines<'_, W> {
    async fn begin(&mut self) -> Result<(), StoreError> {
        if self.bundle { self.write(&format!("{BUNDLE_BEGINS}\n")).await } else { Ok(()) }
    }

    async fn line(&mut self, id: &str, event: &Value, extensions: &[Value]) -> Result<(), StoreError> {
        let event = event.to_string();
        let extensions: Vec<String> = extensions.iter().map(Value::to_string).collect();
        // The extensions come last, and the signature last of them, so that what it signs is one piece.
        let signed = format!("{},\"extension\":[{}", event.strip_suffix('}').unwrap_or(&event), extensions.join(","));
        let signature = self.store.inner.writer.signer().sign_line(signed.as_bytes())?;
        let line = format!("{signed}{BEFORE_SIGNATURE}{}{AFTER_SIGNATURE}", STANDARD.encode(signature));
        let line = match (self.bundle, self.any) {
            (false, _) => format!("{line}\n"),
            (true, false) => in_bundle(id, &line),
            (true, true) => format!(",\n{}", in_bundle(id, &line)),
        };
        self.any = true;
        self.write(&line).await
    }

    async fn end(&mut self) -> Result<(), StoreError> {
        if self.bundle {
            self.write(&format!("\n{BUNDLE_ENDS}\n")).await?;
        }
        self.to.flush().await.map_err(unwritten)
    }

    async fn write(&mut self, text: &str) -> Result<(), StoreError> {
        self.to.write_all(text.as_bytes()).await.map_err(unwritten)
    }
}

fn unwritten(error: std::io::Error) -> StoreError {
    StoreError::Refused(format!("the export could not be written: {error}"))
}

/// A line as an entry of a Bundle.
pub fn in_bundle(id: &str, line: &str) -> String {
    format!("{{\"fullUrl\":\"urn:wellspoken:audit:{id}\",\"resource\":{line}}}")
}
