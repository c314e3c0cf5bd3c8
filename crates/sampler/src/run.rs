//! A run: batches until there are as many samples as asked for.

use crate::batch::{Batch, Draft, Making, Watch};
use crate::error::Error;
use crate::models::Models;
use crate::options::Options;
use crate::range::Range;
use crate::reach::Reach;
use crate::slot::Penalty;
use crate::space::{Generator, Observer, Space};
use crate::starts::Starts;
use crate::state::State;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The range of every neuron, in the order of the observer's values.
    pub ranges: Vec<Range>,
    /// Where codes begin, and their bounds.
    pub starts: Starts,
    /// n, the number of samples.
    pub samples: u64,
}

impl Problem {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let empty = [
            ("the number of ranges", self.ranges.is_empty()),
            ("the number of samples", self.samples == 0),
        ];
        match empty.into_iter().find(|(_, empty)| *empty) {
            Some((what, _)) => Err(Error::Invalid {
                what,
                found: "0".into(),
                expected: "at least 1".into(),
            }),
            None => Ok(()),
        }
    }
}

/// Draws samples batch by batch.
pub struct Sampler<S: Space, G, O> {
    models: Models<S, G, O>,
    problem: Problem,
    options: Options,
    penalty: Penalty,
    state: State,
}

impl<S: Space, G: Generator<S>, O: Observer<S>> Sampler<S, G, O> {
    /// A run from its beginning. Nothing is computed yet.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for options or a problem without sense,
    /// [`Error::Model`] if the space cannot hold a batch.
    pub fn new(
        space: S,
        generator: G,
        observer: O,
        problem: Problem,
        options: Options,
    ) -> Result<Self, Error> {
        let state = State::new(options.batch, problem.ranges.len(), options.reservoir);
        Sampler::resume(space, generator, observer, problem, options, state)
    }

    /// A run from where `state` left it. With the same models, problem and
    /// options as before, the rest of the run is the same byte for byte; only
    /// `samples` and `max_evals` may differ. A state that was read again has
    /// been told of every sample ([`State::remember`]).
    ///
    /// # Errors
    ///
    /// As [`Sampler::new`].
    pub fn resume(
        space: S,
        generator: G,
        observer: O,
        mut problem: Problem,
        options: Options,
        state: State,
    ) -> Result<Self, Error> {
        options.check()?;
        problem.check()?;
        if !options.mixture {
            problem.starts = problem.starts.without_mixture();
        }
        let unit: Vec<f64> = problem.ranges.iter().map(|range| range.unit()).collect();
        let mu = unit
            .iter()
            .map(|unit| options.penalty / (unit * unit))
            .collect();
        let models = Models::new(
            space,
            generator,
            observer,
            options.batch,
            problem.ranges.len(),
        )?;
        Ok(Sampler {
            models,
            problem,
            options,
            penalty: Penalty { unit, mu },
            state,
        })
    }

    /// The state after the last batch.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same, for a sampler that is not needed any more.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Makes one batch; none when there are as many samples as asked for.
    /// `watch` hears of every look.
    ///
    /// # Errors
    ///
    /// Any of [`Error`]. The state is then that of the last finished batch, and
    /// calling again makes the same batch again.
    pub fn next_batch(&mut self, watch: &mut Watch<'_>) -> Result<Option<Batch>, Error> {
        if self.state.counts.accepted >= self.problem.samples {
            return Ok(None);
        }
        let (problem, options) = (&self.problem, &self.options);
        let making = Making::new(
            &mut self.models,
            problem,
            options,
            &self.penalty,
            &self.state,
            watch,
        );
        let draft = making.make()?;
        self.commit(draft).map(Some)
    }

    /// The greatest value that plain ascent from a few starts drives a neuron
    /// to, and the evaluations so far: at most `climb_steps climb_starts` more
    /// than in the state, which stays what it is. Values are those of images
    /// that are not rounded.
    ///
    /// # Errors
    ///
    /// As [`Sampler::next_batch`], but that no range can be missed.
    pub fn highest(&mut self, neuron: usize, watch: &mut Watch<'_>) -> Result<(f32, f64), Error> {
        let ([_, greatest], evaluations) = self.climb(neuron, &[1.0], watch)?;
        Ok((greatest, evaluations))
    }

    /// The least and the greatest value that plain descent and then plain
    /// ascent from the same few starts drive a neuron to, otherwise as
    /// [`Sampler::highest`], at twice its cost.
    ///
    /// # Errors
    ///
    /// As [`Sampler::highest`].
    pub fn extremes(
        &mut self,
        neuron: usize,
        watch: &mut Watch<'_>,
    ) -> Result<([f32; 2], f64), Error> {
        self.climb(neuron, &[-1.0, 1.0], watch)
    }

    /// Climbs once for each sign, however far it leads.
    fn climb(
        &mut self,
        neuron: usize,
        signs: &[f64],
        watch: &mut Watch<'_>,
    ) -> Result<([f32; 2], f64), Error> {
        let mut problem = self.problem.clone();
        // No value ends the climb.
        problem.ranges[neuron] = Range::new(f64::from(f32::MAX), f64::INFINITY)?;
        let mut making = Making::new(
            &mut self.models,
            &problem,
            &self.options,
            &self.penalty,
            &self.state,
            watch,
        );
        for &sign in signs {
            making.climb(neuron, sign)?;
        }
        let Reach {
            least, greatest, ..
        } = &making.reach;
        Ok((
            [least[neuron], greatest[neuron]],
            making.models.work.evaluations(),
        ))
    }

    fn commit(&mut self, draft: Draft) -> Result<Batch, Error> {
        let Draft {
            batch,
            codes,
            multipliers,
            encoding_unit,
            shifts,
            ..
        } = draft;
        let state = &mut self.state;
        state.codes = codes;
        state.multipliers = multipliers;
        state.encoding_unit = encoding_unit;
        state.shifts = shifts;
        let mut encodings = Vec::new();
        let mut rows = Vec::new();
        for sample in &batch.samples {
            rows.push(state.remember(self.options.seed, &sample.encoding, sample.hash));
            encodings.extend_from_slice(&sample.encoding);
        }
        self.models.remember(state.sums.count(), &rows)?;
        let dim = encodings.len() / batch.samples.len().max(1);
        let sums = crate::objective::RunningSums::of(&encodings, dim);
        state.sums = state.sums.merged(&sums);
        let counts = &mut state.counts;
        counts.batches += 1;
        counts.accepted += batch.samples.len() as u64;
        counts.rejected += draft.rejected;
        counts.replaced += draft.replaced;
        counts.forwards = self.models.work.forwards;
        counts.pulls = self.models.work.pulls;
        Ok(batch)
    }
}
