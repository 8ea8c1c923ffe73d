//! Urgent care: where to go, when it is open, and how long people wait there. A time there is booked by
//! `appointment/urgent.rs`. Everything here is nobody's.

pub mod find;
pub mod wait;

use jiff::{Timestamp, tz::TimeZone};

use super::{ActionError, Setting, words};
use crate::records::{CarePlace, Opening, Position};

/// Most places that are told.
const MOST: usize = 3;

/// The slot that asks for emergency rooms.
const KIND: &str = "kind";

/// As the catalogue's list `care_kinds` writes it.
const EMERGENCY: &str = "emergency room";

/// A place as it stands now.
struct Found {
    place: CarePlace,
    opening: Opening,
    /// Meters in a straight line, where both ends are known.
    away: Option<f64>,
}

impl Found {
    const fn is_closed(&self) -> bool {
        matches!(self.opening, Opening::Opens(_) | Opening::Closed)
    }
}

/// Where the asking takes place, where somebody told.
async fn here(setting: &Setting<'_>) -> Result<Option<Position>, ActionError> {
    let told = match setting.room {
        Some(room) => setting.records.position(room).await?,
        None => None,
    };
    Ok(told.or(setting.position))
}

/// Whether a name or an address that was said is this place's.
pub(super) fn is_called(place: &CarePlace, said: &str) -> bool {
    let told = words(&format!("{} {}", place.name, place.address.as_deref().unwrap_or_default()));
    let said = words(said);
    !said.is_empty()
        && said.iter().filter(|word| !["the", "on", "street"].contains(&word.as_str())).all(|w| told.contains(w))
}

/// The places of that kind that a name or an address may mean (of any kind where none of that kind goes by it), all where
/// nobody named one: those that are open, then
/// those of which nobody knows, then the others; the nearest first, else as the operator lists them.
fn meant(
    places: Vec<CarePlace>,
    said: Option<&str>,
    emergency: bool,
    from: Option<Position>,
    (now, zone): (Timestamp, &TimeZone),
) -> Vec<Found> {
    let called = |place: &CarePlace| said.is_none_or(|said| is_called(place, said));
    let of_kind = places.iter().any(|place| place.emergency == emergency && called(place));
    let any_kind = said.is_some() && !of_kind;
    let fits = |place: &CarePlace| called(place) && (any_kind || place.emergency == emergency);
    let mut found: Vec<Found> = places
        .into_iter()
        .filter(fits)
        .map(|place| Found {
            opening: place.opening(now, zone),
            away: from.zip(place.position).map(|(from, to)| from.meters_to(to)),
            place,
        })
        .collect();
    let rank = |found: &Found| match found.opening {
        Opening::Open(_) => 0,
        Opening::Unknown => 1,
        Opening::Opens(_) => 2,
        Opening::Closed => 3,
    };
    let far = |found: &Found| found.away.unwrap_or(f64::INFINITY);
    found.sort_by(|a, b| rank(a).cmp(&rank(b)).then(far(a).total_cmp(&far(b))));
    found
}

/// A distance as it is said. What lies between the two is not known, so it is never told more exactly.
fn away(meters: f64) -> String {
    let miles = meters / 1_609.344;
    let halves = (miles * 2.0).round() / 2.0;
    if miles < 0.35 {
        "less than half a mile".to_owned()
    } else if halves <= 0.5 {
        "about half a mile".to_owned()
    } else if halves < 1.25 {
        "about 1 mile".to_owned()
    } else if miles < 9.5 {
        format!("about {halves} miles")
    } else {
        format!("about {miles:.0} miles")
    }
}

/// A place as replies tell it: `name`, `address`, `phone`, `zone`, `away`, `open` (none where nobody knows), `until`
/// (none around the clock), `opens` (none where it opens no time soon).
fn told(found: &Found) -> serde_json::Value {
    let (open, until, opens) = match found.opening {
        Opening::Open(until) => (Some(true), until, None),
        Opening::Opens(at) => (Some(false), None, Some(at)),
        Opening::Closed => (Some(false), None, None),
        Opening::Unknown => (None, None, None),
    };
    let place = &found.place;
    serde_json::json!({
        "name": place.name, "address": place.address, "phone": place.phone, "zone": place.zone,
        "away": found.away.map(away), "open": open, "until": until, "opens": opens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Hours;
    use jiff::civil::time;

    #[test]
    fn open_places_come_first_then_near_ones_and_names_are_heard() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let place = |name: &str, street: &str, opens, closes, latitude| CarePlace {
            id: name.into(),
            name: name.into(),
            address: Some(street.into()),
            position: Position::new(latitude, -71.0),
            hours: vec![Hours { days: (0..7).collect(), opens: time(opens, 0, 0, 0), closes: time(closes, 0, 0, 0) }],
            ..CarePlace::default()
        };
        let places = || {
            vec![
                place("Dawn Clinic", "1 Main Street", 6, 9, 42.0),
                place("Night Clinic", "2 Main Street", 18, 6, 42.1),
                place("Far Clinic", "3 Oak Street", 8, 20, 43.0),
                place("Near Clinic", "4 Oak Street", 8, 20, 42.1),
                CarePlace { name: "Hidden Clinic".into(), ..CarePlace::default() },
                CarePlace { emergency: true, ..place("Emergency Room", "5 Oak Street", 0, 0, 42.0) },
            ]
        };
        let now = "2026-12-01T15:00:00Z".parse().expect("a time");
        let names = |said: Option<&str>, from| {
            let found = meant(places(), said, false, from, (now, &zone));
            found.iter().filter_map(|f| f.place.name.split(' ').next()).collect::<Vec<_>>().join(" ")
        };
        let here = Position::new(42.0, -71.0);
        assert_eq!(names(None, None), "Far Near Hidden Dawn Night", "as they are listed");
        assert_eq!(names(None, here), "Near Far Hidden Dawn Night");
        assert_eq!(names(Some("main street"), here), "Dawn Night");
        assert_eq!(names(Some("the one on oak street"), here), "", "`one` is no name");
        assert_eq!(names(Some("on Oak"), here), "Near Far");
        assert_eq!(names(Some("the moon"), here), "");
        assert_eq!(names(Some("emergency"), here), "Emergency", "named, though nobody said that it is one");
        let rooms = meant(places(), None, true, here, (now, &zone));
        assert_eq!(rooms.iter().map(|f| f.place.name.as_str()).collect::<Vec<_>>(), ["Emergency Room"]);
    }

    #[test]
    fn distances_are_said_roughly() {
        #[rustfmt::skip]
        let table = [
            (0.0, "less than half a mile"), (500.0, "less than half a mile"), (800.0, "about half a mile"),
            (1_100.0, "about half a mile"), (1_300.0, "about 1 mile"), (1_900.0, "about 1 mile"), (2_200.0, "about 1.5 miles"),
            (3_200.0, "about 2 miles"), (15_000.0, "about 9.5 miles"), (16_000.0, "about 10 miles"), (160_934.4, "about 100 miles"),
        ];
        for (meters, want) in table {
            assert_eq!(away(meters), want, "{meters}");
        }
    }
}
