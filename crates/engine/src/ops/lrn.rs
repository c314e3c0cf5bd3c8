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

use kernels::lrn::{self, LrnBackward, LrnForward};
use netfile::Lrn;
use rayon::prelude::*;

use super::{Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation};
use crate::cpu::{Kernel, Simd};
use crate::cuda::{blocks, int};
use crate::{Error, Shape};

#[derive(Debug)]
pub(super) struct Geometry {
    shape: Shape,
    channels: usize,
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
        let [channels, _, _] = super::planes(x)?;
        Ok(Geometry {
            shape: x.clone(),
            channels,
            reach: a.size / 2,
            weight: a.alpha / a.size as f32,
            beta: a.beta,
            k: a.k,
        })
    }

    /// `sums[c] = sum of terms over near(c)`, for the channels of one pixel.
    #[inline(always)]
    fn sums(&self, terms: &[f32], sums: &mut [f32]) {
        sums.copy_from_slice(terms);
        for distance in 1..=self.reach.min(self.channels - 1) {
            for (sum, term) in sums.iter_mut().zip(&terms[distance..]) {
                *sum += term;
            }
            for (sum, term) in sums[distance..].iter_mut().zip(terms) {
                *sum += term;
            }
        }
    }

    /// What kernels are told of it.
    fn constants(&self) -> lrn::Lrn {
        lrn::Lrn {
            channels: int(self.channels),
            reach: int(self.reach.min(self.channels)),
            weight: self.weight,
            beta: self.beta,
            k: self.k,
        }
    }

    /// `scale^-beta`. Nearly all networks have beta = 3/4, which square roots
    /// give at a fraction of a power's cost.
    #[inline(always)]
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

    fn prepare(self: Box<Self>, _: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(self)
    }
}

impl Op for Geometry {
    fn saved(&self) -> usize {
        self.shape.len()
    }

    fn scratch(&self, _batch: usize) -> usize {
        2 * self.channels
    }

    fn forward(&self, run: Forward<'_>) {
        let pixels = super::whole_pixels(self.channels);
        let blocks = run.y.par_chunks_mut(pixels);
        let blocks = blocks.zip(run.saved.par_chunks_mut(pixels));
        let blocks = blocks.zip(run.x[0].par_chunks(pixels));
        blocks.for_each(|((y, scale), x)| {
            let mut lane = run.scratch.lane();
            let squares = &mut lane[..self.channels];
            run.instructions.dispatch(Pixels {
                of: self,
                x,
                scale,
                y,
                squares,
            });
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let pixels = super::whole_pixels(self.channels);
        let blocks = run.dx[0].par_chunks_mut(pixels).enumerate();
        blocks.for_each(|(i, dx)| {
            let part = i * pixels..i * pixels + dx.len();
            let [x, y, dy, scale] =
                [run.x[0], run.y, run.dy, run.saved].map(|values| &values[part.clone()]);
            let mut lane = run.scratch.lane();
            let (terms, sums) = lane[..2 * self.channels].split_at_mut(self.channels);
            run.instructions.dispatch(Gradients {
                of: self,
                x,
                y,
                dy,
                scale,
                dx,
                terms,
                sums,
            });
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let len = run.n * self.shape.len();
        let kernel = LrnForward {
            x: run.x[0].input(),
            scale: run.saved.output(),
            y: run.y.output(),
            lrn: self.constants(),
            pixels: int(len / self.channels),
        };
        run.gpu.launch(blocks(len, 256), &kernel);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let len = run.n * self.shape.len();
        let kernel = LrnBackward {
            x: run.x[0].input(),
            y: run.y.input(),
            dy: run.dy.input(),
            scale: run.saved.input(),
            dx: run.dx[0].output(),
            lrn: self.constants(),
            pixels: int(len / self.channels),
        };
        run.gpu.launch(blocks(len, 256), &kernel);
    }
}

/// Normalises some pixels.
struct Pixels<'a> {
    of: &'a Geometry,
    x: &'a [f32],
    scale: &'a mut [f32],
    y: &'a mut [f32],
    squares: &'a mut [f32],
}

impl Kernel for Pixels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Pixels {
            of,
            x,
            scale,
            y,
            squares,
        } = self;
        let channels = of.channels;
        let pixels = x
            .chunks_exact(channels)
            .zip(scale.chunks_exact_mut(channels));
        for ((x, scale), y) in pixels.zip(y.chunks_exact_mut(channels)) {
            for (square, x) in squares.iter_mut().zip(x) {
                *square = x * x;
            }
            of.sums(squares, scale);
            for ((y, x), scale) in y.iter_mut().zip(x).zip(scale) {
                *scale = of.k + of.weight * *scale;
                *y = x * of.power(*scale);
            }
        }
    }
}

/// The gradients of some pixels.
struct Gradients<'a> {
    of: &'a Geometry,
    x: &'a [f32],
    y: &'a [f32],
    dy: &'a [f32],
    scale: &'a [f32],
    dx: &'a mut [f32],
    terms: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Kernel for Gradients<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Gradients {
            of,
            x,
            y,
            dy,
            scale,
            dx,
            terms,
            sums,
        } = self;
        let factor = 2.0 * of.weight * of.beta;
        for (i, dx) in dx.chunks_exact_mut(of.channels).enumerate() {
            let pixel = i * of.channels..(i + 1) * of.channels;
            let [x, y, dy, scale] = [x, y, dy, scale].map(|values| &values[pixel.clone()]);
            for ((term, dy), (y, scale)) in terms.iter_mut().zip(dy).zip(y.iter().zip(scale)) {
                *term = dy * y / scale;
            }
            of.sums(terms, sums);
            let values = x.iter().zip(scale).zip(sums.iter());
            for ((dx, dy), ((x, &scale), sum)) in dx.iter_mut().zip(dy).zip(values) {
                *dx = dy * of.power(scale) - factor * x * sum;
            }
        }
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
    fn the_window_ends_with_its_pixel() {
        let sums = |size, terms: &[f32]| {
            let mut sums = vec![f32::NAN; terms.len()];
            lrn(size, &[terms.len()]).unwrap().sums(terms, &mut sums);
            sums
        };
        let terms = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        assert_eq!(sums(5, &terms), [7.0, 15.0, 31.0, 62.0, 60.0, 56.0]);
        assert_eq!(sums(1, &terms), terms);
        assert_eq!(sums(usize::MAX, &terms[..3]), [7.0; 3]);
    }
}
