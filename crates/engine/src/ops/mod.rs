//! The ops, one file each.
//!
//! A file holds the op's geometry with its shape rule, `prepare` (weights into
//! the layout that the kernels want, once), the sizes that it saves and
//! scratches, and its forward pass and input gradient. [`resolve`] is the list
//! of all.
//!
//! Laws: `forward` overwrites all of `y` and `saved`; `backward` overwrites all
//! of every `dx`, adding is the caller's business; results repeat bit for bit
//! for any number of threads, so work is split by shapes and never by the
//! number of workers; nothing is allocated inside a step.

mod affine;
mod concat;
mod convolution;
mod crop;
mod eltwise;
mod inner_product;
mod lrn;
mod pointwise;
mod pool;
mod reshape;
mod run;
mod softmax;
mod transposed_convolution;
mod windows;

use std::fmt::Debug;
use std::sync::Arc;

use kernels::pointwise::CarryRelu;
use netfile::{Op as Description, SharedTensor};
use rayon::prelude::*;

use crate::cpu::{Kernel, Simd};
use crate::cuda::{self, Gpu};
use crate::{Buffer, Error, Instructions, Shape};
pub(crate) use run::{Backward, Forward, LaunchBackward, LaunchForward, Scratch};

/// How many values one task takes where every position is by itself.
const BLOCK: usize = 4096;

/// The same in whole pixels of so many channels.
fn whole_pixels(channels: usize) -> usize {
    BLOCK.next_multiple_of(channels)
}

/// An op with its sizes resolved for its inputs, before it has weights.
pub(crate) trait Geometry: Debug + Send {
    /// Shape of one sample of the output.
    fn output(&self) -> Shape;

    /// The tensors that it needs, in the order in which `prepare` gets them.
    fn tensors(&self) -> Vec<TensorSpec> {
        Vec::new()
    }

    /// Products of a weight and a value that are added up for one sample,
    /// those with a zero beyond the edges included; 0 for an op that has no
    /// sums over weights.
    fn multiply_adds(&self) -> u64 {
        0
    }

    /// Makes the op that runs.
    ///
    /// # Errors
    /// [`Error::Memory`] where a CUDA device has no room for the weights.
    fn prepare(self: Box<Self>, from: &Preparation) -> Result<Box<dyn Op>, Error>;
}

/// What an op that runs is made of.
pub(crate) struct Preparation {
    /// One per entry of [`Geometry::tensors`], of the shapes asked for.
    pub tensors: Vec<SharedTensor>,
    /// Whether transforms that round a little more may be used to multiply
    /// less.
    pub winograd: bool,
    /// The CUDA device that it is to run on, if it is not the CPU.
    pub gpu: Option<Arc<Gpu>>,
}

impl Preparation {
    /// The values of tensor `i`, if the op asked for so many.
    pub(crate) fn floats(&self, i: usize) -> Option<Vec<f32>> {
        Some(self.tensors.get(i)?.view().to_floats())
    }
}

/// A tensor that an op asks of the network file.
#[derive(Clone, Debug)]
pub(crate) struct TensorSpec {
    /// The name after the layer's name and a dot, e.g. `weight`.
    pub suffix: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// An op that runs. Batches lie sample after sample, planes channels-last (see
/// [`crate::Buffer`]); `n` samples are run.
pub(crate) trait Op: Debug + Send + Sync {
    /// Number of f32 per sample kept from forward to backward.
    fn saved(&self) -> usize {
        0
    }

    /// Number of f32 that one worker needs for itself during a call with
    /// `batch` samples.
    fn scratch(&self, _batch: usize) -> usize {
        0
    }

    /// Number of f32 that all workers share during a call with `batch` samples.
    fn shared(&self, _batch: usize) -> usize {
        0
    }

    /// The negative slope of a ReLU that another op may apply in its place: one
    /// that is not below 0, so that input and output have the same sign.
    fn relu(&self) -> Option<f32> {
        None
    }

    /// Whether it honours [`Forward::relu`] and [`Backward::relu`].
    fn fuses_relu(&self) -> bool {
        false
    }

    /// Computes `y` from `x`.
    fn forward(&self, run: Forward<'_>);

    /// Computes every `dx` from `dy`; called after `forward` on the same data.
    fn backward(&self, run: Backward<'_, '_>);

    /// [`Op::forward`] of an op that was prepared for a CUDA device.
    fn launch_forward(&self, run: LaunchForward<'_>);

    /// [`Op::backward`] of an op that was prepared for a CUDA device.
    fn launch_backward(&self, run: LaunchBackward<'_, '_>);
}

/// Why an op cannot be resolved: what it needs and what it was given. The
/// caller adds the layer's name.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub expected: String,
    pub found: String,
}

impl Mismatch {
    pub(crate) fn new(expected: impl Into<String>, found: impl ToString) -> Mismatch {
        Mismatch {
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    pub(crate) fn at(self, layer: &str, op: &'static str) -> Error {
        Error::Shape {
            layer: layer.to_owned(),
            op,
            expected: self.expected,
            found: self.found,
        }
    }
}

/// Carries a cotangent of a ReLU's output `y` to its input, in place.
pub(crate) fn through_relu(instructions: Instructions, slope: f32, y: &[f32], dy: &mut [f32]) {
    let blocks = dy.par_chunks_mut(BLOCK).zip(y.par_chunks(BLOCK));
    blocks.for_each(|(dy, y)| {
        instructions.dispatch(Carry { slope, y, dy });
    });
}

/// The same on a CUDA device.
pub(crate) fn launch_through_relu(gpu: &Gpu, n: usize, slope: f32, y: &Buffer, dy: &mut Buffer) {
    let len = n * y.sample_len();
    let carry = CarryRelu {
        dy: dy.output(),
        y: y.input(),
        slope,
        len: cuda::int(len),
    };
    gpu.launch(cuda::blocks(len, 256), &carry);
}

struct Carry<'a> {
    slope: f32,
    y: &'a [f32],
    dy: &'a mut [f32],
}

impl Kernel for Carry<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Carry { slope, y, dy } = self;
        for (dy, &y) in dy.iter_mut().zip(y) {
            *dy *= if y > 0.0 { 1.0 } else { slope };
        }
    }
}

/// Finds the op for a layer and applies its shape rule.
pub(crate) fn resolve(op: &Description, inputs: &[Shape]) -> Result<Box<dyn Geometry>, Mismatch> {
    Ok(match op {
        Description::Convolution(a) => Box::new(convolution::Geometry::new(a, only(inputs)?)?),
        Description::TransposedConvolution(a) => {
            Box::new(transposed_convolution::Geometry::new(a, only(inputs)?)?)
        }
        Description::InnerProduct(a) => Box::new(inner_product::Geometry::new(a, only(inputs)?)?),
        Description::Relu(a) => Box::new(pointwise::Geometry::relu(a, only(inputs)?)),
        Description::Sigmoid => Box::new(pointwise::Geometry::sigmoid(only(inputs)?)),
        Description::Tanh => Box::new(pointwise::Geometry::tanh(only(inputs)?)),
        Description::Pool(a) => Box::new(pool::Geometry::new(a, only(inputs)?)?),
        Description::Lrn(a) => Box::new(lrn::Geometry::new(a, only(inputs)?)?),
        Description::Softmax => Box::new(softmax::Geometry::new(only(inputs)?)?),
        Description::BatchNorm(a) => Box::new(affine::Geometry::batch_norm(a, only(inputs)?)?),
        Description::Scale => Box::new(affine::Geometry::scale(only(inputs)?)?),
        Description::Eltwise(a) => Box::new(eltwise::Geometry::new(a, inputs)?),
        Description::Concat => Box::new(concat::Geometry::new(inputs)?),
        Description::Flatten => Box::new(reshape::Geometry::flatten(only(inputs)?)),
        Description::Reshape(a) => Box::new(reshape::Geometry::reshape(a, only(inputs)?)?),
        Description::Dropout => Box::new(reshape::Geometry::identity(only(inputs)?)),
        Description::Crop(a) => Box::new(crop::Geometry::new(a, only(inputs)?)?),
    })
}

/// The one input of an op that takes one.
fn only(inputs: &[Shape]) -> Result<&Shape, Mismatch> {
    match inputs {
        [input] => Ok(input),
        _ => Err(Mismatch::new("one input", inputs.len())),
    }
}

/// Channels, height and width of an input; a vector is channels of one pixel.
fn planes(input: &Shape) -> Result<[usize; 3], Mismatch> {
    let planes = input.planes();
    planes.ok_or_else(|| Mismatch::new("a vector, or channels x height x width", input))
}
