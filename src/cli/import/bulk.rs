//! Bulk Data exports (FHIR Bulk Data Access: one NDJSON file for each type of resource), read person by person.
//!
//! Invariants: memory is bounded by an index of some twenty bytes a resource, and never by what the resources hold; what
//! no person of the export owns is counted, and said with its place where it does not read. Files' names may be
//! somebody's, so a place is a file's number and a line.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{BufRead, BufReader, Cursor, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;

use crate::records::fhir_bundle::{MAX_BYTES, type_and_id};

/// The longest line taken, in bytes (16 MiB): one resource.
const LONGEST_LINE: u64 = 16 << 20;

/// The most that one person's resources may come to, in bytes; as for a bundle.
const MOST: usize = MAX_BYTES - (1 << 20);

/// Most faulty lines that are told one by one.
const TOLD: usize = 20;

/// The most that packed files may come to together, in bytes (1 GiB): they are unpacked into memory, for nothing of anybody's
/// lies on a disk in clear that did not before.
const UNPACKED: u64 = 1 << 30;

/// A file, or what it unpacks to.
enum Input {
    Plain(PathBuf),
    Unpacked(Arc<[u8]>),
}

impl Input {
    fn of(path: PathBuf, left: &mut u64, n: usize) -> anyhow::Result<Self> {
        if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
            return Ok(Self::Plain(path));
        }
        let file = File::open(&path).with_context(|| format!("file {n} cannot be opened"))?;
        let mut bytes = Vec::new();
        MultiGzDecoder::new(BufReader::new(file))
            .take(*left + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("file {n} cannot be unpacked; it is damaged or cut off, so export it again"))?;
        let length = u64::try_from(bytes.len())?;
        anyhow::ensure!(length <= *left, "the packed files come to more than 1 GiB; unpack them first, with gunzip");
        *left -= length;
        Ok(Self::Unpacked(bytes.into()))
    }

    fn lines(&self) -> std::io::Result<Box<dyn BufRead>> {
        Ok(match self {
            Self::Plain(path) => Box::new(BufReader::with_capacity(1 << 20, File::open(path)?)),
            Self::Unpacked(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

/// Where a resource stands.
#[derive(Clone, Copy)]
struct Place {
    file: u16,
    len: u32,
    at: u64,
}

/// An export, known by where everything stands.
pub struct Export {
    files: Vec<Input>,
    people: usize,
    /// Whose, and where; sorted by person.
    owned: Vec<(u32, Place)>,
    /// What is about nobody, by `Type/id`.
    shared: HashMap<String, Place>,
    /// What the export says is deleted, as `Type/id`.
    pub removed: HashSet<String>,
    /// Lines that were left out, by why.
    pub left_out: BTreeMap<String, usize>,
    /// The first faulty lines, each with its place.
    pub faults: Vec<String>,
}

/// What marks a file as UTF-8 in front of its first line.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A line, or why it is none.
type Line<'a> = Result<Peek<'a>, &'static str>;

/// What of a resource tells whose it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peek<'a> {
    #[serde(borrow, default)]
    resource_type: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    subject: Option<Value>,
    patient: Option<Value>,
    beneficiary: Option<Value>,
    #[serde(rename = "for")]
    for_whom: Option<Value>,
    participant: Option<Value>,
    /// Of a Bundle that says what is deleted.
    entry: Option<Value>,
    /// Of an OperationOutcome, in which an export says what went wrong.
    issue: Option<Value>,
}

/// Kinds that are about nobody and that people's resources refer to.
const SHARED: [&str; 8] = [
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "Medication",
    "Schedule",
    "HealthcareService",
    "Endpoint",
];

impl Export {
    /// Looks through the files once for the people and once for what is theirs.
    ///
    /// # Errors
    /// When a file cannot be read, or holds no people at all.
    pub fn index(files: Vec<PathBuf>) -> anyhow::Result<Self> {
        anyhow::ensure!(files.len() <= usize::from(u16::MAX), "more than {} files; split the import", u16::MAX);
        let mut left = UNPACKED;
        let files = files.into_iter().enumerate().map(|(n, path)| Input::of(path, &mut left, n + 1));
        let mut export = Self {
            files: files.collect::<anyhow::Result<_>>()?,
            people: 0,
            owned: Vec::new(),
            shared: HashMap::new(),
            removed: HashSet::new(),
            left_out: BTreeMap::new(),
            faults: Vec::new(),
        };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        export.each_line(|export, place, _, peek| {
            let Ok(peek) = peek else { return };
            if peek.resource_type != "Patient" || peek.id.is_empty() {
                return;
            }
            let n = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            let n = *numbers.entry(peek.id.into_owned()).or_insert(n);
            export.owned.push((n, place));
        })?;
        anyhow::ensure!(!numbers.is_empty(), "there is no Patient among these files; export them with the patients");
        export.people = numbers.len();
        export.each_line(|export, place, line, peek| export.owned_by(place, line, peek, &numbers))?;
        // People in the order they came, and each one's resources in the order of the files.
        export.owned.sort_by_key(|(n, place)| (*n, place.file, place.at));
        export.owned.shrink_to_fit();
        Ok(export)
    }

    fn owned_by(&mut self, place: Place, line: usize, peek: Line<'_>, numbers: &HashMap<String, u32>) {
        let peek = match peek {
            Ok(peek) => peek,
            Err(why) => {
                if self.faults.len() < TOLD {
                    self.faults.push(format!("file {}, line {line}: {why}", place.file + 1));
                }
                return self.leave_out(why);
            }
        };
        let kind = peek.resource_type.as_ref();
        if kind == "Patient" {
            if peek.id.is_empty() {
                self.leave_out("Patient: no id");
            }
            return;
        }
        if kind == "Bundle" {
            return self.deletes(peek.entry.as_ref());
        }
        if kind == "OperationOutcome" {
            // Its text may name somebody; its codes do not.
            let issues = peek.issue.iter().filter_map(Value::as_array).flatten();
            for issue in issues {
                let of = |field: &str| word(issue.get(field).and_then(Value::as_str).unwrap_or_default()).to_owned();
                self.leave_out(&format!("OperationOutcome: the server says {}, {}", of("severity"), of("code")));
            }
            return;
        }
        let whose = [&peek.subject, &peek.patient, &peek.beneficiary, &peek.for_whom].into_iter().flatten();
        let actors = peek.participant.iter().filter_map(Value::as_array).flatten().filter_map(|p| p.get("actor"));
        let mut named = false;
        for reference in whose.chain(actors).filter_map(|r| r.get("reference")?.as_str()) {
            let Some((_, id)) = reference.rsplit_once("Patient/") else { continue };
            named = true;
            if let Some(n) = numbers.get(id.split('/').next().unwrap_or(id)) {
                self.owned.push((*n, place));
                return;
            }
        }
        if !named && SHARED.contains(&kind) && !peek.id.is_empty() {
            self.shared.insert(format!("{kind}/{}", peek.id), place);
        } else {
            let why = if named { "about nobody in the export" } else { "about nobody" };
            self.leave_out(&format!("{}: {why}", word(kind)));
        }
    }

    /// What an export of changes says is gone.
    fn deletes(&mut self, entries: Option<&Value>) {
        for entry in entries.and_then(Value::as_array).into_iter().flatten() {
            let request = entry.get("request").filter(|request| request["method"] == "DELETE");
            let Some(gone) = request.and_then(|request| type_and_id(request["url"].as_str()?)) else {
                self.leave_out("Bundle: an entry that deletes nothing");
                continue;
            };
            if gone.starts_with("Patient/") {
                self.leave_out("Patient: a deletion; nobody is forgotten by an import");
            } else {
                self.removed.insert(gone);
            }
        }
    }

    fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.to_owned()).or_default() += 1;
    }

    /// Every line of every file, one at a time.
    fn each_line(&mut self, mut with: impl FnMut(&mut Self, Place, usize, Line<'_>)) -> anyhow::Result<()> {
        for n in 0..self.files.len() {
            let mut reader = self.files[n].lines().with_context(|| format!("file {} cannot be opened", n + 1))?;
            let (mut at, mut line, mut bytes) = (0_u64, 0_usize, Vec::new());
            loop {
                bytes.clear();
                let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut bytes);
                let read = read.with_context(|| format!("file {} cannot be read", n + 1))?;
                if read == 0 {
                    break;
                }
                line += 1;
                let mut place = Place { file: u16::try_from(n)?, len: u32::try_from(read)?, at };
                at += u64::try_from(read)?;
                if u64::try_from(read)? == LONGEST_LINE && bytes.last() != Some(&b'\n') {
                    let rest = reader.skip_until(b'\n').with_context(|| format!("file {} cannot be read", n + 1))?;
                    at += u64::try_from(rest)?;
                    with(self, place, line, Err("a line of more than 16 MiB"));
                    continue;
                }
                if line == 1 && bytes.starts_with(MARK) {
                    bytes.drain(..MARK.len());
                    (place.at, place.len) = (place.at + 3, place.len - 3);
                }
                if !bytes.trim_ascii().is_empty() {
                    let peek = serde_json::from_slice::<Peek<'_>>(&bytes).ok().filter(|p| !p.resource_type.is_empty());
                    with(self, place, line, peek.ok_or("no FHIR resource in JSON"));
                }
            }
        }
        Ok(())
    }

    /// How many people there are.
    #[must_use]
    pub const fn people(&self) -> usize {
        self.people
    }

    /// How many bytes somebody's own resources have.
    #[must_use]
    pub fn weight(&self, person: usize) -> u64 {
        self.theirs(person).map(|place| u64::from(place.len)).sum()
    }

    fn theirs(&self, person: usize) -> impl Iterator<Item = Place> {
        let n = u32::try_from(person).unwrap_or(u32::MAX);
        let first = self.owned.partition_point(|(owner, _)| *owner < n);
        self.owned[first..].iter().take_while(move |(owner, _)| *owner == n).map(|(_, place)| *place)
    }

    /// One person's resources as a bundle, with what they refer to.
    ///
    /// # Errors
    /// When a file changed meanwhile or cannot be read, or the resources come to more than a bundle may.
    pub fn bundle(&self, person: usize) -> anyhow::Result<Vec<u8>> {
        let mut bundle = br#"{"resourceType":"Bundle","type":"collection","entry":["#.to_vec();
        let mut open: HashMap<u16, File> = HashMap::new();
        let mut wanted: Vec<String> = Vec::new();
        for place in self.theirs(person) {
            let resource = self.resource(place, &mut open)?;
            wanted.extend(references(&resource));
            push(&mut bundle, &resource)?;
        }
        // A role leads to a practitioner: what is referred to may refer on, and each is taken once.
        let mut taken = 0;
        while taken < wanted.len() {
            wanted[taken..].sort();
            wanted.dedup();
            let Some(place) = wanted.get(taken).and_then(|name| self.shared.get(name)).copied() else {
                taken += 1;
                continue;
            };
            let resource = self.resource(place, &mut open)?;
            let more: Vec<String> = references(&resource).filter(|name| !wanted.contains(name)).collect();
            wanted.extend(more);
            push(&mut bundle, &resource)?;
            taken += 1;
        }
        bundle.extend_from_slice(b"]}");
        Ok(bundle)
    }

    fn resource(&self, place: Place, open: &mut HashMap<u16, File>) -> anyhow::Result<Vec<u8>> {
        let path = match &self.files[usize::from(place.file)] {
            Input::Plain(path) => path,
            Input::Unpacked(bytes) => {
                let from = usize::try_from(place.at)?;
                let part = bytes.get(from..from + usize::try_from(place.len)?);
                return Ok(part.unwrap_or_default().to_vec());
            }
        };
        let file = match open.entry(place.file) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => new.insert(File::open(path)?),
        };
        file.seek(SeekFrom::Start(place.at))?;
        let mut bytes = vec![0; usize::try_from(place.len)?];
        file.read_exact(&mut bytes).with_context(|| format!("file {} changed meanwhile", place.file + 1))?;
        Ok(bytes)
    }
}

fn push(bundle: &mut Vec<u8>, resource: &[u8]) -> anyhow::Result<()> {
    if bundle.last() != Some(&b'[') {
        bundle.push(b',');
    }
    bundle.extend_from_slice(br#"{"resource":"#);
    bundle.extend_from_slice(resource.trim_ascii());
    bundle.push(b'}');
    anyhow::ensure!(bundle.len() <= MOST, "one person's resources come to more than a bundle may");
    Ok(())
}

/// Every `Type/id` that a resource refers to.
fn references(resource: &[u8]) -> impl Iterator<Item = String> + use<> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("reference", Value::String(target)) => {
                            let mut parts = target.rsplit('/');
                            if let (Some(id), Some(kind)) = (parts.next(), parts.next()) {
                                found.push(format!("{kind}/{id}"));
                            }
                        }
                        (_, value) => walk(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_slice::<Value>(resource) {
        walk(&value, &mut found);
    }
    found.into_iter()
}

/// Whether a file is of an export, by how its name ends.
pub fn is_lines(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".ndjson") || name.ends_with(".jsonl")
}

/// Whether a JSON file is the manifest of an export: it lists files, and is no resource.
pub fn is_manifest(path: &Path) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest {
        output: Option<Vec<serde::de::IgnoredAny>>,
        resource_type: Option<serde::de::IgnoredAny>,
    }
    let small = std::fs::metadata(path).is_ok_and(|about| about.len() < 16 << 20);
    let text = small.then(|| std::fs::read(path).ok()).flatten().unwrap_or_default();
    serde_json::from_slice::<Manifest>(&text).is_ok_and(|m| m.output.is_some() && m.resource_type.is_none())
}

/// A type's name from outside, fit to be printed.
fn word(text: &str) -> &str {
    let fits = (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { text } else { "unreadable" }
}

#[cfg(test)]
mod tests;
