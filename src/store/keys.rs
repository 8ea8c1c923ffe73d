//! The key store: data keys, wrapped under the master key, in a folder of their own.
//!
//! Invariants: a data key exists in the key store or nowhere: not in the database, not in its backups. A destroyed
//! key is gone at once for every process, because a cached key is used only while its file exists, and only for a
//! configured time, so that shutting the key service cuts access. File names are keyed hashes of a secret that
//! outlives every master key, so the master key can be replaced while the program runs.
//!
//! Where to look: `master` who wraps, `transit` the key service, `folder` the files, `unlock` the start,
//! `rotate` a new master key.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::seal::{DataKey, Entropy, Root};
use crate::policy::{PersonId, RoomId, StayId};

mod error;
mod folder;
mod master;
mod rotate;
mod status;
mod transit;
mod unlock;

pub use error::{KeyError, Trouble};
pub use rotate::Rotated;
pub use status::KeyStatus;

pub(super) use folder::{Turnstile, make_folder};
pub(super) use master::Sources;
pub(super) use unlock::unlock;

use folder::{Folder, Identity};
use master::{Master, Plain};

/// The key under which the secret lies that lookups and PINs hang on.
const ROOT: &str = "root";
/// The key that signs the audit chain.
const SIGNING: &str = "signing";

/// Whose key seals something. Destroying the key makes all of it unreadable.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyOwner {
    /// A person's records, requests and audit details.
    Person(PersonId),
    /// What was said during one admission.
    Stay(StayId),
    /// What was said in a room where nobody is admitted, and in homes where nobody is known.
    Room(RoomId),
    /// What lets another organization be told that its tokens are used no longer; by the name of the row.
    Token(String),
    /// The organization: credentials' labels, staff names, audit details about nobody.
    House,
}

impl KeyOwner {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person(id) => ("person", id.as_str()),
            Self::Stay(id) => ("stay", id.as_str()),
            Self::Room(id) => ("room", id.as_str()),
            Self::Token(id) => ("token", id.as_str()),
            Self::House => ("house", ""),
        }
    }

    /// People, stays and tokens get their keys once, and never a second one; the others on first use.
    const fn on_demand(&self) -> bool {
        matches!(self, Self::Room(_) | Self::House)
    }
}

/// Keys kept in memory at once.
const CACHED: usize = 4096;
/// How often something is tried again that a rotation in another process got in the way of.
const TRIES: u32 = 8;

/// Data keys, one wrapped key a file.
pub(super) struct KeyStore {
    sources: Sources,
    root: Root,
    folder: Folder,
    entropy: Entropy,
    masters: RwLock<Arc<Masters>>,
    cache: Mutex<Cache>,
}

/// The master keys at hand.
pub(super) struct Masters {
    /// The one that wraps new keys comes first.
    list: Vec<Master>,
    /// The file of the root secret when they were loaded. A rotation replaces it last.
    known_by: Option<Identity>,
}

/// Unwrapped keys, each with when it was unwrapped.
struct Cache {
    keys: HashMap<String, (Arc<DataKey>, Instant)>,
    lasts: Duration,
    swept: Instant,
}

impl KeyStore {
    /// The key store of a master key that [`unlock`] has found to be the right one.
    pub fn new(sources: Sources, unlocked: unlock::Unlocked, entropy: Entropy) -> Self {
        let lasts = Duration::from_secs(sources.config.cache_seconds);
        let unlock::Unlocked { root, folder, masters } = unlocked;
        let cache = Cache { keys: HashMap::new(), lasts, swept: Instant::now() };
        Self { sources, root, folder, entropy, masters: RwLock::new(Arc::new(masters)), cache: Mutex::new(cache) }
    }

    pub const fn root(&self) -> &Root {
        &self.root
    }

    pub const fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// The name under which the owner's key is kept; also names the owner in sealed rows.
    pub fn name(&self, owner: &KeyOwner) -> String {
        let (kind, id) = owner.parts();
        self.root.hash("key", &[kind.as_bytes(), id.as_bytes()])
    }

    /// The owner's key, for writing and reading.
    pub fn key(&self, owner: &KeyOwner) -> Result<(String, Arc<DataKey>), KeyError> {
        let name = self.name(owner);
        match self.named(&name) {
            Ok(key) => Ok((name, key)),
            Err(KeyError::Gone) if owner.on_demand() => self.create(owner),
            Err(e) => Err(e),
        }
    }

    /// The key of that name. One system call where it is cached.
    pub fn named(&self, name: &str) -> Result<Arc<DataKey>, KeyError> {
        if !self.folder.has(name) {
            self.forget(name);
            return Err(KeyError::Gone);
        }
        if let Some(key) = self.cached(name) {
            return Ok(key);
        }
        let key = Arc::new(DataKey::new(self.unwrap(name)?));
        self.lock_cache().keep(name, &key);
        Ok(key)
    }

    /// The owner's key, made and synced first where there is none. Two processes that both make it agree on one.
    pub fn create(&self, owner: &KeyOwner) -> Result<(String, Arc<DataKey>), KeyError> {
        let name = self.name(owner);
        self.make(&name)?;
        let key = self.named(&name)?;
        Ok((name, key))
    }

    fn make(&self, name: &str) -> Result<(), KeyError> {
        let bytes: Plain = Zeroizing::new(self.entropy.bytes()?);
        for _ in 0..TRIES {
            let masters = self.current()?;
            // A key service may take its time, so the lock comes after it.
            let wrapped = masters.newest()?.wrap(name, &bytes, &self.entropy)?;
            let _adding = self.folder.lock_to_add()?;
            if self.folder.identity(ROOT) == masters.known_by {
                return self.folder.put(name, &wrapped, &self.entropy);
            }
        }
        Err(KeyError::Rotating)
    }

    /// Makes many keys and waits for the disk a few times in all. One that is there already stays.
    pub fn make_many(&self, names: &[String]) -> Result<(), KeyError> {
        let keys: Vec<Plain> =
            names.iter().map(|_| self.entropy.bytes().map(Zeroizing::new)).collect::<Result<_, _>>()?;
        let named: Vec<_> = names.iter().map(String::as_str).zip(&keys).collect();
        for _ in 0..TRIES {
            let masters = self.current()?;
            // A key service may take its time, so the lock comes after it.
            let wrapped = masters.newest()?.wrap_many(&named, &self.entropy)?;
            let _adding = self.folder.lock_to_add()?;
            if self.folder.identity(ROOT) == masters.known_by {
                let keys: Vec<(String, Vec<u8>)> = names.iter().cloned().zip(wrapped).collect();
                return self.folder.put_many(&keys, &self.entropy);
            }
        }
        Err(KeyError::Rotating)
    }

    /// The keys of people who are about to become known.
    pub fn create_many(&self, owners: &[KeyOwner]) -> Result<(), KeyError> {
        if owners.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = owners.iter().map(|owner| self.name(owner)).collect();
        self.make_many(&names)
    }

    /// The key that signs the audit chain, made where there is none.
    pub fn signing(&self) -> Result<Plain, KeyError> {
        if !self.folder.has(SIGNING) {
            self.make(SIGNING)?;
        }
        self.unwrap(SIGNING)
    }

    /// Destroys a key for good; quiet where there is none.
    pub fn destroy(&self, name: &str) -> Result<(), KeyError> {
        self.forget(name);
        let alone = self.folder.lock_alone()?;
        self.folder.scrub(name, &alone)
    }

    /// Whether there is a key of that name.
    pub fn has(&self, name: &str) -> bool {
        self.folder.has(name)
    }

    /// Another process may be rotating: what does not open under the masters at hand is read again with those
    /// that are there now.
    fn unwrap(&self, name: &str) -> Result<Plain, KeyError> {
        let mut masters = self.at_hand();
        for _ in 0..3 {
            let wrapped = self.folder.read(name)?.ok_or(KeyError::Gone)?;
            if let Some(plain) = masters.unwrap(name, &wrapped)? {
                return Ok(plain);
            }
            masters = self.reload()?;
        }
        // A key that is being destroyed is overwritten before it goes.
        if self.folder.has(name) { Err(KeyError::Damaged(self.folder.place(name))) } else { Err(KeyError::Gone) }
    }

    fn at_hand(&self) -> Arc<Masters> {
        Arc::clone(&self.masters.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The masters, loaded anew where a rotation has gone by.
    fn current(&self) -> Result<Arc<Masters>, KeyError> {
        let masters = self.at_hand();
        if self.folder.identity(ROOT) == masters.known_by { Ok(masters) } else { self.reload() }
    }

    fn reload(&self) -> Result<Arc<Masters>, KeyError> {
        let (masters, _) = unlock::masters(&self.sources, &self.folder)?;
        let masters = Arc::new(masters);
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&masters);
        Ok(masters)
    }

    fn cached(&self, name: &str) -> Option<Arc<DataKey>> {
        let mut cache = self.lock_cache();
        cache.sweep();
        cache.fresh(name)
    }

    fn forget(&self, name: &str) {
        self.lock_cache().keys.remove(name);
    }

    fn lock_cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Masters {
    fn newest(&self) -> Result<&Master, KeyError> {
        self.list.first().ok_or(KeyError::Gone)
    }

    fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Option<Plain>, KeyError> {
        for master in &self.list {
            if let Some(plain) = master.unwrap(name, wrapped)? {
                return Ok(Some(plain));
            }
        }
        Ok(None)
    }
}

impl Cache {
    fn fresh(&self, name: &str) -> Option<Arc<DataKey>> {
        let (key, since) = self.keys.get(name)?;
        (since.elapsed() < self.lasts).then(|| Arc::clone(key))
    }

    fn keep(&mut self, name: &str, key: &Arc<DataKey>) {
        if self.keys.len() >= CACHED {
            let any = self.keys.keys().next().cloned();
            any.map(|any| self.keys.remove(&any));
        }
        self.keys.insert(name.to_owned(), (Arc::clone(key), Instant::now()));
    }

    /// Takes what is too old out of memory, now and then.
    fn sweep(&mut self) {
        if self.swept.elapsed() >= self.lasts {
            let lasts = self.lasts;
            self.keys.retain(|_, (_, since)| since.elapsed() < lasts);
            self.swept = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;
    use crate::config::KeysConfig;

    fn open(dir: &Path, config: &KeysConfig) -> KeyStore {
        let sources = Sources::new(dir.join("master.key"), config.clone()).expect("configured");
        let unlocked = unlock(&sources, None, &Entropy::system()).expect("unlocked");
        KeyStore::new(sources, unlocked, Entropy::system())
    }

    fn store(dir: &Path) -> KeyStore {
        open(dir, &KeysConfig::default())
    }

    fn person(id: &str) -> KeyOwner {
        KeyOwner::Person(PersonId::parse(id).expect("fits"))
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = super::super::seal::Place { table: "t", column: "c", row: "r", owner: "o" };
        let one = store(dir.path());
        let (name, key) = one.create(&person("rosa")).expect("made");
        let sealed = key.seal(place, b"x", &Entropy::system()).expect("seals");
        let two = store(dir.path());
        let (_, again) = two.create(&person("rosa")).expect("found");
        assert_eq!(again.open(place, &sealed).expect("the same key").as_slice(), b"x");
        let mut names = one.folder.names().expect("listed");
        names.sort();
        let mut wanted = [name, ROOT.to_owned()];
        wanted.sort();
        assert_eq!(names, wanted);
        assert!(!names.concat().contains("rosa"));
    }

    #[test]
    fn people_and_stays_never_get_a_second_key() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = store(dir.path());
        assert!(matches!(keys.key(&person("rosa")), Err(KeyError::Gone)));
        assert!(keys.key(&KeyOwner::House).is_ok());
        let (name, _) = keys.create(&person("rosa")).expect("made");
        keys.destroy(&name).expect("destroyed");
        keys.destroy(&name).expect("quiet");
        assert!(matches!(keys.key(&person("rosa")), Err(KeyError::Gone)));
    }

    #[test]
    fn a_key_destroyed_by_another_process_is_not_used_from_the_cache() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, two) = (store(dir.path()), store(dir.path()));
        let (name, _) = one.create(&person("rosa")).expect("made");
        assert!(one.named(&name).is_ok());
        two.destroy(&name).expect("destroyed");
        assert!(matches!(one.named(&name), Err(KeyError::Gone)));
    }

    #[test]
    fn a_changed_key_file_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let (name, _) = store(dir.path()).create(&person("rosa")).expect("made");
        let path = store(dir.path()).folder.place(&name);
        let mut bytes = fs::read(&path).expect("reads");
        bytes[20] ^= 1;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        fs::write(&path, bytes).expect("writes");
        assert!(matches!(store(dir.path()).named(&name), Err(KeyError::Damaged(p)) if p == path));
    }

    #[test]
    fn a_cached_key_lasts_no_longer_than_it_may() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = open(dir.path(), &KeysConfig { cache_seconds: 1, ..KeysConfig::default() });
        let (name, _) = keys.create(&person("rosa")).expect("made");
        assert!(keys.cached(&name).is_some());
        std::thread::sleep(Duration::from_millis(1100));
        assert!(keys.lock_cache().fresh(&name).is_none(), "too old to be used");
        assert!(keys.cached(&name).is_none());
        assert!(keys.lock_cache().keys.is_empty(), "nor does it stay in memory");
        assert!(keys.named(&name).is_ok(), "the master key is still there");
    }
}
