//! Eigenvalues of a symmetric matrix.

use super::sum_of;

/// The eigenvalues of a symmetric `[n, n]` matrix, in ascending order, each
/// within some `n` roundings of the greatest. Takes time in `n^3`.
pub(super) fn eigenvalues(matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let tridiagonal = tridiagonal(matrix);
    (0..tridiagonal.diagonal.len())
        .map(|index| tridiagonal.eigenvalue(index))
        .collect()
}

/// A symmetric matrix that is zero but on and beside its diagonal.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// What stands left of each diagonal entry; zero for the first.
    beside: Vec<f64>,
}

/// A tridiagonal matrix of the same eigenvalues: each column but the last two
/// is cleared below the diagonal's neighbour by a Householder reflection of the
/// rows and columns after it.
fn tridiagonal(mut matrix: Vec<Vec<f64>>) -> Tridiagonal {
    let n = matrix.len();
    let mut beside = vec![0.0; n];
    for k in 0..n.saturating_sub(1) {
        let after = k + 1;
        let mut v = matrix[k][after..].to_vec();
        let square = dot(&v, &v);
        // Below this a division by it overflows, and the column is as good as clear.
        if square < f64::MIN_POSITIVE {
            continue;
        }
        // Of the two signs, the one that does not cancel.
        beside[after] = -square.sqrt().copysign(v[0]);
        v[0] -= beside[after];
        let factor = 2.0 / dot(&v, &v);
        let mut w: Vec<f64> = matrix[after..]
            .iter()
            .map(|row| factor * dot(&row[after..], &v))
            .collect();
        let half = factor / 2.0 * dot(&w, &v);
        w.iter_mut().zip(&v).for_each(|(w, v)| *w -= half * v);
        for (i, row) in matrix[after..].iter_mut().enumerate() {
            for (entry, (v_j, w_j)) in row[after..].iter_mut().zip(v.iter().zip(&w)) {
                *entry -= v[i] * w_j + w[i] * v_j;
            }
        }
    }
    let diagonal = matrix.iter().enumerate().map(|(i, row)| row[i]).collect();
    Tridiagonal { diagonal, beside }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_of(a, b, |a, b| a * b)
}

impl Tridiagonal {
    /// The eigenvalue that has `index` others below it, by bisection.
    fn eigenvalue(&self, index: usize) -> f64 {
        let reach = self.greatest_row_sum();
        let (mut low, mut high) = (-reach, reach);
        // Each step is a bit.
        for _ in 0..f64::MANTISSA_DIGITS + 1 {
            let middle = (low + high) / 2.0;
            if self.count_below(middle) > index {
                high = middle;
            } else {
                low = middle;
            }
        }
        (low + high) / 2.0
    }

    /// No eigenvalue is greater, nor its opposite (Gershgorin).
    fn greatest_row_sum(&self) -> f64 {
        let right = self.beside.iter().skip(1).chain([&0.0]);
        let rows = self.diagonal.iter().zip(&self.beside).zip(right);
        rows.map(|((on, left), right)| on.abs() + left.abs() + right.abs())
            .fold(0.0, f64::max)
    }

    /// How many eigenvalues are below `x`: as many as `matrix - x` has negative
    /// pivots (Sylvester).
    fn count_below(&self, x: f64) -> usize {
        let mut pivot = 1.0_f64;
        let mut count = 0;
        for (on, beside) in self.diagonal.iter().zip(&self.beside) {
            pivot = on - x - beside * beside / pivot;
            if pivot.abs() < f64::MIN_POSITIVE {
                pivot = -f64::MIN_POSITIVE;
            }
            count += usize::from(pivot < 0.0);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::gaussian;
    use super::*;

    #[track_caller]
    fn assert_eigenvalues(name: &str, matrix: Vec<Vec<f64>>, expected: &[f64]) {
        let found = eigenvalues(matrix);
        assert_eq!(found.len(), expected.len(), "{name}");
        let scale = expected.iter().fold(1.0_f64, |most, e| most.max(e.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let off = (found - expected).abs();
            assert!(off < 1e-12 * scale, "{name}: {found}, not {expected}");
        }
    }

    #[test]
    fn small_matrices_by_hand() {
        assert_eigenvalues("empty", vec![], &[]);
        assert_eigenvalues("one", vec![vec![-3.0]], &[-3.0]);
        assert_eigenvalues("two", vec![vec![2.0, 1.0], vec![1.0, 2.0]], &[1.0, 3.0]);
        assert_eigenvalues("zeros", vec![vec![0.0; 3]; 3], &[0.0; 3]);
        assert_eigenvalues("ones", vec![vec![1.0; 4]; 4], &[0.0, 0.0, 0.0, 4.0]);
        assert_eigenvalues(
            "diagonal",
            vec![
                vec![5.0, 0.0, 0.0],
                vec![0.0, -1.0, 0.0],
                vec![0.0, 0.0, 2.0],
            ],
            &[-1.0, 2.0, 5.0],
        );
        assert_eigenvalues(
            "full",
            vec![
                vec![3.0, 2.0, 4.0],
                vec![2.0, 0.0, 2.0],
                vec![4.0, 2.0, 3.0],
            ],
            &[-1.0, -1.0, 8.0],
        );
    }

    #[test]
    fn a_reflected_diagonal_keeps_its_eigenvalues() {
        const N: usize = 60;
        let mut chosen: Vec<f64> = (0..N).map(|i| (i as f64 - 20.0) / 7.0).collect();
        chosen[30] = chosen[31];
        let mut matrix: Vec<Vec<f64>> = (0..N)
            .map(|i| {
                (0..N)
                    .map(|j| if i == j { chosen[i] } else { 0.0 })
                    .collect()
            })
            .collect();
        for seed in 0..3 {
            let v: Vec<f64> = gaussian(seed, N, 1).into_iter().map(f64::from).collect();
            reflect(&mut matrix, &v);
        }
        chosen.sort_by(f64::total_cmp);
        assert_eigenvalues("three reflections", matrix, &chosen);
    }

    /// `H A H` with `H = 1 - 2 v v' / v'v`, entry by entry.
    fn reflect(matrix: &mut Vec<Vec<f64>>, v: &[f64]) {
        let n = v.len();
        let length: f64 = v.iter().map(|v| v * v).sum();
        let h = |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / length;
        let product = |a: &dyn Fn(usize, usize) -> f64, b: &dyn Fn(usize, usize) -> f64| {
            let entry = |i, j| (0..n).map(|l| a(i, l) * b(l, j)).sum::<f64>();
            let row = |i| (0..n).map(|j| entry(i, j)).collect::<Vec<f64>>();
            (0..n).map(row).collect::<Vec<Vec<f64>>>()
        };
        let left = product(&h, &|i, j| matrix[i][j]);
        *matrix = product(&|i, j| left[i][j], &h);
    }
}
