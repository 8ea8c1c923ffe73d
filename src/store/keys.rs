//! The master key file and the key store beside it.
//!
//! Invariants: a data key exists in the key store or nowhere: not in the database, not in its backups. A key
//! file appears whole or not at all (written elsewhere, synced, linked into place). A destroyed key is gone at
//! once for every process, because a cached key is used only while its file exists. File names are keyed hashes.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::fs::{Access, AtFlags, FlockOperation};
use zeroize::Zeroizing;

use super::seal::{DataKey, Entropy, Master, SealError};
use crate::policy::{PersonId, RoomId, StayId};

/// Whose key seals something. Destroying the key makes all of it unreadable.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyOwner {
    /// A person's records, requests and audit details.
    Person(PersonId),
    /// What was said during one admission.
    Stay(StayId),
    /// What was said in a room where nobody is admitted, and in homes where nobody is known.
    Room(RoomId),
    /// The organization: credentials' labels, staff names, audit details about nobody.
    House,
}

impl KeyOwner {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person(id) => ("person", id.as_str()),
            Self::Stay(id) => ("stay", id.as_str()),
            Self::Room(id) => ("room", id.as_str()),
            Self::House => ("house", ""),
        }
    }

    /// People and stays get their keys when they are admitted, and never a second one; the others on first use.
    const fn on_demand(&self) -> bool {
        matches!(self, Self::Room(_) | Self::House)
    }
}

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
    /// Somebody else may read the key file.
    #[error("the key file {path} may be read by others (mode {mode:o}). Run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file belongs to another database.
    #[error(
        "the key file {0} is not the one this database was made with. Name the right one with --key-file, or restore it"
    )]
    Wrong(PathBuf),
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
    #[error("{0} in the key store is damaged. Restore the key store folder from its backup")]
    Damaged(PathBuf),
    /// No random bytes for a new key.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Keys kept in memory at once.
const CACHED: usize = 4096;

/// Data keys, one wrapped key a file, in the folder beside the master key file.
pub(super) struct KeyStore {
    master: Master,
    folder: PathBuf,
    handle: File,
    entropy: Entropy,
    cache: Mutex<HashMap<String, Arc<DataKey>>>,
}

impl KeyStore {
    /// Opens the folder beside the key file, making it where it is not there yet.
    pub fn open(key_file: &Path, master: Master, entropy: Entropy) -> Result<Self, KeyError> {
        let folder = beside(key_file);
        let handle = make_folder(&folder)?;
        Ok(Self { master, folder, handle, entropy, cache: Mutex::default() })
    }

    pub const fn master(&self) -> &Master {
        &self.master
    }

    pub const fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// The name under which the owner's key is kept; also names the owner in sealed rows.
    pub fn name(&self, owner: &KeyOwner) -> String {
        let (kind, id) = owner.parts();
        self.master.hash("key", &[kind.as_bytes(), id.as_bytes()])
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
        let there = rustix::fs::accessat(&self.handle, file_name(name), Access::EXISTS, AtFlags::empty()).is_ok();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if !there {
            cache.remove(name);
            return Err(KeyError::Gone);
        }
        if let Some(key) = cache.get(name) {
            return Ok(Arc::clone(key));
        }
        let path = self.path(name);
        let wrapped = match fs::read(&path) {
            Ok(wrapped) => wrapped,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(KeyError::Gone),
            Err(source) => return Err(KeyError::Io { doing: "cannot read", path, source }),
        };
        let key = Arc::new(self.master.unwrap(name, &wrapped).map_err(|_| KeyError::Damaged(path))?);
        if cache.len() >= CACHED {
            let any = cache.keys().next().cloned();
            any.map(|any| cache.remove(&any));
        }
        cache.insert(name.to_owned(), Arc::clone(&key));
        Ok(key)
    }

    /// The owner's key, made and synced first where there is none. Two processes that both make it agree on one.
    pub fn create(&self, owner: &KeyOwner) -> Result<(String, Arc<DataKey>), KeyError> {
        let name = self.name(owner);
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(self.entropy.bytes()?);
        let wrapped = self.master.wrap(&name, &bytes, &self.entropy)?;
        put(&self.path(&name), &wrapped, &self.handle, &self.entropy)?;
        let key = self.named(&name)?;
        Ok((name, key))
    }

    /// Destroys a key for good; quiet where there is none.
    pub fn destroy(&self, name: &str) -> Result<(), KeyError> {
        let path = self.path(name);
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let io = |source| KeyError::Io { doing: "cannot destroy", path: path.clone(), source };
        // Overwritten first, so that the bytes are not simply left in freed blocks.
        match OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => {
                file.write_all(&[0; 60]).and_then(|()| file.sync_all()).map_err(io)?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(io(e)),
        }
        fs::remove_file(&path).and_then(|()| self.handle.sync_all()).map_err(io)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(file_name(name))
    }
}

fn file_name(name: &str) -> String {
    format!("{name}.key")
}

/// The key store folder of a key file: `<key-file>.d`.
fn beside(key_file: &Path) -> PathBuf {
    let mut name = key_file.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

/// Keeps other processes from opening or making the same store until it is dropped.
pub(super) struct Turnstile(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl Turnstile {
    pub fn enter(key_file: &Path) -> Result<Self, KeyError> {
        let folder = beside(key_file);
        let handle = make_folder(&folder)?;
        rustix::fs::flock(&handle, FlockOperation::LockExclusive).map_err(|e| KeyError::Io {
            doing: "cannot lock",
            path: folder,
            source: e.into(),
        })?;
        Ok(Self(handle))
    }
}

/// Reads the master key; `None` where there is no file.
pub(super) fn load_master(path: &Path) -> Result<Option<Master>, KeyError> {
    let io = |source| KeyError::Io { doing: "cannot read", path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(e)),
    };
    let about = file.metadata().map_err(io)?;
    if !about.is_file() {
        return Err(KeyError::WrongLength { path: path.to_owned(), bytes: 0 });
    }
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    if about.len() != 32 {
        return Err(KeyError::WrongLength { path: path.to_owned(), bytes: about.len() });
    }
    let mut bytes = Zeroizing::new([0; 32]);
    file.read_exact(bytes.as_mut_slice()).map_err(io)?;
    Ok(Some(Master::new(*bytes)))
}

/// Makes a master key file with 32 random bytes.
pub(super) fn create_master(path: &Path, entropy: &Entropy) -> Result<Master, KeyError> {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(entropy.bytes()?);
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let handle = make_folder(parent)?;
    put(path, bytes.as_slice(), &handle, entropy)?;
    load_master(path)?.ok_or_else(|| KeyError::Missing(path.to_owned()))
}

/// Makes a folder that only its owner may enter, and opens it.
pub(super) fn make_folder(path: &Path) -> Result<File, KeyError> {
    let io = |source| KeyError::Io { doing: "cannot make the folder", path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
    File::open(path).map_err(io)
}

/// Puts a file in its place whole, synced, and never over another one.
fn put(path: &Path, contents: &[u8], folder: &File, entropy: &Entropy) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { doing: "cannot write", path: path.to_owned(), source };
    let random: [u8; 8] = entropy.bytes()?;
    let draft = path.with_extension(format!("{}.new", hex::encode(random)));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(contents)?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => Ok(()),
        }
    })();
    let _ = fs::remove_file(&draft);
    written.and_then(|()| folder.sync_all()).map_err(io)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn store(dir: &Path) -> KeyStore {
        KeyStore::open(&dir.join("master.key"), Master::new([1; 32]), Entropy::system()).expect("opens")
    }

    fn person(id: &str) -> KeyOwner {
        KeyOwner::Person(PersonId::parse(id).expect("fits"))
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = super::super::seal::Place { table: "t", column: "c", row: "r", owner: "o" };
        let one = store(dir.path());
        let (_, key) = one.create(&person("rosa")).expect("made");
        let sealed = key.seal(place, b"x", &Entropy::system()).expect("seals");
        let two = store(dir.path());
        let (_, again) = two.create(&person("rosa")).expect("found");
        assert_eq!(again.open(place, &sealed).expect("the same key").as_slice(), b"x");
        let names: Vec<_> = fs::read_dir(beside(&dir.path().join("master.key")))
            .expect("a folder")
            .map(|f| f.expect("a file").file_name().into_string().expect("text"))
            .collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(!names[0].contains("rosa"));
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
        let path = store(dir.path()).path(&name);
        let mut bytes = fs::read(&path).expect("reads");
        bytes[20] ^= 1;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        fs::write(&path, bytes).expect("writes");
        assert!(matches!(store(dir.path()).named(&name), Err(KeyError::Damaged(p)) if p == path));
    }

    #[test]
    fn the_master_key_file_is_private_and_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("deep/master.key");
        assert!(load_master(&path).expect("no error").is_none());
        let made = create_master(&path, &Entropy::system()).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let again = load_master(&path).expect("no error").expect("there");
        assert_eq!(made.fingerprint(), again.fingerprint());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode");
        assert!(matches!(load_master(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        fs::write(&path, [0; 31]).expect("writes");
        assert!(matches!(load_master(&path), Err(KeyError::WrongLength { bytes: 31, .. })));
    }
}
