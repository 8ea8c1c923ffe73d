//! The command line: one file per command. Each reads its arguments, calls the library and prints; a command
//! that fails says what was wrong, where, and what to do, and exits with 1 (2 for wrong arguments).
//!
//! This is the only place, with `main`, that uses `anyhow` and prints to the terminal.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    config::Config,
    store::{Store, StoreOptions, database_url},
};

pub mod access;
pub mod adt;
pub mod audit;
pub mod backup;
pub mod bench;
pub mod board;
pub mod contact;
pub mod credential;
pub mod device;
pub mod drill;
pub mod duty;
pub mod evidence;
pub mod fleet;
pub mod hardening;
pub mod hear;
pub mod hold;
pub mod import;
pub mod intents;
pub mod keys;
pub mod logging;
pub mod models;
pub mod outbox;
pub mod patterns;
pub mod place;
pub mod play;
pub mod rehearse;
pub mod room;
pub mod say;
pub mod serve;
pub mod source;
pub mod turn;
pub mod understand;

/// A voice assistant for health care that you run yourself.
#[derive(Debug, Parser)]
#[command(name = "wellspoken", version)]
pub struct Args {
    /// Options every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Where the database lives (nothing else does).
    #[arg(long, global = true, env = "WELLSPOKEN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Configuration file (TOML).
    #[arg(long, global = true)]
    pub config: Option<PathBuf>,
    /// Where verified model files live.
    #[arg(long, global = true, env = "WELLSPOKEN_MODELS")]
    pub models: Option<PathBuf>,
    /// Intent files: a folder with one folder per language.
    #[arg(long, global = true)]
    pub intents: Option<PathBuf>,
    /// The master key; its key store lies beside it. Keep both away from the database's backups.
    #[arg(long, global = true, env = "WELLSPOKEN_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Pretend that this is the time (RFC 3339), for tests and demonstrations.
    #[arg(long, global = true)]
    pub now: Option<jiff::Timestamp>,
    /// IANA time zone; replaces place.zone of the configuration.
    #[arg(long, global = true)]
    pub tz: Option<String>,
}

impl Global {
    /// The configuration with the command line's replacements in it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(zone) = &self.tz {
            config.place.zone.clone_from(zone);
        }
        Ok(config.validated()?)
    }

    /// Where model files live: `--models`, else the user's cache folder.
    ///
    /// # Errors
    /// When neither `--models` nor a home folder is known.
    pub fn models_dir(&self) -> anyhow::Result<PathBuf> {
        self.models.clone().map_or_else(|| user_dir("XDG_CACHE_HOME", ".cache", "models"), Ok)
    }

    /// Where the database lives: `--data-dir`, else the user's data folder.
    ///
    /// # Errors
    /// When neither `--data-dir` nor a home folder is known.
    pub fn data_dir(&self) -> anyhow::Result<PathBuf> {
        self.data_dir.clone().map_or_else(|| user_dir("XDG_DATA_HOME", ".local/share", "data"), Ok)
    }

    /// The database's address: the configuration's, else SQLite in the data folder.
    ///
    /// # Errors
    /// As [`Self::config`] and [`Self::data_dir`].
    pub fn database_url(&self) -> anyhow::Result<String> {
        match self.config()?.store.url {
            // A configured address needs no data folder.
            Some(url) => Ok(url),
            None => Ok(database_url(None, &self.data_dir()?)),
        }
    }

    /// Where the master key lives: `--key-file`, else the user's configuration folder.
    ///
    /// # Errors
    /// When neither `--key-file` nor a home folder is known.
    pub fn key_file(&self) -> anyhow::Result<PathBuf> {
        self.key_file.clone().map_or_else(|| user_dir("XDG_CONFIG_HOME", ".config", "master.key"), Ok)
    }
}

/// The runtime of a command.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// The database alone, as the command line and the configuration name it.
///
/// # Errors
/// As [`Store::open`].
pub async fn config_store(global: &Global) -> anyhow::Result<Store> {
    let (url, key_file, keys) = (global.database_url()?, global.key_file()?, global.config()?.keys);
    Ok(Store::open(StoreOptions { url, key_file, keys }).await?)
}

/// The running parts, as the command line names their places.
///
/// # Errors
/// As [`App::build`].
pub async fn open_app(global: &Global, senses: Senses) -> anyhow::Result<App> {
    let places = Places {
        data_dir: global.data_dir()?,
        models_dir: global.models_dir()?,
        key_file: global.key_file()?,
        intents_dir: global.intents.clone(),
    };
    Ok(App::build(global.config()?, places, Ambient::system(global.now)?, senses).await?)
}

fn user_dir(variable: &str, below_home: &str, leaf: &str) -> anyhow::Result<PathBuf> {
    let base = match (std::env::var_os(variable), std::env::var_os("HOME")) {
        (Some(dir), _) if !dir.is_empty() => PathBuf::from(dir),
        (_, Some(home)) if !home.is_empty() => PathBuf::from(home).join(below_home),
        _ => anyhow::bail!("no home folder is known: set HOME, or name the place with an option (see --help)"),
    };
    Ok(base.join("wellspoken").join(leaf))
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    Serve(serve::ServeArgs),
    /// Fetch and verify model files, or list them.
    Models(models::ModelsArgs),
    /// Make a patient known from a FHIR R4 bundle; prints the person's id.
    Import(import::ImportArgs),
    /// Let a device, a room or a person in over the network: prints a bearer token once.
    Credential(credential::CredentialArgs),
    /// Who wants to come in, and letting them in by stages.
    Access(access::AccessArgs),
    /// Whom a person may have called from their room.
    Contact(contact::ContactArgs),
    /// How much may be said aloud in a room or at home.
    Room(room::RoomArgs),
    /// Places of urgent care, how long people wait there, and where rooms are.
    Place(place::PlaceArgs),
    /// Calls of the rooms and requests of the people, for the staff.
    Board(board::BoardArgs),
    /// Who is on duty, and is told of calls.
    Duty(duty::DutyArgs),
    /// One turn of a conversation.
    Turn(turn::TurnArgs),
    /// Play scripted conversations in a scratch store.
    Play(play::PlayArgs),
    /// Transcribe WAV files.
    Hear(hear::HearArgs),
    /// Understand lines of text.
    Understand(understand::UnderstandArgs),
    /// Speak a text into a WAV file.
    Say(say::SayArgs),
    /// Check or list the intent catalogue.
    Intents(intents::IntentsArgs),
    /// Verify or print the audit chain.
    Audit(audit::AuditArgs),
    /// Look at the keys, rotate the master key, destroy a person's or a stay's key.
    Keys(keys::KeysArgs),
    /// Say whose records are at a FHIR server.
    Source(source::SourceArgs),
    /// Keep a person's data from being deleted: legal holds.
    Hold(hold::HoldArgs),
    /// Changes on their way to the servers where people's records live.
    Outbox(outbox::OutboxArgs),
    /// Be a device: play a recording to a server and print the answer.
    Device(device::DeviceArgs),
    /// Look at messages of the admission system, and say which of its beds is which room.
    Adt(adt::AdtArgs),
    /// Places of the fleet, and the devices in them.
    Fleet(fleet::FleetArgs),
    /// Copy the database into one file while the server runs.
    Backup(backup::BackupArgs),
    /// Put a backup in its place.
    Restore(backup::RestoreArgs),
    /// Show that a backup can be restored and read.
    Drill(drill::DrillArgs),
    /// Counts of what many people say, with noise; and the attack that shows it helps.
    Patterns(patterns::PatternsArgs),
    /// Show that what is promised holds, by doing it.
    Evidence(evidence::EvidenceArgs),
    /// Measure.
    Bench(bench::BenchArgs),
}

/// Runs one command.
#[must_use]
pub fn main(args: Args) -> ExitCode {
    // Before a key is read or a word is heard.
    if let Err(e) = hardening::forbid_core_dumps() {
        eprintln!("wellspoken: core dumps cannot be forbidden, and one would hold keys: {e:#}");
        return ExitCode::FAILURE;
    }
    let global = args.global;
    let done = match args.command {
        Command::Serve(a) => serve::run(&global, a),
        Command::Models(a) => models::run(&global, a),
        Command::Import(a) => import::run(&global, a),
        Command::Credential(a) => credential::run(&global, a),
        Command::Access(a) => access::run(&global, a),
        Command::Contact(a) => contact::run(&global, a),
        Command::Room(a) => room::run(&global, a),
        Command::Place(a) => place::run(&global, a),
        Command::Board(a) => board::run(&global, a),
        Command::Duty(a) => duty::run(&global, a),
        Command::Turn(a) => turn::run(&global, a),
        Command::Play(a) => play::run(&global, a),
        Command::Hear(a) => hear::run(&global, a),
        Command::Understand(a) => understand::run(&global, a),
        Command::Say(a) => say::run(&global, a),
        Command::Intents(a) => intents::run(&global, a),
        Command::Audit(a) => audit::run(&global, a),
        Command::Keys(a) => keys::run(&global, a),
        Command::Source(a) => source::run(&global, a),
        Command::Hold(a) => hold::run(&global, a),
        Command::Outbox(a) => outbox::run(&global, a),
        Command::Device(a) => device::run(&global, &a),
        Command::Adt(a) => adt::run(&global, a),
        Command::Fleet(a) => fleet::run(&global, a),
        Command::Backup(a) => backup::run_backup(&global, &a),
        Command::Restore(a) => backup::run_restore(&global, &a),
        Command::Drill(a) => drill::run(&global, &a),
        Command::Patterns(a) => patterns::run(&global, a),
        Command::Evidence(a) => evidence::run(&global, &a),
        Command::Bench(a) => bench::run(&global, a),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("wellspoken: {e:#}");
            ExitCode::FAILURE
        }
    }
}
