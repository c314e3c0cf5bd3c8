//! What is written is read back.

use netfile::{Dtype, FileSource, NetworkFile, sha256, to_bytes, write};

use crate::fixture::{description, tensors};

#[test]
fn everything_is_read_back() {
    let bytes = to_bytes(&description(), &tensors()).unwrap();
    let file = NetworkFile::from_bytes(bytes).unwrap();
    assert_eq!(*file.description(), description());
    let mut names: Vec<_> = tensors().into_iter().map(|t| t.name).collect();
    names.sort();
    assert!(file.tensor_names().eq(&names));
    for tensor in tensors() {
        let read = file.tensor(&tensor.name).unwrap();
        assert_eq!(read.dtype, tensor.dtype);
        assert_eq!(read.shape, tensor.shape);
        assert_eq!(file.floats(&tensor.name).unwrap(), tensor.values);
    }
}

#[test]
fn a_missing_tensor_is_named() {
    let bytes = to_bytes(&description(), &tensors()).unwrap();
    let file = NetworkFile::from_bytes(bytes).unwrap();
    assert!(file.tensor("fc9.weight").is_none());
    assert_eq!(
        file.floats("fc9.weight").unwrap_err().to_string(),
        "network in memory: tensor fc9.weight: expected this tensor, found none of this name"
    );
}

#[test]
fn equal_networks_give_equal_bytes() {
    let mut reversed = tensors();
    reversed.reverse();
    assert_eq!(
        to_bytes(&description(), &tensors()).unwrap(),
        to_bytes(&description(), &reversed).unwrap()
    );
}

/// The mapped file begins at a page, the vector anywhere, the embedded file here
/// at an odd address; behind a header of any length the numbers must be the same.
#[test]
fn mapped_and_embedded_files_equal_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.safetensors");
    write(&path, &description(), &tensors()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let room = Box::leak(vec![0; bytes.len() + 2].into_boxed_slice());
    let odd = 1 - room.as_ptr() as usize % 2;
    room[odd..][..bytes.len()].copy_from_slice(&bytes);
    let embedded = FileSource::Embedded {
        path: "pair/small.safetensors",
        bytes: &room[odd..][..bytes.len()],
    };
    let owned = NetworkFile::from_bytes(bytes.clone()).unwrap();
    for source in [FileSource::from(&path), embedded] {
        assert_eq!(source.file_name(), "small.safetensors");
        let file = NetworkFile::open(source.clone()).unwrap();
        assert_eq!(file.source(), Some(&source));
        assert_eq!(file.sha256(), sha256(&bytes));
        assert!(file.tensor_names().eq(owned.tensor_names()));
        for name in owned.tensor_names() {
            assert_eq!(file.floats(name).unwrap(), owned.floats(name).unwrap());
        }
    }
}

#[test]
fn a_damaged_embedded_file_is_told_by_the_path_that_it_is_known_by() {
    let damaged = FileSource::Embedded {
        path: "pair/small.safetensors",
        bytes: b"damaged",
    };
    let error = NetworkFile::open(damaged).unwrap_err().to_string();
    assert!(
        error.starts_with("pair/small.safetensors: header: expected"),
        "{error}"
    );
}

#[test]
fn values_are_rounded_to_the_nearest_even() {
    // Half precision has 11 significant bits, its truncated sister 8: the
    // first value of each pair lies half way to the next number up.
    let cases = [
        (Dtype::F16, 1.0 + 1.0 / 2048.0, 1.0),
        (Dtype::F16, 1.0 + 3.0 / 2048.0, 1.0 + 4.0 / 2048.0),
        (Dtype::Bf16, 1.0 + 1.0 / 256.0, 1.0),
        (Dtype::Bf16, 1.0 + 3.0 / 256.0, 1.0 + 4.0 / 256.0),
        (Dtype::F32, f32::MIN_POSITIVE, f32::MIN_POSITIVE),
    ];
    for (dtype, given, stored) in cases {
        let mut tensors = tensors();
        tensors[0].dtype = dtype;
        tensors[0].values[0] = given;
        let file = NetworkFile::from_bytes(to_bytes(&description(), &tensors).unwrap()).unwrap();
        assert_eq!(file.floats("conv1.weight").unwrap()[0], stored, "{dtype:?}");
    }
}

#[test]
fn the_digest_is_the_standard_one() {
    assert_eq!(
        sha256(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}
