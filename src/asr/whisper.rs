//! Whisper itself: one pass over one clip. The only file that names whisper-rs, and the only one with `unsafe`.
//!
//! The settings were measured on short spoken commands: greedy, one candidate, no second temperature, timestamps
//! on (without them short contexts loop and the no-speech probability means nothing), and an encoder context cut
//! to the length of the clip, which is where most of the time goes. Where the processor multiplies bfloat16, the
//! weights are made that: as good words for a sixth less of its time.

use std::{
    ffi::c_void,
    mem,
    sync::{
        Once, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperError as Inner, WhisperState,
};

use super::{
    ggml::{self, GgmlError},
    wav::RATE,
};

mod language;
mod spell;
mod weigh;

/// Encoder positions a second of sound takes.
const POSITIONS_A_SECOND: usize = 50;

/// Contexts are multiples of this. In others the attention does not fit the quick matrix kernels (with 16 lanes),
/// and falls back to one product after the other: 360 positions took longer than 400.
const STEP: usize = 16;

/// The encoder context Whisper was trained with is 1500 positions, 30 seconds; this is the longest that fits
/// [`STEP`].
const FULL_CONTEXT: usize = 1488;

/// The smallest context: below it short commands come out wrong (2.9 s clips, words wrong at 273 positions 17 %, at
/// 337 and more 11 to 12 %).
pub const LEAST_CONTEXT: usize = 400;

/// The most samples one pass takes: what fits the full context with some silence after it.
pub const LONGEST: usize = 28 * RATE as usize;

/// Prompt tokens that are used; the decoder has room for 224 and fails slowly near that.
const PROMPT_TOKENS: usize = 200;

/// Bytes of a prompt that are looked at, which make more tokens than are used. whisper.cpp splits the text with a
/// regular expression that recurses for every character, so a long word would overflow the stack.
const PROMPT_BYTES: usize = 1000;

/// Why decoding failed.
#[derive(Debug, thiserror::Error)]
pub enum WhisperError {
    /// The weights could not be loaded.
    #[error("cannot load the hearing model: {0}")]
    Load(String),
    /// The weights are no half-precision Whisper model.
    #[error("cannot prepare the hearing model: {0}")]
    Weights(#[from] GgmlError),
    /// A decoder could not be set up; usually there is no memory left.
    #[error("cannot set up a decoder: {0}")]
    State(String),
    /// The pass was told to stop.
    #[error("stopped")]
    Stopped,
    /// The pass failed.
    #[error("decoding failed: {0}")]
    Decode(String),
}

/// Loaded weights. Decoders share them.
#[derive(Debug)]
pub struct Whisper {
    context: WhisperContext,
    /// Made when digits are looked for first.
    tokens: OnceLock<spell::Tokens>,
}

/// The numbers that the weights are held in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// As they come.
    Half,
    /// Rounded to bfloat16.
    Bfloat16,
}

/// How to decode one clip.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// Threads for this pass; more than one only helps while other cores are idle.
    pub threads: usize,
    /// Encoder context.
    pub context: Context,
    /// Words that are likely, most likely first; they pull near-spellings towards them.
    pub prompt: &'a str,
    /// When to give up.
    pub stop: Stop<'a>,
}

/// How much of the encoder's 30 seconds a pass uses, in steps that its matrices fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The clip and so many positions more, 50 to a second, and at least [`LEAST_CONTEXT`].
    Margin(usize),
    /// All of it.
    Full,
}

/// When a pass gives up: polled between the layers of the model, so within milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Stop<'a> {
    /// At this instant.
    pub deadline: Instant,
    /// Or once this is set.
    pub cancelled: &'a AtomicBool,
}

impl Stop<'_> {
    /// Whether it is time.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }
}

/// The encoder context for a clip with a margin; what a pass costs goes with it.
#[must_use]
pub fn positions(clip: &[f32], margin: usize) -> usize {
    let positions = (clip.len() * POSITIONS_A_SECOND).div_ceil(RATE as usize) + margin;
    positions.next_multiple_of(STEP).clamp(LEAST_CONTEXT, FULL_CONTEXT)
}

/// What one pass gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded {
    /// Segments in order; one for each pass.
    pub segments: Vec<Segment>,
    /// Whether the token limit cut a segment off, which is how loops end.
    pub cut_off: bool,
}

/// A stretch of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its text tokens.
    pub pieces: Vec<Piece>,
    /// The model's probability that nobody spoke here, 0 to 1.
    pub no_speech: f32,
}

/// A text token: a word, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Its bytes, which need not be whole characters. Words start with a space.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability.
    pub log_probability: f32,
}

/// Working memory for one pass at a time.
#[derive(Debug)]
pub struct Decoder {
    state: WhisperState,
}

impl Weights {
    /// bfloat16 where this build of whisper.cpp has instructions for it and the processor too. Elsewhere it would
    /// be unpacked for every product, as halves are.
    #[must_use]
    pub fn quickest() -> Self {
        static QUICKEST: OnceLock<Weights> = OnceLock::new(); // what whisper.cpp tells lies in one shared buffer
        *QUICKEST.get_or_init(|| {
            quiet();
            let built_in = whisper_rs::print_system_info().contains("AVX512_BF16 = 1");
            if built_in && has_bfloat16() { Self::Bfloat16 } else { Self::Half }
        })
    }
}

#[cfg(target_arch = "x86_64")]
fn has_bfloat16() -> bool {
    std::is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_bfloat16() -> bool {
    false
}

/// whisper.cpp prints to standard error otherwise.
fn quiet() {
    static QUIET: Once = Once::new();
    QUIET.call_once(whisper_rs::install_logging_hooks);
}

impl Whisper {
    /// Loads verified half-precision weights, in the numbers that are quickest here.
    ///
    /// # Errors
    /// When the bytes are not a model, or there is no memory for it.
    pub fn load(bytes: Vec<u8>) -> Result<Self, WhisperError> {
        Self::load_as(bytes, Weights::quickest())
    }

    /// The same in given numbers.
    ///
    /// # Errors
    /// As [`Whisper::load`].
    pub fn load_as(mut bytes: Vec<u8>, weights: Weights) -> Result<Self, WhisperError> {
        if weights == Weights::Bfloat16 {
            ggml::to_bfloat16(&mut bytes)?;
        }
        quiet();
        let context = WhisperContext::new_from_buffer_with_params(&bytes, WhisperContextParameters::default())
            .map_err(|e| WhisperError::Load(e.to_string()))?;
        Ok(Self { context, tokens: OnceLock::new() })
    }

    /// Working memory for one more pass at a time.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn decoder(&self) -> Result<Decoder, WhisperError> {
        let state = self.context.create_state().map_err(|e| WhisperError::State(e.to_string()))?;
        Ok(Decoder { state })
    }

    /// Decodes `clip` (16 kHz, -1 to 1, from a tenth of a second to [`LONGEST`]). After an error other than
    /// [`WhisperError::Stopped`] the decoder is used up.
    ///
    /// # Errors
    /// When the pass is stopped or fails.
    pub fn decode(
        &self,
        decoder: Decoder,
        clip: &[f32],
        pass: &Pass<'_>,
    ) -> (Option<Decoder>, Result<Decoded, WhisperError>) {
        self.decode_in("en", decoder, clip, pass)
    }

    /// The same in a language by its code; a model for English alone knows no other.
    pub(super) fn decode_in(
        &self,
        language: &str,
        mut decoder: Decoder,
        clip: &[f32],
        pass: &Pass<'_>,
    ) -> (Option<Decoder>, Result<Decoded, WhisperError>) {
        let prompt = match self.prompt_tokens(pass.prompt) {
            Ok(tokens) => tokens,
            Err(e) => return (Some(decoder), Err(e)),
        };
        let seconds = clip.len().div_ceil(RATE as usize);
        let context = match pass.context {
            Context::Full => FULL_CONTEXT,
            Context::Margin(margin) => positions(clip, margin),
        };
        let limit = 10 + 6 * seconds;
        let mut p = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        if language != "en" {
            // whisper-rs never frees the name: a few bytes for each clip that is not English.
            p.set_language(Some(language));
        }
        p.set_n_threads(i32::try_from(pass.threads).unwrap_or(1).max(1));
        p.set_temperature_inc(0.0);
        p.set_single_segment(true);
        p.set_no_context(true);
        p.set_print_progress(false);
        p.set_print_timestamps(false);
        // Keep what is heard in probable silence: triage reads it, and `judge` does the rejecting.
        p.set_no_speech_thold(2.0);
        p.set_audio_ctx(i32::try_from(context).unwrap_or(0));
        p.set_max_tokens(i32::try_from(limit).unwrap_or(0));
        if !prompt.is_empty() {
            p.set_tokens(&prompt);
        }
        stop_at(&mut p, &pass.stop);
        match decoder.state.full(p, clip) {
            Ok(()) => {
                let decoded = self.read(&decoder.state, limit);
                (Some(decoder), Ok(decoded))
            }
            Err(_) if pass.stop.requested() => (Some(decoder), Err(WhisperError::Stopped)),
            Err(e) => {
                if let Inner::GenericError(-7) = e {
                    mem::forget(decoder); // whisper.cpp has already freed it; dropping it would free it again
                }
                (None, Err(WhisperError::Decode(e.to_string())))
            }
        }
    }

    fn read(&self, state: &WhisperState, limit: usize) -> Decoded {
        let end_of_text = self.context.token_eot();
        let mut tokens = 0;
        let segments = state
            .as_iter()
            .map(|segment| {
                let count = segment.n_tokens();
                tokens += usize::try_from(count).unwrap_or(0);
                let pieces = (0..count)
                    .filter_map(|i| segment.get_token(i))
                    .filter(|token| token.token_id() < end_of_text)
                    .filter_map(|token| {
                        Some(Piece { bytes: token.to_bytes().ok()?.to_vec(), log_probability: token.token_data().plog })
                    })
                    .collect();
                Segment { pieces, no_speech: segment.no_speech_probability() }
            })
            .collect();
        Decoded { segments, cut_off: tokens > limit }
    }

    /// What stands for digits.
    fn tokens(&self) -> &spell::Tokens {
        self.tokens.get_or_init(|| {
            let text = |token| Some(String::from_utf8_lossy(self.context.token_to_bytes(token).ok()?).into_owned());
            spell::Tokens::new(self.context.n_vocab(), self.context.token_eot(), self.context.token_beg(), text)
        })
    }

    /// Every language by its token and its code; none where the model knows but one.
    fn languages(&self) -> impl Iterator<Item = (i32, &'static str)> {
        let last = if self.context.is_multilingual() { whisper_rs::get_lang_max_id() } else { -1 };
        (0..=last).filter_map(|id| Some((self.context.token_lang(id), whisper_rs::get_lang_str(id)?)))
    }

    fn prompt_tokens(&self, prompt: &str) -> Result<Vec<i32>, WhisperError> {
        let prompt = prompt[..prompt.floor_char_boundary(PROMPT_BYTES)].replace('\0', " ");
        // A token has at least one byte, so there is always room; whisper-rs takes the count that whisper.cpp
        // answers when there is not for a length.
        let mut tokens = self
            .context
            .tokenize(&prompt, prompt.len() + 1)
            .map_err(|e| WhisperError::Decode(format!("prompt: {e}")))?;
        tokens.truncate(PROMPT_TOKENS);
        Ok(tokens)
    }
}

/// Registers the raw callback; the crate's safe one hands C a pointer of another type than it reads back.
#[expect(unsafe_code, reason = "whisper-rs offers no sound way to stop a pass")]
fn stop_at<'a>(params: &mut FullParams<'_, '_>, stop: &'a Stop<'a>) {
    unsafe extern "C" fn requested(stop: *mut c_void) -> bool {
        // SAFETY: `stop` is the pointer set below, which the caller of `full` keeps alive. `Stop` is only read,
        // its fields can be shared between threads, and `requested` cannot panic.
        unsafe { &*stop.cast_const().cast::<Stop<'_>>() }.requested()
    }
    // SAFETY: the pointer outlives the pass, since `decode` borrows `stop` across it and drops the parameters with
    // it; the callback has the signature ggml wants.
    unsafe {
        params.set_abort_callback(Some(requested));
        params.set_abort_callback_user_data(std::ptr::from_ref(stop).cast_mut().cast::<c_void>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_fit_the_matrix_kernels() {
        for (seconds, margin, expected) in [
            (0.1, 0, LEAST_CONTEXT),
            (2.0, 128, LEAST_CONTEXT),
            (6.0, 128, 432),  // 428
            (5.46, 128, 416), // 401
            (5.44, 128, 400),
            (29.0, 128, FULL_CONTEXT),
            (60.0, 512, FULL_CONTEXT),
        ] {
            let clip = vec![0.0; (seconds * f64::from(RATE)) as usize];
            assert_eq!(positions(&clip, margin), expected, "{seconds} s");
        }
        assert_eq!((LEAST_CONTEXT % STEP, FULL_CONTEXT % STEP), (0, 0));
        assert!(FULL_CONTEXT * RATE as usize / POSITIONS_A_SECOND >= LONGEST);
    }
}
