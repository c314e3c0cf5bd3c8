//! One method at work on one neuron.

use std::ops::ControlFlow;
use std::time::Instant;

use engine::{Clamp, Decoder, NodeId};
use netfile::Op;
use sampler::methods::{self, Drawn};
use sampler::{Counts, HostSpace, Identity, Options, Problem, Range, Sample, Sampler, Starts};

use super::figures::Found;
use super::judge::Judge;
use super::methods::{Method, Plan};
use super::pools::Pools;
use super::set::ImageSet;
use crate::model::Classifier;
use crate::reference::Reference;
use crate::source::Source;
use crate::{Error, Job, Neuron, Unit};

/// The runs for one neuron of a job.
pub(crate) struct Contest<'a> {
    pub job: &'a Job,
    /// The neuron's place among the job's.
    pub index: usize,
    pub reference: &'a Reference,
    pub pools: &'a Pools,
    /// N: the most samples.
    pub wanted: usize,
}

impl Contest<'_> {
    /// Runs a method within a budget of evaluations, if there is one.
    ///
    /// # Errors
    /// Those of a job's run, except where a method with a budget finds nothing.
    pub(crate) fn run(
        &self,
        method: Method,
        seed: u64,
        budget: Option<f64>,
        judge: &mut Judge,
    ) -> Result<Found, Error> {
        match method.plan(&self.job.options) {
            Plan::Dataset => Ok(self.looked_up(&self.pools.dataset, seed)),
            Plan::Reconstruction => Ok(self.looked_up(&self.pools.reconstruction, seed)),
            Plan::Sampler(options) => {
                let options = Options {
                    seed,
                    batch: self.job.options.batch,
                    max_evals: budget.map(|budget| budget as u64),
                    reservoir: self.job.options.reservoir,
                    ..options
                };
                self.sampled(options, budget, judge)
            }
            Plan::Draw(method) => {
                // Only the sampler itself goes on until it has enough.
                let budget = budget.unwrap_or(f64::MAX);
                self.drawn(&method, seed, budget, judge)
            }
        }
    }

    fn looked_up(&self, pool: &ImageSet, seed: u64) -> Found {
        Found {
            set: pool.drawn(seed, self.wanted),
            // The odd-numbered ones.
            proposed: (self.reference.count() / 2) as u64,
            in_range: pool.count,
            ..Found::default()
        }
    }

    fn sampled(
        &self,
        options: Options,
        budget: Option<f64>,
        judge: &mut Judge,
    ) -> Result<Found, Error> {
        let job = self.job;
        let batch = options.batch;
        let source = Source::new(&job.pair, batch, job.clamp)?;
        let classifier = self.classifier(&[], batch)?;
        let problem = self.problem(job.starts()?)?;
        let space = space_of(&problem);
        let mut sampler = Sampler::new(space, source, classifier, problem, options)
            .map_err(|cause| self.error(cause))?;
        let started = Instant::now();
        let mut samples = Vec::new();
        let spent = loop {
            match sampler.next_batch(&mut |_| ControlFlow::Continue(())) {
                Ok(Some(batch)) => samples.extend(batch.samples),
                Ok(None) => break None,
                Err(cause) => match budget.filter(|_| gave_up(&cause)) {
                    Some(budget) => break Some(budget),
                    None => return Err(self.error(cause)),
                },
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        let counts: Counts = sampler.state().counts();
        Ok(Found {
            proposed: counts.accepted + counts.rejected,
            in_range: samples.len(),
            evaluations: Some(spent.unwrap_or(counts.evaluations())),
            seconds: Some(seconds),
            set: seen(&samples, judge)?,
        })
    }

    fn drawn(
        &self,
        method: &methods::Method,
        seed: u64,
        budget: f64,
        judge: &mut Judge,
    ) -> Result<Found, Error> {
        let job = self.job;
        let batch = job.options.batch;
        let (source, problem, further, method) = match method {
            methods::Method::ActivationMax(_) => {
                let source = Source::Pixels(Identity::new(self.reference.pixels()));
                (
                    source,
                    self.problem(self.mean_images()?)?,
                    None,
                    method.clone(),
                )
            }
            methods::Method::Ppgn(ppgn) => {
                let probability = self.probability().filter(|_| ppgn.probability);
                let ppgn = methods::Ppgn {
                    probability: probability.is_some(),
                    ..ppgn.clone()
                };
                let source = Source::new(&job.pair, batch, job.clamp)?;
                let problem = self.problem(job.starts()?)?;
                (source, problem, probability, methods::Method::Ppgn(ppgn))
            }
            _ => {
                let source = Source::new(&job.pair, batch, job.clamp)?;
                (source, self.problem(job.starts()?)?, None, method.clone())
            }
        };
        let classifier = self.classifier(further.as_slice(), batch)?;
        let classifier = match method {
            methods::Method::ActivationMax(_) => classifier.without_codes(),
            _ => classifier,
        };
        let wanted = self.wanted as u64;
        let started = Instant::now();
        let space = space_of(&problem);
        let drawn = methods::draw(
            space, source, classifier, &problem, &method, seed, batch, budget, wanted,
        );
        let Drawn {
            samples,
            proposed,
            evaluations,
        } = drawn.map_err(|cause| self.error(cause))?;
        Ok(Found {
            proposed,
            in_range: samples.len(),
            evaluations: Some(evaluations),
            seconds: Some(started.elapsed().as_secs_f64()),
            set: seen(&samples, judge)?,
        })
    }

    fn neuron(&self) -> &Neuron {
        &self.job.neurons[self.index]
    }

    fn classifier(&self, further: &[Neuron], batch: usize) -> Result<Classifier, Error> {
        let neurons = [&[self.neuron().clone()], further].concat();
        Classifier::new(&self.job.pair, &neurons, &self.job.encoding, batch)
    }

    fn problem(&self, starts: Starts) -> Result<Problem, Error> {
        let Neuron { lo, hi, .. } = *self.neuron();
        Ok(Problem {
            ranges: vec![Range::new(lo, hi).map_err(|cause| self.error(cause))?],
            starts,
            samples: self.wanted as u64,
        })
    }

    /// The probability of the neuron's class, where a softmax follows its layer.
    fn probability(&self) -> Option<Neuron> {
        let neuron = self.neuron();
        let layers = &self.job.pair.classifier.file.description().layers;
        let softmax = layers.iter().find(|layer| {
            matches!(layer.op, Op::Softmax) && layer.inputs == [neuron.layer.as_str()]
        })?;
        matches!(neuron.unit, Unit::Unit { .. }).then(|| Neuron {
            layer: softmax.name.clone(),
            ..neuron.clone()
        })
    }

    /// The classifier's mean image, and the deviation of its pixels.
    fn mean_images(&self) -> Result<Starts, Error> {
        let loaded = &self.job.pair.classifier;
        let shape = loaded.network.shape(NodeId::INPUT);
        let device = loaded.network.device();
        let decoder = Decoder::new(&loaded.file, shape, shape, Clamp::Hard, device)
            .map_err(|cause| Error::Request(format!("making the mean image: {cause}")))?;
        let decoded = |value: f32| {
            let mut encoded = device.buffer(1, shape)?;
            let mut image = device.buffer(1, shape)?;
            encoded.fill(1, value);
            decoder.decode(&encoded, 1, &mut image);
            image.read(1)
        };
        let (mean, above) = (decoded(0.0)?, decoded(1.0)?);
        let std = mean.iter().zip(&above).map(|(mean, above)| above - mean);
        let [lower, upper] = [0.0, 1.0].map(|bound| vec![bound; shape.len()]);
        let std = std.collect();
        Starts::new(mean, std, lower, upper).map_err(|cause| self.error(cause))
    }

    /// Says what the sampler says of its only neuron.
    fn error(&self, cause: sampler::Error) -> Error {
        use sampler::Error as Cause;
        let mut cause = cause;
        match &mut cause {
            Cause::Unreachable { neuron, .. } | Cause::TooNarrow { neuron, .. } => {
                *neuron = self.index;
            }
            Cause::NotTogether { unmet, .. } => {
                let listed = unmet.met.iter_mut().chain(&mut unmet.missed);
                listed.for_each(|neuron| *neuron = self.index);
                unmet.values = unmet.values.repeat(self.index + 1);
            }
            _ => {}
        }
        self.job.error(cause)
    }
}

fn space_of(problem: &Problem) -> HostSpace {
    HostSpace::new(
        problem.starts.lower().to_vec(),
        problem.starts.upper().to_vec(),
    )
}

/// Whether the sampler ended without having failed: a range that it could not
/// reach within its budget is a result.
fn gave_up(cause: &sampler::Error) -> bool {
    use sampler::Error as Cause;
    matches!(
        cause,
        Cause::OutOfEvaluations { .. } | Cause::Unreachable { .. } | Cause::NotTogether { .. }
    )
}

/// Samples as images, seen by the judge.
fn seen(samples: &[Sample], judge: &mut Judge) -> Result<ImageSet, Error> {
    let images: Vec<u8> = samples.iter().flat_map(|s| &s.image).copied().collect();
    let (features, classes) = judge.look(&images)?;
    Ok(ImageSet {
        count: samples.len(),
        encodings: samples.iter().flat_map(|s| &s.encoding).copied().collect(),
        images,
        features,
        classes,
    })
}
