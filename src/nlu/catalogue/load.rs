//! Files to a compiled catalogue. Goes on after a mistake, so that one look shows them all.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_saphyr::Spanned;

use super::{
    Catalogue, CatalogueErrors, IntentDef, List, Mistake, Phrase, Place, Sentence, SlotDef, SlotKind, TestCase,
    samples::expansions,
    source::{self, File, Intent, IntentFile, ListFile, Otherwise, Slot, mistake},
};
use crate::nlu::{
    grammar::{self, Pattern, Rules, Vocabulary},
    names::Names,
    template, words,
};

/// Ways to say one value of a list.
const MOST_WAYS: usize = 200;

pub(super) fn build(files: &[File]) -> Result<Catalogue, CatalogueErrors> {
    let mut loader = Loader::default();
    let mut intents = Vec::new();
    let mut shared = None;
    for (path, text) in files {
        let name = path.to_string_lossy().replace('\\', "/");
        let folder = path.parent().unwrap_or(Path::new(""));
        if folder == Path::new("lists") {
            if let Some(file) = loader.parse::<ListFile>(&name, text) {
                loader.list(&name, file);
            }
        } else if folder.starts_with("tests") {
            if let Some(cases) = loader.parse::<Vec<Spanned<TestCase>>>(&name, text) {
                loader.tests.extend(cases.into_iter().map(|c| TestCase {
                    line: c.referenced.line(),
                    file: name.clone(),
                    ..c.value
                }));
            }
        } else if let Some(file) = loader.parse::<IntentFile>(&name, text) {
            if name.ends_with("_common.yaml") { shared = Some((name, file)) } else { intents.push((name, file)) }
        }
    }
    let common = shared.map(|(name, file)| loader.common(&name, file)).unwrap_or_default();
    for (name, file) in intents {
        loader.domain(&name, file, &common);
    }
    loader.finish()
}

#[derive(Default)]
struct Loader {
    mistakes: Vec<Mistake>,
    vocabulary: Vocabulary,
    lists: BTreeMap<String, List>,
    tests: Vec<TestCase>,
    intents: BTreeMap<String, (IntentDef, Vec<Sentence>)>,
    openings: Vec<Pattern>,
    closings: Vec<Pattern>,
    skip: Vec<Vec<String>>,
}

impl Loader {
    fn parse<T: serde::de::DeserializeOwned>(&mut self, file: &str, text: &str) -> Option<T> {
        source::parse(file, text).map_err(|m| self.mistakes.push(m)).ok()
    }

    fn wrong(&mut self, file: &str, line: u64, what: impl Into<String>) {
        self.mistakes.push(mistake(file, line, what));
    }

    fn rules(&mut self, file: &str, raw: &BTreeMap<String, Spanned<String>>, mut rules: Rules) -> Rules {
        for (name, text) in raw {
            match template::parse(&text.value) {
                Ok(tree) => {
                    rules.insert(name.clone(), tree);
                }
                Err(e) => self.wrong(file, text.referenced.line(), format!("rule `{name}`: {e}")),
            }
        }
        rules
    }

    fn common(&mut self, name: &str, file: IntentFile) -> Rules {
        let rules = self.rules(name, &file.rules, Rules::new());
        for (phrases, openings) in [(&file.openings, true), (&file.closings, false)] {
            for phrase in phrases {
                match grammar::compile(&phrase.value, &rules, &mut self.vocabulary) {
                    Ok(p) if openings => self.openings.push(p),
                    Ok(p) => self.closings.push(p),
                    Err(e) => self.wrong(name, phrase.referenced.line(), e),
                }
            }
        }
        self.skip = file.skip.iter().map(|s| words::words(&s.value).into_iter().map(|w| w.text).collect()).collect();
        self.skip.sort_by_key(|s: &Vec<String>| std::cmp::Reverse(s.len()));
        if !file.intents.is_empty() {
            self.wrong(name, 0, "holds only what domains share: intents belong in a domain's own file");
        }
        rules
    }

    fn list(&mut self, file: &str, raw: ListFile) {
        let mut values = Vec::new();
        let mut said = Vec::new();
        for (value, others) in raw.values {
            let entry = values.len();
            said.push((entry, words::normal(&value)));
            for other in others.into_iter().flatten() {
                let ways = grammar::compile(&other.value, &Rules::new(), &mut Vocabulary::default());
                match ways {
                    Ok(p) if p.slots.is_empty() => {
                        said.extend(expansions(&p.expr, MOST_WAYS).into_iter().map(|way| (entry, way)));
                    }
                    Ok(_) => self.wrong(file, other.referenced.line(), "a value cannot hold a slot"),
                    Err(e) => self.wrong(file, other.referenced.line(), e),
                }
            }
            values.push(value);
        }
        if values.is_empty() == raw.range.is_none() {
            self.wrong(file, 0, format!("list `{}` needs either `values` or a `range`", raw.list));
        }
        let range = raw.range.map(|r| (r.from.min(r.to), r.from.max(r.to)));
        let names = Names::new(said.iter().map(|(entry, way)| (*entry, way.as_str())));
        if self.lists.insert(raw.list.clone(), List { values, names, said, range }).is_some() {
            self.wrong(file, 0, format!("there are two lists `{}`", raw.list));
        }
    }

    fn domain(&mut self, name: &str, file: IntentFile, common: &Rules) {
        let rules = self.rules(name, &file.rules, common.clone());
        if !(file.skip.is_empty() && file.openings.is_empty() && file.closings.is_empty()) {
            self.wrong(name, 0, "`skip`, `openings` and `closings` belong in _common.yaml");
        }
        for (intent, raw) in file.intents {
            let line = raw.referenced.line();
            if let Some(domain) = &file.domain
                && !intent.starts_with(&format!("{}.", domain.value))
            {
                self.wrong(name, line, format!("`{intent}` is not of the domain `{}`", domain.value));
            }
            let def = self.intent(name, line, &intent, raw.value, &rules);
            if let Some((other, _)) = self.intents.get(&intent) {
                let other = other.at.to_string();
                self.wrong(name, line, format!("`{intent}` is already defined at {other}"));
            } else {
                self.intents.insert(intent, def);
            }
        }
    }

    fn intent(&mut self, file: &str, line: u64, name: &str, raw: Intent, rules: &Rules) -> (IntentDef, Vec<Sentence>) {
        let place = |line| Place { file: Arc::from(file), line };
        if !name.contains('.') || !name.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_') {
            self.wrong(file, line, format!("`{name}`: an intent is named like `domain.what_it_does`"));
        }
        let action = Some(raw.action.value).filter(|a| a != "none");
        if action.is_none() && raw.why.is_none() {
            self.wrong(file, raw.action.referenced.line(), format!("`{name}`: `action: none` needs a `why`"));
        }
        if action.is_some() && raw.why.is_some() {
            self.wrong(file, raw.action.referenced.line(), format!("`{name}`: `why` is for `action: none`"));
        }
        let replies_only = name.ends_with(".common");
        if replies_only != (raw.sentences.is_empty() && raw.examples.is_empty()) {
            let what = if replies_only { "holds replies only" } else { "has no sentence: nobody could ask for it" };
            self.wrong(file, line, format!("`{name}` {what}"));
        }
        let mut slots: Vec<(u64, SlotDef)> = raw
            .slots
            .into_iter()
            .map(|(slot, raw)| (raw.referenced.line(), self.slot(file, raw.referenced.line(), name, &slot, raw.value)))
            .collect();
        slots.sort_by_key(|(line, _)| *line);
        let slots: Vec<SlotDef> = slots.into_iter().map(|(_, slot)| slot).collect();
        let mut compiled = Vec::new();
        let mut seen = BTreeMap::new();
        for (phrases, exact) in [(&raw.sentences, true), (&raw.examples, false)] {
            for phrase in phrases {
                let line = phrase.referenced.line();
                if let Some(first) = seen.insert(phrase.value.clone(), line) {
                    self.wrong(file, line, format!("`{name}`: the same sentence stands in line {first}"));
                }
                match grammar::compile(&phrase.value, rules, &mut self.vocabulary) {
                    Ok(pattern) => {
                        for used in &pattern.slots {
                            if !slots.iter().any(|s| s.name == used.name) {
                                self.wrong(file, line, format!("`{name}` has no slot `{{{}}}`", used.name));
                            }
                            if let Some(list) = &used.list
                                && !self.lists.contains_key(list)
                            {
                                self.wrong(file, line, format!("`{name}`: there is no list `{list}`"));
                            }
                        }
                        compiled.push(Sentence { intent: 0, exact, at: place(line), pattern });
                    }
                    Err(e) => self.wrong(file, line, format!("`{name}`: {e}")),
                }
            }
        }
        let phrases = |raw: Vec<Spanned<String>>| {
            raw.into_iter().map(|p| Phrase { text: p.value, at: place(p.referenced.line()) }).collect()
        };
        let def = IntentDef {
            name: name.to_owned(),
            action,
            why_none: raw.why,
            data: raw.data,
            effect: raw.effect,
            slots,
            sentences: phrases(raw.sentences),
            examples: phrases(raw.examples),
            replies: raw.replies.unwrap_or_default(),
            at: place(line),
        };
        (def, compiled)
    }

    fn slot(&mut self, file: &str, line: u64, intent: &str, name: &str, raw: Slot) -> SlotDef {
        let kind = match raw.kind.as_str() {
            "medicine" => SlotKind::Medicine,
            "provider" => SlotKind::Provider,
            "date" => SlotKind::Date,
            "time" => SlotKind::Time,
            "number" => SlotKind::Number,
            "reading" => SlotKind::Reading,
            "duration" => SlotKind::Duration,
            "recurrence" => SlotKind::Recurrence,
            "period" => SlotKind::Period,
            "ordinal" => SlotKind::Ordinal,
            "digits" => SlotKind::Digits,
            "text" => SlotKind::Text,
            list => {
                if !self.lists.contains_key(list) {
                    self.wrong(file, line, format!("`{intent}`: slot `{name}` has an unknown type or list `{list}`"));
                }
                SlotKind::List(list.to_owned())
            }
        };
        if raw.required && raw.prompt.is_none() {
            self.wrong(file, line, format!("`{intent}`: the required slot `{name}` needs a `prompt`"));
        }
        let or_words = raw.otherwise == Some(Otherwise::Words);
        SlotDef { name: name.to_owned(), kind, required: raw.required, prompt: raw.prompt, sense: raw.sense, or_words }
    }

    fn finish(mut self) -> Result<Catalogue, CatalogueErrors> {
        if self.intents.is_empty() && self.mistakes.is_empty() {
            self.wrong("en", 0, "there is no intent");
        }
        if !self.mistakes.is_empty() {
            self.mistakes.sort();
            self.mistakes.dedup();
            return Err(CatalogueErrors(self.mistakes));
        }
        let mut intents = Vec::new();
        let mut by_name = BTreeMap::new();
        let mut sentences = Vec::new();
        for (index, (name, (def, compiled))) in self.intents.into_iter().enumerate() {
            by_name.insert(name, index);
            intents.push(def);
            sentences.extend(compiled.into_iter().map(|s| Sentence { intent: index, ..s }));
        }
        Ok(Catalogue {
            intents,
            by_name,
            lists: self.lists,
            tests: self.tests,
            vocabulary: self.vocabulary,
            sentences,
            openings: self.openings,
            closings: self.closings,
            skip: self.skip,
        })
    }
}
