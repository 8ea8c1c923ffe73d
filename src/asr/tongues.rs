//! Another ear, that knows many languages, for what the first one made nothing of.
//!
//! Invariant: it says that another language was spoken and what seems to have been said, for triage; nothing is understood of it.

use std::sync::{Mutex, PoisonError, TryLockError};

use super::{
    judge::heard,
    listen::{MARGIN, worth_hearing},
    outcome::{Rejection, RejectionReason},
    whisper::{Context, Decoder, LONGEST, Pass, Stop, Whisper, WhisperError},
};

/// The model for it, as the manifest names it.
pub const MODEL: &str = "base";
/// Those that are told apart: English and the fourteen others that most people speak at home in the United States, in their order,
/// and Japanese (American Community Survey of 2016; about as many speak Urdu, which is Hindi to the ear). Of all that the model knows,
/// unclear speech is often taken for a rare one.
const KNOWN: [&str; 16] =
    ["en", "es", "zh", "tl", "vi", "ar", "fr", "ko", "ru", "de", "ht", "hi", "pt", "it", "pl", "ja"];
/// A language less probable than this is not believed to be another than English.
const SURE: f32 = 0.7;

/// What was said in another language.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// What seems to have been said.
    pub text: String,
    /// How surely, 0 to 1.
    pub confidence: f32,
}

/// A multilingual model with working memory for one clip at a time.
pub struct Tongues {
    whisper: Whisper,
    decoder: Mutex<Option<Decoder>>,
}

impl Tongues {
    /// From the weights of a multilingual model.
    ///
    /// # Errors
    /// When they cannot be loaded.
    pub fn load(weights: Vec<u8>) -> Result<Self, WhisperError> {
        Ok(Self { whisper: Whisper::load(weights)?, decoder: Mutex::default() })
    }

    /// What is said in a clip (16 kHz, -1 to 1), where it is in another language than English. `None` too where it hears somebody
    /// else now.
    pub fn listen(&self, clip: &[f32], stop: Stop<'_>) -> Option<Foreign> {
        worth_hearing(clip).ok()?;
        let mut decoder = match self.decoder.try_lock() {
            Ok(decoder) => decoder,
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(TryLockError::WouldBlock) => return None,
        };
        let clip = clip.get(..LONGEST).unwrap_or(clip);
        let found = self.heard(&mut decoder, clip, stop);
        found.unwrap_or_else(|error| {
            if !matches!(error, WhisperError::Stopped) {
                tracing::error!(%error, "a clip could not be heard in other languages");
            }
            None
        })
    }

    fn heard(&self, kept: &mut Option<Decoder>, clip: &[f32], stop: Stop<'_>) -> Result<Option<Foreign>, WhisperError> {
        let pass = Pass { threads: 1, context: Context::Margin(MARGIN), prompt: "", stop };
        let decode = |kept: &mut Option<Decoder>, language: &str| {
            let decoder = match kept.take() {
                Some(decoder) => decoder,
                None => self.whisper.decoder()?,
            };
            let (decoder, decoded) = self.whisper.decode_in(language, decoder, clip, &pass);
            *kept = decoder;
            decoded
        };
        decode(kept, "en")?;
        let spoken = match kept {
            Some(decoder) => self.whisper.language(decoder, &KNOWN, pass.threads)?,
            None => None,
        };
        let Some(spoken) = spoken.filter(|spoken| spoken.code != "en" && spoken.probability >= SURE) else {
            return Ok(None);
        };
        let decoded = decode(kept, spoken.code)?;
        // Nothing is done by these words, so all of them count.
        let all = heard(&[decoded]).rejected(Rejection::unheard(RejectionReason::Unclear));
        Ok(Some(Foreign { text: all.heard.unwrap_or_default(), confidence: all.confidence }))
    }
}
