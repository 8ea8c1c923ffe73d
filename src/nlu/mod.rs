//! Understanding: text in, an [`Interpretation`] out.
//!
//! Invariant: pure and deterministic. No I/O, no clock, no randomness: time, zone and the person's own name
//! lists come in through [`Context`]. The engine knows no domain; everything it can understand stands in the
//! catalogue (`intents/`).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::policy::NameLists;

pub mod alexa;
pub mod another;
pub mod catalogue;
pub mod classifier;
pub mod digits;
pub mod embed;
pub mod ending;
pub mod engine;
pub mod grammar;
pub mod intended;
pub mod lasting;
mod lint;
pub mod measure;
pub mod names;
pub mod numbers;
pub mod places;
pub mod recurrence;
pub mod shelf;
#[cfg(test)]
mod table;
pub mod template;
pub mod when;
pub mod words;

pub use engine::{CHOICE, Engine, OTHER, Retelling, Retold, Whose};
pub use intended::{Intended, Said};
pub use lasting::{Lasting, TimeUnit};
pub use measure::{Measured, Unit};
pub use recurrence::Recurring;

/// What the conversation knows when something is said.
pub struct Context<'a> {
    /// The channel's name: `room`, `home`, `chat`, `third-party`.
    pub channel: &'a str,
    /// The question that is open, if one is.
    pub pending: Option<Pending<'a>>,
    /// The person's own medicines and providers; empty where nobody is known.
    pub lists: &'a NameLists,
    /// When it was said.
    pub now: jiff::Timestamp,
    /// Where it was said.
    pub zone: &'a jiff::tz::TimeZone,
}

/// An open question. A bare slot value answers it.
#[derive(Debug, Clone, Copy)]
pub struct Pending<'a> {
    /// The intent that asked.
    pub intent: &'a str,
    /// The slot that was asked for; `None` while a confirmation or a choice is open.
    pub slot: Option<&'a str>,
}

/// The name of an intent that fits nothing.
pub const NONE: &str = "dialogue.none";

/// What was understood.
#[derive(Clone, Serialize)]
pub struct Interpretation {
    /// The intent's name, [`NONE`] when out of scope.
    pub intent: String,
    /// The slots that were filled.
    pub slots: Slots,
    /// Calibrated confidence, 0 to 1; 1 for an exact sentence.
    pub confidence: f32,
    /// Other intents it could have been, best first, with their confidence.
    pub alternatives: Vec<(String, f32)>,
    /// How it was found.
    pub by: By,
}

/// Filled slots by name.
pub type Slots = BTreeMap<String, Slot>;

/// How an interpretation was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A sentence template matched whole.
    Sentence,
    /// The classifier was sure.
    Classifier,
    /// The classifier is between its two thresholds: ask "did you mean".
    Unsure,
    /// A bare value answered the open question.
    Answer,
    /// Nothing fits.
    Nothing,
}

/// One filled slot.
#[derive(Clone, PartialEq, Serialize, serde::Deserialize)]
pub struct Slot {
    /// The words it came from.
    pub spoken: String,
    /// What they mean.
    pub value: SlotValue,
    /// 0 to 1; below 1 where letters or sounds had to be matched, or where `alike` holds something.
    pub confidence: f32,
    /// What is easily taken for it by ear or by eye: another medicine of the same sound, fifty for fifteen. Never to
    /// be acted on without the value having been asked for or read back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<SlotValue>,
}

impl Slot {
    /// A value with nothing it could be taken for.
    #[must_use]
    pub fn new(spoken: impl Into<String>, value: SlotValue, confidence: f32) -> Self {
        Self { spoken: spoken.into(), value, confidence, alike: Vec::new() }
    }
}

/// The meaning of a slot. The untagged form is the wire form.
#[derive(Clone, PartialEq, Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum SlotValue {
    /// What a body was measured at.
    Measured(Measured),
    /// How long.
    Lasting(Lasting),
    /// How often.
    Recurring(Recurring),
    /// A day or a range of days, and a part of the day where one was said.
    When(When),
    /// A name from a list (medicine, provider, test) as the list writes it, digits, or words nothing matched.
    Text(String),
    /// A number, or a place in a row (−1 for the last).
    Number(f64),
}

/// A day or days, and a time or part of the day, in the speaker's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// First day meant; `None` when only a time was said.
    pub from: Option<jiff::civil::Date>,
    /// Last day meant, equal to `from` for one day.
    pub to: Option<jiff::civil::Date>,
    /// Earliest time of day; `None` when only a day was said.
    pub after: Option<jiff::civil::Time>,
    /// Latest time of day; equal to `after` for a clock time.
    pub before: Option<jiff::civil::Time>,
}

impl When {
    /// As one line: `2026-12-01 06:00-12:00`, `2026-11-30..2026-12-06`, `15:00-`.
    #[must_use]
    pub fn told(&self) -> String {
        let days = match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => from.to_string(),
            (Some(from), Some(to)) => format!("{from}..{to}"),
            _ => String::new(),
        };
        let clock = |t: Option<jiff::civil::Time>| t.map_or(String::new(), |t| t.strftime("%H:%M").to_string());
        let time = match (self.after, self.before) {
            (None, None) => String::new(),
            (after, before) if after == before => clock(after),
            (after, before) => format!("{}-{}", clock(after), clock(before)),
        };
        [days, time].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

impl SlotValue {
    /// The value as one line of text, as tests and logs of tests write it.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Measured(measured) => measured.told(),
            Self::Lasting(lasting) => lasting.told(),
            Self::Recurring(recurring) => recurring.told(),
            Self::When(when) => when.told(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}
