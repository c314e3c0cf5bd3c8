//! Softmax over the channels of each position.
//!
//! `y[c] = exp(x[c] - max) / sum of exp(x - max)`;
//! `dx[c] = y[c] (dy[c] - sum of dy y)`. Channels of a position lie one plane
//! apart.

use kernels::softmax::{SoftmaxBackward, SoftmaxForward};
use rayon::prelude::*;

use super::{Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation};
use crate::cuda::{blocks, int};
use crate::{Error, Shape};

/// Threads of a CUDA device that take a pixel together.
const WARP: usize = 32;

#[derive(Debug)]
pub(super) struct Geometry {
    shape: Shape,
    channels: usize,
}

impl Geometry {
    pub(super) fn new(x: &Shape) -> Result<Geometry, Mismatch> {
        let [channels, _, _] = super::planes(x)?;
        Ok(Geometry {
            shape: x.clone(),
            channels,
        })
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.shape.clone()
    }

    fn prepare(self: Box<Self>, _: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(self)
    }
}

impl Op for Geometry {
    fn forward(&self, run: Forward<'_>) {
        let len = self.channels;
        let positions = run.y.par_chunks_mut(len).zip(run.x[0].par_chunks(len));
        positions.for_each(|(y, x)| {
            let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for (y, x) in y.iter_mut().zip(x) {
                *y = (x - max).exp();
                sum += *y;
            }
            y.iter_mut().for_each(|y| *y /= sum);
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let len = self.channels;
        let gradients = run.dx[0].par_chunks_mut(len).zip(run.dy.par_chunks(len));
        let positions = gradients.zip(run.y.par_chunks(len));
        positions.for_each(|((dx, dy), y)| {
            let mean: f32 = dy.iter().zip(y).map(|(dy, y)| dy * y).sum();
            for (dx, (dy, y)) in dx.iter_mut().zip(dy.iter().zip(y)) {
                *dx = y * (dy - mean);
            }
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let pixels = run.n * self.shape.len() / self.channels;
        let kernel = SoftmaxForward {
            x: run.x[0].input(),
            y: run.y.output(),
            channels: int(self.channels),
            pixels: int(pixels),
        };
        run.gpu.launch(blocks(WARP * pixels, 256), &kernel);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let pixels = run.n * self.shape.len() / self.channels;
        let kernel = SoftmaxBackward {
            y: run.y.input(),
            dy: run.dy.input(),
            dx: run.dx[0].output(),
            channels: int(self.channels),
            pixels: int(pixels),
        };
        run.gpu.launch(blocks(WARP * pixels, 256), &kernel);
    }
}
