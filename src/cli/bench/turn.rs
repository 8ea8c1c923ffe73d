//! `wellspoken bench turn`: what a turn costs, stage by stage, and what making it durable costs beside one raw
//! fsync of the same file system in the same run.
//!
//! Turn and fsync take turns, so that whatever else the disk does meets both alike; ratios are what to quote.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use serde::Serialize;

use super::quantiles::Spread;
use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    cli::{Global, runtime, source},
    policy::{Caller, CredentialId, PersonId, Proof, Scope, SessionId, Surface},
    records::{Servers, demo},
    store::ImportOptions,
    turn::{Input, State, Timings, TurnRequest},
};

/// Measure a turn that discloses health data, typed and spoken.
#[derive(Debug, clap::Args)]
pub struct TurnBenchArgs {
    /// Turns of each kind.
    #[arg(long, default_value_t = 300)]
    turns: usize,
    /// Callers at once in the second part.
    #[arg(long, default_value_t = 16)]
    callers: usize,
    /// An empty PostgreSQL database instead of SQLite in a scratch folder: `postgres://…`.
    #[arg(long)]
    database: Option<String>,
    /// Whose records are asked about are at the first server of the configuration, under this identifier of its Patient:
    /// the demo person's, loaded there before.
    #[arg(long, value_name = "SYSTEM|VALUE")]
    identifier: Option<String>,
    /// A recording for the spoken turns.
    #[arg(long, default_value = "audio-fixtures/take-atorvastatin.wav")]
    audio: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What is asked: it discloses the prescriber's instructions.
const QUESTION: &str = "how do I take my atorvastatin";

/// Turns before anything is measured: until SQLite writes over its log, as it does ever after.
const WARM_UP: usize = 600;

#[derive(Serialize)]
struct Report {
    database: &'static str,
    turns: usize,
    raw_fsync_ms: Spread,
    typed: Stages,
    spoken: Option<Stages>,
    /// Policy, action and store of a typed turn.
    durable_ms: Spread,
    ratio_p50: f64,
    ratio_p99: f64,
    callers: usize,
    raw_fsync_beside_ms: Spread,
    concurrent_ms_a_turn: f64,
    concurrent_ratio: f64,
    commits_a_turn: f64,
    /// Requests to record servers, of the typed turns.
    requests_a_turn: f64,
}

/// Milliseconds.
#[derive(Serialize)]
struct Stages {
    asr: Spread,
    nlu: Spread,
    policy: Spread,
    action: Spread,
    store: Spread,
    speech: Spread,
    total: Spread,
}

/// Runs `wellspoken bench turn`.
///
/// # Errors
/// When the scratch folder, the database or the demo person cannot be made, or a turn is not answered.
pub fn run(global: &Global, args: TurnBenchArgs) -> anyhow::Result<()> {
    let report = super::in_scratch(global, |scratch| runtime()?.block_on(measure(global, &args, scratch)))?;
    print(&report, args.json)
}

async fn measure(global: &Global, args: &TurnBenchArgs, scratch: &Path) -> anyhow::Result<Report> {
    let mut config = global.config()?;
    config.store.url.clone_from(&args.database);
    let places = Places {
        data_dir: scratch.join("data"),
        models_dir: global.models_dir()?,
        key_file: scratch.join("keys/master.key"),
        intents_dir: global.intents.clone(),
    };
    let senses = Senses { ears: args.audio.is_file(), voice: false };
    let app = Arc::new(App::build(config, places, Ambient::system(global.now)?, senses).await?);
    let rosa = rosa(&app).await?;
    if let Some(identifier) = &args.identifier {
        at_server(&app, &rosa, identifier).await?;
    }
    let speaker = Speaker::new(&app, &rosa);
    let mut disk = Disk::open(scratch)?;
    for _ in 0..WARM_UP {
        disk.fsync()?;
        speaker.ask(Input::Text(QUESTION.into())).await?;
    }
    let (mut raw, mut typed) = (Vec::new(), Vec::new());
    let asked = app.core().records.asked();
    for _ in 0..args.turns {
        raw.push(disk.fsync()?);
        typed.push(speaker.ask(Input::Text(QUESTION.into())).await?);
    }
    let requests_a_turn = (app.core().records.asked() - asked) as f64 / args.turns as f64;
    let spoken = match app.ears() {
        Some(_) => Some(spoken(&speaker, args).await?),
        None => None,
    };
    let durable: Vec<f64> = typed.iter().map(|t| t.policy + t.action + t.store).collect();
    let (raw, durable) = (Spread::of(&raw), Spread::of(&durable));
    let crowd = crowd(&app, &rosa, args, &mut disk).await?;
    if let Some(app) = Arc::into_inner(app) {
        app.close().await;
    }
    Ok(Report {
        database: if args.database.is_some() { "postgresql" } else { "sqlite" },
        turns: args.turns,
        raw_fsync_ms: raw,
        typed: stages(&typed),
        spoken,
        durable_ms: durable,
        ratio_p50: durable.p50 / raw.p50,
        ratio_p99: durable.p99 / raw.p99,
        callers: args.callers,
        raw_fsync_beside_ms: crowd.raw,
        concurrent_ms_a_turn: crowd.ms_a_turn,
        concurrent_ratio: crowd.ms_a_turn / crowd.raw.p50,
        commits_a_turn: crowd.commits_a_turn,
        requests_a_turn,
    })
}

/// The first of the demo people, who agreed to everything.
async fn rosa(app: &App) -> anyhow::Result<PersonId> {
    let zone = jiff::tz::TimeZone::get(&app.config().place.zone)?;
    let now = app.ambient().now();
    let (_, chart) = demo::all(now, &zone)?.into_iter().next().context("there are no demo people")?;
    let options =
        ImportOptions { pin: None, consent: Some(Scope::ALL.to_vec()), room: None, ..ImportOptions::default() };
    Ok(app.store().import(&chart, options, now).await?)
}

/// From here on the person's records are at the first server.
async fn at_server(app: &App, person: &PersonId, identifier: &str) -> anyhow::Result<()> {
    let servers = Servers::new(&app.config().records, crate::ambient::system_now)?;
    let server = servers.all().first().context("--identifier needs a [[records.server]] in the configuration")?;
    let now = app.ambient().now();
    source::bind(app.store(), &servers, person, (server.name(), identifier), "bench", now).await
}

/// Somebody in a conversation of their own.
struct Speaker {
    app: Arc<App>,
    caller: Caller,
    session: SessionId,
}

impl Speaker {
    fn new(app: &Arc<App>, person: &PersonId) -> Self {
        let random: [u8; 10] = app.ambient().random();
        let session = SessionId::fresh(app.ambient().now(), random);
        let credential = CredentialId::fresh(app.ambient().now(), random);
        let caller = Caller {
            surface: Surface::Chat,
            credential,
            person: Some(person.clone()),
            stay: None,
            proof: Proof::None,
            house: None,
        };
        Self { app: Arc::clone(app), caller, session }
    }

    /// In a task of its own, as the server takes it: the thread that waits for everything is woken slowly.
    async fn ask(&self, input: Input) -> anyhow::Result<Timings> {
        let request = TurnRequest {
            caller: self.caller.clone(),
            session: Some(self.session.clone()),
            turn: None,
            input,
            speak: false,
        };
        let app = Arc::clone(&self.app);
        let result = tokio::spawn(async move { app.turn(request).await }).await?;
        anyhow::ensure!(result.state == State::Answered, "a turn was not answered: {}", result.state.name());
        Ok(result.timings_ms)
    }
}

async fn spoken(speaker: &Speaker, args: &TurnBenchArgs) -> anyhow::Result<Stages> {
    let wav = std::fs::read(&args.audio).with_context(|| format!("cannot read {}", args.audio.display()))?;
    let mut taken = Vec::new();
    for _ in 0..(args.turns / 10).max(10) {
        taken.push(speaker.ask(Input::Audio(wav.clone())).await?);
    }
    Ok(stages(&taken))
}

struct Crowd {
    raw: Spread,
    ms_a_turn: f64,
    commits_a_turn: f64,
}

/// Many callers at once; raw fsyncs before and after, on a disk that is otherwise left alone.
async fn crowd(app: &Arc<App>, person: &PersonId, args: &TurnBenchArgs, disk: &mut Disk) -> anyhow::Result<Crowd> {
    let speakers: Vec<Arc<Speaker>> = (0..args.callers).map(|_| Arc::new(Speaker::new(app, person))).collect();
    for speaker in &speakers {
        speaker.ask(Input::Text(QUESTION.into())).await?;
    }
    let mut raw = Vec::new();
    for _ in 0..50 {
        raw.push(disk.fsync()?);
    }
    let each = (args.turns / args.callers.max(1)).max(10);
    let (commits, clock) = (app.store().commits(), Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    for speaker in speakers {
        tasks.spawn(async move {
            for _ in 0..each {
                speaker.ask(Input::Text(QUESTION.into())).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let turns = (each * args.callers) as f64;
    let ms_a_turn = clock.elapsed().as_secs_f64() * 1000.0 / turns;
    let commits_a_turn = (app.store().commits() - commits) as f64 / turns;
    for _ in 0..50 {
        raw.push(disk.fsync()?);
    }
    Ok(Crowd { raw: Spread::of(&raw), ms_a_turn, commits_a_turn })
}

/// A file that is appended to and synced, as plainly as it can be done.
struct Disk(File);

impl Disk {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(File::create(folder.join("raw")).context("cannot make a file for the raw fsync")?))
    }

    /// Milliseconds for one page written and synced.
    fn fsync(&mut self) -> anyhow::Result<f64> {
        let clock = Instant::now();
        self.0.write_all(&[0x5a; 4096])?;
        self.0.sync_all()?;
        Ok(clock.elapsed().as_secs_f64() * 1000.0)
    }
}

fn stages(taken: &[Timings]) -> Stages {
    let of = |stage: fn(&Timings) -> f64| Spread::of(&taken.iter().map(stage).collect::<Vec<_>>());
    Stages {
        asr: of(|t| t.asr),
        nlu: of(|t| t.nlu),
        policy: of(|t| t.policy),
        action: of(|t| t.action),
        store: of(|t| t.store),
        speech: of(|t| t.speech),
        total: of(|t| t.total),
    }
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!(
        "{} turns that disclose health data, one caller, {}; milliseconds p50 / p99",
        report.turns, report.database
    );
    let line = |what: &str, s: Spread| println!("  {what:<10} {:>8.3} {:>8.3}", s.p50, s.p99);
    for (kind, stages) in [("typed", Some(&report.typed)), ("spoken", report.spoken.as_ref())] {
        let Some(s) = stages else { continue };
        println!("{kind}");
        let all = [
            ("asr", s.asr),
            ("nlu", s.nlu),
            ("policy", s.policy),
            ("action", s.action),
            ("store", s.store),
            ("speech", s.speech),
            ("total", s.total),
        ];
        all.into_iter().for_each(|(what, spread)| line(what, spread));
    }
    println!("policy + action + store beside one raw fsync");
    line("turn", report.durable_ms);
    line("raw fsync", report.raw_fsync_ms);
    println!("  ratio      {:>8.2} {:>8.2}", report.ratio_p50, report.ratio_p99);
    println!(
        "{} callers: {:.3} ms a turn, {:.2} of a raw fsync ({:.3} ms), {:.2} commits a turn",
        report.callers,
        report.concurrent_ms_a_turn,
        report.concurrent_ratio,
        report.raw_fsync_beside_ms.p50,
        report.commits_a_turn
    );
    println!("{:.2} requests to record servers a typed turn", report.requests_a_turn);
    Ok(())
}
