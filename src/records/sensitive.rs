//! What is never said where others may hear it: a value set over medicines, tests, clinics and clinicians.
//!
//! Categories as the law of many states and 42 CFR Part 2 protect them beyond HIPAA: mental health, substance use,
//! sexual and reproductive health, HIV, genetic. Invariant: a medicine or a test that nobody classified is
//! treated as if it were sensitive. Visits and clinicians go by words alone: what holds none of them is ordinary.
//! Used in one direction only: a name that is here is held back; nothing is ever said because of this file.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{
    Allergy, Condition, Immunization, LabResult, Prescription, Visit, VisitNote,
    history::{Code, Terminology},
};

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
    /// Beginnings of words in the names of conditions, by category, besides those of `care`.
    conditions: BTreeMap<String, Vec<String>>,
    /// Beginnings of ICD-10-CM codes, by category.
    icd_10_cm: BTreeMap<String, Vec<String>>,
    /// Protected vaccines by category.
    vaccines: BTreeMap<String, Vec<String>>,
    ordinary: Ordinary,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordinary {
    medicines: Vec<String>,
    tests: Vec<String>,
    conditions: Vec<String>,
    icd_10_cm: Vec<String>,
    vaccines: Vec<String>,
    substances: Vec<String>,
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
    conditions: Vec<String>,
    ordinary_conditions: Entries,
    icd: Vec<String>,
    ordinary_icd: Vec<String>,
    vaccines: Entries,
    ordinary_vaccines: Entries,
    substances: Entries,
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
        conditions: sets.conditions.into_values().flatten().collect(),
        ordinary_conditions: entries(&mut sets.ordinary.conditions.iter()),
        icd: sets.icd_10_cm.into_values().flatten().collect(),
        ordinary_icd: sets.ordinary.icd_10_cm.clone(),
        vaccines: entries(&mut sets.vaccines.values().flatten()),
        ordinary_vaccines: entries(&mut sets.ordinary.vaccines.iter()),
        substances: entries(&mut sets.ordinary.substances.iter()),
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

/// Of a medicine that is on nobody's record, by the name somebody gave it.
#[must_use]
pub fn of_medicine_name(name: &str) -> Sensitivity {
    judged(&[name], &KNOWN.medicines, &KNOWN.ordinary_medicines)
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
    if texts.into_iter().any(|text| begins(text, &KNOWN.care)) { Sensitivity::Protected } else { Sensitivity::Ordinary }
}

/// Whether a word of a text begins as one of these, or a text holds one that is several words.
fn begins(text: &str, starts: &[String]) -> bool {
    let (words, lower) = (words(text), text.to_lowercase());
    let one = |start: &String| {
        (start.contains(' ') && lower.contains(start.as_str())) || words.iter().any(|w| w.starts_with(start.as_str()))
    };
    starts.iter().any(one)
}

/// Of a condition, by its names and its ICD-10-CM codes: protected by any of them, else ordinary by any of them.
#[must_use]
pub fn of_condition(condition: &Condition) -> Sensitivity {
    let names: Vec<&str> = std::iter::once(&condition.name).chain(&condition.aliases).map(String::as_str).collect();
    let icd = |starts: &[String]| condition.codes.iter().any(|code| begins_code(code, starts));
    if icd(&KNOWN.icd) || names.iter().any(|n| begins(n, &KNOWN.conditions) || begins(n, &KNOWN.care)) {
        return Sensitivity::Protected;
    }
    if icd(&KNOWN.ordinary_icd) { Sensitivity::Ordinary } else { judged(&names, &[], &KNOWN.ordinary_conditions) }
}

fn begins_code(code: &Code, starts: &[String]) -> bool {
    code.system == Terminology::Icd10Cm && starts.iter().any(|start| code.code.starts_with(start.as_str()))
}

/// Of a vaccination, by its name.
#[must_use]
pub fn of_immunization(given: &Immunization) -> Sensitivity {
    judged(&[&given.vaccine], &KNOWN.vaccines, &KNOWN.ordinary_vaccines)
}

/// Of an allergy, by what it is to: an allergy to a medicine tells that it was taken.
#[must_use]
pub fn of_allergy(allergy: &Allergy) -> Sensitivity {
    let names = [allergy.substance.as_str()];
    match judged(&names, &KNOWN.medicines, &KNOWN.ordinary_medicines) {
        Sensitivity::Unclassified => judged(&names, &[], &KNOWN.substances),
        told => told,
    }
}

/// Of a visit that has been, by whom it was with, where, what for, and every word that was written about it.
#[must_use]
pub fn of_note(note: &VisitNote) -> Sensitivity {
    let told = [&note.provider, &note.place, &note.reason, &note.words, &note.by];
    let texts: Vec<&str> = told.into_iter().flatten().map(String::as_str).collect();
    let named = |text: &&str| {
        let words = words(text);
        [&KNOWN.medicines, &KNOWN.tests, &KNOWN.vaccines].iter().any(|set| set.iter().any(|entry| next(&words, entry)))
    };
    let about = |text: &&str| begins(text, &KNOWN.care) || begins(text, &KNOWN.conditions) || named(text);
    if texts.iter().any(about) { Sensitivity::Protected } else { Sensitivity::Ordinary }
}

/// Whether the words of an entry stand next to one another in a text.
fn next(text: &[String], entry: &[String]) -> bool {
    !entry.is_empty() && text.windows(entry.len()).any(|window| window == entry)
}

/// Whether a name that somebody says is one of a protected kind, whoever's it is and whether anybody has it.
#[must_use]
pub fn is_protected_name(said: &str) -> bool {
    let judge = |sets, ordinary| judged(&[said], sets, ordinary) == Sensitivity::Protected;
    judge(&KNOWN.medicines, &KNOWN.ordinary_medicines)
        || judge(&KNOWN.tests, &KNOWN.ordinary_tests)
        || of_care(std::iter::once(said)) == Sensitivity::Protected
        || judge(&KNOWN.vaccines, &KNOWN.ordinary_vaccines)
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
    fn conditions_go_by_code_and_by_name_and_what_nobody_classified_is_kept_back() {
        use Sensitivity::{Ordinary, Protected, Unclassified};
        let condition = |name: &str, icd: &str| Condition {
            name: name.into(),
            aliases: vec![],
            codes: vec![Code { system: Terminology::Icd10Cm, code: icd.into() }],
            status: crate::records::ConditionStatus::Active,
            confirmed: true,
            onset: None,
            origin: crate::records::Origin::default(),
        };
        for (name, icd, want) in [
            ("hypertension", "I10", Ordinary),
            ("a state", "F41.1", Protected),
            ("a state", "B20", Protected),
            ("a state", "O09.90", Protected),
            ("generalized anxiety disorder", "", Protected),
            ("alcohol dependence", "", Protected),
            ("normal pregnancy", "", Protected),
            ("type 2 diabetes", "", Ordinary),
            ("alcoholic liver disease", "K70.9", Protected),
            ("zorblitis", "", Unclassified),
            ("zorblitis", "Z99.9", Unclassified),
            ("zorblitis", "J20.9", Ordinary),
        ] {
            assert_eq!(of_condition(&condition(name, icd)), want, "{name} {icd}");
        }
    }

    #[test]
    fn so_do_vaccines_allergies_and_notes() {
        use Sensitivity::{Ordinary, Protected, Unclassified};
        let given = jiff::civil::date(2026, 1, 1);
        for (name, want) in [
            ("Tdap", Ordinary),
            ("Influenza, seasonal, injectable", Ordinary),
            ("HPV, quadrivalent", Protected),
            ("zorbvax", Unclassified),
        ] {
            let shot = Immunization {
                vaccine: name.into(),
                codes: vec![],
                given,
                source: None,
                origin: crate::records::Origin::default(),
            };
            assert_eq!(of_immunization(&shot), want, "{name}");
        }
        for (name, want) in [
            ("penicillin", Ordinary),
            ("Allergy to peanuts", Ordinary),
            ("lamotrigine", Protected),
            ("zorblin", Unclassified),
        ] {
            let allergy = Allergy {
                category: vec![],
                severe: false,
                substance: name.into(),
                reactions: vec![],
                active: true,
                origin: crate::records::Origin::default(),
            };
            assert_eq!(of_allergy(&allergy), want, "{name}");
        }
        for (words, want) in [
            ("Keep walking every day.", Ordinary),
            ("Please go on with sertraline.", Protected),
            ("We talked about your drinking and alcohol.", Protected),
        ] {
            let at = "2026-01-01T00:00:00Z".parse().expect("a time");
            let words = Some(words.to_owned());
            let note = VisitNote {
                at,
                provider: None,
                place: None,
                reason: None,
                words,
                by: None,
                others: false,
                origin: crate::records::Origin::default(),
            };
            assert_eq!(of_note(&note), want);
        }
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
