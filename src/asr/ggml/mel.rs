//! The mel filter bank, bit for bit as librosa makes it (Slaney's scale and normalization) for 16 kHz and a
//! 400-point transform: computed in double precision, rounded to single precision twice, where librosa does.

/// Frequency bins of a 400-point transform.
pub(super) const BINS: usize = 201;

const RATE: f64 = 16_000.0;
const STEP: f64 = 200.0 / 3.0;
const KNEE_HZ: f64 = 1000.0;

/// `n_mels` × [`BINS`] weights, row by row.
pub(super) fn filters(n_mels: usize) -> Vec<f32> {
    let log_step = 6.4_f64.ln() / 27.0;
    let knee = KNEE_HZ / STEP;
    let to_hz = |mel: f64| if mel >= knee { KNEE_HZ * (log_step * (mel - knee)).exp() } else { STEP * mel };

    let top = knee + (RATE / 2.0 / KNEE_HZ).ln() / log_step;
    let spacing = top / (n_mels + 1) as f64;
    let edges: Vec<f64> =
        (0..n_mels + 2).map(|i| to_hz(if i == n_mels + 1 { top } else { i as f64 * spacing })).collect();

    let mut out = Vec::with_capacity(n_mels * BINS);
    for edge in edges.windows(3) {
        let [low, middle, high] = [edge[0], edge[1], edge[2]];
        let norm = 2.0 / (high - low);
        for bin in 0..BINS {
            let hz = bin as f64 * (RATE / 400.0);
            let rising = -(low - hz) / (middle - low);
            let falling = (high - hz) / (high - middle);
            let weight = rising.min(falling).max(0.0) as f32;
            // Adding zero turns a negative zero into the zero that the official file has.
            out.push((f64::from(weight) * norm) as f32 + 0.0);
        }
    }
    out
}
