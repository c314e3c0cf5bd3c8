//! A small valid network, whole and in parts that a test can spoil.

use std::collections::HashMap;

use netfile::{Description, Dtype, METADATA_KEY, NetworkFile, TensorData};
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

/// A description that uses every table: pixel encoding, code, labels and
/// quantiles.
pub(crate) fn document() -> Value {
    json!({
        "version": 1,
        "name": "small",
        "input": {"name": "feat", "shape": [6]},
        "image": {"channels": "rgb", "scale": 255.0,
                  "mean": [123.5, 117.25, 104.0], "std": [1.0, 1.0, 2.0]},
        "code": {"layer": "relu6"},
        "layers": [
            {"name": "plane", "op": {"reshape": {"shape": [3, 1, 2]}}, "inputs": ["feat"]},
            {"name": "conv1", "op": {"convolution": {"outputs": 6, "kernel": [1, 1], "groups": 3}},
             "inputs": ["plane"]},
            {"name": "relu1", "op": {"relu": {"negative_slope": 0.3}}, "inputs": ["conv1"]},
            {"name": "norm1", "op": {"lrn": {"size": 5, "alpha": 1e-4, "beta": 0.75}},
             "inputs": ["relu1"]},
            {"name": "pool1", "op": {"pool": {"method": "max", "kernel": [1, 2], "pad": [0, 1],
             "rounding": "ceil"}}, "inputs": ["norm1"]},
            {"name": "sum", "op": {"eltwise": {"operation": "sum", "coefficients": [1.0, -0.5]}},
             "inputs": ["conv1", "norm1"]},
            {"name": "fc2", "op": {"inner_product": {"outputs": 2}}, "inputs": ["sum"]},
            {"name": "prob", "op": "softmax", "inputs": ["fc2"]}
        ],
        "labels": {"fc2": [{"id": "a", "name": "left"}, {"id": "b", "name": "right"}]},
        "quantiles": {
            "fc2": {"levels": [0.0, 50.0, 100.0], "images": "none at all", "by_label": true},
            "conv1@max": {"levels": [25.0, 75.0], "images": "none at all", "by_label": false}
        },
        "encoder": "relu1",
        "origin": {"source": "made up", "licence": "MIT"}
    })
}

/// The description of [`document`], parsed.
pub(crate) fn description() -> Description {
    serde_json::from_value(document()).unwrap()
}

/// The tensors that belong to [`document`]. Each value can be stored in half
/// precision without a loss.
pub(crate) fn tensors() -> Vec<TensorData> {
    let tensor = |name: &str, dtype, shape: &[usize], values: &[f32]| TensorData {
        name: name.into(),
        dtype,
        shape: shape.into(),
        values: values.into(),
    };
    let ladder = [-2.0, -1.5, -0.5, 0.25, 1.0, 3.0];
    let fc2: Vec<f32> = (0_u8..24).map(|i| f32::from(i) / 8.0 - 1.0).collect();
    vec![
        tensor("conv1.weight", Dtype::F16, &[6, 1, 1, 1], &ladder),
        tensor("conv1.bias", Dtype::F32, &[6], &ladder),
        tensor("fc2.weight", Dtype::Bf16, &[2, 12], &fc2),
        tensor("fc2.bias", Dtype::F32, &[2], &[0.1, -0.1]),
        tensor("code.lower", Dtype::F32, &[6], &[0.0; 6]),
        tensor("code.upper", Dtype::F32, &[6], &[4.0; 6]),
        tensor("code.mean", Dtype::F32, &[6], &[1.0; 6]),
        tensor("code.std", Dtype::F32, &[6], &[0.5; 6]),
        tensor("code.mixture.weight", Dtype::F16, &[2], &[0.5, 0.0]),
        tensor("code.mixture.mean", Dtype::F16, &[2, 6], &[0.25; 12]),
        tensor("code.mixture.factors", Dtype::F16, &[2, 6, 1], &[0.5; 12]),
        tensor("code.mixture.noise", Dtype::F16, &[2, 6], &[0.5; 12]),
        tensor("quantiles.fc2.p", Dtype::F32, &[2, 3], &ladder),
        tensor("quantiles.fc2.c", Dtype::F32, &[2, 3], &ladder),
        tensor("quantiles.conv1@max.p", Dtype::F32, &[6, 2], &[1.0; 12]),
    ]
}

/// A tensor in the bytes of a file.
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) dtype: safetensors::Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Stored {
    /// A tensor of single precision.
    pub(crate) fn new(name: &str, shape: &[usize], values: &[f32]) -> Stored {
        Stored {
            name: name.into(),
            dtype: safetensors::Dtype::F32,
            shape: shape.into(),
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

/// The tensors of [`tensors`] in single precision.
pub(crate) fn stored() -> Vec<Stored> {
    let stored = |t: TensorData| Stored::new(&t.name, &t.shape, &t.values);
    tensors().into_iter().map(stored).collect()
}

/// A safetensors file, made without this crate's writer and its validation.
pub(crate) fn unchecked(metadata: HashMap<String, String>, tensors: &[Stored]) -> Vec<u8> {
    let views = tensors.iter().map(|t| {
        let view = TensorView::new(t.dtype, t.shape.clone(), &t.bytes).unwrap();
        (t.name.as_str(), view)
    });
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// As [`unchecked`], with a description.
pub(crate) fn unchecked_network(document: &str, tensors: &[Stored]) -> Vec<u8> {
    unchecked(
        HashMap::from([(METADATA_KEY.into(), document.into())]),
        tensors,
    )
}

/// Compares what the reader says about some bytes.
#[track_caller]
pub(crate) fn check_bytes(bytes: Vec<u8>, message: &str) {
    let error = NetworkFile::from_bytes(bytes).unwrap_err();
    assert_eq!(error.to_string(), format!("network in memory: {message}"));
}

/// Sets one place of the valid description, given as a JSON pointer.
#[track_caller]
pub(crate) fn check_field(pointer: &str, value: Value, message: &str) {
    let mut document = document();
    *document.pointer_mut(pointer).expect(pointer) = value;
    check_bytes(unchecked_network(&document.to_string(), &stored()), message);
}

/// Puts another tensor in the place of the one of the same name.
#[track_caller]
pub(crate) fn check_tensor(tensor: Stored, message: &str) {
    let mut tensors = stored();
    let old = tensors.iter_mut().find(|t| t.name == tensor.name);
    *old.unwrap() = tensor;
    check_bytes(
        unchecked_network(&document().to_string(), &tensors),
        message,
    );
}
