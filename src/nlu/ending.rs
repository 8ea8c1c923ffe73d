//! Whether words are all that somebody has to say, as far as the words themselves tell.
//!
//! How often sentences of the catalogue end where the last few words stand, by what came before: the longer the context that was seen,
//! the more it counts (Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37, 1991). Learned at
//! the start from the sentences that the classifier learns from.
//!
//! Invariant: pure, and only ever a matter of how long a pause is waited for. It decides nothing that is done.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// Words of context that count.
const ORDER: usize = 4;
/// Words seen less often than this are one word: names, and what nobody listed.
const RARE: u32 = 2;
/// What stands for those.
const UNKNOWN: &str = "\u{1}other";
/// What stands before the first word.
const BEGIN: &str = "\u{1}begin";

/// What was counted.
#[derive(Debug, Default)]
pub struct Endings {
    words: HashMap<String, u32>,
    /// By context: how often a sentence ended there, and how often it was met.
    met: HashMap<u64, [f32; 2]>,
}

impl Endings {
    /// Learns where sentences end.
    pub fn learn<'a>(sentences: impl Iterator<Item = &'a [String]> + Clone) -> Self {
        let mut endings = Self::default();
        for word in sentences.clone().flatten() {
            *endings.words.entry(word.clone()).or_default() += 1;
        }
        endings.words.retain(|_, times| *times >= RARE);
        for sentence in sentences {
            let marked = endings.marked(sentence);
            for end in 2..=marked.len() {
                let ends = f32::from(u8::from(end == marked.len()));
                for context in contexts(&marked[..end]) {
                    let met = endings.met.entry(context).or_default();
                    *met = [met[0] + ends, met[1] + 1.0];
                }
            }
        }
        endings
    }

    /// How likely these words are all of it, 0 to 1; 0 for no words.
    #[must_use]
    pub fn likely(&self, words: &[String]) -> f32 {
        if words.is_empty() {
            return 0.0;
        }
        let marked = self.marked(words);
        contexts(&marked).fold(0.0, |shorter, context| match self.met.get(&context) {
            // What was met often counts for itself.
            Some([ends, met]) => (ends + shorter) / (met + 1.0),
            None => shorter,
        })
    }

    fn marked<'a>(&self, words: &'a [String]) -> Vec<&'a str> {
        let known = |word: &'a String| if self.words.contains_key(word) { word.as_str() } else { UNKNOWN };
        std::iter::once(BEGIN).chain(words.iter().map(known)).collect()
    }
}

/// The contexts at the end of these words, shortest first.
fn contexts<'a>(marked: &'a [&'a str]) -> impl Iterator<Item = u64> + 'a {
    (0..=ORDER.min(marked.len())).map(|words| {
        let mut hash = DefaultHasher::new();
        marked[marked.len() - words..].hash(&mut hash);
        hash.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn sentences_end_where_sentences_were_seen_to_end() {
        let said: Vec<Vec<String>> = [
            "call the nurse",
            "call the nurse please",
            "call my nurse",
            "is my refill ready",
            "is my refill ready yet",
            "when is my next visit",
            "refill my metformin",
            "refill my aspirin",
        ]
        .map(words)
        .to_vec();
        let endings = Endings::learn(said.iter().map(Vec::as_slice));
        let likely = |text: &str| endings.likely(&words(text));
        for (less, more) in [
            ("call the", "call the nurse"),
            ("is my refill", "is my refill ready"),
            ("is my refill ready", "is my refill ready yet"),
            ("when is my", "when is my next visit"),
            ("refill my", "refill my zomirapex"),
            ("call", "call my nurse"),
        ] {
            assert!(likely(less) + 0.2 < likely(more), "{less}: {}, {}", likely(less), likely(more));
        }
        assert!(likely("").abs() < 1e-6);
        assert!((0.0..=1.0).contains(&likely("entirely other words")));
    }
}
