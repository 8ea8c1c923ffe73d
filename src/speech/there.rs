//! Times of another place: told by the clock there, with the zone named where the speaker's clock shows another time.

use jiff::{Timestamp, Zoned, tz::TimeZone};
use minijinja::{Environment, Error, State};

use super::say::{clock, day, full_day, moment, wrong};

/// Zones as people call them; any other goes by its city.
const CALLED: [(&str, &str); 14] = [
    ("America/New_York", "Eastern time"),
    ("America/Detroit", "Eastern time"),
    ("America/Toronto", "Eastern time"),
    ("America/Chicago", "Central time"),
    ("America/Denver", "Mountain time"),
    ("America/Boise", "Mountain time"),
    ("America/Phoenix", "Arizona time"),
    ("America/Los_Angeles", "Pacific time"),
    ("America/Anchorage", "Alaska time"),
    ("Pacific/Honolulu", "Hawaii time"),
    ("America/Puerto_Rico", "Atlantic time"),
    ("America/Halifax", "Atlantic time"),
    ("Europe/London", "UK time"),
    ("UTC", "universal time"),
];

/// `day_at`, `on_day_at`, `date_at` and `clock_at`: as `day`, `on_day`, `date` and `clock`, on the wall of a zone; none
/// means the speaker's. `clock_at` also tells the two hours apart that come twice when clocks go back.
pub(super) fn add_helpers(env: &mut Environment<'_>) {
    env.add_filter("day_at", |state: &State<'_, '_>, at: String, zone: Option<String>| {
        let (there, today) = both(state, &at, zone.as_deref())?;
        Ok::<_, Error>(day(there.date(), today))
    });
    env.add_filter("on_day_at", |state: &State<'_, '_>, at: String, zone: Option<String>| {
        let (there, today) = both(state, &at, zone.as_deref())?;
        let said = day(there.date(), today);
        Ok::<_, Error>(if said.starts_with(char::is_lowercase) { said } else { format!("on {said}") })
    });
    env.add_filter("date_at", |state: &State<'_, '_>, at: String, zone: Option<String>| {
        let (there, today) = both(state, &at, zone.as_deref())?;
        let said = day(there.date(), today);
        let near = said.starts_with(char::is_lowercase);
        Ok::<_, Error>(if near { format!("{said}, {}", full_day(there.date())) } else { said })
    });
    env.add_filter("clock_at", |state: &State<'_, '_>, at: String, zone: Option<String>| {
        let (there, _) = both(state, &at, zone.as_deref())?;
        let here = there.with_time_zone(moment(state)?.zone.clone());
        let name = zone.as_deref().filter(|_| here.offset() != there.offset()).map(called);
        Ok::<_, Error>(
            [Some(clock(there.time())), name, twice(&there)].into_iter().flatten().collect::<Vec<_>>().join(" "),
        )
    });
}

/// The moment on the wall there, and what day it is there now.
fn both(state: &State<'_, '_>, at: &str, zone: Option<&str>) -> Result<(Zoned, jiff::civil::Date), Error> {
    let moment = moment(state)?;
    let at: Timestamp = at.parse().map_err(|_| wrong("a time is needed"))?;
    let zone = zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| moment.zone.clone());
    Ok((at.to_zoned(zone.clone()), moment.now.to_zoned(zone).date()))
}

/// What people call a zone.
fn called(zone: &str) -> String {
    let known = CALLED.iter().find(|(name, _)| *name == zone).map(|(_, said)| (*said).to_owned());
    known.unwrap_or_else(|| format!("{} time", zone.rsplit('/').next().unwrap_or(zone).replace('_', " ")))
}

/// Which of the two is meant where the clock shows the same time twice.
fn twice(there: &Zoned) -> Option<String> {
    let wall = there.time_zone().to_ambiguous_timestamp(there.datetime());
    if !wall.is_ambiguous() {
        return None;
    }
    let first = wall.earlier().ok()? == there.timestamp();
    Some(if first { "before the clocks go back" } else { "after the clocks go back" }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Moment, reply::Replies};
    use super::*;
    use crate::actions::Facts;

    #[test]
    fn a_time_is_told_by_the_clock_of_its_place() {
        let template = "{{ at|on_day_at(zone) }} at {{ at|clock_at(zone) }}";
        let replies = Replies::compile([("a.b", "r", template)]).expect("compiles");
        let told = |now: &str, at: &str, zone: Option<&str>| {
            let home = TimeZone::get("America/New_York").expect("known");
            let facts = Facts::new("r").with("at", at).with("zone", zone);
            replies.render("a.b", &facts, &Moment { now: now.parse().expect("a time"), zone: home }).expect("said").text
        };
        let now = "2026-12-01T15:00:00Z";
        for (at, zone, want) in [
            ("2026-12-03T19:00:00Z", None, "on Thursday, December 3rd at 2 PM"),
            ("2026-12-03T19:00:00Z", Some("America/New_York"), "on Thursday, December 3rd at 2 PM"),
            ("2026-12-03T19:00:00Z", Some("America/Detroit"), "on Thursday, December 3rd at 2 PM"),
            ("2026-12-03T19:00:00Z", Some("America/Los_Angeles"), "on Thursday, December 3rd at 11 AM Pacific time"),
            ("2026-12-03T06:00:00Z", Some("America/Los_Angeles"), "tomorrow at 10 PM Pacific time"),
            ("2026-12-03T19:00:00Z", Some("Europe/Berlin"), "on Thursday, December 3rd at 8 PM Berlin time"),
        ] {
            assert_eq!(told(now, at, zone), want, "{at} {zone:?}");
        }
        let fall = "2026-10-31T15:00:00Z";
        assert_eq!(told(fall, "2026-11-01T05:30:00Z", None), "tomorrow at 1:30 AM before the clocks go back");
        assert_eq!(told(fall, "2026-11-01T06:30:00Z", None), "tomorrow at 1:30 AM after the clocks go back");
        assert_eq!(told(fall, "2026-11-01T07:30:00Z", None), "tomorrow at 2:30 AM");
        // One hour apart in November, two for a week in March: whoever is not on summer time is named.
        let arizona = Some("America/Phoenix");
        assert_eq!(told("2026-03-07T15:00:00Z", "2026-03-08T16:00:00Z", arizona), "tomorrow at 9 AM Arizona time");
    }
}
