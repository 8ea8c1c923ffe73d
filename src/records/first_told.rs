//! Which results a clinician tells first: critical ones, what was found in tissue, and infections and conditions that nobody
//! should learn of from a machine.
//!
//! Invariant: where it is in doubt, it waits. A clinician's words on it, or staff who have talked about it, let it go.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{LabFlag, LabResult};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    limit: Vec<Limit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    test: String,
    units: Vec<String>,
    low: Option<f64>,
    high: Option<f64>,
}

static LIMITS: LazyLock<File> = LazyLock::new(|| toml::from_str(include_str!("critical.toml")).unwrap_or_default());

/// Tests whose every result is for a clinician to tell.
const OF_TISSUE: [&str; 11] = [
    "biopsy",
    "patholog",
    "cytolog",
    "histolog",
    "papanicolaou",
    "pap smear",
    "bone marrow",
    "tumor marker",
    "brca",
    "flow cytometry",
    "gene mutation",
];
/// Tests that wait unless they are plainly negative.
const OF_AN_INFECTION: [&str; 20] = [
    "hiv",
    "human immunodeficiency",
    "hepatitis",
    "hbsag",
    "hcv",
    "hbv",
    "syphilis",
    "treponema",
    "rpr",
    "vdrl",
    "chlamydia",
    "gonorrh",
    "neisseria",
    "herpes",
    "papillomavirus",
    "hpv",
    "trichomonas",
    "tuberculosis",
    "pregnancy",
    "choriogonadotropin",
];
/// Findings that wait, whatever the test is called.
const FINDINGS: [&str; 11] = [
    "carcinoma",
    "malignan",
    "cancer",
    "neoplas",
    "lymphoma",
    "leukemia",
    "melanoma",
    "sarcoma",
    "metasta",
    "blasts present",
    "dysplasia",
];
/// What a plain negative is written as.
const NEGATIVE: [&str; 12] = [
    "negative",
    "neg",
    "not detected",
    "none detected",
    "undetected",
    "target not detected",
    "nonreactive",
    "non reactive",
    "not reactive",
    "not present",
    "absent",
    "none seen",
];

/// Whether it may only be told after a clinician.
pub fn is_first_told_by_a_clinician(r: &LabResult) -> bool {
    r.flag == Some(LabFlag::Critical) || is_beyond(r) || is_grave(r)
}

fn is_beyond(r: &LabResult) -> bool {
    let unit = r.unit.as_deref().unwrap_or_default();
    let value = r.value.trim_start_matches(['<', '>', '=']).trim().parse::<f64>().ok();
    let row = LIMITS.limit.iter().find(|row| row.test == r.test && row.units.iter().any(|known| known == unit));
    let (Some(value), Some(row)) = (value, row) else { return false };
    row.low.is_some_and(|low| value <= low) || row.high.is_some_and(|high| value >= high)
}

fn is_grave(r: &LabResult) -> bool {
    let plain = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        format!(" {} ", words.collect::<Vec<_>>().join(" ").to_lowercase())
    };
    let names: Vec<String> =
        r.aliases.iter().chain([&r.test]).chain(r.panel.as_ref()).map(|name| plain(name)).collect();
    let named = |list: &[&str]| names.iter().any(|name| list.iter().any(|part| name.contains(&format!(" {part}"))));
    let value = plain(&r.value);
    let negative = NEGATIVE.iter().any(|word| value.trim() == *word || value.starts_with(&format!(" {word} ")));
    named(&OF_TISSUE)
        || (named(&OF_AN_INFECTION) && !negative && r.flag != Some(LabFlag::Normal))
        || (FINDINGS.iter().any(|word| value.contains(word)) && !negative)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(test: &str, value: &str, unit: &str) -> LabResult {
        LabResult {
            test: test.into(),
            aliases: vec![],
            loinc: None,
            panel: None,
            value: value.into(),
            unit: Some(unit.into()).filter(|unit: &String| !unit.is_empty()),
            low: None,
            high: None,
            range: None,
            flag: None,
            taken: jiff::Timestamp::UNIX_EPOCH,
            preliminary: false,
            corrected: false,
            comment: None,
            commenter: None,
            source: None,
            origin: super::super::Origin::default(),
            review: super::super::Review::None,
        }
    }

    #[test]
    fn what_a_machine_is_not_the_first_to_tell() {
        assert_eq!(LIMITS.limit.len(), 9, "the limits read");
        for (test, value, unit, waits) in [
            ("potassium", "6.0", "mmol/L", true),
            ("potassium", "2.8", "mEq/L", true),
            ("potassium", "5.9", "mmol/L", false),
            ("potassium", "6.4", "mg/L", false),
            ("platelets", "45", "10*3/uL", true),
            ("platelets", "250", "K/uL", false),
            ("hemoglobin", "6.8", "g/dL", true),
            ("INR", "6.2", "", true),
            ("glucose", ">500", "mg/dL", true),
            ("skin biopsy", "benign", "", true),
            ("surgical pathology", "see report", "", true),
            ("HIV 1+2 Ab", "Reactive", "", true),
            ("HIV 1+2 Ab", "Nonreactive", "", false),
            ("hepatitis C virus Ab", "Positive", "", true),
            ("hepatitis C virus Ab", "Not detected", "", false),
            ("hepatitis C virus RNA", "120000", "[IU]/mL", true),
            ("chlamydia trachomatis rRNA", "Detected", "", true),
            ("pregnancy test", "positive", "", true),
            ("pregnancy test", "Negative", "", false),
            ("comment", "Adenocarcinoma of the colon", "", true),
            ("comment", "Negative for malignancy", "", false),
            ("strep", "positive", "", false),
            ("sodium", "140", "mmol/L", false),
        ] {
            assert_eq!(is_first_told_by_a_clinician(&result(test, value, unit)), waits, "{test} {value} {unit}");
        }
    }
}
