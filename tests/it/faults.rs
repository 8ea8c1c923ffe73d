//! A server killed at any instant: what was acknowledged is there once, calls climb in time, and who left is forgotten.

use std::process::Command;

use serde_json::Value;

use crate::residue::folder;

/// The whole of it takes minutes: `wellspoken bench faults`, a thousand kills.
const KILLS: &str = "50";

#[test]
fn killed_at_any_instant_nothing_is_lost_and_nothing_there_twice() {
    let scratch = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_wellspoken"))
        .args(["bench", "faults", "--json", "--kills", KILLS])
        .env("WELLSPOKEN_DATA_DIR", scratch.path().join("data"))
        .env("WELLSPOKEN_KEY_FILE", scratch.path().join("keys/master.key"))
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{told}");
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_str(&told).expect("JSON");
    for much in ["calls", "emergencies", "admission_messages", "stays_ended", "sent_again", "steps_told"] {
        assert!(report[much].as_u64() > Some(0), "{much}: nothing was tried: {report}");
    }
    for none in ["calls_lost", "calls_doubled", "messages_lost", "messages_doubled", "steps_lost", "sessions_readable"]
    {
        assert_eq!(report[none], 0, "{none}: {report}");
    }
}
