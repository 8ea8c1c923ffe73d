//! Which free times fit what was asked for. Pure.

use jiff::{
    SignedDuration, Timestamp, ToSpan, Zoned,
    civil::{Date, Time},
    tz::TimeZone,
};

use super::super::when;
use crate::{
    nlu::{Slots, When, when::half_open},
    records::{OpenSlot, Visit},
};

/// What was asked for, on the clock of the place where the visit would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Earliest and latest time of day; equal for a clock time. A window that ends before it begins goes on past
    /// midnight.
    pub window: Option<(Time, Time)>,
    /// Nobody said which half of the day: "seven" may be either.
    pub half_open: bool,
}

impl Wish {
    /// A wish of a day slot and a time slot; `None` when no day was named. A time named with the time slot
    /// replaces one that came with the day.
    pub fn of(date: Option<When>, time: Option<When>) -> Option<Self> {
        let date = date?;
        let from = date.from.or(time.and_then(|t| t.from))?;
        let window = time.and_then(window).or_else(|| window(date));
        Some(Self { from, to: date.to.unwrap_or(from).max(from), window, half_open: false })
    }

    /// The wish as it was said, with what the words leave open.
    pub fn said(slots: &Slots) -> Option<Self> {
        let wish = Self::of(when(slots, "date"), when(slots, "time"))?;
        // The day may have come with the half: "tomorrow morning", then "at seven".
        let open = |name: &str| slots.get(name).is_none_or(|slot| half_open(&slot.spoken));
        Some(Self { half_open: wish.window.is_some() && open("date") && open("time"), ..wish })
    }

    /// The same on other days.
    pub const fn on(self, from: Date, to: Date) -> Self {
        Self { from, to, ..self }
    }

    /// The time span to ask the schedules about, from now on; `None` when it is over.
    pub fn span(&self, now: Timestamp, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let start = self.from.to_zoned(zone.clone()).ok()?.timestamp().max(now);
        let end = self.to.checked_add(1.day()).ok()?.to_zoned(zone.clone()).ok()?.timestamp();
        (start < end).then_some((start, end))
    }

    /// Whether a time fits the days and the time of day.
    pub fn fits(&self, slot: &OpenSlot, zone: &TimeZone) -> bool {
        let at = local(slot, zone);
        let other_half = self.window.filter(|_| self.half_open).and_then(other_half);
        self.holds(&at, self.window) || other_half.is_some_and(|window| self.holds(&at, Some(window)))
    }

    fn holds(&self, at: &Zoned, window: Option<(Time, Time)>) -> bool {
        let (day, time) = (at.date(), at.time());
        let days = self.from..=self.to;
        let Some((after, before)) = window else { return days.contains(&day) };
        if before < after {
            // "Friday night, after ten": its end is on Saturday.
            let evening = day.yesterday().unwrap_or(day);
            return (days.contains(&day) && time >= after) || (days.contains(&evening) && time < before);
        }
        days.contains(&day) && time >= after && (time < before || time == after)
    }
}

fn window(when: When) -> Option<(Time, Time)> {
    match (when.after, when.before) {
        (None, None) => None,
        (after, before) => Some((after.unwrap_or(Time::MIN), before.unwrap_or(Time::MAX))),
    }
}

/// The same clock times in the other half of the day; `None` for a window with an open end.
fn other_half((after, before): (Time, Time)) -> Option<(Time, Time)> {
    let bounded = after != Time::MIN && before != Time::MAX;
    let turned = |t: Time| t.wrapping_add(12.hours());
    bounded.then(|| (turned(after), turned(before)))
}

/// The zone a visit is told in: its place's own, or the speaker's.
pub fn zone_of(own: Option<&str>, speaker: &TimeZone) -> TimeZone {
    own.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| speaker.clone())
}

/// The slot's start on the wall of its place.
pub fn local(slot: &OpenSlot, zone: &TimeZone) -> Zoned {
    slot.start.to_zoned(zone_of(slot.zone.as_deref(), zone))
}

/// A visit's start on the wall of its place.
pub fn starts(visit: &Visit, zone: &TimeZone) -> Zoned {
    visit.start.to_zoned(zone_of(visit.zone.as_deref(), zone))
}

/// Whether the person is somewhere else then.
pub fn clashes(slot: &OpenSlot, visits: &[Visit]) -> bool {
    visits.iter().filter(|v| v.booked).any(|v| {
        // A visit without an end is taken for half an hour.
        let end = v.end.unwrap_or(v.start + SignedDuration::from_mins(30));
        slot.start < end && v.start < slot.end
    })
}

/// At most three of the times, each told from the others by day, time, provider or mode: for one day spread over
/// it, for several the first of each day first.
pub fn offer(mut fitting: Vec<OpenSlot>, zone: &TimeZone) -> Vec<OpenSlot> {
    fitting.sort_by(|a, b| (a.start, &a.provider, a.mode.name()).cmp(&(b.start, &b.provider, b.mode.name())));
    fitting.dedup_by(|a, b| a.start == b.start && a.provider == b.provider && a.mode == b.mode);
    if fitting.len() <= 3 {
        return fitting;
    }
    let day = |s: &OpenSlot| local(s, zone).date();
    let first_of_days: Vec<usize> =
        (0..fitting.len()).filter(|n| *n == 0 || day(&fitting[n - 1]) != day(&fitting[*n])).collect();
    let picks: Vec<usize> = match first_of_days.as_slice() {
        [a, b, c, ..] => vec![*a, *b, *c],
        [a, b] if *b > a + 1 => vec![*a, a + 1, *b],
        [a, b] => vec![*a, *b, b + 1],
        _ => vec![0, fitting.len() / 2, fitting.len() - 1],
    };
    let mut n = 0;
    fitting.retain(|_| {
        n += 1;
        picks.contains(&(n - 1))
    });
    fitting
}

#[cfg(test)]
pub mod samples {
    use super::*;

    pub fn slot(id: &str, start: &str, provider: &str) -> OpenSlot {
        let start: Timestamp = start.parse().unwrap_or_else(|e| panic!("{start}: {e}"));
        let end = start + SignedDuration::from_mins(30);
        OpenSlot { id: id.into(), start, end, provider: provider.into(), ..OpenSlot::default() }
    }

    pub fn visit(id: &str, start: &str, provider: &str) -> Visit {
        let start: Timestamp = start.parse().unwrap_or_else(|e| panic!("{start}: {e}"));
        Visit { id: id.into(), start, provider: Some(provider.into()), booked: true, ..Visit::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::{samples::*, *};
    use jiff::civil::{date, time};

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn day(d: Date) -> When {
        When { from: Some(d), to: Some(d), after: None, before: None }
    }

    fn hours(after: i8, before: i8) -> When {
        When { from: None, to: None, after: Some(time(after, 0, 0, 0)), before: Some(time(before, 0, 0, 0)) }
    }

    #[test]
    fn a_wish_is_days_and_hours_on_the_wall_of_the_place() {
        let d = date(2026, 12, 3);
        let morning = Wish::of(Some(day(d)), Some(hours(8, 12))).expect("a wish");
        let at = |start| morning.fits(&slot("s", start, "x"), &zone());
        assert!(at("2026-12-03T13:00:00Z"), "8 AM");
        assert!(at("2026-12-03T16:59:00Z"));
        assert!(!at("2026-12-03T17:00:00Z"), "noon is not the morning");
        assert!(!at("2026-12-04T14:00:00Z"), "another day");
        let west = |start| {
            let there = OpenSlot { zone: Some("America/Los_Angeles".into()), ..slot("s", start, "x") };
            morning.fits(&there, &zone())
        };
        assert!(!west("2026-12-03T13:00:00Z") && west("2026-12-03T16:00:00Z") && west("2026-12-03T19:59:00Z"));
        let sharp = Wish::of(Some(day(d)), Some(hours(14, 14))).expect("a wish");
        assert!(sharp.fits(&slot("s", "2026-12-03T19:00:00Z", "x"), &zone()));
        assert!(!sharp.fits(&slot("s", "2026-12-03T19:30:00Z", "x"), &zone()));
        assert_eq!(Wish::of(None, Some(hours(8, 12))), None);
        // "Actually in the afternoon" replaces the morning that came with the day.
        let both = When { after: Some(time(8, 0, 0, 0)), before: Some(time(12, 0, 0, 0)), ..day(d) };
        assert_eq!(
            Wish::of(Some(both), Some(hours(13, 17))).and_then(|w| w.window).map(|w| w.0),
            Some(time(13, 0, 0, 0))
        );
    }

    #[test]
    fn an_hour_without_its_half_is_either() {
        let said = |words: &str| {
            Slots::from([
                (
                    "date".to_owned(),
                    crate::nlu::Slot::new("thursday", crate::nlu::SlotValue::When(day(date(2026, 12, 3))), 1.0),
                ),
                ("time".to_owned(), crate::nlu::Slot::new(words, crate::nlu::SlotValue::When(hours(7, 7)), 1.0)),
            ])
        };
        let fits = |words: &str, start| Wish::said(&said(words)).expect("a wish").fits(&slot("s", start, "x"), &zone());
        let (morning, evening) = ("2026-12-03T12:00:00Z", "2026-12-04T00:00:00Z");
        assert!(fits("at seven", morning) && fits("at seven", evening));
        assert!(fits("at seven am", morning) && !fits("at seven am", evening));
        assert!(!fits("at seven", "2026-12-03T13:00:00Z"));
    }

    #[test]
    fn a_window_may_go_on_past_midnight() {
        let night = Wish::of(Some(day(date(2026, 12, 4))), Some(hours(22, 2))).expect("a wish");
        let at = |start| night.fits(&slot("s", start, "x"), &zone());
        assert!(at("2026-12-05T03:00:00Z") && at("2026-12-05T06:59:00Z"), "10 PM on Friday, 1:59 AM on Saturday");
        assert!(!at("2026-12-05T02:59:00Z") && !at("2026-12-05T07:00:00Z") && !at("2026-12-04T06:00:00Z"));
        let till_midnight = Wish::of(Some(day(date(2026, 12, 4))), Some(hours(20, 0))).expect("a wish");
        let at = |start| till_midnight.fits(&slot("s", start, "x"), &zone());
        assert!(at("2026-12-05T04:59:00Z") && !at("2026-12-05T05:00:00Z"));
    }

    #[test]
    fn the_hour_that_comes_twice_fits_twice_and_the_one_that_is_left_out_never() {
        let half_past = |d, h| Wish {
            window: Some((time(h, 30, 0, 0), time(h, 30, 0, 0))),
            ..Wish::of(Some(day(d)), None).expect("a wish")
        };
        let fall = half_past(date(2026, 11, 1), 1);
        let fits: Vec<bool> = ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z"]
            .map(|start| fall.fits(&slot("s", start, "x"), &zone()))
            .to_vec();
        assert_eq!(fits, [true, true, false]);
        let spring = half_past(date(2026, 3, 8), 2);
        let any = (0..48).any(|n| {
            let midnight: Timestamp = "2026-03-08T05:00:00Z".parse().expect("a time");
            let start = (midnight + SignedDuration::from_mins(30 * n)).to_string();
            spring.fits(&slot("s", &start, "x"), &zone())
        });
        assert!(!any, "half past two does not exist that day");
    }

    #[test]
    fn the_span_of_a_day_is_23_24_or_25_hours() {
        let early = "2026-01-01T00:00:00Z".parse().expect("a time");
        for (d, hours) in [(date(2026, 3, 8), 23), (date(2026, 7, 1), 24), (date(2026, 11, 1), 25)] {
            let (from, until) = Wish::of(Some(day(d)), None).and_then(|w| w.span(early, &zone())).expect("ahead");
            assert_eq!(until.duration_since(from).as_hours(), hours, "{d}");
        }
        let late = "2026-12-05T00:00:00Z".parse().expect("a time");
        assert_eq!(Wish::of(Some(day(date(2026, 12, 3))), None).and_then(|w| w.span(late, &zone())), None);
    }

    #[test]
    fn three_are_offered_and_they_differ() {
        let many: Vec<OpenSlot> =
            (13..21).map(|h| slot(&h.to_string(), &format!("2026-12-03T{h}:00:00Z"), "x")).collect();
        let ids =
            |slots: Vec<OpenSlot>| offer(slots, &zone()).iter().map(|s| s.id.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(ids(many.clone()), "13 17 20", "spread over the day");
        let next: Vec<OpenSlot> =
            (13..15).map(|h| slot(&format!("n{h}"), &format!("2026-12-04T{h}:00:00Z"), "x")).collect();
        assert_eq!(ids([many, next.clone()].concat()), "13 14 n13");
        assert_eq!(ids(next), "n13 n14");
        assert_eq!(ids(vec![]), "");
    }

    #[test]
    fn nobody_is_in_two_places() {
        let s = slot("s", "2026-12-03T19:00:00Z", "x");
        let visit = |start: &str, end: Option<&str>| Visit {
            end: end.map(|e| e.parse().expect("a time")),
            ..visit("v", start, "x")
        };
        assert!(clashes(&s, &[visit("2026-12-03T19:15:00Z", None)]));
        assert!(!clashes(&s, &[visit("2026-12-03T19:30:00Z", None)]));
        assert!(!clashes(&s, &[visit("2026-12-03T18:00:00Z", Some("2026-12-03T19:00:00Z"))]));
        assert!(!clashes(&s, &[Visit { booked: false, ..visit("2026-12-03T19:15:00Z", None) }]));
    }
}
