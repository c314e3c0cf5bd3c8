//! What can go wrong.

use std::path::{Path, PathBuf};

/// Why an inverse set cannot be sampled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request that cannot be carried out as it was made: an unknown layer,
    /// unit or label, an impossible range, networks that do not fit together.
    #[error("{0}")]
    Request(String),
    /// The range cannot be reached.
    #[error(
        "reaching {neuron} in [{lo}, {hi}]: the values reached lie in [{least:.4}, {greatest:.4}] after {evaluations} evaluations; try a range inside of that"
    )]
    Unreachable {
        /// The neuron, as it was resolved.
        neuron: String,
        /// Lower end of the range.
        lo: f64,
        /// Upper end of the range.
        hi: f64,
        /// Least value reached.
        least: f64,
        /// Greatest value reached.
        greatest: f64,
        /// Evaluations spent.
        evaluations: f64,
    },
    /// Each neuron alone may reach its range, but no image had all of them in
    /// range.
    #[error(
        "reaching all ranges at once: no image did in {evaluations} evaluations; with {inside} in range, {outside}; nearest to all ranges came {nearest}; widen a range"
    )]
    NotTogether {
        /// Neurons of the image with the most in range, and their values.
        inside: String,
        /// Neurons of that image that were not, their values and ranges.
        outside: String,
        /// The values of the image that was nearest to all ranges.
        nearest: String,
        /// Evaluations spent.
        evaluations: f64,
    },
    /// The sampler gave up for another reason; what was accepted is kept.
    #[error("sampling: {0}")]
    Sampler(String),
    /// The work was stopped from outside, see [`crate::Flow`]; it goes on from
    /// there when it is begun again.
    #[error("stopped with {done} of {of} {what}; all that was accepted is saved")]
    Stopped {
        /// How many are done.
        done: usize,
        /// How many were asked for.
        of: usize,
        /// Of what: `samples`, `levels` or `neurons`.
        what: &'static str,
    },
    /// A run directory cannot be used.
    #[error("{path}: {cause}", path = path.display())]
    Directory {
        /// The directory or the file in it.
        path: PathBuf,
        /// What is wrong with it and what to try.
        cause: String,
    },
    /// A file cannot be written or read.
    #[error("{doing} {path}: {cause}", path = path.display())]
    Io {
        /// What was being done, e.g. `writing`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A network file cannot be read or is damaged.
    #[error(transparent)]
    File(#[from] netfile::Error),
    /// A network's weights do not fit its graph, or the machine.
    #[error("opening {path}: {cause}", path = path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: engine::Error,
    },
    /// The buffers for a batch do not fit into memory.
    #[error("{doing}: {cause}")]
    Memory {
        /// What was being done.
        doing: &'static str,
        /// What does not fit, and what to try.
        cause: engine::Error,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] engine::Error),
}

impl Error {
    /// The same for work that has this run as a part.
    pub(crate) fn within(self, done: usize, of: usize, what: &'static str) -> Error {
        match self {
            Error::Stopped { .. } => Error::Stopped { done, of, what },
            other => other,
        }
    }

    /// Whether a failure is one of the range that was asked for, so that other
    /// ranges can still be sampled.
    pub(crate) fn is_miss(&self) -> bool {
        matches!(
            self,
            Error::Unreachable { .. } | Error::NotTogether { .. } | Error::Sampler(_)
        )
    }

    /// Networks that do not fit together, that do not fit into memory, or whose
    /// device failed.
    pub(crate) fn from_engine(doing: &'static str, cause: engine::Error) -> Error {
        match cause {
            engine::Error::Memory { .. } => Error::Memory { doing, cause },
            engine::Error::Cuda { .. } => Error::Device(cause),
            other => Error::Request(format!("{doing}: {other}")),
        }
    }

    /// A file could not be read; says what the system said.
    pub(crate) fn from_read(path: &Path, cause: netfile::Error) -> Error {
        Error::from_file("reading", path, cause)
    }

    /// A file or a folder could not be used.
    pub(crate) fn io(doing: &'static str, path: &Path, cause: std::io::Error) -> Error {
        Error::Io {
            doing,
            path: path.to_owned(),
            cause,
        }
    }

    /// A picture could not be encoded, which was to be written to `path`.
    pub(crate) fn from_encode(path: &Path, cause: image::ImageError) -> Error {
        Error::io("encoding", path, std::io::Error::other(cause))
    }

    /// A folder could not be made; says which, and what the system said.
    pub(crate) fn from_make(cause: netfile::Error) -> Error {
        match cause {
            netfile::Error::Io { path, source, .. } => Error::Io {
                doing: "making",
                path,
                cause: source,
            },
            other => Error::File(other),
        }
    }

    /// A file could not be written; says what the system said.
    pub(crate) fn from_write(path: &Path, cause: netfile::Error) -> Error {
        Error::from_file("writing", path, cause)
    }

    fn from_file(doing: &'static str, path: &Path, cause: netfile::Error) -> Error {
        let cause = match cause {
            netfile::Error::Io { source, .. } => source,
            other => std::io::Error::other(other),
        };
        Error::io(doing, path, cause)
    }
}
