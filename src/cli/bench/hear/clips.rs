//! Recordings and what is known about them.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::super::words::plain;
use crate::asr::wav;

/// A recording and what is known about it.
pub(super) struct Clip {
    /// 16 kHz, -1 to 1.
    pub(super) samples: Vec<f32>,
    /// The words that are said, where they are known.
    pub(super) said: Option<Vec<String>>,
    /// Groups of words that must be heard.
    pub(super) slots: Vec<Vec<String>>,
    /// How loud the noise in it is: `clean`, or the decibels of the speech above it.
    pub(super) noise: String,
}

#[derive(Deserialize)]
struct Expected {
    recordings: Vec<Recording>,
}

#[derive(Deserialize)]
struct Recording {
    file: String,
    say: String,
    noise: Option<Noise>,
}

#[derive(Deserialize)]
struct Noise {
    snr: f64,
}

#[derive(Deserialize)]
struct Label {
    slots: BTreeMap<String, String>,
}

/// The recordings of a folder.
///
/// # Errors
/// When there are none, or one cannot be read.
pub(super) fn clips(data: &Path) -> anyhow::Result<Vec<Clip>> {
    let read = |name: &str| fs::read(data.join(name));
    let mut clips = Vec::new();
    if let Ok(json) = read("expected.json") {
        let expected: Expected = serde_json::from_slice(&json).context("expected.json")?;
        for r in expected.recordings {
            let samples = samples(&data.join(&r.file))?;
            let noise = r.noise.map_or_else(|| "clean".into(), |n| format!("{:02} dB", n.snr));
            clips.push(Clip { samples, said: Some(plain(&r.say)), slots: vec![], noise });
        }
    } else if let Ok(json) = read("labels.json") {
        let labels: BTreeMap<String, Label> = serde_json::from_slice(&json).context("labels.json")?;
        for (file, label) in labels {
            let path = [data.join("speech").join(&file), data.join(&file)].into_iter().find(|p| p.exists());
            let path = path.with_context(|| format!("labels.json names {file}, which is not in {}", data.display()))?;
            let slots = label.slots.values().map(|words| plain(words)).collect();
            clips.push(Clip { samples: samples(&path)?, said: None, slots, noise: "clean".into() });
        }
    }
    if clips.is_empty() {
        bail!("{} has neither expected.json nor labels.json with recordings", data.display());
    }
    Ok(clips)
}

fn samples(path: &Path) -> anyhow::Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    wav::decode(&bytes).with_context(|| path.display().to_string())
}
