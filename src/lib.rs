//! Wellspoken: the backend of a voice assistant for health care that an organization runs itself.
//!
//! One turn: `channel → asr → triage → nlu → dialogue → policy → actions → speech → channel`, with `store`
//! keeping audit, state and answer. [`turn`] is the only module that knows this order. Dependencies point one
//! way (`main → app → channels → turn → {asr nlu dialogue actions speech} → policy`); `tests/it/architecture.rs`
//! fails when a `crate::` path points the other way. What is deliberately absent is told in
//! `docs/ARCHITECTURE.md`.

pub mod actions;
pub mod ambient;
pub mod app;
pub mod asr;
pub mod channels;
pub mod cli;
pub mod config;
pub mod connect;
pub mod device;
pub mod dialogue;
pub mod fhir;
pub mod fleet;
pub mod mail;
pub mod nlu;
pub mod oidc;
pub mod outbox;
pub mod outgoing;
pub mod patterns;
pub mod policy;
pub mod records;
pub mod rights;
pub mod smart;
pub mod speech;
pub mod staff;
pub mod store;
pub mod turn;
pub mod watch;
