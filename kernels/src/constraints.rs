//! Multipliers of the neurons' ranges.

use crate::declare::kernels;
use crate::{In, Out};

/// In an element of `presses`: the slot's multipliers are updated first.
pub const UPDATE: i32 = 1 << 30;

/// In an element of `presses`: the row's cotangents are those of its slot,
/// else zeros.
pub const PRESS: i32 = 1 << 29;

/// Numbers that a neuron of a slot has in `table`: multiplier, `mu`, lower and
/// upper end of its band, and the greatest size of the multiplier.
pub const COLUMNS: usize = 5;

kernels! {
    "constraints" for 75;

    /// Multipliers and cotangents of the augmented Lagrangian, one thread a
    /// neuron of a row.
    Constrain = "constrain", 256 threads {
        /// The neurons' values, `[n, m]`.
        values: In<'a, f32>,
        /// `[K, m, COLUMNS]`; the multipliers are updated in place.
        table: Out<'a, f64>,
        /// A slot for every row, no slot twice, with [`UPDATE`] and [`PRESS`], `[n]`.
        presses: In<'a, i32>,
        /// `[n, m]`, overwritten.
        d_values: Out<'a, f32>,
        /// Neurons.
        m: i32,
        /// Rows.
        n: i32,
    }
}
