//! FHIR dates and times: `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, and instants with an offset.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// A moment. A bare date is taken as noon UTC, which is the same day in every zone people live in.
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 10 {
        return text.parse().ok();
    }
    day(text)?.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
}

/// A day: the first one that a year or month can mean, or the day of an instant as written.
pub fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    match text.len() {
        4 => format!("{text}-01-01").parse().ok(),
        7 => format!("{text}-01").parse().ok(),
        10 => text.parse().ok(),
        _ => written_civil(text).map(DateTime::date),
    }
}

/// The civil date and time of an instant as written, its offset left aside.
pub fn written_civil(text: &str) -> Option<DateTime> {
    let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
    Some(DateTime::from_parts(pieces.date(), pieces.time()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_precision_of_fhir_is_read_and_nonsense_is_not() {
        let at = |s: &str| moment(s).map(|t| t.to_string());
        assert_eq!(at("2020-07-01T15:30:10+01:00").as_deref(), Some("2020-07-01T14:30:10Z"));
        assert_eq!(at("2020-07-01").as_deref(), Some("2020-07-01T12:00:00Z"));
        assert_eq!(at("2020-07").as_deref(), Some("2020-07-01T12:00:00Z"));
        assert_eq!(at("2020").as_deref(), Some("2020-01-01T12:00:00Z"));
        for bad in ["", "soon", "2020-13-01", "2020-02-30", "20200701", "2020-07-01T15:30:10"] {
            assert_eq!(at(bad), None, "{bad:?}");
        }
        assert_eq!(day("2020-07-01T23:30:00-05:00").map(|d| d.to_string()).as_deref(), Some("2020-07-01"));
    }
}
