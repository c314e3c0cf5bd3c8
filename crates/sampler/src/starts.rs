//! Where codes come from.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::error::Error;
use crate::mixture::Mixture;

/// The distribution of starting codes: draws of a [`Mixture`] where there is
/// one, else `mean + std N(0, 1)` per unit; clipped to `[lower, upper]`. All
/// four have one number per unit of the code.
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    mixture: Option<Mixture>,
    mean: Vec<f32>,
    std: Vec<f32>,
    lower: Vec<f32>,
    upper: Vec<f32>,
}

impl Starts {
    /// A distribution from per-unit statistics; bounds may be infinite.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if there is no unit, sizes differ, a number is NaN, a
    /// mean or standard deviation is infinite or the latter negative, or a
    /// lower bound lies above its upper bound.
    pub fn new(
        mean: Vec<f32>,
        std: Vec<f32>,
        lower: Vec<f32>,
        upper: Vec<f32>,
    ) -> Result<Starts, Error> {
        let invalid = |what, found: String, expected: String| {
            Err(Error::Invalid {
                what,
                found,
                expected,
            })
        };
        let d = mean.len();
        if d == 0 {
            return invalid("the size of a code", "0".into(), "at least 1".into());
        }
        let sizes = [
            ("the number of standard deviations of codes", std.len()),
            ("the number of lower bounds of codes", lower.len()),
            ("the number of upper bounds of codes", upper.len()),
        ];
        for (what, found) in sizes {
            if found != d {
                return invalid(what, found.to_string(), d.to_string());
            }
        }
        for k in 0..d {
            if !mean[k].is_finite() {
                return invalid(
                    "a mean of codes",
                    mean[k].to_string(),
                    "a finite number".into(),
                );
            }
            if !(std[k].is_finite() && std[k] >= 0.0) {
                let expected = "a finite number of at least 0";
                return invalid(
                    "a standard deviation of codes",
                    std[k].to_string(),
                    expected.into(),
                );
            }
            if lower[k].is_nan() || upper[k].is_nan() || lower[k] > upper[k] {
                let found = format!("{}..{}", lower[k], upper[k]);
                return invalid("the bounds of a code", found, "lower, then upper".into());
            }
        }
        Ok(Starts {
            mixture: None,
            mean,
            std,
            lower,
            upper,
        })
    }

    /// The same bounds and statistics, but codes drawn from a fitted model.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if its codes are of another size.
    pub fn with_mixture(self, mixture: Mixture) -> Result<Starts, Error> {
        if mixture.dim() != self.dim() {
            return Err(Error::Invalid {
                what: "the size of the mixture's codes",
                found: mixture.dim().to_string(),
                expected: self.dim().to_string(),
            });
        }
        Ok(Starts {
            mixture: Some(mixture),
            ..self
        })
    }

    /// The same bounds and statistics, and codes drawn from these alone.
    #[must_use]
    pub fn without_mixture(self) -> Starts {
        Starts {
            mixture: None,
            ..self
        }
    }

    /// Numbers in a code.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    pub(crate) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Lower bounds, one per unit.
    pub fn lower(&self) -> &[f32] {
        &self.lower
    }

    /// Upper bounds, one per unit.
    pub fn upper(&self) -> &[f32] {
        &self.upper
    }

    /// The typical norm of a code, `sqrt(sum mean^2 + std^2)`: the unit in which
    /// lengths of steps are given.
    pub fn norm(&self) -> f64 {
        let square = |(&mean, &std): (&f32, &f32)| f64::from(mean).powi(2) + f64::from(std).powi(2);
        self.mean
            .iter()
            .zip(&self.std)
            .map(square)
            .sum::<f64>()
            .sqrt()
    }

    pub(crate) fn draw(&self, random: &mut ChaCha8Rng) -> Vec<f32> {
        match &self.mixture {
            Some(mixture) => {
                let mut code = mixture.draw(random);
                self.clip(&mut code);
                code
            }
            None => {
                let mut code = self.mean.clone();
                self.jitter(&mut code, 1.0, random);
                code
            }
        }
    }

    /// Adds `share` of the standard deviation times N(0, 1), and clips.
    pub(crate) fn jitter(&self, code: &mut [f32], share: f64, random: &mut ChaCha8Rng) {
        for (k, c) in code.iter_mut().enumerate() {
            let normal: f64 = StandardNormal.sample(random);
            *c += (share * normal) as f32 * self.std[k];
        }
        self.clip(code);
    }

    /// Brings a code into the bounds.
    pub(crate) fn clip(&self, code: &mut [f32]) {
        for ((c, lower), upper) in code.iter_mut().zip(&self.lower).zip(&self.upper) {
            *c = c.max(*lower).min(*upper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_distribution_is_refused() {
        let new = |mean: &[f32], std: &[f32], lower: &[f32], upper: &[f32]| {
            Starts::new(mean.to_vec(), std.to_vec(), lower.to_vec(), upper.to_vec())
        };
        assert!(new(&[0.0], &[1.0], &[0.0], &[f32::INFINITY]).is_ok());
        assert!(new(&[], &[], &[], &[]).is_err());
        assert!(new(&[0.0], &[1.0, 1.0], &[0.0], &[1.0]).is_err());
        assert!(new(&[f32::NAN], &[1.0], &[0.0], &[1.0]).is_err());
        assert!(new(&[0.0], &[-1.0], &[0.0], &[1.0]).is_err());
        assert!(new(&[0.0], &[1.0], &[2.0], &[1.0]).is_err());
    }
}
