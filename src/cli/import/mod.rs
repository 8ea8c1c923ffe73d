//! `wellspoken import`: make a patient known, or many.

mod bulk;
mod many;

pub use many::{How, Source, run as everybody};

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};

use super::{Global, config_store, runtime};
use crate::{
    policy::{PersonId, RoomId, Scope},
    records::{
        Chart, Summary, demo,
        fhir_bundle::{self, BundleError, MAX_BYTES},
    },
    store::{ImportOptions, Store},
};

/// Makes a patient known from a FHIR R4 bundle; somebody known already gets the new chart. Prints the
/// person's id, and what was read on the error channel. A folder of bundles, or a Bulk Data export (*.ndjson, or a folder of
/// them), makes many known: a progress bar, and what was left out and why; stopped, it goes on where it was.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The bundle (JSON), with exactly one patient in it; or a folder of bundles; or NDJSON files or a folder of them.
    #[arg(value_name = "BUNDLE.json", required = true)]
    from: Vec<PathBuf>,
    /// The person's spoken PIN, 4 to 12 digits.
    #[arg(long, value_name = "N")]
    pin: Option<String>,
    /// What the person agreed to: `all`, `none`, or a list such as `medicines,visits`. Left out, it stays as
    /// it is, and that is nothing for somebody new.
    #[arg(long, value_name = "SCOPES")]
    consent: Option<String>,
    /// The hospital room the person is admitted to; whoever was there before is gone.
    #[arg(long, value_name = "R")]
    room: Option<String>,
    /// Read the bundle as if the day of its `timestamp` were today, as the demo people are told.
    #[arg(long)]
    anchor_today: bool,
    /// Put what comes in the place of all that is here of the same people. Otherwise what is not in it stays, and of the same
    /// resource the newer is kept.
    #[arg(long)]
    replace: bool,
}

/// Runs `wellspoken import`.
///
/// # Errors
/// What was wrong, where, and what to do. The store is unchanged then.
pub fn run(global: &Global, args: ImportArgs) -> anyhow::Result<()> {
    let config = global.config()?;
    let now = global.now.unwrap_or_else(crate::ambient::system_now);
    let anchor = args.anchor_today.then(|| TimeZone::get(&config.place.zone)).transpose()?;
    // All of this before the database is touched: a bad bundle leaves no empty store behind.
    if let Some((source, files)) = Source::of(&args.from)? {
        anyhow::ensure!(
            args.pin.is_none() && args.room.is_none() && !args.anchor_today,
            "--pin, --room and --anchor-today are for one person; import them by themselves"
        );
        let how = How { consent: args.consent.as_deref().map(scopes).transpose()?, replace: args.replace };
        return run_many(global, source, &files, &how, now);
    }
    let Some(bundle) = args.from.first() else { anyhow::bail!("name a bundle") };
    let chart = read(bundle, anchor.as_ref().map(|zone| (now, zone)))?;
    if let (Some(pin), Some(count)) = (&args.pin, config.hear.pin_digits) {
        anyhow::ensure!(pin.len() == count, "hear.pin_digits says that every PIN has {count} digits");
    }
    let options = ImportOptions {
        // Moved to another day it is no change of what is here.
        replace: args.replace || args.anchor_today,
        ..options(args.pin.as_deref(), args.consent.as_deref(), args.room.as_deref())?
    };
    let person = runtime()?.block_on(async {
        let store = config_store(global).await?;
        let person = store.import(&chart, options, now).await;
        store.close().await;
        anyhow::Ok(person?)
    })?;
    eprintln!("{}", told(&chart.summary));
    println!("{}", person.as_str());
    Ok(())
}

fn run_many(global: &Global, source: Source, files: &[PathBuf], how: &How, now: Timestamp) -> anyhow::Result<()> {
    let source = Arc::new(source);
    let tally = runtime()?.block_on(async {
        let store = config_store(global).await?;
        let tally = everybody(&store, Arc::clone(&source), files, how, now).await;
        store.close().await;
        tally
    })?;
    eprintln!("{}", told(&tally.summary));
    if let Source::Export(export) = &*source {
        for (why, n) in &export.left_out {
            eprintln!("of no use here: {n} {why}");
        }
        for fault in &export.faults {
            eprintln!("{fault}");
        }
    }
    for (why, n) in &tally.failed {
        eprintln!("not imported: {n}, because {why}");
    }
    if tally.before > 0 {
        eprintln!("{} of them were imported before this was stopped", tally.before);
    }
    println!("{}", tally.people);
    let refused: usize = tally.failed.values().sum();
    anyhow::ensure!(refused == 0, "{refused} of {} people were not imported", refused + tally.people);
    Ok(())
}

/// Reads a bundle and makes its patient known in an open store; dates are taken as they are.
///
/// # Errors
/// As [`run`].
pub async fn import_into(
    store: &Store,
    bundle: &Path,
    pin: Option<&str>,
    consent: Option<&str>,
    room: Option<&str>,
    at: Timestamp,
) -> anyhow::Result<PersonId> {
    let chart = read(bundle, None)?;
    Ok(store.import(&chart, options(pin, consent, room)?, at).await?)
}

/// The chart of a file. The file's name may be somebody's, so no error repeats it.
fn read(bundle: &Path, anchor: Option<(Timestamp, &TimeZone)>) -> anyhow::Result<Chart> {
    let file = std::fs::File::open(bundle).context("cannot read the bundle; check its name and permissions")?;
    if file.metadata().is_ok_and(|m| m.len() > MAX_BYTES as u64) {
        return Err(BundleError::TooLarge.into());
    }
    let mut bytes = Vec::new();
    // A pipe tells no length: one byte more than allowed is enough to know.
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).context("cannot read the bundle")?;
    let chart = match anchor {
        Some((now, zone)) => demo::bundle(&bytes, now, zone),
        None => fhir_bundle::parse(&bytes),
    };
    chart.context("the bundle cannot be imported")
}

fn options<'a>(pin: Option<&'a str>, consent: Option<&str>, room: Option<&str>) -> anyhow::Result<ImportOptions<'a>> {
    Ok(ImportOptions {
        pin,
        consent: consent.map(scopes).transpose()?,
        room: room.map(RoomId::parse).transpose().context("--room")?,
        ..ImportOptions::default()
    })
}

/// `all`, `none`, or names with commas between them.
fn scopes(text: &str) -> anyhow::Result<Vec<Scope>> {
    match text.trim() {
        "all" => Ok(Scope::ALL.to_vec()),
        "none" => Ok(vec![]),
        list => list
            .split(',')
            .map(|name| {
                let name = name.trim();
                Scope::named(name).with_context(|| {
                    let known: Vec<&str> = Scope::ALL.into_iter().map(Scope::name).collect();
                    format!("--consent: `{name}` is not a scope; use all, none, or some of {}", known.join(","))
                })
            })
            .collect(),
    }
}

/// What was read and what was not, in counts.
fn told(summary: &Summary) -> String {
    let line = |counts: &std::collections::BTreeMap<String, usize>| {
        let parts: Vec<String> = counts.iter().map(|(what, n)| format!("{n} {what}")).collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    };
    let mut lines = vec![format!("read: {}", line(&summary.read))];
    if !summary.skipped.is_empty() {
        lines.push(format!("of no use here: {}", line(&summary.skipped)));
    }
    if !summary.unusable.is_empty() {
        lines.push(format!("left out: {}", line(&summary.unusable)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_all_none_or_named() {
        assert_eq!(scopes("all").ok(), Some(Scope::ALL.to_vec()));
        assert_eq!(scopes("none").ok(), Some(vec![]));
        assert_eq!(scopes("visits, records").ok(), Some(vec![Scope::Visits, Scope::Records]));
        for bad in ["", "everything", "all,visits"] {
            assert!(scopes(bad).is_err(), "{bad:?}");
        }
    }
}
