//! Our own settings against each other: model, weights, context, prompt, second pass.

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{clips::Clip, cpu_ms, peers::Took, score::Score};
use crate::asr::{
    judge::{heard, is_suspect},
    model::{ModelError, Models},
    outcome::{Rejection, RejectionReason},
    whisper::{Context, Decoder, Pass, Stop, Weights, Whisper},
};

const MODELS: [&str; 2] = ["tiny.en", "base"];
const CONTEXTS: [(&str, Context); 4] = [
    ("+128", Context::Margin(128)),
    ("+256", Context::Margin(256)),
    ("+512", Context::Margin(512)),
    ("full", Context::Full),
];

/// One row of the table.
#[derive(Clone, Copy)]
struct Setting<'a> {
    context: Context,
    prompt: &'a str,
    /// Whether a suspect text is heard again with the full context.
    again: bool,
}

struct Row<'a> {
    /// Which of the loaded models.
    loaded: usize,
    setting: Setting<'a>,
    score: Score,
}

/// Weights, and the decoder that all settings with them take turns at.
struct Loaded {
    whisper: Whisper,
    decoder: Option<Decoder>,
}

/// Hears every clip with every setting, taking turns.
///
/// # Errors
/// When a model is damaged or a clip cannot be decoded. Models that are not there are left out.
pub(super) fn run(models: &Models, clips: &[Clip], prompt: &str, threads: usize) -> anyhow::Result<Vec<Score>> {
    let mut loaded = Vec::new();
    let mut rows = Vec::new();
    for model in MODELS {
        let bytes = match models.read_whisper(model) {
            Err(ModelError::Missing { .. }) => continue,
            bytes => bytes?,
        };
        for weights in [Weights::Bfloat16, Weights::Half] {
            let name = format!("{model:<8} {:<5}", if weights == Weights::Half { "f16" } else { "bf16" });
            for (context_name, context) in CONTEXTS {
                let quick = weights == Weights::quickest() && context != Context::Full;
                for (extra, prompt, again) in [("", "", false), ("prompt", prompt, false), ("second pass", "", true)] {
                    if extra.is_empty() || quick {
                        rows.push(Row {
                            loaded: loaded.len(),
                            setting: Setting { context, prompt, again },
                            score: Score::of(format!("{name} {context_name} {extra}")),
                        });
                    }
                }
            }
            loaded.push(Loaded { whisper: Whisper::load_as(bytes.clone(), weights)?, decoder: None });
        }
    }
    for (turn, clip) in clips.iter().enumerate() {
        for i in 0..rows.len() {
            let at = (turn + i) % rows.len();
            let row = &mut rows[at];
            let took = hear(&mut loaded[row.loaded], row.setting, &clip.samples, threads)?;
            row.score.add(clip, &took);
        }
    }
    let mut scores: Vec<Score> = rows.into_iter().map(|row| row.score).collect();
    scores.iter_mut().for_each(Score::finish);
    Ok(scores)
}

fn hear(loaded: &mut Loaded, setting: Setting<'_>, clip: &[f32], threads: usize) -> anyhow::Result<Took> {
    let whisper = &loaded.whisper;
    let cancelled = AtomicBool::new(false);
    let decoder = match loaded.decoder.take() {
        Some(decoder) => decoder,
        None => whisper.decoder()?,
    };
    let (began, cpu) = (Instant::now(), cpu_ms());
    let stop = Stop { deadline: began + Duration::from_secs(600), cancelled: &cancelled };
    let mut pass = Pass { threads, context: setting.context, prompt: setting.prompt, stop };
    let (mut left, mut decoded) = whisper.decode(decoder, clip, &pass);
    if setting.again && decoded.as_ref().is_ok_and(is_suspect) {
        pass.context = Context::Full;
        (left, decoded) = whisper.decode(left.context("a decoder was used up")?, clip, &pass);
    }
    let (cpu_ms, wall_ms) = (cpu_ms() - cpu, began.elapsed().as_secs_f64() * 1e3);
    loaded.decoder = left;
    // All of it counts, as for the other programs, which judge nothing.
    let text = heard(&[decoded?]).rejected(Rejection::unheard(RejectionReason::Unclear)).heard.unwrap_or_default();
    Ok(Took { text, cpu_ms, wall_ms })
}
