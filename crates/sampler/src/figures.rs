//! Figures of diversity, exact over all pairs of the encodings given.

use serde::{Deserialize, Serialize};

/// Distances among encodings. A high mean alone says little: a few tight
/// clusters far apart have it too, and then the nearest neighbours are close.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diversity {
    /// How many encodings.
    pub count: usize,
    /// Mean distance over unordered pairs.
    pub mean: f64,
    /// Standard deviation of these distances.
    pub std: f64,
    /// Least distance.
    pub least: f64,
    /// Mean distance of an encoding to the nearest other one.
    pub nearest: f64,
}

/// The figures of `[n, dim]` encodings, or none if there are fewer than two.
/// Takes time in `n^2 dim` and memory in `n`.
pub fn diversity(encodings: &[f32], dim: usize) -> Option<Diversity> {
    let count = encodings.len() / dim.max(1);
    if count < 2 {
        return None;
    }
    let row = |i: usize| &encodings[i * dim..(i + 1) * dim];
    let mut nearest = vec![f64::INFINITY; count];
    let (mut pairs, mut mean, mut m2) = (0.0, 0.0, 0.0);
    for i in 0..count {
        for j in i + 1..count {
            let distance = distance(row(i), row(j));
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

/// Euclidean distance.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a - b).powi(2))
        .sum::<f64>()
        .sqrt()
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
}
