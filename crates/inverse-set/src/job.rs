//! A request, resolved and run.

use std::path::{Path, PathBuf};

use engine::{Clamp, NodeId};
use netfile::NetworkFile;
use sampler::Options;

use crate::pair::{Loaded, Pair};
use crate::record::{NetworkRecord, Run};
use crate::{Error, Expression, Neuron};

/// What to sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The neurons with their ranges, e.g. `fc8:"Ankle boot"=c25..c75`; all of
    /// them hold at once.
    pub neurons: Vec<String>,
    /// Number of samples.
    pub samples: usize,
    /// Samples that are moved together, K.
    pub batch: usize,
    /// Seed of all random numbers.
    pub seed: u64,
    /// The classifier's layer that distances are measured in; the network
    /// file's default when absent.
    pub encoder: Option<String>,
    /// What happens to pixels outside `[0, 1]`.
    pub clamp: Clamp,
    /// Most evaluations of the whole run.
    pub max_evals: Option<u64>,
}

impl Default for Request {
    fn default() -> Request {
        let options = Options::default();
        Request {
            neurons: Vec::new(),
            samples: 100,
            batch: options.batch,
            seed: options.seed,
            encoder: None,
            clamp: Clamp::default(),
            max_evals: None,
        }
    }
}

/// A request resolved against a pair of networks.
#[derive(Debug)]
pub struct Job {
    pub(crate) pair: Pair,
    pub(crate) neurons: Vec<Neuron>,
    pub(crate) encoding: NodeId,
    pub(crate) options: Options,
    pub(crate) clamp: Clamp,
    /// What determines the result.
    pub(crate) record: Run,
}

impl Job {
    /// Resolves every name in a request. Nothing is computed or written yet.
    ///
    /// # Errors
    /// [`Error::Request`] says what cannot be carried out, and what to try.
    pub fn new(pair: Pair, request: &Request) -> Result<Job, Error> {
        if request.samples == 0 {
            return Err(Error::Request(
                "sampling 0 images: ask for at least 1".into(),
            ));
        }
        if request.neurons.is_empty() {
            return Err(Error::Request(
                "sampling no neuron: name at least one".into(),
            ));
        }
        let Loaded { file, network, .. } = &pair.classifier;
        let neurons = request
            .neurons
            .iter()
            .map(|text| Neuron::resolve(&text.parse::<Expression>()?, text, file, network))
            .collect::<Result<Vec<Neuron>, Error>>()?;
        let encoder = request
            .encoder
            .clone()
            .or_else(|| file.description().encoder.clone())
            .ok_or_else(|| Error::Request(no_encoder(file)))?;
        let encoding = network.node(&encoder).ok_or_else(|| {
            Error::Request(format!(
                "choosing the encoder: {} has no layer {encoder}",
                network.name()
            ))
        })?;
        let options = Options {
            seed: request.seed,
            batch: request.batch,
            max_evals: request.max_evals,
            ..Options::default()
        };
        // The limit may be raised when a run is taken up again.
        let unlimited = Options {
            max_evals: None,
            ..options.clone()
        };
        options
            .check()
            .map_err(|cause| Error::Request(cause.to_string()))?;
        let record = Run {
            version: 1,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            neurons: neurons.clone(),
            samples: request.samples,
            seed: request.seed,
            encoder,
            clamp: clamp_name(request.clamp).to_owned(),
            sampler: serde_json::to_value(&unlimited).expect("options are plain"),
            classifier: network_record(&pair.classifier),
            generator: network_record(&pair.generator),
            instruction_set: network.device().instruction_set().to_owned(),
        };
        Ok(Job {
            neurons,
            encoding,
            options,
            clamp: request.clamp,
            record,
            pair,
        })
    }

    /// The neurons as they were resolved.
    pub fn neurons(&self) -> &[Neuron] {
        &self.neurons
    }

    /// `runs/<neuron>-<range>-n<N>-<seed>`, safe as a file name.
    pub fn default_directory(&self) -> PathBuf {
        let neurons: Vec<String> = self.neurons.iter().map(Neuron::slug).collect();
        let name = format!(
            "{}-n{}-{}",
            neurons.join("+"),
            self.record.samples,
            self.record.seed
        );
        Path::new("runs").join(name)
    }
}

fn no_encoder(file: &NetworkFile) -> String {
    format!(
        "choosing the encoder: {} names none; give a layer with --encoder",
        file.description().name
    )
}

fn clamp_name(clamp: Clamp) -> &'static str {
    match clamp {
        Clamp::StraightInward => "straight-inward",
        Clamp::Hard => "hard",
        Clamp::Free => "free",
    }
}

fn network_record(loaded: &Loaded) -> NetworkRecord {
    NetworkRecord {
        name: loaded.file.description().name.clone(),
        file: loaded.base_name.clone(),
        sha256: loaded.file.sha256(),
    }
}
