//! Every change that is made to files of results, in one place: a test can see
//! each of them, refuse it, and tell what a loss of power would leave of all.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// A change of the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A folder is made.
    MakeFolder(&'a Path),
    /// A file is made, or an old one emptied.
    Create(&'a Path),
    /// Bytes are written.
    Write {
        /// The file.
        path: &'a Path,
        /// Where in it they begin.
        at: u64,
        /// What is written.
        bytes: &'a [u8],
    },
    /// What was written to a file is forced to the disk.
    Sync(&'a Path),
    /// A file gets another name, and takes the place of a file that has it.
    Rename {
        /// The name it had.
        from: &'a Path,
        /// The name it gets.
        to: &'a Path,
    },
    /// A file is removed.
    Remove(&'a Path),
    /// An empty folder is removed.
    RemoveFolder(&'a Path),
    /// The names in a folder are forced to the disk.
    SyncFolder(&'a Path),
}

/// Hears of a change before it is made; an error is what it fails with.
type Observer = Box<dyn FnMut(&Change<'_>) -> io::Result<()>>;

thread_local! {
    static OBSERVER: RefCell<Option<Observer>> = const { RefCell::new(None) };
}

/// Tells `observer` of every change that `body` makes on this thread, before it
/// is made. An error that it returns is what the change fails with.
pub fn observed<T>(
    observer: impl FnMut(&Change<'_>) -> io::Result<()> + 'static,
    body: impl FnOnce() -> T,
) -> T {
    /// Takes the observer away, also when `body` panics.
    struct Observed;
    impl Drop for Observed {
        fn drop(&mut self) {
            OBSERVER.set(None);
        }
    }
    OBSERVER.set(Some(Box::new(observer)));
    let _observed = Observed;
    body()
}

fn tell(change: Change<'_>) -> io::Result<()> {
    OBSERVER.with_borrow_mut(|observer| match observer {
        Some(observer) => observer(&change),
        None => Ok(()),
    })
}

/// A file that is being written.
#[derive(Debug)]
pub struct Output {
    file: File,
    path: PathBuf,
    /// Where the next bytes go.
    at: u64,
}

impl Output {
    /// An empty file; one that was there is emptied.
    ///
    /// # Errors
    /// What the system says; a symbolic link is not followed.
    pub fn create(path: &Path) -> io::Result<Output> {
        refuse_link(path)?;
        tell(Change::Create(path))?;
        Ok(Output {
            file: File::create(path)?,
            path: path.to_owned(),
            at: 0,
        })
    }

    /// Forces what was written to the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        tell(Change::Sync(&self.path))?;
        self.file.sync_all()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (path, at) = (&self.path, self.at);
        tell(Change::Write { path, at, bytes })?;
        self.file.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

/// Adds a line, with its end, to a file, which is made if there is none. A line
/// before it that was not written to its end is ended first.
///
/// # Errors
/// What the system says; a symbolic link is not followed.
pub fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    refuse_link(path)?;
    if !path.exists() {
        tell(Change::Create(path))?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    let at = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if at > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let torn = (last != *b"\n").then_some(b'\n');
    let bytes: Vec<u8> = torn.into_iter().chain(line.iter().copied()).collect();
    let bytes = &bytes[..];
    tell(Change::Write { path, at, bytes })?;
    file.write_all(bytes)
}

/// Fails if a symbolic link is there.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a link.
pub fn refuse_link(path: &Path) -> io::Result<()> {
    match path.is_symlink() {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is a symbolic link, which is not followed here; remove it",
        )),
        false => Ok(()),
    }
}

/// Makes a folder and those above it that are missing, and adds what it made to
/// `made`, the outermost first.
///
/// # Errors
/// [`Error::Io`] names the folder.
pub fn make_folders(path: &Path, made: &mut Vec<PathBuf>) -> Result<(), Error> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        if make_folder(folder).map_err(Error::io("make", folder))? {
            made.push(folder.to_owned());
            sync_folder_of(folder).map_err(Error::io("make", folder))?;
        }
    }
    Ok(())
}

/// False if another process was faster.
fn make_folder(path: &Path) -> io::Result<bool> {
    tell(Change::MakeFolder(path))?;
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a file another name, for good; what had that name is gone.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    tell(Change::Rename { from, to })?;
    fs::rename(from, to)?;
    sync_folder_of(to)
}

/// Removes a file.
///
/// # Errors
/// What the system says.
pub fn remove_file(path: &Path) -> io::Result<()> {
    tell(Change::Remove(path))?;
    fs::remove_file(path)
}

/// Removes an empty folder.
///
/// # Errors
/// What the system says.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    tell(Change::RemoveFolder(path))?;
    fs::remove_dir(path)
}

/// Forces the names in a file's folder to the disk: without this a crash could
/// forget that the file was made or renamed.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    tell(Change::SyncFolder(folder))?;
    // Elsewhere folders cannot be opened as files.
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}
