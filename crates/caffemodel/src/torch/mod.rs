//! State dicts of PyTorch: `.pt` and `.pth` files.
//!
//! Both forms that `torch.save` has written (torch/serialization.py) keep the
//! structure in a pickle and the numbers beside it. A pickle is a program;
//! [`pickle`] runs only what makes tensors and containers, and executes nothing.

mod archive;
mod cursor;
mod pickle;
mod rebuild;
mod stream;
mod tensors;
mod value;

use crate::error::quoted;
use crate::{Error, StateDict};

/// Reads a file that `torch.save` wrote: the zip archive of torch 1.6 and
/// later, or the older stream of pickles.
///
/// A dictionary of tensors or parameters is taken as it is. Of a checkpoint
/// that keeps one under `state_dict`, `model_state_dict` or `model`, that one
/// is taken. Dictionaries inside of it join their names with dots. Tensors of
/// integers (`num_batches_tracked`) and everything that is no tensor are left
/// out. Tensors may share storages.
///
/// # Errors
///
/// A file that holds anything but tensors and plain values, which could be
/// code, is refused; so are compressed archives, big-endian numbers, tensors
/// that are not contiguous, and everything malformed.
pub fn read_torch(bytes: &[u8]) -> Result<StateDict<'_>, Error> {
    match bytes {
        [b'P', b'K', ..] => archive::read(bytes),
        [0x80, ..] => stream::read(bytes),
        _ => Err(Error::new(
            "byte 0",
            "a zip archive or a pickle, as torch.save writes them",
            quoted(&bytes[..bytes.len().min(4)]),
        )),
    }
}

/// An error at a byte of a pickle.
fn bad(position: usize, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::new(format_args!("pickle, byte {position}"), expected, found)
}

/// Torch writes numbers in the order of the machine it runs on.
fn big_endian(place: &str) -> Error {
    let expected = "little-endian numbers (load and save the file with torch on another machine)";
    Error::new(place, expected, "big-endian ones")
}
