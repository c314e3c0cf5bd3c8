//! Convolution: `y[o] = bias[o] + sum over the window of weight[o] x`.
//!
//! Correlation without a flip, zeros beyond the edges, output size
//! `floor((h + 2 pad - dilation (kernel - 1) - 1) / stride) + 1`; output
//! channel `o` sees the input channels of its own group (Caffe's
//! conv_layer.cpp). The windows lie on the input, their grid is the output.

use super::im2col::{Axis, Windows};
use super::{Backward, Forward, Mismatch, Op, TensorSpec};
use crate::Shape;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    windows: Windows,
    bias: bool,
}

impl Geometry {
    pub(super) fn new(a: &netfile::Convolution, x: &Shape) -> Result<Geometry, Mismatch> {
        let [channels, h, w] = super::planes(x)?;
        let axes = [Axis::on_image(a, 0, h)?, Axis::on_image(a, 1, w)?];
        Ok(Geometry {
            windows: Windows::new(a.groups, channels, a.outputs, axes)?,
            bias: a.bias,
        })
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.windows.grid()
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        let outputs = self.output().dims()[0];
        self.windows.tensors(self.bias.then_some(outputs))
    }

    fn prepare(self: Box<Self>, weights: Vec<Vec<f32>>) -> Box<dyn Op> {
        let mut weights = weights.into_iter();
        Box::new(Convolution {
            windows: self.windows,
            weight: weights.next().expect("tensors names a weight"),
            bias: weights.next(),
        })
    }
}

#[derive(Debug)]
struct Convolution {
    windows: Windows,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Op for Convolution {
    fn scratch(&self, _batch: usize) -> usize {
        self.windows.scratch()
    }

    fn forward(&self, run: Forward<'_>) {
        let bias = self.bias.as_deref();
        self.windows
            .gather(run.x[0], &self.weight, bias, run.y, run.scratch);
    }

    fn backward(&self, run: Backward<'_, '_>) {
        self.windows
            .scatter(run.dy, &self.weight, None, run.dx[0], run.scratch);
    }
}
