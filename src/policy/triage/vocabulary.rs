//! The words of the table as numbers, so that looking for a thousand phrases costs little.

use std::collections::HashMap;

use super::words::plain;

/// One word of the table; 0 is none.
pub type Term = u16;

/// What one heard word may be: the word itself, and the beginnings that the table lists (`bleed*`).
#[derive(Debug, Clone, Default)]
pub struct Terms([Term; 6]);

impl Terms {
    /// A word the table does not know.
    pub const NONE: Self = Self([0; 6]);

    /// Its terms.
    pub fn iter(&self) -> impl Iterator<Item = Term> {
        self.0.into_iter().take_while(|term| *term != 0)
    }

    fn push(&mut self, term: Term) {
        if let Some(free) = self.0.iter_mut().find(|slot| **slot == 0) {
            *free = term;
        }
    }
}

/// A set of words, any of which fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set(Vec<Term>);

impl Set {
    /// Whether the word is one of them.
    pub fn has(&self, word: &Terms) -> bool {
        word.iter().any(|term| self.0.binary_search(&term).is_ok())
    }

    /// Its words.
    pub fn terms(&self) -> &[Term] {
        &self.0
    }

    /// A bit or more for every word of it: a sentence that shares none has none of the words.
    pub fn mask(&self) -> u128 {
        self.0.iter().fold(0, |mask, term| mask | bit(*term))
    }
}

impl FromIterator<Term> for Set {
    fn from_iter<T: IntoIterator<Item = Term>>(terms: T) -> Self {
        let mut terms: Vec<Term> = terms.into_iter().collect();
        terms.sort_unstable();
        terms.dedup();
        Self(terms)
    }
}

/// The bit of one term in a mask.
pub fn bit(term: Term) -> u128 {
    1 << (term % 128)
}

/// All words of the table.
#[derive(Debug, Default)]
pub struct Vocabulary {
    words: HashMap<String, Term>,
    /// Beginnings by their first two bytes, so that most words cost one look.
    beginnings: HashMap<[u8; 2], Vec<(String, Term)>>,
    count: Term,
    /// What a word may have been before it was heard wrong.
    misheard: HashMap<String, String>,
    /// Words that are recognized with one letter wrong.
    guessed: Vec<(String, Term)>,
}

/// Shorter words are too alike to be guessed.
const SHORTEST_GUESS: usize = 6;

impl Vocabulary {
    /// Takes up a word of the table; `bleed*` stands for all that begins so.
    pub fn learn(&mut self, word: &str) -> Term {
        let word = plain(word);
        let Some(beginning) = word.strip_suffix('*') else {
            let next = self.count + 1;
            let term = *self.words.entry(word).or_insert(next);
            self.count = self.count.max(term);
            return term;
        };
        let alike = self.beginnings.entry(first_two(beginning)).or_default();
        if let Some((_, term)) = alike.iter().find(|(known, _)| known == beginning) {
            return *term;
        }
        self.count += 1;
        alike.push((beginning.to_owned(), self.count));
        self.count
    }

    /// From now on also recognizes this word with one letter wrong, missing, too many, or two swapped.
    pub fn guess(&mut self, word: &str) {
        let term = self.learn(word);
        self.guessed.push((plain(word), term));
    }

    /// From now on `heard` also counts as `meant` ("battle" as "bottle"), wherever the table speaks of that.
    pub fn mishear(&mut self, heard: &str, meant: &str) {
        self.misheard.insert(plain(heard), plain(meant));
    }

    /// Whether the table has this very word; beginnings aside.
    pub fn knows(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    /// Whether the table says what this word may have been.
    pub fn is_misheard(&self, word: &str) -> bool {
        self.misheard.contains_key(word)
    }

    /// What a heard word may be.
    pub fn terms(&self, word: &str) -> Terms {
        let mut terms = Terms::default();
        self.add_terms(word, &mut terms);
        if let Some(meant) = self.misheard.get(word) {
            self.add_terms(meant, &mut terms);
        }
        if terms.0[0] == 0
            && word.len() >= SHORTEST_GUESS
            && let Some((_, term)) = self.guessed.iter().find(|(guess, _)| one_letter_apart(guess, word))
        {
            terms.push(*term);
        }
        terms
    }

    fn add_terms(&self, word: &str, terms: &mut Terms) {
        if let Some(term) = self.words.get(word) {
            terms.push(*term);
        }
        for (beginning, term) in self.beginnings.get(&first_two(word)).into_iter().flatten() {
            if word.starts_with(beginning.as_str()) {
                terms.push(*term);
            }
        }
    }
}

fn first_two(word: &str) -> [u8; 2] {
    let mut bytes = word.bytes();
    [bytes.next().unwrap_or_default(), bytes.next().unwrap_or_default()]
}

/// One letter wrong, missing or too many, or two neighbours swapped.
fn one_letter_apart(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a, b) {
        ([_, rest @ ..], longer) if rest == longer => true,
        (shorter, [_, rest @ ..]) if shorter == rest => true,
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([w, x, a @ ..], [y, z, b @ ..]) => w == z && x == y && a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_itself_its_beginning_or_a_slip() {
        let mut all = Vocabulary::default();
        let (bleed, blood) = (all.learn("bleed*"), all.learn("blood"));
        all.guess("breathe");
        let set: Set = [bleed, blood].into_iter().collect();
        for word in ["bleed", "bleeding", "blood"] {
            assert!(set.has(&all.terms(word)), "{word}");
        }
        for word in ["bloody", "blee", "ble", ""] {
            assert!(!set.has(&all.terms(word)), "{word}");
        }
        let bottle: Set = [all.learn("bottle")].into_iter().collect();
        assert!(!bottle.has(&all.terms("battle")));
        all.mishear("battle", "bottle");
        all.mishear("bleating", "bleeding");
        assert!(bottle.has(&all.terms("battle")), "heard wrong");
        assert!(set.has(&all.terms("bleating")), "heard wrong, and a beginning of what was meant");
        let breathe: Set = [all.learn("breathe")].into_iter().collect();
        for slip in ["breathe", "braethe", "brethe", "breaathe", "breathd"] {
            assert!(breathe.has(&all.terms(slip)), "{slip}");
        }
        for other in ["wreathes", "breed", "beaten"] {
            assert!(!breathe.has(&all.terms(other)), "{other}");
        }
    }
}
