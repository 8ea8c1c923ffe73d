//! All SQL, and the encryption around it.
//!
//! Invariants: personal content is sealed under its owner's key, and that key lives in the key store, never in
//! the database; a change, its answer and its audit row commit together or not at all, and a call that returns
//! has reached the disk; audit rows are only ever added. Audio never comes here. Deliberately absent: a trait
//! over two databases; the same SQL runs on both.
//!
//! Where to look: [`keys`] the key store, `seal` the ciphers, `writer` the group commit, `audit` the chain,
//! `people`, `turns`, `requests`, `visits` and `credentials` the statements.

mod access;
mod adt;
mod adt_review;
mod alerts;
mod allowance;
mod announcement;
mod audit;
mod authority;
mod backup;
mod care_place;
mod clinician;
mod code;
mod connecting;
mod connection;
mod contacts;
mod credentials;
mod database;
mod device;
mod device_events;
mod doses;
mod error;
mod fleet;
mod glass;
mod guest;
mod hold;
mod house;
mod household;
mod identity;
mod imports;
mod job;
mod key_care;
pub mod keys;
mod mail;
mod mailbox;
mod notice;
mod nurse;
mod outbox;
mod patterns;
mod pause;
mod people;
mod place;
mod proof;
mod quiet;
mod readers;
mod readings;
mod reminders;
mod renewals;
mod requests;
mod retention;
mod reviews;
mod revocation;
mod said;
mod script;
mod seal;
mod secret;
mod source;
mod staff;
mod stay;
mod subjects;
mod turns;
mod visits;
mod waitlist;
mod ward;
mod watch;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::Row;

pub use access::Waiting;
pub use adt::{KeptMessage, MessageRow, Waiting as WaitingMessage};
pub use alerts::DueAlert;
pub use allowance::ALLOWANCE_LASTS;
pub use announcement::Announcement;
use audit::Signer;
pub use audit::{
    Access, AuditReader, AuditReport, BadPublicKey, Break, Broken, ExportOptions, ExportReport, Exported, Finding,
    Misfit, PublicKey, Review, ReviewRule, TrailPage, TrailQuery, TrailRow, copy_with_entry_changed, verify_export,
};
pub use authority::KeptAuthority;
pub use backup::{BackupError, BackupOptions, Manifest, ReadBack, RestoreOptions, clear_restored, restore};
pub use clinician::ClinicianRow;
pub use code::{CODE_DIGITS, CODE_LASTS, CodeTried};
pub use connecting::{CONNECTING_LASTS, PAIRED_LASTS, PAIRING_DIGITS, PAIRING_LASTS, Paired, Underway};
pub use connection::{
    Access as ConnectionAccess, CLAIM_LASTS, Connection, ConnectionState, Details as ConnectionDetails, Disconnected,
    NOT_GRANTED, NewConnection, REFUSED, TakenBack,
};
pub use credentials::{Grant, Listed};
use database::{Database, Statement, run};
pub use device::NewCertificate;
pub use device_events::{NewEvent, To, Whose};
pub use error::StoreError;
pub use fleet::{By, FleetError};
pub use hold::{Hold, HoldError};
pub use household::membership;
pub use identity::{ConsentVersion, PinTried};
pub use imports::{ImportOptions, ImportState, Lot};
pub use keys::KeyOwner;
pub use keys::{KeyStatus, Rotated};
use keys::{KeyStore, Sources, Turnstile, unlock};
pub use mail::DueLetter;
pub use mailbox::Mailbox;
pub use notice::{NewNotice, Told, WaitingNews};
pub use nurse::{
    AskedAgain, CallEvent, CallEver, CallState, Climb, DutyRow, RoomCall, SaidBack, StepEver, StepTold, UnansweredCall,
};
pub use outbox::{Amended, Attempted, Claim, Claimed, How, OutboxCounts, OutboxRow, Which};
pub use patterns::{PatternsError, PatternsStatus, Release};
pub use people::{ChartKind, Occupant};
pub use place::PlaceNow;
pub use proof::Checked;
pub use renewals::OpenRenewal;
pub use requests::{BoardRow, Call};
pub use retention::Forgotten;
pub use reviews::{ReviewRow, Settled};
pub use revocation::Revocation;
pub use said::{KeptTurn, Spoken};
use seal::Place;
pub use seal::{Entropy, SealError};
pub use secret::Secret;
pub use source::{Source, SourceError, Sourced};
pub use staff::NewStaffSession;
pub use subjects::{Bound, FlowWords};
pub use turns::{Answered, CommitError, Committed, Opening, OpeningQuery, SavedSession, TurnCommit};
pub use watch::Watch;
use writer::Writer;

use crate::config::KeysConfig;

/// Where the database and its keys are.
#[derive(Clone)]
pub struct StoreOptions {
    /// A path for SQLite, or `postgres://user@host/database`.
    pub url: String,
    /// The master key file; the key store is the folder `<key-file>.d` beside it, whoever holds the master key.
    pub key_file: PathBuf,
    /// Who holds the master key.
    pub keys: KeysConfig,
}

/// The database with its keys. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    keys: KeyStore,
    writer: Writer,
    patterns: patterns::Waiting,
    wakes: Arc<crate::device::Wakes>,
}

impl Store {
    /// Opens a database, or makes one where there is none yet. Only a database and a key store without content
    /// get a new master key; any other must be opened with the one its keys are wrapped under.
    ///
    /// # Errors
    /// What is missing or wrong, and what to do. Nothing was changed.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        Self::open_with(options, Entropy::system()).await
    }

    /// As [`Store::open`], with a generator for keys, nonces and ids.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(options: StoreOptions, entropy: Entropy) -> Result<Self, StoreError> {
        let sources = Sources::new(options.key_file, options.keys)?;
        // Read first: a master key that cannot be used must not leave an empty database behind.
        sources.load()?;
        let turnstile = Turnstile::enter(&sources.key_file)?;
        let database = Database::reach(&options.url, false).await?;
        let remembered = fingerprint(&database).await?;
        let unlocked = unlock(&sources, remembered.as_deref(), &entropy)?;
        let mut connection = database.writer().await?;
        database.migrate(&mut connection).await?;
        if remembered.is_none() {
            let remember = Statement::new(
                "INSERT INTO meta (name, value) VALUES ('master key', $1)",
                vec![unlocked.root.fingerprint().into()],
            );
            run(&mut connection, database.dialect, &[&[remember]]).await.map_err(|failed| failed.error)?;
        }
        drop(turnstile);
        let keys = KeyStore::new(sources, unlocked, entropy.clone());
        let signer = Signer::new(keys.signing()?)?;
        let writer = Writer::start(database.clone(), connection, entropy, signer);
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                keys,
                writer,
                patterns: patterns::Waiting::default(),
                wakes: Arc::default(),
            }),
        })
    }

    /// Signs the head of the audit chain and closes the reading connections. What was committed is on the disk
    /// already; the writer ends with the last clone.
    pub async fn close(self) {
        self.settle_patterns().await;
        // A head that cannot be signed now is signed after the next start.
        let _ = self.inner.writer.checkpoint().await;
        self.inner.database.close().await;
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.inner.database.ask("SELECT 1", &[]).await?;
        Ok(())
    }

    /// Commits so far: how often the disk was waited for.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    /// Random bytes for an identifier, from the store's own source.
    fn random<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        Ok(self.inner.keys.entropy().bytes()?)
    }

    /// Opens sealed bytes with the key of that name.
    fn unseal(&self, place: Place<'_>, sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
        let key = self.inner.keys.named(place.owner)?;
        key.open(place, sealed).map_err(|_| StoreError::Damaged(format!("{}.{}", place.table, place.column)))
    }

    /// Seals bytes with the owner's key; gives the owner's name beside them.
    fn seal(
        &self,
        owner: &KeyOwner,
        table: &'static str,
        column: &'static str,
        row: &str,
        plain: &[u8],
    ) -> Result<(String, Vec<u8>), StoreError> {
        let (owner, key) = self.inner.keys.key(owner)?;
        let sealed = key.seal(Place { table, column, row, owner: &owner }, plain, self.inner.keys.entropy())?;
        Ok((owner, sealed))
    }
}

/// What this database knows the secret of its key store by; `None` where it has no tables yet.
async fn fingerprint(database: &Database) -> Result<Option<String>, StoreError> {
    if !database.has_tables().await? {
        return Ok(None);
    }
    let row = database.ask_one("SELECT value FROM meta WHERE name = 'master key'", &[]).await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

/// Where SQLite keeps the database in a data folder.
#[must_use]
pub fn sqlite_path(data_dir: &Path) -> PathBuf {
    data_dir.join("wellspoken.db")
}

/// The database's address: the configured one, or SQLite in the data folder.
#[must_use]
pub fn database_url(configured: Option<&str>, data_dir: &Path) -> String {
    configured.map_or_else(|| sqlite_path(data_dir).display().to_string(), str::to_owned)
}
