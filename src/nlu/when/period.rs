//! Stretches of days: "the last three months", "since christmas", "from monday to wednesday", "this week".

use jiff::{Span, Zoned, civil::Date};

use super::{Reading, Sense, days::days_on, find};
use crate::nlu::{When, numbers};

/// The stretches of days that begin with the first of the words, each with how many words it takes and how sure it
/// is: those of this file, and every phrase with days in it.
#[must_use]
pub fn periods(words: &[&str], now: &Zoned, sense: Sense) -> Vec<(When, usize, f32)> {
    let own = counted(words, now).or_else(|| open(words, now)).or_else(|| between(words, now, sense));
    let mut found: Vec<(When, usize, f32)> = own.into_iter().collect();
    let near = words.get(..words.len().min(super::LONGEST)).unwrap_or_default();
    let plain = find(near, now, sense).into_iter().filter(|s| s.start == 0);
    for span in plain {
        if let Some(when) = span.when.filter(|w| w.from.is_some())
            && found.iter().all(|(_, n, _)| *n != span.end)
        {
            found.push((when, span.end, span.confidence));
        }
    }
    found
}

fn days(from: Date, to: Date) -> When {
    When { from: Some(from), to: Some(to), after: None, before: None }
}

/// "the last three months", "the past week", "the next ten days", "these last few days".
fn counted(words: &[&str], now: &Zoned) -> Option<(When, usize, f32)> {
    let today = now.date();
    let mut at = 0;
    let led = matches!(words.first(), Some(&("in" | "over" | "for" | "during" | "within")));
    at += usize::from(led);
    let the = matches!(words.get(at), Some(&("the" | "these" | "those" | "this" | "my")));
    at += usize::from(the);
    let sign = match *words.get(at)? {
        "last" | "past" | "previous" => -1,
        "next" | "coming" | "following" => 1,
        _ => return None,
    };
    at += 1;
    let rest = words.get(at..)?;
    let (count, used, sure) = match rest {
        ["couple", "of", ..] => (2, 2, 1.0),
        ["couple", ..] => (2, 1, 1.0),
        ["few", ..] | ["several", ..] => (3, 1, 0.8),
        _ => match numbers::below_hundred(rest) {
            Some((n, used)) => (i64::from(n), used, 1.0),
            // "the past week" are seven days; "last week" is one of the calendar and not read here.
            None if words.get(at - 1) == Some(&"past") || led && the => (1, 0, 0.9),
            None => return None,
        },
    };
    if count == 0 {
        return None;
    }
    at += used;
    let n = count * sign;
    let span = match *words.get(at)? {
        "day" | "days" | "night" | "nights" => Span::new().try_days(n),
        "week" | "weeks" => Span::new().try_weeks(n),
        "fortnight" => Span::new().try_weeks(n * 2),
        "month" | "months" => Span::new().try_months(n),
        "year" | "years" => Span::new().try_years(n),
        "hour" | "hours" if count % 24 == 0 => Span::new().try_days(n / 24),
        _ => return None,
    };
    let other = today.checked_add(span.ok()?).ok()?;
    let when = if sign < 0 { days(other, today) } else { days(today, other) };
    Some((when, at + 1, sure))
}

/// "since christmas", "since the first of november", "so far this year", "until friday".
fn open(words: &[&str], now: &Zoned) -> Option<(When, usize, f32)> {
    let today = now.date();
    let (led, sense) = match words {
        ["so", "far", ..] => (2, Sense::Behind),
        ["ever", "since", ..] => (2, Sense::Behind),
        ["since", ..] => (1, Sense::Behind),
        ["until" | "till" | "through" | "up", ..] => {
            (if words.starts_with(&["up", "to"]) || words.starts_with(&["up", "until"]) { 2 } else { 1 }, Sense::Ahead)
        }
        _ => return None,
    };
    (led + 1..=words.len().min(led + 8)).rev().find_map(|end| {
        let reading = super::parse(words.get(led..end)?, now, sense, true)?;
        let Reading::Is(When { from: Some(from), to: Some(to), .. }, sure) = reading else { return None };
        let stretch = if sense == Sense::Behind { (from, today) } else { (today, to) };
        (stretch.0 <= stretch.1).then_some((days(stretch.0, stretch.1), end, sure))
    })
}

/// "from monday to wednesday", "between the first and the fifth of march", "monday through friday".
fn between(words: &[&str], now: &Zoned, sense: Sense) -> Option<(When, usize, f32)> {
    let led = usize::from(matches!(words.first(), Some(&("from" | "between"))));
    let read = |a: usize, b: usize, sense| match super::parse(words.get(a..b)?, now, sense, led == 1)? {
        Reading::Is(When { from: Some(from), to: Some(to), after: None, before: None }, sure) => Some((from, to, sure)),
        _ => None,
    };
    let most = words.len().min(super::LONGEST);
    let joints = (led + 1..most).filter(|&i| match words.get(i) {
        Some(&("to" | "through" | "until" | "till")) => true,
        Some(&"and") => words.first() == Some(&"between"),
        _ => false,
    });
    for joint in joints {
        for end in (joint + 2..=most).rev() {
            let Some((_, last, sure)) = read(joint + 1, end, sense) else { continue };
            let Some((first, _, sure_first)) = read(led, joint, sense) else { continue };
            // "monday through friday" said on a wednesday: the friday after that monday, the monday before that friday.
            let (first, last) = match (first <= last, sense) {
                (true, _) => (first, last),
                (false, Sense::Ahead) => (first, days_on(last, 7)?),
                (false, Sense::Behind) => (days_on(first, -7)?, last),
            };
            if first <= last {
                return Some((days(first, last), end, sure.min(sure_first)));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::words;

    /// Monday, 23 November 2026.
    fn read(said: &str, sense: Sense) -> String {
        let zone = jiff::tz::TimeZone::get("America/New_York").expect("bundled");
        let now = "2026-11-23T15:00:00Z".parse::<jiff::Timestamp>().expect("RFC 3339").to_zoned(zone);
        let normal = words::normal(said);
        let words: Vec<&str> = normal.split(' ').collect();
        let whole = periods(&words, &now, sense).into_iter().find(|(_, n, _)| *n == words.len());
        whole.map_or_else(|| "nothing".to_owned(), |(when, ..)| when.told())
    }

    #[test]
    fn stretches_as_they_are_said() {
        let mut wrong = Vec::new();
        for (said, meant) in TABLE {
            let got = read(said, Sense::Behind);
            if got != *meant {
                wrong.push(format!("{said}: wanted {meant}, got {got}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
        assert_eq!(read("from monday to wednesday", Sense::Ahead), "2026-11-30..2026-12-02");
        assert_eq!(read("the next two weeks", Sense::Ahead), "2026-11-23..2026-12-07");
        assert_eq!(read("until friday", Sense::Ahead), "2026-11-23..2026-11-27");
        assert_eq!(read("this week", Sense::Ahead), "2026-11-23..2026-11-29");
    }

    const TABLE: &[(&str, &str)] = &[
        ("the last three months", "2026-08-23..2026-11-23"),
        ("the past two weeks", "2026-11-09..2026-11-23"),
        ("over the past week", "2026-11-16..2026-11-23"),
        ("the past year", "2025-11-23..2026-11-23"),
        ("the last few days", "2026-11-20..2026-11-23"),
        ("the last couple of weeks", "2026-11-09..2026-11-23"),
        ("the last 30 days", "2026-10-24..2026-11-23"),
        ("the last forty eight hours", "2026-11-21..2026-11-23"),
        ("in the last month", "2026-10-23..2026-11-23"),
        ("this week", "2026-11-23..2026-11-29"),
        ("last week", "2026-11-16..2026-11-22"),
        ("this month", "2026-11-01..2026-11-30"),
        ("last month", "2026-10-01..2026-10-31"),
        ("last year", "2025-01-01..2025-12-31"),
        ("since christmas", "2025-12-25..2026-11-23"),
        ("since monday", "2026-11-23"),
        ("since last tuesday", "2026-11-17..2026-11-23"),
        ("since the first of november", "2026-11-01..2026-11-23"),
        ("since june", "2026-06-01..2026-11-23"),
        ("so far this year", "2026-01-01..2026-11-23"),
        ("yesterday", "2026-11-22"),
        ("in october", "2026-10-01..2026-10-31"),
        ("between june and august", "2026-06-01..2026-08-31"),
        ("the last", "nothing"),
        ("since", "nothing"),
        ("since breakfast", "nothing"),
        ("", "nothing"),
    ];

    proptest::proptest! {
        #[test]
        fn any_words_are_read_or_left(words in proptest::collection::vec("(the|last|past|three|months|since|monday|to|between|and|christmas|x)", 0..14)) {
            let zone = jiff::tz::TimeZone::UTC;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            for (when, n, _) in periods(&words, &jiff::Timestamp::UNIX_EPOCH.to_zoned(zone), Sense::Behind) {
                assert!(n >= 1 && n <= words.len() && when.from <= when.to);
            }
        }
    }
}
