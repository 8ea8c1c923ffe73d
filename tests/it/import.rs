//! `wellspoken import` as a command: what it prints, what it refuses, and what it leaves behind.

mod killed;

use std::{fs, path::Path, process::Command};

use wellspoken::records::{demo, fhir_bundle::MAX_BYTES};

struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn import(dir: &Path, bundle: &Path, more: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_wellspoken"))
        .args(["--now", "2026-12-01T15:00:00Z", "--data-dir"])
        .arg(dir.join("data"))
        .arg("--key-file")
        .arg(dir.join("keys/master.key"))
        .arg("import")
        .arg(bundle)
        .args(more)
        .output()
        .expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn bundle(dir: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).expect("written");
    path
}

fn demo_bundle(name: &str) -> &'static [u8] {
    demo::FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| text.as_bytes()).expect("a demo person")
}

/// Every file below a folder, with its bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).expect("readable")));
        }
    }
    found
}

#[test]
fn one_line_with_the_id_and_the_same_id_again() {
    let dir = crate::residue::folder();
    let rosa = bundle(dir.path(), "b.json", demo_bundle("rosa-delgado.json"));
    let first = import(dir.path(), &rosa, &["--pin", "4321", "--consent", "all", "--room", "12"]);
    assert_eq!((first.code, first.out.lines().count()), (Some(0), 1), "{}", first.err);
    assert!(first.err.contains("6 MedicationRequest"), "{}", first.err);
    let again = import(dir.path(), &rosa, &["--anchor-today"]);
    assert_eq!((again.code, &again.out), (Some(0), &first.out), "{}", again.err);
    let milo = bundle(dir.path(), "m.json", demo_bundle("milo-tran.json"));
    assert_ne!(import(dir.path(), &milo, &[]).out, first.out);
}

#[test]
fn what_cannot_be_imported_is_named_and_leaves_nothing_behind() {
    let dir = crate::residue::folder();
    let rosa = demo_bundle("rosa-delgado.json");
    let without_patient = String::from_utf8_lossy(rosa).replace("\"Patient\"", "\"Person\"");
    #[rustfmt::skip]
    let table: Vec<(&[u8], &str)> = vec![
        (b"", "empty"),
        (&rosa[..rosa.len() / 2], "ends in the middle"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"%PDF-1.7", "not JSON at line 1"),
        (b"{\"resourceType\":\"Patient\"}", "not a FHIR bundle"),
        (without_patient.as_bytes(), "no Patient"),
    ];
    for (n, (bytes, want)) in table.into_iter().enumerate() {
        let path = bundle(dir.path(), &format!("quillon-{n}.json"), bytes);
        let done = import(dir.path(), &path, &["--consent", "all"]);
        assert_eq!((done.code, done.out.as_str()), (Some(1), ""), "{}", done.err);
        assert!(done.err.contains(want), "wanted {want:?}, got {}", done.err);
        assert!(!done.err.contains("quillon"), "a file's name may be somebody's: {}", done.err);
    }
    let big = dir.path().join("big.json");
    fs::File::create(&big).and_then(|f| f.set_len(100 << 20)).expect("sparse");
    const { assert!((100 << 20) > MAX_BYTES) };
    let done = import(dir.path(), &big, &[]);
    assert!(done.code == Some(1) && done.err.contains("larger than 64 MiB"), "{}", done.err);

    let good = bundle(dir.path(), "good.json", rosa);
    let house = |name: &str, digits: u32| {
        let file = bundle(dir.path(), name, format!("[hear]\npin_digits = {digits}\n").as_bytes());
        file.into_os_string().into_string().expect("a folder in letters")
    };
    let (six, three) = (house("six.toml", 6), house("three.toml", 3));
    for (more, want) in [
        (vec!["--config", &six, "--pin", "4321"], "every PIN has 6 digits"),
        (vec!["--config", &three, "--pin", "432"], "must be from 4 to 12 digits"),
        (vec!["--consent", "everything"], "use all, none, or some of"),
        (vec!["--room", "12/../13"], "--room"),
        (vec!["--anchor-today", "--tz", "Mars/Olympus"], "place.zone"),
    ] {
        let done = import(dir.path(), &good, &more);
        assert!(done.code == Some(1) && done.err.contains(want), "wanted {want:?}, got {}", done.err);
    }
    assert!(!dir.path().join("data").exists(), "nothing was opened, so nothing was made");
    assert!(!dir.path().join("keys").exists());
    let done = import(dir.path(), &good, &["--pin", "12"]);
    assert!(done.code == Some(1) && done.err.contains("4 to 12 digits"), "{}", done.err);
}

#[test]
fn whoever_is_refused_is_told_by_the_exit_code_and_what_is_not_read_by_its_ending() {
    let dir = crate::residue::folder();
    let folder = dir.path().join("export");
    fs::create_dir_all(folder.join("more")).expect("made");
    let patient = |id: &str, name: &str| format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{name}]}}"#);
    fs::write(folder.join("quillon.csv"), "x").expect("written");
    fs::write(folder.join("manifest.json"), r#"{"transactionTime":"2026-12-01","output":[]}"#).expect("written");
    fs::write(folder.join("more/Patient.jsonl"), patient("a", r#"{"family":"Moss"}"#)).expect("written");
    let done = import(dir.path(), &folder, &[]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), "1\n"), "{}", done.err);
    assert!(done.err.contains("not read: 1 that end in .csv") && !done.err.contains("quillon"), "{}", done.err);
    assert!(done.err.contains("not read: 1 the manifest of the export"), "{}", done.err);
    fs::write(folder.join("more/Patient.jsonl"), patient("b", "")).expect("written");
    let done = import(dir.path(), &folder, &[]);
    assert_eq!((done.code, done.out.as_str()), (Some(1), "0\n"), "{}", done.err);
    assert!(done.err.contains("1 of 1 people were not imported"), "{}", done.err);
}

#[test]
fn an_increment_takes_no_allergy_away_and_replace_does() {
    let dir = crate::residue::folder();
    let patient = r#"{"resource":{"resourceType":"Patient","id":"a","name":[{"family":"Moss"}]}}"#;
    let of = |more: &str| format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{patient}{more}]}}"#);
    let allergy = r#",{"resource":{"resourceType":"AllergyIntolerance","id":"1","patient":{"reference":"Patient/a"},"code":{"text":"latex"}}}"#;
    let whole = bundle(dir.path(), "whole.json", of(allergy).as_bytes());
    let part = bundle(dir.path(), "part.json", of("").as_bytes());
    let id = import(dir.path(), &whole, &[]).out;
    for (more, kept) in [(&[][..], true), (&["--replace"][..], false)] {
        let done = import(dir.path(), &part, more);
        assert_eq!((done.code, &done.out), (Some(0), &id), "{}", done.err);
        let runtime = tokio::runtime::Runtime::new().expect("starts");
        let longest = runtime.block_on(killed::longest_part(dir.path(), "allergies"));
        assert_eq!(longest > 60, kept, "{longest} bytes, sealed");
    }
}

#[test]
fn nothing_of_the_canary_is_found_in_clear() {
    let dir = crate::residue::folder();
    let path = bundle(dir.path(), "b.json", demo_bundle(demo::CANARY_FILE));
    let done = import(dir.path(), &path, &["--consent", "all", "--room", "9"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let mut places = [files(&dir.path().join("data")), files(&dir.path().join("keys"))].concat();
    assert!(!places.is_empty(), "there is a database to look into");
    places.push(("the output".into(), [done.out, done.err].concat().into_bytes()));
    for (name, bytes) in places {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for word in demo::CANARY_WORDS {
            let word = word.to_lowercase();
            assert!(!text.contains(&word) && !name.to_lowercase().contains(&word), "{word} in {name}");
        }
    }
}
