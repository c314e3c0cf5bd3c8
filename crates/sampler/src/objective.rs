//! The sum of squared distances over all pairs, in time independent of how
//! many samples there are.
//!
//! With `n` encodings, their mean, and `M2 = sum ||e_i - mean||^2`,
//!
//! ```text
//! T = sum_ij ||e_i - e_j||^2 = 2 n M2       dT/de_i = 4 n (e_i - mean)
//! ```
//!
//! over ordered pairs as in the paper. The mean and M2 are kept instead of the
//! plain sums because `2 n Q - 2 ||S||^2` cancels where the cloud is small and
//! far from the origin.

/// Count, mean and M2 of the encodings accepted so far, in f64.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunningSums {
    count: u64,
    mean: Vec<f64>,
    m2: f64,
}

impl RunningSums {
    /// The sums of `[n, dim]` encodings.
    pub fn of(encodings: &[f32], dim: usize) -> RunningSums {
        let count = (encodings.len() / dim.max(1)) as u64;
        let mut mean = vec![0.0; dim];
        for e in encodings.chunks_exact(dim.max(1)) {
            for (mean, &e) in mean.iter_mut().zip(e) {
                *mean += f64::from(e);
            }
        }
        for mean in &mut mean {
            *mean /= count.max(1) as f64;
        }
        let square = |(&e, &mean): (&f32, &f64)| (f64::from(e) - mean).powi(2);
        let m2 = encodings
            .chunks_exact(dim.max(1))
            .flat_map(|e| e.iter().zip(&mean).map(square))
            .sum();
        RunningSums { count, mean, m2 }
    }

    pub(crate) fn from_parts(count: u64, mean: Vec<f64>, m2: f64) -> RunningSums {
        RunningSums { count, mean, m2 }
    }

    /// The sums of both sets together.
    #[must_use]
    pub fn merged(&self, other: &RunningSums) -> RunningSums {
        if self.count == 0 {
            return other.clone();
        }
        if other.count == 0 {
            return self.clone();
        }
        let count = self.count + other.count;
        let share = other.count as f64 / count as f64;
        let mut apart = 0.0;
        let mean = self.mean.iter().zip(&other.mean).map(|(a, b)| {
            apart += (b - a).powi(2);
            a + share * (b - a)
        });
        let mean = mean.collect();
        let m2 = self.m2 + other.m2 + self.count as f64 * share * apart;
        RunningSums { count, mean, m2 }
    }

    /// How many encodings these are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean, `[e]`; empty before the first.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Sum of squared distances to the mean.
    pub fn m2(&self) -> f64 {
        self.m2
    }

    /// `T`, the sum of squared distances over all ordered pairs.
    pub fn total(&self) -> f64 {
        2.0 * self.count as f64 * self.m2
    }
}

/// `T` over the fixed encodings and a batch `[n, dim]` together.
pub fn spread(fixed: &RunningSums, batch: &[f32], dim: usize) -> f64 {
    fixed.merged(&RunningSums::of(batch, dim)).total()
}

/// The gradient of [`spread`] by the batch's encodings, written to `out`
/// (`[n, dim]`, overwritten).
pub fn gradient(fixed: &RunningSums, batch: &[f32], dim: usize, out: &mut [f32]) {
    let all = fixed.merged(&RunningSums::of(batch, dim));
    let factor = 4.0 * all.count as f64;
    for (out, e) in out.chunks_exact_mut(dim).zip(batch.chunks_exact(dim)) {
        for ((out, &e), mean) in out.iter_mut().zip(e).zip(&all.mean) {
            *out = (factor * (f64::from(e) - mean)) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSE: f64 = 1e-10;
    const SINGLE: f64 = 1e-6;

    fn ladder(n: usize, dim: usize, offset: f32) -> Vec<f32> {
        (0..n * dim)
            .map(|k| offset + ((k * 7919) % 101) as f32 / 17.0)
            .collect()
    }

    fn over_all_pairs(e: &[f32], dim: usize) -> f64 {
        let mut sum = 0.0;
        for a in e.chunks_exact(dim) {
            for b in e.chunks_exact(dim) {
                sum += a
                    .iter()
                    .zip(b)
                    .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
                    .sum::<f64>();
            }
        }
        sum
    }

    fn near(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance * (1.0 + b.abs())
    }

    #[test]
    fn the_sum_is_that_of_the_double_loop() {
        for (m, k, dim) in [(0, 3, 5), (1, 1, 2), (7, 10, 3), (40, 5, 13)] {
            let (fixed, batch) = (ladder(m, dim, 1000.0), ladder(k, dim, 1003.0));
            let all = [fixed.as_slice(), batch.as_slice()].concat();
            let sum = spread(&RunningSums::of(&fixed, dim), &batch, dim);
            assert!(
                near(sum, over_all_pairs(&all, dim), CLOSE),
                "{m} {k} {dim}: {sum}"
            );
        }
    }

    #[test]
    fn batch_by_batch_gives_the_sum_of_all_at_once() {
        let dim = 4;
        let all = ladder(60, dim, -3.0);
        let running = all
            .chunks(7 * dim)
            .fold(RunningSums::default(), |sums, batch| {
                sums.merged(&RunningSums::of(batch, dim))
            });
        assert_eq!(running.count(), 60);
        assert!(near(running.total(), over_all_pairs(&all, dim), CLOSE));
    }

    #[test]
    fn the_gradient_is_that_of_the_double_loop() {
        let (m, k, dim) = (6, 4, 3);
        let (fixed, batch) = (ladder(m, dim, 0.0), ladder(k, dim, 2.0));
        let all = [fixed.as_slice(), batch.as_slice()].concat();
        let mut found = vec![f32::NAN; batch.len()];
        gradient(&RunningSums::of(&fixed, dim), &batch, dim, &mut found);
        for i in 0..k {
            for t in 0..dim {
                // Each pair counts twice: d/de_i of 2 sum_j ||e_i - e_j||^2.
                let e = f64::from(batch[i * dim + t]);
                let expected: f64 = all
                    .chunks_exact(dim)
                    .map(|other| 4.0 * (e - f64::from(other[t])))
                    .sum();
                assert!(near(f64::from(found[i * dim + t]), expected, SINGLE));
            }
        }
    }

    #[test]
    fn a_small_cloud_far_from_the_origin_keeps_its_digits() {
        let near_far: Vec<f32> = (0..1000).map(|k| 1e4 + (k % 2) as f32 / 512.0).collect();
        let expected = 2.0 * 500.0 * 500.0 / (512.0 * 512.0);
        assert!(near(RunningSums::of(&near_far, 1).total(), expected, CLOSE));
    }
}
