//! Emergencies, by rules on the raw transcript, before intent or identity. Never by a model.

use serde::Serialize;

/// What an utterance cries for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Triage {
    /// The kind of emergency.
    pub kind: Kind,
    /// How urgent.
    pub level: Level,
}

/// Kinds of emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A bare cry for help.
    Help,
}

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody must look soon: a call to the nurse.
    Urgent,
    /// Life may be at stake.
    Emergency,
}

/// Reads a raw transcript, a rejected one too.
#[must_use]
pub fn triage(_heard: &str) -> Option<Triage> {
    None
}
