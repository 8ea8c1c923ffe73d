//! From margins to a confidence that means "how often is this right", and the two thresholds on it.

/// What speaks for a prediction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    /// Distance on the right side of the class's boundary.
    pub margin: f32,
    /// Lead over the next class, out-of-scope included; negative when it trails.
    pub gap: f32,
    /// Likeness in words and letters to the nearest sentence of the class, 0 to 1.
    pub nearest: f32,
    /// Where meaning is known, this alone counts: how likely the class is, times the likeness in meaning to its
    /// nearest sentence, 0 to 1.
    pub strength: f32,
}

impl Signs {
    const fn all(self) -> [f32; SIGNS] {
        [self.margin, self.gap, self.nearest, self.strength]
    }
}

const SIGNS: usize = 4;

/// Confidence as a logistic function of the signs, and the thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    slope: [f32; SIGNS],
    offset: f32,
    /// From here on the prediction is taken.
    pub sure: f32,
    /// From here on "did you mean" is asked; below, nothing fits.
    pub maybe: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { slope: [1.0; SIGNS], offset: 0.0, sure: 0.8, maybe: 0.5 }
    }
}

/// A wrong question ("did you mean …?") costs as much as this many right ones bring.
const PRICE: f32 = 1.0;
/// Of the predictions taken without asking, this share was right about unseen sentences.
const PRECISION: f32 = 0.97;

impl Calibration {
    /// As plain numbers, for keeping.
    pub(super) fn numbers(&self) -> Vec<f32> {
        self.slope.into_iter().chain([self.offset, self.sure, self.maybe]).collect()
    }

    /// Of such numbers.
    pub(super) fn of(numbers: &[f32]) -> Option<Self> {
        let (slope, rest) = numbers.split_first_chunk::<SIGNS>()?;
        let [offset, sure, maybe] = *<&[f32; 3]>::try_from(rest).ok()?;
        Some(Self { slope: *slope, offset, sure, maybe })
    }

    /// Confidence, 0 to 1.
    pub(super) fn confidence(&self, signs: Signs) -> f32 {
        let z = self.slope.iter().zip(signs.all()).map(|(a, x)| a * x).sum::<f32>() + self.offset;
        1.0 / (1.0 + (-z).exp())
    }

    /// Learns from predictions about unseen sentences and whether they were right.
    pub(super) fn learn(seen: &[(Signs, bool)]) -> Self {
        let mut found = Self { slope: [1.0; SIGNS], offset: -1.0, ..Self::default() };
        if seen.is_empty() {
            return found;
        }
        let share = 1.0 / f32::from(u16::try_from(seen.len()).unwrap_or(u16::MAX));
        let mut speed = [0.0_f32; SIGNS + 1];
        for _ in 0..1200 {
            let mut pull = [0.0_f32; SIGNS + 1];
            for (signs, right) in seen {
                let off = f32::from(u8::from(*right)) - found.confidence(*signs);
                for (p, x) in pull.iter_mut().zip(signs.all().into_iter().chain([1.0])) {
                    *p += off * x * share;
                }
            }
            for (v, p) in speed.iter_mut().zip(pull) {
                *v = 0.9 * *v + p;
            }
            for (w, v) in found.slope.iter_mut().zip(speed) {
                // Each sign speaks for the prediction; a slope against it would be noise.
                *w = (*w + 0.5 * v).max(0.0);
            }
            found.offset += 0.5 * speed[SIGNS];
        }
        found.thresholds(seen);
        found
    }

    fn thresholds(&mut self, seen: &[(Signs, bool)]) {
        let mut ranked: Vec<(f32, bool)> = seen.iter().map(|(s, right)| (self.confidence(*s), *right)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut right, mut taken, mut gain, mut most) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
        (self.sure, self.maybe) = (1.0, 1.0);
        let next = ranked.iter().skip(1).map(|(c, _)| *c).chain([-1.0]).collect::<Vec<_>>();
        for ((confidence, is_right), next) in ranked.into_iter().zip(next) {
            taken += 1.0;
            right += f32::from(u8::from(is_right));
            gain += if is_right { 1.0 } else { -PRICE };
            // A threshold cannot part equals.
            if confidence <= next {
                continue;
            }
            if right / taken >= PRECISION {
                self.sure = confidence;
            }
            if gain > most {
                most = gain;
                self.maybe = confidence;
            }
        }
        self.maybe = self.maybe.min(self.sure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_follows_how_often_it_was_right() {
        // Strong signs are right 19 times of 20, weak ones 1 time of 4.
        let at = |margin, gap, nearest| Signs { margin, gap, nearest, strength: nearest };
        let (strong, weak) = (at(0.8, 1.2, 0.9), at(-0.6, 0.1, 0.3));
        let mut seen = Vec::new();
        for i in 0..200 {
            seen.push((strong, i % 20 != 0));
            seen.push((weak, i % 4 == 0));
        }
        let found = Calibration::learn(&seen);
        assert!((found.confidence(strong) - 0.95).abs() < 0.05, "{found:?}");
        assert!((found.confidence(weak) - 0.25).abs() < 0.08, "{found:?}");
        assert!(found.confidence(weak) < found.maybe && found.confidence(strong) >= found.maybe, "{found:?}");
    }
}
