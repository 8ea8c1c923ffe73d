//! The acoustic network: phonemes in, a short-time spectrum in five parts out.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::NdTensor;

use super::{VoiceError, lexicon::ALPHABET};

/// Frequency rows of each part: half a 1200-sample frame, and one.
pub const BINS: usize = 601;

/// What the network says of a run of speech: five tables of [`BINS`] rows by `frames` columns, row by row.
pub struct Spectrum {
    /// Columns: one each 12.5 ms.
    pub frames: usize,
    /// Natural log of the gain of the voiced, harmonic part.
    pub harmonic_gain: Vec<f32>,
    /// Its phase, before `π·tanh`.
    pub harmonic_phase: Vec<f32>,
    /// Natural log of the gain of the breath noise.
    pub noise_gain: Vec<f32>,
    /// Natural log of the gain of what is neither.
    pub free_gain: Vec<f32>,
    /// Its phase in radians.
    pub free_phase: Vec<f32>,
    /// Pitch in Hz, one a frame; below 40 is unvoiced.
    pub pitch: Vec<f32>,
}

/// The network and its phoneme numbers.
pub struct Network {
    model: Model,
    numbers: HashMap<char, i32>,
    inputs: [NodeId; 2],
    outputs: [NodeId; 6],
    /// One thread each, taken in turn: replies to several rooms don't wait for one another.
    threads: Vec<Arc<ThreadPool>>,
    turn: AtomicUsize,
}

impl Network {
    /// Reads `hibari.onnx` and `vocab.json` from a folder, and checks that the network knows every phoneme the
    /// readers can produce.
    pub fn load(dir: &Path, threads: Vec<Arc<ThreadPool>>) -> Result<Self, VoiceError> {
        let path = dir.join("vocab.json");
        let text = std::fs::read_to_string(&path).map_err(|source| VoiceError::missing(&path, source))?;
        let numbers: HashMap<char, i32> = serde_json::from_str(&text).map_err(|e| VoiceError::broken(&path, e))?;
        if let Some(phoneme) = ALPHABET.chars().chain(",;:—….!?".chars()).find(|c| !numbers.contains_key(c)) {
            return Err(VoiceError::broken(&path, format!("no number for the phoneme `{phoneme}`")));
        }
        let path = dir.join("hibari.onnx");
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load_file(&path)
            .map_err(|e| VoiceError::model(&path, e))?;
        let node = |name| model.node_id(name).map_err(|e| VoiceError::model(&path, e));
        let inputs = [node("ids")?, node("speed")?];
        let outputs = [node("lh")?, node("theta")?, node("ln")?, node("lr")?, node("phi")?, node("f0")?];
        Ok(Self { model, numbers, inputs, outputs, threads, turn: AtomicUsize::new(0) })
    }

    /// The spectrum of a run of phonemes at a speaking speed. A phoneme without a number is an error, never a
    /// gap in what is heard.
    pub fn spectrum(&self, phonemes: &str, speed: f32) -> Result<Spectrum, VoiceError> {
        let mut ids = vec![0];
        for phoneme in phonemes.chars() {
            ids.push(*self.numbers.get(&phoneme).ok_or(VoiceError::UnknownPhoneme(phoneme))?);
        }
        ids.push(0);
        let ids = NdTensor::from_data([1, ids.len()], ids);
        let speed = NdTensor::from_data([1], vec![speed]);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.threads.len().max(1);
        let mut options = RunOptions::default();
        options.thread_pool = self.threads.get(turn).cloned();
        let inputs = vec![(self.inputs[0], ids.into()), (self.inputs[1], speed.into())];
        let outputs =
            self.model.run_n(inputs, self.outputs, Some(options)).map_err(|e| VoiceError::Network(e.to_string()))?;
        let [harmonic_gain, harmonic_phase, noise_gain, free_gain, free_phase, pitch] = outputs.map(numbers);
        let pitch = pitch?;
        let frames = pitch.len();
        let table = |part: Result<Vec<f32>, VoiceError>| match part {
            Ok(part) if part.len() == frames * BINS => Ok(part),
            Ok(part) => Err(VoiceError::Network(format!("{} values for {frames} frames", part.len()))),
            Err(e) => Err(e),
        };
        Ok(Spectrum {
            frames,
            harmonic_gain: table(harmonic_gain)?,
            harmonic_phase: table(harmonic_phase)?,
            noise_gain: table(noise_gain)?,
            free_gain: table(free_gain)?,
            free_phase: table(free_phase)?,
            pitch,
        })
    }
}

fn numbers(value: Value) -> Result<Vec<f32>, VoiceError> {
    let tensor =
        value.into_tensor::<f32>().ok_or_else(|| VoiceError::Network("an output is not of type f32".into()))?;
    Ok(tensor.into_data())
}
