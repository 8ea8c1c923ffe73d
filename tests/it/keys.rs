//! The master key in the environment, and keys on the command line: the program as a process.

use std::{fs, path::Path, process::Command};

use wellspoken::{
    app::{App, Senses},
    config::{Config, KeysConfig},
    policy::Surface,
    turn::State,
};

use crate::{
    openbao::OpenBao,
    support::{self, Speaker, add_demo},
};

const ONE: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// What the program says, and whether it was content.
fn wellspoken(dir: &Path, keys: &[(&str, &str)], args: &[&str]) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_wellspoken"))
        .args(["--data-dir".as_ref(), dir.join("data").as_os_str(), "--key-file".as_ref(), dir.join("key").as_os_str()])
        .args(["--config".as_ref(), dir.join("config.toml").as_os_str()])
        .args(args)
        .env_remove("WELLSPOKEN_MASTER_KEY")
        .envs(keys.iter().copied())
        .output()
        .expect("the program starts");
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

fn rosa() -> String {
    format!("{}/demo/rosa-delgado.json", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_master_key_in_the_environment_opens_and_is_rotated() {
    let dir = crate::residue::folder();
    let (now, next) = ("WELLSPOKEN_MASTER_KEY", "WELLSPOKEN_MASTER_KEY_NEXT");
    fs::write(dir.path().join("config.toml"), "[keys]\nprovider = \"env\"\n").expect("written");
    let import = ["import", &rosa(), "--consent", "all"];
    let (ok, said) = wellspoken(dir.path(), &[], &import);
    assert!(!ok && said.contains("WELLSPOKEN_MASTER_KEY is not set"), "{said}");
    let (ok, said) = wellspoken(dir.path(), &[(now, "short")], &import);
    assert!(!ok && said.contains("32 bytes") && !said.contains("short"), "{said}");
    let (ok, person) = wellspoken(dir.path(), &[(now, ONE)], &import);
    assert!(ok, "{person}");
    assert!(!dir.path().join("key").exists(), "no key file is made");
    let again = |keys: &[(&str, &str)]| wellspoken(dir.path(), keys, &import);
    assert_eq!(again(&[(now, ONE)]), (true, person.clone()));
    let (ok, said) = again(&[(now, TWO)]);
    assert!(!ok && said.contains("WELLSPOKEN_MASTER_KEY is not the one"), "{said}");

    let rotate = |keys: &[(&str, &str)]| wellspoken(dir.path(), keys, &["keys", "rotate"]);
    assert!(rotate(&[(now, ONE)]).1.contains("WELLSPOKEN_MASTER_KEY_NEXT is not set"));
    assert!(rotate(&[(now, ONE), (next, ONE)]).1.contains("in use already"));
    let (ok, said) = rotate(&[(now, ONE), (next, TWO)]);
    assert!(ok && said.contains("keys wrapped anew"), "{said}");
    assert_eq!(again(&[(now, ONE), (next, TWO)]), (true, person.clone()), "a server that knows both goes on");
    assert_eq!(again(&[(now, TWO)]), (true, person.clone()));
    assert!(!again(&[(now, ONE)]).0, "the old one opens nothing");
    let (ok, said) = wellspoken(dir.path(), &[(now, TWO)], &["keys", "status"]);
    assert!(ok && said.contains("rotations: 1") && said.contains("the environment variable"), "{said}");
    assert!(!said.contains(TWO) && !said.contains("02020202"), "{said}");
}

#[test]
fn a_person_is_destroyed_only_after_their_id_was_typed_again() {
    let dir = crate::residue::folder();
    fs::write(dir.path().join("config.toml"), "").expect("written");
    let run = |args: &[&str]| wellspoken(dir.path(), &[], args);
    let (ok, person) = run(&["import", &rosa(), "--consent", "all"]);
    assert!(ok, "{person}");
    let person = person.lines().next().expect("the id comes first");
    let ask = ["turn", "--as", person, "--text", "what medicines am I taking", "--json"];
    assert!(run(&ask).1.to_lowercase().contains("metformin"), "{}", run(&ask).1);
    let (ok, said) = run(&["keys", "destroy", "--person", person]);
    assert!(!ok && said.contains("nothing was destroyed"), "{said}");
    assert!(!run(&["keys", "destroy", "--yes"]).0, "of somebody");
    let (ok, said) = run(&["keys", "destroy", "--person", "nobody", "--yes"]);
    assert!(!ok && said.contains("there is no such key"), "{said}");
    assert!(run(&ask).1.to_lowercase().contains("metformin"));
    let (ok, said) = run(&["keys", "destroy", "--person", person, "--yes"]);
    assert!(ok && said.contains("destroyed"), "{said}");
    assert!(!run(&ask).1.to_lowercase().contains("metformin"));
    assert!(!run(&["keys", "destroy", "--person", person, "--yes"]).0, "once");
    let (ok, trail) = run(&["audit", "verify"]);
    assert!(ok, "{trail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_needs_a_key_that_cannot_be_had_fails_cleanly_and_the_next_one_works() {
    let bao = OpenBao::start();
    let dir = crate::residue::folder();
    let config = Config { keys: KeysConfig { cache_seconds: 1, ..bao.config() }, ..Config::default() };
    let ambient = wellspoken::ambient::Ambient::fixed(support::now(), 7);
    let senses = Senses { ears: false, voice: false };
    let app = App::build(config, support::places(dir.path()), ambient, senses).await.expect("the program starts");
    let scratch = support::Scratch { app, dir };
    let rosa = add_demo(&scratch, "rosa-delgado.json", "all", None).await;
    let question = "how do I take my metformin";
    let ask = async || Speaker::new(&scratch.app, Surface::Chat, Some(&rosa)).says(question).await;
    let answered = ask().await;
    assert_eq!(answered.state, State::Answered, "{}", answered.reply);
    bao.seal();
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    let failed = ask().await;
    assert_eq!(failed.state, State::Rejected, "{}", failed.reply);
    assert!(!failed.reply.to_lowercase().contains("metformin"), "{}", failed.reply);
    bao.unseal();
    assert_eq!(ask().await.reply, answered.reply);
}

#[test]
fn an_export_is_checked_elsewhere_with_the_public_key_and_nothing_else() {
    let dir = crate::residue::folder();
    fs::write(dir.path().join("config.toml"), "").expect("written");
    let run = |args: &[&str]| wellspoken(dir.path(), &[], args);
    let at = |name: &str| dir.path().join(name).to_str().expect("plain path").to_owned();
    assert!(run(&["import", &rosa(), "--consent", "all"]).0);
    let (ok, said) = run(&["audit", "export", "--out", &at("trail.ndjson")]);
    assert!(ok && said.contains("2 entries"), "{said}");
    let (ok, key) = run(&["audit", "public-key"]);
    assert!(ok && key.starts_with("-----BEGIN PUBLIC KEY-----"), "{key}");
    fs::write(at("key.pem"), &key).expect("written");
    assert!(run(&["audit", "verify", "--public-key", &at("key.pem")]).0);
    assert!(!run(&["audit", "export", "--out", &at("trail.ndjson")]).0, "never over another file");

    // Elsewhere: no database, no keys.
    let other = tempfile::tempdir().expect("another folder");
    fs::write(other.path().join("config.toml"), "").expect("written");
    let verify = |trail: &str| {
        wellspoken(other.path(), &[], &["audit", "verify", "--export", trail, "--public-key", &at("key.pem")])
    };
    let (ok, said) = verify(&at("trail.ndjson"));
    assert!(ok && said.contains("entries 1 to 2"), "{said}");
    let text = fs::read_to_string(at("trail.ndjson")).expect("read");
    fs::write(at("changed.ndjson"), text.replacen("\"action\":\"R\"", "\"action\":\"D\"", 1)).expect("written");
    let (ok, said) = verify(&at("changed.ndjson"));
    assert!(!ok && said.contains("entry 2 was changed"), "{said}");
    assert!(!other.path().join("data").exists() && !other.path().join("key").exists(), "nothing was made there");
    let (ok, said) = run(&["audit", "review"]);
    assert!(ok && said.contains("0 findings"), "{said}");
}
