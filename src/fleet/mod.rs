//! What a hospital has besides people: its places, the devices in them, who lies where, and what can be worked there.
//!
//! Pure: `tree` the places, `device` what may become of a device, `settings` by level. `authority` certifies devices, `enrol` lets
//! them in, `crier` hands out what is announced, `admissions` works off what the admission system sends.

mod admissions;
pub mod adt;
pub mod announce;
pub mod authority;
mod calls;
mod crier;
mod csv;
pub mod device;
mod enrol;
pub mod mqtt;
pub mod nurse;
pub mod presence;
pub mod room;
pub mod roster;
pub mod settings;
mod tasks;
mod teller;
pub mod tree;

pub use admissions::Admissions;
pub use calls::{Calls, Looked};
pub use crier::{Crier, DropInError, Told as ToldSettings};
pub use enrol::{EnrolError, Enrolment, Issued};
pub use tasks::Tasks;
pub use teller::{Round, Teller, TellerError};
