//! Repulsion between near neighbours.
//!
//! The sum of squared distances pushes every encoding away from the mean of
//! all and does nothing for two that lie together at the edge of the cloud.
//! Here each encoding is pushed away from the few nearest others:
//!
//! ```text
//! R_i = sum of log ||e_i - e_j|| over the nearest e_j
//! dR_i/de_i = sum of (e_i - e_j) / ||e_i - e_j||^2
//! ```
//!
//! The gradient is multiplied by the distance to the nearest, so that it has
//! no unit.

/// Writes the gradient for each encoding of `batch` (`[n, dim]`, overwritten),
/// against its `near` nearest ones among `fixed` (`[m, dim]`) and the rest of
/// the batch. Equal encodings have no direction away from each other and are
/// passed over.
pub fn gradient(fixed: &[f32], batch: &[f32], dim: usize, near: usize, out: &mut [f32]) {
    let rows = |all: &'_ [f32]| all.len() / dim;
    for (i, out) in out.chunks_exact_mut(dim).enumerate().take(rows(batch)) {
        let e = &batch[i * dim..(i + 1) * dim];
        let others = batch.chunks_exact(dim).enumerate();
        let others = others.filter(|(j, _)| *j != i).map(|(_, other)| other);
        let neighbours = nearest(e, fixed.chunks_exact(dim).chain(others), near);
        out.fill(0.0);
        let Some(&(least, _)) = neighbours.first() else {
            continue;
        };
        for (square, other) in neighbours {
            let factor = (least.sqrt() / square) as f32;
            for ((out, e), other) in out.iter_mut().zip(e).zip(other) {
                *out += factor * (e - other);
            }
        }
    }
}

/// The nearest others by squared distance, in order, none of them equal.
fn nearest<'a>(
    e: &[f32],
    others: impl Iterator<Item = &'a [f32]>,
    near: usize,
) -> Vec<(f64, &'a [f32])> {
    let mut found: Vec<(f64, &[f32])> = Vec::with_capacity(near + 1);
    for other in others {
        let apart = e.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2));
        let square: f64 = apart.sum();
        if square > 0.0 {
            let place = found.partition_point(|(known, _)| *known <= square);
            if place < near {
                found.insert(place, (square, other));
                found.truncate(near);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fixed: &[f32], batch: &[f32], near: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; batch.len()];
        gradient(fixed, batch, 2, near, &mut out);
        out
    }

    #[test]
    fn two_neighbours_by_hand() {
        // At distances 1 and 2: (1, 0) / 1 and, in units of the nearest, (0, 2) / 4.
        let fixed = [-1.0, 0.0, 0.0, -2.0, 9.0, 9.0];
        assert_eq!(of(&fixed, &[0.0, 0.0], 2), [1.0, 0.5]);
        assert_eq!(of(&fixed, &[0.0, 0.0], 1), [1.0, 0.0]);
    }

    #[test]
    fn it_has_no_unit() {
        let scaled = |s: f32| of(&[-s, 0.0, 0.0, -2.0 * s], &[0.0, 0.0, 0.5 * s, 0.0], 3);
        assert_eq!(scaled(1.0), scaled(1024.0));
    }

    #[test]
    fn equal_ones_and_none_push_nowhere() {
        assert_eq!(of(&[], &[3.0, 4.0], 5), [0.0, 0.0]);
        assert_eq!(of(&[3.0, 4.0], &[3.0, 4.0], 5), [0.0, 0.0]);
        assert_eq!(of(&[3.0, 4.0, 3.0, 2.0], &[3.0, 4.0], 5), [0.0, 1.0]);
    }

    #[test]
    fn it_is_the_gradient_of_the_sum_of_logarithms() {
        let fixed = [-1.0, 0.2, 0.3, -2.0, 1.5, 1.0];
        let e = [0.1_f32, 0.4];
        let sum = |e: [f64; 2]| -> f64 {
            let apart = |o: &[f32]| f64::hypot(e[0] - f64::from(o[0]), e[1] - f64::from(o[1])).ln();
            fixed.chunks_exact(2).map(apart).sum()
        };
        let distances = fixed
            .chunks_exact(2)
            .map(|o| f32::hypot(e[0] - o[0], e[1] - o[1]));
        let least = f64::from(distances.fold(f32::INFINITY, f32::min));
        let found = of(&fixed, &e, 3);
        let e = e.map(f64::from);
        let h = 1e-6;
        for axis in 0..2 {
            let (mut up, mut down) = (e, e);
            up[axis] += h;
            down[axis] -= h;
            let slope = (sum(up) - sum(down)) / (2.0 * h) * least;
            assert!(
                (slope - f64::from(found[axis])).abs() < 1e-5,
                "{slope} {found:?}"
            );
        }
    }
}
