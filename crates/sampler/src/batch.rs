//! Making one batch: place, spread, repair, accept.
//!
//! A batch changes nothing of the [`State`] while it is made; what it changes
//! is returned as a [`Draft`]. So a batch that fails or is interrupted can be
//! made again, with the same result.

use std::ops::ControlFlow;

use crate::error::Error;
use crate::margin::Shifts;
use crate::models::{Models, Moves, Objective, Pressing};
use crate::options::{Fixed, Options};
use crate::random::{Purpose, keyed};
use crate::reach::Reach;
use crate::run::Problem;
use crate::slot::{Origin, Penalty, Slot, Status};
use crate::space::{Generator, Observer, Press, Space, Stride};
use crate::state::State;

/// One accepted sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its code, `[d]`.
    pub code: Vec<f32>,
    /// Its image as stored: for images of 8 bits one byte per pixel.
    pub image: Vec<u8>,
    /// The neurons' values at the stored image, `[m]`.
    pub activations: Vec<f32>,
    /// The encoding of the stored image, `[e]`.
    pub encoding: Vec<f32>,
    /// A hash of the stored image; no two samples of a run have the same.
    pub hash: u64,
}

/// Accepted samples that were made together.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Its number, from 0: the seeds.
    pub index: u64,
    /// Its samples by slot; fewer than K only in the last batch.
    pub samples: Vec<Sample>,
}

/// What a look was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Fresh codes move to their images' own codes.
    Settle,
    /// The spread step.
    Spread,
    /// A step on the constraints.
    Repair,
    /// Rounded images.
    Accept,
    /// Plain ascent or descent, to learn what can be reached.
    Climb,
}

/// What is reported after every look.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Number of the batch being made.
    pub batch: u64,
    /// What the look was for.
    pub phase: Phase,
    /// Slots of the batch inside their bands, accepted ones included.
    pub inside: usize,
    /// K.
    pub slots: usize,
    /// Samples accepted in the batches before.
    pub accepted: u64,
    /// Evaluations so far.
    pub evaluations: f64,
    /// Least value of every neuron among all looks of this batch, `[m]`.
    pub least: Vec<f32>,
    /// Greatest value of every neuron among all looks of this batch, `[m]`.
    pub greatest: Vec<f32>,
}

/// Hears of every look; a break stops the run at the end of the last batch.
pub type Watch<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

/// What a batch changes.
pub(crate) struct Draft {
    pub(crate) batch: Batch,
    pub(crate) codes: Vec<f32>,
    pub(crate) multipliers: Vec<f64>,
    pub(crate) encoding_unit: f64,
    pub(crate) shifts: Shifts,
    pub(crate) rejected: u64,
    pub(crate) replaced: u64,
}

/// A batch in the making.
pub(crate) struct Making<'a, S: Space, G, O> {
    pub(crate) models: &'a mut Models<S, G, O>,
    pub(crate) problem: &'a Problem,
    pub(crate) options: &'a Options,
    pub(crate) penalty: &'a Penalty,
    pub(crate) state: &'a State,
    pub(crate) watch: &'a mut Watch<'a>,
    pub(crate) index: u64,
    pub(crate) slots: Vec<Slot>,
    pub(crate) shifts: Shifts,
    pub(crate) reach: Reach,
    pub(crate) rejected: u64,
    pub(crate) replaced: u64,
    pub(crate) surveyed: bool,
    encoding_unit: f64,
}

impl<'a, S: Space, G: Generator<S>, O: Observer<S>> Making<'a, S, G, O> {
    pub(crate) fn new(
        models: &'a mut Models<S, G, O>,
        problem: &'a Problem,
        options: &'a Options,
        penalty: &'a Penalty,
        state: &'a State,
        watch: &'a mut Watch<'a>,
    ) -> Self {
        let neurons = problem.ranges.len();
        models.work = state.counts.work();
        Making {
            models,
            problem,
            options,
            penalty,
            state,
            watch,
            index: state.counts.batches,
            slots: Vec::new(),
            shifts: state.shifts.clone(),
            reach: Reach::new(neurons),
            rejected: 0,
            replaced: 0,
            surveyed: false,
            encoding_unit: state.encoding_unit,
        }
    }

    pub(crate) fn make(mut self) -> Result<Draft, Error> {
        let every = self.options.restart_every;
        let fresh = self.index == 0 || (every > 0 && self.index.is_multiple_of(every));
        let all: Vec<usize> = (0..self.options.batch).collect();
        if fresh {
            self.place_fresh(&all)?;
            self.settle(&all)?;
        } else {
            self.place_at_the_batch_before(&all)?;
        }
        if self.index == 0 {
            self.probe(&all)?;
        }
        self.refresh_bands(&all);
        self.spread(&all)?;
        while self
            .slots
            .iter()
            .any(|slot| slot.status != Status::Accepted)
        {
            self.repair()?;
            self.accept()?;
        }
        Ok(self.draft())
    }

    fn place_fresh(&mut self, all: &[usize]) -> Result<(), Error> {
        for &slot in all {
            let code = self.fresh_code(slot, 0)?;
            self.models.write(slot, &code)?;
            let multipliers = vec![0.0; self.problem.ranges.len()];
            self.slots.push(Slot::new(Origin::Fresh, multipliers, None));
        }
        Ok(())
    }

    /// A little noise keeps a slot from starting exactly on a fixed sample,
    /// where the objective's gradient may vanish (always if K = 1).
    fn place_at_the_batch_before(&mut self, all: &[usize]) -> Result<(), Error> {
        let (d, m) = (self.problem.starts.dim(), self.problem.ranges.len());
        for &slot in all {
            let anchor = self.state.codes[slot * d..(slot + 1) * d].to_vec();
            let mut code = anchor.clone();
            self.jitter(slot, 0, 1.0, &mut code);
            self.models.write(slot, &code)?;
            let multipliers = self.state.multipliers[slot * m..(slot + 1) * m].to_vec();
            self.slots
                .push(Slot::new(Origin::Earlier, multipliers, Some(anchor)));
        }
        Ok(())
    }

    /// Adds noise to a code, `times` the option's; every call of a slot in a
    /// batch needs another `attempt`.
    pub(crate) fn jitter(&self, slot: usize, attempt: u32, times: f64, code: &mut [f32]) {
        let mut random = keyed(
            self.options.seed,
            Purpose::Jitter,
            self.index,
            slot as u64,
            attempt,
        );
        self.problem
            .starts
            .jitter(code, times * self.options.jitter, &mut random);
    }

    /// Moves fresh codes towards what the generator was trained on.
    pub(crate) fn settle(&mut self, slots: &[usize]) -> Result<(), Error> {
        if !self.models.uses_own_codes() || slots.is_empty() {
            return Ok(());
        }
        let (n, m) = (slots.len(), self.problem.ranges.len());
        for _ in 0..self.options.settle {
            self.afford(n, false)?;
            let share = self.options.settle_pull as f32;
            let moves = Moves {
                shares: vec![share; n],
                ..Moves::rest(n, m)
            };
            let (reach, ranges) = (&mut self.reach, &self.problem.ranges);
            self.models.step(slots, None, |values| {
                values
                    .chunks_exact(m)
                    .for_each(|row| reach.observe(row, ranges));
                moves
            })?;
            self.report(Phase::Settle)?;
        }
        Ok(())
    }

    /// Learns the scale of the encodings and what rounding does to the neurons.
    fn probe(&mut self, all: &[usize]) -> Result<(), Error> {
        let (n, m) = (all.len(), self.problem.ranges.len());
        self.afford(2 * n, false)?;
        let mut before = Vec::new();
        self.models.step(all, None, |values| {
            before = values.to_vec();
            Moves::rest(n, m)
        })?;
        let rounded = self.models.examine(all)?;
        for (before, after) in before.chunks_exact(m).zip(rounded.values.chunks_exact(m)) {
            self.shifts.observe(before, after);
            self.reach.observe(before, &self.problem.ranges);
        }
        let square: f64 = rounded
            .encodings
            .iter()
            .map(|&e| f64::from(e).powi(2))
            .sum();
        let norm = (square / n as f64).sqrt();
        if norm.is_finite() && norm > 0.0 {
            self.encoding_unit = norm;
        }
        for (neuron, range) in self.problem.ranges.iter().enumerate() {
            let needed = 2.0 * self.options.margin * self.shifts.typical(neuron);
            let tolerances = (range.hi() - range.lo()) - range.accepting().width();
            if range.accepting().width() <= needed {
                let (lo, hi, least) = (range.lo(), range.hi(), needed + tolerances);
                return Err(Error::TooNarrow {
                    neuron,
                    lo,
                    hi,
                    least,
                });
            }
        }
        self.report(Phase::Accept)
    }

    /// The bands of slots, narrowed by what rounding was seen to do; a slot
    /// whose images were rejected keeps a wider margin.
    pub(crate) fn refresh_bands(&mut self, slots: &[usize]) {
        for &slot in slots {
            let slot = &mut self.slots[slot];
            let times = self.options.margin * f64::from(1 + slot.rejections);
            let band = |(neuron, range): (usize, &crate::range::Range)| {
                range
                    .accepting()
                    .narrowed(times * self.shifts.typical(neuron))
            };
            slot.bands = self.problem.ranges.iter().enumerate().map(band).collect();
        }
    }

    /// One step of fixed length along the gradient of the augmented Lagrangian.
    fn spread(&mut self, all: &[usize]) -> Result<(), Error> {
        let (n, m) = (all.len(), self.problem.ranges.len());
        self.afford(n, true)?;
        let objective = match self.options.near {
            0 => {
                let fixed = match self.options.distances {
                    Fixed::All => &self.state.sums,
                    Fixed::Seeds => &self.state.seeds,
                };
                let count = fixed.count() + n as u64;
                let weight = self.options.objective / (4.0 * count as f64 * self.encoding_unit);
                Objective::All {
                    fixed,
                    weight: weight as f32,
                }
            }
            near => Objective::Nearest {
                fixed: &self.state.reservoir,
                near,
                weight: self.options.objective as f32,
            },
        };
        let longest = (self.options.spread * self.problem.starts.norm()) as f32;
        let (slots, penalty, options) = (&mut self.slots, self.penalty, self.options);
        let (reach, ranges) = (&mut self.reach, &self.problem.ranges);
        let share = self.options.pull as f32;
        self.models.step(all, Some(objective), |values| {
            let mut d_values = vec![0.0; n * m];
            let mut pressing = Vec::new();
            for (((index, slot), values), d) in slots
                .iter_mut()
                .enumerate()
                .zip(values.chunks_exact(m))
                .zip(d_values.chunks_exact_mut(m))
            {
                reach.observe(values, ranges);
                slot.values = values.to_vec();
                slot.cotangents(penalty, d);
                let constraints = slot.constraints(penalty, options);
                pressing.push(Pressing {
                    press: Press {
                        slot: index,
                        update: false,
                        press: true,
                    },
                    before: constraints.clone(),
                    after: constraints,
                });
            }
            let strides = vec![
                Stride {
                    gap: f32::INFINITY,
                    longest
                };
                n
            ];
            Moves {
                d_values,
                pressing,
                strides,
                shares: vec![share; n],
            }
        })?;
        self.report(Phase::Spread)
    }

    /// Fails if `n` samples forward, and back if `pulled`, would exceed the
    /// limit. Where every slot has failed once and none was inside since, it is
    /// the ranges that are to blame.
    pub(crate) fn afford(&self, n: usize, pulled: bool) -> Result<(), Error> {
        let limit = self.options.limit(self.problem.samples);
        let mut work = self.models.work;
        work.forwards += n as u64;
        work.pulls += if pulled { n as u64 } else { 0 };
        if work.evaluations() <= limit as f64 {
            return Ok(());
        }
        let inside = |slot: &Slot| matches!(slot.status, Status::Inside | Status::Accepted);
        if self.surveyed && !self.slots.iter().any(inside) {
            let evaluations = self.models.work.evaluations();
            return Err(self.reach.not_together(&self.problem.ranges, evaluations));
        }
        let (accepted, samples) = (self.state.counts.accepted, self.problem.samples);
        Err(Error::OutOfEvaluations {
            limit,
            accepted,
            samples,
        })
    }

    /// Tells the watcher of the look that was just taken.
    pub(crate) fn report(&mut self, phase: Phase) -> Result<(), Error> {
        let inside = |slot: &&Slot| matches!(slot.status, Status::Inside | Status::Accepted);
        let progress = Progress {
            batch: self.index,
            phase,
            inside: self.slots.iter().filter(inside).count(),
            slots: self.slots.len(),
            accepted: self.state.counts.accepted,
            evaluations: self.models.work.evaluations(),
            least: self.reach.least.clone(),
            greatest: self.reach.greatest.clone(),
        };
        match (self.watch)(&progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped),
        }
    }

    fn draft(self) -> Draft {
        let mut samples = Vec::new();
        let mut multipliers = Vec::new();
        for slot in self.slots {
            samples.extend(slot.sample);
            multipliers.extend(slot.multipliers);
        }
        let codes = samples
            .iter()
            .flat_map(|sample: &Sample| sample.code.iter().copied());
        let codes = codes.collect();
        let missing = self.problem.samples - self.state.counts.accepted;
        samples.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        Draft {
            batch: Batch {
                index: self.index,
                samples,
            },
            codes,
            multipliers,
            encoding_unit: self.encoding_unit,
            shifts: self.shifts,
            rejected: self.rejected,
            replaced: self.replaced,
        }
    }
}
