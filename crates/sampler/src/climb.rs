//! Plain ascent and descent: what values can a neuron take at all?

use crate::batch::{Making, Phase};
use crate::error::Error;
use crate::models::Moves;
use crate::random::{Purpose, keyed};
use crate::space::{Generator, Observer, Space, Stride};

/// Factor of a start's step when it did not improve.
const SHORTER: f64 = 0.7;

impl<S: Space, G: Generator<S>, O: Observer<S>> Making<'_, S, G, O> {
    /// Climbs, once per batch, for every neuron that was seen on one side of
    /// its range only; fails if it stays there. The slots' codes are lost.
    pub(crate) fn survey(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.surveyed, true) {
            return Ok(());
        }
        for (neuron, &range) in self.problem.ranges.iter().enumerate() {
            if self.reach.spans(neuron, range) {
                continue;
            }
            let below = f64::from(self.reach.greatest[neuron]) < range.accepting().lo;
            self.climb(neuron, if below { 1.0 } else { -1.0 })?;
            if !self.reach.spans(neuron, range) {
                let evaluations = self.models.work.evaluations();
                return Err(self.reach.unreachable(neuron, range, evaluations));
            }
        }
        Ok(())
    }

    /// Drives a neuron up (`sign` 1) or down (-1) from several starts, until
    /// one of them has met its range.
    pub(crate) fn climb(&mut self, neuron: usize, sign: f64) -> Result<(), Error> {
        let (m, ranges) = (self.problem.ranges.len(), &self.problem.ranges);
        let rows: Vec<usize> = (0..self.options.climb_starts.min(self.options.batch)).collect();
        for &slot in &rows {
            let mut random = keyed(
                self.options.seed,
                Purpose::Climb,
                self.index,
                slot as u64,
                neuron as u32,
            );
            let code = self.problem.starts.draw(&mut random);
            self.models.write(slot, &code)?;
        }
        let longest = self.options.longest * self.problem.starts.norm();
        let mut lengths = vec![longest; rows.len()];
        let mut best = vec![f64::NEG_INFINITY; rows.len()];
        for _ in 0..self.options.climb_steps {
            self.afford(rows.len(), true)?;
            let reach = &mut self.reach;
            self.models.step(&rows, None, |values| {
                let mut moves = Moves::rest(rows.len(), m);
                for (row, values) in values.chunks_exact(m).enumerate() {
                    reach.observe(values, ranges);
                    let height = sign * f64::from(values[neuron]);
                    if height > best[row] {
                        best[row] = height;
                    } else {
                        lengths[row] *= SHORTER;
                    }
                    moves.d_values[row * m + neuron] = -sign as f32;
                    moves.strides[row] = Stride {
                        gap: f32::INFINITY,
                        longest: lengths[row] as f32,
                    };
                }
                moves
            })?;
            self.report(Phase::Climb)?;
            if self.reach.spans(neuron, ranges[neuron]) {
                break;
            }
        }
        Ok(())
    }
}
