//! The catalogue's own test sentences, those alone that nothing was tuned on.

use std::collections::BTreeMap;

use serde::Serialize;

use super::percent;
use crate::{
    nlu::{By, Context, Engine, NONE, Pending, catalogue::TestCase},
    policy::{NameLists, Named},
};

/// When the sentences are said, unless they say so themselves: a Monday morning.
const NOW: &str = "2026-11-23T10:00:00-05:00";

/// What came of them.
#[derive(Serialize)]
pub(super) struct Own {
    sentences: usize,
    /// Percent understood as the intent they must be, out of scope included.
    intent_accuracy: f64,
    /// Of slots by name and value, 0 to 100.
    slot_f1: f64,
    /// Of 100 sentences out of scope, how many were taken for an intent without asking.
    false_accepts: f64,
    /// Of 100 sentences out of scope, how many were asked about ("did you mean").
    asked_in_vain: f64,
    /// Of 100 sentences in scope, how many were refused.
    false_rejects: f64,
    by_manner: BTreeMap<String, Manner>,
}

/// One manner of speaking.
#[derive(Serialize, Default)]
struct Manner {
    sentences: usize,
    intent_accuracy: f64,
    #[serde(skip)]
    right: usize,
}

/// Names somebody has, unless the sentence gives others.
fn lists(test: &TestCase) -> NameLists {
    let named = |given: &[String], usual: &[&str]| -> Vec<Named> {
        let usual = usual.iter().map(|s| (*s).to_owned()).collect();
        let names: Vec<String> = if given.is_empty() { usual } else { given.to_vec() };
        names.into_iter().map(|name| Named { name, aliases: Vec::new() }).collect()
    };
    NameLists {
        medicines: named(&test.medicines, &["lisinopril", "metformin", "atorvastatin"]),
        providers: named(&test.providers, &["Dr. Anita Patel", "Dr. Kim Nguyen"]),
    }
}

/// Understands every held-out sentence.
pub(super) fn measure(engine: &Engine) -> anyhow::Result<Own> {
    let zone = jiff::tz::TimeZone::get("America/New_York")?;
    let now: jiff::Timestamp = NOW.parse()?;
    let (mut right, mut outside, mut accepted, mut asked, mut refused) = (0, 0, 0, 0, 0);
    let (mut found, mut wanted, mut both) = (0, 0, 0);
    let mut by_manner: BTreeMap<String, Manner> = BTreeMap::new();
    let tests: Vec<&TestCase> = engine.catalogue().tests().iter().filter(|t| t.held_out).collect();
    for test in &tests {
        let lists = lists(test);
        let pending = test.pending.as_deref().map(|p| match p.split_once('/') {
            Some((intent, slot)) => Pending { intent, slot: Some(slot) },
            None => Pending { intent: p, slot: None },
        });
        let ctx = Context { channel: "home", pending, lists: &lists, now: test.now.unwrap_or(now), zone: &zone };
        let got = engine.understand(&test.say, &ctx);
        let is_right = test.intent.split('|').any(|name| name == got.intent);
        right += usize::from(is_right);
        let manner = by_manner.entry(test.manner.clone().unwrap_or_else(|| "unnamed".into())).or_default();
        manner.sentences += 1;
        manner.right += usize::from(is_right);
        if test.intent == NONE {
            outside += 1;
            accepted += usize::from(got.intent != NONE && got.by != By::Unsure);
            asked += usize::from(got.by == By::Unsure);
        } else {
            refused += usize::from(got.intent == NONE);
        }
        // Slots nobody wrote down as wanted are not judged, in sentences that want none.
        if !test.slots.is_empty() {
            wanted += test.slots.len();
            found += got.slots.len();
            let same =
                |(name, value): &(&String, &String)| got.slots.get(*name).is_some_and(|s| s.value.told() == **value);
            both += test.slots.iter().filter(same).count();
        }
    }
    for manner in by_manner.values_mut() {
        manner.intent_accuracy = percent(manner.right, manner.sentences);
    }
    Ok(Own {
        sentences: tests.len(),
        intent_accuracy: percent(right, tests.len()),
        slot_f1: percent(2 * both, found + wanted),
        false_accepts: percent(accepted, outside),
        asked_in_vain: percent(asked, outside),
        false_rejects: percent(refused, tests.len() - outside),
        by_manner,
    })
}

impl Own {
    pub(super) fn print(&self) {
        println!("{} held-out sentences of the catalogue", self.sentences);
        println!("  intent accuracy            {:>6.1} %", self.intent_accuracy);
        println!("  slot F1                    {:>6.1} %", self.slot_f1);
        println!("  false accepts              {:>6.1} of 100 out of scope", self.false_accepts);
        println!("  asked in vain              {:>6.1} of 100 out of scope", self.asked_in_vain);
        println!("  false rejects              {:>6.1} of 100 in scope", self.false_rejects);
        for (name, manner) in &self.by_manner {
            println!("    {name:<24} {:>6.1} % of {}", manner.intent_accuracy, manner.sentences);
        }
    }
}
