//! `Dosage` with its `Timing.repeat`: what is understood whole is kept, the rest is left open.

use jiff::civil::Time;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::{
    dates,
    resources::{Concept, Period, Quantity},
};
use crate::records::{DayMoment, Dosing, PeriodUnit, Timing};

/// `Dosage`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dosage {
    pub text: Option<String>,
    pub patient_instruction: Option<String>,
    #[serde(default)]
    pub additional_instruction: Vec<Concept>,
    timing: Option<TimingElement>,
    as_needed_boolean: Option<bool>,
    as_needed_codeable_concept: Option<Concept>,
    #[serde(default)]
    dose_and_rate: Vec<DoseAndRate>,
}

#[derive(Deserialize)]
struct TimingElement {
    #[serde(default)]
    event: Vec<String>,
    repeat: Option<Repeat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DoseAndRate {
    dose_quantity: Option<Quantity>,
    dose_range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    low: Option<Quantity>,
    high: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repeat {
    bounds_period: Option<Period>,
    frequency: Option<u32>,
    period: Option<Number>,
    period_unit: Option<String>,
    #[serde(default)]
    day_of_week: Vec<String>,
    #[serde(default)]
    time_of_day: Vec<String>,
    #[serde(default)]
    when: Vec<String>,
    // Whatever of these is there makes the times another thing than the rest says.
    bounds_duration: Option<Value>,
    bounds_range: Option<Value>,
    count: Option<Value>,
    count_max: Option<Value>,
    frequency_max: Option<Value>,
    period_max: Option<Value>,
    offset: Option<Value>,
}

/// A line of the directions, as far as it is structured.
pub fn dosing(dosage: &Dosage) -> Dosing {
    Dosing {
        amount: amount(dosage),
        as_needed: dosage.as_needed_boolean == Some(true) || dosage.as_needed_codeable_concept.is_some(),
        timing: dosage.timing.as_ref().filter(|t| t.event.is_empty()).and_then(|t| timing(t.repeat.as_ref()?)),
    }
}

/// The number and the unit as the order writes them.
fn amount(dosage: &Dosage) -> Option<String> {
    let [dose] = dosage.dose_and_rate.as_slice() else { return None };
    let number = |q: &Quantity| Some(q.value.as_ref()?.to_string().trim_end_matches(".0").to_owned());
    let unit = |q: &Quantity| q.unit.as_deref().map(str::trim).filter(|u| !u.is_empty()).map(str::to_owned);
    if let Some(quantity) = &dose.dose_quantity {
        return Some(format!("{} {}", number(quantity)?, unit(quantity)?));
    }
    let (low, high) = (dose.dose_range.as_ref()?.low.as_ref()?, dose.dose_range.as_ref()?.high.as_ref()?);
    Some(format!("{} to {} {}", number(low)?, number(high)?, unit(high)?))
}

/// `None` where a part of it is not understood: half of when a medicine is due is a wrong time.
fn timing(repeat: &Repeat) -> Option<Timing> {
    let more = [
        &repeat.bounds_duration,
        &repeat.bounds_range,
        &repeat.count,
        &repeat.count_max,
        &repeat.frequency_max,
        &repeat.period_max,
        &repeat.offset,
    ];
    if more.into_iter().any(Option::is_some) {
        return None;
    }
    let bound = |text: Option<&String>| match text {
        None => Some(None),
        Some(text) => dates::day(text).map(Some),
    };
    let bounds = repeat.bounds_period.as_ref();
    let unit = match repeat.period_unit.as_deref() {
        None => PeriodUnit::Day,
        Some("h") => PeriodUnit::Hour,
        Some("d") => PeriodUnit::Day,
        Some("wk") => PeriodUnit::Week,
        Some("mo") => PeriodUnit::Month,
        Some(_) => return None,
    };
    let period = match &repeat.period {
        None => 1,
        Some(number) => number.as_f64().filter(|n| n.fract() == 0.0 && (1.0..=366.0).contains(n))? as u32,
    };
    Some(Timing {
        frequency: repeat.frequency.unwrap_or(1).max(1),
        period,
        unit,
        times: repeat.time_of_day.iter().map(|t| t.parse::<Time>().ok()).collect::<Option<_>>()?,
        moments: repeat.when.iter().map(|code| DayMoment::of_code(code)).collect::<Option<_>>()?,
        days: repeat.day_of_week.iter().map(|day| weekday(day)).collect::<Option<_>>()?,
        from: bound(bounds.and_then(|b| b.start.as_ref()))?,
        // FHIR's end of a period is the last day of it.
        until: bound(bounds.and_then(|b| b.end.as_ref()))?,
    })
}

fn weekday(code: &str) -> Option<i8> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let place = DAYS.iter().position(|day| *day == code)?;
    i8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Dosing {
        dosing(&serde_json::from_str::<Dosage>(json).expect("a dosage"))
    }

    fn repeat(json: &str) -> Option<Timing> {
        read(&format!(r#"{{"timing":{{"repeat":{json}}}}}"#)).timing
    }

    #[test]
    fn what_is_understood_whole_is_kept_and_the_rest_left_open() {
        let base = Timing { frequency: 1, period: 1, ..Timing::default() };
        let at = |hour| jiff::civil::time(hour, 0, 0, 0);
        let day = |d| Some(jiff::civil::date(2026, 12, d));
        #[rustfmt::skip]
        let table = [
            (r#"{"frequency":1,"period":1,"periodUnit":"d"}"#, Some(base.clone())),
            (r#"{"frequency":2,"period":1,"periodUnit":"d","timeOfDay":["08:00:00","18:00:00"]}"#,
                Some(Timing { frequency: 2, times: vec![at(8), at(18)], ..base.clone() })),
            (r#"{"frequency":1,"period":1,"periodUnit":"d","when":["HS"]}"#, Some(Timing { moments: vec![DayMoment::Bedtime], ..base.clone() })),
            (r#"{"when":["CM","CV"]}"#, Some(Timing { moments: vec![DayMoment::Breakfast, DayMoment::Dinner], ..base.clone() })),
            (r#"{"frequency":1,"period":1,"periodUnit":"wk","dayOfWeek":["mon","thu"],"timeOfDay":["09:00:00"]}"#,
                Some(Timing { unit: PeriodUnit::Week, days: vec![1, 4], times: vec![at(9)], ..base.clone() })),
            (r#"{"period":2,"periodUnit":"d","boundsPeriod":{"start":"2026-12-01","end":"2026-12-10"}}"#,
                Some(Timing { period: 2, from: day(1), until: day(10), ..base.clone() })),
            // A meal whichever, a moment with an offset, a limit, a range, a broken time: not half understood.
            (r#"{"when":["C"]}"#, None),
            (r#"{"when":["HS"],"offset":30}"#, None),
            (r#"{"frequency":1,"period":1,"periodUnit":"d","boundsDuration":{"value":10,"unit":"d"}}"#, None),
            (r#"{"frequency":1,"period":4,"periodMax":6,"periodUnit":"h"}"#, None),
            (r#"{"count":3}"#, None),
            (r#"{"timeOfDay":["25:00:00"]}"#, None),
            (r#"{"dayOfWeek":["someday"]}"#, None),
            (r#"{"period":1.5,"periodUnit":"d"}"#, None),
            (r#"{"periodUnit":"a"}"#, None),
            (r#"{"boundsPeriod":{"end":"soon"}}"#, None),
        ];
        for (json, want) in table {
            assert_eq!(repeat(json), want, "{json}");
        }
        assert_eq!(read(r#"{"timing":{"event":["2026-12-01T08:00:00Z"],"repeat":{"frequency":1}}}"#).timing, None);
        assert_eq!(read(r#"{"timing":{"code":{"text":"BID"}}}"#).timing, None, "what a code means differs by house");
    }

    #[test]
    fn amounts_are_the_orders_own_and_as_needed_is_seen_either_way() {
        for (json, want) in [
            (r#"{"doseAndRate":[{"doseQuantity":{"value":1,"unit":"tablet"}}]}"#, Some("1 tablet")),
            (r#"{"doseAndRate":[{"doseQuantity":{"value":0.5,"unit":"tablet"}}]}"#, Some("0.5 tablet")),
            (
                r#"{"doseAndRate":[{"doseRange":{"low":{"value":1},"high":{"value":2,"unit":"puffs"}}}]}"#,
                Some("1 to 2 puffs"),
            ),
            (r#"{"doseAndRate":[{"doseQuantity":{"value":1}}]}"#, None),
            (
                r#"{"doseAndRate":[{"doseQuantity":{"value":1,"unit":"a"}},{"doseQuantity":{"value":2,"unit":"a"}}]}"#,
                None,
            ),
            (r"{}", None),
        ] {
            assert_eq!(read(json).amount.as_deref(), want, "{json}");
        }
        for (json, want) in [
            (r#"{"asNeededBoolean":true}"#, true),
            (r#"{"asNeededBoolean":false}"#, false),
            (r#"{"asNeededCodeableConcept":{"text":"for pain"}}"#, true),
            (r"{}", false),
        ] {
            assert_eq!(read(json).as_needed, want, "{json}");
        }
    }
}
