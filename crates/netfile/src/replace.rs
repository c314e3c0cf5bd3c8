//! Giving a file new contents, whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::error::Fault;

/// Gives a file new contents, whole or not at all: they are written to a file
/// beside it and forced to the disk before that takes its place.
///
/// # Errors
/// [`Error::Io`]; then the file at `path` is what it was before.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_by(path, |aside| Ok(aside.file.write_all(bytes)?))
}

/// As [`replace_file`], with contents that `write` puts into the file, piece
/// by piece and in any order; it starts empty.
///
/// # Errors
/// What `write` returns, and [`Trouble::Io`] where the file cannot take the
/// other's place; then the file at `path` is what it was before.
pub fn replace_with<E>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), Trouble<E>>,
) -> Result<(), Trouble<E>> {
    replace(path, |aside| write(&mut aside.file))
}

/// The file that is to take another's place.
pub(crate) struct Aside {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
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
    write: impl FnOnce(&mut Aside) -> Result<(), Trouble<Fault>>,
) -> Result<(), Error> {
    replace(path, write).map_err(|trouble| match trouble {
        Trouble::Io(error) => Error::io("write", path)(error),
        Trouble::Contents(fault) => fault.in_file(Some(path)),
    })
}

fn replace<E>(
    path: &Path,
    write: impl FnOnce(&mut Aside) -> Result<(), Trouble<E>>,
) -> Result<(), Trouble<E>> {
    let aside = beside(path)?;
    let made = make(&aside, write).and_then(|()| Ok(fs::rename(&aside, path)?));
    if let Err(error) = made {
        // The first error is the one to report; a file that was never made
        // cannot be removed either.
        let _ = fs::remove_file(&aside);
        return Err(error);
    }
    Ok(sync_folder(path)?)
}

/// A name in the same folder, so that renaming stays within one file system.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(aside))
}

fn make<E>(
    path: &Path,
    write: impl FnOnce(&mut Aside) -> Result<(), Trouble<E>>,
) -> Result<(), Trouble<E>> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    let path = path.to_owned();
    let mut aside = Aside { file, path };
    write(&mut aside)?;
    Ok(aside.file.sync_all()?)
}

/// Without this a crash could forget the renaming.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Folders cannot be opened as files here.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
