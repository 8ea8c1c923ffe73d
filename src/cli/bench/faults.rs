//! `wellspoken bench faults`: a server that is killed again and again, by SIGKILL at random instants, while patients call,
//! emergencies are told, beds change hands and calls climb; and whether anything was lost, done twice or told late.
//!
//! Every bed goes through the same day over and over: admitted, asks for water, cries for help, leaves. Whatever was not
//! answered is sent again under its own name, as a device and an admission system do. Hearing is off: it holds nothing durable.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    ambient::{Ambient, system_now},
    cli::{Global, runtime},
    config::KeysConfig,
    fleet::adt::Location,
    nlu::catalogue::Catalogue,
    policy::{RoomId, SessionId, Surface, TurnId},
    store::{CallEver, Grant, OpeningQuery, StepEver, Store, StoreOptions, sqlite_path},
};

mod bed;
mod server;

use bed::{Bed, Day};
use server::Server;

/// All that is said here; more would be learned anew at each start.
const CALLS: [&str; 6] = [
    "en/_common.yaml",
    "en/dialogue.yaml",
    "en/nurse.yaml",
    "en/emergency.yaml",
    "lists/languages.yaml",
    "lists/needs.yaml",
];

/// A step that is told so much later than it could have been is late.
const LATE: SignedDuration = SignedDuration::from_secs(5);

/// Kill the server again and again, and count what was lost.
#[derive(Debug, clap::Args)]
pub struct FaultsBenchArgs {
    /// How often it is killed.
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// Beds in which things happen, all at once; 1 to 64.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=64))]
    beds: u8,
    /// What the instants are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The longest it lives after it was ready, in milliseconds.
    #[arg(long, default_value_t = 700)]
    longest_life_ms: u64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    kills: u32,
    /// Of them before it was ready.
    killed_while_starting: u32,
    seconds: f64,
    ready_after_p50_ms: u128,
    /// Things that were acknowledged.
    calls: u64,
    emergencies: u64,
    admission_messages: u64,
    stays_ended: u64,
    /// Sent again because no answer came.
    sent_again: u64,
    calls_lost: u64,
    calls_doubled: u64,
    messages_lost: u64,
    messages_doubled: u64,
    steps_told: u64,
    /// Steps that were left out.
    steps_lost: u64,
    /// Told more than five seconds after they were due and the server ran again.
    steps_late: u64,
    latest_step_ms: i64,
    /// Conversations of stays that are over that can still be read.
    sessions_readable: u64,
    audit_whole: bool,
}

impl Report {
    /// How late a step was told is this machine's affair, too, and only reported.
    fn is_clean(&self) -> bool {
        self.calls_lost + self.calls_doubled + self.messages_lost + self.messages_doubled == 0
            && self.steps_lost + self.sessions_readable == 0
            && self.audit_whole
    }
}

/// Runs `wellspoken bench faults`.
///
/// # Errors
/// When the server cannot be run, or anything was lost, done twice, or readable that must not be.
pub fn run(global: &Global, args: &FaultsBenchArgs) -> anyhow::Result<()> {
    let report = super::in_scratch(global, |scratch| runtime()?.block_on(measure(args, scratch)))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    anyhow::ensure!(report.is_clean(), "something was lost, done twice, or could still be read");
    Ok(())
}

fn print(r: &Report) {
    println!(
        "{} kills in {:.0} s, {} of them while it started; ready again after {} ms (p50)",
        r.kills, r.seconds, r.killed_while_starting, r.ready_after_p50_ms
    );
    println!("calls {}: lost {}, doubled {}", r.calls + r.emergencies, r.calls_lost, r.calls_doubled);
    println!(
        "admission messages {}: lost {}, doubled {}; sent again, of all: {}",
        r.admission_messages, r.messages_lost, r.messages_doubled, r.sent_again
    );
    println!(
        "steps told {}: left out {}, more than 5 s late {} (latest {} ms)",
        r.steps_told, r.steps_lost, r.steps_late, r.latest_step_ms
    );
    println!("stays ended {}: conversations that can be read {}", r.stays_ended, r.sessions_readable);
    println!("audit trail {}", if r.audit_whole { "whole" } else { "BROKEN" });
}

async fn measure(args: &FaultsBenchArgs, scratch: &Path) -> anyhow::Result<Report> {
    let began = Instant::now();
    let intents = scratch.join("intents");
    Catalogue::write_builtin(&intents, &CALLS).with_context(|| format!("cannot write {}", intents.display()))?;
    let server = Server::new(scratch, &intents)?;
    let store = Store::open(options(scratch)).await?;
    let mut beds = Vec::new();
    for n in 1..=args.beds {
        beds.push(bed(&store, n).await?);
    }
    let doors = Arc::new(server::Doors::default());
    let stop = Arc::new(AtomicBool::new(false));
    let days: Vec<_> = beds
        .into_iter()
        .map(|bed| {
            let (doors, stop) = (Arc::clone(&doors), Arc::clone(&stop));
            std::thread::spawn(move || bed.live(&doors, &stop))
        })
        .collect();
    let bar = ProgressBar::new(args.kills.into())
        .with_style(ProgressStyle::with_template("{bar:30} {pos} of {len} kills, {eta} left")?);
    let chance = Ambient::fixed(system_now(), args.seed);
    let below = |most: u64| u64::from_be_bytes(chance.random()) % most.max(1);
    let (mut starting, mut ready, mut lives): (u32, Vec<Duration>, Vec<Timestamp>) = (0, vec![], vec![]);
    for _ in 0..args.kills {
        // One in ten is killed while it starts.
        let early = (below(10) == 0).then(|| Duration::from_millis(below(1000)));
        let life = Duration::from_millis(below(args.longest_life_ms));
        match server.start(early, &doors).await? {
            Some((running, after)) => {
                lives.push(system_now());
                ready.push(after);
                tokio::time::sleep(life).await;
                running.kill(&doors);
            }
            None => starting += 1,
        }
        close_old(&store).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (running, _) = server.start(None, &doors).await?.context("the server did not start")?;
    lives.push(system_now());
    stop.store(true, Ordering::Relaxed);
    let mut days_lived = Vec::new();
    for day in days {
        days_lived.push(day.join().map_err(|_| anyhow::anyhow!("a bed broke off"))??);
    }
    // What is due is told within seconds.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let overdue = store.unanswered(system_now() - LATE).await?.len();
    running.stop().await?;
    ready.sort_unstable();
    let counted = count(&store, &days_lived, &lives).await?;
    let report = Report {
        kills: args.kills,
        killed_while_starting: starting,
        seconds: began.elapsed().as_secs_f64(),
        ready_after_p50_ms: ready.get(ready.len() / 2).copied().unwrap_or_default().as_millis(),
        steps_lost: counted.steps_lost + u64::try_from(overdue)?,
        ..counted
    };
    store.close().await;
    Ok(report)
}

fn options(scratch: &Path) -> StoreOptions {
    StoreOptions {
        url: sqlite_path(&scratch.join("data")).display().to_string(),
        key_file: scratch.join("keys/master.key"),
        keys: KeysConfig::default(),
    }
}

/// A bed with a device beside it, known to the admission system.
async fn bed(store: &Store, n: u8) -> anyhow::Result<Bed> {
    let now = system_now();
    let room = RoomId::parse(&format!("bench-{n}"))?;
    let mut token = [0; 32];
    getrandom::fill(&mut token)?;
    let token = hex::encode(token);
    let grant = Grant {
        surface: Surface::Room(room.clone()),
        person: None,
        label: format!("bed {n}"),
        one_time: false,
        expires: now + SignedDuration::from_hours(24 * 30),
    };
    let credential = store.issue(&grant, &token, now).await?;
    let location = Location::parse(&format!("BENCH^{n}^A")).context("a location")?;
    store.map_bed(&location, Some(&room), "bench", now).await?;
    Ok(Bed { n, room, credential, token })
}

/// Staff end what has been there for some seconds, so that the board does not grow without end.
async fn close_old(store: &Store) -> anyhow::Result<()> {
    let now = system_now();
    for call in store.calls_ever().await? {
        if call.closed.is_none() && now.duration_since(call.requested) > SignedDuration::from_secs(8) {
            store.close_request(&call.id, "bench", now).await?;
        }
    }
    Ok(())
}

async fn count(store: &Store, days: &[Day], lives: &[Timestamp]) -> anyhow::Result<Report> {
    let calls = store.calls_ever().await?;
    let (mut lost, mut doubled) = (0, 0);
    let mut there: HashMap<(&str, bool), u64> = HashMap::new();
    for CallEver { room, emergency, repeats, .. } in &calls {
        *there.entry((room, *emergency)).or_default() += 1 + repeats;
    }
    for day in days {
        for (emergency, asked) in [(false, day.calls), (true, day.emergencies)] {
            let found = there.get(&(day.room.as_str(), emergency)).copied().unwrap_or(0);
            lost += asked.saturating_sub(found);
            doubled += found.saturating_sub(asked);
        }
    }
    let messages = store.messages(None).await?;
    let sent: u64 = days.iter().map(|day| day.messages).sum();
    let kept = u64::try_from(messages.len())?;
    let unfinished = messages.iter().filter(|m| !matches!(m.state.as_str(), "applied" | "late" | "ignored")).count();
    let steps = store.steps_ever().await?;
    let (steps_lost, steps_late, latest) = climbed(&steps, lives);
    let mut readable = 0;
    for day in days {
        for session in &day.over {
            readable += u64::from(is_readable(store, day, session).await?);
        }
    }
    Ok(Report {
        kills: 0,
        killed_while_starting: 0,
        seconds: 0.0,
        ready_after_p50_ms: 0,
        calls: days.iter().map(|day| day.calls).sum(),
        emergencies: days.iter().map(|day| day.emergencies).sum(),
        admission_messages: sent,
        stays_ended: days.iter().map(|day| day.over.len() as u64).sum(),
        sent_again: days.iter().map(|day| day.again).sum(),
        calls_lost: lost,
        calls_doubled: doubled,
        messages_lost: sent.saturating_sub(kept) + u64::try_from(unfinished)?,
        messages_doubled: kept.saturating_sub(sent),
        steps_told: u64::try_from(steps.len())?,
        steps_lost,
        steps_late,
        latest_step_ms: latest,
        sessions_readable: readable,
        audit_whole: store.audit_verify().await?.whole(),
    })
}

/// Steps left out, steps told late, and how late the latest was, in milliseconds. Nothing is due while no server runs.
fn climbed(steps: &[StepEver], lives: &[Timestamp]) -> (u64, u64, i64) {
    let mut of: BTreeMap<(&str, Timestamp), Vec<u64>> = BTreeMap::new();
    let (mut late, mut latest) = (0, 0);
    for step in steps {
        of.entry((&step.request, step.armed)).or_default().push(step.climb);
        let ran = lives.partition_point(|ready| *ready <= step.at).checked_sub(1).and_then(|at| lives.get(at));
        let could = ran.map_or(step.due, |ready| step.due.max(*ready));
        let waited = step.at.duration_since(could);
        late += u64::from(waited > LATE);
        latest = latest.max(i64::try_from(waited.as_millis()).unwrap_or(i64::MAX));
    }
    let left_out = |told: &Vec<u64>| told.iter().max().map_or(0, |most| most + 1 - told.len() as u64);
    (of.values().map(left_out).sum(), late, latest)
}

async fn is_readable(store: &Store, day: &Day, session: &str) -> anyhow::Result<bool> {
    let (session, turn) = (SessionId::parse(session)?, TurnId::parse("another")?);
    let query = OpeningQuery {
        session: Some(&session),
        turn: &turn,
        credential: &day.credential,
        person: None,
        room: Some(&day.room),
        body_hash: [0; 32],
    };
    Ok(store.opening(&query).await?.session.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_late_only_while_somebody_could_have_told_them() {
        let at = |second: i64| Timestamp::from_second(second).expect("a time");
        let step = |climb, due, told| StepEver { request: "r".into(), armed: at(0), climb, due: at(due), at: at(told) };
        // The server is ready at 10 and at 100.
        let lives = [at(10), at(100)];
        let cases = [
            (vec![step(0, 11, 12), step(1, 20, 21)], (0, 0, 1000)),
            (vec![step(0, 20, 26)], (0, 1, 6000)),
            (vec![step(0, 20, 102)], (0, 0, 2000)),
            (vec![step(0, 20, 106)], (0, 1, 6000)),
            (vec![step(0, 11, 11), step(2, 12, 12)], (1, 0, 0)),
        ];
        for (steps, expected) in cases {
            assert_eq!(climbed(&steps, &lives), expected, "{steps:?}");
        }
    }
}
