//! What staff see of a call, and that only they end it: the command line as a process.

use std::{path::Path, process::Command};

fn wellspoken(dir: &Path, args: &[&str]) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_wellspoken"))
        .args(["--data-dir".as_ref(), dir.join("data").as_os_str(), "--key-file".as_ref(), dir.join("key").as_os_str()])
        .args(args)
        .output()
        .expect("the program starts");
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

#[test]
fn a_call_is_seen_acknowledged_and_closed_by_staff() {
    let dir = crate::residue::folder();
    let run = |args: &[&str]| wellspoken(dir.path(), args);
    let (ok, said) = run(&["turn", "--channel", "room", "--room", "room-9", "--text", "can I get some water please"]);
    assert!(ok, "{said}");
    let (ok, board) = run(&["board"]);
    assert!(ok && board.contains("room-9") && board.contains("water"), "{board}");
    let id = board.split_whitespace().next().expect("an id").to_owned();
    assert!(run(&["turn", "--channel", "room", "--room", "room-9", "--text", "false alarm I'm okay"]).0);
    assert!(run(&["board", "list", "--room", "room-9"]).1.contains("patient says cancel"));
    assert!(run(&["board", "acknowledge", &id, "--staff", "Nurse Adeyemi"]).0);
    assert!(run(&["board", "list"]).1.contains("acknowledged by Nurse Adeyemi"));
    assert!(run(&["board", "close", &id, "--staff", "Nurse Adeyemi"]).0);
    assert_eq!(run(&["board", "list"]), (true, String::new()));
    let (ok, told) = run(&["board", "close", &id, "--staff", "Nurse Adeyemi"]);
    assert!(!ok && !told.contains("panicked"), "closing twice is an error that says so: {told}");
}
