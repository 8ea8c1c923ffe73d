//! Text to words: lower case, no punctuation, contractions written out, each word with its place in the text.
//!
//! Both sides go through here, what is said and what the catalogue says, so "I'm" in one meets "I am" in the other.

/// How many words of one utterance are looked at. A minute of fast speech has about 200.
pub const MOST_WORDS: usize = 256;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its normal form.
    pub text: String,
    /// Byte where it starts in the text.
    pub start: usize,
    /// Byte where it ends.
    pub end: usize,
}

/// The words of a text, at most [`MOST_WORDS`].
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let mut from = 0;
    while out.len() < MOST_WORDS
        && let Some((start, end)) = next_token(text, from)
    {
        from = end;
        let lower = text.get(start..end).unwrap_or_default().to_lowercase().replace(['’', '‘'], "'");
        spell_out(&lower, &mut |word| {
            if !word.is_empty() {
                out.push(Word { text: word.to_owned(), start, end });
            }
        });
    }
    out.truncate(MOST_WORDS);
    out
}

/// Where the next token at or after `from` lies: letters and digits, with what belongs inside ("o'clock",
/// "2:30", "98.6", "12/3", "p.m.").
fn next_token(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let mut chars = rest.char_indices().peekable();
    let mut start = None;
    let mut last: Option<char> = None;
    let mut end = 0;
    while let Some((i, c)) = chars.next() {
        let Some(start) = start else {
            if matches!(c, '%' | '&') {
                return Some((from + i, from + i + 1));
            }
            if c.is_alphanumeric() {
                start = Some(i);
                last = Some(c);
                end = i + c.len_utf8();
            }
            continue;
        };
        let next = chars.peek().map(|&(_, n)| n);
        let digits = last.is_some_and(|l| l.is_ascii_digit()) && next.is_some_and(|n| n.is_ascii_digit());
        let belongs = match c {
            '\'' | '’' | '‘' => next.is_some_and(char::is_alphanumeric),
            ':' | '/' | '-' | ',' => digits,
            '.' => digits || dotted_half_day(rest, start, i),
            _ => c.is_alphanumeric(),
        };
        if !belongs {
            break;
        }
        last = Some(c);
        end = i + c.len_utf8();
    }
    start.map(|s| (from + s, from + end))
}

/// "p.m" of "p.m.": a lone a or p, a dot, an m, and no more letters.
fn dotted_half_day(rest: &str, start: usize, dot: usize) -> bool {
    let head = rest.get(start..dot).unwrap_or_default();
    let letter = head.trim_start_matches(|c: char| c.is_ascii_digit());
    let mut tail = rest.get(dot + 1..).unwrap_or_default().chars();
    matches!(letter, "a" | "p" | "A" | "P")
        && matches!(tail.next(), Some('m' | 'M'))
        && !tail.next().is_some_and(char::is_alphanumeric)
}

fn spell_out(token: &str, push: &mut dyn FnMut(&str)) {
    if let Some(first) = token.chars().next()
        && first.is_ascii_digit()
    {
        return digits(token, push);
    }
    if token == "a.m" || token == "p.m" {
        return push(if token == "a.m" { "am" } else { "pm" });
    }
    if let Some(words) = whole(token) {
        return words.split(' ').for_each(push);
    }
    let Some((head, tail)) = token.rsplit_once('\'') else { return push(token) };
    let head = head.replace('\'', "");
    match tail {
        "t" if head.len() > 1 && head.ends_with('n') => {
            push(head.get(..head.len() - 1).unwrap_or_default());
            push("not");
        }
        "m" => [head.as_str(), "am"].into_iter().for_each(push),
        "re" => [head.as_str(), "are"].into_iter().for_each(push),
        "ve" => [head.as_str(), "have"].into_iter().for_each(push),
        "ll" => [head.as_str(), "will"].into_iter().for_each(push),
        "d" => [head.as_str(), "would"].into_iter().for_each(push),
        "s" if takes_is(&head) => [head.as_str(), "is"].into_iter().for_each(push),
        "s" => push(&head),
        _ => push(&format!("{head}{tail}")),
    }
}

/// Words after which "'s" is "is"; after any other it is a genitive and falls away.
fn takes_is(word: &str) -> bool {
    matches!(
        word,
        "what"
            | "who"
            | "where"
            | "when"
            | "how"
            | "why"
            | "it"
            | "that"
            | "this"
            | "there"
            | "here"
            | "he"
            | "she"
            | "everything"
            | "something"
            | "nothing"
            | "anything"
            | "everyone"
            | "someone"
            | "somebody"
            | "nobody"
    )
}

fn whole(token: &str) -> Option<&'static str> {
    Some(match token {
        "okay" | "ok" | "okey" => "ok",
        "can't" | "cannot" | "cant" => "can not",
        "won't" | "wont" => "will not",
        "shan't" => "shall not",
        "ain't" | "aint" => "is not",
        "dont" => "do not",
        "didnt" => "did not",
        "doesnt" => "does not",
        "isnt" => "is not",
        "wasnt" => "was not",
        "havent" => "have not",
        "hasnt" => "has not",
        "couldnt" => "could not",
        "im" => "i am",
        "ive" => "i have",
        "whats" => "what is",
        "wheres" => "where is",
        "whens" => "when is",
        "whos" => "who is",
        "hows" => "how is",
        "thats" => "that is",
        "theres" => "there is",
        "let's" | "lets" => "let us",
        "gonna" => "going to",
        "wanna" => "want to",
        "gotta" => "got to",
        "gimme" => "give me",
        "lemme" => "let me",
        "dunno" => "do not know",
        "y'all" | "yall" => "you",
        "ma'am" => "madam",
        "nevermind" => "never mind",
        "alright" => "all right",
        "dr" | "doc" => "doctor",
        "mister" => "mr",
        "tmrw" | "tomorow" | "tommorow" | "tommorrow" => "tomorrow",
        "appt" => "appointment",
        "rx" => "prescription",
        "%" => "percent",
        "&" => "and",
        _ => return None,
    })
}

/// Small numbers become words; "3pm" becomes "three pm"; "3rd", "2:30", "98.6" and "12/3" stay.
fn digits(token: &str, push: &mut dyn FnMut(&str)) {
    let split = token.find(|c: char| c.is_alphabetic()).unwrap_or(token.len());
    let (number, letters) = token.split_at(split);
    let number = number.replace(',', "");
    match letters {
        "" => push(small(&number).unwrap_or(&number)),
        "am" | "a.m" => [small(&number).unwrap_or(&number), "am"].into_iter().for_each(push),
        "pm" | "p.m" => [small(&number).unwrap_or(&number), "pm"].into_iter().for_each(push),
        "mg" => [number.as_str(), "milligrams"].into_iter().for_each(push),
        "lbs" | "lb" | "kg" | "kgs" | "cm" | "ft" | "oz" | "ml" | "f" | "c" | "bpm" => {
            [small(&number).unwrap_or(&number), letters].into_iter().for_each(push);
        }
        _ => push(&token.replace('\'', "")),
    }
}

fn small(number: &str) -> Option<&'static str> {
    const NAMES: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if number.len() > 1 && number.starts_with('0') {
        return None;
    }
    NAMES.get(number.parse::<usize>().ok()?).copied()
}

/// The normal form of a text as one line, for tests and dictionaries.
#[must_use]
pub fn normal(text: &str) -> String {
    let words = words(text);
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_and_what_is_written_meet() {
        for (said, normal_form) in [
            ("I'm almost out of Metformin.", "i am almost out of metformin"),
            ("What’s my A1C?", "what is my a1c"),
            ("Dr. Patel's office", "doctor patel office"),
            ("can't, won't, don't", "can not will not do not"),
            ("at 3pm or 3:30 p.m. on the 3rd", "at three pm or 3:30 pm on the 3rd"),
            ("a follow-up in 2 weeks", "a follow up in two weeks"),
            ("12/3 or 2026-12-03, 1,000 of them", "12/3 or 2026-12-03 1000 of them"),
            ("98.6. okay", "98.6 ok"),
            ("o'clock O'Brien", "oclock obrien"),
            ("  …!? ", ""),
            ("let's see", "let us see"),
        ] {
            assert_eq!(normal(said), normal_form, "{said:?}");
        }
    }

    #[test]
    fn every_word_knows_its_place() {
        let text = "Ünd I'm «at» 2:30 p.m., ok";
        for word in words(text) {
            assert!(text.get(word.start..word.end).is_some_and(|s| !s.is_empty()), "{word:?}");
        }
        assert_eq!(words(&"a ".repeat(9999)).len(), MOST_WORDS);
    }
}
