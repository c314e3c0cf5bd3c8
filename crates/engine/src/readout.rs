//! Neurons: single numbers read from a layer's activation.

use crate::{Buffer, Shape};

/// How one number per sample is read from a layer of shape `[c, h, w]` or
/// `[units]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readout {
    /// One unit, counted in row-major order.
    Unit(usize),
    /// The greatest value of a channel over its plane; of equal ones the first
    /// in raster order, which also receives the gradient.
    Max(usize),
    /// The mean of a channel over its plane.
    Mean(usize),
}

impl Readout {
    /// Reads `n` samples of an activation into `values`, `values[i]` of sample
    /// `i`.
    pub fn read(self, shape: &Shape, activation: &Buffer, n: usize, values: &mut [f32]) {
        let samples = activation.samples(n).chunks_exact(shape.len());
        for (value, sample) in values[..n].iter_mut().zip(samples) {
            let window = &sample[self.window(shape)];
            *value = match self {
                Readout::Unit(_) | Readout::Max(_) => window[first_max(window)],
                Readout::Mean(_) => mean(window),
            };
        }
    }

    /// Adds to `d` the cotangent of the activation that the cotangents
    /// `values` of the numbers read cause.
    pub fn pull(
        self,
        shape: &Shape,
        activation: &Buffer,
        n: usize,
        values: &[f32],
        d: &mut Buffer,
    ) {
        let samples = activation.samples(n).chunks_exact(shape.len());
        let d = d.samples_mut(n).chunks_exact_mut(shape.len());
        for ((value, sample), d) in values[..n].iter().zip(samples).zip(d) {
            let window = &sample[self.window(shape)];
            let d = &mut d[self.window(shape)];
            match self {
                Readout::Unit(_) | Readout::Max(_) => d[first_max(window)] += value,
                Readout::Mean(_) => {
                    let share = value / d.len() as f32;
                    d.iter_mut().for_each(|d| *d += share);
                }
            }
        }
    }

    /// The values of a sample that the number depends on.
    fn window(self, shape: &Shape) -> std::ops::Range<usize> {
        match self {
            Readout::Unit(unit) => unit..unit + 1,
            Readout::Max(channel) | Readout::Mean(channel) => {
                let plane = shape.len() / shape.dims()[0];
                channel * plane..(channel + 1) * plane
            }
        }
    }
}

fn first_max(window: &[f32]) -> usize {
    let mut best = 0;
    for (i, value) in window.iter().enumerate() {
        if *value > window[best] {
            best = i;
        }
    }
    best
}

fn mean(window: &[f32]) -> f32 {
    let sum: f64 = window.iter().map(|&v| f64::from(v)).sum();
    (sum / window.len() as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activation() -> (Shape, Buffer) {
        let shape = Shape::new(&[2, 2, 2]).unwrap();
        let mut buffer = Buffer::new(1, 8);
        buffer
            .samples_mut(1)
            .copy_from_slice(&[1.0, 5.0, 5.0, 3.0, -1.0, -2.0, -3.0, -6.0]);
        (shape, buffer)
    }

    #[test]
    fn reads_and_pulls() {
        let (shape, x) = activation();
        for (readout, value, expected) in [
            (
                Readout::Unit(3),
                3.0,
                [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0],
            ),
            (
                Readout::Max(0),
                5.0,
                [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ),
            (
                Readout::Max(1),
                -1.0,
                [0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0],
            ),
            (
                Readout::Mean(1),
                -3.0,
                [0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5],
            ),
        ] {
            let mut values = [f32::NAN];
            readout.read(&shape, &x, 1, &mut values);
            assert_eq!(values, [value], "{readout:?}");
            let mut d = Buffer::new(1, 8);
            d.samples_mut(1).fill(0.0);
            readout.pull(&shape, &x, 1, &[2.0], &mut d);
            assert_eq!(d.samples(1), expected, "{readout:?}");
        }
    }
}
