//! The fleet from the command line, beside a running server.

use rcgen::KeyPair;
use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{certified, client};
use crate::{
    residue,
    serve::process::{Server, wellspoken},
};

/// A small catalogue is enough where nobody speaks.
const QUIET: &[&str] = &["--intents", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/barista")];

fn run(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = wellspoken(server.dir()).arg("fleet").args(arguments).output().expect("it runs");
    let told = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(told).expect("UTF-8").trim().to_owned())
}

fn fleet(server: &Server, arguments: &[&str]) -> String {
    let (well, told) = run(server, arguments);
    assert!(well, "{arguments:?}: {told}");
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_let_in_from_the_command_line_and_shut_out_at_once() {
    let dir = residue::folder();
    let (cert, key, trusted) = certified(dir.path());
    let config = format!(
        "[fleet]\nlisten = \"127.0.0.1:0\"\ntls_cert = \"{}\"\ntls_key = \"{}\"\n",
        cert.display(),
        key.display()
    );
    let server = Server::configured(&config, QUIET, &[]).await;
    let printed = server.printed();
    let devices = printed.lines().find_map(|line| line.strip_prefix("devices on ")).expect("the devices' door");
    let property = fleet(&server, &["place", "Mercy", "--kind", "property"]);
    let unit = fleet(&server, &["place", "4 West", "--kind", "unit", "--in", &property]);
    let room = ["place", "136", "--kind", "room", "--in", &unit, "--room", "room-136", "--adt", "4W^136^^MERCY"];
    let room = fleet(&server, &room);
    let beds = wellspoken(server.dir()).args(["adt", "beds"]).output().expect("it runs").stdout;
    assert_eq!(
        String::from_utf8_lossy(&beds).trim(),
        "4W^136^^MERCY  room-136",
        "the admission system's bed is mapped"
    );
    let code = fleet(&server, &["enrol", "SN-1", "--in", &room]);
    let own = KeyPair::generate().expect("a key");
    let body = json!({ "serial": "SN-1", "code": code, "key": own.public_key_pem() });
    let told = server.request(Method::POST, "/v1/fleet/enrol").json(&body).send().await.expect("an answer");
    let told: Value = told.json().await.expect("JSON");
    let device = client(&trusted, Some((told["certificate"].as_str().expect("PEM"), &own)));
    assert_eq!(told["authority"].as_str().expect("PEM"), format!("{}\n", fleet(&server, &["authority"])));
    let due =
        async || device.get(format!("{devices}/v1/device/due")).send().await.expect("an answer").status().as_u16();
    let turn = device.post(format!("{devices}/v1/turns")).json(&json!({ "text": "a latte please" }));
    assert_eq!(turn.send().await.expect("an answer").status(), 200);
    assert!(fleet(&server, &["list", "--state", "active"]).contains("Mercy / 4 West / 136"));
    for (arguments, says) in [
        (&["retire-place", &room][..], "still places or devices"),
        (&["place", "x", "--kind", "bed", "--in", &unit], "a bed cannot lie in unit"),
        (&["enrol", "SN-2"], "--in"),
        (&["enrol", "SN-2", "--in", &unit], "needs a place that is a room"),
        (&["enrol", "S N", "--in", &room], "serial number must be"),
        (&["set", &unit, r#"{"volume": 300}"#], "settings"),
        (&["set", &unit, r#"{"volume": 101}"#], "volume: must be from 0 to 100"),
        (&["lost", "SN-7"], "no device of that serial number"),
    ] {
        let (well, told) = run(&server, arguments);
        assert!(!well && told.contains(says), "{arguments:?}: {told}");
    }
    assert_eq!(due().await, 200);
    assert_eq!(fleet(&server, &["lost", "SN-1"]), "lost");
    assert_eq!(due().await, 401, "at once");
    assert_eq!(fleet(&server, &["retire", "SN-1"]), "retired");
    assert_eq!(fleet(&server, &["retire-place", &room]), "retired");
    let beds = wellspoken(server.dir()).args(["adt", "beds"]).output().expect("it runs").stdout;
    assert!(beds.is_empty(), "no room, no bed");
    assert!(!server.log().contains(&code), "no code in a log");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_devices_is_checked_whole_and_imported_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::configured("", QUIET, &[]).await;
    let table = server.dir().join("devices.csv");
    let file = table.to_str().expect("plain");
    let head = "property,unit,room,bed,adt,serial\n";
    std::fs::write(
        &table,
        format!("{head}Mercy,4 West,136,A,4W^136^A,SN-1\nMercy,4 West,,B,,SN-2\nMercy,4 West,136,B,,SN-1\n"),
    )
    .expect("written");
    let (well, told) = run(&server, &["import", file]);
    assert!(
        !well && told.contains("line 3, room: must say where") && told.contains("line 4, serial: stands in line 2")
    );
    assert!(fleet(&server, &["places"]).is_empty(), "nothing was made");
    let rows: String = (1..=600).map(|n| format!("Mercy,{} West,{n},,,SN-{n}\n", n / 20)).collect();
    std::fs::write(&table, format!("{head}{rows}")).expect("written");
    assert!(fleet(&server, &["import", file, "--dry-run"]).contains("nothing was made"));
    assert!(fleet(&server, &["places"]).is_empty(), "a dry run makes nothing");
    let codes = server.dir().join("codes.csv");
    let codes_file = codes.to_str().expect("plain");
    fleet(&server, &["import", file, "--codes", codes_file]);
    assert_eq!(codes.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    let told = std::fs::read_to_string(&codes).expect("read");
    assert_eq!(told.lines().count(), 601);
    assert_eq!(fleet(&server, &["list", "--state", "waiting"]).lines().count(), 600);
    let code = told.lines().find_map(|line| line.strip_prefix("SN-7,")).expect("a code");
    let (well, told) = run(&server, &["import", file, "--codes", codes_file]);
    assert!(!well && told.contains("must be a new file"), "codes are never written over: {told}");
    // Again: nothing twice, and fresh codes for all that wait.
    let again = fleet(&server, &["import", file]);
    assert_eq!(again.lines().count(), 601);
    assert!(!again.contains(code), "the codes before no longer work");
    assert_eq!(fleet(&server, &["list"]).lines().count(), 600);
    assert!(server.stop().await.success());
}
