//! Sentences as sparse vectors: words, pairs of words, and letters 2 to 5 within a word, weighted by TF-IDF.

use std::collections::HashMap;

/// The features that were seen, with their weights.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Space {
    ids: HashMap<u64, u32>,
    idf: Vec<f32>,
}

/// A feature by the hash of its text (FNV-1a), and whether it is of words rather than letters.
type Gram = (u64, bool);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn mix(hash: u64, byte: u32) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

fn of(seed: u32, text: &str) -> u64 {
    text.chars().fold(mix(OFFSET, seed), |h, c| mix(h, u32::from(c)))
}

fn grams(words: &[String], out: &mut Vec<Gram>) {
    out.clear();
    for (i, word) in words.iter().enumerate() {
        out.push((of(1, word), true));
        if let Some(next) = words.get(i + 1) {
            out.push((next.chars().fold(mix(of(2, word), 32), |h, c| mix(h, u32::from(c))), true));
        }
        // A word made up for a slot is one feature, not its letters.
        if word.starts_with('\u{1}') {
            continue;
        }
        let letters: Vec<char> = [' '].into_iter().chain(word.chars().take(30)).chain([' ']).collect();
        for start in 0..letters.len() {
            let mut hash = mix(OFFSET, 3);
            for (n, c) in letters.iter().skip(start).take(5).enumerate() {
                hash = mix(hash, u32::from(*c));
                if n >= 1 {
                    out.push((hash, false));
                }
            }
        }
    }
}

impl Space {
    pub(super) fn learn<'a>(sentences: impl Iterator<Item = &'a [String]>) -> Self {
        let mut seen: HashMap<u64, (u32, bool)> = HashMap::new();
        let mut order = Vec::new();
        let mut found = Vec::new();
        let mut n = 0_u16;
        for words in sentences {
            grams(words, &mut found);
            found.sort_unstable();
            found.dedup();
            for &(gram, of_words) in &found {
                let entry = seen.entry(gram).or_insert_with(|| {
                    order.push(gram);
                    (0, of_words)
                });
                entry.0 += 1;
            }
            n = n.saturating_add(1);
        }
        let mut space = Self::default();
        for gram in order {
            let Some(&(count, of_words)) = seen.get(&gram) else { continue };
            // Letters seen once are noise and half of the space.
            if count < 2 && !of_words {
                continue;
            }
            let count = f32::from(u16::try_from(count).unwrap_or(u16::MAX));
            space.ids.insert(gram, u32::try_from(space.idf.len()).unwrap_or(u32::MAX));
            space.idf.push(((1.0 + f32::from(n)) / (1.0 + count)).ln() + 1.0);
        }
        space
    }

    /// The features' hashes by number, and their weights.
    pub(super) fn parts(&self) -> (Vec<u64>, &[f32]) {
        let mut grams = vec![0; self.idf.len()];
        for (gram, id) in &self.ids {
            if let Some(place) = grams.get_mut(*id as usize) {
                *place = *gram;
            }
        }
        (grams, &self.idf)
    }

    /// The space of such parts.
    pub(super) fn of(grams: Vec<u64>, idf: Vec<f32>) -> Option<Self> {
        let ids = grams.into_iter().zip(0_u32..).collect::<HashMap<_, _>>();
        (ids.len() == idf.len()).then_some(Self { ids, idf })
    }

    pub(super) const fn len(&self) -> usize {
        self.idf.len()
    }

    /// Features with weights, by number; the word part and the letter part each of length 1.
    pub(super) fn vector(&self, words: &[String]) -> Vec<(u32, f32)> {
        let mut found = Vec::new();
        grams(words, &mut found);
        let mut ids: Vec<(bool, u32)> =
            found.iter().filter_map(|(gram, of_words)| self.ids.get(gram).map(|id| (*of_words, *id))).collect();
        ids.sort_unstable();
        let mut out: Vec<(u32, f32)> = Vec::with_capacity(ids.len());
        for part in [false, true] {
            let start = out.len();
            let mut run = ids.iter().filter(|(p, _)| *p == part).map(|(_, id)| *id).peekable();
            while let Some(id) = run.next() {
                let mut count = 1.0_f32;
                while run.next_if_eq(&id).is_some() {
                    count += 1.0;
                }
                let idf = self.idf.get(id as usize).copied().unwrap_or(1.0);
                out.push((id, (1.0 + count.ln()) * idf));
            }
            let norm = out.iter().skip(start).map(|(_, w)| w * w).sum::<f32>().sqrt().max(1e-9);
            out.iter_mut().skip(start).for_each(|(_, w)| *w /= norm);
        }
        out.sort_unstable_by_key(|(id, _)| *id);
        out
    }
}

/// The product of two vectors sorted by feature.
pub(super) fn dot(a: &[(u32, f32)], b: &[(u32, f32)]) -> f32 {
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    while let (Some((x, v)), Some((y, w))) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                sum += v * w;
                i += 1;
                j += 1;
            }
        }
    }
    sum
}
