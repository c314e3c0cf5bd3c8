//! Single numbers read from a layer's activation. A block takes a sample: a
//! grid of `n` blocks.

use crate::declare::kernels;
use crate::{In, Out};

/// What one number of a sample is made of: the values at `start + i step`, in
/// raster order.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Neuron {
    /// Values of a sample of the activation.
    pub sample: i32,
    /// Where the first value is stored.
    pub start: i32,
    /// From one to the next.
    pub step: i32,
    /// Number of values, at least 1.
    pub count: i32,
    /// 0: the greatest of them, the first of equal ones. 1: their mean.
    pub kind: i32,
    /// The number's place among those of a sample.
    pub column: i32,
    /// Numbers read of a sample.
    pub neurons: i32,
}

kernels! {
    "readout" for 75;

    /// Reads one number of each sample.
    ReadNeuron = "read_neuron", 256 threads {
        /// What is read.
        activation: In<'a, f32>,
        /// `[n, neurons]`; one column is overwritten.
        values: Out<'a, f32>,
        /// What is read, and its column.
        neuron: Neuron,
        /// Number of samples.
        n: i32,
    }

    /// Adds the gradient of it.
    PullNeuron = "pull_neuron", 256 threads {
        /// What was read.
        activation: In<'a, f32>,
        /// `[n, neurons]`, the cotangents of the numbers.
        d_values: In<'a, f32>,
        /// Added to.
        d_activation: Out<'a, f32>,
        /// What was read, and its column.
        neuron: Neuron,
        /// Number of samples.
        n: i32,
    }
}
