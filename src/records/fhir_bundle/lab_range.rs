//! Which of a laboratory's ranges is the one of this person, and whether it can be compared with the value.
//!
//! Invariant: a range for the other sex, another age or a state that is not known of the person is not theirs; where several
//! are left that differ, none is taken. The laboratory's own flag stands either way.

use jiff::Timestamp;

use super::{
    Book, dates,
    resources::{Concept, Quantity, Range, Resource},
};

/// Whose result it is.
pub struct Whose {
    gender: Option<String>,
    years: Option<f64>,
}

/// The range that is said.
#[derive(Default, PartialEq, Debug, Clone)]
pub struct Told {
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub words: Option<String>,
}

impl Whose {
    pub fn of(book: &Book<'_>, taken: Timestamp) -> Self {
        let patient = book.resources().find_map(|r| match r {
            Resource::Patient(p) => Some(p),
            _ => None,
        });
        let born = patient.and_then(|p| p.birth_date.as_deref()).and_then(dates::moment);
        let days = born.map(|born| taken.duration_since(born).as_hours() / 24);
        #[allow(clippy::cast_precision_loss, reason = "days of a life are few")]
        let years = days.map(|days| days as f64 / 365.25);
        Self { gender: patient.and_then(|p| p.gender.clone()), years }
    }
}

/// The person's range, for a value in this unit.
pub fn of(ranges: &[Range], whose: &Whose, unit: Option<&str>) -> Told {
    let normal = ranges.iter().filter(|r| r.kind.as_ref().is_none_or(|k| k.has("normal")));
    let theirs: Vec<Told> = normal.filter(|r| is_theirs(r, whose)).map(|r| told(r, unit)).collect();
    match theirs.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => first.clone(),
        _ => Told::default(),
    }
}

fn is_theirs(range: &Range, whose: &Whose) -> bool {
    let age = range.age.as_ref().is_none_or(|age| {
        let Some(years) = whose.years else { return false };
        in_years(age.low.as_ref()).is_none_or(|low| years >= low)
            && in_years(age.high.as_ref()).is_none_or(|high| years < high + 1.0)
    });
    age && range.applies_to.iter().all(|to| sex(to).is_some_and(|sex| whose.gender.as_deref() == Some(sex)))
}

/// An end of an age, in years; months and days are taken as parts of one.
fn in_years(q: Option<&Quantity>) -> Option<f64> {
    let q = q?;
    let value = q.value.as_ref()?.as_f64()?;
    let unit = q.code.as_deref().or(q.unit.as_deref()).unwrap_or("a");
    Some(match unit {
        "mo" | "month" | "months" => value / 12.0,
        "wk" | "week" | "weeks" => value / 52.2,
        "d" | "day" | "days" => value / 365.25,
        _ => value,
    })
}

/// `None` where it is no sex: a state such as a pregnancy, which nobody knows here.
fn sex(to: &Concept) -> Option<&'static str> {
    // SNOMED CT: 248153007 male, 248152002 female.
    let code = |codes: &[&str]| codes.iter().any(|code| to.has(code));
    let words = to.words().unwrap_or_default().to_lowercase();
    if code(&["male", "M", "248153007"]) || matches!(words.as_str(), "male" | "males" | "men" | "m") {
        Some("male")
    } else if code(&["female", "F", "248152002"]) || matches!(words.as_str(), "female" | "females" | "women" | "f") {
        Some("female")
    } else {
        None
    }
}

fn told(range: &Range, unit: Option<&str>) -> Told {
    let number = |q: &Option<Quantity>| q.as_ref()?.value.as_ref()?.as_f64();
    let units = [&range.low, &range.high].into_iter().flatten();
    let mut named = units.filter_map(|q| q.unit.as_deref().or(q.code.as_deref()));
    let other = named.find(|named| unit.is_some_and(|unit| !same_unit(unit, named)));
    let words = range.text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let (low, high) = (number(&range.low), number(&range.high));
    match other {
        Some(other) => {
            let ends = match (low, high) {
                (Some(low), Some(high)) => format!("{low} to {high} {other}"),
                (Some(low), None) => format!("{low} {other} and up"),
                (None, Some(high)) => format!("up to {high} {other}"),
                (None, None) => String::new(),
            };
            Told { low: None, high: None, words: words.or(Some(ends)).filter(|w| !w.is_empty()) }
        }
        None if low.is_none() && high.is_none() => Told { low, high, words },
        None => Told { low, high, words: None },
    }
}

fn same_unit(a: &str, b: &str) -> bool {
    let plain = |unit: &str| unit.to_lowercase().replace(['[', ']', '^', '*', ' ', '{', '}'], "");
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ranges(value: serde_json::Value) -> Vec<Range> {
        serde_json::from_value(value).expect("ranges")
    }

    fn ends(ranges: &[Range], gender: Option<&str>, years: f64, unit: &str) -> (Option<f64>, Option<f64>) {
        let whose = Whose { gender: gender.map(str::to_owned), years: Some(years) };
        let told = of(ranges, &whose, Some(unit));
        (told.low, told.high)
    }

    #[test]
    fn the_range_of_the_other_sex_or_age_is_not_theirs() {
        let both = ranges(json!([
            {"low": {"value": 13.5, "unit": "g/dL"}, "high": {"value": 17.5}, "appliesTo": [{"text": "Male"}]},
            {"low": {"value": 12.0, "unit": "g/dL"}, "high": {"value": 15.5}, "appliesTo": [{"coding": [{"code": "248152002"}]}]},
        ]));
        assert_eq!(ends(&both, Some("female"), 40.0, "g/dL"), (Some(12.0), Some(15.5)));
        assert_eq!(ends(&both, Some("male"), 40.0, "g/dL"), (Some(13.5), Some(17.5)));
        assert_eq!(ends(&both, None, 40.0, "g/dL"), (None, None));
        let aged = ranges(json!([
            {"low": {"value": 1}, "age": {"high": {"value": 17, "code": "a"}}},
            {"low": {"value": 2}, "age": {"low": {"value": 18, "code": "a"}}},
        ]));
        assert_eq!((ends(&aged, None, 9.0, "x").0, ends(&aged, None, 40.0, "x").0), (Some(1.0), Some(2.0)));
        let state = ranges(json!([{"low": {"value": 1}, "appliesTo": [{"text": "Third trimester"}]}]));
        assert_eq!(ends(&state, Some("female"), 30.0, "x"), (None, None));
        let two = ranges(json!([{"low": {"value": 1}}, {"low": {"value": 2}}]));
        assert_eq!(ends(&two, None, 30.0, "x"), (None, None), "nobody knows which");
    }

    #[test]
    fn a_range_in_another_unit_is_said_and_never_compared() {
        let whose = Whose { gender: None, years: None };
        let other =
            ranges(json!([{"low": {"value": 3.9, "unit": "mmol/L"}, "high": {"value": 5.5, "unit": "mmol/L"}}]));
        let told = of(&other, &whose, Some("mg/dL"));
        assert_eq!((told.low, told.high, told.words.as_deref()), (None, None, Some("3.9 to 5.5 mmol/L")));
        let words = ranges(json!([{"text": "Negative"}]));
        assert_eq!(of(&words, &whose, None).words.as_deref(), Some("Negative"));
    }
}
