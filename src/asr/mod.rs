//! Hearing: audio in, a transcript or a typed rejection out.
//!
//! [`wav`] turns bytes into samples, [`listen`] hears one clip ([`energy`] spares it the silence, [`whisper`]
//! decodes, [`judge`] says what that is worth, [`inventions`] are never believed alone), and [`pool`] hears many at once
//! within their deadlines, and nobody whom [`vad`] does not take for somebody.
//! [`spotter`] tells a cry before a decoder is free, [`tongues`] that another language is spoken. [`model`]
//! fetches and verifies the weights, and those of the other engines, since one manifest serves the program.
//! Nothing here knows who speaks.

pub mod endpoint;
pub mod energy;
pub mod ggml;
pub mod inventions;
pub mod judge;
pub mod listen;
pub mod model;
pub mod outcome;
pub mod pool;
pub mod spotter;
pub mod tongues;
pub mod vad;
pub mod wav;
pub mod weigh;
pub mod whisper;

pub use outcome::{BadAudio, Heard, Rejection, RejectionReason, Timings, Transcript, Word};
