//! The list of places where people are seen without an appointment, out of a FHIR R4 bundle of HealthcareService and
//! Location. Hours are `availableTime` and `notAvailable`, or a Location's own `hoursOfOperation`.
//!
//! Invariant: a list is taken whole or not at all, and every mistake in it is told with its line and field.

use std::{collections::BTreeMap, fmt};

use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    OpenSlot,
    care_place::{CarePlace, Closed, Hours, Position},
    fhir_bundle,
};

/// The largest list taken, in bytes.
pub const LARGEST: usize = 4 << 20;

/// Most places in a list.
const MOST: usize = 1_000;

/// Most mistakes that are told at once.
const TOLD: usize = 20;

/// Longest name, address or number, in characters: they are said aloud.
const LONGEST: usize = 120;

/// A list as it was read.
#[derive(Debug)]
pub struct Directory {
    /// The places, in the order of the list.
    pub places: Vec<CarePlace>,
    /// Free times that came along.
    pub slots: Vec<OpenSlot>,
}

/// Why a file is not a list of places.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DirectoryError {
    /// Larger than it may be.
    #[error("the list is larger than {} MiB; leave out what nobody goes to without an appointment", LARGEST >> 20)]
    TooLarge,
    /// Not a bundle.
    #[error("this is not a FHIR Bundle in JSON: {0}")]
    NotABundle(String),
    /// What stands in it cannot be used.
    #[error("{}", lines(.0))]
    Faults(Vec<Fault>),
    /// A list without a place.
    #[error("the bundle has no HealthcareService and no Location with hours; add the places people may go to")]
    Empty,
    /// More than anybody could mean.
    #[error("the bundle has more than {MOST} places; list those of your own area")]
    TooMany,
}

/// A mistake in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line on which the field begins, from 1.
    pub line: usize,
    /// Of what: "HealthcareService/harbor".
    pub of: String,
    /// Which field: `availableTime[0]`.
    pub field: String,
    /// What is wrong, and what it must be.
    pub reason: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {}: `{}` {}", self.line, self.of, self.field, self.reason)
    }
}

fn lines(faults: &[Fault]) -> String {
    let told: Vec<String> = faults.iter().take(TOLD).map(Fault::to_string).collect();
    let more = faults.len().saturating_sub(TOLD);
    if more == 0 { told.join("\n") } else { format!("{}\nand {more} more", told.join("\n")) }
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(borrow, default)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: Option<BTreeMap<String, &'a RawValue>>,
}

/// Reads the places of a bundle, in its order, and the free times beside them.
///
/// # Errors
/// What is wrong, and where.
pub fn read(bytes: &[u8]) -> Result<Directory, DirectoryError> {
    if bytes.len() > LARGEST {
        return Err(DirectoryError::TooLarge);
    }
    let not = |why: &dyn fmt::Display| DirectoryError::NotABundle(why.to_string());
    let text = std::str::from_utf8(bytes).map_err(|e| not(&e))?;
    let bundle: Bundle<'_> = serde_json::from_str(text).map_err(|e| not(&e))?;
    if bundle.resource_type != "Bundle" {
        return Err(not(&"`resourceType` is another"));
    }
    let resources = bundle.entry.into_iter().filter_map(|entry| Resource::new(text, entry.resource?));
    let (mut services, mut locations) = (Vec::new(), BTreeMap::new());
    for (n, resource) in resources.enumerate() {
        match resource.kind.as_str() {
            "HealthcareService" => services.push(resource),
            "Location" => drop(locations.insert(resource.name(), (n, resource))),
            _ => {}
        }
    }
    let mut faults = Vec::new();
    let mut places: Vec<CarePlace> = Vec::new();
    for service in services.iter().filter(|s| s.is_active()) {
        let location = service.references("location").find_map(|name| locations.remove(&name));
        places.extend(place(service, location.as_ref().map(|(_, l)| l), &mut faults));
    }
    let mut alone: Vec<(usize, Resource<'_>)> = locations.into_values().collect();
    alone.retain(|(_, l)| l.is_active() && l.items("hoursOfOperation").next().is_some());
    alone.sort_by_key(|(n, _)| *n);
    for (_, location) in &alone {
        places.extend(place(location, None, &mut faults));
    }
    for (n, one) in places.iter().enumerate() {
        if places[..n].iter().any(|other| other.id == one.id) {
            let of = format!("the place `{}`", one.id);
            faults.push(Fault { line: 1, of, field: "id".into(), reason: "stands for two places; give each its own" });
        }
    }
    match places.len() {
        _ if !faults.is_empty() => Err(DirectoryError::Faults(faults)),
        0 => Err(DirectoryError::Empty),
        n if n > MOST => Err(DirectoryError::TooMany),
        _ => Ok(Directory { places, slots: fhir_bundle::open_slots(bytes).map_err(|e| not(&e))? }),
    }
}

/// A resource whose fields know their lines.
struct Resource<'a> {
    text: &'a str,
    kind: String,
    fields: BTreeMap<String, &'a RawValue>,
}

impl<'a> Resource<'a> {
    fn new(text: &'a str, fields: BTreeMap<String, &'a RawValue>) -> Option<Self> {
        let kind = serde_json::from_str(fields.get("resourceType")?.get()).ok()?;
        Some(Self { text, kind, fields })
    }

    /// "HealthcareService/harbor", as others refer to it.
    fn name(&self) -> String {
        format!("{}/{}", self.kind, self.words("id").unwrap_or_default())
    }

    fn is_active(&self) -> bool {
        let off = matches!(self.words("status").as_deref(), Some("inactive" | "suspended" | "entered-in-error"));
        !off && self.value("active") != Some(Value::Bool(false))
    }

    fn value(&self, field: &str) -> Option<Value> {
        serde_json::from_str(self.fields.get(field)?.get()).ok()
    }

    fn words(&self, field: &str) -> Option<String> {
        self.value(field)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn items(&self, field: &str) -> impl Iterator<Item = Value> + use<> {
        match self.value(field) {
            Some(Value::Array(items)) => items,
            _ => vec![],
        }
        .into_iter()
    }

    fn references(&self, field: &str) -> impl Iterator<Item = String> + use<> {
        self.items(field).filter_map(|item| item.get("reference")?.as_str().map(str::to_owned))
    }

    fn fault(&self, field: &str, below: &str, reason: &'static str) -> Fault {
        let start = self.fields.get(field).or_else(|| self.fields.get("resourceType")).map(|raw| raw.get().as_ptr());
        // Every field is a part of the text, so its place is the distance between the two.
        let place = start.map_or(0, |start| start.addr().saturating_sub(self.text.as_ptr().addr()));
        let line = 1 + self.text.as_bytes().iter().take(place).filter(|byte| **byte == b'\n').count();
        Fault { line, of: self.name(), field: format!("{field}{below}"), reason }
    }
}

/// A service with its place, or a place that has hours of its own.
fn place(service: &Resource<'_>, location: Option<&Resource<'_>>, faults: &mut Vec<Fault>) -> Option<CarePlace> {
    let before = faults.len();
    let told = |field: &str, faults: &mut Vec<Fault>| {
        let words = service.words(field);
        if words.is_none() {
            faults.push(service.fault(field, "", "is missing"));
        }
        words.unwrap_or_default()
    };
    let (id, name) = (told("id", faults), told("name", faults));
    if name.chars().count() > LONGEST || name.chars().any(char::is_control) {
        faults.push(service.fault("name", "", "is longer than 120 characters, or no text"));
    }
    let here = location.unwrap_or(service);
    let mut hours = hours(service, "availableTime", ["availableStartTime", "availableEndTime"], faults);
    if hours.is_empty() {
        hours = self::hours(here, "hoursOfOperation", ["openingTime", "closingTime"], faults);
    }
    let both = || [Some(service), location].into_iter().flatten();
    let place = CarePlace {
        id,
        name,
        emergency: both().any(is_emergency),
        address: address(here).or_else(|| location.and_then(|l| l.words("name"))).filter(|a| is_speakable(a)),
        phone: both().find_map(phone).filter(|phone| is_speakable(phone)),
        zone: zone(here, faults),
        position: position(here, faults),
        hours,
        closed: closed(service, faults),
        actors: both().map(Resource::name).collect(),
        wait: None,
    };
    (faults.len() == before).then_some(place)
}

fn is_speakable(text: &str) -> bool {
    text.chars().count() <= LONGEST && !text.chars().any(char::is_control)
}

/// Emergency rooms say so in their kind: v3-RoleCode `ER` (https://terminology.hl7.org/CodeSystem-v3-RoleCode.html), or words.
fn is_emergency(of: &Resource<'_>) -> bool {
    let concepts = ["type", "category"].into_iter().flat_map(|field| of.items(field));
    concepts.into_iter().any(|concept| {
        let codings = concept.get("coding").and_then(Value::as_array).cloned().unwrap_or_default();
        let says = |one: &Value, key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        says(&concept, "text").contains("emergency")
            || codings.iter().any(|c| says(c, "code") == "er" || says(c, "display").contains("emergency"))
    })
}

fn hours(of: &Resource<'_>, field: &str, [opens, closes]: [&str; 2], faults: &mut Vec<Fault>) -> Vec<Hours> {
    let mut found = Vec::new();
    for (n, told) in of.items(field).enumerate() {
        let mut wrong = |below: &str, reason| faults.push(of.fault(field, &format!("[{n}]{below}"), reason));
        let Some(days) = days(&told) else {
            wrong(".daysOfWeek", "must be days such as \"mon\", one at least");
            continue;
        };
        if told.get("allDay") == Some(&Value::Bool(true)) {
            found.push(Hours { days, opens: Time::midnight(), closes: Time::midnight() });
            continue;
        }
        match (clock(&told, opens), clock(&told, closes)) {
            (None, _) => wrong(&format!(".{opens}"), "must be a time such as \"08:00:00\""),
            (_, None) => wrong(&format!(".{closes}"), "must be a time such as \"20:00:00\""),
            (Some(opens), Some(closes)) => found.push(Hours { days, opens, closes }),
        }
    }
    found
}

fn days(told: &Value) -> Option<Vec<i8>> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = |code: &Value| DAYS.iter().position(|day| code.as_str() == Some(day)).and_then(|n| i8::try_from(n).ok());
    let days: Option<Vec<i8>> = told.get("daysOfWeek")?.as_array()?.iter().map(day).collect();
    days.filter(|days| !days.is_empty())
}

/// A FHIR time, with its seconds or without. Midnight at the end of a day is "24:00".
fn clock(told: &Value, key: &str) -> Option<Time> {
    match told.get(key)?.as_str()? {
        "24:00" | "24:00:00" => Some(Time::midnight()),
        text => text.parse().ok(),
    }
}

fn closed(of: &Resource<'_>, faults: &mut Vec<Fault>) -> Vec<Closed> {
    let mut found = Vec::new();
    for (n, told) in of.items("notAvailable").enumerate() {
        // A description alone closes nothing.
        let Some(during) = told.get("during") else { continue };
        let text = |key: &str| during.get(key).map(|value| value.as_str().unwrap_or_default());
        let from = text("start").map_or(Some(DateTime::MIN), |text| wall(text, false));
        let until = text("end").map(|text| wall(text, true));
        match (from, until) {
            (Some(from), None) => found.push(Closed { from, until: None }),
            (Some(from), Some(Some(until))) if from < until => found.push(Closed { from, until: Some(until) }),
            _ => {
                let reason = "must be a start and an end such as \"2026-12-25\", the end not before the start";
                faults.push(of.fault("notAvailable", &format!("[{n}].during"), reason));
            }
        }
    }
    found
}

/// A date or a date and time by the clock on the wall. The end of a day is the beginning of the next.
fn wall(text: &str, end: bool) -> Option<DateTime> {
    if text.len() == 10 {
        let day: Date = text.parse().ok()?;
        let day = if end { day.checked_add(1.day()).ok()? } else { day };
        return Some(day.to_datetime(Time::midnight()));
    }
    // Written with the place's own offset, so what stands there is what its clocks say.
    text.get(..19)?.parse().ok()
}

/// The IANA zone of a place (https://hl7.org/fhir/extensions/StructureDefinition-timezone.html).
fn zone(of: &Resource<'_>, faults: &mut Vec<Fault>) -> Option<String> {
    const URL: &str = "http://hl7.org/fhir/StructureDefinition/timezone";
    let told = of.items("extension").find(|e| e.get("url").and_then(Value::as_str) == Some(URL))?;
    let zone = told.get("valueCode").and_then(Value::as_str).unwrap_or_default();
    if TimeZone::get(zone).is_err() {
        faults.push(of.fault("extension", "", "must be an IANA zone such as \"America/New_York\""));
    }
    Some(zone.to_owned())
}

fn position(of: &Resource<'_>, faults: &mut Vec<Fault>) -> Option<Position> {
    let told = of.value("position")?;
    let degrees = |key: &str| told.get(key).and_then(Value::as_f64);
    let position = degrees("latitude").zip(degrees("longitude")).and_then(|(a, b)| Position::new(a, b));
    if position.is_none() {
        faults.push(of.fault("position", "", "must be a latitude from -90 to 90 and a longitude from -180 to 180"));
    }
    position
}

/// "12 Harbor Street, Lakeside".
fn address(of: &Resource<'_>) -> Option<String> {
    let address = of.value("address")?;
    let street = address.get("line").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let parts: Vec<&str> = street
        .chain(address.get("city").and_then(Value::as_str))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

fn phone(of: &Resource<'_>) -> Option<String> {
    let told = of.items("telecom").find(|t| t.get("system").and_then(Value::as_str) == Some("phone"))?;
    told.get("value")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read_all(entries: &[Value]) -> Result<Vec<CarePlace>, DirectoryError> {
        let entry: Vec<Value> = entries.iter().map(|r| json!({ "resource": r })).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entry });
        read(bundle.to_string().as_bytes()).map(|directory| directory.places)
    }

    #[test]
    fn services_and_locations_become_places() {
        let service = json!({
            "resourceType": "HealthcareService", "id": "harbor", "name": "Harbor Urgent Care",
            "location": [{ "reference": "Location/h1" }], "telecom": [{ "system": "phone", "value": "555-0130" }],
            "availableTime": [
                { "daysOfWeek": ["mon", "tue"], "availableStartTime": "08:00:00", "availableEndTime": "20:00:00" },
                { "daysOfWeek": ["sun"], "allDay": true },
            ],
            "notAvailable": [
                { "description": "Christmas", "during": { "start": "2026-12-25", "end": "2026-12-26" } },
                { "description": "Early", "during": { "start": "2026-12-24T14:00:00-05:00", "end": "2026-12-24" } },
                { "description": "Moving", "during": { "start": "2027-03-01" } },
            ],
        });
        let located = json!({
            "resourceType": "Location", "id": "h1", "address": { "line": ["12 Harbor Street"], "city": "Lakeside" },
            "position": { "latitude": 42.36, "longitude": -71.06 },
            "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "America/Chicago" }],
        });
        let alone = json!({
            "resourceType": "Location", "id": "hill", "name": "Hill Emergency Room",
            "type": [{ "coding": [{ "code": "ER" }] }],
            "hoursOfOperation": [{ "daysOfWeek": ["sat"], "openingTime": "09:00:00", "closingTime": "24:00" }],
        });
        let counter = json!({ "resourceType": "Location", "id": "counter", "name": "Pharmacy counter" });
        let shut = json!({ "resourceType": "HealthcareService", "id": "x", "name": "Old", "active": false });
        let found = read_all(&[located, service, alone, counter, shut]).expect("a list");
        let names: Vec<_> = found.iter().map(|p| (p.name.as_str(), p.emergency)).collect();
        assert_eq!(names, [("Harbor Urgent Care", false), ("Hill Emergency Room", true)]);
        let harbor = &found[0];
        assert_eq!(harbor.address.as_deref(), Some("12 Harbor Street, Lakeside"));
        assert_eq!((harbor.phone.as_deref(), harbor.zone.as_deref()), (Some("555-0130"), Some("America/Chicago")));
        assert_eq!(harbor.position, Position::new(42.36, -71.06));
        assert_eq!((harbor.hours[0].days.as_slice(), harbor.hours[1].closes), ([0, 1].as_slice(), Time::midnight()));
        let told = |c: &Closed| format!("{} {}", c.from, c.until.map(|u| u.to_string()).unwrap_or_default());
        let closed: Vec<_> = harbor.closed.iter().map(told).collect();
        assert_eq!(
            closed,
            [
                "2026-12-25T00:00:00 2026-12-27T00:00:00",
                "2026-12-24T14:00:00 2026-12-25T00:00:00",
                "2027-03-01T00:00:00 ",
            ]
        );
        assert_eq!(harbor.actors, ["HealthcareService/harbor", "Location/h1"]);
        assert_eq!(found[1].hours[0].closes, Time::midnight());
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_field() {
        let file = r#"{
            "resourceType": "Bundle",
            "entry": [
                { "resource": {
                    "resourceType": "HealthcareService", "id": "a", "name": "A",
                    "location": [{ "reference": "Location/b" }],
                    "availableTime": [
                        { "daysOfWeek": ["mon"], "allDay": true },
                        { "daysOfWeek": ["fry"], "allDay": true },
                        { "daysOfWeek": ["fri"], "availableStartTime": "08:00:00" }
                    ],
                    "notAvailable": [{ "during": { "start": "2026-12-26", "end": "2026-12-24" } }]
                } },
                { "resource": {
                    "resourceType": "Location", "id": "b",
                    "position": { "latitude": 420.3, "longitude": -71 },
                    "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "Mars/Base" }]
                } },
                { "resource": { "resourceType": "HealthcareService", "name": "C" } }
            ]
        }"#;
        let told = read(file.as_bytes()).expect_err("must fail").to_string();
        let lines: Vec<&str> = told.lines().map(|line| line.split(" must").next().unwrap_or_default()).collect();
        assert_eq!(
            lines,
            [
                "line 7, HealthcareService/a: `availableTime[1].daysOfWeek`",
                "line 7, HealthcareService/a: `availableTime[2].availableEndTime`",
                "line 17, Location/b: `extension`",
                "line 16, Location/b: `position`",
                "line 12, HealthcareService/a: `notAvailable[0].during`",
                "line 19, HealthcareService/: `id` is missing",
            ]
        );
    }

    #[test]
    fn what_is_no_list_is_said() {
        let twice = json!({ "resourceType": "HealthcareService", "id": "a", "name": "A" });
        let error = |entries: &[Value]| read_all(entries).expect_err("must fail").to_string();
        assert!(error(&[]).contains("no HealthcareService"));
        assert!(error(&[twice.clone(), twice]).contains("stands for two places"));
        let long = json!({ "resourceType": "HealthcareService", "id": "a", "name": "A".repeat(121) });
        assert!(error(&[long]).contains("`name` is longer"));
        assert!(read(b"[]").is_err() && read(b"{").is_err() && read(&[0xff]).is_err());
        assert_eq!(read(&vec![b' '; LARGEST + 1]).expect_err("too large"), DirectoryError::TooLarge);
        let many: Vec<Value> = (0..=MOST)
            .map(|n| json!({ "resourceType": "HealthcareService", "id": n.to_string(), "name": "A" }))
            .collect();
        assert_eq!(read_all(&many).expect_err("too many"), DirectoryError::TooMany);
    }

    /// The list that ships, for spoiling.
    const DEMO: &str = include_str!("../../demo/urgent-care.json");

    proptest! {
        /// Cut off anywhere, or with bytes changed, a list is read or refused with words, and never a panic.
        #[test]
        fn a_spoiled_list_is_refused_or_read(cut in 0..DEMO.len(), at in 0..DEMO.len(), with in any::<u8>()) {
            let _ = read(&DEMO.as_bytes()[..cut]);
            let mut bytes = DEMO.as_bytes().to_vec();
            bytes[at] = with;
            if let Ok(directory) = read(&bytes) {
                let now = "2026-12-01T15:00:00Z".parse().expect("a time");
                for place in &directory.places {
                    let _ = place.opening(now, &TimeZone::UTC);
                }
            }
        }

        /// Any JSON at all in the place of a field.
        #[test]
        fn any_value_in_any_field(field in 0..8_usize, value in any_value()) {
            let fields = ["id", "name", "availableTime", "notAvailable", "position", "extension", "telecom", "type"];
            let mut service = json!({ "resourceType": "HealthcareService", "id": "a", "name": "A" });
            service[fields[field]] = value;
            let _ = read_all(&[service]);
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<f64>().prop_map(|n| json!(n)),
            "\\PC{0,12}".prop_map(Value::String),
            prop_oneof![Just("mon"), Just("24:00"), Just("-009999-01-01"), Just("9999-12-31"), Just("08:00:00")]
                .prop_map(|text| json!(text)),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let keys = prop_oneof![
                Just("daysOfWeek"),
                Just("allDay"),
                Just("availableStartTime"),
                Just("during"),
                Just("start"),
                Just("end"),
                Just("latitude"),
                Just("longitude"),
                Just("url"),
                Just("valueCode"),
                Just("system"),
                Just("value"),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map(keys.prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
