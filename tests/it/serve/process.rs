//! The program as a process, in a folder of its own, without models: those have tests of their own.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder, Response};

use crate::residue::{self, Folder};

pub fn scratch() -> Folder {
    residue::folder()
}

/// The program with its data in `dir`, and nothing of the surroundings' settings.
pub fn wellspoken(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wellspoken"));
    for variable in ["WELLSPOKEN_DATA_DIR", "WELLSPOKEN_MODELS", "WELLSPOKEN_KEY_FILE", "WELLSPOKEN_LOG"] {
        command.env_remove(variable);
    }
    let options = [("--data-dir", "data"), ("--key-file", "keys/master.key"), ("--models", "no-models")];
    for (option, leaf) in options {
        command.arg(option).arg(dir.join(leaf));
    }
    command.current_dir(dir);
    command
}

/// A running server.
pub struct Server {
    dir: Folder,
    child: Child,
    printed: Arc<Mutex<String>>,
    pub url: String,
    client: Client,
}

impl Server {
    /// With the demo people.
    pub async fn demo(options: &[&str]) -> Self {
        let mut all = vec!["--demo"];
        all.extend(options);
        Self::start(&all, &[]).await
    }

    /// With these options after `serve`, and these variables.
    pub async fn start(options: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::configured("", options, variables).await
    }

    /// With more in its configuration.
    pub async fn configured(more: &str, options: &[&str], variables: &[(&str, &str)]) -> Self {
        let dir = scratch();
        let mut command = Self::command(dir.path(), more);
        command.args(options).envs(variables.iter().copied());
        Self::run(dir, command, options.contains(&"--demo")).await
    }

    /// From a shell that allows core dumps of any size.
    pub async fn unlimited() -> Self {
        let dir = scratch();
        let inner = Self::command(dir.path(), "");
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$@\"", "sh"]);
        command.arg(inner.get_program()).args(inner.get_args()).current_dir(dir.path());
        Self::run(dir, command, false).await
    }

    fn command(dir: &Path, more: &str) -> Command {
        let config = dir.join("config.toml");
        fs::write(&config, format!("[http]\nlisten = \"127.0.0.1:0\"\n{more}")).expect("written");
        let mut command = wellspoken(dir);
        command.arg("--config").arg(config).arg("serve");
        command
    }

    async fn run(dir: Folder, mut command: Command, links: bool) -> Self {
        let log = File::create(dir.path().join("server.log")).expect("a log");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().expect("it starts");
        let out = child.stdout.take().expect("a pipe");
        let printed = Arc::new(Mutex::new(String::new()));
        let lines = printed.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                *lines.lock().expect("no test panics here") += &format!("{line}\n");
            }
        });
        let mut server = Self { dir, child, printed, url: String::new(), client: super::super::http::door::client() };
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let printed = server.printed();
            let url = printed.lines().find_map(|l| l.strip_prefix("listening on "));
            if let Some(url) = url
                && (!links || printed.contains("/#"))
            {
                server.url = url.to_owned();
                return server;
            }
            if let Some(status) = server.child.try_wait().expect("a child") {
                panic!("the server ended with {status}: {}", server.log());
            }
            assert!(Instant::now() < deadline, "the server never became ready: {}", server.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Started again over the same folder, after it was killed.
    pub async fn again(mut self, more: &str, options: &[&str]) -> Self {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let dir = std::mem::replace(&mut self.dir, scratch());
        let mut command = Self::command(dir.path(), more);
        command.args(options);
        Self::run(dir, command, false).await
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// The secret of the first one-time link it printed.
    pub fn link(&self) -> String {
        let printed = self.printed();
        let line = printed.lines().find(|l| l.contains("/#")).expect("a link");
        line.split("/#").nth(1).expect("a secret").to_owned()
    }

    pub async fn redeem(&self, link: &str) -> Response {
        let request = self.request(Method::POST, "/v1/session").header("origin", &self.url);
        request.json(&serde_json::json!({ "link": link })).send().await.expect("an answer")
    }

    /// Runs `wellspoken credential …` beside the server; gives what it prints.
    pub fn credential(&self, arguments: &[&str]) -> String {
        let output = wellspoken(self.dir()).arg("credential").args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn printed(&self) -> String {
        self.printed.lock().expect("no test panics here").clone()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir().join("server.log")).expect("a log")
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Tells it to stop and waits for the end.
    pub async fn end(&mut self) -> ExitStatus {
        if self.child.try_wait().expect("a child").is_none() {
            self.signal("TERM");
        }
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server never stopped: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn stop(mut self) -> ExitStatus {
        self.end().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every file below a folder.
pub fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
