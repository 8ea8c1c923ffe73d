//! A trained model as bytes, and back: so that a start need not train what did not change.
//!
//! Nothing here judges whether the bytes are to be believed; [`crate::nlu::shelf`] does, by their checksum.

use super::{Calibration, Dense, Known, Model, Softmax, Space, svm::Weights};

/// Little-endian numbers and lists of them, each list with its length before it.
#[derive(Default)]
struct Out(Vec<u8>);

impl Out {
    fn number(&mut self, n: u64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn floats(&mut self, list: &[f32]) {
        self.number(list.len() as u64);
        list.iter().for_each(|x| self.0.extend_from_slice(&x.to_le_bytes()));
    }

    fn sparse(&mut self, list: &[(u32, f32)]) {
        self.number(list.len() as u64);
        for (i, x) in list {
            self.0.extend_from_slice(&i.to_le_bytes());
            self.0.extend_from_slice(&x.to_le_bytes());
        }
    }
}

struct In<'a>(&'a [u8]);

impl In<'_> {
    fn four(&mut self) -> Option<[u8; 4]> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(*head)
    }

    fn number(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*head))
    }

    /// A length that the bytes left can hold.
    fn length(&mut self, each: usize) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|n| n.checked_mul(each).is_some_and(|b| b <= self.0.len()))
    }

    fn floats(&mut self) -> Option<Vec<f32>> {
        let n = self.length(4)?;
        let (head, rest) = self.0.split_at_checked(n * 4)?;
        self.0 = rest;
        Some(head.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    fn sparse(&mut self) -> Option<Vec<(u32, f32)>> {
        let n = self.length(8)?;
        (0..n).map(|_| Some((u32::from_le_bytes(self.four()?), f32::from_le_bytes(self.four()?)))).collect()
    }
}

impl Model {
    /// Everything it learned, as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Out::default();
        out.number(self.none.map_or(u64::MAX, |n| n as u64));
        out.floats(&self.calibration.numbers());
        let (grams, idf) = self.space.parts();
        out.number(grams.len() as u64);
        grams.iter().for_each(|g| out.number(*g));
        out.floats(idf);
        out.number(u64::from(self.dense.is_some()));
        if let Some(dense) = &self.dense {
            out.floats(&dense.mean);
            out.floats(&dense.scale);
        }
        for part in [&self.weights.table, &self.weights.dense, &self.weights.bias] {
            out.floats(part);
        }
        out.number(u64::from(self.softmax.is_some()));
        if let Some(softmax) = &self.softmax {
            out.number(softmax.width as u64);
            out.floats(&softmax.weights);
        }
        out.number(self.known.len() as u64);
        for known in &self.known {
            out.number(known.class as u64);
            out.sparse(&known.sparse);
            out.floats(&known.meaning);
        }
        out.0
    }

    /// What [`Self::to_bytes`] wrote; `None` where the bytes are something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut from = In(bytes);
        let none = from.number().map(|n| (n != u64::MAX).then_some(n))?;
        let none = none.map(usize::try_from).transpose().ok()?;
        let calibration = Calibration::of(&from.floats()?)?;
        let n = from.length(8)?;
        let grams = (0..n).map(|_| from.number()).collect::<Option<Vec<u64>>>()?;
        let space = Space::of(grams, from.floats()?)?;
        let dense = match from.number()? {
            0 => None,
            _ => Some(Dense { mean: from.floats()?, scale: from.floats()? }),
        };
        let weights = Weights { table: from.floats()?, dense: from.floats()?, bias: from.floats()? };
        let softmax = match from.number()? {
            0 => None,
            _ => Some(Softmax { width: usize::try_from(from.number()?).ok()?, weights: from.floats()? }),
        };
        let n = from.length(8)?;
        let known = (0..n).map(|_| {
            let class = usize::try_from(from.number()?).ok()?;
            Some(Known { class, sparse: from.sparse()?, meaning: from.floats()? })
        });
        let known = known.collect::<Option<Vec<_>>>()?;
        from.0.is_empty().then_some(Self { space, dense, known, weights, softmax, none, calibration })
    }
}
