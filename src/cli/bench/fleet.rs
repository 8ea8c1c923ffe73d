//! `wellspoken bench fleet`: rooms on a server of its own. What an idle connection costs, how long answers take when some speak at
//! once, and the bad minute, in which every room speaks.
//!
//! Arrivals of the bad minute: each room speaks once, at a moment drawn evenly from sixty seconds, the same in every run of one
//! seed. That is a Poisson stream of which the number is known. A share of the rooms says something urgent.

use std::{path::PathBuf, time::Duration};

use anyhow::ensure;
use serde::Serialize;

mod rooms;
pub(super) mod server;

use rooms::{Came, Rooms};
use server::Server;

use super::quantiles::quantiles;
use crate::{
    ambient::Ambient,
    cli::{Global, device::recording, hardening, runtime},
};

/// Measure many rooms on one server.
#[derive(Debug, clap::Args)]
pub struct FleetBenchArgs {
    /// Rooms, each with a connected device.
    #[arg(long, default_value_t = 2500)]
    rooms: usize,
    /// What rooms say that can wait: WAV files.
    #[arg(long, num_args = 0..)]
    ordinary: Vec<PathBuf>,
    /// What rooms say that cannot: WAV files.
    #[arg(long, num_args = 0..)]
    urgent: Vec<PathBuf>,
    /// How many of a hundred rooms say something urgent in the bad minute.
    #[arg(long, default_value_t = 10)]
    urgent_percent: usize,
    /// How many rooms speak at once.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    at_once: Vec<usize>,
    /// How often they do.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds in which nobody speaks.
    #[arg(long, default_value_t = 60)]
    idle: u64,
    /// Seconds between two heartbeats of a device.
    #[arg(long, default_value_t = 30)]
    heartbeat: u64,
    /// Leave the bad minute out.
    #[arg(long)]
    calm: bool,
    /// Draws the moments of the bad minute.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Serialize)]
struct Report {
    rooms: usize,
    connect_seconds: f64,
    idle: Idle,
    at_once: Vec<AtOnce>,
    bad_minute: Option<BadMinute>,
}

/// What connections cost on which nobody speaks, measured at the server's process.
#[derive(Serialize)]
struct Idle {
    seconds: f64,
    server_alone_mib: f64,
    server_mib: f64,
    kib_a_connection: f64,
    /// Of one core.
    cpu_percent: f64,
    cpu_ms_a_connection_and_minute: f64,
    links_lost: usize,
}

#[derive(Serialize)]
struct AtOnce {
    rooms: usize,
    spoken: usize,
    answered: usize,
    understood: usize,
    refused: usize,
    lost: usize,
    answer_p50_ms: f64,
    answer_p99_ms: f64,
}

#[derive(Serialize)]
struct BadMinute {
    spoken: usize,
    urgent: usize,
    /// From the end of what was said to the answer, which comes after it is durable.
    urgent_durable_p50_ms: f64,
    urgent_durable_p99_ms: f64,
    /// Urgent ones that were heard and understood.
    urgent_understood: usize,
    /// Urgent ones that are on the board as "spoke, not understood".
    urgent_on_the_board_unheard: usize,
    told_one_moment: usize,
    ordinary_answer_p50_ms: f64,
    ordinary_answer_p99_ms: f64,
    /// Answered that it was too busy, or refused.
    shed: usize,
    /// Neither answered nor refused, or answered as urgent and not on the board.
    lost: usize,
    server_mib: f64,
    cpu_percent: f64,
}

/// Runs `wellspoken bench fleet`.
///
/// # Errors
/// When the server does not start, a recording cannot be read, or rooms cannot connect.
pub fn run(global: &Global, args: &FleetBenchArgs) -> anyhow::Result<()> {
    hardening::allow_connections();
    ensure!(args.rooms > 0, "--rooms 0: a bench needs a room");
    let sounds = |files: &[PathBuf]| files.iter().map(|file| recording(file)).collect::<anyhow::Result<Vec<_>>>();
    let (ordinary, urgent) = (sounds(&args.ordinary)?, sounds(&args.urgent)?);
    let report =
        super::in_scratch(global, |scratch| runtime()?.block_on(measure(global, args, scratch, &ordinary, &urgent)))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", shown(&report));
    }
    Ok(())
}

async fn measure(
    global: &Global,
    args: &FleetBenchArgs,
    scratch: &std::path::Path,
    ordinary: &[Vec<i16>],
    urgent: &[Vec<i16>],
) -> anyhow::Result<Report> {
    let tokens = server::let_in(global, scratch, args.rooms).await?;
    let server = Server::start(global, scratch)?;
    let heartbeat = Duration::from_secs(args.heartbeat.max(1));
    let ambient = Ambient::system(None)?;
    let mut rooms = Rooms::new(&server.url, &tokens, heartbeat, &ambient)?;
    // Once, so that what is read on first use does not count as a connection's.
    rooms.connect(1).await?;
    if let Some(first) = ordinary.first() {
        rooms.speak(1, std::slice::from_ref(first), "warm").await;
    }
    let alone = server.memory_mib()?;
    let begun = std::time::Instant::now();
    rooms.connect(args.rooms).await?;
    let connect_seconds = begun.elapsed().as_secs_f64();
    let idle = idle(args, &server, &mut rooms, alone).await?;
    let mut at_once = vec![];
    if !ordinary.is_empty() {
        for many in args.at_once.iter().copied().filter(|many| (1..=args.rooms).contains(many)) {
            let mut came = vec![];
            for round in 0..args.rounds {
                came.extend(rooms.speak(many, ordinary, &format!("{many}-{round}")).await);
            }
            at_once.push(together(many, &came));
        }
    }
    let bad_minute = if args.calm || ordinary.is_empty() || urgent.is_empty() {
        None
    } else {
        Some(bad_minute(global, args, scratch, &server, &mut rooms, (ordinary, urgent)).await?)
    };
    rooms.close().await;
    server.stop()?;
    Ok(Report { rooms: args.rooms, connect_seconds, idle, at_once, bad_minute })
}

async fn idle(args: &FleetBenchArgs, server: &Server, rooms: &mut Rooms<'_>, alone: f64) -> anyhow::Result<Idle> {
    let (cpu, begun) = (server.cpu_seconds()?, std::time::Instant::now());
    let links_lost = rooms.idle(Duration::from_secs(args.idle)).await;
    let (cpu, seconds) = (server.cpu_seconds()? - cpu, begun.elapsed().as_secs_f64());
    let server_mib = server.memory_mib()?;
    let many = args.rooms as f64;
    Ok(Idle {
        seconds,
        server_alone_mib: alone,
        server_mib,
        kib_a_connection: (server_mib - alone) * 1024.0 / many,
        cpu_percent: cpu / seconds * 100.0,
        cpu_ms_a_connection_and_minute: cpu * 1000.0 / many / (seconds / 60.0),
        links_lost,
    })
}

fn together(rooms: usize, came: &[Came]) -> AtOnce {
    let times: Vec<f64> = came.iter().filter_map(|came| came.answer_ms).collect();
    let [answer_p50_ms, answer_p99_ms] = quantiles(&times, [0.5, 0.99]);
    AtOnce {
        rooms,
        spoken: came.len(),
        answered: times.len(),
        understood: came.iter().filter(|came| came.understood).count(),
        refused: came.iter().filter(|came| came.refused).count(),
        lost: came.iter().filter(|came| came.is_lost()).count(),
        answer_p50_ms,
        answer_p99_ms,
    }
}

async fn bad_minute(
    global: &Global,
    args: &FleetBenchArgs,
    scratch: &std::path::Path,
    server: &Server,
    rooms: &mut Rooms<'_>,
    sounds: (&[Vec<i16>], &[Vec<i16>]),
) -> anyhow::Result<BadMinute> {
    // Calls that the rooms made before are not those of this minute.
    let before = server::calls(global, scratch).await?;
    let (cpu, begun) = (server.cpu_seconds()?, std::time::Instant::now());
    let came = rooms.bad_minute(sounds, args.urgent_percent, args.seed).await;
    let (cpu, seconds) = (server.cpu_seconds()? - cpu, begun.elapsed().as_secs_f64());
    let server_mib = server.memory_mib()?;
    let after = server::calls(global, scratch).await?;
    let grew = |room: &str| after.get(room).copied().unwrap_or(0) > before.get(room).copied().unwrap_or(0);
    let (urgent, ordinary): (Vec<&Came>, Vec<&Came>) = came.iter().partition(|came| came.urgent);
    let times = |some: &[&Came]| some.iter().filter_map(|came| came.answer_ms).collect::<Vec<_>>();
    // Acknowledged as a call, and no call is there.
    let missing = urgent.iter().filter(|came| came.called && !grew(&came.room)).count();
    let [urgent_durable_p50_ms, urgent_durable_p99_ms] = quantiles(&times(&urgent), [0.5, 0.99]);
    let [ordinary_answer_p50_ms, ordinary_answer_p99_ms] = quantiles(&times(&ordinary), [0.5, 0.99]);
    Ok(BadMinute {
        spoken: came.len(),
        urgent: urgent.len(),
        urgent_durable_p50_ms,
        urgent_durable_p99_ms,
        urgent_understood: urgent.iter().filter(|came| came.understood).count(),
        urgent_on_the_board_unheard: urgent.iter().filter(|came| !came.understood && grew(&came.room)).count(),
        told_one_moment: came.iter().filter(|came| came.slow).count(),
        ordinary_answer_p50_ms,
        ordinary_answer_p99_ms,
        shed: came.iter().filter(|came| came.refused || came.unheard).count(),
        lost: came.iter().filter(|came| came.is_lost()).count() + missing,
        server_mib,
        cpu_percent: cpu / seconds * 100.0,
    })
}

fn shown(report: &Report) -> String {
    use std::fmt::Write as _;
    let Report { rooms, connect_seconds, idle, at_once, bad_minute } = report;
    let mut text = format!(
        "{rooms} rooms connected in {connect_seconds:.1} s\n\
         idle for {:.0} s: {:.1} KiB and {:.1} ms of a core's minute a connection; the server {:.0} MiB (alone {:.0}), \
         {:.1} % of a core; {} links lost\n",
        idle.seconds,
        idle.kib_a_connection,
        idle.cpu_ms_a_connection_and_minute,
        idle.server_mib,
        idle.server_alone_mib,
        idle.cpu_percent,
        idle.links_lost
    );
    for row in at_once {
        let _ = writeln!(
            text,
            "{} rooms at once: {} spoken, {} answered ({} understood), {} refused, {} lost; answer p50 {:.0} ms, p99 {:.0} ms after \
             the last word",
            row.rooms,
            row.spoken,
            row.answered,
            row.understood,
            row.refused,
            row.lost,
            row.answer_p50_ms,
            row.answer_p99_ms
        );
    }
    if let Some(bad) = bad_minute {
        let _ = writeln!(
            text,
            "the bad minute: {} rooms spoke, {} of them urgently\n\
             urgent: durable and answered p50 {:.0} ms, p99 {:.0} ms; {} understood, {} on the board as not understood\n\
             the rest: answered p50 {:.0} ms, p99 {:.0} ms; {} were told one moment\n\
             shed {}, lost {}; the server {:.0} MiB, {:.0} % of a core",
            bad.spoken,
            bad.urgent,
            bad.urgent_durable_p50_ms,
            bad.urgent_durable_p99_ms,
            bad.urgent_understood,
            bad.urgent_on_the_board_unheard,
            bad.ordinary_answer_p50_ms,
            bad.ordinary_answer_p99_ms,
            bad.told_one_moment,
            bad.shed,
            bad.lost,
            bad.server_mib,
            bad.cpu_percent
        );
    }
    text
}
