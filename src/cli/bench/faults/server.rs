//! The server that is killed, and where its doors are at the moment.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// The longest it may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(120);

/// Steps of a ladder follow one another within seconds, so that there are many.
const CONFIG: &str = "[http]\nlisten = \"127.0.0.1:0\"\n[adt]\nlisten = \"127.0.0.1:0\"\n\
    systems = { BENCH = \"https://bench.example/mrn\" }\n\
    [nurse.waits]\nemergency = [2, 2, 3, 5]\nurgent = [3, 3, 5, 10]\nsoon = [3, 3, 5, 10]\nroutine = [3, 3, 5, 10]\n";

/// Where the doors are; empty while nobody is behind them.
#[derive(Debug, Clone)]
pub struct Open {
    /// `http://…`.
    pub http: String,
    /// The port of the admission system's door.
    pub admissions: u16,
}

/// The doors as the beds see them.
#[derive(Default)]
pub struct Doors {
    open: Mutex<Option<Open>>,
    changed: Condvar,
}

impl Doors {
    /// Where the doors are, once they are open; `None` after a while in which they were not.
    pub fn wait(&self) -> Option<Open> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.changed.wait_timeout_while(open, Duration::from_secs(1), |open| open.is_none());
        waiting.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn set(&self, open: Option<Open>) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = open;
        self.changed.notify_all();
    }
}

/// How the server is started.
pub struct Server {
    program: PathBuf,
    arguments: Vec<PathBuf>,
    log: PathBuf,
}

/// It runs.
pub struct Running(Child);

impl Server {
    pub fn new(scratch: &Path, intents: &Path) -> anyhow::Result<Self> {
        let config = scratch.join("config.toml");
        std::fs::write(&config, CONFIG).with_context(|| format!("cannot write {}", config.display()))?;
        let places = [
            ("--config", config),
            ("--intents", intents.to_owned()),
            ("--data-dir", scratch.join("data")),
            ("--key-file", scratch.join("keys/master.key")),
            ("--models", scratch.join("no-models")),
        ];
        let arguments = places.into_iter().flat_map(|(name, path)| [PathBuf::from(name), path]).collect();
        let program = std::env::current_exe().context("where this program lies is not known")?;
        Ok(Self { program, arguments, log: scratch.join("server.log") })
    }

    /// Starts it and says when it is ready, and after how long; `None` where it was killed so long after it began.
    pub async fn start(
        &self,
        kill_after: Option<Duration>,
        doors: &Doors,
    ) -> anyhow::Result<Option<(Running, Duration)>> {
        let began = Instant::now();
        let log = std::fs::File::create(&self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        let printed = child.stdout.take().context("a pipe")?;
        let (tell, mut told) = tokio::sync::mpsc::channel(8);
        std::thread::spawn(move || {
            for line in BufReader::new(printed).lines().map_while(Result::ok) {
                let _ = tell.blocking_send(line); // nobody listens any more once both lines came
            }
        });
        let running = Running(child);
        let deadline = began + kill_after.unwrap_or(PATIENCE);
        let (mut http, mut admissions) = (None, None);
        loop {
            let line = match tokio::time::timeout_at(deadline.into(), told.recv()).await {
                Ok(Some(line)) => line,
                Ok(None) => anyhow::bail!(
                    "the server ended by itself: {}",
                    std::fs::read_to_string(&self.log).unwrap_or_default()
                ),
                Err(_) if kill_after.is_some() => {
                    running.kill(doors);
                    return Ok(None);
                }
                Err(_) => anyhow::bail!("the server was not ready within {} s", PATIENCE.as_secs()),
            };
            if let Some(url) = line.strip_prefix("listening on ") {
                http = Some(url.to_owned());
            }
            if let Some(address) = line.strip_prefix("admissions on ") {
                admissions = address.rsplit(':').next().and_then(|port| port.parse().ok());
            }
            if let (Some(http), Some(admissions)) = (&http, admissions) {
                doors.set(Some(Open { http: http.clone(), admissions }));
                return Ok(Some((running, began.elapsed())));
            }
        }
    }
}

impl Running {
    /// SIGKILL: nothing of it gets to tidy up.
    pub fn kill(mut self, doors: &Doors) {
        doors.set(None);
        self.end();
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let sent = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status();
        anyhow::ensure!(sent.context("`kill` cannot be run")?.success(), "the server could not be told to stop");
        let deadline = Instant::now() + PATIENCE;
        while self.0.try_wait()?.is_none() {
            anyhow::ensure!(Instant::now() < deadline, "the server did not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn end(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
