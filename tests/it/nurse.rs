//! Climbing as processes of their own: killed at random instants, two at a time, on both databases. What is told is told once,
//! none of it is lost, and what came due while nobody ran is told soon after a start; how soon is printed.

mod tasks;
mod told;

use std::{
    collections::BTreeMap,
    process::Child,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::Row as _;
use wellspoken::{
    actions::Change,
    ambient::system_now,
    store::{Store, TurnCommit},
};

use crate::{
    serve::process,
    store::place::{self, Place, admitted, commit, room, session},
};

/// After which a step is as good as lost, on however busy a machine.
const LATE: SignedDuration = SignedDuration::from_secs(100);

/// Servers over one database, started and killed.
struct Servers<'a> {
    place: &'a Place,
    /// When each that ran became ready.
    ready: Vec<Timestamp>,
}

impl Servers<'_> {
    fn start(&self) -> Child {
        let dir = self.place.dir.path();
        let url =
            if self.place.is_sqlite() { String::new() } else { format!("[store]\nurl = \"{}\"\n", self.place.url) };
        let waits = "[nurse.waits]\nurgent = [1, 1, 1, 3600]\nsoon = [1, 1, 1, 3600]\n";
        let config = dir.join("config.toml");
        std::fs::write(&config, format!("[http]\nlisten = \"127.0.0.1:0\"\n{url}{waits}")).expect("written");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("server.log")).expect("a log");
        let intents = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/barista");
        let mut command = process::wellspoken(dir);
        command.arg("--config").arg(config).args(["--intents", intents, "serve"]);
        command.stdout(std::process::Stdio::piped()).stderr(log).spawn().expect("it starts")
    }

    /// Waits until it can take turns.
    fn wait(&mut self, child: &mut Child) {
        use std::io::{BufRead as _, BufReader};
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let listens = out.lines().map_while(Result::ok).any(|line| line.starts_with("listening on "));
        let log = std::fs::read_to_string(self.place.dir.path().join("server.log")).unwrap_or_default();
        assert!(listens, "{log}");
        self.ready.push(system_now());
    }
}

fn kill(mut child: Child) {
    child.kill().expect("killed");
    child.wait().expect("ended");
}

/// A call to the nurse, made durable by another process than those that are killed.
async fn asks(store: &Store, person: &wellspoken::policy::PersonId, n: usize) {
    let change = Change::CallNurse { room: room(&format!("r{n}")), need: "pain".into(), emergency: false };
    let turn = TurnCommit {
        at: system_now(),
        session: session(&format!("s{n}")),
        ..commit(&format!("t{n}"), person, vec![change])
    };
    store.commit(turn).await.expect("durable");
}

/// Kills so many, then lets one go on until everything was told; gives how many steps were and the latest of them.
async fn survives(place: Place, kills: usize, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let (since, until) = (system_now() - SignedDuration::from_hours(1), system_now() + SignedDuration::from_hours(8));
    for (role, who) in [("nurse", "Maria"), ("charge", "Chris"), ("supervisor", "Sam")] {
        store.put_on_duty(("house", role, who), (since, until), "Chris", since).await.expect("on duty");
    }
    let mut servers = Servers { place: &place, ready: vec![] };
    for n in 0..kills {
        asks(&store, &person, n).await;
        let mut one = servers.start();
        // Every third time a second process runs beside it.
        let mut other = (n % 3 == 0).then(|| servers.start());
        servers.wait(&mut one);
        if let Some(other) = &mut other {
            servers.wait(other);
        }
        std::thread::sleep(Duration::from_millis(random.random_range(0..2_500)));
        kill(one);
        if let Some(other) = other {
            std::thread::sleep(Duration::from_millis(random.random_range(0..700)));
            kill(other);
        }
    }
    let mut last = servers.start();
    servers.wait(&mut last);
    let mut raw = place.raw().await;
    let deadline = Instant::now() + Duration::from_secs(120);
    let told = loop {
        let rows = sqlx::query("SELECT request, armed, climb, due, at FROM call_told ORDER BY request, climb");
        let rows = rows.fetch_all(&mut raw).await.expect("read");
        if rows.len() >= kills * 4 {
            break rows;
        }
        assert!(Instant::now() < deadline, "lost: {} of {} steps were told", rows.len(), kills * 4);
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    kill(last);
    let (mut steps, mut latest): (BTreeMap<String, Vec<i64>>, _) = (BTreeMap::new(), SignedDuration::ZERO);
    for row in &told {
        steps.entry(row.get("request")).or_default().push(row.get("climb"));
        let time = |column| Timestamp::from_microsecond(row.get(column)).expect("a time");
        let (due, at) = (time("due"), time("at"));
        // What came due while nobody ran counts from when somebody did; who tells before it says that it is ready is early.
        let ran = servers.ready.iter().filter(|ready| **ready <= at).max().copied().unwrap_or(at);
        latest = latest.max(at.duration_since(due.max(ran)));
    }
    assert_eq!(steps.len(), kills, "no call was lost");
    assert!(steps.values().all(|told| *told == [0, 1, 2, 3]), "each step once, and none left out: {steps:?}");
    // Five seconds is what is promised (`bench faults` counts them); a busy machine may take longer, but never as if it were lost.
    assert!(latest <= LATE, "a step was {latest:?} late");
    let counted =
        "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM call_event WHERE what IN ('assigned', 'escalated', 'paged')";
    let events: i64 = sqlx::query(counted).fetch_one(&mut raw).await.expect("read").get("n");
    assert_eq!(events, i64::try_from(told.len()).expect("few"), "what boards and adapters see is what was told");
    assert!(store.audit_verify().await.expect("read").whole());
    println!(
        "{kills} kills: {} steps, lost 0, doubled 0, latest {:.1} s after it was due",
        told.len(),
        latest.as_secs_f64()
    );
}

fn kills() -> usize {
    std::env::var("WELLSPOKEN_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn climbing_survives_kill_9_on_sqlite() {
    survives(Place::sqlite(), kills(), 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn climbing_survives_kill_9_on_postgres() {
    survives(place::Place::postgres().await, kills(), 7).await;
}
