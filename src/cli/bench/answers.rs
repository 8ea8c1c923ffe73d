//! `wellspoken bench answers`: yes, no and what is neither, heard where a yes or a no is asked for.
//!
//! Each recording is heard twice in the same run: as if nothing had been asked, and as the answer to the question. Makes its
//! corpora with `answers.py` beside this file.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::expected;
use crate::{
    app::App,
    asr::wav,
    cli::{Global, runtime},
    dialogue::MAYBE,
    nlu::Context,
    policy::NameLists,
    turn::Expected,
};

/// Measure how yes and no are heard.
#[derive(Debug, clap::Args)]
pub struct AnswersBenchArgs {
    /// A folder with recordings and `answers.json`, as `src/cli/bench/answers.py` makes it.
    #[arg(long)]
    data: PathBuf,
    /// Print what was heard of each recording that was not right.
    #[arg(long)]
    misses: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Manifest {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: PathBuf,
    say: String,
    means: Meant,
    noise: Option<String>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Meant {
    Yes,
    /// A yes for which nothing is changed before it is asked again. Never said so.
    Doubtful,
    No,
    /// Asked again, or something else.
    Neither,
}

/// How many of what was said came to what, in quiet and in noise.
#[derive(Default, Serialize)]
struct Report {
    came: BTreeMap<String, BTreeMap<Meant, usize>>,
    cpu_ms_median: f64,
    #[serde(skip)]
    cpu_ms: Vec<f64>,
}

/// Runs `wellspoken bench answers`.
///
/// # Errors
/// When the recordings or the models cannot be used.
pub fn run(global: &Global, args: &AnswersBenchArgs) -> anyhow::Result<()> {
    let text = fs::read_to_string(args.data.join("answers.json")).with_context(|| args.data.display().to_string())?;
    let manifest: Manifest = serde_json::from_str(&text).context("answers.json")?;
    let [mut plain, mut asked] = [Report::default(), Report::default()];
    super::in_scratch(global, |scratch| {
        runtime()?.block_on(measure(global, args, &manifest, scratch, [&mut plain, &mut asked]))
    })?;
    for report in [&mut plain, &mut asked] {
        report.cpu_ms_median = expected::median(&mut report.cpu_ms);
    }
    if args.json {
        println!("{}", serde_json::json!({ "unasked": plain, "asked": asked }));
        return Ok(());
    }
    for (name, report) in [("nothing was asked", &plain), ("a yes or a no was asked for", &asked)] {
        println!("{name}: cpu {:.0} ms a clip", report.cpu_ms_median);
        for (said, came) in &report.came {
            let of = |meant| came.get(&meant).copied().unwrap_or(0);
            let all: usize = came.values().sum();
            println!(
                "  {said:<16} {all:>4}: yes {:>3}, asked whether yes {:>3}, no {:>3}, asked again or something else {:>3}",
                of(Meant::Yes),
                of(Meant::Doubtful),
                of(Meant::No),
                of(Meant::Neither)
            );
        }
    }
    Ok(())
}

async fn measure(
    global: &Global,
    args: &AnswersBenchArgs,
    manifest: &Manifest,
    scratch: &Path,
    [plain, asked]: [&mut Report; 2],
) -> anyhow::Result<()> {
    let app = expected::app(global, scratch).await?;
    for case in &manifest.cases {
        let file = args.data.join(&case.file);
        let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
        let sound: Arc<[f32]> = wav::decode(&bytes).with_context(|| file.display().to_string())?.into();
        for (report, expected) in [(&mut *plain, Expected::Anything), (&mut *asked, Expected::YesNo)] {
            let took = expected::hear(&app, &sound, &expected).await;
            let meant = took.text.as_deref().map_or(Meant::Neither, |text| meant(&app, text));
            if args.misses && meant != case.means {
                let (file, said) = (case.file.display(), &case.say);
                eprintln!("{file} {said:?} {expected:?} {meant:?}: {}", took.told());
            }
            let place = if case.noise.is_some() { "in noise" } else { "in quiet" };
            let said = format!("{:?}, {place}", case.means).to_lowercase();
            *report.came.entry(said).or_default().entry(meant).or_default() += 1;
            report.cpu_ms.push(took.cpu_ms);
        }
    }
    app.close().await;
    Ok(())
}

/// What a turn makes of the words.
fn meant(app: &App, text: &str) -> Meant {
    let core = app.core();
    let lists = NameLists::default();
    let context = Context { channel: "", pending: None, lists: &lists, now: core.ambient.now(), zone: &core.zone };
    match core.engine.understand(text, &context).intent.as_str() {
        "dialogue.yes" if text.trim_end().ends_with('?') => Meant::Doubtful,
        "dialogue.yes" => Meant::Yes,
        MAYBE => Meant::Doubtful,
        "dialogue.no" => Meant::No,
        _ => Meant::Neither,
    }
}
