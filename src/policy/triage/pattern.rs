//! One phrase of the table, looked for in a sentence. `rules.txt` tells the notation.

use super::{
    guards,
    rules::{Classes, RULES},
    words::Sentence,
};

/// A phrase, ready to be looked for.
#[derive(Debug)]
pub struct Pattern {
    from_start: bool,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Word { any_of: Vec<&'static str>, may_miss: bool },
    Gap(usize),
    NotNext(Vec<&'static str>),
    End,
}

impl Pattern {
    /// Reads a phrase; `None` where it names an unknown class, or does not start with a word.
    pub fn parse(phrase: &'static str, classes: &Classes) -> Option<Self> {
        let mut pattern = Self { from_start: false, parts: vec![] };
        for part in phrase.split_whitespace() {
            match part {
                "^" => pattern.from_start = true,
                "$" => pattern.parts.push(Part::End),
                _ => pattern.parts.push(Part::parse(part, classes)?),
            }
        }
        matches!(pattern.parts.first(), Some(Part::Word { may_miss: false, .. })).then_some(pattern)
    }

    /// The words it may start with.
    pub fn first_words(&self) -> &[&'static str] {
        match self.parts.first() {
            Some(Part::Word { any_of, .. }) => any_of,
            Some(Part::Gap(_) | Part::NotNext(_) | Part::End) | None => &[],
        }
    }

    /// Where the phrase ends, if it starts at this word.
    pub fn fits(&self, sentence: &Sentence, start: usize) -> Option<usize> {
        let starts = !self.from_start || (0..start).all(|i| RULES.courtesies.contains(sentence.at(i)));
        starts.then(|| fit(&self.parts, sentence, start)).flatten()
    }
}

impl Part {
    fn parse(part: &'static str, classes: &Classes) -> Option<Self> {
        if let Some(count) = part.strip_prefix('~') {
            return count.parse().ok().map(Self::Gap);
        }
        if let Some(words) = part.strip_prefix('!') {
            return members(words, classes).map(Self::NotNext);
        }
        let (words, may_miss) = part.strip_suffix('?').map_or((part, false), |w| (w, true));
        members(words, classes).map(|any_of| Self::Word { any_of, may_miss })
    }
}

/// The words of an alternative, classes opened.
fn members(words: &'static str, classes: &Classes) -> Option<Vec<&'static str>> {
    let mut all = vec![];
    for word in words.split('|') {
        if word.starts_with('@') {
            all.extend(classes.get(word)?);
        } else {
            all.push(word);
        }
    }
    Some(all)
}

/// Bounded by the phrase, not by the sentence: no gap is longer than a few words.
fn fit(parts: &[Part], sentence: &Sentence, at: usize) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else { return Some(at) };
    match part {
        Part::Word { any_of, may_miss } => {
            let here = any_of.contains(&sentence.at(at)).then(|| fit(rest, sentence, at + 1)).flatten();
            here.or_else(|| may_miss.then(|| fit(rest, sentence, at)).flatten())
        }
        Part::NotNext(words) => (!words.contains(&sentence.at(at))).then(|| fit(rest, sentence, at)).flatten(),
        Part::End => (at..sentence.words.len()).all(|i| RULES.courtesies.contains(sentence.at(i))).then_some(at),
        Part::Gap(longest) => {
            for skipped in 0..=*longest {
                if let Some(end) = fit(rest, sentence, at + skipped) {
                    return Some(end);
                }
                let word = sentence.at(at + skipped);
                if word.is_empty() || guards::turns_meaning(word) {
                    return None;
                }
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::words::sentences, *};

    fn fits(phrase: &'static str, heard: &str) -> bool {
        let classes = Classes::from([("@who", vec!["grandma", "he"])]);
        let pattern = Pattern::parse(phrase, &classes).expect("well formed");
        sentences(heard).iter().any(|s| (0..s.words.len()).any(|start| pattern.fits(s, start).is_some()))
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
    }

    #[test]
    fn what_cannot_be_read_is_no_phrase() {
        for bad in ["", "^ $", "~2 fell", "so? fell", "!no fell", "@nobody fell", "i ~x fell"] {
            assert!(Pattern::parse(bad, &Classes::new()).is_none(), "{bad}");
        }
    }
}
