//! What a search does with codes, encodings and images that lie on a CUDA
//! device, where they lie.
//!
//! A vector of numbers per sample is a [`Buffer`](crate::Buffer) of shape `[len]`, in row-major
//! order whatever it was made of. What is done, and when, is the caller's
//! business; here it is only carried out.

mod codes;
mod constraints;
mod encodings;
mod images;

use std::sync::Arc;

pub use codes::Codes;
pub use constraints::Constraints;
pub use encodings::Encodings;
pub use images::Images;

use crate::cuda::Gpu;
use crate::{Device, Error};

/// The CUDA device of a search.
///
/// # Errors
/// [`Error::NoCuda`] where the device is the CPU, whose memory everybody can
/// reach.
fn gpu(device: &Device) -> Result<&Arc<Gpu>, Error> {
    device.gpu().ok_or_else(|| Error::NoCuda {
        reason: "the networks run on the CPU".into(),
    })
}
