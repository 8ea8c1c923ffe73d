//! `medicine.taken`: notes that doses were taken. A note is the person's word, and no more.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Time, tz::TimeZone};
use serde_json::json;

use super::{
    super::{
        ActionError, Change, Facts, Outcome, Pass, Plan, Setting, TakenDose, of_a_person, permit,
        prescription::{Which, doubt, which},
        text, when,
    },
    doses::{Dose, Taken, doses, mark},
    in_hospital,
};
use crate::{
    nlu::{Slots, When},
    policy::{Effect, Floor, Permit, Scope},
    records::Prescription,
};

/// Changes what is noted of the person's medicines.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Medicines);

/// A second note of the same medicine within this time is asked about, not made.
const AGAIN: SignedDuration = SignedDuration::from_mins(120);
/// How far a dose may be from the time it was taken at to be meant by "my pills".
const MEANT: SignedDuration = SignedDuration::from_hours(4);
/// Doses so far apart are taken together.
const TOGETHER: SignedDuration = SignedDuration::from_mins(150);
/// Most medicines noted at once.
const MOST: usize = 6;
/// Days back that a dose is noted for.
const BACK: i64 = 7;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if let Some(nurse) = in_hospital(&permit, setting).await? {
        return Ok(nurse);
    }
    let (all, notes) = known(&permit, setting).await?;
    if let Some(ask) = doubt(&all, slots, setting.channel) {
        return Ok(ask);
    }
    let at = match moment(when(slots, "date"), when(slots, "time"), setting.now, setting.zone) {
        Ok(at) => at,
        Err(reply) => return Ok(Outcome::Answer(Facts::new(reply))),
    };
    let meant: Vec<&Prescription> = match text(slots, "medicine").map(|said| which(&all, said)) {
        Some(Which::One(p)) if p.active => vec![p],
        Some(Which::One(p)) => {
            let reply = if p.on_hold { "on_hold" } else { "stopped" };
            return Ok(Outcome::Answer(Facts::new(reply).with("medicine", &p.medicine)));
        }
        Some(Which::Several(ask)) => return Ok(ask),
        Some(Which::None(answer)) => return Ok(answer),
        None => due_then(&all, &notes, at.0, setting.zone),
    };
    Ok(read_back(&meant, &notes, &at))
}

/// After "yes": what was noted meanwhile is not noted again.
pub async fn perform(
    permit: Permit,
    doses: Vec<TakenDose>,
    at: Timestamp,
    part: Option<String>,
    setting: &Setting<'_>,
) -> Result<Outcome, ActionError> {
    let (all, notes) = known(&permit, setting).await?;
    let theirs: Vec<&Prescription> =
        doses.iter().filter_map(|dose| all.iter().find(|p| p.id == dose.prescription)).collect();
    if theirs.is_empty() {
        return Ok(Outcome::Answer(Facts::new("gone")));
    }
    let at = (at, part);
    Ok(match read_back(&theirs, &notes, &at) {
        Outcome::Confirm { facts, plan: Plan::Taken { doses, at, part } } => Outcome::Done {
            conflict: Facts { reply: "gone".into(), ..facts.clone() },
            facts: Facts { reply: "done".into(), ..facts },
            changes: vec![Change::Taken { doses, at, part }],
        },
        other => other,
    })
}

async fn known(permit: &Permit, setting: &Setting<'_>) -> Result<(Vec<Prescription>, Vec<Taken>), ActionError> {
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(permit)?;
    let notes = setting.records.taken(permit.subject(), setting.now).await?.reveal(permit)?;
    Ok((all, notes))
}

/// When it was, and the part of the day where only that was said. Replies instead: `ahead`, `long_ago`.
fn moment(
    date: Option<When>,
    time: Option<When>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(Timestamp, Option<String>), &'static str> {
    let today = now.to_zoned(zone.clone()).date();
    let day = date.and_then(|d| d.from).or_else(|| time.and_then(|t| t.from));
    let clock = |w: Option<When>| w.filter(|w| w.after.is_some() || w.before.is_some());
    let wall = |day: jiff::civil::Date, t: Time| {
        zone.to_ambiguous_zoned(day.to_datetime(t)).compatible().map_or(now, |z| z.timestamp())
    };
    let (at, part) = match (day, clock(time).or_else(|| clock(date))) {
        (None, None) => (now, None),
        (Some(day), None) if day == today => (now, None),
        (Some(day), None) => (wall(day, Time::constant(12, 0, 0, 0)), Some("at some time".to_owned())),
        (day, Some(w)) => {
            let (from, to) = (w.after.unwrap_or_default(), w.before.unwrap_or(Time::MAX));
            let middle = if from == to { from } else { middle(from, to) };
            let on = day.unwrap_or(today);
            let at = wall(on, middle);
            // "This morning", said in the morning: up to now.
            let at = if from != to && on == today { at.min(now) } else { at };
            let at = match at > now && day.is_none() {
                true => wall(on.yesterday().unwrap_or(on), middle),
                false => at,
            };
            (at, (from != to).then(|| part(from)))
        }
    };
    let oldest = today.checked_sub(BACK.days()).unwrap_or(today);
    match at {
        at if at > now => Err("ahead"),
        at if at.to_zoned(zone.clone()).date() < oldest => Err("long_ago"),
        at => Ok((at, part)),
    }
}

fn middle(from: Time, to: Time) -> Time {
    from.until(to).map_or(from, |span| {
        let half = span.total(jiff::Unit::Minute).unwrap_or(0.0) / 2.0;
        from.wrapping_add((half as i64).minutes())
    })
}

fn part(from: Time) -> String {
    match from.hour() {
        0..12 => "in the morning",
        12..17 => "in the afternoon",
        17 => "in the evening",
        _ => "at night",
    }
    .to_owned()
}

/// The prescriptions whose doses "my pills" means at that time: those nearest to it, and what is due together with them.
/// Where no times are on record and there is one medicine, that.
fn due_then<'a>(all: &'a [Prescription], notes: &[Taken], at: Timestamp, zone: &TimeZone) -> Vec<&'a Prescription> {
    let day = at.to_zoned(zone.clone()).date();
    let (from, to) = (day.yesterday().unwrap_or(day), day.tomorrow().unwrap_or(day));
    let mut known: Vec<Dose<'a>> = all.iter().filter_map(|p| doses(p, from, to, zone).ok()).flatten().collect();
    mark(&mut known, notes);
    let away = |a: Timestamp, b: Timestamp| a.duration_since(b).abs();
    let near = |d: &&Dose<'a>| away(d.middle(), at) <= MEANT || d.is_now(at);
    let nearest = known.iter().filter(near).min_by_key(|d| (d.taken, away(d.middle(), at))).map(Dose::middle);
    let mut meant: Vec<&'a Prescription> = Vec::new();
    for dose in known.iter().filter(|d| nearest.is_some_and(|n| away(d.middle(), n) <= TOGETHER)) {
        if !meant.iter().any(|p| p.id == dose.of.id) && meant.len() < MOST {
            meant.push(dose.of);
        }
    }
    let mut current = all.iter().filter(|p| p.active);
    match (meant.is_empty(), current.next(), current.next()) {
        (true, Some(only), None) => vec![only],
        _ => meant,
    }
}

/// Replies: `confirm`, `already` (items), `which_medicine`.
fn read_back(meant: &[&Prescription], notes: &[Taken], at: &(Timestamp, Option<String>)) -> Outcome {
    let noted =
        |p: &&&Prescription| notes.iter().any(|n| n.prescription == p.id && n.at.duration_since(at.0).abs() < AGAIN);
    let (old, new): (Vec<&&Prescription>, Vec<&&Prescription>) = meant.iter().partition(noted);
    let told = |of: &[&&Prescription]| {
        let item = |p: &&&Prescription| json!({ "medicine": p.medicine, "strength": p.strength });
        of.iter().map(item).collect::<Vec<_>>()
    };
    let about = |reply: &str| Facts::new(reply).with("at", at.0).with("part", &at.1);
    match (new.as_slice(), old.as_slice()) {
        ([], []) => Outcome::Ask { slot: "medicine".into(), facts: Facts::new("which_medicine"), options: vec![] },
        ([], old) => Outcome::Answer(about("already").with("items", told(old))),
        (new, _) => {
            let dose = |p: &&&Prescription| TakenDose { prescription: p.id.clone(), medicine: p.medicine.clone() };
            let doses = new.iter().map(dose).collect();
            Outcome::Confirm {
                facts: about("confirm").with("items", told(new)),
                plan: Plan::Taken { doses, at: at.0, part: at.1.clone() },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::{
        super::super::prescription::samples::{prescription, reply},
        *,
    };
    use crate::records::{DayMoment, Dosing, Timing};

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn at(day: i8, hour: i8, minute: i8) -> Timestamp {
        date(2026, 12, day).at(hour, minute, 0, 0).to_zoned(zone()).expect("a time").timestamp()
    }

    #[test]
    fn when_it_was() {
        let now = at(8, 10, 0);
        let clock = |h| {
            let t = Some(time(h, 0, 0, 0));
            Some(When { from: None, to: None, after: t, before: t })
        };
        let span =
            |a, b| Some(When { from: None, to: None, after: Some(time(a, 0, 0, 0)), before: Some(time(b, 0, 0, 0)) });
        let day = |d| {
            let d = Some(date(2026, 12, d));
            Some(When { from: d, to: d, after: None, before: None })
        };
        let morning = Some("in the morning".to_owned());
        #[rustfmt::skip]
        let table = [
            (None,    None,         Ok((now, None))),
            (None,    clock(8),     Ok((at(8, 8, 0), None))),
            // Eleven has not come yet: it was last night.
            (None,    clock(23),    Ok((at(7, 23, 0), None))),
            (day(7),  clock(8),     Ok((at(7, 8, 0), None))),
            (day(8),  clock(23),    Err("ahead")),
            (day(8),  None,         Ok((now, None))),
            (day(7),  None,         Ok((at(7, 12, 0), Some("at some time".to_owned())))),
            (None,    span(6, 12),  Ok((at(8, 9, 0), morning.clone()))),
            (day(7),  span(6, 12),  Ok((at(7, 9, 0), morning))),
            (day(1),  None,         Ok((at(1, 12, 0), Some("at some time".to_owned())))),
            (Some(When { from: Some(date(2026, 11, 30)), to: None, after: None, before: None }), None, Err("long_ago")),
        ];
        for (n, (date, time, want)) in table.into_iter().enumerate() {
            assert_eq!(moment(date, time, now, &zone()), want, "line {n}");
        }
    }

    #[test]
    fn my_pills_are_those_due_then() {
        let once = Timing { frequency: 1, period: 1, ..Timing::default() };
        let line = |timing| vec![Dosing { amount: None, as_needed: false, timing: Some(timing) }];
        let morning = line(Timing { moments: vec![DayMoment::Morning], ..once.clone() });
        let twice = line(Timing { frequency: 2, times: vec![time(8, 0, 0, 0), time(18, 0, 0, 0)], ..once });
        let l = Prescription { dosing: morning, ..prescription("l", "lisinopril") };
        let m = Prescription { dosing: twice, ..prescription("m", "metformin") };
        let stopped = Prescription { active: false, ..l.clone() };
        let all = [l.clone(), m.clone(), prescription("o", "amlodipine"), stopped];
        let meant =
            |hour| due_then(&all, &[], at(1, hour, 0), &zone()).iter().map(|p| p.id.clone()).collect::<String>();
        assert_eq!((meant(9).as_str(), meant(18).as_str(), meant(23).as_str()), ("lm", "m", ""));
        let only = |all: &[Prescription]| due_then(all, &[], at(1, 23, 0), &zone()).len();
        assert_eq!((only(&all[2..]), only(&[])), (1, 0), "with one medicine it is clear which");
        let then = (at(1, 8, 30), None);
        let note = Taken {
            prescription: "m".into(),
            medicine: "metformin".into(),
            at: at(1, 8, 0),
            part: None,
            noted: at(1, 8, 0),
        };
        assert_eq!(reply(&read_back(&[&m], &[], &then)), "confirm confirm");
        assert_eq!(reply(&read_back(&[&m], std::slice::from_ref(&note), &then)), "already", "not twice");
        assert_eq!(reply(&read_back(&[], &[], &then)), "ask which_medicine");
        let Outcome::Confirm { plan: Plan::Taken { doses, .. }, .. } = read_back(&[&m, &l], &[note], &then) else {
            panic!("the other one is new")
        };
        assert_eq!(doses.iter().map(|d| d.medicine.as_str()).collect::<Vec<_>>(), ["lisinopril"]);
    }
}
