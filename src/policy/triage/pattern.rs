//! One phrase of the table, looked for in a sentence. `rules.txt` tells the notation.

use super::{
    guards,
    rules::Classes,
    vocabulary::{Set, Vocabulary},
    words::{Sentence, is_han},
};

/// What every phrase may ask about a word, besides its own words.
#[derive(Debug, Default)]
pub struct Shared {
    /// Words around a cry that change nothing.
    pub courtesies: Set,
    /// Words that deny or suppose what follows; no gap of a phrase may swallow one.
    pub turning: Set,
}

/// A phrase, ready to be looked for.
#[derive(Debug)]
pub struct Pattern {
    shape: Shape,
    /// A sentence without these has no such phrase: masks of its words after the first, the rarest first.
    masks: Vec<u128>,
}

#[derive(Debug)]
enum Shape {
    /// In this order.
    Row { from_start: bool, parts: Vec<Part> },
    /// In any order, all within so many words of the first.
    Near { reach: usize, words: Vec<Set> },
}

#[derive(Debug)]
enum Part {
    Word { any_of: Set, may_miss: bool },
    Gap(usize),
    NotNext(Set),
    End,
}

/// Masks that are looked at before a phrase is tried.
const MASKS: usize = 3;

impl Pattern {
    /// Reads a phrase; `None` where it names an unknown class, or does not start with a word.
    pub fn parse(phrase: &'static str, classes: &Classes, vocabulary: &mut Vocabulary) -> Option<Self> {
        let mut parts: Vec<Part> = vec![];
        let (mut from_start, mut reach) = (false, None);
        for (place, part) in phrase.split_whitespace().enumerate() {
            match part {
                "^" => from_start = true,
                "$" => parts.push(Part::End),
                _ if place == 0 && part.starts_with('{') => {
                    reach = Some(part.strip_prefix('{')?.strip_suffix('}')?.parse().ok()?);
                }
                // Chinese is written without blanks.
                _ if part.chars().all(is_han) => {
                    for character in part.split("").filter(|c| !c.is_empty()) {
                        let any_of = members(character, classes, vocabulary)?;
                        parts.push(Part::Word { any_of, may_miss: false });
                    }
                }
                _ => parts.push(Part::parse(part, classes, vocabulary)?),
            }
        }
        if !matches!(parts.first(), Some(Part::Word { may_miss: false, .. })) {
            return None;
        }
        // The first word is found by itself.
        let mut masks: Vec<u128> = parts.iter().skip(1).filter_map(Part::mask).collect();
        masks.sort_unstable_by_key(|mask| mask.count_ones());
        masks.truncate(MASKS);
        let shape = match reach {
            None => Shape::Row { from_start, parts },
            Some(reach) => {
                let words = parts.into_iter().map(|part| match part {
                    Part::Word { any_of, may_miss: false } => Some(any_of),
                    Part::Word { may_miss: true, .. } | Part::Gap(_) | Part::NotNext(_) | Part::End => None,
                });
                Shape::Near { reach, words: words.collect::<Option<_>>()? }
            }
        };
        Some(Self { shape, masks })
    }

    /// The words it may start with.
    pub fn first_words(&self) -> Option<&Set> {
        match &self.shape {
            Shape::Near { words, .. } => words.first(),
            Shape::Row { parts, .. } => match parts.first() {
                Some(Part::Word { any_of, .. }) => Some(any_of),
                Some(Part::Gap(_) | Part::NotNext(_) | Part::End) | None => None,
            },
        }
    }

    /// A sentence that shares no bit with this has no such phrase.
    pub fn rarest(&self) -> u128 {
        self.masks.first().copied().unwrap_or(u128::MAX)
    }

    /// From where to where it reaches, if this word is its first. `mask` is the sentence's.
    pub fn fits(&self, sentence: &Sentence, start: usize, mask: u128, shared: &Shared) -> Option<(usize, usize)> {
        if self.masks.iter().any(|needed| needed & mask == 0) {
            return None;
        }
        match &self.shape {
            Shape::Row { from_start, parts } => {
                let starts = !from_start || (0..start).all(|i| shared.courtesies.has(sentence.terms(i)));
                let end = starts.then(|| fit(parts, sentence, start, shared)).flatten();
                end.map(|end| (start, end))
            }
            Shape::Near { reach, words } => near(words, *reach, sentence, start, shared),
        }
    }
}

impl Part {
    fn parse(part: &'static str, classes: &Classes, vocabulary: &mut Vocabulary) -> Option<Self> {
        if let Some(count) = part.strip_prefix('~') {
            return count.parse().ok().map(Self::Gap);
        }
        if let Some(words) = part.strip_prefix('!') {
            return members(words, classes, vocabulary).map(Self::NotNext);
        }
        let (words, may_miss) = part.strip_suffix('?').map_or((part, false), |w| (w, true));
        members(words, classes, vocabulary).map(|any_of| Self::Word { any_of, may_miss })
    }

    fn mask(&self) -> Option<u128> {
        match self {
            Self::Word { any_of, may_miss: false } => Some(any_of.mask()),
            Self::Word { may_miss: true, .. } | Self::Gap(_) | Self::NotNext(_) | Self::End => None,
        }
    }
}

/// The words of an alternative, classes opened.
pub fn members(words: &'static str, classes: &Classes, vocabulary: &mut Vocabulary) -> Option<Set> {
    let mut all = vec![];
    for word in words.split('|') {
        if word.starts_with('@') {
            all.extend(classes.get(word)?.iter().map(|member| vocabulary.learn(member)));
        } else {
            all.push(vocabulary.learn(word));
        }
    }
    Some(all.into_iter().collect())
}

/// Bounded by the phrase, not by the sentence: no gap is longer than a few words.
fn fit(parts: &[Part], sentence: &Sentence, at: usize, shared: &Shared) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else { return Some(at) };
    match part {
        Part::Word { any_of, may_miss } => {
            let here = any_of.has(sentence.terms(at)).then(|| fit(rest, sentence, at + 1, shared)).flatten();
            here.or_else(|| may_miss.then(|| fit(rest, sentence, at, shared)).flatten())
        }
        Part::NotNext(words) => (!words.has(sentence.terms(at))).then(|| fit(rest, sentence, at, shared)).flatten(),
        Part::End => (at..sentence.words.len()).all(|i| shared.courtesies.has(sentence.terms(i))).then_some(at),
        Part::Gap(longest) => {
            for skipped in 0..=*longest {
                if let Some(end) = fit(rest, sentence, at + skipped, shared) {
                    return Some(end);
                }
                let place = at + skipped;
                if place >= sentence.words.len() || shared.turning.has(sentence.terms(place)) {
                    return None;
                }
            }
            None
        }
    }
}

/// Each other word at the nearest place that is left, with nothing between that turns the meaning.
fn near(words: &[Set], reach: usize, sentence: &Sentence, start: usize, shared: &Shared) -> Option<(usize, usize)> {
    let (first, others) = words.split_first()?;
    if !first.has(sentence.terms(start)) {
        return None;
    }
    let mut taken = vec![start];
    for set in others {
        let place =
            (1..=reach).flat_map(|far| [start.checked_add(far), start.checked_sub(far)]).flatten().find(|place| {
                set.has(sentence.terms(*place))
                    && !taken.contains(place)
                    && joined(sentence, start.min(*place), start.max(*place), reach, shared)
            })?;
        taken.push(place);
    }
    let (from, to) = (taken.iter().min()?, taken.iter().max()?);
    Some((*from, to + 1))
}

/// Signs that are told in one statement after the other are looked for this far.
const SEVERAL_STATEMENTS: usize = 8;

/// Whether two words belong to one statement, or to several that tell of the same.
fn joined(sentence: &Sentence, from: usize, to: usize, reach: usize, shared: &Shared) -> bool {
    (from + 1..to).all(|i| !shared.turning.has(sentence.terms(i)))
        && (reach >= SEVERAL_STATEMENTS || (from + 1..=to).all(|i| !guards::starts_clause(sentence, i)))
}

#[cfg(test)]
mod tests {
    use super::super::{Utterance, rules, words::sentences};

    fn fits(phrase: &'static str, heard: &str) -> bool {
        let text = format!(
            "@who = grandma he\n@turning = not never no\n@courtesy = oh please\n[help emergency cry x]\n{phrase}"
        );
        let rules = rules::read(&[Box::leak(text.into_boxed_str())]);
        assert_eq!(rules.cries.len(), 1, "{phrase} is well formed");
        sentences(&Utterance::typed(heard), &rules.vocabulary)
            .iter()
            .any(|s| !rules.cries.found(s, &rules.shared).is_empty())
    }

    #[test]
    fn the_notation_means_what_the_table_says() {
        assert!(fits("can|could not breathe", "I can't breathe"));
        assert!(!fits("can|could not breathe", "I can breathe"));
        assert!(fits("is really? bleeding", "he is bleeding") && fits("is really? bleeding", "he's really bleeding"));
        assert!(fits("chest ~2 hurts", "my chest it suddenly hurts"));
        assert!(!fits("chest ~2 hurts", "my chest it all suddenly hurts"));
        assert!(!fits("chest ~2 hurts", "my chest never hurts"), "a gap does not swallow a denial");
        assert!(fits("^ help me $", "oh please help me please") && !fits("^ help me $", "help me find it"));
        assert!(!fits("^ help $", "the cat needs help"));
        assert!(fits("dying !for|to", "i am dying") && !fits("dying !for|to", "i am dying for tea"));
        assert!(fits("@who fell", "grandma fell") && !fits("@who fell", "prices fell"));
        assert!(fits("bleed*", "it bled and bleeds") && !fits("bleed*", "it bled"));
        assert!(fits("{3} chest tight*", "a tightness in my chest") && fits("{3} chest tight*", "chest so tight"));
        assert!(!fits("{3} chest tight*", "tight shoes but a chest"), "one sentence");
        assert!(!fits("{3} chest tight*", "my chest is not tight"));
        assert!(!fits("{3} chest hurts", "a chest x-ray and he hurts"), "one statement");
        assert!(fits("救命", "快救命啊") && fits("胸 ~1 痛|疼", "我胸口疼"));
        assert!(fits("pecho", "el pécho"));
    }

    #[test]
    fn what_cannot_be_read_is_no_phrase() {
        for bad in ["^ $", "~2 fell", "so? fell", "!no fell", "@nobody fell", "i ~x fell", "{x} fell", "{2} so? fell"] {
            let text = format!("[help emergency cry x]\n{bad}");
            assert_eq!(rules::read(&[Box::leak(text.into_boxed_str())]).cries.len(), 0, "{bad}");
        }
    }
}
