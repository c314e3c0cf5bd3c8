//! Values as a file holds them, widened as they are loaded.

#![allow(unsafe_code, reason = "vectors of a mapped file")]

use super::Simd;

/// How a value is stored.
pub(super) trait Stored {
    const SIZE: usize;

    /// # Safety
    /// From `from` on there are `LANES` values.
    unsafe fn load<S: Simd>(simd: S, from: *const u8) -> S::V;

    /// The first `len < LANES` values, and zeros.
    ///
    /// # Safety
    /// From `from` on there are `len` values.
    unsafe fn load_first<S: Simd>(simd: S, from: *const u8, len: usize) -> S::V;
}

pub(super) struct Single;
pub(super) struct Half;
pub(super) struct BrainHalf;

impl Stored for Single {
    const SIZE: usize = 4;

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const u8) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { simd.load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_first<S: Simd>(simd: S, from: *const u8, len: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { simd.load_first(from.cast(), len) }
    }
}

/// # Safety
/// From `from` on there are `len <= 16` words.
#[inline(always)]
unsafe fn words(from: *const u8, len: usize) -> [u16; 16] {
    let mut words = [0; 16];
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(from, words.as_mut_ptr().cast(), 2 * len) };
    words
}

impl Stored for Half {
    const SIZE: usize = 2;

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const u8) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { simd.load_f16(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_first<S: Simd>(simd: S, from: *const u8, len: usize) -> S::V {
        // SAFETY: the caller's promise, and sixteen words.
        unsafe { simd.load_f16(words(from, len).as_ptr()) }
    }
}

impl Stored for BrainHalf {
    const SIZE: usize = 2;

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const u8) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { simd.load_bf16(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_first<S: Simd>(simd: S, from: *const u8, len: usize) -> S::V {
        // SAFETY: the caller's promise, and sixteen words.
        unsafe { simd.load_bf16(words(from, len).as_ptr()) }
    }
}
