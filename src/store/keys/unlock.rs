//! Finding out, at the start, that this is the right master key; and making one where there is nothing yet.
//!
//! What lookups and PINs hang on is a secret of its own, wrapped under the master key like any data key. Where an
//! older version of the program made the installation, that secret is the first master key itself, so that what
//! was looked up by it is still found.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{
    super::seal::{Entropy, Root},
    Folder, KeyError, Masters, Plain, ROOT, Sources, TRIES,
};
use crate::config::Provider;

/// What the right master key gives.
pub struct Unlocked {
    pub root: Root,
    pub folder: Folder,
    pub masters: Masters,
}

/// Opens the key store. `remembered` is what the database knows its secret by; `None` where it has no content.
/// Only a key store without any key gets a new master key.
pub fn unlock(sources: &Sources, remembered: Option<&str>, entropy: &Entropy) -> Result<Unlocked, KeyError> {
    let folder = Folder::beside(&sources.key_file)?;
    // What a process that was killed left, unless a rotation is at work on it.
    if let Ok(rotation) = folder.lock_rotation() {
        folder.sweep(&rotation, &folder.lock_alone()?)?;
    }
    if !folder.has(ROOT) {
        let secret = first_secret(sources, &folder, remembered, entropy)?;
        let provider = sources.config.provider;
        let wrapped = sources.create(provider, entropy)?.wrap(ROOT, &secret, entropy)?;
        let _adding = folder.lock_to_add()?;
        folder.put(ROOT, &wrapped, entropy)?;
    }
    let (masters, secret) = masters(sources, &folder)?;
    let root = Root::new(&secret);
    if remembered.is_some_and(|known| known != root.fingerprint()) {
        return Err(KeyError::Wrong(sources.describe(sources.config.provider)));
    }
    Ok(Unlocked { root, folder, masters })
}

/// The masters at hand, the one in use first, and the secret that it opens.
pub fn masters(sources: &Sources, folder: &Folder) -> Result<(Masters, Plain), KeyError> {
    for _ in 0..TRIES {
        let (wrapped, known_by) = folder.read_known(ROOT)?.ok_or_else(|| KeyError::Damaged(folder.place(ROOT)))?;
        let mut list = sources.load()?;
        if list.is_empty() {
            return Err(KeyError::Missing(sources.key_file.clone()));
        }
        for n in 0..list.len() {
            if let Some(secret) = list[n].unwrap(ROOT, &wrapped)? {
                list.swap(0, n);
                return Ok((Masters { list, known_by: Some(known_by) }, secret));
            }
        }
        // A rotation may have ended between one reading and the other.
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(KeyError::Wrong(sources.describe(sources.config.provider)))
}

fn first_secret(
    sources: &Sources,
    folder: &Folder,
    remembered: Option<&str>,
    entropy: &Entropy,
) -> Result<Plain, KeyError> {
    if remembered.is_none() && folder.names()?.is_empty() {
        return Ok(Zeroizing::new(entropy.bytes()?));
    }
    // Made by an older version, or the key store was not restored with its master key.
    let wrong = || KeyError::Wrong(sources.describe(sources.config.provider));
    if sources.config.provider != Provider::File {
        return Err(wrong());
    }
    let secret = sources.file()?.ok_or_else(|| KeyError::Missing(sources.key_file.clone()))?;
    match remembered {
        Some(known) if known != Root::new(&secret).fingerprint() => Err(wrong()),
        _ => Ok(secret),
    }
}
