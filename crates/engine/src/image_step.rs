//! The step between a generator and a classifier: pixels.
//!
//! An image is RGB or grey in `[0, 1]`, `[c, h, w]`, of the classifier's
//! size. A [`Decoder`] makes images of a generator's output: decoded, clamped,
//! cropped or padded centrally. An [`Encoder`] makes a classifier's input of
//! images.

use netfile::{Channels, ImageEncoding, NetworkFile};
use rayon::prelude::*;

use crate::{Buffer, Device, Error, Shape};

/// Which gradients pass a pixel that is clamped to `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clamp {
    /// Those along which a step moves the pixel back inwards.
    #[default]
    StraightInward,
    /// None.
    Hard,
}

/// `encoded = pixel * gain - offset`, with the channels in the network's
/// order.
#[derive(Debug)]
struct Pixels {
    /// Image channel of each channel of the network.
    order: Vec<usize>,
    /// Per channel of the network.
    gain: Vec<f32>,
    /// Per value of the network's input, or per channel with a plane of 1.
    offset: Vec<f32>,
    offset_plane: usize,
}

impl Pixels {
    /// The encoding of a network whose images are `[c, h, w]` = `shape`.
    fn new(file: &NetworkFile, shape: [usize; 3]) -> Result<Pixels, Error> {
        let mismatch = |expected: String, found: String| Error::Shape {
            layer: file.description().name.clone(),
            op: "image",
            expected,
            found,
        };
        let Some(encoding) = &file.description().image else {
            return Err(mismatch("a pixel encoding".into(), "none".into()));
        };
        let [c, h, w] = shape;
        if encoding.channels.count() != c {
            return Err(mismatch(
                format!("{} channels", encoding.channels.count()),
                format!("{c}"),
            ));
        }
        let order = match encoding.channels {
            Channels::Grey => vec![0],
            Channels::Rgb => vec![0, 1, 2],
            Channels::Bgr => vec![2, 1, 0],
        };
        let (mean, offset_plane) = match file.tensor(ImageEncoding::MEAN_TENSOR) {
            Some(tensor) if tensor.shape[..] == [c, h, w] => {
                (file.floats(ImageEncoding::MEAN_TENSOR)?, h * w)
            }
            Some(tensor) => {
                return Err(mismatch(
                    format!("{} of {shape:?}", ImageEncoding::MEAN_TENSOR),
                    format!("{:?}", tensor.shape),
                ));
            }
            None => (encoding.mean.clone(), 1),
        };
        Ok(Pixels {
            order,
            gain: encoding
                .std
                .iter()
                .map(|std| encoding.scale / std)
                .collect(),
            offset: mean
                .iter()
                .enumerate()
                .map(|(i, mean)| mean / encoding.std[i / offset_plane])
                .collect(),
            offset_plane,
        })
    }

    /// What is subtracted at a position of a channel.
    fn offset(&self, channel: usize, position: usize) -> f32 {
        match self.offset_plane {
            1 => self.offset[channel],
            plane => self.offset[channel * plane + position],
        }
    }
}

/// Makes the input of a classifier from images.
#[derive(Debug)]
pub struct Encoder {
    pixels: Pixels,
    plane: usize,
    shape: Shape,
    device: Device,
}

impl Encoder {
    /// For a network whose input is an image.
    ///
    /// # Errors
    /// [`Error::Shape`] where the network has no pixel encoding or its input
    /// is not `[c, h, w]` with as many channels as the encoding says.
    pub fn new(file: &NetworkFile, input: &Shape, device: &Device) -> Result<Encoder, Error> {
        let [c, h, w] = planes(file, input)?;
        Ok(Encoder {
            pixels: Pixels::new(file, [c, h, w])?,
            plane: h * w,
            shape: input.clone(),
            device: device.clone(),
        })
    }

    /// Shape of one image, `[c, h, w]`.
    pub fn image_shape(&self) -> &Shape {
        &self.shape
    }

    /// Encodes `n` images.
    pub fn encode(&self, images: &Buffer, n: usize, encoded: &mut Buffer) {
        self.each(images.stored(n), encoded.stored_mut(n), |k, p, pixel| {
            pixel * self.pixels.gain[k] - self.pixels.offset(k, p)
        });
    }

    /// Takes cotangents of the encoded images back to the images.
    pub fn pull(&self, d_encoded: &Buffer, n: usize, d_images: &mut Buffer) {
        // Reversing the channels is its own inverse, so that the same walk
        // goes either way.
        self.each(d_encoded.stored(n), d_images.stored_mut(n), |k, _, d| {
            d * self.pixels.gain[self.pixels.order[k]]
        });
    }

    /// `to[p][k] = f(k, p, from[p][order[k]])` for every pixel `p` of a sample.
    fn each(&self, from: &[f32], to: &mut [f32], f: impl Fn(usize, usize, f32) -> f32 + Sync) {
        let channels = self.pixels.order.len();
        let len = PIXELS * channels;
        self.device.install(|| {
            let blocks = to.par_chunks_mut(len).zip(from.par_chunks(len));
            blocks.enumerate().for_each(|(block, (to, from))| {
                let pixels = to.chunks_exact_mut(channels);
                for (i, (to, from)) in pixels.zip(from.chunks_exact(channels)).enumerate() {
                    let p = (block * PIXELS + i) % self.plane;
                    for (k, (to, &channel)) in to.iter_mut().zip(&self.pixels.order).enumerate() {
                        *to = f(k, p, from[channel]);
                    }
                }
            });
        });
    }
}

/// Pixels that one task takes.
const PIXELS: usize = 1 << 12;

/// Makes images of a generator's output.
#[derive(Debug)]
pub struct Decoder {
    pixels: Pixels,
    clamp: Clamp,
    /// `[c, h, w]` of the generator's output.
    from: [usize; 3],
    /// `[c, h, w]` of an image.
    to: [usize; 3],
    device: Device,
}

impl Decoder {
    /// For a generator with output shape `output`, and images of shape
    /// `image`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the generator has no pixel encoding or its
    /// number of channels is not the image's.
    pub fn new(
        file: &NetworkFile,
        output: &Shape,
        image: &Shape,
        clamp: Clamp,
        device: &Device,
    ) -> Result<Decoder, Error> {
        let from = planes(file, output)?;
        let to = planes(file, image)?;
        if from[0] != to[0] {
            return Err(Error::Shape {
                layer: file.description().name.clone(),
                op: "image",
                expected: format!("{} channels, as the classifier has", to[0]),
                found: from[0].to_string(),
            });
        }
        Ok(Decoder {
            pixels: Pixels::new(file, from)?,
            clamp,
            from,
            to,
            device: device.clone(),
        })
    }

    /// Makes images of the first `n` outputs. Pixels that the generator does
    /// not reach are 0.
    pub fn decode(&self, output: &Buffer, n: usize, images: &mut Buffer) {
        let [c, h, w] = self.to;
        let [rows, _] = self.shared();
        let output = output.stored(n);
        self.device.install(|| {
            let lines = images.stored_mut(n).par_chunks_exact_mut(w * c);
            lines.enumerate().for_each(|(line, image)| {
                image.fill(0.0);
                let Some(row) = rows.other(rows.to, line % h) else {
                    return;
                };
                let start = (line / h * self.from[1] + row) * self.from[2];
                self.each(start, row, |k, from, to, position| {
                    let pixel = self.pixel(k, position, output[from]);
                    image[to] = pixel.clamp(0.0, 1.0);
                });
            });
        });
    }

    /// Takes cotangents of images back to the generator's output. They are of
    /// a quantity that is being minimised: this is what says which way is
    /// inwards.
    pub fn pull(&self, output: &Buffer, d_images: &Buffer, n: usize, d_output: &mut Buffer) {
        let [c, h, w] = self.from;
        let [rows, _] = self.shared();
        let (output, d_images) = (output.stored(n), d_images.stored(n));
        let image_row = self.to[2] * c;
        self.device.install(|| {
            let lines = d_output.stored_mut(n).par_chunks_exact_mut(w * c);
            lines.enumerate().for_each(|(line, d_output)| {
                d_output.fill(0.0);
                let row = line % h;
                let Some(image) = rows.other(rows.from, row) else {
                    return;
                };
                let d_image = &d_images[(line / h * self.to[1] + image) * image_row..][..image_row];
                let start = line * w * c;
                self.each(line * w, row, |k, from, to, position| {
                    let pixel = self.pixel(k, position, output[from]);
                    let d = d_image[to];
                    let blocked = match self.clamp {
                        Clamp::StraightInward => pixel < 0.0 && d > 0.0 || pixel > 1.0 && d < 0.0,
                        Clamp::Hard => !(0.0..=1.0).contains(&pixel),
                    };
                    if !blocked {
                        d_output[from - start] = d / self.pixels.gain[k];
                    }
                });
            });
        });
    }

    #[inline]
    fn pixel(&self, channel: usize, position: usize, value: f32) -> f32 {
        (value + self.pixels.offset(channel, position)) / self.pixels.gain[channel]
    }

    /// The rows and the columns that both sides share.
    fn shared(&self) -> [Shared; 2] {
        [1, 2].map(|axis| Shared::new(self.from[axis], self.to[axis]))
    }

    /// Calls `f(k, from, to, position)` for every value of a row that both
    /// sides share: channel `k` of the generator, index in its output, index
    /// in the row of the image, position in the generator's plane. The
    /// generator's row is number `row` and begins at pixel `start` of the
    /// batch.
    #[inline]
    fn each(&self, start: usize, row: usize, mut f: impl FnMut(usize, usize, usize, usize)) {
        let [c, _, w] = self.from;
        let [_, cols] = self.shared();
        for x in 0..cols.len {
            let (from, to) = (x + cols.from, x + cols.to);
            for (k, channel) in self.pixels.order.iter().enumerate() {
                f(k, (start + from) * c + k, to * c + channel, row * w + from);
            }
        }
    }
}

/// The pixels along an axis that a generator's output and an image share.
#[derive(Clone, Copy)]
struct Shared {
    /// The first of them on either side.
    from: usize,
    to: usize,
    len: usize,
}

impl Shared {
    /// Of an odd difference the smaller half lies before, as in PPGN's crop of
    /// 256 to 227 at 14.
    fn new(from: usize, to: usize) -> Shared {
        Shared {
            from: from.saturating_sub(to) / 2,
            to: to.saturating_sub(from) / 2,
            len: from.min(to),
        }
    }

    /// The number on the other side of pixel `i` on the side where they begin
    /// at `start`.
    fn other(self, start: usize, i: usize) -> Option<usize> {
        let shared = i.checked_sub(start).filter(|&i| i < self.len)?;
        Some(shared + self.from + self.to - start)
    }
}

fn planes(file: &NetworkFile, shape: &Shape) -> Result<[usize; 3], Error> {
    match shape.dims()[..] {
        [c, h, w] => Ok([c, h, w]),
        _ => Err(Error::Shape {
            layer: file.description().name.clone(),
            op: "image",
            expected: "an image, channels x height x width".into(),
            found: shape.to_string(),
        }),
    }
}
