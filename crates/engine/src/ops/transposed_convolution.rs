//! Transposed convolution: every pixel adds the kernel, times its value, to a
//! window of the output.
//!
//! Output size `stride (h - 1) + dilation (kernel - 1) + 1 - 2 pad`; what falls
//! beyond the edges is dropped (Caffe's deconv_layer.cpp, PyTorch's
//! `ConvTranspose2d`). The windows lie on the output, their grid is the input.

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
        let axes = [Axis::on_grid(a, 0, h)?, Axis::on_grid(a, 1, w)?];
        Ok(Geometry {
            windows: Windows::new(a.groups, a.outputs, channels, axes)?,
            bias: a.bias,
        })
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.windows.image()
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        let outputs = self.output().dims()[0];
        self.windows.tensors(self.bias.then_some(outputs))
    }

    fn prepare(self: Box<Self>, weights: Vec<Vec<f32>>) -> Box<dyn Op> {
        let mut weights = weights.into_iter();
        Box::new(TransposedConvolution {
            windows: self.windows,
            weight: weights.next().expect("tensors names a weight"),
            bias: weights.next(),
        })
    }
}

#[derive(Debug)]
struct TransposedConvolution {
    windows: Windows,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Op for TransposedConvolution {
    fn scratch(&self, _batch: usize) -> usize {
        self.windows.scratch()
    }

    fn forward(&self, run: Forward<'_>) {
        let bias = self.bias.as_deref();
        self.windows
            .scatter(run.x[0], &self.weight, bias, run.y, run.scratch);
    }

    fn backward(&self, run: Backward<'_, '_>) {
        self.windows
            .gather(run.dy, &self.weight, None, run.dx[0], run.scratch);
    }
}
