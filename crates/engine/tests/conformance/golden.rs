//! The reference and the engine against PyTorch (tests/golden/ops.safetensors
//! at the root, made by make_golden.py beside it).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use engine::{Device, Network};
use netfile::{Dtype, Op};
use safetensors::SafeTensors;
use serde::Deserialize;

use crate::case::{Outcome, widen};
use crate::compare::Tolerance;
use crate::single_op::{self, Weight};

/// Samples of every case.
const BATCH: usize = 2;

/// Number of products in the longest sum: an 11x11 kernel over 3 channels.
const LONGEST_SUM: usize = 3 * 11 * 11;

/// One case as the file's metadata describes it; tensors by name.
#[derive(Deserialize)]
struct Entry {
    name: String,
    op: Op,
    input_shapes: Vec<Vec<usize>>,
    /// By suffix.
    weights: BTreeMap<String, String>,
    x: Vec<String>,
    y: String,
    dy: String,
    dx: Vec<String>,
}

pub(crate) struct Case {
    pub(crate) name: String,
    entry: Entry,
    bytes: Arc<Vec<u8>>,
}

/// All cases of the file.
pub(crate) fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/ops.safetensors");
    let bytes = std::fs::read(&path).expect("the golden file");
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("a safetensors file");
    let metadata = metadata.metadata().as_ref().expect("metadata");
    let entries: Vec<Entry> = serde_json::from_str(&metadata["cases"]).expect("a list of cases");
    let bytes = Arc::new(bytes);
    let cases = entries.into_iter().map(|entry| Case {
        name: entry.name.clone(),
        entry,
        bytes: bytes.clone(),
    });
    cases.collect()
}

impl Case {
    /// Both must agree with PyTorch, also where equal values compete.
    pub(crate) fn check(&self) -> Result<(), String> {
        let op = &self.entry.op;
        let file = single_op::network(op, &self.entry.input_shapes, &self.weights(), Dtype::F32);
        let device = Device::cpu(Some(1)).map_err(|error| error.to_string())?;
        let network = Network::load(&file, &device).map_err(|error| error.to_string())?;
        let (x, dy) = (self.strip(&self.entry.x), self.floats(&self.entry.dy));
        let golden = Outcome {
            y: widen(&self.floats(&self.entry.y)),
            dx: widen(&self.strip(&self.entry.dx)),
        };
        Outcome::of_reference(&file, &x, &dy, BATCH)
            .compare(&golden, &network, Tolerance::CLOSE)
            .map_err(|difference| format!("reference: {difference}"))?;
        Outcome::of_engine(&network, &x, &dy, BATCH)
            .compare(&golden, &network, Tolerance::reduced(LONGEST_SUM))
            .map_err(|difference| format!("engine: {difference}"))
    }

    fn weights(&self) -> Vec<Weight> {
        let weights = self.entry.weights.iter().map(|(suffix, name)| Weight {
            suffix: suffix.clone(),
            shape: self.tensor(name).shape().to_vec(),
            values: self.floats(name),
        });
        let mut weights: Vec<Weight> = weights.collect();
        // A scale without a bias is written as one with a bias of 0.
        if self.entry.op == Op::Scale && weights.len() == 1 {
            weights.push(Weight {
                suffix: "bias".to_owned(),
                shape: weights[0].shape.clone(),
                values: vec![0.0; weights[0].values.len()],
            });
        }
        weights
    }

    /// Tensors, one per input, as samples of the network's input: those of a
    /// sample one after the other.
    fn strip(&self, names: &[String]) -> Vec<f32> {
        let inputs: Vec<Vec<f32>> = names.iter().map(|name| self.floats(name)).collect();
        let samples = (0..BATCH).flat_map(|sample| {
            inputs.iter().flat_map(move |input| {
                let len = input.len() / BATCH;
                &input[sample * len..][..len]
            })
        });
        samples.copied().collect()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        let (values, _) = self.tensor(name).data().as_chunks();
        values.iter().map(|&v| f32::from_le_bytes(v)).collect()
    }

    fn tensor(&self, name: &str) -> safetensors::tensor::TensorView<'_> {
        let file = SafeTensors::deserialize(&self.bytes).expect("read once already");
        file.tensor(name).expect("a tensor that the cases name")
    }
}
