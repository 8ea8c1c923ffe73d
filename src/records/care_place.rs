//! Places where people are seen without an appointment, as an operator lists them. Nobody's data. Pure.
//!
//! Hours are told by the clock on the wall of the place. Whether it is open is asked of spans between two moments, so
//! that hours past midnight, closed days and the days on which clocks change are one case.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

/// Days ahead that are looked at for when a place opens.
const AHEAD: i32 = 14;

/// A place, when it is open, and how long people waited there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CarePlace {
    /// Its id in the list.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// An emergency room rather than a place for what is urgent and no emergency.
    #[serde(default)]
    pub emergency: bool,
    /// Street and town, as they are said.
    pub address: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// Its IANA zone; `None` where the organization's holds.
    pub zone: Option<String>,
    /// Where it is.
    #[serde(default)]
    pub position: Option<Position>,
    /// Its hours; empty where nobody says.
    pub hours: Vec<Hours>,
    /// When it is closed all the same.
    pub closed: Vec<Closed>,
    /// What schedules know it by: `HealthcareService/harbor`, `Location/h1`.
    #[serde(default)]
    pub actors: Vec<String>,
    /// How long people waited when somebody last said so.
    #[serde(skip)]
    pub wait: Option<Wait>,
}

/// A point on the earth (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    latitude: f64,
    longitude: f64,
}

impl Position {
    /// `None` for what is no point on the earth. Latitude -90 to 90 and longitude -180 to 180, in degrees.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let is_one = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        is_one.then_some(Self { latitude, longitude })
    }

    /// The same to a thousandth of a degree, some hundred meters: enough to tell what is near, and no front door.
    #[must_use]
    pub fn coarse(self) -> Self {
        let coarse = |degrees: f64| (degrees * 1_000.0).round() / 1_000.0;
        Self { latitude: coarse(self.latitude), longitude: coarse(self.longitude) }
    }

    /// How far it is along the earth's surface, in meters; a road is longer.
    #[must_use]
    pub fn meters_to(self, other: Self) -> f64 {
        const EARTH: f64 = 6_371_008.8;
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let (up, along) = ((b - a) / 2.0, (other.longitude - self.longitude).to_radians() / 2.0);
        let part = up.sin().powi(2) + a.cos() * b.cos() * along.sin().powi(2);
        2.0 * EARTH * part.clamp(0.0, 1.0).sqrt().asin()
    }
}

/// Hours of some days of the week, by the clock on the wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Monday is 0.
    pub days: Vec<i8>,
    /// From then on.
    pub opens: Time,
    /// Until then; no later than `opens` means on the day after.
    pub closes: Time,
}

/// When a place is closed whatever its hours, by the clock on its wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// From then on.
    pub from: DateTime,
    /// Until then; `None` until somebody lists it anew.
    pub until: Option<DateTime>,
}

/// How long people waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// In minutes.
    pub minutes: u32,
    /// When somebody said so.
    pub at: Timestamp,
}

/// Whether a place is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Until then; `None` around the clock.
    Open(Option<Timestamp>),
    /// It opens then.
    Opens(Timestamp),
    /// It does not open in the next two weeks.
    Closed,
    /// Nobody says when it is open.
    Unknown,
}

/// From one moment until before another.
type Span = (Timestamp, Timestamp);

impl CarePlace {
    /// The zone its hours are told in. `usual`: that of a place that tells none.
    #[must_use]
    pub fn clock(&self, usual: &TimeZone) -> TimeZone {
        self.zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| usual.clone())
    }

    /// Whether it is open at a moment.
    #[must_use]
    pub fn opening(&self, now: Timestamp, usual: &TimeZone) -> Opening {
        if self.hours.is_empty() {
            return Opening::Unknown;
        }
        let zone = self.clock(usual);
        let today = now.to_zoned(zone.clone()).date();
        // Yesterday's hours may go on past midnight.
        let days = (-1..=AHEAD).filter_map(|n| today.checked_add(n.days()).ok());
        let spans = self.spans(days, &zone);
        let ends = |until: &Timestamp| until.duration_since(now) < SignedDuration::from_hours(24 * 7);
        match spans.into_iter().find(|(_, until)| *until > now) {
            Some((from, until)) if from <= now => Opening::Open(Some(until).filter(ends)),
            Some((from, _)) => Opening::Opens(from),
            None => Opening::Closed,
        }
    }

    /// When it opens and closes on a day of its own calendar, earliest first; empty where it is closed all day. What began
    /// the day before belongs to that day.
    #[must_use]
    pub fn on(&self, day: Date, usual: &TimeZone) -> Vec<Span> {
        let zone = self.clock(usual);
        let days = (-1..=1).filter_map(|n| day.checked_add(n.days()).ok());
        let begins = |span: &Span| span.0.to_zoned(zone.clone()).date() == day;
        let whole = |span: &Span| {
            let midnight = day.to_zoned(zone.clone()).ok().map(|midnight| midnight.timestamp());
            midnight.is_some_and(|midnight| {
                span.0 <= midnight && span.1.duration_since(midnight) >= SignedDuration::from_hours(23)
            })
        };
        self.spans(days, &zone).into_iter().filter(|span| begins(span) || whole(span)).collect()
    }

    /// The hours of these days as moments, without those at which it is closed all the same, joined where they touch.
    fn spans(&self, days: impl Iterator<Item = Date>, zone: &TimeZone) -> Vec<Span> {
        let mut spans: Vec<Span> = days.flat_map(|day| self.of_day(day, zone)).collect();
        spans.sort_unstable();
        let mut joined: Vec<Span> = Vec::new();
        for (from, until) in spans {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                _ => joined.push((from, until)),
            }
        }
        for closed in &self.closed {
            let from = moment(closed.from, zone).unwrap_or(Timestamp::MIN);
            let until = closed.until.and_then(|until| moment(until, zone)).unwrap_or(Timestamp::MAX);
            joined = joined.into_iter().flat_map(|span| without(span, (from, until))).collect();
        }
        joined
    }

    fn of_day(&self, day: Date, zone: &TimeZone) -> Vec<Span> {
        let of_day = self.hours.iter().filter(|h| h.days.contains(&day.weekday().to_monday_zero_offset()));
        of_day
            .filter_map(|h| {
                let last = if h.closes <= h.opens { day.tomorrow().ok()? } else { day };
                Some((moment(day.to_datetime(h.opens), zone)?, moment(last.to_datetime(h.closes), zone)?))
            })
            .collect()
    }
}

/// A time that clocks leave out is an hour later, one that comes twice is the first.
fn moment(wall: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    Some(wall.to_zoned(zone.clone()).ok()?.timestamp())
}

/// What is left of a span before and after another.
fn without(span: Span, closed: Span) -> impl Iterator<Item = Span> {
    let before = (span.0, span.1.min(closed.0));
    let after = (span.0.max(closed.1), span.1);
    let overlap = closed.0 < span.1 && span.0 < closed.1;
    let parts = if overlap { [Some(before), Some(after)] } else { [Some(span), None] };
    parts.into_iter().flatten().filter(|(from, until)| from < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn hours(days: &[i8], opens: i8, closes: i8) -> Hours {
        Hours { days: days.to_vec(), opens: time(opens, 0, 0, 0), closes: time(closes, 0, 0, 0) }
    }

    fn place() -> CarePlace {
        let wall = |month, day, hour| date(2026, month, day).at(hour, 0, 0, 0);
        CarePlace {
            hours: vec![hours(&[0, 1, 2, 3], 8, 20), hours(&[4, 5], 8, 2), hours(&[6], 10, 16)],
            closed: vec![
                Closed { from: wall(12, 25, 0), until: Some(wall(12, 27, 0)) },
                Closed { from: wall(12, 31, 12), until: Some(wall(12, 31, 14)) },
            ],
            ..CarePlace::default()
        }
    }

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn ny(text: &str) -> Timestamp {
        at(&format!("{text}[America/New_York]"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Zoned>().expect("a time").timestamp()
    }

    #[test]
    fn hours_follow_the_clock_on_the_wall() {
        #[rustfmt::skip]
        let table = [
            ("2026-12-01T07:00", Opening::Opens(ny("2026-12-01T08:00"))),
            ("2026-12-01T08:00", Opening::Open(Some(ny("2026-12-01T20:00")))),
            ("2026-12-01T19:59", Opening::Open(Some(ny("2026-12-01T20:00")))),
            ("2026-12-01T20:00", Opening::Opens(ny("2026-12-02T08:00"))),
            // Friday's hours go on into Saturday.
            ("2026-12-05T01:00", Opening::Open(Some(ny("2026-12-05T02:00")))),
            ("2026-12-05T03:00", Opening::Opens(ny("2026-12-05T08:00"))),
            // Thursday evening before two days on which it is closed; the second one's night is closed, too.
            ("2026-12-24T21:00", Opening::Opens(ny("2026-12-27T00:00"))),
            // Closed for two hours in the middle of a day.
            ("2026-12-31T11:00", Opening::Open(Some(ny("2026-12-31T12:00")))),
            ("2026-12-31T12:00", Opening::Opens(ny("2026-12-31T14:00"))),
            ("2026-12-31T14:00", Opening::Open(Some(ny("2026-12-31T20:00")))),
            // Clocks go forward and back on Sundays; ten is ten.
            ("2026-03-08T06:00", Opening::Opens(ny("2026-03-08T10:00"))),
            ("2026-11-01T06:00", Opening::Opens(ny("2026-11-01T10:00"))),
            // Saturday's night until two, which is left out in March.
            ("2026-03-08T01:30", Opening::Open(Some(ny("2026-03-08T03:00")))),
            ("2026-11-01T00:30", Opening::Open(Some(ny("2026-11-01T02:00")))),
        ];
        for (now, want) in table {
            assert_eq!(place().opening(ny(now), &zone()), want, "{now}");
        }
        let west = CarePlace { zone: Some("America/Los_Angeles".into()), ..place() };
        let opens = Opening::Opens(at("2026-12-01T08:00[America/Los_Angeles]"));
        assert_eq!(west.opening(ny("2026-12-01T10:00"), &zone()), opens);
    }

    #[test]
    fn some_never_close_and_of_some_nobody_knows() {
        let midnight = Hours { days: (0..7).collect(), opens: Time::midnight(), closes: Time::midnight() };
        let always = CarePlace { hours: vec![midnight], ..CarePlace::default() };
        assert_eq!(always.opening(ny("2026-12-01T03:00"), &zone()), Opening::Open(None));
        assert_eq!(always.on(date(2026, 12, 1), &zone()).len(), 1);
        assert_eq!(always.on(date(2026, 3, 8), &zone()).len(), 1, "a day of 23 hours");
        let wall = date(2026, 12, 1).at(0, 0, 0, 0);
        let shut = CarePlace { closed: vec![Closed { from: wall, until: None }], ..always };
        assert_eq!(shut.opening(ny("2026-12-01T03:00"), &zone()), Opening::Closed);
        assert!(shut.on(date(2027, 6, 1), &zone()).is_empty());
        assert_eq!(CarePlace::default().opening(ny("2026-12-01T03:00"), &zone()), Opening::Unknown);
        assert_eq!(place().opening(Timestamp::MAX, &zone()), Opening::Closed, "at the end of the calendar");
        assert_eq!(place().opening(Timestamp::MIN, &zone()), place().opening(Timestamp::MIN, &zone()));
    }

    #[test]
    fn the_hours_of_a_day() {
        let told = |day| {
            let spans = place().on(day, &zone());
            let told = |at: &Timestamp| at.to_zoned(zone()).strftime("%a %H:%M").to_string();
            spans.iter().map(|(a, b)| format!("{}-{}", told(a), told(b))).collect::<Vec<_>>().join(", ")
        };
        #[rustfmt::skip]
        let table = [
            (date(2026, 12, 1),  "Tue 08:00-Tue 20:00"),
            (date(2026, 12, 4),  "Fri 08:00-Sat 02:00"),
            (date(2026, 12, 5),  "Sat 08:00-Sun 02:00"),
            (date(2026, 12, 6),  "Sun 10:00-Sun 16:00"),
            (date(2026, 12, 25), ""),
            (date(2026, 12, 31), "Thu 08:00-Thu 12:00, Thu 14:00-Thu 20:00"),
        ];
        for (day, want) in table {
            assert_eq!(told(day), want, "{day}");
        }
    }

    #[test]
    fn distances_are_along_the_earth() {
        let point = |latitude, longitude| Position::new(latitude, longitude).expect("a point");
        let (boston, new_york) = (point(42.3601, -71.0589), point(40.7128, -74.0060));
        #[rustfmt::skip]
        let table = [
            (boston, boston, 0.0),
            (boston, new_york, 306_100.0),
            (new_york, boston, 306_100.0),
            // A degree along the equator, across the line on which days begin, and half around.
            (point(0.0, 0.0), point(0.0, 1.0), 111_195.0),
            (point(0.0, 179.5), point(0.0, -179.5), 111_195.0),
            (point(0.0, 0.0), point(0.0, 180.0), 20_015_115.0),
            (point(90.0, 0.0), point(90.0, 120.0), 0.0),
        ];
        for (from, to, meters) in table {
            assert!(
                (from.meters_to(to) - meters).abs() < meters / 1_000.0 + 0.1,
                "{from:?} {to:?}: {}",
                from.meters_to(to)
            );
        }
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Position::new(latitude, longitude), None);
        }
        assert_eq!(point(42.360_149, -71.058_951).coarse(), point(42.36, -71.059));
    }
}
