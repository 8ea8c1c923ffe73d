//! What was said becomes a number with a unit, or a question.
//!
//! Invariants: a unit that was not said is taken only where it cannot be another, or is the one the person or the place
//! uses, and is always read back; a number that nobody has is asked for again and never mended.

use jiff::tz::TimeZone;

use super::limits::possible;
use crate::{
    nlu::{Measured, Unit as Said},
    records::{Amount, Decimal, Measure, Reading, Unit},
};

/// What came of a value that was said.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is this one.
    Is(Amount),
    /// It is one of these.
    Which([Amount; 2]),
    /// A blood pressure of one number.
    OneNumber,
    /// Nobody has that.
    Impossible,
}

/// What a value means that was said of a measure.
pub fn heard(measure: Measure, said: &Measured, own: &[Reading], zone: &TimeZone) -> Heard {
    if measure == Measure::BloodPressure && said.over.is_none() {
        return Heard::OneNumber;
    }
    let in_unit = |unit: Unit| {
        let lower = said.over.map(|over| Decimal::near(over).ok_or(())).transpose().ok()?;
        let amount = Amount { value: Decimal::near(said.measured)?, lower, unit };
        Some(amount).filter(|amount| possible(measure, amount))
    };
    let fitting: Vec<Amount> = candidates(measure, said.unit).iter().filter_map(|unit| in_unit(*unit)).collect();
    match fitting.as_slice() {
        [] => Heard::Impossible,
        [only] => Heard::Is(*only),
        [first, second, ..] => settled(measure, *first, *second, own, zone),
    }
}

/// The units that a value may be in: the one that was said, or all that the measure has.
fn candidates(measure: Measure, said: Option<Said>) -> &'static [Unit] {
    match (measure, said) {
        (Measure::BloodPressure, None | Some(Said::MillimetersOfMercury)) => &[Unit::MmHg],
        (Measure::BloodSugar, None) => &[Unit::MgPerDl, Unit::MmolPerL],
        (Measure::BloodSugar, Some(Said::MilligramsPerDeciliter)) => &[Unit::MgPerDl],
        (Measure::BloodSugar, Some(Said::MillimolesPerLiter)) => &[Unit::MmolPerL],
        (Measure::HeartRate, None | Some(Said::BeatsAMinute)) => &[Unit::PerMinute],
        (Measure::Temperature, None | Some(Said::Degrees)) => &[Unit::Fahrenheit, Unit::Celsius],
        (Measure::Temperature, Some(Said::Fahrenheit)) => &[Unit::Fahrenheit],
        (Measure::Temperature, Some(Said::Celsius)) => &[Unit::Celsius],
        (Measure::Weight, None) => &[Unit::Pound, Unit::Kilogram],
        (Measure::Weight, Some(Said::Pounds)) => &[Unit::Pound],
        (Measure::Weight, Some(Said::Kilograms)) => &[Unit::Kilogram],
        (Measure::Oxygen, None | Some(Said::Percent)) => &[Unit::Percent],
        _ => &[],
    }
}

/// Of two units that fit: the one that the number itself leaves, or that the person's last reading speaks for, or that is
/// used where they live; else they are asked.
fn settled(measure: Measure, first: Amount, second: Amount, own: &[Reading], zone: &TimeZone) -> Heard {
    let said = first.value.float();
    if measure == Measure::BloodSugar && said >= 34.0 {
        // Of what meters show, 34 is the least that is no number of millimoles.
        return Heard::Is(first);
    }
    if measure == Measure::BloodSugar && said < 20.0 {
        return Heard::Is(second);
    }
    let last = own.iter().find(|r| r.measure == measure).map(|r| r.amount);
    let Some(last) = last else {
        let usual = if in_the_states(zone) { first } else { second };
        // Where nobody can know it, a blood sugar is not guessed: 25 is dangerous in both units, and not in the same way.
        return if measure == Measure::BloodSugar { Heard::Which([first, second]) } else { Heard::Is(usual) };
    };
    let (same, other) = if first.unit == last.unit { (first, second) } else { (second, first) };
    // A weight that jumped is more likely one in the other unit.
    let near = |a: &Amount| {
        let (a, last) = (a.in_unit(last.unit), last.in_unit(last.unit));
        let (Some(a), Some(last)) = (a, last) else { return false };
        let (a, last) = (a.rounded(4).float(), last.rounded(4).float());
        (a - last).abs() <= last * 0.15
    };
    if measure == Measure::Weight && !near(&same) && near(&other) {
        return Heard::Which([first, second]);
    }
    Heard::Is(same)
}

/// Whether the zone is one of the United States, where pounds and degrees Fahrenheit are used.
fn in_the_states(zone: &TimeZone) -> bool {
    const ZONES: [&str; 14] = [
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Los_Angeles",
        "America/Phoenix",
        "America/Anchorage",
        "America/Detroit",
        "America/Boise",
        "America/Juneau",
        "America/Indiana/Indianapolis",
        "America/Kentucky/Louisville",
        "America/Adak",
        "Pacific/Honolulu",
        "America/Puerto_Rico",
    ];
    zone.iana_name().is_some_and(|name| ZONES.contains(&name) || name.starts_with("US/"))
}

/// The measure that a value can only be of.
#[must_use]
pub const fn measure_of(said: &Measured) -> Option<Measure> {
    match (said.over, said.unit) {
        (Some(_), _) | (None, Some(Said::MillimetersOfMercury)) => Some(Measure::BloodPressure),
        (None, Some(Said::Degrees | Said::Fahrenheit | Said::Celsius)) => Some(Measure::Temperature),
        (None, Some(Said::Pounds | Said::Kilograms)) => Some(Measure::Weight),
        (None, Some(Said::Percent)) => Some(Measure::Oxygen),
        (None, Some(Said::BeatsAMinute)) => Some(Measure::HeartRate),
        (None, Some(Said::MilligramsPerDeciliter | Said::MillimolesPerLiter)) => Some(Measure::BloodSugar),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("known")
    }

    fn said(measured: f64, unit: Option<Said>) -> Measured {
        Measured { measured, over: None, unit }
    }

    fn weighed(value: i32, unit: Unit) -> Reading {
        let at = "2026-11-30T12:00:00Z".parse().expect("a time");
        let amount = Amount::of(Decimal::whole(value), unit);
        Reading { id: "r".into(), measure: Measure::Weight, amount, at, timed: true }
    }

    #[test]
    fn units_are_said_known_or_asked_for() {
        use Measure::{BloodPressure, BloodSugar, Height, Temperature, Weight};
        let (here, there) = ("America/New_York", "Europe/Berlin");
        #[rustfmt::skip]
        let table = [
            (BloodSugar,  said(130.0, None), vec![], here,  "130 mg/dL"),
            (BloodSugar,  said(5.5, None),   vec![], here,  "5.5 mmol/L"),
            (BloodSugar,  said(25.0, None),  vec![], here,  "25 mg/dL or 25 mmol/L"),
            (BloodSugar,  said(25.0, Some(Said::MillimolesPerLiter)), vec![], here, "25 mmol/L"),
            (BloodSugar,  said(2000.0, None), vec![], here, "impossible"),
            (BloodSugar,  said(5.0, Some(Said::Pounds)), vec![], here, "impossible"),
            (Temperature, said(98.6, None),  vec![], there, "98.6 °F"),
            (Temperature, said(37.5, Some(Said::Degrees)), vec![], here, "37.5 °C"),
            (Temperature, said(60.0, None),  vec![], here,  "impossible"),
            (Weight,      said(160.0, None), vec![], here,  "160 pounds"),
            (Weight,      said(72.0, None),  vec![], there, "72 kg"),
            (Weight,      said(72.0, None),  vec![weighed(160, Unit::Pound)],   here,  "72 pounds or 72 kg"),
            (Weight,      said(158.0, None), vec![weighed(160, Unit::Pound)],   there, "158 pounds"),
            (Weight,      said(158.0, None), vec![weighed(72, Unit::Kilogram)], there, "158 pounds or 158 kg"),
            (BloodPressure, said(120.0, None), vec![], here, "one number"),
            (BloodPressure, Measured { measured: 120.0, over: Some(80.0), unit: None }, vec![], here, "120 over 80"),
            (BloodPressure, Measured { measured: 80.0, over: Some(120.0), unit: None }, vec![], here, "impossible"),
            (Height,      said(64.0, Some(Said::Inches)), vec![], here, "impossible"),
        ];
        for (measure, value, own, place, want) in table {
            let told = |a: &Amount| match a.written_unit() {
                Some(unit) => format!("{} {unit}", a.told()),
                None => a.told(),
            };
            let got = match heard(measure, &value, &own, &zone(place)) {
                Heard::Is(a) => told(&a),
                Heard::Which([a, b]) => format!("{} or {}", told(&a), told(&b)),
                Heard::OneNumber => "one number".to_owned(),
                Heard::Impossible => "impossible".to_owned(),
            };
            assert_eq!(got, want, "{measure:?} {value:?} {place}");
        }
    }

    proptest! {
        /// Whatever number is taken is the number that was said, digit for digit.
        #[test]
        fn what_is_read_back_is_what_was_said(tenths in 0_u32..20_000, n in 0_usize..6) {
            let text = format!("{}.{}", tenths / 10, tenths % 10);
            let measure = Measure::ALL.into_iter().filter(|m| m.own() && *m != Measure::BloodPressure).nth(n);
            let Some(measure) = measure else { return Ok(()) };
            let number: f64 = text.parse().expect("a number");
            if let Heard::Is(amount) = heard(measure, &said(number, None), &[], &zone("America/New_York")) {
                prop_assert_eq!(Some(amount.value), Decimal::read(&text));
                prop_assert_eq!(amount.told().parse::<f64>().ok(), Some(number));
                let kept: Amount = serde_json::from_str(&serde_json::to_string(&amount).expect("JSON")).expect("back");
                prop_assert_eq!(kept, amount);
            }
        }
    }
}
