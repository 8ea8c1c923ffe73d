//! Embeddings that were computed before, so that a start need not compute them again.
//!
//! The bytes go to a file that somebody else keeps. They are believed only as a whole: of this network, of this
//! version of the code, and with their checksum. Anything else is as good as nothing, and is computed again.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{EmbedError, Embedder, Embedding, LAYERS, WIDTH};

/// What the bytes begin with. Counts up when the way from a text to its embedding changes.
const MAGIC: &[u8; 16] = b"wellspoken-vec-1";
/// Bytes of a text's name: the beginning of its SHA-256.
const NAME: usize = 16;
/// Bytes of one embedding.
const ROW: usize = WIDTH * LAYERS * 4;
/// More than this is not kept: what the present catalogue does not use goes.
const MOST: usize = 20_000;

/// Embeddings by the text they are of.
#[derive(Debug, Default)]
pub struct Vectors {
    network: [u8; 32],
    known: BTreeMap<[u8; NAME], Embedding>,
    changed: bool,
}

impl Vectors {
    /// Reads what [`Self::to_bytes`] wrote; nothing where it is damaged or of another version.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        Self::read(bytes).unwrap_or_default()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if Sha256::digest(body).as_slice() != sum {
            return None;
        }
        let (network, rows) = body.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
        let mut known = BTreeMap::new();
        for row in rows.chunks(NAME + ROW) {
            let (name, numbers) = row.split_first_chunk::<NAME>()?;
            if numbers.len() != ROW {
                return None;
            }
            let numbers = numbers.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            known.insert(*name, numbers);
        }
        Some(Self { network: *network, known, changed: false })
    }

    /// Everything as bytes, to be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(80 + self.known.len() * (NAME + ROW));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.network);
        for (name, numbers) in &self.known {
            out.extend_from_slice(name);
            numbers.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
        }
        let sum = Sha256::digest(&out);
        out.extend_from_slice(&sum);
        out
    }

    /// Whether there is something to keep that was not read.
    #[must_use]
    pub const fn changed(&self) -> bool {
        self.changed
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The embeddings of texts, in their order: those that are known, and the others computed and added.
    ///
    /// # Errors
    /// As [`Embedder::embed_all`].
    pub fn of(
        &mut self,
        embedder: &Embedder,
        texts: &[String],
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<Embedding>, EmbedError> {
        if self.network != *embedder.digest() {
            *self = Self { network: *embedder.digest(), ..Self::default() };
        }
        let names: Vec<[u8; NAME]> = texts.iter().map(|t| name(t)).collect();
        let mut missing: BTreeMap<[u8; NAME], String> = BTreeMap::new();
        for (name, text) in names.iter().zip(texts) {
            if !self.known.contains_key(name) {
                missing.insert(*name, text.clone());
            }
        }
        if !missing.is_empty() {
            let (new, texts): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
            let rows = embedder.embed_all(&texts, progress)?;
            self.known.extend(new.into_iter().zip(rows));
            self.changed = true;
            if self.known.len() > MOST {
                let mut used = names.clone();
                used.sort_unstable();
                self.known.retain(|name, _| used.binary_search(name).is_ok());
            }
        }
        Ok(names.iter().filter_map(|name| self.known.get(name).cloned()).collect())
    }
}

fn name(text: &str) -> [u8; NAME] {
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vectors {
        let row: Embedding = (0..WIDTH * LAYERS).map(|i| i as f32).collect();
        Vectors { network: [7; 32], known: [(name("a"), row.clone()), (name("b"), row)].into(), changed: true }
    }

    #[test]
    fn what_was_kept_comes_back() {
        let back = Vectors::parse(&some().to_bytes());
        assert_eq!((back.len(), back.changed(), back.network), (2, false, [7; 32]));
        assert_eq!(back.known, some().known);
    }

    #[test]
    fn damaged_bytes_are_as_good_as_none() {
        let good = some().to_bytes();
        for at in (0..good.len()).step_by(97) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Vectors::parse(&bad).is_empty(), "byte {at}");
        }
        for length in [0, 1, 31, 32, 47, 80, good.len() - 1] {
            assert!(Vectors::parse(&good[..length]).is_empty(), "{length} bytes");
        }
    }
}
