//! Connections, migrations, and running several statements in one go. Knows both dialects; the rest of the
//! store writes one SQL.
//!
//! Invariant: the file is readable by its owner alone, every commit is synced to the disk before it returns
//! (`synchronous=FULL`, `synchronous_commit=on`), and deleted content is overwritten (`secure_delete`).

use std::{
    borrow::Cow,
    fmt::Write as _,
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::TryStreamExt;
use sqlx::{
    Any, AnyConnection, AssertSqlSafe, Connection, Either,
    any::{AnyArguments, AnyConnectOptions, AnyRow},
    query::Query,
};

use super::{
    error::{StoreError, cannot_open},
    keys::make_folder,
    readers::{Readers, Wait},
};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// Which database is behind the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// How long a thread waits for SQLite before it turns to other work.
const PATIENCE: Duration = Duration::from_micros(200);
/// Who waits for SQLite now. Where there are several, a thread has better to do than to wait.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// One who waits, until dropped.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self
    }

    fn alone() -> bool {
        WAITING.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Dialect {
    /// Which database an address means.
    pub fn of(url: &str) -> Self {
        let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if postgres { Self::Postgres } else { Self::Sqlite }
    }

    /// Makes a connection one for reading only. Finds out, too, that a file is no database.
    pub async fn settle_reader(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let settings: &[&'static str] = match self {
            Self::Sqlite => &["PRAGMA query_only=ON", "PRAGMA cache_size=-8000", "PRAGMA schema_version"],
            Self::Postgres => &["SET default_transaction_read_only = on"],
        };
        for setting in settings {
            sqlx::query(*setting).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// Waits for an answer, at first without giving the thread away. SQLite answers from a thread of its own in
    /// a few dozen microseconds; being parked and woken costs about as much again, several times a turn.
    pub async fn patiently<F: Future>(self, answer: F) -> F::Output {
        if self == Self::Postgres {
            return answer.await;
        }
        let mut answer = std::pin::pin!(answer);
        let until = Instant::now() + PATIENCE;
        let _waiting = Waiting::begin();
        std::future::poll_fn(|context| {
            loop {
                let polled = answer.as_mut().poll(context);
                if polled.is_ready() || !Waiting::alone() || Instant::now() >= until {
                    return polled;
                }
                std::thread::yield_now();
            }
        })
        .await
    }
}

/// One database.
#[derive(Clone)]
pub(super) struct Database {
    pub dialect: Dialect,
    /// The address as the driver takes it; it may hold a password.
    pub url: Arc<str>,
    options: AnyConnectOptions,
    readers: Arc<Readers>,
}

impl Database {
    /// Reaches the database; for SQLite, makes an empty file where there is none, unless `read_only`.
    pub async fn reach(url: &str, read_only: bool) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(url);
        let (dialect, url) = if dialect == Dialect::Postgres {
            (dialect, url.to_owned())
        } else {
            let path = PathBuf::from(url.strip_prefix("sqlite://").unwrap_or(url));
            if read_only {
                std::fs::metadata(&path).map_err(|e| cannot_open(&path, &e))?;
            } else {
                make_file(&path)?;
            }
            (Dialect::Sqlite, sqlite_url(&path, read_only))
        };
        let options = AnyConnectOptions::from_str(&url)?;
        let mut first = AnyConnection::connect_with(&options).await?;
        dialect.settle_reader(&mut first).await?;
        let readers = Arc::new(Readers::new(dialect, options.clone(), first));
        Ok(Self { dialect, url: url.into(), options, readers })
    }

    /// All rows of a question.
    pub async fn ask(&self, sql: &'static str, values: &[Value]) -> Result<Vec<AnyRow>, StoreError> {
        Ok(self.readers.ask(sql, values, Wait::Here).await?)
    }

    /// The row of a question that has one at most.
    pub async fn ask_one(&self, sql: &'static str, values: &[Value]) -> Result<Option<AnyRow>, StoreError> {
        Ok(self.ask(sql, values).await?.pop())
    }

    /// As [`Database::ask`], for a task that waits for something slower besides.
    pub async fn ask_aside(&self, sql: &'static str, values: &[Value]) -> Result<Vec<AnyRow>, StoreError> {
        Ok(self.readers.ask(sql, values, Wait::Aside).await?)
    }

    /// The number of the newest migration that this program knows.
    pub fn newest_schema(dialect: Dialect) -> i64 {
        let migrator = if dialect == Dialect::Sqlite { &SQLITE } else { &POSTGRES };
        migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// A connection of one's own for reading.
    pub async fn reader(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = AnyConnection::connect_with(&self.options).await?;
        self.dialect.settle_reader(&mut connection).await?;
        Ok(connection)
    }

    /// A connection that writes durably.
    pub async fn writer(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = AnyConnection::connect_with(&self.options).await?;
        let settings: &[&'static str] = match self.dialect {
            // Checkpoints happen beside the turns, never in one: see `checkpoint`.
            Dialect::Sqlite => &[
                "PRAGMA journal_mode=WAL",
                "PRAGMA synchronous=FULL",
                "PRAGMA wal_autocheckpoint=0",
                "PRAGMA secure_delete=ON",
                "PRAGMA foreign_keys=ON",
                "PRAGMA cache_size=-16000",
                "PRAGMA temp_store=MEMORY",
            ],
            Dialect::Postgres => &[
                "SET synchronous_commit = on",
                "SET lock_timeout = '5s'",
                "SET idle_in_transaction_session_timeout = '30s'",
            ],
        };
        for setting in settings {
            sqlx::query(*setting).execute(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Whether this database was made here before.
    pub async fn has_tables(&self) -> Result<bool, StoreError> {
        self.has_table("meta").await
    }

    /// Whether there is a table of that name.
    pub async fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        let sql = match self.dialect {
            Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
            Dialect::Postgres => {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_name = $1"
            }
        };
        Ok(self.ask_one(sql, &[name.into()]).await?.is_some())
    }

    /// Brings the tables up to date; forward only.
    pub async fn migrate(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let migrator = if self.dialect == Dialect::Sqlite { &SQLITE } else { &POSTGRES };
        migrator.run(connection).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::VersionMissing(_) => StoreError::Newer,
            sqlx::migrate::MigrateError::Execute(e) => e.into(),
            other => StoreError::Migration(other.to_string()),
        })
    }

    /// Moves what the write-ahead log holds into the database file, without keeping anybody waiting. Where
    /// nothing is added meanwhile, the log is then written over from its start instead of growing.
    pub async fn checkpoint(connection: &mut AnyConnection) -> Result<(), StoreError> {
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(connection).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.readers.close().await;
    }
}

/// Makes the file, and its folder, for its owner alone. SQLite gives its log the same permissions.
fn make_file(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        make_folder(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(cannot_open(path, &e)),
    }
}

fn sqlite_url(path: &Path, read_only: bool) -> String {
    let mut url = String::from("sqlite://");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.push_str(if read_only { "?mode=ro" } else { "?mode=rw" });
    url
}

/// A value for a statement.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Bytes(Vec<u8>),
    NoText,
    NoInt,
    NoBytes,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::NoText, Self::Text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NoInt, Self::Int)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::NoBytes, Self::Bytes)
    }
}

/// One statement with its values.
#[derive(Clone)]
pub(super) struct Statement {
    pub sql: Cow<'static, str>,
    pub values: Vec<Value>,
}

impl Statement {
    pub fn new(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql: Cow::Borrowed(sql), values }
    }
}

/// What one statement did.
#[derive(Default)]
pub(super) struct Done {
    pub changed: u64,
    pub row: Option<AnyRow>,
}

/// PostgreSQL's advisory lock that orders the writers of several nodes.
pub(super) const CHAIN_LOCK: i64 = 0x7765_6c6c_7370_6b6e;
/// Statements that one text may hold.
const LONGEST: usize = 40;

/// A statement that failed; the ones before it went through.
pub(super) struct Failed {
    pub at: usize,
    pub error: sqlx::Error,
}

/// Runs statements in order until one fails. A trip to the database costs as much as several statements, so each
/// group goes in as few texts as the dialect allows. Texts stay prepared, so groups should come in few shapes.
pub(super) async fn run(
    connection: &mut AnyConnection,
    dialect: Dialect,
    groups: &[&[Statement]],
) -> Result<Vec<Done>, Failed> {
    let mut done = Vec::new();
    for group in groups {
        if dialect == Dialect::Postgres
            && let Some(inserts) = only_inserts(group)
        {
            let (text, arguments) = joined(inserts, Joint::Inserts);
            let before = done.len();
            let outcome = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut *connection).await;
            outcome.map_err(|error| Failed { at: before + place(group, &error), error })?;
            done.extend(group.iter().map(|_| Done { changed: 1, row: None }));
            continue;
        }
        for group in group.chunks(if dialect == Dialect::Sqlite { LONGEST } else { 1 }) {
            let (text, arguments) = joined(group, Joint::Script);
            let query = sqlx::query_with(AssertSqlSafe(text), arguments);
            let answer = dialect.patiently(run_text(connection, query, &mut done)).await;
            answer.map_err(|error| Failed { at: done.len(), error })?;
        }
    }
    Ok(done)
}

/// The statements of a group that are insertions and nothing else, without the transaction around them: PostgreSQL
/// takes them as one statement, which is a transaction by itself.
fn only_inserts(group: &[Statement]) -> Option<&[Statement]> {
    let inner = match group {
        [first, inner @ .., last] if first.sql == "BEGIN" && last.sql == "COMMIT" => inner,
        [first, ..] if first.sql != "BEGIN" => group,
        _ => return None,
    };
    let inserts = inner.iter().all(|s| s.sql.starts_with(INSERT));
    (inner.len() > 1 && inserts).then_some(inner)
}

const INSERT: &str = "INSERT INTO ";

/// Which statement of a group a failure belongs to, as far as its table tells; the first one otherwise.
fn place(group: &[Statement], error: &sqlx::Error) -> usize {
    let sqlx::Error::Database(told) = error else { return 0 };
    let Some(table) = told.table() else { return 0 };
    let of_table = |s: &Statement| s.sql.strip_prefix(INSERT).and_then(|rest| rest.split(' ').next()) == Some(table);
    group.iter().position(of_table).unwrap_or(0)
}

async fn run_text(
    connection: &mut AnyConnection,
    query: Query<'_, Any, AnyArguments>,
    done: &mut Vec<Done>,
) -> Result<(), sqlx::Error> {
    #[expect(deprecated, reason = "the only call that tells where one statement of several ends")]
    let mut answers = query.fetch_many(connection);
    let mut row = None;
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(result) => done.push(Done { changed: result.rows_affected(), row: row.take() }),
            Either::Right(next) => row = Some(next),
        }
    }
    Ok(())
}

/// How several statements become one text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// One after the other.
    Script,
    /// Insertions that happen together: `WITH a AS (INSERT …), b AS (INSERT …) SELECT …`. The primary query, which
    /// runs first, waits for the lock that orders writers.
    Inserts,
}

/// One text of all statements, their parameters numbered through.
fn joined(statements: &[Statement], joint: Joint) -> (String, AnyArguments) {
    let mut text = String::with_capacity(statements.iter().map(|s| s.sql.len() + 16).sum());
    let mut arguments = AnyArguments::default();
    let mut before = 0;
    for (n, statement) in statements.iter().enumerate() {
        match joint {
            Joint::Script if n > 0 => text.push(';'),
            Joint::Script => {}
            Joint::Inserts => {
                let _ = write!(text, "{} s{n} AS (", if n > 0 { "," } else { "WITH" });
            }
        }
        renumbered(&statement.sql, before, &mut text);
        if joint == Joint::Inserts {
            text.push(')');
        }
        before += statement.values.len();
        for value in &statement.values {
            bind(&mut arguments, value);
        }
    }
    if joint == Joint::Inserts {
        let _ = write!(text, " SELECT pg_advisory_xact_lock({CHAIN_LOCK})");
    }
    (text, arguments)
}

fn renumbered(sql: &str, by: usize, text: &mut String) {
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let _ = write!(text, "${}", number.parse::<usize>().unwrap_or(0) + by);
        text.push_str(rest);
    }
}

pub(super) fn bind(arguments: &mut AnyArguments, value: &Value) {
    use sqlx::Arguments as _;
    // Adding these types never fails: they are encoded as they are.
    let _ = match value {
        Value::Text(text) => arguments.add(text.clone()),
        Value::Int(number) => arguments.add(*number),
        Value::Bytes(bytes) => arguments.add(bytes.clone()),
        Value::NoText => arguments.add(None::<String>),
        Value::NoInt => arguments.add(None::<i64>),
        Value::NoBytes => arguments.add(None::<Vec<u8>>),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_through() {
        let insert = Statement::new("INSERT INTO a VALUES ($1, $2)", vec![1.into(), 2.into()]);
        let update = Statement::new("UPDATE b SET c = $2 WHERE d = $1", vec![1.into(), 2.into()]);
        let (text, _) = joined(&[insert.clone(), update, Statement::new("COMMIT", vec![])], Joint::Script);
        assert_eq!(text, "INSERT INTO a VALUES ($1, $2);UPDATE b SET c = $4 WHERE d = $3;COMMIT");
        let (text, _) = joined(&[insert.clone(), insert], Joint::Inserts);
        let both = "WITH s0 AS (INSERT INTO a VALUES ($1, $2)), s1 AS (INSERT INTO a VALUES ($3, $4)) SELECT ";
        assert_eq!(text, format!("{both}pg_advisory_xact_lock({CHAIN_LOCK})"));
    }

    #[test]
    fn only_insertions_go_together() {
        let statement = |sql| Statement::new(sql, vec![]);
        let (begin, commit) = (statement("BEGIN"), statement("COMMIT"));
        let (insert, update) = (statement("INSERT INTO a VALUES (1)"), statement("UPDATE a SET b = 1"));
        let together = |group: &[&Statement]| {
            let group: Vec<Statement> = group.iter().map(|s| (*s).clone()).collect();
            only_inserts(&group).map(<[Statement]>::len)
        };
        assert_eq!(together(&[&begin, &insert, &insert, &commit]), Some(2));
        assert_eq!(together(&[&insert, &insert]), Some(2));
        assert_eq!(together(&[&begin, &insert, &update, &commit]), None);
        assert_eq!(together(&[&begin, &insert, &insert]), None);
        assert_eq!(together(&[&insert, &insert, &commit]), None);
        assert_eq!(together(&[&insert]), None);
        assert_eq!(together(&[]), None);
    }

    #[test]
    fn any_path_becomes_a_url() {
        assert_eq!(sqlite_url(Path::new("/a b/ü?#.db"), false), "sqlite:///a%20b/%C3%BC%3F%23.db?mode=rw");
    }
}
