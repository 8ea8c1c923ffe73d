//! What hearing a clip comes to.

use super::{
    wav,
    weigh::{Spelled, Weighed},
};

/// What came of one clip, and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Words, or the reason there are none.
    pub outcome: Result<Transcript, Rejection>,
    /// Where the time went.
    pub timings: Timings,
}

/// Words that were heard well enough to act on.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The words, without remarks such as `[door slams]`.
    pub text: String,
    /// All that was heard, remarks included. Triage reads this.
    pub heard: String,
    /// The confidence in each word of `heard`, 0 to 1, in order.
    pub heard_confidence: Vec<f32>,
    /// Geometric mean of the token probabilities, 0 to 1.
    pub confidence: f32,
    /// The words of `text` in order, each with its own confidence.
    pub words: Vec<Word>,
    /// Texts that may have been said instead, where such were to be weighed; what was heard stands among them.
    pub weighed: Vec<Weighed>,
    /// The digits that may have been said, where they were to be looked for.
    pub spelled: Option<Spelled>,
    /// The model's probability that nobody spoke, 0 to 1.
    pub no_speech: f32,
}

/// One word as it was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word with its punctuation.
    pub text: String,
    /// Geometric mean of its token probabilities, 0 to 1.
    pub confidence: f32,
}

/// Why there is nothing to act on. Still carries what was heard: an emergency is looked for even in that.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// The reason.
    pub reason: RejectionReason,
    /// What was heard, if it came to that.
    pub heard: Option<String>,
    /// The confidence in each word of `heard`, 0 to 1, in order.
    pub heard_confidence: Vec<f32>,
    /// The confidence in what was heard, 0 to 1; 0 where nothing was.
    pub confidence: f32,
    /// The model's probability that nobody spoke, where the clip was decoded.
    pub no_speech: Option<f32>,
}

/// The kinds of rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionReason {
    /// Nothing in the clip is loud enough to be speech, or the model heard nothing.
    Silence,
    /// Sound, but the model doubts that it is speech.
    Noise,
    /// Sound, but nobody speaks in it; it was not decoded.
    NoVoice,
    /// Under a tenth of a second.
    TooShort,
    /// Speech, but no words that can be trusted.
    Unclear,
    /// Too many clips are waiting; this one was refused at once.
    Overloaded,
    /// The time for this clip ran out.
    DeadlinePassed,
    /// The audio cannot be read.
    BadAudio(BadAudio),
    /// The decoder failed; what went wrong is in the log.
    Failed,
}

/// Why audio cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAudio {
    /// No RIFF/WAVE header.
    #[error("this is not a WAV file")]
    NotWav,
    /// A WAV file that contradicts itself.
    #[error("the WAV file is damaged")]
    Damaged,
    /// The header promises more sound than the file holds.
    #[error("the WAV file ends before the sound that its header promises")]
    Truncated,
    /// A sample rate, sample size or channel count that is not read here.
    #[error("this kind of WAV is not read here; use PCM or float, 8 to 48 kHz, one or two channels, 16, 24 or 32 bits")]
    Unsupported,
    /// Longer than [`wav::MAX_SECONDS`].
    #[error("the sound is longer than {} seconds", wav::MAX_SECONDS)]
    TooLong,
    /// A header and no samples.
    #[error("the WAV file holds no sound")]
    Empty,
}

/// Where the time of one clip went, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Timings {
    /// Waiting for a decoder.
    pub queue_ms: f64,
    /// Decoding, all passes together.
    pub decode_ms: f64,
    /// How often the clip was decoded; 0 where a cheaper check settled it.
    pub passes: u32,
}

impl RejectionReason {
    /// The word used in JSON and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Noise => "noise",
            Self::NoVoice => "no_voice",
            Self::TooShort => "too_short",
            Self::Unclear => "unclear",
            Self::Overloaded => "overloaded",
            Self::DeadlinePassed => "deadline_passed",
            Self::BadAudio(BadAudio::NotWav) => "not_wav",
            Self::BadAudio(BadAudio::Damaged) => "damaged",
            Self::BadAudio(BadAudio::Truncated) => "truncated",
            Self::BadAudio(BadAudio::Unsupported) => "unsupported",
            Self::BadAudio(BadAudio::TooLong) => "too_long",
            Self::BadAudio(BadAudio::Empty) => "empty",
            Self::Failed => "failed",
        }
    }
}

impl Rejection {
    /// A rejection of a clip that was never decoded.
    #[must_use]
    pub fn unheard(reason: RejectionReason) -> Self {
        Self { reason, heard: None, heard_confidence: Vec::new(), confidence: 0.0, no_speech: None }
    }
}

impl From<BadAudio> for Rejection {
    fn from(bad: BadAudio) -> Self {
        Self::unheard(RejectionReason::BadAudio(bad))
    }
}
