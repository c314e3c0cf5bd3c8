//! Ascent on pixels (Simonyan, Vedaldi and Zisserman 2014, "Deep inside
//! convolutional networks").

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::methods::chain::{Iterate, Rule};
use crate::methods::{at_least_one, number};
use crate::starts::Starts;

/// The constants of ascent on `f(x) - l2 ||x - mean||^2`, by moves of fixed
/// length. The paper starts at the mean image and gives no constants. It has
/// one image per class; a little noise on the start gives others, and every
/// iterate is proposed.
///
/// No constants were found that help: on `fc7:0` and `conv5:3@max` (p75 to p95)
/// of the demo pair, steps of 0.005 to 0.1 with `l2` of 0 to 0.1 lead into the
/// range, and the images reach none of the real ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivationMax {
    /// Weight of the penalty, in the neuron's unit per squared unit of pixels.
    pub l2: f64,
    /// Length of a move, as a share of the typical norm of a starting image.
    pub step: f64,
    /// Standard deviation of the noise on the mean image, as a share of the
    /// starting images'.
    pub noise: f64,
    /// Iterates of a chain.
    pub iterations: u32,
}

impl Default for ActivationMax {
    fn default() -> ActivationMax {
        ActivationMax {
            l2: 0.01,
            step: 0.02,
            noise: 0.1,
            iterations: 200,
        }
    }
}

impl ActivationMax {
    pub(crate) fn check(&self) -> Result<(), Error> {
        number("activation-max's l2", self.l2, 0.0..=f64::MAX)?;
        number(
            "activation-max's step",
            self.step,
            f64::MIN_POSITIVE..=f64::MAX,
        )?;
        number("activation-max's noise", self.noise, 0.0..=f64::MAX)?;
        at_least_one("activation-max's iterations", self.iterations.into())
    }
}

impl Rule for ActivationMax {
    fn iterations(&self) -> u32 {
        self.iterations
    }

    fn proposes(&self, _iterate: u32) -> bool {
        true
    }

    fn begin(&self, starts: &Starts, random: &mut ChaCha8Rng) -> Vec<f32> {
        let mut image = starts.mean().to_vec();
        starts.jitter(&mut image, self.noise, random);
        image
    }

    fn advance(&self, starts: &Starts, at: &mut Iterate<'_>) -> bool {
        let from_mean = at.code.iter().zip(starts.mean());
        let direction: Vec<f64> = at
            .ascent
            .iter()
            .zip(from_mean)
            .map(|(&g, (x, mean))| f64::from(g) - 2.0 * self.l2 * f64::from(x - mean))
            .collect();
        let norm = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
        let factor = self.step * starts.norm() / norm;
        if !(norm > 0.0 && factor.is_finite()) {
            return false;
        }
        for (x, d) in at.code.iter_mut().zip(&direction) {
            *x += (factor * d) as f32;
        }
        starts.clip(at.code);
        true
    }
}
