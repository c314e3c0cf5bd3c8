//! What the CPU paths of the ops are built of.
//!
//! `simd` is the instruction sets, `panels` the product of data and packed
//! weights, `dense` that with weights as a file holds them. `correlation` and
//! `winograd` are two ways to bring a convolution into the form of panels,
//! `narrow` is one to do without; `places` says which pixel meets which.

mod correlation;
mod dense;
mod epilogue;
mod floats;
mod narrow;
mod panels;
mod simd;
mod stored;
mod winograd;

use crate::ops::Scratch;
pub(crate) use correlation::Correlation;
pub(crate) use dense::Dense;
pub(crate) use epilogue::Epilogue;
pub(crate) use floats::Floats;
pub(crate) use narrow::Narrow;

pub use simd::Instructions;
pub(crate) use simd::{Kernel, Simd};
pub(crate) use winograd::Winograd;

/// What a linear map is applied to, and how.
pub(crate) struct Call<'a> {
    pub instructions: Instructions,
    /// Number of samples.
    pub n: usize,
    pub x: &'a [f32],
    pub y: &'a mut [f32],
    pub epilogue: Epilogue<'a>,
    pub scratch: &'a Scratch,
}

/// Start of values of which every task writes a part of its own.
#[derive(Clone, Copy)]
pub(crate) struct Start(*mut f32);

// SAFETY: sharing the address is harmless; whoever writes through it answers
// for what is written.
#[allow(unsafe_code, reason = "a promise that the address alone is shared")]
unsafe impl Sync for Start {}
#[allow(unsafe_code, reason = "as above")]
// SAFETY: as above.
unsafe impl Send for Start {}
