//! What can go wrong.

/// Why a network cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer does not fit its inputs.
    #[error("layer {layer} ({op}): expected {expected}, found {found}")]
    Shape {
        /// The layer's name.
        layer: String,
        /// Its op, as it is written in the network file.
        op: &'static str,
        /// What the op needs.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// A layer's weights are missing or of the wrong shape.
    #[error("tensor {tensor}: expected shape {expected}, found {found}")]
    Weights {
        /// The tensor's name, `<layer>.<suffix>`.
        tensor: String,
        /// The shape that the graph asks for.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// Something needs more memory than there is.
    #[error("{what}: needs {needed} bytes, but {available} bytes are available; {remedy}")]
    Memory {
        /// What was to be done.
        what: String,
        /// Bytes needed; `u128::MAX` when the number overflows.
        needed: u128,
        /// Bytes that the machine or the device has left.
        available: u128,
        /// What to try.
        remedy: &'static str,
    },
    /// The worker threads cannot be started.
    #[error("starting {threads} worker threads: {cause}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        cause: String,
    },
    /// There is no CUDA device to run on.
    #[error("looking for a CUDA device: {reason}; run with --device cpu")]
    NoCuda {
        /// Why, in a few words.
        reason: String,
    },
    /// The CUDA device failed. It is of no use any more.
    #[error("running on {device}: {cause}; the device is lost to this run, start it again")]
    Cuda {
        /// The device's name and number.
        device: String,
        /// What was being done, and what the driver said.
        cause: String,
    },
    /// The network file cannot be read.
    #[error(transparent)]
    File(#[from] netfile::Error),
}
