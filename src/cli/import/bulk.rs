//! Bulk Data exports (FHIR Bulk Data Access: one NDJSON file for each type of resource), read person by person.
//!
//! Invariants: memory is bounded by an index of some twenty bytes a resource, and never by what the resources hold; what
//! no person of the export owns is counted, and said with its place where it does not read. Files' names may be
//! somebody's, so a place is a file's number and a line.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// The longest line taken, in bytes (16 MiB): one resource.
const LONGEST_LINE: u64 = 16 << 20;

/// The most that one person's resources may come to, in bytes; as for a bundle.
const MOST: usize = crate::records::fhir_bundle::MAX_BYTES - (1 << 20);

/// Most faulty lines that are told one by one.
const TOLD: usize = 20;

/// Where a resource stands.
#[derive(Clone, Copy)]
struct Place {
    file: u16,
    len: u32,
    at: u64,
}

/// An export, known by where everything stands.
pub struct Export {
    files: Vec<PathBuf>,
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
        let mut export = Self {
            files,
            people: 0,
            owned: Vec::new(),
            shared: HashMap::new(),
            removed: HashSet::new(),
            left_out: BTreeMap::new(),
            faults: Vec::new(),
        };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        export.each_line(|export, place, _, peek| {
            let Some(peek) = peek else { return };
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

    fn owned_by(&mut self, place: Place, line: usize, peek: Option<Peek<'_>>, numbers: &HashMap<String, u32>) {
        let Some(peek) = peek else {
            if self.faults.len() < TOLD {
                self.faults.push(format!("file {}, line {line}: no FHIR resource in JSON", place.file + 1));
            }
            return self.leave_out("no FHIR resource in JSON");
        };
        let kind = peek.resource_type.as_ref();
        if kind == "Patient" {
            if peek.id.is_empty() {
                self.leave_out("Patient: no id");
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

    fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.to_owned()).or_default() += 1;
    }

    /// Every line of every file, one at a time.
    fn each_line(&mut self, mut with: impl FnMut(&mut Self, Place, usize, Option<Peek<'_>>)) -> anyhow::Result<()> {
        for n in 0..self.files.len() {
            let file = File::open(&self.files[n]).with_context(|| format!("file {} cannot be opened", n + 1))?;
            let mut reader = BufReader::with_capacity(1 << 20, file);
            let (mut at, mut line, mut bytes) = (0_u64, 0_usize, Vec::new());
            loop {
                bytes.clear();
                let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut bytes);
                let read = read.with_context(|| format!("file {} cannot be read", n + 1))?;
                if read == 0 {
                    break;
                }
                line += 1;
                let place = Place { file: u16::try_from(n)?, len: u32::try_from(read)?, at };
                at += u64::try_from(read)?;
                if !bytes.trim_ascii().is_empty() {
                    let peek = serde_json::from_slice::<Peek<'_>>(&bytes).ok().filter(|p| !p.resource_type.is_empty());
                    with(self, place, line, peek);
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
        let file = match open.entry(place.file) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(File::open(&self.files[usize::from(place.file)])?)
            }
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

/// A type's name from outside, fit to be printed.
fn word(text: &str) -> &str {
    let fits = (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits { text } else { "unreadable" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::fhir_bundle;

    fn export(files: &[&str]) -> (tempfile::TempDir, anyhow::Result<Export>) {
        let dir = tempfile::tempdir().expect("a folder");
        let paths = files.iter().enumerate().map(|(n, text)| {
            let path = dir.path().join(format!("{n}.ndjson"));
            std::fs::write(&path, text).expect("written");
            path
        });
        let paths = paths.collect();
        let export = Export::index(paths);
        (dir, export)
    }

    const PATIENTS: &str = r#"{"resourceType":"Patient","id":"a","name":[{"family":"Moss","given":["Ann"]}]}
{"resourceType":"Patient","id":"b","name":[{"family":"Reed","given":["Ben"]}]}
"#;

    #[test]
    fn each_person_gets_their_own_and_what_it_refers_to() {
        let others = r#"{"resourceType":"AllergyIntolerance","id":"1","patient":{"reference":"Patient/b"},"code":{"text":"latex"}}
{"resourceType":"AllergyIntolerance","id":"2","patient":{"reference":"https://x.example/fhir/Patient/a"},"code":{"text":"nuts"}}
{"resourceType":"Appointment","id":"3","status":"booked","start":"2026-12-10T10:00:00Z","participant":[{"actor":{"reference":"PractitionerRole/r"}},{"actor":{"reference":"Patient/a"}}]}
{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/d"}}
{"resourceType":"Practitioner","id":"d","name":[{"prefix":["Dr."],"given":["Lee"],"family":"Okafor"}]}
{"resourceType":"AllergyIntolerance","id":"4","patient":{"reference":"Patient/nobody"}}
{"resourceType":"Basic","id":"5"}
{cut off

"#;
        // Whichever file comes first.
        for files in [[PATIENTS, others], [others, PATIENTS]] {
            let (_dir, export) = export(&files);
            let export = export.expect("an export");
            assert_eq!(export.people(), 2);
            let chart = |n| fhir_bundle::parse(&export.bundle(n).expect("read")).unwrap_or_else(|e| panic!("{e}"));
            let (ann, ben) = (chart(0), chart(1));
            assert_eq!((ann.profile.given.as_str(), ann.allergies[0].substance.as_str()), ("Ann", "nuts"));
            assert_eq!(ann.visits[0].provider.as_deref(), Some("Dr. Lee Okafor"), "through the role");
            assert_eq!((ben.profile.given.as_str(), ben.allergies.len(), ben.visits.len()), ("Ben", 1, 0));
            let left: Vec<_> = export.left_out.iter().map(|(why, n)| format!("{why} {n}")).collect();
            assert_eq!(
                left,
                [
                    "AllergyIntolerance: about nobody in the export 1",
                    "Basic: about nobody 1",
                    "no FHIR resource in JSON 1"
                ]
            );
            assert!(export.faults[0].ends_with("line 8: no FHIR resource in JSON"), "{:?}", export.faults);
        }
    }

    #[test]
    fn files_without_people_are_none() {
        let (_dir, export) = export(&["", "{}\n", r#"{"resourceType":"Basic"}"#]);
        assert!(export.is_err_and(|e| e.to_string().contains("no Patient")));
    }
}
