//! What can go wrong with the store, each with what to do about it.
//!
//! Invariant: no message carries a stored value.

use std::path::PathBuf;

use super::{keys::KeyError, seal::SealError};
use crate::records::fhir_bundle::MergeError;

/// Why the store could not do something. The store is unchanged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The master key or a data key.
    #[error("{0}")]
    Key(std::sync::Arc<KeyError>),
    /// No space is left.
    #[error("no space is left for the database. Free some; nothing needs to be restarted")]
    Full,
    /// The disk failed, or a quota is used up.
    #[error(
        "the disk does not take or give data: {0}. Check its free space, quotas and health; nothing needs to be restarted"
    )]
    Disk(String),
    /// Another process holds the database.
    #[error("another process keeps the database locked for more than five seconds. Find it and end it, then try again")]
    Locked,
    /// The database may not be written.
    #[error(
        "the database may not be written. Check the permissions of its file and folder, and that its disk is mounted writable"
    )]
    ReadOnly,
    /// The file or the server cannot be reached.
    #[error("cannot open the database: {0}. Check --data-dir or store.url, and that the server runs")]
    Unreachable(String),
    /// The file is not a database, or was changed from outside.
    #[error("the database is damaged: {0}. Restore it from a backup")]
    Damaged(String),
    /// A newer program made this database.
    #[error("a newer version of this program made the database. Run that version, or restore an older backup")]
    Newer,
    /// The tables could not be made.
    #[error("cannot bring the database's tables up to date: {0}")]
    Migration(String),
    /// Nobody of that id is known.
    #[error("no such person is known. Run: wellspoken import BUNDLE.json")]
    UnknownPerson,
    /// No such renewal or request, or it cannot go to that state from where it is.
    #[error("there is nothing of that id that could go to that state")]
    NotPossible,
    /// What was to be changed was changed by somebody else in between.
    #[error("it was changed in between. Look at what it is now and change that")]
    Outdated,
    /// Two people share what tells people apart.
    #[error("the chart's identifiers belong to two different people already known here. Correct them at the source")]
    TwoPeople,
    /// A number is two people's.
    #[error(
        "the record number is another person's here: {0}. Nothing was changed; correct the number, name or date at the source"
    )]
    AnotherPerson(&'static str),
    /// What comes cannot become one with what is here.
    #[error("{0}")]
    NotMerged(MergeError),
    /// A PIN is not 4 to 12 digits.
    #[error("a PIN must be 4 to 12 digits")]
    BadPin,
    /// A legal hold keeps this person's data.
    #[error("a legal hold keeps this person's data; nothing was deleted. See: wellspoken hold list")]
    Held,
    /// The audit chain does not verify.
    #[error(
        "the audit chain is broken at entry {0}. Run `wellspoken audit verify`, keep the database as it is, and compare it with a backup"
    )]
    Chain(i64),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else the database said.
    #[error("the database refused: {0}")]
    Refused(String),
}

impl From<KeyError> for StoreError {
    fn from(error: KeyError) -> Self {
        Self::Key(std::sync::Arc::new(error))
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        Self::Key(std::sync::Arc::new(KeyError::Seal(error)))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(told) => database_error(told.as_ref()),
            sqlx::Error::Io(e) if e.kind() == std::io::ErrorKind::StorageFull => Self::Full,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::Configuration(_)
            | sqlx::Error::WorkerCrashed => Self::Unreachable(error.to_string()),
            sqlx::Error::PoolClosed => Self::Closed,
            // These name a column or a type, and may quote a value behind it.
            sqlx::Error::ColumnDecode { index, .. } => Self::Damaged(format!("column {index}")),
            sqlx::Error::Decode(_) => Self::Damaged("a column has another type".into()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

fn database_error(told: &(dyn sqlx::error::DatabaseError + 'static)) -> StoreError {
    let code = told.code().unwrap_or_default();
    let message = || told.message().to_owned();
    // PostgreSQL's codes are five characters (SQLSTATE); SQLite's are numbers below 10000 whose low byte is the kind.
    if code.len() == 5 {
        return match &*code {
            "53100" => StoreError::Full,
            "55P03" | "40P01" => StoreError::Locked,
            "25006" | "42501" => StoreError::ReadOnly,
            "57P01" | "57P02" | "57P03" | "3D000" | "28000" | "28P01" | "53300" => StoreError::Unreachable(message()),
            "XX001" | "XX002" => StoreError::Damaged(message()),
            _ => StoreError::Refused(message()),
        };
    }
    match code.parse::<u32>().map_or(1, |n| n & 0xff) {
        13 => StoreError::Full,
        5 | 6 => StoreError::Locked,
        8 | 3 => StoreError::ReadOnly,
        10 => StoreError::Disk(message()),
        14 => StoreError::Unreachable(message()),
        11 | 26 => StoreError::Damaged(message()),
        _ => StoreError::Refused(message()),
    }
}

/// What keeps a database file from being opened.
pub(super) fn cannot_open(path: &std::path::Path, source: &std::io::Error) -> StoreError {
    let path: PathBuf = path.to_owned();
    match source.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        _ => StoreError::Unreachable(format!("{}: {source}", path.display())),
    }
}
