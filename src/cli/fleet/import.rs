//! `wellspoken fleet import`: many devices with their places, out of a table.

use std::{
    fs::OpenOptions,
    io::{IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use crate::{
    fleet::roster::{Roster, Within},
    store::{By, Store},
};

/// Largest table that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Make many devices known, with their places, out of a table (CSV).
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The table. Its first line names columns: organization, property, building, floor, unit, room, bed, place, adt, serial,
    /// channel; property, room and serial are needed.
    file: PathBuf,
    /// Only say what would be made, and what is wrong.
    #[arg(long)]
    dry_run: bool,
    /// Write the devices' codes to this new file, which only its owner may read, instead of standard output.
    #[arg(long, value_name = "FILE")]
    codes: Option<PathBuf>,
}

/// Imports a table.
///
/// # Errors
/// What was wrong, where, and what to do; then nothing was made.
pub async fn run(store: &Store, args: ImportArgs, by: By<'_>, now: Timestamp) -> anyhow::Result<()> {
    let begun = Instant::now();
    let size = std::fs::metadata(&args.file).with_context(|| args.file.display().to_string())?.len();
    if size > LARGEST {
        bail!("{}: is larger than {LARGEST} bytes; import it in parts", args.file.display());
    }
    let text = std::fs::read_to_string(&args.file).with_context(|| args.file.display().to_string())?;
    let (tree, devices) = (store.tree().await?, store.devices().await?);
    let roster = store.read_roster(&text, &tree, &devices, &Within::EVERYWHERE, now)?;
    told(&roster, &args.file)?;
    if args.dry_run {
        println!("nothing was made: --dry-run");
        return Ok(());
    }
    let mut out: Box<dyn std::io::Write> = match &args.codes {
        // Made before anything else is: a code that could not be written would be lost.
        Some(path) => Box::new(fresh_file(path)?),
        None => Box::new(std::io::stdout()),
    };
    let bar = bar();
    let codes = store.make_roster(&roster, by, now, |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    let codes = codes.await?;
    bar.finish_and_clear();
    writeln!(out, "serial,code")?;
    for (serial, code) in &codes {
        writeln!(out, "{serial},{code}")?;
    }
    out.flush()?;
    eprintln!("{} codes in {:.1} s; they work for seven days", codes.len(), begun.elapsed().as_secs_f64());
    Ok(())
}

fn told(roster: &Roster, file: &Path) -> anyhow::Result<()> {
    let Roster { places, devices, waiting, known, wrong, more_wrong } = roster;
    for wrong in wrong {
        eprintln!("{}: {wrong}", file.display());
    }
    if !wrong.is_empty() {
        bail!("{} lines are wrong; nothing was made. Mend them and import the table again", wrong.len() + more_wrong);
    }
    eprintln!(
        "{} places and {} devices to make, {} that wait and get a fresh code, {known} that are let in already",
        places.len(),
        devices.len(),
        waiting.len()
    );
    Ok(())
}

fn fresh_file(path: &Path) -> anyhow::Result<std::fs::File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| format!("--codes {}: must be a new file", path.display()))
}

fn bar() -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{pos} of {len} {wide_bar} {eta}") {
        bar.set_style(style);
    }
    bar
}
