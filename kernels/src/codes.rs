//! Moving a batch of codes inside its box.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "codes" for 75;

    /// `c = clip(c + share (own - c))`, one thread a component of a code.
    Approach = "approach", 256 threads {
        /// `[n, d]`, updated in place.
        codes: Out<'a, f32>,
        /// What they move towards, `[n, d]`.
        own: In<'a, f32>,
        /// Of every row, `[n]`.
        shares: In<'a, f32>,
        /// Least code, `[d]`.
        lower: In<'a, f32>,
        /// Greatest code, `[d]`.
        upper: In<'a, f32>,
        /// Components of a code.
        d: i32,
        /// Rows.
        n: i32,
    }

    /// `c = clip(c - factor g)` with `factor = min(gap / |g|, longest) / |g|`,
    /// one block a row. Components of `g` that push a code out through a bound
    /// that it lies on count as zero; a row rests where the factor is not
    /// finite and positive.
    Descend = "descend", 256 threads {
        /// `[n, d]`, updated in place.
        codes: Out<'a, f32>,
        /// `g`, `[n, d]`.
        d_codes: In<'a, f32>,
        /// Gap and longest move of every row, `[n, 2]`.
        strides: In<'a, f32>,
        /// Least code, `[d]`.
        lower: In<'a, f32>,
        /// Greatest code, `[d]`.
        upper: In<'a, f32>,
        /// Components of a code.
        d: i32,
        /// Rows: the blocks.
        n: i32,
    }
}
