//! The voice: a text becomes speech, sentence by sentence, on the processor alone.
//!
//! Text → [`normalize`] (spoken words) → [`phonemes`] (how they sound) → [`network`] (a spectrum) → [`synth`]
//! (sound). Nothing here waits on anything or writes a file; calls are long (tens of milliseconds a sentence), so
//! async code runs them on a blocking thread.

use std::{
    collections::HashMap,
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

use rten::ThreadPool;

mod lexicon;
mod network;
mod normalize;
mod numbers;
mod oov;
mod phonemes;
mod prompts;
mod saying;
mod synth;

pub use lexicon::Lexicon;
pub use saying::Saying;

/// Samples a second of everything the voice says.
pub const SAMPLE_RATE: u32 = 24_000;

/// Most characters of one text; a reply is a few hundred.
pub const MOST_CHARACTERS: usize = 5_000;

/// Why nothing is said.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A file of the voice is missing or cannot be read.
    #[error("cannot read {path}: {source}. Fetch the voice with `wellspoken models get`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file of the voice is not what it should be.
    #[error("{path} cannot be used: {reason}. Fetch it again with `wellspoken models get`")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A pronunciation list is malformed.
    #[error("pronunciations in {origin}: {reason}")]
    Lexicon {
        /// The file, or the built-in list.
        origin: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// The text is too long to say in one go.
    #[error("a text of {length} characters is too long to say; the most is {MOST_CHARACTERS}")]
    TooLong {
        /// Characters of the text.
        length: usize,
    },
    /// The speaking speed is out of range.
    #[error("a speaking speed of {0} is out of range; use 0.5 (slow) to 2.0 (fast)")]
    Speed(f32),
    /// A reader produced a phoneme that the voice cannot say. Nothing is said rather than something else.
    #[error("the phoneme `{0}` cannot be spoken")]
    UnknownPhoneme(char),
    /// The network failed.
    #[error("the voice network failed: {0}")]
    Network(String),
    /// The sound could not be written as WAV.
    #[error("the speech cannot be written as WAV: {0}")]
    Wav(#[from] hound::Error),
}

impl VoiceError {
    fn missing(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    fn broken(path: &Path, reason: impl ToString) -> Self {
        Self::Broken { path: path.to_owned(), reason: reason.to_string() }
    }

    /// A network file that does not load: absent, or not a network.
    fn model(path: &Path, error: impl ToString) -> Self {
        match std::fs::metadata(path) {
            Err(source) => Self::missing(path, source),
            Ok(_) => Self::broken(path, error),
        }
    }
}

/// How a text is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivery {
    /// Speaking speed, 0.5 (slow) to 2.0 (fast); 1.0 is the voice's own.
    pub speed: f32,
    /// Seed of the breath noise: the same text, speed and seed give the same samples.
    pub seed: u64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { speed: 1.0, seed: 0 }
    }
}

/// The voice, loaded. Shared between threads; holds no state of what was said to anybody.
pub struct Voice {
    phonemizer: phonemes::Phonemizer,
    network: network::Network,
    synth: synth::Synth,
    prompts: prompts::Prompts,
}

impl Voice {
    /// Loads the voice from `voice/` in the models folder (`hibari.onnx`, `vocab.json`, `oov.onnx`, `oov.json`),
    /// with the pronunciations that ship with the program.
    ///
    /// # Errors
    /// When a file is missing or broken; the message says how to get it.
    pub fn load(models: &Path) -> Result<Self, VoiceError> {
        Self::load_with(models, Lexicon::built_in()?)
    }

    /// Loads the voice with a site's own pronunciations.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(models: &Path, lexicon: Lexicon) -> Result<Self, VoiceError> {
        let dir = models.join("voice");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<Arc<ThreadPool>> = (0..cores).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect();
        let first = threads.first().map_or_else(|| Arc::new(ThreadPool::with_num_threads(1)), Arc::clone);
        Ok(Self {
            network: network::Network::load(&dir, threads)?,
            phonemizer: phonemes::Phonemizer::load(&dir, lexicon, first)?,
            synth: synth::Synth::default(),
            prompts: prompts::Prompts::default(),
        })
    }

    /// Says a text: one piece of sound a sentence (very long ones in several, the first up to its first comma, its first half second by
    /// itself), each made when it is asked for, so the first can be heard while the next is made. Samples are mono, [`SAMPLE_RATE`] a
    /// second, within ±1. A text without words gives no sound.
    ///
    /// # Errors
    /// When the text or the speed is out of range; within the iterator, when the network fails.
    pub fn speak(&self, text: &str, delivery: Delivery) -> Result<Saying<'_>, VoiceError> {
        let length = text.chars().count();
        if length > MOST_CHARACTERS {
            return Err(VoiceError::TooLong { length });
        }
        if !(0.5..=2.0).contains(&delivery.speed) {
            return Err(VoiceError::Speed(delivery.speed));
        }
        Ok(Saying::new(self, normalize::sentences(text), delivery))
    }

    /// Makes the first piece of each of these texts, which anybody may be told, so that it is there when one is said (a second of
    /// speech is 96 kB). Takes some 20 ms a text.
    ///
    /// # Errors
    /// When the network fails; what was made till then is not kept.
    pub fn prepare<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Result<(), VoiceError> {
        let mut pieces = HashMap::new();
        for text in texts {
            let Some(sentence) = normalize::sentences(text).into_iter().next() else { continue };
            let runs = phonemes::breathe_early(self.phonemizer.phonemes(&sentence)?);
            let Some(run) = runs.into_iter().next() else { continue };
            let mut noise = synth::Noise::new(Delivery::default().seed);
            let mut sounding = self.synth.begin(self.network.spectrum(&run, Delivery::default().speed)?);
            let sound = sounding.more(usize::MAX, &mut noise)?.unwrap_or_default();
            pieces.insert(run, (within(sound), noise));
        }
        self.prompts.set(pieces);
        Ok(())
    }

    /// How a text will sound: one line of phonemes a sentence. For checking pronunciations.
    ///
    /// # Errors
    /// When the network for unknown words fails.
    pub fn phonemes(&self, text: &str) -> Result<Vec<String>, VoiceError> {
        let sentences = normalize::sentences(text);
        let runs: Result<Vec<_>, _> = sentences.iter().map(|s| self.phonemizer.phonemes(s)).collect();
        Ok(runs?.into_iter().flatten().collect())
    }

    /// Says a whole text, at a speed of 0.5 (slow) to 2.0 (fast), as a WAV file: 16-bit, mono, [`SAMPLE_RATE`].
    ///
    /// # Errors
    /// As [`Self::speak`].
    pub fn to_wav(&self, text: &str, speed: f32) -> Result<Vec<u8>, VoiceError> {
        let sound: Result<Vec<Vec<f32>>, _> = self.speak(text, Delivery { speed, ..Delivery::default() })?.collect();
        wav(&sound?.concat(), SAMPLE_RATE)
    }
}

/// The same samples, none beyond ±1.
fn within(mut sound: Vec<f32>) -> Vec<f32> {
    for sample in &mut sound {
        *sample = sample.clamp(-1.0, 1.0);
    }
    sound
}

/// Mono samples within ±1 as a 16-bit WAV file.
///
/// # Errors
/// When there are more samples than a WAV file can hold.
pub fn wav(samples: &[f32], sample_rate: u32) -> Result<Vec<u8>, VoiceError> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = Cursor::new(Vec::with_capacity(44 + samples.len() * 2));
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for sample in samples {
        writer.write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16)?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}
