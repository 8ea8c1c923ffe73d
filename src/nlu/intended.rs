//! A request that a platform understood in its own terms: an intent by name, slots with what was said for them.
//!
//! Names may be the catalogue's own or those of an exported interaction model. Values are resolved here, like those of
//! speech: nothing a platform says about a value is taken for more than words.

use serde::Serialize;

/// An intent and its slots as a platform names them.
#[derive(Clone, Default, Serialize)]
pub struct Intended {
    /// `prescription.renew`, `PrescriptionRenew`, `AMAZON.HelpIntent`.
    pub name: String,
    /// What was said for its slots; empty ones are left out.
    pub slots: Vec<Said>,
    /// Whether the platform was told yes or no to the request as a whole.
    pub confirmed: Option<bool>,
}

/// What was said for one slot.
#[derive(Clone, Default, Serialize)]
pub struct Said {
    /// The slot as the platform names it.
    pub slot: String,
    /// The words, or the platform's normal form of them (`2026-12-01`, `PT10M`).
    pub words: String,
    /// The name of the list's value that the platform takes it for.
    pub likely: Option<String>,
}

impl Intended {
    /// An intent without slots.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Everything that was said for its slots, each a sentence of its own.
    #[must_use]
    pub fn words(&self) -> String {
        self.slots.iter().map(|said| said.words.trim()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(". ")
    }
}
