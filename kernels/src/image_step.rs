//! The step between a generator and a classifier: pixels.

use crate::declare::kernels;
use crate::{In, Out, grid};

/// How images are the input of a network.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Pixels {
    /// Number of channels.
    pub channels: i32,
    /// 1 if the network's channels are in the reverse order of the images',
    /// else 0.
    pub reversed: i32,
    /// Values of an image.
    pub sample: i32,
}

/// How a generator's output lies in images: cropped or padded centrally.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    /// Number of channels.
    pub channels: i32,
    /// 1 if the generator's channels are in the reverse order of the images',
    /// else 0.
    pub reversed: i32,
    /// Height of the generator's output.
    pub from_h: i32,
    /// Its width.
    pub from_w: i32,
    /// Height of an image.
    pub to_h: i32,
    /// Its width.
    pub to_w: i32,
}

impl Pixels {
    fn grid(&self, n: i32) -> [u32; 3] {
        grid::rows(n, self.sample)
    }
}

kernels! {
    "image_step" for 75;

    /// `encoded = pixel gain - offset`, launched with [`Encode::grid`].
    Encode = "encode", 256 threads {
        /// In `[0, 1]`, channels in the images' order.
        images: In<'a, f32>,
        /// Per channel of the network.
        gain: In<'a, f32>,
        /// Per value of a sample of the network.
        offset: In<'a, f32>,
        /// Overwritten.
        encoded: Out<'a, f32>,
        /// Order and sizes.
        pixels: Pixels,
        /// Number of images.
        n: i32,
    }

    /// The gradient of it, launched with [`PullEncoded::grid`].
    PullEncoded = "pull_encoded", 256 threads {
        /// Cotangent of what was encoded.
        d_encoded: In<'a, f32>,
        /// Per channel of the network.
        gain: In<'a, f32>,
        /// Overwritten.
        d_images: Out<'a, f32>,
        /// Order and sizes.
        pixels: Pixels,
        /// Number of images.
        n: i32,
    }

    /// `pixel = (output + offset) / gain`, clamped to `[0, 1]`; 0 where the
    /// generator does not reach. Launched with [`Decode::grid`].
    Decode = "decode", 256 threads {
        /// What the generator made.
        output: In<'a, f32>,
        /// Per channel of the generator.
        gain: In<'a, f32>,
        /// Per value of a sample of the generator's output.
        offset: In<'a, f32>,
        /// Overwritten.
        images: Out<'a, f32>,
        /// Order and sizes.
        frame: Frame,
        /// Number of images.
        n: i32,
    }

    /// The gradient of it, of a quantity that is being minimised; launched with
    /// [`PullImage::grid`].
    PullImage = "pull_image", 256 threads {
        /// What the generator made.
        output: In<'a, f32>,
        /// Cotangent of the images.
        d_images: In<'a, f32>,
        /// Per channel of the generator.
        gain: In<'a, f32>,
        /// Per value of a sample of the generator's output.
        offset: In<'a, f32>,
        /// Overwritten.
        d_output: Out<'a, f32>,
        /// Order and sizes.
        frame: Frame,
        /// Which gradients pass a pixel beyond `[0, 1]`: 0 for those along which
        /// a step moves it back inwards, 1 for none.
        hard: i32,
        /// Number of images.
        n: i32,
    }
}

impl Encode<'_> {
    /// Blocks for an image each.
    pub fn grid(&self) -> [u32; 3] {
        self.pixels.grid(self.n)
    }
}

impl PullEncoded<'_> {
    /// Blocks for an image each.
    pub fn grid(&self) -> [u32; 3] {
        self.pixels.grid(self.n)
    }
}

impl Decode<'_> {
    /// Blocks for a row of an image each.
    pub fn grid(&self) -> [u32; 3] {
        let Frame { channels, .. } = self.frame;
        grid::rows(self.n * self.frame.to_h, self.frame.to_w * channels)
    }
}

impl PullImage<'_> {
    /// Blocks for a row of an output each.
    pub fn grid(&self) -> [u32; 3] {
        let Frame { channels, .. } = self.frame;
        grid::rows(self.n * self.frame.from_h, self.frame.from_w * channels)
    }
}
