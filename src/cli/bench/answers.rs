//! `wellspoken bench answers`: yes, no and what is neither, heard where a yes or a no is asked for.
//!
//! Each recording is heard twice in the same run: as if nothing had been asked, and as the answer to the question. Makes its
//! corpora with `answers.py` beside this file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::expected::{Case, Took, Twice};
use crate::{app::App, cli::Global, dialogue::MAYBE, nlu::Context, policy::NameLists, turn::Expected};

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

/// A yes or a no is all that is asked for.
#[derive(Deserialize)]
struct Asked {}

/// Runs `wellspoken bench answers`.
///
/// # Errors
/// When the recordings or the models cannot be used.
pub fn run(global: &Global, args: &AnswersBenchArgs) -> anyhow::Result<()> {
    let bench = Twice {
        data: &args.data,
        manifest: "answers.json",
        question: "a yes or a no was asked for",
        columns: &[
            (Meant::Yes, "yes"),
            (Meant::Doubtful, "asked whether yes"),
            (Meant::No, "no"),
            (Meant::Neither, "asked again or something else"),
        ],
        json: args.json,
    };
    let came = |app: &App, case: &Case<Asked, Meant>, expected: &Expected, took: &Took| {
        let meant = took.text.as_deref().map_or(Meant::Neither, |text| meant(app, text));
        if args.misses && meant != case.means {
            eprintln!("{} {:?} {expected:?} {meant:?}: {}", case.file.display(), case.say, took.told());
        }
        meant
    };
    bench.run(global, |_, _| Ok(()), |_| Expected::YesNo, came)
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
