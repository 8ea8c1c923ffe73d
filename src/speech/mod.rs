//! Saying: facts in, words out.
//!
//! Rendering is pure: the moment comes in, text and SSML come out. Deliberately absent: prose in Rust. Every
//! word that is said stands in `intents/`.

pub mod reply;
mod say;
pub mod ssml;
mod there;
pub mod voice;

pub use reply::{Moment, Replies, ReplyError};

/// A reply in both forms, with the same words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Plain text.
    pub text: String,
    /// SSML with the elements `speak`, `prosody`, `p`, `s`, `sub`, `say-as` and `break` only.
    pub ssml: String,
}

impl Rendered {
    /// Several replies as one, in order.
    #[must_use]
    pub fn joined(parts: Vec<Self>) -> Self {
        let text = parts.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(" ");
        Self { text, ssml: ssml::spoken(parts.iter().map(|p| ssml::inside(&p.ssml))) }
    }

    /// The same, spoken slowly.
    #[must_use]
    pub fn slowly(self) -> Self {
        Self { ssml: ssml::slowly(&self.ssml), ..self }
    }
}
