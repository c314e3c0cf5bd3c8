//! Local response normalisation across channels.
//!
//! With `near(c)` the `size` channels around `c` that exist, at each position:
//!
//! ```text
//! scale[c] = k + alpha / size * sum over near(c) of x^2        (saved)
//! y[c]     = x[c] scale[c]^-beta
//! dx[c]    = dy[c] scale[c]^-beta
//!          - 2 alpha beta / size * x[c] * sum over near(c) of dy y / scale
//! ```
//!
//! Alpha is divided by the window, as in Caffe (lrn_layer.cpp).

use std::ops::Range;

use netfile::Lrn;
use rayon::prelude::*;

use super::{Backward, Forward, Mismatch, Op};
use crate::Shape;

#[derive(Debug)]
pub(super) struct Geometry {
    shape: Shape,
    channels: usize,
    /// Number of positions.
    plane: usize,
    /// Number of channels on each side of the one that is scaled; the network
    /// file sees to it that the window is odd.
    reach: usize,
    /// `alpha / size`.
    weight: f32,
    beta: f32,
    k: f32,
}

impl Geometry {
    pub(super) fn new(a: &Lrn, x: &Shape) -> Result<Geometry, Mismatch> {
        let [channels, h, w] = super::planes(x)?;
        Ok(Geometry {
            shape: x.clone(),
            channels,
            plane: h * w,
            reach: a.size / 2,
            weight: a.alpha / a.size as f32,
            beta: a.beta,
            k: a.k,
        })
    }

    /// The planes around plane `i` of a batch, and inside its sample.
    fn near(&self, i: usize) -> Range<usize> {
        let first = i - i % self.channels;
        let start = i.saturating_sub(self.reach).max(first);
        start..i.saturating_add(self.reach + 1).min(first + self.channels)
    }

    /// Plane `i` of a batch.
    fn plane<'a>(&self, values: &'a [f32], i: usize) -> &'a [f32] {
        &values[i * self.plane..][..self.plane]
    }

    /// `scale^-beta`. Nearly all networks have beta = 3/4, which square roots
    /// give at a fraction of a power's cost.
    fn power(&self, scale: f32) -> f32 {
        if self.beta == 0.75 {
            let root = scale.sqrt();
            1.0 / (root * root.sqrt())
        } else {
            scale.powf(-self.beta)
        }
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
    fn saved(&self) -> usize {
        self.shape.len()
    }

    fn forward(&self, run: Forward<'_>) {
        let x = run.x[0];
        let y = run.y.par_chunks_mut(self.plane);
        let scale = run.saved.par_chunks_mut(self.plane);
        y.zip(scale).enumerate().for_each(|(i, (y, scale))| {
            scale.fill(0.0);
            for j in self.near(i) {
                for (sum, x) in scale.iter_mut().zip(self.plane(x, j)) {
                    *sum += x * x;
                }
            }
            for ((y, x), scale) in y.iter_mut().zip(self.plane(x, i)).zip(scale) {
                *scale = self.k + self.weight * *scale;
                *y = x * self.power(*scale);
            }
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let (x, y, dy, scale) = (run.x[0], run.y, run.dy, run.saved);
        let factor = 2.0 * self.weight * self.beta;
        let planes = run.dx[0].par_chunks_mut(self.plane).enumerate();
        planes.for_each(|(i, dx)| {
            dx.fill(0.0);
            for j in self.near(i) {
                let values = self.plane(y, j).iter().zip(self.plane(scale, j));
                for ((sum, dy), (y, scale)) in dx.iter_mut().zip(self.plane(dy, j)).zip(values) {
                    *sum += dy * y / scale;
                }
            }
            let values = self.plane(x, i).iter().zip(self.plane(scale, i));
            for ((dx, dy), (x, &scale)) in dx.iter_mut().zip(self.plane(dy, i)).zip(values) {
                *dx = dy * self.power(scale) - factor * x * *dx;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lrn(size: usize, x: &[usize]) -> Result<Geometry, Mismatch> {
        let lrn = Lrn {
            size,
            alpha: 1e-4,
            beta: 0.75,
            k: 1.0,
        };
        Geometry::new(&lrn, &Shape::new(x).expect("a valid shape"))
    }

    #[test]
    fn the_input_is_planes_or_a_vector() {
        let mismatch = lrn(5, &[6, 2]).unwrap_err();
        assert_eq!(mismatch.found, "6x2");
        assert!(lrn(5, &[6]).is_ok());
    }

    #[test]
    fn the_window_ends_with_its_sample() {
        let lrn = lrn(5, &[6, 2, 3]).unwrap();
        assert_eq!(lrn.near(0), 0..3);
        assert_eq!(lrn.near(3), 1..6);
        assert_eq!(lrn.near(5), 3..6);
        assert_eq!(lrn.near(6), 6..9);
    }

    #[test]
    fn a_window_may_be_wider_than_all_channels() {
        let lrn = lrn(usize::MAX, &[3]).unwrap();
        assert_eq!(lrn.near(4), 3..6);
    }
}
