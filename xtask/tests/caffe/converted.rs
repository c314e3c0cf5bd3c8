//! A network that the built program converted, and its activations.

use std::path::Path;
use std::process::Command;

use engine::{Device, Network, NodeId, Plan};
use netfile::NetworkFile;

/// A file of `tests/caffe`.
pub(crate) fn fixture(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/caffe")
        .join(file);
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// Converts `<name>.caffemodel`. Fails with what the program printed to stderr.
pub(crate) fn convert(name: &str, options: &[&str]) -> Result<Converted, String> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("network.safetensors");
    let model = fixture(&format!("{name}.caffemodel"));
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["convert-weights", "caffe", "--model", &model])
        .args(["--dtype", "f32", "--out"])
        .arg(&out)
        .args(options)
        .output()
        .unwrap();
    if !output.status.success() {
        assert!(!out.exists(), "{name}: a failure left a file behind");
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name}: {}", stderr.trim_end()));
    }
    let file = NetworkFile::open(&out).unwrap();
    let network = Network::load(&file, &Device::cpu(Some(1)).unwrap()).unwrap();
    Ok(Converted {
        name: name.into(),
        layers: file
            .description()
            .layers
            .iter()
            .map(|layer| layer.name.clone())
            .collect(),
        network,
        ran: None,
    })
}

/// A network and, once it ran, its values.
#[derive(Debug)]
pub(crate) struct Converted {
    name: String,
    layers: Vec<String>,
    network: Network,
    ran: Option<(Plan, usize)>,
}

impl Converted {
    /// The layers' names in order.
    pub(crate) fn layers(&self) -> &[String] {
        &self.layers
    }

    /// Runs all samples of `input`.
    pub(crate) fn run(&mut self, input: &[f32]) {
        let n = input.len() / self.network.shape(NodeId::INPUT).len();
        let all: Vec<NodeId> = self.network.nodes().collect();
        let mut plan = Plan::new(&self.network, n, &all).unwrap();
        plan.input_mut().write(n, input);
        plan.forward(n);
        self.ran = Some((plan, n));
    }

    /// Fails unless every value of a layer is within `tolerance` of the
    /// greatest magnitude that is expected (or of 1, if that is less).
    pub(crate) fn assert_close(&self, layer: &str, expected: &[f64], tolerance: f64) {
        let what = format!("{} {layer}", self.name);
        let node = self.network.node(layer);
        let node = node.unwrap_or_else(|| panic!("{what}: no such layer in {:?}", self.layers));
        let (plan, n) = self.ran.as_ref().expect("a network that ran");
        let found = plan.activation(node).read(*n).unwrap();
        assert_eq!(found.len(), expected.len(), "{what}: lengths");
        let bound = tolerance
            * expected
                .iter()
                .fold(1.0, |scale: f64, v| scale.max(v.abs()));
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let close = (f64::from(found) - expected).abs() <= bound;
            assert!(close, "{what}: at {i} {found} instead of {expected}");
        }
    }
}
