//! The files of the key store.
//!
//! Invariants: a file appears whole or not at all (written elsewhere, synced, linked or renamed into place), and is
//! readable by its owner alone. Whoever destroys or replaces a file holds the folder's lock alone, so that a key
//! that was destroyed while it was being re-wrapped does not come back.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, AtFlags, FlockOperation};
use zeroize::Zeroizing;

use super::{super::seal::Entropy, error::KeyError};

/// How the file of a key ends.
const KEY: &str = "key";
/// How the file ends that will take its place in a rotation.
const DRAFT: &str = "rewrap";
/// Files that are waited for together.
const AT_A_TIME: usize = 8;
/// The largest file that can be a wrapped key.
const LARGEST: u64 = 4096;

/// Which file this is: another one has another identity, even under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    inode: u64,
    seconds: i64,
    nanos: i64,
}

/// The folder `<key-file>.d`.
pub struct Folder {
    path: PathBuf,
    handle: File,
}

/// Holds the folder's lock until it is dropped.
pub struct Lock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl Folder {
    /// Opens the folder beside the key file, making it where it is not there yet.
    pub fn beside(key_file: &Path) -> Result<Self, KeyError> {
        let path = beside(key_file);
        let handle = make_folder(&path)?;
        Ok(Self { path, handle })
    }

    /// Whether there is a key of that name. One system call.
    pub fn has(&self, name: &str) -> bool {
        rustix::fs::accessat(&self.handle, file_name(name), Access::EXISTS, AtFlags::empty()).is_ok()
    }

    /// Where the key of that name is.
    pub fn place(&self, name: &str) -> PathBuf {
        self.path.join(file_name(name))
    }

    /// The key of that name, wrapped as it is; `None` where there is none.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeyError> {
        Ok(self.read_known(name)?.map(|(bytes, _)| bytes))
    }

    /// As [`Self::read`], with the identity of the file that was read.
    pub fn read_known(&self, name: &str) -> Result<Option<(Vec<u8>, Identity)>, KeyError> {
        let path = self.place(name);
        let io = |source| KeyError::Io { doing: "cannot read", path: path.clone(), source };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io(e)),
        };
        let identity = identity(&file.metadata().map_err(io)?);
        let mut bytes = Vec::with_capacity(64);
        Read::by_ref(&mut file).take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
        Ok(Some((bytes, identity)))
    }

    /// Which file has that key now.
    pub fn identity(&self, name: &str) -> Option<Identity> {
        fs::metadata(self.place(name)).ok().map(|about| identity(&about))
    }

    /// Puts a new key in its place; one that is there already stays.
    pub fn put(&self, name: &str, wrapped: &[u8], entropy: &Entropy) -> Result<(), KeyError> {
        put(&self.place(name), wrapped, &self.handle, entropy)
    }

    /// As [`Self::put`] for many keys.
    pub fn put_many(&self, keys: &[(String, Vec<u8>)], entropy: &Entropy) -> Result<(), KeyError> {
        let mut drafts = Vec::with_capacity(keys.len());
        let put = (|| {
            for (name, wrapped) in keys {
                let path = self.place(name);
                let draft = path.with_extension(format!("{}.new", hex::encode(entropy.bytes::<8>()?)));
                let io = |source| KeyError::Io { doing: "cannot write", path: path.clone(), source };
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(io)?;
                drafts.push((draft, file));
                if let Some((_, file)) = drafts.last_mut() {
                    file.write_all(wrapped).map_err(io)?;
                }
            }
            sync_all(&drafts).map_err(|e| self.failed("cannot write", e))?;
            for ((name, _), (draft, _)) in keys.iter().zip(&drafts) {
                let path = self.place(name);
                match fs::hard_link(draft, &path) {
                    Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(KeyError::Io { doing: "cannot write", path, source });
                    }
                    _ => {}
                }
            }
            Ok(())
        })();
        for (draft, _) in drafts {
            let _ = fs::remove_file(draft);
        }
        put.and_then(|()| self.sync())
    }

    /// Takes the lock with others who only add keys.
    pub fn lock_to_add(&self) -> Result<Lock, KeyError> {
        self.lock(".lock", FlockOperation::LockShared)
    }

    /// Takes the lock alone.
    pub fn lock_alone(&self) -> Result<Lock, KeyError> {
        self.lock(".lock", FlockOperation::LockExclusive)
    }

    /// Takes the lock that only one rotation holds, for as long as it takes.
    pub fn lock_rotation(&self) -> Result<Lock, KeyError> {
        self.lock(".rotation", FlockOperation::NonBlockingLockExclusive).map_err(|e| match e {
            KeyError::Io { source, .. } if source.kind() == io::ErrorKind::WouldBlock => KeyError::Rotating,
            e => e,
        })
    }

    /// A handle of its own each time: locks belong to the opened file, not to the thread.
    fn lock(&self, name: &str, how: FlockOperation) -> Result<Lock, KeyError> {
        let path = self.path.join(name);
        let io = |source| KeyError::Io { doing: "cannot lock", path: path.clone(), source };
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(io)?;
        rustix::fs::flock(&file, how).map_err(|e| io(e.into()))?;
        Ok(Lock(file))
    }

    /// Overwrites and removes a key and what would take its place; quiet where there is none.
    pub fn scrub(&self, name: &str, _alone: &Lock) -> Result<(), KeyError> {
        for path in [self.place(name), self.draft(name)] {
            scrub(&path)?;
        }
        self.sync()
    }

    /// Writes what is to take a key's place. It is not on the disk before [`Self::settle`].
    pub fn draft_for(&self, name: &str, wrapped: &[u8]) -> Result<(), KeyError> {
        let path = self.draft(name);
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(wrapped));
        written.map_err(|source| KeyError::Io { doing: "cannot write", path, source })
    }

    /// Brings everything written in the folder to the disk.
    pub fn settle(&self) -> Result<(), KeyError> {
        rustix::fs::syncfs(&self.handle).map_err(|e| self.failed("cannot write", e.into()))
    }

    /// Puts a draft in the place of its key, if that is still the file that was read. False when it is not, because
    /// the key was destroyed; the draft is destroyed too then.
    pub fn replace(&self, name: &str, read: Identity, _alone: &Lock) -> Result<bool, KeyError> {
        let draft = self.draft(name);
        if self.identity(name) == Some(read) {
            let moved = fs::rename(&draft, self.place(name));
            return moved.map(|()| true).map_err(|source| KeyError::Io { doing: "cannot write", path: draft, source });
        }
        scrub(&draft)?;
        Ok(false)
    }

    /// Makes renamings and removals durable.
    pub fn sync(&self) -> Result<(), KeyError> {
        self.handle.sync_all().map_err(|e| self.failed("cannot write", e))
    }

    /// The names of all keys.
    pub fn names(&self) -> Result<Vec<String>, KeyError> {
        let files = self.ending_in(&[KEY])?;
        Ok(files.iter().filter_map(|f| f.file_stem()?.to_str().map(str::to_owned)).collect())
    }

    /// Destroys what a rotation or a process that was killed left behind. Only whoever holds the rotation's lock
    /// and the folder's may: a file that is being made looks the same.
    pub fn sweep(&self, _rotation: &Lock, _alone: &Lock) -> Result<(), KeyError> {
        for name in self.ending_in(&[DRAFT, "new"])? {
            scrub(&self.path.join(name))?;
        }
        Ok(())
    }

    fn ending_in(&self, ends: &[&str]) -> Result<Vec<PathBuf>, KeyError> {
        let io = |e| self.failed("cannot list", e);
        let mut names = vec![];
        for entry in fs::read_dir(&self.path).map_err(io)? {
            let path = PathBuf::from(entry.map_err(io)?.file_name());
            if path.extension().is_some_and(|e| ends.iter().any(|end| e == *end)) {
                names.push(path);
            }
        }
        Ok(names)
    }

    fn draft(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{DRAFT}"))
    }

    /// How often the master key was rotated.
    pub fn rotations(&self) -> u64 {
        fs::read_to_string(self.path.join("rotations")).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Notes one more rotation. Only for people to read, so not synced.
    pub fn count_rotation(&self) -> Result<u64, KeyError> {
        let count = self.rotations() + 1;
        let path = self.path.join("rotations");
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| writeln!(file, "{count}"))
            .map_err(|e| self.failed("cannot write", e))?;
        Ok(count)
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> KeyError {
        KeyError::Io { doing, path: self.path.clone(), source }
    }
}

fn identity(about: &fs::Metadata) -> Identity {
    Identity { inode: about.ino(), seconds: about.mtime(), nanos: about.mtime_nsec() }
}

fn file_name(name: &str) -> String {
    format!("{name}.{KEY}")
}

/// The key store folder of a key file: `<key-file>.d`.
pub fn beside(key_file: &Path) -> PathBuf {
    suffixed(key_file, ".d")
}

/// The path with something added to its name.
pub fn suffixed(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Keeps other processes from opening or making the same store until it is dropped.
pub struct Turnstile(#[expect(dead_code, reason = "closing the file releases the lock")] File);

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

/// Reads a file of 32 secret bytes that nobody else may read; `None` where there is none.
pub fn read_secret(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, KeyError> {
    let Some((mut file, about)) = open_private(path)? else { return Ok(None) };
    if about.len() != 32 {
        return Err(KeyError::WrongLength { path: path.to_owned(), bytes: about.len() });
    }
    let mut bytes = Zeroizing::new([0; 32]);
    let read = file.read_exact(bytes.as_mut_slice());
    read.map_err(|source| KeyError::Io { doing: "cannot read", path: path.to_owned(), source })?;
    Ok(Some(bytes))
}

/// Opens a file that only its owner may read; `None` where there is none.
pub fn open_private(path: &Path) -> Result<Option<(File, fs::Metadata)>, KeyError> {
    let io = |source| KeyError::Io { doing: "cannot read", path: path.to_owned(), source };
    let file = match File::open(path) {
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
    Ok(Some((file, about)))
}

/// Makes a file of 32 random bytes; one that is there already stays.
pub fn create_secret(path: &Path, entropy: &Entropy) -> Result<(), KeyError> {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(entropy.bytes()?);
    put(path, bytes.as_slice(), &parent_of(path)?, entropy)
}

/// The folder that holds a file, made where it is not there.
pub fn parent_of(path: &Path) -> Result<File, KeyError> {
    make_folder(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")))
}

/// Makes a folder that only its owner may enter, and opens it.
pub fn make_folder(path: &Path) -> Result<File, KeyError> {
    let io = |source| KeyError::Io { doing: "cannot make the folder", path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
    File::open(path).map_err(io)
}

/// Overwrites and removes a file; quiet where there is none.
pub fn scrub(path: &Path) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { doing: "cannot destroy", path: path.to_owned(), source };
    // Overwritten first, so that the bytes are not simply left in freed blocks.
    match OpenOptions::new().write(true).open(path) {
        Ok(mut file) => {
            let length = file.metadata().map_err(io)?.len().min(LARGEST);
            let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
            file.write_all(&zeros).and_then(|()| file.sync_all()).map_err(io)?;
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(io(e)),
    }
    fs::remove_file(path).map_err(io)
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

/// Brings files to the disk, several at a time: what is waited for together is one write of the file system's journal.
fn sync_all(files: &[(PathBuf, File)]) -> io::Result<()> {
    let lots = files.chunks(files.len().div_ceil(AT_A_TIME).max(1));
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            lots.map(|lot| scope.spawn(|| lot.iter().try_for_each(|(_, file)| file.sync_all()))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_file_is_private_and_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("deep/master.key");
        assert!(read_secret(&path).expect("no error").is_none());
        create_secret(&path, &Entropy::system()).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let made = read_secret(&path).expect("no error").expect("there");
        create_secret(&path, &Entropy::system()).expect("quiet");
        assert_eq!(read_secret(&path).expect("no error").expect("there"), made, "never over another one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode");
        assert!(matches!(read_secret(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        fs::write(&path, [0; 31]).expect("writes");
        assert!(matches!(read_secret(&path), Err(KeyError::WrongLength { bytes: 31, .. })));
    }

    #[test]
    fn a_key_destroyed_while_it_is_rewrapped_stays_destroyed() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::beside(&dir.path().join("m")).expect("made");
        folder.put("a", b"old", &Entropy::system()).expect("put");
        let (_, read) = folder.read_known("a").expect("read").expect("there");
        folder.draft_for("a", b"new").expect("written");
        let alone = folder.lock_alone().expect("locked");
        folder.scrub("a", &alone).expect("destroyed");
        folder.draft_for("a", b"new").expect("written late");
        assert!(!folder.replace("a", read, &alone).expect("no error"));
        assert!(!folder.has("a"));
        assert_eq!(fs::read_dir(dir.path().join("m.d")).expect("a folder").count(), 1, "only the lock is left");
    }

    #[test]
    fn what_a_killed_process_left_is_swept_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::beside(&dir.path().join("m")).expect("made");
        folder.put("a", b"kept", &Entropy::system()).expect("put");
        folder.draft_for("a", b"left").expect("written");
        fs::write(dir.path().join("m.d/b.0011.new"), b"left").expect("written");
        let rotation = folder.lock_rotation().expect("locked");
        assert!(matches!(folder.lock_rotation(), Err(KeyError::Rotating)));
        folder.sweep(&rotation, &folder.lock_alone().expect("locked")).expect("swept");
        let mut left: Vec<_> = fs::read_dir(dir.path().join("m.d"))
            .expect("a folder")
            .map(|f| f.expect("a file").file_name().into_string().expect("text"))
            .collect();
        left.sort();
        assert_eq!(left, [".lock", ".rotation", "a.key"]);
    }
}
