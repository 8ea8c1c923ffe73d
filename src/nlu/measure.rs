//! What a body was measured at, as it is said: "one twenty over eighty", "a hundred and six point two", "five foot
//! four", "two ten pounds". The number and the unit come from the words alone; what is healthy is not known here.

use serde::{Deserialize, Serialize};

use super::numbers;

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The number; the upper one of a blood pressure. Feet and inches are inches, stones and ounces are pounds.
    pub measured: f64,
    /// The lower number of a blood pressure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<f64>,
    /// The unit, where one was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// A unit as it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of temperature, the scale not said.
    Degrees,
    /// Of temperature.
    Fahrenheit,
    /// Of temperature.
    Celsius,
    /// Of weight, avoirdupois.
    Pounds,
    /// Of weight.
    Kilograms,
    /// Of weight.
    Grams,
    /// Of height or girth; 12 to a foot.
    Inches,
    /// Of height or girth.
    Centimeters,
    /// Of height.
    Meters,
    /// Of oxygen or hemoglobin A1c.
    Percent,
    /// Of the pulse.
    BeatsAMinute,
    /// Of breathing.
    BreathsAMinute,
    /// Of blood pressure.
    MillimetersOfMercury,
    /// Of glucose or cholesterol.
    MilligramsPerDeciliter,
    /// Of glucose or cholesterol.
    MillimolesPerLiter,
    /// Of peak flow.
    LitersAMinute,
    /// Of pain, from 0 to 10.
    OutOfTen,
    /// Of walking.
    Steps,
    /// Of drink.
    Ounces,
    /// Of drink.
    Milliliters,
    /// Of drink.
    Liters,
    /// Of drink.
    Glasses,
    /// Of sleep or exercise.
    Hours,
    /// Of sleep or exercise.
    Minutes,
}

impl Unit {
    /// Its name as text.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Degrees => "degrees",
            Self::Fahrenheit => "fahrenheit",
            Self::Celsius => "celsius",
            Self::Pounds => "pounds",
            Self::Kilograms => "kilograms",
            Self::Grams => "grams",
            Self::Inches => "inches",
            Self::Centimeters => "centimeters",
            Self::Meters => "meters",
            Self::Percent => "percent",
            Self::BeatsAMinute => "beats a minute",
            Self::BreathsAMinute => "breaths a minute",
            Self::MillimetersOfMercury => "millimeters of mercury",
            Self::MilligramsPerDeciliter => "milligrams per deciliter",
            Self::MillimolesPerLiter => "millimoles per liter",
            Self::LitersAMinute => "liters a minute",
            Self::OutOfTen => "out of ten",
            Self::Steps => "steps",
            Self::Ounces => "ounces",
            Self::Milliliters => "milliliters",
            Self::Liters => "liters",
            Self::Glasses => "glasses",
            Self::Hours => "hours",
            Self::Minutes => "minutes",
        }
    }
}

/// Units by their words. Longer ones stand before shorter ones that begin alike.
const UNITS: &[(&str, Unit)] = &[
    ("degrees fahrenheit", Unit::Fahrenheit),
    ("degrees f", Unit::Fahrenheit),
    ("degrees celsius", Unit::Celsius),
    ("degrees centigrade", Unit::Celsius),
    ("degrees c", Unit::Celsius),
    ("degrees", Unit::Degrees),
    ("degree", Unit::Degrees),
    ("fahrenheit", Unit::Fahrenheit),
    ("f", Unit::Fahrenheit),
    ("celsius", Unit::Celsius),
    ("centigrade", Unit::Celsius),
    ("c", Unit::Celsius),
    ("pounds", Unit::Pounds),
    ("pound", Unit::Pounds),
    ("lbs", Unit::Pounds),
    ("lb", Unit::Pounds),
    ("kilograms", Unit::Kilograms),
    ("kilogram", Unit::Kilograms),
    ("kilos", Unit::Kilograms),
    ("kilo", Unit::Kilograms),
    ("kgs", Unit::Kilograms),
    ("kg", Unit::Kilograms),
    ("grams", Unit::Grams),
    ("inches", Unit::Inches),
    ("inch", Unit::Inches),
    ("centimeters", Unit::Centimeters),
    ("centimetres", Unit::Centimeters),
    ("cm", Unit::Centimeters),
    ("meters", Unit::Meters),
    ("metres", Unit::Meters),
    ("meter", Unit::Meters),
    ("percent", Unit::Percent),
    ("per cent", Unit::Percent),
    ("beats per minute", Unit::BeatsAMinute),
    ("beats a minute", Unit::BeatsAMinute),
    ("beats", Unit::BeatsAMinute),
    ("bpm", Unit::BeatsAMinute),
    ("breaths per minute", Unit::BreathsAMinute),
    ("breaths a minute", Unit::BreathsAMinute),
    ("millimeters of mercury", Unit::MillimetersOfMercury),
    ("millimetres of mercury", Unit::MillimetersOfMercury),
    ("mmhg", Unit::MillimetersOfMercury),
    ("milligrams per deciliter", Unit::MilligramsPerDeciliter),
    ("milligrams a deciliter", Unit::MilligramsPerDeciliter),
    ("milligrams dl", Unit::MilligramsPerDeciliter),
    ("mg dl", Unit::MilligramsPerDeciliter),
    ("millimoles per liter", Unit::MillimolesPerLiter),
    ("millimoles per litre", Unit::MillimolesPerLiter),
    ("millimoles", Unit::MillimolesPerLiter),
    ("mmol", Unit::MillimolesPerLiter),
    ("liters per minute", Unit::LitersAMinute),
    ("liters a minute", Unit::LitersAMinute),
    ("out of ten", Unit::OutOfTen),
    ("out of a ten", Unit::OutOfTen),
    ("on a scale of one to ten", Unit::OutOfTen),
    ("steps", Unit::Steps),
    ("fluid ounces", Unit::Ounces),
    ("ounces", Unit::Ounces),
    ("oz", Unit::Ounces),
    ("milliliters", Unit::Milliliters),
    ("millilitres", Unit::Milliliters),
    ("ml", Unit::Milliliters),
    ("liters", Unit::Liters),
    ("litres", Unit::Liters),
    ("liter", Unit::Liters),
    ("glasses", Unit::Glasses),
    ("glass", Unit::Glasses),
    ("hours", Unit::Hours),
    ("hour", Unit::Hours),
    ("minutes", Unit::Minutes),
    ("minute", Unit::Minutes),
];

impl Measured {
    /// As one line: `120/80`, `98.6 degrees`, `64 inches`, `210`.
    #[must_use]
    pub fn told(&self) -> String {
        let number = self.over.map_or_else(|| self.measured.to_string(), |over| format!("{}/{over}", self.measured));
        self.unit.map_or_else(|| number.clone(), |unit| format!("{number} {}", unit.told()))
    }

    /// The same with a number that sounds like the one said: fifteen for fifty, and the other way round.
    #[must_use]
    pub fn sounds_like(&self) -> Vec<Self> {
        let mut others = Vec::new();
        others.extend(teen_or_ten(self.measured).map(|measured| Self { measured, ..*self }));
        others.extend(self.over.and_then(teen_or_ten).map(|over| Self { over: Some(over), ..*self }));
        // A pressure has its larger number first and neither is tiny: "120 over 18" was not meant by anybody.
        others.retain(|o| o.over.is_none_or(|over| over < o.measured && over >= 30.0));
        others
    }
}

/// 115 for 150, 150 for 115. The last two digits alone decide, and only whole numbers sound alike.
fn teen_or_ten(value: f64) -> Option<f64> {
    let last = value % 100.0;
    if value.fract() != 0.0 {
        return None;
    }
    if (13.0..=19.0).contains(&last) {
        return Some(value - last + (last - 10.0) * 10.0);
    }
    let tens = last / 10.0;
    (tens.fract() == 0.0 && (3.0..=9.0).contains(&tens)).then_some(value - last + 10.0 + tens)
}

/// The measured values that begin with the first of the words, each with how many words it takes: without and with
/// what may follow.
#[must_use]
pub fn at(words: &[&str]) -> Vec<(Measured, usize)> {
    let mut found = Vec::new();
    let Some((number, used)) = written_pair(words).or_else(|| height(words)).or_else(|| plain(words)) else {
        return found;
    };
    found.push((number, used));
    let rest = words.get(used..).unwrap_or_default();
    if number.over.is_none()
        && number.unit.is_none()
        && let [joint @ ("over" | "on" | "slash"), rest @ ..] = rest
        && let Some((over, n)) =
            spoken(rest).or_else(|| plural(rest)).filter(|(over, _)| *joint != "on" || *over >= 30.0)
    {
        found = vec![(Measured { over: Some(over), ..number }, used + 1 + n)];
    }
    // Each longer reading builds on the last one found.
    let Some(&(number, used)) = found.last() else { return found };
    let rest = words.get(used..).unwrap_or_default();
    if number.unit.is_none()
        && let Some((unit, n)) = unit(rest)
    {
        let whole = match (unit, rest.get(n..).and_then(pounds_and)) {
            (Unit::Pounds, Some((ounces, more))) => {
                (Measured { measured: number.measured + ounces / 16.0, unit: Some(unit), ..number }, used + n + more)
            }
            _ => (Measured { unit: Some(unit), ..number }, used + n),
        };
        found.push(whole);
    }
    found
}

/// "55s", as hearing may write the last number.
fn plural(words: &[&str]) -> Option<(f64, usize)> {
    let number = words.first()?.strip_suffix('s')?;
    number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok()).flatten().map(|number| (number, 1))
}

fn unit(words: &[&str]) -> Option<(Unit, usize)> {
    let fits = |phrase: &str| {
        let n = phrase.split(' ').count();
        phrase.split(' ').eq(words.iter().take(n).copied()).then_some(n)
    };
    UNITS.iter().find_map(|(phrase, unit)| fits(phrase).map(|n| (*unit, n)))
}

/// "six ounces" after pounds.
fn pounds_and(words: &[&str]) -> Option<(f64, usize)> {
    let and = usize::from(words.first() == Some(&"and"));
    let (ounces, n) = spoken(words.get(and..)?)?;
    let named = matches!(words.get(and + n), Some(&("ounces" | "ounce" | "oz")));
    (named && ounces < 16.0).then_some((ounces, and + n + 1))
}

/// "120/80" as it is written.
fn written_pair(words: &[&str]) -> Option<(Measured, usize)> {
    let (upper, lower) = words.first()?.split_once('/')?;
    let (measured, over): (f64, f64) = (upper.parse().ok()?, lower.parse().ok()?);
    let fits = (30.0..=400.0).contains(&measured) && (20.0..=300.0).contains(&over);
    fits.then_some((Measured { measured, over: Some(over), unit: None }, 1))
}

/// "five foot four", "five feet four and a half inches", "six foot", "5'4", "eleven stone four".
fn height(words: &[&str]) -> Option<(Measured, usize)> {
    let inches =
        |feet: f64, inches: f64| Measured { measured: feet * 12.0 + inches, over: None, unit: Some(Unit::Inches) };
    if let Some((feet, rest)) = words.first()?.split_once('\'') {
        return Some((inches(feet.parse().ok()?, rest.parse().ok()?), 1));
    }
    let (count, used) = spoken(words)?;
    let (each, made): (f64, fn(f64) -> Measured) = match *words.get(used)? {
        "foot" | "feet" | "ft" => (12.0, |measured| Measured { measured, over: None, unit: Some(Unit::Inches) }),
        "stone" | "stones" => (14.0, |measured| Measured { measured, over: None, unit: Some(Unit::Pounds) }),
        _ => return None,
    };
    let used = used + 1;
    let and = usize::from(words.get(used) == Some(&"and"));
    let more = words.get(used + and..).and_then(spoken).filter(|(n, _)| *n < each);
    let Some((more, n)) = more else { return Some((made(count * each), used)) };
    let used = used + and + n;
    let named = matches!(words.get(used), Some(&("inches" | "inch" | "in" | "pounds" | "pound")));
    Some((made(count * each + more), used + usize::from(named)))
}

fn plain(words: &[&str]) -> Option<(Measured, usize)> {
    spoken(words).map(|(measured, n)| (Measured { measured, over: None, unit: None }, n))
}

/// A number as values are said: "one twenty", "two oh five", "ninety eight six", "six and a half".
#[must_use]
pub fn spoken(words: &[&str]) -> Option<(f64, usize)> {
    let (value, used) = by_hundreds(words).or_else(|| numbers::number(words))?;
    let rest = words.get(used..).unwrap_or_default();
    if rest.starts_with(&["and", "a", "half"]) {
        return Some((value + 0.5, used + 3));
    }
    // "ninety eight six" on a thermometer; nothing else is said like that.
    if (94.0..=99.0).contains(&value)
        && value.fract() == 0.0
        && used == 2
        && let Some((tenths, 1)) = rest.get(..1).and_then(numbers::below_hundred)
        && tenths < 10
        && !matches!(rest.get(1), Some(&("over" | "hundred")))
    {
        return Some((value + f64::from(tenths) / 10.0, used + 1));
    }
    Some((value, used))
}

/// "one twenty five", "two oh six point one": hundreds without the word. Hearing may write them "1-25".
fn by_hundreds(words: &[&str]) -> Option<(f64, usize)> {
    if let Some((hundreds, below)) = words.first()?.split_once('-') {
        let (hundreds, below): (u32, u32) = (hundreds.parse().ok()?, below.parse().ok()?);
        let fits = (1..=9).contains(&hundreds) && (10..100).contains(&below);
        return fits.then(|| (f64::from(hundreds * 100 + below), 1));
    }
    let (hundreds, 1) = numbers::below_hundred(words.get(..1)?)? else { return None };
    if !(1..=9).contains(&hundreds) {
        return None;
    }
    let rest = words.get(1..)?;
    let (below, used) = match rest {
        ["oh" | "o" | "zero", digit, ..] => {
            let (n, _) = numbers::below_hundred(&[digit]).filter(|(n, _)| (1..10).contains(n))?;
            (n, 2)
        }
        _ => numbers::below_hundred(rest).filter(|(n, _)| *n >= 10)?,
    };
    let whole = f64::from(hundreds * 100 + below);
    let at = 1 + used;
    Some(match numbers::decimals(words.get(at..).unwrap_or_default()) {
        Some((part, n)) => (((whole + part) * 1e6).round() / 1e6, at + n),
        None => (whole, at),
    })
}

#[cfg(test)]
mod tests;
