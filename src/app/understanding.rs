//! The understanding engine with its sentence network, and the files that make the next start quick.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::alone::alone;
use crate::{
    asr::model::{ModelError, Models},
    nlu::{
        Engine,
        catalogue::Catalogue,
        embed::{EmbedError, Embedder},
        shelf::{CLASSIFIER, LearnError, Shelf},
    },
};

/// The model's name in the manifest.
const MODEL: &str = "minilm";
/// Folder of what was learned, beside the model's files.
const LEARNED: &str = "learned";
/// Classifiers that are kept: the program's own catalogue, the one before, and a few others.
const KEPT: usize = 4;

/// Why there is no sentence network.
#[derive(Debug, thiserror::Error)]
pub enum NoMeaning {
    /// A file is missing or damaged.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The files were read and do not work.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// The engine over a catalogue, and why it goes by words alone, where it does.
///
/// # Errors
/// When the catalogue has too little to tell intents apart, or a network that was loaded fails.
pub fn engine(models: &Path, catalogue: Arc<Catalogue>) -> Result<(Engine, Option<NoMeaning>), LearnError> {
    match embedder(models) {
        Ok(embedder) => {
            let folder = models.join(MODEL).join(LEARNED);
            let told = AtomicBool::new(false);
            // Where nothing is kept yet, one process learns and the others wait to read what it learned.
            let learning = Mutex::new(None);
            let shelf = Shelf {
                read: &|name| {
                    let kept = || fs::read(folder.join(name)).ok();
                    kept().or_else(|| {
                        learning.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| alone(&folder));
                        kept()
                    })
                },
                write: &|name, bytes| {
                    if let Err(e) = keep(&folder, name, bytes) {
                        tracing::warn!(error = %e, "what was learned cannot be kept: the next start learns it again");
                    }
                },
                progress: &|_, all| {
                    if !told.swap(true, Ordering::Relaxed) {
                        tracing::info!(sentences = all, "learning sentences that are new in the catalogue");
                    }
                },
            };
            Ok((Engine::new(catalogue, Arc::new(embedder), &shelf)?, None))
        }
        Err(why) => Ok((Engine::lexical(catalogue)?, Some(why))),
    }
}

/// The sentence network, of verified files.
///
/// # Errors
/// When a file is missing or has other bytes; the message names the command that mends it.
pub fn embedder(models: &Path) -> Result<Embedder, NoMeaning> {
    let models = Models::in_dir(models)?;
    let tokenizer = models.read(MODEL, "tokenizer.json")?;
    Ok(Embedder::from_bytes(models.read(MODEL, "model.onnx")?, &tokenizer)?)
}

/// Writes a file as a whole: a reader finds the old one or the new one.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Several processes may learn at once; each writes a file of its own before it takes the name.
    let mine: PathBuf = folder.join(format!("{name}.{}.{:?}", std::process::id(), std::thread::current().id()));
    let done = fs::write(&mine, bytes).and_then(|()| fs::rename(&mine, folder.join(name)));
    if done.is_err() {
        // What is left over would only take room; the first error is the one to tell.
        let _ = fs::remove_file(&mine);
    }
    if done.is_ok() {
        forget_oldest(folder)?;
    }
    done
}

/// Leaves the newest classifiers; each belongs to one catalogue, and catalogues change.
fn forget_oldest(folder: &Path) -> io::Result<()> {
    let mut classifiers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(CLASSIFIER) {
            classifiers.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    classifiers.sort();
    for (_, path) in classifiers.iter().rev().skip(KEPT) {
        // Somebody else may have been quicker.
        let _ = fs::remove_file(path);
    }
    Ok(())
}
