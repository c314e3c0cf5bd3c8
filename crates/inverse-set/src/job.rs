//! A request, resolved and run.

use std::path::{Path, PathBuf};

use engine::{Clamp, NodeId};
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
    /// Which gradients pass a pixel that is clamped to `[0, 1]`.
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
        let encoder = encoder(request, &pair)?;
        let encoding = network.node(&encoder).expect("the encoder was found");
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

    /// `runs/<neuron>-<range>-n<N>-<seed>`, safe as a file name; of more neurons
    /// than a file name holds, the first and the number of the others.
    pub fn default_directory(&self) -> PathBuf {
        let slugs: Vec<String> = self.neurons.iter().map(Neuron::slug).collect();
        let mut neurons = slugs.join("+");
        if neurons.len() > LONGEST_NAME {
            neurons = format!("{}+{}-more", slugs[0], slugs.len() - 1);
        }
        let Run { samples, seed, .. } = &self.record;
        Path::new("runs").join(format!("{neurons}-n{samples}-{seed}"))
    }
}

/// File systems end at 255 bytes; number of samples and seed come on top.
const LONGEST_NAME: usize = 180;

/// The layer that distances are measured in.
fn encoder(request: &Request, pair: &Pair) -> Result<String, Error> {
    let description = pair.classifier.file.description();
    let named = request.encoder.as_ref().or(description.encoder.as_ref());
    let Some(layer) = named else {
        return Err(Error::Request(format!(
            "choosing the encoder: {} names none; name one of its layers",
            description.name
        )));
    };
    pair.layer_shape(layer)
        .map_err(|cause| Error::Request(format!("choosing the encoder: {cause}")))?;
    Ok(layer.clone())
}

fn clamp_name(clamp: Clamp) -> &'static str {
    match clamp {
        Clamp::StraightInward => "straight-inward",
        Clamp::Hard => "hard",
    }
}

fn network_record(loaded: &Loaded) -> NetworkRecord {
    NetworkRecord {
        name: loaded.file.description().name.clone(),
        file: loaded.base_name.clone(),
        sha256: loaded.file.sha256(),
    }
}
