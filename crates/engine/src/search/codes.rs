//! Moving codes.

use std::sync::Arc;

use kernels::codes::{Approach, Descend};

use crate::cuda::{Gpu, Memory, blocks, int};
use crate::{Buffer, Device, Error};

/// Moves codes inside their box.
#[derive(Debug)]
pub struct Codes {
    gpu: Arc<Gpu>,
    lower: Memory<f32>,
    upper: Memory<f32>,
    /// Of each row, what a call moves it by.
    shares: Memory<f32>,
    strides: Memory<f32>,
    aside: Memory<f32>,
}

impl Codes {
    /// For batches of at most `batch` codes between the bounds, one of each per
    /// number of a code.
    ///
    /// # Errors
    /// [`Error::NoCuda`] where the device is no CUDA device, [`Error::Memory`]
    /// where it has no room.
    pub fn new(
        device: &Device,
        batch: usize,
        lower: &[f32],
        upper: &[f32],
    ) -> Result<Codes, Error> {
        let gpu = super::gpu(device)?;
        Ok(Codes {
            gpu: Arc::clone(gpu),
            lower: Memory::of(gpu, lower)?,
            upper: Memory::of(gpu, upper)?,
            shares: Memory::new(gpu, batch)?,
            strides: Memory::new(gpu, 2 * batch)?,
            aside: Memory::new(gpu, lower.len())?,
        })
    }

    /// Exchanges two rows.
    pub fn swap(&mut self, codes: &mut Buffer, a: usize, b: usize) {
        let d = self.lower.len();
        let codes = codes.memory_mut();
        self.aside.copy(0, codes, a * d, d);
        codes.move_within(a * d, b * d, d);
        codes.copy(b * d, &self.aside, 0, d);
    }

    /// Moves each row of `codes` by its share of the way to the same row of
    /// `own`, and clips it.
    pub fn approach(&mut self, codes: &mut Buffer, own: &Buffer, shares: &[f32]) {
        self.shares.upload(shares);
        let (n, d) = (shares.len(), self.lower.len());
        let kernel = Approach {
            codes: codes.output(),
            own: own.input(),
            shares: self.shares.input(),
            lower: self.lower.input(),
            upper: self.upper.input(),
            d: int(d),
            n: int(n),
        };
        self.gpu.launch(blocks(n * d, 256), &kernel);
    }

    /// Moves each row of `codes` along its negative gradient by `min(gap /
    /// |gradient|, longest)`, given as `[gap, longest]`, and clips it. What
    /// would push a code out through a bound that it lies on is left out of the
    /// gradient first. A row whose gradient is zero or not finite rests.
    pub fn descend(&mut self, codes: &mut Buffer, d_codes: &Buffer, strides: &[[f32; 2]]) {
        self.strides.upload(strides.as_flattened());
        let kernel = Descend {
            codes: codes.output(),
            d_codes: d_codes.input(),
            strides: self.strides.input(),
            lower: self.lower.input(),
            upper: self.upper.input(),
            d: int(self.lower.len()),
            n: int(strides.len()),
        };
        self.gpu.launch([kernel.n.unsigned_abs(), 1, 1], &kernel);
    }
}
