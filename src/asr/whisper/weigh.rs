//! How well texts fit a clip: the decoder is led through each, and its own probability of every token is read off.
//!
//! The clip is not encoded again, so a text costs what writing down its tokens costs, and what several begin with is
//! paid for once.

use super::{Decoder, Stop, Whisper, WhisperError};
use crate::asr::weigh::{Candidate, Texts};

/// Texts that are longer are not weighed, in tokens: nobody names that much in one breath.
const LONGEST: usize = 120;

/// English, in the order of Whisper's languages.
const ENGLISH: i32 = 0;

/// The tokens that the decoder was led through, and what followed from each.
pub(super) struct Path<'d> {
    decoder: &'d mut Decoder,
    threads: usize,
    /// What every transcript begins with.
    head: Vec<i32>,
    /// The tokens after it, each with the log probability of all of them up to it.
    steps: Vec<(i32, f32)>,
    /// What may come after the head and after each of them. Kept, so that the way back costs nothing: the decoder forgets by
    /// itself what lies behind the place of its next token.
    after: Vec<After>,
    /// Memory of what is not kept any more.
    spare: Vec<Vec<f32>>,
}

/// What may come next.
struct After {
    logits: Vec<f32>,
    /// The logarithm of the sum of their exponentials, once it is known.
    sum: Option<f32>,
}

/// Weighs texts for one clip. What those of before began with is paid for once, too.
pub struct Weighing<'d> {
    whisper: &'d Whisper,
    path: Path<'d>,
    stop: &'d Stop<'d>,
}

impl Weighing<'_> {
    /// The natural logarithm of the probability of each text, as a whole transcript of the clip. Compare them with one
    /// another: alone they say little, since longer texts are less probable. Negative infinity for a text that is too long or
    /// less probable than its floor.
    ///
    /// # Errors
    /// When it is told to stop, or the decoder fails.
    pub fn weigh(&mut self, texts: &[Candidate]) -> Result<Vec<f32>, WhisperError> {
        let order = self.whisper.in_order(texts.iter().map(|candidate| candidate.text.trim()))?;
        let mut weights = vec![f32::NEG_INFINITY; texts.len()];
        let floor = |i: usize| texts.get(i).map_or(f32::NEG_INFINITY, |candidate| candidate.floor);
        let order = order.iter().map(|(i, tokens)| (*i, tokens.as_slice(), floor(*i)));
        self.whisper.along(&mut self.path, order, &mut weights, None, self.stop)?;
        // A text may fall below its floor by its end alone.
        let above = |(weight, of): (f32, &Candidate)| if weight < of.floor { f32::NEG_INFINITY } else { weight };
        Ok(weights.into_iter().zip(texts).map(above).collect())
    }
}

impl Whisper {
    /// To weigh texts for the clip that this decoder decoded last.
    pub fn weighing<'d>(&'d self, decoder: &'d mut Decoder, threads: usize, stop: &'d Stop<'d>) -> Weighing<'d> {
        Weighing { whisper: self, path: self.path(decoder, threads), stop }
    }

    /// As [`Weighing::weigh`], each of these and what was heard, which comes last; negative infinity for those that are less
    /// probable than `floor`.
    ///
    /// # Errors
    /// When it is told to stop, or the decoder fails.
    pub fn weigh_among(
        &self,
        decoder: &mut Decoder,
        texts: &Texts,
        heard: &str,
        floor: f32,
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<Vec<f32>, WhisperError> {
        let vocabulary = self.context.n_vocab();
        if texts.written.get().is_none() {
            // Another may have been first.
            let _ = texts.written.set((vocabulary, self.in_order(texts.iter())?));
        }
        let (of, written) = texts.written.get().ok_or(WhisperError::Stopped)?;
        if *of != vocabulary {
            return Err(WhisperError::Decode("weighing: these texts are written by another model".to_owned()));
        }
        let heard = heard.trim();
        let heard = if texts.unmarked { heard.trim_end_matches(['.', '!', '?']) } else { heard };
        let heard = self.prompt_tokens(&format!(" {heard}"))?;
        let all = written.len();
        let at = written.partition_point(|(_, tokens)| *tokens < heard);
        let (before, after) = written.split_at(at);
        let order = before.iter().map(|(i, tokens)| (*i, tokens.as_slice()));
        let order = order.chain([(all, heard.as_slice())]).chain(after.iter().map(|(i, t)| (*i, t.as_slice())));
        let order = order.map(|(i, tokens)| (i, tokens, floor));
        let mut weights = vec![f32::NEG_INFINITY; all + 1];
        let mark = if texts.unmarked { self.prompt_tokens(".")?.first().copied() } else { None };
        self.along(&mut self.path(decoder, threads), order, &mut weights, mark, stop)?;
        Ok(weights)
    }

    /// The tokens of each text, in their order, with its place.
    fn in_order<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Result<Vec<(usize, Vec<i32>)>, WhisperError> {
        let tokens = texts.enumerate().map(|(i, text)| Ok((i, self.prompt_tokens(&format!(" {text}"))?)));
        let mut order = tokens.collect::<Result<Vec<_>, WhisperError>>()?;
        order.sort_by(|a, b| a.1.cmp(&b.1));
        Ok(order)
    }

    /// Weighs texts in the order of their tokens, each no further than it takes to know that it is less probable than its floor.
    /// Each may end with `mark`, too.
    fn along<'t>(
        &self,
        path: &mut Path<'_>,
        order: impl Iterator<Item = (usize, &'t [i32], f32)>,
        weights: &mut [f32],
        mark: Option<i32>,
        stop: &Stop<'_>,
    ) -> Result<(), WhisperError> {
        let (end_of_text, timestamps) = (self.context.token_eot(), self.context.token_beg());
        for (i, tokens, floor) in order {
            // Nothing is more probable than certain.
            if tokens.is_empty() || tokens.len() > LONGEST || floor > 0.0 {
                continue;
            }
            if stop.requested() {
                return Err(WhisperError::Stopped);
            }
            path.start()?;
            let shared = path.steps.iter().zip(tokens).take_while(|((a, _), b)| a == *b).count();
            path.back_to(shared);
            let mut probable = path.so_far() >= floor;
            for token in tokens.iter().skip(shared) {
                probable = probable && path.step(*token, floor)?;
            }
            if probable {
                let ended = |token: i32| token == end_of_text || token >= timestamps;
                let mut weight = path.so_far() + path.probability_of(ended);
                // A point may be that of a decimal, so what follows it must be the end.
                if let Some(mark) = mark
                    && path.step(mark, floor)?
                {
                    weight = log_sum(&[weight, path.so_far() + path.probability_of(ended)]);
                }
                if let Some(place) = weights.get_mut(i) {
                    *place = weight;
                }
            }
        }
        Ok(())
    }

    /// The way through this decoder, at its start.
    pub(super) fn path<'d>(&self, decoder: &'d mut Decoder, threads: usize) -> Path<'d> {
        let mut head = vec![self.context.token_sot()];
        if self.context.is_multilingual() {
            head.extend([self.context.token_lang(ENGLISH), self.context.token_transcribe()]);
        }
        // With timestamps, as the passes decode.
        head.push(self.context.token_beg());
        Path { decoder, threads, head, steps: Vec::new(), after: Vec::new(), spare: Vec::new() }
    }
}

impl Path<'_> {
    /// Through the head, unless it went there before; what comes next is known then.
    pub(super) fn start(&mut self) -> Result<(), WhisperError> {
        if !self.after.is_empty() {
            return Ok(());
        }
        // One at a time: of several only the last one's outcome is kept, where it cannot be reached.
        for at in 0..self.head.len() {
            self.decode(self.head[at], at)?;
        }
        self.keep()
    }

    /// Forgets the steps from `kept` on.
    fn back_to(&mut self, kept: usize) {
        self.steps.truncate(kept);
        let gone = self.after.drain((kept + 1).min(self.after.len())..);
        self.spare.extend(gone.map(|after| after.logits));
    }

    /// One token on, unless that is less probable than `floor`. Tells whether it went on.
    pub(super) fn step(&mut self, token: i32, floor: f32) -> Result<bool, WhisperError> {
        let sum = self.so_far() + self.probability(token);
        if sum < floor {
            return Ok(false);
        }
        self.decode(token, self.head.len() + self.steps.len())?;
        self.steps.push((token, sum));
        self.keep()?;
        Ok(true)
    }

    fn so_far(&self) -> f32 {
        self.steps.last().map_or(0.0, |(_, sum)| *sum)
    }

    fn decode(&mut self, token: i32, at: usize) -> Result<(), WhisperError> {
        let state = &mut self.decoder.state;
        state.decode(&[token], at, self.threads.max(1)).map_err(|e| WhisperError::Decode(format!("weighing: {e}")))
    }

    /// Keeps what may come after the last token.
    fn keep(&mut self) -> Result<(), WhisperError> {
        let mut logits = self.spare.pop().unwrap_or_default();
        logits.clear();
        let state = &self.decoder.state;
        let next = state.get_logits().map_err(|e| WhisperError::Decode(format!("weighing: {e}")))?;
        logits.extend_from_slice(next);
        self.after.push(After { logits, sum: None });
        Ok(())
    }

    /// The logarithm of the probability that this token comes next.
    fn probability(&mut self, token: i32) -> f32 {
        let Some(After { logits, sum }) = self.after.last_mut() else { return f32::NEG_INFINITY };
        let sum = *sum.get_or_insert_with(|| log_sum(logits));
        let logit = usize::try_from(token).ok().and_then(|at| logits.get(at)).copied();
        logit.map_or(f32::NEG_INFINITY, |logit| logit - sum)
    }

    /// The logarithm of the probability that one of these tokens comes next.
    fn probability_of(&self, wanted: impl Fn(i32) -> bool) -> f32 {
        log_share(self.logits(), wanted)
    }

    /// Of every token to come next. Empty before the start.
    pub(super) fn logits(&self) -> &[f32] {
        self.after.last().map_or(&[], |after| &after.logits)
    }
}

/// The logarithm of the sum of the exponentials.
#[expect(clippy::cast_possible_truncation, reason = "a logarithm keeps its worth")]
fn log_sum(logits: &[f32]) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let all: f64 = logits.iter().map(|logit| f64::from(logit - highest).exp()).sum();
    highest + all.ln() as f32
}

/// The logarithm of the share that the wanted ones have in the sum of the exponentials.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a vocabulary has far fewer tokens, and a logarithm keeps its worth"
)]
fn log_share(logits: &[f32], wanted: impl Fn(i32) -> bool) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut all, mut theirs) = (0.0_f64, 0.0_f64);
    for (token, logit) in (0_i32..).zip(logits) {
        let weight = f64::from(logit - highest).exp();
        all += weight;
        if wanted(token) {
            theirs += weight;
        }
    }
    (theirs / all).max(1e-30).ln() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_what_the_softmax_says() {
        let logits = [1.0_f32, 2.0, 3.0, -50.0];
        let all: f32 = logits.iter().map(|l| l.exp()).sum();
        assert!((log_share(&logits, |t| t == 1) - (2.0_f32.exp() / all).ln()).abs() < 1e-5);
        assert!((log_sum(&logits) - all.ln()).abs() < 1e-5);
        assert!(log_share(&logits, |_| true).abs() < 1e-6);
        assert!(log_share(&logits, |t| t >= 2) > log_share(&logits, |t| t == 2) - 1e-6);
        // Nothing wanted is very improbable, and no infinity.
        assert!(log_share(&logits, |_| false) < -60.0 && log_share(&logits, |_| false).is_finite());
    }
}
