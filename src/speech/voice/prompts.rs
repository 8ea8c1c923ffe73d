//! What is said over and over is made once, ahead of time: the first piece of each common prompt, so that it can be heard at once.
//!
//! Invariant: it holds words of the catalogue alone, never of an answer to somebody; and a piece is the same samples, bit for bit, as
//! if it were made anew, the breath noise after it included.

use std::{collections::HashMap, sync::OnceLock};

use super::synth::Noise;

/// A piece, and the noise that goes on after it.
type Piece = (Vec<f32>, Noise);

/// Pieces by their phonemes, at the voice's own speed.
#[derive(Default)]
pub struct Prompts(OnceLock<HashMap<String, Piece>>);

impl Prompts {
    /// The piece of this run, and the noise after it, where it was made.
    pub fn get(&self, run: &str) -> Option<&Piece> {
        self.0.get()?.get(run)
    }

    /// Takes what was made. Once; what comes later is not taken.
    pub fn set(&self, pieces: HashMap<String, Piece>) {
        let _ = self.0.set(pieces);
    }
}
