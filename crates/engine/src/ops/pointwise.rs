//! Functions of one value: `y = f(x)`, `dx = f'(x) dy`.

use std::fmt::Debug;

use kernels::pointwise::{
    ReluBackward, ReluForward, SigmoidBackward, SigmoidForward, TanhBackward, TanhForward,
};
use netfile::Relu as Attributes;
use rayon::prelude::*;

use super::{BLOCK, Backward, Forward, LaunchBackward, LaunchForward, Op, Preparation};
use crate::cpu::{Kernel, Simd};
use crate::cuda::{self, Gpu};
use crate::{Buffer, Error, Shape};

/// A function of one value.
trait Function: Copy + Debug + Send + Sync + 'static {
    fn value(self, x: f32) -> f32;

    /// The derivative at `x`, where `y` is the value.
    fn slope(self, x: f32, y: f32) -> f32;

    /// See [`Op::relu`].
    fn relu(self) -> Option<f32> {
        None
    }

    /// Computes `len` values on a CUDA device.
    fn launch(self, gpu: &Gpu, x: &Buffer, y: &mut Buffer, len: usize);

    /// Computes `dx` of `len` values `x`, `y`, `dy` on a CUDA device.
    fn launch_slope(self, gpu: &Gpu, of: [&Buffer; 3], dx: &mut Buffer, len: usize);
}

/// `max(x, 0) + negative_slope min(x, 0)`; the slope at zero is the one below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relu {
    negative_slope: f32,
}

impl Function for Relu {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x > 0.0 { x } else { self.negative_slope * x }
    }

    #[inline(always)]
    fn slope(self, x: f32, _y: f32) -> f32 {
        if x > 0.0 { 1.0 } else { self.negative_slope }
    }

    fn relu(self) -> Option<f32> {
        Some(self.negative_slope).filter(|&slope| slope >= 0.0)
    }

    fn launch(self, gpu: &Gpu, x: &Buffer, y: &mut Buffer, len: usize) {
        let kernel = ReluForward {
            x: x.input(),
            y: y.output(),
            slope: self.negative_slope,
            len: cuda::int(len),
        };
        gpu.launch(cuda::blocks(len, 256), &kernel);
    }

    fn launch_slope(self, gpu: &Gpu, [x, _, dy]: [&Buffer; 3], dx: &mut Buffer, len: usize) {
        let kernel = ReluBackward {
            x: x.input(),
            dy: dy.input(),
            dx: dx.output(),
            slope: self.negative_slope,
            len: cuda::int(len),
        };
        gpu.launch(cuda::blocks(len, 256), &kernel);
    }
}

/// `1 / (1 + exp(-x))`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sigmoid;

impl Function for Sigmoid {
    fn value(self, x: f32) -> f32 {
        1.0 / (1.0 + (-x).exp())
    }

    /// `y (1 - y)`, with `1 - y` taken as the value at `-x`: the difference has
    /// no correct digits left where the function saturates.
    fn slope(self, x: f32, y: f32) -> f32 {
        y * self.value(-x)
    }

    fn launch(self, gpu: &Gpu, x: &Buffer, y: &mut Buffer, len: usize) {
        let kernel = SigmoidForward {
            x: x.input(),
            y: y.output(),
            len: cuda::int(len),
        };
        gpu.launch(cuda::blocks(len, 256), &kernel);
    }

    fn launch_slope(self, gpu: &Gpu, [x, y, dy]: [&Buffer; 3], dx: &mut Buffer, len: usize) {
        let kernel = SigmoidBackward {
            x: x.input(),
            y: y.input(),
            dy: dy.input(),
            dx: dx.output(),
            len: cuda::int(len),
        };
        gpu.launch(cuda::blocks(len, 256), &kernel);
    }
}

/// Hyperbolic tangent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tanh;

impl Function for Tanh {
    fn value(self, x: f32) -> f32 {
        x.tanh()
    }

    /// `1 / cosh(x)^2`, which is `1 - y^2` without its loss of digits.
    fn slope(self, x: f32, _y: f32) -> f32 {
        let cosh = x.cosh();
        1.0 / (cosh * cosh)
    }

    fn launch(self, gpu: &Gpu, x: &Buffer, y: &mut Buffer, len: usize) {
        let kernel = TanhForward {
            x: x.input(),
            y: y.output(),
            len: cuda::int(len),
        };
        gpu.launch(cuda::blocks(len, 256), &kernel);
    }

    fn launch_slope(self, gpu: &Gpu, [x, _, dy]: [&Buffer; 3], dx: &mut Buffer, len: usize) {
        let kernel = TanhBackward {
            x: x.input(),
            dy: dy.input(),
            dx: dx.output(),
            len: cuda::int(len),
        };
        gpu.launch(cuda::blocks(len, 256), &kernel);
    }
}

#[derive(Debug)]
pub(super) struct Geometry<F> {
    shape: Shape,
    function: F,
}

impl Geometry<Relu> {
    pub(super) fn relu(a: &Attributes, x: &Shape) -> Geometry<Relu> {
        Geometry {
            shape: x.clone(),
            function: Relu {
                negative_slope: a.negative_slope,
            },
        }
    }
}

impl Geometry<Sigmoid> {
    pub(super) fn sigmoid(x: &Shape) -> Geometry<Sigmoid> {
        Geometry {
            shape: x.clone(),
            function: Sigmoid,
        }
    }
}

impl Geometry<Tanh> {
    pub(super) fn tanh(x: &Shape) -> Geometry<Tanh> {
        Geometry {
            shape: x.clone(),
            function: Tanh,
        }
    }
}

impl<F: Function> super::Geometry for Geometry<F> {
    fn output(&self) -> Shape {
        self.shape.clone()
    }

    fn prepare(self: Box<Self>, _: &Preparation) -> Result<Box<dyn Op>, Error> {
        Ok(self)
    }
}

impl<F: Function> Op for Geometry<F> {
    fn relu(&self) -> Option<f32> {
        self.function.relu()
    }

    fn forward(&self, run: Forward<'_>) {
        let blocks = run.y.par_chunks_mut(BLOCK);
        blocks.zip(run.x[0].par_chunks(BLOCK)).for_each(|(y, x)| {
            let f = self.function;
            run.instructions.dispatch(Values { f, x, y });
        });
    }

    fn backward(&self, run: Backward<'_, '_>) {
        let values = run.x[0].par_chunks(BLOCK).zip(run.y.par_chunks(BLOCK));
        let gradients = run.dx[0]
            .par_chunks_mut(BLOCK)
            .zip(run.dy.par_chunks(BLOCK));
        gradients.zip(values).for_each(|((dx, dy), (x, y))| {
            let f = self.function;
            run.instructions.dispatch(Slopes { f, x, y, dy, dx });
        });
    }

    fn launch_forward(&self, run: LaunchForward<'_>) {
        let len = run.n * self.shape.len();
        self.function.launch(run.gpu, run.x[0], run.y, len);
    }

    fn launch_backward(&self, run: LaunchBackward<'_, '_>) {
        let len = run.n * self.shape.len();
        let of = [run.x[0], run.y, run.dy];
        self.function.launch_slope(run.gpu, of, run.dx[0], len);
    }
}

struct Values<'a, F: Function> {
    f: F,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl<F: Function> Kernel for Values<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Values { f, x, y } = self;
        for (y, &x) in y.iter_mut().zip(x) {
            *y = f.value(x);
        }
    }
}

struct Slopes<'a, F: Function> {
    f: F,
    x: &'a [f32],
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl<F: Function> Kernel for Slopes<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Slopes { f, x, y, dy, dx } = self;
        for ((dx, dy), (&x, &y)) in dx.iter_mut().zip(dy).zip(x.iter().zip(y)) {
            *dx = dy * f.slope(x, y);
        }
    }
}
