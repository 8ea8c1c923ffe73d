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

mod said;

use self::said::{Noise, Spoken, spoken};
use super::{
    fleet::server::{Server, store},
    pins::read,
    quantiles::quantiles,
};
use crate::{
    ambient::{Ambient, system_now},
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
    /// How many rooms speak at once where there are pauses.
    #[arg(long, value_delimiter = ',', default_value = "2")]
    pauses_at_once: Vec<usize>,
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
    cut_off: Vec<CutOff>,
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
    /// Whether each is printed.
    #[serde(skip)]
    each: bool,
    #[serde(skip)]
    sounds: Vec<f64>,
    #[serde(skip)]
    waits: Vec<f64>,
}

#[derive(Serialize)]
struct CutOff {
    rooms: usize,
    sentences: usize,
    longest_pause_ms: u32,
    cut_off: usize,
    percent: f64,
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
    let dice = Ambient::fixed(system_now(), args.seed);
    let catalogue = Catalogue::builtin()?;
    let sentences = sentences(&catalogue, args, &dice)?;
    let most = args.at_once.iter().chain(&args.pauses_at_once).copied().max().unwrap_or(1).clamp(1, 64);
    let tokens = let_in(global, scratch, most).await?;
    let server = Server::start(global, scratch)?;
    let mut devices = Vec::new();
    for token in tokens {
        let mut device = Device::new(Target::new(&server.url, Some(token), &Identity::default())?, &dice);
        device.connect().await?;
        devices.push(device);
    }
    let noise = Noise { sound: args.noise.as_deref().map(read).transpose()?, db: args.snr, seed: args.seed.max(1) };
    let voice = Voice::load(&global.models_dir()?)?;
    let mut rooms = Rooms { args, dice: &dice, voice, noise, sentences, devices };
    let mut at_once = Vec::new();
    for many in args.at_once.iter().copied().filter(|many| (1..=most).contains(many)) {
        let sentences = rooms.sentences(many).await?;
        let (pins, noes) = rooms.pins(many).await?;
        at_once.push(AtOnce { rooms: many, begun_within_ms: args.within, sentences, pins, noes });
    }
    let mut cut_off = Vec::new();
    for many in args.pauses_at_once.iter().copied().filter(|many| (1..=most).contains(many)) {
        cut_off.push(rooms.cut_off(many).await?);
    }
    join_all(rooms.devices.into_iter().map(Device::close)).await;
    server.stop()?;
    Ok(Report { at_once, cut_off })
}

/// What is said, in an order that is drawn.
fn sentences<'c>(catalogue: &'c Catalogue, args: &PaceBenchArgs, dice: &Ambient) -> anyhow::Result<Vec<&'c str>> {
    let tests = catalogue.tests().iter();
    let mut sentences: Vec<&str> = tests
        .filter(|test| test.held_out && test.pending.is_none() && test.intent != NONE)
        .filter(|test| test.manner.as_deref() == Some(&args.manner) && test.say.split_whitespace().count() > 1)
        .map(|test| test.say.as_str())
        .collect();
    ensure!(!sentences.is_empty(), "no sentences are said in the manner {:?}", args.manner);
    sentences.sort_by_cached_key(|_| dice.random::<8>());
    Ok(sentences)
}

/// Those who speak, and what.
struct Rooms<'r, 'd> {
    args: &'r PaceBenchArgs,
    dice: &'r Ambient,
    voice: Voice,
    noise: Noise,
    sentences: Vec<&'r str>,
    devices: Vec<Device<'d>>,
}

impl Rooms<'_, '_> {
    /// Each says one sentence after the other.
    async fn sentences(&mut self, many: usize) -> anyhow::Result<Silence> {
        let mut found = Silence::new(self.args.each);
        for round in 0..self.args.sentences.div_ceil(many) {
            let texts: Vec<&str> =
                self.sentences.iter().cycle().skip(round * many % self.sentences.len()).take(many).copied().collect();
            let said = texts.into_iter().map(|text| self.whole(text)).collect::<anyhow::Result<Vec<_>>>()?;
            let begins: Vec<Duration> = (0..many).map(|_| self.begins()).collect();
            let each = self.devices.iter_mut().take(many).zip(&said).zip(begins).enumerate();
            let came = join_all(each.map(|(n, ((device, said), begins))| async move {
                tokio::time::sleep(begins).await;
                say(device, said, &format!("{many}-{round}-{n}-s"), None).await
            }))
            .await;
            came.iter().zip(&said).for_each(|(came, said)| found.add(said, came.as_ref()));
        }
        found.finish();
        Ok(found)
    }

    /// Each asks for something that wants the PIN, says it, and says no to what is read back.
    async fn pins(&mut self, many: usize) -> anyhow::Result<(Silence, Silence)> {
        let (mut pins, mut noes) = (Silence::new(self.args.each), Silence::new(self.args.each));
        let (request, pin, no) = (self.whole(REQUEST)?, self.whole(PIN.1)?, self.whole("No, thank you.")?);
        for round in 0..self.args.sentences.div_ceil(many * 2) {
            let begins: Vec<Duration> = (0..many).map(|_| self.begins()).collect();
            let each = self.devices.iter_mut().take(many).zip(begins).enumerate();
            let came = join_all(each.map(|(n, (device, begins))| {
                let (name, request, pin, no) = (format!("{many}-{round}-{n}"), &request, &pin, &no);
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
                pins.add(&pin, tried.as_ref());
                noes.add(&no, denied.as_ref());
            }
        }
        pins.finish();
        noes.finish();
        Ok((pins, noes))
    }

    /// Each says sentences with a pause in them.
    async fn cut_off(&mut self, many: usize) -> anyhow::Result<CutOff> {
        let args = self.args;
        let mut cut_off = 0;
        for (round, some) in (0..args.pauses).collect::<Vec<_>>().chunks(many).enumerate() {
            let paused = some.iter().map(|n| self.paused(*n)).collect::<anyhow::Result<Vec<_>>>()?;
            let begins: Vec<Duration> = some.iter().map(|_| self.begins()).collect();
            let each = self.devices.iter_mut().zip(&paused).zip(begins).enumerate();
            let came = join_all(each.map(|(n, ((device, (_, said)), begins))| async move {
                tokio::time::sleep(begins).await;
                say(device, said, &format!("pause-{many}-{round}-{n}"), None).await
            }))
            .await;
            let heard = |came: &Answered| came.ms as usize * (RATE as usize / 1000);
            for (came, (words, said)) in came.iter().zip(&paused) {
                let Some(came) = came.as_ref().filter(|came| heard(came) < said.ends) else { continue };
                cut_off += 1;
                if args.each {
                    eprintln!("cut off: {words}: {} ms of it, {:?}", came.ms, came.heard.as_deref().unwrap_or(""));
                }
            }
        }
        let percent = cut_off as f64 * 100.0 / args.pauses.max(1) as f64;
        Ok(CutOff { rooms: many, sentences: args.pauses, longest_pause_ms: args.longest, cut_off, percent })
    }

    /// A sentence with a pause in it, as it is written and as it is said.
    fn paused(&mut self, n: usize) -> anyhow::Result<(String, Spoken)> {
        let sentence = self.sentences.get(n % self.sentences.len()).copied().unwrap_or_default();
        let words: Vec<&str> = sentence.split_whitespace().collect();
        let at = 1 + self.draw(words.len().saturating_sub(1));
        let pause = self.draw(self.args.longest as usize * RATE as usize / 1000);
        let (before, after) = words.split_at(at.min(words.len()));
        let (before, after) = (before.join(" "), after.join(" "));
        let said = self.noise.around(spoken(&self.voice, &[&before, &after], pause)?);
        Ok((format!("{before} ({} ms) {after}", pause * 1000 / RATE as usize), said))
    }

    fn whole(&mut self, text: &str) -> anyhow::Result<Spoken> {
        Ok(self.noise.around(spoken(&self.voice, &[text], 0)?))
    }

    /// When a room begins.
    fn begins(&self) -> Duration {
        Duration::from_millis(self.draw(self.args.within as usize + 1) as u64)
    }

    fn draw(&self, below: usize) -> usize {
        u32::from_le_bytes(self.dice.random()) as usize % below.max(1)
    }
}

/// Lets in so many devices of one person with a PIN, at home; gives their tokens.
async fn let_in(global: &Global, scratch: &Path, many: usize) -> anyhow::Result<Vec<String>> {
    let store = store(global, scratch).await?;
    let expires = system_now() + SignedDuration::from_hours(24);
    let options =
        ImportOptions { pin: Some(PIN.0), consent: Some(Scope::ALL.to_vec()), room: None, ..ImportOptions::default() };
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
    fn new(each: bool) -> Self {
        Self { each, ..Self::default() }
    }

    fn add(&mut self, said: &Spoken, came: Option<&Answered>) {
        self.said += 1;
        let sound = came.and_then(|came| Some((came.ended_at?, came.sounded_at?)));
        let Some((ended, sounded)) = sound.filter(|_| came.is_some_and(|came| came.heard.is_some())) else {
            self.unanswered += 1;
            return;
        };
        let after = |at: Duration| (at.as_secs_f64() - said.ends as f64 / f64::from(RATE)) * 1000.0;
        let (waited, sounded) = (after(ended), after(sounded));
        if self.each
            && let Some(came) = came
        {
            eprintln!("{waited:.0} {sounded:.0} {} {:?}", came.turn["timings_ms"], came.heard.as_deref().unwrap_or(""));
        }
        self.waits.push(waited);
        self.sounds.push(sounded);
    }

    fn finish(&mut self) {
        [self.first_sound_p50_ms, self.first_sound_p99_ms] = quantiles(&self.sounds, [0.5, 0.99]);
        [self.waited_p50_ms, self.waited_p99_ms] = quantiles(&self.waits, [0.5, 0.99]);
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
    for CutOff { rooms, sentences, longest_pause_ms, cut_off, percent } in &report.cut_off {
        out += &format!(
            "{rooms} at once, {sentences} sentences with a pause of up to {longest_pause_ms} ms: {cut_off} cut off, {percent:.1} %\n"
        );
    }
    out
}
