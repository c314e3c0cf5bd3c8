//! Softmax over the channels of each position.
//!
//! `y[c] = exp(x[c] - max) / sum of exp(x - max)`;
//! `dx[c] = y[c] (dy[c] - sum of dy y)`. Channels of a position lie one plane
//! apart.

use rayon::prelude::*;

use super::{Backward, Forward, Mismatch, Op, Preparation};
use crate::Shape;

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

    fn prepare(self: Box<Self>, _: &Preparation) -> Box<dyn Op> {
        self
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
}
