//! `medicine.next_dose`: what is due now and next, told from structured timing and from what the person noted.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde_json::{Value, json};

use super::{
    super::{
        ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit,
        prescription::{Which, doubt, which},
        text, when,
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
    if let Some(nurse) = in_hospital(&permit, setting).await? {
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
        None => {
            let known = Known::of(&all, &notes, setting.now, setting.zone);
            Outcome::Answer(match span(slots, setting.now, setting.zone) {
                Some(span) => known.at(&span, setting.zone),
                None => known.now(setting.now),
            })
        }
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

/// A day, or a part of one, that was asked about.
struct Span {
    day: Date,
    part: Option<String>,
    from: Time,
    to: Time,
}

/// The day and the part of it that was asked about; `None` where neither was said. Days to come alone: what was due before is
/// told by what was noted.
fn span(slots: &Slots, now: Timestamp, zone: &TimeZone) -> Option<Span> {
    let today = now.to_zoned(zone.clone()).date();
    let said = when(slots, "date");
    let day = said.and_then(|w| w.from).filter(|day| *day > today);
    let named = said.and_then(|w| Some((w.after?.hour(), w.before?.hour()))).and_then(|hours| match hours {
        (..12, ..=12) => Some("morning"),
        (12..17, ..=18) => Some("afternoon"),
        (17.., ..=21) => Some("evening"),
        (17.., _) => Some("night"),
        _ => None,
    });
    let part = text(slots, "part").or(named);
    let hour = |h| Time::constant(h, 0, 0, 0);
    let (from, to) = match part {
        Some("morning" | "breakfast") => (hour(0), hour(12)),
        Some("noon") => (hour(11), hour(15)),
        Some("afternoon") => (hour(12), hour(18)),
        Some("dinner" | "evening") => (hour(16), hour(21)),
        Some("night") => (hour(17), Time::MAX),
        Some("bedtime") => (hour(20), Time::MAX),
        _ => (Time::midnight(), Time::MAX),
    };
    (part.is_some() || said.is_some()).then(|| Span {
        day: day.unwrap_or(today),
        part: part.map(str::to_owned),
        from,
        to,
    })
}

/// The doses of all that is taken at set times, and the names of the rest.
struct Known<'a> {
    doses: Vec<Dose<'a>>,
    needed: Vec<&'a str>,
    open: Vec<&'a str>,
    /// Of these there is more than one order, in strengths that differ: which of them holds is not known here.
    twice: Vec<&'a str>,
    /// Yesterday: its doses are looked at for what may still be due, and not counted as missed.
    yesterday: Date,
}

impl<'a> Known<'a> {
    fn of(all: &'a [Prescription], notes: &[Taken], now: Timestamp, zone: &TimeZone) -> Self {
        let (from, to) = around(now, zone, AHEAD);
        let mut known = Self { doses: vec![], needed: vec![], open: vec![], twice: vec![], yesterday: from };
        for (n, p) in all.iter().enumerate() {
            // Written again for the same medicine: the newer order stands for both, unless they differ in what is taken.
            let again = |o: &&Prescription| o.active && p.active && o.medicine == p.medicine && o.id != p.id;
            if let Some(differs) = all.iter().filter(again).find(|o| o.strength != p.strength || o.dosing != p.dosing) {
                known.twice.push(&differs.medicine);
                continue;
            }
            let newer = |(m, o): (usize, &Prescription)| again(&o) && (o.written, m) > (p.written, n);
            if all.iter().enumerate().any(newer) {
                continue;
            }
            match doses(p, from, to, zone) {
                Ok(doses) => known.doses.extend(doses),
                Err(NoTime::AsNeeded) => known.needed.push(&p.medicine),
                Err(NoTime::Unknown) => known.open.push(&p.medicine),
                // What is no longer to be taken is not spoken of.
                Err(NoTime::Stopped | NoTime::OnHold) => {}
            }
        }
        known.doses.sort_by_key(Dose::middle);
        mark(&mut known.doses, notes);
        known
    }

    /// Replies: `due` (items), `later` (items), `nothing`; each with `missed`, `needed`, `open` and `twice`, the names of what
    /// has a dose that nobody noted, is taken as needed, has no time on record, and was ordered twice.
    fn now(&self, now: Timestamp) -> Facts {
        let untaken = || self.doses.iter().filter(|d| !d.taken);
        let missed = untaken().filter(|d| d.day > self.yesterday && d.until <= now).map(|d| d.of.medicine.as_str());
        let current: Vec<&Dose<'_>> = untaken().filter(|d| d.is_now(now)).collect();
        let first = untaken().filter(|d| d.from > now).map(|d| d.from).min();
        let next: Vec<&Dose<'_>> = untaken().filter(|d| Some(d.from) == first).collect();
        let (reply, items) = match (current.as_slice(), next.as_slice()) {
            ([], []) => ("nothing", &next),
            ([], _) => ("later", &next),
            _ => ("due", &current),
        };
        self.with_names(Facts::new(reply), items).with("missed", once(missed))
    }

    /// Replies: `then` (items), `none_then` (noted: whether there are some that were noted as taken); each with `day`, `part`,
    /// and as above.
    fn at(&self, span: &Span, zone: &TimeZone) -> Facts {
        let within = |d: &&Dose<'_>| {
            let middle = d.middle().to_zoned(zone.clone()).time();
            d.day == span.day && span.from <= middle && middle < span.to
        };
        let (noted, items): (Vec<&Dose<'_>>, Vec<&Dose<'_>>) = self.doses.iter().filter(within).partition(|d| d.taken);
        let reply = if items.is_empty() { "none_then" } else { "then" };
        let facts = Facts::new(reply).with("day", span.day).with("part", &span.part).with("noted", !noted.is_empty());
        self.with_names(facts, &items)
    }

    fn with_names(&self, facts: Facts, items: &[&Dose<'_>]) -> Facts {
        facts
            .with("items", items.iter().take(SAID).map(|d| told(d)).collect::<Vec<_>>())
            .with("count", items.len())
            .with("more", items.len() > SAID)
            .with("needed", once(self.needed.iter().copied()))
            .with("open", once(self.open.iter().copied()))
            .with("twice", once(self.twice.iter().copied()))
    }
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
            let facts = Known::of(&all, notes, at(hour, minute), &zone()).now(at(hour, minute));
            assert_eq!((facts.reply.as_str(), names(&facts, "items").as_str()), (reply, items), "{hour}:{minute}");
            assert_eq!(names(&facts, "missed"), missed, "{hour}:{minute}");
            assert_eq!((names(&facts, "needed").as_str(), names(&facts, "open").as_str()), ("zolpidem", "amlodipine"));
            let told = serde_json::to_string(&facts.values).expect("plain");
            assert!(!told.contains("amoxicillin") && !told.contains("digoxin"), "{told}");
        }
        let nothing = Known::of(&all[3..5], &[], at(8, 0), &zone()).now(at(8, 0));
        assert_eq!((nothing.reply.as_str(), names(&nothing, "items").as_str()), ("nothing", ""));
    }

    #[test]
    fn what_was_ordered_twice_is_told_once_or_left_to_the_pharmacist() {
        let of = |id: &str, strength: &str, written: i8| {
            let eight = Timing { frequency: 1, period: 1, times: vec![time(8, 0, 0, 0)], ..Timing::default() };
            Prescription {
                dosing: line(Some(eight), false),
                strength: Some(strength.into()),
                written: Some(date(2026, written, 1)),
                ..prescription(id, "metoprolol")
            }
        };
        let due = |all: &[Prescription]| {
            let facts = Known::of(all, &[], at(8, 0), &zone()).now(at(8, 0));
            (names(&facts, "items"), names(&facts, "twice"))
        };
        let once = ("metoprolol".to_owned(), String::new());
        assert_eq!(due(&[of("a", "25 mg tablet", 5), of("b", "25 mg tablet", 6)]), once);
        assert_eq!(due(&[of("a", "25 mg tablet", 5), of("b", "25 mg tablet", 5)]), once);
        let ended = Prescription { active: false, ..of("b", "50 mg tablet", 6) };
        assert_eq!(due(&[of("a", "25 mg tablet", 5), ended]), once, "the other one is over");
        let asked = (String::new(), "metoprolol".to_owned());
        assert_eq!(due(&[of("a", "25 mg tablet", 5), of("b", "50 mg tablet", 6)]), asked, "25 or 50, or both");
    }

    #[test]
    fn a_part_of_a_day_has_its_own_doses() {
        let all = list();
        let text = |words: &str| crate::nlu::SlotValue::Text(words.into());
        let ask = |part: Option<&str>, day: Option<Date>, hours: Option<(i8, i8)>, notes: &[Taken]| {
            let when = day.map(|d| crate::nlu::When {
                from: Some(d),
                to: Some(d),
                after: hours.map(|h| time(h.0, 0, 0, 0)),
                before: hours.map(|h| time(h.1, 0, 0, 0)),
            });
            let slots: Slots = [("part", part.map(text)), ("date", when.map(crate::nlu::SlotValue::When))]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), crate::nlu::Slot::new("", value?, 1.0))))
                .collect();
            let now = at(10, 0);
            let span = span(&slots, now, &zone()).expect("asked about");
            let facts = Known::of(&all, notes, now, &zone()).at(&span, &zone());
            format!("{} {}", facts.reply, names(&facts, "items")).trim().to_owned()
        };
        let tomorrow = Some(date(2026, 12, 2));
        for (part, day, hours, notes, want) in [
            (Some("night"), None, None, vec![], "then metformin atorvastatin"),
            (Some("bedtime"), None, None, vec![], "then atorvastatin"),
            (Some("dinner"), None, None, vec![], "then metformin"),
            (Some("dinner"), None, None, vec![note("m", at(17, 45))], "none_then"),
            (Some("morning"), tomorrow, None, vec![], "then metformin lisinopril"),
            (None, tomorrow, Some((6, 12)), vec![], "then metformin lisinopril"),
            (None, tomorrow, Some((18, 23)), vec![], "then metformin atorvastatin"),
            (Some("noon"), tomorrow, None, vec![], "none_then"),
            (None, tomorrow, None, vec![], "then metformin lisinopril metformin atorvastatin"),
        ] {
            assert_eq!(ask(part, day, hours, &notes), want, "{part:?} {day:?} {hours:?}");
        }
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
