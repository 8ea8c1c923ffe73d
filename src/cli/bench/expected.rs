//! What the benchmarks of answers and of names have in common: a program that hears, and what it makes of one clip.

use std::{path::Path, sync::Arc};

use super::cpu_ms;
use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    asr::{Transcript, spotter::Spotted},
    cli::Global,
    turn::Expected,
};

/// What came of one clip.
pub(super) struct Took {
    /// As the turn reads it; `None` where it is asked again.
    pub(super) text: Option<String>,
    pub(super) cpu_ms: f64,
    /// What was heard first, and how surely.
    first: String,
    /// What was looked for, as far as it was.
    looked: Option<Transcript>,
}

impl Took {
    /// All of it, for looking at misses.
    pub(super) fn told(&self) -> String {
        let mut told = format!("{:?}, at first {}", self.text.as_deref().unwrap_or("nothing"), self.first);
        if let Some(looked) = &self.looked {
            if let Some(s) = &looked.spelled {
                told += &format!("; {} {:.1}, margin {:.1}", s.digits, s.log_probability, s.margin);
            }
            let mut best: Vec<_> = looked.weighed.iter().collect();
            best.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
            for w in best.into_iter().take(10) {
                told += &format!("; {} {:.1}", w.text, w.log_probability);
            }
        }
        told
    }
}

/// A program that hears and keeps nothing.
pub(super) async fn app(global: &Global, scratch: &Path) -> anyhow::Result<App> {
    let mut config = global.config()?;
    // Processor time is measured, and nobody waits.
    config.hear.deadline_ms = 60_000;
    let places = Places {
        data_dir: scratch.join("data"),
        models_dir: global.models_dir()?,
        key_file: scratch.join("keys/master.key"),
        intents_dir: global.intents.clone(),
    };
    let app = App::build(config, places, Ambient::system(global.now)?, Senses { ears: true, voice: false }).await?;
    for warning in &app.warnings {
        eprintln!("wellspoken: {warning}");
    }
    anyhow::ensure!(app.ears().is_some(), "nothing is heard without a model; run: wellspoken models get");
    Ok(app)
}

/// Hears a clip as the answer to what was asked.
pub(super) async fn hear(app: &App, sound: &Arc<[f32]>, expected: &Expected) -> Took {
    let core = app.core();
    let began = cpu_ms();
    let heard = core.listen(Arc::clone(sound), Spotted::default(), expected).await.outcome;
    let first = match &heard {
        Ok(t) => format!("{:?} {:.2}", t.text, t.confidence),
        Err(r) => format!("{} {:?} {:.2}", r.reason.as_str(), r.heard, r.confidence),
    };
    let looked = heard.as_ref().ok().filter(|t| t.spelled.is_some() || !t.weighed.is_empty()).cloned();
    let text = core.as_answer(heard, expected).ok().map(|t| t.text);
    Took { text, cpu_ms: cpu_ms() - began, first, looked }
}

/// The middle one.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
