//! Exact noise from uniform bits: whole numbers only, after Canonne, Kamath and Steinke ("The Discrete Gaussian for
//! Differential Privacy", NeurIPS 2020, algorithms 1 and 2).
//!
//! Invariant: no floating point, so that no gap between representable numbers tells what the noise was added to.

/// There were no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are no random bytes, and without noise nothing may be told")]
pub struct NoRandomness;

/// Bytes that are asked for at once.
const TOGETHER: usize = 1024;

/// Fills a buffer with random bytes, or says that there are none.
type Fill<'a> = dyn FnMut(&mut [u8]) -> Result<(), NoRandomness> + Send + 'a;

/// Draws from random bytes. Outside tests they must come from a cryptographic generator.
pub struct Dice<'a> {
    fill: Box<Fill<'a>>,
    buffer: Vec<u8>,
}

impl<'a> Dice<'a> {
    /// From a source of bytes.
    pub fn new(fill: impl FnMut(&mut [u8]) -> Result<(), NoRandomness> + Send + 'a) -> Self {
        Self { fill: Box::new(fill), buffer: Vec::new() }
    }

    fn word(&mut self) -> Result<u64, NoRandomness> {
        if self.buffer.len() < 8 {
            self.buffer.resize(TOGETHER, 0);
            (self.fill)(&mut self.buffer)?;
        }
        let at = self.buffer.len() - 8;
        let bytes = self.buffer.split_off(at);
        Ok(bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }

    /// A number below `n`, each as likely; 0 where `n` is.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn below(&mut self, n: u64) -> Result<u64, NoRandomness> {
        if n <= 1 {
            return Ok(0);
        }
        // The last numbers would make some remainders likelier.
        let whole = u64::MAX - u64::MAX % n;
        loop {
            let word = self.word()?;
            if word < whole {
                return Ok(word % n);
            }
        }
    }

    /// Puts items into any order, each as likely.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn shuffle<T>(&mut self, items: &mut [T]) -> Result<(), NoRandomness> {
        for n in (1..items.len()).rev() {
            let other = usize::try_from(self.below(n as u64 + 1)?).unwrap_or(n);
            items.swap(n, other);
        }
        Ok(())
    }

    /// True with a chance of `exp(-num / den)`, for `num <= den`.
    fn decays(&mut self, num: u64, den: u64) -> Result<bool, NoRandomness> {
        let mut k = 1;
        while self.below(den * k)? < num {
            k += 1;
        }
        Ok(k % 2 == 1)
    }

    /// A whole number `z` with a chance that goes by `exp(-|z| * num / den)`.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn laplace(&mut self, num: u64, den: u64) -> Result<i64, NoRandomness> {
        loop {
            let low = self.below(den)?;
            if !self.decays(low, den)? {
                continue;
            }
            let mut high = 0;
            while self.decays(1, 1)? {
                high += 1;
            }
            let size = (low + den * high) / num.max(1);
            let negative = self.below(2)? == 1;
            if negative && size == 0 {
                // Or nothing would be twice as likely.
                continue;
            }
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            return Ok(if negative { -size } else { size });
        }
    }
}

#[cfg(test)]
impl Dice<'static> {
    /// SplitMix64: for tests alone.
    pub fn seeded(seed: u64) -> Self {
        let mut state = seed;
        Self::new(move |bytes| {
            for part in bytes.chunks_mut(8) {
                state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = state;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                part.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..part.len()]);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::Rule;

    #[test]
    fn the_noise_has_the_shape_it_must_have() {
        for (items, epsilon_milli) in [(4, 1000), (1, 1000), (3, 700)] {
            let rule = Rule { people: 11, items, epsilon_milli, delta: 1e-6 };
            let (mut dice, draws) = (Dice::seeded(7), 60_000);
            let mut seen = std::collections::BTreeMap::<i64, u32>::new();
            for _ in 0..draws {
                let z = dice.laplace(u64::from(epsilon_milli), u64::from(items) * 1000).expect("bytes");
                *seen.entry(z).or_default() += 1;
            }
            // Pearson's statistic over all steps that are likely enough; the bound is far out in its tail.
            let (mut statistic, mut cells) = (0.0, 0);
            for z in -60..=60 {
                let expected = rule.chance(z) * f64::from(draws);
                if expected >= 20.0 {
                    let found = f64::from(seen.get(&z).copied().unwrap_or(0));
                    statistic += (found - expected).powi(2) / expected;
                    cells += 1;
                }
            }
            let bound = f64::from(cells) + 5.0 * (2.0 * f64::from(cells)).sqrt();
            assert!(statistic < bound, "{items} {epsilon_milli}: {statistic} over {cells}");
        }
    }

    #[test]
    fn numbers_below_are_evenly_drawn() {
        let mut dice = Dice::seeded(3);
        let mut seen = [0_u32; 6];
        for _ in 0..60_000 {
            seen[usize::try_from(dice.below(6).expect("bytes")).expect("small")] += 1;
        }
        assert!(seen.iter().all(|n| (9_600..10_400).contains(n)), "{seen:?}");
        assert_eq!(dice.below(1), Ok(0));
    }

    #[test]
    fn without_bytes_there_is_no_noise() {
        let mut dice = Dice::new(|_| Err(NoRandomness));
        assert_eq!(dice.laplace(1000, 4000), Err(NoRandomness));
    }
}
