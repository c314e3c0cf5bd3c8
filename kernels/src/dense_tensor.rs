//! Inner products on tensor cores, with the accuracy of f32.

use crate::declare::kernels;
use crate::dense::inner_products;
use crate::{In, Out};

inner_products! {
    "dense_tensor" for 80, 256 threads;

    /// `y = x w^T`
    DenseForwardTensorF32 = "dense_forward_tensor_f32" of f32;
    /// `y = x w^T`, weights as f16.
    DenseForwardTensorF16 = "dense_forward_tensor_f16" of u16;
    /// `y = x w^T`, weights as bf16.
    DenseForwardTensorBf16 = "dense_forward_tensor_bf16" of u16;
    /// `y = x w`
    DenseBackwardTensorF32 = "dense_backward_tensor_f32" of f32;
    /// `y = x w`, weights as f16.
    DenseBackwardTensorF16 = "dense_backward_tensor_f16" of u16;
    /// `y = x w`, weights as bf16.
    DenseBackwardTensorBf16 = "dense_backward_tensor_bf16" of u16;
}
