//! State dicts of PyTorch, ONNX and safetensors.

mod hostile;
mod pickles;

use caffemodel::{Error, StateDict, read_onnx, read_safetensors, read_torch};

/// A file of `tests/data`, made by `make_state_dicts.py`.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Reads a file by what its name ends in.
fn read<'a>(name: &str, bytes: &'a [u8]) -> Result<StateDict<'a>, Error> {
    match name.rsplit_once('.') {
        Some((_, "onnx")) => read_onnx(bytes),
        Some((_, "safetensors")) => read_safetensors(bytes),
        _ => read_torch(bytes),
    }
}

/// A tensor of a fixture: its name, its shape, its first number.
type Ramp = (&'static str, &'static [usize], f32);

/// What stands in the file, if all its tensors rise by 1/4 from their first number.
fn assert_ramps(file: &str, expected: &[Ramp]) {
    let bytes = fixture(file);
    let tensors = read(file, &bytes).unwrap().tensors;
    let names: Vec<_> = tensors
        .iter()
        .map(|(name, blob)| (name.as_str(), blob.shape()))
        .collect();
    let wanted: Vec<_> = expected
        .iter()
        .map(|&(name, shape, _)| (name, shape))
        .collect();
    assert_eq!(names, wanted, "{file}");
    for ((name, blob), &(_, shape, start)) in tensors.iter().zip(expected) {
        let count = shape.iter().product();
        let ramp: Vec<_> = (0..count).map(|index| start + index as f32 / 4.0).collect();
        assert_eq!(blob.to_floats(), ramp, "{file}: {name}");
    }
}

const NET: &[Ramp] = &[
    ("conv1.weight", &[2, 3, 2, 2], 0.0),
    ("conv1.bias", &[2], 1.0),
    ("bn1.weight", &[2], 2.0),
    ("bn1.bias", &[2], 3.0),
    ("bn1.running_mean", &[2], 4.0),
    ("bn1.running_var", &[2], 5.0),
    ("fc.weight", &[3, 4], 6.0),
    ("fc.bias", &[3], 7.0),
];

#[test]
fn the_state_dict_of_a_module_is_read_from_every_form_without_its_counters() {
    for file in ["net.pt", "net_stream.pt", "net_protocol5.pt", "zip64.pt"] {
        assert_ramps(file, NET);
    }
}

#[test]
fn of_a_checkpoint_the_state_dict_is_taken() {
    for file in ["checkpoint.pt", "checkpoint_stream.pt"] {
        assert_ramps(file, NET);
    }
}

#[test]
fn every_floating_point_type_is_read_and_every_integer_type_is_left_out() {
    let expected: &[Ramp] = &[
        ("f16", &[3], 0.0),
        ("bf16", &[3], 0.0),
        ("f32", &[3], 0.0),
        ("f64", &[3], 0.0),
        ("scalar", &[], 0.0),
        ("empty", &[0, 4], 0.0),
    ];
    for file in ["types.pt", "types_stream.pt"] {
        assert_ramps(file, expected);
    }
}

#[test]
fn nested_dictionaries_join_their_names() {
    assert_ramps(
        "nested.pt",
        &[("generator.fc.weight", &[2, 2], 0.0), ("bias", &[2], 0.0)],
    );
}

#[test]
fn parameters_are_tensors() {
    assert_ramps("parameters.pt", &[("weight", &[2, 2], 0.0)]);
}

#[test]
fn tensors_may_share_a_storage() {
    let expected: &[Ramp] = &[
        ("whole", &[2, 3], 0.0),
        ("row", &[3], 0.75),
        ("last", &[], 1.25),
    ];
    for file in ["shared.pt", "shared_stream.pt"] {
        assert_ramps(file, expected);
    }
}

#[test]
fn the_initialisers_of_an_onnx_model_are_read() {
    let expected: &[Ramp] = &[
        ("conv1_w_0", &[2, 3, 2, 2], 0.0),
        ("conv1_b_0", &[2], 1.0),
        ("fc_w_0", &[3, 4], 2.0),
        ("fc_b_0", &[3], 3.0),
        ("half", &[3], 0.0),
        ("brain", &[3], 0.0),
    ];
    assert_ramps("net.onnx", expected);
}

#[test]
fn safetensors_are_read_in_the_order_of_the_data() {
    let bytes = fixture("net.safetensors");
    let mut names: Vec<_> = read_safetensors(&bytes)
        .unwrap()
        .tensors
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    // The writer puts the widest type first.
    assert_eq!(names.remove(0), "double");
    let tensors: &[Ramp] = &[
        ("double", &[3], 0.0),
        ("conv1_bias", &[2], 1.0),
        ("conv1_weight", &[2, 3, 2, 2], 0.0),
        ("brain", &[3], 0.0),
        ("half", &[3], 0.0),
    ];
    assert_ramps("net.safetensors", tensors);
}

#[test]
fn what_is_refused_is_named() {
    let cases = [
        ("module.pt", "found the callable \"__main__.Net\""),
        ("module.pt", "torch.save(model.state_dict(), path)"),
        ("os_system.pt", "found the callable \"os.system\""),
        ("compressed.pt", "record \"net/"),
        ("compressed.pt", "load it and save it again"),
        ("big_endian.pt", "byteorder: expected little-endian numbers"),
        (
            "tensor.pt",
            "expected a dictionary of tensors, found a tensor",
        ),
        (
            "transposed.pt",
            "tensor \"weight\": expected contiguous numbers (call .contiguous()",
        ),
        (
            "transposed_stream.pt",
            "tensor \"weight\": expected contiguous numbers",
        ),
        (
            "external.onnx",
            "initialiser \"conv1_w_0\": data: expected data inside of the file",
        ),
    ];
    for (file, message) in cases {
        let error = read(file, &fixture(file)).unwrap_err().to_string();
        assert!(error.contains(message), "{file}: {error}");
        assert!(!error.contains('\n'), "{file}: {error}");
    }
}
