//! Changes to durable state, and what becomes of a renewal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::{Agreements, RoomId};

/// Who a renewal goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Refills are left: the pharmacy fills it.
    Pharmacy,
    /// The prescriber has to agree first.
    Prescriber,
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
    /// Replaces what the person agreed to.
    Consent {
        /// All that they agree to from now on.
        agreed: Agreements,
        /// The version that this was decided on.
        seen: u64,
    },
    /// Deletes what the person said.
    Forget {
        /// Which of it.
        words: Words,
    },
    /// Notes that the person asked for a copy of their data, which waits on their page.
    AskForCopy,
    /// A visitor came to a place, or left it.
    Visitor {
        /// The place.
        room: RoomId,
        /// Until when they are taken to stay; `None`: they left.
        until: Option<jiff::Timestamp>,
    },
    /// Puts results on the board for the clinician, each once.
    AskClinician {
        /// Which.
        results: Vec<HeldResult>,
    },
    /// Marks the room's open urgent requests "patient says cancel"; staff close them.
    PatientSaysCancel {
        /// The room.
        room: RoomId,
    },
}

/// Which of what a person said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// What was said in this conversation.
    Conversation,
    /// What was said between two times, the second not included.
    Between {
        /// From then on.
        from: Timestamp,
        /// Until then.
        until: Timestamp,
    },
    /// All of it.
    Everything,
}

/// A result that a clinician tells first, as far as it takes to know it again.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldResult {
    /// The test.
    pub test: String,
    /// The value, as text; only for telling two results apart.
    pub value: String,
    /// When the sample was taken.
    pub taken: jiff::Timestamp,
}

impl HeldResult {
    /// That of a result.
    #[must_use]
    pub fn of(result: &crate::records::LabResult) -> Self {
        Self { test: result.test.clone(), value: result.value.clone(), taken: result.taken }
    }
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
    /// A legal hold keeps what is theirs from being deleted.
    #[error("a legal hold is on what was to be deleted")]
    Held,
    /// What the person agreed to was changed elsewhere.
    #[error("what the person agreed to was changed in between")]
    AgreementChanged,
    /// A clinician was asked about this result already.
    #[error("a clinician was asked about this already")]
    AlreadyAsked,
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
