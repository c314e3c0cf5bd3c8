//! Running a job into a directory.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use engine::NodeId;
use netfile::CodeSpace;
use sampler::{Batch, HostSpace, Problem, Progress, Range, Sampler, Starts, State, figures};
use serde_json::{Value, json};

use crate::directory::{Directory, Found, encoded, image_name};
use crate::grid::{Images, contact_sheet};
use crate::model::{Classifier, CodeGenerator};
use crate::record::{Diversity, Evaluations, Manifest, SampleRecord, SeedsRecord};
use crate::report::{Event, Flow, Summary};
use crate::samples::{Samples, Sizes};
use crate::{Error, Job, state_file};

type PairSampler = Sampler<HostSpace, CodeGenerator, Classifier>;

impl Job {
    /// Samples into a directory. On the directory of the same run it goes on
    /// where that stopped, or returns the summary of what is finished.
    ///
    /// `watch` hears of every step and may stop the run.
    ///
    /// # Errors
    /// [`Error::Directory`] and [`Error::Io`] for the directory,
    /// [`Error::Unreachable`] and [`Error::NotTogether`] for the ranges,
    /// [`Error::Request`] for networks that do not fit together,
    /// [`Error::Sampler`] for what remains. Batches that were accepted are
    /// kept; a new directory without any is removed.
    pub fn run(
        &self,
        directory: &Path,
        watch: &mut dyn FnMut(Event) -> Flow,
    ) -> Result<Summary, Error> {
        let started = Instant::now();
        let sizes = self.sizes()?;
        let (files, found) = Directory::open(directory, &self.record)?;
        if found == Found::Finished {
            return Ok(Summary::new(directory, &files.manifest()?, true));
        }
        let log = |event: &str, more: Value| {
            let time = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            files.log(&json!({
                "event": event,
                "unix_seconds": time.as_secs_f64(),
                "elapsed_seconds": started.elapsed().as_secs_f64(),
                "details": more,
            }))
        };
        let result = (|| {
            let threads = self.pair.classifier.network.device().threads();
            log("started", json!({ "threads": threads }))?;
            let state = files.read_state()?;
            let state = state
                .map(|bytes| self.state(directory, &bytes))
                .transpose()?;
            let mut sampler = self.sampler(state)?;
            files.discard_batches(sampler.state().counts().batches as usize)?;
            self.batches(&mut sampler, &files, sizes, watch, &log)?;
            watch(Event::Writing);
            let manifest = self.finish(&files, sizes, sampler.state())?;
            log("finished", Value::Null)?;
            Ok(Summary::new(directory, &manifest, false))
        })();
        if result.is_err() && found == Found::Nothing && !files.has_batches() {
            files.discard();
        }
        result
    }

    /// Samples and writes batch after batch until there are enough.
    fn batches(
        &self,
        sampler: &mut PairSampler,
        files: &Directory,
        sizes: Sizes,
        watch: &mut dyn FnMut(Event) -> Flow,
        log: &dyn Fn(&str, Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        loop {
            let mut seeds = Vec::new();
            let next = sampler.next_batch(&mut |progress: &Progress| {
                if progress.batch > 0 {
                    return ControlFlow::Continue(());
                }
                let record = seeds_record(progress);
                let event = Event::Seeds {
                    feasible: record.feasible,
                    evaluations: record.evaluations,
                    least: record.least.clone(),
                    greatest: record.greatest.clone(),
                };
                seeds.push(record);
                flow(watch(event))
            });
            let Some(batch) = next.map_err(|cause| self.error(cause))? else {
                return Ok(());
            };
            let seeds = (batch.index == 0).then_some(&seeds[..]);
            files.write_batch(batch.index as usize, &samples(&batch), sizes, seeds)?;
            files.write_state(&state_file::to_bytes(&sampler.state().flat()))?;
            let counts = sampler.state().counts();
            log(
                "batch",
                json!({ "batch": batch.index, "accepted": counts.accepted }),
            )?;
            let event = Event::Batch {
                accepted: counts.accepted as usize,
                wanted: self.record.samples,
                evaluations: counts.evaluations(),
            };
            if watch(event) == Flow::Stop {
                return Err(self.error(sampler::Error::Stopped));
            }
        }
    }

    /// Writes the files of the finished run from its batches.
    fn finish(&self, files: &Directory, sizes: Sizes, state: &State) -> Result<Manifest, Error> {
        let (samples, batch_of) = files.samples(sizes)?;
        let records = samples
            .activations
            .chunks_exact(sizes.neurons)
            .zip(&batch_of)
            .enumerate();
        let n = batch_of.len();
        let diversity = figures::diversity(&samples.encodings, sizes.encoding);
        let total = state.counts().evaluations();
        let manifest = Manifest {
            version: 1,
            samples: records
                .map(|(i, (activations, &batch))| SampleRecord {
                    file: image_name(i),
                    activations: activations.to_vec(),
                    batch,
                })
                .collect(),
            diversity: diversity.map_or_else(Diversity::default, |figures| Diversity {
                pair_distance_mean: figures.mean,
                pair_distance_std: figures.std,
                pair_distance_least: figures.least,
                nearest_distance_mean: figures.nearest,
            }),
            evaluations: Evaluations {
                total,
                per_sample: total / n as f64,
            },
            seeds: files.seeds()?,
        };
        let images = Images {
            bytes: &samples.images,
            shape: sizes.image,
        };
        let rank: Vec<f32> = samples
            .activations
            .iter()
            .step_by(sizes.neurons)
            .copied()
            .collect();
        let grid = contact_sheet(images, &samples.encodings, &rank);
        let grid = encoded(Path::new("grid.png"), grid)?;
        files.finish(&samples, sizes, &grid, &manifest)?;
        Ok(manifest)
    }

    fn sampler(&self, state: Option<State>) -> Result<PairSampler, Error> {
        let batch = self.options.batch;
        let generator = CodeGenerator::new(&self.pair, batch, self.clamp)?;
        let classifier = Classifier::new(&self.pair, &self.neurons, self.encoding, batch)?;
        let problem = self.problem()?;
        let space = HostSpace::new(
            problem.starts.lower().to_vec(),
            problem.starts.upper().to_vec(),
        );
        let options = self.options.clone();
        match state {
            None => Sampler::new(space, generator, classifier, problem, options),
            Some(state) => Sampler::resume(space, generator, classifier, problem, options, state),
        }
        .map_err(|cause| self.error(cause))
    }

    fn problem(&self) -> Result<Problem, Error> {
        let file = &self.pair.generator.file;
        if file.description().code.is_none() {
            return Err(Error::Request(format!(
                "choosing starting codes: {} has no code space; choose a generator",
                file.description().name
            )));
        }
        // A file with a code space holds one value of each for every input.
        let statistics = |name| file.floats(name).map_err(Error::File);
        let starts = Starts::new(
            statistics(CodeSpace::MEAN)?,
            statistics(CodeSpace::STD)?,
            statistics(CodeSpace::LOWER)?,
            statistics(CodeSpace::UPPER)?,
        );
        let ranges = self
            .neurons
            .iter()
            .map(|neuron| Range::new(neuron.lo, neuron.hi));
        Ok(Problem {
            ranges: ranges
                .collect::<Result<_, _>>()
                .map_err(|cause| self.error(cause))?,
            starts: starts.map_err(|cause| self.error(cause))?,
            samples: self.record.samples as u64,
        })
    }

    fn state(&self, directory: &Path, bytes: &[u8]) -> Result<State, Error> {
        let damaged = |cause: String| Error::Directory {
            path: directory.to_owned(),
            cause: format!("its state is damaged ({cause}); remove it and sample again"),
        };
        let flat = state_file::from_bytes(bytes).map_err(damaged)?;
        let dim = self.pair.generator.network.shape(NodeId::INPUT).len();
        let options = &self.options;
        State::from_flat(
            flat,
            options.batch,
            self.neurons.len(),
            dim,
            options.reservoir,
        )
        .map_err(|cause| damaged(cause.to_string()))
    }

    fn sizes(&self) -> Result<Sizes, Error> {
        let classifier = &self.pair.classifier.network;
        let input = classifier.shape(NodeId::INPUT);
        let image = input.planes().ok_or_else(|| {
            Error::Request(format!(
                "choosing a classifier: {} takes {input}, not an image; choose one that takes channels x height x width",
                classifier.name()
            ))
        })?;
        Ok(Sizes {
            code: self.pair.generator.network.shape(NodeId::INPUT).len(),
            image,
            neurons: self.neurons.len(),
            encoding: classifier.shape(self.encoding).len(),
        })
    }

    /// Says what the sampler says in the words of the request.
    fn error(&self, cause: sampler::Error) -> Error {
        use sampler::Error as Cause;
        let names = |list: &[usize]| {
            let names: Vec<String> = list.iter().map(|&j| self.neurons[j].to_string()).collect();
            if names.is_empty() {
                "no neuron".to_owned()
            } else {
                names.join(" and ")
            }
        };
        match cause {
            Cause::Unreachable {
                neuron,
                lo,
                hi,
                least,
                greatest,
                evaluations,
            } => Error::Unreachable {
                neuron: self.neurons[neuron].to_string(),
                lo,
                hi,
                // A rectified zero may be negative; nobody wants to read that.
                least: f64::from(least) + 0.0,
                greatest: f64::from(greatest) + 0.0,
                evaluations,
            },
            Cause::NotTogether { unmet, evaluations } => Error::NotTogether {
                inside: names(&unmet.met),
                outside: names(&unmet.missed),
                evaluations,
            },
            Cause::TooNarrow {
                neuron,
                lo,
                hi,
                least,
            } => Error::Request(format!(
                "sampling {}: the range {lo}..{hi} is too narrow for images of 8 bits; make it at least {least:.4} wide",
                self.neurons[neuron]
            )),
            Cause::Invalid { .. } | Cause::EmptyRange { .. } => Error::Request(cause.to_string()),
            other => Error::Sampler(other.to_string()),
        }
    }
}

fn flow(flow: Flow) -> ControlFlow<()> {
    match flow {
        Flow::Continue => ControlFlow::Continue(()),
        Flow::Stop => ControlFlow::Break(()),
    }
}

fn seeds_record(progress: &Progress) -> SeedsRecord {
    SeedsRecord {
        evaluations: progress.evaluations,
        feasible: progress.inside as f64 / progress.slots as f64,
        least: progress.least.clone(),
        greatest: progress.greatest.clone(),
    }
}

fn samples(batch: &Batch) -> Samples {
    let mut samples = Samples::default();
    for sample in &batch.samples {
        samples.codes.extend_from_slice(&sample.code);
        samples.images.extend_from_slice(&sample.image);
        samples.activations.extend_from_slice(&sample.activations);
        samples.encodings.extend_from_slice(&sample.encoding);
    }
    samples
}
