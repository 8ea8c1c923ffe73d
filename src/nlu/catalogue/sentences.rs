//! Sentences of an intent to patterns, with the conditions they hold under.

use super::{
    Conditions, Phrase, Place, Sentence, SlotDef,
    lists::Scope,
    load::Loader,
    source::{Block, Condition},
};
use crate::nlu::grammar::{self, Rules};

/// Channels a sentence can be bound to.
const CHANNELS: [&str; 4] = ["room", "home", "chat", "third-party"];

/// Whose sentences are compiled.
pub(super) struct Home<'a> {
    pub file: &'a str,
    pub intent: &'a str,
    pub slots: &'a [SlotDef],
}

impl Loader {
    /// Compiles one sentence and looks up the lists it names.
    pub(super) fn sentence(
        &mut self,
        home: &Home<'_>,
        line: u64,
        text: &str,
        rules: &Rules,
        scope: &Scope,
    ) -> Option<Sentence> {
        let (file, name) = (home.file, home.intent);
        let mut pattern = match grammar::compile(text, rules, &mut self.vocabulary) {
            Ok(pattern) => pattern,
            Err(e) => {
                self.wrong(file, line, format!("`{name}`: {e}"));
                return None;
            }
        };
        for used in &mut pattern.slots {
            if !home.slots.iter().any(|s| s.name == used.name) {
                self.wrong(file, line, format!("`{name}` has no slot `{{{}}}`", used.name));
            }
            if let Some(list) = &mut used.list {
                *list = scope.resolve(list).to_owned();
                if !self.lists.contains_key(list) {
                    self.wrong(file, line, format!("`{name}`: there is no list `{list}`"));
                }
            }
        }
        Some(Sentence {
            intent: 0,
            exact: true,
            at: Place { file: file.into(), line },
            pattern,
            requires: Conditions::default(),
            excludes: Conditions::default(),
        })
    }

    /// Compiles sentences that share conditions, slots nobody says, rules and lists.
    pub(super) fn block(
        &mut self,
        home: &Home<'_>,
        line: u64,
        block: Block,
        rules: &Rules,
        scope: &Scope,
    ) -> (Vec<Phrase>, Vec<Sentence>) {
        let (file, name) = (home.file, home.intent);
        let rules = self.rules(file, &block.rules, rules.clone());
        let scope = self.local_lists(file, &format!("{file}:{line}"), &block.lists, &rules, scope);
        let requires = self.conditions(home, line, &block.requires);
        let excludes = self.conditions(home, line, &block.excludes);
        for slot in block.slots.keys().filter(|slot| !home.slots.iter().any(|s| s.name == **slot)) {
            self.wrong(file, line, format!("`{name}` has no slot `{slot}`"));
        }
        if block.say.0.is_empty() {
            self.wrong(file, line, format!("`{name}`: a block needs `say:`"));
        }
        let mut phrases = Vec::new();
        let mut sentences = Vec::new();
        for text in block.say.0 {
            let line = if text.referenced.line() == 0 { line } else { text.referenced.line() };
            if let Some(mut sentence) = self.sentence(home, line, &text.value, &rules, &scope) {
                sentence.pattern.fixed = block.slots.clone().into_iter().collect();
                sentences.push(Sentence { requires: requires.clone(), excludes: excludes.clone(), ..sentence });
            }
            phrases.push(Phrase { text: text.value, at: Place { file: file.into(), line } });
        }
        (phrases, sentences)
    }

    fn conditions(&mut self, home: &Home<'_>, line: u64, raw: &Condition) -> Conditions {
        for channel in raw.channel.0.iter().filter(|c| !CHANNELS.contains(&c.value.as_str())) {
            let known = CHANNELS.join(", ");
            let what = format!("`{}`: there is no channel `{}` (there are {known})", home.intent, channel.value);
            self.wrong(home.file, line, what);
        }
        let texts = |all: &super::source::Several| all.0.iter().map(|t| t.value.clone()).collect();
        Conditions { channel: texts(&raw.channel), pending: texts(&raw.pending) }
    }
}
