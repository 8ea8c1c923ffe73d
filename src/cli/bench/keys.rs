//! `wellspoken bench keys`: how long a new master key takes, while the store is read.
//!
//! By the provider that the configuration names: a file in a scratch folder, or a key service, whose transit key then
//! gets a new version.

use std::{
    io::IsTerminal as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::quantiles::quantiles;
use crate::{
    ambient::system_now,
    cli::{Global, runtime},
    policy::{PersonId, Scope},
    records::demo,
    store::{ImportOptions, Store, StoreOptions, sqlite_path},
};

/// Measure the rotation of the master key.
#[derive(Debug, clap::Args)]
pub struct KeysBenchArgs {
    /// People, each with a key of their own.
    #[arg(long, default_value_t = 100_000)]
    people: u64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    provider: String,
    people: u64,
    make_seconds: f64,
    rotate_seconds: f64,
    rewrapped: u64,
    rewrapped_a_second: f64,
    /// Reads of one person's data meanwhile, by a store that forgets keys after a second.
    reads_meanwhile: usize,
    reads_failed: usize,
    read_p50_ms: f64,
    read_p99_ms: f64,
}

/// Runs `wellspoken bench keys`.
///
/// # Errors
/// When the scratch folder cannot be made, or a key cannot be made or wrapped.
pub fn run(global: &Global, args: &KeysBenchArgs) -> anyhow::Result<()> {
    let report = super::in_scratch(global, |scratch| runtime()?.block_on(measure(global, args.people, scratch)))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!("{} people; {}", report.people, report.provider);
    println!("making their keys, 250 at once: {:.1} s", report.make_seconds);
    println!(
        "a new master key: {:.1} s, {} keys wrapped anew, {:.0} a second",
        report.rotate_seconds, report.rewrapped, report.rewrapped_a_second
    );
    println!(
        "read meanwhile: {} times, {} failed; p50 {:.2} ms, p99 {:.2} ms",
        report.reads_meanwhile, report.reads_failed, report.read_p50_ms, report.read_p99_ms
    );
    Ok(())
}

async fn measure(global: &Global, people: u64, scratch: &Path) -> anyhow::Result<Report> {
    let mut keys = global.config()?.keys;
    let data = scratch.join("data");
    let url = sqlite_path(&data).display().to_string();
    let options = |keys| StoreOptions { url: url.clone(), key_file: scratch.join("keys/master.key"), keys };
    let admin = Store::open(options(keys.clone())).await?;
    let rosa = somebody(global, &admin).await?;

    let bar = bar(people, "made");
    let (shown, begun) = (bar.clone(), Instant::now());
    admin.make_keys(people, move |made| shown.set_position(made)).await?;
    let make_seconds = begun.elapsed().as_secs_f64();
    bar.finish_and_clear();

    keys.cache_seconds = 1;
    let running = Store::open(options(keys)).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let reads = tokio::spawn(read_on(running, rosa, Arc::clone(&stop)));
    let bar = self::bar(people, "wrapped anew");
    let (shown, begun) = (bar.clone(), Instant::now());
    let rotated = admin
        .rotate_keys("bench", system_now(), move |done, all| {
            shown.set_length(all);
            shown.set_position(done);
        })
        .await?;
    let rotate_seconds = begun.elapsed().as_secs_f64();
    bar.finish_and_clear();
    // Past the time that keys are kept, so that the new master key has been read too.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    stop.store(true, Ordering::Relaxed);
    let (times, failed) = reads.await.context("the reader broke off")?;
    let [read_p50_ms, read_p99_ms] = quantiles(&times, [0.5, 0.99]);
    let status = admin.key_status().await?;
    anyhow::ensure!(status.under_another == 0, "keys were left under the old master key");
    admin.close().await;
    Ok(Report {
        provider: status.provider,
        people,
        make_seconds,
        rotate_seconds,
        rewrapped: rotated.rewrapped,
        rewrapped_a_second: rotated.rewrapped as f64 / rotate_seconds,
        reads_meanwhile: times.len() + failed,
        reads_failed: failed,
        read_p50_ms,
        read_p99_ms,
    })
}

/// The first of the demo people.
async fn somebody(global: &Global, store: &Store) -> anyhow::Result<PersonId> {
    let zone = jiff::tz::TimeZone::get(&global.config()?.place.zone)?;
    let now = system_now();
    let (_, chart) = demo::all(now, &zone)?.into_iter().next().context("there are no demo people")?;
    let options =
        ImportOptions { pin: None, consent: Some(Scope::ALL.to_vec()), room: None, ..ImportOptions::default() };
    Ok(store.import(&chart, options, now).await?)
}

/// Reads until it is told to stop: how long each took, in milliseconds, and how many failed.
async fn read_on(store: Store, person: PersonId, stop: Arc<AtomicBool>) -> (Vec<f64>, usize) {
    let (mut times, mut failed) = (vec![], 0);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        match store.consent(&person).await {
            Ok(_) => times.push(begun.elapsed().as_secs_f64() * 1000.0),
            Err(_) => failed += 1,
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    store.close().await;
    (times, failed)
}

fn bar(length: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::hidden();
    if std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    bar.set_length(length);
    if let Ok(style) = ProgressStyle::with_template("{pos} of {len} {msg} [{bar:30}] {per_sec} {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}
