//! What a chart tells about the person besides medicines and visits to come.
//!
//! Invariants: read as it is written, never explained in words of the assistant's own; what is not there is not on record
//! here, and never "you have none"; every list ends with the same sentence whether or not something was kept back.

pub mod allergies;
pub mod conditions;
pub mod immunizations;
pub mod lab_result;
pub mod visit_summary;
pub mod vitals;

/// Most things named in one breath.
const NAMED: usize = 6;
