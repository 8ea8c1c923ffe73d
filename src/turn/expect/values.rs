//! Days, times and readings, as people answer a question for one, and which of them fits the sound.
//!
//! Invariant: a value comes out of it only where no other fits nearly as well and what was heard does not fit much better. Every
//! action that asks for one reads it back before anything is done with it.

use std::sync::{Arc, LazyLock};

use crate::{
    asr::weigh::{Texts, Weighed},
    nlu::{By, Context, Engine, Slot, SlotValue, Slots, numbers, words},
};

/// The kinds of values that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A day or a time.
    When,
    /// What a body was measured at.
    Reading,
}

/// More words than this are no misheard value.
pub(super) const MOST_WORDS: usize = 8;

/// How well a value must fit, in natural logarithms of probabilities.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// It is as probable as this, in whatever way it is written…
    pub(super) least: f32,
    /// …and by so much more so than the next one…
    apart: f32,
    /// …and less probable than what was heard by no more than this.
    under_heard: f32,
}

/// Found on speakers and noise that no figure is reported on. One word of a day tells much of it; a number is a number with
/// another digit, too.
pub(super) const fn limits(kind: Kind) -> &'static Limits {
    match kind {
        Kind::Reading => &Limits { least: -6.0, apart: 1.5, under_heard: 1.5 },
        Kind::When => &Limits { least: -8.5, apart: 1.5, under_heard: 5.5 },
    }
}

/// A name that is surer than this answers, too.
const A_NAME: f32 = 0.9;
/// So many texts are read, the most probable ones.
const MOST_READ: usize = 8;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const PARTS: [&str; 3] = ["morning", "afternoon", "evening"];
const HOURS: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

/// What a day or a time is answered with.
pub(super) static WHEN: LazyLock<Arc<Texts>> = LazyLock::new(|| {
    let mut texts = clock();
    texts.extend(days());
    Arc::new(Texts::unmarked(texts))
});

/// What a reading is answered with.
pub(super) static READINGS: LazyLock<Arc<Texts>> = LazyLock::new(|| Arc::new(Texts::unmarked(readings())));

fn clock() -> Vec<String> {
    let mut plain: Vec<String> = ["noon", "midnight"].map(str::to_owned).into();
    for (hour, word) in (1..).zip(HOURS) {
        for hour in [hour.to_string(), word.to_owned()] {
            for before in ["half past", "quarter past", "quarter to"] {
                plain.push(format!("{before} {hour}"));
            }
            plain.push(format!("{hour} o'clock"));
        }
        plain.extend(["AM", "a.m", "PM", "p.m"].map(|half| format!("{hour} {half}")));
        plain.extend((0..60).step_by(5).map(|minute| format!("{hour}:{minute:02}")));
        plain.extend(PARTS.map(|part| format!("{hour} in the {part}")));
    }
    with_heads(&plain, &["", "At "])
}

fn days() -> Vec<String> {
    let mut plain: Vec<String> = ["tomorrow", "the day after tomorrow", "next week", "in a week", "in two weeks"]
        .map(str::to_owned)
        .into_iter()
        .chain(PARTS.map(|part| format!("tomorrow {part}")))
        .collect();
    for day in WEEKDAYS {
        plain.extend(["", "next ", "this ", "a week from "].map(|before| format!("{before}{day}")));
        plain.extend(PARTS.map(|part| format!("{day} {part}")));
    }
    let mut dates = Vec::new();
    for day in 1..=31 {
        for nth in ordinals(day) {
            plain.push(format!("the {nth}"));
            for month in MONTHS {
                dates.extend([format!("{month} {nth}"), format!("{month} the {nth}"), format!("the {nth} of {month}")]);
            }
        }
    }
    let mut texts = with_heads(&plain, &["", "On ", "I'd like ", "How about "]);
    texts.extend(with_heads(&dates, &["", "On "]));
    texts
}

/// "3rd", "third".
fn ordinals(day: usize) -> Vec<String> {
    let end = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    let word = day.checked_sub(1).and_then(|at| ORDINALS.get(at));
    word.map(|word| (*word).to_owned()).into_iter().chain([format!("{day}{end}")]).collect()
}

/// Numbers that somebody may be measured at; which of them is possible for what was asked is for the action to say.
fn readings() -> Vec<String> {
    let mut plain = Vec::new();
    for number in 20..=400 {
        plain.push(number.to_string());
        // With a unit, as far as that goes.
        for (most, unit) in [(400, " pounds"), (200, " kilos"), (220, " beats a minute"), (100, "%")] {
            if number <= most {
                plain.push(format!("{number}{unit}"));
            }
        }
    }
    for number in (34..=42).chain(94..=106) {
        plain.extend((0..10).map(|tenth| format!("{number}.{tenth}")));
    }
    with_heads(&plain, &["", "It's ", "It was "])
}

/// Each after each of these, as a sentence begins.
fn with_heads(plain: &[String], heads: &[&str]) -> Vec<String> {
    let capital = |text: &str| {
        let mut chars = text.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    heads.iter().flat_map(|head| plain.iter().map(move |text| capital(&format!("{head}{text}")))).collect()
}

/// Whether words are no value for what was asked, and nothing else either. A name that they are only a little like is no answer.
pub(super) fn is_none(engine: &Engine, heard: &str, context: &Context<'_>) -> bool {
    let meaning = engine.understand(heard, context);
    let answers = |slot: &Slot| slot.confidence >= A_NAME || !matches!(slot.value, SlotValue::Text(_));
    match meaning.by {
        By::Unsure | By::Nothing => true,
        By::Answer => !meaning.slots.is_empty() && !meaning.slots.values().any(answers),
        By::Sentence | By::Classifier => false,
    }
}

/// The value that words are for what was asked. An hour alone is so short that many a word sounds like one.
pub(super) fn of(kind: Kind, engine: &Engine, text: &str, context: &Context<'_>) -> Option<Slots> {
    let meaning = engine.understand(text, context);
    let value = |slot: &Slot| match kind {
        Kind::Reading => matches!(slot.value, SlotValue::Measured(_)),
        Kind::When => matches!(slot.value, SlotValue::When(_)),
    };
    let valued = !meaning.slots.is_empty() && meaning.slots.values().all(value);
    (meaning.by == By::Answer && valued && !is_hour(kind, text)).then_some(meaning.slots)
}

fn is_hour(kind: Kind, text: &str) -> bool {
    let words = words::words(text);
    kind == Kind::When && words.len() == 1 && words.iter().all(|word| numbers::number(&[&word.text]).is_some())
}

/// The text of the value that fits, where one does. What was heard comes last, and may be one, too.
pub(super) fn best(weighed: &[Weighed], limits: &Limits, value: impl Fn(&str) -> Option<Slots>) -> Option<String> {
    let heard = weighed.last()?;
    let mut order: Vec<&Weighed> = weighed.iter().filter(|w| w.log_probability.is_finite()).collect();
    order.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
    // Each value with its most probable text and all of its probability.
    let mut values: Vec<(Slots, &str, f32)> = Vec::new();
    for one in order.into_iter().take(MOST_READ) {
        let Some(slots) = value(&one.text) else { continue };
        match values.iter_mut().find(|(known, ..)| same(known, &slots)) {
            Some((_, _, sum)) => *sum = both(*sum, one.log_probability),
            None => values.push((slots, &one.text, one.log_probability)),
        }
    }
    values.sort_by(|a, b| b.2.total_cmp(&a.2));
    let (_, text, sum) = values.first()?;
    let next = values.get(1).map_or(f32::NEG_INFINITY, |(_, _, sum)| *sum);
    let fits =
        *sum >= limits.least && *sum >= next + limits.apart && *sum >= heard.log_probability - limits.under_heard;
    fits.then(|| (*text).to_owned())
}

/// Whether they hold the same values, whatever the words. A number without its unit is that number.
fn same(one: &Slots, other: &Slots) -> bool {
    let equal = |one: &SlotValue, other: &SlotValue| match (one, other) {
        (SlotValue::Measured(one), SlotValue::Measured(other)) => {
            (one.measured, one.over) == (other.measured, other.over)
                && (one.unit == other.unit || one.unit.is_none() || other.unit.is_none())
        }
        _ => one == other,
    };
    one.len() == other.len()
        && one.iter().all(|(name, slot)| other.get(name).is_some_and(|o| equal(&o.value, &slot.value)))
}

/// The logarithm of the sum of two probabilities, by theirs.
fn both(one: f32, other: f32) -> f32 {
    one.max(other) + (-(one - other).abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        nlu::{Measured, Pending, Unit, catalogue::Catalogue},
        policy::NameLists,
    };

    fn weighed(texts: &[(&str, f32)]) -> Vec<Weighed> {
        texts.iter().map(|(text, p)| Weighed { text: (*text).to_owned(), log_probability: *p }).collect()
    }

    /// The number that a text begins with, as the value of a reading.
    fn number(text: &str) -> Option<Slots> {
        let (first, over) = text.split(' ').next()?.split_once('/').unzip();
        let measured = first.or(text.split(' ').next())?.parse().ok()?;
        let over = over.and_then(|over| over.parse().ok());
        let unit = match text.split(' ').nth(1) {
            Some("kilos") => Some(Unit::Kilograms),
            Some("pounds") => Some(Unit::Pounds),
            _ => None,
        };
        let value = SlotValue::Measured(Measured { measured, over, unit });
        Some(Slots::from([("value".to_owned(), Slot::new(text, value, 1.0))]))
    }

    #[test]
    fn a_value_is_taken_where_it_fits_and_no_other_does() {
        let limits = Limits { least: -6.0, apart: 1.5, under_heard: 2.0 };
        // What was weighed, what was heard last of all.
        for (texts, taken) in [
            (&[("56", -3.0), ("feet", -2.0)][..], Some("56")),
            // Improbable, another as good, much less probable than what was heard.
            (&[("56", -6.1), ("feet", -6.0)], None),
            (&[("56", -3.0), ("66", -4.4), ("feet", -2.0)], None),
            (&[("56", -3.0), ("66", -4.6), ("feet", -2.0)], Some("56")),
            (&[("56", -3.0), ("feet", -0.9)], None),
            // All ways to say it count for it, with a unit or without.
            (&[("56", -3.0), ("56 kilos", -3.2), ("66", -4.0), ("feet", -2.0)], Some("56")),
            (&[("56 kilos", -2.9), ("56", -3.0), ("66", -4.0), ("feet", -2.0)], Some("56 kilos")),
            // With another unit, or over another number, it is another.
            (&[("56 kilos", -3.0), ("56 pounds", -3.4), ("feet", -2.0)], None),
            (&[("120/80", -3.0), ("120/90", -3.4), ("feet", -2.0)], None),
            (&[("120/80", -3.0), ("120/90", -4.6), ("feet", -2.0)], Some("120/80")),
            // What was heard may be one; what was heard and cannot be written down again speaks for nothing.
            (&[("79 kilos", -3.0)], Some("79 kilos")),
            (&[("56", -3.0), ("feet", f32::NEG_INFINITY)], Some("56")),
            (&[("feet", -1.0)], None),
            (&[], None),
        ] {
            assert_eq!(best(&weighed(texts), &limits, number).as_deref(), taken, "{texts:?}");
        }
    }

    #[test]
    fn each_text_is_a_value_and_what_is_clear_is_not_looked_at() {
        let engine = Engine::lexical(Arc::new(Catalogue::builtin().expect("loads"))).expect("trains");
        let lists = NameLists::default();
        let now = "2026-11-23T15:00:00Z".parse().expect("a time");
        let zone = jiff::tz::TimeZone::UTC;
        let asked = |intent, slot| Context {
            channel: "",
            pending: Some(Pending { intent, slot: Some(slot) }),
            lists: &lists,
            now,
            zone: &zone,
        };
        let (day, time) = (asked("appointment.book", "date"), asked("medicine.remind", "time"));
        let reading = asked("reading.log", "value");
        // Some of the many; which ones is all the same.
        for text in WHEN.iter().step_by(61) {
            assert!(of(Kind::When, &engine, text, &day).is_some(), "{text}");
        }
        for text in READINGS.iter().step_by(61) {
            assert!(of(Kind::Reading, &engine, text, &reading).is_some(), "{text}");
        }
        assert!(of(Kind::When, &engine, "Nine", &time).is_none(), "an hour alone");
        assert!(of(Kind::Reading, &engine, "Tonight", &reading).is_none(), "no reading");
        for (heard, asked, looked_at) in [
            ("Half past 9s", &time, true),
            ("Nune.", &time, true),
            ("I'd like the sturdiest.", &day, true),
            ("It was 56 feet a minute.", &reading, true),
            // A value, and something else.
            ("Half past nine.", &time, false),
            ("Nine.", &time, false),
            ("Next Thursday.", &day, false),
            ("It was fifty six beats a minute.", &reading, false),
            ("Call the nurse.", &day, false),
            ("Never mind.", &time, false),
            ("No.", &reading, false),
        ] {
            assert_eq!(is_none(&engine, heard, asked), looked_at, "{heard}");
        }
    }
}
