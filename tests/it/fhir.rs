//! Records at real FHIR servers: read as they are, told apart from what is old, and whatever may happen on the way.

mod medplum;
mod proxy;
mod reading;
mod sekmet;
mod told;

pub use medplum::{CLINIC, identifier, patient_alone, records, server, shared};
pub use sekmet::{OURS, Serving};
