//! What understanding costs: time a sentence, time at the start, memory.

use std::{cell::RefCell, collections::HashMap, path::Path, sync::Arc, time::Instant};

use serde::Serialize;

use super::super::quantiles::Spread;
use crate::{
    app::understanding,
    nlu::{
        By, Context, Engine,
        catalogue::{Catalogue, Sampler},
        shelf::Shelf,
    },
    policy::NameLists,
};

/// The costs.
#[derive(Serialize)]
pub(super) struct Cost {
    /// Sentences the classifier learned from.
    examples: usize,
    /// Microseconds for a sentence that a template fits whole.
    grammar_us: Spread,
    /// Milliseconds for a sentence that goes to the classifier, on one core.
    classifier_ms: Spread,
    /// Seconds to learn everything.
    cold_s: f64,
    /// Seconds with what an earlier start kept.
    warm_s: f64,
    /// Resident memory of this process, in MB.
    resident_mb: f64,
}

/// Sentences drawn of each intent.
const DRAWN: usize = 12;

/// Times understanding and learning.
pub(super) fn measure(models: &Path, engine: &Engine, catalogue: &Arc<Catalogue>) -> anyhow::Result<Cost> {
    let resident_mb = resident_mb();
    let (zone, lists) = (jiff::tz::TimeZone::UTC, NameLists::default());
    let ctx = Context { channel: "home", pending: None, lists: &lists, now: jiff::Timestamp::UNIX_EPOCH, zone: &zone };
    let mut sampler = Sampler::new(catalogue, 11);
    let drawn = catalogue.intents().iter().flat_map(|i| sampler.intent(&i.name, DRAWN));
    let said: Vec<String> = drawn.chain(catalogue.tests().iter().map(|t| t.say.clone())).collect();
    let (mut grammar, mut classifier) = (Vec::new(), Vec::new());
    for text in said.iter().take(50).chain(&said) {
        let clock = Instant::now();
        let got = engine.understand(text, &ctx);
        let took = clock.elapsed().as_secs_f64();
        match got.by {
            By::Sentence => grammar.push(took * 1e6),
            _ => classifier.push(took * 1e3),
        }
    }
    let kept: RefCell<HashMap<String, Vec<u8>>> = RefCell::default();
    let shelf = Shelf {
        read: &|name| kept.borrow().get(name).cloned(),
        write: &|name, bytes| {
            kept.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        },
        progress: &|_, _| {},
    };
    let learn = || -> anyhow::Result<f64> {
        let clock = Instant::now();
        match understanding::embedder(models) {
            Ok(embedder) => drop(Engine::new(Arc::clone(catalogue), Arc::new(embedder), &shelf)?),
            Err(_) => drop(Engine::lexical(Arc::clone(catalogue))?),
        }
        Ok(clock.elapsed().as_secs_f64())
    };
    let (cold_s, warm_s) = (learn()?, learn()?);
    let (grammar_us, classifier_ms) = (Spread::of(&grammar), Spread::of(&classifier));
    Ok(Cost { examples: engine.examples(), grammar_us, classifier_ms, cold_s, warm_s, resident_mb })
}

/// Resident memory; 0 where the system does not tell.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}

impl Cost {
    pub(super) fn print(&self) {
        println!("cost, {} sentences learned from", self.examples);
        println!("  grammar hit, p50 / p99     {:>6.0} / {:.0} µs", self.grammar_us.p50, self.grammar_us.p99);
        println!("  classification, p50 / p99  {:>6.1} / {:.1} ms", self.classifier_ms.p50, self.classifier_ms.p99);
        println!("  start, cold / warm         {:>6.1} / {:.2} s", self.cold_s, self.warm_s);
        println!("  resident memory            {:>6.0} MB", self.resident_mb);
    }
}
