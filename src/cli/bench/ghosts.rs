//! `wellspoken bench ghosts`: rooms in which nobody speaks to the device, and short cries.
//!
//! The sound goes the way of a room's device: the endpointer ends an utterance, it is heard ahead, and becomes a turn of an occupied
//! room in a scratch store. A device that never stops listening is the worst case, and none that there is: sound that nobody called for
//! is dropped (docs/STREAM.md). With `--wakes` the device is woken by mistake so often, takes what is said then, and listens on only
//! where it asked something, as a real one. `ghosts/make.py` makes the sound; its
//! part `tune` may be listened to while thresholds are chosen, its part `report` is only reported on.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::Serialize;

mod ward;

use super::cpu_ms;
use crate::{
    asr::{endpoint::Endpointer, wav::RATE},
    cli::{Global, runtime},
    nlu::NONE,
    turn::State,
};
use ward::{Asked, Came, Ward};

/// Measure false turns an hour, or with `--cries` the cries that are missed.
#[derive(Debug, clap::Args)]
pub struct GhostsBenchArgs {
    /// A folder that `src/cli/bench/ghosts/make.py` filled: `tune` and `report` with a folder for each kind of sound, and `cries`.
    #[arg(long)]
    data: PathBuf,
    /// `tune` or `report`.
    #[arg(long, default_value = "report")]
    part: String,
    /// Only these kinds of sound, or loudness of cries.
    #[arg(long, value_delimiter = ',')]
    kinds: Vec<String>,
    /// At most so many files of each.
    #[arg(long)]
    files: Option<usize>,
    /// Seconds from one waking by mistake to the next; else every utterance is taken as if the device had been called.
    #[arg(long)]
    wakes: Option<u32>,
    /// Cries instead of rooms.
    #[arg(long)]
    cries: bool,
    /// Print what was heard and what came of it. The sound is made up; of real rooms this would be what was said there.
    #[arg(long)]
    said: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `wellspoken bench ghosts`.
///
/// # Errors
/// When the sounds, a model or the scratch store cannot be used.
pub fn run(global: &Global, args: &GhostsBenchArgs) -> anyhow::Result<()> {
    let folder = match args.cries {
        true => args.data.join("cries").join(&args.part),
        false => args.data.join(&args.part),
    };
    let kinds = kinds(&folder, args)?;
    let measured = super::in_scratch(global, |scratch| runtime()?.block_on(measure(global, args, scratch, &kinds)))?;
    if args.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&measured)?)?;
    } else if args.cries {
        print_cries(&measured);
    } else {
        print_rooms(&measured);
    }
    Ok(())
}

/// The files of each kind, in order.
fn kinds(folder: &Path, args: &GhostsBenchArgs) -> anyhow::Result<BTreeMap<String, Vec<PathBuf>>> {
    let list = |folder: &Path| -> anyhow::Result<Vec<PathBuf>> {
        let read = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut paths = read.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    let mut kinds = BTreeMap::new();
    for kind in list(folder)? {
        let name = kind.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if args.kinds.is_empty() || args.kinds.contains(&name) {
            let mut files = list(&kind)?;
            files.truncate(args.files.unwrap_or(usize::MAX));
            kinds.insert(name, files);
        }
    }
    anyhow::ensure!(!kinds.is_empty(), "{} holds no such sounds", folder.display());
    Ok(kinds)
}

/// What came of one kind of sound.
#[derive(Default, Serialize)]
struct Kind {
    files: usize,
    hours: f64,
    /// Utterances that the endpointer made of it.
    utterances: usize,
    /// Turns that answered, asked for something, acted or told staff.
    false_turns: usize,
    /// Of those: something was changed, staff aside.
    acted: usize,
    /// Of those: it asked something.
    asked: usize,
    /// Utterances that were taken for an answer.
    answers: usize,
    /// Of those: staff were told.
    staff_told: usize,
    /// Of those: nothing was changed and nobody told; the device said what it is for or asked back.
    only_spoke: usize,
    /// Turns that said that nothing was understood, or that it cannot help with that.
    not_understood: usize,
    /// Utterances by the reason for which they were rejected.
    rejected: BTreeMap<&'static str, usize>,
    /// Processor time.
    cpu_ms: f64,
    /// Files in which staff were told at least once, by the part of their name before the first hyphen.
    told: BTreeMap<String, [usize; 2]>,
}

async fn measure(
    global: &Global,
    args: &GhostsBenchArgs,
    scratch: &Path,
    kinds: &BTreeMap<String, Vec<PathBuf>>,
) -> anyhow::Result<BTreeMap<String, Kind>> {
    let ward = Ward::open(global, scratch).await?;
    let mut measured = BTreeMap::new();
    for (name, files) in kinds {
        let mut kind = Kind { files: files.len(), ..Kind::default() };
        for file in files {
            let samples = samples(file)?;
            kind.hours += samples.len() as f64 / f64::from(RATE) / 3600.0;
            let cpu = cpu_ms();
            let mut told = false;
            let mut from = 0;
            let mut answers = None;
            while from < samples.len() {
                let rest = &samples[from..];
                let mut endpointer = Endpointer::default();
                let over = endpointer.push(rest.iter().copied());
                let ended = over.map_or(rest.len(), |(_, at)| at);
                // What becomes a turn is without the silence after it, as over a connection.
                let utterance = &rest[..endpointer.spoken().unwrap_or(ended).min(ended)];
                kind.answers += usize::from(answers.is_some());
                let came = ward.take(wav(utterance)?, answers.take()).await?;
                if args.said {
                    let at = from as f64 / f64::from(RATE);
                    let seconds = utterance.len() as f64 / f64::from(RATE);
                    let over = over.map(|(over, _)| over);
                    eprintln!("{name} {} {at:.1} s, {seconds:.1} s, {over:?}: {came}", file.display());
                }
                kind.add(&came);
                told |= came.staff_told;
                from += ended;
                if let Some(every) = args.wakes {
                    (from, answers) = listens_again(from, &came, (every * RATE) as usize);
                }
                // What follows a cry is not asked again.
                if args.cries && told {
                    break;
                }
            }
            kind.cpu_ms += cpu_ms() - cpu;
            let voice = file.file_stem().unwrap_or_default().to_string_lossy();
            let voice = voice.split('-').next().unwrap_or_default().to_owned();
            let [heard, all] = kind.told.entry(voice).or_default();
            (*heard, *all) = (*heard + usize::from(told), *all + 1);
        }
        if !args.json {
            eprintln!("{name}: {} turns in {:.0} minutes of sound", kind.utterances, kind.hours * 60.0);
        }
        measured.insert(name.clone(), kind);
    }
    ward.close().await;
    Ok(measured)
}

/// From which sample on a device listens that was woken by mistake, and to what: for an answer once it has asked, else when it is woken
/// again. While it speaks it hears nothing.
fn listens_again(end: usize, came: &Came, every: usize) -> (usize, Option<Asked>) {
    let quiet = end + came.reply.chars().count() * RATE as usize / LETTERS;
    match &came.asked {
        Some(asked) => (quiet, Some(asked.clone())),
        None => (quiet.div_ceil(every.max(1)) * every.max(1), None),
    }
}

/// Letters that it says in a second, about.
const LETTERS: usize = 15;

impl Kind {
    fn add(&mut self, came: &Came) {
        self.utterances += 1;
        self.staff_told += usize::from(came.staff_told);
        if let Some(reason) = came.rejected {
            *self.rejected.entry(reason).or_default() += 1;
        }
        if came.staff_told {
            self.false_turns += 1;
        } else if came.state == State::Rejected || came.intent == NONE {
            self.not_understood += usize::from(came.rejected.is_none());
        } else {
            self.false_turns += 1;
            self.acted += usize::from(came.state == State::Done);
            self.asked += usize::from(came.asked.is_some());
            self.only_spoke += usize::from(matches!(came.state, State::Answered | State::Asks | State::Refused));
        }
    }

    fn an_hour(&self, count: usize) -> f64 {
        count as f64 / self.hours.max(1e-9)
    }
}

fn samples(path: &Path) -> anyhow::Result<Vec<i16>> {
    let mut reader = hound::WavReader::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let spec = reader.spec();
    anyhow::ensure!(
        spec.sample_rate == RATE && spec.channels == 1 && spec.bits_per_sample == 16,
        "{} must have 16 bits, one channel and {RATE} Hz",
        path.display()
    );
    Ok(reader.samples::<i16>().collect::<Result<_, _>>()?)
}

/// A WAV file of these samples.
fn wav(samples: &[i16]) -> anyhow::Result<Vec<u8>> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = Cursor::new(Vec::with_capacity(44 + samples.len() * 2));
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}

fn print_rooms(measured: &BTreeMap<String, Kind>) {
    println!(
        "{:<12} minutes  turns/h  false/h  acted/h  asked/h  staff/h  not understood/h  answers/h  cpu s/h  rejected",
        ""
    );
    let mut all = Kind::default();
    let line = |name: &str, kind: &Kind| {
        let rejected: Vec<String> = kind.rejected.iter().map(|(why, n)| format!("{why} {n}")).collect();
        println!(
            "{name:<12} {:>7.0} {:>8.0} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>17.1} {:>10.1} {:>8.1}  {}",
            kind.hours * 60.0,
            kind.an_hour(kind.utterances),
            kind.an_hour(kind.false_turns),
            kind.an_hour(kind.acted),
            kind.an_hour(kind.asked),
            kind.an_hour(kind.staff_told),
            kind.an_hour(kind.not_understood),
            kind.an_hour(kind.answers),
            kind.cpu_ms / 1e3 / kind.hours.max(1e-9),
            rejected.join(", ")
        );
    };
    for (name, kind) in measured {
        line(name, kind);
        all.hours += kind.hours;
        all.utterances += kind.utterances;
        all.false_turns += kind.false_turns;
        all.acted += kind.acted;
        all.asked += kind.asked;
        all.answers += kind.answers;
        all.staff_told += kind.staff_told;
        all.not_understood += kind.not_understood;
        all.cpu_ms += kind.cpu_ms;
        for (why, n) in &kind.rejected {
            *all.rejected.entry(why).or_default() += n;
        }
    }
    line("all", &all);
}

fn print_cries(measured: &BTreeMap<String, Kind>) {
    for (name, kind) in measured {
        let missed: usize = kind.told.values().map(|[heard, all]| all - heard).sum();
        let voices: Vec<String> =
            kind.told.iter().map(|(v, [heard, all])| format!("{v} {}/{all}", all - heard)).collect();
        let rejected: Vec<String> = kind.rejected.iter().map(|(why, n)| format!("{why} {n}")).collect();
        println!(
            "{name:>4} dB: missed {missed} of {}; by voice {}; rejected {}",
            kind.files,
            voices.join(", "),
            rejected.join(", ")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(state: State, intent: &str, rejected: Option<&'static str>, staff_told: bool) -> Came {
        Came {
            text: String::new(),
            intent: intent.into(),
            state,
            rejected,
            staff_told,
            reply: String::new(),
            asked: None,
        }
    }

    #[test]
    fn a_false_turn_is_one_that_answered_acted_or_told_staff() {
        for (what, came, false_turns, staff, not_understood) in [
            ("rejected", came(State::Rejected, NONE, Some("noise"), false), 0, 0, 0),
            ("a cry without words", came(State::Rejected, NONE, Some("noise"), true), 1, 1, 0),
            ("out of scope", came(State::Answered, NONE, None, false), 0, 0, 1),
            ("an answer", came(State::Answered, "visit.next", None, false), 1, 0, 0),
            ("a call", came(State::Escalated, "nurse.request", None, true), 1, 1, 0),
        ] {
            let mut kind = Kind::default();
            kind.add(&came);
            assert_eq!(
                (kind.false_turns, kind.staff_told, kind.not_understood),
                (false_turns, staff, not_understood),
                "{what}"
            );
        }
    }

    #[test]
    fn whoever_was_woken_by_mistake_listens_on_only_after_a_question() {
        let expected = crate::turn::Expected::Anything;
        let session = crate::policy::SessionId::parse("s-1").expect("a name");
        let says = |asked| Came { reply: "x".repeat(30), asked, ..came(State::Answered, NONE, None, false) };
        let (second, every) = (RATE as usize, 20 * RATE as usize);
        for (what, end, asked, from) in [
            ("it answered", 3 * second, None, every),
            ("it was still speaking", 19 * second, None, 2 * every),
            ("it asked", 3 * second, Some(Asked { session, expected }), 5 * second),
        ] {
            let listens = asked.is_some();
            let (again, answers) = listens_again(end, &says(asked), every);
            assert_eq!((again, answers.is_some()), (from, listens), "{what}");
        }
    }

    #[test]
    fn the_sound_is_the_same_after_it_was_a_file() {
        let samples = [0_i16, 1, -1, i16::MAX, i16::MIN];
        let heard = crate::asr::wav::decode(&wav(&samples).expect("a file")).expect("sound");
        let back: Vec<i16> = heard.iter().map(|s| (s * 32768.0) as i16).collect();
        assert_eq!(back, samples);
    }
}
