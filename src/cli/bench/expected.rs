//! What the benchmarks of answers, of values and of names have in common: a program that hears, what it makes of one clip, and clips that
//! are heard twice in the same run, as if nothing had been asked and as the answer to a question.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{cpu_ms, quantiles::quantiles};
use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    asr::{Transcript, spotter::Spotted, wav},
    cli::{Global, runtime},
    turn::Expected,
};

/// Recordings and what they should come to, as a `.py` beside this file makes them.
#[derive(Deserialize)]
pub(super) struct Manifest<Asked, Meant> {
    pub(super) cases: Vec<Case<Asked, Meant>>,
}

#[derive(Deserialize)]
pub(super) struct Case<Asked, Meant> {
    pub(super) file: PathBuf,
    pub(super) say: String,
    pub(super) means: Meant,
    noise: Option<String>,
    /// What it answers.
    #[serde(flatten)]
    pub(super) asked: Asked,
}

/// How many of what was said came to what, in quiet and in noise.
#[derive(Serialize)]
struct Report<Came: Ord> {
    came: BTreeMap<String, BTreeMap<Came, usize>>,
    cpu_ms_median: f64,
    /// Nineteen of twenty take no longer.
    cpu_ms_p95: f64,
    cpu_ms_most: f64,
    #[serde(skip)]
    cpu_ms: Vec<f64>,
}

impl<Came: Ord> Report<Came> {
    const fn new() -> Self {
        Self { came: BTreeMap::new(), cpu_ms_median: 0.0, cpu_ms_p95: 0.0, cpu_ms_most: 0.0, cpu_ms: Vec::new() }
    }

    fn finish(&mut self) {
        [self.cpu_ms_median, self.cpu_ms_p95, self.cpu_ms_most] = quantiles(&self.cpu_ms, [0.5, 0.95, 1.0]);
    }

    fn shown(&self, columns: &[(Came, &str)]) -> String {
        let [median, p95, most] = [self.cpu_ms_median, self.cpu_ms_p95, self.cpu_ms_most];
        let mut out = format!("cpu {median:.0} ms a clip, of 95 in 100 at most {p95:.0}, at most {most:.0}\n");
        for (said, came) in &self.came {
            let of = |(what, name): &(Came, &str)| format!("{name} {:>3}", came.get(what).copied().unwrap_or(0));
            let all: usize = came.values().sum();
            out += &format!("  {said:<18} {all:>4}: {}\n", columns.iter().map(of).collect::<Vec<_>>().join(", "));
        }
        out
    }
}

/// A benchmark that hears each clip twice.
pub(super) struct Twice<'a, Came> {
    /// The folder with the recordings, and the manifest in it.
    pub(super) data: &'a Path,
    pub(super) manifest: &'a str,
    /// What is asked the second time.
    pub(super) question: &'a str,
    /// What it may come to, as it is told.
    pub(super) columns: &'a [(Came, &'a str)],
    /// One JSON object instead of lines.
    pub(super) json: bool,
}

impl<Came: Copy + Ord + Serialize> Twice<'_, Came> {
    /// Runs it: `expected` is what a clip answers, `came` what came of it. `fits` refuses a manifest that cannot be measured.
    pub(super) fn run<Asked: DeserializeOwned, Meant: DeserializeOwned + Debug>(
        &self,
        global: &Global,
        fits: impl Fn(&App, &Manifest<Asked, Meant>) -> anyhow::Result<()>,
        expected: impl Fn(&Case<Asked, Meant>) -> Expected,
        came: impl Fn(&App, &Case<Asked, Meant>, &Expected, &Took) -> Came,
    ) -> anyhow::Result<()> {
        let file = self.data.join(self.manifest);
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let manifest: Manifest<Asked, Meant> = serde_json::from_str(&text).with_context(|| self.manifest.to_owned())?;
        let [mut plain, mut asked] = [const { Report::new() }; 2];
        super::in_scratch(global, |scratch| {
            runtime()?.block_on(async {
                let app = app(global, scratch).await?;
                fits(&app, &manifest)?;
                for case in &manifest.cases {
                    let file = self.data.join(&case.file);
                    let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
                    let sound: Arc<[f32]> = wav::decode(&bytes).with_context(|| file.display().to_string())?.into();
                    for (report, expected) in [(&mut plain, Expected::Anything), (&mut asked, expected(case))] {
                        let took = hear(&app, &sound, &expected).await;
                        let came = came(&app, case, &expected, &took);
                        let place = if case.noise.is_some() { "in noise" } else { "in quiet" };
                        let said = format!("{:?}, {place}", case.means).to_lowercase();
                        *report.came.entry(said).or_default().entry(came).or_default() += 1;
                        report.cpu_ms.push(took.cpu_ms);
                    }
                }
                app.close().await;
                anyhow::Ok(())
            })
        })?;
        plain.finish();
        asked.finish();
        if self.json {
            println!("{}", serde_json::json!({ "unasked": plain, "asked": asked }));
        } else {
            print!("nothing was asked: {}{}: {}", plain.shown(self.columns), self.question, asked.shown(self.columns));
        }
        Ok(())
    }
}

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
