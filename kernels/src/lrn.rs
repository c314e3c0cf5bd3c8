//! Local response normalisation across channels. One thread takes a value:
//! `pixels channels` threads.

use crate::declare::kernels;
use crate::{In, Out};

/// What a value is divided by:
/// `(k + weight * sum of squares over the channels within reach)^beta`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lrn {
    /// Number of channels.
    pub channels: i32,
    /// Channels on each side of the one that is scaled.
    pub reach: i32,
    /// `alpha / size`.
    pub weight: f32,
    /// Exponent.
    pub beta: f32,
    /// Summand.
    pub k: f32,
}

kernels! {
    "lrn" for 75;

    /// `y = x scale^-beta`.
    LrnForward = "lrn_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten with the sum that is raised to `-beta`.
        scale: Out<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Constants.
        lrn: Lrn,
        /// Number of pixels, over the whole batch.
        pixels: i32,
    }

    /// `dx = dy scale^-beta - 2 weight beta x * sum of dy y / scale over the
    /// channels within reach`.
    LrnBackward = "lrn_backward", 256 threads {
        /// Input of the forward pass.
        x: In<'a, f32>,
        /// Its output.
        y: In<'a, f32>,
        /// Cotangent.
        dy: In<'a, f32>,
        /// The scale that the forward pass made.
        scale: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Constants.
        lrn: Lrn,
        /// Number of pixels, over the whole batch.
        pixels: i32,
    }
}
