//! The way back: everything about a backup is checked before it is put in its place, and it goes there whole.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::{
    super::{
        AuditReader, PublicKey, StoreOptions,
        database::{Database, Dialect},
        error::StoreError,
        keys::{KeyError, KeyStore, Sources, make_folder, unlock},
        seal::Entropy,
    },
    BackupError, Manifest, Part, kind,
    manifest::{Unsigned, copied},
    state, tools,
};
use crate::config::Provider;

/// What to restore, and where to.
#[derive(Clone)]
pub struct RestoreOptions {
    /// The backup.
    pub from: PathBuf,
    /// The place to restore to: a path that is not there, or an empty PostgreSQL database; and the keys it is checked with.
    pub into: StoreOptions,
    /// Check with this key instead; then no key store is needed.
    pub public_key: Option<PublicKey>,
    /// Where PostgreSQL's programs are; `None` looks where systems put them.
    pub tools: Option<PathBuf>,
}

/// Checks a backup and puts it in its place.
///
/// # Errors
/// What is wrong with the backup, the place or the keys. Nothing is left of what was begun.
pub async fn restore(options: &RestoreOptions) -> Result<Manifest, BackupError> {
    let from = options.from.as_path();
    let url = options.into.url.as_str();
    let dialect = Dialect::of(url);
    let manifest = read_manifest(options)?;
    if manifest.database != kind(dialect) {
        return Err(BackupError::OtherDatabase(manifest.database));
    }
    if manifest.schema > Database::newest_schema(dialect) {
        return Err(BackupError::Newer(manifest.schema));
    }
    let key = PublicKey::parse(&manifest.signer).map_err(|_| changed(from, "its manifest"))?;
    match dialect {
        Dialect::Sqlite => {
            let place = PathBuf::from(url.strip_prefix("sqlite://").unwrap_or(url));
            restore_sqlite(from, &place, &manifest, &key).await?;
        }
        Dialect::Postgres => restore_postgres(options, &manifest, &key).await?,
    }
    Ok(manifest)
}

fn changed(path: &Path, what: &'static str) -> BackupError {
    BackupError::Changed { path: path.to_owned(), what }
}

/// The manifest, checked with the public key given, or with the keys at hand.
fn read_manifest(options: &RestoreOptions) -> Result<Manifest, BackupError> {
    let from = &options.from;
    Manifest::read(from, |manifest, text, signature| {
        let key = match &options.public_key {
            Some(key) => *key,
            None => public_key(&options.into, manifest, from)?,
        };
        if manifest.signer != key.hex() {
            return Err(BackupError::Foreign(from.clone()));
        }
        Ok(key.signed_manifest(text, signature))
    })
}

/// The key that the installation at hand signs with, if the backup is of this installation.
fn public_key(options: &StoreOptions, manifest: &Manifest, from: &Path) -> Result<PublicKey, BackupError> {
    let mut folder = options.key_file.clone().into_os_string();
    folder.push(".d");
    let file_is_missing = options.keys.provider == Provider::File && !options.key_file.exists();
    if file_is_missing || !Path::new(&folder).exists() {
        return Err(BackupError::NoKeys(options.key_file.clone()));
    }
    let sources = Sources::new(options.key_file.clone(), options.keys.clone()).map_err(StoreError::from)?;
    let entropy = Entropy::system();
    let unlocked = match unlock(&sources, Some(&manifest.installation), &entropy) {
        Err(KeyError::Wrong(_)) => return Err(BackupError::Foreign(from.to_owned())),
        unlocked => unlocked.map_err(StoreError::from)?,
    };
    let seed = KeyStore::new(sources, unlocked, entropy).signing().map_err(StoreError::from)?;
    Ok(super::super::Signer::new(seed)?.public())
}

async fn restore_sqlite(from: &Path, place: &Path, manifest: &Manifest, key: &PublicKey) -> Result<(), BackupError> {
    for there in [place.to_owned(), beside(place, "-wal"), beside(place, "-journal")] {
        if there.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(there));
        }
    }
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let made = Made::folder(folder)?;
    let part = Part::new(place)?;
    let io = |e| BackupError::io("cannot write", place, e);
    let mut file = OpenOptions::new().write(true).open(&part.path).map_err(io)?;
    let source = File::open(from).map_err(|e| BackupError::io("cannot read", from, e))?;
    let (bytes, sha256) = copied(source, &mut file, manifest.bytes).map_err(io)?;
    file.sync_all().map_err(io)?;
    if bytes != manifest.bytes || hex::encode(sha256) != manifest.sha256 {
        return Err(changed(from, "the copy of the database"));
    }
    check(&part.path.display().to_string(), Dialect::Sqlite, manifest, key).await?;
    part.finish(&[], place)?;
    made.keep();
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A folder that goes again, if it was made here and nothing came of it.
struct Made(Option<PathBuf>);

impl Made {
    fn folder(folder: &Path) -> Result<Self, BackupError> {
        let new = !folder.exists();
        make_folder(folder).map_err(StoreError::from)?;
        Ok(Self(new.then(|| folder.to_owned())))
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // Only where it is empty.
            let _ = fs::remove_dir(folder);
        }
    }
}

async fn restore_postgres(options: &RestoreOptions, manifest: &Manifest, key: &PublicKey) -> Result<(), BackupError> {
    let (from, url) = (options.from.as_path(), options.into.url.as_str());
    // pg_restore takes a file as it comes, so the whole of it is checked before.
    let source = File::open(from).map_err(|e| BackupError::io("cannot read", from, e))?;
    let read = copied(source, &mut std::io::sink(), manifest.bytes);
    let (bytes, sha256) = read.map_err(|e| BackupError::io("cannot read", from, e))?;
    if bytes != manifest.bytes || hex::encode(sha256) != manifest.sha256 {
        return Err(changed(from, "the copy of the database"));
    }
    let database = Database::reach(url, true).await?;
    let empty = tables(&database).await?.is_empty();
    database.close().await;
    if !empty {
        return Err(BackupError::NotEmpty);
    }
    tools::load(options.tools.as_deref(), url, from, manifest.bytes).await?;
    let checked = check(url, Dialect::Postgres, manifest, key).await;
    if checked.is_err() {
        clear_restored(url).await?;
    }
    checked
}

async fn tables(database: &Database) -> Result<Vec<String>, BackupError> {
    let all = "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables \
               WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
    let rows = database.ask(all, &[]).await?;
    Ok(rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?)
}

/// Takes what [`restore`] put into an empty PostgreSQL database out again: for drills, and where it did not fit.
///
/// # Errors
/// When the database refuses.
pub async fn clear_restored(url: &str) -> Result<(), BackupError> {
    let database = Database::reach(url, true).await?;
    let tables = tables(&database).await?;
    let mut connection = database.writer().await?;
    for table in tables {
        let drop = format!("DROP TABLE IF EXISTS \"{}\" CASCADE", table.replace('"', "\"\""));
        sqlx::query(AssertSqlSafe(drop)).execute(&mut connection).await?;
    }
    let functions = "SELECT CAST(proname AS TEXT) AS name FROM pg_proc \
        WHERE pronamespace = CAST(current_schema() AS regnamespace) AND prorettype = CAST('trigger' AS regtype)";
    for row in sqlx::query(functions).fetch_all(&mut connection).await? {
        let name: String = row.try_get("name")?;
        let drop = format!("DROP FUNCTION IF EXISTS \"{}\"() CASCADE", name.replace('"', "\"\""));
        sqlx::query(AssertSqlSafe(drop)).execute(&mut connection).await?;
    }
    let _ = connection.close().await;
    database.close().await;
    Ok(())
}

/// The restored database is what the manifest says: the chain up to its head, signed by its signer, and all rows.
async fn check(url: &str, dialect: Dialect, manifest: &Manifest, key: &PublicKey) -> Result<(), BackupError> {
    let not_whole = |what: &str| Err(BackupError::NotWhole(what.to_owned()));
    let report = AuditReader::open(url).await?.verify(manifest.head_hash(), Some(key)).await?;
    if let Some(broken) = &report.broken {
        return not_whole(&format!("its audit chain breaks at entry {}", broken.entry));
    }
    if report.expected_head_found != Some(true) || report.entries != manifest.entries || report.head != manifest.head {
        return not_whole("its audit chain does not end where it ended");
    }
    let database = Database::reach(url, true).await?;
    let mut connection = database.reader().await?;
    if dialect == Dialect::Sqlite {
        let row = sqlx::query("PRAGMA integrity_check").fetch_one(&mut connection).await?;
        let said: String = row.try_get(0)?;
        if said != "ok" {
            return not_whole("SQLite finds it damaged");
        }
    }
    let found = state(&mut connection, dialect).await;
    let _ = connection.close().await;
    database.close().await;
    let Unsigned { schema, rows, .. } = found?;
    if schema != manifest.schema || rows != manifest.rows {
        return not_whole("it holds other rows than were copied");
    }
    Ok(())
}
