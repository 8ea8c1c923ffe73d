//! What else may have been said: texts beside the one that was heard, and how probable each is.

use std::{fmt, sync::Arc};

/// Makes of the words that were heard the texts that may have been said instead. Called where the clip is decoded, so that
/// it need not be taken up again.
#[derive(Clone)]
pub struct Retell(pub Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>);

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
    /// The natural logarithm of its probability; to be compared with those of other texts for the same clip.
    pub log_probability: f32,
}

/// What a clip is likely to hold, by what was asked. Looked for where the clip is decoded, too.
#[derive(Clone)]
pub struct Likely {
    /// Whether it is worth looking where these words were heard.
    pub worth: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// What is looked for.
    pub what: What,
}

/// Kinds of it.
#[derive(Debug, Clone)]
pub enum What {
    /// One of these texts, unless it is less probable than this, as a natural logarithm.
    Texts(Arc<[String]>, f32),
    /// Digits, and nothing else.
    Digits,
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
