//! Changes to durable state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Reminder, Route, Waiting};
use crate::{
    policy::{Agreements, RoomId},
    records::{Arrival, OpenSlot, Visit},
};

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
    /// Sends what is renewed to another pharmacy from now on.
    ChoosePharmacy {
        /// Which.
        pharmacy: crate::records::Pharmacy,
    },
    /// Notes that the person says they took these.
    Taken {
        /// Of what.
        doses: Vec<TakenDose>,
        /// When.
        at: Timestamp,
        /// "in the morning", where that is all that was said.
        part: Option<String>,
    },
    /// Sets a reminder.
    Remind {
        /// What of, and when. Its id is made when it is kept.
        reminder: Reminder,
    },
    /// Ends reminders.
    CancelReminders {
        /// Which.
        ids: Vec<String>,
    },
    /// Takes a free slot and makes it a visit.
    Book {
        /// The slot.
        slot: OpenSlot,
        /// What for.
        reason: Option<String>,
    },
    /// Calls a visit off and frees its time.
    Cancel {
        /// The visit, as it was read.
        visit: Visit,
    },
    /// Moves a visit to a free time: takes that one and frees the old one, or neither.
    Reschedule {
        /// The visit, as it was read.
        visit: Visit,
        /// Where it goes.
        to: OpenSlot,
    },
    /// Notes that somebody is there for a visit, or will be late, and puts it on the front desk's board.
    Arrive {
        /// The visit, as it was read.
        visit: Visit,
        /// What they said.
        arrival: Arrival,
        /// What the front desk reads; sealed.
        need: String,
    },
    /// Waits for an earlier time; for one thing once at a time.
    JoinWaitlist {
        /// Which.
        waiting: Waiting,
    },
    /// Waits no more.
    LeaveWaitlist {
        /// For which.
        ids: Vec<String>,
    },
    /// Keeps a free time for whoever was just asked about it.
    HoldSlot {
        /// The slot.
        slot: OpenSlot,
        /// Until when.
        until: Timestamp,
        /// They were asked before: it is kept longer if it still is, and nothing is refused if not.
        again: bool,
    },
    /// Lets go of a free time that was kept.
    ReleaseSlot {
        /// The slot's id.
        slot: String,
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
    /// Replaces what the person does not want to be told unasked.
    Quiet {
        /// All of it from now on.
        quiet: crate::policy::quiet::Quiet,
    },
    /// A visitor came to a place, or left it.
    Visitor {
        /// The place.
        room: RoomId,
        /// Until when they are taken to stay; `None`: they left.
        until: Option<jiff::Timestamp>,
    },
    /// Lets whoever types this code into a page begin to connect the person's records of another organization, and nothing
    /// else.
    LetConnect {
        /// The code, as digits.
        code: String,
        /// Which organization was named, by its id in the configuration.
        organization: Option<String>,
    },
    /// Takes connections to other organizations back, with all that came of them.
    Disconnect {
        /// Which.
        connections: Vec<String>,
    },
    /// Puts results on the board for the clinician, each once.
    AskClinician {
        /// Which.
        results: Vec<HeldResult>,
    },
    /// Notes what the person measured.
    KeepReading {
        /// The reading.
        reading: crate::records::Reading,
    },
    /// Takes a reading out, and puts another in its place.
    CorrectReading {
        /// The identifier of the one that goes.
        old: String,
        /// What it should have been; `None` where it should not have been at all.
        instead: Option<crate::records::Reading>,
    },
    /// Puts an emergency on the board of the room that the turn was spoken in; nothing where it was spoken in none.
    TellStaff {
        /// What it is about; sealed.
        need: String,
    },
    /// Marks the room's open urgent requests "patient says cancel"; staff close them.
    PatientSaysCancel {
        /// The room.
        room: RoomId,
    },
}

/// A dose of a prescription that somebody took.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenDose {
    /// The prescription.
    pub prescription: String,
    /// Its spoken name.
    pub medicine: String,
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
    /// The visit was moved or called off elsewhere.
    #[error("the visit was changed in between")]
    VisitChanged,
    /// A renewal of this prescription is already open.
    #[error("a renewal of this prescription is already open")]
    AlreadyOpen,
    /// A legal hold keeps what is theirs from being deleted.
    #[error("a legal hold is on what was to be deleted")]
    Held,
    /// What the person agreed to was changed elsewhere.
    #[error("what the person agreed to was changed in between")]
    AgreementChanged,
    /// The connection was taken back elsewhere.
    #[error("the connection is no longer there")]
    NotConnected,
    /// The reading to be corrected is no longer there.
    #[error("the reading is no longer there")]
    ReadingGone,
    /// They wait for it already.
    #[error("they are waiting for it already")]
    AlreadyWaiting,
    /// A clinician was asked about this result already.
    #[error("a clinician was asked about this already")]
    AlreadyAsked,
}
