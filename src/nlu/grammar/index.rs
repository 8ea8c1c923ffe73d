//! Which patterns can fit words that begin as these do, without asking each.

use std::collections::HashMap;

use super::Pattern;

/// Patterns by the words they may begin with.
#[derive(Debug, Default)]
pub struct Index {
    by_word: HashMap<u32, Vec<usize>>,
    /// Those that may begin with a slot, so with any word.
    open: Vec<usize>,
}

impl Index {
    /// Of patterns by their place.
    pub fn new<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Self {
        let mut index = Self::default();
        for (place, pattern) in patterns.enumerate() {
            if pattern.begins_open() {
                index.open.push(place);
                continue;
            }
            for word in pattern.first_words() {
                index.by_word.entry(*word).or_default().push(place);
            }
        }
        index
    }

    /// The places of the patterns that may begin with this word, in order.
    pub fn beginning_with(&self, word: u32) -> impl Iterator<Item = usize> {
        let mut closed = self.by_word.get(&word).into_iter().flatten().copied().peekable();
        let mut open = self.open.iter().copied().peekable();
        std::iter::from_fn(move || match (closed.peek(), open.peek()) {
            (Some(a), Some(b)) if a < b => closed.next(),
            (Some(_), None) => closed.next(),
            _ => open.next(),
        })
    }
}
