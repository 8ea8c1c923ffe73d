//! `wellspoken bench values`: days, times and readings, and what is neither, heard where a slot asks for one.
//!
//! Each recording is heard twice in the same run: as if nothing had been asked, and as the answer to the question. What it should
//! come to is what the words themselves come to when they are typed. Makes its corpora with `values.py` beside this file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::expected::{Case, Manifest, Took, Twice};
use crate::{
    app::App,
    cli::Global,
    nlu::{By, Context, Measured, Pending, Slot, SlotValue, Slots},
    policy::NameLists,
    turn::Expected,
};

/// Measure how days, times and readings are heard where one is asked for.
#[derive(Debug, clap::Args)]
pub struct ValuesBenchArgs {
    /// A folder with recordings and `values.json`, as `src/cli/bench/values.py` makes it.
    #[arg(long)]
    data: PathBuf,
    /// Print what was heard of each recording, and what it came to.
    #[arg(long)]
    each: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// The slot that asks.
#[derive(Deserialize)]
struct Asked {
    intent: String,
    slot: String,
}

/// Kinds of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Meant {
    Day,
    Time,
    Pressure,
    Reading,
    Level,
    /// Something else: no value should come of it.
    Neither,
}

/// What an answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Came {
    /// To its value, or, where it has none, to none.
    Right,
    /// To another that is asked back, since both sound alike.
    Doubted,
    /// To no value: it is asked again, or answered as something else.
    None,
    /// To another value.
    Wrong,
}

/// Runs `wellspoken bench values`.
///
/// # Errors
/// When the recordings or the models cannot be used.
pub fn run(global: &Global, args: &ValuesBenchArgs) -> anyhow::Result<()> {
    let bench = Twice {
        data: &args.data,
        manifest: "values.json",
        question: "a value was asked for",
        columns: &[
            (Came::Right, "right"),
            (Came::Doubted, "asked back"),
            (Came::None, "no value"),
            (Came::Wrong, "another value"),
        ],
        json: args.json,
    };
    let fits = |app: &App, manifest: &Manifest<Asked, Meant>| {
        let misread: Vec<&str> = manifest.cases.iter().filter(|case| is_misread(app, case)).map(|c| &*c.say).collect();
        anyhow::ensure!(misread.is_empty(), "not read as it was meant, even when typed: {}", misread.join(" "));
        Ok(())
    };
    let expected = |case: &Case<Asked, Meant>| Expected::Value {
        intent: case.asked.intent.clone(),
        slot: case.asked.slot.clone(),
    };
    let came = |app: &App, case: &Case<Asked, Meant>, expected: &Expected, took: &Took| {
        let wanted = value(app, case, &case.say);
        let got = took.text.as_deref().and_then(|text| value(app, case, text));
        let came = came(wanted.as_ref(), got.as_ref());
        if args.each {
            let (file, said) = (case.file.display(), &case.say);
            let (from, to) = (told(wanted.as_ref()), told(got.as_ref()));
            eprintln!("{file} {said:?} {expected:?} {came:?}, {to} for {from}: {}", took.told());
        }
        came
    };
    bench.run(global, fits, expected, came)
}

/// The slots that words fill as the answer; `None` where they are none, or not the whole of it.
fn value(app: &App, case: &Case<Asked, Meant>, text: &str) -> Option<Slots> {
    let core = app.core();
    let lists = NameLists::default();
    let pending = Some(Pending { intent: &case.asked.intent, slot: Some(&case.asked.slot) });
    let context = Context { channel: "", pending, lists: &lists, now: core.ambient.now(), zone: &core.zone };
    let mut meaning = core.engine.understand(text, &context);
    // A name is none of these, and asked about where it is not sure.
    meaning.slots.retain(|_, slot| !matches!(slot.value, SlotValue::Text(_)));
    let whole = |value: &SlotValue| match value {
        // A pressure of one number is asked for again.
        SlotValue::Measured(measured) => case.means != Meant::Pressure || measured.over.is_some(),
        _ => true,
    };
    let filled = meaning.slots.values().any(|slot| whole(&slot.value));
    // Or the whole request once more, in so many words.
    let answers = meaning.by == By::Answer || (meaning.by == By::Sentence && meaning.intent == case.asked.intent);
    (answers && filled).then_some(meaning.slots)
}

/// Whether the words would not do where they were typed.
fn is_misread(app: &App, case: &Case<Asked, Meant>) -> bool {
    value(app, case, &case.say).is_none() != (case.means == Meant::Neither)
}

/// Values for looking at them.
fn told(slots: Option<&Slots>) -> String {
    let value = |slot: &Slot| serde_json::to_string(&slot.value).unwrap_or_default();
    slots.map_or_else(|| "nothing".to_owned(), |slots| slots.values().map(value).collect::<Vec<_>>().join(" "))
}

fn came(wanted: Option<&Slots>, got: Option<&Slots>) -> Came {
    let (Some(wanted), Some(got)) = (wanted, got) else {
        return match (wanted, got) {
            (None, None) => Came::Right,
            (Some(_), None) => Came::None,
            (_, Some(_)) => Came::Wrong,
        };
    };
    let each = |fits: fn(&SlotValue, &[SlotValue], &SlotValue) -> bool| {
        wanted.len() == got.len()
            && got.iter().all(|(name, slot)| wanted.get(name).is_some_and(|w| fits(&slot.value, &slot.alike, &w.value)))
    };
    if each(|got, _, wanted| same(got, wanted)) {
        Came::Right
    } else if each(|got, alike, wanted| same(got, wanted) || alike.iter().any(|other| same(other, wanted))) {
        Came::Doubted
    } else {
        Came::Wrong
    }
}

/// Whether they are the same. A unit that was not heard is known by the number, or asked for.
fn same(got: &SlotValue, wanted: &SlotValue) -> bool {
    match (got, wanted) {
        (SlotValue::Measured(got), SlotValue::Measured(wanted)) => {
            *got == *wanted || *got == Measured { unit: None, ..*wanted }
        }
        _ => got == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::Unit;

    #[test]
    fn what_it_came_to() {
        let measured = |measured, unit| SlotValue::Measured(Measured { measured, over: None, unit });
        let slots = |value: SlotValue, alike: Vec<SlotValue>| {
            Slots::from([("value".to_owned(), Slot { alike, ..Slot::new("", value, 1.0) })])
        };
        let pounds = Some(Unit::Pounds);
        let wanted = slots(measured(115.0, pounds), vec![]);
        for (got, expected) in [
            (Some(slots(measured(115.0, pounds), vec![measured(150.0, pounds)])), Came::Right),
            (Some(slots(measured(115.0, None), vec![])), Came::Right),
            (Some(slots(measured(150.0, pounds), vec![measured(115.0, pounds)])), Came::Doubted),
            (Some(slots(measured(115.0, Some(Unit::Kilograms)), vec![])), Came::Wrong),
            (Some(slots(measured(150.0, pounds), vec![])), Came::Wrong),
            (None, Came::None),
        ] {
            assert_eq!(came(Some(&wanted), got.as_ref()), expected, "{}", got.is_some());
        }
        assert_eq!(came(None, None), Came::Right);
        assert_eq!(came(None, Some(&wanted)), Came::Wrong);
    }
}
