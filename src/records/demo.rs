//! The demo people, and how a bundle told from a day of its own is read as if that day were today.
//!
//! What happened moves by whole days, so "27 days ago" stays that. The clinic's times (visits and free times)
//! move by working days: none falls on a weekend, every weekday keeps its free times, and none comes to clash
//! with a visit. Birthdays stay and the year moves, so everybody keeps their age: a demo child never grows up.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, date},
    tz::TimeZone,
};
use serde_json::Value;

use super::{
    Chart, Directory,
    care_directory::{self, DirectoryError},
    fhir_bundle::{self, BundleError},
};

/// The demo bundles by file name, as in `demo/`.
pub const FILES: [(&str, &str); 4] = [
    ("rosa-delgado.json", include_str!("../../demo/rosa-delgado.json")),
    ("milo-tran.json", include_str!("../../demo/milo-tran.json")),
    ("empty-chart.json", include_str!("../../demo/empty-chart.json")),
    (CANARY_FILE, include_str!("../../demo/canary.json")),
];

/// The demo places of urgent care, as in `demo/`.
pub const PLACES: &str = include_str!("../../demo/urgent-care.json");

/// The bundle of the person whose words must never be found where they don't belong.
pub const CANARY_FILE: &str = "canary.json";

/// Words of the canary person that occur nowhere else. Found in a log, a metric, a file name or, in clear, in a
/// database file, each is a leak. Compare without regard to case.
pub const CANARY_WORDS: [&str; 21] = [
    "Quillon",
    "Zephyrantha",
    "QZ-77190425",
    "555-0142-7719",
    "Thistlewhim",
    "Umberfjord",
    "velmoradine",
    "xylobrine",
    "fennimast",
    "ossiquent",
    "pluckerate",
    "Gloamwick",
    "Isambria",
    "Vantongeren",
    "Merrowdown",
    "ombrelith",
    "krelvane",
    "drumbelweed",
    "quaverous",
    "Sablewort",
    "brindlehock",
];

/// Every demo person as of `now`, with the file each comes from.
///
/// # Errors
/// None that a release can have: the bundles are part of the program and tested. A caller's own `now` at the
/// ends of the calendar is [`BundleError::Unmovable`].
pub fn all(now: Timestamp, zone: &TimeZone) -> Result<Vec<(&'static str, Chart)>, BundleError> {
    FILES.iter().map(|(file, json)| Ok((*file, bundle(json.as_bytes(), now, zone)?))).collect()
}

/// The demo places of urgent care, and the free times there as if the day of their bundle were today: they are seen every day
/// of the week. Times of day stay as they are written, in `zone`.
///
/// # Errors
/// None that a release can have: the list is part of the program and tested.
pub fn places(now: Timestamp, zone: &TimeZone) -> Result<Directory, DirectoryError> {
    let not = |e: serde_json::Error| DirectoryError::NotABundle(e.to_string());
    let mut bundle: Value = serde_json::from_str(PLACES).map_err(not)?;
    let today = now.to_zoned(zone.clone()).date();
    let anchor = bundle.get("timestamp").and_then(day_of).unwrap_or(today);
    for entry in bundle.get_mut("entry").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(slot) = entry.get_mut("resource").filter(|r| r["resourceType"] == "Slot") else { continue };
        moved(slot, anchor, today, zone);
    }
    care_directory::read(bundle.to_string().as_bytes())
}

/// Moves a free time by as many days as lie between the two, and the day in its id with it.
fn moved(slot: &mut Value, anchor: Date, today: Date, zone: &TimeZone) -> Option<()> {
    let written = day_of(slot.get("start")?)?;
    let days = anchor.until(today).ok()?;
    for field in ["start", "end"] {
        let wall: DateTime = slot.get(field)?.as_str()?.get(..19)?.parse().ok()?;
        let at = wall.checked_add(days).ok()?.to_zoned(zone.clone()).ok()?.timestamp();
        slot[field] = Value::String(at.to_string());
    }
    let id = slot.get("id")?.as_str()?.replace(&written.to_string(), &written.checked_add(days).ok()?.to_string());
    slot["id"] = Value::String(id);
    Some(())
}

/// Reads a bundle whose dates are told from the day of its `timestamp`, as if that day were today in `zone`.
/// Times of day stay as they are written, in `zone`.
///
/// # Errors
/// As [`fhir_bundle::parse_anchored`].
pub fn bundle(json: &[u8], now: Timestamp, zone: &TimeZone) -> Result<Chart, BundleError> {
    let today = now.to_zoned(zone.clone()).date();
    match prepared(json, today) {
        Some(bundle) => fhir_bundle::parse_anchored(bundle.to_string().as_bytes(), now, zone),
        // Whatever is wrong with it, the parser says so better.
        None => fhir_bundle::parse_anchored(json, now, zone),
    }
}

/// The bundle with the corrections that a plain move by days lacks; `None` when it is not a bundle with an anchor.
fn prepared(json: &[u8], today: Date) -> Option<Value> {
    if json.len() > fhir_bundle::MAX_BYTES {
        return None;
    }
    let mut bundle: Value = serde_json::from_slice(json).ok()?;
    let anchor = day_of(bundle.get("timestamp")?)?;
    let moving = Moving { anchor, today };
    for entry in bundle.get_mut("entry")?.as_array_mut()? {
        let Some(resource) = entry.get_mut("resource") else { continue };
        match resource.get("resourceType").and_then(Value::as_str) {
            Some("Patient") => moving.keep_age(resource),
            Some("Appointment" | "Slot") => moving.by_working_days(resource),
            _ => None,
        };
    }
    Some(bundle)
}

#[derive(Clone, Copy)]
struct Moving {
    anchor: Date,
    today: Date,
}

impl Moving {
    /// The same birthday in the year that makes the person as old today as they were on the anchor's day.
    fn keep_age(self, patient: &mut Value) -> Option<()> {
        let birth = day_of(patient.get("birthDate")?)?;
        let grown = i32::from(age(birth, self.today)) - i32::from(age(birth, self.anchor));
        patient["birthDate"] = Value::String(birth.checked_add(grown.years()).ok()?.to_string());
        Some(())
    }

    /// Adds the days by which weekends push a clinic's time further than a plain move by days does. A free
    /// time's id tells its day, so that it never comes to name another time.
    fn by_working_days(self, resource: &mut Value) -> Option<()> {
        let written = day_of(resource.get("start")?)?;
        if is_weekend(written) {
            return None; // left to the parser, which knows that the clinic is closed
        }
        let plain = written.checked_add(self.anchor.until(self.today).ok()?).ok()?;
        let wanted = from_working(working(self.today) + working(written) - working(self.anchor))?;
        let pushed = plain.until(wanted).ok()?;
        for field in ["start", "end"] {
            let Some(text) = resource.get(field).and_then(Value::as_str) else { continue };
            let (day, time) = text.split_at_checked(10)?;
            let moved = day.parse::<Date>().ok()?.checked_add(pushed).ok()?;
            resource[field] = Value::String(format!("{moved}{time}"));
        }
        let id = resource.get("id")?.as_str()?.replace(&written.to_string(), &wanted.to_string());
        resource["id"] = Value::String(id);
        Some(())
    }
}

/// The day a date or an instant is written with.
fn day_of(text: &Value) -> Option<Date> {
    text.as_str()?.get(..10)?.parse().ok()
}

/// Full years on a day; nobody here is born in the future.
fn age(birth: Date, on: Date) -> i16 {
    let had_birthday = (on.month(), on.day()) >= (birth.month(), birth.day());
    on.year() - birth.year() - i16::from(!had_birthday)
}

fn is_weekend(day: Date) -> bool {
    day.weekday().to_monday_zero_offset() > 4
}

/// The Monday that working days are counted from.
const MONDAY: Date = date(1970, 1, 5);

/// How many working days a day is from [`MONDAY`]; a weekend counts as its Friday.
fn working(day: Date) -> i32 {
    let days = MONDAY.until(day).map_or(0, |span| span.get_days());
    days.div_euclid(7) * 5 + days.rem_euclid(7).min(4)
}

/// The day that is so many working days from [`MONDAY`].
fn from_working(days: i32) -> Option<Date> {
    MONDAY.checked_add((days.div_euclid(5) * 7 + days.rem_euclid(5)).days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_days_skip_weekends_both_ways() {
        let friday = date(2026, 12, 4);
        for (days, want) in [(0, friday), (1, date(2026, 12, 7)), (-5, date(2026, 11, 27)), (6, date(2026, 12, 14))] {
            assert_eq!(from_working(working(friday) + days), Some(want), "{days}");
        }
        // Seen from a Saturday or a Sunday the next working day is Monday.
        for weekend in [date(2026, 12, 5), date(2026, 12, 6)] {
            assert_eq!(from_working(working(weekend) + 1), Some(date(2026, 12, 7)));
        }
        assert_eq!(from_working(working(date(1969, 12, 31))), Some(date(1969, 12, 31)));
    }

    #[test]
    fn an_age_counts_birthdays() {
        let birth = date(2019, 5, 22);
        assert_eq!((age(birth, date(2026, 5, 21)), age(birth, date(2026, 5, 22))), (6, 7));
    }

    #[test]
    fn what_is_no_bundle_is_left_to_the_parser() {
        for bad in
            ["", "{", "[]", "{}", r#"{"timestamp":"2026-12-01T10:00:00Z"}"#, r#"{"timestamp":"é€é€é€","entry":[]}"#]
        {
            assert!(prepared(bad.as_bytes(), date(2026, 12, 1)).is_none(), "{bad}");
        }
        let odd = r#"{"timestamp":"2026-12-01","entry":[{}, {"resource": 3}, {"resource": {"resourceType": "Slot", "start": 4}},
            {"resource": {"resourceType": "Slot", "start": "2026-12-01", "end": "soon"}},
            {"resource": {"resourceType": "Patient", "birthDate": "1959"}}]}"#;
        assert!(prepared(odd.as_bytes(), date(2027, 1, 1)).is_some());
    }
}
