//! Whole networks against what PyTorch computed: `golden/tiny.safetensors`
//! (made by `golden/make_tiny.py`) and `golden/fashion.safetensors` (made by
//! `weights/fashion/train.py export`). Any device can be held to them.

use std::collections::BTreeMap;
use std::fs;

use autograd::Gradient;
use engine::{Clamp, Decoder, Device, Encoder, Network, NodeId, Plan};
use safetensors::SafeTensors;
use serde::Deserialize;

use crate::fixture::{ACTIVATION, GRADIENT};
use crate::{assert_close, committed, root, widen};

/// Activations of a network whose weights are stored as F16, against those of
/// the F32 weights that it was converted from.
const HALF_WEIGHTS: f64 = 5e-3;

/// What `make_tiny.py` notes of a network; values name tensors.
#[derive(Deserialize)]
struct Golden {
    sha256: String,
    x: String,
    activations: BTreeMap<String, String>,
    cotangents: BTreeMap<String, String>,
    dx: String,
}

struct File(Vec<u8>);

impl File {
    fn open(name: &str) -> File {
        let path = root().join("tests/golden").join(name);
        File(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.samples(name, usize::MAX)
    }

    /// The first `n` samples of a tensor, or all of them if there are fewer.
    fn samples(&self, name: &str, n: usize) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file
            .tensor(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (values, _) = tensor.data().as_chunks();
        let len = values.len() / tensor.shape()[0];
        let values = values.chunks_exact(len).take(n).flatten();
        values.copied().map(f32::from_le_bytes).collect()
    }
}

fn node(network: &Network, name: &str) -> NodeId {
    network
        .node(name)
        .unwrap_or_else(|| panic!("no layer {name}"))
}

/// Every activation and a gradient of the tiny pair.
///
/// # Panics
/// Where the device computes something else.
pub fn tiny_pair(device: &Device) {
    let golden = File::open("tiny.safetensors");
    let (_, header) = SafeTensors::read_metadata(&golden.0).unwrap();
    let index = &header.metadata().as_ref().unwrap()["networks"];
    let index: BTreeMap<String, Golden> = serde_json::from_str(index).unwrap();
    for (part, entry) in index {
        let file = committed("tiny", &part);
        assert_eq!(
            file.sha256(),
            entry.sha256,
            "{part} has changed: run golden/make_tiny.py"
        );
        let network = Network::load(&file, device).unwrap();
        let x = golden.floats(&entry.x);
        let n = x.len() / network.shape(NodeId::INPUT).len();
        let all: Vec<NodeId> = network.nodes().collect();
        let mut plan = Plan::new(&network, n, &all).unwrap();
        plan.input_mut().write(n, &x);
        plan.forward(n);
        for (layer, tensor) in &entry.activations {
            let found = plan.activation(node(&network, layer)).read(n).unwrap();
            assert_close(
                &format!("{part} {layer}"),
                &found,
                &widen(&golden.floats(tensor)),
                ACTIVATION,
            );
        }
        let mut gradient = Gradient::new(&plan, &all).unwrap();
        for (layer, tensor) in &entry.cotangents {
            let cotangent = gradient.cotangent(node(&network, layer), n);
            cotangent.write(n, &golden.floats(tensor));
        }
        let dx = gradient.pull(&plan, n).read(n).unwrap();
        assert_close(
            &format!("{part} dx"),
            &dx,
            &widen(&golden.floats(&entry.dx)),
            GRADIENT,
        );
    }
}

/// The demo pair and its judge, on the first images and codes, `most` of each.
///
/// # Panics
/// As [`tiny_pair`].
pub fn demo_pair(device: &Device, most: usize) {
    let golden = File::open("fashion.safetensors");
    let images = golden.samples("images", most);
    let check = |part: &str, layers: &[(&str, &str)]| {
        let file = committed("fashion", part);
        let network = Network::load(&file, device).unwrap();
        let input = network.shape(NodeId::INPUT);
        let n = images.len() / input.len();
        let nodes: Vec<NodeId> = layers
            .iter()
            .map(|(layer, _)| node(&network, layer))
            .collect();
        let mut plan = Plan::new(&network, n, &nodes).unwrap();
        let mut pixels = device.buffer(n, input).unwrap();
        pixels.write(n, &images);
        let encoder = Encoder::new(&file, input, device).unwrap();
        encoder.encode(&pixels, n, plan.input_mut());
        plan.forward(n);
        for ((layer, tensor), node) in layers.iter().zip(nodes) {
            let found = plan.activation(node).read(n).unwrap();
            assert_close(
                &format!("{part} {layer}"),
                &found,
                &widen(&golden.samples(tensor, n)),
                ACTIVATION,
            );
        }
    };
    let same = |layer| (layer, layer);
    check(
        "classifier",
        &["conv5", "fc6", "relu6", "fc7", "fc8"].map(same),
    );
    check("judge", &[("fc", "judge.logits")]);

    let file = committed("fashion", "generator");
    let network = Network::load(&file, device).unwrap();
    let codes = golden.samples("relu6", most);
    let n = codes.len() / network.shape(NodeId::INPUT).len();
    let output = network.output();
    let mut plan = Plan::new(&network, n, &[output]).unwrap();
    plan.input_mut().write(n, &codes);
    plan.forward(n);
    let found = plan.activation(output);
    let generated = widen(&golden.samples("generated", n));
    assert_close(
        "generator",
        &found.read(n).unwrap(),
        &generated,
        HALF_WEIGHTS,
    );

    let shape = network.shape(output);
    let decoder = Decoder::new(&file, shape, shape, Clamp::default(), device).unwrap();
    let mut decoded = device.buffer(n, shape).unwrap();
    decoder.decode(found, n, &mut decoded);
    let clamped: Vec<f64> = generated.iter().map(|v| v.clamp(0.0, 1.0)).collect();
    assert_close("images", &decoded.read(n).unwrap(), &clamped, HALF_WEIGHTS);
}
