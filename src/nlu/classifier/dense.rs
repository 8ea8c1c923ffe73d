//! Embeddings as features: each layer's numbers made alike in size, each layer made one length.

use crate::nlu::embed::{LAYERS, WIDTH};

/// What each layer weighs beside the others, first the last. Found on the validation part of CLINC150.
const WEIGHTS: [f32; LAYERS] = [1.2, 0.7, 0.7];
/// A number that hardly varies is not blown up: this share of the usual spread is added to its own.
const FLOOR: f32 = 0.1;

/// Mean and spread of each number, over what was learned from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dense {
    pub mean: Vec<f32>,
    /// One over the spread.
    pub scale: Vec<f32>,
}

impl Dense {
    pub fn learn<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone) -> Self {
        let width = WIDTH * LAYERS;
        let (mut sum, mut squares, mut n) = (vec![0.0_f64; width], vec![0.0_f64; width], 0.0_f64);
        for row in rows {
            n += 1.0;
            for ((s, q), x) in sum.iter_mut().zip(&mut squares).zip(row) {
                *s += f64::from(*x);
                *q += f64::from(*x) * f64::from(*x);
            }
        }
        let n = n.max(1.0);
        let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
        let spread: Vec<f64> = squares.iter().zip(&mean).map(|(q, m)| (q / n - m * m).max(0.0).sqrt()).collect();
        let mut scale = Vec::with_capacity(width);
        for layer in spread.chunks(WIDTH) {
            let usual = layer.iter().sum::<f64>() / WIDTH as f64;
            let floor = (usual * f64::from(FLOOR)).max(1e-9);
            scale.extend(layer.iter().map(|s| (1.0 / (s + floor)) as f32));
        }
        Self { mean: mean.into_iter().map(|m| m as f32).collect(), scale }
    }

    pub const fn len(&self) -> usize {
        self.mean.len()
    }

    /// An embedding as features.
    pub fn features(&self, row: &[f32]) -> Vec<f32> {
        let mut out: Vec<f32> =
            row.iter().zip(&self.mean).zip(&self.scale).map(|((x, mean), scale)| (x - mean) * scale).collect();
        for (layer, weight) in out.chunks_mut(WIDTH).zip(WEIGHTS) {
            let by = weight / layer.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
            layer.iter_mut().for_each(|x| *x *= by);
        }
        out
    }
}

/// The product of two rows of numbers, in eight sums that the processor works on at once.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (x, y) in a.iter().zip(b) {
        for ((s, x), y) in sums.iter_mut().zip(x).zip(y) {
            *s += x * y;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
}
