//! The files of a catalogue: found, read within bounds, parsed from YAML.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_saphyr::{Location, Spanned};

use super::{CatalogueErrors, Mistake, Place};
use crate::{
    nlu::when::Tense,
    policy::{DataClass, Effect, Identity},
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

/// The files of the conversation itself, which every domain has: what is shared, and the dialogue's own intents.
pub(crate) fn conversation() -> Vec<(String, String)> {
    const OWN: [&str; 3] = ["en/_common.yaml", "en/dialogue.yaml", "lists/languages.yaml"];
    let own = EMBEDDED.iter().filter(|(path, _)| OWN.contains(path));
    own.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
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
        // "yes" and "no" are words people say.
        strict_booleans: true,
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
    #[serde(default, alias = "expansion_rules")]
    pub rules: BTreeMap<String, Spanned<String>>,
    /// Lists only this file's sentences use.
    #[serde(default)]
    pub lists: BTreeMap<String, Spanned<ListBody>>,
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
    /// How sure it must be who asks, where that is more than the action demands.
    pub identity: Option<Identity>,
    #[serde(default)]
    pub slots: BTreeMap<String, Spanned<Slot>>,
    #[serde(default)]
    pub replies: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub sentences: Vec<Spanned<Said>>,
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
    pub sense: Tense,
    /// `words`: the sentence itself where no value is found.
    #[serde(rename = "or")]
    pub otherwise: Option<Otherwise>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Otherwise {
    Words,
}

/// A sentence: a template, or templates with the conditions they share.
#[derive(Debug)]
pub(super) enum Said {
    Plain(String),
    Block(Box<Block>),
}

/// Sentences that hold only somewhere, fill slots nobody says, or bring their own rules and lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    #[serde(alias = "sentences")]
    pub say: Several,
    #[serde(default, alias = "requires_context")]
    pub requires: Condition,
    #[serde(default, alias = "excludes_context")]
    pub excludes: Condition,
    /// Slots with a value that is not said.
    #[serde(default)]
    pub slots: BTreeMap<String, String>,
    #[serde(default, alias = "expansion_rules")]
    pub rules: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub lists: BTreeMap<String, Spanned<ListBody>>,
}

/// Where a sentence holds: each named thing must fit one of its values.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    #[serde(default)]
    pub channel: Several,
    /// `intent`, or `intent/slot`, or `any`.
    #[serde(default)]
    pub pending: Several,
}

/// One text or several.
#[derive(Debug, Clone, Default)]
pub(super) struct Several(pub Vec<Spanned<String>>);

/// `lists/*.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFile {
    pub list: String,
    #[serde(default)]
    pub values: Values,
    pub range: Option<Bounds>,
    #[serde(default)]
    pub wildcard: bool,
    /// Names that are taken for one another: no values, but what is known of those of the list.
    #[serde(default)]
    pub alike: Vec<Spanned<Vec<String>>>,
    /// Values that are known letter for letter, and never by what is like them.
    #[serde(default)]
    pub exact: Values,
    /// Words for a kind of value ("blood thinner"), not for one.
    #[serde(default)]
    pub kinds: Values,
}

impl ListFile {
    /// Whether it holds no values, but what else is known of a list's.
    pub fn beside(&self) -> bool {
        !(self.alike.is_empty() && self.exact.rows.is_empty() && self.kinds.rows.is_empty())
    }

    pub fn split(self) -> (String, ListBody) {
        (self.list, ListBody { values: self.values, range: self.range, wildcard: self.wildcard })
    }
}

/// A list without its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListBody {
    #[serde(default)]
    pub values: Values,
    pub range: Option<Bounds>,
    /// Any words stand for themselves.
    #[serde(default)]
    pub wildcard: bool,
}

/// Values of a list with the ways they are said, as templates without slots: `value: [way, way]`, or a row of
/// `value` and `{ in: way, out: value }`.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Value, where it is not what is said itself, and the ways.
    pub rows: Vec<(Option<String>, Vec<Spanned<String>>)>,
    /// Each value is a way to say itself.
    pub keyed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InOut {
    #[serde(rename = "in")]
    said: Several,
    out: Scalar,
}

/// A value that may be written without quotes, numbers included.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Whole(i64),
    Number(f64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounds {
    pub from: f64,
    pub to: f64,
    /// Distance between two values that may be said; 1 unless given.
    pub step: Option<f64>,
    /// Parts of one that may be said too.
    pub fractions: Option<Fractions>,
    /// What the number that is said is multiplied with.
    pub multiplier: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fractions {
    Halves,
    Quarters,
    Tenths,
}

impl Fractions {
    pub const fn step(self) -> f64 {
        match self {
            Self::Halves => 0.5,
            Self::Quarters => 0.25,
            Self::Tenths => 0.1,
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Said;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sentence, or `say:` with what it requires")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Said, E> {
                Ok(Said::Plain(text.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Said, E> {
                Ok(Said::Plain(n.to_string()))
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Said, E> {
                Ok(Said::Plain(n.to_string()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Said, A::Error> {
                Block::deserialize(MapAccessDeserializer::new(map)).map(|block| Said::Block(Box::new(block)))
            }
        }
        from.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Several;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a row of texts")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Several, E> {
                Ok(Several(vec![Spanned::new(text.to_owned(), Location::UNKNOWN, Location::UNKNOWN)]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Several, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element()? {
                    all.push(one);
                }
                Ok(Several(all))
            }
        }
        from.deserialize_any(OneOrMore)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct MapOrRow;
        impl<'de> Visitor<'de> for MapOrRow {
            type Value = Values;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("values with other ways to say them, or a row of values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut all = Vec::new();
                while let Some((value, ways)) = map.next_entry::<String, Option<Vec<Spanned<String>>>>()? {
                    all.push((Some(value), ways.unwrap_or_default()));
                }
                Ok(Values { rows: all, keyed: true })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element::<ValueSaid>()? {
                    all.push(one.0);
                }
                Ok(Values { rows: all, keyed: false })
            }
            fn visit_unit<E: de::Error>(self) -> Result<Values, E> {
                Ok(Values::default())
            }
        }
        from.deserialize_any(MapOrRow)
    }
}

/// One entry of a row of values.
struct ValueSaid((Option<String>, Vec<Spanned<String>>));

impl<'de> Deserialize<'de> for ValueSaid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ValueSaid;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, or `in:` and `out:`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ValueSaid, E> {
                let way = Spanned::new(text.to_owned(), Location::UNKNOWN, Location::UNKNOWN);
                Ok(ValueSaid((None, vec![way])))
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<ValueSaid, E> {
                self.visit_str(&n.to_string())
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<ValueSaid, E> {
                self.visit_str(&n.to_string())
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueSaid, A::Error> {
                let InOut { said, out } = InOut::deserialize(MapAccessDeserializer::new(map))?;
                let out = match out {
                    Scalar::Text(text) => text,
                    Scalar::Whole(n) => n.to_string(),
                    Scalar::Number(n) => n.to_string(),
                };
                Ok(ValueSaid((Some(out), said.0)))
            }
        }
        from.deserialize_any(Either)
    }
}
