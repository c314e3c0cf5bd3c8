//! The step between a generator and a classifier: pixels.
//!
//! An image is RGB or grey in `[0, 1]`, `[c, h, w]`, of the classifier's
//! size. A [`Decoder`] makes images of a generator's output: decoded, clamped,
//! cropped or padded centrally. An [`Encoder`] makes a classifier's input of
//! images.

mod launch;
mod rows;

use std::sync::Arc;

use netfile::{Channels, ImageEncoding, NetworkFile};
use rayon::prelude::*;

use crate::cuda::{Gpu, Memory};
use crate::{Buffer, Device, Error, Shape};
use rows::{DecodeRow, EncodeRow, PullEncodedRow, PullImageRow};

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
    /// Whether that order is the reverse of the images'.
    reversed: bool,
    /// Per channel of the network.
    gain: Vec<f32>,
    /// Per value of the network's side, as it is stored.
    offset: Vec<f32>,
    /// Both of them on a CUDA device, if it is to run there.
    on_device: Option<[Memory<f32>; 2]>,
}

impl Pixels {
    /// The encoding of a network whose images are `[c, h, w]` = `shape`.
    fn new(file: &NetworkFile, shape: [usize; 3], device: &Device) -> Result<Pixels, Error> {
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
        let planes = match file.tensor(ImageEncoding::MEAN_TENSOR) {
            Some(tensor) if tensor.shape[..] == [c, h, w] => {
                Some(file.floats(ImageEncoding::MEAN_TENSOR)?)
            }
            Some(tensor) => {
                return Err(mismatch(
                    format!("{} of {shape:?}", ImageEncoding::MEAN_TENSOR),
                    format!("{:?}", tensor.shape),
                ));
            }
            None => None,
        };
        let mean = |channel: usize, position: usize| match &planes {
            Some(planes) => planes[channel * h * w + position],
            None => encoding.mean[channel],
        };
        let gain: Vec<f32> = encoding
            .std
            .iter()
            .map(|std| encoding.scale / std)
            .collect();
        let offset: Vec<f32> = (0..h * w * c)
            .map(|i| mean(i % c, i / c) / encoding.std[i % c])
            .collect();
        let upload =
            |gpu: &Arc<Gpu>| Ok::<_, Error>([Memory::of(gpu, &gain)?, Memory::of(gpu, &offset)?]);
        Ok(Pixels {
            reversed: encoding.channels == Channels::Bgr,
            on_device: device.gpu().map(upload).transpose()?,
            gain,
            offset,
        })
    }
}

/// Runs the kernel of a row that is compiled for the number of channels and
/// their order.
macro_rules! by_order {
    ($pixels:expr, $device:expr, $row:ident $fields:tt) => {
        match ($pixels.gain.len(), $pixels.reversed) {
            (1, _) => $device.instructions().dispatch($row::<1, false> $fields),
            (_, false) => $device.instructions().dispatch($row::<3, false> $fields),
            (_, true) => $device.instructions().dispatch($row::<3, true> $fields),
        }
    };
}

/// Rows that one task takes at least.
const ROWS: usize = 8;

/// Makes the input of a classifier from images.
#[derive(Debug)]
pub struct Encoder {
    pixels: Pixels,
    /// Values of a row of an image.
    row: usize,
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
            pixels: Pixels::new(file, [c, h, w], device)?,
            row: w * c,
            shape: input.clone(),
            device: device.clone(),
        })
    }

    /// Shape of one image, `[c, h, w]`.
    pub fn image_shape(&self) -> &Shape {
        &self.shape
    }

    /// Encodes the first `n` images, grey or RGB in [0, 1]: to
    /// `(pixel * scale - mean) / std` in the network's order of channels.
    pub fn encode(&self, images: &Buffer, n: usize, encoded: &mut Buffer) {
        if let Some(gpu) = self.device.gpu() {
            return self.launch_encode(gpu, images, n, encoded);
        }
        let Pixels { gain, offset, .. } = &self.pixels;
        let row = self.row;
        self.device.install(|| {
            let rows = encoded.stored_mut(n).par_chunks_exact_mut(row);
            let rows = rows.zip(images.stored(n).par_chunks_exact(row)).enumerate();
            rows.with_min_len(ROWS).for_each(|(i, (to, from))| {
                let offset = &offset[i * row % offset.len()..][..row];
                by_order!(
                    self.pixels,
                    self.device,
                    EncodeRow {
                        gain,
                        offset,
                        image: from,
                        encoded: to
                    }
                );
            });
        });
    }

    /// Takes cotangents of the first `n` encoded images back to the images.
    pub fn pull(&self, d_encoded: &Buffer, n: usize, d_images: &mut Buffer) {
        if let Some(gpu) = self.device.gpu() {
            return self.launch_pull(gpu, d_encoded, n, d_images);
        }
        let (gain, row) = (&self.pixels.gain, self.row);
        self.device.install(|| {
            let rows = d_images.stored_mut(n).par_chunks_exact_mut(row);
            let rows = rows.zip(d_encoded.stored(n).par_chunks_exact(row));
            rows.with_min_len(ROWS).for_each(|(to, from)| {
                by_order!(
                    self.pixels,
                    self.device,
                    PullEncodedRow {
                        gain,
                        d_encoded: from,
                        d_image: to
                    }
                );
            });
        });
    }
}

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
            pixels: Pixels::new(file, from, device)?,
            clamp,
            from,
            to,
            device: device.clone(),
        })
    }

    /// Makes images, grey or RGB in [0, 1], of the first `n` outputs. Pixels
    /// that the generator does not reach are 0.
    pub fn decode(&self, output: &Buffer, n: usize, images: &mut Buffer) {
        if let Some(gpu) = self.device.gpu() {
            return self.launch_decode(gpu, output, n, images);
        }
        let [c, h, w] = self.to;
        let Pixels { gain, offset, .. } = &self.pixels;
        let [rows, cols] = self.shared();
        let (plane, output) = (offset.len(), output.stored(n));
        self.device.install(|| {
            let lines = images.stored_mut(n).par_chunks_exact_mut(w * c);
            let lines = lines.enumerate().with_min_len(ROWS);
            lines.for_each(|(line, image)| {
                let Some(row) = rows.other(rows.to, line % h) else {
                    return image.fill(0.0);
                };
                let (before, rest) = image.split_at_mut(cols.to * c);
                let (image, behind) = rest.split_at_mut(cols.len * c);
                before.fill(0.0);
                behind.fill(0.0);
                let start = (row * self.from[2] + cols.from) * c;
                let offset = &offset[start..][..image.len()];
                let output = &output[line / h * plane + start..][..image.len()];
                by_order!(
                    self.pixels,
                    self.device,
                    DecodeRow {
                        gain,
                        offset,
                        output,
                        image
                    }
                );
            });
        });
    }

    /// Takes cotangents of images back to the generator's output. They are of
    /// a quantity that is being minimised: this is what says which way is
    /// inwards.
    pub fn pull(&self, output: &Buffer, d_images: &Buffer, n: usize, d_output: &mut Buffer) {
        if let Some(gpu) = self.device.gpu() {
            return self.launch_pull(gpu, output, d_images, n, d_output);
        }
        let [c, h, w] = self.from;
        let Pixels { gain, offset, .. } = &self.pixels;
        let [rows, cols] = self.shared();
        let (output, d_images) = (output.stored(n), d_images.stored(n));
        self.device.install(|| {
            let lines = d_output.stored_mut(n).par_chunks_exact_mut(w * c);
            let lines = lines.enumerate().with_min_len(ROWS);
            lines.for_each(|(line, d_output)| {
                let Some(row) = rows.other(rows.from, line % h) else {
                    return d_output.fill(0.0);
                };
                let (before, rest) = d_output.split_at_mut(cols.from * c);
                let (d_output, behind) = rest.split_at_mut(cols.len * c);
                before.fill(0.0);
                behind.fill(0.0);
                let start = (line % h * w + cols.from) * c;
                let offset = &offset[start..][..d_output.len()];
                let output = &output[line / h * w * h * c + start..][..d_output.len()];
                let image = (line / h * self.to[1] + row) * self.to[2] + cols.to;
                let d_image = &d_images[image * c..][..d_output.len()];
                by_order!(
                    self.pixels,
                    self.device,
                    PullImageRow {
                        clamp: self.clamp,
                        gain,
                        offset,
                        output,
                        d_image,
                        d_output
                    }
                );
            });
        });
    }

    /// The rows and the columns that both sides share.
    fn shared(&self) -> [Shared; 2] {
        [1, 2].map(|axis| Shared::new(self.from[axis], self.to[axis]))
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
