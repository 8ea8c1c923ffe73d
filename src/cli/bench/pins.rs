//! `wellspoken bench pins`: digits that people said one at a time, strung into PINs and heard where a PIN is asked for.
//!
//! Each PIN is heard twice in the same run: as if nothing had been asked, and as the answer to the question. Reads a folder
//! of single digits, `{digit}_{speaker}_{n}.wav`, as the Free Spoken Digit Dataset has them. The speakers are split by their
//! place in the alphabet: every other one from the first is for finding thresholds, the rest for reporting.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use serde::Serialize;

use super::{expected, quantiles::quantiles, speech_intent::mix};
use crate::{
    asr::wav::{self, RATE},
    cli::{Global, runtime},
    nlu::digits,
    turn::Expected,
};

/// Measure how PINs are heard.
#[derive(Debug, clap::Args)]
pub struct PinsBenchArgs {
    /// A folder with `{digit}_{speaker}_{n}.wav`.
    #[arg(long)]
    data: PathBuf,
    /// The speakers to play: those for finding thresholds, or those for reporting.
    #[arg(long, value_enum, default_value = "report")]
    speakers: Part,
    /// PINs of each speaker and length.
    #[arg(long, default_value_t = 20)]
    count: usize,
    /// Digits of a PIN.
    #[arg(long, value_delimiter = ',', default_value = "4,6")]
    lengths: Vec<usize>,
    /// A WAV file with noise to put under them.
    #[arg(long)]
    noise: Option<PathBuf>,
    /// How much louder the speech is, in dB.
    #[arg(long, default_value_t = 12)]
    snr: i32,
    /// Another seed makes other PINs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print what was heard of each PIN that was not right.
    #[arg(long)]
    misses: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The first, third, fifth speaker and so on.
    Tune,
    /// The others.
    Report,
}

/// A recorded digit, by speaker and digit.
type Digits = BTreeMap<String, Vec<Vec<Arc<[f32]>>>>;

/// Silence around a PIN and between its digits, in seconds.
const AROUND: f32 = 0.3;
const BETWEEN: (f32, f32) = (0.1, 0.3);

/// Runs `wellspoken bench pins`.
///
/// # Errors
/// When the recordings or the models cannot be used.
pub fn run(global: &Global, args: &PinsBenchArgs) -> anyhow::Result<()> {
    let recorded = recorded(&args.data, args.speakers)?;
    let noise = args.noise.as_deref().map(read).transpose()?;
    let mut chance = Chance(args.seed.max(1) * 0x9E37_79B9);
    let mut cases = Vec::new();
    for digits in recorded.values() {
        for length in &args.lengths {
            for _ in 0..args.count {
                cases.push(pin(digits, *length, noise.as_deref(), args.snr, &mut chance)?);
            }
        }
    }
    let [mut plain, mut asked] = [Report::default(), Report::default()];
    super::in_scratch(global, |scratch| {
        runtime()?.block_on(async {
            let app = expected::app(global, scratch).await?;
            for (pin, sound) in &cases {
                for (report, expected) in [(&mut plain, Expected::Anything), (&mut asked, Expected::Digits)] {
                    let took = expected::hear(&app, sound, &expected).await;
                    let heard = took.text.as_deref().map(as_pin).unwrap_or_default();
                    if args.misses && heard != *pin {
                        eprintln!("{pin} {expected:?} heard {heard}: {}", took.told());
                    }
                    report.add(pin, &heard, took.cpu_ms);
                }
            }
            app.close().await;
            anyhow::Ok(())
        })
    })?;
    print(&recorded, [&mut plain, &mut asked], args.json)
}

pub(super) fn read(file: &Path) -> anyhow::Result<Vec<f32>> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    wav::decode(&bytes).with_context(|| file.display().to_string())
}

fn recorded(folder: &Path, part: Part) -> anyhow::Result<Digits> {
    let mut all = Digits::new();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let mut parts = name.split('_');
        let (Some(Ok(digit)), Some(speaker)) = (parts.next().map(str::parse::<usize>), parts.next()) else { continue };
        let takes = all.entry(speaker.to_owned()).or_insert_with(|| vec![Vec::new(); 10]);
        takes.get_mut(digit).with_context(|| format!("{name} is no digit"))?.push(read(&file)?.into());
    }
    let mut place = 0;
    all.retain(|_, digits| {
        place += 1;
        digits.iter().all(|takes| !takes.is_empty()) && (place % 2 == 1) == (part == Part::Tune)
    });
    anyhow::ensure!(!all.is_empty(), "{} has no speaker with all ten digits", folder.display());
    Ok(all)
}

/// A PIN and its sound.
fn pin(
    digits: &[Vec<Arc<[f32]>>],
    length: usize,
    noise: Option<&[f32]>,
    snr: i32,
    chance: &mut Chance,
) -> anyhow::Result<(String, Arc<[f32]>)> {
    let silence = |seconds: f32| vec![0.0_f32; (seconds * RATE as f32) as usize];
    let (mut pin, mut sound) = (String::new(), silence(AROUND));
    for at in 0..length {
        let digit = chance.below(10);
        pin.push_str(&digit.to_string());
        let takes = digits.get(digit).context("a digit")?;
        let take = &takes[chance.below(takes.len())];
        let peak = take.iter().fold(1e-6_f32, |peak, s| peak.max(s.abs()));
        sound.extend(take.iter().map(|s| s * 0.5 / peak));
        let (least, most) = BETWEEN;
        let gap = least + (most - least) * chance.below(1000) as f32 / 1000.0;
        sound.extend(silence(if at + 1 < length { gap } else { AROUND }));
    }
    let sound = match noise {
        Some(noise) => mix(&sound, noise, snr, &mut chance.0),
        None => sound,
    };
    Ok((pin, sound.into()))
}

/// The PIN that a turn would try, empty where it would try none.
fn as_pin(text: &str) -> String {
    let mended = digits::by_ear(text);
    let runs = digits::runs(mended.as_deref().unwrap_or(text), 1);
    let longest = runs.iter().map(|(_, digits)| digits.as_str()).max_by_key(|digits| digits.len()).unwrap_or_default();
    if longest.len() >= 4 { longest.to_owned() } else { runs.iter().map(|(_, digits)| digits.as_str()).collect() }
}

/// xorshift64: the same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % most.max(1) as u64).unwrap_or(0)
    }
}

/// How PINs were heard.
#[derive(Default, Serialize)]
struct Report {
    pins: usize,
    right: usize,
    /// As many digits as were said, and not those.
    wrong: usize,
    /// Four digits or more, and not as many as were said: tried as a PIN all the same.
    other_length: usize,
    /// Anything else: asked for again, or the missing digits are.
    asked_again: usize,
    digits: usize,
    /// Of PINs heard with as many digits as were said.
    digits_right: usize,
    cpu_ms_median: f64,
    #[serde(skip)]
    cpu_ms: Vec<f64>,
}

impl Report {
    fn add(&mut self, pin: &str, heard: &str, cpu_ms: f64) {
        self.pins += 1;
        self.digits += pin.len();
        self.cpu_ms.push(cpu_ms);
        let as_many = heard.len() == pin.len();
        if as_many {
            self.digits_right += pin.bytes().zip(heard.bytes()).filter(|(a, b)| a == b).count();
        }
        let came = if heard == pin {
            &mut self.right
        } else if as_many {
            &mut self.wrong
        } else if heard.len() >= 4 {
            &mut self.other_length
        } else {
            &mut self.asked_again
        };
        *came += 1;
    }
}

fn print(recorded: &Digits, mut reports: [&mut Report; 2], json: bool) -> anyhow::Result<()> {
    for report in &mut reports {
        [report.cpu_ms_median] = quantiles(&report.cpu_ms, [0.5]);
    }
    let [plain, asked] = reports;
    if json {
        let told =
            serde_json::json!({ "speakers": recorded.keys().collect::<Vec<_>>(), "unasked": plain, "asked": asked });
        println!("{told}");
        return Ok(());
    }
    println!("speakers: {}", recorded.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    println!(
        "{:<22} {:>6} {:>6} {:>6} {:>7} {:>6} {:>8} {:>8}",
        "", "PINs", "right", "wrong", "length", "again", "digits", "cpu ms"
    );
    for (name, r) in [("nothing was asked", plain), ("a PIN was asked for", asked)] {
        let digits = r.digits_right as f64 * 100.0 / r.digits.max(1) as f64;
        println!(
            "{name:<22} {:>6} {:>6} {:>6} {:>7} {:>6} {digits:>6.1} % {:>8.0}",
            r.pins, r.right, r.wrong, r.other_length, r.asked_again, r.cpu_ms_median
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_is_counted_as_what_it_leads_to() {
        let mut report = Report::default();
        for heard in ["4077", "4071", "407", "40771", ""] {
            report.add("4077", heard, 1.0);
        }
        let counts = [report.right, report.wrong, report.other_length, report.asked_again, report.digits_right];
        assert_eq!(counts, [1, 1, 1, 2, 7]);
        for (text, pin) in [("4 0 7 7", "4077"), ("For, oh, seven, won.", "4071"), ("four seven", "47"), ("Help!", "")]
        {
            assert_eq!(as_pin(text), pin, "{text}");
        }
    }

    #[test]
    fn the_same_seed_strings_the_same_pins() {
        let takes: Vec<Vec<Arc<[f32]>>> = vec![vec![vec![0.5_f32; 800].into()]; 10];
        let strung = |seed| pin(&takes, 6, None, 12, &mut Chance(seed)).expect("a PIN");
        assert_eq!(strung(5), strung(5));
        assert_ne!(strung(5).0, strung(6).0);
        assert_eq!(strung(5).0.len(), 6);
    }
}
