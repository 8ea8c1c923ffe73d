//! This test binary again, running one of its ignored tests in a process of its own, which can be killed.

use std::process::{Command, Stdio};

use wellspoken::{
    config::KeysConfig,
    store::{Store, StoreOptions},
};

use super::place::Place;

/// The ignored test of this name, on the same database.
pub fn child(test: &str, place: &Place) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("known"));
    told(&mut command, test, place).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The same, in a shell that does something before, as setting a limit; what it prints can be read.
pub fn child_after(before: &str, test: &str, place: &Place) -> Command {
    let program = std::env::current_exe().expect("known");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before} exec \"$0\" \"$@\""), program.to_str().expect("plain path")]);
    told(&mut command, test, place).stdout(Stdio::piped());
    command
}

fn told<'c>(command: &'c mut Command, test: &str, place: &Place) -> &'c mut Command {
    command
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env("WELLSPOKEN_TEST_URL", &place.url)
        .env("WELLSPOKEN_TEST_KEY", place.key_file())
}

/// What the parent set for its child.
pub fn set(name: &str) -> String {
    std::env::var(name).expect("set by the test that runs this one")
}

/// The parent's database, in the child.
pub async fn opened_by_parent() -> Store {
    let (url, key_file) = (set("WELLSPOKEN_TEST_URL"), set("WELLSPOKEN_TEST_KEY").into());
    Store::open(StoreOptions { url, key_file, keys: KeysConfig::default() }).await.unwrap_or_else(|e| panic!("{e}"))
}
