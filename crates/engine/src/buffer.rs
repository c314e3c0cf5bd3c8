//! Values of a batch of samples on a device.

use crate::Shape;
use crate::cpu::Floats;

/// One activation or gradient for a batch, samples one after the other.
///
/// Planes, of shape `[c, h, w]`, are *stored* channels-last: all channels of a
/// pixel lie side by side. Everything else is stored in row-major order.
/// [`Buffer::read`], [`Buffer::write`] and [`Buffer::add`] speak row-major,
/// as files and people do.
#[derive(Clone, Debug)]
pub struct Buffer {
    values: Floats,
    channels: usize,
    /// Positions of a plane.
    positions: usize,
}

impl Buffer {
    /// Room for `batch` samples. Filled with NaN, so that what is read before
    /// it was written is seen.
    pub fn new(batch: usize, shape: &Shape) -> Buffer {
        let [channels, positions] = shape.layout();
        Buffer {
            values: Floats::new(f32::NAN, batch * channels * positions),
            channels,
            positions,
        }
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

    /// The first `n` samples as they are stored.
    pub fn stored(&self, n: usize) -> &[f32] {
        &self.values[..n * self.sample_len()]
    }

    /// The first `n` samples as they are stored, to be written.
    pub fn stored_mut(&mut self, n: usize) -> &mut [f32] {
        let len = n * self.sample_len();
        &mut self.values[..len]
    }

    /// The first `n` samples in row-major order.
    pub fn read(&self, n: usize) -> Vec<f32> {
        let mut values = Vec::new();
        self.read_into(n, &mut values);
        values
    }

    /// The same in a vector that is there already, instead of what it held.
    pub fn read_into(&self, n: usize, values: &mut Vec<f32>) {
        let stored = self.stored(n);
        values.clear();
        if self.is_row_major() {
            return values.extend_from_slice(stored);
        }
        values.resize(stored.len(), 0.0);
        let samples = values.chunks_exact_mut(self.sample_len());
        for (planes, stored) in samples.zip(stored.chunks_exact(self.sample_len())) {
            transpose(stored, self.channels, |c, p, value| {
                planes[c * self.positions + p] = value;
            });
        }
    }

    /// Overwrites the first `n` samples with values in row-major order.
    pub fn write(&mut self, n: usize, values: &[f32]) {
        self.merge(n, values, |_, value| value);
    }

    /// Adds values in row-major order to the first `n` samples.
    pub fn add(&mut self, n: usize, values: &[f32]) {
        self.merge(n, values, |stored, value| stored + value);
    }

    fn merge(&mut self, n: usize, values: &[f32], f: impl Fn(f32, f32) -> f32) {
        let (len, channels, positions) = (self.sample_len(), self.channels, self.positions);
        let row_major = self.is_row_major();
        let stored = self.stored_mut(n);
        assert_eq!(stored.len(), values.len(), "values of {n} samples");
        if row_major {
            for (stored, &value) in stored.iter_mut().zip(values) {
                *stored = f(*stored, value);
            }
            return;
        }
        let samples = stored.chunks_exact_mut(len).zip(values.chunks_exact(len));
        for (stored, planes) in samples {
            for (p, pixel) in stored.chunks_exact_mut(channels).enumerate() {
                for (c, stored) in pixel.iter_mut().enumerate() {
                    *stored = f(*stored, planes[c * positions + p]);
                }
            }
        }
    }

    /// Whether both orders are the same.
    fn is_row_major(&self) -> bool {
        self.channels == 1 || self.positions == 1
    }
}

/// Visits every value of a sample that is stored channels-last: channel,
/// position, value.
fn transpose(stored: &[f32], channels: usize, mut visit: impl FnMut(usize, usize, f32)) {
    for (p, pixel) in stored.chunks_exact(channels).enumerate() {
        for (c, &value) in pixel.iter().enumerate() {
            visit(c, p, value);
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
        assert_eq!(buffer.read(2), values);
        buffer.add(1, &values[..6]);
        assert_eq!(buffer.read(1), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(buffer.read(2)[6..], values[6..]);
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
