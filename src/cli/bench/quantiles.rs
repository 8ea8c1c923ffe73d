//! Quantiles of what was measured, by nearest rank: each is a value that was there.

use serde::Serialize;

/// The least of the values that these shares of them do not exceed, shares from 0 to 1; 0 where there are none.
pub(super) fn quantiles<const N: usize>(values: &[f64], shares: [f64; N]) -> [f64; N] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = |share: f64| ((values.len() as f64 * share).ceil() as usize).saturating_sub(1);
    shares.map(|share| values.get(rank(share)).copied().unwrap_or_default())
}

/// The middle and the tail.
#[derive(Serialize, Clone, Copy)]
pub(super) struct Spread {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Spread {
    pub(super) fn of(values: &[f64]) -> Self {
        let [p50, p99] = quantiles(values, [0.5, 0.99]);
        Self { p50, p99 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantiles(&values, [0.0, 0.5, 0.99, 0.999, 1.0]), [1.0, 50.0, 99.0, 100.0, 100.0]);
        // Of few the tail is the worst.
        assert_eq!(quantiles(&values[..32], [0.5, 0.95, 0.99]), [84.0, 99.0, 100.0]);
        assert_eq!(quantiles(&[7.0], [0.0, 0.99]), [7.0, 7.0]);
        assert_eq!(quantiles(&[], [0.5]), [0.0]);
    }
}
