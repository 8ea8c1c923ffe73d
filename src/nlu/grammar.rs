//! Templates compiled to word patterns, and matching against them.
//!
//! A pattern is an acyclic automaton whose states are numbered in order, so one pass over words × states finds
//! the best reading: most literal words, then known values, then free text. Time is bounded by that product
//! whatever the template's number of expansions.

use std::collections::{BTreeMap, HashMap};

use super::template::{self, Node};

mod flatten;
mod index;

use flatten::Flatten;
pub use flatten::leads_back;
pub use index::Index;

/// Words to numbers.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary(HashMap<String, u32>);

/// The number of a word the catalogue never uses.
pub const UNKNOWN: u32 = u32::MAX;

impl Vocabulary {
    fn add(&mut self, word: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(UNKNOWN - 1);
        *self.0.entry(word.to_owned()).or_insert(next)
    }

    /// The word's number, or [`UNKNOWN`].
    #[must_use]
    pub fn number(&self, word: &str) -> u32 {
        self.0.get(word).copied().unwrap_or(UNKNOWN)
    }

    /// Whether the catalogue uses the word.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }
}

/// A template after rules were put in: words and slots only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// One word.
    Word(String),
    /// A slot, by its place in [`Pattern::slots`].
    Slot(usize),
    /// One after the other.
    Seq(Vec<Expr>),
    /// One of them.
    Alt(Vec<Expr>),
}

/// A slot as a sentence names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotUse {
    /// Name of the slot.
    pub name: String,
    /// The list it takes from where the template names one.
    pub list: Option<String>,
}

/// A compiled sentence.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The tree it came from, for drawing samples.
    pub expr: Expr,
    /// Slots it can fill.
    pub slots: Vec<SlotUse>,
    /// Slots it fills with a value nobody says.
    pub fixed: Vec<(String, String)>,
    /// Words that stand in every sentence it fits, sorted.
    must: Vec<u32>,
    states: Vec<Vec<Edge>>,
    first: Edges,
    last: Edges,
    /// Fewest words it fits.
    shortest: usize,
    /// Most words it fits; as many as there are where it has a slot.
    longest: usize,
}

/// The words at one end of a pattern, sorted, and whether a slot may stand there.
#[derive(Debug, Clone, Default)]
struct Edges {
    words: Vec<u32>,
    open: bool,
}

impl Edges {
    fn may_be(&self, word: u32) -> bool {
        self.open || self.words.binary_search(&word).is_ok()
    }

    fn of(mut words: Vec<u32>, open: bool) -> Self {
        words.sort_unstable();
        words.dedup();
        Self { words, open }
    }
}

#[derive(Debug, Clone, Copy)]
enum Edge {
    Word(u32, u32),
    Slot(u32, u32),
    Free(u32),
}

/// Most states of one sentence. A sentence that needs more is better said as two.
const MOST_STATES: usize = 20_000;
/// Longest chain of rules in rules.
const DEEPEST_RULES: usize = 32;
/// Most ways to write one word with alternatives inside.
const MOST_SPELLINGS: usize = 256;

const TOO_MANY: &str = "it has too many variants: say it as two sentences";

/// The rules sentences may use, as trees.
pub type Rules = BTreeMap<String, Node>;

/// Compiles a template.
///
/// # Errors
/// What is wrong with it, in words.
pub fn compile(text: &str, rules: &Rules, vocabulary: &mut Vocabulary) -> Result<Pattern, String> {
    let tree = template::parse(text).map_err(|e| e.to_string())?;
    let mut slots = Vec::new();
    let mut budget = MOST_STATES;
    let expr = Flatten { rules, slots: &mut slots, stack: Vec::new(), budget: &mut budget }.node(&tree)?;
    let mut states = vec![Vec::new()];
    build(&expr, 0, &mut states, vocabulary)?;
    let first = beginnings(&states).ok_or("it matches when nothing is said: something must be outside of `[ ]`")?;
    let last = endings(&states);
    let (shortest, longest) = lengths(&expr);
    let must = always(&expr, vocabulary);
    Ok(Pattern { expr, slots, fixed: Vec::new(), must, states, first, last, shortest, longest })
}

/// What may stand first; `None` where the end is reached without a word.
fn beginnings(states: &[Vec<Edge>]) -> Option<Edges> {
    let (mut words, mut open) = (Vec::new(), false);
    let mut pending = vec![0_usize];
    while let Some(state) = pending.pop() {
        for edge in states.get(state).into_iter().flatten() {
            match *edge {
                Edge::Word(word, _) => words.push(word),
                Edge::Slot(..) => open = true,
                Edge::Free(to) => pending.push(to as usize),
            }
        }
        pending.sort_unstable();
        pending.dedup();
        if state + 1 == states.len() {
            return None;
        }
    }
    Some(Edges::of(words, open))
}

/// What may stand last. Edges lead to higher states only, so one pass from the end finds it.
fn endings(states: &[Vec<Edge>]) -> Edges {
    let mut ends = vec![false; states.len()];
    if let Some(last) = ends.last_mut() {
        *last = true;
    }
    let (mut words, mut open) = (Vec::new(), false);
    for (state, edges) in states.iter().enumerate().rev() {
        let leads_out = |to: u32| ends.get(to as usize).copied().unwrap_or(false);
        let mut free = false;
        for edge in edges {
            match *edge {
                Edge::Word(word, to) if leads_out(to) => words.push(word),
                Edge::Slot(_, to) => open |= leads_out(to),
                Edge::Free(to) => free |= leads_out(to),
                Edge::Word(..) => {}
            }
        }
        if free && let Some(end) = ends.get_mut(state) {
            *end = true;
        }
    }
    Edges::of(words, open)
}

/// Fewest and most words. A slot is one word or more.
fn lengths(expr: &Expr) -> (usize, usize) {
    match expr {
        Expr::Word(_) => (1, 1),
        Expr::Slot(_) => (1, usize::MAX),
        Expr::Seq(parts) => parts.iter().map(lengths).fold((0, 0), |(a, b), (c, d)| (a + c, b.saturating_add(d))),
        Expr::Alt(branches) => {
            let each = branches.iter().map(lengths);
            each.reduce(|(a, b), (c, d)| (a.min(c), b.max(d))).unwrap_or((0, 0))
        }
    }
}

/// The words of every variant of an expression, sorted.
fn always(expr: &Expr, vocabulary: &Vocabulary) -> Vec<u32> {
    let mut words = match expr {
        Expr::Word(word) => vec![vocabulary.number(word)],
        Expr::Slot(_) => Vec::new(),
        Expr::Seq(parts) => parts.iter().flat_map(|p| always(p, vocabulary)).collect(),
        Expr::Alt(branches) => {
            let mut each = branches.iter().map(|b| always(b, vocabulary));
            let first = each.next().unwrap_or_default();
            each.fold(first, |mut all, branch| {
                all.retain(|w| branch.binary_search(w).is_ok());
                all
            })
        }
    };
    words.sort_unstable();
    words.dedup();
    words
}

/// Adds the states of an expression after `from`; gives its last state, always the highest number so far.
fn build(expr: &Expr, from: usize, states: &mut Vec<Vec<Edge>>, words: &mut Vocabulary) -> Result<usize, String> {
    if states.len() > MOST_STATES {
        return Err(TOO_MANY.into());
    }
    let fresh = |states: &mut Vec<Vec<Edge>>| {
        states.push(Vec::new());
        states.len() - 1
    };
    let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    match expr {
        Expr::Word(word) => {
            let number = words.add(word);
            let to = fresh(states);
            if let Some(edges) = states.get_mut(from) {
                edges.push(Edge::Word(number, short(to)));
            }
            Ok(to)
        }
        Expr::Slot(slot) => {
            let to = fresh(states);
            if let Some(edges) = states.get_mut(from) {
                edges.push(Edge::Slot(short(*slot), short(to)));
            }
            Ok(to)
        }
        Expr::Seq(parts) => parts.iter().try_fold(from, |at, part| build(part, at, states, words)),
        Expr::Alt(branches) => {
            let mut ends = Vec::new();
            for branch in branches {
                ends.push(build(branch, from, states, words)?);
            }
            let to = fresh(states);
            for end in ends {
                if let Some(edges) = states.get_mut(end) {
                    edges.push(Edge::Free(short(to)));
                }
            }
            Ok(to)
        }
    }
}

/// A value that may stand at a place: the word after it, and what it is worth.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// The word after its last.
    pub end: usize,
    /// Points for the whole span, less than [`WORD`] a word.
    pub points: i32,
}

/// Points for a literal word.
pub const WORD: i32 = 100;

/// Where slot values may stand: asked for while matching.
pub trait Values {
    /// The spans that begin at word `at` and fit this slot.
    fn candidates(&mut self, slot: &SlotUse, at: usize) -> &[Candidate];
}

/// How a pattern fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The more the better.
    pub points: i32,
    /// The word after the last that was matched.
    pub end: usize,
    /// Slot, first word, word after the last.
    pub slots: Vec<(usize, usize, usize)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    points: i32,
    from_word: u32,
    from_state: u32,
    slot: u32,
}

/// No slot was filled on the way into a cell.
const NO_SLOT: u32 = u32::MAX;

/// Memory for matching, kept between patterns: words × states, of which only the live ones count.
#[derive(Debug, Default)]
pub struct Scratch {
    cells: Vec<Cell>,
    live: Vec<u64>,
    states: usize,
    row: usize,
}

impl Scratch {
    fn clear(&mut self, words: usize, states: usize) {
        (self.states, self.row) = (states, states.div_ceil(64));
        self.live.clear();
        self.live.resize((words + 1) * self.row, 0);
        if self.cells.len() < (words + 1) * states {
            self.cells.resize((words + 1) * states, Cell::default());
        }
    }

    fn is_live(&self, word: usize, state: usize) -> bool {
        self.live.get(word * self.row + state / 64).is_some_and(|bits| bits & (1 << (state % 64)) != 0)
    }

    fn cell(&self, word: usize, state: usize) -> Cell {
        self.cells.get(word * self.states + state).copied().unwrap_or_default()
    }

    fn reach(&mut self, word: usize, state: u32, cell: Cell) {
        let state = state as usize;
        let better = !self.is_live(word, state) || cell.points > self.cell(word, state).points;
        if better
            && let (Some(bits), Some(old)) =
                (self.live.get_mut(word * self.row + state / 64), self.cells.get_mut(word * self.states + state))
        {
            *bits |= 1 << (state % 64);
            *old = cell;
        }
    }
}

impl Pattern {
    /// Whether an utterance that begins with this word can match.
    #[must_use]
    pub fn may_begin_with(&self, word: u32) -> bool {
        self.first.may_be(word)
    }

    /// Whether it may begin with a slot.
    #[must_use]
    pub const fn begins_open(&self) -> bool {
        self.first.open
    }

    /// The words it may begin with besides a slot, sorted.
    pub(super) fn first_words(&self) -> &[u32] {
        &self.first.words
    }

    /// Whether an utterance of these words can match at all: a quick look before [`Pattern::fit`].
    #[must_use]
    pub fn may_fit(&self, words: &[u32]) -> bool {
        (self.shortest..=self.longest).contains(&words.len())
            && words.first().is_some_and(|word| self.first.may_be(*word))
            && words.last().is_some_and(|word| self.last.may_be(*word))
            && self.must.iter().all(|w| words.contains(w))
    }

    /// The best way to read the words with this pattern: all of them, or with `prefix` the longest beginning.
    pub fn fit(&self, words: &[u32], values: &mut dyn Values, memory: &mut Scratch, prefix: bool) -> Option<Fit> {
        memory.clear(words.len(), self.states.len());
        memory.reach(0, 0, Cell { points: 0, from_word: 0, from_state: 0, slot: NO_SLOT });
        for at in 0..=words.len() {
            for block in 0..memory.row {
                let mut done = 0_u64;
                // Free edges lead to higher states of the same row: read again until nothing new is live.
                while let Some(bits) = memory.live.get(at * memory.row + block).map(|b| b & !done).filter(|b| *b != 0) {
                    let bit = bits.trailing_zeros() as usize;
                    done |= 1 << bit;
                    self.step(at, block * 64 + bit, words, values, memory);
                }
            }
        }
        let last = self.states.len() - 1;
        let end = (if prefix { 1..=words.len() } else { words.len()..=words.len() })
            .rev()
            .find(|&at| memory.is_live(at, last))?;
        Some(trace(memory, end, last))
    }

    fn step(&self, at: usize, state: usize, words: &[u32], values: &mut dyn Values, memory: &mut Scratch) {
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let points = memory.cell(at, state).points;
        let cell = |more, slot| Cell { points: points + more, from_word: short(at), from_state: short(state), slot };
        for edge in self.states.get(state).into_iter().flatten() {
            match *edge {
                Edge::Free(to) => memory.reach(at, to, cell(0, NO_SLOT)),
                Edge::Word(word, to) => {
                    if words.get(at) == Some(&word) {
                        memory.reach(at + 1, to, cell(WORD, NO_SLOT));
                    }
                }
                Edge::Slot(slot, to) => {
                    let Some(wanted) = self.slots.get(slot as usize) else { continue };
                    for c in values.candidates(wanted, at) {
                        if c.end > at && c.end <= words.len() {
                            memory.reach(c.end, to, cell(c.points, slot));
                        }
                    }
                }
            }
        }
    }
}

/// Walks back from the end and collects the slots that were filled.
fn trace(memory: &Scratch, end: usize, last: usize) -> Fit {
    let points = memory.cell(end, last).points;
    let (mut word, mut state) = (end, last);
    let mut slots = Vec::new();
    while (word, state) != (0, 0) {
        let cell = memory.cell(word, state);
        let (from, slot) = (cell.from_word as usize, cell.slot);
        if slot != NO_SLOT {
            slots.push((slot as usize, from, word));
        }
        (word, state) = (from, cell.from_state as usize);
    }
    slots.reverse();
    Fit { points, end, slots }
}

#[cfg(test)]
mod tests;
