//! Accepted samples as they lie in a file.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Samples as they lie in a file: one row per sample in each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Samples {
    /// `[n, d]`.
    pub codes: Vec<f32>,
    /// `[n, c, h, w]`.
    pub images: Vec<u8>,
    /// `[n, neurons]`, of the rounded images.
    pub activations: Vec<f32>,
    /// `[n, e]`.
    pub encodings: Vec<f32>,
}

/// Sizes of one sample in [`Samples`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub code: usize,
    /// `[c, h, w]`.
    pub image: [usize; 3],
    pub neurons: usize,
    pub encoding: usize,
}

impl Samples {
    /// Number of samples.
    pub(crate) fn len(&self, sizes: Sizes) -> usize {
        self.activations.len() / sizes.neurons
    }

    pub(crate) fn append(&mut self, mut other: Samples) {
        self.codes.append(&mut other.codes);
        self.images.append(&mut other.images);
        self.activations.append(&mut other.activations);
        self.encodings.append(&mut other.encodings);
    }

    /// A safetensors file of them.
    pub(crate) fn to_bytes(
        &self,
        sizes: Sizes,
        metadata: Option<HashMap<String, String>>,
    ) -> Vec<u8> {
        let n = self.len(sizes);
        let [c, h, w] = sizes.image;
        let view = |dtype, shape: &[usize], bytes| {
            TensorView::new(dtype, shape.to_vec(), bytes).expect("rows of the stated sizes")
        };
        let codes = bytemuck::cast_slice(&self.codes);
        let activations = bytemuck::cast_slice(&self.activations);
        let encodings = bytemuck::cast_slice(&self.encodings);
        let tensors = [
            ("codes", view(Dtype::F32, &[n, sizes.code], codes)),
            ("images", view(Dtype::U8, &[n, c, h, w], &self.images)),
            (
                "activations",
                view(Dtype::F32, &[n, sizes.neurons], activations),
            ),
            (
                "encodings",
                view(Dtype::F32, &[n, sizes.encoding], encodings),
            ),
        ];
        safetensors::serialize(tensors, metadata).expect("names are distinct")
    }

    /// Reads what [`Samples::to_bytes`] made; the error says what is damaged.
    pub(crate) fn from_bytes(bytes: &[u8], sizes: Sizes) -> Result<Samples, String> {
        let damaged = |cause: &dyn std::fmt::Display| {
            format!("is damaged ({cause}); remove the run directory and sample again")
        };
        let file = SafeTensors::deserialize(bytes).map_err(|cause| damaged(&cause))?;
        let rows = |name: &str, row: usize, dtype: Dtype| -> Result<&[u8], String> {
            let tensor = file.tensor(name).map_err(|cause| damaged(&cause))?;
            let len: usize = tensor.shape().iter().skip(1).product();
            if tensor.dtype() != dtype || len != row {
                return Err(damaged(&format!("{name} of another shape")));
            }
            Ok(tensor.data())
        };
        let [c, h, w] = sizes.image;
        let samples = Samples {
            codes: floats(rows("codes", sizes.code, Dtype::F32)?),
            images: rows("images", c * h * w, Dtype::U8)?.to_vec(),
            activations: floats(rows("activations", sizes.neurons, Dtype::F32)?),
            encodings: floats(rows("encodings", sizes.encoding, Dtype::F32)?),
        };
        let n = samples.len(sizes);
        let whole = samples.codes.len() == n * sizes.code
            && samples.images.len() == n * c * h * w
            && samples.encodings.len() == n * sizes.encoding;
        match whole {
            true => Ok(samples),
            false => Err(damaged(&"tensors of different lengths")),
        }
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}
