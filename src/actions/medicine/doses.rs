//! Which doses are due when, told from structured timing alone. Pure.
//!
//! Invariants: what an order leaves open stays unknown; a medicine that is stopped, on hold or taken as needed has no due
//! dose; what was missed is never moved to a later time.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::records::{DayMoment, PeriodUnit, Prescription, Timing};

/// A dose that somebody said they took.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The prescription.
    pub prescription: String,
    /// Its spoken name.
    pub medicine: String,
    /// When; the middle of the part of the day where only that was said.
    pub at: Timestamp,
    /// "in the morning", where that is all that was said.
    pub part: Option<String>,
    /// When they said so.
    pub noted: Timestamp,
}

/// Why a prescription has no due dose that could be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTime {
    /// No longer to be taken.
    Stopped,
    /// Paused by the prescriber.
    OnHold,
    /// Only when it is needed.
    AsNeeded,
    /// The order says nothing structured, or not all of it.
    Unknown,
}

/// When in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At this time by the clock.
    Clock(Time),
    /// At a moment that has no time.
    Moment(DayMoment),
}

/// A dose of a prescription.
#[derive(Clone)]
pub struct Dose<'a> {
    /// Of what.
    pub of: &'a Prescription,
    /// How much of it.
    pub amount: Option<&'a str>,
    /// Its day.
    pub day: Date,
    /// When in it.
    pub at: At,
    /// From when on it is about time for it.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// A note says that it was taken.
    pub taken: bool,
}

/// How long before and after a clock time it is about time.
const AROUND: SignedDuration = SignedDuration::from_mins(60);
/// How far a note may be from a dose to be of it.
const NEAR: SignedDuration = SignedDuration::from_hours(6);

impl Dose<'_> {
    /// The middle of its time.
    pub fn middle(&self) -> Timestamp {
        let half = self.until.duration_since(self.from) / 2;
        self.from.checked_add(half).unwrap_or(self.from)
    }

    /// Whether it is about time for it.
    pub fn is_now(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// The doses of a prescription from one day to another, both included, in their order.
pub fn doses<'a>(p: &'a Prescription, from: Date, to: Date, zone: &TimeZone) -> Result<Vec<Dose<'a>>, NoTime> {
    if !p.active {
        return Err(if p.on_hold { NoTime::OnHold } else { NoTime::Stopped });
    }
    if p.dosing.is_empty() {
        return Err(NoTime::Unknown);
    }
    let regular: Vec<_> = p.dosing.iter().filter(|line| !line.as_needed).collect();
    if regular.is_empty() {
        return Err(NoTime::AsNeeded);
    }
    let mut found = Vec::new();
    for line in regular {
        let timing = line.timing.as_ref().ok_or(NoTime::Unknown)?;
        let mut day = from;
        while day <= to {
            for at in on_day(timing, day).ok_or(NoTime::Unknown)? {
                let (from, until) = window(day, at, zone).ok_or(NoTime::Unknown)?;
                found.push(Dose { of: p, amount: line.amount.as_deref(), day, at, from, until, taken: false });
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
    }
    found.sort_by_key(Dose::middle);
    Ok(found)
}

/// When in a day doses are due; `None` where the timing does not say.
fn on_day(timing: &Timing, day: Date) -> Option<Vec<At>> {
    let clocks = timing.times.iter().map(|t| At::Clock(*t));
    let at: Vec<At> = clocks.chain(timing.moments.iter().map(|m| At::Moment(*m))).collect();
    // "Twice a day" beside one time contradicts itself, unless it counts the days of the week.
    let counted = [1, at.len(), timing.days.len()].contains(&usize::try_from(timing.frequency).ok()?);
    if at.is_empty() || !counted {
        return None;
    }
    let due = match (timing.unit, timing.period) {
        (PeriodUnit::Day, 1) => true,
        (PeriodUnit::Day, n) => days_between(timing.from?, day)? % i64::from(n) == 0,
        (PeriodUnit::Week, 1) if !timing.days.is_empty() => true,
        (PeriodUnit::Week, n) => {
            let monday = |d: Date| d.checked_sub(i64::from(d.weekday().to_monday_zero_offset()).days()).ok();
            let weeks = days_between(monday(timing.from?)?, monday(day)?)? / 7;
            let same = !timing.days.is_empty() || timing.from?.weekday() == day.weekday();
            same && weeks % i64::from(n) == 0
        }
        (PeriodUnit::Hour | PeriodUnit::Month, _) => return None,
    };
    let weekday = day.weekday().to_monday_one_offset();
    let within = timing.from.is_none_or(|from| from <= day) && timing.until.is_none_or(|until| day <= until);
    let on = timing.days.is_empty() || timing.days.contains(&weekday);
    Some(if due && within && on { at } else { vec![] })
}

fn days_between(from: Date, to: Date) -> Option<i64> {
    Some(i64::from(from.until(to).ok()?.get_days()))
}

/// The time around a dose, by the clock on the wall: across daylight saving it stays at its hour.
fn window(day: Date, at: At, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let wall = |at: DateTime| Some(zone.to_ambiguous_zoned(at).compatible().ok()?.timestamp());
    match at {
        At::Clock(time) => {
            let at = wall(day.to_datetime(time))?;
            Some((at.checked_sub(AROUND).ok()?, at.checked_add(AROUND).ok()?))
        }
        At::Moment(moment) => {
            let (from, to) = moment.hours();
            let until = if to == 24 { day.tomorrow().ok()?.to_datetime(Time::midnight()) } else { day.at(to, 0, 0, 0) };
            Some((wall(day.at(from, 0, 0, 0))?, wall(until)?))
        }
    }
}

/// Marks the doses that notes are of: each note is of the nearest dose of its prescription that has none yet.
pub fn mark(doses: &mut [Dose<'_>], notes: &[Taken]) {
    let mut notes: Vec<&Taken> = notes.iter().collect();
    notes.sort_by_key(|note| note.at);
    for note in notes {
        let away = |dose: &Dose<'_>| dose.middle().duration_since(note.at).abs();
        let theirs = doses.iter_mut().filter(|d| !d.taken && d.of.id == note.prescription && away(d) <= NEAR);
        if let Some(dose) = theirs.min_by_key(|d| away(d)) {
            dose.taken = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::{super::super::prescription::samples::prescription, *};
    use crate::records::Dosing;

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn with(timing: Timing) -> Prescription {
        let line = Dosing { amount: None, as_needed: false, timing: Some(timing) };
        Prescription { dosing: vec![line], ..prescription("p", "metformin") }
    }

    fn daily() -> Timing {
        Timing { frequency: 1, period: 1, ..Timing::default() }
    }

    #[test]
    fn a_dose_is_due_where_the_order_says_so_and_nowhere_else() {
        let at = |h| time(h, 0, 0, 0);
        let days = |timing: Timing| -> String {
            match doses(&with(timing), date(2026, 12, 1), date(2026, 12, 14), &zone()) {
                Ok(all) => all.iter().map(|d| d.day.day().to_string()).collect::<Vec<_>>().join(" "),
                Err(why) => format!("{why:?}"),
            }
        };
        let eight = || Timing { times: vec![at(8)], ..daily() };
        let from = |day| Some(date(2026, 12, day));
        // The first of December 2026 is a Tuesday.
        #[rustfmt::skip]
        let table = [
            (eight(),                                                              "1 2 3 4 5 6 7 8 9 10 11 12 13 14"),
            (Timing { from: from(3), until: from(5), ..eight() },                  "3 4 5"),
            (Timing { period: 3, from: from(2), ..eight() },                       "2 5 8 11 14"),
            (Timing { period: 3, ..eight() },                                      "Unknown"),
            (Timing { unit: PeriodUnit::Week, days: vec![1, 4], ..eight() },       "3 7 10 14"),
            (Timing { unit: PeriodUnit::Week, frequency: 2, days: vec![1, 4], ..eight() }, "3 7 10 14"),
            (Timing { unit: PeriodUnit::Week, from: from(2), ..eight() },          "2 9"),
            (Timing { unit: PeriodUnit::Week, period: 2, from: from(2), ..eight() }, "2"),
            (Timing { unit: PeriodUnit::Week, ..eight() },                         "Unknown"),
            (Timing { unit: PeriodUnit::Month, ..eight() },                        "Unknown"),
            (Timing { unit: PeriodUnit::Hour, period: 6, ..eight() },              "Unknown"),
            (Timing { frequency: 2, ..eight() },                                   "Unknown"),
            (daily(),                                                              "Unknown"),
        ];
        for (timing, want) in table {
            assert_eq!(days(timing.clone()), want, "{timing:?}");
        }
    }

    #[test]
    fn stopped_held_and_as_needed_ones_have_no_time() {
        let eight = || with(Timing { times: vec![time(8, 0, 0, 0)], ..daily() });
        let why = |p: &Prescription| doses(p, date(2026, 12, 1), date(2026, 12, 1), &zone()).err();
        assert_eq!(why(&Prescription { active: false, ..eight() }), Some(NoTime::Stopped));
        assert_eq!(why(&Prescription { active: false, on_hold: true, ..eight() }), Some(NoTime::OnHold));
        assert_eq!(why(&Prescription { dosing: vec![], ..eight() }), Some(NoTime::Unknown));
        let mut needed = eight();
        needed.dosing[0].as_needed = true;
        assert_eq!(why(&needed), Some(NoTime::AsNeeded));
        // One line of two without a time: not half of it.
        let mut half = eight();
        half.dosing.push(Dosing { amount: None, as_needed: false, timing: None });
        assert_eq!(why(&half), Some(NoTime::Unknown));
    }

    #[test]
    fn a_clock_time_stays_at_its_hour_over_both_changes_of_the_clock() {
        let half_past_two = with(Timing { times: vec![time(2, 30, 0, 0)], ..daily() });
        let eight = with(Timing { times: vec![time(8, 0, 0, 0)], ..daily() });
        for (p, day, want) in [
            (&eight, date(2027, 3, 13), "2027-03-13T13:00:00Z"),
            (&eight, date(2027, 3, 14), "2027-03-14T12:00:00Z"),
            (&eight, date(2026, 10, 31), "2026-10-31T12:00:00Z"),
            (&eight, date(2026, 11, 1), "2026-11-01T13:00:00Z"),
            // A time that the day skips is an hour later, one that it has twice is the first of them.
            (&half_past_two, date(2027, 3, 14), "2027-03-14T07:30:00Z"),
        ] {
            let all = doses(p, day, day, &zone()).expect("known");
            assert_eq!(all.len(), 1);
            assert_eq!(all[0].middle().to_string(), want, "{day}");
        }
    }

    #[test]
    fn a_note_is_of_the_nearest_dose_and_of_one() {
        let p = with(Timing { frequency: 2, times: vec![time(8, 0, 0, 0), time(18, 0, 0, 0)], ..daily() });
        let note = |at: &str| Taken {
            prescription: "p".into(),
            medicine: "metformin".into(),
            at: at.parse().expect("a time"),
            part: None,
            noted: at.parse().expect("a time"),
        };
        let marked = |notes: &[Taken]| -> Vec<bool> {
            let mut all = doses(&p, date(2026, 12, 1), date(2026, 12, 1), &zone()).expect("known");
            mark(&mut all, notes);
            all.iter().map(|d| d.taken).collect()
        };
        assert_eq!(marked(&[]), [false, false]);
        assert_eq!(marked(&[note("2026-12-01T13:20:00Z")]), [true, false]);
        assert_eq!(marked(&[note("2026-12-01T13:20:00Z"), note("2026-12-01T22:00:00Z")]), [true, true]);
        assert_eq!(marked(&[note("2026-12-01T05:00:00Z")]), [false, false], "eight hours off is of neither");
        let other = Taken { prescription: "q".into(), ..note("2026-12-01T13:20:00Z") };
        assert_eq!(marked(&[other]), [false, false]);
    }
}
