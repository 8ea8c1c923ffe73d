//! A text while it is said.
//!
//! Invariant: the samples of all pieces together are the same, however the text is cut into them; a piece is made when it is asked for and
//! not before.

use std::{collections::VecDeque, vec};

use super::{Delivery, Voice, VoiceError, normalize::Sentence, phonemes, synth, within};

/// Frames of the first piece: half a second, longer than the rest of a sentence takes to make.
const FIRST: usize = 40;

/// What is still to be said of a text.
pub struct Saying<'v> {
    voice: &'v Voice,
    delivery: Delivery,
    sentences: vec::IntoIter<Sentence>,
    runs: VecDeque<String>,
    noise: synth::Noise,
    /// What is being said, and how many frames of it come next.
    now: Option<(synth::Sounding<'v>, usize)>,
    /// Whether nothing was said yet.
    silent: bool,
}

impl<'v> Saying<'v> {
    pub(super) fn new(voice: &'v Voice, sentences: Vec<Sentence>, delivery: Delivery) -> Self {
        let noise = synth::Noise::new(delivery.seed);
        let sentences = sentences.into_iter();
        Self { voice, delivery, sentences, runs: VecDeque::new(), noise, now: None, silent: true }
    }

    /// The next piece; `None` after the last.
    fn piece(&mut self) -> Result<Option<Vec<f32>>, VoiceError> {
        loop {
            if let Some((sounding, frames)) = &mut self.now {
                if let Some(sound) = sounding.more(*frames, &mut self.noise)? {
                    *frames = usize::MAX;
                    return Ok(Some(within(sound)));
                }
                self.now = None;
            }
            let Some(run) = self.runs.pop_front() else {
                let Some(sentence) = self.sentences.next() else { return Ok(None) };
                let runs = self.voice.phonemizer.phonemes(&sentence)?;
                self.runs = if self.silent { phonemes::breathe_early(runs) } else { runs }.into();
                continue;
            };
            let first = std::mem::replace(&mut self.silent, false);
            if first
                && self.delivery == Delivery::default()
                && let Some((sound, after)) = self.voice.prompts.get(&run)
            {
                self.noise.clone_from(after);
                return Ok(Some(sound.clone()));
            }
            let spectrum = self.voice.network.spectrum(&run, self.delivery.speed)?;
            self.now = Some((self.voice.synth.begin(spectrum), if first { FIRST } else { usize::MAX }));
        }
    }
}

impl Iterator for Saying<'_> {
    type Item = Result<Vec<f32>, VoiceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.piece().transpose()
    }
}
