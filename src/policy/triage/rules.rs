//! Reads the tables of phrases; `rules.txt` tells the notation.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use super::{
    kind::{Kind, Level},
    pattern::{Pattern, Shared, members},
    vocabulary::{Set, Vocabulary, bit},
    words::Sentence,
};

/// What has to hold for a phrase to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nothing: nobody says it for another reason.
    Cry,
    /// That it is said of here and now.
    Stated,
    /// That it is more than a topic: short, or pressing.
    Named,
    /// That it was not heard well: it is one lost sound away from a cry.
    Misheard,
}

/// What a phrase that is no cry does to the cries beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The words mean something else: "dying for a coffee". Only for cries of these kinds, where any are named.
    Idiom(Vec<Kind>),
    /// Told of something seen, read or handed down.
    Story,
    /// The same, but said beside it: leaves alone what the speaker then says of themselves or of their own people.
    Told,
    /// It was, and is not said to be.
    Past,
    /// It might be; reaches to the end of the sentence.
    Supposed,
    /// Asked of the records or of general knowledge.
    Asks,
    /// It has ended.
    Over,
    /// It is here and now, whatever else was said.
    Now,
    /// A cry for help is taken back.
    Withdrawn,
}

/// One phrase and what it cries for.
#[derive(Debug)]
pub struct Cry {
    /// The kind of emergency.
    pub kind: Kind,
    /// How urgent it is.
    pub level: Level,
    /// What has to hold.
    pub claim: Claim,
}

/// Phrases of one sort, found by the words they may start with.
#[derive(Debug)]
pub struct Phrases<T> {
    all: Vec<(T, Pattern, &'static str)>,
    /// By term: places in `all`, each with a mask that a sentence must share to be worth a closer look.
    by_first_word: Vec<Vec<(u128, usize)>>,
}

/// A phrase in a sentence.
#[derive(Debug)]
pub struct Found<'a, T> {
    /// What the phrase stands for.
    pub what: &'a T,
    /// Its first word.
    pub start: usize,
    /// One past its last word.
    pub end: usize,
    /// Its line of the table.
    pub line: &'static str,
}

/// Classes of words by name (`@who`).
pub type Classes = HashMap<&'static str, Vec<&'static str>>;

/// The whole table.
#[derive(Debug, Default)]
pub struct Rules {
    /// Every word of it.
    pub vocabulary: Vocabulary,
    /// Phrases that cry for help.
    pub cries: Phrases<Cry>,
    /// Phrases that say that something else is no cry.
    pub guards: Phrases<Guard>,
    /// Sounds that hearing writes in brackets, by how the word begins.
    pub sounds: Vec<(&'static str, Kind, Level)>,
    /// What a remark may name that is no person.
    pub things: Set,
    /// Words that every phrase may ask about.
    pub shared: Shared,
    /// Words that make a medical term a topic.
    pub topics: Set,
    /// Words that deny what follows.
    pub denying: Set,
    /// After which "not" denies nothing: "I don't know".
    pub undenied: Set,
    /// After which "can not" denies nothing: "I can't stand the pain".
    pub unbearable: Set,
    /// Words that start a statement of its own.
    pub subjects: Set,
    /// Words that may stand between two statements.
    pub joints: Set,
    /// Words after which a subject belongs to a question or is an object.
    pub inverting: Set,
    /// Verbs of a statement.
    pub finite: Set,
    /// Where the rules come from, by the name that headings cite.
    pub sources: BTreeMap<&'static str, &'static str>,
    /// Lines that could not be read, skipped. A test holds this empty.
    pub faults: Vec<String>,
}

/// The rules in force.
pub static RULES: LazyLock<Rules> = LazyLock::new(|| read(&TABLES));

/// English by the sources, English in people's own words, other languages.
const TABLES: [&str; 3] =
    [include_str!("rules.txt"), include_str!("rules_own_words.txt"), include_str!("rules_world.txt")];

#[derive(Clone)]
enum Heading {
    Cry(Kind, Level, Claim),
    Sound(Kind, Level),
    Guard(Guard),
}

/// Reads tables one after the other; a line that cannot be read is a fault and costs only itself.
pub fn read(tables: &[&'static str]) -> Rules {
    let mut rules = Rules::default();
    let mut classes = Classes::new();
    let mut under: Option<Heading> = None;
    let lines = || tables.iter().flat_map(|text| text.lines().enumerate()).map(|(n, line)| (n, line.trim()));
    // Classes and sources first, so that a table may use what a later one adds to.
    for (_, line) in lines() {
        if let Some((name, words)) = line.split_once(" = ") {
            if name.starts_with('@') {
                classes.entry(name).or_default().extend(words.split_whitespace());
            } else if let Some(source) = name.strip_prefix('%') {
                rules.sources.insert(source, words);
            }
        }
    }
    open(&mut classes);
    for (number, line) in lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let understood = if let Some(heading) = line.strip_prefix('[') {
            under = parse_heading(heading.trim_end_matches(']'));
            under.is_some()
        } else if let Some((name, words)) = line.split_once(" = ") {
            if let Some(meant) = name.strip_prefix('&') {
                words.split_whitespace().for_each(|heard| rules.vocabulary.mishear(heard, meant));
            }
            name.starts_with(['@', '%', '&'])
        } else {
            under.clone().is_some_and(|heading| rules.add(heading, line, &classes))
        };
        if !understood {
            rules.faults.push(format!("line {}: {line}", number + 1));
        }
    }
    rules.take_classes(&classes);
    rules
}

/// A class may name others that need not come first.
fn open(classes: &mut Classes) {
    for _ in 0..3 {
        let before = classes.clone();
        for words in classes.values_mut() {
            *words = words.iter().flat_map(|word| before.get(word).cloned().unwrap_or_else(|| vec![word])).collect();
        }
    }
}

impl Rules {
    fn take_classes(&mut self, classes: &Classes) {
        for word in classes.get("@misspelled").into_iter().flatten() {
            self.vocabulary.guess(word);
        }
        let mut set = |name: &'static str| {
            if classes.contains_key(name) { members(name, classes, &mut self.vocabulary) } else { None }
                .unwrap_or_default()
        };
        self.shared = Shared { courtesies: set("@courtesy"), turning: set("@turning") };
        self.topics = set("@topic");
        self.denying = set("@denying");
        self.undenied = set("@undenied");
        self.unbearable = set("@unbearable");
        self.subjects = set("@subject");
        self.joints = set("@joint");
        self.inverting = set("@inverting");
        self.finite = set("@finite");
        self.things = set("@thing");
        set("@real_word");
    }

    fn add(&mut self, heading: Heading, line: &'static str, classes: &Classes) -> bool {
        if let Heading::Sound(kind, level) = heading {
            self.sounds.push((line, kind, level));
            return true;
        }
        let Some(pattern) = Pattern::parse(line, classes, &mut self.vocabulary) else { return false };
        match heading {
            Heading::Cry(kind, level, claim) => self.cries.add(Cry { kind, level, claim }, pattern, line),
            Heading::Guard(guard) => self.guards.add(guard, pattern, line),
            Heading::Sound(..) => {}
        }
        true
    }
}

impl<T> Default for Phrases<T> {
    fn default() -> Self {
        Self { all: Vec::new(), by_first_word: Vec::new() }
    }
}

impl<T> Phrases<T> {
    /// Every phrase that stands in the sentence.
    pub fn found(&self, sentence: &Sentence, shared: &Shared) -> Vec<Found<'_, T>> {
        let mut found = vec![];
        let mask = sentence.words.iter().flat_map(|w| w.terms.iter()).fold(0, |mask, term| mask | bit(term));
        for (place, word) in sentence.words.iter().enumerate() {
            for term in word.terms.iter() {
                for (needed, phrase) in self.by_first_word.get(usize::from(term)).into_iter().flatten() {
                    if needed & mask != 0
                        && let Some((what, pattern, line)) = self.all.get(*phrase)
                        && let Some((start, end)) = pattern.fits(sentence, place, mask, shared)
                    {
                        found.push(Found { what, start, end, line });
                    }
                }
            }
        }
        found
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// What each stands for, and its line.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = (&T, &'static str)> {
        self.all.iter().map(|(what, _, line)| (what, *line))
    }

    fn add(&mut self, what: T, pattern: Pattern, line: &'static str) {
        for term in pattern.first_words().into_iter().flat_map(Set::terms) {
            let term = usize::from(*term);
            if self.by_first_word.len() <= term {
                self.by_first_word.resize_with(term + 1, Vec::new);
            }
            if let Some(phrases) = self.by_first_word.get_mut(term) {
                phrases.push((pattern.rarest(), self.all.len()));
            }
        }
        self.all.push((what, pattern, line));
    }
}

/// `breathing emergency stated nhs111`, or `guard past`.
fn parse_heading(heading: &'static str) -> Option<Heading> {
    let mut words = heading.split(' ');
    let first = words.next()?;
    if first == "guard" {
        return Some(Heading::Guard(match words.next()? {
            "idiom" => Guard::Idiom(words.map(Kind::named).collect::<Option<_>>()?),
            "story" => Guard::Story,
            "told" => Guard::Told,
            "past" => Guard::Past,
            "supposed" => Guard::Supposed,
            "asks" => Guard::Asks,
            "over" => Guard::Over,
            "now" => Guard::Now,
            "withdrawn" => Guard::Withdrawn,
            _ => return None,
        }));
    }
    let kind = Kind::named(first)?;
    let level = match words.next()? {
        "emergency" => Level::Emergency,
        "urgent" => Level::Urgent,
        "unsure" => Level::Unsure,
        _ => return None,
    };
    let claim = match words.next()? {
        "cry" => Claim::Cry,
        "stated" => Claim::Stated,
        "named" => Claim::Named,
        "misheard" => Claim::Misheard,
        "sound" => {
            words.next()?;
            return Some(Heading::Sound(kind, level));
        }
        _ => return None,
    };
    words.next()?;
    Some(Heading::Cry(kind, level, claim))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_reads_without_a_fault() {
        assert_eq!(RULES.faults, Vec::<String>::new());
        assert!(RULES.cries.len() > 800, "{} phrases", RULES.cries.len());
        let kinds: HashSet<&str> = RULES.cries.iter().map(|(cry, _)| cry.kind.name()).collect();
        assert_eq!(kinds.len(), Kind::ALL.len(), "a kind without a phrase");
    }

    #[test]
    fn every_heading_cites_where_it_comes_from() {
        for text in TABLES {
            for heading in text.lines().filter(|l| l.starts_with('[') && !l.starts_with("[guard")) {
                let cited: Vec<&str> = heading.trim_matches(['[', ']']).split(' ').skip(3).collect();
                assert!(!cited.is_empty(), "{heading} cites nothing");
                for source in cited {
                    assert!(RULES.sources.contains_key(source), "{heading}: no source `{source}`");
                }
            }
        }
    }

    #[test]
    fn no_phrase_stands_there_twice() {
        let mut seen = HashSet::new();
        let twice: Vec<_> = RULES.cries.iter().filter(|(_, line)| !seen.insert(*line)).map(|(_, line)| line).collect();
        assert_eq!(twice, Vec::<&str>::new());
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_only_itself() {
        let rules = read(&[
            "@x = a b\nstray\n[nonsense emergency stated x]\n[fall urgent stated]\n[fall urgent stated x]\n@y fell\n~2 fell\n@x fell",
        ]);
        assert_eq!(rules.faults.len(), 5, "{:?}", rules.faults);
        assert_eq!(rules.cries.len(), 1);
    }
}
