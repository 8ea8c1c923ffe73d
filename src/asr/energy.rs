//! A look at loudness, so that silence never costs a decode.

/// Frames of 30 ms at 16 kHz: about the shortest sound of speech.
const FRAME: usize = 480;

/// Loudest frame below which nobody can have spoken: -66 dB of full scale, where only a muted microphone's own
/// hiss is. Speech in a quiet room arrives above -45 dB; whatever is between the two is left to the model.
const SILENCE_RMS: f32 = 0.000_5;

/// Whether no frame of the clip (16 kHz) is loud enough to be speech. A constant offset is not sound.
#[must_use]
pub fn is_silent(samples: &[f32]) -> bool {
    samples.chunks(FRAME).all(|frame| rms(frame) < SILENCE_RMS)
}

fn rms(frame: &[f32]) -> f32 {
    let n = frame.len() as f32;
    let mean = frame.iter().sum::<f32>() / n;
    (frame.iter().map(|s| (s - mean) * (s - mean)).sum::<f32>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32) -> impl Iterator<Item = f32> {
        (0..FRAME * 2).map(move |i| level * (i as f32 * 0.3).sin())
    }

    #[test]
    fn silence_offset_and_dither_are_silent() {
        assert!(is_silent(&[]));
        assert!(is_silent(&vec![0.0; 16_000]));
        assert!(is_silent(&vec![0.25; 16_000]));
        let dither: Vec<f32> = (0..16_000).map(|i| if i % 3 == 0 { 1.0 / 32768.0 } else { 0.0 }).collect();
        assert!(is_silent(&dither));
    }

    #[test]
    fn one_short_faint_sound_is_not_silent() {
        let mut clip = vec![0.0; 80_000];
        for (to, from) in clip[30_000..].iter_mut().zip(tone(0.003)) {
            *to = from;
        }
        assert!(!is_silent(&clip));
    }
}
