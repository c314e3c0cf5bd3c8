//! Ops that take each position by itself.

use netfile::Relu;

pub(super) fn relu(a: &Relu, x: &[f64]) -> Vec<f64> {
    let slope = f64::from(a.negative_slope);
    x.iter().map(|x| x.max(0.0) + slope * x.min(0.0)).collect()
}

/// The slope at zero is the one below zero.
pub(super) fn relu_gradient(a: &Relu, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let slope = f64::from(a.negative_slope);
    chain(x, dy, |x| if x > 0.0 { 1.0 } else { slope })
}

pub(super) fn sigmoid(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect()
}

pub(super) fn sigmoid_gradient(x: &[f64], dy: &[f64]) -> Vec<f64> {
    chain(x, dy, |x| 1.0 / ((1.0 + (-x).exp()) * (1.0 + x.exp())))
}

pub(super) fn tanh(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| x.tanh()).collect()
}

pub(super) fn tanh_gradient(x: &[f64], dy: &[f64]) -> Vec<f64> {
    chain(x, dy, |x| 1.0 / x.cosh().powi(2))
}

pub(super) fn product(x: &[&[f64]]) -> Vec<f64> {
    let positions = 0..x[0].len();
    positions
        .map(|i| x.iter().map(|x| x[i]).product())
        .collect()
}

pub(super) fn product_gradient(x: &[&[f64]], dy: &[f64]) -> Vec<Vec<f64>> {
    let others = |k: usize, i: usize| -> f64 {
        let others = x.iter().enumerate().filter(|(j, _)| *j != k);
        others.map(|(_, x)| x[i]).product()
    };
    (0..x.len())
        .map(|k| (0..dy.len()).map(|i| dy[i] * others(k, i)).collect())
        .collect()
}

pub(super) fn maximum(x: &[&[f64]]) -> Vec<f64> {
    (0..x[0].len()).map(|i| x[winner(x, i)][i]).collect()
}

pub(super) fn maximum_gradient(x: &[&[f64]], dy: &[f64]) -> Vec<Vec<f64>> {
    let mut dx = vec![vec![0.0; dy.len()]; x.len()];
    for (i, &dy) in dy.iter().enumerate() {
        dx[winner(x, i)][i] = dy;
    }
    dx
}

/// The input with the greatest value at a position, the first one of equals.
fn winner(x: &[&[f64]], i: usize) -> usize {
    let mut best = 0;
    for k in 1..x.len() {
        if x[k][i] > x[best][i] {
            best = k;
        }
    }
    best
}

fn chain(x: &[f64], dy: &[f64], derivative: impl Fn(f64) -> f64) -> Vec<f64> {
    x.iter()
        .zip(dy)
        .map(|(&x, dy)| dy * derivative(x))
        .collect()
}
