//! What else may have been said: texts beside the one that was heard, and how probable each is.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// Makes of the words that were heard the texts that may have been said instead. Called where the clip is decoded, so that
/// it need not be taken up again; and again with what came of those, until there are no more.
#[derive(Clone)]
pub struct Retell(pub Arc<dyn Fn(&str, &[Weighed]) -> Vec<Candidate> + Send + Sync>);

/// A text to be weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// The natural logarithm of the least probability at which it matters. Below it nobody need know by how much.
    pub floor: f32,
}

impl fmt::Debug for Retell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retell")
    }
}

/// A text and how well it fits the clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// The text.
    pub text: String,
    /// The natural logarithm of its probability; to be compared with those of other texts for the same clip. Negative infinity
    /// for what is less probable than matters.
    pub log_probability: f32,
}

/// What a clip is likely to hold, by what was asked. Looked for where the clip is decoded, too.
#[derive(Clone)]
pub struct Likely {
    /// Whether it is worth looking where these words were heard.
    pub worth: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// Whether to look where nobody seems to speak, too: there the model likes to write a word, but no numbers.
    pub unvoiced: bool,
    /// What is looked for.
    pub what: What,
}

/// Kinds of it.
#[derive(Debug, Clone)]
pub enum What {
    /// One of these texts, unless it is less probable than this, as a natural logarithm.
    Texts(Arc<Texts>, f32),
    /// Digits, and nothing else.
    Digits,
}

/// Texts that are weighed again and again. Thousands are no trouble: what several begin with is looked at once, and only as far as
/// it is probable.
#[derive(Debug)]
pub struct Texts {
    texts: Vec<String>,
    /// Whether each may end with a point, too.
    pub(super) unmarked: bool,
    /// As the model with a vocabulary of so many writes them, in the order of their tokens, each with its place in `texts`.
    pub(super) written: OnceLock<(i32, Vec<(usize, Vec<i32>)>)>,
}

impl Texts {
    /// These texts, as they are.
    #[must_use]
    pub const fn marked(texts: Vec<String>) -> Self {
        Self { texts, unmarked: false, written: OnceLock::new() }
    }

    /// These texts, with a point at their end or without.
    #[must_use]
    pub const fn unmarked(texts: Vec<String>) -> Self {
        Self { texts, unmarked: true, written: OnceLock::new() }
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }
}

impl fmt::Debug for Likely {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Likely").field("what", &self.what).finish_non_exhaustive()
    }
}

/// What a clip is if nothing but digits is said in it. Its `Debug` leaves them out: they may be a secret.
#[derive(Clone, PartialEq)]
pub struct Spelled {
    /// The digits.
    pub digits: String,
    /// The natural logarithm of their probability, in whatever way they are written.
    pub log_probability: f32,
    /// By how much each digit, and the end after the last, is more probable than the next best there, in natural logarithms:
    /// the least of these.
    pub margin: f32,
}

impl fmt::Debug for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spelled").field("margin", &self.margin).finish_non_exhaustive()
    }
}
