//! What is done to the pixels of a row, compiled for every number of channels
//! `C` and for both orders of them: `R` says that the network's is the reverse
//! of the images'.

use super::Clamp;
use crate::cpu::{Kernel, Simd};

/// The image's channel of channel `k` of the network, and the other way about.
#[inline(always)]
fn other<const C: usize, const REVERSED: bool>(k: usize) -> usize {
    if REVERSED { C - 1 - k } else { k }
}

/// The gains as an array.
#[inline(always)]
fn gains<const C: usize>(gain: &[f32]) -> [f32; C] {
    gain.try_into().expect("a gain per channel")
}

/// Encodes a row of an image.
pub(super) struct EncodeRow<'a, const C: usize, const R: bool> {
    pub gain: &'a [f32],
    pub offset: &'a [f32],
    pub image: &'a [f32],
    pub encoded: &'a mut [f32],
}

impl<const C: usize, const R: bool> Kernel for EncodeRow<'_, C, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let EncodeRow {
            gain,
            offset,
            image,
            encoded,
        } = self;
        let gain = gains::<C>(gain);
        let values = image
            .as_chunks::<C>()
            .0
            .iter()
            .zip(offset.as_chunks::<C>().0);
        for (to, (image, offset)) in encoded.as_chunks_mut::<C>().0.iter_mut().zip(values) {
            for k in 0..C {
                to[k] = image[other::<C, R>(k)] * gain[k] - offset[k];
            }
        }
    }
}

/// Takes cotangents of an encoded row back to the image.
pub(super) struct PullEncodedRow<'a, const C: usize, const R: bool> {
    pub gain: &'a [f32],
    pub d_encoded: &'a [f32],
    pub d_image: &'a mut [f32],
}

impl<const C: usize, const R: bool> Kernel for PullEncodedRow<'_, C, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let PullEncodedRow {
            gain,
            d_encoded,
            d_image,
        } = self;
        let gain = gains::<C>(gain);
        let pixels = d_image.as_chunks_mut::<C>().0.iter_mut();
        for (to, d) in pixels.zip(d_encoded.as_chunks::<C>().0) {
            for k in 0..C {
                to[other::<C, R>(k)] = d[k] * gain[k];
            }
        }
    }
}

/// Makes a row of an image of a row of a generator's output.
pub(super) struct DecodeRow<'a, const C: usize, const R: bool> {
    pub gain: &'a [f32],
    pub offset: &'a [f32],
    pub output: &'a [f32],
    pub image: &'a mut [f32],
}

impl<const C: usize, const R: bool> Kernel for DecodeRow<'_, C, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let DecodeRow {
            gain,
            offset,
            output,
            image,
        } = self;
        let gain = gains::<C>(gain);
        let values = output
            .as_chunks::<C>()
            .0
            .iter()
            .zip(offset.as_chunks::<C>().0);
        for (to, (output, offset)) in image.as_chunks_mut::<C>().0.iter_mut().zip(values) {
            for k in 0..C {
                let pixel = (output[k] + offset[k]) / gain[k];
                to[other::<C, R>(k)] = pixel.clamp(0.0, 1.0);
            }
        }
    }
}

/// Takes cotangents of a row of an image back to the generator's output.
pub(super) struct PullImageRow<'a, const C: usize, const R: bool> {
    pub clamp: Clamp,
    pub gain: &'a [f32],
    pub offset: &'a [f32],
    pub output: &'a [f32],
    pub d_image: &'a [f32],
    pub d_output: &'a mut [f32],
}

impl<const C: usize, const R: bool> Kernel for PullImageRow<'_, C, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let PullImageRow {
            clamp,
            gain,
            offset,
            output,
            d_image,
            d_output,
        } = self;
        let gain = gains::<C>(gain);
        let values = output
            .as_chunks::<C>()
            .0
            .iter()
            .zip(offset.as_chunks::<C>().0);
        let values = values.zip(d_image.as_chunks::<C>().0);
        let pixels = d_output.as_chunks_mut::<C>().0.iter_mut().zip(values);
        for (to, ((output, offset), d_image)) in pixels {
            for k in 0..C {
                let pixel = (output[k] + offset[k]) / gain[k];
                let d = d_image[other::<C, R>(k)];
                let blocked = match clamp {
                    Clamp::StraightInward => (pixel < 0.0) & (d > 0.0) | (pixel > 1.0) & (d < 0.0),
                    Clamp::Hard => !(0.0..=1.0).contains(&pixel),
                };
                to[k] = if blocked { 0.0 } else { d / gain[k] };
            }
        }
    }
}
