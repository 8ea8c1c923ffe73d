//! `wellspoken drill`: shows that what is backed up can be restored and read, with the running installation's own data,
//! and leaves nothing behind.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{Global, backup::outlive_file_limits, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    records::{Chart, demo},
    store::{
        AuditReader, BackupOptions, ImportOptions, Manifest, ReadBack, RestoreOptions, Store, StoreOptions,
        clear_restored, restore,
    },
};

/// Back up, restore elsewhere, verify, read, and clean up; fails where any of it does.
#[derive(Debug, clap::Args)]
pub struct DrillArgs {
    /// How many people, drawn at random, have their restored rows opened; each reading is audited.
    #[arg(long, default_value_t = 5)]
    people: u32,
    /// Where the backup and the restored copy lie meanwhile; it must have room for both.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// An empty PostgreSQL database to restore into; it is empty again afterwards. Needed where PostgreSQL is used.
    #[arg(long, value_name = "URL", env = "WELLSPOKEN_DRILL_URL", hide_env_values = true)]
    scratch_url: Option<String>,
    /// Where PostgreSQL's programs are.
    #[arg(long, value_name = "DIR")]
    pg_bin: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What was done, how long it took, and what was found.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// The size of the backup.
    bytes: u64,
    /// Entries of the audit chain that it holds.
    entries: i64,
    backup_seconds: f64,
    restore_seconds: f64,
    verify_seconds: f64,
    open_and_read_seconds: f64,
    people_read: usize,
    rows_read: usize,
    /// People drawn whose key was destroyed before, all of whose restored rows stayed shut.
    people_gone: usize,
    destroyed_key_seconds: f64,
    /// What a restore would have lost if the disk had failed at the end of the drill: entries since the backup.
    entries_since: i64,
    recovery_point_seconds: f64,
    recovery_time_seconds: f64,
}

/// Runs `wellspoken drill`.
///
/// # Errors
/// The first step that failed, and what to do. Nothing is left behind.
pub fn run(global: &Global, args: &DrillArgs) -> anyhow::Result<()> {
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let report = runtime()?.block_on(async {
        outlive_file_limits();
        let live = config_store(global).await?;
        let drilled = drill(global, args, &live, scratch.0.as_path()).await;
        live.close().await;
        drilled
    });
    scratch.end()?;
    let report = report?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

async fn drill(global: &Global, args: &DrillArgs, live: &Store, scratch: &Path) -> anyhow::Result<Report> {
    let (by, at) = (whoever(), global.now.unwrap_or_else(system_now));
    let mut report = Report::default();
    let keys = StoreOptions { url: global.database_url()?, key_file: global.key_file()?, keys: global.config()?.keys };
    let into = match (keys.url.starts_with("postgres"), &args.scratch_url) {
        (false, _) => scratch.join("restored.db").display().to_string(),
        (true, Some(url)) => {
            ensure!(*url != keys.url, "--scratch-url is the running database itself; name an empty one");
            url.clone()
        }
        (true, None) => {
            anyhow::bail!("on PostgreSQL a drill needs an empty database: make one and name it with --scratch-url")
        }
    };
    let (begun, file) = (Instant::now(), scratch.join("drill.backup"));
    let options = BackupOptions { to: &file, by: &by, at, tools: args.pg_bin.as_deref() };
    let manifest = live.back_up(options).await.context("backing up")?;
    report.backup_seconds = seconds(begun);
    (report.bytes, report.entries) = (manifest.bytes, manifest.entries);

    let recovering = Instant::now();
    let elsewhere = StoreOptions { url: into.clone(), ..keys.clone() };
    let options = RestoreOptions { from: file, into: elsewhere.clone(), public_key: None, tools: args.pg_bin.clone() };
    restore(&options).await.context("restoring")?;
    report.restore_seconds = seconds(recovering);
    let looked = look(live, &elsewhere, &manifest, args.people, &by, at, &mut report).await;
    report.recovery_time_seconds = seconds(recovering);
    if into.starts_with("postgres") {
        clear_restored(&into).await.context("emptying the scratch database")?;
    }
    looked?;

    let begun = Instant::now();
    destroyed_key(&keys, scratch, &by, at).await.context("showing what a destroyed key does to a backup")?;
    report.destroyed_key_seconds = seconds(begun);
    report.entries_since = live.audit_verify().await?.entries - manifest.entries;
    report.recovery_point_seconds = report.backup_seconds + report.recovery_time_seconds + report.destroyed_key_seconds;
    Ok(report)
}

/// The restored copy: its chain verifies offline, and people's rows open.
async fn look(
    live: &Store,
    elsewhere: &StoreOptions,
    manifest: &Manifest,
    people: u32,
    by: &str,
    at: Timestamp,
    report: &mut Report,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let chain = AuditReader::open(&elsewhere.url).await.context("opening the restored audit chain")?;
    let found = chain.verify(manifest.head_hash(), Some(&live.audit_public_key())).await?;
    ensure!(found.whole() && found.entries == manifest.entries, "the restored audit chain is not the one backed up");
    report.verify_seconds = seconds(begun);

    let begun = Instant::now();
    let restored = Store::open(elsewhere.clone()).await.context("opening the restored database with the keys")?;
    let read = read(live, &restored, people, by, at, report).await;
    restored.close().await;
    report.open_and_read_seconds = seconds(begun);
    read
}

async fn read(
    live: &Store,
    restored: &Store,
    people: u32,
    by: &str,
    at: Timestamp,
    report: &mut Report,
) -> anyhow::Result<()> {
    for person in restored.some_people(people).await? {
        match restored.read_back(&person, live, by, at).await.context("reading somebody's restored rows")? {
            ReadBack::Opened(rows) => {
                report.people_read += 1;
                report.rows_read += rows;
            }
            ReadBack::Gone(_) => report.people_gone += 1,
        }
    }
    Ok(())
}

/// An invented person, in a database of their own under the same keys, is backed up; their key is destroyed; and the
/// backup is restored once more. Nobody real is touched.
async fn destroyed_key(keys: &StoreOptions, scratch: &Path, by: &str, at: Timestamp) -> anyhow::Result<()> {
    let place = |name: &str| StoreOptions { url: scratch.join(name).display().to_string(), ..keys.clone() };
    let store = Store::open(place("invented.db")).await?;
    let chart = invented(at)?;
    let person = store.import(&chart, ImportOptions::default(), at).await?;
    let file = scratch.join("invented.backup");
    let shown = async {
        store.back_up(BackupOptions { to: &file, by, at, tools: None }).await?;
        let read = async |name: &str| -> anyhow::Result<ReadBack> {
            let into = place(name);
            restore(&RestoreOptions { from: file.clone(), into: into.clone(), public_key: None, tools: None }).await?;
            let restored = Store::open(into).await?;
            let read = restored.read_back(&person, &store, by, at).await;
            restored.close().await;
            Ok(read?)
        };
        let before = read("before.db").await?;
        ensure!(matches!(before, ReadBack::Opened(rows) if rows > 0), "rows did not open although their key is there");
        ensure!(store.destroy_person(&person, by, at).await?, "there was no key to destroy");
        let after = read("after.db").await?;
        ensure!(matches!(after, ReadBack::Gone(rows) if rows > 0), "rows opened although their key was destroyed");
        Ok(())
    }
    .await;
    // Where it broke off, the invented person's key must still not stay.
    let _ = store.destroy_person(&person, by, at).await;
    store.close().await;
    shown
}

fn invented(at: Timestamp) -> anyhow::Result<Chart> {
    let all = demo::all(at, &TimeZone::UTC)?.into_iter();
    let mut chart = all.map(|(_, chart)| chart).next().context("there are no invented people")?;
    chart.slots.clear();
    Ok(chart)
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

fn print(report: &Report) {
    let Report { bytes, entries, people_read, rows_read, people_gone, .. } = report;
    println!("backed up while in use: {bytes} bytes, {entries} audit entries; {:.2} s", report.backup_seconds);
    println!("restored elsewhere, every byte and row checked; {:.2} s", report.restore_seconds);
    println!("audit chain verified with the public key alone; {:.2} s", report.verify_seconds);
    println!(
        "opened with the keys; {rows_read} rows of {people_read} people drawn at random opened, and {people_gone} people \
         without a key stayed shut; {:.2} s",
        report.open_and_read_seconds
    );
    println!(
        "an invented person was backed up and their key destroyed: restored once more, their rows stayed shut; {:.2} s",
        report.destroyed_key_seconds
    );
    println!(
        "recovery point: {} audit entries since the backup began, {:.2} s ago; recovery time: {:.2} s",
        report.entries_since, report.recovery_point_seconds, report.recovery_time_seconds
    );
    println!("nothing of it is left");
}

/// A folder for its owner alone, gone at the end, however it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn make(below: Option<&Path>) -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let mut name = [0; 8];
        getrandom::fill(&mut name)?;
        let below = below.map_or_else(std::env::temp_dir, Path::to_owned);
        let folder = below.join(format!("wellspoken-drill-{}", hex::encode(name)));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    fn end(self) -> anyhow::Result<()> {
        std::fs::remove_dir_all(&self.0).with_context(|| format!("cannot remove {}", self.0.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
