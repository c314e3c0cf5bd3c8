//! Where a file comes from: the disk, or the program itself.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::read::{Bytes, map};

/// Where a file comes from. Both kinds give the same bytes under the same name,
/// so that nothing that is made of them differs.
#[derive(Clone, PartialEq, Eq)]
pub enum FileSource {
    /// A file on disk.
    Disk(PathBuf),
    /// A file that was compiled into the program.
    Embedded {
        /// The path that it is known by, e.g. `fashion/judge.safetensors`;
        /// nothing need lie there.
        path: &'static str,
        /// The whole file, at any alignment.
        bytes: &'static [u8],
    },
}

impl FileSource {
    /// Where the file lies, or what it is known by.
    pub fn path(&self) -> &Path {
        match self {
            FileSource::Disk(path) => path,
            FileSource::Embedded { path, .. } => Path::new(path),
        }
    }

    /// The file's name without its folder; empty if the path names no file.
    pub fn file_name(&self) -> String {
        let name = self.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The bytes of the whole file; one on disk is mapped into memory rather
    /// than read, and must not be changed in place as long as the value lives.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no such regular file or it cannot be read.
    pub fn open(&self) -> Result<impl Deref<Target = [u8]> + use<>, Error> {
        self.bytes()
    }

    pub(crate) fn bytes(&self) -> Result<Bytes, Error> {
        match self {
            FileSource::Disk(path) => map(path)
                .map(Bytes::Mapped)
                .map_err(Error::io("read", path)),
            FileSource::Embedded { bytes, .. } => Ok(Bytes::Embedded(bytes)),
        }
    }
}

impl<P: AsRef<Path> + ?Sized> From<&P> for FileSource {
    fn from(path: &P) -> FileSource {
        FileSource::Disk(path.as_ref().to_owned())
    }
}

impl From<PathBuf> for FileSource {
    fn from(path: PathBuf) -> FileSource {
        FileSource::Disk(path)
    }
}

/// Without the bytes.
impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            FileSource::Disk(_) => "Disk",
            FileSource::Embedded { .. } => "Embedded",
        };
        f.debug_tuple(kind).field(&self.path()).finish()
    }
}
