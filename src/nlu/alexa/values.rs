//! Values as Alexa writes its own slot types: ISO 8601, and a few words of its own.

use jiff::{ToSpan as _, Zoned, civil::Date, civil::Time};

use crate::nlu::{SlotValue, When, catalogue::SlotKind};

/// What a written value is.
pub(in crate::nlu) enum Written {
    /// The value itself.
    Value(SlotValue),
    /// The same in words, for those who understand words.
    Words(String),
}

/// Reads a value in Alexa's own form; `None` for what is only words.
pub(in crate::nlu) fn written(kind: &SlotKind, text: &str, now: &Zoned) -> Option<Written> {
    let text = text.trim();
    match kind {
        SlotKind::Date | SlotKind::Period => days(text, now).map(|(from, to)| {
            let when = When { from: Some(from), to: Some(to), after: None, before: None };
            Written::Value(SlotValue::When(when))
        }),
        SlotKind::Time => time(text),
        SlotKind::Duration => duration(text).map(Written::Words),
        SlotKind::Number => {
            text.parse::<f64>().ok().filter(|n| n.is_finite()).map(SlotValue::Number).map(Written::Value)
        }
        SlotKind::Ordinal => {
            let place: u32 = text.parse().ok().filter(|n| (1..=100).contains(n))?;
            Some(Written::Value(SlotValue::Number(f64::from(place))))
        }
        _ => None,
    }
}

/// `2026-12-01`, `2026-W49`, `2026-W49-WE`, `2026-12`, `2026`, `PRESENT_REF`: the first and the last day.
fn days(text: &str, now: &Zoned) -> Option<(Date, Date)> {
    if text == "PRESENT_REF" {
        return Some((now.date(), now.date()));
    }
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, n: usize| {
        (part.len() == n && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i16>().ok()).flatten()
    };
    let year = digits(parts.first()?, 4)?;
    let small = |part: &str| digits(part, 2).and_then(|n| i8::try_from(n).ok());
    match parts.as_slice() {
        [_] => Some((Date::new(year, 1, 1).ok()?, Date::new(year, 12, 31).ok()?)),
        [_, week, rest @ ..] if week.starts_with('W') => {
            let week = small(week.strip_prefix('W')?)?;
            let monday = jiff::civil::ISOWeekDate::new(year, week, jiff::civil::Weekday::Monday).ok()?.date();
            let after = |n: i64| monday.checked_add(n.days()).ok();
            match rest {
                [] => Some((monday, after(6)?)),
                ["WE"] => Some((after(5)?, after(6)?)),
                _ => None,
            }
        }
        [_, month] => {
            let first = Date::new(year, small(month)?, 1).ok()?;
            Some((first, first.last_of_month()))
        }
        [_, month, day] => {
            let date = Date::new(year, small(month)?, small(day)?).ok()?;
            Some((date, date))
        }
        _ => None,
    }
}

/// `14:30`, `14`, and the parts of the day.
fn time(text: &str) -> Option<Written> {
    let part = match text {
        "MO" => "morning",
        "AF" => "afternoon",
        "EV" => "evening",
        "NI" => "night",
        _ => "",
    };
    if !part.is_empty() {
        return Some(Written::Words(part.to_owned()));
    }
    let (hour, minute) = text.split_once(':').unwrap_or((text, "00"));
    let number = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
    let clock = Some(Time::new(number(hour)?, number(minute)?, 0, 0).ok()?);
    Some(Written::Value(SlotValue::When(When { from: None, to: None, after: clock, before: clock })))
}

/// `PT1H30M` is "1 hours and 30 minutes".
fn duration(text: &str) -> Option<String> {
    let (date, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let mut parts = Vec::new();
    for (part, units) in [
        (date, &[('Y', "years"), ('M', "months"), ('W', "weeks"), ('D', "days")][..]),
        (time, &[('H', "hours"), ('M', "minutes"), ('S', "seconds")][..]),
    ] {
        let mut number = String::new();
        for c in part.chars() {
            if c.is_ascii_digit() || c == '.' {
                number.push(c);
                continue;
            }
            let (_, unit) = units.iter().find(|(letter, _)| *letter == c)?;
            number.parse::<f64>().ok()?;
            parts.push(format!("{number} {unit}"));
            number.clear();
        }
        if !number.is_empty() {
            return None;
        }
    }
    (!parts.is_empty()).then(|| parts.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_values_are_read() {
        let now: Zoned = "2026-12-01T10:00:00[America/New_York]".parse().expect("valid");
        let read = |kind: SlotKind, text: &str| match written(&kind, text, &now) {
            Some(Written::Value(value)) => value.told(),
            Some(Written::Words(words)) => format!("\"{words}\""),
            None => "-".to_owned(),
        };
        for (kind, text, want) in [
            (SlotKind::Date, "2026-12-03", "2026-12-03"),
            (SlotKind::Date, "PRESENT_REF", "2026-12-01"),
            (SlotKind::Date, "2026-W49", "2026-11-30..2026-12-06"),
            (SlotKind::Date, "2026-W49-WE", "2026-12-05..2026-12-06"),
            (SlotKind::Date, "2026-02", "2026-02-01..2026-02-28"),
            (SlotKind::Period, "2026", "2026-01-01..2026-12-31"),
            (SlotKind::Date, "2026-02-30", "-"),
            (SlotKind::Date, "2026-WI", "-"),
            (SlotKind::Date, "202X", "-"),
            (SlotKind::Date, "2026-W60", "-"),
            (SlotKind::Date, "tuesday", "-"),
            (SlotKind::Time, "14:30", "14:30"),
            (SlotKind::Time, "08", "08:00"),
            (SlotKind::Time, "NI", "\"night\""),
            (SlotKind::Time, "25:00", "-"),
            (SlotKind::Time, "noon", "-"),
            (SlotKind::Duration, "P3D", "\"3 days\""),
            (SlotKind::Duration, "PT1H30M", "\"1 hours and 30 minutes\""),
            (SlotKind::Duration, "P", "-"),
            (SlotKind::Duration, "PT5", "-"),
            (SlotKind::Duration, "Pennsylvania", "-"),
            (SlotKind::Number, "140", "140"),
            (SlotKind::Number, "?", "-"),
            (SlotKind::Number, "inf", "-"),
            (SlotKind::Ordinal, "3", "3"),
            (SlotKind::Text, "2026-12-03", "-"),
        ] {
            assert_eq!(read(kind, text), want, "{text}");
        }
    }
}
