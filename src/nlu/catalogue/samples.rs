//! Sentences drawn from templates: for the classifier to learn from, for people to read, for finding clashes.

use super::{Catalogue, Conditions, SlotKind};
use crate::nlu::grammar::{Expr, Pattern};

/// Every expansion of an expression without slots, up to a limit.
pub(super) fn expansions(expr: &Expr, limit: usize) -> Vec<String> {
    match expr {
        Expr::Word(word) => vec![word.clone()],
        Expr::Slot(_) => Vec::new(),
        Expr::Alt(branches) => {
            let mut all: Vec<String> = branches.iter().flat_map(|b| expansions(b, limit)).collect();
            all.truncate(limit);
            all
        }
        Expr::Seq(parts) => {
            let mut all = vec![String::new()];
            for part in parts {
                let endings = expansions(part, limit);
                all = all
                    .iter()
                    .flat_map(|a| endings.iter().map(move |e| [a.as_str(), e.as_str()]))
                    .map(|pair| pair.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" "))
                    .take(limit)
                    .collect();
            }
            all
        }
    }
}

/// Draws sentences. The same seed draws the same ones.
#[derive(Debug)]
pub struct Sampler<'c> {
    catalogue: &'c Catalogue,
    state: u64,
}

/// A piece of a drawn sentence.
pub(crate) enum Piece<'c> {
    /// Words of the template.
    Word(&'c str),
    /// A slot, by its place in the pattern.
    Slot(usize),
}

impl<'c> Sampler<'c> {
    /// A sampler over a catalogue.
    #[must_use]
    pub const fn new(catalogue: &'c Catalogue, seed: u64) -> Self {
        Self { catalogue, state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    /// A number below `n` (xorshift64*; nothing secret hangs on it).
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let high = (self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize;
        high.checked_rem(n).unwrap_or(0)
    }

    /// Draws one sentence of a template as words and slots.
    pub(crate) fn pieces<'p>(&mut self, expr: &'p Expr, out: &mut Vec<Piece<'p>>) {
        match expr {
            Expr::Word(word) => out.push(Piece::Word(word)),
            Expr::Slot(slot) => out.push(Piece::Slot(*slot)),
            Expr::Seq(parts) => parts.iter().for_each(|p| self.pieces(p, out)),
            Expr::Alt(branches) => {
                let pick = self.below(branches.len());
                if let Some(branch) = branches.get(pick) {
                    self.pieces(branch, out);
                }
            }
        }
    }

    /// Draws one sentence of a template with values in its slots.
    pub(crate) fn sentence(&mut self, intent: usize, pattern: &Pattern) -> String {
        let mut pieces = Vec::new();
        self.pieces(&pattern.expr, &mut pieces);
        let mut words: Vec<String> = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Word(word) => words.push(word.to_owned()),
                Piece::Slot(slot) => {
                    let used = pattern.slots.get(slot);
                    let def = self.catalogue.intents.get(intent);
                    let kind = used.and_then(|u| match &u.list {
                        Some(list) => Some(SlotKind::List(list.clone())),
                        None => def?.slot(&u.name).map(|s| s.kind.clone()),
                    });
                    words.push(kind.map_or_else(|| "something".to_owned(), |kind| self.value(&kind)));
                }
            }
        }
        words.join(" ")
    }

    /// A value of a kind, as it is said.
    pub(crate) fn value(&mut self, kind: &SlotKind) -> String {
        let listed = match kind {
            SlotKind::Medicine => "medicine",
            SlotKind::Provider => "provider",
            SlotKind::List(list) => list,
            _ => "",
        };
        if let Some(list) = self.catalogue.lists.get(listed) {
            if let Some(range) = list.range {
                return range.from.to_string();
            }
            if list.wildcard {
                return "my knee".to_owned();
            }
            let pick = self.below(list.said.len());
            if let Some((_, said)) = list.said.get(pick) {
                return said.clone();
            }
        }
        let words: &[&str] = match kind {
            SlotKind::Provider => &["doctor patel", "doctor nguyen", "doctor smith", "doctor okafor", "doctor garcia"],
            SlotKind::Date => &["tomorrow", "on friday", "next week", "tuesday morning", "on december third"],
            SlotKind::Time => &["at three", "in the morning", "after lunch", "at half past nine"],
            SlotKind::Number => &["two", "twelve", "one hundred twenty"],
            SlotKind::Reading => {
                &["one twenty over eighty", "ninety eight point six", "one sixty five pounds", "one forty"]
            }
            SlotKind::Duration => &["three days", "a week", "two hours", "half an hour", "a couple of months"],
            SlotKind::Recurrence => &["every day", "twice a day", "every morning", "every other day", "on mondays"],
            SlotKind::Period => &["this week", "the last three months", "last month", "since monday"],
            SlotKind::Ordinal => &["the first one", "the second one", "the last one", "number three"],
            SlotKind::Digits => &["four oh double seven", "one two three four", "forty two seventeen"],
            SlotKind::Text | SlotKind::Medicine | SlotKind::List(_) => {
                &["my knee", "a cough", "the rash on my arm", "my blood pressure"]
            }
        };
        words.get(self.below(words.len())).copied().unwrap_or("it").to_owned()
    }

    /// Draws one sentence of an intent that holds in any conversation.
    pub(crate) fn anywhere(&mut self, name: &str) -> Option<String> {
        let catalogue = self.catalogue;
        let &index = catalogue.by_name.get(name)?;
        let own = catalogue.sentences.iter().filter(|s| s.intent == index && s.exact);
        let free: Vec<_> = own.filter(|s| s.requires == Conditions::default()).collect();
        let pick = self.below(free.len());
        free.get(pick).map(|sentence| self.sentence(index, &sentence.pattern))
    }

    /// Draws up to `n` different sentences of an intent.
    #[must_use]
    pub fn intent(&mut self, name: &str, n: usize) -> Vec<String> {
        let catalogue = self.catalogue;
        let Some(&index) = catalogue.by_name.get(name) else { return Vec::new() };
        let sentences: Vec<_> = catalogue.sentences.iter().filter(|s| s.intent == index).collect();
        let mut drawn = Vec::new();
        for _ in 0..n * 4 {
            let pick = self.below(sentences.len());
            let Some(sentence) = sentences.get(pick) else { break };
            let text = self.sentence(index, &sentence.pattern);
            if !drawn.contains(&text) {
                drawn.push(text);
            }
            if drawn.len() == n {
                break;
            }
        }
        drawn
    }
}
