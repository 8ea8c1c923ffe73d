//! A FHIR R4 bundle becomes a [`Chart`].
//!
//! Invariants: exactly one patient, and nothing about anybody else comes along; unknown fields and resources
//! never fail an import, they are counted; what is wrong is said with its place. Errors hold positions, types
//! and counts, never content, so that they may be printed and logged.

mod answers;
mod dates;
mod diet;
mod entry;
mod history;
mod identifiers;
mod lab_range;
mod labs;
mod medicines;
mod merge;
mod people;
mod pharmacies;
mod resources;
mod schedule;
mod shift;
mod timing;
mod visits;
mod whole;

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, tz::TimeZone};

use self::{
    entry::{Bundle, Entry},
    resources::{Reference, Resource},
};
use super::{Chart, OpenSlot, Origin, Summary, fhir_write};
pub use entry::type_and_id;
pub use merge::{MergeError, merged};

/// The largest bundle taken, in bytes (64 MiB). A lifetime's chart is a few.
pub const MAX_BYTES: usize = 64 << 20;

/// Why a file is not a bundle that can be used.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum BundleError {
    /// No bytes at all.
    #[error("the file is empty; export the bundle again")]
    Empty,
    /// Larger than [`MAX_BYTES`].
    #[error("the bundle is larger than {} MiB; export one patient at a time, without documents and images", MAX_BYTES >> 20)]
    TooLarge,
    /// Not text.
    #[error("byte {at} is not UTF-8; FHIR JSON is UTF-8, so convert the file or export it again")]
    NotUtf8 {
        /// How many bytes before it were fine.
        at: usize,
    },
    /// Ends in the middle.
    #[error("the file ends in the middle, at line {line}, column {column}; it was cut off, so copy or export it again")]
    Truncated {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Nested beyond any real bundle (128 levels).
    #[error("nested too deeply at line {line}, column {column}; this is not a chart")]
    TooDeep {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Not JSON.
    #[error("not JSON at line {line}, column {column}; export the bundle as FHIR R4 JSON")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON, and something else than a bundle.
    #[error("this is not a FHIR bundle: `resourceType` is {found}; put the resources into a Bundle of type collection")]
    NotABundle {
        /// The type it has instead.
        found: String,
    },
    /// A bundle that holds no chart.
    #[error("a bundle of type {found} holds no chart; use collection, transaction, batch, searchset or document")]
    BundleType {
        /// `Bundle.type`.
        found: String,
    },
    /// An element has the wrong JSON type.
    #[error("{place}: {reason}; this is not valid FHIR R4")]
    Malformed {
        /// Entry (from 0) and resource type, or line and column.
        place: String,
        /// What the element should have been.
        reason: String,
    },
    /// Nobody.
    #[error("the bundle has no Patient; export it with the patient included")]
    NoPatient,
    /// More than one.
    #[error("the bundle has {found} Patients; import one person at a time")]
    SeveralPatients {
        /// How many.
        found: usize,
    },
    /// Somebody who cannot be told from others.
    #[error("the Patient has {missing}; without it nobody can be told apart or spoken to")]
    Anonymous {
        /// What is missing.
        missing: &'static str,
    },
    /// `--anchor-today` on a bundle that names no day.
    #[error("the bundle has no `timestamp`, so there is no day to move to today; add one, or leave --anchor-today out")]
    NoAnchor,
    /// Dates would leave the calendar.
    #[error("a date in the bundle cannot be moved by {days} days")]
    Unmovable {
        /// How far.
        days: i32,
    },
}

/// Reads a bundle of type collection, transaction, batch, searchset or document.
///
/// # Errors
/// What is wrong, where, and what to do; see [`BundleError`].
pub fn parse(bytes: &[u8]) -> Result<Chart, BundleError> {
    let text = text(bytes)?;
    let bundle = Bundle::read(text).map_err(|e| explain(&e, text))?;
    chart(&bundle, text)
}

/// The free times of a bundle that is about nobody.
///
/// # Errors
/// As [`parse`].
pub fn open_slots(bytes: &[u8]) -> Result<Vec<OpenSlot>, BundleError> {
    let text = text(bytes)?;
    let bundle: Bundle = serde_json::from_str(text).map_err(|e| explain(&e, text))?;
    Ok(visits::open_slots(&mut Book::new(&bundle.entry)))
}

/// Reads a bundle whose dates are told from a day of their own (`Bundle.timestamp`) as if that day were
/// today. Every date and time moves by the same number of days, except dates of birth; times of day are kept
/// as they are written, in `zone`. At weekends the clinic is closed: a free slot that would fall on one is
/// left out and a coming visit moves to the Monday after.
///
/// # Errors
/// As [`parse`], and [`BundleError::NoAnchor`].
pub fn parse_anchored(bytes: &[u8], now: Timestamp, zone: &TimeZone) -> Result<Chart, BundleError> {
    let text = text(bytes)?;
    let mut value: serde_json::Value = serde_json::from_str(text).map_err(|e| explain(&e, text))?;
    shift::to_today(&mut value, now, zone)?;
    let moved = value.to_string();
    let bundle = serde_json::from_value(value).map(Bundle::once).map_err(|e| explain(&e, text))?;
    chart(&bundle, &moved)
}

fn text(bytes: &[u8]) -> Result<&str, BundleError> {
    if bytes.len() > MAX_BYTES {
        return Err(BundleError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|e| BundleError::NotUtf8 { at: e.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() { Err(BundleError::Empty) } else { Ok(text) }
}

/// Says what is wrong without saying what stands there: serde quotes offending values, and those may be
/// somebody's.
fn explain(e: &serde_json::Error, text: &str) -> BundleError {
    use serde_json::error::Category;
    let (line, column) = (e.line(), e.column());
    match e.classify() {
        Category::Eof => BundleError::Truncated { line, column },
        Category::Io | Category::Syntax if e.to_string().starts_with("recursion limit") => {
            BundleError::TooDeep { line, column }
        }
        Category::Io | Category::Syntax => BundleError::NotJson { line, column },
        Category::Data => resources::first_fault(text).unwrap_or_else(|| BundleError::Malformed {
            place: if line == 0 { "the bundle".to_owned() } else { format!("line {line}, column {column}") },
            reason: resources::without_content(&e.to_string()),
        }),
    }
}

fn chart(bundle: &Bundle, text: &str) -> Result<Chart, BundleError> {
    match bundle.kind.as_deref() {
        None | Some("collection" | "transaction" | "batch" | "searchset" | "document") => {}
        Some(other) => return Err(BundleError::BundleType { found: resources::word(other) }),
    }
    let found = bundle.entry.iter().filter(|e| matches!(e.resource, Some(Resource::Patient(_)))).count();
    match found {
        0 => return Err(BundleError::NoPatient),
        1 => {}
        found => return Err(BundleError::SeveralPatients { found }),
    }
    of_one(bundle, text)
}

/// The chart of a bundle that is known to be one person's, however many Patients stand for them; the first tells who it is.
fn of_one(bundle: &Bundle, text: &str) -> Result<Chart, BundleError> {
    let mut book = Book::new(&bundle.entry);
    for kind in &bundle.doubled {
        book.unusable(kind, "there twice");
    }
    for kind in bundle.entry.iter().filter_map(|entry| entry.unreadable.as_deref()) {
        book.unusable(kind, "a field of it is not as FHIR R4 writes it");
    }
    let (profile, identifiers) = people::patient(&book)?;
    book.read("Patient");
    let prescriptions = medicines::prescriptions(&mut book);
    let answers = answers::answers(&mut book);
    let visits = visits::visits(&mut book);
    let slots: Vec<OpenSlot> = visits::open_slots(&mut book);
    let results = labs::results(&mut book);
    let allergies = people::allergies(&mut book);
    let history = history::history(&mut book);
    let diet = diet::orders(&mut book);
    let providers = people::providers(&mut book, &prescriptions, &visits);
    let pharmacies = pharmacies::pharmacies(&book);
    let source = whole::entries(text, |target| book.is_patient(target));
    Ok(Chart {
        profile,
        identifiers,
        prescriptions,
        answers,
        visits,
        results,
        providers,
        allergies,
        history,
        diet,
        slots,
        pharmacies,
        source,
        removed: bundle.entry.iter().filter_map(|entry| entry.removed.clone()).collect(),
        lacking: vec![],
        summary: book.summary,
    })
}

/// The resources of a bundle, findable by reference, and the tally of what became of them.
struct Book<'a> {
    entries: &'a [Entry],
    by_key: HashMap<String, &'a Resource>,
    patient: HashSet<String>,
    /// The patient's `Patient/id`, for absolute references when the bundle names the patient by URN.
    patient_tails: HashSet<String>,
    identifiers: HashMap<*const Resource, &'a [String]>,
    summary: Summary,
}

impl<'a> Book<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let mut book = Self {
            entries,
            by_key: HashMap::new(),
            patient: HashSet::new(),
            patient_tails: HashSet::new(),
            identifiers: HashMap::new(),
            summary: Summary::default(),
        };
        for entry in entries {
            let Some(resource) = &entry.resource else { continue };
            book.identifiers.insert(&raw const *resource, &entry.identifiers);
            let relative = resource.id().map(|id| format!("{}/{id}", resource.kind()));
            let keys: Vec<String> = entry.full_url.iter().cloned().chain(relative.clone()).collect();
            if matches!(resource, Resource::Patient(_)) {
                book.patient.extend(keys.iter().cloned());
                let absolute = entry.full_url.as_deref().is_some_and(|u| u.starts_with("http"));
                book.patient_tails.extend(relative.filter(|_| !absolute));
            }
            for key in keys {
                book.by_key.entry(key).or_insert(resource);
            }
            if let Resource::Other { kind } = resource {
                *book.summary.skipped.entry(kind.clone()).or_default() += 1;
            }
        }
        book
    }

    fn resources(&self) -> impl Iterator<Item = &'a Resource> + use<'a> {
        self.entries.iter().filter_map(|e| e.resource.as_ref())
    }

    /// What a reference points at, inside this bundle.
    fn find(&self, reference: &Reference) -> Option<&'a Resource> {
        let target = reference.target()?;
        self.by_key.get(target).copied().or_else(|| self.by_key.get(tail(target)?).copied())
    }

    /// Whether a resource is about the patient of this bundle. An unresolvable subject is somebody else.
    fn concerns_patient(&self, subject: Option<&Reference>) -> bool {
        subject.and_then(Reference::target).is_some_and(|target| self.is_patient(target))
    }

    fn is_patient(&self, target: &str) -> bool {
        self.patient.contains(target) || tail(target).is_some_and(|tail| self.patient_tails.contains(tail))
    }

    /// What tells a fact of this resource from every other, whatever source it comes from.
    fn origin(&self, resource: &Resource) -> Origin {
        let identifiers = self.identifiers.get(&(&raw const *resource)).map(|ids| ids.to_vec()).unwrap_or_default();
        Origin { identifiers, ..Origin::default() }
    }

    /// Whether a resource was written from here: what a person measured stands among their own readings.
    fn is_ours(&self, resource: &Resource) -> bool {
        let identifiers = self.identifiers.get(&(&raw const *resource));
        identifiers.is_some_and(|all| all.iter().any(|one| fhir_write::is_ours(one)))
    }

    /// The name of the change from here that made a resource.
    fn change_of(&self, resource: &Resource) -> Option<&'a str> {
        self.identifiers.get(&(&raw const *resource))?.iter().find_map(|one| fhir_write::change_of(one))
    }

    fn read(&mut self, kind: &str) {
        *self.summary.read.entry(kind.to_owned()).or_default() += 1;
    }

    fn unusable(&mut self, kind: &str, reason: &str) {
        *self.summary.unusable.entry(format!("{kind}: {reason}")).or_default() += 1;
    }
}

/// `Type/id` of an absolute reference.
fn tail(reference: &str) -> Option<&str> {
    let (head, _id) = reference.rsplit_once('/')?;
    Some(head.rfind('/').map_or(reference, |n| &reference[n + 1..]))
}

#[cfg(test)]
mod tests;
