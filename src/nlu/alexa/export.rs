//! A catalogue to an interaction model.
//!
//! What Amazon's rules of a model forbid is left out: words with digits, a free-text slot beside another slot or
//! without words around it, sentences bound to a channel or an open question.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Dialog, DialogIntent, DialogSlot, File, Intent, LanguageModel, Model, Prompt, Prompts, Slot, Type, Value,
    ValueName, Variation,
    names::{BUILT_IN, camel, intent_there, kind_to_type, slot_there},
};
use crate::nlu::{
    NONE,
    catalogue::{Catalogue, IntentDef, Piece, Sampler, Sentence, SlotKind},
};

/// Most samples of one intent.
const MOST_SAMPLES: usize = 200;
/// Most samples drawn from one template.
const MOST_OF_ONE: usize = 12;
/// Longest value of a type, in characters.
const LONGEST_VALUE: usize = 140;

/// Why a name is no invocation name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the invocation name `{name}` {what}")]
pub struct BadInvocation {
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Makes an interaction model of a catalogue.
///
/// # Errors
/// When the invocation name is not one.
pub fn export(catalogue: &Catalogue, invocation: &str) -> Result<File, BadInvocation> {
    let invocation_name = invocation_name(invocation)?;
    let mut sampler = Sampler::new(catalogue, 5);
    let mut intents = Vec::new();
    let mut asked = Vec::new();
    let mut prompts = Vec::new();
    let mut taken = BTreeSet::new();
    let mut used = BTreeMap::new();
    for (index, def) in catalogue.intents().iter().enumerate().filter(|(_, def)| !def.name.ends_with(".common")) {
        let name = intent_there(&def.name);
        let mut samples = Vec::new();
        // Amazon's fallback takes no samples.
        if def.name != NONE {
            for sentence in catalogue.sentences.iter().filter(|s| s.intent == index && sayable(s)) {
                draw(&mut sampler, def, sentence, &mut taken, &mut samples);
            }
        }
        let mut slots = Vec::new();
        for slot in &def.slots {
            let there = slot_there(&slot.name);
            // A slot nobody fills in a sentence may still be asked for; one neither filled nor asked for is nothing.
            if slot.required || samples.iter().any(|s| s.contains(&format!("{{{there}}}"))) {
                let kind = slot_type(catalogue, &slot.kind, &mut used);
                slots.push(Slot { name: there, kind, samples: Vec::new() });
            }
        }
        asked.extend(dialog(def, &name, &slots, &mut prompts));
        intents.push(Intent { name, slots, samples });
    }
    // Every skill must have these.
    for (there, _) in BUILT_IN.iter().take(3).chain(BUILT_IN.iter().filter(|(n, _)| n.contains("NavigateHome"))) {
        if !intents.iter().any(|i| i.name == *there) {
            intents.push(Intent { name: (*there).to_owned(), ..Intent::default() });
        }
    }
    let types = used.into_iter().map(|(name, kind)| Type { name, values: values(catalogue, &kind) }).collect();
    let dialog = (!asked.is_empty()).then_some(Dialog { intents: asked });
    let language_model = LanguageModel { invocation_name, intents, types };
    Ok(File { interaction_model: Model { language_model, dialog, prompts } })
}

/// Two words or more of small letters, and none of Amazon's own.
fn invocation_name(name: &str) -> Result<String, BadInvocation> {
    let wrong = |what| Err(BadInvocation { name: name.to_owned(), what });
    let lower = name.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    if words.len() < 2 {
        return wrong("needs at least two words");
    }
    if !lower.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '\'' | '.')) {
        return wrong("may hold letters, blanks, apostrophes and periods only; numbers are spelled");
    }
    let theirs = ["alexa", "amazon", "echo", "computer", "skill", "app", "ask", "tell", "open", "launch", "start"];
    if words.iter().any(|w| theirs.contains(w)) {
        return wrong("holds a word that Alexa keeps for itself");
    }
    Ok(words.join(" "))
}

/// Whether a sentence can be said anywhere at any time.
fn sayable(sentence: &Sentence) -> bool {
    sentence.requires.channel.is_empty() && sentence.requires.pending.is_empty()
}

fn draw(
    sampler: &mut Sampler<'_>,
    def: &IntentDef,
    sentence: &Sentence,
    taken: &mut BTreeSet<String>,
    samples: &mut Vec<String>,
) {
    let mut of_this = 0;
    for _ in 0..MOST_OF_ONE * 4 {
        if of_this == MOST_OF_ONE || samples.len() == MOST_SAMPLES {
            return;
        }
        let mut pieces = Vec::new();
        sampler.pieces(&sentence.pattern.expr, &mut pieces);
        let Some(text) = sample(def, sentence, &pieces) else { continue };
        if taken.insert(text.clone()) {
            samples.push(text);
            of_this += 1;
        }
    }
}

/// A sample as Amazon allows it.
fn sample(def: &IntentDef, sentence: &Sentence, pieces: &[Piece<'_>]) -> Option<String> {
    let mut words = Vec::new();
    let mut slots: Vec<&str> = Vec::new();
    let mut free = false;
    for piece in pieces {
        match piece {
            Piece::Word(word) => {
                if !word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-')) {
                    return None;
                }
                words.push((*word).to_owned());
            }
            Piece::Slot(slot) => {
                let name = sentence.pattern.slots.get(*slot)?.name.as_str();
                if slots.contains(&name) {
                    return None;
                }
                free |= def.slot(name).is_some_and(|s| s.kind == SlotKind::Text);
                slots.push(name);
                words.push(format!("{{{}}}", slot_there(name)));
            }
        }
    }
    let alone = words.len() == slots.len();
    (!words.is_empty() && !(free && (slots.len() > 1 || alone))).then(|| words.join(" "))
}

/// The type of a slot there. A type that is not Amazon's own is noted, to be written out.
fn slot_type(catalogue: &Catalogue, kind: &SlotKind, used: &mut BTreeMap<String, SlotKind>) -> String {
    if let SlotKind::List(list) = kind
        && let Some(list) = catalogue.list(list)
    {
        if list.range.is_some() {
            return "AMAZON.NUMBER".to_owned();
        }
        if list.wildcard {
            return "AMAZON.SearchQuery".to_owned();
        }
    }
    let name = match kind {
        SlotKind::List(list) => format!("{}List", camel(list.split('#').next().unwrap_or(list))),
        kind => kind_to_type(kind).unwrap_or("AMAZON.SearchQuery").to_owned(),
    };
    if !name.starts_with("AMAZON.") {
        used.insert(name.clone(), kind.clone());
    }
    name
}

fn values(catalogue: &Catalogue, kind: &SlotKind) -> Vec<Value> {
    let listed = match kind {
        SlotKind::Medicine => "medicine",
        SlotKind::Provider => "provider",
        SlotKind::List(list) => list,
        _ => "",
    };
    let fits = |text: &str| !text.is_empty() && text.chars().count() <= LONGEST_VALUE;
    let named = |value: &str, synonyms| Value { id: None, name: ValueName { value: value.to_owned(), synonyms } };
    let Some(list) = catalogue.list(listed) else {
        // A few, to show what is said: Amazon learns the rest from them.
        let mut sampler = Sampler::new(catalogue, 3);
        let drawn: BTreeSet<String> = (0..40).map(|_| sampler.value(kind)).collect();
        return drawn.iter().map(|said| named(said, Vec::new())).collect();
    };
    let mut taken: BTreeSet<String> = list.values.iter().map(|v| v.to_lowercase()).collect();
    let mut all = Vec::new();
    for (entry, value) in list.values.iter().enumerate().filter(|(_, v)| fits(v)) {
        let ways = list.said.iter().filter(|(e, _)| *e == entry).map(|(_, way)| way.clone());
        let synonyms = ways.filter(|way| fits(way) && taken.insert(way.to_lowercase())).take(99).collect();
        all.push(named(value, synonyms));
    }
    all
}

fn dialog(def: &IntentDef, name: &str, slots: &[Slot], prompts: &mut Vec<Prompt>) -> Option<DialogIntent> {
    let mut asked = Vec::new();
    for slot in slots {
        let required = def.slots.iter().find(|s| slot_there(&s.name) == slot.name && s.required);
        let question = required.and_then(|s| s.prompt.clone());
        let id = question.map(|value| {
            let id = format!("Elicit.{name}.{}", slot.name);
            prompts.push(Prompt { id: id.clone(), variations: vec![Variation { kind: "PlainText".into(), value }] });
            id
        });
        asked.push(DialogSlot {
            name: slot.name.clone(),
            kind: slot.kind.clone(),
            confirmation_required: false,
            elicitation_required: id.is_some(),
            prompts: Prompts { elicitation: id, confirmation: None },
        });
    }
    let any = asked.iter().any(|s| s.elicitation_required);
    any.then(|| DialogIntent {
        name: name.to_owned(),
        confirmation_required: false,
        prompts: Prompts::default(),
        slots: asked,
    })
}
