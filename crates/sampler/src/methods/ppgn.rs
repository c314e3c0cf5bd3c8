//! PPGN's joint chain without noise (Nguyen et al. 2017, "Plug & Play
//! Generative Networks"), as its published program computes it.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::methods::chain::{Iterate, Rule, normal, step};
use crate::methods::{at_least_one, number, scale};
use crate::starts::Starts;

/// The constants of PPGN's chain, by default the published ones
///
/// ```text
/// d = eps1 (E(G(h)) - h) + eps2 (1 - p) df/dh
/// h <- clip(h + rate / mean|d| * d, lower, upper)
/// ```
///
/// They are those of its script for classes, which are made for codes of the
/// scale of CaffeNet's fc6 (root mean square 3.79 per unit). Where codes are
/// `s` times as large, `rate` is multiplied by `s`; `E(G(h)) - h` is then `s`
/// times as large and `df/dh` as small, so that `eps1` is divided by `s^2` to
/// keep the direction. `s` is taken from the per-unit statistics. A chain begins
/// at `s N(0, 1)`, clipped. The published noise is 1e-17, that is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ppgn {
    /// Weight of the direction to the image's own code.
    pub eps1: f64,
    /// Weight of the gradient.
    pub eps2: f64,
    /// Mean length of a move per unit of a code.
    pub rate: f64,
    /// Iterates of a chain.
    pub iterations: u32,
    /// Every so many iterates one is proposed, the first one included.
    pub save_every: u32,
    /// Whether the observer gives one more value behind those of the ranges:
    /// `p`, the probability of the class. Otherwise `1 - p` is 1.
    pub probability: bool,
    /// Whether an iterate pays one half more for its image's own code, which
    /// the published program computes in a pass of its own. Here one look gives
    /// both.
    pub second_pass: bool,
}

impl Default for Ppgn {
    fn default() -> Ppgn {
        Ppgn {
            eps1: 1e-5,
            eps2: 1.0,
            rate: 1.0,
            iterations: 200,
            save_every: 1,
            probability: false,
            second_pass: true,
        }
    }
}

impl Ppgn {
    /// Constants tuned once, on `fc7:0` and `conv5:3@max` (p75 to p95) of the
    /// demo pair: `eps1` 10^4 times, `rate` once the published one, of grids of
    /// 0.1 to 10^6 and 1/32 to 4. At 3 evaluations per wanted sample the share
    /// of real images reached was 0.06 and 0.12 before, 0.35 and 0.23 after.
    /// These neurons have no probability; where `1 - p` is small, `eps1` weighs
    /// more.
    pub fn tuned() -> Ppgn {
        Ppgn {
            eps1: 0.1,
            ..Ppgn::default()
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        number("PPGN's eps1", self.eps1, 0.0..=f64::MAX)?;
        number("PPGN's eps2", self.eps2, 0.0..=f64::MAX)?;
        number("PPGN's rate", self.rate, f64::MIN_POSITIVE..=f64::MAX)?;
        at_least_one("PPGN's iterations", self.iterations.into())?;
        at_least_one("PPGN's save_every", self.save_every.into())
    }
}

impl Rule for Ppgn {
    fn iterations(&self) -> u32 {
        self.iterations
    }

    fn proposes(&self, iterate: u32) -> bool {
        iterate.is_multiple_of(self.save_every)
    }

    fn needs_own_codes(&self) -> bool {
        true
    }

    fn pays_for_own_codes(&self) -> bool {
        self.second_pass
    }

    fn begin(&self, starts: &Starts, random: &mut ChaCha8Rng) -> Vec<f32> {
        normal(scale(starts), starts, random)
    }

    fn weight(&self, values: &[f32]) -> f32 {
        match values.last() {
            Some(p) if self.probability => 1.0 - p,
            _ => 1.0,
        }
    }

    fn advance(&self, starts: &Starts, at: &mut Iterate<'_>) -> bool {
        let scale = scale(starts);
        let eps1 = self.eps1 / (scale * scale);
        let mut direction: Vec<f64> = at
            .ascent
            .iter()
            .map(|&g| self.eps2 * f64::from(g))
            .collect();
        if let Some(own) = at.own {
            for ((d, own), c) in direction.iter_mut().zip(own).zip(&*at.code) {
                *d += eps1 * f64::from(own - c);
            }
        }
        let moved = step(at.code, &direction, self.rate * scale);
        starts.clip(at.code);
        moved
    }
}
