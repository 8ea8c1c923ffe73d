//! Who may hear what: the types that carry permission, and the rules that grant it.
//!
//! Invariants: no health data without a [`Permit`]; no `Permit` without a durable audit row; a third-party
//! channel gets public answers only; emergencies ([`triage`]) come before all of this. Deliberately absent:
//! any import of another module of this program, so that nothing can be decided by what a model, a channel
//! or a database believes.

mod agreement;
mod floor;
pub mod lockout;
mod mode;
mod permit;
mod phi;
mod pin;
pub mod quiet;
mod rules;
pub mod staff;
mod subject;
pub mod triage;
mod trust;

pub use agreement::{Agreed, Agreements, NoSuchUse, Purpose, Use};
pub use floor::{DataClass, Effect, Floor, Identity, Loosened, Scope};
pub use mode::{Around, Mode, PlaceRules, Telling, Window, telling};
pub use permit::{
    EntryId, Event, FILLS, GLASS_RECORD, Journal, JournalEntry, JournalError, OUTBOX, Occasion, Permit, Question,
    RENEWALS, Reason, RecognitionPermit, RoomPass, STAFF, StaffVerdict, UNIT_RECORD, Verdict, admit, admit_delivery,
    admit_recognition, admit_renewal, admit_staff, staff_row,
};
pub use phi::{NameLists, Named, Phi, WrongSubject};
pub use pin::{LONGEST as LONGEST_PIN, SHORTEST as SHORTEST_PIN, Weak, may_be_pin};
pub use rules::{Decision, Task, decide};
pub use subject::{BadId, CredentialId, DeviceId, NodeId, PersonId, RoomId, SessionId, StayId, TurnId};
pub use trust::{Caller, Proof, Surface, Trust};
