//! The files of a catalogue: found, read within bounds, parsed from YAML.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_saphyr::Spanned;

use super::{CatalogueErrors, Mistake, Place};
use crate::{
    nlu::when::Sense,
    policy::{DataClass, Effect},
};

/// Largest file of a catalogue, in bytes.
pub(super) const LARGEST: u64 = 1 << 20;
/// Most files of a catalogue.
const MOST: usize = 1000;

include!(concat!(env!("OUT_DIR"), "/intents.rs"));

/// A file: its path below the catalogue's folder, and its text.
pub(super) type File = (PathBuf, String);

/// The catalogue that was put into the program.
pub(super) fn embedded() -> Vec<File> {
    EMBEDDED.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
}

/// Reads the YAML files of a folder, in the order of their names.
pub(super) fn read_folder(dir: &Path) -> Result<Vec<File>, CatalogueErrors> {
    let mut files = Vec::new();
    let mut mistakes = Vec::new();
    for part in ["en", "lists", "tests/en"] {
        let folder = dir.join(part);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(_) if part != "en" => continue,
            Err(e) => {
                let what =
                    format!("cannot read the folder {}: {e}; it must hold YAML files of intents", folder.display());
                return Err(CatalogueErrors(vec![mistake(part, 0, what)]));
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        paths.retain(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"));
        paths.sort();
        for path in paths {
            let name = format!("{part}/{}", path.file_name().unwrap_or_default().to_string_lossy());
            match read_file(&path) {
                Ok(text) => files.push((PathBuf::from(name), text)),
                Err(what) => mistakes.push(mistake(&name, 0, what)),
            }
        }
    }
    if files.len() > MOST {
        mistakes.push(mistake("en", 0, format!("more than {MOST} files")));
    }
    if mistakes.is_empty() { Ok(files) } else { Err(CatalogueErrors(mistakes)) }
}

fn read_file(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|e| format!("cannot be read: {e}"))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("larger than {LARGEST} bytes: split it by domain"));
    }
    String::from_utf8(bytes).map_err(|e| format!("is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()))
}

pub(super) fn mistake(file: &str, line: u64, what: impl Into<String>) -> Mistake {
    Mistake { at: Place { file: Arc::from(file), line }, what: what.into() }
}

/// Parses one file. Anchors are refused: a catalogue has no use for them, and bombs are made of them.
pub(super) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Mistake> {
    if text.len() as u64 > LARGEST {
        return Err(mistake(file, 0, format!("larger than {LARGEST} bytes: split it by domain")));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 12,
            max_nodes: 60_000,
            max_events: 200_000,
            max_aliases: 0,
            max_anchors: 0,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let line = e.location().map_or(0, |l| l.line());
        let what = e.without_snippet().to_string();
        mistake(file, line, what.lines().next().unwrap_or("bad YAML"))
    })
}

/// `en/*.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntentFile {
    /// What the names of its intents begin with.
    pub domain: Option<Spanned<String>>,
    #[serde(default)]
    pub rules: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub intents: BTreeMap<String, Spanned<Intent>>,
    #[serde(default)]
    pub skip: Vec<Spanned<String>>,
    #[serde(default)]
    pub openings: Vec<Spanned<String>>,
    #[serde(default)]
    pub closings: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Intent {
    pub action: Spanned<String>,
    /// For `action: none`: why nothing is connected.
    pub why: Option<String>,
    pub data: DataClass,
    pub effect: Effect,
    #[serde(default)]
    pub slots: BTreeMap<String, Spanned<Slot>>,
    #[serde(default)]
    pub replies: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub sentences: Vec<Spanned<String>>,
    #[serde(default)]
    pub examples: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slot {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub required: bool,
    pub prompt: Option<String>,
    #[serde(default)]
    pub sense: Sense,
    /// `words`: the sentence itself where no value is found.
    #[serde(rename = "or")]
    pub otherwise: Option<Otherwise>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Otherwise {
    Words,
}

/// `lists/*.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFile {
    pub list: String,
    /// Value → other ways to say it, as templates without slots.
    #[serde(default)]
    pub values: BTreeMap<String, Option<Vec<Spanned<String>>>>,
    pub range: Option<Bounds>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounds {
    pub from: f64,
    pub to: f64,
}
