//! Pronunciations of words that no general dictionary reads right: medicines, and the names of the people who
//! work here. The list is data (`intents/lists/pronunciation.toml`), so a clinic adds its own without code.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;

use super::VoiceError;

/// What ships with the program; a catalogue's own list adds to it and wins.
const BUILT_IN: &str = include_str!("../../../intents/lists/pronunciation.toml");

/// Words and how they sound, in the phoneme alphabet that the list itself explains.
#[derive(Debug, Clone)]
pub struct Lexicon {
    words: HashMap<String, String>,
}

/// The file: tables of `word = "phonemes"`, their names for the reader only.
#[derive(Deserialize)]
struct Lists(HashMap<String, HashMap<String, String>>);

impl Lexicon {
    /// The list that ships with the program.
    ///
    /// # Errors
    /// When it names a phoneme the voice does not have.
    pub fn built_in() -> Result<Self, VoiceError> {
        let mut lexicon = Self { words: HashMap::new() };
        lexicon.add(BUILT_IN, "the built-in pronunciations")?;
        Ok(lexicon)
    }

    /// The built-in list and, over it, a file of the same form.
    ///
    /// # Errors
    /// When the file cannot be read or parsed, or names a phoneme the voice does not have.
    pub fn with_file(path: &Path) -> Result<Self, VoiceError> {
        let mut lexicon = Self::built_in()?;
        let text =
            std::fs::read_to_string(path).map_err(|source| VoiceError::Read { path: path.to_owned(), source })?;
        lexicon.add(&text, &path.display().to_string())?;
        Ok(lexicon)
    }

    /// How a word sounds, whatever its capitals; a possessive or plural of a listed word is formed from it.
    pub fn get(&self, word: &str) -> Option<String> {
        let word = word.to_lowercase();
        if let Some(phonemes) = self.words.get(&word) {
            return Some(phonemes.clone());
        }
        let stem = word.strip_suffix("'s").or_else(|| word.strip_suffix('s'))?;
        let phonemes = self.words.get(stem)?;
        let ending = match phonemes.chars().last() {
            Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ') => "ᵻz",
            Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
            _ => "z",
        };
        Some(format!("{phonemes}{ending}"))
    }

    /// Every listed word, in no order.
    pub fn words(&self) -> impl Iterator<Item = (&str, &str)> {
        self.words.iter().map(|(word, phonemes)| (word.as_str(), phonemes.as_str()))
    }

    fn add(&mut self, toml: &str, origin: &str) -> Result<(), VoiceError> {
        let invalid = |reason: String| VoiceError::Lexicon { origin: origin.to_owned(), reason };
        let lists: Lists = toml::from_str(toml).map_err(|e| invalid(e.to_string()))?;
        for (word, phonemes) in lists.0.into_values().flatten() {
            if phonemes.trim().is_empty() || word.trim().is_empty() {
                return Err(invalid(format!("`{word}` has no pronunciation")));
            }
            if let Some(stranger) = phonemes.chars().find(|c| !ALPHABET.contains(*c)) {
                return Err(invalid(format!("`{word}`: `{stranger}` is not one of the phonemes {ALPHABET}")));
            }
            self.words.insert(word.to_lowercase(), phonemes);
        }
        Ok(())
    }
}

/// The phonemes a list may use; the network knows them all, which loading a voice checks.
pub const ALPHABET: &str = "AIOTWYabdfhijklmnpstuvwzæðŋɐɑɔəɛɜɡɪɹʃʊʌʒʤʧθᵊᵻˈˌ ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_words_are_found_whatever_their_capitals_and_endings() {
        let lexicon = Lexicon::built_in().unwrap();
        let lisinopril = lexicon.get("lisinopril").unwrap();
        assert_eq!(lexicon.get("Lisinopril").unwrap(), lisinopril);
        assert_eq!(lexicon.get("LISINOPRIL'S").unwrap(), format!("{lisinopril}z"));
        assert_eq!(lexicon.get("qwzx"), None);
    }

    #[test]
    fn a_list_with_a_foreign_phoneme_is_refused_by_word() {
        let mut lexicon = Lexicon { words: HashMap::new() };
        let error = lexicon.add("[staff]\nvega = \"vˈ3ɡə\"", "staff.toml").unwrap_err().to_string();
        assert!(error.contains("staff.toml") && error.contains("vega") && error.contains('3'), "{error}");
    }

    #[test]
    fn broken_toml_is_refused() {
        let mut lexicon = Lexicon { words: HashMap::new() };
        assert!(lexicon.add("[staff\nvega", "x").is_err());
        assert!(lexicon.add("[staff]\nvega = \"\"", "x").is_err());
    }

    #[test]
    fn every_built_in_word_has_exactly_one_main_stress_and_a_vowel() {
        for (word, phonemes) in Lexicon::built_in().unwrap().words() {
            assert_eq!(phonemes.matches('ˈ').count(), 1 + phonemes.matches(' ').count(), "{word}: {phonemes}");
            assert!(phonemes.chars().any(|c| "AIOWYiuæɑɔəɛɜɪʊʌᵻ".contains(c)), "{word}: {phonemes}");
        }
    }
}
