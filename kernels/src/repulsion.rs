//! Repulsion between near neighbours.
//!
//! The *others* of a batch `[n, e]` are `m` fixed encodings followed by the
//! batch itself, numbered from 0 to `m + n`.

use crate::declare::kernels;
use crate::{In, Out};

/// Rows of the batch that a block of [`Distances`] compares: blocks along x.
pub const BATCH_ROWS: u32 = 4;

/// Others that a block of [`Distances`] compares them with: blocks along y.
pub const OTHER_ROWS: u32 = 32;

kernels! {
    "repulsion" for 75;

    /// Squared distances between a batch and its others, one warp for
    /// [`BATCH_ROWS`] rows and four others. The grid is
    /// `[n / BATCH_ROWS, (m + n) / OTHER_ROWS]` rounded up.
    Distances = "distances", 256 threads {
        /// `[n, e]`.
        encodings: In<'a, f32>,
        /// `[m, e]`.
        fixed: In<'a, f32>,
        /// `[n, m + n]`, overwritten.
        squares: Out<'a, f64>,
        /// Components of an encoding.
        e: i32,
        /// Fixed encodings, 0 or more.
        m: i32,
        /// Rows of the batch.
        n: i32,
    }

    /// The nearest others of every row that are not equal to it, in order; the
    /// one with the lower number first where two are as near. One block a row.
    Nearest = "nearest", 256 threads {
        /// `[n, m + n]`.
        squares: In<'a, f64>,
        /// Numbers of the others, -1 behind the last, `[n, near]`, overwritten.
        indices: Out<'a, i32>,
        /// The distance to the nearest over the squared distance to each of
        /// them, 0 behind the last, `[n, near]`, overwritten.
        factors: Out<'a, f32>,
        /// How many of each are wanted.
        near: i32,
        /// Fixed encodings, 0 or more.
        m: i32,
        /// Rows of the batch: the blocks.
        n: i32,
    }

    /// The cotangents `-weight sum factor (e - other)` over the nearest others,
    /// one thread a component of a row.
    Repel = "repel", 256 threads {
        /// `[n, e]`.
        encodings: In<'a, f32>,
        /// `[m, e]`.
        fixed: In<'a, f32>,
        /// As [`Nearest`] wrote them, `[n, near]`.
        indices: In<'a, i32>,
        /// As [`Nearest`] wrote them, `[n, near]`.
        factors: In<'a, f32>,
        /// Of the objective.
        weight: f32,
        /// `[n, e]`, overwritten.
        d_encodings: Out<'a, f32>,
        /// Others of each row.
        near: i32,
        /// Components of an encoding.
        e: i32,
        /// Fixed encodings, 0 or more.
        m: i32,
        /// Rows of the batch.
        n: i32,
    }
}
