//! Giving a file new contents, whole or not at all.

use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::disk::{self, Output};
use crate::error::Fault;

/// Gives a file new contents, whole or not at all: they are written to a file
/// beside it and forced to the disk before that takes its place.
///
/// # Errors
/// [`Error::Io`]; then the file at `path` is what it was before.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_by(path, |aside| Ok(aside.write_all(bytes)?))
}

/// As [`replace_file`], with contents that `write` puts into the file, piece
/// by piece and in any order; it starts empty.
///
/// # Errors
/// What `write` returns, and [`Trouble::Io`] where the file cannot take the
/// other's place; then the file at `path` is what it was before.
pub fn replace_with<E>(
    path: &Path,
    write: impl FnOnce(&mut Output) -> Result<(), Trouble<E>>,
) -> Result<(), Trouble<E>> {
    let aside = beside(path)?;
    let made = make(&aside, write).and_then(|()| Ok(disk::rename(&aside, path)?));
    if made.is_err() {
        // The first error is the one to report; a file that was never made
        // cannot be removed either.
        let _ = disk::remove_file(&aside);
    }
    made
}

/// Why a file could not be given new contents.
#[derive(Debug)]
pub enum Trouble<E> {
    /// They could not be written.
    Io(io::Error),
    /// They could not be made.
    Contents(E),
}

impl<E> From<io::Error> for Trouble<E> {
    fn from(error: io::Error) -> Trouble<E> {
        Trouble::Io(error)
    }
}

impl From<Fault> for Trouble<Fault> {
    fn from(fault: Fault) -> Trouble<Fault> {
        Trouble::Contents(fault)
    }
}

/// As [`replace_file`], with contents that `write` puts into the file.
pub(crate) fn replace_by(
    path: &Path,
    write: impl FnOnce(&mut Output) -> Result<(), Trouble<Fault>>,
) -> Result<(), Error> {
    replace_with(path, write).map_err(|trouble| match trouble {
        Trouble::Io(error) => Error::io("write", path)(error),
        Trouble::Contents(fault) => fault.in_file(Some(path)),
    })
}

const PART: &str = "part";

/// A name in the same folder, so that renaming stays within one file system. It
/// is random: processes of several machines may write the same file, and ids of
/// processes are unique on one machine alone.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut aside = OsString::from(".");
    aside.push(name);
    let random = RandomState::new().build_hasher().finish();
    aside.push(format!(".{random}.{PART}"));
    Ok(path.with_file_name(aside))
}

/// Whether a file of that name is what a process that was killed left of a file
/// which it was about to replace.
pub fn is_leftover(name: &OsStr) -> bool {
    let mut parts = name.as_encoded_bytes().rsplit(|&byte| byte == b'.');
    let part = parts.next() == Some(PART.as_bytes());
    let random = parts.next().unwrap_or_default();
    part && !random.is_empty()
        && random.iter().all(u8::is_ascii_digit)
        && parts.count() >= 2
        && name.as_encoded_bytes().starts_with(b".")
}

fn make<E>(
    path: &Path,
    write: impl FnOnce(&mut Output) -> Result<(), Trouble<E>>,
) -> Result<(), Trouble<E>> {
    let mut aside = Output::create(path)?;
    write(&mut aside)?;
    Ok(aside.sync()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_told_from_files_of_others() {
        let aside = beside(Path::new("a/run.json")).unwrap();
        assert!(is_leftover(aside.file_name().unwrap()), "{aside:?}");
        for name in [
            "run.json",
            ".part",
            ".7.part",
            "run.json.7.part",
            ".run.json.part",
            ".run.json.7x.part",
            ".run.json.7.part.txt",
        ] {
            assert!(!is_leftover(OsStr::new(name)), "{name}");
        }
    }
}
