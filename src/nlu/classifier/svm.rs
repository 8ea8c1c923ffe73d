//! One linear SVM (squared hinge loss) for each class, by dual coordinate descent (Hsieh et al., 2008).

use super::Row;

/// Weights of all classes, by feature.
#[derive(Debug)]
pub(super) struct Weights {
    /// Feature × class.
    table: Vec<f32>,
    bias: Vec<f32>,
}

/// Cost of an error.
const COST: f32 = 1.0;
/// Passes over the rows; most classes settle before.
const PASSES: usize = 10;
/// A row this far on the right side is not looked at again: of many classes, most rows are.
const FAR: f32 = 0.4;
/// A pass that moves no row more than this is the last.
const SETTLED: f32 = 0.03;

pub(super) fn train(rows: &[Row], features: usize, classes: usize) -> Weights {
    let squares: Vec<f32> = rows.iter().map(|(r, _)| r.iter().map(|(_, w)| w * w).sum::<f32>() + 1.0).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(classes).max(1);
    let mut columns: Vec<(usize, Vec<f32>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|t| {
                let squares = &squares;
                let work = move || -> Vec<(usize, Vec<f32>)> {
                    (t..classes).step_by(threads).map(|c| (c, one(rows, squares, features, c))).collect()
                };
                scope.spawn(work)
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_default()).collect()
    });
    columns.sort_by_key(|(class, _)| *class);
    let mut weights = Weights { table: vec![0.0; features * classes], bias: vec![0.0; classes] };
    for (class, column) in columns {
        for (feature, weight) in column.iter().take(features).enumerate() {
            if let Some(cell) = weights.table.get_mut(feature * classes + class) {
                *cell = *weight;
            }
        }
        if let (Some(bias), Some(last)) = (weights.bias.get_mut(class), column.last()) {
            *bias = *last;
        }
    }
    weights
}

/// The weights of one class against all others; the bias comes last.
fn one(rows: &[Row], squares: &[f32], features: usize, class: usize) -> Vec<f32> {
    let diagonal = 1.0 / (2.0 * COST);
    let mut w = vec![0.0_f32; features + 1];
    let mut alpha = vec![0.0_f32; rows.len()];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut seed = 12_345_u64 + class as u64;
    for _ in 0..PASSES {
        for i in (1..order.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(i, (seed >> 33) as usize % (i + 1));
        }
        let mut moved = 0.0_f32;
        let mut settled = Vec::new();
        for &i in &order {
            let (Some((row, of)), Some(a), Some(square)) = (rows.get(i), alpha.get_mut(i), squares.get(i)) else {
                continue;
            };
            let sign = if *of == class { 1.0 } else { -1.0 };
            let bias = w.last().copied().unwrap_or(0.0);
            let score = row.iter().map(|&(j, x)| w.get(j as usize).copied().unwrap_or(0.0) * x).sum::<f32>() + bias;
            let gradient = sign * score - 1.0 + diagonal * *a;
            if *a == 0.0 && gradient > FAR {
                settled.push(i);
                continue;
            }
            let next = (*a - gradient / (square + diagonal)).max(0.0);
            let step = (next - *a) * sign;
            if step != 0.0 {
                moved = moved.max(step.abs());
                *a = next;
                for &(j, x) in row {
                    if let Some(weight) = w.get_mut(j as usize) {
                        *weight += step * x;
                    }
                }
                if let Some(bias) = w.last_mut() {
                    *bias += step;
                }
            }
        }
        if !settled.is_empty() {
            settled.sort_unstable();
            order.retain(|i| settled.binary_search(i).is_err());
        }
        if moved < SETTLED {
            break;
        }
    }
    w
}

impl Weights {
    /// How far each class's side of its boundary the vector lies.
    pub(super) fn margins(&self, vector: &[(u32, f32)], classes: usize) -> Vec<f32> {
        let mut scores = self.bias.clone();
        for &(feature, x) in vector {
            let at = feature as usize * classes;
            for (score, weight) in scores.iter_mut().zip(self.table.get(at..at + classes).unwrap_or_default()) {
                *score += weight * x;
            }
        }
        scores
    }
}
