//! The reference is the definition of every op, so it is tested against what
//! can be worked out by hand, and its gradients against differences.

mod by_hand;
mod differences;

use netfile::{
    Convolution, Description, Dtype, Input, Layer, NetworkFile, Op, Origin, TensorData, VERSION,
};

/// A network whose input is named `x`. Each layer is `(name, op, inputs)`, each
/// tensor `(name, shape, values)`.
fn network(
    input: &[usize],
    layers: &[(&str, Op, &[&str])],
    tensors: &[(&str, &[usize], &[f32])],
) -> NetworkFile {
    let description = Description {
        version: VERSION,
        name: "test".to_owned(),
        input: Input {
            name: "x".to_owned(),
            shape: input.to_vec(),
        },
        image: None,
        code: None,
        layers: layers
            .iter()
            .map(|(name, op, inputs)| Layer {
                name: (*name).to_owned(),
                op: op.clone(),
                inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            })
            .collect(),
        labels: Default::default(),
        quantiles: Default::default(),
        encoder: None,
        origin: Origin {
            source: "a test".to_owned(),
            sha256: None,
            licence: "none".to_owned(),
        },
    };
    let tensors: Vec<TensorData> = tensors
        .iter()
        .map(|(name, shape, values)| TensorData {
            name: (*name).to_owned(),
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            values: values.to_vec(),
        })
        .collect();
    let bytes = netfile::to_bytes(&description, &tensors).expect("a valid network");
    NetworkFile::from_bytes(bytes).expect("what was written can be read")
}

/// A convolution of stride 1 with nothing special about it.
fn convolution(outputs: usize, kernel: [usize; 2]) -> Convolution {
    Convolution {
        outputs,
        kernel,
        stride: [1, 1],
        pad: [0, 0],
        dilation: [1, 1],
        groups: 1,
        bias: false,
    }
}
