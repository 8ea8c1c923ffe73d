//! From what was understood, and the question that may be open, to the next move.

use crate::{
    actions::{Choice, Plan},
    nlu::{By, Interpretation, NONE, Slot, SlotValue, Slots, catalogue::Catalogue},
};

use super::{Open, State, Wait};

/// Answers that were not understood before the question is given up.
const TRIES: u8 = 2;

/// Letters alike enough to pick an option by its name (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.9;

/// What happens next.
pub enum Move {
    /// Run the intent's action with these slots.
    Run {
        /// The intent.
        intent: String,
        /// What has been filled.
        slots: Slots,
    },
    /// Do what was read back and agreed to.
    Perform {
        /// The intent.
        intent: String,
        /// What has been filled.
        slots: Slots,
        /// What was agreed to.
        plan: Plan,
    },
    /// Ask the catalogue's question for a missing slot; it names no fact.
    AskSlot {
        /// The intent.
        intent: String,
        /// What has been filled.
        slots: Slots,
        /// What is missing.
        slot: String,
    },
    /// Ask whether this was meant.
    AskMeant {
        /// The intent.
        intent: String,
        /// What has been filled.
        slots: Slots,
    },
    /// Say the open question once more.
    AskAgain(Open),
    /// Say what was said last once more.
    SayLast,
    /// Say a reply of a dialogue intent; an open question is closed.
    Say {
        /// `dialogue.…`
        intent: &'static str,
        /// The reply of it.
        reply: &'static str,
    },
}

/// Decides the next move.
#[must_use]
pub fn next(state: &State, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    match &state.open {
        Some(open) => answer(open, heard, catalogue),
        None => fresh(heard, catalogue),
    }
}

/// Nothing is open.
fn fresh(heard: &Interpretation, catalogue: &Catalogue) -> Move {
    let say = |intent, reply| Move::Say { intent, reply };
    match heard.intent.as_str() {
        "dialogue.yes" | "dialogue.no" => say("dialogue.common", "nothing_open"),
        "dialogue.cancel" => say("dialogue.cancel", "nothing_open"),
        "dialogue.stop" => say("dialogue.stop", "answer"),
        "dialogue.repeat" => Move::SayLast,
        "dialogue.help" => say("dialogue.help", "answer"),
        "dialogue.thanks" => say("dialogue.thanks", "answer"),
        "dialogue.greet" => say("dialogue.greet", "answer"),
        NONE => say(NONE, "answer"),
        intent if heard.by == By::Unsure => Move::AskMeant { intent: intent.to_owned(), slots: heard.slots.clone() },
        intent => run_or_ask(intent, heard.slots.clone(), catalogue),
    }
}

/// Runs an intent once every required slot is filled.
fn run_or_ask(intent: &str, slots: Slots, catalogue: &Catalogue) -> Move {
    let missing = catalogue
        .intent(intent)
        .and_then(|def| def.slots.iter().find(|slot| slot.required && !slots.contains_key(&slot.name)))
        .map(|slot| slot.name.clone());
    let intent = intent.to_owned();
    match missing {
        Some(slot) => Move::AskSlot { intent, slots, slot },
        None => Move::Run { intent, slots },
    }
}

/// A question is open: an answer to it, a way out of it, or something else altogether.
fn answer(open: &Open, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    match (heard.intent.as_str(), &open.wait) {
        ("dialogue.cancel" | "dialogue.stop", _) | ("dialogue.no", Wait::Confirm { .. } | Wait::Meant) => {
            Move::Say { intent: "dialogue.cancel", reply: "cancelled" }
        }
        ("dialogue.yes", Wait::Confirm { plan }) => {
            Move::Perform { intent: open.intent.clone(), slots: open.slots.clone(), plan: plan.clone() }
        }
        ("dialogue.yes", Wait::Meant) => run_or_ask(&open.intent, open.slots.clone(), catalogue),
        ("dialogue.yes", Wait::Slot { slot, options }) if options.len() == 1 => {
            picked(open, slot, &options[0], catalogue)
        }
        ("dialogue.no", Wait::Slot { .. }) => Move::Say { intent: "dialogue.cancel", reply: "cancelled" },
        ("dialogue.repeat", _) => Move::AskAgain(open.clone()),
        (_, wait) if heard.by == By::Answer => given(open, wait, heard, catalogue),
        ("dialogue.yes" | NONE, _) => again(open),
        _ if heard.by == By::Unsure => again(open),
        _ => fresh(heard, catalogue),
    }
}

/// A bare value came.
fn given(open: &Open, wait: &Wait, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    let Wait::Slot { slot, options } = wait else { return again(open) };
    let Some(value) = heard.slots.get(slot).or_else(|| heard.slots.values().next()) else { return again(open) };
    if options.is_empty() {
        let mut slots = open.slots.clone();
        slots.extend(heard.slots.clone());
        return run_or_ask(&open.intent, slots, catalogue);
    }
    if let Some(choice) = pick(options, value) {
        return picked(open, slot, choice, catalogue);
    }
    match &value.value {
        // Another day or time than those offered: look again with it.
        SlotValue::When(when) => {
            let mut slots = open.slots.clone();
            let name = if when.from.is_some() { "date" } else { "time" };
            slots.insert(name.to_owned(), value.clone());
            run_or_ask(&open.intent, slots, catalogue)
        }
        _ => again(open),
    }
}

/// One of the offered options.
fn picked(open: &Open, slot: &str, choice: &Choice, catalogue: &Catalogue) -> Move {
    let mut slots = open.slots.clone();
    let filled = Slot::new(choice.spoken.clone(), choice.value.clone(), 1.0);
    slots.insert(slot.to_owned(), filled);
    run_or_ask(&open.intent, slots, catalogue)
}

/// By position (from 1; −1 is the last), by value, or by its name.
fn pick<'a>(options: &'a [Choice], slot: &Slot) -> Option<&'a Choice> {
    match &slot.value {
        SlotValue::Number(n) if *n == -1.0 => options.last(),
        SlotValue::Number(n) => (1..=options.len()).find(|i| *i as f64 == *n).map(|i| &options[i - 1]),
        // Exactly that name before one like it: prednisone and prednisolone are nearly the same letters.
        SlotValue::Text(_) if options.iter().any(|choice| choice.value == slot.value) => {
            options.iter().find(|choice| choice.value == slot.value)
        }
        SlotValue::Text(text) => {
            let (text, spoken) = (text.to_lowercase(), slot.spoken.to_lowercase());
            let fits: Vec<_> = options
                .iter()
                .filter(|choice| {
                    let name = choice.spoken.to_lowercase();
                    choice.value == slot.value
                        || (spoken.len() > 2 && name.contains(&spoken))
                        || strsim::jaro_winkler(&name, &text) >= ALIKE
                })
                .collect();
            match fits.as_slice() {
                [one] => Some(one),
                _ => None,
            }
        }
        _ => options.iter().find(|choice| choice.value == slot.value),
    }
}

/// The answer was not understood: ask once more, then let go.
fn again(open: &Open) -> Move {
    let tries = open.tries.saturating_add(1);
    if tries >= TRIES {
        return Move::Say { intent: "dialogue.common", reply: "gave_up" };
    }
    Move::AskAgain(Open { tries, ..open.clone() })
}
