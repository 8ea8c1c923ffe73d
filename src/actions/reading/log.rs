//! `reading.log`: notes what the person measured.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{
    super::{
        ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, record::vitals::told,
        when,
    },
    heard::{Heard, heard, measure_of},
    measure, measured, owned, read_back, warned,
};
use crate::{
    nlu::{Measured, SlotValue, Slots, Unit as Said, When},
    policy::{Effect, Floor, Permit, Scope},
    records::{Amount, Measure, Reading, Unit},
};

/// Adds to the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let own = owned(&permit, setting).await?;
    Ok(log(slots, &own, setting))
}

/// Replies: `confirm` (measure, amount, at, timed, now; alarm, again, emergency, room, emergency_number), `not_kept`
/// (measure); asks `ask_measure`, `ask_value`, and for the value once more `unit` (both), `two_numbers`, `impossible`
/// (measure, said).
fn log(slots: &Slots, own: &[Reading], setting: &Setting<'_>) -> Outcome {
    let named = match measure(slots) {
        Ok(named) => named,
        Err(outcome) => return outcome,
    };
    let said = measured(slots);
    let Some(measure) = named.or_else(|| said.as_ref().and_then(measure_of)) else {
        return ask("measure", Facts::new("ask_measure"), vec![]);
    };
    let Some(said) = said else { return ask("value", Facts::new("ask_value"), vec![]) };
    match valued(measure, &said, own, setting) {
        Ok(amount) => {
            let (at, timed) = moment(when(slots, "date"), when(slots, "time"), setting.now, setting.zone);
            let reading = Reading { id: String::new(), measure, amount, at, timed };
            let facts = about("confirm", &reading).with("now", at == setting.now);
            read_back(facts, Plan::KeepReading { reading: reading.clone() }, &reading, own, setting)
        }
        Err(question) => *question,
    }
}

/// The amount, or the question that has to be asked first.
pub(super) fn valued(
    measure: Measure,
    said: &Measured,
    own: &[Reading],
    setting: &Setting<'_>,
) -> Result<Amount, Box<Outcome>> {
    let about = |reply: &str| Facts::new(reply).with("measure", measure.name()).with("said", said.told());
    Err(Box::new(match heard(measure, said, own, setting.zone) {
        Heard::Is(amount) => return Ok(amount),
        Heard::OneNumber => ask("value", about("two_numbers"), vec![]),
        Heard::Impossible => ask("value", about("impossible"), vec![]),
        Heard::Which(both) => {
            let facts = warned(about("unit").with("both", both.iter().map(told).collect::<Vec<_>>()), None, setting);
            ask("value", facts.with("care", measure == Measure::BloodSugar), both.iter().map(choice).collect())
        }
    }))
}

fn ask(slot: &str, facts: Facts, options: Vec<Choice>) -> Outcome {
    Outcome::Ask { slot: slot.into(), facts, options }
}

/// A unit to pick, as the value in it.
fn choice(amount: &Amount) -> Choice {
    let (spoken, unit) = match amount.unit {
        Unit::MgPerDl => ("milligrams per deciliter", Said::MilligramsPerDeciliter),
        Unit::MmolPerL => ("millimoles per liter", Said::MillimolesPerLiter),
        Unit::Kilogram => ("kilograms", Said::Kilograms),
        _ => ("pounds", Said::Pounds),
    };
    let value = Measured { measured: amount.value.float(), over: None, unit: Some(unit) };
    Choice { spoken: spoken.into(), value: SlotValue::Measured(value) }
}

/// A reading as replies tell it.
pub(super) fn about(reply: &str, reading: &Reading) -> Facts {
    Facts::new(reply)
        .with("measure", reading.measure.name())
        .with("amount", told(&reading.amount))
        .with("at", reading.at)
        .with("timed", reading.timed)
}

/// When it was measured, and whether the time of day is known. Never in the future.
fn moment(date: Option<When>, time: Option<When>, now: Timestamp, zone: &TimeZone) -> (Timestamp, bool) {
    let today = now.to_zoned(zone.clone()).date();
    let day = date.and_then(|d| d.from).or_else(|| time.and_then(|t| t.from));
    let part = [time, date].into_iter().flatten().find(|w| w.after.is_some() || w.before.is_some());
    if part.is_none() && day.is_none_or(|day| day >= today) {
        return (now, true);
    }
    let timed = part.is_some_and(|p| p.after.is_some() && p.after == p.before);
    let clock = part.and_then(|p| p.after.or(p.before)).unwrap_or(jiff::civil::time(12, 0, 0, 0));
    let at = |day: jiff::civil::Date| day.to_datetime(clock).to_zoned(zone.clone()).map(|z| z.timestamp());
    match at(day.unwrap_or(today)) {
        Ok(at) if at <= now => (at, timed),
        // "At nine" said at eight is last night's nine.
        Ok(_) if day.is_none() && timed => {
            let before = today.checked_sub(1.day()).ok().and_then(|day| at(day).ok());
            before.map_or((now, false), |at| (at, true))
        }
        _ => (now, false),
    }
}

/// After "yes". Replies: `done` (as `confirm`).
pub async fn perform(permit: Permit, reading: Reading, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let own = owned(&permit, setting).await?;
    let count = own.iter().filter(|r| r.measure == reading.measure).count() + 1;
    let alarm = super::limits::alarm(reading.measure, &reading.amount).map(|row| row.name.as_str());
    let facts = warned(about("done", &reading), alarm, setting).with("count", count);
    let conflict = Facts::new("conflict");
    Ok(Outcome::Done { facts, changes: vec![Change::KeepReading { reading }], conflict })
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    #[test]
    fn when_it_was_measured() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time"); // 10 AM
        let day =
            |d| Some(When { from: Some(date(2026, 11, d)), to: Some(date(2026, 11, d)), after: None, before: None });
        let clock = |from: i8, to: i8| {
            let at = |hour| Some(time(hour, 0, 0, 0));
            Some(When { from: None, to: None, after: at(from), before: at(to) })
        };
        let today = Some(When { from: Some(date(2026, 12, 1)), to: None, after: None, before: None });
        let future = Some(When { from: Some(date(2026, 12, 5)), to: None, after: None, before: None });
        for (d, t, want, timed) in [
            (None, None, "2026-12-01T15:00:00Z", true),
            (today, None, "2026-12-01T15:00:00Z", true),
            (future, None, "2026-12-01T15:00:00Z", true),
            (day(30), None, "2026-11-30T17:00:00Z", false),
            (day(30), clock(8, 8), "2026-11-30T13:00:00Z", true),
            (None, clock(6, 12), "2026-12-01T11:00:00Z", false),
            (None, clock(21, 21), "2026-12-01T02:00:00Z", true),
            (None, clock(8, 8), "2026-12-01T13:00:00Z", true),
        ] {
            let (at, exact) = moment(d, t, now, &zone);
            assert_eq!((at.to_string().as_str(), exact), (want, timed), "{d:?} {t:?}");
        }
    }
}
