//! One factor and one summand per channel: `y = a x + b`.
//!
//! Batch normalisation with stored statistics and Caffe's scale layer are both
//! this. Layout of a sample: channel after channel.

use netfile::BatchNorm;
use rayon::prelude::*;

use super::{Backward, Forward, Mismatch, Op, TensorSpec};
use crate::Shape;

#[derive(Debug)]
pub(super) struct Geometry {
    shape: Shape,
    channels: usize,
    source: Source,
}

/// Where `a` and `b` come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// `a = 1 / sqrt(variance + epsilon)`, `b = -mean a`.
    Statistics { epsilon: f32 },
    /// Tensors of their own.
    Weights,
}

impl Geometry {
    pub(super) fn batch_norm(a: &BatchNorm, x: &Shape) -> Result<Geometry, Mismatch> {
        let epsilon = a.epsilon;
        Geometry::new(x, Source::Statistics { epsilon })
    }

    pub(super) fn scale(x: &Shape) -> Result<Geometry, Mismatch> {
        Geometry::new(x, Source::Weights)
    }

    fn new(x: &Shape, source: Source) -> Result<Geometry, Mismatch> {
        let [channels, _, _] = super::planes(x)?;
        Ok(Geometry {
            shape: x.clone(),
            channels,
            source,
        })
    }
}

impl super::Geometry for Geometry {
    fn output(&self) -> Shape {
        self.shape.clone()
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        let suffixes = match self.source {
            Source::Statistics { .. } => ["mean", "variance"],
            Source::Weights => ["weight", "bias"],
        };
        let shape = vec![self.channels];
        suffixes
            .map(|suffix| TensorSpec {
                suffix,
                shape: shape.clone(),
            })
            .into()
    }

    fn prepare(self: Box<Self>, weights: Vec<Vec<f32>>) -> Box<dyn Op> {
        let pairs = weights[0].iter().zip(&weights[1]);
        let (a, b) = match self.source {
            Source::Statistics { epsilon } => pairs
                .map(|(&mean, &variance)| {
                    let a = 1.0 / (f64::from(variance) + f64::from(epsilon)).sqrt();
                    (a as f32, (-f64::from(mean) * a) as f32)
                })
                .unzip(),
            Source::Weights => pairs.unzip(),
        };
        let plane = self.shape.len() / self.channels;
        Box::new(Affine { plane, a, b })
    }
}

#[derive(Debug)]
struct Affine {
    /// Number of values of one channel.
    plane: usize,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Op for Affine {
    fn forward(&self, run: Forward<'_>) {
        let sample = self.a.len() * self.plane;
        let samples = run
            .y
            .par_chunks_mut(sample)
            .zip(run.x[0].par_chunks(sample));
        samples.for_each(|(y, x)| {
            let planes = y.chunks_mut(self.plane).zip(x.chunks(self.plane));
            for ((y, x), (&a, &b)) in planes.zip(self.a.iter().zip(&self.b)) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = a * x + b;
                }
            }
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let sample = self.a.len() * self.plane;
        let samples = run.dx[0]
            .par_chunks_mut(sample)
            .zip(run.dy.par_chunks(sample));
        samples.for_each(|(dx, dy)| {
            let planes = dx.chunks_mut(self.plane).zip(dy.chunks(self.plane));
            for ((dx, dy), &a) in planes.zip(&self.a) {
                for (dx, &dy) in dx.iter_mut().zip(dy) {
                    *dx = a * dy;
                }
            }
        });
    }
}
