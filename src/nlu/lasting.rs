//! How long something lasts: "three days", "a week and a half", "two or three hours", "since yesterday".

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::{
    numbers,
    when::{self, Reading, Sense},
};

/// A length of time as it was said: never turned into another unit, except that two units become the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lasting {
    /// How many.
    pub lasts: f64,
    /// The larger number of "two or three days".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Of what.
    pub unit: TimeUnit,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// 60 to a minute.
    Second,
    /// 60 to an hour.
    Minute,
    /// 24 to a day.
    Hour,
    /// By the calendar.
    Day,
    /// 7 days.
    Week,
    /// By the calendar.
    Month,
    /// 12 months.
    Year,
}

impl TimeUnit {
    /// Its name for one of them.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The unit a word names, singular or plural, and how many of it the word stands for.
    pub(super) fn named(word: &str) -> Option<(Self, f64)> {
        Some(match word {
            "second" | "seconds" | "sec" | "secs" => (Self::Second, 1.0),
            "minute" | "minutes" | "min" | "mins" => (Self::Minute, 1.0),
            "hour" | "hours" | "hr" | "hrs" => (Self::Hour, 1.0),
            "day" | "days" | "night" | "nights" => (Self::Day, 1.0),
            "week" | "weeks" => (Self::Week, 1.0),
            "fortnight" | "fortnights" => (Self::Week, 2.0),
            "month" | "months" => (Self::Month, 1.0),
            "year" | "years" => (Self::Year, 1.0),
            _ => return None,
        })
    }

    /// How many of the smaller unit one of this is, where that never varies.
    fn holds(self, smaller: Self) -> Option<f64> {
        let seconds = |unit| match unit {
            Self::Second => Some(1.0),
            Self::Minute => Some(60.0),
            Self::Hour => Some(3600.0),
            Self::Day => Some(86_400.0),
            Self::Week => Some(604_800.0),
            Self::Month | Self::Year => None,
        };
        match (self, smaller) {
            (Self::Year, Self::Month) => Some(12.0),
            _ => Some(seconds(self)? / seconds(smaller)?).filter(|n| *n >= 1.0),
        }
    }
}

impl Lasting {
    /// As one line: `3 days`, `1.5 weeks`, `1 hour`, `2-3 days`.
    #[must_use]
    pub fn told(&self) -> String {
        let number = self.to.map_or_else(|| self.lasts.to_string(), |to| format!("{}-{to}", self.lasts));
        let one = self.to.is_none() && self.lasts == 1.0;
        format!("{number} {}{}", self.unit.told(), if one { "" } else { "s" })
    }
}

/// The lengths of time that begin with the first of the words, each with how many words it takes and how sure it is;
/// the longest last.
#[must_use]
pub fn at(words: &[&str], now: &Zoned) -> Vec<(Lasting, usize, f32)> {
    if words.first() == Some(&"since") {
        return since(words, now).into_iter().collect();
    }
    let (led, loose) = leading(words);
    let rest = words.get(led..).unwrap_or_default();
    let Some((first, used)) = whole(rest).or_else(|| one(rest)) else { return Vec::new() };
    let sure = if loose { 0.9 } else { 1.0 };
    let mut found = vec![(first, led + used, sure)];
    if let Some((longer, n)) = tail(first, rest.get(used..).unwrap_or_default()) {
        found.push((longer, led + used + n, sure));
    }
    found
}

/// "about", "just over", "at least": words that make a length no other, and whether they make it less sure.
fn leading(words: &[&str]) -> (usize, bool) {
    let phrases: [&[&str]; 14] = [
        &["at", "least"],
        &["at", "most"],
        &["a", "good"],
        &["more", "than"],
        &["less", "than"],
        &["just", "over"],
        &["just", "under"],
        &["like"],
        &["maybe"],
        &["around"],
        &["about"],
        &["almost"],
        &["nearly"],
        &["over"],
    ];
    phrases.iter().find(|p| words.starts_with(p)).map_or((0, false), |p| (p.len(), true))
}

/// "all day", "all night", "overnight".
fn whole(words: &[&str]) -> Option<(Lasting, usize)> {
    let lasting = |lasts, unit| Lasting { lasts, to: None, unit };
    Some(match words {
        ["all", "day" | "night", ..] => (lasting(1.0, TimeUnit::Day), 2),
        ["all", "week", ..] => (lasting(1.0, TimeUnit::Week), 2),
        ["all", "month", ..] => (lasting(1.0, TimeUnit::Month), 2),
        ["all", "year", ..] => (lasting(1.0, TimeUnit::Year), 2),
        ["the", "whole" | "entire", unit, ..] => (lasting(1.0, TimeUnit::named(unit)?.0), 3),
        ["overnight", ..] => (lasting(1.0, TimeUnit::Day), 1),
        _ => return None,
    })
}

/// One number and one unit.
fn one(words: &[&str]) -> Option<(Lasting, usize)> {
    // "half an hour", "three quarters of an hour", "a quarter of an hour".
    let parts: [(&[&str], f64); 8] = [
        (&["half", "an"], 0.5),
        (&["half", "a"], 0.5),
        (&["a", "half"], 0.5),
        (&["a", "quarter", "of", "an"], 0.25),
        (&["quarter", "of", "an"], 0.25),
        (&["three", "quarters", "of", "an"], 0.75),
        (&["a", "quarter"], 0.25),
        (&["half"], 0.5),
    ];
    for (phrase, part) in parts {
        if words.starts_with(phrase)
            && let Some((unit, each)) = words.get(phrase.len()).and_then(|w| TimeUnit::named(w))
        {
            return Some((in_parts(part * each, unit), phrase.len() + 1));
        }
    }
    let (count, to, used) = count(words)?;
    // "two and a half weeks"
    let rest = words.get(used..)?;
    let half = to.is_none() && rest.starts_with(&["and", "a", "half"]);
    let used = if half { used + 3 } else { used };
    let (unit, each) = TimeUnit::named(words.get(used)?)?;
    let count = if half { count + 0.5 } else { count };
    let lasting = match to {
        None => in_parts(count * each, unit),
        Some(to) => Lasting { lasts: count * each, to: Some(to * each), unit },
    };
    Some((lasting, used + 1))
}

/// How many, the larger number of two, and how many words.
fn count(words: &[&str]) -> Option<(f64, Option<f64>, usize)> {
    let fixed: [(&[&str], f64, Option<f64>); 8] = [
        (&["a", "couple", "of"], 2.0, None),
        (&["a", "couple"], 2.0, None),
        (&["couple", "of"], 2.0, None),
        (&["couple"], 2.0, None),
        (&["a", "few"], 3.0, Some(4.0)),
        (&["few"], 3.0, Some(4.0)),
        (&["a"], 1.0, None),
        (&["an"], 1.0, None),
    ];
    let number = |words: &[&str]| numbers::number(words).filter(|(n, _)| *n > 0.0);
    if let Some((n, used)) = number(words) {
        if matches!(words.get(used), Some(&("or" | "to")))
            && let Some((to, more)) = number(words.get(used + 1..)?).filter(|(to, _)| *to > n)
        {
            return Some((n, Some(to), used + 1 + more));
        }
        return Some((n, None, used));
    }
    fixed.iter().find(|(p, ..)| words.starts_with(p)).map(|(p, n, to)| (*n, *to, p.len()))
}

/// "and a half" of one that is whole, "and twenty minutes", "three days" after "two weeks".
fn tail(first: Lasting, words: &[&str]) -> Option<(Lasting, usize)> {
    if first.to.is_some() {
        return None;
    }
    if words.starts_with(&["and", "a", "half"]) && TimeUnit::named(words.get(3).unwrap_or(&"")).is_none() {
        return Some((in_parts(first.lasts + 0.5, first.unit), 3));
    }
    if words.starts_with(&["or", "so"]) {
        return Some((first, 2));
    }
    let and = usize::from(words.first() == Some(&"and"));
    let (more, used) = one(words.get(and..)?)?;
    let each = first.unit.holds(more.unit).filter(|_| more.to.is_none() && more.unit < first.unit)?;
    Some((Lasting { lasts: first.lasts * each + more.lasts, to: None, unit: more.unit }, and + used))
}

/// Half an hour is 30 minutes, a day and a half 36 hours, a year and a half 18 months. Half a week stays one.
fn in_parts(lasts: f64, unit: TimeUnit) -> Lasting {
    let smaller = match unit {
        TimeUnit::Minute => Some(TimeUnit::Second),
        TimeUnit::Hour => Some(TimeUnit::Minute),
        TimeUnit::Day => Some(TimeUnit::Hour),
        TimeUnit::Year => Some(TimeUnit::Month),
        TimeUnit::Second | TimeUnit::Week | TimeUnit::Month => None,
    };
    match smaller.and_then(|smaller| Some((unit.holds(smaller)?, smaller))) {
        Some((each, smaller)) if lasts.fract() != 0.0 => Lasting { lasts: lasts * each, to: None, unit: smaller },
        _ => Lasting { lasts, to: None, unit },
    }
}

/// "since yesterday", "since monday": the days from then to now.
fn since(words: &[&str], now: &Zoned) -> Option<(Lasting, usize, f32)> {
    (2..=words.len().min(8)).rev().find_map(|end| {
        let Reading::Is(when, sure) = when::parse(words.get(1..end)?, now, Sense::Behind, false)? else { return None };
        let from = when.from?;
        let days = (now.date() - from).get_days();
        let lasts = f64::from(days);
        (days >= 0).then_some((Lasting { lasts, to: None, unit: TimeUnit::Day }, end, sure * 0.9))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::table;

    /// Monday, 23 November 2026, in the morning.
    fn now() -> Zoned {
        let zone = jiff::tz::TimeZone::get("America/New_York").expect("bundled");
        "2026-11-23T15:00:00Z".parse::<jiff::Timestamp>().expect("RFC 3339").to_zoned(zone)
    }

    fn read(said: &str) -> String {
        table::whole(said, |words| {
            at(words, &now()).into_iter().map(|(lasting, used, _)| (lasting.told(), used)).collect()
        })
    }

    #[test]
    fn lengths_as_they_are_said() {
        table::holds(TABLE, read);
    }

    const TABLE: &[(&str, &str)] = &[
        ("three days", "3 days"),
        ("3 days", "3 days"),
        ("a day", "1 day"),
        ("an hour", "1 hour"),
        ("a week and a half", "1.5 weeks"),
        ("one and a half weeks", "1.5 weeks"),
        ("half an hour", "30 minutes"),
        ("a half hour", "30 minutes"),
        ("an hour and a half", "90 minutes"),
        ("two and a half hours", "150 minutes"),
        ("a quarter of an hour", "15 minutes"),
        ("three quarters of an hour", "45 minutes"),
        ("half a day", "12 hours"),
        ("a day and a half", "36 hours"),
        ("a year and a half", "18 months"),
        ("a month and a half", "1.5 months"),
        ("a couple of days", "2 days"),
        ("a couple weeks", "2 weeks"),
        ("a few days", "3-4 days"),
        ("two or three days", "2-3 days"),
        ("three to four weeks", "3-4 weeks"),
        ("about two weeks", "2 weeks"),
        ("at least a month", "1 month"),
        ("more than a year", "1 year"),
        ("a fortnight", "2 weeks"),
        ("two weeks and three days", "17 days"),
        ("one hour and twenty minutes", "80 minutes"),
        ("one hour twenty minutes", "80 minutes"),
        ("ten minutes", "10 minutes"),
        ("ninety seconds", "90 seconds"),
        ("twenty four hours", "24 hours"),
        ("two nights", "2 days"),
        ("six months", "6 months"),
        ("a week or so", "1 week"),
        ("all day", "1 day"),
        ("all week", "1 week"),
        ("the whole night", "1 day"),
        ("overnight", "1 day"),
        ("since yesterday", "1 day"),
        ("since friday", "3 days"),
        ("since last tuesday", "6 days"),
        ("since this morning", "0 days"),
        ("since november first", "22 days"),
        ("three", "nothing"),
        ("days", "nothing"),
        ("tomorrow", "nothing"),
        ("since breakfast", "nothing"),
        ("a while", "nothing"),
        ("", "nothing"),
    ];

    proptest::proptest! {
        #[test]
        fn any_words_are_read_or_left(words in proptest::collection::vec("(a|an|half|two|or|and|day|hours|week|since|friday|few|x)", 0..12)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            for (_, n, sure) in at(&words, &now()) {
                assert!(n >= 1 && n <= words.len() && (0.0..=1.0).contains(&sure));
            }
        }
    }
}
