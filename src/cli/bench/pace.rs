//! `wellspoken bench pace`: how long the silence is between the last word and the answer, and how often somebody is cut off.
//!
//! Devices speak over their own connections at the pace of speech to a server of its own: sentences of the catalogue's own tests that
//! are held out, in the program's voice, then a request with its PIN and its "no". The silence is measured from the last sound that
//! was spoken to the first sound of the answer, and the part of it in which the end was waited for is told apart. Then sentences with
//! one pause at a word drawn evenly, as long as drawn evenly up to the longest: who is answered in that pause was cut off.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use jiff::{SignedDuration, tz::TimeZone};
use serde::Serialize;

use super::{
    fleet::server::{Server, store},
    pins::read,
    speech_intent::mix,
};
use crate::{
    ambient::{Ambient, system_now},
    asr::wav,
    cli::{
        Global,
        device::{
            line::{Identity, Target},
            talk::{Answered, Device, Utterance},
        },
        hardening, runtime,
    },
    device::message::{RATE, Reason},
    nlu::{NONE, catalogue::Catalogue},
    policy::{RoomId, Scope, SessionId, Surface, TurnId},
    records::demo,
    speech::voice::Voice,
    store::{Grant, ImportOptions},
};

/// A PIN, and how it is said.
const PIN: (&str, &str) = ("4077", "four zero seven seven");
/// What asks for the PIN and is read back.
const REQUEST: &str = "Refill my metformin.";
/// Quiet after what is said, in samples: longer than any pause that is waited for.
const QUIET: usize = 5 * RATE as usize / 2;
/// Of the loudest sample: what is softer is not speech any more.
const SOFT: f32 = 0.02;

/// Measure the silence before answers.
#[derive(Debug, clap::Args)]
pub struct PaceBenchArgs {
    /// How many rooms speak at once.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    at_once: Vec<usize>,
    /// The rooms begin within so many milliseconds, drawn evenly; 0: in the same moment.
    #[arg(long, default_value_t = 0)]
    within: u32,
    /// Sentences that each number of rooms says.
    #[arg(long, default_value_t = 40)]
    sentences: usize,
    /// Sentences with a pause in them.
    #[arg(long, default_value_t = 100)]
    pauses: usize,
    /// The longest pause, in milliseconds.
    #[arg(long, default_value_t = 1500)]
    longest: u32,
    /// The manner of speaking of the sentences: direct, terse, rambling, …
    #[arg(long, default_value = "direct")]
    manner: String,
    /// A WAV file with noise to speak in.
    #[arg(long)]
    noise: Option<PathBuf>,
    /// How much louder the speech is, in dB.
    #[arg(long, default_value_t = 12)]
    snr: i32,
    /// Draws the sentences and the pauses.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print each utterance: from its last sound to its end and to the first sound of the answer, and what the turn took.
    #[arg(long)]
    each: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    at_once: Vec<AtOnce>,
    cut_off: CutOff,
}

#[derive(Serialize)]
struct AtOnce {
    rooms: usize,
    begun_within_ms: u32,
    sentences: Silence,
    pins: Silence,
    noes: Silence,
}

/// From the last sound that was spoken, in milliseconds.
#[derive(Default, Serialize)]
struct Silence {
    said: usize,
    /// Nothing was heard, or no sound came.
    unanswered: usize,
    /// To the first sound of the answer.
    first_sound_p50_ms: f64,
    first_sound_p99_ms: f64,
    /// Until the end was known: a part of that.
    waited_p50_ms: f64,
    waited_p99_ms: f64,
    #[serde(skip)]
    sounds: Vec<f64>,
    #[serde(skip)]
    waits: Vec<f64>,
}

#[derive(Serialize)]
struct CutOff {
    sentences: usize,
    longest_pause_ms: u32,
    cut_off: usize,
    percent: f64,
}

/// Something to say.
struct Spoken {
    samples: Vec<i16>,
    /// The last sample that can be heard, but for the quiet after it.
    ends: usize,
}

/// Runs `wellspoken bench pace`.
///
/// # Errors
/// When the server does not start, the voice is missing, or a room cannot connect.
pub fn run(global: &Global, args: &PaceBenchArgs) -> anyhow::Result<()> {
    hardening::allow_connections();
    let report = super::in_scratch(global, |scratch| runtime()?.block_on(measure(global, args, scratch)))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", shown(&report));
    }
    Ok(())
}

async fn measure(global: &Global, args: &PaceBenchArgs, scratch: &Path) -> anyhow::Result<Report> {
    let voice = Voice::load(&global.models_dir()?)?;
    let dice = Ambient::fixed(system_now(), args.seed);
    let catalogue = Catalogue::builtin()?;
    let mut sentences: Vec<&str> = catalogue
        .tests()
        .iter()
        .filter(|test| test.held_out && test.pending.is_none() && test.intent != NONE)
        .filter(|test| test.manner.as_deref() == Some(&args.manner) && test.say.split_whitespace().count() > 1)
        .map(|test| test.say.as_str())
        .collect();
    ensure!(!sentences.is_empty(), "no sentences are said in the manner {:?}", args.manner);
    sentences.sort_by_cached_key(|_| dice.random::<8>());
    let most = args.at_once.iter().copied().max().unwrap_or(1).clamp(1, 64);
    let tokens = let_in(global, scratch, most).await?;
    let server = Server::start(global, scratch)?;
    let mut devices = Vec::new();
    for token in tokens {
        let mut device = Device::new(Target::new(&server.url, Some(token), &Identity::default())?, &dice);
        device.connect().await?;
        devices.push(device);
    }
    let mut noise = Noise { sound: args.noise.as_deref().map(read).transpose()?, db: args.snr, seed: args.seed.max(1) };
    let mut whole = |text: &str| Ok::<_, anyhow::Error>(noise.around(spoken(&voice, &[text], 0)?));
    let begins = |dice: &Ambient| {
        Duration::from_millis(u64::from(u32::from_le_bytes(dice.random()) % args.within.saturating_add(1)))
    };
    let mut at_once = Vec::new();
    for rooms in args.at_once.iter().copied().filter(|rooms| (1..=most).contains(rooms)) {
        let mut found = AtOnce {
            rooms,
            begun_within_ms: args.within,
            sentences: Silence::default(),
            pins: Silence::default(),
            noes: Silence::default(),
        };
        let (request, pin, no) = (whole(REQUEST)?, whole(PIN.1)?, whole("No, thank you.")?);
        for round in 0..args.sentences.div_ceil(rooms) {
            let said = (0..rooms).map(|n| whole(sentences[(round * rooms + n) % sentences.len()]));
            let said = said.collect::<anyhow::Result<Vec<_>>>()?;
            let each = devices.iter_mut().take(rooms).zip(&said).enumerate();
            let came = join_all(each.map(|(n, (device, said))| {
                let (name, begins) = (format!("{rooms}-{round}-{n}"), begins(&dice));
                async move {
                    tokio::time::sleep(begins).await;
                    say(device, said, &format!("{name}-s"), None).await
                }
            }))
            .await;
            came.iter().zip(&said).for_each(|(came, said)| found.sentences.add(said, came.as_ref(), args.each));
        }
        for round in 0..args.sentences.div_ceil(rooms * 2) {
            let each = devices.iter_mut().take(rooms).enumerate();
            let came = join_all(each.map(|(n, device)| {
                let (name, request, pin, no) = (format!("{rooms}-{round}-{n}"), &request, &pin, &no);
                let begins = begins(&dice);
                async move {
                    tokio::time::sleep(begins).await;
                    let asked = say(device, request, &format!("{name}-r"), None).await?;
                    let tried = say(device, pin, &format!("{name}-p"), session(&asked)).await?;
                    let denied = say(device, no, &format!("{name}-n"), session(&tried)).await;
                    Some((tried, denied))
                }
            }))
            .await;
            for came in came {
                let (tried, denied) = came.map_or((None, None), |(tried, denied)| (Some(tried), denied));
                found.pins.add(&pin, tried.as_ref(), args.each);
                found.noes.add(&no, denied.as_ref(), args.each);
            }
        }
        for silence in [&mut found.sentences, &mut found.pins, &mut found.noes] {
            silence.finish();
        }
        at_once.push(found);
    }
    let mut cut_off = 0;
    for (round, some) in (0..args.pauses).collect::<Vec<_>>().chunks(most.min(2)).enumerate() {
        let mut paused = Vec::new();
        let said = some.iter().map(|n| {
            let words: Vec<&str> = sentences[n % sentences.len()].split_whitespace().collect();
            let draw = |below: usize| u32::from_le_bytes(dice.random()) as usize % below.max(1);
            let at = 1 + draw(words.len() - 1);
            let pause = draw(args.longest as usize * RATE as usize / 1000);
            let (before, after) = (words[..at].join(" "), words[at..].join(" "));
            paused.push(format!("{before} ({} ms) {after}", pause * 1000 / RATE as usize));
            Ok(noise.around(spoken(&voice, &[&before, &after], pause)?))
        });
        let said = said.collect::<anyhow::Result<Vec<_>>>()?;
        let each = devices.iter_mut().zip(&said).enumerate();
        let came = join_all(each.map(|(n, (device, said))| {
            let name = format!("pause-{round}-{n}");
            async move { say(device, said, &name, None).await }
        }))
        .await;
        let heard = |came: &Answered| came.ms as usize * (RATE as usize / 1000);
        for ((came, said), paused) in came.iter().zip(&said).zip(&paused) {
            let Some(came) = came.as_ref().filter(|came| heard(came) < said.ends) else { continue };
            cut_off += 1;
            if args.each {
                eprintln!("cut off: {paused}: {} ms of it, {:?}", came.ms, came.heard.as_deref().unwrap_or(""));
            }
        }
    }
    join_all(devices.into_iter().map(Device::close)).await;
    server.stop()?;
    let percent = cut_off as f64 * 100.0 / args.pauses.max(1) as f64;
    Ok(Report { at_once, cut_off: CutOff { sentences: args.pauses, longest_pause_ms: args.longest, cut_off, percent } })
}

/// Lets in so many devices of one person with a PIN, at home; gives their tokens.
async fn let_in(global: &Global, scratch: &Path, many: usize) -> anyhow::Result<Vec<String>> {
    let store = store(global, scratch).await?;
    let expires = system_now() + SignedDuration::from_hours(24);
    let options = ImportOptions { pin: Some(PIN.0), consent: Some(Scope::ALL.to_vec()), room: None };
    let (_, chart) = demo::all(system_now(), &TimeZone::UTC)?.into_iter().next().context("there are no demo people")?;
    let person = store.import(&chart, options, system_now()).await?;
    let mut tokens = Vec::new();
    for n in 0..many {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret)?;
        let token = format!("wsp_{}", hex::encode(secret));
        let surface = Surface::Home(RoomId::parse(&format!("home-{n}"))?);
        let grant = Grant { surface, person: Some(person.clone()), label: "bench".into(), one_time: false, expires };
        store.issue(&grant, &token, system_now()).await?;
        tokens.push(token);
    }
    store.close().await;
    Ok(tokens)
}

/// Parts of a sentence with a pause of so many samples between them.
fn spoken(voice: &Voice, parts: &[&str], pause: usize) -> anyhow::Result<Spoken> {
    // A quiet room is not silent.
    let mut hum = (0_u32..).map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as i16 - 8);
    let mut quiet = |samples: usize| hum.by_ref().take(samples).collect::<Vec<i16>>();
    let (mut samples, mut ends) = (quiet(RATE as usize / 2), 0);
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            samples.extend(quiet(pause));
        }
        let sound = wav::decode(&voice.to_wav(part, 1.0)?)?;
        let loudest = sound.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
        let audible = |sample: &f32| sample.abs() > loudest * SOFT;
        let (first, last) = (sound.iter().position(audible), sound.iter().rposition(audible));
        let (Some(first), Some(last)) = (first, last) else { continue };
        samples.extend(sound[first..=last].iter().map(|s| (s * 32_767.0) as i16));
        ends = samples.len();
    }
    samples.extend(quiet(QUIET));
    Ok(Spoken { samples, ends })
}

/// What is heard where somebody speaks.
struct Noise {
    sound: Option<Vec<f32>>,
    db: i32,
    seed: u64,
}

impl Noise {
    /// All of it, the quiet after it, too, with noise under it.
    fn around(&mut self, said: Spoken) -> Spoken {
        let Some(sound) = &self.sound else { return said };
        let plain: Vec<f32> = said.samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
        let mixed = mix(&plain, sound, self.db, &mut self.seed);
        Spoken { samples: mixed.iter().map(|s| (s * 32_767.0) as i16).collect(), ..said }
    }
}

async fn say(device: &mut Device<'_>, said: &Spoken, name: &str, session: Option<SessionId>) -> Option<Answered> {
    let name = TurnId::parse(name).ok()?;
    let reason = if session.is_some() { Reason::FollowUp } else { Reason::Wake };
    let utterance = Utterance { name, reason, session, samples: &said.samples, fast: false };
    device.say(&utterance, 3).await.ok()
}

fn session(answered: &Answered) -> Option<SessionId> {
    SessionId::parse(answered.turn["session"].as_str()?).ok()
}

impl Silence {
    fn add(&mut self, said: &Spoken, came: Option<&Answered>, each: bool) {
        self.said += 1;
        let sound = came.and_then(|came| Some((came.ended_at?, came.sounded_at?)));
        let Some((ended, sounded)) = sound.filter(|_| came.is_some_and(|came| came.heard.is_some())) else {
            self.unanswered += 1;
            return;
        };
        let after = |at: Duration| (at.as_secs_f64() - said.ends as f64 / f64::from(RATE)) * 1000.0;
        let (waited, sounded) = (after(ended), after(sounded));
        if each && let Some(came) = came {
            eprintln!("{waited:.0} {sounded:.0} {} {:?}", came.turn["timings_ms"], came.heard.as_deref().unwrap_or(""));
        }
        self.waits.push(waited);
        self.sounds.push(sounded);
    }

    fn finish(&mut self) {
        let of = |all: &mut Vec<f64>, share: f64| {
            all.sort_by(f64::total_cmp);
            all.get(((all.len() as f64 - 1.0) * share) as usize).copied().unwrap_or_default()
        };
        (self.first_sound_p50_ms, self.first_sound_p99_ms) = (of(&mut self.sounds, 0.5), of(&mut self.sounds, 0.99));
        (self.waited_p50_ms, self.waited_p99_ms) = (of(&mut self.waits, 0.5), of(&mut self.waits, 0.99));
    }
}

fn shown(report: &Report) -> String {
    let mut out = String::new();
    for AtOnce { rooms, begun_within_ms, sentences, pins, noes } in &report.at_once {
        for (what, s) in [("sentences", sentences), ("PINs", pins), ("noes", noes)] {
            out += &format!(
                "{rooms} at once, begun within {begun_within_ms} ms, {what}: first sound {:.0} / {:.0} ms after the last word (p50 / p99), of which the end was waited \
                 for {:.0} / {:.0} ms; {} said, {} unanswered\n",
                s.first_sound_p50_ms, s.first_sound_p99_ms, s.waited_p50_ms, s.waited_p99_ms, s.said, s.unanswered
            );
        }
    }
    let CutOff { sentences, longest_pause_ms, cut_off, percent } = &report.cut_off;
    out + &format!(
        "{sentences} sentences with a pause of up to {longest_pause_ms} ms: {cut_off} cut off, {percent:.1} %\n"
    )
}
