//! The demo people: each a chart with the cases that answers are tested on, on any day.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail like tests")]

use std::{collections::HashSet, fs, path::Path};

use jiff::{
    Timestamp, Zoned,
    civil::{Date, Weekday, date},
    tz::TimeZone,
};
use wellspoken::records::{Chart, DispenseStage, LabFlag, LabResult, OpenSlot, Prescription, demo, fhir_bundle};

const ANCHOR: Date = date(2026, 12, 1);

/// Edges of daylight saving time here and elsewhere, of years and of February, every weekday, the far future, and
/// days before the anchor.
#[rustfmt::skip]
const DAYS: [Date; 42] = [
    date(2026, 12, 1), date(2026, 12, 2), date(2026, 12, 3), date(2026, 12, 4), date(2026, 12, 5), date(2026, 12, 6),
    date(2026, 12, 7), date(2026, 12, 25), date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2),
    date(2027, 2, 27), date(2027, 3, 1), date(2027, 3, 5), date(2027, 3, 12), date(2027, 3, 13), date(2027, 3, 14),
    date(2027, 3, 15), date(2027, 3, 28), date(2027, 4, 4), date(2027, 5, 21), date(2027, 5, 22), date(2027, 6, 30),
    date(2027, 9, 26), date(2027, 10, 31), date(2027, 11, 5), date(2027, 11, 6), date(2027, 11, 7), date(2027, 11, 8),
    date(2027, 12, 31), date(2028, 2, 5), date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1), date(2029, 2, 28),
    date(2030, 8, 18), date(2032, 2, 29), date(2040, 7, 4), date(2099, 12, 31), date(2026, 11, 1), date(2024, 2, 29),
];

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").expect("a known zone")
}

fn person(file: &str, now: Timestamp, zone: &TimeZone) -> Chart {
    let people = demo::all(now, zone).unwrap_or_else(|e| panic!("the demo people are good: {e}"));
    people.into_iter().find(|(name, _)| *name == file).expect("a demo file").1
}

fn on_anchor(file: &str) -> Chart {
    person(file, "2026-12-01T15:00:00Z".parse().expect("an instant"), &new_york())
}

fn medicine<'a>(chart: &'a Chart, name: &str) -> &'a Prescription {
    chart.prescriptions.iter().find(|p| p.medicine == name).unwrap_or_else(|| panic!("{name} is on the chart"))
}

fn result<'a>(chart: &'a Chart, name: &str) -> &'a LabResult {
    chart.results.iter().find(|r| r.test == name).unwrap_or_else(|| panic!("{name} is on the chart"))
}

#[test]
fn rosa_has_the_medicines_that_answers_are_tested_on() {
    use DispenseStage::{PickedUp, Ready};
    let rosa = on_anchor("rosa-delgado.json");
    assert_eq!((rosa.profile.given.as_str(), rosa.profile.family.as_str()), ("Rosa", "Delgado"));
    #[rustfmt::skip]
    let table = [
        // medicine, strength, active, controlled, refills left, days' supply, newest filling: stage, days ago, prescriber
        ("lisinopril",   "10 mg tablet",   true,  false, 1, 30, Ready,    1,   "Dr. Anita Patel"),
        ("metformin",    "500 mg tablet",  true,  false, 3, 30, PickedUp, 27,  "Dr. Samuel Okafor"),
        ("atorvastatin", "20 mg tablet",   true,  false, 0, 30, PickedUp, 25,  "Dr. Anita Patel"),
        ("zolpidem",     "5 mg tablet",    true,  true,  1, 30, PickedUp, 26,  "Dr. Samuel Okafor"),
        ("amlodipine",   "5 mg tablet",    true,  false, 3, 90, PickedUp, 3,   "Dr. Anita Patel"),
        ("amoxicillin",  "500 mg capsule", false, false, 0, 10, PickedUp, 264, "Dr. Samuel Okafor"),
    ];
    assert_eq!(rosa.prescriptions.len(), table.len());
    for (name, strength, active, controlled, refills, supply, stage, ago, prescriber) in table {
        let p = medicine(&rosa, name);
        assert_eq!(p.strength.as_deref(), Some(strength), "{name}");
        assert_eq!((p.active, p.on_hold, p.controlled), (active, false, controlled), "{name}");
        assert_eq!((p.refills_left, p.days_supply), (Some(refills), Some(supply)), "{name}");
        assert_eq!(p.prescriber.as_deref(), Some(prescriber), "{name}");
        let newest = p.dispenses.first().unwrap_or_else(|| panic!("{name} was filled"));
        assert_eq!((newest.stage, newest.pharmacy.as_deref()), (stage, Some("Lakeside Pharmacy")), "{name}");
        assert_eq!(newest.at.map(|at| days_ago(at, ANCHOR, &new_york())), Some(ago), "{name}");
        assert_eq!(p.valid_until.is_some_and(|day| day > ANCHOR), active, "{name}: active ones are valid");
    }
    let taken = medicine(&rosa, "lisinopril").dispenses.iter().filter(|d| d.stage == PickedUp).count();
    assert_eq!(taken, 2, "lisinopril was picked up before");
    assert_eq!(medicine(&rosa, "lisinopril").instructions.as_deref(), Some("Take one tablet by mouth every morning."));
    assert_eq!(
        medicine(&rosa, "atorvastatin").instructions.as_deref(),
        Some("Take one tablet by mouth at bedtime. Do not drink grapefruit juice while you take this medicine.")
    );
}

#[test]
fn rosas_results_visits_and_people() {
    let rosa = on_anchor("rosa-delgado.json");
    #[rustfmt::skip]
    let table = [
        ("LDL cholesterol",   "131", "mg/dL",  LabFlag::High,     Some("lipid panel"), Some("Dr. Samuel Okafor")),
        ("HDL cholesterol",   "52",  "mg/dL",  LabFlag::Normal,   Some("lipid panel"), Some("Dr. Samuel Okafor")),
        ("total cholesterol", "211", "mg/dL",  LabFlag::High,     Some("lipid panel"), Some("Dr. Samuel Okafor")),
        ("triglycerides",     "140", "mg/dL",  LabFlag::Normal,   Some("lipid panel"), Some("Dr. Samuel Okafor")),
        ("hemoglobin A1c",    "6.8", "%",      LabFlag::High,     None,                Some("Dr. Samuel Okafor")),
        ("creatinine",        "0.8", "mg/dL",  LabFlag::Normal,   None,                None),
        ("potassium",         "6.4", "mmol/L", LabFlag::Critical, None,                None),
    ];
    assert_eq!(rosa.results.len(), table.len() + 1, "and the LDL of a year before");
    for (test, value, unit, flag, panel, commenter) in table {
        let r = result(&rosa, test);
        assert_eq!((r.value.as_str(), r.unit.as_deref(), r.flag), (value, Some(unit), Some(flag)), "{test}");
        assert_eq!((r.panel.as_deref(), r.commenter.as_deref()), (panel, commenter), "{test}");
        assert_eq!(r.comment.is_some(), commenter.is_some(), "{test}");
        let number: f64 = value.parse().expect("a number");
        let inside = r.low.is_none_or(|low| number >= low) && r.high.is_none_or(|high| number <= high);
        assert_eq!(inside, flag == LabFlag::Normal, "{test}: the flag says what the range says");
        assert!(!r.preliminary && r.source.as_deref() == Some("Lakeside Laboratory"), "{test}");
    }
    assert_eq!(rosa.results[0].test, "potassium", "the newest");
    assert!(
        result(&rosa, "LDL cholesterol").comment.as_deref().is_some_and(|c| c.starts_with("Your LDL cholesterol is"))
    );

    assert_eq!(rosa.visits.len(), 2);
    let next = &rosa.visits[1];
    let start = next.start.to_zoned(new_york());
    assert_eq!(start.strftime("%a %F %R").to_string(), "Thu 2026-12-10 10:30");
    assert_eq!((next.provider.as_deref(), next.specialty.as_deref()), (Some("Dr. Anita Patel"), Some("cardiology")));
    assert_eq!(next.place.as_deref(), Some("Lakeside Clinic, second floor"));
    assert!(next.booked && next.prepare.as_deref().is_some_and(|p| p.contains("do not eat for 8 hours")));

    let people: Vec<_> = rosa.providers.iter().map(|p| (p.name.as_str(), p.specialty.as_deref())).collect();
    assert_eq!(people, [("Dr. Anita Patel", Some("cardiology")), ("Dr. Samuel Okafor", Some("primary care"))]);
    assert_eq!(rosa.allergies.len(), 1);
    assert_eq!((rosa.allergies[0].substance.as_str(), rosa.allergies[0].active), ("penicillin", true));
    assert_eq!(rosa.allergies[0].reactions, ["hives"]);
    assert_eq!(rosa.slots.len(), 60);
    let kept_back: Vec<_> = rosa.summary.unusable.keys().collect();
    assert_eq!(kept_back, ["DocumentReference: not written for the patient"], "a progress note is not read out");
    assert!(rosa.summary.skipped.is_empty(), "{:?}", rosa.summary);
    let history = &rosa.history;
    assert_eq!(
        (history.vitals.len(), history.conditions.len(), history.immunizations.len(), history.notes.len()),
        (7, 4, 4, 1)
    );
    assert!(history.notes[0].words.as_deref().is_some_and(|w| w.starts_with("Your blood pressure was")));
}

#[test]
fn milo_is_a_child_with_two_inhalers() {
    let milo = on_anchor("milo-tran.json");
    assert_eq!((milo.profile.given.as_str(), age(&milo, ANCHOR)), ("Milo", 7));
    let albuterol = medicine(&milo, "albuterol");
    assert_eq!((albuterol.refills_left, albuterol.active), (Some(2), true));
    assert_eq!(albuterol.strength.as_deref(), Some("0.09 mg per puff inhaler"));
    assert!(albuterol.instructions.as_deref().is_some_and(|i| i.starts_with("Inhale two puffs")));
    let fluticasone = medicine(&milo, "fluticasone");
    assert_eq!(fluticasone.refills_left, Some(4));
    let shipped = &fluticasone.dispenses[0];
    assert_eq!((shipped.stage, shipped.carrier.as_deref()), (DispenseStage::Shipped, Some("UPS")));
    assert_eq!((shipped.due, shipped.pharmacy.as_deref()), (Some(date(2026, 12, 3)), Some("Lakeside Pharmacy")));
    let twice = &fluticasone.dosing[0];
    assert_eq!((twice.amount.as_deref(), twice.as_needed), (Some("2 puffs"), false));
    assert!(albuterol.dosing[0].as_needed && albuterol.pharmacy.as_deref() == Some("Lakeside Pharmacy"));
    assert_eq!((milo.prescriptions.len(), milo.visits.len(), milo.slots.len()), (2, 1, 30));
    assert_eq!(milo.allergies[0].substance, "peanut");
    let doctor = &milo.providers[0];
    assert_eq!((doctor.name.as_str(), doctor.specialty.as_deref()), ("Dr. Lena Fischer", Some("pediatrics")));
    assert_eq!(milo.providers.len(), 1, "his mother is no doctor");
}

#[test]
fn june_has_nothing_on_record() {
    let june = on_anchor("empty-chart.json");
    assert_eq!((june.profile.given.as_str(), june.profile.family.as_str()), ("June", "Whitlock"));
    assert!(june.prescriptions.is_empty() && june.visits.is_empty() && june.results.is_empty());
    assert!(june.providers.is_empty() && june.allergies.is_empty() && june.slots.is_empty());
}

#[test]
fn the_canarys_words_are_there_and_nowhere_else() {
    // These say who somebody is, and are not part of what is spoken.
    let only_in_the_file = ["555-0142-7719", "Thistlewhim", "Umberfjord"];
    let mut canary = on_anchor(demo::CANARY_FILE);
    assert!(canary.slots.is_empty(), "free times are nobody's and may be kept in clear");
    // What is given back to the person has all of it; what is spoken from has not.
    let source = std::mem::take(&mut canary.source).concat();
    assert!(only_in_the_file.iter().all(|word| source.contains(word)));
    let chart = serde_json::to_string(&canary).expect("a chart can be written");
    for word in demo::CANARY_WORDS {
        for (file, json) in demo::FILES {
            let found = json.to_lowercase().contains(&word.to_lowercase());
            assert_eq!(found, file == demo::CANARY_FILE, "{word} in {file}");
        }
        assert_eq!(chart.contains(word), !only_in_the_file.contains(&word), "{word} in the chart");
    }
    // A word that the program itself says would be found in every log.
    let intents = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("intents")).to_lowercase();
    assert!(intents.contains("prescription"), "the catalogue was read");
    for word in demo::CANARY_WORDS {
        assert!(!intents.contains(&word.to_lowercase()), "{word} is in the catalogue");
    }
}

#[test]
fn everybody_is_somebody_else() {
    let people = demo::all("2026-12-01T15:00:00Z".parse().expect("an instant"), &new_york()).expect("good");
    let mut seen = HashSet::new();
    for (file, chart) in &people {
        assert!(chart.identifiers.iter().all(|i| seen.insert(i.clone())), "{file} shares an identifier");
    }
    let slots: Vec<&OpenSlot> = people.iter().flat_map(|(_, c)| &c.slots).collect();
    assert_eq!(slots.iter().map(|s| &s.id).collect::<HashSet<_>>().len(), slots.len(), "slot ids are unique");
}

#[test]
fn on_the_anchors_day_nothing_moves() {
    let now = "2026-12-01T15:00:00Z".parse().expect("an instant");
    for (file, json) in demo::FILES {
        let plain = fhir_bundle::parse(json.as_bytes()).unwrap_or_else(|e| panic!("{file}: {e}"));
        let moved = demo::bundle(json.as_bytes(), now, &new_york()).unwrap_or_else(|e| panic!("{file}: {e}"));
        // As it came, and as it came moved: the same times, written in another way.
        assert_eq!(plain.source.len(), moved.source.len(), "{file}");
        let read =
            |chart: Chart| serde_json::to_string(&Chart { source: vec![], ..chart }).expect("a chart can be written");
        assert!(read(plain) == read(moved), "{file} differs");
    }
}

#[test]
fn on_any_day_the_demo_is_as_if_written_today() {
    let zone = new_york();
    for today in DAYS {
        for (hour, minute) in [(0, 5), (10, 0), (23, 55)] {
            let now = local(today, hour, minute, &zone);
            let rosa = person("rosa-delgado.json", now, &zone);
            let milo = person("milo-tran.json", now, &zone);
            assert_eq!((age(&rosa, today), age(&milo, today)), (67, 7), "{today}");
            assert_eq!(rosa.profile.birth.map(|b| (b.month(), b.day())), Some((3, 14)), "{today}: her birthday stays");
            for (name, ago) in [("metformin", 27), ("amlodipine", 3), ("lisinopril", 1)] {
                let at = medicine(&rosa, name).dispenses[0].at.expect("dated");
                assert_eq!(days_ago(at, today, &zone), ago, "{today}: {name}");
            }
            assert!(rosa.results.iter().all(|r| r.taken < now), "{today}: results are of the past");
            assert!(rosa.prescriptions.iter().flat_map(|p| &p.dispenses).all(|d| d.at.is_some_and(|at| at < now)));
            let (past, next) = (&rosa.visits[0], &rosa.visits[1]);
            assert!(past.start < now && next.start > now, "{today}: one visit past, one to come");
            let start = next.start.to_zoned(zone.clone());
            assert_eq!((start.hour(), start.minute()), (10, 30), "{today}");
            let ahead = -days_ago(next.start, today, &zone);
            assert!((9..=11).contains(&ahead) && works(&start), "{today}: the visit is {ahead} days ahead, {start}");
            free_times_are_right(&rosa, 60, today, &zone);
            free_times_are_right(&milo, 30, today, &zone);
        }
    }
}

#[test]
fn office_hours_are_the_callers_own() {
    for name in ["Europe/Berlin", "Pacific/Honolulu", "Pacific/Auckland", "Asia/Kathmandu"] {
        let zone = TimeZone::get(name).expect("a known zone");
        for today in DAYS {
            let rosa = person("rosa-delgado.json", local(today, 12, 0, &zone), &zone);
            free_times_are_right(&rosa, 60, today, &zone);
            assert_eq!(days_ago(medicine(&rosa, "metformin").dispenses[0].at.expect("dated"), today, &zone), 27);
        }
    }
}

/// Every working day from tomorrow for three weeks: two for each doctor, in office hours, no clash with a visit.
fn free_times_are_right(chart: &Chart, count: usize, today: Date, zone: &TimeZone) {
    assert_eq!(chart.slots.len(), count, "{today}");
    let mut days: Vec<(String, Date)> = Vec::new();
    for slot in &chart.slots {
        let (start, end) = (slot.start.to_zoned(zone.clone()), slot.end.to_zoned(zone.clone()));
        assert!(works(&start) && start.date() > today, "{today}: {} at {start}", slot.provider);
        assert!(start.hour() >= 8 && (end.hour(), end.minute()) <= (17, 0), "{today}: {start} to {end}");
        assert_eq!(start.duration_until(&end).as_mins(), 30, "{today}: {start}");
        assert!(slot.id.contains(&start.date().to_string()), "{today}: {} names its day", slot.id);
        assert!(slot.place.is_some() && slot.specialty.is_some(), "{}", slot.id);
        let clash = chart.visits.iter().any(|v| {
            v.provider.as_ref() == Some(&slot.provider) && v.start < slot.end && v.end.is_some_and(|e| e > slot.start)
        });
        assert!(!clash, "{today}: {} is taken", slot.id);
        days.push((slot.provider.clone(), start.date()));
    }
    let doctors: HashSet<&String> = days.iter().map(|(doctor, _)| doctor).collect();
    let mut day = today;
    for n in 0..15 {
        day = day.tomorrow().expect("a day");
        while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            day = day.tomorrow().expect("a day");
        }
        for doctor in &doctors {
            let here = days.iter().filter(|(d, on)| d == *doctor && *on == day).count();
            assert_eq!(here, 2, "{today}: {doctor} on working day {n}, {day}");
        }
    }
}

fn works(at: &Zoned) -> bool {
    !matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn local(day: Date, hour: i8, minute: i8, zone: &TimeZone) -> Timestamp {
    day.at(hour, minute, 0, 0).to_zoned(zone.clone()).expect("a time").timestamp()
}

fn days_ago(at: Timestamp, today: Date, zone: &TimeZone) -> i32 {
    at.to_zoned(zone.clone()).date().until(today).expect("near").get_days()
}

fn age(chart: &Chart, on: Date) -> i32 {
    let birth = chart.profile.birth.expect("born");
    birth.until((jiff::Unit::Year, on)).expect("in order").get_years().into()
}

/// All text below a folder.
fn texts(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
    entries.map(|p| if p.is_dir() { texts(&p) } else { fs::read_to_string(p).unwrap_or_default() }).collect()
}
