//! What an earlier start computed, kept somewhere by somebody else: embeddings, and the trained classifier.
//!
//! Kept bytes are believed only with their checksum and the key of exactly this: the network's files, the very
//! sentences, and the source of the code that learned from them. Anything else is computed again. They hold
//! nothing but what the catalogue says.

use sha2::{Digest, Sha256};

use super::{
    classifier::{Example, Model, Untrainable},
    embed::{EmbedError, Embedder, Vectors},
};

/// The name under which embeddings are kept.
pub const VECTORS: &str = "vectors";
/// What the names begin with under which trained classifiers are kept, one for each catalogue.
pub const CLASSIFIER: &str = "classifier";

/// The code that turns sentences into a classifier: a change of it makes what was kept stale.
const CODE: [&str; 6] = [
    include_str!("classifier.rs"),
    include_str!("classifier/calibrate.rs"),
    include_str!("classifier/dense.rs"),
    include_str!("classifier/features.rs"),
    include_str!("classifier/softmax.rs"),
    include_str!("classifier/svm.rs"),
];
/// Bytes of a SHA-256.
const SUM: usize = 32;

/// Where things are kept. Both may do nothing.
pub struct Shelf<'a> {
    /// The bytes kept under a name.
    pub read: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// Keeps bytes under a name.
    pub write: &'a dyn Fn(&str, &[u8]),
    /// Hears how many of how many sentences were put through the network, where some have to be.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

impl Shelf<'_> {
    /// A shelf that keeps nothing.
    pub const EMPTY: Shelf<'static> = Shelf { read: &|_| None, write: &|_, _| {}, progress: &|_, _| {} };
}

/// Why there is no classifier.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Nothing can be told apart.
    #[error(transparent)]
    Untrainable(#[from] Untrainable),
    /// The sentence network failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// The classifier of these examples: kept, or trained now and kept. `texts` are the examples as the network reads
/// them.
pub(super) fn classifier(
    embedder: &Embedder,
    mut examples: Vec<Example>,
    texts: &[String],
    [classes, none]: [usize; 2],
    shelf: &Shelf<'_>,
) -> Result<Model, LearnError> {
    let key = key(embedder, &examples, texts, [classes, none]);
    let name = format!("{CLASSIFIER}-{}", hex::encode(key.get(..8).unwrap_or_default()));
    let kept = (shelf.read)(&name);
    if let Some(model) = kept.as_deref().and_then(|bytes| sealed(bytes, &key)).and_then(Model::from_bytes) {
        return Ok(model);
    }
    let mut vectors = (shelf.read)(VECTORS).map_or_else(Vectors::default, |bytes| Vectors::parse(&bytes));
    for (example, meaning) in examples.iter_mut().zip(vectors.of(embedder, texts, shelf.progress)?) {
        example.meaning = Some(meaning);
    }
    if vectors.changed() {
        (shelf.write)(VECTORS, &vectors.to_bytes());
    }
    drop(vectors);
    let model = Model::train(&examples, classes, Some(none).filter(|n| *n < classes))?;
    (shelf.write)(&name, &seal(model.to_bytes(), &key));
    Ok(model)
}

fn key(embedder: &Embedder, examples: &[Example], texts: &[String], numbers: [usize; 2]) -> [u8; SUM] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(embedder.digest());
    CODE.iter().for_each(|code| part(code.as_bytes()));
    for (example, text) in examples.iter().zip(texts) {
        example.words.iter().for_each(|word| part(word.as_bytes()));
        part(text.as_bytes());
        [example.class, example.group].iter().for_each(|n| part(&n.to_le_bytes()));
    }
    numbers.iter().for_each(|n| part(&n.to_le_bytes()));
    hash.finalize().into()
}

/// The key before, a checksum of both behind.
fn seal(body: Vec<u8>, key: &[u8; SUM]) -> Vec<u8> {
    let mut out = key.to_vec();
    out.extend(body);
    let sum = Sha256::digest(&out);
    out.extend_from_slice(&sum);
    out
}

fn sealed<'b>(bytes: &'b [u8], key: &[u8; SUM]) -> Option<&'b [u8]> {
    let body = bytes.strip_prefix(key)?;
    let (_, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
    let (body, _) = body.split_at_checked(body.len().checked_sub(SUM)?)?;
    let checked = bytes.get(..SUM + body.len())?;
    (Sha256::digest(checked).as_slice() == sum).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_and_undamaged_is_believed() {
        let good = seal(b"what was learned".to_vec(), &[1; SUM]);
        assert_eq!(sealed(&good, &[1; SUM]), Some(b"what was learned".as_slice()));
        assert_eq!(sealed(&good, &[2; SUM]), None);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(sealed(&bad, &[1; SUM]), None, "byte {at}");
        }
        for length in 0..good.len() {
            assert_eq!(sealed(&good[..length], &[1; SUM]), None, "{length} bytes");
        }
    }
}
