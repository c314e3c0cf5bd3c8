//! Bytes that are no safetensors file, or not one of a network.

use std::collections::HashMap;

use netfile::{NetworkFile, to_bytes};

use crate::fixture::{
    Stored, check_bytes, check_tensor, description, document, stored, tensors, unchecked,
    unchecked_network,
};

/// A file with any header, and zeros behind it.
fn with_header(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(vec![0; data]);
    bytes
}

#[test]
fn the_unspoilt_file_is_valid() {
    let bytes = unchecked_network(&document().to_string(), &stored());
    assert!(NetworkFile::from_bytes(bytes).is_ok());
}

#[test]
fn headers() {
    let complete = "header: expected a complete safetensors file, found ";
    let check = |bytes, found: &str| check_bytes(bytes, &format!("{complete}{found}"));
    check(vec![], "0 bytes, which end within the header");
    check(vec![1; 7], "7 bytes, which end within the header");
    check(
        [9, 0, 0, 0, 0, 0, 0, 0, b'{'].into(),
        "9 bytes, which end within the header",
    );
    for length in [u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 40] {
        check(length.to_le_bytes().into(), "header too large");
    }
    let bytes = [&1_u64.to_le_bytes()[..], &[0xff]].concat();
    check(
        bytes,
        "invalid UTF-8 in header: invalid utf-8 sequence of 1 bytes from index 0",
    );
    check(
        with_header("{", 0),
        "invalid JSON in header: EOF while parsing an object at line 1 column 1",
    );
    check(
        with_header(
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            7,
        ),
        "69 bytes, which are more or fewer than the header describes; the file may be truncated",
    );
    check(
        with_header(
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
            12,
        ),
        "invalid offset for tensor `a`",
    );
    check(
        with_header(
            r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
            8,
        ),
        "invalid shape, data type, or offset for tensor",
    );
    let huge = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#;
    check(
        with_header(huge, 8),
        "overflow computing buffer size from shape and/or element type",
    );
    check_bytes(
        unchecked(HashMap::new(), &stored()),
        "header: expected the metadata key `network` of a network file, \
         found a safetensors file without it; convert it first",
    );
}

#[test]
fn descriptions() {
    let check = |json: &str, message: &str| check_bytes(unchecked_network(json, &[]), message);
    let expected = "description: expected a description of a network in JSON, found ";
    check(
        "",
        &format!("{expected}EOF while parsing a value at line 1 column 0"),
    );
    check(
        &format!("{{\"deep\": {}", "[".repeat(10_000)),
        &format!("{expected}EOF while parsing a list at line 1 column 10009"),
    );
    check(
        "{}",
        &format!("{expected}missing field `version` at line 1 column 2"),
    );
    check(
        r#"{"version": 2, "of": "the future"}"#,
        "description: expected version 1, found version 2; a newer program may read it",
    );
    check(
        r#"{"version": 1}"#,
        &format!("{expected}missing field `name` at line 1 column 14"),
    );
}

#[test]
fn values() {
    let stored = |dtype, bytes: [[u8; 2]; 12]| Stored {
        name: "fc2.bias".into(),
        dtype,
        shape: vec![bytes.len() * 16 / dtype.bitsize()],
        bytes: bytes.concat(),
    };
    for dtype in [
        safetensors::Dtype::F64,
        safetensors::Dtype::U8,
        safetensors::Dtype::I32,
    ] {
        check_tensor(
            stored(dtype, [[0; 2]; 12]),
            &format!("tensor fc2.bias: expected values of type F32, F16 or BF16, found {dtype}"),
        );
    }
    let half = |bits: u16| stored(safetensors::Dtype::F16, [bits.to_le_bytes(); 12]);
    let brain = |bits: u16| stored(safetensors::Dtype::BF16, [bits.to_le_bytes(); 12]);
    let single = |value: f32| Stored::new("fc2.bias", &[2], &[0.0, value]);
    for (tensor, index) in [
        (half(0x7c00), 0),
        (half(0xfe00), 0),
        (brain(0xff80), 0),
        (brain(0x7fc0), 0),
        (single(f32::NAN), 1),
        (single(f32::NEG_INFINITY), 1),
    ] {
        check_tensor(
            tensor,
            &format!(
                "tensor fc2.bias: expected finite numbers, \
                 found NaN or an infinity at index {index}"
            ),
        );
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = to_bytes(&description(), &tensors()).unwrap();
    for length in 0..bytes.len() {
        let truncated = bytes[..length].to_vec();
        assert!(
            NetworkFile::from_bytes(truncated).is_err(),
            "{length} bytes"
        );
    }
}

/// A file with a flipped bit may still be valid; reading it must not panic,
/// and what is accepted can be used. Every byte loses one bit or gains it.
#[test]
fn no_flipped_bit_causes_a_panic() {
    let bytes = to_bytes(&description(), &tensors()).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let Ok(file) = NetworkFile::from_bytes(flipped) else {
            continue;
        };
        for name in file.tensor_names() {
            let values = file.floats(name).unwrap();
            assert!(values.iter().all(|v| v.is_finite()), "{name}, byte {at}");
        }
    }
}
