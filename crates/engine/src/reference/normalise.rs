//! Ops that weigh the channels at a position against each other.

use netfile::Lrn;

use super::shape::planes;

/// `y[c] = x[c] * scale[c] ^ -beta`.
pub(super) fn lrn(a: &Lrn, shape: &[usize], x: &[f64]) -> Vec<f64> {
    across(shape, x, |x| {
        let scale = scales(a, x);
        let beta = f64::from(a.beta);
        x.iter()
            .zip(scale)
            .map(|(x, s)| x * s.powf(-beta))
            .collect()
    })
}

/// Row `i` of the Jacobian, times `dy`:
/// `dy[j]/dx[i] = [i = j] scale[j] ^ -beta
///              - [i near j] 2 alpha / size * beta * x[j] x[i] scale[j] ^ (-beta - 1)`.
pub(super) fn lrn_gradient(a: &Lrn, shape: &[usize], x: &[f64], dy: &[f64]) -> Vec<f64> {
    across_both(shape, x, dy, |x, dy| {
        let scale = scales(a, x);
        let beta = f64::from(a.beta);
        let weight = 2.0 * f64::from(a.alpha) / a.size as f64 * beta;
        let entry = |j: usize, i: usize| {
            let own = if i == j { scale[j].powf(-beta) } else { 0.0 };
            let near = i.abs_diff(j) <= (a.size - 1) / 2;
            let shared = if near {
                weight * x[j] * x[i] * scale[j].powf(-beta - 1.0)
            } else {
                0.0
            };
            own - shared
        };
        (0..x.len())
            .map(|i| (0..x.len()).map(|j| dy[j] * entry(j, i)).sum())
            .collect()
    })
}

/// `scale[c] = k + alpha / size * sum of squares over the size channels around
/// c`, those that exist.
fn scales(a: &Lrn, x: &[f64]) -> Vec<f64> {
    let near = |c: usize| {
        let channels = x.iter().enumerate();
        channels.filter(move |(j, _)| j.abs_diff(c) <= (a.size - 1) / 2)
    };
    let weight = f64::from(a.alpha) / a.size as f64;
    (0..x.len())
        .map(|c| f64::from(a.k) + weight * near(c).map(|(_, x)| x * x).sum::<f64>())
        .collect()
}

/// `y[c] = exp(x[c]) / sum of exp(x)`, after taking the greatest off every x.
pub(super) fn softmax(shape: &[usize], x: &[f64]) -> Vec<f64> {
    across(shape, x, probabilities)
}

/// Row `i` of the Jacobian `dy[j]/dx[i] = y[j] ([i = j] - y[i])`, times `dy`.
pub(super) fn softmax_gradient(shape: &[usize], x: &[f64], dy: &[f64]) -> Vec<f64> {
    across_both(shape, x, dy, |x, dy| {
        let y = probabilities(x);
        let entry = |j: usize, i: usize| y[j] * (f64::from(u8::from(i == j)) - y[i]);
        (0..y.len())
            .map(|i| (0..y.len()).map(|j| dy[j] * entry(j, i)).sum())
            .collect()
    })
}

fn probabilities(x: &[f64]) -> Vec<f64> {
    let greatest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exp: Vec<f64> = x.iter().map(|x| (x - greatest).exp()).collect();
    let sum: f64 = exp.iter().sum();
    exp.iter().map(|e| e / sum).collect()
}

/// Applies `f` to the channels of each position.
fn across(shape: &[usize], x: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    across_both(shape, x, x, |x, _| f(x))
}

/// Applies `f` to the channels of each position of `x` and of `dy`.
fn across_both(
    shape: &[usize],
    x: &[f64],
    dy: &[f64],
    f: impl Fn(&[f64], &[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let [channels, h, w] = planes(shape);
    let plane = h * w;
    let mut result = vec![0.0; x.len()];
    for position in 0..plane {
        let column = |values: &[f64]| -> Vec<f64> {
            (0..channels)
                .map(|c| values[c * plane + position])
                .collect()
        };
        for (c, value) in f(&column(x), &column(dy)).into_iter().enumerate() {
            result[c * plane + position] = value;
        }
    }
    result
}
