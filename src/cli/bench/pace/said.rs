//! What is said: sentences in the program's own voice, with a pause in them and with noise under them.

use crate::{asr::wav, cli::bench::speech_intent::mix, device::message::RATE, speech::voice::Voice};

/// Quiet after what is said, in samples: longer than any pause that is waited for.
const QUIET: usize = 5 * RATE as usize / 2;
/// Of the loudest sample: what is softer is not speech any more.
const SOFT: f32 = 0.02;

/// Something to say.
pub(super) struct Spoken {
    pub(super) samples: Vec<i16>,
    /// The last sample that can be heard, but for the quiet after it.
    pub(super) ends: usize,
}

/// Parts of a sentence with a pause of so many samples between them.
pub(super) fn spoken(voice: &Voice, parts: &[&str], pause: usize) -> anyhow::Result<Spoken> {
    // A quiet room is not silent.
    let mut hum = (0_u32..).map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as i16 - 8);
    let mut quiet = |samples: usize| hum.by_ref().take(samples).collect::<Vec<i16>>();
    let (mut samples, mut ends) = (quiet(RATE as usize / 2), 0);
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            samples.extend(quiet(pause));
        }
        let sound = wav::decode(&voice.to_wav(part, 1.0)?)?;
        let loudest = sound.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
        let audible = |sample: &f32| sample.abs() > loudest * SOFT;
        let (first, last) = (sound.iter().position(audible), sound.iter().rposition(audible));
        let (Some(first), Some(last)) = (first, last) else { continue };
        samples.extend(sound[first..=last].iter().map(|s| (s * 32_767.0) as i16));
        ends = samples.len();
    }
    samples.extend(quiet(QUIET));
    Ok(Spoken { samples, ends })
}

/// What is heard where somebody speaks.
pub(super) struct Noise {
    pub(super) sound: Option<Vec<f32>>,
    pub(super) db: i32,
    pub(super) seed: u64,
}

impl Noise {
    /// All of it, the quiet after it, too, with noise under it.
    pub(super) fn around(&mut self, said: Spoken) -> Spoken {
        let Some(sound) = &self.sound else { return said };
        let plain: Vec<f32> = said.samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
        let mixed = mix(&plain, sound, self.db, &mut self.seed);
        Spoken { samples: mixed.iter().map(|s| (s * 32_767.0) as i16).collect(), ..said }
    }
}
