//! The network file: one safetensors file that holds a whole network.
//!
//! Weights are tensors named `<layer>.weight`, `<layer>.bias` and so on in
//! Caffe's and PyTorch's layout; the graph and everything else that a user of
//! the network needs to know is one JSON document, [`Description`], under the
//! metadata key [`METADATA_KEY`].
//!
//! [`NetworkFile`] reads and validates such a file, [`write()`] makes one. What
//! can be told without computing is checked here; whether the weights fit the
//! layers is known to whoever knows the layers' shapes, the engine.

pub mod disk;
mod error;
mod graph;
mod read;
mod replace;
mod schema;
mod source;
mod tables;
mod tensor;
mod write;

pub use error::Error;
pub use read::{NetworkFile, map_file};
pub use replace::{Trouble, is_leftover, replace_file, replace_with};
pub use schema::*;
pub use source::FileSource;
pub use tensor::{Dtype, SharedTensor, Tensor, TensorData, TensorSource};
pub use write::{sha256, to_bytes, write};

/// The safetensors metadata key that holds the [`Description`] as JSON.
pub const METADATA_KEY: &str = "network";

/// The version of [`Description`] that this crate reads and writes.
pub const VERSION: u32 = 1;
