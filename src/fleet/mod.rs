//! What a hospital has besides people: its beds, and who lies in them.
//!
//! Not there yet: devices as a fleet, their certificates, their settings.

mod admissions;
pub mod adt;
mod calls;
pub mod mqtt;
pub mod nurse;

pub use admissions::Admissions;
pub use calls::{Calls, Looked};
