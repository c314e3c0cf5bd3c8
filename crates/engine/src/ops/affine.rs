//! One factor and one summand per channel: `y = a x + b`.
//!
//! Batch normalisation with stored statistics and Caffe's scale layer are both
//! this. Layout of a sample: channel after channel.

use kernels::affine::{AffineBackward, AffineForward};
use netfile::BatchNorm;
use rayon::prelude::*;

use super::{
    Backward, Forward, LaunchBackward, LaunchForward, Mismatch, Op, Preparation, TensorSpec,
};
use crate::cpu::{Kernel, Simd};
use crate::cuda::{Memory, blocks, int};
use crate::{Error, Shape};

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

    fn prepare(self: Box<Self>, from: &Preparation) -> Result<Box<dyn Op>, Error> {
        let tensor = |i| from.floats(i).expect("tensors names two");
        let pairs = std::iter::zip(tensor(0), tensor(1));
        let (a, b): (Vec<f32>, Vec<f32>) = match self.source {
            Source::Statistics { epsilon } => pairs
                .map(|(mean, variance)| {
                    let a = 1.0 / (f64::from(variance) + f64::from(epsilon)).sqrt();
                    (a as f32, (-f64::from(mean) * a) as f32)
                })
                .unzip(),
            Source::Weights => pairs.unzip(),
        };
        let gpu = from.gpu.as_ref();
        let upload = |values: &[f32]| gpu.map(|gpu| Memory::of(gpu, values)).transpose();
        Ok(Box::new(Affine {
            on_device: upload(&a)?.zip(upload(&b)?),
            a,
            b,
        }))
    }
}

#[derive(Debug)]
struct Affine {
    /// Per channel.
    a: Vec<f32>,
    b: Vec<f32>,
    /// Both of them on a CUDA device, if it is to run there.
    on_device: Option<(Memory<f32>, Memory<f32>)>,
}

impl Affine {
    fn on_device(&self) -> &(Memory<f32>, Memory<f32>) {
        let both = self.on_device.as_ref();
        both.expect("launched by a plan on the device of its network")
    }
}

impl Op for Affine {
    fn forward(&self, run: Forward<'_>) {
        let pixels = super::whole_pixels(self.a.len());
        let blocks = run.y.par_chunks_mut(pixels);
        blocks.zip(run.x[0].par_chunks(pixels)).for_each(|(y, x)| {
            run.instructions.dispatch(Pixels { of: self, x, y });
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let pixels = super::whole_pixels(self.a.len());
        let blocks = run.dx[0].par_chunks_mut(pixels);
        blocks.zip(run.dy.par_chunks(pixels)).for_each(|(dx, dy)| {
            run.instructions.dispatch(Gradients { of: self, dy, dx });
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let len = run.n * run.y.sample_len();
        let (a, b) = self.on_device();
        let kernel = AffineForward {
            x: run.x[0].input(),
            a: a.input(),
            b: b.input(),
            y: run.y.output(),
            channels: int(self.a.len()),
            len: int(len),
        };
        run.gpu.launch(blocks(len, 256), &kernel);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let len = run.n * run.dy.sample_len();
        let kernel = AffineBackward {
            dy: run.dy.input(),
            a: self.on_device().0.input(),
            dx: run.dx[0].output(),
            channels: int(self.a.len()),
            len: int(len),
        };
        run.gpu.launch(blocks(len, 256), &kernel);
    }
}

struct Pixels<'a> {
    of: &'a Affine,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Pixels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Pixels { of, x, y } = self;
        let channels = of.a.len();
        for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
            for (y, (x, (a, b))) in y.iter_mut().zip(x.iter().zip(of.a.iter().zip(&of.b))) {
                *y = a * x + b;
            }
        }
    }
}

struct Gradients<'a> {
    of: &'a Affine,
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Gradients<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Gradients { of, dy, dx } = self;
        let channels = of.a.len();
        for (dx, dy) in dx.chunks_exact_mut(channels).zip(dy.chunks_exact(channels)) {
            for (dx, (dy, a)) in dx.iter_mut().zip(dy.iter().zip(&of.a)) {
                *dx = a * dy;
            }
        }
    }
}
