//! How often: "every morning", "twice a day", "every other day", "mondays and thursdays at eight".

use jiff::{
    Zoned,
    civil::{Time, Weekday},
};
use serde::{Deserialize, Serialize};

use super::{
    lasting::TimeUnit,
    numbers,
    when::{self, Reading, Sense},
};

/// What happens again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurring {
    /// 2 for every other day.
    pub every: u16,
    /// The unit that is counted.
    pub of: TimeUnit,
    /// How often in it, 1 unless said.
    #[serde(default = "once")]
    pub times: u16,
    /// On these days of the week, from Monday on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Day>,
    /// Earliest time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Time>,
    /// Latest time of day; equal to `after` for a clock time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Time>,
}

const fn once() -> u16 {
    1
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the seven days")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    const fn of(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

impl Recurring {
    const fn each(of: TimeUnit) -> Self {
        Self { every: 1, of, times: 1, on: Vec::new(), after: None, before: None }
    }

    /// As one line: `every day 06:00-12:00`, `every 2 days`, `2 times every day`, `every week on monday, thursday 08:00`.
    #[must_use]
    pub fn told(&self) -> String {
        let mut line = String::new();
        if self.times != 1 {
            line.push_str(&format!("{} times ", self.times));
        }
        match self.every {
            1 => line.push_str(&format!("every {}", self.of.told())),
            n => line.push_str(&format!("every {n} {}s", self.of.told())),
        }
        if !self.on.is_empty() {
            let days: Vec<&str> = self.on.iter().map(|d| d.told()).collect();
            line.push_str(&format!(" on {}", days.join(", ")));
        }
        let time = super::When { from: None, to: None, after: self.after, before: self.before }.told();
        if !time.is_empty() {
            line.push_str(&format!(" {time}"));
        }
        line
    }
}

/// The recurrences that begin with the first of the words, each with how many words it takes; the longest last.
#[must_use]
pub fn at(words: &[&str], now: &Zoned) -> Vec<(Recurring, usize)> {
    let mut found = Vec::new();
    // "at eight every morning"
    if matches!(words.first(), Some(&("at" | "in" | "around"))) {
        for end in (2..=words.len().min(7)).rev() {
            let Some(time) = words.get(..end).and_then(|w| time(w, now)) else { continue };
            let Some((rhythm, n)) = words.get(end..).and_then(rhythm) else { continue };
            found.extend(with_time(rhythm, time).map(|whole| (whole, end + n)));
            break;
        }
        return found;
    }
    let Some((rhythm, used)) = rhythm(words) else { return found };
    found.push((rhythm.clone(), used));
    // "every day at eight", "every monday in the evening": the time, once and at the end.
    let most = words.len().min(used + 7);
    for end in (used + 1..=most).rev() {
        if let Some(time) = words.get(used..end).and_then(|w| time(w, now))
            && let Some(whole) = with_time(rhythm.clone(), time)
        {
            found.push((whole, end));
            break;
        }
    }
    found
}

type Times = (Option<Time>, Option<Time>);

fn time(words: &[&str], now: &Zoned) -> Option<Times> {
    let plain = if words.first() == Some(&"at") { words } else { words.strip_prefix(&["and"]).unwrap_or(words) };
    match when::parse(plain, now, Sense::Ahead, false)? {
        Reading::Is(when, _) if when.from.is_none() && (when.after.is_some() || when.before.is_some()) => {
            Some((when.after, when.before))
        }
        _ => None,
    }
}

/// The time must lie in the part of the day that was said before: "every morning at nine".
fn with_time(rhythm: Recurring, (after, before): Times) -> Option<Recurring> {
    let Some(from) = rhythm.after else { return Some(Recurring { after, before, ..rhythm }) };
    let (Some(clock), true) = (after, after == before) else { return None };
    // "every evening at eight" was read as eight in the morning: the part of the day knows better.
    let later = clock.checked_add(jiff::Span::new().try_hours(12).ok()?).ok();
    let fits = |t: &Time| *t >= from && rhythm.before.is_none_or(|to| *t <= to);
    let clock = [Some(clock), later].into_iter().flatten().find(fits)?;
    Some(Recurring { after: Some(clock), before: Some(clock), ..rhythm })
}

fn rhythm(words: &[&str]) -> Option<(Recurring, usize)> {
    adverb(words).or_else(|| per(words)).or_else(|| every(words)).or_else(|| plural_days(words))
}

/// "daily", "twice daily", "weekly".
fn adverb(words: &[&str]) -> Option<(Recurring, usize)> {
    let unit = |word: &str| {
        Some(match word {
            "hourly" => (1, TimeUnit::Hour),
            "daily" | "everyday" => (1, TimeUnit::Day),
            "weekly" => (1, TimeUnit::Week),
            "biweekly" | "fortnightly" => (2, TimeUnit::Week),
            "monthly" => (1, TimeUnit::Month),
            "quarterly" => (3, TimeUnit::Month),
            "yearly" | "annually" => (1, TimeUnit::Year),
            _ => return None,
        })
    };
    if words.first() == Some(&"nightly") {
        return Some((part("night")?, 1));
    }
    if let Some((every, of)) = words.first().and_then(|w| unit(w)) {
        return Some((Recurring { every, ..Recurring::each(of) }, 1));
    }
    let (times, used) = times(words)?;
    let (every, of) = words.get(used).and_then(|w| unit(w))?;
    Some((Recurring { every, times, ..Recurring::each(of) }, used + 1))
}

/// "once", "twice", "three times", "2 times".
fn times(words: &[&str]) -> Option<(u16, usize)> {
    match words {
        ["once", ..] => Some((1, 1)),
        ["twice", ..] => Some((2, 1)),
        ["thrice", ..] => Some((3, 1)),
        _ => {
            let (n, used) = numbers::below_hundred(words)?;
            let counted = n > 0 && matches!(words.get(used), Some(&("times" | "time" | "x")));
            Some((u16::try_from(n).ok().filter(|_| counted)?, used + 1))
        }
    }
}

/// "twice a day", "three times per week", "once every two weeks".
fn per(words: &[&str]) -> Option<(Recurring, usize)> {
    let (times, used) = times(words)?;
    let rest = words.get(used..)?;
    if let ["a" | "an" | "per", unit, ..] = rest {
        let (of, _) = TimeUnit::named(unit)?;
        return Some((Recurring { times, ..Recurring::each(of) }, used + 2));
    }
    let (rhythm, n) = every(rest)?;
    Some((Recurring { times, ..rhythm }, used + n))
}

/// "every day", "each morning", "every other week", "every six hours", "every monday and thursday".
fn every(words: &[&str]) -> Option<(Recurring, usize)> {
    if !matches!(words.first(), Some(&("every" | "each"))) {
        return None;
    }
    let rest = words.get(1..)?;
    let (step, used) = match rest {
        ["other" | "second", ..] => (2, 1),
        ["single", ..] => (1, 1),
        ["few", ..] => return None,
        ["couple", "of", ..] => (2, 2),
        _ => match numbers::ordinal(rest).or_else(|| numbers::below_hundred(rest)) {
            Some((n, used)) => (u16::try_from(n).ok().filter(|n| *n > 0)?, used),
            None => (1, 0),
        },
    };
    let used = 1 + used;
    let next = words.get(used)?;
    let on = |on: &[Day]| Recurring { every: step, on: on.to_vec(), ..Recurring::each(TimeUnit::Week) };
    match *next {
        "weekday" if step == 1 => return Some((on(Day::ALL.get(..5)?), used + 1)),
        "weekend" => return Some((on(Day::ALL.get(5..)?), used + 1)),
        _ => {}
    }
    if let Some((days, n)) = days(words.get(used..)?) {
        return Some((on(&days), used + n));
    }
    if let Some(part) = part(next) {
        // "every morning and evening"
        if step == 1
            && words.get(used + 1) == Some(&"and")
            && words.get(used + 2).is_some_and(|w| self::part(w).is_some())
        {
            return Some((Recurring { times: 2, ..Recurring::each(TimeUnit::Day) }, used + 3));
        }
        return Some((Recurring { every: step, ..part }, used + 1));
    }
    let (of, each) = TimeUnit::named(next)?;
    let every = if each == 2.0 { step * 2 } else { step };
    Some((Recurring { every, ..Recurring::each(of) }, used + 1))
}

/// A part of the day, every day.
fn part(word: &str) -> Option<Recurring> {
    let (from, to) = match word {
        "morning" => (6, 12),
        "afternoon" => (12, 18),
        "evening" => (17, 21),
        "night" => (18, 23),
        "lunchtime" | "noon" => (11, 13),
        _ => return None,
    };
    let hour = |h| Time::new(h, 0, 0, 0).ok();
    Some(Recurring { after: hour(from), before: hour(to), ..Recurring::each(TimeUnit::Day) })
}

/// "monday", "monday and thursday", "monday wednesday and friday".
fn days(words: &[&str]) -> Option<(Vec<Day>, usize)> {
    let mut days = Vec::new();
    let mut used = 0;
    loop {
        let joint = usize::from(!days.is_empty() && matches!(words.get(used), Some(&("and" | "or"))));
        let Some(day) = words.get(used + joint).and_then(|w| when::weekday(w)) else { break };
        days.push(Day::of(day));
        used += joint + 1;
    }
    days.sort_unstable();
    days.dedup();
    (!days.is_empty()).then_some((days, used))
}

/// "mondays and thursdays", "on weekdays", "weekends", "mornings".
fn plural_days(words: &[&str]) -> Option<(Recurring, usize)> {
    let led = usize::from(words.first() == Some(&"on"));
    let rest = words.get(led..)?;
    let on = |on: &[Day]| Recurring { on: on.to_vec(), ..Recurring::each(TimeUnit::Week) };
    match rest.first() {
        Some(&"weekdays") => return Some((on(Day::ALL.get(..5)?), led + 1)),
        Some(&"weekends") => return Some((on(Day::ALL.get(5..)?), led + 1)),
        _ => {}
    }
    let (days, used) = days(rest)?;
    // One of them must be a plural: "monday and thursday" alone are two days.
    let plural = rest.get(..used)?.iter().any(|w| w.len() > 4 && w.ends_with("days"));
    plural.then(|| (on(&days), led + used))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::table;

    fn now() -> Zoned {
        "2026-11-23T15:00:00Z".parse::<jiff::Timestamp>().expect("RFC 3339").to_zoned(jiff::tz::TimeZone::UTC)
    }

    fn read(said: &str) -> String {
        table::whole(said, |words| at(words, &now()).into_iter().map(|(r, used)| (r.told(), used)).collect())
    }

    #[test]
    fn rhythms_as_they_are_said() {
        table::holds(TABLE, read);
    }

    const TABLE: &[(&str, &str)] = &[
        ("every day", "every day"),
        ("each day", "every day"),
        ("every single day", "every day"),
        ("daily", "every day"),
        ("every morning", "every day 06:00-12:00"),
        ("every night", "every day 18:00-23:00"),
        ("nightly", "every day 18:00-23:00"),
        ("every other day", "every 2 days"),
        ("every second day", "every 2 days"),
        ("every two days", "every 2 days"),
        ("every third day", "every 3 days"),
        ("every other morning", "every 2 days 06:00-12:00"),
        ("twice a day", "2 times every day"),
        ("twice daily", "2 times every day"),
        ("three times a day", "3 times every day"),
        ("3 times per day", "3 times every day"),
        ("once a day", "every day"),
        ("once a week", "every week"),
        ("once every two weeks", "every 2 weeks"),
        ("every six hours", "every 6 hours"),
        ("every hour", "every hour"),
        ("hourly", "every hour"),
        ("weekly", "every week"),
        ("every fortnight", "every 2 weeks"),
        ("every month", "every month"),
        ("every three months", "every 3 months"),
        ("every monday", "every week on monday"),
        ("every monday and thursday", "every week on monday, thursday"),
        ("mondays and thursdays", "every week on monday, thursday"),
        ("on tuesdays", "every week on tuesday"),
        ("monday, wednesday and fridays", "every week on monday, wednesday, friday"),
        ("every weekday", "every week on monday, tuesday, wednesday, thursday, friday"),
        ("on weekends", "every week on saturday, sunday"),
        ("every other friday", "every 2 weeks on friday"),
        ("every day at eight", "every day 08:00"),
        ("every day at 8 pm", "every day 20:00"),
        ("at eight every morning", "every day 08:00"),
        ("every morning at nine", "every day 09:00"),
        ("every evening at eight", "every day 20:00"),
        ("every monday at noon", "every week on monday 12:00"),
        ("mondays at three thirty", "every week on monday 15:30"),
        ("every day in the evening", "every day 17:00-21:00"),
        ("every morning and evening", "2 times every day"),
        ("every", "nothing"),
        ("every time", "nothing"),
        ("monday", "nothing"),
        ("monday and thursday", "nothing"),
        ("every few days", "nothing"),
        ("twice", "nothing"),
        ("today", "nothing"),
        ("", "nothing"),
    ];

    proptest::proptest! {
        #[test]
        fn any_words_are_read_or_left(words in proptest::collection::vec("(every|other|two|day|morning|at|eight|monday|and|twice|a|thursdays|x)", 0..12)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            for (_, n) in at(&words, &now()) {
                assert!(n >= 1 && n <= words.len());
            }
        }
    }
}
