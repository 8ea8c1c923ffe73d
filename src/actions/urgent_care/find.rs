//! `urgent_care.find`: which places there are, how far they are, and when they are open.
//!
//! "Open at seven" is settled by the place's own hours: where it is open at one of the two sevens, that one is meant.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, civil::Time, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_nobody, text, when},
    EMERGENCY, Found, KIND, MOST, here, meant, told,
};
use crate::{
    nlu::{Slots, When, when::half_open},
    policy::{DataClass, Effect, Floor},
    records::CarePlace,
};

/// Tells what is nobody's.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Read);

/// Most days of which hours are told.
const DAYS: i32 = 3;

pub async fn run(_pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let places = setting.records.care_places().await?;
    if places.is_empty() {
        return Ok(Outcome::Answer(Facts::new("no_list").with("phone", setting.phone)));
    }
    let emergency = text(slots, KIND) == Some(EMERGENCY);
    let said = text(slots, "place");
    let names: Vec<String> = places.iter().filter(|p| !p.emergency).take(MOST).map(|p| p.name.clone()).collect();
    let found = meant(places, said, emergency, here(setting).await?, (setting.now, setting.zone));
    Ok(Outcome::Answer(match (found.is_empty(), said) {
        (false, _) => answer(&found, slots, setting.now, setting.zone),
        (true, Some(said)) if !emergency => Facts::new("none_such").with("place", said).with("names", names),
        (true, _) if emergency => Facts::new("no_er"),
        (true, _) => Facts::new("no_list").with("phone", setting.phone),
    }))
}

/// Replies: `find` (places), `hours` (places with their days), and where there are none of the kind, `no_er`,
/// `none_such` (place, names), `no_list` (phone).
fn answer(found: &[Found], slots: &Slots, now: Timestamp, zone: &TimeZone) -> Facts {
    let Some(asked) = Asked::of(slots) else {
        return Facts::new("find").with("places", found.iter().take(MOST).map(told).collect::<Vec<_>>());
    };
    let mut told: Vec<(bool, Value)> = found.iter().map(|found| asked.told(found, now, zone)).collect();
    // Open then, before closed then; else as they are.
    told.sort_by_key(|(open, _)| !open);
    let places: Vec<Value> = told.into_iter().take(MOST).map(|(_, place)| place).collect();
    Facts::new("hours").with("places", places)
}

/// When somebody wants to go.
struct Asked {
    days: Option<(Date, Date)>,
    /// A clock time; a part of a day is told by the day's hours.
    at: Option<Time>,
    /// Nobody said which half of the day.
    half_open: bool,
}

impl Asked {
    fn of(slots: &Slots) -> Option<Self> {
        let (date, time) = (when(slots, "date"), when(slots, "time"));
        let days = |w: When| Some((w.from?, w.to.or(w.from)?));
        let clock = |w: When| w.after.filter(|after| w.before == Some(*after));
        let asked = Self {
            days: date.and_then(days).or_else(|| time.and_then(days)),
            at: time.and_then(clock).or_else(|| date.and_then(clock)),
            half_open: ["date", "time"].iter().all(|name| slots.get(*name).is_none_or(|slot| half_open(&slot.spoken))),
        };
        (asked.days.is_some() || asked.at.is_some()).then_some(asked)
    }

    /// Whether the place is open then, and what is said of it: besides its name, `days`, each with its day and hours, and
    /// where a clock time was asked for, `at` and `then`.
    fn told(&self, found: &Found, now: Timestamp, zone: &TimeZone) -> (bool, Value) {
        let place = &found.place;
        let clock = place.clock(zone);
        let (from, to) = self.days.unwrap_or_else(|| {
            let today = now.to_zoned(clock).date();
            // Asked after seven, "is it open at seven" is about tomorrow's.
            let over =
                self.at.is_some_and(|at| self.moments(place, today, at, zone).iter().all(|moment| *moment < now));
            let day = if over { today.tomorrow().unwrap_or(today) } else { today };
            (day, day)
        });
        let days: Vec<Date> =
            (0..DAYS).filter_map(|n| from.checked_add(n.days()).ok()).filter(|day| *day <= to).collect();
        let meant = self.at.and_then(|at| self.meant(place, from, at, now, zone));
        let hours: Vec<Value> = days.iter().map(|day| of_day(place, *day, zone)).collect();
        let is_open = |day: &Date| !place.on(*day, zone).is_empty();
        let open = meant.map_or_else(|| self.at.is_none() && days.iter().any(is_open), |(_, open)| open);
        let mut told = super::told(found);
        told["known"] = json!(!place.hours.is_empty());
        told["days"] = json!(hours);
        told["at"] = json!(meant.map(|(at, _)| at));
        told["then"] = json!(meant.map(|(_, open)| open));
        (open, told)
    }

    /// The moments of a day that a clock time may be: one, or the two that "seven" may be. The earlier one first.
    fn moments(&self, place: &CarePlace, day: Date, at: Time, zone: &TimeZone) -> Vec<Timestamp> {
        let clock = place.clock(zone);
        let moment = |at: Time| Some(day.to_datetime(at).to_zoned(clock.clone()).ok()?.timestamp());
        let times = [Some(at), self.half_open.then(|| at.wrapping_add(12.hours()))];
        let mut moments: Vec<Timestamp> = times.into_iter().flatten().filter_map(moment).collect();
        moments.sort_unstable();
        moments
    }

    /// The moment that is meant, and whether the place is open at it: of the two that "seven" may be, the one at which it is
    /// open; of two at which it is open, or closed, the first that is still to come.
    fn meant(
        &self,
        place: &CarePlace,
        day: Date,
        at: Time,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Option<(Timestamp, bool)> {
        let moments = self.moments(place, day, at, zone);
        let spans: Vec<(Timestamp, Timestamp)> =
            [day.yesterday().ok(), Some(day)].into_iter().flatten().flat_map(|day| place.on(day, zone)).collect();
        let is_open = |at: &Timestamp| spans.iter().any(|(from, until)| from <= at && at < until);
        let ahead: Vec<Timestamp> = moments.iter().copied().filter(|at| *at >= now).collect();
        let choice = if ahead.is_empty() { moments } else { ahead };
        let meant = choice.iter().find(|at| is_open(at)).or_else(|| choice.first())?;
        Some((*meant, is_open(meant)))
    }
}

fn of_day(place: &CarePlace, day: Date, zone: &TimeZone) -> Value {
    let spans = place.on(day, zone);
    let always = spans.iter().any(|(from, until)| until.duration_since(*from) >= SignedDuration::from_hours(24));
    let spans: Vec<Value> = spans.iter().map(|(opens, closes)| json!({ "opens": opens, "closes": closes })).collect();
    json!({ "day": day, "always": always, "spans": spans })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        nlu::{Slot, SlotValue},
        records::{Hours, Opening},
    };
    use jiff::civil::{date, time};

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn place(opens: i8, closes: i8) -> CarePlace {
        let hours =
            vec![Hours { days: vec![0, 1, 2, 3, 4], opens: time(opens, 0, 0, 0), closes: time(closes, 0, 0, 0) }];
        CarePlace { name: format!("{opens}-{closes}"), hours, ..CarePlace::default() }
    }

    fn slots(day: Option<Date>, clock: Option<(&str, i8)>) -> Slots {
        let day = day.map(|day| When { from: Some(day), to: Some(day), after: None, before: None });
        let clock = clock.map(|(words, hour)| {
            let at = Some(time(hour, 0, 0, 0));
            (words, When { from: None, to: None, after: at, before: at })
        });
        let slot = |words: &str, when| Slot::new(words, SlotValue::When(when), 1.0);
        let day = day.map(|day| ("date".to_owned(), slot("tuesday", day)));
        day.into_iter().chain(clock.map(|(words, when)| ("time".to_owned(), slot(words, when)))).collect()
    }

    #[test]
    fn seven_is_when_the_place_is_open() {
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let told = |place: &CarePlace, day, clock| {
            let asked = Asked::of(&slots(day, Some(clock))).expect("a time");
            let found = Found { opening: Opening::Unknown, away: None, place: place.clone() };
            let (open, told) = asked.told(&found, now, &zone());
            let at: Timestamp = told["at"].as_str().expect("a moment").parse().expect("a time");
            format!("{} {open}", at.to_zoned(zone()).strftime("%a %H"))
        };
        let (day, night) = (place(8, 20), place(18, 2));
        let tomorrow = Some(date(2026, 12, 2));
        #[rustfmt::skip]
        let table = [
            (told(&day, None, ("at seven", 7)),                   "Tue 19 true"),
            (told(&day, None, ("at nine", 9)),                    "Tue 21 false"),
            // That is over today.
            (told(&day, None, ("at nine am", 9)),                 "Wed 09 true"),
            (told(&night, None, ("at seven am", 7)),              "Wed 07 false"),
            (told(&day, tomorrow, ("at seven", 7)),               "Wed 19 true"),
            (told(&day, tomorrow, ("at nine", 9)),                "Wed 09 true"),
            (told(&day, tomorrow, ("at seven am", 7)),            "Wed 07 false"),
            (told(&night, tomorrow, ("at one", 1)),               "Wed 01 true"),
            (told(&night, tomorrow, ("at twelve", 12)),             "Wed 00 true"),
            (told(&night, tomorrow, ("at noon", 12)),          "Wed 12 false"),
            (told(&place(6, 22), tomorrow, ("at seven", 7)),      "Wed 07 true"),
            (told(&day, Some(date(2026, 12, 5)), ("at nine", 9)), "Sat 09 false"),
        ];
        for (n, (told, want)) in table.into_iter().enumerate() {
            assert_eq!(told, want, "line {n}");
        }
    }

    #[test]
    fn places_that_are_open_then_come_first() {
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let found: Vec<Found> =
            [place(8, 12), place(12, 20), CarePlace { name: "unknown".into(), ..CarePlace::default() }]
                .into_iter()
                .map(|place| Found { opening: Opening::Unknown, away: None, place })
                .collect();
        let names = |slots: &Slots| {
            let facts = answer(&found, slots, now, &zone());
            let places = facts.values["places"].as_array().cloned().unwrap_or_default();
            format!(
                "{}: {}",
                facts.reply,
                places.iter().filter_map(|p| p["name"].as_str()).collect::<Vec<_>>().join(" ")
            )
        };
        assert_eq!(names(&Slots::new()), "find: 8-12 12-20 unknown");
        assert_eq!(names(&slots(None, Some(("at three pm", 15)))), "hours: 12-20 8-12 unknown");
        assert_eq!(names(&slots(Some(date(2026, 12, 2)), None)), "hours: 8-12 12-20 unknown");
        assert_eq!(names(&slots(Some(date(2026, 12, 5)), None)), "hours: 8-12 12-20 unknown");
    }
}
