//! What a catalogue that loads may still get wrong: two intents that claim one sentence, a sentence that fills
//! other slots each time, an intent nobody tests.
//!
//! The rule of slots: every variant of a sentence fills the same required slots and the same free text. A slot that
//! is only extra (`[with {provider}]`) may be left out, since nothing is asked and nothing else is done without it.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{
    Context, NONE, Pending,
    catalogue::{Catalogue, Mistake, Place, Sampler, Sentence, SlotKind},
    engine,
    grammar::{Expr, Pattern},
};
use crate::policy::NameLists;

/// Sentences drawn from each template.
const DRAWN: usize = 200;

impl Catalogue {
    /// Looks for clashes and gaps. Empty where there are none.
    #[must_use]
    pub fn lint(&self) -> Vec<Mistake> {
        let mut mistakes = self.untested();
        mistakes.extend(self.bad_tests());
        mistakes.extend(self.changing_slots());
        mistakes.extend(self.clashes());
        mistakes.sort();
        mistakes
    }

    /// Every intent has a test of its own; every file of tests also says what is not of its domain.
    fn untested(&self) -> Vec<Mistake> {
        let tested: BTreeSet<&str> = self.tests().iter().flat_map(|t| t.intent.split('|')).map(str::trim).collect();
        let spoken = self.intents().iter().filter(|i| !i.name.ends_with(".common"));
        let mut mistakes: Vec<Mistake> = spoken
            .filter(|i| !tested.contains(i.name.as_str()))
            .map(|i| Mistake {
                at: i.at.clone(),
                what: format!("`{}` has no test: add what people say to tests/en", i.name),
            })
            .collect();
        let domains: BTreeSet<&str> = self.intents().iter().filter_map(|i| i.name.split('.').next()).collect();
        for domain in domains.into_iter().filter(|d| *d != "dialogue") {
            let own = |intent: &str| intent.split('|').any(|i| i.trim().split('.').next() == Some(domain));
            let files: BTreeSet<&str> =
                self.tests().iter().filter(|t| own(&t.intent)).map(|t| t.file.as_str()).collect();
            let has_near_miss = self.tests().iter().any(|t| files.contains(t.file.as_str()) && !own(&t.intent));
            if let Some(file) = files.first().filter(|_| !has_near_miss) {
                let what = format!(
                    "`{domain}` has no near miss: add a sentence that sounds like it and is something else, or `{NONE}`"
                );
                mistakes.push(Mistake { at: Place { file: (*file).into(), line: 0 }, what });
            }
        }
        if self.intent(NONE).is_some() && !self.tests().is_empty() && !tested.contains(NONE) {
            let at = Place { file: "tests/en".into(), line: 0 };
            mistakes.push(Mistake {
                at,
                what: format!("nothing is tested to be `{NONE}`: add what must not be understood"),
            });
        }
        mistakes
    }

    /// Sentences whose variants do not all fill what must be filled.
    fn changing_slots(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for sentence in self.sentences.iter().filter(|s| s.exact) {
            let Some(def) = self.intents().get(sentence.intent) else { continue };
            let (some, all) = fills(&sentence.pattern.expr, &sentence.pattern);
            for slot in some.difference(&all) {
                let Some(slot) = def.slot(slot).filter(|s| s.required || s.kind == SlotKind::Text) else { continue };
                let what = format!(
                    "`{}`: `{{{}}}` is filled in some variants only: it may not stand in `[ ]` or in one of several \
                     alternatives; say it as two sentences",
                    def.name, slot.name
                );
                mistakes.push(Mistake { at: sentence.at.clone(), what });
            }
        }
        mistakes
    }

    fn bad_tests(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for test in self.tests() {
            let mut wrong = |what: String| {
                let at = Place { file: test.file.as_str().into(), line: test.line };
                mistakes.push(Mistake { at, what });
            };
            for name in test.intent.split('|').map(str::trim) {
                let Some(def) = self.intent(name) else {
                    wrong(format!("there is no intent `{name}`"));
                    continue;
                };
                for slot in test.slots.keys().filter(|s| def.slot(s).is_none() && test.pending.is_none()) {
                    wrong(format!("`{name}` has no slot `{slot}`"));
                }
            }
            if let Some(pending) = &test.pending {
                let name = pending.split('/').next().unwrap_or_default();
                if self.intent(name).is_none() {
                    wrong(format!("pending: there is no intent `{name}`"));
                }
            }
        }
        mistakes
    }

    /// A template's own seed: what is drawn from it does not depend on what else the catalogue holds, so that a new
    /// sentence elsewhere brings no old clash to light.
    fn seed(&self, sentence: &Sentence) -> u64 {
        let name = self.intents().get(sentence.intent).map_or("", |i| i.name.as_str());
        let digest = Sha256::new().chain_update(name).chain_update(format!("{:?}", sentence.pattern.expr)).finalize();
        digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }

    /// Draws sentences from each template and asks who else claims them.
    fn clashes(&self) -> Vec<Mistake> {
        let lists = NameLists::default();
        let zone = jiff::tz::TimeZone::UTC;
        let mut told = BTreeSet::new();
        let mut mistakes = Vec::new();
        for sentence in self.sentences.iter().filter(|s| s.exact) {
            let mut sampler = Sampler::new(self, self.seed(sentence));
            let drawn: BTreeSet<String> =
                (0..DRAWN).map(|_| sampler.sentence(sentence.intent, &sentence.pattern)).collect();
            let (channel, pending) = sentence.somewhere();
            // Any moment will do: what a date means does not change who claims it.
            let ctx = Context { channel, pending, lists: &lists, now: jiff::Timestamp::UNIX_EPOCH, zone: &zone };
            for text in drawn {
                let claims = engine::claims(self, &text, &ctx);
                let own = claims.iter().find(|(i, ..)| *i == sentence.intent).map_or(0, |(_, p, _)| *p);
                for (other, points, at) in claims {
                    let pair = (sentence.intent.min(other), sentence.intent.max(other));
                    if other == sentence.intent || points < own || !told.insert(pair) {
                        continue;
                    }
                    let name = self.intents().get(other).map_or("", |i| i.name.as_str());
                    let what = format!("“{text}” is also claimed by `{name}` at {at}: one of them must say more");
                    mistakes.push(Mistake { at: sentence.at.clone(), what });
                }
            }
        }
        mistakes
    }
}

impl Sentence {
    /// A channel and an open question under which it holds.
    fn somewhere(&self) -> (&str, Option<Pending<'_>>) {
        let known = ["home", "room", "chat", "third-party"];
        let free = |c: &&str| !self.excludes.channel.iter().any(|e| e == c);
        let channel = self.requires.channel.first().map(String::as_str);
        let pending = self.requires.pending.first().map(|wanted| match wanted.split_once('/') {
            Some((intent, slot)) => Pending { intent, slot: Some(slot) },
            None => Pending { intent: wanted, slot: None },
        });
        (channel.or_else(|| known.into_iter().find(free)).unwrap_or("home"), pending)
    }
}

/// Slots some variant fills, and slots every variant fills.
fn fills<'p>(expr: &Expr, pattern: &'p Pattern) -> (BTreeSet<&'p str>, BTreeSet<&'p str>) {
    match expr {
        Expr::Word(_) => Default::default(),
        Expr::Slot(slot) => {
            let one: BTreeSet<&str> = pattern.slots.get(*slot).map(|s| s.name.as_str()).into_iter().collect();
            (one.clone(), one)
        }
        Expr::Seq(parts) => parts.iter().map(|p| fills(p, pattern)).fold(Default::default(), |(a, b), (some, all)| {
            (a.union(&some).copied().collect(), b.union(&all).copied().collect())
        }),
        Expr::Alt(branches) => {
            let mut each = branches.iter().map(|b| fills(b, pattern));
            let first = each.next().unwrap_or_default();
            each.fold(first, |(a, b), (some, all)| {
                (a.union(&some).copied().collect(), b.intersection(&all).copied().collect())
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "intents:\n  a.one:\n    action: a\n    data: public\n    effect: read\n    sentences:\n";

    fn lint(intents: &str, tests: &str) -> Vec<String> {
        let files = [("en/a.yaml", intents), ("tests/en/a.yaml", tests)];
        let catalogue = Catalogue::from_files(files).expect("loads");
        catalogue.lint().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn clashes_and_gaps_are_told_with_their_line() {
        let two = format!(
            "{A}      - \"[please] turn it (up|down)\"\n  a.two:\n    action: a\n    data: public\n    effect: read\n    \
             sentences:\n      - \"lights\"\n      - \"turn it up\"\n"
        );
        let told = lint(&two, "- { say: lights, intent: a.two }\n- { say: x, intent: a.three }\n");
        let told: Vec<String> = told.into_iter().filter(|t| !t.contains("near miss")).collect();
        assert_eq!(told.len(), 3, "{told:#?}");
        assert!(told[0].starts_with("en/a.yaml:3: `a.one` has no test"), "{}", told[0]);
        assert!(
            told[1].starts_with("en/a.yaml:7: “turn it up” is also claimed by `a.two` at en/a.yaml:14"),
            "{}",
            told[1]
        );
        assert!(told[2].starts_with("tests/en/a.yaml:2: there is no intent `a.three`"), "{}", told[2]);
    }

    #[test]
    fn nothing_is_told_of_a_sound_catalogue() {
        let one = format!(
            "{A}      - \"turn it (up|down)\"\n  b.two:\n    action: a\n    data: public\n    effect: read\n    sentences: [lights]\n"
        );
        let tests = "- { say: turn it up, intent: a.one }\n- { say: lights, intent: b.two }\n";
        assert_eq!(lint(&one, tests), Vec::<String>::new());
    }

    #[test]
    fn a_sentence_fills_the_same_slots_each_time() {
        let slots = "    slots:\n      day: { type: date, required: true, prompt: \"When?\" }\n      who: { type: provider }\n\
                     \x20     say: { type: text }\n    sentences:\n";
        let head = A.replace("    sentences:\n", slots);
        let tests = "- { say: come tomorrow, intent: a.one }\n";
        for (sentence, wrong) in [
            ("come {day} [with {who}]", false),
            ("come [{day}]", true),
            ("come ({day}|soon)", true),
            ("come ({day}|on {day})", false),
            ("come (({day});now)", false),
            ("come {day} [and say {say}]", true),
            ("come {day} and say {say}", false),
            ("come {day}", false),
        ] {
            let told = lint(&format!("{head}      - \"{sentence}\"\n"), tests);
            let changing = told.iter().any(|t| t.starts_with("en/a.yaml:11: ") && t.contains("in some variants only"));
            assert_eq!(changing, wrong, "{sentence}: {told:#?}");
        }
    }

    #[test]
    fn sentences_bound_to_different_places_do_not_clash() {
        let two = |more: &str| {
            format!(
                "{A}      - say: \"lights\"\n        requires: {{ channel: room }}\n  b.two:\n    action: a\n    data: public\n    \
                 effect: read\n    sentences:\n      - {{ say: lights{more} }}\n"
            )
        };
        let clash = |more: &str| lint(&two(more), "").iter().any(|t| t.contains("also claimed"));
        assert!(clash(""));
        assert!(!clash(", excludes: { channel: room }"));
        assert!(!clash(", requires: { channel: home }"));
        assert!(!clash(", requires: { pending: a.one }"));
    }
}
