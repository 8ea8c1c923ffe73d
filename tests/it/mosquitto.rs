//! A real MQTT broker of a test's own: mosquitto, on a free port of this machine. Stopped when the tests' process ends,
//! however it ends.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail like tests")]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use wellspoken::config::MqttConfig;

/// The broker.
pub struct Mosquitto {
    dir: tempfile::TempDir,
    port: u16,
    running: Option<Running>,
}

struct Running {
    pid: String,
    /// Ends the broker as soon as its input ends.
    _guard: Child,
}

impl Mosquitto {
    /// One that asks for no name.
    pub fn start() -> Self {
        Self::with(|_| "allow_anonymous true".to_owned())
    }

    /// One that is set up with further lines; these are made for its folder.
    pub fn with(lines: impl Fn(&Path) -> String) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let lines = lines(dir.path());
        // It would give itself to another user, who could not read the folder.
        let text = format!("listener {port} 127.0.0.1\npersistence false\nuser root\n{lines}\n");
        fs::write(dir.path().join("mosquitto.conf"), text).expect("written");
        let mut broker = Self { dir, port, running: None };
        broker.up();
        broker
    }

    /// Starts it, at the same port as before.
    pub fn up(&mut self) {
        let (config, log) = (self.dir.path().join("mosquitto.conf"), self.dir.path().join("log"));
        let script = format!(
            "{} -c {} >>{} 2>&1 </dev/null & echo $!; exec >&-; cat >/dev/null; kill -KILL $!",
            program("mosquitto").display(),
            config.display(),
            log.display()
        );
        let mut guard = Command::new("setsid")
            .args(["sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let mut pid = String::new();
        let mut out = guard.stdout.take().expect("a pipe");
        std::io::Read::read_to_string(&mut out, &mut pid).expect("read");
        self.running = Some(Running { pid: pid.trim().to_owned(), _guard: guard });
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < deadline, "mosquitto did not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.running = None;
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < deadline, "it was killed");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets it fall silent, or answer again: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let running = self.running.as_ref().expect("it runs");
        let done = Command::new("kill").args([&format!("-{name}"), &running.pid]).status().expect("kill runs");
        assert!(done.success());
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What a program needs to use it without a name.
    pub fn config(&self) -> MqttConfig {
        MqttConfig::new(&format!("mqtt://127.0.0.1:{}", self.port))
    }
}

/// A program of the package.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH");
    // Debian puts servers where only root looks for them.
    let folders = path.iter().flat_map(std::env::split_paths).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed; run: make setup-test"))
}
