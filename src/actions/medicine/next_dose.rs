//! `medicine.next_dose`: what is due now and next, told from structured timing and from what the person noted.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    super::{
        ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit,
        prescription::{Which, doubt, which},
        text,
    },
    doses::{At, Dose, NoTime, Taken, doses, mark},
    in_hospital,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Prescription,
};

/// Reads the person's prescriptions.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

/// How far ahead a next dose is looked for, in days.
const AHEAD: i64 = 31;
/// Most names said in one breath.
const SAID: usize = 6;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if let Some(nurse) = in_hospital(setting) {
        return Ok(nurse);
    }
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    let notes = setting.records.taken(permit.subject(), setting.now).await?.reveal(&permit)?;
    if let Some(ask) = doubt(&all, slots, setting.channel) {
        return Ok(ask);
    }
    Ok(match text(slots, "medicine").map(|said| which(&all, said)) {
        Some(Which::One(p)) => Outcome::Answer(of_one(p, &notes, setting.now, setting.zone)),
        Some(Which::Several(ask)) => ask,
        Some(Which::None(answer)) => answer,
        None => Outcome::Answer(of_all(&all, &notes, setting.now, setting.zone)),
    })
}

/// From yesterday, whose last dose may still be due, to the last day that is looked at.
fn around(now: Timestamp, zone: &TimeZone, ahead: i64) -> (Date, Date) {
    let today = now.to_zoned(zone.clone()).date();
    (today.yesterday().unwrap_or(today), today.checked_add(ahead.days()).unwrap_or(today))
}

/// A dose as a reply tells it.
fn told(dose: &Dose<'_>) -> Value {
    let (clock, words) = match dose.at {
        At::Clock(_) => (Some(dose.middle()), None),
        At::Moment(moment) => (None, Some(moment.spoken())),
    };
    json!({ "medicine": dose.of.medicine, "amount": dose.amount, "day": dose.day, "clock": clock, "words": words })
}

/// Replies: `one_now`, `one_later` (dose, missed), `one_over`, `as_needed`, `unknown` (prescriber, instructions), `stopped`,
/// `on_hold`.
fn of_one(p: &Prescription, notes: &[Taken], now: Timestamp, zone: &TimeZone) -> Facts {
    let about = |reply: &str| {
        Facts::new(reply).with("medicine", &p.medicine).with("prescriber", &p.prescriber).with(
            "instructions",
            p.instructions.as_ref().filter(|words| words.chars().count() <= super::super::SPEAKABLE),
        )
    };
    let (from, to) = around(now, zone, AHEAD);
    let mut all = match doses(p, from, to, zone) {
        Ok(all) => all,
        Err(NoTime::Stopped) => return about("stopped"),
        Err(NoTime::OnHold) => return about("on_hold"),
        Err(NoTime::AsNeeded) => return about("as_needed"),
        Err(NoTime::Unknown) => return about("unknown"),
    };
    mark(&mut all, notes);
    let missed = all.iter().any(|d| d.day > from && !d.taken && d.until <= now);
    let current = all.iter().find(|d| !d.taken && d.is_now(now));
    let next = all.iter().find(|d| !d.taken && d.from > now);
    match (current, next) {
        (Some(dose), _) => about("one_now").with("dose", told(dose)).with("missed", missed),
        (None, Some(dose)) => about("one_later").with("dose", told(dose)).with("missed", missed),
        (None, None) => about("one_over"),
    }
}

/// Replies: `due` (items), `later` (items), `nothing`; each with `missed`, `needed` and `open`, the names of what has a dose
/// that nobody noted, is taken as needed, and has no time on record.
fn of_all(all: &[Prescription], notes: &[Taken], now: Timestamp, zone: &TimeZone) -> Facts {
    let (from, to) = around(now, zone, AHEAD);
    let (mut known, mut needed, mut open): (Vec<Dose<'_>>, Vec<&str>, Vec<&str>) = Default::default();
    for p in all {
        match doses(p, from, to, zone) {
            Ok(doses) => known.extend(doses),
            Err(NoTime::AsNeeded) => needed.push(&p.medicine),
            Err(NoTime::Unknown) => open.push(&p.medicine),
            // What is no longer to be taken is not spoken of.
            Err(NoTime::Stopped | NoTime::OnHold) => {}
        }
    }
    known.sort_by_key(Dose::middle);
    mark(&mut known, notes);
    let untaken = || known.iter().filter(|d| !d.taken);
    let missed = untaken().filter(|d| d.day > from && d.until <= now).map(|d| d.of.medicine.as_str());
    let current: Vec<&Dose<'_>> = untaken().filter(|d| d.is_now(now)).collect();
    let first = untaken().filter(|d| d.from > now).map(|d| d.from).min();
    let next: Vec<&Dose<'_>> = untaken().filter(|d| Some(d.from) == first).collect();
    let (reply, items) = match (current.as_slice(), next.as_slice()) {
        ([], []) => ("nothing", &next),
        ([], _) => ("later", &next),
        _ => ("due", &current),
    };
    Facts::new(reply)
        .with("items", items.iter().take(SAID).map(|d| told(d)).collect::<Vec<_>>())
        .with("count", items.len())
        .with("missed", once(missed))
        .with("needed", once(needed.into_iter()))
        .with("open", once(open.into_iter()))
}

/// Each name once, as many as fit a breath.
fn once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::new();
    for name in names {
        if !kept.contains(&name) && kept.len() < SAID {
            kept.push(name);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::{super::super::prescription::samples::prescription, *};
    use crate::records::{DayMoment, Dosing, Timing};

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn line(timing: Option<Timing>, as_needed: bool) -> Vec<Dosing> {
        vec![Dosing { amount: Some("1 tablet".into()), as_needed, timing }]
    }

    fn list() -> Vec<Prescription> {
        let once = Timing { frequency: 1, period: 1, ..Timing::default() };
        let twice = Timing { frequency: 2, times: vec![time(8, 0, 0, 0), time(18, 0, 0, 0)], ..once.clone() };
        let of = |moment| Some(Timing { moments: vec![moment], ..once.clone() });
        vec![
            Prescription { dosing: line(of(DayMoment::Morning), false), ..prescription("l", "lisinopril") },
            Prescription { dosing: line(Some(twice), false), ..prescription("m", "metformin") },
            Prescription { dosing: line(of(DayMoment::Bedtime), false), ..prescription("a", "atorvastatin") },
            Prescription { dosing: line(of(DayMoment::Bedtime), true), ..prescription("z", "zolpidem") },
            Prescription { dosing: line(Some(once.clone()), false), ..prescription("o", "amlodipine") },
            Prescription {
                active: false,
                dosing: line(of(DayMoment::Morning), false),
                ..prescription("s", "amoxicillin")
            },
            Prescription {
                active: false,
                on_hold: true,
                dosing: line(of(DayMoment::Morning), false),
                ..prescription("h", "digoxin")
            },
        ]
    }

    fn at(hour: i8, minute: i8) -> Timestamp {
        date(2026, 12, 1).at(hour, minute, 0, 0).to_zoned(zone()).expect("a time").timestamp()
    }

    fn note(id: &str, at: Timestamp) -> Taken {
        Taken { prescription: id.into(), medicine: id.into(), at, part: None, noted: at }
    }

    fn names(facts: &Facts, value: &str) -> String {
        let all = facts.values[value].as_array().expect("a list");
        let name = |v: &Value| v.as_str().or_else(|| v["medicine"].as_str()).unwrap_or("?").to_owned();
        all.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_due_over_a_day() {
        let all = list();
        let yesterday =
            [note("l", at(8, 0) - jiff::SignedDuration::from_hours(24)), note("m", at(8, 0)), note("l", at(8, 0))];
        #[rustfmt::skip]
        let table: [(i8, i8, &[Taken], &str, &str, &str); 8] = [
            (4, 30,  &[],            "later", "lisinopril",           ""),
            (6, 0,   &[],            "due",   "lisinopril",           ""),
            (8, 0,   &[],            "due",   "metformin lisinopril", ""),
            (8, 0,   &yesterday,     "later", "metformin",            ""),
            (10, 0,  &[],            "due",   "lisinopril",           "metformin"),
            (13, 0,  &[],            "later", "metformin",            "metformin lisinopril"),
            (13, 0,  &yesterday,     "later", "metformin",            ""),
            (23, 30, &yesterday[1..], "due",  "atorvastatin",         "metformin"),
        ];
        for (hour, minute, notes, reply, items, missed) in table {
            let facts = of_all(&all, notes, at(hour, minute), &zone());
            assert_eq!((facts.reply.as_str(), names(&facts, "items").as_str()), (reply, items), "{hour}:{minute}");
            assert_eq!(names(&facts, "missed"), missed, "{hour}:{minute}");
            assert_eq!((names(&facts, "needed").as_str(), names(&facts, "open").as_str()), ("zolpidem", "amlodipine"));
            let told = serde_json::to_string(&facts.values).expect("plain");
            assert!(!told.contains("amoxicillin") && !told.contains("digoxin"), "{told}");
        }
        let nothing = of_all(&all[3..5], &[], at(8, 0), &zone());
        assert_eq!((nothing.reply.as_str(), names(&nothing, "items").as_str()), ("nothing", ""));
    }

    #[test]
    fn of_one_medicine() {
        let all = list();
        let one = |id: &str, notes: &[Taken], hour| {
            let p = all.iter().find(|p| p.id == id).expect("on the list");
            let facts = of_one(p, notes, at(hour, 30), &zone());
            let day =
                facts.values.get("dose").map_or(String::new(), |d| d["day"].as_str().unwrap_or("?")[8..].to_owned());
            format!("{} {day}", facts.reply).trim().to_owned()
        };
        for (id, notes, hour, want) in [
            ("m", vec![], 7, "one_now 01"),
            ("m", vec![], 9, "one_later 01"),
            ("m", vec![note("m", at(17, 45))], 18, "one_later 02"),
            ("m", vec![note("l", at(17, 45))], 18, "one_now 01"),
            ("z", vec![], 21, "as_needed"),
            ("o", vec![], 8, "unknown"),
            ("s", vec![], 8, "stopped"),
            ("h", vec![], 8, "on_hold"),
        ] {
            assert_eq!(one(id, &notes, hour), want, "{id} {hour}");
        }
        let mut over = all[1].clone();
        over.dosing[0].timing.as_mut().expect("timed").until = Some(date(2026, 11, 20));
        assert_eq!(of_one(&over, &[], at(8, 0), &zone()).reply, "one_over");
    }
}
