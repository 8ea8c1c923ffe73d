//! The tests that see the program from outside, in one binary so that it links once.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod actions;
mod adt;
mod alexa;
mod architecture;
mod backup;
mod barista;
mod board;
mod codes;
mod connect;
mod demo;
mod dialogue;
mod disclosure;
mod evidence;
mod fhir;
mod hear;
mod household;
mod http;
mod identity;
mod import;
mod keys;
mod licences;
mod medicines;
mod models;
mod nlu;
mod oidc;
mod openbao;
mod outbox;
mod patterns;
mod postgres;
mod quiet;
mod readings;
mod residue;
mod rights;
mod serious;
mod serve;
mod spoken;
mod store;
mod support;
mod triage;
mod turn;
mod ui;
mod visits;
mod voice;
