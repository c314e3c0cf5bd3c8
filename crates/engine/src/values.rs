//! Floats on a device.

use std::sync::Arc;

use crate::Error;
use crate::cpu::Floats;
use crate::cuda::{Gpu, Memory};
use crate::memory::SMALLER_BATCH;

/// Floats, in main memory or on a CUDA device. Whoever runs on one of the two
/// finds its own there: everything of a network lies on the network's device.
#[derive(Debug)]
pub(crate) enum Values {
    Host(Floats),
    Cuda(Memory<f32>),
}

impl Values {
    /// `len` NaN in main memory.
    pub(crate) fn host(len: usize) -> Values {
        Values::Host(Floats::new(f32::NAN, len))
    }

    /// Room for `len` on a CUDA device.
    ///
    /// # Errors
    /// [`Error::Memory`] where it has not so much left, or `len` is more than
    /// kernels count.
    pub(crate) fn cuda(gpu: &Arc<Gpu>, len: usize) -> Result<Values, Error> {
        if i32::try_from(len).is_err() {
            return Err(Error::Memory {
                what: "running 2^31 values of one layer or more".into(),
                needed: len as u128 * 4,
                available: 4 << 31,
                remedy: SMALLER_BATCH,
            });
        }
        Ok(Values::Cuda(Memory::new(gpu, len)?))
    }

    /// Room for `len` on a CUDA device if there is one, else in main memory.
    ///
    /// # Errors
    /// As [`Values::cuda`].
    pub(crate) fn on(gpu: Option<&Arc<Gpu>>, len: usize) -> Result<Values, Error> {
        gpu.map_or_else(|| Ok(Values::host(len)), |gpu| Values::cuda(gpu, len))
    }

    pub(crate) fn floats(&self) -> &[f32] {
        match self {
            Values::Host(floats) => floats,
            Values::Cuda(_) => unreachable!("the CPU reads what is in main memory"),
        }
    }

    pub(crate) fn floats_mut(&mut self) -> &mut [f32] {
        match self {
            Values::Host(floats) => floats,
            Values::Cuda(_) => unreachable!("the CPU writes what is in main memory"),
        }
    }

    pub(crate) fn memory(&self) -> &Memory<f32> {
        match self {
            Values::Cuda(memory) => memory,
            Values::Host(_) => unreachable!("kernels read what is on their device"),
        }
    }

    pub(crate) fn memory_mut(&mut self) -> &mut Memory<f32> {
        match self {
            Values::Cuda(memory) => memory,
            Values::Host(_) => unreachable!("kernels write what is on their device"),
        }
    }
}
