//! How an action ends: facts to say, a question, a read-back, or changes to commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Change, Route, Words};
use crate::policy::Use;

/// What an action knows to say: the name of a reply in the catalogue and the values it needs.
///
/// Holds what a permit revealed, so it has no `Debug`.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Which of the intent's replies.
    pub reply: String,
    /// Values by name; times are RFC 3339 text, dates ISO 8601.
    pub values: BTreeMap<String, serde_json::Value>,
}

impl Facts {
    /// Facts for the reply of that name.
    #[must_use]
    pub fn new(reply: &str) -> Self {
        Self { reply: reply.to_owned(), values: BTreeMap::new() }
    }

    /// Adds one value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.values.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }
}

/// How an action ends.
pub enum Outcome {
    /// Said and over.
    Answer(Facts),
    /// One slot is missing or ambiguous; the options may be picked by name or ordinal.
    Ask {
        /// The slot asked for.
        slot: String,
        /// The question.
        facts: Facts,
        /// What may be picked, in the order it is spoken.
        options: Vec<Choice>,
    },
    /// Read back and wait for a yes. The plan is what the yes performs, exactly.
    Confirm {
        /// The read-back.
        facts: Facts,
        /// What will be done.
        plan: Plan,
    },
    /// Commit these, then say it.
    Done {
        /// What is said once it is durable.
        facts: Facts,
        /// What must be durable first.
        changes: Vec<Change>,
        /// What is said instead when a change no longer fits (the slot is taken, a request is open).
        conflict: Facts,
    },
    /// Somebody says who they are. The turn goes on from here: only it knows the conversation.
    Identify(Identify),
}

/// How somebody says who they are.
pub enum Identify {
    /// By name; `None` where only somebody else speaks.
    ByName(Option<String>),
    /// By a one-time code, which only the turn has seen.
    ByCode,
}

/// Something that can be picked.
#[derive(Clone, Serialize, Deserialize)]
pub struct Choice {
    /// What it is called aloud.
    pub spoken: String,
    /// The slot value that picking it stands for.
    pub value: crate::nlu::SlotValue,
}

/// What a "yes" performs. Stored sealed with the session while the question is open.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "plan", rename_all = "snake_case")]
pub enum Plan {
    /// Ask the prescriber or pharmacy for more.
    Renew {
        /// The prescription.
        prescription: String,
        /// Its spoken name, for the answer.
        medicine: String,
        /// Who has to agree.
        route: Route,
    },
    /// Take this free time.
    Book {
        /// The slot.
        slot: crate::records::OpenSlot,
        /// What for.
        reason: Option<String>,
    },
    /// Delete what was said.
    Forget {
        /// Which of it.
        words: Words,
    },
    /// Put a copy of everything on the person's page.
    Copy,
    /// Agree to these uses, or no longer.
    Consent {
        /// Agree, rather than take back.
        given: bool,
        /// Which uses.
        uses: Vec<Use>,
    },
}
