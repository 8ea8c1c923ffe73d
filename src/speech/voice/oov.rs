//! How a word sounds that no list knows: a small character network reads it.
//!
//! The network answers one phoneme class per slot; as in connectionist temporal classification, repeats collapse
//! and blanks vanish.

use std::{collections::HashMap, path::Path, sync::Arc};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::{NdTensor, prelude::*};
use serde::Deserialize;

use super::VoiceError;

/// Reads unknown words.
pub struct Oov {
    model: Model,
    input: NodeId,
    output: NodeId,
    letters: HashMap<char, i32>,
    phonemes: Vec<char>,
    longest: usize,
    thread: Arc<ThreadPool>,
}

/// `oov.json`: the network's letters and phonemes, each class one more than its place; 0 is blank.
#[derive(Deserialize)]
struct Alphabet {
    r#in: Vec<char>,
    out: Vec<char>,
    maxlen: usize,
}

impl Oov {
    /// Reads `oov.onnx` and `oov.json` from a folder.
    pub fn load(dir: &Path, thread: Arc<ThreadPool>) -> Result<Self, VoiceError> {
        let path = dir.join("oov.json");
        let text = std::fs::read_to_string(&path).map_err(|source| VoiceError::missing(&path, source))?;
        let alphabet: Alphabet = serde_json::from_str(&text).map_err(|e| VoiceError::broken(&path, e))?;
        let path = dir.join("oov.onnx");
        let model = ModelOptions::with_all_ops().load_file(&path).map_err(|e| VoiceError::model(&path, e))?;
        let node = |name| model.node_id(name).map_err(|e| VoiceError::model(&path, e));
        Ok(Self {
            input: node("chars")?,
            output: node("ids")?,
            model,
            letters: alphabet.r#in.into_iter().zip(1..).collect(),
            phonemes: alphabet.out,
            longest: alphabet.maxlen.max(1),
            thread,
        })
    }

    /// The phonemes of a word; empty when none of its letters can be read. A word longer than the network's
    /// window is read in pieces, to its end.
    pub fn read(&self, word: &str) -> Result<String, VoiceError> {
        let ids: Vec<i32> = word.chars().filter_map(|c| self.letters.get(&c).copied()).collect();
        let mut spoken = String::new();
        for piece in ids.chunks(self.longest) {
            let input = NdTensor::from_data([1, piece.len()], piece.to_vec());
            let mut options = RunOptions::default();
            options.thread_pool = Some(Arc::clone(&self.thread));
            let failed = |e: &dyn std::error::Error| VoiceError::Network(e.to_string());
            let inputs = vec![(self.input, input.into())];
            let [classes] = self.model.run_n(inputs, [self.output], Some(options)).map_err(|e| failed(&e))?;
            let classes: NdTensor<i32, 2> = classes.try_into().map_err(|e: rten::TryFromValueError| failed(&e))?;
            let mut before = 0;
            for &class in classes.iter() {
                if class != before
                    && class > 0
                    && let Some(phoneme) = self.phonemes.get(class as usize - 1)
                {
                    spoken.push(*phoneme);
                }
                before = class;
            }
        }
        Ok(spoken)
    }
}
