//! Backups and drills as an operator runs them, beside a server that people talk to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use reqwest::Method;
use serde_json::Value;
use sqlx::{AnyConnection, Connection as _};

use crate::{
    postgres,
    serve::process::{Server, collect, scratch, wellspoken},
};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn run(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let output = wellspoken(dir).args(arguments).output().expect("it runs");
    (output.status.success(), said(&output))
}

fn people(dir: &Path) {
    for bundle in ["rosa-delgado.json", "milo-tran.json", "canary.json"] {
        let bundle = format!("{}/demo/{bundle}", env!("CARGO_MANIFEST_DIR"));
        let (ok, told) = run(dir, &["import", &bundle, "--consent", "all"]);
        assert!(ok, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_under_load_is_backed_up_restored_and_drilled() {
    // A small catalogue, since what is said makes no difference here.
    let intents = format!("{}/tests/it/barista", env!("CARGO_MANIFEST_DIR"));
    let server = Arc::new(Server::demo(&["--intents", &intents]).await);
    let dir = server.dir().to_owned();
    let token = server.credential(&["new", "--channel", "room", "--room", "room-9", "--intents", &intents]);
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let talking: Vec<_> = (0..4)
        .map(|_| {
            let (server, token, stop, answered) = (server.clone(), token.clone(), stop.clone(), answered.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let body = serde_json::json!({ "text": "when are visiting hours" });
                    let request = server.request(Method::POST, "/v1/turns").bearer_auth(&token).json(&body);
                    assert_eq!(request.send().await.expect("an answer").status(), 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let work = dir.clone();
    let counted = answered.clone();
    let made = tokio::task::spawn_blocking(move || {
        let mut heads = vec![];
        for n in 0..3 {
            let before = counted.load(Ordering::Relaxed);
            while counted.load(Ordering::Relaxed) < before + 5 {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let file = work.join(format!("backup-{n}"));
            let (ok, told) = run(&work, &["backup", "--to", &file.display().to_string(), "--json"]);
            assert!(ok, "{told}");
            let manifest: Value = serde_json::from_str(told.trim()).expect("JSON");
            heads.push((file, manifest));
        }
        let scratch = work.join("drills");
        fs::create_dir(&scratch).expect("made");
        let keys = || fs::read_dir(work.join("keys/master.key.d")).expect("a folder").count();
        let before = keys();
        let (ok, told) = run(&work, &["drill", "--people", "3", "--scratch", &scratch.display().to_string(), "--json"]);
        assert!(ok, "{told}");
        let drill: Value = serde_json::from_str(told.trim()).expect("JSON");
        assert!(fs::read_dir(&scratch).expect("a folder").next().is_none(), "nothing is left behind");
        assert_eq!(keys(), before, "nor a key");
        (heads, drill)
    })
    .await
    .expect("it ran");
    stop.store(true, Ordering::Relaxed);
    for task in talking {
        task.await.expect("every turn was answered");
    }
    let mut server = Arc::into_inner(server).expect("nobody else has it");
    assert!(server.end().await.success());

    let (heads, drill) = made;
    assert!(drill["people_read"].as_u64() >= Some(3), "{drill}");
    assert!(drill["recovery_time_seconds"].as_f64().is_some_and(|s| s > 0.0), "{drill}");
    let mut last = 0;
    for (file, manifest) in heads {
        let entries = manifest["entries"].as_i64().expect("a number");
        assert!(entries > last, "each holds more than the one before");
        last = entries;
        let into = dir.join(format!("restored-{entries}"));
        let key = dir.join("keys/master.key");
        let there = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_wellspoken"));
            command.arg("--data-dir").arg(&into).arg("--key-file").arg(&key);
            command
        };
        let restored = there().args(["restore", "--from"]).arg(&file).output().expect("it runs");
        assert!(restored.status.success(), "{}", said(&restored));
        let head = manifest["head"].as_str().expect("text");
        let again = there().args(["audit", "verify", "--expect-head", head]).output().expect("it runs");
        assert!(again.status.success(), "{}", said(&again));
        let file = fs::read(&file).expect("read");
        for word in wellspoken::records::demo::CANARY_WORDS {
            assert!(
                !file.windows(word.len()).any(|window| window == word.as_bytes()),
                "{word} is in clear in a backup"
            );
        }
    }
}

fn everything(dir: &Path) -> Vec<PathBuf> {
    let mut all = vec![];
    collect(dir, &mut all);
    all.retain(|path| !path.to_string_lossy().contains("wellspoken.db"));
    all.sort();
    all
}

/// Empties the log of the database into it.
async fn settle(dir: &Path) {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", dir.join("data/wellspoken.db").display());
    let mut connection = AnyConnection::connect(&url).await.expect("it opens");
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.expect("settled");
    connection.close().await.expect("closed");
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half() {
    let dir = scratch();
    people(dir.path());
    let file = dir.path().join("whole.backup");
    assert!(run(dir.path(), &["backup", "--to", &file.display().to_string()]).0);
    let size = fs::metadata(&file).expect("there").len();
    settle(dir.path()).await;
    let before = everything(dir.path());
    // In blocks of 512 bytes; enough for the log of the database, and not for a copy of it.
    let blocks = size / 512 / 2;
    let limited = |arguments: &[&str], data: &str| {
        let mut inner = Command::new(env!("CARGO_BIN_EXE_wellspoken"));
        inner.args(["--data-dir", data, "--key-file"]).arg(dir.path().join("keys/master.key"));
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]);
        command.arg(inner.get_program()).args(inner.get_args()).current_dir(dir.path());
        let output = command.args(arguments).output().expect("it runs");
        (output.status.code(), said(&output))
    };
    let data = dir.path().join("data").display().to_string();
    let other = dir.path().join("other.backup").display().to_string();
    let (code, told) = limited(&["backup", "--to", &other], &data);
    assert!(code == Some(1) && told.contains("not enough space"), "{code:?} {told}");
    assert_eq!(everything(dir.path()), before, "{told}");
    let new = dir.path().join("new").display().to_string();
    let (code, told) = limited(&["restore", "--from", &file.display().to_string()], &new);
    assert!(code == Some(1) && told.contains("not enough space"), "{code:?} {told}");
    assert_eq!(everything(dir.path()), before, "{told}");
    let (ok, told) = run(dir.path(), &["audit", "verify"]);
    assert!(ok, "the database itself took no harm: {told}");
    assert!(run(dir.path(), &["backup", "--to", &other]).0, "with space again, it works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_on_postgresql_needs_an_empty_database_and_leaves_it_empty() {
    let dir = scratch();
    let (live, spare) = (postgres::database().await, postgres::database().await);
    let config = dir.path().join("config.toml");
    fs::write(&config, format!("[store]\nurl = \"{live}\"\n")).expect("written");
    let config = config.display().to_string();
    let run = |arguments: &[&str]| run(dir.path(), &[&["--config", &config], arguments].concat());
    let rosa = format!("{}/demo/rosa-delgado.json", env!("CARGO_MANIFEST_DIR"));
    let (ok, told) = run(&["import", &rosa, "--consent", "all"]);
    assert!(ok, "{told}");
    let (ok, told) = run(&["drill"]);
    assert!(!ok && told.contains("--scratch-url"), "{told}");
    let (ok, told) = run(&["drill", "--scratch-url", &live]);
    assert!(!ok && told.contains("the running database itself"), "{told}");
    for _ in 0..2 {
        let (ok, told) = run(&["drill", "--scratch-url", &spare]);
        assert!(ok && told.contains("rows of 1 people"), "{told}");
    }
    let (ok, told) = run(&["drill", "--scratch-url", &spare, "--pg-bin", "/nowhere"]);
    assert!(!ok && told.contains("`pg_dump` was not found"), "{told}");
    let (ok, told) = run(&["audit", "verify"]);
    assert!(ok, "{told}");
}
