//! Reads the table of phrases, `rules.txt`, which tells its own notation.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{Kind, Level, pattern::Pattern};

/// What has to hold for a phrase to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nothing: nobody says it for another reason.
    Cry,
    /// That it is said of here and now.
    Stated,
    /// That it is more than a topic: short, or pressing.
    Named,
}

/// One phrase and what it cries for.
#[derive(Debug)]
pub struct Rule {
    /// The kind of emergency.
    pub kind: Kind,
    /// How urgent it is.
    pub level: Level,
    /// What has to hold.
    pub claim: Claim,
    /// The phrase.
    pub pattern: Pattern,
}

/// Classes of words by name (`@who`).
pub type Classes = HashMap<&'static str, Vec<&'static str>>;

/// The whole table.
#[derive(Debug, Default)]
pub struct Rules {
    /// Every phrase, in the order of the file.
    pub phrases: Vec<Rule>,
    /// Places in `phrases`, by a word the phrase may start with.
    pub by_first_word: HashMap<&'static str, Vec<usize>>,
    /// Sounds that hearing writes in brackets, by how the word begins.
    pub sounds: Vec<(&'static str, Kind, Level)>,
    /// Words around a cry that change nothing.
    pub courtesies: HashSet<&'static str>,
    /// Words that make a medical term a topic.
    pub topics: HashSet<&'static str>,
    /// Lines that could not be read, skipped. A test holds this empty.
    pub faults: Vec<String>,
}

/// The rules in force.
pub static RULES: LazyLock<Rules> = LazyLock::new(|| read(include_str!("rules.txt")));

/// Reads a table; a line that cannot be read is a fault and costs only itself.
pub fn read(text: &'static str) -> Rules {
    let mut rules = Rules::default();
    let mut classes = Classes::new();
    let mut under: Option<(Kind, Level, &str)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let understood = if let Some(heading) = line.strip_prefix('[') {
            under = parse_heading(heading.trim_end_matches(']'));
            under.is_some()
        } else if let Some((name, words)) = line.split_once(" = ") {
            classes.entry(name).or_default().extend(words.split_whitespace());
            name.starts_with('@')
        } else {
            under.is_some_and(|(kind, level, claim)| rules.add(kind, level, claim, line, &classes))
        };
        if !understood {
            rules.faults.push(format!("line {}: {line}", number + 1));
        }
    }
    rules.courtesies = classes.remove("@courtesy").into_iter().flatten().collect();
    rules.topics = classes.remove("@topic").into_iter().flatten().collect();
    rules
}

impl Rules {
    /// The phrases that may start with a word.
    pub fn starting_with(&self, word: &str) -> impl Iterator<Item = &Rule> {
        self.by_first_word.get(word).into_iter().flatten().filter_map(|place| self.phrases.get(*place))
    }

    fn add(&mut self, kind: Kind, level: Level, claim: &str, line: &'static str, classes: &Classes) -> bool {
        let claim = match claim {
            "cry" => Claim::Cry,
            "stated" => Claim::Stated,
            "named" => Claim::Named,
            _ => {
                self.sounds.push((line, kind, level));
                return true;
            }
        };
        let Some(pattern) = Pattern::parse(line, classes) else { return false };
        for word in pattern.first_words() {
            let places = self.by_first_word.entry(word).or_default();
            if places.last() != Some(&self.phrases.len()) {
                places.push(self.phrases.len());
            }
        }
        self.phrases.push(Rule { kind, level, claim, pattern });
        true
    }
}

/// `breathing emergency stated`.
fn parse_heading(heading: &'static str) -> Option<(Kind, Level, &'static str)> {
    let mut words = heading.split(' ');
    let kind = words.next()?;
    let kind = Kind::ALL.into_iter().find(|k| k.name() == kind)?;
    let level = match words.next()? {
        "emergency" => Level::Emergency,
        "urgent" => Level::Urgent,
        _ => return None,
    };
    let claim = words.next().filter(|c| ["cry", "stated", "named", "sound"].contains(c))?;
    Some((kind, level, claim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_without_a_fault() {
        assert_eq!(RULES.faults, Vec::<String>::new());
        assert!(RULES.phrases.len() > 250, "{} phrases", RULES.phrases.len());
        let kinds: HashSet<&str> = RULES.phrases.iter().map(|r| r.kind.name()).collect();
        assert_eq!(kinds.len(), Kind::ALL.len(), "a kind without a phrase");
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_only_itself() {
        let rules =
            read("@x = a b\nstray\n[nonsense emergency stated]\n[fall urgent stated]\n@y fell\n~2 fell\n@x fell");
        assert_eq!(rules.faults.len(), 4, "{:?}", rules.faults);
        assert_eq!(rules.phrases.len(), 1);
        assert_eq!(rules.starting_with("b").count(), 1);
    }
}
