//! The Vendi score: a number of different samples.

use super::eigenvalues::eigenvalues;
use super::{rows, sum_of};

/// The Vendi score of `[n, dim]` encodings (Friedman and Dieng, "The Vendi
/// Score", 2023): with the kernel `K_ij = cos(e_i, e_j)` and the eigenvalues
/// `l` of `K / n`, it is
///
/// ```text
/// exp( - sum_l  l ln l )
/// ```
///
/// between 1, all encodings in one direction, and `min(n, dim + 1)`: `n` where
/// all are at right angles. Encodings of nothing but zeros have no direction;
/// they count as equal, and at right angles to all others.
///
/// Takes time in `n dim s + s^3` and memory in `n dim + s^2`, where `s` is the
/// less of `n` and `dim`.
///
/// None if there is no encoding, a row is cut short or a number is not finite.
pub fn vendi(encodings: &[f32], dim: usize) -> Option<f64> {
    let rows = rows(encodings, dim)?;
    let count = rows.len();
    let directions: Vec<Vec<f64>> = rows.filter_map(direction).collect();
    if count == 0 {
        return None;
    }
    let zeros = count - directions.len();
    // K and the dim x dim matrix of the same products have the same eigenvalues
    // but for zeros.
    let products = if dim < directions.len() {
        gram(&transposed(&directions, dim))
    } else {
        gram(&directions)
    };
    let entropy: f64 = eigenvalues(products)
        .into_iter()
        .chain([zeros as f64])
        .map(|value| value / count as f64)
        .filter(|&share| share > 0.0)
        .map(|share| -share * share.ln())
        .sum();
    Some(entropy.exp())
}

/// An encoding divided by its length, or none if that is zero.
fn direction(encoding: &[f32]) -> Option<Vec<f64>> {
    let square = |a: f32, b: f32| f64::from(a) * f64::from(b);
    let length = sum_of(encoding, encoding, square).sqrt();
    let divided = |&value: &f32| f64::from(value) / length;
    (length > 0.0).then(|| encoding.iter().map(divided).collect())
}

/// `dim` rows out of rows of `dim` numbers.
fn transposed(rows: &[Vec<f64>], dim: usize) -> Vec<Vec<f64>> {
    let column = |j: usize| rows.iter().map(|row| row[j]).collect();
    (0..dim).map(column).collect()
}

/// The scalar products of all pairs of rows.
pub(super) fn gram(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut products = vec![vec![0.0; rows.len()]; rows.len()];
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate().take(i + 1) {
            let product = sum_of(a, b, |a, b| a * b);
            products[i][j] = product;
            products[j][i] = product;
        }
    }
    products
}

#[cfg(test)]
mod tests {
    use super::super::tests::gaussian;
    use super::*;

    const CLOSE: f64 = 1e-9;

    /// `n` rows of `dim` numbers that have one number other than zero each.
    fn orthogonal(n: usize, dim: usize) -> Vec<f32> {
        let mut encodings = vec![0.0; n * dim];
        for i in 0..n {
            encodings[i * dim + i] = (i + 1) as f32;
        }
        encodings
    }

    #[test]
    fn known_sets_have_known_scores() {
        // cos 60 degrees: eigenvalues 1.5 and 0.5 of two.
        let sixty = (-(0.75 * f64::ln(0.75) + 0.25 * f64::ln(0.25))).exp();
        for (name, encodings, dim, expected) in [
            ("one", vec![3.0, 4.0], 2, 1.0),
            ("equal, more than dim", [0.3, -2.0, 1.0].repeat(40), 3, 1.0),
            (
                "equal, fewer than dim",
                [0.3, -2.0, 1.0, 9.0].repeat(3),
                4,
                1.0,
            ),
            (
                "one direction, many lengths",
                vec![1.0, 2.0, 5.0, 1e-3],
                1,
                1.0,
            ),
            ("at right angles, n = dim", orthogonal(30, 30), 30, 30.0),
            ("at right angles, n < dim", orthogonal(12, 50), 50, 12.0),
            (
                "each direction three times",
                orthogonal(7, 7).repeat(3),
                7,
                7.0,
            ),
            (
                "at sixty degrees",
                vec![1.0, 0.0, 1.0, f32::sqrt(3.0)],
                2,
                sixty,
            ),
            (
                "zeros count as one direction",
                vec![0.0, 0.0, 1.0, 0.0],
                1,
                2.0_f64.powf(0.811_278_124_459_132_9),
            ),
            ("all zeros", vec![0.0; 6], 2, 1.0),
        ] {
            let score = vendi(&encodings, dim).unwrap();
            assert!(
                (score - expected).abs() < 1e-6,
                "{name}: {score}, not {expected}"
            );
        }
    }

    #[test]
    fn both_sides_of_the_kernel_give_the_same_score() {
        let (n, dim) = (20, 30);
        let wide = gaussian(5, n, dim);
        // Thirty columns of zeros more change no angle; twice the rows neither.
        let twice = vendi(&wide.repeat(2), dim).unwrap();
        let padded: Vec<f32> = wide
            .chunks_exact(dim)
            .flat_map(|row| row.iter().copied().chain([0.0; 30]))
            .collect();
        let once = vendi(&wide, dim).unwrap();
        assert!((once - twice).abs() < CLOSE, "{once} {twice}");
        assert!((once - vendi(&padded, 2 * dim).unwrap()).abs() < CLOSE);
        assert!(once > 10.0 && once < 20.0, "{once}");
    }

    #[test]
    fn nothing_has_no_score() {
        for (encodings, dim) in [(&[][..], 3), (&[1.0], 0), (&[1.0], 2), (&[f32::NAN], 1)] {
            assert_eq!(vendi(encodings, dim), None, "{encodings:?} by {dim}");
        }
    }
}
