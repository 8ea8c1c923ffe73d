//! The end of a backup file: the manifest as JSON, its signature, its length, and a mark.
//!
//! It stands at the end so that the copy is written once, where it stays; a file that was cut off has lost it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    super::{audit::Head, error::StoreError},
    BackupError,
};

/// The last bytes of every backup.
const MARK: &[u8; 25] = b"\nwellspoken backup end 1\n";
/// Bytes of a signature.
const SIGNATURE: usize = 64;
/// Bytes behind the manifest's text.
const BEHIND: usize = SIGNATURE + 8 + MARK.len();
/// The longest manifest that is read.
const LONGEST: u64 = 1 << 20;

/// What a backup says of itself; no secret, and nothing about anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When it was begun.
    pub made: Timestamp,
    /// The program's version.
    pub program: String,
    /// SQLite or PostgreSQL.
    pub database: String,
    /// The number of the newest migration.
    pub schema: i64,
    /// What the database knows its key store by.
    pub installation: String,
    /// Entries of the audit chain.
    pub entries: i64,
    /// The hash of the last of them, in hexadecimal digits.
    pub head: String,
    /// Rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// Bytes of the copy, without this.
    pub bytes: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The public key that signed this, in hexadecimal digits.
    pub signer: String,
}

/// What is known of a copy before it is signed.
pub struct Unsigned {
    pub schema: i64,
    pub head: Head,
    pub rows: BTreeMap<String, i64>,
}

impl Manifest {
    /// The head of the chain that it holds.
    #[must_use]
    pub fn head_hash(&self) -> Option<[u8; 32]> {
        hex::decode(&self.head).ok()?.try_into().ok()
    }

    /// What is written behind the copy.
    pub(super) fn trailer(
        &self,
        sign: impl FnOnce(&[u8]) -> Result<[u8; SIGNATURE], StoreError>,
    ) -> Result<Vec<u8>, StoreError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let signature = sign(&text)?;
        let length = (text.len() as u64).to_be_bytes();
        Ok([text.as_slice(), &signature, &length, MARK].concat())
    }

    /// The manifest at the end of a file, if whoever checks signatures is content with its own.
    pub(super) fn read(
        path: &Path,
        signed: impl FnOnce(&Self, &[u8], &[u8]) -> Result<bool, BackupError>,
    ) -> Result<Self, BackupError> {
        let io = |e| BackupError::io("cannot read", path, e);
        let mut file = File::open(path).map_err(io)?;
        let all = file.metadata().map_err(io)?.len();
        let mut behind = [0; BEHIND];
        let ends = all.checked_sub(BEHIND as u64);
        let whole = match ends {
            Some(at) => {
                file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut behind)).map_err(io)?;
                behind.ends_with(MARK)
            }
            None => false,
        };
        let (Some(ends), true) = (ends, whole) else { return Err(begins_as_one(path, &mut file)) };
        let changed = |what| BackupError::Changed { path: path.to_owned(), what };
        let (signature, rest) = behind.split_at(SIGNATURE);
        let length = rest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let starts = ends.checked_sub(length).filter(|_| length <= LONGEST).ok_or_else(|| changed("its manifest"))?;
        let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
        file.seek(SeekFrom::Start(starts)).and_then(|_| file.read_exact(&mut text)).map_err(io)?;
        let manifest: Self = serde_json::from_slice(&text).map_err(|_| changed("its manifest"))?;
        if !signed(&manifest, &text, signature)? {
            return Err(changed("its manifest"));
        }
        if manifest.bytes != starts {
            return Err(changed("its length"));
        }
        Ok(manifest)
    }
}

/// A file without the mark that begins as a copy does was cut off; any other is something else.
fn begins_as_one(path: &Path, file: &mut File) -> BackupError {
    let mut start = [0; 5];
    let read = file.rewind().and_then(|()| file.read_exact(&mut start));
    match (read, &start) {
        (Ok(()), b"SQLit" | b"PGDMP") => BackupError::CutOff(path.to_owned()),
        _ => BackupError::NotABackup(path.to_owned()),
    }
}

/// How long a file is, and its SHA-256.
pub fn digest(path: &Path) -> Result<(u64, [u8; 32]), BackupError> {
    let file = File::open(path).map_err(|e| BackupError::io("cannot read", path, e))?;
    copied(file, &mut std::io::sink(), u64::MAX).map_err(|e| BackupError::io("cannot read", path, e))
}

/// Copies up to `limit` bytes; how many there were, and their SHA-256.
pub fn copied(from: File, to: &mut impl std::io::Write, limit: u64) -> std::io::Result<(u64, [u8; 32])> {
    let (mut from, mut hash, mut buffer, mut bytes) = (from.take(limit), Sha256::new(), vec![0; 1 << 16], 0);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}
