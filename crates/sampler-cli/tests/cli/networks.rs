//! The tiny pair, whole and spoilt.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// The folder of this repository's pairs.
pub(crate) fn weights() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights")
}

/// A file of the tiny pair, `classifier` or `generator`.
pub(crate) fn tiny(part: &str) -> PathBuf {
    weights()
        .join("tiny")
        .join(part)
        .with_extension("safetensors")
}

/// A tensor that can be spoilt.
pub(crate) struct Stored {
    pub(crate) name: String,
    dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// Copies a network file with its description and tensors changed, unchecked.
pub(crate) fn spoil(from: &Path, to: &Path, change: impl Fn(&mut String, &mut Vec<Stored>)) {
    let bytes = fs::read(from).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let stored = |(name, tensor): (String, TensorView<'_>)| Stored {
        name,
        dtype: tensor.dtype(),
        shape: tensor.shape().to_vec(),
        bytes: tensor.data().to_vec(),
    };
    let mut tensors: Vec<Stored> = file.tensors().into_iter().map(stored).collect();
    change(metadata.get_mut("network").unwrap(), &mut tensors);
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).unwrap();
        (tensor.name.as_str(), view)
    });
    fs::write(to, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}
