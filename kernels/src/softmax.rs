//! Softmax over the channels of each pixel. A warp takes a pixel: `32 pixels`
//! threads.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "softmax" for 75;

    /// `y = exp(x - max) / sum of exp(x - max)`.
    SoftmaxForward = "softmax_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Number of channels.
        channels: i32,
        /// Number of pixels, over the whole batch.
        pixels: i32,
    }

    /// `dx = y (dy - sum of dy y)`.
    SoftmaxBackward = "softmax_backward", 256 threads {
        /// Output of the forward pass.
        y: In<'a, f32>,
        /// Cotangent.
        dy: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Number of channels.
        channels: i32,
        /// Number of pixels, over the whole batch.
        pixels: i32,
    }
}
