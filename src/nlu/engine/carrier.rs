//! Carrier phrases: what the grammar says around a name, as "is my … ready?".
//!
//! Where the words around a name were lost as well, these are what may have been said: the sentence of each template that takes
//! the fewest changes of letters to become what was heard, as the path of least cost through the template. Nothing here is
//! believed: they are texts to be weighed against the sound.

use crate::nlu::{
    catalogue::{Catalogue, SlotKind},
    grammar::{Expr, Pattern},
    words,
};

/// Longest text that is compared, in letters.
const LONGEST: usize = 120;
/// More changes than one for so many letters, and it is another sentence.
const LETTERS: usize = 2;

/// The sentences with this name that are most like a text, one of a template and so many at most, as a recognizer would write
/// them.
pub(super) fn like(catalogue: &Catalogue, text: &str, kinds: &[SlotKind], name: &str, most: usize) -> Vec<String> {
    let heard: Vec<char> = words::normal(text).chars().filter(|c| c.is_alphanumeric()).collect();
    if heard.is_empty() || heard.len() > LONGEST {
        return Vec::new();
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    for sentence in &catalogue.sentences {
        let Some(def) = catalogue.intents().get(sentence.intent) else { continue };
        let fits = |slot: usize| {
            let kind = sentence.pattern.slots.get(slot).and_then(|used| def.slot(&used.name)).map(|slot| &slot.kind);
            kind.is_some_and(|kind| kinds.contains(kind))
        };
        if (0..sentence.pattern.slots.len()).any(fits)
            && let Some(nearest) = nearest(&heard, &sentence.pattern, fits, name)
            && found.iter().all(|(_, known)| *known != nearest.1)
        {
            found.push(nearest);
        }
    }
    found.sort();
    found.truncate(most);
    found.into_iter().map(|(_, text)| text).collect()
}

/// The sentence of a template, with this name in it, that takes the fewest changes of letters, and how many.
fn nearest(heard: &[char], pattern: &Pattern, fits: impl Fn(usize) -> bool, name: &str) -> Option<(usize, String)> {
    let mut paths = Paths { heard, most: heard.len() / LETTERS, steps: Vec::new() };
    let mut begin = vec![None; heard.len() + 1];
    begin[0] = Some(Cell { cost: 0, named: false, last: None });
    let end = paths.through(&pattern.expr, begin, &|slot| fits(slot).then_some(name));
    let cell = end.last().copied().flatten().filter(|cell| cell.named)?;
    Some((cell.cost, written(&paths.words(cell.last))))
}

/// The best way to a place among the letters that were heard.
#[derive(Debug, Clone, Copy)]
struct Cell {
    /// Letters changed so far.
    cost: usize,
    /// Whether the name is among the words.
    named: bool,
    /// The last word, in the list of steps.
    last: Option<usize>,
}

/// The best way to each place, from before the first letter to after the last; `None` where it is too far.
type Row = Vec<Option<Cell>>;

/// Ways through templates: words, each with the one before it.
struct Paths<'a> {
    heard: &'a [char],
    most: usize,
    steps: Vec<(&'a str, Option<usize>)>,
}

impl<'a> Paths<'a> {
    fn through(&mut self, expr: &'a Expr, from: Row, name: &impl Fn(usize) -> Option<&'a str>) -> Row {
        match expr {
            Expr::Word(word) => self.word(word, &from, false),
            Expr::Slot(slot) => match name(*slot) {
                Some(name) => self.word(name, &from, true),
                None => vec![None; from.len()],
            },
            Expr::Seq(parts) => parts.iter().fold(from, |row, part| self.through(part, row, name)),
            Expr::Alt(branches) => {
                let mut best: Row = vec![None; from.len()];
                for branch in branches {
                    let row = self.through(branch, from.clone(), name);
                    for (best, cell) in best.iter_mut().zip(row) {
                        *best = better(*best, cell);
                    }
                }
                best
            }
        }
    }

    /// Levenshtein's table for one word, begun wherever the words before it may have ended.
    fn word(&mut self, word: &'a str, from: &Row, named: bool) -> Row {
        if from.iter().all(Option::is_none) {
            return vec![None; from.len()];
        }
        let dearer = |cell: Option<Cell>, by: usize| {
            cell.map(|cell| Cell { cost: cell.cost + by, ..cell }).filter(|cell| cell.cost <= self.most)
        };
        let mut row = from.clone();
        for at in 1..row.len() {
            row[at] = better(row[at], dearer(row[at - 1], 1));
        }
        for letter in word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase) {
            let mut next: Row = vec![None; row.len()];
            next[0] = dearer(row[0], 1);
            for at in 1..row.len() {
                let same = self.heard.get(at - 1) == Some(&letter);
                let changed = dearer(row[at - 1], usize::from(!same));
                next[at] = better(changed, better(dearer(row[at], 1), dearer(next[at - 1], 1)));
            }
            row = next;
        }
        for cell in row.iter_mut().flatten() {
            self.steps.push((word, cell.last));
            *cell = Cell { cost: cell.cost, named: cell.named || named, last: Some(self.steps.len() - 1) };
        }
        row
    }

    fn words(&self, mut last: Option<usize>) -> Vec<&'a str> {
        let mut words = Vec::new();
        while let Some(&(word, before)) = last.and_then(|at| self.steps.get(at)) {
            words.push(word);
            last = before;
        }
        words.reverse();
        words
    }
}

fn better(a: Option<Cell>, b: Option<Cell>) -> Option<Cell> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.cost < a.cost { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// With a capital letter and a mark at its end.
fn written(words: &[&str]) -> String {
    const ASKING: [&str; 20] = [
        "is", "are", "has", "have", "can", "could", "would", "will", "how", "when", "what", "where", "which", "did",
        "do", "does", "should", "may", "who", "why",
    ];
    let mark = if words.first().is_some_and(|word| ASKING.contains(word)) { '?' } else { '.' };
    let text = words.iter().map(|word| if *word == "i" { "I" } else { word }).collect::<Vec<_>>().join(" ");
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}{mark}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn catalogue() -> &'static Catalogue {
        static CATALOGUE: std::sync::OnceLock<Catalogue> = std::sync::OnceLock::new();
        CATALOGUE.get_or_init(|| Catalogue::builtin().expect("the catalogue loads"))
    }

    #[test]
    fn phrases_stand_around_a_name_as_the_grammar_has_them() {
        let medicine = [SlotKind::Medicine];
        for (heard, name, said) in [
            ("is my Quinn up already.", "quinapril", "Is my quinapril ready?"),
            ("You feel my soul a lot.", "sotalol", "Refill my sotalol."),
            ("His My By Software-load ship yet.", "bisoprolol", "Has my bisoprolol ship yet?"),
            ("Anita Rifil of my Gem Fabrazal Please.", "gemfibrozil", "Want a refill of my gemfibrozil."),
        ] {
            let like = super::like(catalogue(), heard, &medicine, name, 6);
            assert!(like.iter().any(|text| text == said), "{heard}: {like:?}");
            assert!(like.len() <= 6);
            let mut once = super::like(catalogue(), heard, &medicine, name, usize::MAX);
            let all = once.len();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), all, "{heard}: each sentence once");
        }
        for nothing in ["", "the weather will be nice on the whole island", &"is my Quinn up already ".repeat(20)] {
            assert!(like(catalogue(), nothing, &medicine, "quinapril", 6).is_empty(), "{nothing}");
        }
        assert!(like(catalogue(), "is my Quinn up already", &[], "quinapril", 6).is_empty());
        let provider = like(catalogue(), "when do I see doctor win", &[SlotKind::Provider], "Dr. Nguyen", 3);
        assert!(!provider.is_empty() && provider.iter().all(|text| text.contains("Dr. Nguyen")), "{provider:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_text_is_compared(text in "\\PC{0,60}", name in "\\PC{0,20}") {
            for said in like(catalogue(), &text, &[SlotKind::Medicine], &name, 3) {
                prop_assert!(said.contains(&name));
            }
        }
    }
}
