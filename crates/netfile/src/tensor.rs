//! Tensors as they lie in a file, and as they are given to a writer.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::read::Bytes;

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

    /// Bytes per value.
    pub fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
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

/// One tensor of a file, which stays mapped as long as the value lives. Cheap to
/// clone.
#[derive(Clone)]
pub struct SharedTensor {
    file: Arc<Bytes>,
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

impl SharedTensor {
    pub(crate) fn new(
        file: Arc<Bytes>,
        dtype: Dtype,
        shape: Vec<usize>,
        range: Range<usize>,
    ) -> SharedTensor {
        SharedTensor {
            file,
            dtype,
            shape,
            range,
        }
    }

    /// The tensor itself.
    pub fn view(&self) -> Tensor<'_> {
        Tensor {
            dtype: self.dtype,
            shape: &self.shape,
            bytes: &self.file[self.range.clone()],
        }
    }
}

impl fmt::Debug for SharedTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.dtype, self.shape)
    }
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

/// A tensor that is to be written, of which no more needs to be in memory than
/// one chunk at a time.
pub trait TensorSource {
    /// Its name, e.g. `conv1.weight`.
    fn name(&self) -> &str;
    /// How its values will be stored.
    fn dtype(&self) -> Dtype;
    /// Its sizes, the slowest-varying first.
    fn shape(&self) -> &[usize];
    /// Hands over all values once, row-major, in chunks of any size. They are
    /// rounded to nearest, ties to even, when they are written.
    fn for_each_chunk(&self, take: &mut dyn FnMut(&[f32]));
}

impl TensorSource for TensorData {
    fn name(&self) -> &str {
        &self.name
    }

    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn for_each_chunk(&self, take: &mut dyn FnMut(&[f32])) {
        self.values.chunks(CHUNK).for_each(take);
    }
}

/// Values that are encoded at a time.
const CHUNK: usize = 1 << 16;

/// The bytes to store.
pub(crate) fn encode(dtype: Dtype, values: &[f32], bytes: &mut Vec<u8>) {
    match dtype {
        Dtype::F32 => store(values, bytes, |v| v.to_le_bytes()),
        Dtype::F16 => {
            // All at once is an instruction, one by one a call.
            let mut halves = vec![f16::ZERO; values.len()];
            halves.convert_from_f32_slice(values);
            store(&halves, bytes, |v| v.to_le_bytes());
        }
        Dtype::Bf16 => store(values, bytes, |&v| bf16::from_f32(v).to_le_bytes()),
    }
}

fn store<T, const N: usize>(values: &[T], bytes: &mut Vec<u8>, encode: impl Fn(&T) -> [u8; N]) {
    bytes.resize(values.len() * N, 0);
    for (word, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
        *word = encode(value);
    }
}
