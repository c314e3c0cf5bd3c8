//! Figures that say how good a set of samples is. Pure functions of features:
//! `[n, dim]` rows of `f32`, one after the other; all arithmetic is in `f64`.
//!
//! | question | figure |
//! |---|---|
//! | how far apart are the samples? | [`diversity`] |
//! | how many different ones are there, as it were? | [`vendi`] |
//! | are they real, and do they reach all that is real? | [`fidelity`] |
//! | what would a map of them show? | [`plane`] |
//! | how sure is a figure? | [`mean_over_runs`], [`difference_over_runs`] |
//!
//! Most figures depend on the number of samples: compare them at equal numbers
//! only, which [`subset`] draws.

mod bootstrap;
mod distances;
mod eigenvalues;
mod fidelity;
mod plane;
mod subset;
mod vendi;

pub use bootstrap::{Interval, Resampling, difference_over_runs, mean_over_runs};
pub use distances::{Diversity, distance, diversity};
pub use fidelity::{Fidelity, fidelity};
pub use plane::{Plane, plane};
pub use subset::subset;
pub use vendi::vendi;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The generator of (seed, count, what it is for). Its last eight bytes keep it
/// apart from the generators that samples are drawn with.
fn keyed(seed: u64, count: u64, purpose: &[u8; 8]) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&count.to_le_bytes());
    key[16..24].copy_from_slice(purpose);
    key[24..].copy_from_slice(b"figures.");
    ChaCha8Rng::from_seed(key)
}

/// Features as rows, or none if `dim` is zero, a row is cut short, or a number
/// is not finite.
fn rows(features: &[f32], dim: usize) -> Option<std::slice::ChunksExact<'_, f32>> {
    let whole = dim > 0 && features.len().is_multiple_of(dim);
    (whole && features.iter().all(|value| value.is_finite())).then(|| features.chunks_exact(dim))
}

/// Sum of `term` over two slices of equal length. Eight sums at a time: the
/// processor adds them side by side, and the order is always the same.
fn sum_of<T: Copy>(a: &[T], b: &[T], term: impl Fn(T, T) -> f64) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let (a_eights, a_rest) = a.as_chunks::<8>();
    let (b_eights, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_eights.iter().zip(b_eights) {
        for lane in 0..8 {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_distr::{Distribution, StandardNormal};

    /// `[n, dim]` independent standard normal numbers.
    pub(super) fn gaussian(seed: u64, n: usize, dim: usize) -> Vec<f32> {
        let mut random = keyed(seed, n as u64, b"gaussian");
        (0..n * dim)
            .map(|_| StandardNormal.sample(&mut random))
            .collect()
    }

    #[test]
    fn a_sum_takes_every_term_once() {
        for length in [0, 1, 7, 8, 9, 16, 21] {
            let a: Vec<f64> = (1..=length).map(f64::from).collect();
            let squares = f64::from(length * (length + 1) * (2 * length + 1) / 6);
            assert_eq!(sum_of(&a, &a, |a, b| a * b), squares, "{length} terms");
        }
    }

    #[test]
    fn features_that_are_no_rows_are_refused() {
        for (features, dim) in [
            (&[1.0, 2.0, 3.0][..], 2),
            (&[1.0], 0),
            (&[], 0),
            (&[1.0, f32::NAN], 2),
            (&[1.0, f32::INFINITY], 1),
        ] {
            assert!(rows(features, dim).is_none(), "{features:?} by {dim}");
        }
        assert_eq!(
            rows(&[1.0, 2.0, 3.0, 4.0], 2).map(|rows| rows.len()),
            Some(2)
        );
    }
}
