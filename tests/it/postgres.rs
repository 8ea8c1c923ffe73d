//! A PostgreSQL of the tests' own: made with `initdb`, reached through a socket in its own folder, and stopped
//! when the tests' process ends, however it ends.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail like tests")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AnyConnection, AssertSqlSafe, Connection};

/// The address of an empty database.
pub async fn database() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    sqlx::any::install_default_drivers();
    let name = format!("t{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let mut admin = AnyConnection::connect(&SERVER.url("postgres")).await.expect("PostgreSQL answers");
    let made = sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await;
    made.expect("a database can be made");
    SERVER.url(&name)
}

/// The address of a copy of a database, made as backups are and restored.
pub async fn copy(url: &str) -> String {
    let copy = database().await;
    let bin = text(&programs());
    let script = format!("{bin}/pg_dump --dbname='{url}' | {bin}/psql --quiet --set=ON_ERROR_STOP=1 --dbname='{copy}'");
    run("sh", &["-c", &script]);
    copy
}

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

struct Server {
    folder: PathBuf,
    /// Stops the server and removes its folder as soon as its input ends, which it does when this process is gone.
    _guard: Child,
}

impl Server {
    fn start() -> Self {
        let programs = programs();
        let folder = PathBuf::from(run("mktemp", &["-d", "-t", "wellspoken-pg-XXXXXX"]));
        let root = run("id", &["-u"]) == "0";
        if root {
            // PostgreSQL refuses to run as root.
            run("chown", &["postgres", &text(&folder)]);
        }
        let data = folder.join("data");
        let prefix = if root { "runuser -u postgres -- " } else { "" };
        let bin = text(&programs);
        let (data, at) = (text(&data), text(&folder));
        let script = format!(
            "{prefix}{bin}/initdb -D {data} -U wellspoken -A trust --no-locale -E UTF8 >{at}/log 2>&1 && \
             {prefix}{bin}/pg_ctl -D {data} -w -t 60 -l {at}/server.log -o \"-k {at} -c listen_addresses='' -c max_connections=300\" start >>{at}/log 2>&1"
        );
        let done = Command::new("sh").args(["-c", &script]).current_dir("/").status().expect("sh runs");
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(done.success(), "PostgreSQL did not start: {}", log());
        let stop =
            format!("cat >/dev/null; {prefix}{bin}/pg_ctl -D {data} -m immediate stop >/dev/null 2>&1; rm -rf {at}");
        let mut guard = Command::new("setsid")
            .args(["sh", "-c", &stop])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        guard.stdin.as_mut().expect("a pipe").write_all(b"\n").expect("the guard listens");
        Self { folder, _guard: guard }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://wellspoken@localhost/{database}?host={}", text(&self.folder))
    }
}

/// Where Debian and others put `initdb`.
fn programs() -> PathBuf {
    let mut found: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    found.sort();
    found
        .into_iter()
        .rev()
        .chain(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect::<Vec<_>>())
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
        .unwrap_or_else(|| panic!("PostgreSQL is not installed; run: make setup-test"))
}

fn run(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn text(path: &Path) -> String {
    path.to_str().expect("plain path").to_owned()
}
