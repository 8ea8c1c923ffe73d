//! Digits said one by one or in groups: a PIN, a room, a number on a card. "Four oh double seven" is `4077`.
//!
//! Letter for letter: a code that is nearly heard is not heard.

use std::ops::Range;

use super::{numbers, words};

/// Fewer digits than this are a number, not a code.
pub const FEWEST: usize = 3;
/// Codes longer than this are read no further.
const MOST: usize = 24;

/// The longest run of digits that begins with the first of the words, and how many words it takes.
#[must_use]
pub fn at(words: &[&str]) -> Option<(String, usize)> {
    run(words).filter(|(code, _)| code.len() >= FEWEST)
}

/// Words that say that digits near them are a secret.
const SECRET: [&str; 9] = ["pin", "pins", "passcode", "password", "pass", "code", "secret", "digits", "unlock"];

/// The runs of at least `fewest` digits in a text: the bytes they take, and the digits.
#[must_use]
pub fn runs(text: &str, fewest: usize) -> Vec<(Range<usize>, String)> {
    let heard = words::words(text);
    let plain: Vec<&str> = heard.iter().map(|w| w.text.as_str()).collect();
    let (mut found, mut from) = (Vec::new(), 0);
    while from < plain.len() {
        match run(plain.get(from..).unwrap_or_default()) {
            Some((code, used)) if used > 0 => {
                let bytes = heard[from].start..heard[from + used - 1].end;
                if code.len() >= fewest {
                    found.push((bytes, code));
                }
                from += used;
            }
            _ => from += 1,
        }
    }
    found
}

/// The runs of digits in a text that speaks of a PIN or a code, so that they can be masked.
#[must_use]
pub fn secrets(text: &str) -> Vec<(Range<usize>, String)> {
    let told = words::words(text).iter().any(|w| SECRET.contains(&w.text.as_str()));
    if told { codes(text) } else { Vec::new() }
}

/// What is said while somebody thinks of the next digit.
const HESITATION: [&str; 7] = ["um", "uh", "er", "erm", "ah", "hm", "hmm"];

/// The runs of digits that are long enough for a code, those that only hesitation cuts in two as one.
#[must_use]
pub fn codes(text: &str) -> Vec<(Range<usize>, String)> {
    let mut codes = joined(text);
    codes.retain(|(_, code)| code.len() >= FEWEST);
    codes
}

/// Whether a code was said and a digit or two stand apart from it: "seven one one six, you, three". What stands between was a
/// digit, or the digits were no code; either way it is not known which was said.
#[must_use]
pub fn broken(text: &str) -> bool {
    let parts: Vec<usize> = joined(text).iter().map(|(_, digits)| digits.len()).collect();
    parts.iter().any(|digits| *digits > FEWEST) && parts.iter().any(|digits| *digits < FEWEST)
}

fn joined(text: &str) -> Vec<(Range<usize>, String)> {
    let mut joined: Vec<(Range<usize>, String)> = Vec::new();
    for (bytes, digits) in runs(text, 1) {
        let near = |before: &Range<usize>| {
            let between = words::words(text.get(before.end..bytes.start).unwrap_or_default());
            between.iter().all(|w| HESITATION.contains(&w.text.as_str()))
        };
        match joined.last_mut() {
            Some((before, code)) if near(before) => {
                before.end = bytes.end;
                code.push_str(&digits);
            }
            _ => joined.push((bytes, digits)),
        }
    }
    joined
}

/// Words that sound exactly like a digit, or as a digit is said in other accents.
const HOMOPHONES: [(&str, &str); 12] = [
    ("ate", "eight"),
    ("fife", "five"),
    ("for", "four"),
    ("fore", "four"),
    ("nein", "nine"),
    ("niner", "nine"),
    ("owe", "oh"),
    ("to", "two"),
    ("too", "two"),
    ("tree", "three"),
    ("won", "one"),
    ("wun", "one"),
];

/// The words as digits, where digits are waited for and each of them is one or sounds like one: "for, oh, seven, won" is
/// four oh seven one. `None` where there is nothing to mend, or anything else was said: a code that is nearly heard is
/// not heard, and "for help" is no code.
#[must_use]
pub fn by_ear(text: &str) -> Option<String> {
    let heard = words::words(text);
    let mended: Vec<&str> = heard
        .iter()
        .map(|w| HOMOPHONES.iter().find(|(ear, _)| *ear == w.text).map_or(w.text.as_str(), |(_, digit)| *digit))
        .filter(|w| !HESITATION.contains(w))
        .collect();
    let all = run(&mended).is_some_and(|(code, used)| used == mended.len() && code.len() >= FEWEST);
    let guessed = heard.iter().filter(|w| HOMOPHONES.iter().any(|(ear, _)| *ear == w.text)).count();
    // More that is mended than heard would be made up.
    (all && guessed > 0 && guessed * 2 <= mended.len()).then(|| mended.join(" "))
}

/// The text with something else in place of these runs.
#[must_use]
pub fn masked(text: &str, runs: &[(Range<usize>, String)], mask: &str) -> String {
    let mut out = text.to_owned();
    for (bytes, _) in runs.iter().rev() {
        if out.get(bytes.clone()).is_some() {
            out.replace_range(bytes.clone(), mask);
        }
    }
    out
}

fn run(words: &[&str]) -> Option<(String, usize)> {
    let mut code = String::new();
    let mut used = 0;
    while code.len() < MOST
        && let Some((digits, n)) = group(words.get(used..).unwrap_or_default())
    {
        code.push_str(&digits);
        used += n;
    }
    ((1..=MOST).contains(&code.len())).then_some((code, used))
}

/// One group: "four", "double seven", "forty two", "4077", "twelve hundred".
fn group(words: &[&str]) -> Option<(String, usize)> {
    let first = *words.first()?;
    if let "dash" | "hyphen" | "then" = first {
        // Only between digits: what follows must be one.
        return group(words.get(1..)?).map(|(digits, n)| (digits, n + 1));
    }
    let times = match first {
        "double" => 2,
        "triple" | "treble" => 3,
        "quadruple" => 4,
        _ => 1,
    };
    if times > 1 {
        return Some((digit(words.get(1)?)?.to_string().repeat(times), 2));
    }
    if first.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
        let plain = first.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let digits: String = first.chars().filter(char::is_ascii_digit).collect();
        return plain.then_some((digits, 1));
    }
    if let Some(digit) = digit(first) {
        if matches!(words.get(1), Some(&("hundred" | "thousand"))) {
            return large(words);
        }
        return Some((digit.to_string(), 1));
    }
    if let Some((_, n)) = numbers::below_hundred(words)
        && matches!(words.get(n), Some(&("hundred" | "thousand")))
    {
        return large(words);
    }
    numbers::below_hundred(words).map(|(n, used)| (n.to_string(), used))
}

/// "twelve hundred", "four thousand and seventy seven".
fn large(words: &[&str]) -> Option<(String, usize)> {
    numbers::number(words).filter(|(n, _)| n.fract() == 0.0).map(|(n, used)| (n.to_string(), used))
}

fn digit(word: &str) -> Option<u32> {
    match word {
        "o" | "oh" | "nought" | "naught" => Some(0),
        _ => numbers::below_hundred(&[word]).map(|(n, _)| n).filter(|n| *n < 10 && !word.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::words;

    #[test]
    fn what_sounds_like_digits_is_mended_only_where_nothing_else_was_said() {
        for (heard, mended) in [
            ("For, oh, seven, won.", Some("four oh seven one")),
            ("ate nine to five", Some("eight nine two five")),
            ("Um, four too, uh, seven tree", Some("four two seven three")),
            ("4 for 7 1", Some("four four seven one")),
            // Nothing to mend, and what is no code.
            ("four oh seven one", None),
            ("for help", None),
            ("for four", None),
            ("I ate too much", None),
            ("for to too won", None),
            ("stop", None),
            ("", None),
        ] {
            assert_eq!(by_ear(heard).as_deref(), mended, "{heard}");
        }
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        for (said, masked_text) in [
            ("my pin is four oh double seven thanks", "my pin is [PIN] thanks"),
            ("the code: 4077, and 12 more", "the code: [PIN], and 12 more"),
            ("take 100 of it", "take 100 of it"),
            ("my pin is four oh, um, double seven", "my pin is [PIN]"),
            ("the code in room 12, bed 2", "the code in room 12, bed 2"),
        ] {
            assert_eq!(masked(said, &secrets(said), "[PIN]"), masked_text);
        }
        let spoken = "four, oh, um, double seven";
        let parts: Vec<String> = runs(spoken, 1).into_iter().map(|(_, code)| code).collect();
        assert_eq!(parts.concat(), "4077");
    }

    #[test]
    fn a_code_with_a_word_in_it_is_broken() {
        for (heard, is) in [
            ("7-1-1-6-U-3", true),
            ("Seven, one, one, six, you, three.", true),
            ("four zero seven seven and then wait five", true),
            ("four zero seven seven", false),
            ("My PIN is 4077, thanks.", false),
            ("four oh, um, double seven", false),
            ("4077, no, 4078", false),
            ("the one on Oak Street", false),
            ("", false),
        ] {
            assert_eq!(broken(heard), is, "{heard}");
        }
    }

    #[test]
    fn codes_as_they_are_said() {
        for (said, code) in [
            ("four oh double seven", "4077"),
            ("1 2 3 4", "1234"),
            ("1234", "1234"),
            ("one two three four", "1234"),
            ("forty two seventeen", "4217"),
            ("forty oh seven", "4007"),
            ("one twenty three", "123"),
            ("nineteen eighty four", "1984"),
            ("four zero seven seven", "4077"),
            ("triple zero five", "0005"),
            ("four oh seven-seven", "4077"),
            ("4-0-7-7", "4077"),
            ("40 77", "4077"),
            ("twelve hundred", "1200"),
            ("four thousand and seventy seven", "4077"),
            ("two oh four", "204"),
            ("nine nine nine nine nine nine", "999999"),
            ("seven double o seven", "7007"),
            ("4,077", "4077"),
        ] {
            let normal = words::normal(said);
            let words: Vec<&str> = normal.split(' ').collect();
            assert_eq!(at(&words), Some((code.to_owned(), words.len())), "{said}");
        }
        for said in ["four", "forty two", "for oh double", "double", "two thirty pm", "12/3", "98.6", "", "dash"] {
            let normal = words::normal(said);
            let words: Vec<&str> = normal.split(' ').collect();
            assert!(at(&words).is_none_or(|(_, n)| n < words.len()), "{said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_words_are_read_or_left(words in proptest::collection::vec("(one|twenty|oh|double|hundred|thousand|dash|4077|x)", 0..40)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Some((code, n)) = at(&words) {
                assert!(n >= 1 && n <= words.len() && code.bytes().all(|b| b.is_ascii_digit()));
            }
        }
    }
}
