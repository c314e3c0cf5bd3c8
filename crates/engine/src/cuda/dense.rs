//! An inner product and its gradient, with weights as the file holds them.

use std::sync::Arc;

use kernels::dense::{
    self, DenseBackwardBf16, DenseBackwardF16, DenseBackwardF32, DenseForwardBf16, DenseForwardF16,
    DenseForwardF32, Shape,
};
use kernels::dense_tensor::{
    DenseBackwardTensorBf16, DenseBackwardTensorF16, DenseBackwardTensorF32,
    DenseForwardTensorBf16, DenseForwardTensorF16, DenseForwardTensorF32,
};
use netfile::Tensor;

use super::call::{of_bias, of_mask, partials};
use super::weights::launch_with;
use super::{Call, Gpu, Memory, Weights, int};
use crate::Error;

/// Weights `[outputs, inputs]` and what is added to the outputs.
#[derive(Debug)]
pub(crate) struct Dense {
    weights: Weights,
    bias: Option<Memory<f32>>,
    inputs: usize,
    outputs: usize,
}

impl Dense {
    /// The weights of `tensor`, its columns brought from row-major order into
    /// that in which an input of so many channels is stored.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no room for the weights.
    pub(crate) fn new(
        gpu: &Arc<Gpu>,
        tensor: Tensor<'_>,
        bias: Option<&[f32]>,
        channels: usize,
    ) -> Result<Dense, Error> {
        let (outputs, inputs) = (tensor.shape[0], tensor.shape[1]);
        let positions = inputs / channels;
        let place = |i: usize| {
            let (row, column) = (i / inputs, i % inputs);
            Some(row * inputs + column % channels * positions + column / channels)
        };
        Ok(Dense {
            weights: Weights::arranged(gpu, tensor, outputs * inputs, place)?,
            bias: bias.map(|bias| Memory::of(gpu, bias)).transpose()?,
            inputs,
            outputs,
        })
    }

    /// Number of f32 that it needs to compute sums in parts.
    pub(crate) fn shared(&self, batch: usize) -> usize {
        let parts = |terms: usize, results: usize| match splits(terms, results) {
            1 => 0,
            splits => (splits.unsigned_abs() as usize)
                .saturating_mul(batch)
                .saturating_mul(results),
        };
        parts(self.inputs, self.outputs).max(parts(self.outputs, self.inputs))
    }

    /// `y = W x + b`.
    pub(crate) fn launch_forward(&self, mut call: Call<'_>) {
        let shape = self.shape(&call, self.inputs, self.outputs);
        let grid = dense::grid(self.outputs as u32, call.n as u32, shape.splits);
        let (bias, mask) = (self.bias.as_ref(), of_mask(call.mask));
        macro_rules! launch {
            ($kernels:tt) => {
                launch_with!(call.gpu, grid, &self.weights, $kernels, {
                    x: call.x.input(),
                    bias: of_bias(bias),
                    mask,
                    y: call.y.output(),
                    partials: partials(call.shared, shape.splits),
                    shape,
                })
            };
        }
        match call.gpu.has_tensor_cores() {
            true => launch!([
                DenseForwardTensorF32,
                DenseForwardTensorF16,
                DenseForwardTensorBf16
            ]),
            false => launch!([DenseForwardF32, DenseForwardF16, DenseForwardBf16]),
        }
        call.finish(bias, self.outputs, shape.splits);
    }

    /// `y = W^T x`.
    pub(crate) fn launch_backward(&self, mut call: Call<'_>) {
        let shape = self.shape(&call, self.outputs, self.inputs);
        let grid = dense::grid(self.inputs as u32, call.n as u32, shape.splits);
        let mask = of_mask(call.mask);
        macro_rules! launch {
            ($kernels:tt) => {
                launch_with!(call.gpu, grid, &self.weights, $kernels, {
                    x: call.x.input(),
                    bias: of_bias(None),
                    mask,
                    y: call.y.output(),
                    partials: partials(call.shared, shape.splits),
                    shape,
                })
            };
        }
        match call.gpu.has_tensor_cores() {
            true => launch!([
                DenseBackwardTensorF32,
                DenseBackwardTensorF16,
                DenseBackwardTensorBf16
            ]),
            false => launch!([DenseBackwardF32, DenseBackwardF16, DenseBackwardBf16]),
        }
        call.finish(None, self.inputs, shape.splits);
    }

    fn shape(&self, call: &Call<'_>, terms: usize, results: usize) -> Shape {
        let (relu, slope) = call.slope();
        Shape {
            n: int(call.n),
            inputs: int(self.inputs),
            outputs: int(self.outputs),
            relu,
            slope,
            splits: splits(terms, results),
        }
    }
}

fn splits(terms: usize, results: usize) -> i32 {
    dense::splits(terms as u32, results as u32)
}
