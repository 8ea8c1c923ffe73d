//! The intent catalogue: what can be understood, as data.
//!
//! `intents/en/*.yaml` hold sentences, slots and replies by domain, `_common.yaml` what they share, `intents/lists`
//! the values of slots, `intents/tests/en` sentences with what must come of them. Reading collects every mistake
//! with its file and line; a catalogue that loads is compiled and sound.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Context, Pending,
    grammar::{Index, Pattern, Vocabulary},
    names::Names,
    when::Tense,
};
use crate::policy::{DataClass, Effect, Identity};

mod lists;
mod load;
mod samples;
mod sentences;
mod source;

pub(crate) use samples::Piece;
pub use samples::Sampler;
pub(crate) use source::conversation;

/// Everything that can be understood. Compiled and immutable.
#[derive(Debug)]
pub struct Catalogue {
    intents: Vec<IntentDef>,
    by_name: BTreeMap<String, usize>,
    lists: BTreeMap<String, List>,
    taken_for: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    exact: BTreeMap<String, List>,
    kinds: BTreeMap<String, List>,
    tests: Vec<TestCase>,
    pub(crate) vocabulary: Vocabulary,
    /// Sentences and examples of all intents, compiled, in the order of the intents.
    pub(crate) sentences: Vec<Sentence>,
    /// The sentences by their first word.
    pub(crate) index: Index,
    /// What a sentence may begin or end with besides.
    pub(crate) openings: Vec<Pattern>,
    pub(crate) closings: Vec<Pattern>,
    /// Words dropped wherever they stand.
    pub(crate) skip: Vec<Vec<String>>,
}

/// One intent.
#[derive(Debug)]
pub struct IntentDef {
    /// Its name: `prescription.renew`.
    pub name: String,
    /// The Rust action that answers it, `dialogue` for what the conversation itself handles, or `None` where
    /// nothing is connected.
    pub action: Option<String>,
    /// Why nothing is connected.
    pub why_none: Option<String>,
    /// The class of its data. The action's floor may be stricter.
    pub data: DataClass,
    /// What it does.
    pub effect: Effect,
    /// How sure it must be who asks; the action's floor may be stricter.
    pub identity: Option<Identity>,
    /// Its slots, in the order they are asked for.
    pub slots: Vec<SlotDef>,
    /// Sentences that are understood as they stand.
    pub sentences: Vec<Phrase>,
    /// Sentences only the classifier learns from.
    pub examples: Vec<Phrase>,
    /// Reply templates by name.
    pub replies: BTreeMap<String, String>,
    /// Where it is defined.
    pub at: Place,
}

impl IntentDef {
    /// The slot of that name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&SlotDef> {
        self.slots.iter().find(|s| s.name == name)
    }
}

/// One slot of an intent.
#[derive(Debug, Clone)]
pub struct SlotDef {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: SlotKind,
    /// Asked for when it is missing.
    pub required: bool,
    /// The question that asks for it.
    pub prompt: Option<String>,
    /// For days: whether the next or the last one is meant.
    pub sense: Tense,
    /// Where no value is found in a sentence, its own words are the value.
    pub or_words: bool,
}

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKind {
    /// A medicine: the person's own first, then the list `medicine`.
    Medicine,
    /// Somebody who treats: the person's own first, then the list `provider`.
    Provider,
    /// A day or days, maybe with a time.
    Date,
    /// A time of day.
    Time,
    /// A number.
    Number,
    /// What a body was measured at: "one twenty over eighty".
    Reading,
    /// How long: "a week and a half".
    Duration,
    /// How often: "every other day".
    Recurrence,
    /// A stretch of days: "the last three months".
    Period,
    /// A place in a row: "the second one".
    Ordinal,
    /// A code said digit by digit.
    Digits,
    /// Any words.
    Text,
    /// A value of a list.
    List(String),
}

impl SlotKind {
    /// Its word in the catalogue's files.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Medicine => "medicine",
            Self::Provider => "provider",
            Self::Date => "date",
            Self::Time => "time",
            Self::Number => "number",
            Self::Reading => "reading",
            Self::Duration => "duration",
            Self::Recurrence => "recurrence",
            Self::Period => "period",
            Self::Ordinal => "ordinal",
            Self::Digits => "digits",
            Self::Text => "text",
            Self::List(list) => list,
        }
    }
}

/// A sentence as it was written, and where.
#[derive(Debug, Clone)]
pub struct Phrase {
    /// The template.
    pub text: String,
    /// Where it stands.
    pub at: Place,
}

/// A place in a file of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, relative to the folder of the catalogue.
    pub file: Arc<str>,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { write!(f, "{}", self.file) } else { write!(f, "{}:{}", self.file, self.line) }
    }
}

/// A compiled sentence or example.
#[derive(Debug)]
pub(crate) struct Sentence {
    pub intent: usize,
    /// Understood as it stands; an example is only learned from.
    pub exact: bool,
    pub at: Place,
    pub pattern: Pattern,
    /// Where alone it holds.
    pub requires: Conditions,
    /// Where it does not hold.
    pub excludes: Conditions,
}

/// Where a sentence holds. Of each kind one must fit; none is anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub channel: Vec<String>,
    /// `intent`, `intent/slot`, or `any`.
    pub pending: Vec<String>,
}

impl Sentence {
    /// Whether the sentence holds in a conversation.
    pub fn holds(&self, ctx: &Context<'_>) -> bool {
        let channel = |c: &Conditions| c.channel.iter().any(|name| name == ctx.channel);
        let pending = |c: &Conditions| c.pending.iter().any(|wanted| is_pending(wanted, ctx.pending.as_ref()));
        (self.requires.channel.is_empty() || channel(&self.requires))
            && (self.requires.pending.is_empty() || pending(&self.requires))
            && !channel(&self.excludes)
            && !pending(&self.excludes)
    }
}

fn is_pending(wanted: &str, open: Option<&Pending<'_>>) -> bool {
    let Some(open) = open else { return false };
    match wanted.split_once('/') {
        Some((intent, slot)) => open.intent == intent && open.slot == Some(slot),
        None => wanted == "any" || open.intent == wanted,
    }
}

/// The values of a slot.
#[derive(Debug)]
pub struct List {
    /// Values as they are given to actions.
    pub values: Vec<String>,
    /// How they are said, made ready for matching.
    pub(crate) names: Names,
    /// How they are said, for drawing samples: value, words.
    pub(crate) said: Vec<(usize, String)>,
    /// For a list that is a range of numbers.
    pub(crate) range: Option<Range>,
    /// Any words stand for themselves.
    pub(crate) wildcard: bool,
}

/// Numbers a list holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub from: f64,
    pub to: f64,
    pub step: f64,
    /// Parts of one may be said.
    pub fractions: bool,
    pub multiplier: f64,
}

/// A sentence with what must come of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// What is said.
    pub say: String,
    /// The intent it must be understood as. Several, separated by `|`, where either is right.
    pub intent: String,
    /// Slots that must be filled, with their values as text (days as ISO 8601).
    #[serde(default)]
    pub slots: BTreeMap<String, String>,
    /// When it is said; a Monday morning unless given.
    #[serde(default)]
    pub now: Option<jiff::Timestamp>,
    /// The person's medicines.
    #[serde(default)]
    pub medicines: Vec<String>,
    /// The person's providers.
    #[serde(default)]
    pub providers: Vec<String>,
    /// The intent and slot of the open question, as `intent` or `intent/slot`.
    #[serde(default)]
    pub pending: Option<String>,
    /// The manner of speaking: direct, indirect, terse, rambling, caregiver, child, non-native, recognizer.
    #[serde(default)]
    pub manner: Option<String>,
    /// Kept out of tuning: only reported on.
    #[serde(default)]
    pub held_out: bool,
    /// Where it stands. Filled while reading.
    #[serde(skip)]
    pub line: u64,
    /// Its file. Filled while reading.
    #[serde(skip)]
    pub file: String,
}

/// One mistake in a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub at: Place,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// Every mistake of a catalogue, in the order of files and lines.
#[derive(Debug, thiserror::Error)]
pub struct CatalogueErrors(pub Vec<Mistake>);

impl fmt::Display for CatalogueErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl Catalogue {
    /// Reads a folder that holds `en/*.yaml`, `lists/*.yaml` and `tests/en/*.yaml`.
    ///
    /// # Errors
    /// Every mistake with its file and line.
    pub fn load(dir: &Path) -> Result<Self, CatalogueErrors> {
        load::build(&source::read_folder(dir)?)
    }

    /// The catalogue that comes with the program.
    ///
    /// # Errors
    /// Never for a program whose tests passed.
    pub fn builtin() -> Result<Self, CatalogueErrors> {
        load::build(&source::embedded())
    }

    /// Writes files of the catalogue inside the program, named by their paths, to a folder: a smaller one for `--intents`.
    ///
    /// # Errors
    /// When there is no such file, or the folder cannot be written.
    pub fn write_builtin(folder: &std::path::Path, names: &[&str]) -> std::io::Result<()> {
        let files = source::embedded();
        for name in names {
            let known = files.iter().find(|(path, _)| path == std::path::Path::new(name));
            let (path, text) = known.ok_or(std::io::ErrorKind::NotFound)?;
            let to = folder.join(path);
            std::fs::create_dir_all(to.parent().unwrap_or(folder))?;
            std::fs::write(to, text)?;
        }
        Ok(())
    }

    /// Reads files given as path and text.
    ///
    /// # Errors
    /// Every mistake with its file and line.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, CatalogueErrors> {
        let files: Vec<_> = files.into_iter().map(|(p, t)| (PathBuf::from(p), t.to_owned())).collect();
        load::build(&files)
    }

    /// The intent of that name.
    #[must_use]
    pub fn intent(&self, name: &str) -> Option<&IntentDef> {
        self.by_name.get(name).and_then(|&i| self.intents.get(i))
    }

    /// All intents, by name.
    #[must_use]
    pub fn intents(&self) -> &[IntentDef] {
        &self.intents
    }

    /// All lists, by name.
    pub fn lists(&self) -> impl Iterator<Item = &List> {
        self.lists.values()
    }

    /// The list of that name.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&List> {
        self.lists.get(name)
    }

    /// Names that a name of a list is known to be taken for. Names are as [`super::words::normal`] writes them.
    #[must_use]
    pub fn taken_for(&self, list: &str, name: &str) -> &[String] {
        self.taken_for.get(list).and_then(|names| names.get(name)).map_or(&[], Vec::as_slice)
    }

    /// More values of a list, known letter for letter only: none of them is what a word that is like it stands for.
    #[must_use]
    pub fn exact(&self, list: &str) -> Option<&List> {
        self.exact.get(list)
    }

    /// Words for a kind of a list's values: "blood thinner" is no medicine, but some are one.
    #[must_use]
    pub fn kinds(&self, list: &str) -> Option<&List> {
        self.kinds.get(list)
    }

    /// Sentences with what must come of them.
    #[must_use]
    pub fn tests(&self) -> &[TestCase] {
        &self.tests
    }
}
