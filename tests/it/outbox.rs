//! Changes against a real FHIR server, through a door that fails in every way at every step: how many are there afterwards.

#![expect(clippy::expect_used, reason = "helpers of tests fail like tests")]

mod faults;
mod killed;
mod pharmacy;
pub mod proxy;
mod refused;
pub mod stage;
mod told;
