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
