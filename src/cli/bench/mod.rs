//! `wellspoken bench`: measure. One file per benchmark.

use std::{fs, path::Path};

use anyhow::Context as _;
use clap::Subcommand;

use super::Global;

mod answers;
mod expected;
mod faults;
mod fleet;
mod ghosts;
mod hear;
mod import;
mod keys;
mod names;
mod pace;
mod pins;
mod quantiles;
mod speech_intent;
mod triage;
mod turn;
mod understand;
mod values;
mod words;

/// Measure.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Yes and no, heard where one of them is asked for.
    Answers(answers::AnswersBenchArgs),
    /// Kills: what is lost, done twice or told late when the server dies at any instant.
    Faults(faults::FaultsBenchArgs),
    /// Many rooms on one server: idle connections, some speaking at once, and the bad minute.
    Fleet(fleet::FleetBenchArgs),
    /// Sound in which nobody speaks to the device: false turns an hour; and short cries: how many are missed.
    Ghosts(ghosts::GhostsBenchArgs),
    /// Hearing: processor time and errors, beside faster-whisper on the same clips.
    Hear(hear::HearBenchArgs),
    /// Importing many people: rate and memory.
    Import(import::ImportBenchArgs),
    /// A new master key for many people, while the store is read.
    Keys(keys::KeysBenchArgs),
    /// Names of medicines through the whole path: right, asked, snapped to another, acted on.
    Names(names::NamesBenchArgs),
    /// The silence before answers, at the pace of speech, and who is cut off in a pause.
    Pace(pace::PaceBenchArgs),
    /// PINs, strung from single digits, heard where one is asked for.
    Pins(pins::PinsBenchArgs),
    /// Speech to intent and slots, over a corpus of recorded commands, clean and in noise.
    SpeechIntent(speech_intent::SpeechIntentArgs),
    /// Triage: cries noticed and false alarms, by kind, phrasing and language; its cost.
    Triage(triage::TriageBenchArgs),
    /// A whole turn, by stage; making it durable beside one raw fsync.
    Turn(turn::TurnBenchArgs),
    /// Understanding: right, guessed and refused, beside the published figures; its cost.
    Understand(understand::UnderstandBenchArgs),
    /// Days, times and readings, heard where one is asked for.
    Values(values::ValuesBenchArgs),
}

/// Runs `wellspoken bench`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: BenchArgs) -> anyhow::Result<()> {
    match args.what {
        What::Answers(args) => answers::run(global, &args),
        What::Faults(args) => faults::run(global, &args),
        What::Fleet(args) => fleet::run(global, &args),
        What::Ghosts(args) => ghosts::run(global, &args),
        What::Hear(args) => hear::run(global, args),
        What::Import(args) => import::run(global, &args),
        What::Keys(args) => keys::run(global, &args),
        What::Names(args) => names::run(global, &args),
        What::Pace(args) => pace::run(global, &args),
        What::Pins(args) => pins::run(global, &args),
        What::SpeechIntent(args) => speech_intent::run(global, args),
        What::Triage(args) => triage::run(args),
        What::Turn(args) => turn::run(global, args),
        What::Understand(args) => understand::run(global, args),
        What::Values(args) => values::run(global, &args),
    }
}

/// Processor time of all threads of this process, in milliseconds.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Measures in a folder of its own, which is gone afterwards whatever came of it.
fn in_scratch<T>(global: &Global, measure: impl FnOnce(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut name = [0; 8];
    getrandom::fill(&mut name)?;
    let scratch = global.data_dir()?.join(format!("bench-{}", hex::encode(name)));
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let measured = measure(&scratch);
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    measured
}
