//! A spectrum to sound: a train of pulses at the voice's pitch, shaped by the harmonic part; noise shaped by the
//! breath part; the free part as it is; summed and brought back to a waveform by overlapping frames.
//!
//! The algorithm is that of the hibari voice (see NOTICE), written anew for Rust.

use std::{f32::consts::PI, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use super::{
    SAMPLE_RATE, VoiceError,
    network::{BINS, Spectrum},
};

/// Samples a frame.
const FRAME: usize = 1200;
/// Samples from one frame to the next.
const HOP: usize = 300;
/// Frames that overlap at any sample.
const OVERLAP: usize = FRAME / HOP;
/// Pitch below which there is no voice, Hz.
const UNVOICED: f32 = 40.0;
/// Harmonics above this are left out, Hz.
const HIGHEST_HARMONIC: f32 = 11_000.0;
/// Largest log gain: a wild value from the network must not become a bang.
const LARGEST_GAIN: f32 = 7.0;

/// Turns spectra into sound. Holds only tables.
pub struct Synth {
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Default for Synth {
    fn default() -> Self {
        let mut planner = RealFftPlanner::new();
        let turn = |i: usize| (2.0 * std::f64::consts::PI * i as f64 / FRAME as f64).cos();
        Self {
            window: (0..FRAME).map(|i| (0.5 - 0.5 * turn(i)) as f32).collect(),
            forward: planner.plan_fft_forward(FRAME),
            inverse: planner.plan_fft_inverse(FRAME),
        }
    }
}

impl Synth {
    /// Begins on a waveform: [`HOP`] samples a frame, mono, around ±1. The same spectrum and noise give the same sound, however it is
    /// taken.
    pub fn begin(&self, spectrum: Spectrum) -> Sounding<'_> {
        let source = reflect(&pulses(&spectrum.pitch), FRAME / 2);
        let length = (spectrum.frames + OVERLAP) * HOP;
        Sounding {
            synth: self,
            source,
            sound: vec![0.0; length],
            weight: vec![0.0; length],
            frame: self.forward.make_input_vec(),
            bins: self.forward.make_output_vec(),
            scratch: [self.forward.make_scratch_vec(), self.inverse.make_scratch_vec()],
            spectrum,
            made: 0,
            given: 0,
        }
    }
}

/// A waveform that is being made.
pub struct Sounding<'s> {
    synth: &'s Synth,
    spectrum: Spectrum,
    source: Vec<f32>,
    sound: Vec<f32>,
    weight: Vec<f32>,
    frame: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: [Vec<Complex<f32>>; 2],
    /// Frames that are in it.
    made: usize,
    /// Samples that were given.
    given: usize,
}

impl Sounding<'_> {
    /// So many frames more of it, or what is left; `None` where nothing is.
    pub fn more(&mut self, frames: usize, noise: &mut Noise) -> Result<Option<Vec<f32>>, VoiceError> {
        let all = self.spectrum.frames;
        let until = all.min(self.made.saturating_add(frames));
        while self.made < until {
            self.frame(self.made, noise).map_err(|e| VoiceError::Network(e.to_string()))?;
            self.made += 1;
        }
        // What no frame to come reaches, and what lies before the middle of the first.
        let half = FRAME / 2;
        let whole = if self.made == all { all * HOP } else { (self.made * HOP).saturating_sub(half) };
        if whole <= self.given {
            return Ok(None);
        }
        let span = self.given + half..whole + half;
        self.given = whole;
        let kept = self.sound[span.clone()].iter().zip(&self.weight[span]);
        Ok(Some(kept.map(|(sample, weight)| sample / weight.max(1e-11)).collect()))
    }

    fn frame(&mut self, f: usize, noise: &mut Noise) -> Result<(), realfft::FftError> {
        let Self { synth, spectrum, source, sound, weight, frame, bins, scratch: [forward, inverse], .. } = self;
        let (at, frames) = (f * HOP, spectrum.frames);
        // A unit cosine then peaks at 1 in the spectrum, so the gains are magnitudes.
        let scale = 4.0 / FRAME as f32;
        for ((sample, input), window) in frame.iter_mut().zip(&source[at..at + FRAME]).zip(&synth.window) {
            *sample = input * window * scale;
        }
        synth.forward.process_with_scratch(frame, bins, forward)?;
        for (row, bin) in bins.iter_mut().enumerate() {
            let i = row * frames + f;
            let voiced = turned(gain(spectrum.harmonic_gain[i]), PI * spectrum.harmonic_phase[i].tanh());
            let free = turned(gain(spectrum.free_gain[i]), spectrum.free_phase[i]);
            *bin = *bin * voiced + noise.complex() * gain(spectrum.noise_gain[i]) + free;
        }
        // A real signal has no phase at zero and at half the sampling rate.
        bins[0].im = 0.0;
        bins[BINS - 1].im = 0.0;
        synth.inverse.process_with_scratch(bins, frame, inverse)?;
        let (out, total) = (&mut sound[at..at + FRAME], &mut weight[at..at + FRAME]);
        for (((out, total), sample), window) in out.iter_mut().zip(total).zip(frame.iter()).zip(&synth.window) {
            *out += sample * window / FRAME as f32;
            *total += window * window;
        }
        Ok(())
    }
}

fn gain(log: f32) -> f32 {
    log.min(LARGEST_GAIN).exp()
}

fn turned(length: f32, angle: f32) -> Complex<f32> {
    let (sin, cos) = angle.sin_cos();
    Complex::new(length * cos, length * sin)
}

/// A pulse train: every harmonic of the pitch below [`HIGHEST_HARMONIC`] at unit amplitude, by the closed form
/// `Σ cos(h·t) = sin((H+½)t) / (2·sin(t/2)) − ½`; silence where there is no voice.
fn pulses(pitch: &[f32]) -> Vec<f32> {
    let at = |f: isize| pitch.get(f.clamp(0, pitch.len() as isize - 1) as usize).copied().unwrap_or(0.0);
    let mut phase = 0f64;
    let mut out = Vec::with_capacity(pitch.len() * HOP);
    for f in 0..pitch.len() as isize {
        for j in 0..HOP {
            // Pitch is known in the middle of each frame, and goes straight from one to the next.
            let place = (j as f32 + 0.5) / HOP as f32 - 0.5;
            let (from, to, share) =
                if place < 0.0 { (at(f - 1), at(f), place + 1.0) } else { (at(f), at(f + 1), place) };
            let hz = from * (1.0 - share) + to * share;
            let voiced = hz > UNVOICED;
            let hz = hz.max(UNVOICED);
            phase = (phase + f64::from(hz) / f64::from(SAMPLE_RATE)).fract();
            if !voiced {
                out.push(0.0);
                continue;
            }
            let turn = (phase * std::f64::consts::TAU) as f32;
            let harmonics = (HIGHEST_HARMONIC / hz).floor() + 0.5;
            let below = 2.0 * (turn * 0.5).sin();
            let sum = if below.abs() <= 2e-3 { harmonics } else { (harmonics * turn).sin() / below };
            out.push(sum - 0.5);
        }
    }
    out
}

/// The signal with `margin` samples mirrored at each end, and as many more frames as overlap.
fn reflect(signal: &[f32], margin: usize) -> Vec<f32> {
    let last = signal.len().saturating_sub(1);
    let mirrored = |i: usize| signal.get(i.min(last)).copied().unwrap_or(0.0);
    let before = (0..margin).map(|i| mirrored(margin - i));
    let after = (0..margin).map(|i| mirrored(last.saturating_sub(i + 1)));
    before.chain(signal.iter().copied()).chain(after).collect()
}

/// Seeded noise, near enough to Gaussian for breath: each value the sum of four uniform ones.
#[derive(Clone)]
pub struct Noise(u64);

impl Noise {
    /// The same seed gives the same noise.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number of mean 0 and variance 1 in each part.
    fn complex(&mut self) -> Complex<f32> {
        Complex::new(self.normal(), self.normal())
    }

    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        // Four uniforms on 0..65536: mean 131070, deviation 65536/√3.
        (sum as f32 - 131_070.0) * (1.732_050_8 / 65_536.0)
    }

    /// SplitMix64 (public domain, Sebastiano Vigna): stable across versions and platforms, unlike a crate's generator.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(spectrum: Spectrum) -> Vec<f32> {
        Synth::default().begin(spectrum).more(usize::MAX, &mut Noise::new(0)).unwrap().unwrap_or_default()
    }

    #[test]
    fn it_is_the_same_sound_however_it_is_taken() {
        let frames = 17;
        let spectrum = || {
            let table = |seed: u64| {
                let mut noise = Noise::new(seed);
                (0..BINS * frames).map(|_| noise.normal()).collect::<Vec<f32>>()
            };
            let pitch = (0..frames).map(|f| if f % 5 == 0 { 0.0 } else { 90.0 + f as f32 }).collect();
            Spectrum {
                frames,
                harmonic_gain: table(1),
                harmonic_phase: table(2),
                noise_gain: table(3),
                free_gain: table(4),
                free_phase: table(5),
                pitch,
            }
        };
        let expected = whole(spectrum());
        assert_eq!(expected.len(), frames * HOP);
        for steps in [[1, 1], [2, 1], [3, 30], [16, 1], [17, 1], [40, 1]] {
            let (synth, mut noise) = (Synth::default(), Noise::new(0));
            let mut sounding = synth.begin(spectrum());
            let mut sound = Vec::new();
            for step in std::iter::repeat_n(steps, 40).flatten() {
                sound.extend(sounding.more(step, &mut noise).unwrap().unwrap_or_default());
            }
            assert!(sound == expected, "{steps:?}: {} samples", sound.len());
        }
    }

    #[test]
    fn noise_is_centred_has_unit_power_and_repeats() {
        let mut noise = Noise::new(7);
        let values: Vec<f32> = (0..100_000).map(|_| noise.normal()).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let power = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.02 && (power - 1.0).abs() < 0.02, "{mean} {power}");
        assert_eq!(Noise::new(7).normal(), values[0]);
        assert_ne!(Noise::new(8).normal(), values[0]);
    }

    #[test]
    fn pulses_come_at_the_pitch() {
        // 200 Hz: one peak each 120 samples, as high as there are harmonics (55).
        let train = pulses(&[200.0; 20]);
        let peaks: Vec<usize> = (1..train.len() - 1)
            .filter(|&i| train[i] > 40.0 && train[i] >= train[i - 1] && train[i] > train[i + 1])
            .collect();
        assert!(peaks.len() >= 48, "{}", peaks.len());
        assert!(peaks.windows(2).all(|w| (119..=121).contains(&(w[1] - w[0]))), "{peaks:?}");
        assert!(pulses(&[20.0; 4]).iter().all(|s| *s == 0.0));
    }

    #[test]
    fn a_free_part_alone_comes_out_as_its_tone() {
        // 1 kHz is bin 50; its phase advances by 2π·1000·300/24000 = 25π a frame.
        let frames = 40;
        let silent = || vec![-60.0; BINS * frames];
        let mut free_gain = silent();
        let mut free_phase = vec![0.0; BINS * frames];
        for f in 0..frames {
            free_gain[50 * frames + f] = (FRAME as f32 / 4.0).ln();
            free_phase[50 * frames + f] = PI * (25 * f % 2) as f32;
        }
        let spectrum = Spectrum {
            frames,
            harmonic_gain: silent(),
            harmonic_phase: vec![0.0; BINS * frames],
            noise_gain: silent(),
            free_gain,
            free_phase,
            pitch: vec![0.0; frames],
        };
        let sound = whole(spectrum);
        assert_eq!(sound.len(), frames * HOP);
        let middle = &sound[3000..9000];
        let crossings = middle.windows(2).filter(|w| (w[0] < 0.0) != (w[1] < 0.0)).count();
        assert!((495..=505).contains(&crossings), "{crossings} zero crossings in a quarter of a second");
    }

    #[test]
    fn no_frames_is_no_sound() {
        let none = Vec::new;
        let spectrum = Spectrum {
            frames: 0,
            harmonic_gain: none(),
            harmonic_phase: none(),
            noise_gain: none(),
            free_gain: none(),
            free_phase: none(),
            pitch: none(),
        };
        assert!(whole(spectrum).is_empty());
    }
}
