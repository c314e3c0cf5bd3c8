//! Images as they are stored: 8 bits a number.

use crate::declare::kernels;
use crate::{In, Out};

kernels! {
    "rounding" for 75;

    /// The bytes of images and what they stand for, one thread a pixel.
    RoundImages = "round_images", 256 threads {
        /// In [0, 1], `[n, positions, channels]`.
        images: In<'a, f32>,
        /// `[n, channels, positions]`, overwritten.
        bytes: Out<'a, u8>,
        /// `byte / 255`, `[n, positions, channels]`, overwritten.
        rounded: Out<'a, f32>,
        /// Numbers in a pixel.
        channels: i32,
        /// Pixels of an image.
        positions: i32,
        /// Images.
        n: i32,
    }
}
