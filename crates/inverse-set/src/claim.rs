//! A directory that one process writes results to.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use netfile::disk;

use crate::Error;
use crate::lock::{LOCK, Lock};

/// A directory, what was made for it, and the lock once it was taken.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    /// The folders that were made, itself included, outermost first.
    made: Vec<PathBuf>,
    lock: Option<Lock>,
}

impl Claim {
    /// Nothing is made or locked yet.
    pub(crate) fn new(path: &Path) -> Claim {
        Claim {
            path: path.to_owned(),
            made: Vec::new(),
            lock: None,
        }
    }

    /// Where the directory is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory, if it is not there.
    ///
    /// # Errors
    /// [`Error::Io`] names the folder.
    pub(crate) fn make(&mut self) -> Result<(), Error> {
        disk::make_folders(&self.path, &mut self.made).map_err(Error::from_make)
    }

    /// Makes the directory and takes its lock: until this value is dropped, no
    /// other process works in it. What one that was killed left half-written is
    /// removed. `waits` is told of a process elsewhere that has to be watched
    /// before.
    ///
    /// # Errors
    /// Those of [`Claim::make`], [`Lock::take`] and [`remove_leftovers`].
    pub(crate) fn take(&mut self, waits: &mut dyn FnMut(String)) -> Result<(), Error> {
        self.make()?;
        self.lock = Some(Lock::take(&self.path, waits)?);
        remove_leftovers(&self.path)
    }

    /// Makes sure that no other process has taken this one for dead.
    ///
    /// # Errors
    /// Those of [`Lock::check`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.lock.as_ref().map_or(Ok(()), Lock::check)
    }

    /// Gives the lock back.
    pub(crate) fn release(&mut self) {
        self.lock = None;
    }

    /// Takes away the lock, and the folders that were made if nothing is in them.
    pub(crate) fn give_up(&mut self) {
        self.release();
        // What cannot be removed stays: the error that led here is the one to
        // report.
        for folder in self.made.iter().rev() {
            let _ = disk::remove_folder(folder);
        }
    }
}

/// Whether a directory holds anything but what a process leaves that was killed
/// before it wrote its record.
pub(crate) fn is_occupied(directory: &Path) -> bool {
    let is_left = |name: &OsStr| name == LOCK || netfile::is_leftover(name);
    let mut entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.any(|entry| !is_left(&entry.file_name()))
}

/// Removes what a process that was killed left of files that it was writing.
///
/// # Errors
/// [`Error::Io`] names what cannot be read or removed.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), Error> {
    let unread = |cause| Error::io("reading", folder, cause);
    for entry in fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        if netfile::is_leftover(&entry.file_name()) {
            let path = entry.path();
            disk::remove_file(&path).map_err(|cause| Error::io("removing", &path, cause))?;
        }
    }
    Ok(())
}
