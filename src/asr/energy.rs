//! A look at loudness: silence never costs a decode, and a long clip is cut where nobody speaks.

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

/// Cuts a clip into windows of at most `longest` samples, each cut at the quietest moment of the window's last
/// third. The windows are the clip, in order.
#[must_use]
pub fn windows(clip: &[f32], longest: usize) -> Vec<&[f32]> {
    let mut windows = Vec::new();
    let mut rest = clip;
    while rest.len() > longest {
        let from = longest - longest / 3;
        let quietest = rest[from..longest]
            .chunks_exact(FRAME)
            .map(rms)
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(longest, |(i, _)| from + i * FRAME + FRAME / 2);
        let (window, after) = rest.split_at(quietest);
        windows.push(window);
        rest = after;
    }
    windows.push(rest);
    windows
}

fn rms(frame: &[f32]) -> f32 {
    let n = frame.len() as f32;
    let mean = frame.iter().sum::<f32>() / n;
    (frame.iter().map(|s| (s - mean) * (s - mean)).sum::<f32>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32) -> impl Iterator<Item = f32> + Clone {
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
    fn long_clips_are_cut_in_pauses() {
        let mut clip: Vec<f32> = tone(0.3).cycle().take(100_000).collect();
        clip[25_000..26_000].fill(0.0);
        clip[50_000..51_000].fill(0.001);
        let windows = windows(&clip, 30_000);
        assert_eq!(windows.concat(), clip);
        assert!(windows.iter().all(|w| w.len() <= 30_000 && !w.is_empty()));
        assert!((25_000..26_000).contains(&windows[0].len()), "{}", windows[0].len());
        assert!((50_000..51_000).contains(&(windows[0].len() + windows[1].len())));
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
