//! The plane in which encodings differ most.

use rand_distr::{Distribution, StandardNormal};

use super::vendi::gram;
use super::{keyed, rows, sum_of};

/// Encodings seen in their first two principal components.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Where each encoding lies, `[n]`; the mean of all lies at 0.
    pub points: Vec<[f64; 2]>,
    /// Which share of the variance of all components either direction has.
    pub shares: [f64; 2],
}

/// Most steps of the power iteration. More would only turn two directions of
/// nearly the same variance into each other.
const STEPS: usize = 1000;

/// A direction that moves by less in a step is found.
const STILL: f64 = 1e-10;

/// The plane of `[n, dim]` encodings. Of either direction that end is positive
/// which reaches farther from the mean. Takes time in `n^2 dim` and memory in
/// `n (n + dim)`.
///
/// None if there is no encoding, a row is cut short or a number is not finite.
pub fn plane(encodings: &[f32], dim: usize) -> Option<Plane> {
    let rows = rows(encodings, dim)?;
    let count = rows.len();
    if count == 0 {
        return None;
    }
    let mut mean = vec![0.0; dim];
    for row in rows.clone() {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, &e)| *m += f64::from(e));
    }
    mean.iter_mut().for_each(|mean| *mean /= count as f64);
    let centred = |row: &[f32]| {
        row.iter()
            .zip(&mean)
            .map(|(&e, m)| f64::from(e) - m)
            .collect()
    };
    let centred: Vec<Vec<f64>> = rows.map(centred).collect();
    // Its eigenvectors are the points' coordinates, up to their lengths.
    let products = gram(&centred);
    let variance: f64 = (0..count).map(|i| products[i][i]).sum();
    let first = leading(&products, &[]);
    let second = leading(&products, std::slice::from_ref(&first.1));
    let axes = [first, second].map(|(value, axis)| (value.max(0.0), axis));
    let share = |value: f64| {
        if variance > 0.0 {
            value / variance
        } else {
            0.0
        }
    };
    Some(Plane {
        points: (0..count)
            .map(|i| [0, 1].map(|k| axes[k].0.sqrt() * axes[k].1[i]))
            .collect(),
        shares: [0, 1].map(|k| share(axes[k].0)),
    })
}

/// The greatest eigenvalue of a symmetric matrix without negative ones, and its
/// eigenvector of length 1, among the directions at right angles to those
/// found; zeros where none is left.
fn leading(matrix: &[Vec<f64>], found: &[Vec<f64>]) -> (f64, Vec<f64>) {
    let mut random = keyed(found.len() as u64, matrix.len() as u64, b"plane   ");
    let mut axis: Vec<f64> = (0..matrix.len())
        .map(|_| StandardNormal.sample(&mut random))
        .collect();
    let mut value = 0.0;
    // The start's own length says nothing of the matrix.
    remove(&mut axis, found);
    if normalise(&mut axis) == 0.0 {
        return (0.0, axis);
    }
    for _ in 0..STEPS {
        let mut next: Vec<f64> = matrix.iter().map(|row| dot(row, &axis)).collect();
        value = dot(&next, &axis);
        remove(&mut next, found);
        // What rounding leaves of a matrix that is used up is no direction.
        let scale = matrix
            .iter()
            .enumerate()
            .map(|(i, row)| row[i])
            .sum::<f64>();
        if dot(&next, &next).sqrt() <= scale * 1e-14 {
            return (0.0, vec![0.0; matrix.len()]);
        }
        normalise(&mut next);
        let moved = next.iter().zip(&axis).map(|(a, b)| (a - b).abs());
        let still = moved.fold(0.0, f64::max) < STILL;
        axis = next;
        if still {
            break;
        }
    }
    // The mean is 0, so that the one that is farthest off decides.
    let farthest = axis
        .iter()
        .fold(0.0_f64, |far, &at| match at.abs() > far.abs() {
            true => at,
            false => far,
        });
    if farthest < 0.0 {
        axis.iter_mut().for_each(|at| *at = -*at);
    }
    (value, axis)
}

/// Leaves what is at right angles to the directions found.
fn remove(axis: &mut [f64], found: &[Vec<f64>]) {
    for other in found {
        let along = dot(axis, other);
        axis.iter_mut()
            .zip(other)
            .for_each(|(a, o)| *a -= along * o);
    }
}

/// Makes it one of length 1, unless it is 0; gives its length.
fn normalise(axis: &mut [f64]) -> f64 {
    let length = dot(axis, axis).sqrt();
    if length > 0.0 {
        axis.iter_mut().for_each(|a| *a /= length);
    }
    length
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_of(a, b, |a, b| a * b)
}

#[cfg(test)]
mod tests {
    use super::super::tests::gaussian;
    use super::*;

    const CLOSE: f64 = 1e-6;

    /// Points on two axes of a space of three, far from its origin.
    const CROSS: [f32; 12] = [
        14.0, 5.0, 7.0, 6.0, 5.0, 7.0, 10.0, 5.0, 9.0, 10.0, 5.0, 5.0,
    ];

    #[track_caller]
    fn assert_near(found: [f64; 2], expected: [f64; 2]) {
        let off = (0..2).map(|k| (found[k] - expected[k]).abs());
        assert!(
            off.fold(0.0, f64::max) < CLOSE,
            "{found:?}, not {expected:?}"
        );
    }

    #[test]
    fn a_cross_by_hand() {
        let Plane { points, shares } = plane(&CROSS, 3).unwrap();
        assert_near(shares, [0.8, 0.2]);
        // Which of two ends at the same distance is positive is left to rounding.
        assert_near([points[0][0].abs(), points[0][1]], [4.0, 0.0]);
        assert_near([points[1][0], points[1][1]], [-points[0][0], 0.0]);
        assert_near([points[2][0], points[2][1].abs()], [0.0, 2.0]);
        assert_near([points[3][0], points[3][1]], [0.0, -points[2][1]]);
    }

    #[test]
    fn distances_within_a_plane_are_kept() {
        // Two directions of ten, and numbers of two standard deviations.
        let (n, dim) = (60, 10);
        let numbers = gaussian(3, n, 2);
        let spread = |row: &[f32]| {
            let mut wide = vec![1.0; dim];
            wide[2] += 3.0 * row[0];
            wide[7] += 4.0 * row[0];
            wide[5] += row[1];
            wide
        };
        let encodings: Vec<f32> = numbers.chunks_exact(2).flat_map(spread).collect();
        let Plane { points, shares } = plane(&encodings, dim).unwrap();
        assert!((shares[0] + shares[1] - 1.0).abs() < CLOSE, "{shares:?}");
        for (i, j) in [(0, 1), (5, 40), (59, 2)] {
            let row = |i: usize| &encodings[i * dim..][..dim];
            let expected = crate::figures::distance(row(i), row(j));
            let found = f64::hypot(points[i][0] - points[j][0], points[i][1] - points[j][1]);
            assert!((found - expected).abs() < 1e-4, "{found}, not {expected}");
        }
    }

    #[test]
    fn the_far_end_is_positive() {
        let encodings = [0.0, -9.0, 1.0, 2.0, 0.5, -0.5];
        let Plane { points, .. } = plane(&encodings, 1).unwrap();
        assert!((points[1][0] - 8.0).abs() < CLOSE, "{points:?}");
        assert!(
            points.iter().all(|point| point[1].abs() < CLOSE),
            "{points:?}"
        );
    }

    #[test]
    fn equal_encodings_lie_at_the_mean() {
        for n in 1..4 {
            let Plane { points, shares } = plane(&[3.0, 0.1].repeat(n), 2).unwrap();
            assert_eq!((points, shares), (vec![[0.0; 2]; n], [0.0; 2]));
        }
        assert_eq!(plane(&[], 2), None);
        assert_eq!(plane(&[1.0, f32::NAN], 2), None);
    }
}
