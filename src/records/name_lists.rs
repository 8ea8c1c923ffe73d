//! The names that a person's medicines and the people who treat them go by.

use super::{Prescription, Provider};
use crate::policy::{NameLists, Named};

/// Each medicine and each provider once, current medicines first.
pub(super) fn name_lists(prescriptions: &[Prescription], providers: &[Provider]) -> NameLists {
    let mut medicines: Vec<Named> = Vec::new();
    let (current, ended): (Vec<_>, Vec<_>) = prescriptions.iter().partition(|p| p.active);
    for p in current.into_iter().chain(ended) {
        match medicines.iter_mut().find(|m| m.name == p.medicine) {
            Some(known) => {
                for alias in &p.aliases {
                    if !known.aliases.contains(alias) {
                        known.aliases.push(alias.clone());
                    }
                }
            }
            None => medicines.push(Named { name: p.medicine.clone(), aliases: p.aliases.clone() }),
        }
    }
    let surname = |name: &str| name.split_whitespace().next_back().map(str::to_lowercase);
    let is_told_by_given_name = |one: &Provider| {
        providers.iter().any(|other| other.name != one.name && surname(&other.name) == surname(&one.name))
    };
    let named = |p: &Provider| {
        let mut aliases = called(&p.name);
        // "The one with Eve": of two Lunds.
        aliases.extend(given_name(&p.name).filter(|_| is_told_by_given_name(p)).map(str::to_owned));
        Named { name: p.name.clone(), aliases }
    };
    let providers = providers.iter().map(named).collect();
    NameLists { medicines, providers }
}

fn given_name(name: &str) -> Option<&str> {
    let mut bare = name.split_whitespace().filter(|word| !is_title(word));
    bare.next().filter(|_| bare.next().is_some())
}

fn is_title(word: &str) -> bool {
    matches!(word.trim_end_matches('.').to_lowercase().as_str(), "dr" | "doctor" | "prof")
}

/// What a provider is called besides the full name: "Dr. Anita Patel" → "doctor Patel", "Anita Patel", "Patel".
fn called(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let bare: Vec<&str> = words.iter().copied().filter(|w| !is_title(w)).collect();
    let Some(surname) = bare.last() else { return vec![] };
    let mut found = vec![format!("doctor {surname}"), bare.join(" "), (*surname).to_owned()];
    if bare.len() == words.len() {
        found.remove(0);
    }
    found.retain(|f| f != name);
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_called_by_title_and_surname() {
        assert_eq!(called("Dr. Anita Patel"), ["doctor Patel", "Anita Patel", "Patel"]);
        assert_eq!(called("Lena Fischer"), ["Fischer"]);
        assert_eq!(called("Dr. Patel"), ["doctor Patel", "Patel"]);
        assert!(called("").is_empty());
    }

    #[test]
    fn two_of_one_surname_are_told_by_their_given_names() {
        let provider = |name: &str| Provider {
            name: name.into(),
            specialty: None,
            role: None,
            origin: crate::records::Origin::default(),
        };
        let lists = name_lists(&[], &["Dr. Ada Lund", "Dr. Eve Lund", "Dr. Anita Patel"].map(provider));
        let goes_by = |n: usize, name: &str| lists.providers[n].aliases.iter().any(|alias| alias == name);
        assert!(goes_by(0, "Ada") && goes_by(1, "Eve") && !goes_by(2, "Anita"));
    }
}
