//! Reminders: when they ring, by the clock on the wall. Pure here; setting, telling and ending them stand in files of their own.
//!
//! Invariants: a reminder keeps the zone it was set in, and its hour across daylight saving; each of its times rings once; one
//! whose time passed long ago rings no more, because a dose that was missed is not to be caught up on.

pub mod cancel;
pub mod list;
pub mod remind;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use super::Taken;
use crate::records::Prescription;

/// How long after its time a reminder may still ring: a program that was down for a while rings late rather than never.
pub const LATE: SignedDuration = SignedDuration::from_mins(60);

/// How near to its time a dose that was noted is the one it would ring for.
const JUST: SignedDuration = SignedDuration::from_hours(2);

/// A reminder that somebody set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// Its identifier; empty before it is kept.
    pub id: String,
    /// The prescription it is about, where it is one's own.
    pub prescription: Option<String>,
    /// What of, by its spoken name; `None` for "your medicines".
    pub medicine: Option<String>,
    /// When.
    pub rhythm: Rhythm,
    /// The zone whose clock it goes by, as in `America/New_York`.
    pub zone: String,
    /// Since when.
    pub made: Timestamp,
    /// The last of its times that was rung.
    pub rung: Option<Timestamp>,
    /// When it was ended.
    pub ended: Option<Timestamp>,
}

/// At which time, on which days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rhythm {
    /// The time of day.
    pub at: Time,
    /// The first day.
    pub from: Date,
    /// How often.
    pub every: Every,
}

/// How often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// On the first day alone.
    Once,
    /// Every so many days; at least 1.
    Days(u16),
    /// On these days of the week, 1 for Monday to 7 for Sunday, every so many weeks; at least 1.
    Weeks(u16, Vec<i8>),
}

impl Rhythm {
    /// Whether it rings on a day.
    fn on(&self, day: Date) -> bool {
        let Ok(days) = self.from.until(day).map(|span| span.get_days()) else { return false };
        if days < 0 {
            return false;
        }
        match &self.every {
            Every::Once => days == 0,
            Every::Days(n) => days % i32::from((*n).max(1)) == 0,
            Every::Weeks(n, weekdays) => {
                let before = i32::from(self.from.weekday().to_monday_zero_offset());
                let week = (days + before) / 7;
                weekdays.contains(&day.weekday().to_monday_one_offset()) && week % i32::from((*n).max(1)) == 0
            }
        }
    }

    /// When it rings on a day. A time that the day skips rings an hour later, one that it has twice the first time.
    fn time_on(&self, day: Date, zone: &TimeZone) -> Option<Timestamp> {
        let at = zone.to_ambiguous_zoned(day.to_datetime(self.at)).compatible().ok()?;
        self.on(day).then(|| at.timestamp())
    }
}

impl Reminder {
    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// The time that is due now: the latest that has come, is not long past, and was not rung.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = self.zone();
        let today = now.to_zoned(zone.clone()).date();
        let days = [Some(today), today.yesterday().ok()].into_iter().flatten();
        let mut times = days.filter_map(|day| self.rhythm.time_on(day, &zone));
        let new = |at: &Timestamp| *at > self.made && self.rung.is_none_or(|rung| *at > rung);
        let due = |at: &Timestamp| *at <= now && now.duration_since(*at) < LATE && new(at);
        times.find(due).filter(|_| self.ended.is_none())
    }

    /// Whether what it reminds of was ended or paused since: there are orders of it, and none of them is current. Of what is
    /// on no list, as a vitamin, nobody knows.
    #[must_use]
    pub fn is_over(&self, orders: &[Prescription]) -> bool {
        let its = |p: &&Prescription| self.is_of(&p.id, &p.medicine);
        orders.iter().any(|p| its(&p)) && !orders.iter().filter(its).any(|p| p.active)
    }

    /// Whether one of its times is still to ring: what it is of is still to be taken, and was not noted as taken just before.
    #[must_use]
    pub fn is_still_needed(&self, at: Timestamp, orders: &[Prescription], notes: &[Taken]) -> bool {
        let just =
            |note: &Taken| at.duration_since(note.at).abs() < JUST && self.is_of(&note.prescription, &note.medicine);
        !self.is_over(orders) && !notes.iter().any(just)
    }

    fn is_of(&self, prescription: &str, medicine: &str) -> bool {
        self.prescription.as_deref() == Some(prescription) || self.medicine.as_deref() == Some(medicine)
    }

    /// The next time after now; `None` where there is none in the next year.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = self.zone();
        let today = now.to_zoned(zone.clone()).date();
        let days = (0..=366_i32).map_while(|n| today.checked_add(n.days()).ok());
        days.filter_map(|day| self.rhythm.time_on(day, &zone)).find(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    fn reminder(at: Time, from: Date, every: Every) -> Reminder {
        Reminder {
            id: "r".into(),
            prescription: None,
            medicine: None,
            rhythm: Rhythm { at, from, every },
            zone: "America/New_York".into(),
            made: "2026-01-01T00:00:00Z".parse().expect("a time"),
            rung: None,
            ended: None,
        }
    }

    #[test]
    fn it_rings_only_for_what_is_still_to_be_taken() {
        use super::super::prescription::samples::prescription;
        let daily = reminder(time(8, 0, 0, 0), date(2026, 12, 1), Every::Days(1));
        let of = Reminder { prescription: Some("s1".into()), medicine: Some("simvastatin".into()), ..daily.clone() };
        let current = prescription("s1", "simvastatin");
        let ended = Prescription { active: false, ..current.clone() };
        let held = Prescription { on_hold: true, ..ended.clone() };
        let again = prescription("s2", "simvastatin");
        let at: Timestamp = "2026-12-02T13:00:00Z".parse().expect("a time");
        let note = |medicine: &str, minutes: i64| Taken {
            prescription: medicine.into(),
            medicine: medicine.into(),
            at: at - SignedDuration::from_mins(minutes),
            part: None,
            noted: at,
        };
        for (reminder, orders, notes, rings) in [
            (&of, vec![current.clone()], vec![], true),
            (&of, vec![ended.clone()], vec![], false),
            (&of, vec![held], vec![], false),
            (&of, vec![ended.clone(), again], vec![], true),
            (&of, vec![prescription("l", "lisinopril")], vec![], true),
            (&of, vec![current.clone()], vec![note("simvastatin", 30)], false),
            (&of, vec![current.clone()], vec![note("simvastatin", 180)], true),
            (&of, vec![current.clone()], vec![note("lisinopril", 30)], true),
            (&daily, vec![ended], vec![], true),
        ] {
            assert_eq!(reminder.is_still_needed(at, &orders, &notes), rings);
        }
    }

    fn times(r: &Reminder, from: &str, many: usize) -> Vec<String> {
        let mut now: Timestamp = from.parse().expect("a time");
        let mut found = Vec::new();
        while let Some(next) = r.next(now).filter(|_| found.len() < many) {
            found.push(next.to_string());
            now = next;
        }
        found
    }

    #[test]
    fn the_hour_stays_over_both_changes_of_the_clock_and_each_day_rings_once() {
        let daily = |h, m, from| reminder(time(h, m, 0, 0), from, Every::Days(1));
        #[rustfmt::skip]
        let table = [
            // Clocks go forward on 14 March 2027 at two: eight stays eight.
            (daily(8, 0, date(2027, 3, 13)), "2027-03-13T05:00:00Z",
                ["2027-03-13T13:00:00Z", "2027-03-14T12:00:00Z", "2027-03-15T12:00:00Z"]),
            // Half past two is not there that day: an hour later, once.
            (daily(2, 30, date(2027, 3, 13)), "2027-03-13T05:00:00Z",
                ["2027-03-13T07:30:00Z", "2027-03-14T07:30:00Z", "2027-03-15T06:30:00Z"]),
            // Clocks go back on 1 November 2026 at two: half past one comes twice, and rings the first time alone.
            (daily(1, 30, date(2026, 10, 31)), "2026-10-31T05:00:00Z",
                ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]),
            (daily(8, 0, date(2026, 10, 31)), "2026-10-31T05:00:00Z",
                ["2026-10-31T12:00:00Z", "2026-11-01T13:00:00Z", "2026-11-02T13:00:00Z"]),
        ];
        for (r, from, want) in table {
            assert_eq!(times(&r, from, 3), want, "{:?}", r.rhythm);
        }
    }

    #[test]
    fn every_rhythm() {
        let eight = time(8, 0, 0, 0);
        // A Wednesday.
        let from = date(2026, 12, 2);
        let days = |every| -> Vec<String> {
            let r = reminder(eight, from, every);
            times(&r, "2026-12-01T00:00:00Z", 4).into_iter().map(|t| t[5..10].to_owned()).collect()
        };
        assert_eq!(days(Every::Once), ["12-02"]);
        assert_eq!(days(Every::Days(2)), ["12-02", "12-04", "12-06", "12-08"]);
        assert_eq!(days(Every::Weeks(1, vec![1, 4])), ["12-03", "12-07", "12-10", "12-14"]);
        assert_eq!(days(Every::Weeks(2, vec![1, 4])), ["12-03", "12-14", "12-17", "12-28"]);
        assert_eq!(days(Every::Days(0)), ["12-02", "12-03", "12-04", "12-05"], "nonsense is every day");
    }

    #[test]
    fn it_rings_from_its_time_on_once_and_not_long_after() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let eight = reminder(time(8, 0, 0, 0), date(2026, 12, 1), Every::Days(1));
        let due = |r: &Reminder, now: &str| r.due(at(now)).map(|t| t.to_string());
        let time_of = Some("2026-12-02T13:00:00Z".to_owned());
        assert_eq!(due(&eight, "2026-12-02T12:59:59Z"), None);
        assert_eq!(due(&eight, "2026-12-02T13:00:00Z"), time_of);
        assert_eq!(due(&eight, "2026-12-02T13:59:59Z"), time_of, "late rather than never");
        assert_eq!(due(&eight, "2026-12-02T14:00:00Z"), None, "what was missed is not caught up on");
        let rung = Reminder { rung: Some(at("2026-12-02T13:00:00Z")), ..eight.clone() };
        assert_eq!(due(&rung, "2026-12-02T13:10:00Z"), None);
        assert!(due(&rung, "2026-12-03T13:10:00Z").is_some());
        assert_eq!(
            due(&Reminder { ended: Some(at("2026-12-02T01:00:00Z")), ..eight.clone() }, "2026-12-02T13:10:00Z"),
            None
        );
        assert_eq!(
            due(&Reminder { made: at("2026-12-02T13:05:00Z"), ..eight.clone() }, "2026-12-02T13:10:00Z"),
            None,
            "set after"
        );
        // Ten to midnight rings after midnight, too.
        let late = reminder(time(23, 50, 0, 0), date(2026, 12, 1), Every::Days(1));
        assert_eq!(due(&late, "2026-12-03T05:10:00Z").as_deref(), Some("2026-12-03T04:50:00Z"));
    }
}
