//! Days that go by a name: those of the United States calendar people date things by.

use jiff::civil::{Date, Weekday};

use super::{Phrase, Sense};

/// A named day of any year.
#[derive(Clone, Copy)]
enum Rule {
    /// Month and day.
    Fixed(i8, i8),
    /// Month, weekday, which one of it; −1 the last.
    Nth(i8, Weekday, i8),
    /// Days from Easter Sunday.
    Easter(i64),
}

/// Longer names stand before shorter ones that begin alike.
const NAMED: &[(&str, Rule)] = &[
    ("christmas eve", Rule::Fixed(12, 24)),
    ("christmas day", Rule::Fixed(12, 25)),
    ("christmas", Rule::Fixed(12, 25)),
    ("new years eve", Rule::Fixed(12, 31)),
    ("new year eve", Rule::Fixed(12, 31)),
    ("new years day", Rule::Fixed(1, 1)),
    ("new year day", Rule::Fixed(1, 1)),
    ("new years", Rule::Fixed(1, 1)),
    ("new year", Rule::Fixed(1, 1)),
    ("valentines day", Rule::Fixed(2, 14)),
    ("valentine day", Rule::Fixed(2, 14)),
    ("saint patricks day", Rule::Fixed(3, 17)),
    ("independence day", Rule::Fixed(7, 4)),
    ("halloween", Rule::Fixed(10, 31)),
    ("veterans day", Rule::Fixed(11, 11)),
    ("memorial day", Rule::Nth(5, Weekday::Monday, -1)),
    ("labor day", Rule::Nth(9, Weekday::Monday, 1)),
    ("columbus day", Rule::Nth(10, Weekday::Monday, 2)),
    ("thanksgiving day", Rule::Nth(11, Weekday::Thursday, 4)),
    ("thanksgiving", Rule::Nth(11, Weekday::Thursday, 4)),
    ("mothers day", Rule::Nth(5, Weekday::Sunday, 2)),
    ("mother day", Rule::Nth(5, Weekday::Sunday, 2)),
    ("fathers day", Rule::Nth(6, Weekday::Sunday, 3)),
    ("father day", Rule::Nth(6, Weekday::Sunday, 3)),
    ("good friday", Rule::Easter(-2)),
    ("easter monday", Rule::Easter(1)),
    ("easter sunday", Rule::Easter(0)),
    ("easter", Rule::Easter(0)),
];

/// Whether a word can stand in the name of such a day.
pub(super) fn word(word: &str) -> bool {
    NAMED.iter().any(|(name, _)| name.split(' ').any(|w| w == word))
}

impl Phrase<'_> {
    /// "christmas", "since easter", "thanksgiving": the one that comes next, or the one that was last.
    pub(super) fn holiday(&mut self) -> Option<Date> {
        let last = self.take("last");
        let rule = NAMED.iter().find_map(|(name, rule)| self.take(name).then_some(*rule))?;
        let today = self.today();
        let sense = if last { Sense::Behind } else { self.sense };
        let years = (0..=1_i16).map(|n| today.year() + if sense == Sense::Ahead { n } else { -n });
        let fits = |d: &Date| if sense == Sense::Ahead { *d >= today } else { *d <= today };
        years.filter_map(|year| rule.in_year(year)).find(fits)
    }
}

impl Rule {
    fn in_year(self, year: i16) -> Option<Date> {
        match self {
            Self::Fixed(month, day) => Date::new(year, month, day).ok(),
            Self::Nth(month, weekday, n) => Date::new(year, month, 1).ok()?.nth_weekday_of_month(n, weekday).ok(),
            Self::Easter(offset) => super::days::days_on(easter(year)?, offset),
        }
    }
}

/// Easter Sunday by the Gregorian calendar (the anonymous algorithm of 1876).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_days_of_a_year() {
        for (name, date) in [
            ("easter", "2026-04-05"),
            ("good friday", "2026-04-03"),
            ("thanksgiving", "2026-11-26"),
            ("memorial day", "2026-05-25"),
            ("labor day", "2026-09-07"),
            ("christmas eve", "2026-12-24"),
        ] {
            let rule = NAMED.iter().find(|(n, _)| *n == name).map(|(_, r)| *r).expect(name);
            assert_eq!(rule.in_year(2026).map(|d| d.to_string()).as_deref(), Some(date), "{name}");
        }
        for (year, date) in [(2024, "2024-03-31"), (2025, "2025-04-20"), (2027, "2027-03-28"), (2038, "2038-04-25")] {
            assert_eq!(easter(year).map(|d| d.to_string()).as_deref(), Some(date));
        }
    }
}
