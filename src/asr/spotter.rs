//! A cheap ear for cries: whether a clip may hold "help", "nurse", "I can't breathe" or a scream, in a few milliseconds and
//! before any decoder is free.
//!
//! Invariant: what it says changes who is heard first, and what staff are told where nothing could be understood. It never
//! decides what somebody meant, and never that nobody cried: [`crate::policy::triage`] reads every transcript all the same.
//!
//! A small convolutional network over mel bands, as in keyword spotting on small devices (Sainath and Parada, "Convolutional
//! neural networks for small-footprint keyword spotting", Interspeech 2015). Beside each band it sees how far that is above its own
//! mean over the piece, as cepstral mean normalization does, so that noise that goes on says little. Its weights were made by
//! `spotter/make.py` and `spotter/again.py` from synthetic voices that cry and synthetic and recorded ones that do not; real cries
//! and screams were not available, so those are **unverified**.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::{NdTensor, prelude::*};

use super::wav::RATE;

mod bands;
#[cfg(test)]
mod tests;

use bands::{BANDS, Bands};

/// The network, as `make.py` wrote it.
const WEIGHTS: &[u8] = include_bytes!("spotter/weights.onnx");

/// Samples that are looked at together; longer clips go through in pieces.
const PIECE: usize = 4 * RATE as usize;
/// How far one piece reaches into the next, so that no word is cut in two.
const OVERLAP: usize = RATE as usize;

/// What ends with its last sound is looked at as if it had gone on for half a second as its last 60 ms are: the network knows cries
/// with some quiet after them. Of 40 for tuning it was sure of 16 that were cut off so, and of 31 with this.
const END: usize = RATE as usize * 6 / 100;
const AFTER: usize = RATE as usize / 2;

/// From here on a clip is heard before others.
const URGENT: f32 = 0.5;
/// The same for "nurse", which other short words are sooner taken for.
const NURSE: f32 = 0.8;
/// From here on staff of a room are told that somebody may have cried, where nothing could be understood.
const CRY: f32 = 0.9;
/// The same for "nurse". In an hour of other sound that was made for choosing them nothing reached the two.
const CALLED: f32 = 0.95;

/// Why there is no spotter.
#[derive(Debug, thiserror::Error)]
#[error("the network that spots cries cannot be used: {0}")]
pub struct SpotterError(String);

/// What a clip may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spotted {
    /// How likely somebody cries for help or screams, 0 to 1.
    pub cry: f32,
    /// How likely somebody says "nurse", 0 to 1.
    pub nurse: f32,
}

impl Spotted {
    /// Whether the clip is heard before others.
    #[must_use]
    pub fn urgent(self) -> bool {
        self.cry >= URGENT || self.nurse >= NURSE
    }

    /// Whether staff are told of a cry that nobody understood.
    #[must_use]
    pub fn cried(self) -> bool {
        self.cry >= CRY || self.nurse >= CALLED
    }

    fn or(self, other: Self) -> Self {
        Self { cry: self.cry.max(other.cry), nurse: self.nurse.max(other.nurse) }
    }
}

/// The network, ready.
pub struct Spotter {
    model: Model,
    input: NodeId,
    output: NodeId,
    bands: Bands,
    /// One for each core: a clip is looked at on one thread.
    threads: Vec<Arc<ThreadPool>>,
    turn: AtomicUsize,
}

impl fmt::Debug for Spotter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spotter").finish_non_exhaustive()
    }
}

/// The same, and its end back and forth after it.
fn went_on(clip: &[f32]) -> Vec<f32> {
    let end = &clip[clip.len().saturating_sub(END)..];
    clip.iter().chain(end.iter().rev().chain(end).cycle().take(AFTER)).copied().collect()
}

impl Spotter {
    /// Makes it ready.
    ///
    /// # Errors
    /// When the network inside the program cannot be loaded.
    pub fn new() -> Result<Self, SpotterError> {
        let failed = |e: &dyn fmt::Display| SpotterError(e.to_string());
        let model = ModelOptions::with_all_ops().load(WEIGHTS.to_vec()).map_err(|e| failed(&e))?;
        let node = |name| model.node_id(name).map_err(|e| failed(&e));
        let (input, output) = (node("bands")?, node("likely")?);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..cores).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect();
        Ok(Self { model, input, output, bands: Bands::new(), threads, turn: AtomicUsize::new(0) })
    }

    /// Looks at a clip (16 kHz, -1 to 1). Nothing is spotted where the network fails, which a clip cannot cause.
    #[must_use]
    pub fn spot(&self, clip: &[f32]) -> Spotted {
        let clip = &went_on(clip);
        let mut found = Spotted::default();
        let mut from = 0;
        while from < clip.len() {
            let piece = &clip[from..clip.len().min(from + PIECE)];
            match self.piece(piece) {
                Ok(spotted) => found = found.or(spotted),
                Err(error) => tracing::error!(%error, "a clip was not looked at"),
            }
            if from + PIECE >= clip.len() {
                break;
            }
            from += PIECE - OVERLAP;
        }
        found
    }

    fn piece(&self, clip: &[f32]) -> Result<Spotted, SpotterError> {
        let failed = |e: &dyn fmt::Display| SpotterError(e.to_string());
        let bands = self.bands.of(clip);
        let input = NdTensor::from_data([1, BANDS, bands.len() / BANDS], bands);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.threads.len().max(1);
        let mut options = RunOptions::default();
        options.thread_pool = self.threads.get(turn).cloned();
        let [likely] =
            self.model.run_n(vec![(self.input, input.into())], [self.output], Some(options)).map_err(|e| failed(&e))?;
        let likely: NdTensor<f32, 2> = likely.try_into().map_err(|e: rten::TryFromValueError| failed(&e))?;
        match likely.to_vec()[..] {
            [cry, nurse] => Ok(Spotted { cry, nurse }),
            _ => Err(SpotterError("it gives other numbers than two".into())),
        }
    }
}
