//! The server that is measured: a process of its own, in a scratch folder, and what it uses.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use jiff::SignedDuration;

use crate::{
    ambient::system_now,
    cli::Global,
    policy::{RoomId, Surface},
    store::{Grant, Store, StoreOptions, sqlite_path},
};

/// Devices that are let in at once.
const TOGETHER: usize = 250;

/// A running server. Its process ends with this.
pub struct Server {
    child: Child,
    pub url: String,
}

/// A room's name.
pub fn room(n: usize) -> String {
    format!("room-{n}")
}

/// The store that the server will serve.
pub async fn store(global: &Global, scratch: &Path) -> anyhow::Result<Store> {
    let url = sqlite_path(&scratch.join("data")).display().to_string();
    fs::create_dir_all(scratch.join("data"))?;
    let keys = global.config()?.keys;
    Ok(Store::open(StoreOptions { url, key_file: scratch.join("keys/master.key"), keys }).await?)
}

/// Lets a device into each of so many rooms; gives their tokens.
pub async fn let_in(global: &Global, scratch: &Path, rooms: usize) -> anyhow::Result<Vec<String>> {
    let store = store(global, scratch).await?;
    let expires = system_now() + SignedDuration::from_hours(24);
    let one = |n: usize| {
        let store = &store;
        async move {
            let mut secret = [0; 16];
            getrandom::fill(&mut secret)?;
            let token = format!("wsp_{}", hex::encode(secret));
            let surface = Surface::Room(RoomId::parse(&room(n))?);
            let grant = Grant { surface, person: None, label: "bench".into(), one_time: false, expires };
            store.issue(&grant, &token, system_now()).await?;
            anyhow::Ok(token)
        }
    };
    let issued: Vec<anyhow::Result<String>> =
        futures_util::stream::iter((0..rooms).map(one)).buffered(TOGETHER).collect().await;
    store.close().await;
    issued.into_iter().collect()
}

/// How many calls stand on the board, by room.
pub async fn calls(global: &Global, scratch: &Path) -> anyhow::Result<BTreeMap<String, usize>> {
    let store = store(global, scratch).await?;
    let mut calls = BTreeMap::new();
    for row in store.board(None).await? {
        *calls.entry(row.room).or_default() += 1;
    }
    store.close().await;
    Ok(calls)
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(global: &Global, scratch: &Path) -> anyhow::Result<Self> {
        let config = match &global.config {
            Some(config) => config.clone(),
            None => {
                let file = scratch.join("config.toml");
                fs::write(&file, "[http]\nlisten = \"127.0.0.1:0\"\n")?;
                file
            }
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--data-dir").arg(scratch.join("data")).arg("--key-file").arg(scratch.join("keys/master.key"));
        command.arg("--models").arg(global.models_dir()?).arg("--config").arg(config);
        if let Some(intents) = &global.intents {
            command.arg("--intents").arg(intents);
        }
        let log = fs::File::create(scratch.join("server.log"))?;
        let mut child = command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let out = child.stdout.take().context("no pipe")?;
        let mut server = Self { child, url: String::new() };
        for line in BufReader::new(out).lines() {
            if let Some(url) = line?.strip_prefix("listening on ") {
                server.url = url.to_owned();
                return Ok(server);
            }
        }
        bail!("the server did not start: {}", fs::read_to_string(scratch.join("server.log")).unwrap_or_default())
    }

    /// What it has in memory now.
    pub fn memory_mib(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    /// The processor time it has used so far.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name before may hold anything; user and system time are the 12th and 13th after it.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<_, _>>()?;
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Ends it in order.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).context("no process")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
