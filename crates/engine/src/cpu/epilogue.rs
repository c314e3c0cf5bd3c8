//! What is done to values as they are written.

#![allow(
    unsafe_code,
    reason = "vectors of a row are read and written unchecked"
)]

use super::Simd;

/// The last step of a product. In this order: a bias is added, the values go
/// through a ReLU, or a gradient is carried through one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epilogue<'a> {
    /// One per channel.
    pub bias: Option<&'a [f32]>,
    /// The negative slope of a ReLU.
    pub relu: Option<f32>,
    /// What a ReLU made at the places that are written, and its negative slope.
    pub mask: Option<(&'a [f32], f32)>,
}

impl Epilogue<'_> {
    /// Writes `len <= LANES` values of channels from `channel` on to `y[at..]`.
    ///
    /// # Safety
    /// `y` has `at + len` values, and so has the mask if there is one; the bias
    /// has `channel + len`.
    #[inline(always)]
    pub(crate) unsafe fn write<S: Simd>(
        &self,
        simd: S,
        mut value: S::V,
        len: usize,
        channel: usize,
        y: *mut f32,
        at: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(bias) = self.bias {
                value = simd.add(value, simd.load_first(bias.as_ptr().add(channel), len));
            }
            if let Some(slope) = self.relu {
                let below = simd.mul(value, simd.splat(slope));
                value = simd.where_positive(value, value, below);
            }
            if let Some((x, slope)) = self.mask {
                let x = simd.load_first(x.as_ptr().add(at), len);
                value = simd.where_positive(x, value, simd.mul(value, simd.splat(slope)));
            }
            simd.store_first(y.add(at), value, len);
        }
    }
}
