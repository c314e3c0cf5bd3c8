//! Values that change their places only.

use crate::declare::kernels;
use crate::{In, Out, grid};

/// Rows of `width` values that lie side by side, and where they begin on either
/// side: row `i` at `offset + i pitch`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Part {
    /// Number of rows, over the whole batch.
    pub rows: i32,
    /// Values of a row that are copied.
    pub width: i32,
    /// Values from one row to the next, in the source.
    pub from_pitch: i32,
    /// Values before the first row, in the source.
    pub from_offset: i32,
    /// Values from one row to the next, in the destination.
    pub to_pitch: i32,
    /// Values before the first row, in the destination.
    pub to_offset: i32,
}

/// A window of every plane.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Crop {
    /// Number of channels.
    pub channels: i32,
    /// Height of the uncropped plane.
    pub from_h: i32,
    /// Its width.
    pub from_w: i32,
    /// First row of the window.
    pub y: i32,
    /// Its first column.
    pub x: i32,
    /// Height of the window.
    pub to_h: i32,
    /// Its width.
    pub to_w: i32,
}

/// The layouts of two shapes of as many values: a value keeps its number in
/// row-major order. What is no planes is one channel, or one position.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Reorder {
    /// Channels of the source.
    pub from_channels: i32,
    /// Positions of a plane of the source.
    pub from_positions: i32,
    /// Channels of the destination.
    pub to_channels: i32,
    /// Positions of a plane of the destination.
    pub to_positions: i32,
}

kernels! {
    "moves" for 75;

    /// Copies a part of every row. One thread takes a value: `rows width`
    /// threads.
    CopyPart = "copy_part", 256 threads {
        /// Source.
        from: In<'a, f32>,
        /// Destination; what lies beside the part is left as it is.
        to: Out<'a, f32>,
        /// What is copied, and whereto.
        part: Part,
    }

    /// `y[i, j] = x[i + crop.y, j + crop.x]`, launched with [`CropForward::grid`].
    CropForward = "crop_forward", 256 threads {
        /// Input.
        x: In<'a, f32>,
        /// Overwritten.
        y: Out<'a, f32>,
        /// Sizes.
        crop: Crop,
        /// Number of samples.
        n: i32,
    }

    /// The gradient of it, zero outside of the window; launched with
    /// [`CropBackward::grid`].
    CropBackward = "crop_backward", 256 threads {
        /// Cotangent.
        dy: In<'a, f32>,
        /// Overwritten.
        dx: Out<'a, f32>,
        /// Sizes.
        crop: Crop,
        /// Number of samples.
        n: i32,
    }

    /// Stores samples under another shape. One thread takes a value of the
    /// destination: `n to_channels to_positions` threads.
    ReorderValues = "reorder", 256 threads {
        /// Source.
        from: In<'a, f32>,
        /// Overwritten.
        to: Out<'a, f32>,
        /// Both layouts.
        layouts: Reorder,
        /// Number of samples.
        n: i32,
    }
}

impl CropForward<'_> {
    /// Blocks for a row of an output each.
    pub fn grid(&self) -> [u32; 3] {
        grid::rows(self.n * self.crop.to_h, self.crop.to_w * self.crop.channels)
    }
}

impl CropBackward<'_> {
    /// Blocks for a row of an input each.
    pub fn grid(&self) -> [u32; 3] {
        let Crop { channels, .. } = self.crop;
        grid::rows(self.n * self.crop.from_h, self.crop.from_w * channels)
    }
}
