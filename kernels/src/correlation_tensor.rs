//! Correlations on tensor cores, with the accuracy of f32.

use crate::correlation::correlations;
use crate::declare::kernels;
use crate::{In, Out};

correlations! {
    "correlation_tensor" for 80;

    /// A correlation by [`Tile::Wide`](crate::correlation::Tile::Wide).
    CorrelationTensorF32 = "correlation_tensor_f32" of f32;
    /// A correlation by [`Tile::Wide`](crate::correlation::Tile::Wide), weights as f16.
    CorrelationTensorF16 = "correlation_tensor_f16" of u16;
    /// A correlation by [`Tile::Wide`](crate::correlation::Tile::Wide), weights as bf16.
    CorrelationTensorBf16 = "correlation_tensor_bf16" of u16;
}
