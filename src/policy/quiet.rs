//! What somebody wants to be told unasked, and when. Pure.
//!
//! Invariant: it keeps news back, and nothing else: what is asked for is answered, and emergencies know nothing of it.

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::Scope;

/// What somebody does not want to be told by itself. Nothing of it at first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Quiet {
    /// Parts of the record of which no news is told.
    pub parts: Vec<Part>,
    /// No news at all.
    pub everything: bool,
    /// No news before this time.
    pub until: Option<Timestamp>,
    /// No news at these hours of any day.
    pub hours: Option<Hours>,
}

/// Hours of a day, over midnight where the end comes before the beginning. None at all where they are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// From then on.
    pub from: Time,
    /// Until then.
    pub to: Time,
}

impl Hours {
    fn cover(self, clock: Time) -> bool {
        if self.from <= self.to { self.from <= clock && clock < self.to } else { self.from <= clock || clock < self.to }
    }
}

/// A part of the record as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Medicines.
    Medicines,
    /// Visits.
    Visits,
    /// Results and the rest.
    Records,
}

impl Part {
    /// That of a scope.
    #[must_use]
    pub const fn of(scope: Scope) -> Self {
        match scope {
            Scope::Medicines => Self::Medicines,
            Scope::Visits => Self::Visits,
            Scope::Records => Self::Records,
        }
    }

    /// Its name in replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Medicines => "medicines",
            Self::Visits => "visits",
            Self::Records => "results",
        }
    }
}

/// What somebody wants changed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuietChange {
    /// Tell of this part, or no longer.
    Part(Part, bool),
    /// Tell of everything, or of nothing.
    Everything(bool),
    /// Nothing before then.
    Until(Timestamp),
    /// Nothing at these hours of any day.
    Hours(Hours),
}

impl Quiet {
    /// Whether news about a part may be told unasked now, by the clock of that zone.
    #[must_use]
    pub fn lets(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> bool {
        let hours = self.hours.is_some_and(|hours| hours.cover(now.to_zoned(zone.clone()).time()));
        !self.everything
            && !hours
            && self.until.is_none_or(|until| until <= now)
            && !self.parts.contains(&Part::of(scope))
    }

    /// With a change.
    #[must_use]
    pub fn with(mut self, change: QuietChange) -> Self {
        match change {
            QuietChange::Part(part, told) => {
                self.parts.retain(|kept| *kept != part);
                if told {
                    // Wanting to hear of one part ends the silence about everything, not about the other parts.
                    if std::mem::take(&mut self.everything) {
                        let others = [Part::Medicines, Part::Visits, Part::Records];
                        self.parts = others.into_iter().filter(|other| *other != part).collect();
                    }
                    self.until = None;
                } else {
                    self.parts.push(part);
                }
            }
            QuietChange::Everything(true) => self = Self::default(),
            QuietChange::Everything(false) => self.everything = true,
            QuietChange::Until(until) => self.until = Some(until),
            QuietChange::Hours(hours) => self.hours = Some(hours),
        }
        self
    }
}

/// When a clock time comes next after now, in a zone; where the clocks skip it, the time right after.
#[must_use]
pub fn next(clock: jiff::civil::Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    let on = |day: jiff::civil::Date| Some(day.to_datetime(clock).to_zoned(zone.clone()).ok()?.timestamp());
    let first = on(today)?;
    if first > now { Some(first) } else { on(today.tomorrow().ok()?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn what_is_told_unasked() {
        use Part::{Medicines, Records, Visits};
        use QuietChange::{Everything, Until};
        use Scope::{Medicines as M, Records as R, Visits as V};
        let now = at("2026-05-04T03:00:00Z");
        let nine = at("2026-05-04T13:00:00Z");
        let off = |part| QuietChange::Part(part, false);
        let on = |part| QuietChange::Part(part, true);
        #[rustfmt::skip]
        let table: [(&[QuietChange], Timestamp, &[Scope]); 12] = [
            (&[],                                            now,  &[M, V, R]),
            (&[off(Medicines)],                              now,  &[V, R]),
            (&[off(Medicines), off(Visits)],                 now,  &[R]),
            (&[off(Medicines), off(Medicines), on(Medicines)], now, &[M, V, R]),
            (&[Everything(false)],                           now,  &[]),
            (&[Everything(false), on(Records)],              now,  &[R]),
            (&[off(Visits), Everything(false), Everything(true)], now, &[M, V, R]),
            (&[Until(nine)],                                 now,  &[]),
            (&[Until(nine)],                                 nine, &[M, V, R]),
            (&[Until(nine), off(Visits)],                    nine, &[M, R]),
            (&[Until(nine), on(Visits)],                     now,  &[M, V, R]),
            (&[Until(nine), Everything(true)],               now,  &[M, V, R]),
        ];
        for (changes, when, told) in table {
            let quiet = changes.iter().fold(Quiet::default(), |quiet, change| quiet.with(*change));
            let lets: Vec<Scope> =
                Scope::ALL.into_iter().filter(|scope| quiet.lets(*scope, when, &TimeZone::UTC)).collect();
            assert_eq!(lets, told, "{changes:?}");
        }
    }

    #[test]
    fn hours_that_are_asked_for_are_kept_until_everything_is_told_again() {
        let clock = |hour| jiff::civil::time(hour, 0, 0, 0);
        let night = Hours { from: clock(22), to: clock(7) };
        let quiet = Quiet::default().with(QuietChange::Hours(night)).with(QuietChange::Part(Part::Visits, true));
        assert_eq!(quiet.hours, Some(night));
        assert_eq!(quiet.with(QuietChange::Everything(true)), Quiet::default());
    }

    #[test]
    fn hours_go_over_midnight_and_by_the_clock_on_the_wall() {
        let hours = |from, to| Hours { from: jiff::civil::time(from, 0, 0, 0), to: jiff::civil::time(to, 0, 0, 0) };
        for (hours, clock, covered) in [
            (hours(22, 7), (23, 0), true),
            (hours(22, 7), (6, 59), true),
            (hours(22, 7), (7, 0), false),
            (hours(22, 7), (21, 59), false),
            (hours(9, 17), (9, 0), true),
            (hours(9, 17), (17, 0), false),
            (hours(9, 9), (9, 0), false),
        ] {
            assert_eq!(hours.cover(jiff::civil::time(clock.0, clock.1, 0, 0)), covered, "{hours:?} {clock:?}");
        }
        let quiet = Quiet { hours: Some(hours(22, 7)), ..Quiet::default() };
        let now = at("2026-05-04T03:00:00Z");
        let newfoundland = TimeZone::get("America/St_Johns").expect("known");
        assert!(!quiet.lets(Scope::Visits, now, &newfoundland), "half past midnight there");
        assert!(quiet.lets(Scope::Visits, now, &TimeZone::get("Asia/Tokyo").expect("known")), "noon there");
    }

    #[test]
    fn a_clock_time_comes_next() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let table = [
            ((9, 0), "2026-05-04T03:00:00Z", "2026-05-04T13:00:00Z"),
            ((9, 0), "2026-05-04T13:00:00Z", "2026-05-05T13:00:00Z"),
            ((23, 0), "2026-05-04T13:00:00Z", "2026-05-05T03:00:00Z"),
            // The clocks go forward at two: half past two does not come.
            ((2, 30), "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z"),
            ((9, 0), "2026-10-31T20:00:00Z", "2026-11-01T14:00:00Z"),
        ];
        for ((hour, minute), now, wanted) in table {
            let clock = jiff::civil::time(hour, minute, 0, 0);
            assert_eq!(next(clock, at(now), &zone), Some(at(wanted)), "{hour}:{minute} after {now}");
        }
    }
}
