//! `wellspoken bench speech-intent`: recorded commands to intent and slots, clean and in noise.
//!
//! The rule is the one of the corpus (Picovoice's speech-to-intent-benchmark): a clip is right when its intent and
//! every slot that was labelled are equal. Noise is mixed as there: a segment scaled by the loudest frame of both.
//! Clips with an odd index may be looked at while a catalogue is written; those with an even one are reported apart.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;

use crate::{
    app::{load_ears, understanding},
    asr::{
        pool::{HearRequest, Pool, Priority},
        wav,
    },
    cli::{Global, intents},
    nlu::{Context, Engine, catalogue::Catalogue},
    policy::NameLists,
};

/// Measure speech to intent.
#[derive(Debug, clap::Args)]
pub struct SpeechIntentArgs {
    /// The corpus: `labels.json`, `speech/*.wav`, `noise/kitchen.wav`, `published_results.json`.
    #[arg(long)]
    data: PathBuf,
    /// Signal-to-noise ratios in dB besides clean.
    #[arg(long, value_delimiter = ',', default_value = "6,9,12,15,18,21,24")]
    snr: Vec<i32>,
    /// Leave the clean clips out.
    #[arg(long)]
    noisy_only: bool,
    /// Another seed takes other segments of the noise.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print what was heard and understood of the wrong clips with an odd index.
    #[arg(long)]
    wrong: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What must come of a clip.
#[derive(Debug, Deserialize)]
struct Label {
    intent: String,
    #[serde(default)]
    slots: BTreeMap<String, String>,
}

/// The labels in the order of their file, which is what the index of a clip counts.
struct Labels(Vec<(String, Label)>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Labels;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("labels by file")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Labels(all))
            }
        }
        from.deserialize_map(InOrder)
    }
}

struct Clip {
    index: usize,
    label: Label,
    samples: Vec<f32>,
}

/// Longest list whose values are given to the decoder whole; of a longer one, its words.
const SHORT_LIST: usize = 12;
/// Samples of a frame whose energy is compared.
const FRAME: usize = 2048;

/// Runs `wellspoken bench speech-intent`.
///
/// # Errors
/// When the corpus, the catalogue or a model cannot be used.
pub fn run(global: &Global, args: SpeechIntentArgs) -> anyhow::Result<()> {
    let clips = clips(&args.data)?;
    let noise = noise(&args.data.join("noise/kitchen.wav"))?;
    let catalogue = Arc::new(intents::catalogue(global)?);
    let names = words_of_lists(&catalogue);
    let (engine, by_words) = understanding::engine(&global.models_dir()?, catalogue)?;
    if let Some(why) = by_words {
        eprintln!("understanding goes by words alone: {why}");
    }
    let config = global.config()?;
    let (pool, limits) = load_ears(&config, &global.models_dir()?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let mut out = std::io::stdout().lock();
    let mut rows = Vec::new();
    let clean = (!args.noisy_only).then_some(None);
    for snr in clean.into_iter().chain(args.snr.iter().copied().map(Some)) {
        let mut seed = args.seed;
        let mixed: Vec<(usize, Arc<[f32]>)> = clips
            .iter()
            .map(|clip| {
                let sound = match snr {
                    None => clip.samples.clone(),
                    Some(db) => mix(&clip.samples, &noise, db, &mut seed),
                };
                (clip.index, Arc::from(sound))
            })
            .collect();
        let heard = runtime.block_on(hear(&pool, mixed, &names, limits.states));
        let mut right = [0_usize; 2];
        for (clip, text) in clips.iter().zip(&heard) {
            let wrong = wrong(&engine, clip, text);
            right[clip.index % 2] += usize::from(wrong.is_none());
            if let Some(why) = wrong.filter(|_| args.wrong && clip.index % 2 == 1) {
                eprintln!("{}: {text:?}: {why}", snr.map_or_else(|| "clean".to_owned(), |db| format!("{db} dB")));
            }
        }
        let of = |odd: usize| clips.iter().filter(|c| c.index % 2 == odd).count();
        let row = Row {
            snr,
            even: share(right[0], of(0)),
            odd: share(right[1], of(1)),
            all: share(right[0] + right[1], clips.len()),
        };
        if !args.json {
            let name = snr.map_or_else(|| "clean".to_owned(), |db| format!("{db} dB"));
            writeln!(out, "{name:>6}: all {:5.1} %   even {:5.1} %   odd {:5.1} %", row.all, row.even, row.odd)?;
        }
        rows.push(row);
    }
    report(&mut out, &rows, &args)
}

struct Row {
    snr: Option<i32>,
    even: f64,
    odd: f64,
    all: f64,
}

fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 * 100.0 / of as f64 }
}

/// The means over the noise levels, beside the published ones of the same noise and levels.
fn report(out: &mut impl Write, rows: &[Row], args: &SpeechIntentArgs) -> anyhow::Result<()> {
    let noisy: Vec<&Row> = rows.iter().filter(|r| r.snr.is_some()).collect();
    let mean = |of: fn(&Row) -> f64| noisy.iter().map(|r| of(r)).sum::<f64>() / noisy.len().max(1) as f64;
    let (all, even) = (mean(|r| r.all), mean(|r| r.even));
    let published = published(&args.data.join("published_results.json"), &args.snr);
    if args.json {
        let rows: Vec<_> =
            rows.iter().map(|r| json!({ "snr_db": r.snr, "all": r.all, "even": r.even, "odd": r.odd })).collect();
        let line = json!({ "rows": rows, "mean_noisy": { "all": all, "even": even }, "published_kitchen": published });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    if !noisy.is_empty() {
        writeln!(out, "mean of the noisy ones: all {all:.1} %   even {even:.1} %")?;
        writeln!(out, "published, mean over the same levels of kitchen noise:")?;
        for (name, mean) in published {
            writeln!(out, "  {name}: {mean:.1} %")?;
        }
    }
    Ok(())
}

fn published(path: &Path, levels: &[i32]) -> BTreeMap<String, f64> {
    #[derive(Deserialize)]
    struct Published {
        snr_db: Vec<i32>,
        kitchen: BTreeMap<String, Vec<f64>>,
    }
    let read = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Published>(&bytes).ok());
    let Some(published) = read else { return BTreeMap::new() };
    let mean = |shares: Vec<f64>| {
        let same = published.snr_db.iter().zip(shares).filter(|(db, _)| levels.contains(db)).map(|(_, s)| s * 100.0);
        let same: Vec<f64> = same.collect();
        same.iter().sum::<f64>() / same.len().max(1) as f64
    };
    published.kitchen.into_iter().map(|(name, shares)| (name, mean(shares))).collect()
}

fn clips(data: &Path) -> anyhow::Result<Vec<Clip>> {
    let path = data.join("labels.json");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let Labels(labels) =
        serde_json::from_slice(&text).with_context(|| format!("{} is no labels file", path.display()))?;
    let clip = |(index, (name, label)): (usize, (String, Label))| {
        let path = data.join("speech").join(&name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let samples = wav::decode(&bytes).with_context(|| format!("{} cannot be heard", path.display()))?;
        Ok(Clip { index, label, samples })
    };
    labels.into_iter().enumerate().map(clip).collect()
}

/// The noise is longer than any clip may be, so it is read as it is.
fn noise(path: &Path) -> anyhow::Result<Vec<f32>> {
    let mut reader = hound::WavReader::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let spec = reader.spec();
    anyhow::ensure!(
        spec.sample_rate == wav::RATE && spec.channels == 1 && spec.bits_per_sample == 16,
        "{} must have 16 bits, one channel and {} Hz",
        path.display(),
        wav::RATE
    );
    let samples: Result<Vec<i16>, _> = reader.samples::<i16>().collect();
    Ok(samples?.into_iter().map(|s| f32::from(s) / 32768.0).collect())
}

/// A segment of the noise under the speech, the loudest frames so many dB apart, the peak at a half.
pub(super) fn mix(speech: &[f32], noise: &[f32], db: i32, seed: &mut u64) -> Vec<f32> {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    let last = noise.len().saturating_sub(speech.len()).max(1);
    let start = usize::try_from(*seed % last as u64).unwrap_or(0);
    let segment = &noise[start..noise.len().min(start + speech.len())];
    let scale = (loudest(speech) / (loudest(segment).max(1e-9) * 10_f32.powf(db as f32 / 10.0))).sqrt();
    let sum = |(i, s): (usize, &f32)| s + scale * segment.get(i).copied().unwrap_or(0.0);
    let mut mixed: Vec<f32> = speech.iter().enumerate().map(sum).collect();
    let peak = mixed.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
    mixed.iter_mut().for_each(|s| *s *= 0.5 / peak);
    mixed
}

fn loudest(samples: &[f32]) -> f32 {
    samples.chunks(FRAME).map(|frame| frame.iter().map(|s| s * s).sum::<f32>()).fold(0.0, f32::max)
}

/// What the catalogue's lists hold, for the decoder to expect.
fn words_of_lists(catalogue: &Catalogue) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for list in catalogue.lists() {
        let whole = list.values.len() <= SHORT_LIST;
        let words = list.values.iter().flat_map(|value| match whole {
            true => vec![value.clone()],
            false => value.split(' ').filter(|w| w.len() > 3).map(str::to_owned).collect(),
        });
        for word in words {
            if !names.contains(&word) {
                names.push(word);
            }
        }
    }
    names
}

async fn hear(pool: &Pool, clips: Vec<(usize, Arc<[f32]>)>, names: &[String], at_once: usize) -> Vec<String> {
    let hear = |(_, samples): (usize, Arc<[f32]>)| async {
        let deadline = Instant::now() + Duration::from_secs(600);
        let names = names.to_vec();
        let heard = pool
            .hear(HearRequest { samples, priority: Priority::Batch, deadline, names, retell: None, likely: None })
            .await;
        heard.outcome.map(|t| t.text).unwrap_or_default()
    };
    futures_util::stream::iter(clips).map(hear).buffered(at_once).collect().await
}

/// What is wrong with what was understood of a clip.
fn wrong(engine: &Engine, clip: &Clip, text: &str) -> Option<String> {
    let lists = NameLists::default();
    let zone = jiff::tz::TimeZone::UTC;
    let now = jiff::Timestamp::UNIX_EPOCH;
    let got = engine.understand(text, &Context { channel: "home", pending: None, lists: &lists, now, zone: &zone });
    let letters = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    if letters(&got.intent) != letters(&clip.label.intent) {
        return Some(format!("understood as {}", got.intent));
    }
    clip.label.slots.iter().find_map(|(name, want)| {
        let value = got.slots.get(name).map(|s| s.value.told());
        let equal = value.as_deref().is_some_and(|v| v.trim() == want.trim());
        (!equal).then(|| format!("{name} should be {want:?} and is {value:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_mixed_at_the_ratio_that_was_asked_for() {
        let speech: Vec<f32> = (0..16_000).map(|i| (i as f32 / 7.0).sin() * 0.3).collect();
        let noise: Vec<f32> = (0..48_000).map(|i| (i as f32 / 3.0).cos() * 0.9).collect();
        for db in [0, 6, 24] {
            let mixed = mix(&speech, &noise, db, &mut 5);
            let peak = mixed.iter().fold(0.0_f32, |p, s| p.max(s.abs()));
            assert!((peak - 0.5).abs() < 1e-4 && mixed.len() == speech.len());
            let gain = loudest(&speech) / loudest(&noise) / 10_f32.powf(db as f32 / 10.0);
            let left: Vec<f32> = mixed.iter().zip(&speech).map(|(m, s)| m - s).collect();
            assert!(gain > 0.0 && loudest(&left) > 0.0);
        }
        assert_eq!(mix(&speech, &noise, 6, &mut 5), mix(&speech, &noise, 6, &mut 5));
        assert_ne!(mix(&speech, &noise, 6, &mut 5), mix(&speech, &noise, 6, &mut 6));
    }
}
