//! One linear SVM (squared hinge loss) for each class, by dual coordinate descent (Hsieh et al., 2008).

use super::{Row, dense::dot};

/// Weights of all classes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Weights {
    /// Sparse feature × class.
    pub table: Vec<f32>,
    /// Class × dense feature.
    pub dense: Vec<f32>,
    /// One a class.
    pub bias: Vec<f32>,
}

/// Cost of an error.
const COST: f32 = 1.0;
/// Passes over the rows; most classes settle before.
const PASSES: usize = 10;
/// A row this far on the right side is not looked at again: of many classes, most rows are.
const FAR: f32 = 0.4;
/// A pass that moves no row more than this is the last.
const SETTLED: f32 = 0.03;

pub(super) fn train(rows: &[Row], features: usize, dense: usize, classes: usize) -> Weights {
    let square = |r: &Row| r.sparse.iter().map(|(_, w)| w * w).sum::<f32>() + dot(&r.dense, &r.dense) + 1.0;
    let squares: Vec<f32> = rows.iter().map(square).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(classes).max(1);
    let mut columns: Vec<(usize, Column)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|t| {
                let squares = &squares;
                let work = move || -> Vec<(usize, Column)> {
                    (t..classes).step_by(threads).map(|c| (c, one(rows, squares, [features, dense], c))).collect()
                };
                scope.spawn(work)
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_default()).collect()
    });
    columns.sort_by_key(|(class, _)| *class);
    let mut weights = Weights { table: vec![0.0; features * classes], dense: Vec::new(), bias: Vec::new() };
    for (class, column) in columns {
        for (feature, weight) in column.sparse.iter().enumerate() {
            if let Some(cell) = weights.table.get_mut(feature * classes + class) {
                *cell = *weight;
            }
        }
        weights.dense.extend(column.dense);
        weights.bias.push(column.bias);
    }
    weights
}

/// The weights of one class.
#[derive(Default)]
struct Column {
    sparse: Vec<f32>,
    dense: Vec<f32>,
    bias: f32,
}

impl Column {
    fn score(&self, row: &Row) -> f32 {
        let sparse = row.sparse.iter().map(|&(j, x)| self.sparse.get(j as usize).copied().unwrap_or(0.0) * x);
        sparse.sum::<f32>() + dot(&self.dense, &row.dense) + self.bias
    }

    fn add(&mut self, row: &Row, step: f32) {
        for &(j, x) in &row.sparse {
            if let Some(weight) = self.sparse.get_mut(j as usize) {
                *weight += step * x;
            }
        }
        self.dense.iter_mut().zip(&row.dense).for_each(|(w, x)| *w += step * x);
        self.bias += step;
    }
}

/// One class against all others.
fn one(rows: &[Row], squares: &[f32], [features, dense]: [usize; 2], class: usize) -> Column {
    let diagonal = 1.0 / (2.0 * COST);
    let mut w = Column { sparse: vec![0.0; features], dense: vec![0.0; dense], bias: 0.0 };
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
            let (Some(row), Some(a), Some(square)) = (rows.get(i), alpha.get_mut(i), squares.get(i)) else {
                continue;
            };
            let sign = if row.class == class { 1.0 } else { -1.0 };
            let gradient = sign * w.score(row) - 1.0 + diagonal * *a;
            if *a == 0.0 && gradient > FAR {
                settled.push(i);
                continue;
            }
            let next = (*a - gradient / (square + diagonal)).max(0.0);
            let step = (next - *a) * sign;
            if step != 0.0 {
                moved = moved.max(step.abs());
                *a = next;
                w.add(row, step);
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
    /// How far each class's side of its boundary the row lies.
    pub(super) fn margins(&self, row: &Row) -> Vec<f32> {
        let classes = self.bias.len();
        let mut scores = self.bias.clone();
        for &(feature, x) in &row.sparse {
            let at = feature as usize * classes;
            for (score, weight) in scores.iter_mut().zip(self.table.get(at..at + classes).unwrap_or_default()) {
                *score += weight * x;
            }
        }
        if !row.dense.is_empty() {
            for (score, weights) in scores.iter_mut().zip(self.dense.chunks(row.dense.len())) {
                *score += dot(weights, &row.dense);
            }
        }
        scores
    }
}
