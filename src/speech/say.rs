//! The helpers of reply templates: days, clocks, numbers, lists.

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use minijinja::{Environment, Error, ErrorKind, State, Value, value::Object};

use super::{Moment, ssml::Mark};

/// The moment under which a template finds out what "tomorrow" is.
#[derive(Debug)]
pub(super) struct Now(pub Moment);

impl Object for Now {}

/// The name of the [`Now`] object in every template.
pub(super) const NOW: &str = "moment";

pub(super) fn add_helpers(env: &mut Environment<'_>) {
    env.add_filter("day", |state: &State<'_, '_>, value: String| day_of(state, &value).map(|(d, today)| day(d, today)));
    env.add_filter("on_day", |state: &State<'_, '_>, value: String| {
        day_of(state, &value).map(|(d, today)| match day(d, today) {
            said if said.starts_with(|c: char| c.is_lowercase()) => said,
            said => format!("on {said}"),
        })
    });
    env.add_filter("date", |state: &State<'_, '_>, value: String| {
        day_of(state, &value).map(|(d, today)| match day(d, today) {
            near if near.starts_with(|c: char| c.is_lowercase()) => format!("{near}, {}", full_day(d)),
            far => far,
        })
    });
    env.add_filter("clock", |state: &State<'_, '_>, value: String| {
        let moment = moment(state)?;
        let at: Timestamp = value.parse().map_err(|_| wrong("clock needs a time"))?;
        Ok::<_, Error>(clock(at.to_zoned(moment.zone.clone()).time()))
    });
    super::there::add_helpers(env);
    env.add_filter("plural", |n: i64, one: String, many: Option<String>| plural(n, &one, many.as_deref()));
    env.add_filter("number", |value: Value| number(&value.to_string()));
    env.add_filter("list", |items: Vec<String>, word: Option<String>| list(&items, word.as_deref().unwrap_or("and")));
    env.add_filter("ordinal", ordinal);
    env.add_filter("dose", |value: String| Mark::Sub { written: &value, spoken: &spelled_units(&value) }.travel());
    env.add_filter("measure", |value: String, unit: Option<String>| measure(&value, unit.as_deref()).travel());
    env.add_filter("digits", |value: String| Mark::Digits(&value).travel());
    env.add_filter("sentence", |value: String| sentence(&value));
    env.add_filter("was", |test: String| if is_several(&test) { "were" } else { "was" });
    env.add_filter("cap", |value: String| capitalized(&value));
    env.add_function("pause", || Mark::Pause.travel());
}

pub(super) fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

pub(super) fn moment(state: &State<'_, '_>) -> Result<std::sync::Arc<Now>, Error> {
    state.lookup(NOW).and_then(|v| v.downcast_object::<Now>()).ok_or_else(|| wrong("no moment is known"))
}

impl std::ops::Deref for Now {
    type Target = Moment;
    fn deref(&self) -> &Moment {
        &self.0
    }
}

/// The day a value means in the speaker's zone, and today.
fn day_of(state: &State<'_, '_>, value: &str) -> Result<(Date, Date), Error> {
    let moment = moment(state)?;
    let today = moment.now.to_zoned(moment.zone.clone()).date();
    let date = match value.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(moment.zone.clone()).date(),
        Err(_) => value.parse::<Date>().map_err(|_| wrong("day needs a date or a time"))?,
    };
    Ok((date, today))
}

/// "today", "tomorrow", "Thursday, December 3rd", with the year when it is not this one.
pub fn day(date: Date, today: Date) -> String {
    let away = today.until(date).map(|span| span.get_days()).unwrap_or(i32::MAX);
    match away {
        0 => return "today".into(),
        1 => return "tomorrow".into(),
        -1 => return "yesterday".into(),
        _ => {}
    }
    let said = full_day(date);
    if date.year() == today.year() { said } else { format!("{said}, {}", date.year()) }
}

/// "Thursday, December 3rd".
pub(super) fn full_day(date: Date) -> String {
    format!("{} {}", date.strftime("%A, %B"), ordinal_digits(i64::from(date.day())))
}

/// "2:30 PM", "9 AM", "noon", "midnight".
pub fn clock(time: Time) -> String {
    let (hour, minute) = (time.hour(), time.minute());
    let half = if hour < 12 { "AM" } else { "PM" };
    let shown = if hour % 12 == 0 { 12 } else { hour % 12 };
    match (hour, minute) {
        (0, 0) => "midnight".into(),
        (12, 0) => "noon".into(),
        (_, 0) => format!("{shown} {half}"),
        _ => format!("{shown}:{minute:02} {half}"),
    }
}

/// "no refills", "1 refill", "2 refills"; irregular ones name their plural.
pub fn plural(n: i64, one: &str, many: Option<&str>) -> String {
    let many = || many.map_or_else(|| format!("{one}s"), str::to_owned);
    match n {
        0 => format!("no {}", many()),
        1 => format!("1 {one}"),
        _ => format!("{n} {}", many()),
    }
}

/// A laboratory's number as it is said: "<5" → "less than 5"; more than three decimals are a machine's, not a
/// laboratory's, and are rounded. Words stay words.
pub fn number(text: &str) -> String {
    let text = text.trim();
    for (sign, said) in [("<=", "at most "), (">=", "at least "), ("<", "less than "), (">", "more than ")] {
        if let Some(rest) = text.strip_prefix(sign) {
            return format!("{said}{}", number(rest));
        }
    }
    let Ok(value) = text.parse::<f64>() else { return text.to_owned() };
    if !value.is_finite() {
        return text.to_owned();
    }
    let decimals = text.split_once('.').map_or(0, |(_, d)| d.len());
    if decimals == 0 {
        return text.to_owned();
    }
    let rounded = match (decimals, value.abs()) {
        (..=3, _) => text.to_owned(),
        (_, size) if size >= 100.0 => format!("{value:.0}"),
        (_, size) if size >= 1.0 => format!("{value:.1}"),
        (_, size) if size >= 0.01 => format!("{value:.2}"),
        (_, _) => format!("{value:.4}"),
    };
    if rounded.contains('.') { rounded.trim_end_matches('0').trim_end_matches('.').to_owned() } else { rounded }
}

/// "a", "a and b", "a, b and c".
pub fn list(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} {word} {last}", head.join(", ")),
    }
}

/// "first" … "tenth", then "11th".
pub fn ordinal(n: i64) -> String {
    const WORDS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    usize::try_from(n)
        .ok()
        .and_then(|n| WORDS.get(n.checked_sub(1)?))
        .map_or_else(|| ordinal_digits(n), |w| (*w).into())
}

fn ordinal_digits(n: i64) -> String {
    let tail = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{tail}")
}

/// Units spelled out: "10 mg" → "10 milligrams", "131 mg/dL" → "131 milligrams per deciliter".
pub fn spelled_units(text: &str) -> String {
    const UNITS: [(&str, &str); 49] = [
        ("mg", "milligrams"),
        ("mcg", "micrograms"),
        ("ug", "micrograms"),
        ("g", "grams"),
        ("kg", "kilograms"),
        ("mL", "milliliters"),
        ("ml", "milliliters"),
        ("L", "liters"),
        ("dL", "deciliter"),
        ("mEq", "milliequivalents"),
        ("mmol", "millimoles"),
        ("umol", "micromoles"),
        ("mm[Hg]", "millimeters of mercury"),
        ("mmHg", "millimeters of mercury"),
        ("pg", "picograms"),
        ("ng", "nanograms"),
        ("fL", "femtoliters"),
        ("U", "units"),
        ("IU", "international units"),
        ("%", "percent"),
        ("h", "hour"),
        ("m2", "square meters"),
        ("min", "minutes"),
        ("uL", "microliters"),
        ("mm", "millimeters"),
        ("cm", "centimeters"),
        ("lb", "pounds"),
        ("°F", "degrees Fahrenheit"),
        ("°C", "degrees Celsius"),
        ("nmol", "nanomoles"),
        ("pmol", "picomoles"),
        ("uIU", "micro-international units"),
        ("mIU", "milli-international units"),
        ("mU", "milliunits"),
        ("mOsm", "milliosmoles"),
        ("meq", "milliequivalents"),
        ("hr", "hours"),
        ("mol", "moles"),
        ("kU", "thousand units"),
        ("nL", "nanoliters"),
        ("HPF", "high power field"),
        ("LPF", "low power field"),
        ("thousand", "thousand"),
        ("million", "million"),
        ("billion", "billion"),
        ("10*3", "thousand"),
        ("10^3", "thousand"),
        ("10*6", "million"),
        ("10^6", "million"),
    ];
    let one = |unit: &str| UNITS.iter().find(|(short, _)| *short == unit).map(|(_, long)| *long);
    let per = |unit: &str| one(unit).map(|long| long.strip_suffix('s').unwrap_or(long).to_owned());
    let words: Vec<&str> = text.split(' ').collect();
    let spelled = words.iter().enumerate().map(|(n, word)| {
        let said = match word.split_once('/') {
            Some(("", tail)) => per(tail).map(|tail| format!("per {tail}")),
            Some((head, tail)) => one(head).zip(per(tail)).map(|(head, tail)| format!("{head} per {tail}")),
            // "42%" glues the sign to the number.
            None => one(word).map(str::to_owned).or_else(|| word.strip_suffix('%').map(|n| format!("{n} percent"))),
        };
        let Some(said) = said else { return (*word).to_owned() };
        // "A 10 milligram tablet", "1 milligram".
        let before_noun =
            words.get(n + 1).is_some_and(|next| next.starts_with(|c: char| c.is_lowercase()) && one(next).is_none());
        let single = before_noun || (n > 0 && words[n - 1] == "1");
        if single && !word.contains('/') { said.strip_suffix('s').unwrap_or(&said).to_owned() } else { said }
    });
    spelled.collect::<Vec<_>>().join(" ")
}

/// A value with its unit: written "6.8%" or "131 mg/dL", spoken in words.
struct Measure {
    written: String,
    spoken: String,
}

impl Measure {
    fn travel(&self) -> String {
        Mark::Sub { written: &self.written, spoken: &self.spoken }.travel()
    }
}

/// A unit without what nobody says of it: "mL/min/{1.73_m2}" → "mL/min", "{beats}/min" → "/min".
///
/// What laboratories write for a power of ten and UCUM's brackets are written as people read them: "10*3/uL" and "K/uL" →
/// "thousand/uL", "m[IU]/L" → "mIU/L".
fn plain_unit(unit: &str) -> String {
    const POWERS: [(&[&str], &str); 3] = [
        (&["10*3/", "10^3/", "x10E3/", "x10*3/", "x10^3/", "10e3/", "K/", "Thousand/", "thou/"], "thousand/"),
        (&["10*6/", "10^6/", "x10E6/", "x10*6/", "x10^6/", "10e6/", "M/", "Million/"], "million/"),
        (&["10*9/", "10^9/", "x10E9/", "x10*9/", "x10^9/", "10e9/"], "billion/"),
    ];
    let power = POWERS.iter().find_map(|(signs, said)| {
        let rest = signs.iter().find_map(|sign| unit.strip_prefix(sign))?;
        Some(format!("{said}{rest}"))
    });
    let unit = power.unwrap_or_else(|| unit.replace(['[', ']'], "").replace("mmHg", "mm[Hg]"));
    let unit = unit.as_str();
    let unit = ["/{", "/1.73", " per 1.73"].into_iter().find_map(|cut| Some(unit.split_once(cut)?.0)).unwrap_or(unit);
    match (unit.find('{'), unit.find('}')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &unit[..open], &unit[close + 1..]),
        _ => unit.to_owned(),
    }
}

fn measure(value: &str, unit: Option<&str>) -> Measure {
    let value = number(value);
    let unit = unit.map(plain_unit).filter(|unit| !unit.is_empty());
    let unit = unit.as_deref();
    let apart = unit.map_or_else(|| value.clone(), |u| format!("{value} {u}"));
    let written = if unit == Some("%") { format!("{value}%") } else { apart.clone() };
    Measure { written, spoken: spelled_units(&apart) }
}

/// With a final mark, so that what follows is a sentence of its own.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

/// "Your platelets were", "your glucose was". Names of tests end in an "s" for other reasons, too.
fn is_several(test: &str) -> bool {
    let last = test.rsplit(' ').next().unwrap_or(test).to_lowercase();
    let one = ["ss", "us", "is", "as", "os"].iter().any(|end| last.ends_with(end));
    last.ends_with('s') && last.len() > 3 && !one
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    #[test]
    fn days_are_said_as_people_say_them() {
        let today = date(2026, 11, 20);
        for (d, want) in [
            (date(2026, 11, 20), "today"),
            (date(2026, 11, 21), "tomorrow"),
            (date(2026, 11, 19), "yesterday"),
            (date(2026, 12, 3), "Thursday, December 3rd"),
            (date(2026, 12, 11), "Friday, December 11th"),
            (date(2026, 12, 22), "Tuesday, December 22nd"),
            (date(2027, 1, 1), "Friday, January 1st, 2027"),
        ] {
            assert_eq!(day(d, today), want);
        }
    }

    #[test]
    fn clocks_never_say_twelve() {
        for (t, want) in [
            (time(0, 0, 0, 0), "midnight"),
            (time(0, 30, 0, 0), "12:30 AM"),
            (time(9, 0, 0, 0), "9 AM"),
            (time(12, 0, 0, 0), "noon"),
            (time(12, 5, 0, 0), "12:05 PM"),
            (time(14, 30, 0, 0), "2:30 PM"),
        ] {
            assert_eq!(clock(t), want);
        }
    }

    #[test]
    fn numbers_lists_plurals_ordinals() {
        for (written, want) in [
            ("131", "131"),
            ("5.40", "5.4"),
            ("7.33", "7.33"),
            ("<5", "less than 5"),
            (">=90", "at least 90"),
            ("194.38590839195774", "194"),
            ("4.123456", "4.1"),
            ("0.0347999", "0.03"),
            ("positive", "positive"),
            ("100", "100"),
            ("1200", "1200"),
            ("0.00012", "0.0001"),
            ("NaN", "NaN"),
            ("-2.50", "-2.5"),
        ] {
            assert_eq!(number(written), want, "{written}");
        }
        let of = |items: &[&str]| list(&items.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(), "and");
        assert_eq!(
            (of(&[]), of(&["a"]), of(&["a", "b"]), of(&["a", "b", "c"])),
            (String::new(), "a".into(), "a and b".into(), "a, b and c".into())
        );
        assert_eq!(
            (plural(0, "refill", None), plural(1, "refill", None), plural(2, "refill", None)),
            ("no refills".into(), "1 refill".into(), "2 refills".into())
        );
        assert_eq!(plural(3, "pharmacy", Some("pharmacies")), "3 pharmacies");
        assert_eq!(
            (ordinal(1), ordinal(10), ordinal(11), ordinal(22), ordinal(-1)),
            ("first".into(), "tenth".into(), "11th".into(), "22nd".into(), "-1th".into())
        );
    }

    #[test]
    fn units_of_laboratories_are_said() {
        for (value, unit, written, spoken) in [
            ("58", "mL/min/{1.73_m2}", "58 mL/min", "58 milliliters per minute"),
            ("58", "mL/min/1.73m2", "58 mL/min", "58 milliliters per minute"),
            ("6.1", "10*3/uL", "6.1 thousand/uL", "6.1 thousand per microliter"),
            ("250", "K/uL", "250 thousand/uL", "250 thousand per microliter"),
            ("250", "x10E3/uL", "250 thousand/uL", "250 thousand per microliter"),
            ("250", "10*9/L", "250 billion/L", "250 billion per liter"),
            ("4.2", "10*6/uL", "4.2 million/uL", "4.2 million per microliter"),
            ("30", "[IU]/L", "30 IU/L", "30 international units per liter"),
            ("2.1", "m[IU]/L", "2.1 mIU/L", "2.1 milli-international units per liter"),
            ("4.1", "meq/L", "4.1 meq/L", "4.1 milliequivalents per liter"),
            ("20", "mm/hr", "20 mm/hr", "20 millimeters per hour"),
            ("20", "mm/h", "20 mm/h", "20 millimeters per hour"),
            ("48", "mmol/mol", "48 mmol/mol", "48 millimoles per mole"),
            ("3", "/[HPF]", "3 /HPF", "3 per high power field"),
            ("120", "mm[Hg]", "120 mm[Hg]", "120 millimeters of mercury"),
            ("2.5", "uIU/mL", "2.5 uIU/mL", "2.5 micro-international units per milliliter"),
            ("35", "U/L", "35 U/L", "35 units per liter"),
            ("98.6", "°F", "98.6 °F", "98.6 degrees Fahrenheit"),
            ("1.1", "{INR}", "1.1", "1.1"),
            ("97", "%", "97%", "97 percent"),
        ] {
            let measure = measure(value, Some(unit));
            assert_eq!((measure.written.as_str(), measure.spoken.as_str()), (written, spoken), "{unit}");
        }
    }

    #[test]
    fn units_are_spelled_out() {
        for (written, want) in [
            ("10 mg tablet", "10 milligram tablet"),
            ("1 mg", "1 milligram"),
            ("10 mg per puff inhaler", "10 milligram per puff inhaler"),
            ("131 mg/dL", "131 milligrams per deciliter"),
            ("4.1 mmol/L", "4.1 millimoles per liter"),
            ("6.8 %", "6.8 percent"),
            ("6.8%", "6.8 percent"),
            ("5 pH", "5 pH"),
        ] {
            assert_eq!(spelled_units(written), want);
        }
    }
}
