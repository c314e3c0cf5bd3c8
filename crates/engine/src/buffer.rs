//! Values of a batch of samples on a device.

/// One activation or gradient for a batch: `batch` samples of `sample_len`
/// values each, one after the other.
#[derive(Clone, Debug)]
pub struct Buffer {
    values: Vec<f32>,
    sample_len: usize,
}

impl Buffer {
    /// Room for `batch` samples. Filled with NaN, so that what is read before
    /// it was written is seen.
    pub fn new(batch: usize, sample_len: usize) -> Buffer {
        Buffer {
            values: vec![f32::NAN; batch * sample_len],
            sample_len,
        }
    }

    /// Number of values of one sample.
    pub fn sample_len(&self) -> usize {
        self.sample_len
    }

    /// The first `n` samples.
    pub fn samples(&self, n: usize) -> &[f32] {
        &self.values[..n * self.sample_len]
    }

    /// The first `n` samples, to be written.
    pub fn samples_mut(&mut self, n: usize) -> &mut [f32] {
        &mut self.values[..n * self.sample_len]
    }
}
