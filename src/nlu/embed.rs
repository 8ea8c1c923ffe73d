//! Meaning as a direction: MiniLM turns a sentence into numbers, and sentences that mean the same point the
//! same way.
//!
//! The network runs in plain Rust (`rten`). Its bytes come from outside, already read and verified; nothing here
//! opens a file.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::NdTensor;
use sha2::{Digest, Sha256};

mod store;
mod wordpiece;

pub use store::Vectors;
use wordpiece::WordPiece;

/// Numbers of one layer.
pub const WIDTH: usize = 384;
/// Layers that are kept. The last one is the meaning; one in the middle and the words alone, before any layer has
/// mixed them, tell apart what means nearly the same and is asked differently.
pub const LAYERS: usize = 3;

/// A sentence's directions: [`LAYERS`] times [`WIDTH`] numbers, the last layer first, each of length 1.
pub type Embedding = Box<[f32]>;

/// The likeness of two sentences' meaning, -1 to 1: the cosine of their last layers.
#[must_use]
pub fn likeness(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).take(WIDTH).map(|(x, y)| x * y).sum()
}

/// Why sentences cannot be embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// `tokenizer.json` is not what it should be.
    #[error("the vocabulary of the sentence network cannot be used: {0}")]
    Vocabulary(String),
    /// `model.onnx` cannot be loaded or run.
    #[error("the sentence network cannot be used: {0}")]
    Network(String),
}

/// The sentence network.
pub struct Embedder {
    model: Model,
    words: WordPiece,
    inputs: [NodeId; 3],
    layers: [NodeId; LAYERS],
    /// One for each core; each runs one sentence, or one batch, on one thread.
    threads: Vec<Arc<ThreadPool>>,
    turn: AtomicUsize,
    digest: [u8; 32],
}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder").finish_non_exhaustive()
    }
}

/// Most sentences that go through the network together.
const BATCH: usize = 32;

impl Embedder {
    /// Makes the network ready from the bytes of `model.onnx` and `tokenizer.json`.
    ///
    /// # Errors
    /// When they are not the files of a BERT-like network of this width.
    pub fn from_bytes(model: Vec<u8>, tokenizer: &[u8]) -> Result<Self, EmbedError> {
        let digest = Sha256::new().chain_update(&model).chain_update(tokenizer).finalize().into();
        let words = WordPiece::read(tokenizer).map_err(EmbedError::Vocabulary)?;
        let network = |e: &dyn fmt::Display| EmbedError::Network(e.to_string());
        let model = ModelOptions::with_all_ops().prepack_weights(true).load(model).map_err(|e| network(&e))?;
        let node = |name| model.node_id(name).map_err(|e| network(&e));
        let inputs = [node("input_ids")?, node("attention_mask")?, node("token_type_ids")?];
        let layers = [node("last_hidden_state")?, node("layer_norm_8")?, node("layer_norm")?];
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..cores).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect();
        let embedder = Self { model, words, inputs, layers, threads, turn: AtomicUsize::new(0), digest };
        embedder.embed("ready")?;
        Ok(embedder)
    }

    /// Tells this network from any other: SHA-256 of its files.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// One sentence's direction.
    ///
    /// # Errors
    /// When the network fails, which a sentence cannot cause.
    pub fn embed(&self, text: &str) -> Result<Embedding, EmbedError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.threads.len().max(1);
        let mut rows = self.run(&[self.words.pieces(text)], self.threads.get(turn))?;
        rows.pop().ok_or_else(|| EmbedError::Network("it gave nothing".into()))
    }

    /// Many sentences' directions, in their order, on all cores. `progress` hears how many of
    /// how many are finished, now and then.
    ///
    /// # Errors
    /// When the network fails.
    pub fn embed_all(
        &self,
        texts: &[String],
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<Embedding>, EmbedError> {
        // Sentences of one length go together, so that none is padded and each comes out as if alone.
        let mut by_length: BTreeMap<usize, Vec<(usize, Vec<i32>)>> = BTreeMap::new();
        for (at, text) in texts.iter().enumerate() {
            let pieces = self.words.pieces(text);
            by_length.entry(pieces.len()).or_default().push((at, pieces));
        }
        let batches: Vec<&[(usize, Vec<i32>)]> = by_length.values().flat_map(|same| same.chunks(BATCH)).collect();
        let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |pool: &Arc<ThreadPool>| -> Result<Vec<(usize, Embedding)>, EmbedError> {
            let mut found = Vec::new();
            while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                let pieces: Vec<Vec<i32>> = batch.iter().map(|(_, p)| p.clone()).collect();
                let rows = self.run(&pieces, Some(pool))?;
                found.extend(batch.iter().map(|(at, _)| *at).zip(rows));
                progress(finished.fetch_add(batch.len(), Ordering::Relaxed) + batch.len(), texts.len());
            }
            Ok(found)
        };
        let mut all: Vec<(usize, Embedding)> = Vec::with_capacity(texts.len());
        let parts: Vec<Result<Vec<(usize, Embedding)>, EmbedError>> = std::thread::scope(|scope| {
            let workers: Vec<_> = self.threads.iter().map(|pool| scope.spawn(|| work(pool))).collect();
            let broken = || Err(EmbedError::Network("a thread of it broke".into()));
            workers.into_iter().map(|w| w.join().unwrap_or_else(|_| broken())).collect()
        });
        for part in parts {
            all.extend(part?);
        }
        all.sort_unstable_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, row)| row).collect())
    }

    /// Sentences of the same number of pieces through the network.
    fn run(&self, sentences: &[Vec<i32>], pool: Option<&Arc<ThreadPool>>) -> Result<Vec<Embedding>, EmbedError> {
        let shape = [sentences.len(), sentences.first().map_or(0, Vec::len)];
        let [numbers, attend, kinds] = self.inputs;
        let inputs = vec![
            (numbers, NdTensor::from_data(shape, sentences.concat()).into()),
            (attend, NdTensor::<i32, 2>::full(shape, 1).into()),
            (kinds, NdTensor::<i32, 2>::full(shape, 0).into()),
        ];
        let mut options = RunOptions::default();
        options.thread_pool = pool.cloned();
        let layers =
            self.model.run_n(inputs, self.layers, Some(options)).map_err(|e| EmbedError::Network(e.to_string()))?;
        let [count, length] = shape;
        let mut rows = vec![Vec::with_capacity(WIDTH * LAYERS); count];
        for layer in layers {
            let values = numbers_of(layer)?;
            if values.len() != count * length * WIDTH || values.is_empty() {
                return Err(EmbedError::Network(format!("{} numbers for {count} sentences of {length}", values.len())));
            }
            rows.iter_mut().zip(values.chunks(length * WIDTH)).for_each(|(row, values)| row.extend(mean(values)));
        }
        Ok(rows.into_iter().map(Vec::into_boxed_slice).collect())
    }
}

fn numbers_of(value: Value) -> Result<Vec<f32>, EmbedError> {
    let tensor =
        value.into_tensor::<f32>().ok_or_else(|| EmbedError::Network("its output is not of type f32".into()))?;
    Ok(tensor.into_data())
}

/// The mean over a sentence's pieces, made length 1.
fn mean(rows: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0_f32; WIDTH];
    for row in rows.chunks(WIDTH) {
        sum.iter_mut().zip(row).for_each(|(s, x)| *s += x);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    sum.iter_mut().for_each(|x| *x /= length);
    sum
}
