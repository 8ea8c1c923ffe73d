//! The words that may be told of what people said: ordinary English, and none that names somebody or a place.

use std::collections::HashSet;

use misaki_rs::{Language, Lexicon};

use crate::nlu::catalogue::Catalogue;

/// Ordinary words.
pub struct Vocabulary {
    lexicon: Lexicon,
    names: HashSet<String>,
}

/// Parts of dates, which a dictionary holds in small letters, too.
const DATES: [&str; 7] = ["may", "march", "august", "spring", "summer", "autumn", "winter"];

impl Vocabulary {
    /// Words in small letters of a pronouncing dictionary. Left out is what it holds as a name as well ("john"),
    /// and the first names of the catalogue.
    #[must_use]
    pub fn load(catalogue: &Catalogue) -> Self {
        let first_names = catalogue.list("first_name").into_iter().flat_map(|list| list.values.iter());
        let names = first_names.map(|name| name.to_lowercase()).chain(DATES.map(str::to_owned)).collect();
        Self { lexicon: Lexicon::new(Language::EnglishUS), names }
    }

    /// Whether a word in small letters may be told.
    #[must_use]
    pub fn ordinary(&self, word: &str) -> bool {
        let known = |word: &str| self.lexicon.golds.contains_key(word) && !self.names.contains(word);
        let a_name = |word: &str| {
            let mut letters = word.chars();
            let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            self.lexicon.golds.contains_key(&capital) || self.lexicon.silvers.contains_key(&capital)
        };
        let plain = word.split_once('\'').map_or(word, |(before, _)| before);
        // The dictionary holds few of the forms that end in s, ed or ing.
        let stem = |ending: &str, instead: &str| {
            plain.strip_suffix(ending).is_some_and(|stem| stem.len() > 2 && known(&format!("{stem}{instead}")))
        };
        let formed = [("s", ""), ("es", ""), ("ies", "y"), ("d", ""), ("ed", ""), ("ing", ""), ("ing", "e")]
            .into_iter()
            .any(|(ending, instead)| stem(ending, instead));
        !self.names.contains(plain) && (known(plain) || formed) && (plain.len() == 1 || !a_name(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_places_and_dates_are_not_ordinary() {
        let catalogue = Catalogue::builtin().expect("loads");
        let vocabulary = Vocabulary::load(&catalogue);
        for word in [
            "refill",
            "dizzy",
            "nurse",
            "scripts",
            "prescription",
            "hurts",
            "can't",
            "a",
            "breakfast",
            "refilled",
            "hurting",
            "pharmacies",
            "medicine",
        ] {
            assert!(vocabulary.ordinary(word), "{word}");
        }
        for word in [
            "maria",
            "john",
            "rosa",
            "springfield",
            "boston",
            "quillon",
            "thistlewhim",
            "july",
            "september",
            "monday",
            "may",
            "texas",
            "delgado",
        ] {
            assert!(!vocabulary.ordinary(word), "{word}");
        }
    }
}
