//! A request, resolved and run.

use std::path::{Path, PathBuf};

use engine::{Clamp, Device};
use netfile::Mixture;
use sampler::Options;

use crate::encoding::{Distance, Encoding};
use crate::neuron::Shown;
use crate::pair::{Loaded, Pair};
use crate::record::{RUN_VERSION, Run, StoredImages};
use crate::source::space_record;
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
    /// What distances are measured in.
    pub distance: Distance,
    /// Which gradients pass a pixel that is clamped to `[0, 1]`; in pixel space
    /// nothing is clamped.
    pub clamp: Clamp,
    /// Most evaluations of the whole run; one is a forward and a backward pass
    /// of one sample through generator and classifier, a forward pass a half.
    pub max_evals: Option<u64>,
    /// In which form images are stored.
    pub images: StoredImages,
}

impl Default for Request {
    fn default() -> Request {
        let options = Options::default();
        Request {
            neurons: Vec::new(),
            samples: 100,
            batch: options.batch,
            seed: options.seed,
            distance: Distance::default(),
            clamp: Clamp::default(),
            max_evals: None,
            images: StoredImages::default(),
        }
    }
}

/// A request resolved against a pair of networks.
#[derive(Debug)]
pub struct Job {
    pub(crate) pair: Pair,
    pub(crate) neurons: Vec<Neuron>,
    pub(crate) encoding: Encoding,
    pub(crate) options: Options,
    pub(crate) clamp: Clamp,
    /// What determines the result.
    pub(crate) record: Run,
}

impl Job {
    /// Resolves every name in a request, and opens the network that encodes
    /// images if it is another one. Nothing is computed or written yet.
    ///
    /// # Errors
    /// [`Error::Request`] says what cannot be carried out, and what to try;
    /// [`Error::File`] and [`Error::Network`] what is wrong with that network.
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
        let encoding = Encoding::resolve(&request.distance, &pair)?;
        let defaults = defaults(&pair);
        let options = Options {
            seed: request.seed,
            batch: request.batch,
            max_evals: request.max_evals,
            reservoir: reservoir(defaults.reservoir, encoding.len(network)),
            ..defaults
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
            version: RUN_VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            neurons: neurons.clone(),
            samples: request.samples,
            images: request.images,
            seed: request.seed,
            space: space_record(&pair),
            encoder: encoding.record(),
            clamp: clamp_name(request.clamp).to_owned(),
            sampler: serde_json::to_value(&unlimited).expect("options are plain"),
            classifier: pair.classifier.record(),
            generator: pair.generator.as_ref().map(Loaded::record),
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

    /// Turns to another neuron of the same networks, which is sampled alone.
    pub(crate) fn aim(&mut self, neuron: &Neuron) {
        self.neurons = vec![neuron.clone()];
        self.record.neurons.clone_from(&self.neurons);
    }

    /// Where the networks run.
    pub fn device(&self) -> &Device {
        self.pair.classifier.network.device()
    }

    /// The neurons as they were resolved.
    pub fn neurons(&self) -> &[Neuron] {
        &self.neurons
    }

    /// How many samples are asked for.
    pub fn samples(&self) -> usize {
        self.record.samples
    }

    /// What is searched: `codes of fashion generator` or `pixels`.
    pub fn space(&self) -> String {
        match self.pair.generator() {
            Some(file) => format!("codes of {}", Shown(&file.description().name)),
            None => "pixels".to_owned(),
        }
    }

    /// What distances are measured in: `relu6`, `pool6 of fashion judge
    /// (judge.safetensors)` or `pixels`.
    pub fn encoder(&self) -> String {
        self.encoding.to_string()
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

/// The method for what the generator's file tells of codes.
fn defaults(pair: &Pair) -> Options {
    match pair.generator() {
        Some(file) if file.tensor(Mixture::WEIGHT).is_none() => Options::without_model(),
        _ => Options::default(),
    }
}

/// File systems end at 255 bytes; number of samples and seed come on top.
const LONGEST_NAME: usize = 180;

/// Most numbers that the encodings kept in memory may have: 256 MiB of f32.
const RESERVOIR_FLOATS: usize = 1 << 26;

/// As many encodings as are kept by default, or as fit.
fn reservoir(most: usize, encoding: usize) -> usize {
    most.min(RESERVOIR_FLOATS / encoding).max(1)
}

/// The clamp of a name that [`clamp_name`] gives.
pub(crate) fn clamp_of(name: &str) -> Option<Clamp> {
    let clamps = [Clamp::StraightInward, Clamp::Hard];
    clamps.into_iter().find(|&clamp| clamp_name(clamp) == name)
}

fn clamp_name(clamp: Clamp) -> &'static str {
    match clamp {
        Clamp::StraightInward => "straight-inward",
        Clamp::Hard => "hard",
    }
}
