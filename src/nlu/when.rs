//! Dates and times as they are spoken, relative to the speaker's clock and zone.
//!
//! A phrase is a handful of parts in any order: days ("next tuesday", "in two weeks", "december third"), a clock
//! time or range ("half past nine", "between two and four"), a part of the day ("afternoon"). Each part may stand
//! once, and they must agree. Deliberately absent: bending. "february thirtieth", or a friday that is a thursday,
//! gives no value and hides its parts too, so that it is asked about.
//!
//! Its own grammar, because a general date crate ignores word boundaries and drops what it does not know, and
//! half a date is a wrong date.

use jiff::{
    Zoned,
    civil::{Date, Time},
};
use serde::{Deserialize, Serialize};

use super::When;

mod clock;
mod days;
mod holidays;
mod period;
mod weekdays;

pub use period::periods;
pub(in crate::nlu) use weekdays::weekday;

/// Whether a phrase without a year or a week means the next one or the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sense {
    /// A visit or a reminder.
    Ahead,
    /// A reading or a result.
    Behind,
}

/// How a slot tells which of the two is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tense {
    /// What is to come: a visit that is booked, a reminder.
    #[default]
    Ahead,
    /// What has been: a reading, a result.
    Behind,
    /// As the sentence tells it: "what visits *did I have* in October".
    Told,
}

impl Tense {
    /// What a date in a sentence of these words means.
    #[must_use]
    pub fn of(self, words: &[&str]) -> Sense {
        const PAST: [&str; 12] =
            ["did", "had", "was", "were", "went", "saw", "seen", "been", "past", "previous", "ago", "happened"];
        match self {
            Self::Ahead => Sense::Ahead,
            Self::Behind => Sense::Behind,
            Self::Told if words.iter().any(|word| PAST.contains(word)) => Sense::Behind,
            Self::Told => Sense::Ahead,
        }
    }
}

/// What a phrase came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// A meaning, and how sure it is (below 1 where people differ, as with "next tuesday" said on a monday).
    Is(When, f32),
    /// A date that does not exist, or parts that contradict each other.
    Impossible,
}

/// A phrase found among other words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Its first word.
    pub start: usize,
    /// The word after its last.
    pub end: usize,
    /// What it means; `None` for a date that does not exist.
    pub when: Option<When>,
    /// 0 to 1.
    pub confidence: f32,
}

/// The longest phrase, in words.
const LONGEST: usize = 14;

/// Every date or time phrase among the words, shorter ones inside longer ones too.
///
/// A phrase that is impossible hides all that overlaps it, and is given without a meaning.
#[must_use]
pub fn find(words: &[&str], now: &Zoned, sense: Sense) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    for start in 0..words.len() {
        if !words.get(start).is_some_and(|w| part_of_a_phrase(w)) {
            continue;
        }
        let run = words.iter().skip(start).take(LONGEST).take_while(|w| part_of_a_phrase(w)).count();
        for end in (start + 1..=start + run).rev() {
            if cuts_a_measure(words, start, end) {
                continue;
            }
            match words.get(start..end).and_then(|w| parse(w, now, sense, false)) {
                Some(Reading::Is(when, confidence)) => spans.push(Span { start, end, when: Some(when), confidence }),
                Some(Reading::Impossible) => hidden.push((start, end)),
                None => {}
            }
        }
    }
    // "the thirtieth of february" holds a whole month: what overlaps the impossible falls, unless it says more.
    spans.retain(|s| !hidden.iter().any(|&(a, b)| s.start < b && a < s.end && !(s.start <= a && b <= s.end)));
    spans.extend(hidden.into_iter().map(|(start, end)| Span { start, end, when: None, confidence: 1.0 }));
    spans
}

/// "after three" in "after three days", "two" in "two tablets": a number that counts something else.
fn cuts_a_measure(words: &[&str], start: usize, end: usize) -> bool {
    let counted = words.get(end).is_some_and(|w| {
        matches!(
            *w,
            "day"
                | "days"
                | "week"
                | "weeks"
                | "month"
                | "months"
                | "year"
                | "years"
                | "hour"
                | "hours"
                | "minute"
                | "minutes"
                | "time"
                | "times"
                | "pill"
                | "pills"
                | "tablet"
                | "tablets"
                | "dose"
                | "doses"
                | "more"
                | "of"
                | "milligrams"
                | "percent"
                | "point"
                | "hundred"
                | "thousand"
                | "one"
                | "option"
                | "choice"
                | "people"
                | "or"
        )
    });
    let numeral = end.checked_sub(1).and_then(|i| words.get(i)).is_some_and(|w| clock::is_number(w));
    let split_before = start > 0
        && words.get(start).is_some_and(|w| clock::is_number(w))
        && words.get(start - 1).is_some_and(|w| clock::is_number(w) || *w == "point" || *w == "a");
    (counted && numeral && words.get(end) != Some(&"or")) || split_before
}

/// Reads words that are a date or time phrase from end to end.
///
/// `bare`: the phrase answers a question about a time, so "three" alone is a clock time and "the second" a day.
#[must_use]
pub fn parse(words: &[&str], now: &Zoned, sense: Sense, bare: bool) -> Option<Reading> {
    let mut phrase = Phrase {
        words,
        at: 0,
        now,
        sense,
        bare,
        days: None,
        weekday: None,
        clock: None,
        part: None,
        confidence: 1.0,
        impossible: false,
    };
    let mut parts = 0;
    while phrase.at < words.len() {
        if phrase.day_part() || phrase.clock_part() {
            parts += 1;
        } else if phrase.connector() {
            if phrase.at == words.len() && parts == 0 {
                return None;
            }
        } else {
            return None;
        }
    }
    if parts == 0 { None } else { Some(phrase.reading()) }
}

/// Whether the words of a time leave open which half of the day is meant: "seven", "tomorrow at half past seven". What
/// names no half may be either, and it is for whoever knows the hours to say which.
#[must_use]
pub fn half_open(words: &str) -> bool {
    let words: Vec<String> = words
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect();
    let tells = |n: usize, word: &str| {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let tail = &word[digits.len()..];
        let stamped = !digits.is_empty() && matches!(tail, "am" | "pm" | "a" | "p");
        let by_24 = digits.starts_with('0') || digits.parse::<u32>().is_ok_and(|h| (13..24).contains(&h) && n == 0);
        let half = matches!(word, "a" | "p") && words.get(n + 1).is_some_and(|w| w == "m");
        stamped
            || by_24
            || half
            || matches!(
                word,
                "am" | "pm"
                    | "morning"
                    | "mornings"
                    | "afternoon"
                    | "afternoons"
                    | "evening"
                    | "night"
                    | "nights"
                    | "tonight"
                    | "noon"
                    | "midday"
                    | "midnight"
                    | "lunch"
                    | "lunchtime"
                    | "work"
                    | "thing"
                    | "end"
                    | "hour"
                    | "hours"
                    | "minute"
                    | "minutes"
                    | "now"
            )
    };
    !words.iter().enumerate().any(|(n, word)| tells(n, word))
}

/// A phrase while it is read.
struct Phrase<'w> {
    words: &'w [&'w str],
    at: usize,
    now: &'w Zoned,
    sense: Sense,
    bare: bool,
    days: Option<days::Days>,
    weekday: Option<weekdays::NamedDay>,
    clock: Option<clock::Clock>,
    part: Option<clock::Part>,
    confidence: f32,
    impossible: bool,
}

impl<'w> Phrase<'w> {
    fn rest(&self) -> &'w [&'w str] {
        self.words.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> &'w str {
        self.words.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn today(&self) -> Date {
        self.now.date()
    }

    /// Takes these words if they come next.
    fn take(&mut self, phrase: &str) -> bool {
        let mut n = 0;
        for word in phrase.split(' ') {
            if self.peek(n) != word {
                return false;
            }
            n += 1;
        }
        self.at += n;
        true
    }

    fn take_any(&mut self, phrases: &[&str]) -> bool {
        phrases.iter().any(|p| self.take(p))
    }

    /// Words between parts that say nothing alone.
    fn connector(&mut self) -> bool {
        const BETWEEN: [&str; 12] = [
            "any time on",
            "some time on",
            "any time",
            "some time",
            "sometime",
            "anytime",
            "on the",
            "on",
            "for",
            "in",
            "of",
            "at",
        ];
        self.take_any(&BETWEEN)
            || self.take_any(&["the", "during", "this coming", "or so", "maybe", "sharp", "exactly"])
    }

    fn reading(mut self) -> Reading {
        let days = self.resolve_days();
        let time = self.resolve_time();
        match (days, time) {
            (Some(days), Some((after, before))) if !self.impossible => {
                Reading::Is(When { from: days.map(|d| d.0), to: days.map(|d| d.1), after, before }, self.confidence)
            }
            _ => Reading::Impossible,
        }
    }
}

/// First and last day.
type Range = (Date, Date);
/// Earliest and latest time of day.
type Times = (Option<Time>, Option<Time>);

/// Whether a word can stand in a date or time phrase at all. Keeps the search to short runs.
fn part_of_a_phrase(word: &str) -> bool {
    clock::is_number(word)
        || weekdays::weekday(word).is_some()
        || days::month(word).is_some()
        || holidays::word(word)
        || matches!(
            word,
            "a" | "an"
                | "after"
                | "afternoon"
                | "afternoons"
                | "ago"
                | "am"
                | "and"
                | "any"
                | "anytime"
                | "around"
                | "about"
                | "at"
                | "before"
                | "beginning"
                | "between"
                | "by"
                | "coming"
                | "couple"
                | "day"
                | "days"
                | "early"
                | "end"
                | "evening"
                | "exactly"
                | "few"
                | "first"
                | "following"
                | "for"
                | "from"
                | "half"
                | "hour"
                | "hours"
                | "in"
                | "last"
                | "late"
                | "later"
                | "lunch"
                | "lunchtime"
                | "m"
                | "maybe"
                | "mid"
                | "midday"
                | "middle"
                | "midnight"
                | "minute"
                | "minutes"
                | "month"
                | "months"
                | "morning"
                | "mornings"
                | "next"
                | "night"
                | "nights"
                | "noon"
                | "now"
                | "o"
                | "oclock"
                | "of"
                | "on"
                | "or"
                | "p"
                | "past"
                | "pm"
                | "quarter"
                | "sharp"
                | "so"
                | "some"
                | "sometime"
                | "start"
                | "starting"
                | "than"
                | "the"
                | "thing"
                | "this"
                | "till"
                | "time"
                | "to"
                | "today"
                | "tomorrow"
                | "tonight"
                | "until"
                | "week"
                | "weekend"
                | "weeks"
                | "work"
                | "year"
                | "years"
                | "yesterday"
                | "earlier"
                | "onward"
                | "onwards"
                | "no"
                | "during"
                | "through"
                | "fortnight"
                | "thousand"
        )
}

#[cfg(test)]
mod tests;
