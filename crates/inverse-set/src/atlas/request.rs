//! What an atlas was asked for, as its record and its plan tell it.

use std::path::{Path, PathBuf};

use sampler::Options;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Atlas, MOST};
use crate::encoding::Encoding;
use crate::finished::same_network;
use crate::pair::Loaded;
use crate::record::{EncoderRecord, NetworkRecord, SpaceRecord, StoredImages};
use crate::{Error, Expression, Needed, Neuron, Pair, Request};

/// What an atlas was asked for: all that determines its results, but the
/// arithmetic of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtlasRecord {
    pub(crate) neurons: Vec<Neuron>,
    pub(crate) samples: usize,
    pub(crate) images: StoredImages,
    pub(crate) seed: u64,
    /// Decides which neurons are missed.
    pub(crate) max_evals: Option<u64>,
    pub(crate) space: SpaceRecord,
    pub(crate) encoder: EncoderRecord,
    pub(crate) clamp: String,
    /// The sampler's own options.
    pub(crate) sampler: Value,
    pub(crate) classifier: NetworkRecord,
    pub(crate) generator: Option<NetworkRecord>,
}

impl Atlas {
    /// What was asked for.
    pub(super) fn record(&self) -> AtlasRecord {
        let run = self.job.record.clone();
        AtlasRecord {
            neurons: self.neurons.clone(),
            samples: run.samples,
            images: run.images,
            seed: run.seed,
            max_evals: self.job.options.max_evals,
            space: run.space,
            encoder: run.encoder,
            clamp: run.clamp,
            sampler: run.sampler,
            classifier: run.classifier,
            generator: run.generator,
        }
    }

    /// The atlas that a record tells of, to be gone on with; networks are known
    /// by the names that their files had then. `at` is the file or
    /// the directory that the record is from; `encoder` is the file of
    /// [`AtlasRecord::encoder`], where it names one.
    ///
    /// # Errors
    /// [`Error::Request`] for networks that are not those of the record, and for
    /// one that this program would not have made; and what opening the encoder
    /// can fail with.
    pub fn again(
        mut pair: Pair,
        encoder: Option<PathBuf>,
        record: &AtlasRecord,
        at: &Path,
    ) -> Result<Atlas, Error> {
        recognize(
            at,
            &record.classifier,
            Some(&mut pair.classifier),
            "classifier",
        )?;
        if let Some(generator) = &record.generator {
            recognize(at, generator, pair.generator.as_mut(), "generator")?;
        }
        let refused = |what: &str| {
            Error::Request(format!(
                "{}: {what}; it was changed, or made by another version of this program: make it again",
                at.display()
            ))
        };
        let request = record.request(encoder).map_err(|what| refused(&what))?;
        let (file, network) = (pair.classifier(), pair.classifier_network());
        let resolved = |neuron: &Neuron| {
            let text = &neuron.expression;
            let resolved = Neuron::resolve(&text.parse::<Expression>()?, text, file, network)?;
            match resolved == *neuron {
                true => Ok(resolved),
                false => Err(refused(&format!(
                    "{text:?} means {resolved} in another range"
                ))),
            }
        };
        let neurons = record.neurons.iter().map(resolved);
        let neurons = neurons.collect::<Result<Vec<Neuron>, Error>>()?;
        let mut atlas = Atlas::new(pair, neurons, &request)?;
        if let (Encoding::Network { network, .. }, Some(encoder)) =
            (&mut atlas.job.encoding, record.encoder())
        {
            recognize(at, encoder, Some(&mut **network), "encoder")?;
            atlas.job.record.encoder = atlas.job.encoding.record();
        }
        match atlas.record() == *record {
            true => Ok(atlas),
            false => Err(refused("its request is not what this program makes of it")),
        }
    }
}

/// Makes sure that a network is the recorded one, and gives it the name that its
/// file had then.
///
/// # Errors
/// Those of [`same_network`].
fn recognize(
    at: &Path,
    record: &NetworkRecord,
    found: Option<&mut Loaded>,
    part: &str,
) -> Result<(), Error> {
    same_network(at, record, found.as_deref(), part)?;
    if let Some(found) = found {
        found.known_as(record);
    }
    Ok(())
}

impl AtlasRecord {
    /// Of the atlas in a directory, finished or not.
    ///
    /// # Errors
    /// [`Error::Directory`] where there is none or its record is damaged,
    /// [`Error::Io`] where it cannot be read.
    pub fn of(directory: &Path) -> Result<AtlasRecord, Error> {
        Ok(super::recorded(directory)?.request)
    }

    /// How many neurons there are.
    pub fn count(&self) -> usize {
        self.neurons.len()
    }

    /// How many samples of each are asked for.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The classifier and, unless the pixels are searched, the generator.
    pub fn needed(&self) -> Needed {
        Needed {
            classifier: self.classifier.clone(),
            generator: self.generator.clone(),
        }
    }

    /// The network that distances are measured in, where it is another one.
    pub fn encoder(&self) -> Option<&NetworkRecord> {
        self.encoder.network()
    }

    /// Says what is wrong with numbers that no atlas has.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.neurons.len() {
            1..=MOST => {}
            count => return Err(format!("{count} neurons, expected 1 to {MOST}")),
        }
        match self.samples {
            0 => Err("0 samples, expected at least 1".to_owned()),
            _ => self.options().map(drop),
        }
    }

    fn options(&self) -> Result<Options, String> {
        let options = Options::deserialize(&self.sampler).map_err(|cause| cause.to_string())?;
        options.check().map_err(|cause| cause.to_string())?;
        Ok(options)
    }

    /// How each neuron is sampled; the error says what the record lacks.
    fn request(&self, encoder: Option<PathBuf>) -> Result<Request, String> {
        let distance = self.encoder.distance(encoder.as_deref());
        let clamp = crate::job::clamp_of(&self.clamp);
        Ok(Request {
            neurons: Vec::new(),
            samples: self.samples,
            batch: self.options()?.batch,
            seed: self.seed,
            distance: distance.ok_or("the encoder's file is not given")?,
            clamp: clamp.ok_or("its clamp is unknown")?,
            max_evals: self.max_evals,
            images: self.images,
        })
    }
}
