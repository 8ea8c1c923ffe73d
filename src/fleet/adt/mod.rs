//! Who lies where, as the hospital's admission system tells it: HL7 version 2 ADT messages.
//!
//! Invariants: what a message tells is a pure function of its text ([`parse`]), and what becomes of it a pure function of that
//! and of what is known ([`decide`]); where two statements about a bed contradict each other and their order is in doubt, nobody
//! is known to lie there. Deliberately absent: sockets (`channels::mllp`) and SQL (`store::adt`). No message ends a request of
//! the nurse, and none creates an agreement.
//!
//! Chapters and fields are those of HL7 v2.5.1, chapters 2 (control) and 3 (patient administration); older and newer versions
//! from 2.1 to 2.9 put the fields used here in the same places.

mod ack;
mod decide;
mod event;
mod read;
mod time;

pub use ack::{Answer, Code, acknowledge, refuse};
pub use decide::{Bed, Decided, Known, Last, Note, State, World, decide};
pub use event::{Event, Location, Patient, Trigger, When};
pub use read::{Customs, Reading, Unreadable, parse};
