//! Which values are believed, and which need something done: the rows of `limits.toml`.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::records::{Amount, Decimal, Measure, Reading, Unit, measure::convert};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    bounds: Vec<Bound>,
    alarm: Vec<Alarm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    measure: Measure,
    unit: Unit,
    least: f64,
    most: f64,
}

/// A published limit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Its name, by which the catalogue has its words.
    pub name: String,
    measure: Measure,
    unit: Unit,
    below: Option<f64>,
    from: Option<f64>,
    lower_from: Option<f64>,
    level: Level,
    /// Within so many hours, the same once more is an emergency.
    again: Option<i64>,
    /// Where it is published.
    #[allow(dead_code, reason = "it stands there for whoever checks the number; a test holds that it does")]
    source: String,
}

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The care team, today.
    Call,
    /// Now, the way a cry for help goes.
    Emergency,
}

/// Should the file not read, no value is believed, and each is asked for again: `the_limits_read` keeps that from happening.
static LIMITS: LazyLock<File> = LazyLock::new(|| toml::from_str(include_str!("limits.toml")).unwrap_or_default());

/// Of the lower number of a blood pressure.
const LOWER: (f64, f64) = (20.0, 250.0);

/// Whether a value can be one at all.
#[must_use]
pub fn possible(measure: Measure, amount: &Amount) -> bool {
    let within = |value: Decimal, least: f64, most: f64| (least..=most).contains(&value.float());
    let Some(bound) = LIMITS.bounds.iter().find(|b| b.measure == measure && b.unit == amount.unit) else {
        return false;
    };
    let lower = match (measure, amount.lower) {
        (Measure::BloodPressure, Some(lower)) => within(lower, LOWER.0, LOWER.1) && lower < amount.value,
        (Measure::BloodPressure, None) | (_, Some(_)) => false,
        (_, None) => true,
    };
    within(amount.value, bound.least, bound.most) && lower
}

/// What has to be done about a value: the first row that it falls under.
#[must_use]
pub fn alarm(measure: Measure, amount: &Amount) -> Option<&'static Alarm> {
    LIMITS.alarm.iter().find(|row| row.measure == measure && row.holds(amount))
}

impl Alarm {
    fn holds(&self, amount: &Amount) -> bool {
        let Some(value) = amount.in_unit(self.unit) else { return false };
        let limit = |at: Option<f64>| at.and_then(Decimal::near).map(Decimal::exact);
        let lower = amount.lower.and_then(|lower| convert(lower.exact(), amount.unit, self.unit));
        limit(self.below).is_some_and(|at| value < at)
            || limit(self.from).is_some_and(|at| value >= at)
            || limit(self.lower_from).zip(lower).is_some_and(|(at, lower)| lower >= at)
    }

    /// How urgent it is for somebody with these readings, and whether it was so a short while before.
    #[must_use]
    pub fn urgency(&self, before: &[Reading], at: Timestamp) -> (Level, bool) {
        let hours = self.again.unwrap_or(24);
        let again = before.iter().any(|r| {
            let ago = at.duration_since(r.at).abs();
            r.measure == self.measure && ago <= SignedDuration::from_hours(hours) && self.holds(&r.amount)
        });
        (if again && self.again.is_some() { Level::Emergency } else { self.level }, again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str, unit: Unit) -> Amount {
        let (value, lower) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        Amount { value: Decimal::read(value).expect("a number"), lower: lower.and_then(Decimal::read), unit }
    }

    #[test]
    fn the_limits_read() {
        assert_eq!((LIMITS.bounds.len(), LIMITS.alarm.len()), (9, 13));
        for row in &LIMITS.alarm {
            assert!(row.source.contains(':') && row.source.len() > 20, "{} says where it is published", row.name);
        }
    }

    #[test]
    fn from_which_value_on_something_has_to_be_done() {
        use Level::{Call, Emergency};
        use Measure::{BloodPressure, BloodSugar, HeartRate, Oxygen, Temperature, Weight};
        use Unit::{Celsius, Fahrenheit, MgPerDl, MmHg, MmolPerL, PerMinute, Percent, Pound};
        #[rustfmt::skip]
        let table = [
            (BloodPressure, "179/119", MmHg,       None),
            (BloodPressure, "180/80",  MmHg,       Some(("pressure_crisis", Emergency))),
            (BloodPressure, "150/120", MmHg,       Some(("pressure_crisis", Emergency))),
            (BloodPressure, "91/60",   MmHg,       None),
            (BloodPressure, "90/60",   MmHg,       Some(("pressure_low", Call))),
            (BloodSugar,    "53",      MgPerDl,    Some(("sugar_very_low", Emergency))),
            (BloodSugar,    "54",      MgPerDl,    Some(("sugar_low", Call))),
            (BloodSugar,    "69",      MgPerDl,    Some(("sugar_low", Call))),
            (BloodSugar,    "70",      MgPerDl,    None),
            (BloodSugar,    "2.9",     MmolPerL,   Some(("sugar_very_low", Emergency))),
            (BloodSugar,    "3.8",     MmolPerL,   Some(("sugar_low", Call))),
            (BloodSugar,    "3.9",     MmolPerL,   None),
            (BloodSugar,    "299",     MgPerDl,    None),
            (BloodSugar,    "300",     MgPerDl,    Some(("sugar_high", Call))),
            (BloodSugar,    "16.7",    MmolPerL,   Some(("sugar_high", Call))),
            (BloodSugar,    "600",     MgPerDl,    Some(("sugar_very_high", Emergency))),
            (Oxygen,        "88",      Percent,    Some(("oxygen_very_low", Emergency))),
            (Oxygen,        "91",      Percent,    Some(("oxygen_low", Call))),
            (Oxygen,        "92",      Percent,    None),
            (Temperature,   "103",     Fahrenheit, Some(("temperature_high", Call))),
            (Temperature,   "40.6",    Celsius,    Some(("temperature_very_high", Emergency))),
            (Temperature,   "94.9",    Fahrenheit, Some(("temperature_low", Emergency))),
            (Temperature,   "35",      Celsius,    None),
            (HeartRate,     "131",     PerMinute,  Some(("pulse_very_fast", Emergency))),
            (HeartRate,     "40",      PerMinute,  Some(("pulse_very_slow", Emergency))),
            (HeartRate,     "41",      PerMinute,  None),
            (Weight,        "900",     Pound,      None),
        ];
        for (measure, text, unit, want) in table {
            let found = alarm(measure, &amount(text, unit)).map(|row| (row.name.as_str(), row.level));
            assert_eq!(found, want, "{measure:?} {text}");
        }
    }

    #[test]
    fn what_nobody_has_is_asked_for_again() {
        use Measure::{BloodPressure, BloodSugar, Oxygen, Temperature, Weight};
        use Unit::{Celsius, Fahrenheit, Kilogram, MgPerDl, MmHg, Percent};
        for (measure, text, unit, want) in [
            (BloodPressure, "120/80", MmHg, true),
            (BloodPressure, "80/120", MmHg, false),
            (BloodPressure, "120", MmHg, false),
            (BloodSugar, "5", MgPerDl, false),
            (BloodSugar, "48", MgPerDl, true),
            (Oxygen, "101", Percent, false),
            (Temperature, "37", Fahrenheit, false),
            (Temperature, "37", Celsius, true),
            (Weight, "0", Kilogram, false),
            (Weight, "72", MmHg, false),
        ] {
            assert_eq!(possible(measure, &amount(text, unit)), want, "{measure:?} {text} {unit:?}");
        }
    }

    #[test]
    fn the_same_again_within_a_day_is_more_urgent() {
        let at: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let high = amount("310", Unit::MgPerDl);
        let before = |hours: i64, text: &str| Reading {
            id: "r".into(),
            measure: Measure::BloodSugar,
            amount: amount(text, Unit::MgPerDl),
            at: at - SignedDuration::from_hours(hours),
            timed: true,
        };
        let row = alarm(Measure::BloodSugar, &high).expect("an alarm");
        assert_eq!(row.urgency(&[], at), (Level::Call, false));
        assert_eq!(row.urgency(&[before(20, "305")], at), (Level::Emergency, true));
        assert_eq!(row.urgency(&[before(25, "305"), before(2, "150")], at), (Level::Call, false));
    }
}
