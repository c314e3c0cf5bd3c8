//! One process at a time works in a directory.
//!
//! The lock is a file that names its holder and that the holder writes again
//! every few seconds, its *beat*. Between processes of one machine the system's
//! file locks decide at once. Whether a holder on another machine still lives is
//! told by its beat alone, read twice: file locks do not reach through every
//! network file system, and no two machines' clocks agree.
//!
//! A holder that was taken for dead while it slept finds out before it writes
//! another batch ([`Lock::check`]). Nothing is spoilt in between: what a run
//! writes does not depend on who writes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use netfile::disk;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The lock's file in its directory.
pub(crate) const LOCK: &str = ".lock";

/// How often a holder shows that it lives, and how long nothing of it may be
/// seen: network file systems may show a change some seconds late.
#[derive(Clone, Copy)]
struct Timing {
    beat: Duration,
    patience: Duration,
}

const TIMING: Timing = Timing {
    beat: Duration::from_secs(5),
    patience: Duration::from_secs(20),
};

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Holder {
    host: String,
    /// Which of the times that the machine was started; empty where the system
    /// does not tell.
    boot: String,
    pid: u32,
    /// Nanoseconds since 1970 by that machine's clock, to tell apart the locks
    /// that one process takes.
    since: u128,
}

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    holder: Holder,
    beat: u64,
}

/// A directory in which no other process works.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    holder: Holder,
    /// Locked where the file system can.
    _file: File,
    /// Ends the beat when it is dropped.
    stop: Option<Sender<()>>,
    beating: Option<JoinHandle<()>>,
}

impl Lock {
    /// Takes the lock of a directory, which exists. `waits` is told of a holder
    /// on another machine before it is watched for some seconds.
    ///
    /// # Errors
    /// [`Error::Directory`] where another process holds it, [`Error::Io`] where
    /// there can be no lock.
    pub(crate) fn take(directory: &Path, waits: &mut dyn FnMut(String)) -> Result<Lock, Error> {
        Lock::take_as(directory, Holder::this(), TIMING, waits)
    }

    fn take_as(
        directory: &Path,
        holder: Holder,
        timing: Timing,
        waits: &mut dyn FnMut(String),
    ) -> Result<Lock, Error> {
        let path = directory.join(LOCK);
        let failed = |cause| Error::io("locking", &path, cause);
        disk::refuse_link(&path).map_err(failed)?;
        let (file, is_locked) = open(&path).map_err(failed)?;
        let last = read(&path);
        let Some(file) = file else {
            return Err(held(directory, last.as_ref()));
        };
        if let Some(last) = last {
            let here = last.holder.is_on_machine_of(&holder);
            if !(here && is_locked) {
                waits(last.holder.to_string());
                if lives(&path, &last, timing) {
                    return Err(held(directory, Some(&last)));
                }
            }
        }
        let first = Written {
            holder: holder.clone(),
            beat: 0,
        };
        first.write(&file).map_err(failed)?;
        let (stop, stopped) = mpsc::channel();
        let beaten = (path.clone(), file.try_clone().map_err(failed)?);
        let beating = thread::spawn(move || beat(&beaten, first, timing.beat, &stopped));
        Ok(Lock {
            path,
            holder,
            _file: file,
            stop: Some(stop),
            beating: Some(beating),
        })
    }

    /// Makes sure that the lock was not taken over.
    ///
    /// # Errors
    /// [`Error::Directory`] if it was.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let found = read(&self.path);
        if found
            .as_ref()
            .is_some_and(|found| found.holder == self.holder)
        {
            return Ok(());
        }
        let by = found.map_or("somebody took its lock away".to_owned(), |found| {
            format!("{} took it over", found.holder)
        });
        Err(Error::Directory {
            path: self.path.parent().unwrap_or(&self.path).to_owned(),
            cause: format!("{by} while this process was not heard of; it stops here"),
        })
    }
}

/// Removes the lock that a process of this machine left which was killed when all
/// was done: nobody will take it any more.
pub(crate) fn clear(directory: &Path) {
    let path = directory.join(LOCK);
    if !path.exists() || path.is_symlink() {
        return;
    }
    let Ok((Some(_file), true)) = open(&path) else {
        return;
    };
    let is_ours = |left: &Written| left.holder.is_on_machine_of(&Holder::this());
    if read(&path).as_ref().is_none_or(is_ours) {
        // Whoever may not write here only reads, and is not disturbed by it.
        let _ = std::fs::remove_file(&path);
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(beating) = self.beating.take() {
            // A beat that failed has nothing to say any more.
            let _ = beating.join();
        }
        if self.check().is_ok() {
            // Where it cannot be removed, the next one finds it without a holder.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The file at `path`, made if there is none, and whether it could be locked;
/// no file if another process has locked it.
fn open(path: &Path) -> io::Result<(Option<File>, bool)> {
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let is_locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Ok((None, true)),
            // This file system has no locks: the beat has to do.
            Err(TryLockError::Error(_)) => false,
        };
        // Its last holder may have removed it in the meantime.
        if is_at(&file, path) {
            return Ok((Some(file), is_locked));
        }
    }
}

/// Whether an open file is the one at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), path.metadata()) {
        (Ok(open), Ok(there)) => place(open) == place(there),
        _ => false,
    }
}

/// An open file cannot be removed here.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// What is written there, if it is whole.
fn read(path: &Path) -> Option<Written> {
    // Opened anew, since only then do network file systems ask their server.
    let mut text = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Bytes that a lock may have.
const MOST: u64 = 4096;

/// Whether the holder is seen to write again.
fn lives(path: &Path, last: &Written, timing: Timing) -> bool {
    let began = Instant::now();
    while began.elapsed() < timing.patience {
        thread::sleep(timing.beat / 5);
        match read(path) {
            Some(found) if found != *last => return true,
            // It has just gone.
            None if !path.exists() => return false,
            _ => {}
        }
    }
    false
}

/// Writes again and again until it is stopped, or another has taken over.
fn beat(
    (path, file): &(PathBuf, File),
    mut written: Written,
    pause: Duration,
    stopped: &mpsc::Receiver<()>,
) {
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        if read(path).is_some_and(|found| found.holder != written.holder) {
            return;
        }
        written.beat += 1;
        // A disk that refuses it now may take it the next time.
        let _ = written.write(file);
    }
}

fn held(directory: &Path, by: Option<&Written>) -> Error {
    let by = by.map_or("another process".to_owned(), |by| by.holder.to_string());
    Error::Directory {
        path: directory.to_owned(),
        cause: format!("{by} works in it; wait until that ends, or choose another directory"),
    }
}

impl Written {
    /// Without emptying the file first: it is never seen without a holder.
    fn write(&self, mut file: &File) -> io::Result<()> {
        let text = serde_json::to_vec(self).expect("a holder is plain");
        file.rewind()?;
        file.write_all(&text)?;
        file.set_len(text.len() as u64)
    }
}

impl Holder {
    /// This process.
    fn this() -> Holder {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Holder {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            boot: boot.unwrap_or_default().trim().to_owned(),
            pid: std::process::id(),
            since: since.unwrap_or_default().as_nanos(),
        }
    }

    fn is_on_machine_of(&self, other: &Holder) -> bool {
        (&self.host, &self.boot) == (&other.host, &other.boot)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Timing = Timing {
        beat: Duration::from_millis(20),
        patience: Duration::from_millis(300),
    };

    fn elsewhere(host: &str) -> Holder {
        Holder {
            host: host.to_owned(),
            ..Holder::this()
        }
    }

    fn take(directory: &Path, holder: Holder) -> (Result<Lock, Error>, Vec<String>) {
        let mut waited = Vec::new();
        let lock = Lock::take_as(directory, holder, QUICK, &mut |who| waited.push(who));
        (lock, waited)
    }

    /// What a process leaves that is gone.
    fn leave(directory: &Path, holder: Holder) {
        let file = File::create(directory.join(LOCK)).unwrap();
        Written { holder, beat: 7 }.write(&file).unwrap();
    }

    #[test]
    fn a_second_process_is_refused_until_the_first_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let first = take(folder.path(), Holder::this()).0.unwrap();
        first.check().unwrap();
        let (second, waited) = take(folder.path(), Holder::this());
        let message = second.unwrap_err().to_string();
        let name = format!("process {} on ", std::process::id());
        assert!(message.contains(&name), "{message}");
        assert!(message.contains("works in it"), "{message}");
        assert!(waited.is_empty());
        drop(first);
        assert!(!folder.path().join(LOCK).exists());
        take(folder.path(), Holder::this()).0.unwrap();
    }

    #[test]
    fn what_a_dead_process_left_here_is_taken_at_once() {
        let folder = tempfile::tempdir().unwrap();
        leave(folder.path(), Holder::this());
        let (lock, waited) = take(folder.path(), Holder::this());
        lock.unwrap().check().unwrap();
        assert!(waited.is_empty());
        for torn in [&b""[..], b"{\"hold", &[0; 100]] {
            std::fs::write(folder.path().join(LOCK), torn).unwrap();
            let (lock, waited) = take(folder.path(), Holder::this());
            lock.unwrap().check().unwrap();
            assert!(waited.is_empty());
        }
    }

    #[test]
    fn where_all_is_done_only_what_is_dead_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK);
        clear(folder.path());
        assert!(!path.exists());
        leave(folder.path(), Holder::this());
        clear(folder.path());
        assert!(!path.exists());
        leave(folder.path(), elsewhere("unknown"));
        clear(folder.path());
        assert!(path.exists());
        std::fs::remove_file(&path).unwrap();
        let _lock = take(folder.path(), Holder::this()).0.unwrap();
        clear(folder.path());
        assert!(path.exists());
    }

    #[test]
    fn a_holder_on_another_machine_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        leave(folder.path(), elsewhere("gone"));
        let (lock, waited) = take(folder.path(), Holder::this());
        lock.unwrap().check().unwrap();
        assert_eq!(waited.len(), 1, "{waited:?}");

        // One that lives, on a file system without locks: it beats.
        leave(folder.path(), elsewhere("alive"));
        let path = folder.path().join(LOCK);
        let (stop, stopped) = mpsc::channel();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let written = read(&path).unwrap();
        let beaten = (path, file);
        let beating = thread::spawn(move || beat(&beaten, written, QUICK.beat, &stopped));
        let (second, waited) = take(folder.path(), Holder::this());
        let message = second.unwrap_err().to_string();
        assert!(message.contains("on alive works in it"), "{message}");
        assert_eq!(waited.len(), 1, "{waited:?}");
        drop(stop);
        beating.join().unwrap();
    }

    #[test]
    fn whoever_was_taken_for_dead_finds_out() {
        let folder = tempfile::tempdir().unwrap();
        let lock = take(folder.path(), elsewhere("asleep")).0.unwrap();
        let path = folder.path().join(LOCK);
        // Its beat goes to the file that it opened, not to this one.
        std::fs::remove_file(&path).unwrap();
        let message = lock.check().unwrap_err().to_string();
        assert!(message.contains("took its lock away"), "{message}");
        leave(folder.path(), elsewhere("awake"));
        let message = lock.check().unwrap_err().to_string();
        assert!(message.contains("on awake took it over"), "{message}");
        drop(lock);
        assert!(path.exists(), "the lock of another was removed");
    }
}
