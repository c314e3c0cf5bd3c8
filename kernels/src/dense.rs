//! Inner products and their gradients.

use crate::declare::kernels;
use crate::{In, Out};

/// The sizes of an inner product layer, and what is done to its sums.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Samples.
    pub n: i32,
    /// Values that the layer reads, in both directions.
    pub inputs: i32,
    /// Values that the layer makes, in both directions.
    pub outputs: i32,
    /// Whether a ReLU follows (0 or 1).
    pub relu: i32,
    /// Slope of the ReLU, or of the mask, below zero.
    pub slope: f32,
    /// Parts that every sum is computed in, see [`splits`].
    pub splits: i32,
}

/// Results of a sample that one block computes.
const RESULTS: u32 = 64;
/// Samples that share one reading of the weights.
const SAMPLES: u32 = 16;
/// Blocks that keep a large device busy.
const ENOUGH_BLOCKS: u32 = 528;
/// The fewest terms that are worth a block of their own.
const FEWEST_TERMS: u32 = 512;

/// Into how many parts sums of so many terms should be split, for so many
/// results of a sample. Forward these are the layer's inputs and outputs,
/// backward its outputs and inputs. It depends on the layer only, so that a
/// sample's values do not depend on its batch.
pub fn splits(terms: u32, results: u32) -> i32 {
    let wanted = ENOUGH_BLOCKS / results.div_ceil(RESULTS).max(1);
    wanted.clamp(1, terms.div_ceil(FEWEST_TERMS).max(1)) as i32
}

/// The grid for so many results of a sample (forward the layer's outputs,
/// backward its inputs), `n` samples and `splits` parts. Of few samples some
/// kernels compute twice the results in a block, and the other blocks end at once.
pub fn grid(results: u32, n: u32, splits: i32) -> [u32; 3] {
    [
        results.div_ceil(RESULTS),
        n.div_ceil(SAMPLES),
        splits as u32,
    ]
}

/// Declares the kernels of an inner product layer.
macro_rules! inner_products {
    (
        $file:literal for $capability:literal, $threads:literal threads;
        $( $(#[$doc:meta])* $kernel:ident = $name:literal of $weight:ty; )*
    ) => {
        kernels! {
            $file for $capability;
            $(
                $(#[$doc])*
                $kernel = $name, $threads threads {
                    /// What is multiplied: forward `[n, inputs]`, backward `[n, outputs]`; its
                    /// address a multiple of 16.
                    x: In<'a, f32>,
                    /// `[outputs, inputs]`; its address a multiple of 16.
                    w: In<'a, $weight>,
                    /// One value for each result of a sample, or none.
                    bias: In<'a, f32>,
                    /// Like `y`, or none: where it is not positive, `y` is multiplied by the slope.
                    mask: In<'a, f32>,
                    /// Forward `[n, outputs]`, backward `[n, inputs]`. Overwritten if `splits`
                    /// is 1, else left to [`product::Finish`](crate::product::Finish).
                    y: Out<'a, f32>,
                    /// `[splits]` times the length of `y`; none if `splits` is 1.
                    partials: Out<'a, f32>,
                    /// Sizes.
                    shape: $crate::dense::Shape,
                }
            )*
        }
    };
}
pub(crate) use inner_products;

inner_products! {
    "dense" for 75, 256 threads;

    /// `y = x w^T`
    DenseForwardF32 = "dense_forward_f32" of f32;
    /// `y = x w^T`, weights as f16.
    DenseForwardF16 = "dense_forward_f16" of u16;
    /// `y = x w^T`, weights as bf16.
    DenseForwardBf16 = "dense_forward_bf16" of u16;
    /// `y = x w`
    DenseBackwardF32 = "dense_backward_f32" of f32;
    /// `y = x w`, weights as f16.
    DenseBackwardF16 = "dense_backward_f16" of u16;
    /// `y = x w`, weights as bf16.
    DenseBackwardBf16 = "dense_backward_bf16" of u16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_fill_a_device_but_keep_their_length() {
        // Results of 1 tile: as many parts as there are lengths of 512.
        assert_eq!(splits(4096, 10), 8);
        assert_eq!(splits(4097, 10), 9);
        assert_eq!(splits(511, 10), 1);
        // 144 tiles: 3 parts make enough blocks.
        assert_eq!(splits(4096, 9216), 3);
        assert_eq!(splits(9216, 1 << 20), 1);
        assert_eq!(splits(0, 0), 1);
    }

    #[test]
    fn a_grid_covers_results_and_samples() {
        assert_eq!(grid(65, 17, 4), [2, 2, 4]);
        assert_eq!(grid(64, 16, 1), [1, 1, 1]);
    }
}
