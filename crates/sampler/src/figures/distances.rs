//! Distances among encodings, exact over all pairs.

use serde::{Deserialize, Serialize};

use super::{rows, sum_of};

/// Distances among encodings. A high mean alone says little: a few tight
/// clusters far apart have it too, and then the nearest neighbours are close.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diversity {
    /// How many encodings.
    pub count: usize,
    /// Mean distance over unordered pairs.
    pub mean: f64,
    /// Standard deviation of these distances, over all pairs, not all but one.
    pub std: f64,
    /// Least distance.
    pub least: f64,
    /// Mean distance of an encoding to the nearest other one.
    pub nearest: f64,
}

/// The figures of `[n, dim]` encodings. Takes time in `n^2 dim` and memory in
/// `n`.
///
/// None if there are fewer than two, a row is cut short or a number is not
/// finite.
pub fn diversity(encodings: &[f32], dim: usize) -> Option<Diversity> {
    let rows: Vec<&[f32]> = rows(encodings, dim)?.collect();
    let count = rows.len();
    if count < 2 {
        return None;
    }
    let mut nearest = vec![f64::INFINITY; count];
    let (mut pairs, mut mean, mut m2) = (0.0, 0.0, 0.0);
    for i in 0..count {
        for j in i + 1..count {
            let distance = distance(rows[i], rows[j]);
            nearest[i] = nearest[i].min(distance);
            nearest[j] = nearest[j].min(distance);
            pairs += 1.0;
            let apart = distance - mean;
            mean += apart / pairs;
            m2 += apart * (distance - mean);
        }
    }
    Some(Diversity {
        count,
        mean,
        std: f64::sqrt(m2 / pairs),
        least: nearest.iter().copied().fold(f64::INFINITY, f64::min),
        nearest: nearest.iter().sum::<f64>() / count as f64,
    })
}

/// Euclidean distance of two points of equal length.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    squared_distance(a, b).sqrt()
}

/// Square of the Euclidean distance; the same number for (a, b) and (b, a).
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    sum_of(a, b, |a, b| (f64::from(a) - f64::from(b)).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSE: f64 = 1e-12;

    #[test]
    fn a_right_triangle_by_hand() {
        let figures = diversity(&[0.0, 0.0, 3.0, 0.0, 0.0, 4.0], 2).unwrap();
        // Distances 3, 4, 5; nearest neighbours at 3, 3, 4.
        assert_eq!(figures.count, 3);
        assert!((figures.mean - 4.0).abs() <= CLOSE);
        assert!((figures.std - f64::sqrt(2.0 / 3.0)).abs() <= CLOSE);
        assert!((figures.least - 3.0).abs() <= CLOSE);
        assert!((figures.nearest - 10.0 / 3.0).abs() <= CLOSE);
    }

    #[test]
    fn fewer_than_two_have_none() {
        assert_eq!(diversity(&[1.0, 2.0], 2), None);
        assert_eq!(diversity(&[], 0), None);
    }

    #[test]
    fn a_small_step_far_from_zero_is_not_rounded_away() {
        // 1 / 16 - 2^24 is no f32.
        let (a, b) = ([16_777_216.0], [0.0625]);
        assert_eq!(distance(&a, &b), 16_777_215.937_5);
    }
}
