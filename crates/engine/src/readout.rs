//! Neurons: single numbers read from a layer's activation.

use std::sync::Arc;

use kernels::readout::{Neuron, PullNeuron, ReadNeuron};

use crate::{Buffer, Shape, cuda};

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
    /// Reads `n` samples of an activation into number `column` of `values`, a
    /// vector per sample.
    pub fn read(
        self,
        shape: &Shape,
        activation: &Buffer,
        n: usize,
        values: &mut Buffer,
        column: usize,
    ) {
        let window = self.window(shape);
        let columns = values.sample_len();
        if let Some(gpu) = activation.gpu() {
            let gpu = Arc::clone(gpu);
            let kernel = ReadNeuron {
                activation: activation.input(),
                values: values.output(),
                neuron: self.neuron(shape, column, columns),
                n: cuda::int(n),
            };
            return gpu.launch([n as u32, 1, 1], &kernel);
        }
        let samples = activation.stored(n).chunks_exact(shape.len());
        let rows = values.stored_mut(n).chunks_exact_mut(columns);
        for (row, sample) in rows.zip(samples) {
            row[column] = match self {
                Readout::Unit(_) | Readout::Max(_) => sample[window.greatest(sample)],
                Readout::Mean(_) => window.mean(sample),
            };
        }
    }

    /// Adds to `d` the cotangent of the activation that number `column` of the
    /// cotangents `values` causes.
    pub fn pull(
        self,
        shape: &Shape,
        activation: &Buffer,
        n: usize,
        (values, column): (&Buffer, usize),
        d: &mut Buffer,
    ) {
        let window = self.window(shape);
        let columns = values.sample_len();
        if let Some(gpu) = activation.gpu() {
            let gpu = Arc::clone(gpu);
            let kernel = PullNeuron {
                activation: activation.input(),
                d_values: values.input(),
                d_activation: d.output(),
                neuron: self.neuron(shape, column, columns),
                n: cuda::int(n),
            };
            return gpu.launch([n as u32, 1, 1], &kernel);
        }
        let samples = activation.stored(n).chunks_exact(shape.len());
        let rows = values.stored(n).chunks_exact(columns);
        let d = d.stored_mut(n).chunks_exact_mut(shape.len());
        for ((row, sample), d) in rows.zip(samples).zip(d) {
            let value = row[column];
            match self {
                Readout::Unit(_) | Readout::Max(_) => d[window.greatest(sample)] += value,
                Readout::Mean(_) => {
                    let share = value / window.count as f32;
                    window.places().for_each(|i| d[i] += share);
                }
            }
        }
    }

    /// What kernels are told of it.
    fn neuron(self, shape: &Shape, column: usize, columns: usize) -> Neuron {
        let Window { start, step, count } = self.window(shape);
        Neuron {
            sample: cuda::int(shape.len()),
            start: cuda::int(start),
            step: cuda::int(step),
            count: cuda::int(count),
            kind: matches!(self, Readout::Mean(_)).into(),
            column: cuda::int(column),
            neurons: cuda::int(columns),
        }
    }

    /// The values of a sample that the number depends on.
    fn window(self, shape: &Shape) -> Window {
        let [channels, positions] = shape.layout();
        match self {
            Readout::Unit(unit) => Window {
                start: unit % positions * channels + unit / positions,
                step: 1,
                count: 1,
            },
            // Of what is no planes, a channel is the values of one index of
            // the first dimension.
            Readout::Max(channel) | Readout::Mean(channel) if channels == 1 => {
                let count = positions / shape.dims()[0];
                Window {
                    start: channel * count,
                    step: 1,
                    count,
                }
            }
            Readout::Max(channel) | Readout::Mean(channel) => Window {
                start: channel,
                step: channels,
                count: positions,
            },
        }
    }
}

/// Places in a stored sample, in row-major order.
#[derive(Clone, Copy)]
struct Window {
    start: usize,
    step: usize,
    count: usize,
}

impl Window {
    fn places(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |i| self.start + i * self.step)
    }

    /// The first place of the greatest value.
    fn greatest(self, sample: &[f32]) -> usize {
        let mut best = self.start;
        for i in self.places() {
            if sample[i] > sample[best] {
                best = i;
            }
        }
        best
    }

    fn mean(self, sample: &[f32]) -> f32 {
        let sum: f64 = self.places().map(|i| f64::from(sample[i])).sum();
        (sum / self.count as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activation() -> (Shape, Buffer) {
        let shape = Shape::new(&[2, 2, 2]).unwrap();
        let mut buffer = Buffer::new(1, &shape);
        buffer.write(1, &[1.0, 5.0, 5.0, 3.0, -1.0, -2.0, -3.0, -6.0]);
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
            let mut values = Buffer::new(1, &Shape::new(&[2]).unwrap());
            readout.read(&shape, &x, 1, &mut values, 1);
            assert_eq!(values.read(1).unwrap()[1], value, "{readout:?}");
            values.write(1, &[9.0, 2.0]);
            let mut d = Buffer::new(1, &shape);
            d.fill(1, 0.0);
            readout.pull(&shape, &x, 1, (&values, 1), &mut d);
            assert_eq!(d.read(1).unwrap(), expected, "{readout:?}");
        }
    }
}
