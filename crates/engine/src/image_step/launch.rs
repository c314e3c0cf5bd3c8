//! The pixel step on a CUDA device.

use kernels::image_step::{self, Decode, Encode, Frame, PullEncoded, PullImage};

use super::{Clamp, Decoder, Encoder, Pixels};
use crate::Buffer;
use crate::cuda::{Gpu, Memory, int};

impl Pixels {
    fn on_device(&self) -> &[Memory<f32>; 2] {
        let both = self.on_device.as_ref();
        both.expect("uploaded when the step was made for the device")
    }

    fn launched(&self) -> image_step::Pixels {
        image_step::Pixels {
            channels: int(self.gain.len()),
            reversed: self.reversed.into(),
            sample: int(self.offset.len()),
        }
    }
}

impl Encoder {
    pub(super) fn launch_encode(&self, gpu: &Gpu, images: &Buffer, n: usize, encoded: &mut Buffer) {
        let [gain, offset] = self.pixels.on_device();
        let kernel = Encode {
            images: images.input(),
            gain: gain.input(),
            offset: offset.input(),
            encoded: encoded.output(),
            pixels: self.pixels.launched(),
            n: int(n),
        };
        gpu.launch(kernel.grid(), &kernel);
    }

    pub(super) fn launch_pull(
        &self,
        gpu: &Gpu,
        d_encoded: &Buffer,
        n: usize,
        d_images: &mut Buffer,
    ) {
        let [gain, _] = self.pixels.on_device();
        let kernel = PullEncoded {
            d_encoded: d_encoded.input(),
            gain: gain.input(),
            d_images: d_images.output(),
            pixels: self.pixels.launched(),
            n: int(n),
        };
        gpu.launch(kernel.grid(), &kernel);
    }
}

impl Decoder {
    pub(super) fn launch_decode(&self, gpu: &Gpu, output: &Buffer, n: usize, images: &mut Buffer) {
        let [gain, offset] = self.pixels.on_device();
        let kernel = Decode {
            output: output.input(),
            gain: gain.input(),
            offset: offset.input(),
            images: images.output(),
            frame: self.frame(),
            n: int(n),
        };
        gpu.launch(kernel.grid(), &kernel);
    }

    pub(super) fn launch_pull(
        &self,
        gpu: &Gpu,
        output: &Buffer,
        d_images: &Buffer,
        n: usize,
        d_output: &mut Buffer,
    ) {
        let [gain, offset] = self.pixels.on_device();
        let kernel = PullImage {
            output: output.input(),
            d_images: d_images.input(),
            gain: gain.input(),
            offset: offset.input(),
            d_output: d_output.output(),
            frame: self.frame(),
            hard: (self.clamp == Clamp::Hard).into(),
            n: int(n),
        };
        gpu.launch(kernel.grid(), &kernel);
    }

    fn frame(&self) -> Frame {
        let [channels, from_h, from_w] = self.from.map(int);
        let [_, to_h, to_w] = self.to.map(int);
        Frame {
            channels,
            reversed: self.pixels.reversed.into(),
            from_h,
            from_w,
            to_h,
            to_w,
        }
    }
}
