//! `medicine.remind`: sets a reminder, read back with its time and its days.

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use serde_json::{Value, json};

use super::{
    super::{
        ActionError, Change, Facts, Outcome, Pass, Plan, Setting,
        medicine::in_hospital,
        of_a_person, permit,
        prescription::{Which, doubt, which},
        text, when,
    },
    Every, Reminder, Rhythm,
};
use crate::{
    nlu::{Recurring, SlotValue, Slots, TimeUnit, When, recurrence::Day},
    policy::{Effect, Floor, Permit, Scope},
};

/// Changes what the person is reminded of.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Medicines);

/// Most reminders of one person.
const MOST: usize = 40;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if let Some(nurse) = in_hospital(&permit, setting).await? {
        return Ok(nurse);
    }
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    if let Some(ask) = doubt(&all, slots, setting.channel) {
        return Ok(ask);
    }
    let (prescription, medicine) = match text(slots, "medicine") {
        None => (None, None),
        Some(said) => match which(&all, said) {
            Which::One(p) if p.active => (Some(p.id.clone()), Some(p.medicine.clone())),
            Which::One(p) => {
                let reply = if p.on_hold { "on_hold" } else { "stopped" };
                return Ok(Outcome::Answer(Facts::new(reply).with("medicine", &p.medicine)));
            }
            Which::Several(ask) => return Ok(ask),
            // A vitamin is on no list, and may be forgotten as well.
            Which::None(_) => (None, Some(said.to_owned())),
        },
    };
    let recurring = match slots.get("recurrence").map(|slot| &slot.value) {
        Some(SlotValue::Recurring(recurring)) => Some(recurring),
        _ => None,
    };
    let rhythm = match rhythm(when(slots, "time"), recurring, setting.now, setting.zone) {
        Ok(rhythm) => rhythm,
        Err(Unclear::Time) => {
            let facts = Facts::new("which_time");
            return Ok(Outcome::Ask { slot: "time".into(), facts, options: vec![] });
        }
        Err(Unclear::Rhythm) => return Ok(Outcome::Answer(Facts::new("not_so"))),
    };
    let zone = setting.zone.iana_name().unwrap_or("UTC").to_owned();
    let made = setting.now;
    let reminder = Reminder { id: String::new(), prescription, medicine, rhythm, zone, made, rung: None, ended: None };
    let facts = told("confirm", &reminder, setting.now);
    Ok(Outcome::Confirm { facts, plan: Plan::Remind { reminder } })
}

/// After "yes". Replies: `done`, `too_many`.
pub async fn perform(permit: Permit, reminder: Reminder, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let theirs = setting.records.reminders(permit.subject()).await?.reveal(&permit)?;
    if theirs.len() >= MOST {
        return Ok(Outcome::Answer(Facts::new("too_many")));
    }
    let facts = told("done", &reminder, setting.now);
    Ok(Outcome::Done { conflict: facts.clone(), facts, changes: vec![Change::Remind { reminder }] })
}

fn told(reply: &str, reminder: &Reminder, now: Timestamp) -> Facts {
    let mut facts = Facts::new(reply);
    if let Value::Object(values) = item(reminder, now) {
        facts.values.extend(values);
    }
    facts
}

/// A reminder as a reply tells it: `medicine`, `at` (its next time), `every` (`once`, `day`, `days`, `week`, `weeks`), `n`, `days`.
pub(super) fn item(reminder: &Reminder, now: Timestamp) -> Value {
    const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let (every, n, days) = match &reminder.rhythm.every {
        Every::Once => ("once", 1, vec![]),
        Every::Days(1) => ("day", 1, vec![]),
        Every::Days(n) => ("days", *n, vec![]),
        Every::Weeks(n, on) => {
            let name = |day: &i8| usize::try_from(day - 1).ok().and_then(|n| NAMES.get(n).copied());
            (if *n == 1 { "week" } else { "weeks" }, *n, on.iter().filter_map(name).collect())
        }
    };
    json!({ "medicine": reminder.medicine, "at": reminder.next(now), "every": every, "n": n, "days": days })
}

/// What is not clear enough to ring by.
#[derive(Debug, PartialEq, Eq)]
enum Unclear {
    /// No clock time.
    Time,
    /// A rhythm that reminders do not have.
    Rhythm,
}

/// From what was said to when it rings. Without a rhythm it rings once, the next time that the clock shows the time.
fn rhythm(
    time: Option<When>,
    recurring: Option<&Recurring>,
    now: Timestamp,
    zone: &jiff::tz::TimeZone,
) -> Result<Rhythm, Unclear> {
    let clock = |after: Option<Time>, before: Option<Time>| after.filter(|_| after == before);
    let in_rhythm = recurring.and_then(|r| clock(r.after, r.before));
    let at = time.and_then(|t| clock(t.after, t.before)).or(in_rhythm).ok_or(Unclear::Time)?;
    let here = now.to_zoned(zone.clone());
    let today = here.date();
    let next = if here.time() < at { today } else { today.tomorrow().unwrap_or(today) };
    let Some(recurring) = recurring else {
        let from = time.and_then(|t| t.from).filter(|day| *day >= next).unwrap_or(next);
        return Ok(Rhythm { at, from, every: Every::Once });
    };
    if recurring.times != 1 || recurring.every == 0 {
        return Err(Unclear::Rhythm);
    }
    let every = match recurring.of {
        TimeUnit::Day => Every::Days(recurring.every),
        TimeUnit::Week if recurring.on.is_empty() => {
            Every::Weeks(recurring.every, vec![next.weekday().to_monday_one_offset()])
        }
        TimeUnit::Week => Every::Weeks(recurring.every, recurring.on.iter().map(|day| number(*day)).collect()),
        _ => return Err(Unclear::Rhythm),
    };
    Ok(Rhythm { at, from: first(next, &every), every })
}

/// The first day it rings on, so that "every other" counts from there.
fn first(next: Date, every: &Every) -> Date {
    let Every::Weeks(_, on) = every else { return next };
    let mut day = next;
    for _ in 0..7 {
        if on.contains(&day.weekday().to_monday_one_offset()) {
            return day;
        }
        day = day.tomorrow().unwrap_or(day);
    }
    next
}

const fn number(day: Day) -> i8 {
    match day {
        Day::Monday => 1,
        Day::Tuesday => 2,
        Day::Wednesday => 3,
        Day::Thursday => 4,
        Day::Friday => 5,
        Day::Saturday => 6,
        Day::Sunday => 7,
    }
}

#[cfg(test)]
mod tests {
    use jiff::{
        civil::{Weekday, date, time},
        tz::TimeZone,
    };

    use super::*;

    #[test]
    fn from_words_to_a_rhythm() {
        let zone = TimeZone::get("America/New_York").expect("known");
        // Tuesday, ten in the morning.
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let clock = |h| {
            let t = Some(time(h, 0, 0, 0));
            Some(When { from: None, to: None, after: t, before: t })
        };
        let bedtime =
            Some(When { from: None, to: None, after: Some(time(18, 0, 0, 0)), before: Some(time(23, 0, 0, 0)) });
        let every =
            |of, every, times, on: &[Day]| Recurring { every, of, times, on: on.to_vec(), after: None, before: None };
        let daily = every(TimeUnit::Day, 1, 1, &[]);
        let at_nine = Recurring { after: Some(time(21, 0, 0, 0)), before: Some(time(21, 0, 0, 0)), ..daily.clone() };
        let is = |h, day, every| Ok(Rhythm { at: time(h, 0, 0, 0), from: date(2026, 12, day), every });
        #[rustfmt::skip]
        let table = [
            (clock(21), None,                                                   is(21, 1, Every::Once)),
            (clock(8),  None,                                                   is(8, 2, Every::Once)),
            (clock(8),  Some(daily.clone()),                                    is(8, 2, Every::Days(1))),
            (None,      Some(at_nine),                                          is(21, 1, Every::Days(1))),
            (clock(21), Some(every(TimeUnit::Day, 2, 1, &[])),                  is(21, 1, Every::Days(2))),
            (clock(21), Some(every(TimeUnit::Week, 1, 1, &[Day::Monday, Day::Thursday])), is(21, 3, Every::Weeks(1, vec![1, 4]))),
            (clock(21), Some(every(TimeUnit::Week, 1, 1, &[])),                 is(21, 1, Every::Weeks(1, vec![2]))),
            (clock(21), Some(every(TimeUnit::Day, 1, 2, &[])),                  Err(Unclear::Rhythm)),
            (clock(21), Some(every(TimeUnit::Hour, 4, 1, &[])),                 Err(Unclear::Rhythm)),
            (clock(21), Some(every(TimeUnit::Month, 1, 1, &[])),                Err(Unclear::Rhythm)),
            (bedtime,   Some(daily.clone()),                                    Err(Unclear::Time)),
            (None,      Some(daily),                                            Err(Unclear::Time)),
            (None,      None,                                                   Err(Unclear::Time)),
        ];
        for (n, (when, recurring, want)) in table.into_iter().enumerate() {
            assert_eq!(rhythm(when, recurring.as_ref(), now, &zone), want, "line {n}");
        }
        for (n, day) in [Weekday::Monday, Weekday::Sunday].into_iter().zip([Day::Monday, Day::Sunday]) {
            assert_eq!(n.to_monday_one_offset(), number(day));
        }
    }
}
