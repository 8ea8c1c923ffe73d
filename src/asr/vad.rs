//! Whether somebody speaks, whoever and whatever the language: `earshot`, a small recurrent network over mel bands whose weights
//! come with the crate. About 2 ms of processor time a second of sound in a dev build.
//!
//! Invariant: what it says depends on the samples alone, not on how they came. It is no reason to ignore anybody alone: short
//! clips and whatever [`super::spotter`] took for a cry are heard all the same.

use std::fmt;

use earshot::Detector;

use super::wav::RATE;

/// Samples of a look: 16 ms at 16 kHz.
const FRAME: usize = 256;

/// From here on a look may be speech. Lower than for an endpointer: whoever is not heard has said it in vain.
const PERHAPS: f32 = 0.35;

/// From here on a look is speech beyond doubt.
const CLEARLY: f32 = 0.8;

/// So many such looks are somebody who speaks: 80 ms, less than the shortest word. Each of 100 recorded commands has them, with kitchen
/// noise at 6 dB, too.
const ENOUGH: usize = 5;

/// A shorter clip is always heard: a shout is short, and the network has not settled by then.
const SHORT: usize = RATE as usize;

/// Listens to one stream of sound at 16 kHz.
pub struct Vad {
    detector: Box<Detector>,
    /// Samples of a look that is not whole yet.
    part: Vec<i16>,
    latest: f32,
}

impl Default for Vad {
    fn default() -> Self {
        Self { detector: Detector::default_boxed(), part: Vec::with_capacity(FRAME), latest: 0.0 }
    }
}

impl fmt::Debug for Vad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vad").finish_non_exhaustive()
    }
}

impl Vad {
    /// Takes more samples; gives how likely somebody speaks in the last whole 16 ms, 0 to 1 (0 before the first).
    pub fn look(&mut self, samples: &[i16]) -> f32 {
        for sample in samples {
            self.part.push(*sample);
            if self.part.len() == FRAME {
                self.latest = self.detector.predict_i16(&self.part);
                self.part.clear();
            }
        }
        self.latest
    }
}

/// Whether somebody may speak in a clip (16 kHz, -1 to 1). Costs less the sooner somebody does.
#[must_use]
pub fn somebody_speaks(clip: &[f32]) -> bool {
    clip.len() < SHORT || looks(clip).filter(|likely| *likely >= PERHAPS).nth(ENOUGH - 1).is_some()
}

/// Whether a look is speech for whoever asks where somebody stops speaking: `likely` as [`Vad::look`] tells, `above` how much louder
/// it is than the quietest of the last seconds, in decibels. Of 100 recorded commands in noise of a kitchen, dishes and a tap at 6 dB
/// few are cut off by this, and half by loudness alone.
#[must_use]
pub fn is_speech(likely: f32, above: f32) -> bool {
    const SURE: f32 = 0.7;
    const LIKELY: f32 = 0.4;
    const STANDS_OUT: f32 = 20.0;
    likely >= SURE || (likely >= LIKELY && above >= STANDS_OUT)
}

/// Whether somebody speaks in a clip beyond doubt.
#[must_use]
pub fn somebody_speaks_clearly(clip: &[f32]) -> bool {
    looks(clip).filter(|likely| *likely >= CLEARLY).nth(ENOUGH - 1).is_some()
}

/// How likely somebody speaks, look after look.
fn looks(clip: &[f32]) -> impl Iterator<Item = f32> {
    let mut vad = Vad::default();
    clip.chunks_exact(FRAME).map(move |frame| {
        // A cast saturates, and what is no number becomes silence.
        let frame: Vec<i16> = frame.iter().map(|s| (s * 32_767.0) as i16).collect();
        vad.look(&frame)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::asr::wav;

    fn recordings() -> impl Iterator<Item = (String, Vec<f32>)> {
        let folder = format!("{}/audio-fixtures", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).expect("the recordings").map(|entry| entry.expect("a file").path());
        files.filter(|path| path.extension().is_some_and(|e| e == "wav")).map(|path| {
            let bytes = std::fs::read(&path).expect("a recording");
            (path.display().to_string(), wav::decode(&bytes).expect("sound"))
        })
    }

    /// Noise, the same every time.
    fn hiss(samples: usize, level: f32) -> Vec<f32> {
        let mut state = 9_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..samples).map(|_| next() * level).collect()
    }

    /// The same without its upper half, as from a fan.
    fn fan(samples: usize, level: f32) -> Vec<f32> {
        let mut low = 0.0;
        let pass = |sample: f32| {
            low = 0.95 * low + 0.05 * sample;
            low * 3.0
        };
        hiss(samples, level).into_iter().map(pass).collect()
    }

    #[test]
    fn whoever_speaks_is_noticed_also_quietly() {
        let mut recorded = 0;
        for (name, clip) in recordings() {
            recorded += 1;
            let peak = clip.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            for level in [peak, 0.01] {
                let clip: Vec<f32> = clip.iter().map(|s| s / peak * level).collect();
                assert!(somebody_speaks(&clip), "{name} at {level}");
            }
        }
        assert!(recorded > 30);
    }

    #[test]
    fn silence_hiss_and_fans_are_nobody() {
        for (what, clip) in [
            ("silence", vec![0.0; 80_000]),
            ("hiss", hiss(80_000, 0.003)),
            ("a fan", fan(80_000, 0.01)),
            ("a loud fan", fan(80_000, 0.05)),
        ] {
            assert!(!somebody_speaks(&clip) && !somebody_speaks_clearly(&clip), "{what}");
        }
    }

    #[test]
    fn what_is_short_is_heard_whatever_it_is() {
        assert!(somebody_speaks(&fan(SHORT - 1, 0.05)));
        assert!(!somebody_speaks(&fan(SHORT, 0.05)));
    }

    #[test]
    fn any_clip_is_looked_at() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, f32::MIN_POSITIVE, 1.0, -1.0];
        for clip in [odd.repeat(5_000), vec![1.0; 64_000], [1.0, -1.0].repeat(32_000), hiss(64_000, 40.0)] {
            assert!(looks(&clip).all(|likely| (0.0..=1.0).contains(&likely)));
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_samples_come(
            samples in prop::collection::vec(any::<i16>(), 0..4000),
            sizes in prop::collection::vec(1_usize..700, 1..6),
        ) {
            let whole = Vad::default().look(&samples);
            let (mut vad, mut rest, mut sizes, mut latest) = (Vad::default(), samples.as_slice(), sizes.iter().cycle(), 0.0);
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*sizes.next().expect("cycles")));
                latest = vad.look(piece);
                rest = after;
            }
            prop_assert_eq!(latest.to_bits(), whole.to_bits());
        }
    }
}
