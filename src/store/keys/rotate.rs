//! A new master key: every wrapped key is wrapped anew, while the program runs.
//!
//! Invariants: until the last key is done both master keys are read; the secret that lookups hang on goes last, and
//! that is the switch. Killed at any point, the same command goes on where it was. A key destroyed meanwhile stays
//! destroyed. The old master key file is overwritten only when nothing is wrapped under it.

use std::{collections::HashSet, fs};

use serde::Serialize;

use super::{
    super::seal::Entropy,
    Folder, Identity, KeyError, KeyStore, Master, ROOT, Sources,
    folder::{Lock, create_secret, parent_of, scrub, suffixed},
    transit::Transit,
    unlock,
};
use crate::config::Provider;

/// Keys that are written together before the disk is waited for.
const TOGETHER: usize = 1000;
/// Keys that a key service is asked about at once.
const ASKED: usize = 250;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// Keys wrapped anew.
    pub rewrapped: u64,
    /// Keys that were under the new master key already: made meanwhile, or by a run that was killed.
    pub already: u64,
    /// How often this installation's master key was rotated, this time included.
    pub rotations: u64,
}

impl KeyStore {
    /// Puts a new master key in the place of the old one. Tells after each lot how many of how many keys are done.
    pub fn rotate(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Rotated, KeyError> {
        let rotation = self.folder.lock_rotation()?;
        self.folder.sweep(&rotation, &self.folder.lock_alone()?)?;
        finish_the_last(&self.sources)?;
        let (goal, version) = goal(&self.sources, &self.entropy)?;
        let from = unlock::masters(&self.sources, &self.folder)?.0.list;
        let rewrap = Rewrap { folder: &self.folder, entropy: &self.entropy, from, goal, version };
        let mut done = HashSet::new();
        let mut counted = Rotated { rewrapped: 0, already: 0, rotations: 0 };
        loop {
            let left: Vec<String> = self.left(&done)?;
            let total = (done.len() + left.len()) as u64;
            for lot in left.chunks(TOGETHER) {
                rewrap.lot(lot, &mut counted)?;
                done.extend(lot.iter().cloned());
                progress(done.len() as u64, total);
            }
            let alone = self.folder.lock_alone()?;
            // Keys made since the list was read. Few enough now to do while nobody makes another.
            let late = self.left(&done)?;
            if late.len() <= TOGETHER {
                rewrap.lot_under(&late, &mut counted, &alone)?;
                rewrap.switch(&alone)?;
                break;
            }
        }
        end(&self.sources)?;
        self.reload()?;
        counted.rotations = self.folder.count_rotation()?;
        Ok(counted)
    }

    fn left(&self, done: &HashSet<String>) -> Result<Vec<String>, KeyError> {
        let mut names = self.folder.names()?;
        names.retain(|name| name != ROOT && !done.contains(name));
        Ok(names)
    }
}

/// The master key that everything will be under, and the version of it, where a key service made a new one.
fn goal(sources: &Sources, entropy: &Entropy) -> Result<(Master, Option<u64>), KeyError> {
    if let Some(next) = sources.config.next {
        return Ok((sources.create(next, entropy)?, None));
    }
    let master = match sources.config.provider {
        Provider::File => {
            // One that is there already is from a run that was killed.
            create_secret(&sources.next_file(), entropy)?;
            sources.upcoming()?.ok_or_else(|| KeyError::Missing(sources.next_file()))
        }
        Provider::Env => {
            let goal = sources.upcoming()?.ok_or_else(|| KeyError::NotSet(sources.next_variable()))?;
            match sources.master_of(Provider::Env)? {
                Some(now) if now.same(&goal) => Err(KeyError::SameKey(sources.next_variable())),
                _ => Ok(goal),
            }
        }
        Provider::Transit => {
            let service = sources.service().ok_or_else(|| KeyError::Missing(sources.key_file.clone()))?;
            // Where the service does not tell, every key is wrapped anew.
            let version = service.rotate()?.unwrap_or(u64::MAX);
            return Ok((Master::Transit(service.clone()), Some(version)));
        }
    };
    Ok((master?, None))
}

struct Rewrap<'a> {
    folder: &'a Folder,
    entropy: &'a Entropy,
    from: Vec<Master>,
    goal: Master,
    version: Option<u64>,
}

/// A wrapped key as it was read.
struct Found<'a> {
    name: &'a str,
    wrapped: Vec<u8>,
    identity: Identity,
}

impl Rewrap<'_> {
    fn lot(&self, names: &[String], counted: &mut Rotated) -> Result<(), KeyError> {
        let drafts = self.draft(names, counted)?;
        let alone = self.folder.lock_alone()?;
        self.place(&drafts, counted, &alone)
    }

    fn lot_under(&self, names: &[String], counted: &mut Rotated, alone: &Lock) -> Result<(), KeyError> {
        let drafts = self.draft(names, counted)?;
        self.place(&drafts, counted, alone)
    }

    /// Writes what will take the place of each key that is not under the new master yet.
    fn draft<'n>(&self, names: &'n [String], counted: &mut Rotated) -> Result<Vec<(&'n str, Identity)>, KeyError> {
        let mut drafts = vec![];
        for names in names.chunks(ASKED) {
            let mut found = vec![];
            for name in names {
                let Some((wrapped, identity)) = self.folder.read_known(name)? else { continue };
                if self.is_done(name, &wrapped)? {
                    counted.already += 1;
                } else {
                    found.push(Found { name, wrapped, identity });
                }
            }
            for (found, wrapped) in self.anew(&found)? {
                self.folder.draft_for(found.name, &wrapped)?;
                drafts.push((found.name, found.identity));
            }
        }
        if !drafts.is_empty() {
            self.folder.settle()?;
        }
        Ok(drafts)
    }

    fn place(&self, drafts: &[(&str, Identity)], counted: &mut Rotated, alone: &Lock) -> Result<(), KeyError> {
        for (name, read) in drafts {
            counted.rewrapped += u64::from(self.folder.replace(name, *read, alone)?);
        }
        self.folder.sync()
    }

    /// A key service tells by the version; asking it about each key would cost as much as wrapping anew.
    fn is_done(&self, name: &str, wrapped: &[u8]) -> Result<bool, KeyError> {
        match &self.goal {
            Master::Local(_) => Ok(self.goal.unwrap(name, wrapped)?.is_some()),
            Master::Transit(_) => {
                let under = Transit::version(wrapped);
                Ok(under.is_some_and(|under| self.version.is_none_or(|wanted| under >= wanted)))
            }
        }
    }

    fn anew<'f, 'n>(&self, found: &'f [Found<'n>]) -> Result<Vec<(&'f Found<'n>, Vec<u8>)>, KeyError> {
        // Nothing to ask a key service about.
        if found.is_empty() {
            return Ok(vec![]);
        }
        if let Master::Transit(service) = &self.goal
            && found.iter().all(|f| Transit::wrapped(&f.wrapped))
        {
            let wrapped: Vec<&[u8]> = found.iter().map(|f| f.wrapped.as_slice()).collect();
            return Ok(found.iter().zip(service.rewrap(&wrapped)?).collect());
        }
        let mut plain = Vec::with_capacity(found.len());
        let wrapped: Vec<(&str, &[u8])> = found.iter().map(|f| (f.name, f.wrapped.as_slice())).collect();
        let mut opened: Vec<Option<_>> = found.iter().map(|_| None).collect();
        for master in &self.from {
            for (place, key) in opened.iter_mut().zip(master.unwrap_many(&wrapped)?) {
                *place = place.take().or(key);
            }
        }
        for (found, key) in found.iter().zip(opened) {
            plain.push((found.name, key.ok_or_else(|| KeyError::Damaged(self.folder.place(found.name)))?));
        }
        let keys: Vec<_> = plain.iter().map(|(name, key)| (*name, key)).collect();
        Ok(found.iter().zip(self.goal.wrap_many(&keys, self.entropy)?).collect())
    }

    /// The root secret goes last: from here on the new master wraps.
    fn switch(&self, alone: &Lock) -> Result<(), KeyError> {
        let mut counted = Rotated { rewrapped: 0, already: 0, rotations: 0 };
        self.lot_under(&[ROOT.to_owned()], &mut counted, alone)
    }
}

/// Puts the next master key file in its place and overwrites the old one.
fn end(sources: &Sources) -> Result<(), KeyError> {
    let next = sources.next_file();
    if sources.config.provider != Provider::File || sources.config.next.is_some() || !next.exists() {
        return Ok(());
    }
    let old = suffixed(&sources.key_file, ".old");
    let io = |source| KeyError::Io {
        doing: "cannot put the new master key in place of",
        path: sources.key_file.clone(),
        source,
    };
    let folder = parent_of(&sources.key_file)?;
    match fs::hard_link(&sources.key_file, &old) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(e)),
        _ => {}
    }
    fs::rename(&next, &sources.key_file).and_then(|()| folder.sync_all()).map_err(io)?;
    scrub(&old)?;
    folder.sync_all().map_err(io)
}

/// A run that was killed after the new master key took its place left the old one beside it.
fn finish_the_last(sources: &Sources) -> Result<(), KeyError> {
    let old = suffixed(&sources.key_file, ".old");
    // With the next one still there the old name is a second name of the file in use.
    if sources.next_file().exists() || !old.exists() {
        return Ok(());
    }
    scrub(&old)
}
