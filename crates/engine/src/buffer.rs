//! Values of a batch of samples on a device.

use std::sync::Arc;

use kernels::moves::{Reorder, ReorderValues};
use kernels::pointwise::{Add, Fill};
use kernels::{In, Out};

use crate::cuda::{self, Gpu, Memory};
use crate::values::Values;
use crate::{Error, Shape};

/// One activation or gradient for a batch, samples one after the other.
///
/// Planes, of shape `[c, h, w]`, are *stored* channels-last: all channels of a
/// pixel lie side by side. Everything else is stored in row-major order.
/// [`Buffer::read`], [`Buffer::write`] and [`Buffer::add`] speak row-major,
/// as files and people do.
#[derive(Debug)]
pub struct Buffer {
    values: Values,
    channels: usize,
    /// Positions of a plane.
    positions: usize,
}

impl Buffer {
    /// Room for `batch` samples in main memory. Filled with NaN, so that what is
    /// read before it was written is seen.
    pub fn new(batch: usize, shape: &Shape) -> Buffer {
        let [channels, positions] = shape.layout();
        Buffer {
            values: Values::host(batch * channels * positions),
            channels,
            positions,
        }
    }

    pub(crate) fn on(gpu: &Arc<Gpu>, batch: usize, shape: &Shape) -> Result<Buffer, Error> {
        let [channels, positions] = shape.layout();
        Ok(Buffer {
            values: Values::cuda(gpu, batch * channels * positions)?,
            channels,
            positions,
        })
    }

    /// The same room for samples of another shape, as many as fit. What it held
    /// is forgotten.
    pub fn reshape(&mut self, shape: &Shape) {
        [self.channels, self.positions] = shape.layout();
    }

    /// Number of values of one sample.
    pub fn sample_len(&self) -> usize {
        self.channels * self.positions
    }

    /// The first `n` samples as they are stored, in main memory.
    pub(crate) fn stored(&self, n: usize) -> &[f32] {
        &self.values.floats()[..n * self.sample_len()]
    }

    /// The same, to be written.
    pub(crate) fn stored_mut(&mut self, n: usize) -> &mut [f32] {
        let len = n * self.sample_len();
        &mut self.values.floats_mut()[..len]
    }

    /// The values, to be read by a kernel.
    pub(crate) fn input(&self) -> In<'_, f32> {
        self.memory().input()
    }

    /// The values, to be written by a kernel.
    pub(crate) fn output(&mut self) -> Out<'_, f32> {
        self.values.memory_mut().output()
    }

    /// The CUDA device that the values lie on, if they do.
    pub(crate) fn gpu(&self) -> Option<&Arc<Gpu>> {
        match &self.values {
            Values::Host(_) => None,
            Values::Cuda(memory) => Some(memory.gpu()),
        }
    }

    /// The memory of a CUDA device that the values lie in.
    pub(crate) fn memory(&self) -> &Memory<f32> {
        self.values.memory()
    }

    /// The same, to be written.
    pub(crate) fn memory_mut(&mut self) -> &mut Memory<f32> {
        self.values.memory_mut()
    }

    /// The first `n` samples in row-major order, `[n, c, h, w]` or `[n, units]`.
    ///
    /// # Errors
    /// [`Error::Cuda`] with whatever went wrong on a CUDA device before.
    pub fn read(&self, n: usize) -> Result<Vec<f32>, Error> {
        let mut values = Vec::new();
        self.read_into(n, &mut values)?;
        Ok(values)
    }

    /// The same in a vector that is there already, instead of what it held.
    ///
    /// # Errors
    /// As [`Buffer::read`].
    pub fn read_into(&self, n: usize, values: &mut Vec<f32>) -> Result<(), Error> {
        let len = n * self.sample_len();
        values.resize(len, 0.0);
        match &self.values {
            Values::Host(stored) => self.unstore(&stored[..len], values),
            Values::Cuda(memory) if self.is_row_major() => memory.download(values)?,
            Values::Cuda(memory) => {
                let mut stored = vec![0.0; len];
                memory.download(&mut stored)?;
                self.unstore(&stored, values);
            }
        }
        Ok(())
    }

    /// Brings samples from the order in which they are stored into row-major
    /// order.
    fn unstore(&self, stored: &[f32], values: &mut [f32]) {
        if self.is_row_major() {
            return values.copy_from_slice(stored);
        }
        let samples = values.chunks_exact_mut(self.sample_len());
        for (planes, stored) in samples.zip(stored.chunks_exact(self.sample_len())) {
            for (p, pixel) in stored.chunks_exact(self.channels).enumerate() {
                for (c, &value) in pixel.iter().enumerate() {
                    planes[c * self.positions + p] = value;
                }
            }
        }
    }

    /// Overwrites the first `n` samples with values in row-major order,
    /// `[n, c, h, w]` or `[n, units]`.
    ///
    /// # Panics
    /// Where these are not the values of `n` samples, or `n` is beyond the
    /// batch.
    pub fn write(&mut self, n: usize, values: &[f32]) {
        assert_eq!(values.len(), n * self.sample_len(), "values of {n} samples");
        let (channels, positions, row_major) = (self.channels, self.positions, self.is_row_major());
        let mut ordered = Vec::new();
        match &mut self.values {
            Values::Host(stored) if row_major => stored[..values.len()].copy_from_slice(values),
            Values::Host(stored) => store(values, channels, positions, stored),
            Values::Cuda(memory) if row_major => memory.upload(values),
            Values::Cuda(memory) => {
                ordered.resize(values.len(), 0.0);
                store(values, channels, positions, &mut ordered);
                memory.upload(&ordered);
            }
        }
    }

    /// Overwrites every value of the first `n` samples.
    pub fn fill(&mut self, n: usize, value: f32) {
        let len = n * self.sample_len();
        match &mut self.values {
            Values::Host(values) => values[..len].fill(value),
            Values::Cuda(memory) => {
                let (gpu, len) = (Arc::clone(memory.gpu()), cuda::int(len));
                let y = memory.output();
                gpu.launch(cuda::blocks(len as usize, 256), &Fill { y, value, len });
            }
        }
    }

    /// Overwrites the first `n` samples with those of another buffer on the same
    /// device, of as many values; each keeps its number in row-major order.
    ///
    /// # Panics
    /// Where the samples are of another size.
    pub fn copy(&mut self, n: usize, from: &Buffer) {
        let len = n * self.sample_len();
        assert_eq!(len, n * from.sample_len(), "samples of the same size");
        let same = self.channels == from.channels || self.is_row_major() && from.is_row_major();
        let to_layout = [self.channels, self.positions];
        match &mut self.values {
            Values::Host(values) if same => values[..len].copy_from_slice(from.stored(n)),
            Values::Host(_) => {
                let mut ordered = vec![0.0; len];
                from.unstore(from.stored(n), &mut ordered);
                self.write(n, &ordered);
            }
            Values::Cuda(memory) if same => memory.copy(0, from.memory(), 0, len),
            Values::Cuda(memory) => {
                let gpu = Arc::clone(memory.gpu());
                let [from_channels, from_positions] =
                    [from.channels, from.positions].map(cuda::int);
                let [to_channels, to_positions] = to_layout.map(cuda::int);
                let kernel = ReorderValues {
                    from: from.input(),
                    to: memory.output(),
                    layouts: Reorder {
                        from_channels,
                        from_positions,
                        to_channels,
                        to_positions,
                    },
                    n: cuda::int(n),
                };
                gpu.launch(cuda::blocks(len, 256), &kernel);
            }
        }
    }

    /// Overwrites sample `i` of a buffer of vectors with `[units]`.
    ///
    /// # Panics
    /// Where the samples are planes, or the vector is of another length.
    pub fn write_sample(&mut self, i: usize, values: &[f32]) {
        assert!(self.is_row_major() && values.len() == self.sample_len());
        let at = i * values.len();
        match &mut self.values {
            Values::Host(stored) => stored[at..at + values.len()].copy_from_slice(values),
            Values::Cuda(memory) => memory.upload_at(at, values),
        }
    }

    /// Reads sample `i` of a buffer of vectors, `[units]`.
    ///
    /// # Errors
    /// As [`Buffer::read`].
    ///
    /// # Panics
    /// Where the samples are planes.
    pub fn read_sample(&self, i: usize) -> Result<Vec<f32>, Error> {
        assert!(self.is_row_major());
        let len = self.sample_len();
        match &self.values {
            Values::Host(stored) => Ok(stored[i * len..(i + 1) * len].to_vec()),
            Values::Cuda(memory) => {
                let mut values = vec![0.0; len];
                memory.download_at(i * len, &mut values)?;
                Ok(values)
            }
        }
    }

    /// Tells buffers apart for as long as they live.
    pub fn id(&self) -> usize {
        match &self.values {
            Values::Host(values) => values.as_ptr() as usize,
            Values::Cuda(memory) => memory.address() as usize,
        }
    }

    /// Adds the first `n` samples of another buffer of the same shape on the
    /// same device.
    pub fn add(&mut self, n: usize, terms: &Buffer) {
        let len = n * self.sample_len();
        match &mut self.values {
            Values::Host(values) => {
                for (sum, term) in values[..len].iter_mut().zip(terms.stored(n)) {
                    *sum += term;
                }
            }
            Values::Cuda(memory) => {
                let gpu = Arc::clone(memory.gpu());
                let add = Add {
                    sum: memory.output(),
                    terms: terms.input(),
                    len: cuda::int(len),
                };
                gpu.launch(cuda::blocks(len, 256), &add);
            }
        }
    }

    /// Whether both orders are the same.
    fn is_row_major(&self) -> bool {
        self.channels == 1 || self.positions == 1
    }
}

/// Brings samples from row-major order into that in which planes are stored.
fn store(values: &[f32], channels: usize, positions: usize, stored: &mut [f32]) {
    let len = channels * positions;
    for (planes, stored) in values.chunks_exact(len).zip(stored.chunks_exact_mut(len)) {
        for (p, pixel) in stored.chunks_exact_mut(channels).enumerate() {
            for (c, stored) in pixel.iter_mut().enumerate() {
                *stored = planes[c * positions + p];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_stored_channels_last() {
        let shape = Shape::new(&[2, 1, 3]).unwrap();
        let mut buffer = Buffer::new(2, &shape);
        let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
        buffer.write(2, &values);
        assert_eq!(buffer.stored(1), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(buffer.read(2).unwrap(), values);
        let mut terms = Buffer::new(1, &shape);
        terms.write(1, &values[..6]);
        buffer.add(1, &terms);
        assert_eq!(buffer.read(1).unwrap(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(buffer.read(2).unwrap()[6..], values[6..]);
    }

    #[test]
    fn all_else_is_stored_as_it_is_written() {
        for dims in [&[6][..], &[6, 1, 1], &[1, 2, 3], &[2, 3]] {
            let mut buffer = Buffer::new(1, &Shape::new(dims).unwrap());
            buffer.write(1, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            assert_eq!(buffer.stored(1), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        }
    }
}
