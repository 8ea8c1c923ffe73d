//! A folder for one test, searched when the test is over: nothing of the people in it may stand there in clear.
//!
//! What is searched is everything the program left: database, write-ahead log, key store, logs, temporary files. What
//! a test put there itself, to be read by the program, is told by its ending. Counts go to `residue.tsv` beside the
//! tests' other scratch files, so that the run as a whole can say what it looked at.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use aho_corasick::AhoCorasick;
use serde_json::Value;
use tempfile::TempDir;
use wellspoken::records::demo;

/// Shorter words turn up in ciphertext by chance: seven letters once in some ten million megabytes.
const SHORTEST: usize = 7;

/// What tests hand to the program, or ask it to write out.
const GIVEN: [&str; 4] = ["json", "ndjson", "jsonl", "wav"];

/// A folder that is searched and removed at the end of the test.
pub struct Folder(TempDir);

/// A new one.
pub fn folder() -> Folder {
    Folder(tempfile::tempdir().expect("a folder"))
}

impl Folder {
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let found = search(self.path());
        note(&found);
        if !std::thread::panicking() {
            assert!(found.hits.is_empty(), "in clear, after the test: {:?}", found.hits);
        }
    }
}

/// What a search looked at and found.
#[derive(Default)]
pub struct Found {
    pub files: usize,
    pub bytes: usize,
    pub hits: Vec<(PathBuf, String)>,
}

/// Every file below.
pub fn search(folder: &Path) -> Found {
    let (mut found, mut folders) = (Found::default(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let given = path.extension().and_then(|e| e.to_str()).is_some_and(|e| GIVEN.contains(&e));
            if path.is_symlink() || given {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                found.files += 1;
                found.bytes += bytes.len();
                let hit = |at: aho_corasick::Match| (path.clone(), WORDS.1[at.pattern().as_usize()].clone());
                found.hits.extend(WORDS.0.find_iter(&bytes).map(hit));
                found.hits.dedup();
            }
        }
    }
    found
}

fn note(found: &Found) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("residue.tsv");
    let line = format!("{}\t{}\t{}\n", found.files, found.bytes, found.hits.len());
    // One write, so that lines of tests that end together stay whole.
    let _ = OpenOptions::new().create(true).append(true).open(path).and_then(|mut f| f.write_all(line.as_bytes()));
}

/// Names, numbers, places and medicines of the demo people.
static WORDS: LazyLock<(AhoCorasick, Vec<String>)> = LazyLock::new(|| {
    // The clinic's own names stand in its free times, which are nobody's.
    let mut clinics = Vec::new();
    let mut words: Vec<String> = demo::CANARY_WORDS.iter().map(|word| (*word).to_owned()).collect();
    for (_, bundle) in demo::FILES {
        let bundle: Value = serde_json::from_str(bundle).expect("JSON");
        for entry in bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]) {
            match entry["resourceType"].as_str() {
                Some("Patient") => {
                    for field in ["name", "telecom", "address", "identifier"] {
                        texts(&entry[field], &mut words);
                    }
                }
                Some("MedicationRequest") => texts(&entry["medicationCodeableConcept"]["text"], &mut words),
                Some("Organization" | "Location" | "Schedule" | "Slot" | "HealthcareService") => {
                    texts(entry, &mut clinics);
                }
                _ => {}
            }
        }
    }
    words.retain(|word| word.len() >= SHORTEST && !word.starts_with("http") && !clinics.contains(word));
    words.sort_unstable();
    words.dedup();
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).expect("words");
    (automaton, words)
});

/// Every text in a value, and its words.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.extend(text.split_whitespace().chain([text.as_str()]).map(str::to_owned)),
        Value::Array(all) => all.iter().for_each(|one| texts(one, into)),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| {
                !matches!(name.as_str(), "system" | "use" | "type" | "coding" | "country" | "extension")
            })
            .for_each(|(_, one)| texts(one, into)),
        _ => {}
    }
}

#[test]
fn what_stands_in_clear_is_found() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("deep")).expect("a folder");
    fs::write(dir.path().join("deep/x.db-wal"), b"\x00\xff ZEPHYRANTHA\x00").expect("written");
    fs::write(dir.path().join("given.json"), b"Zephyrantha").expect("written");
    let found = search(dir.path());
    assert_eq!((found.files, found.hits.len()), (1, 1));
    assert!(
        WORDS.1.iter().any(|word| word == "Delgado") && WORDS.1.iter().any(|w| w == "velmoradine"),
        "{:?}",
        WORDS.1
    );
}
