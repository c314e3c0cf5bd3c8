//! Tensors as they lie in a file, and as they are given to a writer.

use half::{bf16, f16};

use crate::error::Fault;

/// How the values of a tensor are stored, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of a single.
    Bf16,
}

impl Dtype {
    /// The stored types that a network may have; `None` for all others.
    pub(crate) fn from_stored(stored: safetensors::Dtype) -> Option<Dtype> {
        match stored {
            safetensors::Dtype::F32 => Some(Dtype::F32),
            safetensors::Dtype::F16 => Some(Dtype::F16),
            safetensors::Dtype::BF16 => Some(Dtype::Bf16),
            _ => None,
        }
    }

    pub(crate) fn stored(self) -> safetensors::Dtype {
        match self {
            Dtype::F32 => safetensors::Dtype::F32,
            Dtype::F16 => safetensors::Dtype::F16,
            Dtype::Bf16 => safetensors::Dtype::BF16,
        }
    }
}

/// One tensor of a file, not copied.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// How its values are stored.
    pub dtype: Dtype,
    /// Its sizes, the slowest-varying first.
    pub shape: &'a [usize],
    /// Its values, row-major and little endian, at no particular alignment.
    pub bytes: &'a [u8],
}

impl Tensor<'_> {
    /// The values, widened to single precision, which loses nothing.
    pub fn to_floats(&self) -> Vec<f32> {
        match self.dtype {
            Dtype::F32 => words(self.bytes).map(f32::from_le_bytes).collect(),
            Dtype::F16 => words(self.bytes)
                .map(|b| f16::from_le_bytes(b).to_f32())
                .collect(),
            Dtype::Bf16 => words(self.bytes)
                .map(|b| bf16::from_le_bytes(b).to_f32())
                .collect(),
        }
    }

    /// Index of the first value that is infinite or not a number.
    pub(crate) fn first_non_finite(&self) -> Option<usize> {
        match self.dtype {
            Dtype::F32 => words(self.bytes).position(|b| !f32::from_le_bytes(b).is_finite()),
            Dtype::F16 => words(self.bytes).position(|b| !f16::from_le_bytes(b).is_finite()),
            Dtype::Bf16 => words(self.bytes).position(|b| !bf16::from_le_bytes(b).is_finite()),
        }
    }
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// One tensor for a file that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorData {
    /// Its name, e.g. `conv1.weight`.
    pub name: String,
    /// How its values will be stored.
    pub dtype: Dtype,
    /// Its sizes, the slowest-varying first.
    pub shape: Vec<usize>,
    /// Its values, row-major; rounded to `dtype` when they are written.
    pub values: Vec<f32>,
}

impl TensorData {
    /// The bytes to store: `values` rounded to nearest, ties to even.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Fault> {
        let size = self
            .shape
            .iter()
            .try_fold(1_usize, |n, &d| n.checked_mul(d));
        if size != Some(self.values.len()) {
            return Err(Fault::of_tensor(
                &self.name,
                format!("as many values as its shape {:?} holds", self.shape),
                format!("{} values", self.values.len()),
            ));
        }
        let values = self.values.iter();
        Ok(match self.dtype {
            Dtype::F32 => values.flat_map(|v| v.to_le_bytes()).collect(),
            Dtype::F16 => values
                .flat_map(|&v| f16::from_f32(v).to_le_bytes())
                .collect(),
            Dtype::Bf16 => values
                .flat_map(|&v| bf16::from_f32(v).to_le_bytes())
                .collect(),
        })
    }
}
