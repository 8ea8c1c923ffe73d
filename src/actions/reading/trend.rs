//! `reading.trend`: how many, the average, the lowest and highest, and how the later half lies to the earlier one. Counted
//! and said, not judged.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, record::vitals::told, when},
    measure, owned,
};
use crate::{
    nlu::{Slots, When},
    policy::{Effect, Floor, Scope},
    records::{Amount, Decimal, Measure, Reading, Unit, measure::convert},
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

/// Days looked at where no stretch of time was named.
const USUAL_DAYS: i32 = 30;

/// So many it takes before an earlier and a later half say anything.
const HALVES: usize = 4;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let measure = match measure(slots) {
        Ok(Some(measure)) => measure,
        Ok(None) => {
            let facts = Facts::new("ask_measure");
            return Ok(Outcome::Ask { slot: "measure".into(), facts, options: vec![] });
        }
        Err(outcome) => return Ok(outcome),
    };
    let own = owned(&permit, setting).await?;
    Ok(Outcome::Answer(trend(measure, &own, when(slots, "period"), setting.now, setting.zone)))
}

/// Replies: `trend` (measure, count, from, until, average, lowest, highest, earlier, later, direction: up, down or same;
/// absent for few), `one` (measure, amount, on), `none_of` (measure), `none_then` (measure, from, until), `not_kept`.
fn trend(measure: Measure, own: &[Reading], period: Option<When>, now: Timestamp, zone: &TimeZone) -> Facts {
    let mine: Vec<&Reading> = own.iter().filter(|r| r.measure == measure).collect();
    let (from, until) = stretch(period, now, zone);
    let day = |r: &Reading| r.at.to_zoned(zone.clone()).date();
    let mut within: Vec<&Reading> = mine.iter().copied().filter(|r| (from..=until).contains(&day(r))).collect();
    within.sort_by_key(|r| r.at);
    let about = |reply: &str| {
        let facts = Facts::new(reply).with("measure", measure.name()).with("from", from).with("until", until);
        facts.with("named", period.is_some())
    };
    match within.as_slice() {
        [] if mine.is_empty() => about("none_of"),
        [] => about("none_then"),
        [one] => about("one").with("amount", told(&one.amount)).with("on", one.at),
        several => {
            let unit = several.last().map_or(Unit::Percent, |r| r.amount.unit);
            let amounts: Vec<Amount> = several.iter().map(|r| r.amount).collect();
            // All in one unit: "lowest 5.5, highest 131" would tell nothing.
            let alike = |a: &Amount| if a.unit == unit { Some(*a) } else { average(&[*a], measure, unit) };
            let facts = about("trend")
                .with("count", amounts.len())
                .with("average", average(&amounts, measure, unit).map(|a| told(&a)))
                .with("lowest", amounts.iter().min_by_key(|a| a.in_unit(unit)).and_then(alike).map(|a| told(&a)))
                .with("highest", amounts.iter().max_by_key(|a| a.in_unit(unit)).and_then(alike).map(|a| told(&a)));
            halves(facts, &amounts, measure, unit)
        }
    }
}

/// The earlier and the later half's averages, and which way it went, as they are said and no finer.
fn halves(facts: Facts, amounts: &[Amount], measure: Measure, unit: Unit) -> Facts {
    if amounts.len() < HALVES {
        return facts.with("direction", None::<&str>);
    }
    let (earlier, later) = amounts.split_at(amounts.len() / 2);
    let (Some(earlier), Some(later)) = (average(earlier, measure, unit), average(later, measure, unit)) else {
        return facts.with("direction", None::<&str>);
    };
    let direction = match later.value.cmp(&earlier.value) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Less => "down",
        std::cmp::Ordering::Equal => "same",
    };
    facts.with("direction", direction).with("earlier", told(&earlier)).with("later", told(&later))
}

/// The mean in one unit, rounded to what is said of such a measure.
pub(super) fn average(amounts: &[Amount], measure: Measure, unit: Unit) -> Option<Amount> {
    let places = match (measure, unit) {
        (Measure::Temperature | Measure::Weight, _) | (Measure::BloodSugar, Unit::MmolPerL) => 1,
        _ => 0,
    };
    let mean = |of: &dyn Fn(&Amount) -> Option<Decimal>| -> Option<Decimal> {
        let values: Option<Vec<f64>> =
            amounts.iter().map(|a| Some(convert(of(a)?.exact(), a.unit, unit)?.rounded(4).float())).collect();
        let values = values.filter(|v| !v.is_empty())?;
        let count = i32::try_from(values.len()).ok()?;
        Some(Decimal::near(values.iter().sum::<f64>() / f64::from(count))?.exact().rounded(places))
    };
    Some(Amount { value: mean(&|a| Some(a.value))?, lower: mean(&|a| a.lower), unit })
}

/// The days that were named, or the usual ones up to today.
fn stretch(period: Option<When>, now: Timestamp, zone: &TimeZone) -> (Date, Date) {
    let today = now.to_zoned(zone.clone()).date();
    let usual = today.checked_sub(USUAL_DAYS.days()).unwrap_or(today);
    match period.and_then(|p| p.from.map(|from| (from, p.to.unwrap_or(from)))) {
        Some((from, until)) => (from, until.min(today)),
        None => (usual, today),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn reading(value: &str, unit: Unit, at: &str) -> Reading {
        let amount = Amount::of(Decimal::read(value).expect("a number"), unit);
        let measure = if unit == Unit::MmHg { Measure::BloodPressure } else { Measure::BloodSugar };
        Reading { id: at.into(), measure, amount, at: at.parse().expect("a time"), timed: true }
    }

    #[test]
    fn counted_and_not_judged() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let mg = |value: &str, day: &str| reading(value, Unit::MgPerDl, &format!("2026-11-{day}T13:00:00Z"));
        let all = [mg("110", "28"), mg("130", "26"), mg("150", "24"), mg("170", "22"), mg("90", "01")];
        let of = |period| trend(Measure::BloodSugar, &all, period, now, &zone);
        let facts = of(None);
        let value = |name: &str| facts.values[name]["value"].clone();
        assert_eq!((facts.reply.as_str(), &facts.values["count"]), ("trend", &5.into()));
        assert_eq!((value("average"), value("lowest"), value("highest")), ("130".into(), "90".into(), "170".into()));
        let week = |from, to| {
            Some(When { from: Some(date(2026, 11, from)), to: Some(date(2026, 11, to)), after: None, before: None })
        };
        let facts = of(week(20, 30));
        assert_eq!((&facts.values["direction"], &facts.values["earlier"]["value"]), (&"down".into(), &"160".into()));
        assert_eq!(facts.values["later"]["value"], "120");
        let mixed = [mg("131", "28"), reading("5.5", Unit::MmolPerL, "2026-11-26T13:00:00Z")];
        let mixed = trend(Measure::BloodSugar, &mixed, None, now, &zone);
        assert_eq!(
            (&mixed.values["lowest"]["value"], &mixed.values["lowest"]["unit"]),
            (&"99".into(), &"mg/dL".into())
        );
        assert_eq!(of(week(28, 30)).reply, "one");
        assert_eq!(of(week(2, 5)).reply, "none_then");
        assert_eq!(trend(Measure::Weight, &all, None, now, &zone).reply, "none_of");
    }

    #[test]
    fn units_are_brought_together_before_they_are_counted() {
        let amounts = [Amount::of(Decimal::whole(90), Unit::MgPerDl), Amount::of(Decimal::whole(6), Unit::MmolPerL)];
        let mean = average(&amounts, Measure::BloodSugar, Unit::MmolPerL).expect("a mean");
        assert_eq!(mean.told(), "5.5", "90 mg/dL is 4.9957 mmol/L");
        let pressures = [120, 130].map(|n| Amount {
            value: Decimal::whole(n),
            lower: Some(Decimal::whole(n - 45)),
            unit: Unit::MmHg,
        });
        assert_eq!(average(&pressures, Measure::BloodPressure, Unit::MmHg).expect("a mean").told(), "125 over 80");
    }
}
