//! DGN-AM (Nguyen et al. 2016, "Synthesizing the preferred inputs for neurons
//! in neural networks via deep generator networks"), as its published program
//! computes it.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::methods::chain::{Iterate, Rule, normal, step};
use crate::methods::{at_least_one, number, scale};
use crate::starts::Starts;

/// The constants of DGN-AM's chain, by default the published ones
///
/// ```text
/// h <- decay clip(h + rate / mean|g| * g, lower, upper)
/// ```
///
/// with `g = df/dh`. The published program first moves the image along its
/// normalised gradient and then pulls that move through the generator; as the
/// pull is linear and its result is normalised again, `g` is the same.
///
/// The constants are those of its script for CaffeNet (root mean square 3.79
/// per unit of a code). Where codes are `s` times as large, rates are
/// multiplied by `s`, and a chain begins at `s N(0, 1)`, clipped. The published
/// program shows the last image alone; by default every iterate is proposed
/// here, because those on the way may lie in the range and the last one far
/// above it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DgnAm {
    /// Mean length of the first move per unit of a code; it falls linearly.
    pub rate: f64,
    /// The same, after the last iterate.
    pub last_rate: f64,
    /// Factor of a code after every move (the option L2 of the program).
    pub decay: f64,
    /// Iterates of a chain.
    pub iterations: u32,
    /// Every so many iterates one is proposed, counted back from the last.
    pub propose_every: u32,
}

impl Default for DgnAm {
    fn default() -> DgnAm {
        DgnAm {
            rate: 8.0,
            last_rate: 1e-10,
            decay: 0.99,
            iterations: 200,
            propose_every: 1,
        }
    }
}

impl DgnAm {
    /// Constants tuned once, on `fc7:0` and `conv5:3@max` (p75 to p95) of the
    /// demo pair: `rate` 1/8 of the published one, of 1/64 to 2; chains of 10,
    /// of 5 to 200; a `decay` of 0.98 or 1 was as good. At 3 evaluations per
    /// wanted sample the share of real images reached was 0.02 and 0.16 before,
    /// 0.11 and 0.18 after.
    pub fn tuned() -> DgnAm {
        DgnAm {
            rate: 1.0,
            iterations: 10,
            ..DgnAm::default()
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        number("DGN-AM's rate", self.rate, f64::MIN_POSITIVE..=f64::MAX)?;
        number("DGN-AM's last_rate", self.last_rate, 0.0..=f64::MAX)?;
        number("DGN-AM's decay", self.decay, 0.0..=1.0)?;
        at_least_one("DGN-AM's iterations", self.iterations.into())?;
        at_least_one("DGN-AM's propose_every", self.propose_every.into())
    }
}

impl Rule for DgnAm {
    fn iterations(&self) -> u32 {
        self.iterations
    }

    fn proposes(&self, iterate: u32) -> bool {
        (self.iterations - 1 - iterate).is_multiple_of(self.propose_every)
    }

    fn begin(&self, starts: &Starts, random: &mut ChaCha8Rng) -> Vec<f32> {
        normal(scale(starts), starts, random)
    }

    fn advance(&self, starts: &Starts, at: &mut Iterate<'_>) -> bool {
        let share = f64::from(at.number) / f64::from(self.iterations);
        let rate = self.rate + share * (self.last_rate - self.rate);
        let direction: Vec<f64> = at.ascent.iter().map(|&g| f64::from(g)).collect();
        let moved = step(at.code, &direction, rate * scale(starts));
        starts.clip(at.code);
        for c in at.code.iter_mut() {
            *c *= self.decay as f32;
        }
        starts.clip(at.code);
        moved
    }
}
