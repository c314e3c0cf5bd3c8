//! The records of a run directory.

use std::fmt;
use std::path::Path;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::{Distance, Neuron};

/// `run.json`: everything that determines the result, and nothing else.
///
/// Version 1 knew codes only, and layers of the classifier as encoders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Version of this record, see [`RUN_VERSION`].
    #[serde(deserialize_with = "read_version")]
    pub version: u32,
    /// Version of the program.
    pub program: String,
    pub neurons: Vec<Neuron>,
    pub samples: usize,
    /// Which files there are, and what a run can be gone on with, depends on it.
    pub images: StoredImages,
    pub seed: u64,
    /// What is searched.
    #[serde(default)]
    pub space: SpaceRecord,
    /// What distances are measured in.
    pub encoder: EncoderRecord,
    /// `straight-inward` or `hard`.
    pub clamp: String,
    /// The sampler's own options.
    pub sampler: Value,
    pub classifier: NetworkRecord,
    /// None in pixel space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<NetworkRecord>,
    /// The arithmetic on which the last bits depend.
    pub instruction_set: String,
}

/// The version of [`Run`] that is written; older ones are read as if they were
/// of this one.
pub(crate) const RUN_VERSION: u32 = 2;

fn read_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        1..=RUN_VERSION => Ok(RUN_VERSION),
        other => Err(D::Error::custom(format!(
            "version {other}, expected at most {RUN_VERSION}"
        ))),
    }
}

/// What is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SpaceRecord {
    /// The codes of the generator.
    #[default]
    Code,
    /// The pixels in [0, 1]: every one of them begins at a number of this mean
    /// and standard deviation, clipped.
    Pixels { mean: f32, std: f32 },
}

/// What distances are measured in: `"relu6"` is a layer of the classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum EncoderRecord {
    Layer(String),
    Other(OtherEncoder),
}

impl EncoderRecord {
    /// The network that it is a layer of, where that is not the classifier.
    pub(crate) fn network(&self) -> Option<&NetworkRecord> {
        match self {
            EncoderRecord::Other(OtherEncoder::Network { network, .. }) => Some(network),
            _ => None,
        }
    }

    /// What was asked for; `file` is that of the network, which no record tells.
    /// None if there is one and its file is not given.
    pub(crate) fn distance(&self, file: Option<&Path>) -> Option<Distance> {
        Some(match self {
            EncoderRecord::Layer(layer) => Distance::Layer(layer.clone()),
            EncoderRecord::Other(OtherEncoder::Pixels {}) => Distance::Pixels,
            EncoderRecord::Other(OtherEncoder::Network { layer, .. }) => Distance::Network {
                file: file?.to_owned(),
                layer: layer.clone(),
            },
        })
    }
}

/// An encoder that is no layer of the classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OtherEncoder {
    /// A layer of another network.
    Network {
        layer: String,
        #[serde(flatten)]
        network: NetworkRecord,
    },
    /// The pixels in [0, 1].
    Pixels {},
}

/// In which form a run stores its images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredImages {
    /// Each as a PNG file, and all of them in `samples.safetensors`.
    #[default]
    Png,
    /// In `samples.safetensors` only.
    Tensor,
    /// Not at all: the generator makes them again from the codes, and each can
    /// be told by its hash.
    None,
}

/// Which network file was used. Its folder is not recorded: a directory that
/// is passed on must not tell where it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// The network's own name.
    pub name: String,
    /// The file's name without its folder.
    pub file: String,
    /// Of the whole file, in hexadecimal.
    pub sha256: String,
}

/// `manifest.json`: what a finished run holds. Its samples are a list of
/// [`SampleRecord`], written from a [`Listed`] and read as an [`Extent`]: there
/// may be more of them than fit into memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest<S> {
    pub version: u32,
    pub samples: S,
    pub diversity: Diversity,
    pub evaluations: Evaluations,
    pub seeds: Vec<SeedsRecord>,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SampleRecord {
    /// Path in the run directory, where images are files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Per neuron, recomputed from the rounded image.
    pub activations: Vec<f32>,
    /// The batch that it was accepted in; 0 are the seeds.
    pub batch: usize,
}

/// A list that is made while it is written.
pub(crate) struct Listed<I>(pub I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Listed<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// How many samples a manifest lists, and how far their activations reach.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Extent {
    pub samples: usize,
    /// Per neuron, the least and greatest activation.
    pub activations: Vec<[f64; 2]>,
}

impl Extent {
    /// False if the sample has another number of neurons than those before.
    fn add(&mut self, sample: &SampleRecord) -> bool {
        if self.samples == 0 {
            let nothing = [f64::INFINITY, f64::NEG_INFINITY];
            self.activations = vec![nothing; sample.activations.len()];
        }
        self.samples += 1;
        for ([least, greatest], &value) in self.activations.iter_mut().zip(&sample.activations) {
            *least = least.min(value.into());
            *greatest = greatest.max(value.into());
        }
        self.activations.len() == sample.activations.len()
    }
}

impl<'de> Deserialize<'de> for Extent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Extent, D::Error> {
        deserializer.deserialize_seq(ExtentVisitor)
    }
}

struct ExtentVisitor;

impl<'de> Visitor<'de> for ExtentVisitor {
    type Value = Extent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut samples: A) -> Result<Extent, A::Error> {
        let mut extent = Extent::default();
        while let Some(sample) = samples.next_element::<SampleRecord>()? {
            if !extent.add(&sample) {
                return Err(A::Error::custom(
                    "samples with different numbers of neurons",
                ));
            }
        }
        Ok(extent)
    }
}

/// How different the samples are, by Euclidean distance between encodings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Diversity {
    /// Over how many samples: all, or as many as the sampler's reservoir holds,
    /// drawn from all with equal chances.
    pub samples: usize,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest<S>(samples: S) -> Manifest<S> {
        Manifest {
            version: 1,
            samples,
            diversity: Diversity::default(),
            evaluations: Evaluations {
                total: 6.0,
                per_sample: 2.0,
            },
            seeds: Vec::new(),
        }
    }

    fn samples(values: [Vec<f32>; 3]) -> Vec<SampleRecord> {
        let record = |activations| SampleRecord {
            file: None,
            activations,
            batch: 0,
        };
        values.map(record).into()
    }

    #[test]
    fn a_listed_manifest_equals_one_in_memory_and_is_read_as_its_extent() {
        let samples = samples([vec![1.5, -1.0], vec![0.5, 3.0], vec![1.0, 0.0]]);
        let whole = serde_json::to_string_pretty(&manifest(&samples)).unwrap();
        let listed = serde_json::to_string_pretty(&manifest(Listed(samples.iter()))).unwrap();
        assert_eq!(listed, whole);
        let extent = Extent {
            samples: 3,
            activations: vec![[0.5, 1.5], [-1.0, 3.0]],
        };
        let read: Manifest<Extent> = serde_json::from_str(&whole).unwrap();
        assert_eq!(read, manifest(extent));
    }

    #[test]
    fn encoders_are_read_as_they_were_written() {
        let network = NetworkRecord {
            name: "judge".into(),
            file: "judge.safetensors".into(),
            sha256: "0f".into(),
        };
        let layer = "pool6".to_owned();
        for (record, text) in [
            (EncoderRecord::Layer("pixels".into()), r#""pixels""#),
            (
                EncoderRecord::Other(OtherEncoder::Pixels {}),
                r#"{"pixels":{}}"#,
            ),
            (
                EncoderRecord::Other(OtherEncoder::Network { layer, network }),
                r#"{"network":{"layer":"pool6","name":"judge","file":"judge.safetensors","sha256":"0f"}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&record).unwrap(), text);
            assert_eq!(serde_json::from_str::<EncoderRecord>(text).unwrap(), record);
        }
    }

    #[test]
    fn a_record_of_version_1_is_one_of_codes() {
        let text = |version: u32| {
            format!(
                r#"{{"version": {version}, "program": "0.1.0", "neurons": [], "samples": 3,
                    "images": "png", "seed": 0, "encoder": "relu6", "clamp": "hard", "sampler": {{}},
                    "classifier": {{"name": "a", "file": "b", "sha256": "c"}},
                    "generator": {{"name": "d", "file": "e", "sha256": "f"}},
                    "instruction_set": "avx2"}}"#
            )
        };
        let run: Run = serde_json::from_str(&text(1)).unwrap();
        assert_eq!(run.version, RUN_VERSION);
        assert_eq!(run.space, SpaceRecord::Code);
        assert_eq!(run.encoder, EncoderRecord::Layer("relu6".into()));
        assert_eq!(serde_json::from_str::<Run>(&text(2)).unwrap(), run);
        let error = serde_json::from_str::<Run>(&text(3)).unwrap_err();
        assert!(error.to_string().starts_with("version 3"), "{error}");
    }

    #[test]
    fn samples_of_different_numbers_of_neurons_are_no_manifest() {
        let samples = samples([vec![1.5], vec![0.5, 3.0], vec![1.0]]);
        let whole = serde_json::to_string(&manifest(samples)).unwrap();
        let error = serde_json::from_str::<Manifest<Extent>>(&whole).unwrap_err();
        assert!(
            error.to_string().starts_with("samples with different"),
            "{error}"
        );
    }
}
