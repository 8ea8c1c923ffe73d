//! Many people at once: folders of bundles and Bulk Data exports, with a progress bar, going on where it stopped.
//!
//! Invariants: a person counts as done once they are durable, so what is killed goes on with at most a few people imported a
//! second time, which changes nothing; what was left out is said with why, in counts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use ring::digest;
use tokio::task::JoinSet;

use super::{bulk::Export, read};
use crate::{
    policy::Scope,
    records::{Chart, Summary, fhir_bundle},
    store::{ImportOptions, Store, StoreError},
};

/// So many people are written at a time: they share a commit, and so many charts are in memory.
const AT_A_TIME: usize = 8;

/// What there is to import, one after another.
pub enum Source {
    /// A bundle a file.
    Bundles(Vec<PathBuf>),
    /// NDJSON files.
    Export(Box<Export>),
}

impl Source {
    /// What a folder or several files hold; `None` for the one bundle that is imported by itself.
    ///
    /// # Errors
    /// When a folder cannot be read, holds neither bundles nor NDJSON, or holds both.
    pub fn of(paths: &[PathBuf]) -> anyhow::Result<Option<(Self, Vec<PathBuf>)>> {
        let mut files = Vec::new();
        for path in paths {
            if path.is_dir() {
                let entries = fs::read_dir(path).context("cannot read the folder; check its permissions")?;
                for entry in entries {
                    files.push(entry?.path());
                }
            } else {
                files.push(path.clone());
            }
        }
        let ends = |path: &PathBuf, with: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(with));
        files.retain(|path| paths.contains(path) || ends(path, "json") || ends(path, "ndjson"));
        files.sort();
        if let ([only], [given]) = (files.as_slice(), paths)
            && only == given
            && !ends(only, "ndjson")
        {
            return Ok(None);
        }
        let lines = files.iter().filter(|path| ends(path, "ndjson")).count();
        anyhow::ensure!(!files.is_empty(), "there is neither a bundle (*.json) nor an export (*.ndjson) in the folder");
        anyhow::ensure!(
            lines == 0 || lines == files.len(),
            "bundles and NDJSON together; import them one after the other"
        );
        let source = if lines == 0 {
            Self::Bundles(files.clone())
        } else {
            Self::Export(Box::new(Export::index(files.clone())?))
        };
        Ok(Some((source, files)))
    }

    fn len(&self) -> usize {
        match self {
            Self::Bundles(files) => files.len(),
            Self::Export(export) => export.people(),
        }
    }

    fn chart(&self, n: usize) -> anyhow::Result<Chart> {
        match self {
            Self::Bundles(files) => read(&files[n], None),
            Self::Export(export) => {
                Ok(fhir_bundle::parse(&export.bundle(n)?).context("the resources cannot be imported")?)
            }
        }
    }
}

/// What became of an import.
#[derive(Default)]
pub struct Tally {
    /// People imported, in this run.
    pub people: usize,
    /// People that an earlier run had imported.
    pub before: usize,
    /// Who could not be imported, by why.
    pub failed: BTreeMap<String, usize>,
    /// Resources, by what became of them.
    pub summary: Summary,
}

impl Tally {
    fn add(&mut self, one: &Summary) {
        for (all, some) in [
            (&mut self.summary.read, &one.read),
            (&mut self.summary.skipped, &one.skipped),
            (&mut self.summary.unusable, &one.unusable),
        ] {
            for (what, n) in some {
                *all.entry(what.clone()).or_default() += n;
            }
        }
    }
}

/// How far an import is, in a file of its own beside the database: a number, and nothing about anybody.
struct Mark(PathBuf);

impl Mark {
    /// The mark of these files as they are: another size or another time is another import.
    fn of(data_dir: &Path, files: &[PathBuf]) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        for file in files {
            hash.update(file.as_os_str().as_encoded_bytes());
            let about = fs::metadata(file).ok();
            let changed =
                about.as_ref().and_then(|m| m.modified().ok()).and_then(|t| t.duration_since(UNIX_EPOCH).ok());
            hash.update(&about.map_or(0, |m| m.len()).to_be_bytes());
            hash.update(&changed.map_or(0, |t| t.as_nanos()).to_be_bytes());
        }
        Self(data_dir.join(format!("import-{}", hex::encode(&hash.finish().as_ref()[..8]))))
    }

    fn done(&self) -> usize {
        fs::read_to_string(&self.0).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Written whole or not at all.
    fn set(&self, done: usize) -> anyhow::Result<()> {
        let new = self.0.with_extension("new");
        fs::write(&new, done.to_string())
            .and_then(|()| fs::rename(&new, &self.0))
            .context("cannot note how far the import is")
    }

    fn gone(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Imports everybody. Each is tried; who cannot be imported is counted with why.
///
/// # Errors
/// When the database or a key fails, or how far it is cannot be noted.
pub async fn run(
    store: &Store,
    source: &Source,
    files: &[PathBuf],
    data_dir: &Path,
    consent: Option<Vec<Scope>>,
    at: Timestamp,
) -> anyhow::Result<Tally> {
    let mark = Mark::of(data_dir, files);
    let all = source.len();
    let mut tally = Tally { before: mark.done().min(all), ..Tally::default() };
    let bar = bar(all, tally.before);
    let mut next = tally.before;
    while next < all {
        let until = (next + AT_A_TIME).min(all);
        let mut running = JoinSet::new();
        for n in next..until {
            let chart = match source.chart(n) {
                Ok(chart) => chart,
                Err(error) => {
                    *tally.failed.entry(format!("{error:#}")).or_default() += 1;
                    continue;
                }
            };
            tally.add(&chart.summary);
            let (store, consent) = (store.clone(), consent.clone());
            running.spawn(async move {
                let options = ImportOptions { consent, ..ImportOptions::default() };
                store.import(&chart, options, at).await
            });
        }
        while let Some(done) = running.join_next().await {
            match done? {
                Ok(_) => tally.people += 1,
                Err(error @ StoreError::TwoPeople) => *tally.failed.entry(error.to_string()).or_default() += 1,
                Err(error) => return Err(error.into()),
            }
        }
        next = until;
        mark.set(next)?;
        bar.set_position(u64::try_from(next)?);
    }
    bar.finish_and_clear();
    mark.gone();
    Ok(tally)
}

fn bar(all: usize, before: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX));
    let style = "{bar:40} {pos} of {len} people, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_position(u64::try_from(before).unwrap_or(0));
    bar.reset_eta();
    bar
}
