//! What there is to say about the keys without saying any of them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{KeyError, KeyStore, Master, ROOT, SIGNING, transit::Transit};

/// The state of the key store; no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyStatus {
    /// Who holds the master key in use.
    pub provider: String,
    /// Data keys: people's, stays', rooms' and the organization's.
    pub keys: u64,
    /// How often the master key was rotated.
    pub rotations: u64,
    /// Keys, the two of the program itself included, that the master key in use does not open. Not 0 while a
    /// rotation is under way or was broken off.
    pub under_another: u64,
    /// Of those, keys that no master key at hand opens.
    pub unreadable: u64,
    /// With a key service: how many keys are under which version of its key.
    pub versions: BTreeMap<u64, u64>,
    /// Whether a rotation is under way or was broken off.
    pub unfinished: bool,
}

impl KeyStore {
    /// Looks at every key. A key service is not asked: what it wrapped shows which version did.
    pub fn status(&self) -> Result<KeyStatus, KeyError> {
        let masters = self.current()?;
        let newest = masters.newest()?;
        let provider = match (newest, self.sources.config.provider, self.sources.config.next) {
            (Master::Transit(service), ..) => service.describe(),
            (Master::Local(_), provider, Some(next)) => {
                let of_next = self.sources.master_of(next)?.is_some_and(|master| master.same(newest));
                self.sources.describe(if of_next { next } else { provider })
            }
            (Master::Local(_), provider, None) => self.sources.describe(provider),
        };
        let mut status = KeyStatus {
            provider,
            keys: 0,
            rotations: self.folder.rotations(),
            under_another: 0,
            unreadable: 0,
            versions: BTreeMap::new(),
            unfinished: false,
        };
        for name in self.folder.names()? {
            let Some(wrapped) = self.folder.read(&name)? else { continue };
            status.keys += u64::from(name != ROOT && name != SIGNING);
            let opens = |master: &Master| match master {
                Master::Transit(_) => Ok::<_, KeyError>(Transit::wrapped(&wrapped)),
                Master::Local(_) => Ok(master.unwrap(&name, &wrapped)?.is_some()),
            };
            if let Some(version) = Transit::version(&wrapped) {
                *status.versions.entry(version).or_default() += 1;
            }
            if !opens(newest)? {
                status.under_another += 1;
                let mut any = false;
                for master in masters.list.iter().skip(1) {
                    any |= opens(master)?;
                }
                status.unreadable += u64::from(!any);
            }
        }
        status.unfinished = status.under_another > 0 || status.versions.len() > 1 || self.sources.next_file().exists();
        Ok(status)
    }
}
