//! Maximum and average over windows of a plane.

use crate::declare::kernels;
use crate::{In, Out, grid};

/// The windows along one axis: window `o` begins at pixel `o stride - pad`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PoolAxis {
    /// Pixels of the input.
    pub input: i32,
    /// Number of windows.
    pub output: i32,
    /// Pixels of a window.
    pub kernel: i32,
    /// Pixels from one window to the next.
    pub stride: i32,
    /// Pixels that are added on either side.
    pub pad: i32,
}

/// The windows of a plane.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Pool {
    /// Number of channels.
    pub channels: i32,
    /// Windows along a column.
    pub rows: PoolAxis,
    /// Windows along a row.
    pub cols: PoolAxis,
}

impl Pool {
    fn grid(&self, n: i32, [rows, cols]: [i32; 2]) -> [u32; 3] {
        grid::rows(n * rows, cols * self.channels)
    }

    /// Blocks for a row of an output each.
    fn forward(&self, n: i32) -> [u32; 3] {
        self.grid(n, [self.rows.output, self.cols.output])
    }

    /// Blocks for a row of an input each.
    fn backward(&self, n: i32) -> [u32; 3] {
        self.grid(n, [self.rows.input, self.cols.input])
    }
}

kernels! {
    "pool" for 75;

    /// The greatest real pixel of every window, launched with
    /// [`MaxPoolForward::grid`].
    MaxPoolForward = "max_pool_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Overwritten with the position in its plane of each greatest pixel,
        /// the first of equal ones.
        positions: Out<'a, u32>,
        /// Sizes.
        pool: Pool,
        /// Number of samples.
        n: i32,
    }

    /// The gradient of it, launched with [`MaxPoolBackward::grid`].
    MaxPoolBackward = "max_pool_backward", 256 threads {
        /// Cotangent.
        dy: In<'a, f32>,
        /// Positions that the forward pass found.
        positions: In<'a, u32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Sizes.
        pool: Pool,
        /// Number of samples.
        n: i32,
    }

    /// The sum over the real pixels of every window by the number of its places
    /// inside the image and its padding, launched with
    /// [`AveragePoolForward::grid`].
    AveragePoolForward = "average_pool_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Sizes.
        pool: Pool,
        /// Number of samples.
        n: i32,
    }

    /// The gradient of it, launched with [`AveragePoolBackward::grid`].
    AveragePoolBackward = "average_pool_backward", 256 threads {
        /// Cotangent.
        dy: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Sizes.
        pool: Pool,
        /// Number of samples.
        n: i32,
    }
}

impl MaxPoolForward<'_> {
    /// Blocks for a row of an output each.
    pub fn grid(&self) -> [u32; 3] {
        self.pool.forward(self.n)
    }
}

impl MaxPoolBackward<'_> {
    /// Blocks for a row of an input each.
    pub fn grid(&self) -> [u32; 3] {
        self.pool.backward(self.n)
    }
}

impl AveragePoolForward<'_> {
    /// Blocks for a row of an output each.
    pub fn grid(&self) -> [u32; 3] {
        self.pool.forward(self.n)
    }
}

impl AveragePoolBackward<'_> {
    /// Blocks for a row of an input each.
    pub fn grid(&self) -> [u32; 3] {
        self.pool.backward(self.n)
    }
}
