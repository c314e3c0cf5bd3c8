//! Functions of one value. One thread takes a value.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "pointwise" for 75;

    /// `y = value`.
    Fill = "fill", 256 threads {
        /// Overwritten.
        y: Out<'a, f32>,
        /// What it is filled with.
        value: f32,
        /// Number of values.
        len: i32,
    }

    /// `sum += terms`.
    Add = "add", 256 threads {
        /// Added to.
        sum: Out<'a, f32>,
        /// What is added.
        terms: In<'a, f32>,
        /// Number of values.
        len: i32,
    }

    /// Carries a gradient through a ReLU that made `y`: `dy *= slope` wherever
    /// `y` is not above 0.
    CarryRelu = "carry_relu", 256 threads {
        /// Changed in place.
        dy: Out<'a, f32>,
        /// What the ReLU made.
        y: In<'a, f32>,
        /// Negative slope of the ReLU, not below 0.
        slope: f32,
        /// Number of values.
        len: i32,
    }

    /// `y = x` above 0, `slope x` elsewhere.
    ReluForward = "relu_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Negative slope.
        slope: f32,
        /// Number of values.
        len: i32,
    }

    /// `dx = dy` where `x` is above 0, `slope dy` elsewhere.
    ReluBackward = "relu_backward", 256 threads {
        /// Input of the forward pass.
        x: In<'a, f32>,
        /// Cotangent.
        dy: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Negative slope.
        slope: f32,
        /// Number of values.
        len: i32,
    }

    /// `y = 1 / (1 + exp(-x))`.
    SigmoidForward = "sigmoid_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }

    /// `dx = y (1 - y) dy`.
    SigmoidBackward = "sigmoid_backward", 256 threads {
        /// Input of the forward pass.
        x: In<'a, f32>,
        /// Its output.
        y: In<'a, f32>,
        /// Cotangent.
        dy: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }

    /// `y = tanh(x)`.
    TanhForward = "tanh_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }

    /// `dx = dy / cosh(x)^2`.
    TanhBackward = "tanh_backward", 256 threads {
        /// Input of the forward pass.
        x: In<'a, f32>,
        /// Cotangent.
        dy: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Number of values.
        len: i32,
    }
}
