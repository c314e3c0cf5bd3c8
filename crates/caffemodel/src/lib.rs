//! Reads the published weights of Caffe networks.
//!
//! `.caffemodel` files and `.prototxt` texts in all three versions of
//! caffe.proto give a [`Net`], already upgraded to the newest form, and the
//! [`Blob`]s of its layers; `synset_words.txt` gives the names of units. ONNX
//! files, PyTorch's `.pt` files and safetensors give named blobs alone, a
//! [`StateDict`]. Everything borrows from the bytes of the file: numbers are
//! decoded when they are asked for, a chunk at a time.

mod binary;
mod blob;
mod blob_proto;
mod error;
mod labels;
mod layer;
mod message;
mod net;
mod onnx;
mod parameters;
mod phase;
mod read;
mod safetensors;
mod schema;
mod state_dict;
mod text;
mod torch;
mod upgrade;
mod wire;

pub use blob::{Blob, Encoding};
pub use error::Error;
pub use labels::read_labels;
pub use net::{Input, Layer, Model, Net, Version};
pub use onnx::read_onnx;
pub use parameters::*;
pub use read::{read_caffemodel, read_mean, read_prototxt};
pub use safetensors::read_safetensors;
pub use state_dict::StateDict;
pub use torch::read_torch;

// The limits hold for every reader: structure is bounded, whatever a file says,
// and numbers stay where they are.

/// The most fields of structure (layers, names, parameters) of a file.
pub(crate) const MAX_FIELDS: usize = 200_000;
/// The longest string of a file's structure, in bytes.
pub(crate) const MAX_STRING: usize = 4_096;
/// How deep messages and values may be nested.
pub(crate) const MAX_DEPTH: usize = 64;
/// The most axes of a blob (blob.hpp, kMaxBlobAxes).
pub(crate) const MAX_AXES: usize = 32;
