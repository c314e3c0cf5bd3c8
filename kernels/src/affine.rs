//! One factor and one summand per channel. One thread takes a value.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "affine" for 75;

    /// `y = a x + b`.
    AffineForward = "affine_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Factor of each channel.
        a: In<'a, f32>,
        /// Summand of each channel.
        b: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Number of channels.
        channels: i32,
        /// Number of values.
        len: i32,
    }

    /// `dx = a dy`.
    AffineBackward = "affine_backward", 256 threads {
        /// Cotangent.
        dy: In<'a, f32>,
        /// Factor of each channel.
        a: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Number of channels.
        channels: i32,
        /// Number of values.
        len: i32,
    }
}
