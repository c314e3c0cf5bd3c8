//! A fitted model of codes.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

use crate::error::Error;

/// A mixture of factor analysers (Ghahramani and Hinton 1996). A draw is
/// `mean_k + factors_k u + noise_k * e` with normal `u` (`rank` numbers) and
/// `e` (`d` numbers), for a component `k` drawn by its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Sums of the weights up to each component.
    cumulative: Vec<f64>,
    mean: Vec<f32>,
    factors: Vec<f32>,
    noise: Vec<f32>,
    dim: usize,
    rank: usize,
}

impl Mixture {
    /// A mixture of `weight.len()` components: `mean` and `noise` are
    /// `[components, d]`, `factors` is `[components, d, rank]`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if sizes do not fit, a number is not finite, a weight
    /// or noise is negative, or all weights are zero.
    pub fn new(
        weight: &[f32],
        mean: Vec<f32>,
        factors: Vec<f32>,
        noise: Vec<f32>,
    ) -> Result<Mixture, Error> {
        let invalid = |what, found: String, expected: &str| Error::Invalid {
            what,
            found,
            expected: expected.into(),
        };
        let components = weight.len();
        let dim = mean.len().checked_div(components).unwrap_or(0);
        let cells = components * dim;
        if cells == 0
            || mean.len() != cells
            || noise.len() != cells
            || !factors.len().is_multiple_of(cells)
        {
            let found = format!(
                "{components}, {}, {}, {}",
                mean.len(),
                factors.len(),
                noise.len()
            );
            let expected = "components, components x d, components x d x rank, components x d";
            return Err(invalid("the sizes of a mixture of codes", found, expected));
        }
        let all = [weight, &mean, &factors, &noise];
        if let Some(&bad) = all.into_iter().flatten().find(|x| !x.is_finite()) {
            return Err(invalid(
                "a number of a mixture of codes",
                bad.to_string(),
                "a finite one",
            ));
        }
        if let Some(&bad) = weight.iter().chain(&noise).find(|&&x| x < 0.0) {
            let what = "a weight or noise of a mixture of codes";
            return Err(invalid(what, bad.to_string(), "at least 0"));
        }
        let mut sum = 0.0;
        let cumulative: Vec<f64> = weight
            .iter()
            .map(|&weight| {
                sum += f64::from(weight);
                sum
            })
            .collect();
        if sum == 0.0 {
            return Err(invalid(
                "the weights of a mixture of codes",
                "all 0".into(),
                "one above 0",
            ));
        }
        Ok(Mixture {
            cumulative,
            rank: factors.len() / cells,
            mean,
            factors,
            noise,
            dim,
        })
    }

    /// Numbers in a code.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// A draw, not clipped to any bounds.
    pub(crate) fn draw(&self, random: &mut ChaCha8Rng) -> Vec<f32> {
        let total = self.cumulative[self.cumulative.len() - 1];
        let share: f64 = StandardUniform.sample(random);
        let at = share * total;
        let k = self.cumulative.partition_point(|&sum| sum <= at);
        let k = k.min(self.cumulative.len() - 1);
        let mut normal = || -> f32 { StandardNormal.sample(random) };
        let common: Vec<f32> = (0..self.rank).map(|_| normal()).collect();
        let cells = k * self.dim..(k + 1) * self.dim;
        cells
            .map(|cell| {
                let factors = &self.factors[cell * self.rank..(cell + 1) * self.rank];
                let together: f32 = factors.iter().zip(&common).map(|(f, u)| f * u).sum();
                self.mean[cell] + together + self.noise[cell] * normal()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, keyed};

    #[test]
    fn draws_have_the_moments_of_the_model() {
        // One component in a hundred: mean (1, -2), covariance f f' + diag(noise^2).
        let mixture = Mixture::new(
            &[0.0, 3.0],
            vec![9.0, 9.0, 1.0, -2.0],
            vec![0.0, 0.0, 2.0, 1.0],
            vec![0.0, 0.0, 0.5, 0.25],
        )
        .unwrap();
        let mut random = keyed(0, Purpose::Start, 0, 0, 0);
        let n = 40_000;
        let draws: Vec<Vec<f32>> = (0..n).map(|_| mixture.draw(&mut random)).collect();
        let mean = |f: &dyn Fn(&[f32]) -> f32| {
            draws.iter().map(|x| f64::from(f(x))).sum::<f64>() / f64::from(n)
        };
        // Five standard errors of the widest moment, 4.25 sqrt(2 / n), are 0.15.
        for (found, expected) in [
            (mean(&|x| x[0]), 1.0),
            (mean(&|x| x[1]), -2.0),
            (mean(&|x| (x[0] - 1.0).powi(2)), 4.25),
            (mean(&|x| (x[1] + 2.0).powi(2)), 1.0625),
            (mean(&|x| (x[0] - 1.0) * (x[1] + 2.0)), 2.0),
        ] {
            assert!((found - expected).abs() < 0.15, "{found} {expected}");
        }
    }

    #[test]
    fn what_makes_no_mixture_is_refused() {
        let new = |weight: &[f32], mean: &[f32], factors: &[f32], noise: &[f32]| {
            Mixture::new(weight, mean.into(), factors.into(), noise.into())
        };
        assert!(new(&[1.0], &[0.0], &[], &[1.0]).is_ok());
        assert!(new(&[], &[], &[], &[]).is_err());
        assert!(new(&[0.0], &[0.0], &[], &[1.0]).is_err());
        assert!(new(&[1.0], &[0.0], &[], &[-1.0]).is_err());
        assert!(new(&[1.0], &[f32::NAN], &[], &[1.0]).is_err());
        assert!(new(&[1.0, 1.0], &[0.0, 0.0, 0.0], &[], &[1.0; 3]).is_err());
        assert!(new(&[1.0], &[0.0, 0.0], &[1.0; 3], &[1.0; 2]).is_err());
    }
}
