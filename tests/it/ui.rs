//! What must not compile does not, with the compiler's own words checked in.
//!
//! Each `tests/ui/NAME.rs` must fail; its twin `tests/ui/NAME.ok.rs` differs by one line and must compile, so
//! that nothing but that line is to blame. `make bless` rewrites the messages in `tests/ui/NAME.stderr`.
//! The compiler runs against the library that this test was built with: nothing is built a second time.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

#[test]
fn what_must_not_compile_does_not_and_its_twin_does() {
    let cases = cases();
    assert!(cases.len() >= 3, "tests/ui was not found: {} cases", cases.len());
    let library = Library::find();
    let mut wrong = vec![];
    for case in &cases {
        let (broken, sound) = (format!("tests/ui/{case}.rs"), format!("tests/ui/{case}.ok.rs"));
        if let Some(complaint) = not_twins(&broken, &sound) {
            wrong.push(complaint);
        }
        let messages = library.compile(&sound);
        if !messages.is_empty() {
            wrong.push(format!("{sound} must compile, but:\n{messages}"));
        }
        let messages = library.compile(&broken);
        let expected = root().join(format!("tests/ui/{case}.stderr"));
        if messages.is_empty() {
            wrong.push(format!("{broken} compiles, and must not"));
        } else if env::var_os("BLESS").is_some() {
            fs::write(&expected, &messages).expect("a writable folder");
        } else if fs::read_to_string(&expected).unwrap_or_default() != messages {
            wrong.push(format!("{broken}: the compiler now says (`make bless` accepts it):\n{messages}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cases() -> Vec<String> {
    let files = fs::read_dir(root().join("tests/ui")).expect("tests/ui");
    let names = files.map(|f| f.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut cases: Vec<String> = names.filter_map(|n| n.strip_suffix(".ok.rs").map(str::to_owned)).collect();
    cases.sort();
    cases
}

/// Why two files are not twins; `None` when they differ by exactly one line.
fn not_twins(broken: &str, sound: &str) -> Option<String> {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_default();
    let (a, b) = (read(broken), read(sound));
    let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
    let differing = a.iter().zip(&b).filter(|(x, y)| x != y).count();
    (a.len() != b.len() || differing != 1)
        .then(|| format!("{broken} and {sound} differ by {differing} lines ({} against {})", a.len(), b.len()))
}

/// The library under test, as cargo built it for this very test.
struct Library {
    folder: PathBuf,
    file: PathBuf,
}

impl Library {
    fn find() -> Self {
        let folder = env::current_exe().expect("a path").parent().expect("a folder").to_owned();
        let candidates = fs::read_dir(&folder).expect("the deps folder").filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            let fits = name.starts_with("libwellspoken-") && name.ends_with(".rlib");
            fits.then(|| Some((path.metadata().ok()?.modified().ok()?, path.clone())))?
        });
        // Several may lie there, from builds with other settings; the last one built belongs to this test.
        let (_, file) = candidates.max().expect("cargo builds the library before its tests");
        Self { folder, file }
    }

    /// The compiler's errors on one file, a few lines each; empty when it compiles.
    fn compile(&self, file: &str) -> String {
        let out = tempfile::tempdir().expect("a scratch folder");
        let mut external = std::ffi::OsString::from("wellspoken=");
        external.push(&self.file);
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .current_dir(root())
            .args(["--edition=2024", "--crate-type=lib", "--crate-name=case", "--emit=metadata"])
            .args(["--error-format=json", "--cap-lints=allow", file, "--out-dir"])
            .arg(out.path())
            .arg("-L")
            .arg({
                let mut search = std::ffi::OsString::from("dependency=");
                search.push(&self.folder);
                search
            })
            .arg("--extern")
            .arg(external)
            .output()
            .expect("rustc runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let messages: String = stderr.lines().filter_map(|l| told(&serde_json::from_str(l).ok()?)).collect();
        assert!(
            output.status.success() || !messages.is_empty(),
            "{file}: rustc failed without an error of its own:\n{stderr}"
        );
        if output.status.success() { String::new() } else { messages }
    }
}

/// One error in plain lines: code, message, the places it points at, its notes. No path outside the test file,
/// so that moving code in the library changes nothing here.
fn told(message: &Value) -> Option<String> {
    let code = message["code"]["code"].as_str()?;
    if message["level"] != "error" {
        return None;
    }
    let mut text = format!("error[{code}]: {}\n", message["message"].as_str()?);
    for span in message["spans"].as_array()?.iter().filter(|s| in_test(s)) {
        if let Some(label) = span["label"].as_str() {
            text += &format!("  line {}: {label}\n", span["line_start"]);
        }
    }
    for child in message["children"].as_array()? {
        let about_here = child["spans"].as_array()?.iter().all(in_test);
        let advice = child["level"].as_str()?;
        if about_here && advice != "help" {
            text += &format!("  {advice}: {}\n", child["message"].as_str()?);
        }
    }
    Some(text)
}

fn in_test(span: &Value) -> bool {
    span["file_name"].as_str().is_some_and(|f| f.starts_with("tests/ui/"))
}
