//! The sampler of a pair of networks, wherever they run.

use sampler::{Batch, HostSpace, Options, Sampler, State, Watch};

use crate::model::{Classifier, Extent, ResidentClassifier, ResidentSource, ResidentSpace};
use crate::source::{Source, code_len};
use crate::{Error, Job};

type Host = Sampler<HostSpace, Source, Classifier>;
type Resident = Sampler<ResidentSpace, ResidentSource, ResidentClassifier>;

/// A sampler whose codes, images and encodings lie in main memory, or on the
/// device of the networks.
pub(crate) enum PairSampler {
    Host(Box<Host>),
    Resident(Box<Resident>),
}

impl PairSampler {
    /// Of a job, from its beginning or from a state.
    ///
    /// # Errors
    /// [`Error::Memory`] where the batch does not fit into main memory;
    /// [`Error::Request`] where it does not fit into a device's, with the
    /// largest that does; [`Error::Device`] for a device that failed.
    pub(crate) fn new(job: &Job, state: Option<State>) -> Result<PairSampler, Error> {
        if job.device().is_host() {
            return Ok(PairSampler::Host(Box::new(host(job, state)?)));
        }
        let (batch, device) = (job.options.batch, job.device());
        let sampler = resident(job, batch, state);
        let Err(Error::Memory {
            cause:
                engine::Error::Memory {
                    what,
                    needed,
                    available,
                    ..
                },
            ..
        }) = sampler
        else {
            return Ok(PairSampler::Resident(Box::new(sampler?)));
        };
        let remedy = match largest(job)? {
            0 => "not even one at a time fits: run with --device cpu".to_owned(),
            fits => format!("the largest batch that fits is {fits}: try --batch {fits}"),
        };
        Err(Error::Request(format!(
            "sampling {batch} images at a time: {what} needs {needed} bytes, but {available} bytes are free on {device}; {remedy}"
        )))
    }

    /// The state after the last batch.
    pub(crate) fn state(&self) -> &State {
        match self {
            PairSampler::Host(sampler) => sampler.state(),
            PairSampler::Resident(sampler) => sampler.state(),
        }
    }

    /// The same, for a sampler that is not needed any more.
    pub(crate) fn into_state(self) -> State {
        match self {
            PairSampler::Host(sampler) => sampler.into_state(),
            PairSampler::Resident(sampler) => sampler.into_state(),
        }
    }

    /// Makes one batch, see [`Sampler::next_batch`].
    pub(crate) fn next_batch(
        &mut self,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Batch>, sampler::Error> {
        match self {
            PairSampler::Host(sampler) => sampler.next_batch(watch),
            PairSampler::Resident(sampler) => sampler.next_batch(watch),
        }
    }

    /// The greatest value of a neuron that is found, see [`Sampler::highest`].
    pub(crate) fn highest(
        &mut self,
        neuron: usize,
        watch: &mut Watch<'_>,
    ) -> Result<(f32, f64), sampler::Error> {
        match self {
            PairSampler::Host(sampler) => sampler.highest(neuron, watch),
            PairSampler::Resident(sampler) => sampler.highest(neuron, watch),
        }
    }

    /// The least and the greatest value of a neuron that are found, see
    /// [`Sampler::extremes`].
    pub(crate) fn extremes(
        &mut self,
        neuron: usize,
        watch: &mut Watch<'_>,
    ) -> Result<([f32; 2], f64), sampler::Error> {
        match self {
            PairSampler::Host(sampler) => sampler.extremes(neuron, watch),
            PairSampler::Resident(sampler) => sampler.extremes(neuron, watch),
        }
    }
}

/// Networks come first: they tell of a batch that is far too large before
/// anything is allocated.
fn host(job: &Job, state: Option<State>) -> Result<Host, Error> {
    let options = job.options.clone();
    let source = Source::new(&job.pair, options.batch, job.clamp)?;
    let classifier = Classifier::new(&job.pair, &job.neurons, &job.encoding, options.batch)?;
    let problem = job.problem()?;
    let starts = &problem.starts;
    let space = HostSpace::new(starts.lower().to_vec(), starts.upper().to_vec());
    let state = state.unwrap_or_else(|| beginning(job, options.batch));
    let sampler = Sampler::resume(space, source, classifier, problem, options, state);
    sampler.map_err(|cause| job.error(cause))
}

fn resident(job: &Job, batch: usize, state: Option<State>) -> Result<Resident, Error> {
    let pair = &job.pair;
    let options = Options {
        batch,
        ..job.options.clone()
    };
    let source = ResidentSource::new(pair, batch, code_len(pair), job.clamp)?;
    let classifier = ResidentClassifier::new(pair, &job.neurons, &job.encoding, batch)?;
    let problem = job.problem()?;
    let extent = Extent {
        batch,
        encoding: job.encoding.len(&pair.classifier.network),
        reservoir: options.reservoir,
        near: options.near,
    };
    let starts = &problem.starts;
    let space = ResidentSpace::new(pair, extent, starts.lower(), starts.upper())?;
    let state = state.unwrap_or_else(|| beginning(job, batch));
    let sampler = Sampler::resume(space, source, classifier, problem, options, state);
    sampler.map_err(|cause| job.error(cause))
}

fn beginning(job: &Job, batch: usize) -> State {
    State::new(batch, job.neurons.len(), job.options.reservoir)
}

/// The largest batch that fits where the job's own does not, found by trying;
/// 0 if none does.
///
/// # Errors
/// As [`PairSampler::new`], but for batches that do not fit.
fn largest(job: &Job) -> Result<usize, Error> {
    let (mut fits, mut too_large) = (0, job.options.batch);
    while too_large - fits > 1 {
        let batch = fits + (too_large - fits) / 2;
        match resident(job, batch, None) {
            Ok(_) => fits = batch,
            Err(Error::Memory { .. }) => too_large = batch,
            Err(other) => return Err(other),
        }
    }
    Ok(fits)
}
