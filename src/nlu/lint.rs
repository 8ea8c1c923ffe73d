//! What a catalogue that loads may still get wrong: two intents that claim one sentence, an intent nobody tests.

use std::collections::BTreeSet;

use super::{
    Context,
    catalogue::{Catalogue, Mistake, Place, Sampler},
    engine,
};
use crate::policy::NameLists;

/// Sentences drawn from each template.
const DRAWN: usize = 40;

impl Catalogue {
    /// Looks for clashes and gaps. Empty where there are none.
    #[must_use]
    pub fn lint(&self) -> Vec<Mistake> {
        let mut mistakes = self.untested();
        mistakes.extend(self.bad_tests());
        mistakes.extend(self.clashes());
        mistakes.sort();
        mistakes
    }

    fn untested(&self) -> Vec<Mistake> {
        let tested: BTreeSet<&str> = self.tests().iter().flat_map(|t| t.intent.split('|')).map(str::trim).collect();
        let spoken = self.intents().iter().filter(|i| !i.name.ends_with(".common"));
        spoken
            .filter(|i| !tested.contains(i.name.as_str()))
            .map(|i| Mistake {
                at: i.at.clone(),
                what: format!("`{}` has no test: add what people say to tests/en", i.name),
            })
            .collect()
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

    /// Draws sentences from each template and asks who else claims them.
    fn clashes(&self) -> Vec<Mistake> {
        let mut sampler = Sampler::new(self, 11);
        let lists = NameLists::default();
        let zone = jiff::tz::TimeZone::UTC;
        // Any moment will do: what a date means does not change who claims it.
        let ctx =
            Context { channel: "home", pending: None, lists: &lists, now: jiff::Timestamp::UNIX_EPOCH, zone: &zone };
        let mut told = BTreeSet::new();
        let mut mistakes = Vec::new();
        for sentence in self.sentences.iter().filter(|s| s.exact) {
            let drawn: BTreeSet<String> =
                (0..DRAWN).map(|_| sampler.sentence(sentence.intent, &sentence.pattern)).collect();
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
        let one = format!("{A}      - \"turn it (up|down)\"\n");
        assert_eq!(lint(&one, "- { say: turn it up, intent: a.one }\n"), Vec::<String>::new());
    }
}
