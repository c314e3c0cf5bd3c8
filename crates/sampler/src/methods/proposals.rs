//! What the methods share: the purse, and the judgement of what they propose.

use rand_chacha::ChaCha8Rng;

use crate::batch::Sample;
use crate::error::Error;
use crate::methods::Drawn;
use crate::models::{Bearing, Models};
use crate::random::{Purpose, keyed};
use crate::range::Range;
use crate::run::Problem;
use crate::seen::{Seen, fnv1a};
use crate::space::{Generator, Observer, Space};

/// What a forward of one sample costs.
pub(crate) const FORWARD: f64 = 0.5;

/// The models at work on proposals, and what was kept so far.
pub(crate) struct Proposals<'a, S: Space, G, O> {
    models: Models<S, G, O>,
    pub(crate) problem: &'a Problem,
    pub(crate) batch: usize,
    seed: u64,
    budget: f64,
    wanted: u64,
    seen: Seen,
    drawn: Drawn,
}

impl<'a, S: Space, G: Generator<S>, O: Observer<S>> Proposals<'a, S, G, O> {
    pub(crate) fn new(
        models: Models<S, G, O>,
        problem: &'a Problem,
        seed: u64,
        batch: usize,
        budget: f64,
        wanted: u64,
    ) -> Self {
        Proposals {
            models,
            problem,
            batch,
            seed,
            budget,
            wanted,
            seen: Seen::default(),
            drawn: Drawn::default(),
        }
    }

    pub(crate) fn drawn(self) -> Drawn {
        Drawn {
            evaluations: self.models.work.evaluations(),
            ..self.drawn
        }
    }

    /// The slots that can be worked on if each may cost as much; none when the
    /// budget is spent or everything wanted was kept.
    pub(crate) fn affordable(&self, cost: f64) -> Vec<usize> {
        let left = self.budget - self.models.work.evaluations();
        let most = if self.is_complete() {
            0
        } else {
            (left / cost) as usize
        };
        (0..self.batch.min(most)).collect()
    }

    fn is_complete(&self) -> bool {
        self.drawn.samples.len() as u64 >= self.wanted
    }

    /// The random numbers of a slot in a round.
    pub(crate) fn random(&self, round: u64, slot: usize) -> ChaCha8Rng {
        keyed(self.seed, Purpose::Method, round, slot as u64, 0)
    }

    pub(crate) fn write(&mut self, slot: usize, code: &[f32]) -> Result<(), Error> {
        Ok(self.models.write(slot, code)?)
    }

    pub(crate) fn gives_own_codes(&self) -> bool {
        self.models.uses_own_codes()
    }

    /// Charges a forward of `n` samples that was not needed here.
    pub(crate) fn charge_forwards(&mut self, n: usize) {
        self.models.work.forwards += n as u64;
    }

    /// [`Models::sense`]
    pub(crate) fn sense(
        &mut self,
        slots: &[usize],
        own_codes: bool,
        decide: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Result<Vec<Bearing>, Error> {
        self.models.sense(slots, own_codes, decide)
    }

    /// Proposes the images of slots. Those that are not promising count as
    /// proposed, but only the others are rounded and looked at.
    pub(crate) fn propose(&mut self, due: &[(usize, bool)]) -> Result<(), Error> {
        let promising = due.iter().filter(|(_, promising)| *promising);
        let promising: Vec<usize> = promising.map(|(slot, _)| *slot).collect();
        let mut rounded = self.examine(&promising)?.into_iter();
        for (_, promising) in due {
            if self.is_complete() {
                break;
            }
            self.drawn.proposed += 1;
            if *promising && let Some(sample) = rounded.next() {
                self.keep(sample);
            }
        }
        Ok(())
    }

    /// Looks at the rounded images of slots.
    fn examine(&mut self, slots: &[usize]) -> Result<Vec<Sample>, Error> {
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let rounded = self.models.examine(slots)?;
        let n = slots.len();
        let part = |size: usize, row: usize| row * (size / n)..(row + 1) * (size / n);
        let sample = |(row, &slot): (usize, &usize)| {
            let image = rounded.bytes[part(rounded.bytes.len(), row)].to_vec();
            let values = &rounded.values[part(rounded.values.len(), row)];
            Ok(Sample {
                code: self.models.read(slot)?,
                hash: fnv1a(&image),
                image,
                activations: values[..self.problem.ranges.len()].to_vec(),
                encoding: rounded.encodings[part(rounded.encodings.len(), row)].to_vec(),
            })
        };
        slots.iter().enumerate().map(sample).collect()
    }

    fn keep(&mut self, sample: Sample) {
        if fits(&self.problem.ranges, &sample.activations) && !self.seen.contains(sample.hash) {
            self.seen.insert(sample.hash);
            self.drawn.samples.push(sample);
        }
    }
}

/// Whether the neurons of the ranges, the first of the values, are all accepted.
pub(crate) fn fits(ranges: &[Range], values: &[f32]) -> bool {
    let mut pairs = ranges.iter().zip(values);
    pairs.all(|(range, &f)| range.accepting().contains(f))
}
