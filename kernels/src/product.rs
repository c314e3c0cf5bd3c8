//! The end of a matrix product whose sums were computed in parts.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "product" for 75;

    /// `y = epilogue(sum of the parts)`, the parts added in their order; one
    /// thread a value.
    Finish = "product_finish", 256 threads {
        /// `[splits, len]`
        partials: In<'a, f32>,
        /// `[channels]` or none.
        bias: In<'a, f32>,
        /// Like `y`, or none: where it is not positive, `y` is multiplied by the slope.
        mask: In<'a, f32>,
        /// `[len]`, channels last. Overwritten.
        y: Out<'a, f32>,
        /// Values of `y`.
        len: i32,
        /// Channels of `y`, over all groups.
        channels: i32,
        /// Parts.
        splits: i32,
        /// Whether a ReLU follows (0 or 1).
        relu: i32,
        /// Slope of the ReLU, or of the mask, below zero.
        slope: f32,
    }
}
