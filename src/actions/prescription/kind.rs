//! Medicines by what they are for or what they look like: "my blood thinner", "the eye drops".
//!
//! Invariants: a kind only finds what is on somebody's own list, and which one is meant is asked where several are; what
//! belongs to a kind stands in `kinds.toml`, with its source, or in the dose form as it is written.

use std::sync::LazyLock;

use serde::Deserialize;

use super::super::words;
use crate::records::Prescription;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    kind: Vec<Kind>,
}

/// A kind of medicine.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    name: String,
    /// As an object: "a blood thinner".
    pub said: String,
    /// Groups of the classification that `of` was taken from.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "says where the ingredients are from"))]
    atc: Vec<String>,
    /// Ingredients.
    #[serde(default)]
    of: Vec<String>,
    /// Words of the dose form.
    #[serde(default)]
    form: Vec<String>,
}

/// Should the file not read, no kind is known: `the_table_reads` keeps that from happening.
static TABLE: LazyLock<Table> = LazyLock::new(|| toml::from_str(include_str!("kinds.toml")).unwrap_or_default());

/// Forms for one place of the body: timolol in the eye is no blood pressure pill.
const LOCAL: [&str; 17] = [
    "ophthalmic",
    "otic",
    "nasal",
    "topical",
    "cream",
    "ointment",
    "gel",
    "lotion",
    "shampoo",
    "foam",
    "vaginal",
    "eye",
    "ear",
    "mouthwash",
    "inhaler",
    "inhalation",
    "patch",
];

/// The kind that goes by this name.
pub(super) fn named(said: &str) -> Option<&'static Kind> {
    let said = words(said);
    TABLE.kind.iter().find(|kind| words(&kind.name) == said)
}

impl Kind {
    /// Whether a medicine on the list is of this kind.
    pub(super) fn holds(&self, p: &Prescription) -> bool {
        let texts = || std::iter::once(&p.medicine).chain(&p.aliases).chain(&p.strength).map(|text| words(text));
        let form = |forms: &[&str]| texts().any(|text| text.iter().any(|word| forms.contains(&word.as_str())));
        if !self.form.is_empty() {
            return form(&self.form.iter().map(String::as_str).collect::<Vec<_>>());
        }
        !form(&LOCAL)
            && self.of.iter().any(|ingredient| {
                let ingredient = words(ingredient);
                texts().any(|text| ingredient.iter().all(|word| text.contains(word)))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::prescription, *};

    #[test]
    fn the_table_reads_and_has_every_kind_that_can_be_said() {
        let table: Table = toml::from_str(include_str!("kinds.toml")).expect("it reads");
        for kind in &table.kind {
            assert!(kind.of.is_empty() != kind.form.is_empty(), "{}: by what it is of or by its form", kind.name);
            assert_eq!(kind.of.is_empty(), kind.atc.is_empty(), "{}: ingredients have a source", kind.name);
            assert!(kind.of.iter().chain(&kind.form).all(|word| !words(word).is_empty()), "{}", kind.name);
        }
        let catalogue = crate::nlu::catalogue::Catalogue::builtin().expect("it loads");
        let mut said = catalogue.kinds("medicine").expect("kinds can be said").values.clone();
        let mut known: Vec<String> = table.kind.into_iter().map(|kind| kind.name).collect();
        said.sort();
        known.sort();
        assert_eq!(said, known);
    }

    #[test]
    fn a_kind_finds_what_is_on_the_list() {
        let written = |id: &str, medicine: &str, text: &str| Prescription {
            aliases: vec![text.to_owned()],
            strength: None,
            ..prescription(id, medicine)
        };
        let all = [
            written("apixaban", "apixaban", "apixaban 5 MG Oral Tablet [Eliquis]"),
            written(
                "hctz",
                "lisinopril and hydrochlorothiazide",
                "lisinopril 10 MG / hydrochlorothiazide 12.5 MG Oral Tablet",
            ),
            written("statin", "atorvastatin", "atorvastatin 20 MG Oral Tablet"),
            written("eye", "timolol", "timolol 5 MG/ML Ophthalmic Solution"),
            written("puffs", "albuterol", "albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"),
            written("nose", "fluticasone", "fluticasone 0.05 MG/ACTUAT Nasal Spray"),
            written("skin", "hydrocortisone", "hydrocortisone 10 MG/ML Topical Cream"),
            written("glargine", "insulin glargine", "insulin glargine 100 UNT/ML Injectable Solution"),
            written("d", "vitamin D", "cholecalciferol 1000 UNT Oral Capsule"),
        ];
        for (kind, want) in [
            ("blood thinner", &["apixaban"][..]),
            ("water pill", &["hctz"]),
            ("blood pressure medicine", &["hctz"]),
            ("cholesterol medicine", &["statin"]),
            ("eye drops", &["eye"]),
            ("inhaler", &["puffs"]),
            ("nasal spray", &["nose"]),
            ("cream", &["skin"]),
            ("insulin", &["glargine"]),
            ("sleeping pill", &[]),
            ("antibiotic", &[]),
            ("steroid", &[]),
        ] {
            let kind = named(kind).expect("a kind");
            let found: Vec<&str> = all.iter().filter(|p| kind.holds(p)).map(|p| p.id.as_str()).collect();
            assert_eq!(found, want, "{}", kind.name);
        }
        assert!(named("lisinopril").is_none() && named("").is_none());
    }
}
