//! How a program did, and how two compare.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    super::{
        quantiles::quantiles,
        words::{contains, errors, plain},
    },
    clips::Clip,
    peers::Took,
};

/// How one program did.
#[derive(Default, Serialize)]
pub(super) struct Score {
    /// Name and version.
    pub(super) name: String,
    pub(super) cpu_ms_mean: f64,
    pub(super) cpu_ms_p50: f64,
    pub(super) wall_ms_p50: f64,
    pub(super) wall_ms_p95: f64,
    /// Word errors over words said, where the words are known.
    pub(super) word_error_rate: Option<f64>,
    /// The same by the noise in the recordings, where there is some.
    pub(super) word_error_rate_in_noise: BTreeMap<String, f64>,
    /// Clips in which all labelled slot words were heard exactly, where they are labelled.
    pub(super) slots_right: Option<f64>,
    #[serde(skip)]
    cpu_ms: Vec<f64>,
    #[serde(skip)]
    wall_ms: Vec<f64>,
    #[serde(skip)]
    words: BTreeMap<String, Words>,
    #[serde(skip)]
    labelled: usize,
    #[serde(skip)]
    right: usize,
}

#[derive(Default)]
struct Words {
    said: usize,
    wrong: usize,
}

/// Our processor time over that of another program.
#[derive(Serialize)]
pub(super) struct Ratio {
    /// The other program.
    pub(super) to: String,
    /// Of the sums.
    pub(super) mean: f64,
    /// Of the same clip in the same turn, the middle one.
    pub(super) p50: f64,
    /// A quarter lies below.
    pub(super) p25: f64,
    /// A quarter lies above.
    pub(super) p75: f64,
}

impl Score {
    pub(super) fn of(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Counts one clip. Every score is given the same clips in the same order.
    pub(super) fn add(&mut self, clip: &Clip, took: &Took) {
        self.cpu_ms.push(took.cpu_ms);
        self.wall_ms.push(took.wall_ms);
        let heard = plain(&took.text);
        if let Some(said) = &clip.said {
            let words = self.words.entry(clip.noise.clone()).or_default();
            words.said += said.len();
            words.wrong += errors(said, &heard);
        }
        if !clip.slots.is_empty() {
            self.labelled += 1;
            self.right += usize::from(clip.slots.iter().all(|slot| contains(&heard, slot)));
        }
    }

    pub(super) fn finish(&mut self) {
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        let all = |count: fn(&Words) -> usize| self.words.values().map(count).sum();
        [self.cpu_ms_p50] = quantiles(&self.cpu_ms, [0.5]);
        [self.wall_ms_p50, self.wall_ms_p95] = quantiles(&self.wall_ms, [0.5, 0.95]);
        self.cpu_ms_mean = self.cpu_ms.iter().sum::<f64>() / self.cpu_ms.len().max(1) as f64;
        self.word_error_rate = share(all(|w| w.wrong), all(|w| w.said));
        if self.words.len() > 1 {
            let rates = self.words.iter().filter_map(|(noise, w)| Some((noise.clone(), share(w.wrong, w.said)?)));
            self.word_error_rate_in_noise = rates.collect();
        }
        self.slots_right = share(self.right, self.labelled);
    }

    /// Processor time over that of another that was given the same clips.
    pub(super) fn ratio(&self, other: &Self) -> Ratio {
        let ratios: Vec<f64> = self.cpu_ms.iter().zip(&other.cpu_ms).map(|(a, b)| a / b).collect();
        let [p25, p50, p75] = quantiles(&ratios, [0.25, 0.5, 0.75]);
        let sum = |s: &Self| s.cpu_ms.iter().sum::<f64>();
        Ratio { to: other.name.clone(), mean: sum(self) / sum(other), p50, p25, p75 }
    }

    /// One line for a person.
    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "{:<42} cpu {:>6.0} ms a clip (p50 {:>5.0})   wall p50 {:>6.0} p95 {:>6.0} ms",
            self.name, self.cpu_ms_mean, self.cpu_ms_p50, self.wall_ms_p50, self.wall_ms_p95
        );
        let percent = |x: f64| format!("{:.1} %", x * 100.0);
        if let Some(rate) = self.word_error_rate {
            line += &format!("   words wrong {}", percent(rate));
        }
        let noise = self.word_error_rate_in_noise.iter().map(|(noise, rate)| format!("{noise} {}", percent(*rate)));
        let noise = noise.collect::<Vec<_>>().join(", ");
        if !noise.is_empty() {
            line += &format!(" ({noise})");
        }
        if let Some(right) = self.slots_right {
            line += &format!("   all slot words right {}", percent(right));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_count_words_by_noise_and_compare_clip_by_clip() {
        let clip = |said: &str, noise: &str| Clip {
            samples: vec![],
            said: Some(plain(said)),
            slots: vec![],
            noise: noise.into(),
        };
        let took = |text: &str, cpu_ms: f64| Took { text: text.into(), cpu_ms, wall_ms: cpu_ms };
        let (mut ours, mut theirs) = (Score::of("ours"), Score::of("theirs"));
        let (quiet, loud) = (clip("call the nurse", "clean"), clip("call the nurse now", "12 dB"));
        for (cpu, clip) in [(1.0, &quiet), (3.0, &loud), (4.0, &quiet)] {
            ours.add(clip, &took("Call the nurse.", cpu));
            theirs.add(clip, &took("Call a purse.", 4.0));
        }
        ours.finish();
        theirs.finish();
        assert_eq!((ours.word_error_rate, theirs.word_error_rate), (Some(0.1), Some(0.7)));
        assert_eq!(ours.word_error_rate_in_noise, BTreeMap::from([("12 dB".into(), 0.25), ("clean".into(), 0.0)]));
        let ratio = ours.ratio(&theirs);
        assert!((ratio.mean - 8.0 / 12.0).abs() < 1e-9);
        assert_eq!((ratio.p25, ratio.p50, ratio.p75), (0.25, 0.75, 1.0));
        assert_eq!(ratio.to, "theirs");
    }
}
