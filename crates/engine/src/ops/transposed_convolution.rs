//! Transposed convolution: every pixel adds the kernel, times its value, to a
//! window of the output.
//!
//! Output size `stride (h - 1) + dilation (kernel - 1) + 1 - 2 pad`; what falls
//! beyond the edges is dropped (Caffe's deconv_layer.cpp, PyTorch's
//! `ConvTranspose2d`). The windows lie on the output, their grid is the input.

use super::windows::{Axis, Map, Windows};
use super::{
    Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation, TensorSpec,
};
use crate::{Error, Shape};

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

    fn multiply_adds(&self) -> u64 {
        self.windows.multiply_adds()
    }

    fn prepare(self: Box<Self>, from: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(Box::new(TransposedConvolution {
            forward: self.windows.scatter(from, true)?,
            backward: self.windows.gather(from, false)?,
        }))
    }
}

#[derive(Debug)]
struct TransposedConvolution {
    forward: Map,
    backward: Map,
}

impl Op for TransposedConvolution {
    fn scratch(&self, _batch: usize) -> usize {
        self.forward.scratch().max(self.backward.scratch())
    }

    fn shared(&self, batch: usize) -> usize {
        self.forward.shared(batch).max(self.backward.shared(batch))
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn forward(&self, run: Forward<'_>) {
        self.forward.run(run.call(self.forward.bias()));
    }

    fn backward(&self, run: Backward<'_, '_>) {
        self.backward.run(run.call());
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        self.forward.launch(run.call());
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        self.backward.launch(run.call());
    }
}

#[cfg(test)]
mod tests {
    use super::Geometry;
    use crate::Shape;
    use crate::ops::Geometry as _;

    const DECONV: netfile::Convolution = netfile::Convolution {
        outputs: 256,
        kernel: [4, 4],
        stride: [2, 2],
        pad: [1, 1],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };

    #[test]
    fn a_kernel_of_4_with_stride_2_doubles_the_size() {
        let x = Shape::new(&[512, 8, 5]).unwrap();
        let geometry = Geometry::new(&DECONV, &x).unwrap();
        assert_eq!(geometry.output().dims(), [256, 16, 10]);
        assert_eq!(geometry.tensors()[0].shape, [512, 256, 4, 4]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = Shape::new(&[3, 1, 1]).unwrap();
        let cut_off = netfile::Convolution {
            pad: [2, 2],
            ..DECONV
        };
        let huge = netfile::Convolution {
            dilation: [usize::MAX / 6, 1],
            ..DECONV
        };
        let grouped = netfile::Convolution {
            groups: 2,
            ..DECONV
        };
        for (a, expected) in [
            (cut_off, "windows that fit"),
            (huge, "sizes that fit in memory"),
            (grouped, "channels that divide evenly into 2 groups"),
        ] {
            let mismatch = Geometry::new(&a, &x).expect_err("does not fit");
            assert_eq!(mismatch.expected, expected);
        }
    }
}
