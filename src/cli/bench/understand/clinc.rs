//! CLINC150 (Larson et al., 2019), full: 150 intents, 100 examples each, 1,000 queries of no intent in the test part.
//!
//! Two rules of the paper. *oos-train*: the 100 examples of no intent are a class of their own, the best class wins.
//! *oos-threshold*: the best intent, unless its confidence is below the threshold that scores most on the
//! validation part, no intent counting as one of its own. The test part chooses nothing.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::percent;
use crate::{
    app::understanding,
    nlu::{
        classifier::{Example, Model},
        embed::{Embedder, Embedding},
        words,
    },
};

/// The figures.
#[derive(Serialize)]
pub(super) struct Clinc {
    full: Score,
    /// The test part with [`CORRUPTED`] percent of its words spelled wrong or missing.
    corrupted: Score,
    ten_examples: Ten,
}

/// What came of the test part. Shares in percent.
#[derive(Serialize, Default)]
struct Score {
    threshold_in_scope: f64,
    threshold_outside: f64,
    class_in_scope: f64,
    class_outside: f64,
    auroc: f64,
    /// Read off the test part's own curve, by no rule: recall of no intent where 95.3 % in scope are right.
    outside_at_953: f64,
}

/// Ten examples an intent, nothing of no intent; the mean of [`DRAWS`] draws.
#[derive(Serialize, Default)]
struct Ten {
    in_scope: f64,
    auroc: f64,
}

/// Draws of ten examples.
const DRAWS: usize = 3;
/// Percent of the words that are corrupted.
const CORRUPTED: usize = 15;
/// The class of no intent.
const NONE: usize = 150;

/// A query: its words, its meaning, its class.
#[derive(Clone)]
struct Query {
    words: Vec<String>,
    meaning: Option<Embedding>,
    class: usize,
}

pub(super) fn measure(models: &Path, data: &Path) -> anyhow::Result<Clinc> {
    let path = data.join("clinc150/data_full.json");
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let parts: BTreeMap<String, Vec<(String, String)>> = serde_json::from_slice(&text)?;
    let part = |name: &str| parts.get(name).with_context(|| format!("{} has no part `{name}`", path.display()));
    let mut names: Vec<&String> = part("train")?.iter().map(|(_, intent)| intent).collect();
    names.sort();
    names.dedup();
    anyhow::ensure!(names.len() == NONE, "{} has {} intents instead of {NONE}", path.display(), names.len());
    let embedder = understanding::embedder(models).map_err(|e| eprintln!("{e}")).ok();
    let queries = |wanted: &[&str], random: Option<&mut Random>| -> anyhow::Result<Vec<Query>> {
        let mut all: Vec<Query> = Vec::new();
        for name in wanted {
            all.extend(part(name)?.iter().map(|(text, intent)| Query {
                words: words::words(text).into_iter().map(|w| w.text).collect(),
                meaning: None,
                class: names.binary_search(&intent).unwrap_or(NONE),
            }));
        }
        if let Some(random) = random {
            all.iter_mut().for_each(|q| corrupt(&mut q.words, random));
        }
        embed(embedder.as_ref(), &mut all, &wanted.join(", "))?;
        Ok(all)
    };
    let train = queries(&["train", "oos_train"], None)?;
    let check = queries(&["val", "oos_val"], None)?;
    let test = queries(&["test", "oos_test"], None)?;
    let bad = queries(&["test", "oos_test"], Some(&mut Random(5)))?;
    eprintln!("training on {} queries", train.len());
    let model = Model::train(&examples(&train), NONE + 1, Some(NONE))?;
    let threshold = threshold(&judged(&model, &check));
    let (full, corrupted) = (score(&judged(&model, &test), threshold), score(&judged(&model, &bad), threshold));
    drop(model);
    Ok(Clinc { full, corrupted, ten_examples: ten(&train, &test)? })
}

fn embed(embedder: Option<&Embedder>, queries: &mut [Query], what: &str) -> anyhow::Result<()> {
    let Some(embedder) = embedder else { return Ok(()) };
    let texts: Vec<String> = queries.iter().map(|q| q.words.join(" ")).collect();
    let bar = ProgressBar::new(texts.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg:24!} [{bar:30}] {pos} of {len} sentences {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what.to_owned());
    let rows = embedder.embed_all(&texts, &|done, _| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    for (query, row) in queries.iter_mut().zip(rows) {
        query.meaning = Some(row);
    }
    Ok(())
}

fn examples(queries: &[Query]) -> Vec<Example> {
    let example = |(group, q): (usize, &Query)| Example {
        words: q.words.clone(),
        meaning: q.meaning.clone(),
        class: q.class,
        group,
    };
    queries.iter().enumerate().map(example).collect()
}

/// What the classifier made of one query.
struct Judged {
    class: usize,
    best: usize,
    confidence: f32,
    outside: bool,
}

impl Judged {
    /// Right by a threshold on confidence.
    fn right_from(&self, threshold: f32) -> bool {
        if self.class == NONE {
            self.confidence < threshold
        } else {
            self.best == self.class && self.confidence >= threshold
        }
    }
}

fn judged(model: &Model, queries: &[Query]) -> Vec<Judged> {
    let judge = |q: &Query| {
        let prediction = model.predict(&q.words, q.meaning.as_deref());
        let (best, confidence) = prediction.ranked.first().copied().unwrap_or((NONE, 0.0));
        Judged { class: q.class, best, confidence, outside: prediction.outside }
    };
    queries.iter().map(judge).collect()
}

/// The confidence from which on an intent is believed that makes most queries right.
fn threshold(check: &[Judged]) -> f32 {
    let right = |t: f32| check.iter().filter(|j| j.right_from(t)).count();
    let all = check.iter().map(|j| (right(j.confidence), j.confidence));
    all.max_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1))).map_or(0.5, |(_, t)| t)
}

fn score(test: &[Judged], threshold: f32) -> Score {
    let (inside, outside): (Vec<&Judged>, Vec<&Judged>) = test.iter().partition(|j| j.class != NONE);
    let share =
        |of: &[&Judged], right: &dyn Fn(&Judged) -> bool| percent(of.iter().filter(|j| right(j)).count(), of.len());
    let curve = inside.iter().map(|j| j.confidence).filter(|t| share(&inside, &|j| j.right_from(*t)) >= 95.3);
    let at = curve.fold(0.0, f32::max);
    Score {
        threshold_in_scope: share(&inside, &|j| j.right_from(threshold)),
        threshold_outside: share(&outside, &|j| j.right_from(threshold)),
        class_in_scope: share(&inside, &|j| !j.outside && j.best == j.class),
        class_outside: share(&outside, &|j| j.outside),
        auroc: auroc(&inside, &outside),
        outside_at_953: if at > 0.0 { share(&outside, &|j| j.right_from(at)) } else { 0.0 },
    }
}

/// How often a query in scope is surer than one that is not; 100 is always.
fn auroc(inside: &[&Judged], outside: &[&Judged]) -> f64 {
    let mut wins = 0.0;
    for a in inside {
        for b in outside {
            wins +=
                if a.confidence > b.confidence { 1.0 } else { f64::from(u8::from(a.confidence == b.confidence)) / 2.0 };
        }
    }
    wins * 100.0 / (inside.len() * outside.len()).max(1) as f64
}

fn ten(train: &[Query], test: &[Query]) -> anyhow::Result<Ten> {
    let mut sum = Ten::default();
    for draw in 0..DRAWS {
        let mut random = Random(draw as u64 + 1);
        let mut of: BTreeMap<usize, Vec<Query>> = BTreeMap::new();
        train.iter().filter(|q| q.class != NONE).for_each(|q| of.entry(q.class).or_default().push(q.clone()));
        let mut few = Vec::new();
        for mut queries in of.into_values() {
            (0..10).for_each(|_| few.push(queries.swap_remove(random.below(queries.len()))));
        }
        let judged = judged(&Model::train(&examples(&few), NONE + 1, Some(NONE))?, test);
        let (inside, outside): (Vec<&Judged>, Vec<&Judged>) = judged.iter().partition(|j| j.class != NONE);
        sum.in_scope += percent(inside.iter().filter(|j| j.best == j.class).count(), inside.len()) / DRAWS as f64;
        sum.auroc += auroc(&inside, &outside) / DRAWS as f64;
    }
    Ok(sum)
}

/// One letter lost, doubled, swapped with the next or replaced, or the word lost.
fn corrupt(words: &mut Vec<String>, random: &mut Random) {
    for word in words.iter_mut() {
        if random.below(100) >= CORRUPTED {
            continue;
        }
        let mut letters: Vec<char> = word.chars().collect();
        let at = random.below(letters.len());
        match random.below(5) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at]),
            2 => letters.swap(at, (at + 1) % word.chars().count()),
            3 => letters[at] = char::from(b'a' + u8::try_from(random.below(26)).unwrap_or(0)),
            _ => letters.clear(),
        }
        *word = letters.into_iter().collect();
    }
    words.retain(|w| !w.is_empty());
}

/// The same numbers at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize).checked_rem(n).unwrap_or(0)
    }
}

impl Clinc {
    pub(super) fn print(&self) {
        println!("CLINC150 full, in-scope accuracy / out-of-scope recall in percent");
        let line = |what: &str, a: f64, b: f64| println!("  {what:<38} {a:>5.1} / {b:.1}");
        line("this, threshold from validation", self.full.threshold_in_scope, self.full.threshold_outside);
        line("this, a class of its own", self.full.class_in_scope, self.full.class_outside);
        line("this, where 95.3 in scope are right", 95.3, self.full.outside_at_953);
        for (name, a, b) in [
            ("paper: BERT, a class of its own", 96.9, 40.3),
            ("paper: BERT, threshold", 96.2, 52.3),
            ("paper: Rasa", 91.5, 45.3),
            ("paper: DialogFlow", 91.7, 14.0),
        ] {
            line(name, a, b);
        }
        println!("  AUROC                                  {:>5.1}", self.full.auroc);
        line("15 % of words corrupted, threshold", self.corrupted.threshold_in_scope, self.corrupted.threshold_outside);
        println!(
            "  ten examples an intent                 {:>5.1}, AUROC {:.1}",
            self.ten_examples.in_scope, self.ten_examples.auroc
        );
    }
}
