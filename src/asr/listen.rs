//! From a clip to an answer: the cheap checks, the passes, the judgement.

use std::{sync::Arc, time::Instant};

use super::{
    energy,
    judge::{heard, is_suspect, judge},
    outcome::{Heard, Rejection, RejectionReason, Timings, Transcript},
    vad,
    wav::RATE,
    weigh::{Likely, Retell, Weighed, What},
    whisper::{Context, Decoded, Decoder, LONGEST, Pass, Stop, Whisper, WhisperError, positions},
};

/// Under a tenth of a second the model answers nothing, and nobody says a word.
const SHORTEST: usize = RATE as usize / 10;

/// A shout is short. The model wants some silence around it.
const PADDED: usize = RATE as usize;

/// A longer clip is cut into windows of at most this length. In longer ones the model may stop after a pause: on
/// five minutes of short sentences, windows of 28 seconds lost 7 words in 100.
const WINDOW: usize = 15 * RATE as usize;

/// Encoder context beyond the clip. On clips of 8 s, 64 to 384 hear the same words; 128 leaves some room.
pub(super) const MARGIN: usize = 128;

/// The same where names are expected: a prompt needs more of it.
const MARGIN_WITH_NAMES: usize = 512;

/// What decoding a clip costs against another: the positions that the encoder works through.
pub(super) fn weight(clip: &[f32], names: &[String]) -> f64 {
    clip.chunks(WINDOW).map(|window| positions(window, margin(names)) as f64).sum()
}

fn margin(names: &[String]) -> usize {
    if names.is_empty() { MARGIN } else { MARGIN_WITH_NAMES }
}

/// One decoder and the weights it works with.
#[derive(Debug)]
pub struct Listener {
    whisper: Arc<Whisper>,
    decoder: Option<Decoder>,
}

/// What is looked for in a clip beside what is heard.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// What else may have been said.
    pub retell: Option<&'a Retell>,
    /// What was asked makes this likely.
    pub likely: Option<&'a Likely>,
}

/// What a clip is that nobody needs to decode.
///
/// # Errors
/// When it is too short or silent.
pub fn worth_hearing(clip: &[f32]) -> Result<(), Rejection> {
    if clip.len() < SHORTEST {
        return Err(Rejection::unheard(RejectionReason::TooShort));
    }
    if energy::is_silent(clip) {
        return Err(Rejection::unheard(RejectionReason::Silence));
    }
    Ok(())
}

impl Listener {
    /// Working memory on loaded weights.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(whisper: Arc<Whisper>) -> Result<Self, WhisperError> {
        let decoder = Some(whisper.decoder()?);
        Ok(Self { whisper, decoder })
    }

    /// Hears one clip (16 kHz, -1 to 1) with so many threads. `names` are words that are likely in it. A clip that
    /// is too long for one pass is heard in windows; if time runs out in between, the rejection carries the words
    /// so far.
    pub fn hear(&mut self, clip: &[f32], names: &[String], threads: usize, stop: Stop<'_>) -> Heard {
        self.hear_weighing(clip, names, Beside::default(), threads, stop)
    }

    /// The same, and weighs what may have been said instead, where the clip fits one pass.
    pub fn hear_weighing(
        &mut self,
        clip: &[f32],
        names: &[String],
        beside: Beside<'_>,
        threads: usize,
        stop: Stop<'_>,
    ) -> Heard {
        if let Err(rejection) = worth_hearing(clip) {
            return Heard { outcome: Err(rejection), timings: Timings::default() };
        }
        let began = Instant::now();
        let mut passes = 0;
        let beside = if clip.len() <= LONGEST { beside } else { Beside::default() };
        let mut outcome = self.outcome(clip, names, threads, stop, &mut passes);
        if let Some(retell) = beside.retell {
            outcome = self.with_weighed(outcome, retell, threads, &stop);
        }
        if let Some(likely) = beside.likely {
            outcome = self.with_likely(outcome, clip, likely, threads, &stop);
        }
        Heard { outcome, timings: Timings { decode_ms: began.elapsed().as_secs_f64() * 1e3, passes, queue_ms: 0.0 } }
    }

    fn outcome(
        &mut self,
        clip: &[f32],
        names: &[String],
        threads: usize,
        stop: Stop<'_>,
        passes: &mut u32,
    ) -> Result<Transcript, Rejection> {
        let prompt = prompt(names);
        let pass = Pass { threads, context: Context::Margin(margin(names)), prompt: &prompt, stop };
        let (mut decoded, mut sound) = (Vec::new(), Vec::new());
        let windows = if clip.len() > LONGEST { energy::windows(clip, WINDOW) } else { vec![clip] };
        for window in windows {
            if worth_hearing(window).is_err() {
                continue;
            }
            match self.window(window, pass, passes) {
                Ok(words) => {
                    decoded.push(words);
                    sound.push(window);
                }
                Err(rejection) => return Err(heard(&decoded).rejected(rejection)),
            }
        }
        judge(&decoded, |n| sound.get(n).is_some_and(|window| vad::somebody_speaks_clearly(window)))
    }

    /// The outcome with what may have been said instead. Where this pass made nothing of the clip, as a prompt can bring about,
    /// the texts that were thought of before are weighed all the same.
    fn with_weighed(
        &mut self,
        outcome: Result<Transcript, Rejection>,
        retell: &Retell,
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<Transcript, Rejection> {
        match outcome {
            Ok(transcript) => {
                let weighed = self.weighed(&transcript.text, retell, threads, stop);
                Ok(Transcript { weighed, ..transcript })
            }
            Err(rejection) if matches!(rejection.reason, RejectionReason::Unclear | RejectionReason::Noise) => {
                let weighed = self.weighed("", retell, threads, stop);
                if weighed.is_empty() {
                    return Err(rejection);
                }
                Ok(Transcript { weighed, ..without_words(rejection) })
            }
            Err(rejection) => Err(rejection),
        }
    }

    /// The outcome with how well that fits which is likely, where it is worth looking. Words that cannot be trusted may be just that.
    fn with_likely(
        &mut self,
        outcome: Result<Transcript, Rejection>,
        clip: &[f32],
        likely: &Likely,
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<Transcript, Rejection> {
        let heard = match &outcome {
            Ok(transcript) if (likely.worth)(&transcript.text) => transcript.text.clone(),
            Err(Rejection { reason: RejectionReason::Unclear, heard, .. }) => heard.clone().unwrap_or_default(),
            Err(Rejection { reason: RejectionReason::Noise, heard, .. }) if likely.unvoiced => {
                heard.clone().unwrap_or_default()
            }
            Ok(_) | Err(_) => return outcome,
        };
        let Some(decoder) = self.decoder.as_mut().filter(|_| !stop.requested()) else { return outcome };
        let (mut weighed, mut spelled) = (Vec::new(), None);
        let looked = match &likely.what {
            What::Digits => {
                let seconds = clip.len() as f32 / RATE as f32;
                self.whisper.spell(decoder, seconds, threads, stop).map(|found| spelled = found)
            }
            What::Texts(texts, floor) => {
                let weights = self.whisper.weigh_among(decoder, texts, &heard, *floor, threads, stop);
                weights.map(|weights| {
                    // Of hundreds of texts few are above the floor; what was heard is told of in any case.
                    let pairs = texts.iter().zip(&weights).filter(|(_, weight)| weight.is_finite());
                    weighed = pairs.map(|(text, weight)| weighed_as(text, *weight)).collect();
                    weighed.push(weighed_as(&heard, weights.last().copied().unwrap_or(f32::NEG_INFINITY)));
                })
            }
        };
        match looked {
            Ok(()) if spelled.is_some() || !weighed.is_empty() => {
                let transcript = outcome.unwrap_or_else(without_words);
                Ok(Transcript { weighed, spelled, ..transcript })
            }
            Ok(()) | Err(WhisperError::Stopped) => outcome,
            Err(e) => {
                tracing::error!(error = %e, "what is likely could not be looked for");
                self.decoder = None;
                outcome
            }
        }
    }

    /// Texts that may have been said instead, and the one that was heard. None where there is no time for all of it.
    fn weighed(&mut self, text: &str, retell: &Retell, threads: usize, stop: &Stop<'_>) -> Vec<Weighed> {
        let mut all: Vec<Weighed> = Vec::new();
        let Some(decoder) = self.decoder.as_mut() else { return all };
        let mut weighing = self.whisper.weighing(decoder, threads, stop);
        loop {
            let texts = (retell.0)(text, &all);
            if texts.is_empty() {
                return all;
            }
            match weighing.weigh(&texts) {
                Ok(weights) => all.extend(texts.iter().zip(weights).map(|(of, weight)| weighed_as(&of.text, weight))),
                Err(WhisperError::Stopped) => return Vec::new(),
                Err(e) => {
                    tracing::error!(error = %e, "texts could not be weighed");
                    self.decoder = None;
                    return Vec::new();
                }
            }
        }
    }

    fn window(&mut self, window: &[f32], mut pass: Pass<'_>, passes: &mut u32) -> Result<Decoded, Rejection> {
        let padded;
        let window = if window.len() < PADDED {
            padded = pad(window);
            &padded
        } else {
            window
        };
        let first = self.pass(window, &pass, passes)?;
        if !is_suspect(&first) {
            return Ok(first);
        }
        pass.context = Context::Full;
        // Out of time for another look: what was heard first is better than nothing.
        self.pass(window, &pass, passes).or(Ok(first))
    }

    fn pass(&mut self, clip: &[f32], pass: &Pass<'_>, passes: &mut u32) -> Result<Decoded, Rejection> {
        let failed = |e: WhisperError| {
            tracing::error!(error = %e, "a clip could not be decoded");
            Rejection::unheard(RejectionReason::Failed)
        };
        let decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => self.whisper.decoder().map_err(failed)?,
        };
        *passes += 1;
        let (decoder, decoded) = self.whisper.decode(decoder, clip, pass);
        self.decoder = decoder;
        decoded.map_err(|e| match e {
            WhisperError::Stopped => Rejection::unheard(RejectionReason::DeadlinePassed),
            e => failed(e),
        })
    }
}

fn weighed_as(text: &str, log_probability: f32) -> Weighed {
    Weighed { text: text.to_owned(), log_probability }
}

/// What was rejected, as words that nobody can act on.
fn without_words(rejection: Rejection) -> Transcript {
    Transcript {
        text: String::new(),
        heard: rejection.heard.unwrap_or_default(),
        heard_confidence: rejection.heard_confidence,
        confidence: rejection.confidence,
        words: Vec::new(),
        weighed: Vec::new(),
        spelled: None,
        no_speech: rejection.no_speech.unwrap_or_default(),
    }
}

fn pad(clip: &[f32]) -> Vec<f32> {
    let before = (PADDED - clip.len()) / 4;
    let mut padded = vec![0.0; PADDED];
    padded[before..before + clip.len()].copy_from_slice(clip);
    padded
}

fn prompt(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(" {}.", names.join(", "))
}
