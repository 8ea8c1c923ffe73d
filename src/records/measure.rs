//! What a body is measured at: measures, units and exact numbers.
//!
//! Invariants: a number keeps the digits it was said or written with; a conversion is a fraction of whole numbers and is
//! rounded only where it is spoken. What is healthy is not known here.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Upper over lower.
    BloodPressure,
    /// Glucose of the blood.
    BloodSugar,
    /// Beats of the heart or pulse.
    HeartRate,
    /// Of the body.
    Temperature,
    /// Of the body.
    Weight,
    /// Of the body.
    Height,
    /// Oxygen saturation of the blood.
    Oxygen,
    /// Body mass index.
    Bmi,
    /// Breaths.
    BreathingRate,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 9] = [
        Self::BloodPressure,
        Self::BloodSugar,
        Self::HeartRate,
        Self::Temperature,
        Self::Weight,
        Self::Height,
        Self::Oxygen,
        Self::Bmi,
        Self::BreathingRate,
    ];

    /// Its name, as the catalogue's lists write it and as it is said.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood pressure",
            Self::BloodSugar => "blood sugar",
            Self::HeartRate => "heart rate",
            Self::Temperature => "temperature",
            Self::Weight => "weight",
            Self::Height => "height",
            Self::Oxygen => "oxygen",
            Self::Bmi => "BMI",
            Self::BreathingRate => "breathing rate",
        }
    }

    /// The measure of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name().eq_ignore_ascii_case(name.trim()))
    }

    /// Its LOINC code, as US Core's vital signs and glucose by meter are coded.
    #[must_use]
    pub const fn loinc(self) -> &'static str {
        match self {
            Self::BloodPressure => "85354-9",
            Self::BloodSugar => "2339-0",
            Self::HeartRate => "8867-4",
            Self::Temperature => "8310-5",
            Self::Weight => "29463-7",
            Self::Height => "8302-2",
            Self::Oxygen => "59408-5",
            Self::Bmi => "39156-5",
            Self::BreathingRate => "9279-1",
        }
    }

    /// Whether people measure it at home and have it kept here.
    #[must_use]
    pub const fn own(self) -> bool {
        !matches!(self, Self::Height | Self::Bmi | Self::BreathingRate)
    }
}

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Of blood pressure.
    MmHg,
    /// Of glucose.
    MgPerDl,
    /// Of glucose.
    MmolPerL,
    /// Of the pulse and of breathing.
    PerMinute,
    /// Of temperature.
    Fahrenheit,
    /// Of temperature.
    Celsius,
    /// Of weight, avoirdupois.
    Pound,
    /// Of weight.
    Kilogram,
    /// Of height.
    Inch,
    /// Of height.
    Centimeter,
    /// Of oxygen.
    Percent,
    /// Of the body mass index.
    KgPerM2,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 12] = [
        Self::MmHg,
        Self::MgPerDl,
        Self::MmolPerL,
        Self::PerMinute,
        Self::Fahrenheit,
        Self::Celsius,
        Self::Pound,
        Self::Kilogram,
        Self::Inch,
        Self::Centimeter,
        Self::Percent,
        Self::KgPerM2,
    ];

    /// Its UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::MmHg => "mm[Hg]",
            Self::MgPerDl => "mg/dL",
            Self::MmolPerL => "mmol/L",
            Self::PerMinute => "/min",
            Self::Fahrenheit => "[degF]",
            Self::Celsius => "Cel",
            Self::Pound => "[lb_av]",
            Self::Kilogram => "kg",
            Self::Inch => "[in_i]",
            Self::Centimeter => "cm",
            Self::Percent => "%",
            Self::KgPerM2 => "kg/m2",
        }
    }

    /// As it is written in an answer; what is said of it aloud, `speech` knows.
    #[must_use]
    pub const fn written(self) -> &'static str {
        match self {
            Self::MmHg => "mmHg",
            Self::MgPerDl => "mg/dL",
            Self::MmolPerL => "mmol/L",
            Self::PerMinute => "a minute",
            Self::Fahrenheit => "°F",
            Self::Celsius => "°C",
            Self::Pound => "pounds",
            Self::Kilogram => "kg",
            Self::Inch => "inches",
            Self::Centimeter => "cm",
            Self::Percent => "%",
            Self::KgPerM2 => "",
        }
    }

    /// The unit of a UCUM code, or of a text that charts write instead.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let coded = Self::ALL.into_iter().find(|unit| unit.ucum() == text);
        coded.or(match text {
            "mmHg" | "mm Hg" => Some(Self::MmHg),
            "beats/minute" | "{beats}/min" | "bpm" | "breaths/minute" | "{breaths}/min" => Some(Self::PerMinute),
            "degF" | "°F" | "F" => Some(Self::Fahrenheit),
            "C" | "°C" | "degC" => Some(Self::Celsius),
            "lb" | "lbs" | "lb_av" => Some(Self::Pound),
            "in" => Some(Self::Inch),
            _ => None,
        })
    }
}

/// A decimal number with up to four places, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(i64);

/// How many of [`Decimal`]'s parts make one. An ounce is 0.0625 pounds, so four places are needed.
const ONE: i64 = 10_000;

impl Decimal {
    /// A whole number.
    #[must_use]
    pub const fn whole(n: i32) -> Self {
        Self(n as i64 * ONE)
    }

    /// The nearest one; `None` beyond ±1 000 000, which nothing that is measured here reaches.
    #[must_use]
    pub fn near(value: f64) -> Option<Self> {
        #[allow(clippy::cast_possible_truncation, reason = "bounded just before")]
        (value.abs() <= 1e6).then(|| Self((value * 10_000.0).round() as i64))
    }

    /// A decimal as it is written: "131", "-2.50". Of more than four places the rest is rounded.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 7 || !numeric(whole) || !numeric(part) {
            return None;
        }
        let up = i64::from(part.as_bytes().get(4).is_some_and(|digit| *digit >= b'5'));
        let part: i64 = format!("{:0<4}", part.get(..4).unwrap_or(part)).parse().ok()?;
        Some(Self(sign * (whole.parse::<i64>().ok()? * ONE + part + up)))
    }

    /// As a fraction, for converting and comparing.
    #[must_use]
    pub const fn exact(self) -> Exact {
        Exact { over: self.0 as i128, under: ONE as i128 }
    }

    /// As a floating-point number, for FHIR's JSON.
    #[must_use]
    pub fn float(self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "bounded by a million with four places: exact")]
        let parts = self.0 as f64;
        parts / 10_000.0
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.abs() / ONE, self.0.abs() % ONE);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let part = format!("{part:04}");
        write!(f, "{sign}{whole}.{}", part.trim_end_matches('0'))
    }
}

/// A fraction of whole numbers; `under` is positive.
#[derive(Debug, Clone, Copy)]
pub struct Exact {
    over: i128,
    under: i128,
}

impl Exact {
    const fn times(self, over: i128, under: i128) -> Self {
        Self { over: self.over * over, under: self.under * under }
    }

    const fn plus(self, whole: i128) -> Self {
        Self { over: self.over + whole * self.under, under: self.under }
    }

    /// Rounded half away from zero to so many places, at most 4.
    #[must_use]
    pub fn rounded(self, places: u32) -> Decimal {
        let scale = 10_i128.pow(places.min(4));
        let doubled = self.over * scale * 2 / self.under;
        let units = (doubled + doubled.signum()) / 2;
        Decimal(i64::try_from(units * (i128::from(ONE) / scale)).unwrap_or(i64::MAX))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.over * other.under).cmp(&(other.over * self.under))
    }
}

/// The same quantity in another unit, exactly; `None` where the units are not of one kind.
///
/// Factors: the pound is 0.45359237 kg and the inch 2.54 cm (international yard and pound agreement, 1959); glucose weighs
/// 180.156 g a mole (PubChem CID 5793), so 1 mmol/L is 18.0156 mg/dL.
#[must_use]
pub fn convert(value: Exact, from: Unit, to: Unit) -> Option<Exact> {
    use Unit::{Celsius, Centimeter, Fahrenheit, Inch, Kilogram, MgPerDl, MmolPerL, Pound};
    Some(match (from, to) {
        (a, b) if a == b => value,
        (Pound, Kilogram) => value.times(45_359_237, 100_000_000),
        (Kilogram, Pound) => value.times(100_000_000, 45_359_237),
        (Inch, Centimeter) => value.times(254, 100),
        (Centimeter, Inch) => value.times(100, 254),
        (Fahrenheit, Celsius) => value.plus(-32).times(5, 9),
        (Celsius, Fahrenheit) => value.times(9, 5).plus(32),
        (MgPerDl, MmolPerL) => value.times(10_000, 180_156),
        (MmolPerL, MgPerDl) => value.times(180_156, 10_000),
        _ => return None,
    })
}

/// A number with its unit; two numbers for a blood pressure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The number; the upper one of a blood pressure.
    pub value: Decimal,
    /// The lower number of a blood pressure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<Decimal>,
    /// Of both.
    pub unit: Unit,
}

impl Amount {
    /// One number.
    #[must_use]
    pub const fn of(value: Decimal, unit: Unit) -> Self {
        Self { value, lower: None, unit }
    }

    /// The number as it is said: "131", "120 over 80".
    #[must_use]
    pub fn told(&self) -> String {
        self.lower.map_or_else(|| self.value.to_string(), |lower| format!("{} over {lower}", self.value))
    }

    /// The unit as it is written; none where it is not said: "120 over 80", "a BMI of 27".
    #[must_use]
    pub fn written_unit(&self) -> Option<&'static str> {
        Some(self.unit.written()).filter(|written| self.lower.is_none() && !written.is_empty())
    }

    /// The first number in another unit, exactly.
    #[must_use]
    pub fn in_unit(&self, unit: Unit) -> Option<Exact> {
        convert(self.value.exact(), self.unit, unit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn d(text: &str) -> Decimal {
        Decimal::read(text).expect("a decimal")
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (text, want) in [
            ("131", "131"),
            ("98.60", "98.6"),
            ("-2.5", "-2.5"),
            ("0.0625", "0.0625"),
            ("007", "7"),
            ("4.23456789", "4.2346"),
            ("1.99999", "2"),
        ] {
            assert_eq!(d(text).to_string(), want);
        }
        for bad in ["", ".", ".5", "1e3", "+1", "--1", "12345678", "1,5", "a"] {
            assert_eq!(Decimal::read(bad), None, "{bad:?}");
        }
        for odd in [f64::NAN, f64::INFINITY, -1e9] {
            assert_eq!(Decimal::near(odd), None);
        }
    }

    #[test]
    fn conversions_are_exact() {
        use Unit::{Celsius, Centimeter, Fahrenheit, Inch, Kilogram, MgPerDl, MmolPerL, PerMinute, Pound};
        #[rustfmt::skip]
        let table = [
            ("100",     Pound,      Kilogram,   "45.3592"), // 45.359237
            ("2.2046",  Pound,      Kilogram,   "1"),       // 0.99999…, to 2 places below
            ("1",       Kilogram,   Pound,      "2.2046"),
            ("98.6",    Fahrenheit, Celsius,    "37"),
            ("-40",     Celsius,    Fahrenheit, "-40"),
            ("100.4",   Fahrenheit, Celsius,    "38"),
            ("37",      Celsius,    Fahrenheit, "98.6"),
            ("10",      Inch,       Centimeter, "25.4"),
            ("2.54",    Centimeter, Inch,       "1"),
            ("18.0156", MgPerDl,    MmolPerL,   "1"),
            ("70",      MgPerDl,    MmolPerL,   "3.8855"),
            ("5.5",     MmolPerL,   MgPerDl,    "99.0858"),
            ("72",      PerMinute,  PerMinute,  "72"),
        ];
        for (value, from, to, want) in table {
            let places = if value == "2.2046" { 2 } else { 4 };
            let got = convert(d(value).exact(), from, to).expect("of one kind").rounded(places);
            assert_eq!(got.to_string(), want, "{value} {from:?}");
        }
        assert!(convert(d("1").exact(), Pound, Celsius).is_none());
        assert!(convert(d("69.9").exact(), MgPerDl, MmolPerL) < convert(d("70").exact(), MgPerDl, MmolPerL));
    }

    #[test]
    fn names_and_codes_are_read_back() {
        for measure in Measure::ALL {
            assert_eq!(Measure::named(measure.name()), Some(measure));
        }
        for unit in Unit::ALL {
            assert_eq!(Unit::read(unit.ucum()), Some(unit));
        }
        assert_eq!((Unit::read("furlong"), Measure::named("mood")), (None, None));
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_is_written(parts in -9_999_999_999_i64..9_999_999_999) {
            let one = Decimal(parts);
            prop_assert_eq!(Decimal::read(&one.to_string()), Some(one));
            prop_assert_eq!(Decimal::near(one.float()), Some(one).filter(|_| one.float().abs() <= 1e6));
        }

        /// There and back is where it was, to the last digit.
        #[test]
        fn a_conversion_can_be_taken_back(parts in -5_000_000_i64..50_000_000, n in 0_usize..4) {
            let (a, b) = [
                (Unit::Pound, Unit::Kilogram),
                (Unit::Fahrenheit, Unit::Celsius),
                (Unit::Inch, Unit::Centimeter),
                (Unit::MgPerDl, Unit::MmolPerL),
            ][n];
            let one = Decimal(parts).exact();
            let back = convert(one, a, b).and_then(|there| convert(there, b, a));
            prop_assert_eq!(back, Some(one));
        }
    }
}
