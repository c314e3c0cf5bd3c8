//! What can go wrong with a network file.

use std::io;
use std::path::{Path, PathBuf};

/// Why a network file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused; the file may be fine.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done: `read`, `write` and so on.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The contents are not those of a network file, or contradict themselves.
    #[error("{file}: {place}: expected {expected}, found {found}")]
    Invalid {
        /// The file's path, or `network in memory`.
        file: String,
        /// Where in the file: `layer conv2`, `tensor fc8.weight` and so on.
        place: String,
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// An [`Error::Invalid`] that does not know its file yet.
#[derive(Debug)]
pub(crate) struct Fault {
    place: String,
    expected: String,
    found: String,
}

impl Fault {
    pub(crate) fn new(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Fault {
        Fault {
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(crate) fn of_tensor(
        name: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Fault {
        Fault::new(format!("tensor {name}"), expected, found)
    }

    /// Names the file; `None` stands for a network in memory.
    pub(crate) fn in_file(self, path: Option<&Path>) -> Error {
        Error::Invalid {
            file: path.map_or("network in memory".into(), |p| p.display().to_string()),
            place: self.place,
            expected: self.expected,
            found: self.found,
        }
    }
}
