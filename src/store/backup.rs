//! A copy of the database in one file, made while the program runs, that says what it is and can prove it.
//!
//! Invariants: a backup appears whole or not at all, and never over another file; it holds the state of one moment; its
//! manifest (which installation, up to which audit entry, how many rows, the SHA-256 of all) is signed with the key that
//! signs the audit chain. The key store is deliberately not in it: with it, a destroyed key would come back.
//!
//! Where to look: `manifest` the end of the file, `restore` the way back, `tools` PostgreSQL's own programs, `read_back`
//! what a drill reads.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use super::{
    AuditReader, Store,
    audit::Head,
    database::{Database, Dialect},
    error::StoreError,
};
use crate::policy::{EntryId, Event, JournalEntry};

mod manifest;
mod read_back;
mod restore;
mod tools;

pub use manifest::Manifest;
pub use read_back::ReadBack;
pub use restore::{RestoreOptions, clear_restored, restore};

use manifest::{Unsigned, digest};

/// Why there is no backup, or nothing was restored. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something already.
    #[error("{0} is there already, and nothing is ever written over. Name another place, or move it away")]
    Exists(PathBuf),
    /// No space is left, or a limit on the size of files was reached.
    #[error("there is not enough space for {0}; nothing is left of it. Free some, or choose another disk")]
    Full(PathBuf),
    /// A file could not be read or written.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{0} is no backup made by this program")]
    NotABackup(PathBuf),
    /// The file's end is missing.
    #[error("{0} is cut off: its end is missing. Use another copy")]
    CutOff(PathBuf),
    /// The file is not as it was written.
    #[error("{path} was changed: {what} is not what was signed when it was made. Use another copy")]
    Changed {
        /// The file.
        path: PathBuf,
        /// Which part.
        what: &'static str,
    },
    /// Another installation made it.
    #[error("{0} is of another installation than the keys at hand. Restore the key store that belongs to it first")]
    Foreign(PathBuf),
    /// There are no keys to check it with.
    #[error(
        "there is no key store at {0}. Restore the master key and the key store first, or give --public-key to restore the database alone"
    )]
    NoKeys(PathBuf),
    /// A newer program made it.
    #[error("a newer version of this program made it (tables of version {0}). Restore it with that version")]
    Newer(i64),
    /// It is of the other kind of database.
    #[error("it is a backup of {0}, and another kind of database is configured. See store.url")]
    OtherDatabase(String),
    /// The database to restore into has tables.
    #[error("the database to restore into is not empty. Make an empty one and name it in store.url")]
    NotEmpty,
    /// What was copied is not whole.
    #[error("the copy is not whole: {0}. Run `wellspoken audit verify` on the database it was made of")]
    NotWhole(String),
    /// One of PostgreSQL's programs is missing.
    #[error(
        "`{0}` was not found, and a PostgreSQL database is copied with it. Install PostgreSQL's client programs, or name their folder with --pg-bin"
    )]
    NoTool(&'static str),
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {said}")]
    ToolFailed {
        /// Which.
        program: &'static str,
        /// The first line of what it said.
        said: String,
    },
    /// The database or a key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded => {
                Self::Full(path.to_owned())
            }
            io::ErrorKind::AlreadyExists => Self::Exists(path.to_owned()),
            _ => Self::Io { doing, path: path.to_owned(), source },
        }
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What to back up to, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct BackupOptions<'a> {
    /// The file to make.
    pub to: &'a Path,
    /// Who asks; stands in the audit chain.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
    /// Where PostgreSQL's programs are; `None` looks where systems put them.
    pub tools: Option<&'a Path>,
}

impl Store {
    /// Copies the database into one file while it is in use. That it was done stands in the audit chain, first and after.
    ///
    /// # Errors
    /// When the file is there already, the disk is full, the chain is broken, or the database or a tool fails. No part of
    /// a file is left.
    pub async fn back_up(&self, options: BackupOptions<'_>) -> Result<Manifest, BackupError> {
        if options.to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(options.to.to_owned()));
        }
        let begun = self.note_backup("backing-up", options.by, None, options.at).await?;
        self.inner.writer.checkpoint().await?;
        let part = Part::new(options.to)?;
        let unsigned = match self.inner.database.dialect {
            Dialect::Sqlite => self.copy_sqlite(&part).await?,
            Dialect::Postgres => self.copy_postgres(&part, options.tools).await?,
        };
        let (bytes, sha256) = digest(&part.path)?;
        let row = self.inner.database.ask_one("SELECT value FROM meta WHERE name = 'master key'", &[]).await?;
        let installation = row.map(|row| row.try_get("value")).transpose()?.unwrap_or_default();
        let signer = self.inner.writer.signer();
        let manifest = Manifest {
            made: options.at,
            program: env!("CARGO_PKG_VERSION").into(),
            database: kind(self.inner.database.dialect).into(),
            schema: unsigned.schema,
            installation,
            entries: unsigned.head.seq,
            head: hex::encode(unsigned.head.hash),
            rows: unsigned.rows,
            bytes,
            sha256: hex::encode(sha256),
            signer: signer.public().hex(),
        };
        let trailer = manifest.trailer(|text| signer.sign_manifest(text))?;
        part.finish(&trailer, options.to)?;
        self.note_backup("backed-up", options.by, Some(begun), options.at).await?;
        Ok(manifest)
    }

    async fn copy_sqlite(&self, part: &Part) -> Result<Unsigned, BackupError> {
        let mut connection = self.inner.database.writer().await?;
        // Reads one state of the database, however long it takes, and keeps no writer waiting.
        let copied = sqlx::query("VACUUM INTO $1").bind(part.path.display().to_string()).execute(&mut connection).await;
        let _ = connection.close().await;
        copied.map_err(|error| part.failed(error))?;
        let path = part.path.display().to_string();
        let report = AuditReader::open(&path).await?.verify(None, None).await?;
        if let Some(broken) = report.broken {
            return Err(StoreError::Chain(broken.entry).into());
        }
        let copy = Database::reach(&path, true).await?;
        let mut connection = copy.reader().await?;
        let unsigned = state(&mut connection, Dialect::Sqlite).await;
        let _ = connection.close().await;
        copy.close().await;
        unsigned
    }

    async fn copy_postgres(&self, part: &Part, tools: Option<&Path>) -> Result<Unsigned, BackupError> {
        let mut connection = self.inner.database.writer().await?;
        for sql in [
            // Idle for as long as the copy takes.
            "SET idle_in_transaction_session_timeout = 0",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ] {
            sqlx::query(sql).execute(&mut connection).await?;
        }
        let row = sqlx::query("SELECT pg_export_snapshot() AS snapshot").fetch_one(&mut connection).await?;
        let snapshot: String = row.try_get("snapshot")?;
        let unsigned = state(&mut connection, Dialect::Postgres).await?;
        tools::dump(tools, &self.inner.database.url, &snapshot, &part.path).await?;
        let _ = connection.close().await;
        let report = self.audit_verify().await?;
        match report.broken {
            Some(broken) => Err(StoreError::Chain(broken.entry).into()),
            None => Ok(unsigned),
        }
    }

    /// That the database was restored, or read for a drill, stands in the chain.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn note_backup(
        &self,
        outcome: &'static str,
        by: &str,
        closes: Option<EntryId>,
        at: Timestamp,
    ) -> Result<EntryId, StoreError> {
        let entry = JournalEntry {
            event: Event::Backup,
            subject: None,
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes,
            outcome: Some(outcome),
            at,
        };
        let draft = self.draft(&entry, Some(by))?;
        let ids = self.inner.writer.submit(vec![], vec![draft]).await.map_err(StoreError::from)?;
        ids.first().copied().ok_or(StoreError::Closed)
    }
}

const fn kind(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    }
}

/// What a database holds: read from the copy, or in the transaction that is copied.
async fn state(connection: &mut AnyConnection, dialect: Dialect) -> Result<Unsigned, BackupError> {
    let tables = match dialect {
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
        }
        Dialect::Postgres => {
            "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name"
        }
    };
    let mut rows = BTreeMap::new();
    for table in sqlx::query(tables).fetch_all(&mut *connection).await? {
        let table: String = table.try_get("name")?;
        // The name comes from the database's own list of tables.
        let count = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM \"{}\"", table.replace('"', "\"\""));
        let row = sqlx::query(AssertSqlSafe(count)).fetch_one(&mut *connection).await?;
        rows.insert(table, row.try_get("n")?);
    }
    let head = match sqlx::query(Head::QUERY).fetch_optional(&mut *connection).await? {
        Some(row) => Head::read(&row)?,
        None => Head::START,
    };
    let version = "SELECT CAST(MAX(version) AS BIGINT) AS version FROM _sqlx_migrations";
    let schema = sqlx::query(version).fetch_one(&mut *connection).await?.try_get("version")?;
    Ok(Unsigned { schema, head, rows })
}

/// A file that is being made; gone unless it is finished.
struct Part {
    path: PathBuf,
}

impl Part {
    /// Beside the file it will be, for its owner alone. What a killed process left there is written anew.
    fn new(for_file: &Path) -> Result<Self, BackupError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(for_file.file_name().unwrap_or_default());
        name.push(".part");
        let path = for_file.with_file_name(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(BackupError::io("cannot replace", &path, e)),
            _ => {}
        }
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|e| BackupError::io("cannot make", &path, e))?;
        Ok(Self { path })
    }

    /// Appends the end, waits for the disk, and puts the file in its place, never over another one.
    fn finish(self, trailer: &[u8], to: &Path) -> Result<(), BackupError> {
        let io = |e| BackupError::io("cannot write", to, e);
        let mut file = OpenOptions::new().append(true).open(&self.path).map_err(io)?;
        file.write_all(trailer).and_then(|()| file.sync_all()).map_err(io)?;
        fs::hard_link(&self.path, to).map_err(io)?;
        let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    /// SQLite says of a full disk, and of a file that may not grow, that there is an error of its disk.
    fn failed(&self, error: sqlx::Error) -> BackupError {
        match StoreError::from(error) {
            StoreError::Full | StoreError::Disk(_) => BackupError::Full(self.path.clone()),
            other => other.into(),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        for more in ["-journal", "-wal", "-shm"] {
            let mut name = self.path.clone().into_os_string();
            name.push(more);
            let _ = fs::remove_file(name);
        }
    }
}
