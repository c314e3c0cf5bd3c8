//! Networks of one op.

use netfile::{
    Crop, Description, Dtype, Input, Layer, NetworkFile, Op, Origin, Reshape, TensorData,
};

/// The name of the layer under test.
const LAYER: &str = "op";

/// A network whose last layer is `op`, with its tensors by suffix.
///
/// The network's input is the op's; of several inputs it is all of them, one
/// after the other in one strip, from which each is cut out.
pub(crate) fn network(
    op: &Op,
    inputs: &[Vec<usize>],
    weights: &[Weight],
    dtype: Dtype,
) -> NetworkFile {
    let (shape, mut layers) = match inputs {
        [input] => (input.clone(), Vec::new()),
        _ => strip(inputs),
    };
    let sources = match inputs.len() {
        1 => vec!["data".to_owned()],
        count => (0..count).map(|k| format!("x{k}")).collect(),
    };
    layers.push(layer(LAYER, op.clone(), sources));
    let description = Description {
        version: netfile::VERSION,
        name: op.name().to_owned(),
        input: Input {
            name: "data".to_owned(),
            shape,
        },
        image: None,
        code: None,
        layers,
        labels: Default::default(),
        quantiles: Default::default(),
        encoder: None,
        origin: Origin {
            source: "conformance test".to_owned(),
            sha256: None,
            licence: "none".to_owned(),
        },
    };
    let tensors: Vec<TensorData> = weights
        .iter()
        .map(|weight| TensorData {
            name: format!("{LAYER}.{}", weight.suffix),
            dtype,
            shape: weight.shape.clone(),
            values: weight.values.clone(),
        })
        .collect();
    let bytes = netfile::to_bytes(&description, &tensors).expect("a valid network");
    NetworkFile::from_bytes(bytes).expect("what was just written")
}

/// A tensor of the op.
pub(crate) struct Weight {
    pub(crate) suffix: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Cuts the inputs out of a plane of one row.
fn strip(inputs: &[Vec<usize>]) -> (Vec<usize>, Vec<Layer>) {
    let mut start = 0;
    let mut layers = Vec::new();
    for (k, shape) in inputs.iter().enumerate() {
        let len = shape.iter().product();
        let (cut, x) = (format!("cut{k}"), format!("x{k}"));
        let crop = Crop {
            offset: [0, start],
            size: [1, len],
        };
        let reshape = Reshape {
            shape: shape.clone(),
        };
        layers.push(layer(&cut, Op::Crop(crop), vec!["data".to_owned()]));
        layers.push(layer(&x, Op::Reshape(reshape), vec![cut]));
        start += len;
    }
    (vec![1, 1, start], layers)
}

fn layer(name: &str, op: Op, inputs: Vec<String>) -> Layer {
    Layer {
        name: name.to_owned(),
        op,
        inputs,
    }
}

/// Suffixes and shapes of the tensors that an op needs, as the schema of
/// network files says.
pub(crate) fn tensors(op: &Op, inputs: &[Vec<usize>]) -> Vec<(&'static str, Vec<usize>)> {
    let input = &inputs[0];
    let channels = input[0];
    let with_bias = |shape: Vec<usize>, outputs: usize, bias: bool| {
        let bias = bias.then(|| ("bias", vec![outputs]));
        [("weight", shape)].into_iter().chain(bias).collect()
    };
    match op {
        Op::Convolution(a) => {
            let shape = [a.outputs, channels / a.groups, a.kernel[0], a.kernel[1]];
            with_bias(shape.to_vec(), a.outputs, a.bias)
        }
        Op::TransposedConvolution(a) => {
            let shape = [channels, a.outputs / a.groups, a.kernel[0], a.kernel[1]];
            with_bias(shape.to_vec(), a.outputs, a.bias)
        }
        Op::InnerProduct(a) => {
            let inputs = input.iter().product();
            with_bias(vec![a.outputs, inputs], a.outputs, a.bias)
        }
        Op::BatchNorm(_) => vec![("mean", vec![channels]), ("variance", vec![channels])],
        Op::Scale => with_bias(vec![channels], channels, true),
        _ => Vec::new(),
    }
}
