//! Weights on a CUDA device, of the type that their file holds.

use std::sync::Arc;

use bytemuck::Pod;
use netfile::{Dtype, Tensor};
use rayon::prelude::*;

use super::{Gpu, Memory};
use crate::Error;

/// Bits of f32, f16 or bf16.
#[derive(Debug)]
pub(crate) enum Weights {
    F32(Memory<f32>),
    F16(Memory<u16>),
    Bf16(Memory<u16>),
}

impl Weights {
    /// `len` weights: the tensor's value `place(i)`, or zero, at `i`.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no room for them.
    pub(crate) fn arranged(
        gpu: &Arc<Gpu>,
        tensor: Tensor<'_>,
        len: usize,
        place: impl Fn(usize) -> Option<usize> + Sync,
    ) -> Result<Weights, Error> {
        Ok(match tensor.dtype {
            Dtype::F32 => Weights::F32(arranged(gpu, tensor.bytes, len, place)?),
            Dtype::F16 => Weights::F16(arranged(gpu, tensor.bytes, len, place)?),
            Dtype::Bf16 => Weights::Bf16(arranged(gpu, tensor.bytes, len, place)?),
        })
    }
}

fn arranged<T: Pod + Send>(
    gpu: &Arc<Gpu>,
    bytes: &[u8],
    len: usize,
    place: impl Fn(usize) -> Option<usize> + Sync,
) -> Result<Memory<T>, Error> {
    let size = size_of::<T>();
    let value = |i| match place(i) {
        Some(at) => bytemuck::pod_read_unaligned(&bytes[at * size..][..size]),
        None => T::zeroed(),
    };
    let values: Vec<T> = (0..len).into_par_iter().map(value).collect();
    Memory::of(gpu, &values)
}

/// Launches the kernel of a weight's type; the three take the same arguments.
macro_rules! launch_with {
    ($gpu:expr, $grid:expr, $weights:expr, [$f32:ident, $f16:ident, $bf16:ident], { $($fields:tt)* }) => {
        match $weights {
            $crate::cuda::Weights::F32(w) => $gpu.launch($grid, &$f32 { w: w.input(), $($fields)* }),
            $crate::cuda::Weights::F16(w) => $gpu.launch($grid, &$f16 { w: w.input(), $($fields)* }),
            $crate::cuda::Weights::Bf16(w) => $gpu.launch($grid, &$bf16 { w: w.input(), $($fields)* }),
        }
    };
}
pub(super) use launch_with;
