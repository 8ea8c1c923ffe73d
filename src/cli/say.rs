//! `wellspoken say`: speak a text into a WAV file.

use std::path::PathBuf;

use anyhow::Context;

use super::Global;
use crate::speech::voice::{self, Delivery, Lexicon, SAMPLE_RATE, Voice};

/// Speak a text into a WAV file (16-bit, mono, 24 kHz).
#[derive(Debug, clap::Args)]
pub struct SayArgs {
    /// What to say, at most 5,000 characters.
    text: String,
    /// The WAV file to write.
    #[arg(long, required_unless_present = "phonemes")]
    out: Option<PathBuf>,
    /// Speaking speed: 0.5 (slow) to 2.0 (fast).
    #[arg(long, default_value_t = 1.0)]
    speed: f32,
    /// Loudness: peak level in decibels below full scale, such as -6; without it, the voice's own.
    #[arg(long, allow_negative_numbers = true)]
    level: Option<f32>,
    /// Seed of the breath noise: the same seed gives the same file.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print the phonemes too, a line for each sentence: for checking a pronunciation.
    #[arg(long)]
    phonemes: bool,
}

/// Runs `wellspoken say`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: SayArgs) -> anyhow::Result<()> {
    let own = global.intents.as_ref().map(|dir| dir.join("lists/pronunciation.toml")).filter(|path| path.is_file());
    let lexicon = own.map_or_else(Lexicon::built_in, |path| Lexicon::with_file(&path))?;
    let voice = Voice::load_with(&global.models_dir()?, lexicon)?;
    if args.phonemes {
        for line in voice.phonemes(&args.text)? {
            println!("{line}");
        }
    }
    let Some(out) = args.out else { return Ok(()) };
    let delivery = Delivery { speed: args.speed, seed: args.seed };
    let sound: Result<Vec<Vec<f32>>, _> = voice.speak(&args.text, delivery)?.collect();
    let mut sound = sound?.concat();
    if sound.is_empty() {
        anyhow::bail!("there is no word to say in the text");
    }
    if let Some(level) = args.level {
        set_peak(&mut sound, level)?;
    }
    let wav = voice::wav(&sound, SAMPLE_RATE)?;
    std::fs::write(&out, wav).with_context(|| format!("cannot write {}", out.display()))
}

/// Scales the sound so that its loudest sample is `level` decibels below full scale.
fn set_peak(sound: &mut [f32], level: f32) -> anyhow::Result<()> {
    if !(-60.0..=0.0).contains(&level) {
        anyhow::bail!("--level {level} is out of range; use -60 (very quiet) to 0 (full scale)");
    }
    let peak = sound.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
    if peak > 0.0 {
        let factor = 10f32.powf(level / 20.0) / peak;
        sound.iter_mut().for_each(|sample| *sample *= factor);
    }
    Ok(())
}
