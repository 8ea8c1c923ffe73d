//! What is never said where others may hear it: a value set over medicines, tests, clinics and clinicians.
//!
//! Categories as the law of many states and 42 CFR Part 2 protect them beyond HIPAA: mental health, substance use,
//! sexual and reproductive health, HIV, genetic. Invariant: a medicine or a test that nobody classified is
//! treated as if it were sensitive. Visits and clinicians go by words alone: what holds none of them is ordinary.
//! Used in one direction only: a name that is here is held back; nothing is ever said because of this file.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{LabResult, Prescription, Visit};

/// How freely something may be said aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// Like most things in a chart.
    Ordinary,
    /// In one of the protected categories.
    Protected,
    /// Nobody has said which it is.
    Unclassified,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sets {
    /// Protected ingredients by category.
    medicines: BTreeMap<String, Vec<String>>,
    /// Protected tests by category.
    tests: BTreeMap<String, Vec<String>>,
    /// Beginnings of words in specialties, clinics, roles and reasons, by category.
    care: BTreeMap<String, Vec<String>>,
    ordinary: Ordinary,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordinary {
    medicines: Vec<String>,
    tests: Vec<String>,
}

/// Entries as their words, which a chart's names are held against.
type Entries = Vec<Vec<String>>;

/// The sets, read once.
struct Known {
    medicines: Entries,
    ordinary_medicines: Entries,
    tests: Entries,
    ordinary_tests: Entries,
    care: Vec<String>,
}

/// Should the file not read, everything is unclassified: `the_value_sets_read` keeps that from happening.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let sets: Sets = toml::from_str(include_str!("sensitive.toml")).unwrap_or_default();
    let entries = |set: &mut dyn Iterator<Item = &String>| set.map(|entry| words(entry)).collect();
    Known {
        medicines: entries(&mut sets.medicines.values().flatten()),
        ordinary_medicines: entries(&mut sets.ordinary.medicines.iter()),
        tests: entries(&mut sets.tests.values().flatten()),
        ordinary_tests: entries(&mut sets.ordinary.tests.iter()),
        care: sets.care.into_values().flatten().collect(),
    }
});

/// Of a medicine on record, by any of its names.
#[must_use]
pub fn of_medicine(prescription: &Prescription) -> Sensitivity {
    let names: Vec<&str> =
        std::iter::once(&prescription.medicine).chain(&prescription.aliases).map(String::as_str).collect();
    judged(&names, &KNOWN.medicines, &KNOWN.ordinary_medicines)
}

/// Whether a medicine's name is one of those that may be said anywhere: what nobody classified is not.
#[must_use]
pub fn is_ordinary_medicine(name: &str) -> bool {
    judged(&[name], &KNOWN.medicines, &KNOWN.ordinary_medicines) == Sensitivity::Ordinary
}

/// Of a result, by its test, other names and panel.
#[must_use]
pub fn of_result(result: &LabResult) -> Sensitivity {
    let names: Vec<&str> =
        std::iter::once(&result.test).chain(&result.aliases).chain(result.panel.as_ref()).map(String::as_str).collect();
    judged(&names, &KNOWN.tests, &KNOWN.ordinary_tests)
}

/// Of a visit, by whom it is with, where, and what for.
#[must_use]
pub fn of_visit(visit: &Visit) -> Sensitivity {
    let told = [&visit.provider, &visit.specialty, &visit.place, &visit.reason, &visit.prepare];
    of_care(told.into_iter().flatten().map(String::as_str))
}

/// Of a clinician or clinic by what is said of them.
pub fn of_care<'a>(texts: impl Iterator<Item = &'a str>) -> Sensitivity {
    for text in texts {
        let words = words(text);
        let begins = |start: &String| {
            let several = start.contains(' ') && text.to_lowercase().contains(start.as_str());
            several || words.iter().any(|w| w.starts_with(start.as_str()))
        };
        if KNOWN.care.iter().any(begins) {
            return Sensitivity::Protected;
        }
    }
    Sensitivity::Ordinary
}

/// Whether a name that somebody says is one of a protected kind, whoever's it is and whether anybody has it.
#[must_use]
pub fn is_protected_name(said: &str) -> bool {
    let judge = |sets, ordinary| judged(&[said], sets, ordinary) == Sensitivity::Protected;
    judge(&KNOWN.medicines, &KNOWN.ordinary_medicines)
        || judge(&KNOWN.tests, &KNOWN.ordinary_tests)
        || of_care(std::iter::once(said)) == Sensitivity::Protected
}

/// Protected by any of its names, else ordinary by any of them. "Nirmatrelvir ritonavir" is ordinary as a whole,
/// though ritonavir alone is not.
fn judged(names: &[&str], protected: &[Vec<String>], ordinary: &[Vec<String>]) -> Sensitivity {
    let names: Vec<Vec<String>> = names.iter().map(|name| words(name)).collect();
    let named = |entry: &&Vec<String>| names.iter().any(|name| holds(name, entry));
    let (hit, plain) = (protected.iter().find(named), ordinary.iter().find(named));
    match (hit, plain) {
        (Some(hit), Some(plain)) if holds(plain, hit) => Sensitivity::Ordinary,
        (Some(_), _) => Sensitivity::Protected,
        (None, Some(_)) => Sensitivity::Ordinary,
        (None, None) => Sensitivity::Unclassified,
    }
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Whether all the words of an entry stand in a name.
fn holds(name: &[String], entry: &[String]) -> bool {
    !entry.is_empty() && entry.iter().all(|word| name.contains(word))
}

/// What may be said of a person's records where this conversation takes place.
#[derive(Debug, Clone, Default)]
pub struct Hush {
    /// Others may hear it.
    pub aloud: bool,
    /// What the person asked for by name, having shown just now who they are.
    pub named: Vec<String>,
}

impl Hush {
    /// Whether something of these names may be said.
    pub fn lets<'a>(
        &self,
        sensitivity: impl FnOnce() -> Sensitivity,
        mut names: impl Iterator<Item = &'a str>,
    ) -> bool {
        if !self.aloud || sensitivity() == Sensitivity::Ordinary {
            return true;
        }
        !self.named.is_empty() && names.any(|name| self.named.iter().any(|said| holds(&words(name), &words(said))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_sets_read() {
        let sets: Sets = toml::from_str(include_str!("sensitive.toml")).expect("it reads");
        assert!(sets.medicines.len() >= 4 && sets.tests.len() >= 4 && sets.care.len() >= 5);
    }

    #[test]
    fn names_are_judged() {
        for (name, protected) in [
            ("sertraline", true),
            ("Zoloft 50 mg tablet", true),
            ("emtricitabine-tenofovir", true),
            ("HIV 1 RNA viral load", true),
            ("Behavioral Health Clinic", true),
            ("Perinatal genetics", true),
            ("lisinopril", false),
            ("nirmatrelvir ritonavir", false),
            ("physical therapy", false),
            ("LDL cholesterol", false),
        ] {
            assert_eq!(is_protected_name(name), protected, "{name}");
        }
        let unknown = judged(&["zorblaxine"], &KNOWN.medicines, &KNOWN.ordinary_medicines);
        assert_eq!(unknown, Sensitivity::Unclassified);
    }

    #[test]
    fn what_is_protected_is_said_only_by_its_name_to_whom_it_belongs() {
        let says = |aloud, named: &[&str], sensitivity| {
            let hush = Hush { aloud, named: named.iter().map(|n| (*n).to_owned()).collect() };
            hush.lets(|| sensitivity, ["sertraline", "Zoloft"].into_iter())
        };
        assert!(says(false, &[], Sensitivity::Protected), "on their own page");
        assert!(says(true, &[], Sensitivity::Ordinary));
        assert!(!says(true, &[], Sensitivity::Protected));
        assert!(!says(true, &[], Sensitivity::Unclassified));
        assert!(says(true, &["zoloft"], Sensitivity::Protected));
        assert!(!says(true, &["lithium"], Sensitivity::Protected));
    }
}
