//! The mean of all encodings, and the gradient away from it.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "spread" for 75;

    /// The mean of the encodings so far becomes that of these and `k` more,
    /// one thread a component.
    MergeMoments = "merge_moments", 64 threads {
        /// `[K, e]`, of which the rows of `order` are meant.
        kept: In<'a, f32>,
        /// Rows in the order in which they are added, `[k]`.
        order: In<'a, i32>,
        /// Encodings so far; at 0 the mean is overwritten without being read.
        count: f64,
        /// `[e]`, updated in place.
        mean: Out<'a, f64>,
        /// Components of an encoding.
        e: i32,
        /// Encodings to add.
        k: i32,
    }

    /// The cotangents `-weight dT/de` of a batch, where `T` runs over the
    /// encodings so far and the batch together; one thread a component of all
    /// rows.
    SpreadGradient = "spread_gradient", 64 threads {
        /// `[n, e]`.
        encodings: In<'a, f32>,
        /// Mean of the encodings so far, `[e]`.
        mean: In<'a, f64>,
        /// Encodings so far; at 0 the mean is not read.
        count: f64,
        /// Of the objective.
        weight: f32,
        /// `[n, e]`, overwritten.
        d_encodings: Out<'a, f32>,
        /// Components of an encoding.
        e: i32,
        /// Rows of the batch.
        n: i32,
    }
}
