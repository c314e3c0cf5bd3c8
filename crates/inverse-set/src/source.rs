//! Where images come from: a generator's codes, or the pixels themselves.

use engine::{Clamp, NodeId};
use netfile::{CodeSpace, Mixture, NetworkFile};
use sampler::{Failure, Generator, HostSpace, Identity, Space as _, Starts};

use crate::model::{CodeGenerator, failed};
use crate::pair::{Loaded, Pair};
use crate::record::SpaceRecord;
use crate::{Error, Job};

/// The mean of a starting pixel: grey.
const PIXEL_MEAN: f32 = 0.5;

/// The standard deviation of a starting pixel, before it is clipped to [0, 1].
const PIXEL_STD: f32 = 0.25;

/// The space that is searched: what the sampler takes for a generator.
#[derive(Debug)]
pub(crate) enum Source {
    /// Codes of a generator.
    Code(Box<CodeGenerator>),
    /// Pixels in [0, 1]; a code is an image, `[c, h, w]`.
    Pixels(Identity),
}

impl Source {
    /// For batches of at most `batch` codes.
    pub(crate) fn new(pair: &Pair, batch: usize, clamp: Clamp) -> Result<Source, Error> {
        Ok(match pair.generator {
            Some(_) => Source::Code(Box::new(CodeGenerator::new(pair, batch, clamp)?)),
            None => Source::Pixels(Identity::new(code_len(pair))),
        })
    }

    /// The rounded images of `n` codes, 8 bits a value; at most a batch.
    ///
    /// # Errors
    /// Where the device fails.
    pub(crate) fn images(&mut self, codes: &Vec<f32>, n: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        // Nothing is moved, so that codes need no bounds.
        let mut space = HostSpace::new(Vec::new(), Vec::new());
        self.decode(codes, n)
            .and_then(|decoded| space.round(decoded, n, &mut bytes).map(drop))
            .map_err(failed)?;
        Ok(bytes)
    }
}

impl Generator<HostSpace> for Source {
    fn decode(&mut self, codes: &Vec<f32>, n: usize) -> Result<&Vec<f32>, Failure> {
        match self {
            Source::Code(generator) => generator.decode(codes, n),
            Source::Pixels(identity) => identity.decode(codes, n),
        }
    }

    fn pull(&mut self, d_images: &Vec<f32>) -> Result<&Vec<f32>, Failure> {
        match self {
            Source::Code(generator) => generator.pull(d_images),
            Source::Pixels(identity) => identity.pull(d_images),
        }
    }
}

/// Numbers in a code.
pub(crate) fn code_len(pair: &Pair) -> usize {
    let network = &pair.generator.as_ref().unwrap_or(&pair.classifier).network;
    network.shape(NodeId::INPUT).len()
}

/// What `run.json` says of the space.
pub(crate) fn space_record(pair: &Pair) -> SpaceRecord {
    match pair.generator {
        Some(_) => SpaceRecord::Code,
        None => SpaceRecord::Pixels {
            mean: PIXEL_MEAN,
            std: PIXEL_STD,
        },
    }
}

impl Job {
    /// Where codes begin: the generator's own distribution of codes, or noise.
    pub(crate) fn starts(&self) -> Result<Starts, Error> {
        match &self.pair.generator {
            Some(Loaded { file, .. }) => self.code_starts(file),
            None => self.pixel_starts(),
        }
    }

    fn pixel_starts(&self) -> Result<Starts, Error> {
        let all = |value: f32| vec![value; code_len(&self.pair)];
        Starts::new(all(PIXEL_MEAN), all(PIXEL_STD), all(0.0), all(1.0))
            .map_err(|cause| self.error(cause))
    }

    fn code_starts(&self, file: &NetworkFile) -> Result<Starts, Error> {
        if file.description().code.is_none() {
            return Err(Error::Request(format!(
                "choosing starting codes: {} has no code space; choose a generator",
                file.description().name
            )));
        }
        // A file with a code space holds one value of each for every input.
        let table = |name| file.floats(name).map_err(Error::File);
        let starts = Starts::new(
            table(CodeSpace::MEAN)?,
            table(CodeSpace::STD)?,
            table(CodeSpace::LOWER)?,
            table(CodeSpace::UPPER)?,
        );
        let starts = starts.map_err(|cause| self.error(cause))?;
        if file.tensor(Mixture::WEIGHT).is_none() {
            return Ok(starts);
        }
        let mixture = sampler::Mixture::new(
            &table(Mixture::WEIGHT)?,
            table(Mixture::MEAN)?,
            table(Mixture::FACTORS)?,
            table(Mixture::NOISE)?,
        );
        mixture
            .and_then(|mixture| starts.with_mixture(mixture))
            .map_err(|cause| self.error(cause))
    }
}
