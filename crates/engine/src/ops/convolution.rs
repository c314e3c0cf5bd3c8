//! Convolution: `y[o] = bias[o] + sum over the window of weight[o] x`.
//!
//! Correlation without a flip, zeros beyond the edges, output size
//! `floor((h + 2 pad - dilation (kernel - 1) - 1) / stride) + 1`; output
//! channel `o` sees the input channels of its own group (Caffe's
//! conv_layer.cpp). The windows lie on the input, their grid is the output.

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

    fn multiply_adds(&self) -> u64 {
        self.windows.multiply_adds()
    }

    fn prepare(self: Box<Self>, from: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(Box::new(Convolution {
            forward: self.windows.gather(from, true)?,
            backward: self.windows.scatter(from, false)?,
        }))
    }
}

#[derive(Debug)]
struct Convolution {
    forward: Map,
    backward: Map,
}

impl Op for Convolution {
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

    const CONV: netfile::Convolution = netfile::Convolution {
        outputs: 96,
        kernel: [11, 11],
        stride: [4, 4],
        pad: [0, 0],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };

    fn output(a: netfile::Convolution, x: &[usize]) -> Result<Shape, String> {
        let x = Shape::new(x).expect("no dimension is 0");
        let geometry = Geometry::new(&a, &x).map_err(|m| format!("{}: {}", m.expected, m.found))?;
        Ok(geometry.output())
    }

    #[test]
    fn sizes_are_those_of_caffenet() {
        let conv2 = netfile::Convolution {
            outputs: 256,
            kernel: [5, 5],
            stride: [1, 1],
            pad: [2, 2],
            groups: 2,
            ..CONV
        };
        assert_eq!(output(CONV, &[3, 227, 227]).unwrap().dims(), [96, 55, 55]);
        assert_eq!(output(conv2, &[96, 27, 27]).unwrap().dims(), [256, 27, 27]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let huge = usize::MAX / 4;
        let grouped = netfile::Convolution { groups: 2, ..CONV };
        let padded = netfile::Convolution {
            pad: [huge, 1],
            ..CONV
        };
        let overflowing = netfile::Convolution {
            pad: [usize::MAX, 1],
            ..CONV
        };
        let spread = netfile::Convolution {
            dilation: [huge, 1],
            ..CONV
        };
        let cases: [(_, &[usize], _); 6] = [
            (CONV, &[3, 10, 11], "windows that fit: kernel 11, "),
            (
                CONV,
                &[3, 11],
                "a vector, or channels x height x width: 3x11",
            ),
            (
                grouped,
                &[3, 11, 11],
                "channels that divide evenly into 2 groups: 3",
            ),
            (padded, &[3, 11, 11], "sizes that fit in memory: "),
            (overflowing, &[3, 11, 11], "windows that fit: kernel 11, "),
            (spread, &[3, 11, 11], "windows that fit: kernel 11, "),
        ];
        for (a, x, message) in cases {
            let found = output(a, x).expect_err("does not fit");
            assert!(found.starts_with(message), "{found}");
        }
    }
}
