//! The steps in which sums, products and maxima of several inputs are made.
//! One thread takes a value.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "eltwise" for 75;

    /// `y = factor x`.
    Scaled = "scaled", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Coefficient.
        factor: f32,
        /// Number of values.
        len: i32,
    }

    /// `y += factor x`, rounded twice.
    AddScaled = "add_scaled", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Added to.
        y: Out<'a, f32>,
        /// Coefficient.
        factor: f32,
        /// Number of values.
        len: i32,
    }

    /// `y *= x`.
    Multiply = "multiply", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Multiplied in place.
        y: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }

    /// `y = max(y, x)`.
    Greatest = "greatest", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Raised in place.
        y: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }

    /// Gives an input the cotangent wherever it is as great as the maximum:
    /// `dx = dy` where `x = y`, 0 elsewhere.
    PullGreatest = "pull_greatest", 256 threads {
        /// The input.
        x: In<'a, f32>,
        /// The maximum.
        y: In<'a, f32>,
        /// Cotangent.
        dy: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }

    /// Takes it away where an input before it is as great: `dx = 0` where
    /// `x = y`.
    PullEarlier = "pull_earlier", 256 threads {
        /// An input before the one of `dx`.
        x: In<'a, f32>,
        /// The maximum.
        y: In<'a, f32>,
        /// Changed in place.
        dx: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }
}
