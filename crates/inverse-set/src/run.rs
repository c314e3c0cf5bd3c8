//! Running a job into a directory.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use engine::NodeId;
use sampler::{Counts, Problem, Progress, Range, State, Unmet};
use serde_json::{Value, json};

use crate::directory::{Directory, Found, STATE};
use crate::model::failed;
use crate::neuron::Shown;
use crate::pair_sampler::PairSampler;
use crate::record::{SeedsRecord, StoredImages};
use crate::report::{Event, Flow, Summary};
use crate::samples::{Column, Sizes};
use crate::source::code_len;
use crate::{Error, Job, state_file};

impl Job {
    /// Samples into a directory. On the directory of the same run it goes on
    /// where that stopped, or returns the summary of what is finished.
    ///
    /// `watch` hears of every step and may stop the run.
    ///
    /// # Errors
    /// [`Error::Stopped`] if it stopped it; [`Error::Directory`] and
    /// [`Error::Io`] for the directory,
    /// [`Error::Unreachable`] and [`Error::NotTogether`] for the ranges,
    /// [`Error::Request`] for networks that do not fit together, or a batch that
    /// does not fit into the memory of a CUDA device, [`Error::Memory`] for one
    /// that does not fit into main memory, [`Error::Device`] for a device that
    /// failed, [`Error::Sampler`] for what remains. Batches that were accepted are
    /// kept; a directory without any is cleared, and removed if it was new.
    pub fn run(
        &self,
        directory: &Path,
        watch: &mut dyn FnMut(Event) -> Flow,
    ) -> Result<Summary, Error> {
        let started = Instant::now();
        let sizes = self.sizes()?;
        let mut waits = |holder| {
            watch(Event::Waiting { holder });
        };
        let (mut files, found) = Directory::open(directory, &self.record, &mut waits)?;
        if found == Found::Finished {
            return Ok(Summary::new(
                directory,
                files.manifest()?,
                self.record.images,
                true,
            ));
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
            let mut state = state
                .map(|bytes| self.state(directory, &bytes))
                .transpose()?;
            if let Some(state) = &mut state {
                self.remember(&files, sizes, state)?;
            }
            let mut sampler = self.sampler(state)?;
            files.discard_batches(sampler.state().counts().batches as usize)?;
            self.batches(&mut sampler, &files, sizes, watch, &log)?;
            watch(Event::Writing);
            // What follows needs memory of its own.
            let state = sampler.into_state();
            self.finish(&files, sizes, &state)?;
            log("finished", Value::Null)?;
            Ok(Summary::new(
                directory,
                files.manifest()?,
                self.record.images,
                false,
            ))
        })();
        if result.is_err() && !files.has_batches() {
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
            let accepted = sampler.state().counts().accepted;
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
            let batch = match next {
                Err(sampler::Error::Stopped) => return Err(self.stopped(accepted)),
                next => next.map_err(|cause| self.error(cause))?,
            };
            let Some(batch) = batch else {
                return Ok(());
            };
            let seeds = (batch.index == 0).then_some(&seeds[..]);
            files.write_batch(&batch, sizes, seeds)?;
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
                return Err(self.stopped(counts.accepted));
            }
        }
    }

    fn stopped(&self, accepted: u64) -> Error {
        Error::Stopped {
            done: accepted as usize,
            of: self.record.samples,
            what: "samples",
        }
    }

    /// Tells a state that was read of the samples in its batches.
    fn remember(&self, files: &Directory, sizes: Sizes, state: &mut State) -> Result<(), Error> {
        let Counts {
            batches, accepted, ..
        } = state.counts();
        for batch in 0..batches as usize {
            let rows = files.read_batch(batch, sizes)?;
            for i in 0..rows.count() {
                let encoding = rows.floats(Column::Encodings, i);
                state.remember(self.options.seed, &encoding, rows.hash(i));
            }
        }
        let found = state.reservoir().offered();
        if found != accepted {
            let cause = format!("the batches hold {found} samples, expected {accepted}");
            return Err(files.damaged(STATE, &cause));
        }
        Ok(())
    }

    pub(crate) fn sampler(&self, state: Option<State>) -> Result<PairSampler, Error> {
        PairSampler::new(self, state)
    }

    pub(crate) fn problem(&self) -> Result<Problem, Error> {
        let ranges = self
            .neurons
            .iter()
            .map(|neuron| Range::new(neuron.lo, neuron.hi));
        Ok(Problem {
            ranges: ranges
                .collect::<Result<_, _>>()
                .map_err(|cause| self.error(cause))?,
            starts: self.starts()?,
            samples: self.record.samples as u64,
        })
    }

    fn state(&self, directory: &Path, bytes: &[u8]) -> Result<State, Error> {
        let damaged = |cause: String| Error::Directory {
            path: directory.to_owned(),
            cause: format!("its state is damaged ({cause}); remove it and sample again"),
        };
        let flat = state_file::from_bytes(bytes).map_err(damaged)?;
        let dim = code_len(&self.pair);
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

    /// How many samples are kept in a directory that was left unfinished.
    pub(crate) fn kept(&self, directory: &Path) -> Result<usize, Error> {
        let state = Directory::at(directory).read_state()?;
        let state = state.map(|bytes| self.state(directory, &bytes));
        let state = state.transpose()?;
        Ok(state.map_or(0, |state| state.counts().accepted as usize))
    }

    pub(crate) fn sizes(&self) -> Result<Sizes, Error> {
        let classifier = &self.pair.classifier.network;
        let input = classifier.shape(NodeId::INPUT);
        let image = input.planes().ok_or_else(|| {
            Error::Request(format!(
                "choosing a classifier: {} takes {input}, not an image; choose one that takes channels x height x width",
                classifier.name()
            ))
        })?;
        Ok(Sizes {
            code: code_len(&self.pair),
            image,
            neurons: self.neurons.len(),
            encoding: self.encoding.len(classifier),
            stores_images: self.record.images != StoredImages::None,
        })
    }

    /// Says what came nearest to all ranges together.
    fn not_together(&self, unmet: &Unmet, evaluations: f64) -> Error {
        // Nothing was looked at where there is no number.
        let value = |values: &[f32], j: usize| values.get(j).copied().unwrap_or(f32::NAN);
        let inside = unmet.met.iter().map(|&j| {
            let neuron = &self.neurons[j];
            format!("{neuron} at {:.3}", value(&unmet.values, j))
        });
        let outside = unmet.missed.iter().map(|&j| {
            let neuron = &self.neurons[j];
            let range = neuron.range();
            format!(
                "{neuron} was at {:.3}, not in {range}",
                value(&unmet.values, j)
            )
        });
        let nearest = self.neurons.iter().enumerate().map(|(j, neuron)| {
            let (layer, unit) = (Shown(&neuron.layer), neuron.unit);
            format!("{layer}:{unit} at {:.3}", value(&unmet.nearest, j))
        });
        Error::NotTogether {
            inside: joined(inside),
            outside: joined(outside),
            nearest: joined(nearest),
            evaluations,
        }
    }

    /// Says what the sampler says in the words of the request.
    pub(crate) fn error(&self, cause: sampler::Error) -> Error {
        use sampler::Error as Cause;
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
            Cause::NotTogether { unmet, evaluations } => self.not_together(&unmet, evaluations),
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
            Cause::Model(failure) => failed(failure),
            other => Error::Sampler(other.to_string()),
        }
    }
}

/// `a and b and c`, or `no neuron`.
fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => "no neuron".to_owned(),
        false => parts.join(" and "),
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
