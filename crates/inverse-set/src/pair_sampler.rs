//! The sampler of a pair of networks, wherever they run.

use sampler::{Batch, HostSpace, Sampler, State, Watch};

use crate::model::{Classifier, Extent, ResidentClassifier, ResidentSource, ResidentSpace};
use crate::source::{Source, code_len};
use crate::{Error, Job};

/// A sampler whose codes, images and encodings lie in main memory, or on the
/// device of the networks.
pub(crate) enum PairSampler {
    Host(Box<Sampler<HostSpace, Source, Classifier>>),
    Resident(Box<Sampler<ResidentSpace, ResidentSource, ResidentClassifier>>),
}

impl PairSampler {
    /// Of a job, from its beginning or from a state.
    pub(crate) fn new(job: &Job, state: Option<State>) -> Result<PairSampler, Error> {
        let (pair, options) = (&job.pair, job.options.clone());
        let (batch, neurons) = (options.batch, &job.neurons);
        let new_state = || State::new(batch, neurons.len(), options.reservoir);
        let state = state.unwrap_or_else(new_state);
        let network = &pair.classifier.network;
        if network.device().is_host() {
            let source = Source::new(pair, batch, job.clamp)?;
            let classifier = Classifier::new(pair, neurons, &job.encoding, batch)?;
            let problem = job.problem()?;
            let starts = &problem.starts;
            let space = HostSpace::new(starts.lower().to_vec(), starts.upper().to_vec());
            let sampler = Sampler::resume(space, source, classifier, problem, options, state);
            let sampler = sampler.map_err(|cause| job.error(cause))?;
            return Ok(PairSampler::Host(Box::new(sampler)));
        }
        let source = ResidentSource::new(pair, batch, code_len(pair), job.clamp)?;
        let classifier = ResidentClassifier::new(pair, neurons, &job.encoding, batch)?;
        let problem = job.problem()?;
        let extent = Extent {
            batch,
            encoding: job.encoding.len(network),
            reservoir: options.reservoir,
            near: options.near,
        };
        let starts = &problem.starts;
        let space = ResidentSpace::new(pair, extent, starts.lower(), starts.upper())?;
        let sampler = Sampler::resume(space, source, classifier, problem, options, state);
        let sampler = sampler.map_err(|cause| job.error(cause))?;
        Ok(PairSampler::Resident(Box::new(sampler)))
    }

    /// The state after the last batch.
    pub(crate) fn state(&self) -> &State {
        match self {
            PairSampler::Host(sampler) => sampler.state(),
            PairSampler::Resident(sampler) => sampler.state(),
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
}
