//! How well texts fit a clip: the decoder is led through each, and its own probability of every token is read off.
//!
//! The clip is not encoded again, so a text costs what writing down its tokens costs, and what several begin with is
//! paid for once.

use super::{Decoder, Stop, Whisper, WhisperError};
use crate::asr::weigh::Texts;

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
    /// Of what comes next: the logarithm of the sum of the exponentials, once it is known.
    sum: Option<f32>,
}

impl Whisper {
    /// The natural logarithm of the probability of each text, as a whole transcript of the clip that this decoder
    /// decoded last. Compare them with one another: alone they say little, since longer texts are less probable.
    /// Negative infinity for a text that is too long.
    ///
    /// # Errors
    /// When it is told to stop, or the decoder fails.
    pub fn weigh(
        &self,
        decoder: &mut Decoder,
        texts: &[String],
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<Vec<f32>, WhisperError> {
        let order = self.in_order(texts.iter().map(|text| text.trim()))?;
        let mut weights = vec![f32::NEG_INFINITY; texts.len()];
        let order = order.iter().map(|(i, tokens)| (*i, tokens.as_slice()));
        self.along(decoder, order, &mut weights, f32::NEG_INFINITY, None, threads, stop)?;
        Ok(weights)
    }

    /// The same for each of these and for what was heard, which comes last; but no further into a text than it takes to know that
    /// it is less probable than `floor`; negative infinity for those.
    ///
    /// # Errors
    /// As [`Whisper::weigh`].
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
        let mut weights = vec![f32::NEG_INFINITY; all + 1];
        let mark = if texts.unmarked { self.prompt_tokens(".")?.first().copied() } else { None };
        self.along(decoder, order, &mut weights, floor, mark, threads, stop)?;
        Ok(weights)
    }

    /// The tokens of each text, in their order, with its place.
    fn in_order<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Result<Vec<(usize, Vec<i32>)>, WhisperError> {
        let tokens = texts.enumerate().map(|(i, text)| Ok((i, self.prompt_tokens(&format!(" {text}"))?)));
        let mut order = tokens.collect::<Result<Vec<_>, WhisperError>>()?;
        order.sort_by(|a, b| a.1.cmp(&b.1));
        Ok(order)
    }

    /// Weighs texts in the order of their tokens. Each may end with `mark`, too.
    #[expect(clippy::too_many_arguments, reason = "what both ways to weigh have in common")]
    fn along<'t>(
        &self,
        decoder: &mut Decoder,
        order: impl Iterator<Item = (usize, &'t [i32])>,
        weights: &mut [f32],
        floor: f32,
        mark: Option<i32>,
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<(), WhisperError> {
        let (end_of_text, timestamps) = (self.context.token_eot(), self.context.token_beg());
        let mut path = self.path(decoder, threads);
        let mut started = false;
        for (i, tokens) in order {
            if tokens.is_empty() || tokens.len() > LONGEST {
                continue;
            }
            if stop.requested() {
                return Err(WhisperError::Stopped);
            }
            if !started {
                path.start()?;
                started = true;
            }
            let shared = path.steps.iter().zip(tokens).take_while(|((a, _), b)| a == *b).count();
            if shared < path.steps.len() {
                path.back_to(shared)?;
            }
            let mut probable = path.so_far() >= floor;
            for token in tokens.iter().skip(shared) {
                probable = probable && path.step(*token, floor)?;
            }
            if probable {
                let ended = |token: i32| token == end_of_text || token >= timestamps;
                let mut weight = path.so_far() + path.probability_of(ended)?;
                // A point may be that of a decimal, so what follows it must be the end.
                if let Some(mark) = mark
                    && path.step(mark, floor)?
                {
                    weight = log_sum(&[weight, path.so_far() + path.probability_of(ended)?]);
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
        Path { decoder, threads, head, steps: Vec::new(), sum: None }
    }
}

impl Path<'_> {
    /// Through the head; what comes next is known then.
    pub(super) fn start(&mut self) -> Result<(), WhisperError> {
        // One at a time: of several only the last one's outcome is kept, where it cannot be reached.
        for at in 0..self.head.len() {
            self.decode(self.head[at], at)?;
        }
        Ok(())
    }

    /// Forgets the steps from `kept` on.
    fn back_to(&mut self, kept: usize) -> Result<(), WhisperError> {
        self.steps.truncate(kept);
        let last = self.steps.last().map_or(self.head.last(), |(token, _)| Some(token)).copied();
        match last {
            Some(token) => self.decode(token, self.head.len() + kept - 1),
            None => Ok(()),
        }
    }

    /// One token on, unless that is less probable than `floor`. Tells whether it went on.
    pub(super) fn step(&mut self, token: i32, floor: f32) -> Result<bool, WhisperError> {
        let sum = self.so_far() + self.probability(token)?;
        if sum < floor {
            return Ok(false);
        }
        self.decode(token, self.head.len() + self.steps.len())?;
        self.steps.push((token, sum));
        Ok(true)
    }

    fn so_far(&self) -> f32 {
        self.steps.last().map_or(0.0, |(_, sum)| *sum)
    }

    fn decode(&mut self, token: i32, at: usize) -> Result<(), WhisperError> {
        self.sum = None;
        let state = &mut self.decoder.state;
        state.decode(&[token], at, self.threads.max(1)).map_err(|e| WhisperError::Decode(format!("weighing: {e}")))
    }

    /// The logarithm of the probability that this token comes next.
    fn probability(&mut self, token: i32) -> Result<f32, WhisperError> {
        let logits = self.logits()?;
        let sum = self.sum.unwrap_or_else(|| log_sum(logits));
        let logit = usize::try_from(token).ok().and_then(|at| logits.get(at)).copied();
        self.sum = Some(sum);
        Ok(logit.map_or(f32::NEG_INFINITY, |logit| logit - sum))
    }

    /// The logarithm of the probability that one of these tokens comes next.
    fn probability_of(&self, wanted: impl Fn(i32) -> bool) -> Result<f32, WhisperError> {
        Ok(log_share(self.logits()?, wanted))
    }

    /// Of every token to come next.
    pub(super) fn logits(&self) -> Result<&[f32], WhisperError> {
        self.decoder.state.get_logits().map_err(|e| WhisperError::Decode(format!("weighing: {e}")))
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
