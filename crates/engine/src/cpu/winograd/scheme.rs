//! Winograd's transforms along one axis.
//!
//! `M` outputs of a kernel of `R` taps need `N = M + R - 1` products instead of
//! `M R`: kernel and data are seen as polynomials, evaluated at `N - 1` points
//! and at infinity, multiplied value by value, and brought back (Lavin and
//! Gray, *Fast Algorithms for Convolutional Neural Networks*). The points are
//! 0, 1, -1 for `N` of 4 and 0, [`A`], `-A`, [`B`], `-B` for 6. What is done to
//! the data depends on `N` only, what is done to the products on `N` and `M`.

use crate::cpu::Simd;

/// The greatest `N`.
pub(super) const MOST: usize = 6;

/// Values along an axis of a tile, the first `N` or `M` of which count.
pub(super) type Line<V> = [V; MOST];

/// A scheme `F(M, R)`.
pub(super) trait Scheme: Copy + Send + Sync {
    const N: usize;
    const M: usize;

    /// Of `N` pixels.
    fn data<S: Simd>(simd: S, d: Line<S::V>) -> Line<S::V>;

    /// From `N` products to `M` outputs.
    fn outputs<S: Simd>(simd: S, m: Line<S::V>) -> Line<S::V>;
}

/// Points that round less than the usual 1 and 2, because no factor is far from
/// 1; their powers are exact.
const A: f32 = 0.625;
const B: f32 = 1.5;

/// The greatest `R`.
pub(super) const TAPS: usize = 5;

/// What is done to a kernel of `taps` taps: the matrix that makes `n` values of
/// them.
pub(super) fn kernel(n: usize, taps: usize) -> [[f64; TAPS]; MOST] {
    let (a, b) = (f64::from(A), f64::from(B));
    let points: &[f64] = match n {
        4 => &[0.0, 1.0, -1.0],
        6 => &[0.0, a, -a, b, -b],
        _ => unreachable!("a scheme of 4 or 6 products"),
    };
    let mut matrix = [[0.0; TAPS]; MOST];
    for (row, &point) in matrix.iter_mut().zip(points) {
        let others = points.iter().filter(|&&other| other != point);
        let factor: f64 = others.map(|other| point - other).product();
        for (t, value) in row.iter_mut().enumerate().take(taps) {
            *value = point.powi(t as i32) / factor;
        }
    }
    matrix[n - 1][taps - 1] = 1.0;
    matrix
}

/// Three outputs of two taps: the phases of a transposed convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct F3x2;

impl Scheme for F3x2 {
    const N: usize = 4;
    const M: usize = 3;

    #[inline(always)]
    fn data<S: Simd>(simd: S, d: Line<S::V>) -> Line<S::V> {
        let mut v = d;
        v[0] = simd.sub(d[2], d[0]);
        v[1] = simd.add(d[1], d[2]);
        v[2] = simd.sub(d[2], d[1]);
        v[3] = simd.sub(d[3], d[1]);
        v
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: Line<S::V>) -> Line<S::V> {
        let mut y = m;
        let sum = simd.add(m[1], m[2]);
        y[0] = simd.add(m[0], sum);
        y[1] = simd.sub(m[1], m[2]);
        y[2] = simd.add(sum, m[3]);
        y
    }
}

/// Six products: what the two schemes below do to the data.
#[inline(always)]
fn data_of_6<S: Simd>(simd: S, d: Line<S::V>) -> Line<S::V> {
    let squares = simd.splat(-A * A - B * B);
    let product = simd.splat(A * A * B * B);
    let pair = |point: f32, other: f32| {
        let square = simd.splat(-other * other);
        let even = simd.mul_add(square, d[2], d[4]);
        let odd = simd.mul(simd.splat(point), simd.mul_add(square, d[1], d[3]));
        [simd.add(even, odd), simd.sub(even, odd)]
    };
    let [a, minus_a] = pair(A, B);
    let [b, minus_b] = pair(B, A);
    [
        simd.mul_add(product, d[0], simd.mul_add(squares, d[2], d[4])),
        a,
        minus_a,
        b,
        minus_b,
        simd.mul_add(product, d[1], simd.mul_add(squares, d[3], d[5])),
    ]
}

/// Output `power` of six products but for the one at infinity: the sum over
/// all points of the product times a power of the point.
#[inline(always)]
fn output_of_6<S: Simd>(simd: S, m: &Line<S::V>, power: i32) -> S::V {
    let [a, b] = match power % 2 {
        0 => [simd.add(m[1], m[2]), simd.add(m[3], m[4])],
        _ => [simd.sub(m[1], m[2]), simd.sub(m[3], m[4])],
    };
    if power == 0 {
        return simd.add(m[0], simd.add(a, b));
    }
    let of_a = simd.mul(simd.splat(A.powi(power)), a);
    simd.mul_add(simd.splat(B.powi(power)), b, of_a)
}

/// Four outputs of three taps.
#[derive(Clone, Copy, Debug)]
pub(super) struct F4x3;

impl Scheme for F4x3 {
    const N: usize = 6;
    const M: usize = 4;

    #[inline(always)]
    fn data<S: Simd>(simd: S, d: Line<S::V>) -> Line<S::V> {
        data_of_6(simd, d)
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: Line<S::V>) -> Line<S::V> {
        let mut y = m;
        y[0] = output_of_6(simd, &m, 0);
        y[1] = output_of_6(simd, &m, 1);
        y[2] = output_of_6(simd, &m, 2);
        y[3] = simd.add(output_of_6(simd, &m, 3), m[5]);
        y
    }
}

/// Two outputs of five taps.
#[derive(Clone, Copy, Debug)]
pub(super) struct F2x5;

impl Scheme for F2x5 {
    const N: usize = 6;
    const M: usize = 2;

    #[inline(always)]
    fn data<S: Simd>(simd: S, d: Line<S::V>) -> Line<S::V> {
        data_of_6(simd, d)
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: Line<S::V>) -> Line<S::V> {
        let mut y = m;
        y[0] = output_of_6(simd, &m, 0);
        y[1] = simd.add(output_of_6(simd, &m, 1), m[5]);
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instructions;
    use crate::cpu::Kernel;
    use std::marker::PhantomData;

    struct Correlate<T>(PhantomData<T>, Vec<f64>, [f32; MOST]);

    impl<T: Scheme> Kernel for Correlate<T> {
        type Output = [f32; MOST];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [f32; MOST] {
            let weights = kernel(T::N, self.1.len())
                .map(|row| row.iter().zip(&self.1).map(|(a, b)| a * b).sum::<f64>());
            let data = T::data(simd, self.2.map(|d| simd.splat(d)));
            let mut products = data;
            for (product, weight) in products.iter_mut().zip(weights) {
                *product = simd.mul(*product, simd.splat(weight as f32));
            }
            T::outputs(simd, products).map(|y| simd.sum(y) / S::LANES as f32)
        }
    }

    fn check<T: Scheme>(of: T) {
        let _ = of;
        let taps: Vec<f64> = (0..=T::N - T::M)
            .map(|t| [3.0, -1.0, 2.0, 5.0, -4.0][t])
            .collect();
        let data = [2.0, -3.0, 1.0, 4.0, -2.0, 5.0];
        for instructions in Instructions::available() {
            let found = instructions.dispatch(Correlate::<T>(PhantomData, taps.clone(), data));
            for (i, found) in found.iter().take(T::M).enumerate() {
                let terms = taps.iter().zip(&data[i..]);
                let expected: f64 = terms.map(|(t, &d)| t * f64::from(d)).sum();
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-4,
                    "{found} {expected}"
                );
            }
        }
    }

    #[test]
    fn outputs_are_sums_over_taps() {
        check(F3x2);
        check(F4x3);
        check(F2x5);
    }
}
