//! Many people at once: folders of bundles and Bulk Data exports, with a progress bar, going on where it stopped.
//!
//! Invariants: people, what was counted of them and how far the import is are one commit, so what is killed goes on with the
//! first who is not there, and counts nobody twice; what was left out is said with why, in counts.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::UNIX_EPOCH,
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::{
    bulk::{Export, is_lines, is_manifest},
    read,
};
use crate::{
    policy::{PersonId, Scope},
    records::{Chart, Summary, fhir_bundle},
    store::{ImportState, Lot, Store, StoreError},
};

/// So many people share a commit.
const AT_A_TIME: usize = 64;
/// Bytes of what people are read from after which no more of them are taken into memory at once (16 MiB).
const HEAVY: u64 = 16 << 20;

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
                below(path, &mut files)?;
            } else {
                files.push(path.clone());
            }
        }
        let ends = |path: &PathBuf, with: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(with));
        let mut ignored: BTreeMap<String, usize> = BTreeMap::new();
        files.retain(|path| {
            let taken = paths.contains(path) || ends(path, "json") || is_lines(path);
            if !taken {
                *ignored.entry(ending(path)).or_default() += 1;
            }
            taken
        });
        files.sort();
        let lines = files.iter().filter(|path| is_lines(path)).count();
        if lines > 0 {
            files.retain(|path| {
                let manifest = !is_lines(path) && is_manifest(path);
                if manifest {
                    *ignored.entry("the manifest of the export".to_owned()).or_default() += 1;
                }
                !manifest
            });
        }
        for (what, n) in ignored {
            eprintln!("not read: {n} {what}");
        }
        if let ([only], [given]) = (files.as_slice(), paths)
            && only == given
            && !is_lines(only)
        {
            return Ok(None);
        }
        anyhow::ensure!(
            !files.is_empty(),
            "there is neither a bundle (*.json) nor an export (*.ndjson, *.jsonl, or either with .gz) in the folder"
        );
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

    /// How many bytes somebody is read from.
    fn weight(&self, n: usize) -> u64 {
        match self {
            Self::Bundles(files) => fs::metadata(&files[n]).map_or(0, |about| about.len()),
            Self::Export(export) => export.weight(n),
        }
    }

    fn removed(&self) -> &HashSet<String> {
        static NONE: LazyLock<HashSet<String>> = LazyLock::new(HashSet::new);
        match self {
            Self::Bundles(_) => &NONE,
            Self::Export(export) => &export.removed,
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

/// The files of a folder and of those in it.
fn below(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).context("cannot read the folder; check its permissions")?;
    for entry in entries {
        let entry = entry?;
        // What a link leads to may be this folder again.
        if entry.file_type()?.is_dir() {
            below(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// How a file's name ends; the rest of it may be somebody's.
fn ending(path: &Path) -> String {
    let end = path.extension().and_then(|end| end.to_str()).filter(|end| end.len() <= 8);
    let end = end.filter(|end| end.bytes().all(|b| b.is_ascii_alphanumeric()));
    end.map_or_else(|| "of another kind".to_owned(), |end| format!("that end in .{end}"))
}

/// How people are imported.
#[derive(Clone, Default)]
pub struct How {
    /// What they agree to; `None` keeps what they agreed to.
    pub consent: Option<Vec<Scope>>,
    /// What is here of somebody known goes, whatever comes.
    pub replace: bool,
}

/// What became of an import, from its first person on.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Tally {
    /// People imported.
    pub people: usize,
    /// Those of them whom an earlier run had imported that was stopped.
    #[serde(skip)]
    pub before: usize,
    /// Who could not be imported, by why.
    pub failed: BTreeMap<String, usize>,
    /// Resources, by what became of them.
    pub summary: Summary,
}

impl Tally {
    fn fails(&mut self, why: String) {
        *self.failed.entry(why).or_default() += 1;
    }

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

/// The name of an import of these files as they are: another size, another time, or done otherwise is another import.
fn name_of(files: &[PathBuf], how: &How) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    let agreed =
        how.consent.as_ref().map(|scopes| scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(","));
    hash.update(format!("{agreed:?} {}\n", how.replace).as_bytes());
    for file in files {
        hash.update(file.as_os_str().as_encoded_bytes());
        let about = fs::metadata(file).ok();
        let changed = about.as_ref().and_then(|m| m.modified().ok()).and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        hash.update(&about.map_or(0, |m| m.len()).to_be_bytes());
        hash.update(&changed.map_or(0, |t| t.as_nanos()).to_be_bytes());
    }
    hex::encode(hash.finish().as_ref())
}

/// People who were read: their charts, and for each whether there is one or why not.
#[derive(Default)]
struct Read {
    charts: Vec<Chart>,
    each: Vec<Option<String>>,
}

impl Read {
    /// The next people from this one on: so many, or as much as may be in memory. Read on all cores.
    fn from(source: &Source, first: usize) -> Self {
        let (mut until, mut weight) = (first, 0);
        while until < source.len() && until - first < AT_A_TIME && (weight < HEAVY || until == first) {
            weight += source.weight(until);
            until += 1;
        }
        let people: Vec<usize> = (first..until).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut read = Self::default();
        std::thread::scope(|scope| {
            let lots: Vec<_> = people
                .chunks(people.len().div_ceil(threads).max(1))
                .map(|lot| scope.spawn(|| lot.iter().map(|n| source.chart(*n)).collect::<Vec<_>>()))
                .collect();
            for chart in lots.into_iter().flat_map(|lot| lot.join().unwrap_or_default()) {
                read.each.push(chart.as_ref().err().map(|error| format!("{error:#}")));
                read.charts.extend(chart);
            }
        });
        read
    }

    /// What is counted once these first ones of the charts were tried, and how many people that passes.
    fn counted(&self, so_far: &Tally, tried: &[Result<PersonId, StoreError>]) -> (usize, Tally) {
        let mut tally = so_far.clone();
        let mut outcomes = tried.iter().zip(&self.charts);
        let mut passed = 0;
        for unread in &self.each {
            match unread {
                Some(why) => tally.fails(why.clone()),
                None => match outcomes.next() {
                    Some((Ok(_), chart)) => {
                        tally.people += 1;
                        tally.add(&chart.summary);
                    }
                    Some((Err(why), _)) => tally.fails(why.to_string()),
                    None => break,
                },
            }
            passed += 1;
        }
        (passed, tally)
    }

    /// Takes away those who were passed.
    fn pass(&mut self, passed: usize) {
        let charts = self.each.drain(..passed).filter(Option::is_none).count();
        self.charts.drain(..charts);
    }
}

/// Imports everybody. Each is tried; who cannot be imported is counted with why.
///
/// # Errors
/// When the database or a key fails, or the same import runs elsewhere. What is durable then is not done again by the next.
pub async fn run(
    store: &Store,
    source: Arc<Source>,
    files: &[PathBuf],
    how: &How,
    at: Timestamp,
) -> anyhow::Result<Tally> {
    let name = name_of(files, how);
    let all = source.len();
    let begun = store.import_state(&name).await?.unwrap_or_default();
    let mut tally: Tally = if begun.done == 0 { Tally::default() } else { serde_json::from_slice(&begun.counted)? };
    let mut done = usize::try_from(begun.done)?.min(all);
    tally.before = tally.people;
    let bar = bar(all, done);
    let read = |first: usize| {
        let source = Arc::clone(&source);
        tokio::task::spawn_blocking(move || Read::from(&source, first))
    };
    let mut ahead = read(done);
    while done < all {
        let mut people = ahead.await?;
        // The next ones are read while these are written.
        ahead = read(done + people.each.len());
        while !people.each.is_empty() {
            let lot = Lot {
                import: &name,
                done: u64::try_from(done)?,
                charts: &people.charts,
                consent: how.consent.as_deref(),
                replace: how.replace,
                removed: source.removed(),
                at,
            };
            let state = |tried: &[_]| {
                let (passed, tally) = people.counted(&tally, tried);
                let counted = serde_json::to_vec(&tally).unwrap_or_default();
                ImportState { done: lot.done + passed as u64, counted }
            };
            let tried = store.import_lot(lot, state).await.map_err(beside)?;
            let (passed, counted) = people.counted(&tally, &tried);
            tally = counted;
            people.pass(passed);
            done += passed;
            bar.set_position(u64::try_from(done)?);
        }
    }
    bar.finish_and_clear();
    store.import_ends(&name).await?;
    Ok(tally)
}

fn beside(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Outdated => {
            anyhow::anyhow!("another import of the same files is running; let it end, or end it and try again")
        }
        other => other.into(),
    }
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
