//! From what was heard to phrases that may be counted: values become their types, what tells numbers or addresses goes,
//! and the rest comes in pieces of one to three words.
//!
//! Invariant: a piece never reaches across something that was left out, so that no piece is longer than what was said
//! around it.

use std::collections::BTreeSet;

use crate::nlu::numbers;

/// Words of a phrase at most.
const LONGEST: usize = 3;
/// Words that say nothing alone.
const EMPTY: [&str; 58] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "could", "do", "does", "for", "from", "had", "has",
    "have", "he", "her", "him", "his", "i", "if", "in", "is", "it", "its", "just", "me", "my", "not", "of", "on", "or",
    "our", "please", "she", "so", "some", "that", "the", "their", "them", "then", "they", "this", "to", "us", "was",
    "we", "were", "what", "will", "with", "would", "you", "your",
];

/// The phrases of a text. `values` are the words that a slot's value came from, and the slot's type.
#[must_use]
pub fn phrases<'a>(text: &str, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeSet<String> {
    let mut pieces: Vec<Option<String>> = text.split_whitespace().map(plain).collect();
    for (spoken, kind) in values {
        let words: Vec<Option<String>> = spoken.split_whitespace().map(plain).collect();
        if words.is_empty() {
            continue;
        }
        while let Some(at) = pieces.windows(words.len()).position(|window| *window == words) {
            pieces.splice(at..at + words.len(), [Some(format!("{{{kind}}}"))]);
        }
    }
    let mut found = BTreeSet::new();
    for run in pieces.split(Option::is_none) {
        let run: Vec<&str> = run.iter().flatten().map(String::as_str).collect();
        for length in 1..=LONGEST {
            for piece in run.windows(length) {
                if piece.iter().any(|word| !EMPTY.contains(word) && !word.starts_with('{')) {
                    found.insert(piece.join(" "));
                }
            }
        }
    }
    found
}

/// A word in small letters without the signs around it; nothing where it holds a digit, is a number, or holds signs as
/// addresses of any kind do.
fn plain(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'");
    let letters = word.chars().all(|c| c.is_alphabetic() || c == '\'');
    let number = numbers::number(&[&word]).is_some() || numbers::ordinal(&[&word]).is_some();
    (letters && !number && (1..=20).contains(&word.chars().count())).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_types_and_numbers_and_addresses_go() {
        for (text, values, expected) in [
            (
                "Get my Lisinopril scripts!",
                vec![("lisinopril", "medicine")],
                vec!["get", "get my", "get my {medicine}", "my {medicine} scripts", "scripts", "{medicine} scripts"],
            ),
            ("call 555-0142 now", vec![], vec!["call", "now"]),
            ("mail ann@example.org now", vec![], vec!["mail", "now"]),
            ("twenty third street", vec![], vec!["street"]),
            ("at the", vec![], vec![]),
            ("•••• ok", vec![], vec!["ok"]),
            (
                "tell new york times",
                vec![("New York", "text")],
                vec!["tell", "tell {text}", "tell {text} times", "times", "{text} times"],
            ),
        ] {
            let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(phrases(text, values), expected, "{text}");
        }
    }
}
