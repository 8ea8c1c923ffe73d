//! `wellspoken hear`: transcribe WAV files.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::StreamExt;
use serde_json::json;

use super::Global;
use crate::app::load_ears;
use crate::asr::{
    BadAudio, Heard, Rejection, Timings,
    pool::{HearRequest, Pool, Priority},
    wav,
};

/// Nobody waits for a file, but nothing may hang.
const DEADLINE: Duration = Duration::from_secs(600);

/// Transcribe WAV files.
#[derive(Debug, clap::Args)]
pub struct HearArgs {
    /// WAV files: 8 to 48 kHz, one or two channels, 16, 24 or 32 bits.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a line, in the order of the files.
    #[arg(long)]
    jsonl: bool,
    /// A name that is likely in the recordings, such as a medicine; may be repeated.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
}

/// Runs `wellspoken hear`.
///
/// # Errors
/// When the model cannot be loaded. A file that cannot be heard is a line that says so.
pub fn run(global: &Global, args: HearArgs) -> anyhow::Result<()> {
    let config = global.config()?;
    let (pool, limits) = load_ears(&config, &global.models_dir()?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    runtime.block_on(async {
        // No more at a time than there are decoders: the files are read as they are needed.
        let mut heard =
            futures_util::stream::iter(&args.files).map(|file| hear(&pool, file, &args.names)).buffered(limits.states);
        let mut out = std::io::stdout().lock();
        while let Some((file, result)) = heard.next().await {
            let line = if args.jsonl { json_line(file, &result) } else { text_line(file, &result) };
            writeln!(out, "{line}").context("cannot print the transcript")?;
        }
        Ok(())
    })
}

struct Hearing {
    heard: Heard,
    /// What the operating system said, where the file could not be read.
    unreadable: Option<String>,
    audio_seconds: f64,
    total_ms: f64,
}

async fn hear<'a>(pool: &Pool, file: &'a Path, names: &[String]) -> (&'a Path, Hearing) {
    let began = Instant::now();
    let mut audio_seconds = 0.0;
    let mut unreadable = None;
    let rejected = |rejection: Rejection| Heard { outcome: Err(rejection), timings: Timings::default() };
    let heard = match read(file) {
        Err(e) => {
            unreadable = Some(e.to_string());
            rejected(BadAudio::NotWav.into())
        }
        Ok(bytes) => match wav::decode(&bytes) {
            Err(bad) => rejected(bad.into()),
            Ok(samples) => {
                audio_seconds = samples.len() as f64 / f64::from(wav::RATE);
                let request = HearRequest {
                    samples: samples.into(),
                    priority: Priority::Interactive,
                    deadline: Instant::now() + DEADLINE,
                    names: names.to_vec(),
                    retell: None,
                    likely: None,
                };
                pool.hear(request).await
            }
        },
    };
    (file, Hearing { heard, unreadable, audio_seconds, total_ms: began.elapsed().as_secs_f64() * 1e3 })
}

/// Never reads more than a clip can have: one byte over is enough to be refused as too long.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(wav::MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn json_line(file: &Path, result: &Hearing) -> String {
    let timings = result.heard.timings;
    let timings = json!({
        "queue": round(timings.queue_ms), "decode": round(timings.decode_ms), "passes": timings.passes,
        "audio": round(result.audio_seconds * 1e3), "total": round(result.total_ms),
    });
    let line = match &result.heard.outcome {
        Ok(t) => json!({
            "file": file, "text": t.text, "confidence": t.confidence, "no_speech": t.no_speech,
            "rejected": null, "heard": t.heard, "timings_ms": timings,
        }),
        Err(r) => json!({
            "file": file, "text": "", "confidence": r.confidence, "no_speech": r.no_speech,
            "rejected": if result.unreadable.is_some() { "unreadable" } else { r.reason.as_str() },
            "error": result.unreadable, "heard": r.heard, "timings_ms": timings,
        }),
    };
    line.to_string()
}

fn text_line(file: &Path, result: &Hearing) -> String {
    let file = file.display();
    match (&result.heard.outcome, &result.unreadable) {
        (Ok(t), _) => format!("{file}: {}", t.text),
        (Err(_), Some(why)) => format!("{file}: cannot be read: {why}"),
        (Err(r), None) => format!("{file}: not heard: {}", r.reason.as_str()),
    }
}

fn round(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}
