//! Files to a compiled catalogue. Goes on after a mistake, so that one look shows them all.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_saphyr::Spanned;

use super::{
    Catalogue, CatalogueErrors, IntentDef, List, Mistake, Phrase, Place, Sentence, SlotDef, SlotKind, TestCase,
    lists::Scope,
    sentences::Home,
    source::{self, File, Intent, IntentFile, ListFile, Otherwise, Said, Slot, mistake},
};
use crate::nlu::{
    grammar::{self, Index, Pattern, Rules, Vocabulary},
    template, words,
};

pub(super) fn build(files: &[File]) -> Result<Catalogue, CatalogueErrors> {
    let mut loader = Loader::default();
    let mut intents = Vec::new();
    let mut lists = Vec::new();
    let mut shared = None;
    for (path, text) in files {
        let name = path.to_string_lossy().replace('\\', "/");
        let folder = path.parent().unwrap_or(Path::new(""));
        if folder == Path::new("lists") {
            lists.extend(loader.parse::<ListFile>(&name, text).map(|file| (name, file)));
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
    for (name, file) in lists {
        if file.beside() {
            loader.beside(&name, &file, &common);
            continue;
        }
        let (list, body) = file.split();
        loader.list(&name, 0, &list, &body, &common);
    }
    for (name, file) in intents {
        loader.domain(&name, file, &common);
    }
    loader.finish()
}

#[derive(Default)]
pub(super) struct Loader {
    mistakes: Vec<Mistake>,
    pub(super) vocabulary: Vocabulary,
    pub(super) lists: BTreeMap<String, List>,
    /// List, name, names it is taken for.
    pub(super) taken_for: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    pub(super) exact: BTreeMap<String, List>,
    pub(super) kinds: BTreeMap<String, List>,
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

    pub(super) fn wrong(&mut self, file: &str, line: u64, what: impl Into<String>) {
        self.mistakes.push(mistake(file, line, what));
    }

    /// Adds rules to those that are known. One that leads back into itself is told where it stands.
    pub(super) fn rules(&mut self, file: &str, raw: &BTreeMap<String, Spanned<String>>, mut rules: Rules) -> Rules {
        for (name, text) in raw {
            match template::parse(&text.value) {
                Ok(tree) => {
                    rules.insert(name.clone(), tree);
                }
                Err(e) => self.wrong(file, text.referenced.line(), format!("rule `{name}`: {e}")),
            }
        }
        for (name, text) in raw {
            if grammar::leads_back(name, &rules) {
                self.wrong(file, text.referenced.line(), format!("the rule `<{name}>` contains itself"));
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
        if !file.lists.is_empty() {
            self.wrong(name, 0, "a list that domains share is a file of its own in lists");
        }
        if !file.intents.is_empty() {
            self.wrong(name, 0, "holds only what domains share: intents belong in a domain's own file");
        }
        rules
    }

    fn domain(&mut self, name: &str, file: IntentFile, common: &Rules) {
        let rules = self.rules(name, &file.rules, common.clone());
        let scope = self.local_lists(name, name, &file.lists, &rules, &Scope::default());
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
            let def = self.intent(name, line, &intent, raw.value, &rules, &scope);
            if let Some((other, _)) = self.intents.get(&intent) {
                let other = other.at.to_string();
                self.wrong(name, line, format!("`{intent}` is already defined at {other}"));
            } else {
                self.intents.insert(intent, def);
            }
        }
    }

    fn intent(
        &mut self,
        file: &str,
        line: u64,
        name: &str,
        raw: Intent,
        rules: &Rules,
        scope: &Scope,
    ) -> (IntentDef, Vec<Sentence>) {
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
            .map(|(slot, raw)| {
                (raw.referenced.line(), self.slot(file, raw.referenced.line(), name, &slot, raw.value, scope))
            })
            .collect();
        slots.sort_by_key(|(line, _)| *line);
        let slots: Vec<SlotDef> = slots.into_iter().map(|(_, slot)| slot).collect();
        let mut seen = BTreeMap::new();
        let mut once = |loader: &mut Self, text: &str, line: u64| {
            if let Some(first) = seen.insert(text.to_owned(), line) {
                loader.wrong(file, line, format!("`{name}`: the same sentence stands in line {first}"));
            }
        };
        let home = Home { file, intent: name, slots: &slots };
        let mut compiled = Vec::new();
        let mut sentences = Vec::new();
        for said in raw.sentences {
            let line = said.referenced.line();
            match said.value {
                Said::Plain(text) => {
                    once(self, &text, line);
                    compiled.extend(self.sentence(&home, line, &text, rules, scope));
                    sentences.push(Phrase { text, at: place(line) });
                }
                Said::Block(block) => {
                    let (said, patterns) = self.block(&home, line, *block, rules, scope);
                    compiled.extend(patterns);
                    sentences.extend(said);
                }
            }
        }
        let mut examples = Vec::new();
        for example in raw.examples {
            let line = example.referenced.line();
            once(self, &example.value, line);
            let learned = self.sentence(&home, line, &example.value, rules, scope);
            compiled.extend(learned.map(|s| Sentence { exact: false, ..s }));
            examples.push(Phrase { text: example.value, at: place(line) });
        }
        let def = IntentDef {
            name: name.to_owned(),
            action,
            why_none: raw.why,
            data: raw.data,
            effect: raw.effect,
            identity: raw.identity,
            slots,
            sentences,
            examples,
            replies: raw.replies.unwrap_or_default(),
            at: place(line),
        };
        (def, compiled)
    }

    fn slot(&mut self, file: &str, line: u64, intent: &str, name: &str, raw: Slot, scope: &Scope) -> SlotDef {
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
                let list = scope.resolve(list);
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

    /// An open question that a sentence is bound to must be one that can be asked.
    fn pending_exists(&mut self) {
        let mut missing = Vec::new();
        for sentence in self.intents.values().flat_map(|(_, sentences)| sentences) {
            for wanted in sentence.requires.pending.iter().chain(&sentence.excludes.pending) {
                let (intent, slot) = wanted.split_once('/').map_or((wanted.as_str(), None), |(i, s)| (i, Some(s)));
                let known = intent == "any"
                    || self.intents.get(intent).is_some_and(|(def, _)| slot.is_none_or(|s| def.slot(s).is_some()));
                if !known {
                    missing.push((sentence.at.clone(), format!("pending: there is no `{wanted}`")));
                }
            }
        }
        self.mistakes.extend(missing.into_iter().map(|(at, what)| Mistake { at, what }));
    }

    fn finish(mut self) -> Result<Catalogue, CatalogueErrors> {
        if self.intents.is_empty() && self.mistakes.is_empty() {
            self.wrong("en", 0, "there is no intent");
        }
        self.pending_exists();
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
            taken_for: self.taken_for,
            exact: self.exact,
            kinds: self.kinds,
            tests: self.tests,
            vocabulary: self.vocabulary,
            index: Index::new(sentences.iter().map(|s| &s.pattern)),
            sentences,
            openings: self.openings,
            closings: self.closings,
            skip: self.skip,
        })
    }
}
