//! From what was understood, and the question that may be open, to the next move.

use crate::{
    actions::{Choice, FURTHER, MORE, Plan, UPTO, consent_covers},
    nlu::{
        By, CHOICE, Interpretation, NONE, OTHER, Slot, SlotValue, Slots,
        catalogue::{Catalogue, SlotKind},
    },
    policy::{Effect, Scope},
};

use super::{Open, State, Wait};

/// Times in a row that nothing is understood before a person is offered.
pub const PATIENCE: u8 = 2;

/// A yes that does not sound like one.
pub const MAYBE: &str = "dialogue.maybe";

/// What was only about the offers of a moment: the one that was picked, what was wanted instead, what it was wanted
/// instead of, and what was named since.
const PASSING: [&str; 6] = [PICKED, OTHER_TIMES, UNWANTED, OFFERED, CHANGED, FURTHER];
const PICKED: &str = "slot";
const OTHER_TIMES: &str = "other";
const UNWANTED: &str = "unwanted";
const OFFERED: &str = "offered";
const CHANGED: &str = "changed";

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
    /// What was read back is not what was meant: it is dropped, and asked what it should be instead.
    AskInstead(Open),
    /// Ask whether this was meant.
    AskMeant {
        /// The intent.
        intent: String,
        /// What has been filled.
        slots: Slots,
    },
    /// Say the open question once more.
    AskAgain(Open),
    /// Say that a clear yes is needed, and the open question once more.
    MakeSure(Open),
    /// Say what was said last once more.
    SayLast,
    /// Say a reply of a dialogue intent; an open question is closed.
    Say {
        /// `dialogue.…`
        intent: String,
        /// The reply of it.
        reply: &'static str,
    },
    /// Say a reply of a dialogue intent; an open question waits on.
    Hold(String),
    /// Something else in the middle of a question: do it, then ask the question again.
    Meanwhile(Box<Move>),
    /// Something else that asks a question of its own: the one that is open steps back.
    Instead(Box<Move>),
    /// Say what can be said now; the question stays open.
    Help,
    /// Say it all more slowly from now on, starting with what was said last.
    Slower,
    /// Speak up or down from now on.
    Volume(Volume),
    /// Nothing was understood again: offer a person.
    OfferPerson,
    /// Put through to a person.
    Person,
    /// It is an emergency, or nobody says that it is none.
    Emergency(Slots),
    /// It is no emergency after all.
    StandDown,
    /// Whoever speaks is one of the people of the device from now on.
    Join,
    /// It is all right to say it aloud; then what was asked for.
    Aloud {
        /// The intent that waited for it.
        intent: String,
        /// What has been filled.
        slots: Slots,
        /// What had been agreed to before.
        plan: Option<Plan>,
    },
    /// The person agreed to this use; then what was asked for.
    Consent {
        /// What for.
        scope: Scope,
        /// The intent that waited for it.
        intent: String,
        /// What has been filled.
        slots: Slots,
        /// What had been agreed to before.
        plan: Option<Plan>,
    },
}

/// Which way the loudness of the device goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Volume {
    /// Louder.
    Up,
    /// Quieter.
    Down,
}

/// Decides the next move.
#[must_use]
pub fn next(state: &State, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    let step = match &state.open {
        Some(open) => answer(state, open, heard, catalogue),
        None => fresh(state, heard, catalogue),
    };
    let lost = matches!(&step, Move::Say { intent, .. } if intent == NONE);
    if lost && state.misses.saturating_add(1) >= PATIENCE { Move::OfferPerson } else { step }
}

/// Nothing is open, or what is open is not answered.
fn fresh(state: &State, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    match heard.intent.as_str() {
        "dialogue.yes" | "dialogue.no" | MAYBE => say("dialogue.common", "nothing_open"),
        "dialogue.cancel" => say("dialogue.cancel", "nothing_open"),
        "dialogue.repeat" => Move::SayLast,
        "dialogue.slower" => Move::Slower,
        "dialogue.louder" => Move::Volume(Volume::Up),
        "dialogue.quieter" => Move::Volume(Volume::Down),
        "dialogue.help" => Move::Help,
        "dialogue.back" => say("dialogue.back", "nothing"),
        "dialogue.next" => rest(state).unwrap_or_else(|| say("dialogue.next", "nothing")),
        "dialogue.wait" => Move::Hold(heard.intent.clone()),
        // What is only said, such as a greeting.
        intent if catalogue.intent(intent).is_none_or(|def| def.action.as_deref() == Some("dialogue")) => {
            say(intent, "answer")
        }
        intent if heard.by == By::Unsure => Move::AskMeant { intent: intent.to_owned(), slots: heard.slots.clone() },
        intent => {
            let mut slots = heard.slots.clone();
            // "And my metformin?", "no, I said Tuesday": the rest is as it was.
            if heard.by == By::Answer
                && let Some(recent) = state.recent.as_ref().filter(|recent| recent.intent == intent)
            {
                slots = without_passing(&recent.slots);
                slots.extend(heard.slots.clone());
            }
            run_or_ask(intent, slots, catalogue)
        }
    }
}

fn say(intent: &str, reply: &'static str) -> Move {
    Move::Say { intent: intent.to_owned(), reply }
}

/// Runs an intent once every required slot is filled.
pub(crate) fn run_or_ask(intent: &str, slots: Slots, catalogue: &Catalogue) -> Move {
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
fn answer(state: &State, open: &Open, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    if matches!(open.wait, Wait::Emergency)
        && let Some(step) = emergency(open, heard, catalogue)
    {
        return step;
    }
    let cancelled = say("dialogue.cancel", "cancelled");
    match (heard.intent.as_str(), &open.wait) {
        ("dialogue.cancel" | "dialogue.stop", _) => cancelled,
        ("dialogue.no", Wait::Join) => say("dialogue.common", "not_joined"),
        ("dialogue.yes", Wait::Join) => Move::Join,
        (MAYBE, Wait::Join) => Move::MakeSure(open.clone()),
        ("dialogue.no", Wait::Aloud { .. }) => say("dialogue.common", "not_aloud"),
        ("dialogue.yes", Wait::Aloud { plan }) => {
            Move::Aloud { intent: open.intent.clone(), slots: open.slots.clone(), plan: plan.clone() }
        }
        (MAYBE, Wait::Aloud { .. }) => Move::MakeSure(open.clone()),
        ("dialogue.no", Wait::Slot { options, .. }) if !options.is_empty() => {
            none_of_those(open, options, catalogue).unwrap_or(cancelled)
        }
        ("dialogue.no", Wait::Resume | Wait::Person | Wait::Consent { .. }) => say("dialogue.common", "all_right"),
        (
            "dialogue.no",
            Wait::Confirm { .. } | Wait::Meant | Wait::Slot { .. } | Wait::Pin { .. } | Wait::Who { .. },
        ) => cancelled,
        // "You can use my medicines" to a question about just that is the yes it asks for.
        (said, Wait::Consent { scope, plan }) if said == "dialogue.yes" || agrees(heard, *scope) => {
            Move::Consent { scope: *scope, intent: open.intent.clone(), slots: open.slots.clone(), plan: plan.clone() }
        }
        (MAYBE, Wait::Consent { .. }) => Move::MakeSure(open.clone()),
        ("dialogue.yes", Wait::Confirm { plan }) => {
            Move::Perform { intent: open.intent.clone(), slots: open.slots.clone(), plan: plan.clone() }
        }
        (MAYBE, Wait::Confirm { .. }) => Move::MakeSure(open.clone()),
        ("dialogue.yes" | MAYBE, Wait::Meant) => run_or_ask(&open.intent, open.slots.clone(), catalogue),
        ("dialogue.yes" | MAYBE, Wait::Person) => Move::Person,
        ("dialogue.yes" | MAYBE, Wait::Resume) => match &state.aside {
            Some(aside) => Move::AskAgain(aside.clone()),
            None => cancelled,
        },
        ("dialogue.yes", Wait::Slot { slot, options }) if options.len() == 1 => {
            picked(open, slot, &options[0], catalogue)
        }
        ("dialogue.repeat", _) => Move::AskAgain(open.clone()),
        ("dialogue.help", _) => Move::Help,
        ("dialogue.slower", _) => Move::Slower,
        ("dialogue.wait", _) => Move::Hold(heard.intent.clone()),
        ("dialogue.goodbye", _) => say("dialogue.goodbye", "answer"),
        ("dialogue.back", _) => match &open.before {
            Some(before) => Move::AskAgain((**before).clone()),
            None => Move::Meanwhile(Box::new(say("dialogue.back", "nothing"))),
        },
        (_, Wait::Resume | Wait::Person) if heard.by != By::Answer => fresh(state, heard, catalogue),
        (intent, wait) if heard.by == By::Answer && intent == open.intent => given(state, open, wait, heard, catalogue),
        ("dialogue.correct", Wait::Confirm { .. }) => Move::AskInstead(instead(open, catalogue)),
        ("dialogue.correct", _) => Move::Meanwhile(Box::new(say("dialogue.correct", "answer"))),
        ("dialogue.yes" | MAYBE | "dialogue.next" | NONE, _) => again(state, open),
        _ if heard.by == By::Unsure => again(state, open),
        (intent, _) => {
            let step = fresh(state, heard, catalogue);
            let changes = catalogue.intent(intent).is_some_and(|def| def.effect == Effect::Change);
            if changes || intent == open.intent {
                Move::Instead(Box::new(step))
            } else {
                Move::Meanwhile(Box::new(step))
            }
        }
    }
}

/// Whether somebody agrees to just that part in other words than yes, naming it or none.
fn agrees(heard: &Interpretation, scope: Scope) -> bool {
    heard.intent == "consent.give"
        && heard.slots.get("scope").is_none_or(|part| match &part.value {
            SlotValue::Text(part) => consent_covers(part, scope),
            _ => false,
        })
}

/// Whether there is an emergency was asked. What is no clear no, or something else altogether, is asked again and
/// then taken for a yes.
fn emergency(open: &Open, heard: &Interpretation, catalogue: &Catalogue) -> Option<Move> {
    match heard.intent.as_str() {
        "dialogue.yes" | MAYBE => Some(Move::Emergency(open.slots.clone())),
        "dialogue.no" | "dialogue.cancel" | "dialogue.stop" => Some(Move::StandDown),
        // "I'm okay": on the nurses' board, too.
        "emergency.cancel" => Some(run_or_ask(&heard.intent, heard.slots.clone(), catalogue)),
        "dialogue.repeat" | "dialogue.help" | "dialogue.slower" | "dialogue.wait" => None,
        intent if intent == NONE || intent == "dialogue.correct" || heard.by == By::Unsure => {
            let tries = open.tries.saturating_add(1);
            Some(if tries < PATIENCE {
                Move::AskAgain(Open { tries, ..open.clone() })
            } else {
                Move::Emergency(open.slots.clone())
            })
        }
        _ => None,
    }
}

/// A bare value came.
fn given(state: &State, open: &Open, wait: &Wait, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    let other_one = heard.slots.values().any(|slot| slot.value == SlotValue::Number(OTHER));
    let Wait::Slot { slot, options } = wait else {
        // Something else than what was read back: "no, Thursday", "the other one".
        return match &open.before {
            Some(before) if other_one || heard.slots.contains_key(CHOICE) => other(open, before, heard, catalogue),
            _ if heard.slots.is_empty() || heard.slots.contains_key(CHOICE) => Move::AskAgain(open.clone()),
            _ => {
                let offered = wait.plan().and_then(Plan::slot).map(|slot| slot.id.clone());
                anew(open, &offered.unwrap_or_default(), heard.slots.clone(), catalogue)
            }
        };
    };
    let Some(value) = heard.slots.get(slot).or_else(|| heard.slots.values().next()) else {
        return Move::AskAgain(open.clone());
    };
    if options.is_empty() {
        let offered = open.slots.get(OFFERED).or_else(|| open.slots.get(PICKED));
        return match (&open.before, offered) {
            (Some(before), _) if other_one || is_pick(before, value, slot, open, catalogue) => {
                other(open, before, heard, catalogue)
            }
            (_, Some(offered)) => anew(open, &offered.value.told(), heard.slots.clone(), catalogue),
            _ => {
                let mut slots = open.slots.clone();
                slots.extend(heard.slots.clone());
                run_or_ask(&open.intent, slots, catalogue)
            }
        };
    }
    if let Some(choice) = pick(options, value) {
        return picked(open, slot, choice, catalogue);
    }
    // Another day, time or person than those offered: look again with it.
    let takes = |name: &str| catalogue.intent(&open.intent).is_some_and(|def| def.slot(name).is_some());
    let mut named: Slots =
        heard.slots.iter().filter(|(name, _)| takes(name)).map(|(n, s)| (n.clone(), s.clone())).collect();
    if named.is_empty()
        && let SlotValue::When(when) = &value.value
    {
        named.insert(if when.from.is_some() { "date" } else { "time" }.to_owned(), value.clone());
    }
    let something_new = named.iter().any(|(name, filled)| name != slot || matches!(filled.value, SlotValue::When(_)));
    if something_new { anew(open, &ids(options), named, catalogue) } else { again(state, open) }
}

/// None of what was offered: what else is asked, where the intent has such a question.
fn none_of_those(open: &Open, options: &[Choice], catalogue: &Catalogue) -> Option<Move> {
    catalogue.intent(&open.intent)?.slot(OTHER_TIMES)?.prompt.as_ref()?;
    let mut slots = without_passing(&open.slots);
    slots.insert(OFFERED.to_owned(), Slot::new("", SlotValue::Text(ids(options)), 1.0));
    Some(Move::AskSlot { intent: open.intent.clone(), slots, slot: OTHER_TIMES.to_owned() })
}

/// The question without what was read back. What is likeliest to have been mistaken is waited for: a name before a day.
fn instead(open: &Open, catalogue: &Catalogue) -> Open {
    let def = catalogue.intent(&open.intent);
    let filled = |kind: &SlotKind| {
        let slots = def.into_iter().flat_map(|def| &def.slots);
        slots
            .filter(|slot| slot.kind == *kind && open.slots.contains_key(&slot.name))
            .map(|slot| slot.name.clone())
            .next()
    };
    let kinds = [SlotKind::Medicine, SlotKind::Date, SlotKind::Time, SlotKind::Provider];
    let slot = kinds.iter().find_map(filled).unwrap_or_else(|| CHOICE.to_owned());
    let mut slots = open.slots.clone();
    // What was read back goes along as what is not to be done.
    if let Some(id) = open.wait.plan().and_then(Plan::slot).map(|slot| slot.id.clone()) {
        slots.entry(PICKED.to_owned()).or_insert_with(|| Slot::new("", SlotValue::Text(id), 1.0));
    }
    Open { slots, wait: Wait::Slot { slot, options: Vec::new() }, tries: 0, ..open.clone() }
}

/// Whether one of those offered before is picked, where another slot is waited for.
fn is_pick(before: &Open, value: &Slot, slot: &str, open: &Open, catalogue: &Catalogue) -> bool {
    let pickable = matches!(&before.wait, Wait::Slot { options, .. } if !options.is_empty());
    let def = catalogue.intent(&open.intent).and_then(|def| def.slot(slot));
    let counts = def.is_some_and(|slot| slot.kind == SlotKind::Number);
    pickable && !counts && matches!(value.value, SlotValue::Number(_))
}

/// The same request with something else in it. What had been offered goes along, so that "anything earlier" is earlier
/// than that.
fn anew(open: &Open, offered: &str, named: Slots, catalogue: &Catalogue) -> Move {
    let mut slots = without_passing(&open.slots);
    let note = |text: String| Slot::new("", SlotValue::Text(text), 1.0);
    if !offered.is_empty() {
        slots.insert(OFFERED.to_owned(), note(offered.to_owned()));
        slots.insert(CHANGED.to_owned(), note(named.keys().cloned().collect::<Vec<_>>().join("\n")));
    }
    slots.extend(named);
    run_or_ask(&open.intent, slots, catalogue)
}

/// What is left of the list that was told last.
fn rest(state: &State) -> Option<Move> {
    let recent = state.recent.as_ref()?;
    let said = state.last.iter().rev().find(|said| said.intent == recent.intent)?;
    let count = |name: &str| said.facts.values.get(name).and_then(serde_json::Value::as_f64);
    let upto = count(UPTO).filter(|_| count(MORE).is_some_and(|left| left > 0.0))?;
    let mut slots = without_passing(&recent.slots);
    slots.insert(FURTHER.to_owned(), Slot::new("", SlotValue::Number(upto), 1.0));
    Some(Move::Run { intent: recent.intent.clone(), slots })
}

fn without_passing(slots: &Slots) -> Slots {
    let mut slots = slots.clone();
    slots.retain(|name, _| !PASSING.contains(&name.as_str()));
    slots
}

/// What the options stand for, one a line.
fn ids(options: &[Choice]) -> String {
    let texts = options.iter().filter_map(|option| match &option.value {
        SlotValue::Text(id) => Some(id.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// "The other one", or another pick out of what was offered before.
fn other(open: &Open, before: &Open, heard: &Interpretation, catalogue: &Catalogue) -> Move {
    let Wait::Slot { slot, options } = &before.wait else { return Move::AskAgain(open.clone()) };
    let chosen = open.slots.get(slot).map(|s| &s.value);
    let rest: Vec<&Choice> = options.iter().filter(|o| Some(&o.value) != chosen).collect();
    let named = heard.slots.values().find(|s| s.value != SlotValue::Number(OTHER));
    match (named.and_then(|value| pick(options, value)), rest.as_slice()) {
        (Some(choice), _) => picked(before, slot, choice, catalogue),
        (None, [one]) => picked(before, slot, one, catalogue),
        _ => Move::AskAgain(before.clone()),
    }
}

/// One of the offered options.
fn picked(open: &Open, slot: &str, choice: &Choice, catalogue: &Catalogue) -> Move {
    let mut slots = open.slots.clone();
    let filled = Slot::new(&choice.spoken, choice.value.clone(), 1.0);
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

/// The answer was not understood: ask once more, then offer a person.
fn again(state: &State, open: &Open) -> Move {
    let tries = open.tries.saturating_add(1);
    if tries >= PATIENCE || state.misses.saturating_add(1) >= PATIENCE {
        return Move::OfferPerson;
    }
    Move::AskAgain(Open { tries, ..open.clone() })
}
