//! How near samples are to references, and how much of them they reach.

use serde::{Deserialize, Serialize};

use super::distances::squared_distance;
use super::rows;

/// Samples against references, by balls around the references.
///
/// With references `X_1..X_N` and samples `Y_1..Y_M`, the ball `B_i` holds all
/// points whose distance from `X_i` is at most that of the `k`-th nearest other
/// reference; its edge belongs to it.
///
/// ```text
/// precision = 1/M     sum_j [ Y_j lies in some B_i ]
/// density   = 1/(k M) sum_j sum_i [ Y_j lies in B_i ]
/// coverage  = 1/N     sum_i [ B_i holds some Y_j ]
/// ```
///
/// Precision is that of Kynkäänniemi et al., "Improved Precision and Recall
/// Metric for Assessing Generative Models" (2019), equations 1 and 2; density
/// and coverage are those of Naeem et al., "Reliable Fidelity and Diversity
/// Metrics for Generative Models" (2020), equations 3 and 4. The published code
/// of the latter leaves the edge of a ball out, which matters only where
/// samples are references themselves.
///
/// What to expect: independent samples of the references' own distribution have
/// density 1 and coverage `1 - prod_{l=1..k} (N - l) / (N + M - l)`, both in
/// the mean: 0.97 at `N = M` and `k = 5`, but 1.00 at 500 samples against 50
/// references. The references as samples have precision 1, coverage 1 and, if
/// no two distances are equal, density `(k + 1) / k`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Share of the samples that lie near a reference, 0 to 1.
    pub precision: f64,
    /// How many references a sample lies near, in units of `k`; may exceed 1.
    pub density: f64,
    /// Share of the references that have a sample near, 0 to 1.
    pub coverage: f64,
}

/// The figures of `[m, dim]` samples against `[n, dim]` references, with balls
/// that reach to the `k`-th neighbour. Takes time in `n (n + m) dim` and memory
/// in `n + m`.
///
/// None if there is no sample, `k` is zero, there are no more than `k`
/// references, a row is cut short or a number is not finite.
pub fn fidelity(samples: &[f32], references: &[f32], dim: usize, k: usize) -> Option<Fidelity> {
    let samples: Vec<&[f32]> = rows(samples, dim)?.collect();
    let references: Vec<&[f32]> = rows(references, dim)?.collect();
    if samples.is_empty() || k == 0 || references.len() <= k {
        return None;
    }
    let mut balls_around = vec![0_usize; samples.len()];
    let mut covered = 0_usize;
    for (i, reference) in references.iter().enumerate() {
        let radius = squared_radius(i, &references, k);
        let mut reached = false;
        for (sample, balls) in samples.iter().zip(&mut balls_around) {
            let inside = squared_distance(reference, sample) <= radius;
            *balls += usize::from(inside);
            reached |= inside;
        }
        covered += usize::from(reached);
    }
    let near = balls_around.iter().filter(|&&balls| balls > 0).count();
    let pairs: usize = balls_around.iter().sum();
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    Some(Fidelity {
        precision: share(near, samples.len()),
        density: share(pairs, k * samples.len()),
        coverage: share(covered, references.len()),
    })
}

/// Squared distance of a reference to the `k`-th nearest of the others.
fn squared_radius(i: usize, references: &[&[f32]], k: usize) -> f64 {
    let mut distances: Vec<f64> = references
        .iter()
        .enumerate()
        .filter(|&(j, _)| j != i)
        .map(|(_, other)| squared_distance(references[i], other))
        .collect();
    *distances.select_nth_unstable_by(k - 1, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::super::tests::gaussian;
    use super::*;

    /// Figures that are fractions of small numbers, and so are exact.
    fn by_hand(precision: f64, density: f64, coverage: f64) -> Option<Fidelity> {
        Some(Fidelity {
            precision,
            density,
            coverage,
        })
    }

    #[test]
    fn points_on_a_line_by_hand() {
        // References 0, 1, 3, 7. k = 1: the balls are [-1, 1], [0, 2], [1, 5], [3, 11].
        // k = 2: [-3, 3], [-1, 3], [0, 6], [1, 13].
        let references = [0.0, 1.0, 3.0, 7.0];
        for (name, samples, k, expected) in [
            ("in two balls", &[0.5][..], 1, by_hand(1.0, 2.0, 0.5)),
            ("on three edges", &[1.0], 1, by_hand(1.0, 3.0, 0.75)),
            ("on the outer edge", &[11.0], 1, by_hand(1.0, 1.0, 0.25)),
            ("beyond it", &[11.001], 1, by_hand(0.0, 0.0, 0.0)),
            (
                "in no ball and in one",
                &[-2.0, 8.0],
                1,
                by_hand(0.5, 0.5, 0.25),
            ),
            ("all reached", &[0.5, 4.0], 1, by_hand(1.0, 2.0, 1.0)),
            (
                "second neighbours",
                &[-2.0, 2.0],
                2,
                by_hand(1.0, 1.25, 1.0),
            ),
        ] {
            assert_eq!(fidelity(samples, &references, 1, k), expected, "{name}");
        }
    }

    #[test]
    fn references_as_samples_are_perfect() {
        let references = gaussian(1, 100, 6);
        for k in [1, 5, 20] {
            // Each ball holds its centre and k neighbours.
            let density = (k + 1) as f64 / k as f64;
            let expected = by_hand(1.0, density, 1.0);
            assert_eq!(
                fidelity(&references, &references, 6, k),
                expected,
                "k = {k}"
            );
        }
    }

    #[test]
    fn equal_references_hold_samples_that_equal_them() {
        let references = [2.0; 7];
        let expected = by_hand(0.5, 0.7, 1.0);
        assert_eq!(fidelity(&[2.0, 2.5], &references, 1, 5), expected);
    }

    #[test]
    fn far_samples_have_nothing_and_one_point_covers_little() {
        let references = gaussian(2, 200, 4);
        assert_eq!(
            fidelity(&[50.0; 40], &references, 4, 5),
            by_hand(0.0, 0.0, 0.0)
        );
        let collapsed = references[..4].repeat(200);
        let figures = fidelity(&collapsed, &references, 4, 5).unwrap();
        assert_eq!(figures.precision, 1.0);
        assert!(figures.coverage < 0.1, "{figures:?}");
    }

    #[test]
    fn a_perfect_sampler_has_the_figures_that_theory_says() {
        const K: usize = 5;
        const DRAWS: u64 = 12;
        for (samples, references, rounded) in [(250, 250, 0.97), (200, 300, 0.92), (500, 50, 1.0)] {
            let (mut density, mut coverage) = (0.0, 0.0);
            for seed in 0..DRAWS {
                let ours = gaussian(100 + seed, samples, 8);
                let theirs = gaussian(200 + seed, references, 8);
                let figures = fidelity(&ours, &theirs, 8, K).unwrap();
                density += figures.density / DRAWS as f64;
                coverage += figures.coverage / DRAWS as f64;
            }
            let missed = |l: usize| (references - l) as f64 / (references + samples - l) as f64;
            let expected = 1.0 - (1..=K).map(missed).product::<f64>();
            let case = format!("{samples} samples against {references}");
            assert!((expected - rounded).abs() < 0.005, "{case}: {expected}");
            assert!((coverage - expected).abs() < 0.012, "{case}: {coverage}");
            assert!((density - 1.0).abs() < 0.06, "{case}: {density}");
        }
    }

    #[test]
    fn too_few_have_none() {
        let five = [0.0, 1.0, 2.0, 3.0, 4.0];
        for (name, samples, references, dim, k) in [
            ("as many references as k", &five[..1], &five[..], 1, 5),
            ("k is zero", &five[..1], &five, 1, 0),
            ("no sample", &[], &five, 1, 2),
            ("no reference", &five, &[], 1, 2),
            ("a row cut short", &five[..3], &five[..4], 2, 1),
            ("rows of nothing", &five, &five, 0, 2),
            ("not a number", &[f32::NAN], &five, 1, 2),
        ] {
            assert_eq!(fidelity(samples, references, dim, k), None, "{name}");
        }
        assert!(fidelity(&five, &five, 1, 4).is_some());
    }
}
