//! Damaged files: never a panic, whatever was damaged.

use super::{fixture, read};

const FILES: [&str; 12] = [
    "net.pt",
    "net_protocol5.pt",
    "net_stream.pt",
    "types.pt",
    "types_stream.pt",
    "checkpoint_stream.pt",
    "shared.pt",
    "shared_stream.pt",
    "zip64.pt",
    "net.onnx",
    "external.onnx",
    "net.safetensors",
];

/// Reads a file with all its numbers; whether there was no error.
fn reads(name: &str, bytes: &[u8]) -> bool {
    let Ok(state) = read(name, bytes) else {
        return false;
    };
    for (name, blob) in &state.tensors {
        assert_eq!(blob.to_floats().len(), blob.len(), "{name}");
    }
    true
}

#[test]
fn every_truncation_is_survived_and_noticed() {
    for file in FILES {
        let bytes = fixture(file);
        let read = (0..bytes.len())
            .filter(|&end| reads(file, &bytes[..end]))
            .count();
        // An ONNX model may end behind its graph.
        assert!(
            read == 0 || file == "net.onnx" && read < 10,
            "{file}: {read}"
        );
    }
}

#[test]
fn every_flipped_byte_is_survived() {
    for file in FILES {
        let mut bytes = fixture(file);
        for index in 0..bytes.len() {
            let byte = bytes[index];
            for changed in [!byte, byte ^ 1, byte ^ 0x80, byte.wrapping_add(1), 0] {
                bytes[index] = changed;
                reads(file, &bytes);
            }
            bytes[index] = byte;
        }
        assert!(file == "external.onnx" || reads(file, &bytes), "{file}");
    }
}

#[test]
fn two_files_after_each_other_are_survived() {
    for file in FILES {
        let bytes = [fixture(file), fixture(file)].concat();
        reads(file, &bytes);
    }
}

/// Messages of a protobuf file by hand.
mod onnx {
    use caffemodel::read_onnx;

    fn message(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            field.push(length as u8 | 0x80);
            length >>= 7;
        }
        field.push(length as u8);
        [field, bytes.to_vec()].concat()
    }

    /// A model with one initialiser called `w`.
    fn model(fields: &[&[u8]]) -> Vec<u8> {
        let tensor = [&message(8, b"w"), fields.concat().as_slice()].concat();
        message(7, &message(5, &tensor))
    }

    const FLOAT: &[u8] = &[0x10, 1];
    const HUGE: &[u8] = &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];

    #[test]
    fn malformed_initialisers_are_errors() {
        let four = [0x4a, 4, 0, 0, 0x80, 0x3f];
        let negative = [&HUGE[..9], &[0xff, 0x01]].concat();
        let many = [0x08, 1].repeat(33);
        let cases: &[(Vec<u8>, &str)] = &[
            (
                Vec::new(),
                "expected an ONNX model with a graph, found none",
            ),
            (
                model(&[FLOAT, &[0x08, 2], &four]),
                "F32 numbers of shape [2], found 4 bytes",
            ),
            (model(&[FLOAT, HUGE, &four]), "found 4 bytes"),
            (model(&[FLOAT, HUGE, HUGE, &four]), "found 4 bytes"),
            (model(&[FLOAT, HUGE, HUGE]), "whose product"),
            (
                model(&[FLOAT, &negative, &four]),
                "expected a size, found -",
            ),
            (model(&[FLOAT, &many, &four]), "at most 32 dimensions"),
            (
                model(&[FLOAT, &[0x08, 1]]),
                "expected 1 numbers of shape [1], found 0 numbers",
            ),
            (model(&[&[0x10, 17], &four]), "bfloat16), found 17"),
            (model(&[&[0x10, 10], &[0x2a, 1, 0]]), "halves in raw_data"),
            (model(&[FLOAT, &[0x1a, 0], &four]), "a segment of a tensor"),
            (model(&[FLOAT, &[0x42, 1, 0xff]]), "a name in UTF-8"),
            (
                model(&[FLOAT, &four]).repeat(2),
                "a second tensor of that name",
            ),
        ];
        for (bytes, message) in cases {
            let error = read_onnx(bytes).unwrap_err().to_string();
            assert!(error.contains(message), "{message}: {error}");
        }
    }

    #[test]
    fn the_last_of_singular_fields_holds_and_dimensions_add_up() {
        let raw = |number: f32| [&[0x4a, 4], number.to_le_bytes().as_slice()].concat();
        let dims = [0x08, 1, 0x0a, 2, 1, 1];
        let bytes = model(&[&[0x10, 7], &dims, &raw(1.0), FLOAT, &raw(2.0)]);
        let tensors = read_onnx(&bytes).unwrap().tensors;
        assert_eq!(tensors[0].1.shape(), [1, 1, 1]);
        assert_eq!(tensors[0].1.to_floats(), [2.0]);
    }
}

mod safetensors {
    use caffemodel::read_safetensors;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u64).to_le_bytes();
        [&length, header.as_bytes(), data].concat()
    }

    #[test]
    fn malformed_headers_are_errors() {
        let tensor = |dtype: &str, shape: &str, end: u64| {
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
        };
        let huge = "[2305843009213693951]";
        let cases = [
            (vec![1, 2, 3], "found a file of 3 bytes"),
            (u64::MAX.to_le_bytes().to_vec(), "expected at most 0 bytes"),
            (
                file(&" ".repeat((1 << 20) + 1), &[]),
                "expected at most 1048576 bytes",
            ),
            (file("{", &[]), "header: expected names"),
            (
                file(&tensor("F32", "[1]", 4), &[0; 3]),
                "data: expected 4 bytes, found 3",
            ),
            (
                file(&tensor("F32", "[1]", 4), &[0; 5]),
                "data: expected 4 bytes, found 5",
            ),
            (file(&tensor("F32", "[2]", 4), &[0; 4]), "header: expected"),
            (
                file(&tensor("F8_E4M3", "[4]", 4), &[0; 4]),
                "tensor \"w\": type: expected F16",
            ),
            (
                file(&tensor("F32", &format!("{:?}", [1; 33]), 4), &[0; 4]),
                "tensor \"w\": expected at most 32 axes, found 33",
            ),
            (
                file(&tensor("A\\nB", "[1]", 4), &[0; 4]),
                "found \"unknown variant `A\\nB`",
            ),
            (
                file(&tensor("U8", huge, u64::MAX >> 3), &[]),
                "data: expected",
            ),
            (
                file(&tensor("U8", "[4294967296,4294967296]", 0), &[]),
                "header: expected",
            ),
        ];
        for (bytes, message) in cases {
            let error = read_safetensors(&bytes).unwrap_err().to_string();
            assert!(error.contains(message), "{message}: {error}");
        }
    }
}
