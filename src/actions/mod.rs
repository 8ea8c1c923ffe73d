//! What the assistant can do, one file per domain.
//!
//! An action takes typed slots and, where it touches a person's data, the [`Permit`], and returns facts, not
//! prose. It declares the [`Floor`] of its data class, effect and identity; the catalogue may tighten it.
//! Deliberately absent: axum, sqlx and FHIR JSON. An action never writes: it returns [`Change`]s, which the
//! turn commits together with the answer and the audit row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::RoomId;

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
}

/// Something that can be picked.
#[derive(Clone, Serialize, Deserialize)]
pub struct Choice {
    /// What it is called aloud.
    pub spoken: String,
    /// The slot value that picking it stands for.
    pub value: crate::nlu::SlotValue,
}

/// Who a renewal goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Refills are left: the pharmacy fills it.
    Pharmacy,
    /// The prescriber has to agree first.
    Prescriber,
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
}

/// One change to durable state. Personal contents are sealed by the store under the subject's key.
#[derive(Clone)]
pub enum Change {
    /// Opens a renewal request; one open request per prescription.
    Renew {
        /// The prescription.
        prescription: String,
        /// Its spoken name.
        medicine: String,
        /// Who has to agree, for the staff who work on it.
        route: Route,
    },
    /// Takes a free slot and makes it a visit.
    Book {
        /// The slot.
        slot: crate::records::OpenSlot,
        /// What for.
        reason: Option<String>,
    },
    /// Puts a request on the nurses' board.
    CallNurse {
        /// The room.
        room: RoomId,
        /// In the person's words; sealed.
        need: String,
        /// An emergency rather than a need.
        emergency: bool,
    },
    /// Marks the room's open urgent requests "patient says cancel"; staff close them.
    PatientSaysCancel {
        /// The room.
        room: RoomId,
    },
}

/// Why a change no longer fits. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Somebody else took the slot.
    #[error("the slot is no longer free")]
    SlotTaken,
    /// A renewal of this prescription is already open.
    #[error("a renewal of this prescription is already open")]
    AlreadyOpen,
}

/// States of a renewal request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalState {
    /// Asked for.
    Requested,
    /// The prescriber agreed.
    Approved,
    /// The prescriber said no.
    Denied,
    /// Waiting at the counter.
    Ready,
    /// On its way.
    Shipped,
    /// In the person's hands.
    PickedUp,
}

impl RenewalState {
    /// Whether a request may go from this state to that one.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use RenewalState::{Approved, Denied, PickedUp, Ready, Requested, Shipped};
        matches!(
            (self, next),
            (Requested, Approved | Denied) | (Approved, Ready | Shipped) | (Ready | Shipped, PickedUp)
        )
    }

    /// Whether a second request for the same prescription must wait for this one.
    #[must_use]
    pub const fn open(self) -> bool {
        matches!(self, Self::Requested | Self::Approved | Self::Ready | Self::Shipped)
    }
}

/// A renewal request as the person may hear of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Renewal {
    /// Its identifier.
    pub id: String,
    /// The prescription.
    pub prescription: String,
    /// Its spoken name.
    pub medicine: String,
    /// How far it is.
    pub state: RenewalState,
    /// When it was asked for.
    pub requested: jiff::Timestamp,
    /// When it last moved.
    pub updated: jiff::Timestamp,
}
