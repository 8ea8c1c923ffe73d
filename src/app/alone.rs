//! One process learns and the others wait for what it learned: a lock on a file, and signs of life in it.
//!
//! Invariant: nobody waits for a holder that stands still (stopped, or stuck on a dead disk). Whoever waits goes on by
//! itself once no sign of life has come for [`STILL`] looks. Two that learn at once do no harm but to each other's time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

/// How often the holder shows that it lives.
const BEAT: Duration = Duration::from_secs(5);
/// How often one that waits looks.
const LOOK: Duration = Duration::from_millis(100);
/// Looks without a sign of life after which nobody is waited for any more: half a minute.
const STILL: u32 = 300;

/// The right to learn while others wait. Dropped, the next one has it.
pub struct Alone {
    /// Closing it ends the signs of life.
    _stop: mpsc::Sender<()>,
    file: File,
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Whoever gives the signs of life has the file open a moment longer; closing it here would not be enough. A lock that
        // cannot be given back is not waited for either: no sign of life comes any more.
        let _ = self.file.unlock();
    }
}

/// Waits until nobody else learns into this folder, or whoever does stands still (`None`).
///
/// # Errors
/// When the lock's file cannot be made or locked.
pub fn alone(folder: &Path) -> io::Result<Option<Alone>> {
    fs::create_dir_all(folder)?;
    let path = folder.join(".lock");
    // Not truncated: its length is the signs of life of whoever holds it.
    let file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
    if !came(&file, || std::thread::sleep(LOOK))? {
        tracing::warn!("another process learns the catalogue and stands still: learning it here as well");
        return Ok(None);
    }
    file.set_len(0)?;
    let (stop, stopped) = mpsc::channel();
    let mut sign = file.try_clone()?;
    std::thread::spawn(move || {
        while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            // Where no sign can be given, the others learn for themselves: that is all that is lost.
            let _ = sign.write_all(b".");
        }
    });
    Ok(Some(Alone { _stop: stop, file }))
}

/// Whether the lock is ours; false where whoever has it stands still.
fn came(file: &File, mut pause: impl FnMut()) -> io::Result<bool> {
    let (mut looks, mut signs) = (0, file.metadata()?.len());
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let now = file.metadata()?.len();
        looks = if now == signs { looks + 1 } else { 0 };
        signs = now;
        if looks >= STILL {
            return Ok(false);
        }
        pause();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &Path) -> File {
        OpenOptions::new().create(true).append(true).open(folder.join(".lock")).expect("opened")
    }

    #[test]
    fn one_that_stands_still_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let holder = opened(folder.path());
        holder.lock().expect("locked");
        let mut looks = 0;
        assert!(!came(&opened(folder.path()), || looks += 1).expect("no error"), "it stands still");
        assert_eq!(looks, STILL - 1);
    }

    #[test]
    fn one_that_lives_is_waited_for_however_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut holder = Some(opened(folder.path()));
        holder.as_ref().expect("there").lock().expect("locked");
        let mut looks = 0;
        let ours = came(&opened(folder.path()), || {
            looks += 1;
            if looks % (STILL - 1) == 0
                && let Some(file) = &mut holder
            {
                file.write_all(b".").expect("written");
            }
            if looks == 10 * STILL {
                holder = None;
            }
        });
        assert!(ours.expect("no error"));
        assert_eq!(looks, 10 * STILL);
    }

    #[test]
    fn what_one_gives_back_the_next_one_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = alone(folder.path()).expect("no error");
        assert!(first.is_some());
        assert!(opened(folder.path()).try_lock().is_err(), "held");
        drop(first);
        assert!(alone(folder.path()).expect("no error").is_some());
    }
}
