//! The records of a run directory.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Neuron;

/// `run.json`: everything that determines the result, and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Version of this record.
    pub version: u32,
    /// Version of the program.
    pub program: String,
    pub neurons: Vec<Neuron>,
    pub samples: usize,
    pub seed: u64,
    /// The classifier's layer that distances are measured in.
    pub encoder: String,
    /// `straight-inward` or `hard`.
    pub clamp: String,
    /// The sampler's own options.
    pub sampler: Value,
    pub classifier: NetworkRecord,
    pub generator: NetworkRecord,
    /// The arithmetic on which the last bits depend.
    pub instruction_set: String,
}

/// Which network file was used. Its folder is not recorded: a directory that
/// is passed on must not tell where it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NetworkRecord {
    pub name: String,
    pub file: String,
    pub sha256: String,
}

/// `manifest.json`: what a finished run holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub version: u32,
    pub samples: Vec<SampleRecord>,
    pub diversity: Diversity,
    pub evaluations: Evaluations,
    pub seeds: Vec<SeedsRecord>,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SampleRecord {
    /// Path in the run directory.
    pub file: String,
    /// Per neuron, recomputed from the rounded image.
    pub activations: Vec<f32>,
    /// The batch that it was accepted in; 0 are the seeds.
    pub batch: usize,
}

/// How different the samples are, by Euclidean distance between encodings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Diversity {
    pub pair_distance_mean: f64,
    pub pair_distance_std: f64,
    pub pair_distance_least: f64,
    pub nearest_distance_mean: f64,
}

/// One evaluation is a forward and a backward pass of one sample through
/// generator and classifier; a forward pass alone counts one half.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evaluations {
    pub total: f64,
    pub per_sample: f64,
}

/// How the seeds came into the range: one entry per step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeedsRecord {
    pub evaluations: f64,
    /// Share of the seeds that are feasible.
    pub feasible: f64,
    /// Least value of each neuron over the seeds.
    pub least: Vec<f32>,
    /// Greatest value of each neuron over the seeds.
    pub greatest: Vec<f32>,
}
