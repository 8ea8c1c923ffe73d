//! Times as HL7 writes them: `YYYYMMDDHHMM[SS[.S…]][+ZZZZ]` (v2.5.1 §2.A.22). Less than minutes tells no order.

use jiff::{
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use super::When;

/// A moment; `None` for text that is none, or is only a day.
pub(super) fn moment(text: &str, zone: &TimeZone) -> Option<When> {
    let (digits, offset) = match text.find(['+', '-']) {
        Some(at) => (text.get(..at)?, Some(offset(text.get(at..)?)?)),
        None => (text, None),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !matches!(whole.len(), 12 | 14) || fraction.len() > 4 || !digits_only(whole) || !digits_only(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to).and_then(|part| part.parse::<i8>().ok());
    let day = day(whole.get(..8)?)?;
    let second = if whole.len() == 14 { part(12, 14)? } else { 0 };
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    let local = DateTime::from_parts(day, jiff::civil::Time::new(part(8, 10)?, part(10, 12)?, second, nanos).ok()?);
    match offset {
        Some(offset) => Some(When { at: offset.to_timestamp(local).ok()?, sure: true }),
        None => {
            let told = zone.to_ambiguous_timestamp(local);
            let sure = matches!(told.offset(), AmbiguousOffset::Unambiguous { .. });
            Some(When { at: told.compatible().ok()?, sure })
        }
    }
}

/// A day: the first eight digits.
pub(super) fn day(text: &str) -> Option<Date> {
    let digits = text.get(..8).filter(|digits| digits_only(digits))?;
    Date::new(digits.get(..4)?.parse().ok()?, digits.get(4..6)?.parse().ok()?, digits.get(6..8)?.parse().ok()?).ok()
}

fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    if digits.len() != 4 || !digits_only(digits) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok().filter(|_| minutes < 60)
}

fn digits_only(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written_or_not_at_all() {
        let zone = TimeZone::get("America/New_York").expect("known");
        for (text, want) in [
            ("20261122141500-0500", Some(("2026-11-22T19:15:00Z", true))),
            ("20261122141500.25+0000", Some(("2026-11-22T14:15:00.25Z", true))),
            ("202611221415", Some(("2026-11-22T19:15:00Z", true))),
            ("20260701141500", Some(("2026-07-01T18:15:00Z", true))),
            // The hour that comes twice, and the one that never comes.
            ("20261101013000", Some(("2026-11-01T05:30:00Z", false))),
            ("20261101013000-0500", Some(("2026-11-01T06:30:00Z", true))),
            ("20260308023000", Some(("2026-03-08T07:30:00Z", false))),
            ("20261122", None),
            ("2026112214", None),
            ("20261322141500", None),
            ("20261122146100", None),
            ("20261122141500+5", None),
            ("20261122141500+0160", None),
            ("", None),
            ("yesterday", None),
            ("2026112214150é", None),
            ("+", None),
        ] {
            let read = moment(text, &zone).map(|when| (when.at.to_string(), when.sure));
            assert_eq!(read, want.map(|(at, sure)| (at.to_owned(), sure)), "{text}");
        }
    }
}
