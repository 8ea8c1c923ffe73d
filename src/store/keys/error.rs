//! What can go wrong with a key, each with what to do about it.

use std::{io, path::PathBuf};

use super::super::seal::SealError;

/// What is wrong with a key. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database was made with a master key, and the key file is not there.
    #[error(
        "the key file {0} is missing, and the database cannot be read without it. Restore it from where it is kept, or name its place with --key-file"
    )]
    Missing(PathBuf),
    /// The key file is not 32 bytes.
    #[error("the key file {path} holds {bytes} bytes instead of 32. Restore it from where it is kept")]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// What it holds.
        bytes: u64,
    },
    /// Somebody else may read a file that holds a secret.
    #[error("{path} holds a secret and may be read by others (mode {mode:o}). Run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The environment variable is not set.
    #[error(
        "the environment variable {0} is not set, and the master key is kept in it. Set it to 32 bytes in hexadecimal digits or base64"
    )]
    NotSet(String),
    /// The environment variable holds no key.
    #[error("the environment variable {0} is not 32 bytes in hexadecimal digits or base64. Correct it")]
    NotAKey(String),
    /// The master key belongs to another installation.
    #[error(
        "{0} is not the one this database was made with, or the key store beside it is of another installation. Name the right one, or restore both"
    )]
    Wrong(String),
    /// The key store could not be read or written.
    #[error("{doing} {path}: {source}. Check that the folder exists, is writable and has space")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no such key: it was destroyed, or the owner was never admitted. What it sealed stays unreadable.
    #[error("the key of this data was destroyed; the data cannot be read any more")]
    Gone,
    /// A file of the key store was changed.
    #[error(
        "{0} in the key store is damaged, or wrapped under a master key that is not at hand. Restore the key store folder, with its master key, from the backup"
    )]
    Damaged(PathBuf),
    /// The key service does not do what it is asked.
    #[error("the key service at {address} {trouble}")]
    Service {
        /// Its address.
        address: String,
        /// What is wrong and what to do.
        trouble: Trouble,
    },
    /// Another process rotates the master key.
    #[error("another rotation of the master key is running. Wait until it is done; if its process is gone, try again")]
    Rotating,
    /// The next master key is the one in use.
    #[error("{0} holds the master key that is in use already. Set it to 32 fresh random bytes")]
    SameKey(String),
    /// No random bytes for a new key.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What is wrong with the key service, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No answer, or none in time.
    #[error("does not answer: {0}. Check that it runs and that keys.transit.address and keys.transit.ca are right")]
    Unreachable(String),
    /// It is sealed.
    #[error("is sealed. Unseal it; nothing needs to be restarted here")]
    Sealed,
    /// The token is wrong, expired or may not do this.
    #[error(
        "refuses the token in {token_file}: it is wrong, expired, or its policy lacks `update` on {path}. Put a good token there; nothing needs to be restarted here"
    )]
    Denied {
        /// Where the token is.
        token_file: PathBuf,
        /// What was asked.
        path: String,
    },
    /// There is no such key.
    #[error("has no transit key `{0}`. Correct keys.transit.key, or restore the key: without it nothing can be read")]
    NoKey(String),
    /// There is no transit engine there.
    #[error("has nothing at {0}. Correct keys.transit.mount, or enable the transit engine there")]
    NoEngine(String),
    /// The version of the key that wrapped something was retired.
    #[error(
        "no longer opens with an old version of the key. Lower min_decryption_version, run `wellspoken keys rotate`, raise it again"
    )]
    Retired,
    /// An answer that is none of these.
    #[error("answers {0}. Look into its log")]
    Odd(String),
}
