//! Softmax regression over meaning, by L-BFGS. Beside the SVMs it says how the classes share what is likely, and
//! is the better judge where a class has few sentences.

use rten::FloatOperators;
use rten_tensor::{AsView, Layout, NdTensor, TensorView};

use super::dense::dot;

/// Weights, class by class; the last of each is the bias.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Softmax {
    pub weights: Vec<f32>,
    pub width: usize,
}

/// What the data weighs beside small weights.
const COST: f32 = 6.0;
/// Steps at most.
const STEPS: usize = 60;
/// Steps that are remembered to tell the curvature.
const MEMORY: usize = 6;
/// A gradient smaller than this share of the first one is the bottom.
const FLAT: f32 = 3e-3;

/// The loss, and where it is steep.
struct Slope {
    loss: f64,
    gradient: Vec<f32>,
}

struct Problem<'a> {
    /// Row × (feature, and a one for the bias).
    x: NdTensor<f32, 2>,
    of: &'a [usize],
    classes: usize,
}

impl Problem<'_> {
    fn slope(&self, weights: &[f32]) -> Option<Slope> {
        let [rows, width] = self.x.shape();
        let w = TensorView::from_data(&[width, self.classes], weights);
        let mut scores = self.x.as_dyn().matmul(w).ok()?.into_data();
        let mut loss = 0.0_f64;
        for (row, class) in scores.chunks_mut(self.classes).zip(self.of) {
            let own = row.get(*class).copied()?;
            let sum = normalize(row);
            loss += f64::from(sum) - f64::from(own);
            *row.get_mut(*class)? -= 1.0;
        }
        let off = TensorView::from_data(&[rows, self.classes], scores.as_slice());
        let mut gradient = self.x.view().transposed().as_dyn().matmul(off).ok()?.into_data();
        gradient.iter_mut().zip(weights).for_each(|(g, w)| *g = *g * COST + w);
        Some(Slope { loss: loss * f64::from(COST) + f64::from(dot(weights, weights)) / 2.0, gradient })
    }
}

/// Scores to shares that add up to one; gives the logarithm of what they were divided by.
pub(super) fn normalize(scores: &mut [f32]) -> f32 {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0_f32;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|s| *s /= sum);
    most + sum.ln()
}

impl Softmax {
    /// Learns which rows are of which class. `None` only if the arithmetic library refuses the shapes.
    pub(super) fn train(rows: &[&[f32]], of: &[usize], classes: usize) -> Option<Self> {
        let width = rows.first()?.len() + 1;
        let data: Vec<f32> = rows.iter().flat_map(|r| r.iter().copied().chain([1.0])).collect();
        let problem = Problem { x: NdTensor::from_data([rows.len(), width], data), of, classes };
        let mut at = vec![0.0_f32; width * classes];
        let mut here = problem.slope(&at)?;
        let steep = dot(&here.gradient, &here.gradient);
        let mut past: Vec<(Vec<f32>, Vec<f32>, f32)> = Vec::new();
        for _ in 0..STEPS {
            let way = descent(&here.gradient, &past);
            let fall = dot(&way, &here.gradient);
            // The first step has no scale yet.
            let mut step = if past.is_empty() { 1.0 / steep.sqrt().max(1e-9) } else { 1.0 };
            let mut found = None;
            for _ in 0..12 {
                let there: Vec<f32> = at.iter().zip(&way).map(|(a, w)| a - step * w).collect();
                let slope = problem.slope(&there)?;
                if slope.loss <= here.loss - 1e-4 * f64::from(step) * f64::from(fall) {
                    found = Some((there, slope));
                    break;
                }
                step *= 0.5;
            }
            let Some((there, slope)) = found else { break };
            let moved: Vec<f32> = there.iter().zip(&at).map(|(t, a)| t - a).collect();
            let bent: Vec<f32> = slope.gradient.iter().zip(&here.gradient).map(|(t, h)| t - h).collect();
            let product = dot(&moved, &bent);
            if product > 0.0 {
                past.push((moved, bent, product));
                if past.len() > MEMORY {
                    past.remove(0);
                }
            }
            (at, here) = (there, slope);
            if dot(&here.gradient, &here.gradient) < steep * FLAT * FLAT {
                break;
            }
        }
        let mut weights = vec![0.0; at.len()];
        for (i, row) in at.chunks(classes).enumerate() {
            for (class, w) in row.iter().enumerate() {
                if let Some(cell) = weights.get_mut(class * width + i) {
                    *cell = *w;
                }
            }
        }
        Some(Self { weights, width })
    }

    /// How likely each class is.
    pub(super) fn shares(&self, row: &[f32]) -> Vec<f32> {
        let score = |w: &[f32]| dot(w, row) + w.last().copied().unwrap_or(0.0);
        let mut scores: Vec<f32> = self.weights.chunks(self.width.max(1)).map(score).collect();
        normalize(&mut scores);
        scores
    }
}

/// The way down by what is remembered of the curvature (two-loop recursion).
fn descent(gradient: &[f32], past: &[(Vec<f32>, Vec<f32>, f32)]) -> Vec<f32> {
    let mut way = gradient.to_vec();
    let mut shares = Vec::new();
    for (moved, bent, product) in past.iter().rev() {
        let share = dot(moved, &way) / product;
        way.iter_mut().zip(bent).for_each(|(w, b)| *w -= share * b);
        shares.push(share);
    }
    if let Some((_, bent, product)) = past.last() {
        let scale = product / dot(bent, bent).max(1e-12);
        way.iter_mut().for_each(|w| *w *= scale);
    }
    for ((moved, bent, product), share) in past.iter().zip(shares.into_iter().rev()) {
        let back = share - dot(bent, &way) / product;
        way.iter_mut().zip(moved).for_each(|(w, m)| *w += back * m);
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_corners_are_told_apart() {
        let rows: Vec<[f32; 3]> = (0..30)
            .map(|i| {
                let mut row = [0.1, 0.1, 0.1];
                row[i % 3] = 1.0;
                row
            })
            .collect();
        let of: Vec<usize> = (0..30).map(|i| i % 3).collect();
        let refs: Vec<&[f32]> = rows.iter().map(<[f32; 3]>::as_slice).collect();
        let found = Softmax::train(&refs, &of, 3).expect("shapes fit");
        for (row, class) in rows.iter().zip(of) {
            let shares = found.shares(row);
            assert!(shares[class] > 0.8, "{shares:?}");
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
        assert_eq!(Some(found), Softmax::train(&refs, &(0..30).map(|i| i % 3).collect::<Vec<_>>(), 3));
    }
}
