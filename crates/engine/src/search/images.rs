//! Images as they are stored.

use std::sync::Arc;

use kernels::rounding::RoundImages;

use crate::cuda::{Gpu, Memory, blocks, int};
use crate::{Buffer, Device, Error, Shape};

/// Rounds images to 8 bits.
#[derive(Debug)]
pub struct Images {
    gpu: Arc<Gpu>,
    channels: usize,
    positions: usize,
    bytes: Memory<u8>,
    rounded: Buffer,
}

impl Images {
    /// For batches of at most `batch` images, `[c, h, w]` = `shape`.
    ///
    /// # Errors
    /// [`Error::NoCuda`] where the device is no CUDA device, [`Error::Memory`]
    /// where it has no room.
    pub fn new(device: &Device, batch: usize, shape: &Shape) -> Result<Images, Error> {
        let gpu = super::gpu(device)?;
        let [channels, positions] = shape.layout();
        Ok(Images {
            gpu: Arc::clone(gpu),
            channels,
            positions,
            bytes: Memory::new(gpu, batch * shape.len())?,
            rounded: device.buffer(batch, shape)?,
        })
    }

    /// The first `n` images rounded to 8 bits; `bytes` is overwritten with them,
    /// `[n, c, h, w]`.
    ///
    /// # Errors
    /// [`Error::Cuda`] with whatever went wrong on the device before.
    pub fn round(
        &mut self,
        images: &Buffer,
        n: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<&Buffer, Error> {
        let kernel = RoundImages {
            images: images.input(),
            bytes: self.bytes.output(),
            rounded: self.rounded.output(),
            channels: int(self.channels),
            positions: int(self.positions),
            n: int(n),
        };
        let positions = n * self.positions;
        self.gpu.launch(blocks(positions, 256), &kernel);
        bytes.resize(positions * self.channels, 0);
        self.bytes.download(bytes)?;
        Ok(&self.rounded)
    }
}
