//! A clip as the spotter's network sees it: the loudness of mel bands over time, beside the loudest of the piece.
//!
//! `make.py` does the same; the two must agree (`tests::bands_are_those_the_network_learned_from`).

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use crate::asr::wav::RATE;

/// Mel bands (O'Shaughnessy's formula, 60 to 7600 Hz).
pub const BANDS: usize = 40;
/// 25 ms, Hann.
const WINDOW: usize = 400;
/// 10 ms.
const HOP: usize = 160;
const FFT: usize = 512;
/// A shorter piece is filled up with silence: the network looks at nearly a second at a time.
const SHORTEST: usize = RATE as usize * 13 / 10;
/// What is 50 dB below the loudest is silence.
const FLOOR: f32 = 1e-5;
/// Half of -ln([`FLOOR`]): loudness goes from -1 to 1.
const HALF: f32 = 5.756;

/// Windows and filters, made once.
pub struct Bands {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    filters: Vec<Filter>,
}

/// One triangle: where it begins, and its weights.
struct Filter {
    from: usize,
    weights: Vec<f32>,
}

impl Bands {
    pub fn new() -> Self {
        let turn = |i: usize| std::f64::consts::TAU * i as f64 / WINDOW as f64;
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(FFT),
            window: (0..WINDOW).map(|i| (0.5 - 0.5 * turn(i).cos()) as f32).collect(),
            filters: filters(),
        }
    }

    /// The bands of a piece, band after band: [`BANDS`] times as many numbers as there are frames.
    pub fn of(&self, piece: &[f32]) -> Vec<f32> {
        let frames = 1 + (piece.len().max(SHORTEST) - WINDOW) / HOP;
        let mut energies = vec![0.0; BANDS * frames];
        let (mut windowed, mut spectrum) = (self.fft.make_input_vec(), self.fft.make_output_vec());
        let mut power = vec![0.0; spectrum.len()];
        for frame in 0..frames {
            let samples = piece.get(frame * HOP..).unwrap_or(&[]);
            for (i, slot) in windowed.iter_mut().enumerate() {
                *slot = match (samples.get(i), self.window.get(i)) {
                    (Some(sample), Some(weight)) => sample * weight,
                    _ => 0.0,
                };
            }
            // It fails only for buffers of another length than its own.
            if self.fft.process(&mut windowed, &mut spectrum).is_err() {
                continue;
            }
            for (to, of) in power.iter_mut().zip(&spectrum) {
                *to = of.norm_sqr();
            }
            for (band, filter) in self.filters.iter().enumerate() {
                let weighted = filter.weights.iter().zip(&power[filter.from..]).map(|(w, p)| w * p);
                energies[band * frames + frame] = weighted.sum();
            }
        }
        beside_the_loudest(energies)
    }
}

fn beside_the_loudest(mut energies: Vec<f32>) -> Vec<f32> {
    let loudest = energies.iter().copied().fold(0.0, f32::max);
    for energy in &mut energies {
        *energy =
            if loudest > 0.0 && energy.is_finite() { (*energy / loudest).max(FLOOR).ln() / HALF + 1.0 } else { -1.0 };
    }
    energies
}

fn filters() -> Vec<Filter> {
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let (low, high) = (mel(60.0), mel(7600.0));
    let edge = |i: usize| hz(low + (high - low) * i as f64 / (BANDS + 1) as f64);
    let at = |bin: usize| bin as f64 * f64::from(RATE) / FFT as f64;
    (0..BANDS)
        .map(|band| {
            let (left, top, right) = (edge(band), edge(band + 1), edge(band + 2));
            let weight = |bin: usize| ((at(bin) - left) / (top - left)).min((right - at(bin)) / (right - top)).max(0.0);
            let bins = || (0..=FFT / 2).filter(|bin| weight(*bin) > 0.0);
            Filter { from: bins().next().unwrap_or(0), weights: bins().map(|bin| weight(bin) as f32).collect() }
        })
        .collect()
}
