//! `wellspoken backup` and `wellspoken restore`: the database in one file, and back. The keys are not in it.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    store::{BackupOptions, Manifest, PublicKey, RestoreOptions, StoreOptions, restore},
};

/// Copy the database into one file while the server runs.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The file to make; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Where `pg_dump` is, for PostgreSQL.
    #[arg(long, value_name = "DIR")]
    pg_bin: Option<PathBuf>,
    /// Print the manifest as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Put a backup in the place that --data-dir or store.url names. Nothing may be there.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// What `backup` made.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Check it with this file of `audit public-key` instead of the key store; for restoring the database alone.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Where `pg_restore` is, for PostgreSQL.
    #[arg(long, value_name = "DIR")]
    pg_bin: Option<PathBuf>,
    /// Print the manifest as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `wellspoken backup`.
///
/// # Errors
/// What was wrong, where, and what to do. No part of a file is left.
pub fn run_backup(global: &Global, args: &BackupArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let manifest = runtime()?.block_on(async {
        outlive_file_limits();
        let store = config_store(global).await?;
        let at = global.now.unwrap_or_else(system_now);
        let options = BackupOptions { to: &args.to, by: &whoever(), at, tools: args.pg_bin.as_deref() };
        let made = store.back_up(options).await;
        store.close().await;
        anyhow::Ok(made?)
    })?;
    told(&manifest, args.json, &format!("made in {:.1} s", begun.elapsed().as_secs_f64()))?;
    if !args.json {
        println!("the keys are not in it: back up the master key and the key store apart from it, and for days only");
    }
    Ok(())
}

/// Runs `wellspoken restore`.
///
/// # Errors
/// What was wrong, where, and what to do. Nothing of what was begun is left.
pub fn run_restore(global: &Global, args: &RestoreArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let public_key = args.public_key.as_deref().map(read_key).transpose()?;
    let manifest = runtime()?.block_on(async {
        outlive_file_limits();
        let into =
            StoreOptions { url: global.database_url()?, key_file: global.key_file()?, keys: global.config()?.keys };
        let options = RestoreOptions { from: args.from.clone(), into, public_key, tools: args.pg_bin.clone() };
        let manifest = restore(&options).await?;
        if public_key.is_none() {
            let store = config_store(global).await?;
            let at = global.now.unwrap_or_else(system_now);
            store.note_backup("restored", &whoever(), None, at).await?;
            store.close().await;
        }
        anyhow::Ok(manifest)
    })?;
    told(&manifest, args.json, &format!("restored and checked in {:.1} s", begun.elapsed().as_secs_f64()))
}

fn read_key(path: &Path) -> anyhow::Result<PublicKey> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    PublicKey::parse(&text).with_context(|| path.display().to_string())
}

fn told(manifest: &Manifest, json: bool, how: &str) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(manifest)?);
        return Ok(());
    }
    let Manifest { made, database, bytes, entries, head, rows, .. } = manifest;
    println!("{database} as of {made}, {bytes} bytes, {} rows; {how}", rows.values().sum::<i64>());
    println!("audit chain: {entries} entries, head {head}");
    Ok(())
}

/// A file that may not grow any more is then an error that is told, not the end of the program. Needs a runtime.
pub fn outlive_file_limits() {
    use tokio::signal::unix::{SignalKind, signal};
    // Having asked to be told of it once is enough for as long as the process lives.
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
}
