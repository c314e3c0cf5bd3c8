//! Bringing the slots of a batch into their bands.

use crate::batch::{Making, Phase};
use crate::error::Error;
use crate::models::{Moves, Pressing};
use crate::random::{Purpose, below, keyed};
use crate::slot::{Origin, Status};
use crate::space::{Generator, Observer, Press, Space};

impl<S: Space, G: Generator<S>, O: Observer<S>> Making<'_, S, G, O> {
    /// Steps on the constraints until every slot is inside or accepted. Slots
    /// that run out of steps wait until no slot moves, then get other codes.
    pub(crate) fn repair(&mut self) -> Result<(), Error> {
        loop {
            let moving = self.with(Status::Moving);
            if !moving.is_empty() {
                self.repair_step(&moving)?;
                continue;
            }
            let failed = self.with(Status::Failed);
            if failed.is_empty() {
                return Ok(());
            }
            self.replace(&failed)?;
        }
    }

    pub(crate) fn with(&self, status: Status) -> Vec<usize> {
        (0..self.slots.len())
            .filter(|&slot| self.slots[slot].status == status)
            .collect()
    }

    /// A look at the moving slots: test, update the multipliers, and one
    /// Gauss-Newton step of those that are still outside.
    fn repair_step(&mut self, moving: &[usize]) -> Result<(), Error> {
        let (n, m) = (moving.len(), self.problem.ranges.len());
        self.afford(n, true)?;
        let polish = if self.models.uses_own_codes() {
            self.options.polish
        } else {
            0
        };
        let unit = self.problem.starts.norm();
        let (slots, penalty, options) = (&mut self.slots, self.penalty, self.options);
        let (reach, ranges) = (&mut self.reach, &self.problem.ranges);
        self.models.step(moving, None, |values| {
            let mut moves = Moves::rest(n, m);
            for (row, values) in values.chunks_exact(m).enumerate() {
                reach.observe(values, ranges);
                let slot = &mut slots[moving[row]];
                slot.values = values.to_vec();
                let before = slot.constraints(penalty, options);
                slot.update_multipliers(penalty, options);
                let most = match slot.origin {
                    Origin::Fresh => options.seed_steps,
                    Origin::Earlier => options.repair_steps,
                };
                if slot.is_inside() && slot.steps >= polish.min(most) {
                    slot.status = Status::Inside;
                } else if slot.steps == most {
                    slot.status = Status::Failed;
                } else {
                    let gap = slot.cotangents(penalty, &mut moves.d_values[row * m..(row + 1) * m]);
                    moves.strides[row] = slot.stride(gap, penalty, unit, options);
                    let late = slot.steps.saturating_sub(polish);
                    let decay = options.pull_decay.powi(late as i32);
                    moves.shares[row] = (options.repair_pull * decay) as f32;
                    slot.steps += 1;
                }
                moves.pressing.push(Pressing {
                    press: Press {
                        slot: moving[row],
                        update: true,
                        press: slot.status == Status::Moving,
                    },
                    before,
                    after: slot.constraints(penalty, options),
                });
            }
            moves
        })?;
        self.report(Phase::Repair)
    }

    /// Gives other codes to slots that were not repaired: half-way back to
    /// their code of the batch before, then fresh ones, then those of slots
    /// that are inside.
    fn replace(&mut self, failed: &[usize]) -> Result<(), Error> {
        let mut donors = self.with(Status::Inside);
        donors.extend(self.with(Status::Accepted));
        let has_donor = !donors.is_empty() || !self.state.codes.is_empty();
        if !has_donor {
            self.survey()?;
        }
        let mut fresh = Vec::new();
        for &slot in failed {
            self.replaced += 1;
            self.slots[slot].failures += 1;
            let halvings = if self.slots[slot].anchor.is_some() {
                self.options.halvings
            } else {
                0
            };
            let failures = self.slots[slot].failures;
            let (code, origin) = if failures <= halvings {
                (self.half_way_back(slot)?, Origin::Earlier)
            } else if failures <= halvings + self.options.attempts {
                fresh.push(slot);
                (self.fresh_code(slot, failures)?, Origin::Fresh)
            } else if has_donor {
                let extra = failures - halvings - self.options.attempts;
                (self.donated(slot, &donors, extra)?, Origin::Earlier)
            } else {
                let evaluations = self.models.work.evaluations();
                return Err(self.reach.not_together(&self.problem.ranges, evaluations));
            };
            self.models.write(slot, &code)?;
            self.slots[slot].placed(origin);
        }
        self.refresh_bands(failed);
        self.settle(&fresh)
    }

    fn half_way_back(&mut self, slot: usize) -> Result<Vec<f32>, Error> {
        let mut code = self.models.read(slot)?;
        if let Some(anchor) = &self.slots[slot].anchor {
            for (c, anchor) in code.iter_mut().zip(anchor) {
                *c = 0.5 * (*c + anchor);
            }
        }
        Ok(code)
    }

    /// The code of a slot that is inside, or of one of the batch before, with
    /// noise that grows from one failure to the next.
    fn donated(&mut self, slot: usize, donors: &[usize], extra: u32) -> Result<Vec<f32>, Error> {
        let d = self.problem.starts.dim();
        let failures = self.slots[slot].failures;
        let mut random = keyed(
            self.options.seed,
            Purpose::Donor,
            self.index,
            slot as u64,
            failures,
        );
        let mut code = if donors.is_empty() {
            let donor = below((self.state.codes.len() / d) as u64, &mut random) as usize;
            self.state.codes[donor * d..(donor + 1) * d].to_vec()
        } else {
            self.models
                .read(donors[below(donors.len() as u64, &mut random) as usize])?
        };
        self.jitter(slot, attempt(failures, 0), f64::from(extra), &mut code);
        Ok(code)
    }
}

/// The key of a slot's noise after so many failures and rejections; never 0,
/// which is that of its place at the batch before.
pub(crate) fn attempt(failures: u32, rejections: u32) -> u32 {
    1 + failures * (1 << 8) + rejections
}
