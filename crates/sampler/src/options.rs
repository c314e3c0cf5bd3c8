//! Every constant of the method, in one place.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Which accepted samples the sum of squared distances runs over, besides the
/// batch itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fixed {
    /// All of them.
    All,
    /// The seeds: the first K.
    Seeds,
}

/// How to sample. The defaults suit codes and encodings of a network's
/// penultimate layers; none of them depends on the scale of activations,
/// codes or encodings.
///
/// Lengths of steps are shares of the typical norm of a starting code
/// ([`Starts::norm`](crate::Starts::norm)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Seed of all random numbers.
    pub seed: u64,
    /// K, samples in a batch.
    pub batch: usize,
    /// Most evaluations of the whole run; by default 2000 and 300 per sample.
    pub max_evals: Option<u64>,
    /// Every so many batches one begins at fresh codes; 0 never. A long chain
    /// drifts off the images.
    pub restart_every: u64,
    /// Most draws for a fresh code, where values can be foretold from codes.
    pub candidates: u32,
    /// Whether fresh codes come from the fitted model of codes where there is
    /// one, or from the per-unit statistics alone.
    pub mixture: bool,
    /// Encodings kept for figures over all pairs.
    pub reservoir: usize,

    /// How many nearest encodings, among those held and those of the batch, an
    /// encoding is pushed away from ([`crate::repulsion`]); 0 for the paper's
    /// sum of squared distances to all.
    pub near: usize,
    /// The samples in that sum.
    pub distances: Fixed,
    /// Weight of the objective against the constraints. The sum over all is
    /// `T / 4 n u`, with `u` the root mean square norm of encodings at the
    /// starting codes, so that its gradient by one encoding is its distance to
    /// the mean in units of `u`.
    pub objective: f64,
    /// Penalty `mu`, for residuals in units of the range's width (of a fifth of
    /// `max(1, |z|)` where the range is open). It stays fixed, and multipliers
    /// do the work: a repair step has the same length whatever `mu` is.
    pub penalty: f64,
    /// A multiplier may shift its bound inwards by at most this share of the
    /// band, so that repair aims inside it and not across it.
    pub depth: f64,

    /// Length of the spread step.
    pub spread: f64,
    /// Longest repair step.
    pub longest: f64,
    /// Factor of the longest step of a slot after a step that increased its violation.
    pub shrink: f64,
    /// Factor of the longest step of a slot after a step that decreased its
    /// violation, until it is `longest` again.
    pub grow: f64,

    /// Share of the way to the image's own code, E(G(c)), in a spread step.
    pub pull: f64,
    /// The same in the first repair steps.
    pub repair_pull: f64,
    /// Least number of repair steps of a slot, even if it is inside, where the
    /// observer gives own codes: the pull needs a few steps to undo what
    /// spreading did to the image.
    pub polish: u32,
    /// Factor of the repair's pull from one step to the next after these:
    /// ranges that no realistic image attains must stay reachable.
    pub pull_decay: f64,
    /// Moves of a fresh code to its image's own code before anything else, each
    /// by `settle_pull` of the way.
    pub settle: u32,
    /// Share of the way in each of these moves.
    pub settle_pull: f64,
    /// Standard deviation of the noise on a code that begins at an earlier one,
    /// as a share of the starting codes'.
    pub jitter: f64,

    /// Most repair steps from a fresh code.
    pub seed_steps: u32,
    /// Most repair steps from elsewhere.
    pub repair_steps: u32,
    /// How often a slot that was not repaired goes half-way back to its code of
    /// the batch before.
    pub halvings: u32,
    /// How often a slot then takes another fresh code. After these it begins at
    /// a code of another slot that is inside.
    pub attempts: u32,
    /// Rejections of a slot's rounded image before it counts as not repaired.
    pub rejections: u32,
    /// Margin inside the accepting band, in units of the root mean square shift
    /// that rounding causes; a rejected slot's is doubled, then trebled.
    pub margin: f64,

    /// Most steps of plain ascent or descent when no start enters a range.
    pub climb_steps: u32,
    /// From how many starts, at most K.
    pub climb_starts: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seed: 0,
            batch: 10,
            max_evals: None,
            restart_every: 1,
            candidates: 256,
            mixture: true,
            reservoir: 1000,
            near: 5,
            distances: Fixed::All,
            objective: 1.0,
            penalty: 10.0,
            depth: 0.25,
            spread: 0.025,
            longest: 0.3,
            shrink: 0.5,
            grow: 1.25,
            pull: 0.0,
            repair_pull: 0.0,
            polish: 0,
            pull_decay: 0.8,
            settle: 0,
            settle_pull: 0.5,
            jitter: 0.05,
            seed_steps: 60,
            repair_steps: 15,
            halvings: 2,
            attempts: 3,
            rejections: 3,
            margin: 3.0,
            climb_steps: 50,
            climb_starts: 4,
        }
    }
}

impl Options {
    /// For a generator without a fitted model of codes. Draws from per-unit
    /// statistics are far from any real image's code. Moving them to their
    /// images' own codes, at first and a little in every step, repairs much of
    /// that, and chains of a few batches save doing so for each. In a network
    /// as large as CaffeNet 32 draws are foretold for a fifth of an evaluation.
    pub fn without_model() -> Options {
        Options {
            mixture: false,
            candidates: 32,
            restart_every: 5,
            near: 0,
            spread: 0.3,
            pull: 0.5,
            repair_pull: 0.6,
            polish: 4,
            settle: 2,
            ..Options::default()
        }
    }

    /// The paper's method, as literally as it can be read.
    ///
    /// The seeds begin at random codes, take a step along the gradient of the
    /// augmented Lagrangian and then steps on its constraints until all of them
    /// are feasible. From then on a chain: a batch begins at the batch before,
    /// takes one step along the gradient of the augmented Lagrangian, with the
    /// sum of squared distances within the batch and to the seeds (over ordered
    /// pairs, as in its equation 4), and then only what it needs to be feasible
    /// again. There is no fresh start, no pull to the images' own codes, no
    /// fitted model of codes and no screening.
    ///
    /// What the paper leaves open is chosen so: random codes are drawn from the
    /// generator's per-unit statistics, because N(0, 1) fits only a generator
    /// whose codes have that scale; the step is as long as 0.3 of a starting
    /// code; feasible again means a bounded number of Gauss-Newton steps on the
    /// constraints, then half the way back, then another code; and a trace of
    /// noise, a thousandth of the codes' deviation, keeps a batch of one from
    /// resting on its seed. Acceptance is that of every other run.
    pub fn paper() -> Options {
        Options {
            restart_every: 0,
            candidates: 1,
            mixture: false,
            near: 0,
            distances: Fixed::Seeds,
            spread: 0.3,
            pull: 0.0,
            repair_pull: 0.0,
            polish: 0,
            settle: 0,
            jitter: 0.001,
            ..Options::default()
        }
    }

    /// # Errors
    ///
    /// [`Error::Invalid`] with the first option that is out of its bounds.
    pub fn check(&self) -> Result<(), Error> {
        let invalid = |what, found: String, expected: &str| {
            Err(Error::Invalid {
                what,
                found,
                expected: expected.into(),
            })
        };
        if self.batch == 0 {
            return invalid("batch", "0".into(), "at least 1");
        }
        if self.climb_starts == 0 {
            return invalid("climb_starts", "0".into(), "at least 1");
        }
        let counts = [
            ("seed_steps", self.seed_steps),
            ("repair_steps", self.repair_steps),
            ("climb_steps", self.climb_steps),
        ];
        if let Some((what, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
            return invalid(what, "0".into(), "at least 1");
        }
        let positive = [
            ("penalty", self.penalty),
            ("spread", self.spread),
            ("longest", self.longest),
            ("jitter", self.jitter),
        ];
        if let Some((what, found)) = positive
            .into_iter()
            .find(|(_, x)| !(x.is_finite() && *x > 0.0))
        {
            return invalid(what, found.to_string(), "a positive number");
        }
        let natural = [("objective", self.objective), ("margin", self.margin)];
        if let Some((what, found)) = natural
            .into_iter()
            .find(|(_, x)| !(x.is_finite() && *x >= 0.0))
        {
            return invalid(what, found.to_string(), "a number of at least 0");
        }
        if !(self.grow.is_finite() && self.grow >= 1.0) {
            return invalid("grow", self.grow.to_string(), "a number of at least 1");
        }
        let shares = [
            ("depth", self.depth, 0.5),
            ("shrink", self.shrink, 1.0),
            ("pull", self.pull, 1.0),
            ("repair_pull", self.repair_pull, 1.0),
            ("pull_decay", self.pull_decay, 1.0),
            ("settle_pull", self.settle_pull, 1.0),
        ];
        match shares
            .into_iter()
            .find(|(_, x, most)| !(0.0..=*most).contains(x))
        {
            Some((what, found, most)) => invalid(
                what,
                found.to_string(),
                &format!("a number from 0 to {most}"),
            ),
            None => Ok(()),
        }
    }

    /// The limit on evaluations of a run of so many samples.
    pub fn limit(&self, samples: u64) -> u64 {
        self.max_evals
            .unwrap_or_else(|| samples.saturating_mul(300).saturating_add(2000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_nonsense_is_not() {
        Options::default().check().unwrap();
        Options::without_model().check().unwrap();
        Options::paper().check().unwrap();
        let wrong = [
            Options {
                batch: 0,
                ..Options::default()
            },
            Options {
                penalty: f64::NAN,
                ..Options::default()
            },
            Options {
                pull: 1.5,
                ..Options::default()
            },
            Options {
                grow: 0.5,
                ..Options::default()
            },
            Options {
                seed_steps: 0,
                ..Options::default()
            },
        ];
        for options in wrong {
            assert!(
                matches!(options.check(), Err(Error::Invalid { .. })),
                "{options:?}"
            );
        }
    }
}
