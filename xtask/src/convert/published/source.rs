//! Opens a published file of weights, whatever its form.

use caffemodel::{Error, Model, StateDict};
use sha1::{Digest, Sha1};

/// The forms in which weights are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Caffemodel,
    Onnx,
    Torch,
    Safetensors,
}

/// What a file of weights holds.
pub(super) enum Contents<'a> {
    Model(Model<'a>),
    Tensors(StateDict<'a>),
}

/// Reads what is needed to find the weights in a file.
pub(super) fn read(bytes: &[u8]) -> Result<Contents<'_>, Error> {
    if let Some((_, found)) = STRANGERS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(Error {
            place: "byte 0".into(),
            expected: "a caffemodel, an ONNX file or a state dict".into(),
            found: (*found).into(),
        });
    }
    Ok(match form(bytes) {
        Form::Caffemodel => Contents::Model(caffemodel::read_caffemodel(bytes)?),
        Form::Onnx => Contents::Tensors(caffemodel::read_onnx(bytes)?),
        Form::Torch => Contents::Tensors(caffemodel::read_torch(bytes)?),
        Form::Safetensors => Contents::Tensors(caffemodel::read_safetensors(bytes)?),
    })
}

/// What downloads often are instead of weights, by their first bytes.
const STRANGERS: [(&[u8], &str); 6] = [
    (b"<!", "a web page; the address may have moved"),
    (b"<html", "a web page; the address may have moved"),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS; fetch the file itself",
    ),
    (
        b"\x89HDF",
        "an HDF5 file; save it from Caffe as a binary caffemodel",
    ),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"name:", "a prototxt; that goes to --prototxt"),
];

/// Tells the form by the first bytes; names of files say little.
///
/// A zip archive or a pickle is PyTorch's. A safetensors file begins with the
/// length of its header, which is JSON. An ONNX ModelProto begins with its
/// version, field 1 as a number, where a NetParameter has its name, field 1
/// as text, or layers.
pub(super) fn form(bytes: &[u8]) -> Form {
    match bytes {
        [b'P', b'K', ..] | [0x80, _, ..] => Form::Torch,
        [_, _, _, _, _, _, 0, 0, b'{', ..] => Form::Safetensors,
        [0x08, ..] => Form::Onnx,
        _ => Form::Caffemodel,
    }
}

/// SHA-1 in hexadecimal, in which Caffe's model cards tell checksums.
pub(super) fn sha1(bytes: &[u8]) -> String {
    Sha1::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_of_weights_is_named() {
        for (start, found) in [
            (&b"<!DOCTYPE html><html>"[..], "a web page"),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "a pointer of Git LFS",
            ),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"name: \"CaffeNet\"", "a prototxt"),
        ] {
            let Err(error) = read(start) else {
                panic!("{found} was read");
            };
            assert!(error.found.starts_with(found), "{error}");
        }
    }
}
