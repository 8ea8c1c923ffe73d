//! Which free times fit what was asked for. Pure.

use jiff::{
    Timestamp, ToSpan, Zoned,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::{
    nlu::When,
    records::{OpenSlot, Visit},
};

/// What was asked for, in the speaker's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Earliest and latest time of day; equal for a clock time.
    pub window: Option<(Time, Time)>,
}

impl Wish {
    /// A wish of a day slot and a time slot; `None` when no day was named. A time named with the time slot
    /// replaces one that came with the day.
    pub fn of(date: Option<When>, time: Option<When>) -> Option<Self> {
        let date = date?;
        let from = date.from.or(time.and_then(|t| t.from))?;
        let window = |w: When| match (w.after, w.before) {
            (None, None) => None,
            (after, before) => Some((after.unwrap_or(Time::MIN), before.unwrap_or(Time::MAX))),
        };
        let window = time.and_then(window).or_else(|| window(date));
        Some(Self { from, to: date.to.unwrap_or(from).max(from), window })
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
        (self.from..=self.to).contains(&at.date())
            && self.window.is_none_or(|(after, before)| {
                let time = at.time();
                time >= after && (time < before || time == after)
            })
    }
}

/// The slot's start on the speaker's wall.
pub fn local(slot: &OpenSlot, zone: &TimeZone) -> Zoned {
    slot.start.to_zoned(zone.clone())
}

/// Whether the person is somewhere else then.
pub fn clashes(slot: &OpenSlot, visits: &[Visit]) -> bool {
    visits.iter().filter(|v| v.booked).any(|v| {
        // A visit without an end is taken for half an hour.
        let end = v.end.unwrap_or(v.start + jiff::SignedDuration::from_mins(30));
        slot.start < end && v.start < slot.end
    })
}

/// At most three of the times, each told from the others by day, time or provider: for one day spread over
/// it, for several the first of each day first.
pub fn offer(mut fitting: Vec<OpenSlot>, zone: &TimeZone) -> Vec<OpenSlot> {
    fitting.sort_by(|a, b| (a.start, &a.provider).cmp(&(b.start, &b.provider)));
    fitting.dedup_by(|a, b| a.start == b.start && a.provider == b.provider);
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
        let end = start + jiff::SignedDuration::from_mins(30);
        OpenSlot { id: id.into(), start, end, provider: provider.into(), specialty: None, place: None }
    }
}

#[cfg(test)]
mod tests {
    use super::{samples::slot, *};
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
    fn a_wish_is_days_and_hours_on_the_speakers_wall() {
        let d = date(2026, 12, 3);
        let morning = Wish::of(Some(day(d)), Some(hours(8, 12))).expect("a wish");
        let at = |start| morning.fits(&slot("s", start, "x"), &zone());
        assert!(at("2026-12-03T13:00:00Z"), "8 AM");
        assert!(at("2026-12-03T16:59:00Z"));
        assert!(!at("2026-12-03T17:00:00Z"), "noon is not the morning");
        assert!(!at("2026-12-04T14:00:00Z"), "another day");
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
            id: "v".into(),
            start: start.parse().expect("a time"),
            end: end.map(|e| e.parse().expect("a time")),
            provider: None,
            specialty: None,
            place: None,
            reason: None,
            prepare: None,
            booked: true,
            origin: crate::records::Origin::default(),
        };
        assert!(clashes(&s, &[visit("2026-12-03T19:15:00Z", None)]));
        assert!(!clashes(&s, &[visit("2026-12-03T19:30:00Z", None)]));
        assert!(!clashes(&s, &[visit("2026-12-03T18:00:00Z", Some("2026-12-03T19:00:00Z"))]));
        assert!(!clashes(&s, &[Visit { booked: false, ..visit("2026-12-03T19:15:00Z", None) }]));
    }
}
