//! An interaction model to the files of a catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    DialogSlot, File, Intent, LanguageModel, Model, Slot, Type,
    names::{intent_here, snake, type_to_kind},
};
use crate::nlu::{
    NONE,
    catalogue::{self, Catalogue, CatalogueErrors, Sampler, SlotKind},
    words,
};

/// Largest model, in bytes. Amazon's own limit is below it.
const LARGEST: usize = 4 << 20;
/// Most intents, types, samples of one intent, or values of one type.
const MOST: usize = 10_000;
/// Longest sample or value, in characters.
const LONGEST: usize = 500;

/// Why a text is no interaction model, or none a catalogue can be made of.
#[derive(Debug, thiserror::Error)]
pub enum BadModel {
    /// Larger than any model is.
    #[error("it is larger than {LARGEST} bytes")]
    TooLarge,
    /// Not the JSON of a model.
    #[error("it is no interaction model: {0}")]
    NotAModel(#[from] serde_json::Error),
    /// More of something than any model has.
    #[error("it has more than {MOST} {0}")]
    TooMany(&'static str),
    /// There is nothing to import.
    #[error("it has no intent of its own")]
    Empty,
    /// The catalogue made of it does not load. A model that Alexa accepts comes to this only by a name.
    #[error("the catalogue made of it does not load:\n{0}")]
    Unloadable(#[from] CatalogueErrors),
}

/// A catalogue made of a model.
#[derive(Debug)]
pub struct Imported {
    /// Path below the catalogue's folder, and text.
    pub files: Vec<(String, String)>,
    /// What was left out, and what must be filled in.
    pub notes: Vec<String>,
}

/// Makes the files of a catalogue: what the model says, and the conversation's own intents of this program.
///
/// # Errors
/// See [`BadModel`].
pub fn import(json: &str) -> Result<Imported, BadModel> {
    if json.len() > LARGEST {
        return Err(BadModel::TooLarge);
    }
    // Both forms are about: with the wrapper of the tools, and without it.
    let model = match serde_json::from_str::<File>(json) {
        Ok(file) => file.interaction_model,
        Err(e) => serde_json::from_str::<Model>(json).map_err(|_| e)?,
    };
    let language = &model.language_model;
    let too_many = |n: usize, what| if n > MOST { Err(BadModel::TooMany(what)) } else { Ok(()) };
    too_many(language.intents.len(), "intents")?;
    too_many(language.types.len(), "types")?;
    language.intents.iter().try_for_each(|i| too_many(i.samples.len(), "samples of one intent"))?;
    language.types.iter().try_for_each(|t| too_many(t.values.len(), "values of one type"))?;
    let mut maker = Maker { model: &model, notes: Vec::new(), lists: BTreeMap::new() };
    let mut files = catalogue::conversation();
    files.extend(maker.lists(language));
    files.extend(maker.domains(language, &mut files.clone())?);
    if let Some((_, dialogue)) = files.iter_mut().find(|(path, _)| path == "en/dialogue.yaml") {
        maker.add_to_conversation(language, dialogue);
    }
    let read = Catalogue::from_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))?;
    files.push(("tests/en/imported.yaml".to_owned(), tests(&read)));
    let notes = maker.notes;
    Ok(Imported { files, notes })
}

struct Maker<'m> {
    model: &'m Model,
    notes: Vec<String>,
    /// Names of types to names of lists.
    lists: BTreeMap<String, String>,
}

impl Maker<'_> {
    fn lists(&mut self, language: &LanguageModel) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let mut taken = BTreeSet::new();
        for of in &language.types {
            let kind = type_to_kind(&of.name);
            // A type of this program that is computed needs no values.
            if kind.is_some_and(|k| !matches!(k, SlotKind::Medicine | SlotKind::Provider)) {
                continue;
            }
            let name = kind.map_or_else(|| list_name(&of.name), |k| k.word().to_owned());
            let Some(rows) = self.values(of) else { continue };
            if !taken.insert(name.clone()) {
                self.notes.push(format!("the type `{}` goes by the name of another: left out", of.name));
                continue;
            }
            self.lists.insert(of.name.clone(), name.clone());
            files.push((format!("lists/{name}.yaml"), format!("list: {name}\nvalues:\n{rows}")));
        }
        files
    }

    fn values(&mut self, of: &Type) -> Option<String> {
        let mut rows = String::new();
        let mut taken = BTreeSet::new();
        for value in &of.values {
            let name = value.name.value.trim();
            let spoken = |text: &str| !words::normal(text).is_empty() && text.chars().count() <= LONGEST;
            if !spoken(name) || !taken.insert(name.to_lowercase()) {
                continue;
            }
            let ways = value.name.synonyms.iter().map(|s| s.trim()).filter(|s| spoken(s));
            let ways: Vec<String> = ways.map(|way| quoted(&escaped(way))).collect();
            rows.push_str(&format!("  {}: [{}]\n", quoted(name), ways.join(", ")));
        }
        if rows.is_empty() {
            self.notes.push(format!("the type `{}` has no values: its slots take any words", of.name));
            return None;
        }
        Some(rows)
    }

    fn domains(
        &mut self,
        language: &LanguageModel,
        conversation: &mut [(String, String)],
    ) -> Result<Vec<(String, String)>, BadModel> {
        let known = Catalogue::from_files(conversation.iter().map(|(p, t)| (p.as_str(), t.as_str())))?;
        let mut domains: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for intent in &language.intents {
            let Some(name) = intent_here(&intent.name) else {
                self.notes.push(format!("`{}` has no counterpart here: left out", intent.name));
                continue;
            };
            // What the conversation itself handles is there already.
            if known.intent(&name).is_some() {
                continue;
            }
            let domain = name.split('.').next().unwrap_or_default().to_owned();
            let text = self.intent(&name, intent);
            if domains.entry(domain).or_default().insert(name.clone(), text).is_some() {
                self.notes
                    .push(format!("`{}` goes by the name of another, `{name}`: one of them is left out", intent.name));
            }
        }
        if domains.is_empty() {
            return Err(BadModel::Empty);
        }
        self.notes
            .push("each imported intent needs its `action`, `data` and `effect`: see `why` in its file".to_owned());
        let file = |(domain, intents): (String, BTreeMap<String, String>)| {
            let all: String = intents.into_values().collect();
            (format!("en/{domain}.yaml"), format!("domain: {domain}\nintents:\n{all}"))
        };
        Ok(domains.into_iter().map(file).collect())
    }

    fn intent(&mut self, name: &str, intent: &Intent) -> String {
        let mut text = format!(
            "  {name}:\n    action: none\n    why: \"{}\"\n    data: identifiable\n    effect: change\n",
            "imported from an interaction model; name the action that answers it, its data and its effect"
        );
        let mut slots: BTreeMap<String, (&Slot, SlotKind)> = BTreeMap::new();
        for slot in &intent.slots {
            let here = snake(&slot.name);
            if !here.is_empty() {
                slots.entry(here).or_insert_with(|| (slot, self.kind(slot)));
            }
        }
        if !slots.is_empty() {
            text.push_str("    slots:\n");
        }
        for (here, (slot, kind)) in &slots {
            let asked = self.asked(&intent.name, &slot.name);
            let required = asked.is_some_and(|a| a.elicitation_required);
            text.push_str(&format!("      {here}: {{ type: {}", kind.word()));
            if required {
                let prompt = asked.and_then(|a| self.prompt(a.prompts.elicitation.as_deref()?));
                let prompt = prompt.unwrap_or_else(|| format!("Which {}?", here.replace('_', " ")));
                text.push_str(&format!(", required: true, prompt: {}", quoted(&prompt)));
            }
            text.push_str(" }\n");
        }
        text.push_str("    sentences:\n");
        let mut said = BTreeSet::new();
        for sample in &intent.samples {
            if let Some(line) = template(sample, &slots).filter(|line| said.insert(line.clone())) {
                text.push_str(&format!("      - {}\n", quoted(&line)));
            }
        }
        if said.is_empty() {
            let words = name.replace(['.', '_'], " ");
            self.notes.push(format!("`{name}` has no usable sample: it is understood by “{words}” until it has"));
            text.push_str(&format!("      - {}\n", quoted(&words)));
        }
        for (here, (slot, _)) in &slots {
            let answers: BTreeSet<String> =
                slot.samples.iter().filter_map(|s| template(s, &slots)).filter(|line| !said.contains(line)).collect();
            if !answers.is_empty() {
                let answers: Vec<String> = answers.iter().map(|a| quoted(a)).collect();
                let at = quoted(&format!("{name}/{here}"));
                text.push_str(&format!("      - {{ say: [{}], requires: {{ pending: {at} }} }}\n", answers.join(", ")));
            }
        }
        text
    }

    fn kind(&mut self, slot: &Slot) -> SlotKind {
        if let Some(kind) = type_to_kind(&slot.kind) {
            return kind.clone();
        }
        if let Some(list) = self.lists.get(&slot.kind) {
            return SlotKind::List(list.clone());
        }
        let note = format!("the type `{}` has no counterpart here: its slots take any words", slot.kind);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
        SlotKind::Text
    }

    fn asked(&self, intent: &str, slot: &str) -> Option<&DialogSlot> {
        let dialog = self.model.dialog.as_ref()?;
        dialog.intents.iter().find(|i| i.name == intent)?.slots.iter().find(|s| s.name == slot)
    }

    /// The question of an id as plain words.
    fn prompt(&self, id: &str) -> Option<String> {
        let prompt = self.model.prompts.iter().find(|p| p.id == id)?;
        let text = &prompt.variations.first()?.value;
        let mut plain = String::new();
        let mut in_tag = false;
        for c in text.chars().take(LONGEST) {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                // Slots in a question are named, not filled.
                '{' | '}' => {}
                c if !in_tag => plain.push(c),
                _ => {}
            }
        }
        Some(plain.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|p| !p.is_empty())
    }

    /// Samples a model adds to an intent of the conversation stand among that intent's sentences.
    fn add_to_conversation(&mut self, language: &LanguageModel, dialogue: &mut String) {
        for intent in &language.intents {
            let Some(name) = intent_here(&intent.name).filter(|n| n.starts_with("dialogue.") && n != NONE) else {
                continue;
            };
            let Some(at) = dialogue.find(&format!("\n  {name}:\n")) else { continue };
            let body = dialogue.get(at + 1..).unwrap_or_default();
            let next = body
                .match_indices("\n  ")
                .map(|(i, _)| i)
                .find(|i| body.get(i + 3..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphabetic));
            let own = body.get(..next.unwrap_or(body.len())).unwrap_or_default();
            let Some(sentences) = own.find("\n    sentences:\n") else { continue };
            let insert = at + 1 + sentences + "\n    sentences:\n".len();
            let fresh: BTreeSet<String> = intent
                .samples
                .iter()
                .filter_map(|s| template(s, &BTreeMap::new()))
                .filter(|line| !own.contains(line.as_str()))
                .collect();
            let lines: String = fresh.iter().map(|line| format!("      - {}\n", quoted(line))).collect();
            dialogue.insert_str(insert, &lines);
        }
    }
}

/// A sample as a template: its slots stay, what would mean something in a template does not.
fn template(sample: &str, slots: &BTreeMap<String, (&Slot, SlotKind)>) -> Option<String> {
    if sample.chars().count() > LONGEST {
        return None;
    }
    let mut out = String::new();
    let mut rest = sample.trim();
    let mut words_beside = false;
    let mut free = false;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        words_beside |= !words::normal(before).is_empty();
        out.push_str(&escaped(before));
        let close = after.find('}')?;
        let name = snake(after.get(1..close)?);
        let (_, kind) = slots.get(&name)?;
        free |= *kind == SlotKind::Text;
        // A blank on both sides: a slot is words of its own.
        out.push_str(&format!(" {{{name}}} "));
        rest = after.get(close + 1..)?;
    }
    words_beside |= !words::normal(rest).is_empty();
    out.push_str(&escaped(rest));
    let line = out.split_whitespace().collect::<Vec<_>>().join(" ");
    // Any words at all would be this intent.
    (!line.is_empty() && (words_beside || (line.contains('{') && !free))).then_some(line)
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|' | ';' | '\\' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// In double quotes, as JSON and YAML write them alike.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn list_name(name: &str) -> String {
    // The names of kinds are taken.
    let bare = name.strip_suffix("List").filter(|n| !n.is_empty()).unwrap_or(name);
    let name = snake(bare);
    let kinds = ["medicine", "provider", "date", "time", "number", "reading", "duration", "recurrence", "period"];
    if name.is_empty()
        || kinds.contains(&name.as_str())
        || matches!(name.as_str(), "ordinal" | "digits" | "text" | "language")
    {
        return format!("{name}_values").trim_start_matches('_').to_owned();
    }
    name
}

/// One line a kind of thing that can be said: the catalogue's own sentences, to begin with.
fn tests(catalogue: &Catalogue) -> String {
    let mut text =
        String::from("# One sentence of each intent, drawn from its templates. Add what people really say.\n");
    let mut sampler = Sampler::new(catalogue, 1);
    for def in catalogue.intents().iter().filter(|d| !d.name.ends_with(".common")) {
        let said = sampler.anywhere(&def.name).or_else(|| sampler.intent(&def.name, 1).pop());
        let Some(say) = said else { continue };
        text.push_str(&format!("- {{ say: {}, intent: {} }}\n", quoted(&say), def.name));
    }
    text
}
