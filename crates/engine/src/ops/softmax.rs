//! Softmax over the channels of each position.
//!
//! `y[c] = exp(x[c] - max) / sum of exp(x - max)`;
//! `dx[c] = y[c] (dy[c] - sum of dy y)`. Channels of a position lie one plane
//! apart.

use rayon::prelude::*;

use super::{Backward, Forward, Mismatch, Op};
use crate::Shape;

#[derive(Debug)]
pub(super) struct Geometry {
    shape: Shape,
    /// Number of positions.
    plane: usize,
}

impl Geometry {
    pub(super) fn new(x: &Shape) -> Result<Geometry, Mismatch> {
        let [_, h, w] = super::planes(x)?;
        Ok(Geometry {
            shape: x.clone(),
            plane: h * w,
        })
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.shape.clone()
    }

    fn prepare(self: Box<Self>, _weights: Vec<Vec<f32>>) -> Box<dyn Op> {
        self
    }
}

impl Op for Geometry {
    fn forward(&self, run: Forward<'_>) {
        let len = self.shape.len();
        let samples = run.y.par_chunks_mut(len).zip(run.x[0].par_chunks(len));
        samples.for_each(|(y, x)| {
            for position in 0..self.plane {
                let x = x[position..].iter().step_by(self.plane);
                let max = x.clone().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for (y, x) in y[position..].iter_mut().step_by(self.plane).zip(x) {
                    *y = (x - max).exp();
                    sum += *y;
                }
                for y in y[position..].iter_mut().step_by(self.plane) {
                    *y /= sum;
                }
            }
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let len = self.shape.len();
        let gradients = run.dx[0].par_chunks_mut(len).zip(run.dy.par_chunks(len));
        gradients
            .zip(run.y.par_chunks(len))
            .for_each(|((dx, dy), y)| {
                for position in 0..self.plane {
                    let dy = dy[position..].iter().step_by(self.plane);
                    let y = y[position..].iter().step_by(self.plane);
                    let mean: f32 = dy.clone().zip(y.clone()).map(|(dy, y)| dy * y).sum();
                    let dx = dx[position..].iter_mut().step_by(self.plane);
                    for (dx, (dy, y)) in dx.zip(dy.zip(y)) {
                        *dx = y * (dy - mean);
                    }
                }
            });
    }
}
