//! Bytes as the admission system's door takes them.

#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../src/fleet/adt/mod.rs"]
mod adt;
#[path = "../entry.rs"]
mod entry;
#[path = "../../src/channels/mllp/frame.rs"]
mod frame;
#[path = "../../src/policy/mod.rs"]
mod policy;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entry::take(bytes));
