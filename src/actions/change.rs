//! Changes to durable state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Route;
use crate::policy::{Agreements, RoomId};

/// One change to durable state. Personal contents are sealed by the store under the subject's key.
#[derive(Clone)]
pub enum Change {
    /// Opens a renewal request; one open request per prescription.
    Renew {
        /// The prescription.
        prescription: String,
        /// Its spoken name.
        medicine: String,
        /// "10 mg tablet".
        strength: Option<String>,
        /// Whose prescription it is.
        prescriber: Option<String>,
        /// The pharmacy that is to fill it, where one is known.
        pharmacy: Option<String>,
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
