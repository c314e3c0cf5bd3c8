//! The linear ops: `y[o] = constant[o] + sum of c * x[k][i]` over their terms.

use netfile::{Convolution, Crop, Op};

use super::shape::planes;
use super::{Layer, pool, size};

pub(super) fn forward(layer: &Layer<'_>, x: &[&[f64]]) -> Vec<f64> {
    let mut y = constant(layer);
    terms(layer, |k, o, i, c| y[o] += c * x[k][i]);
    y
}

pub(super) fn gradient(layer: &Layer<'_>, dy: &[f64]) -> Vec<Vec<f64>> {
    let mut dx: Vec<Vec<f64>> = layer.x.iter().map(|x| vec![0.0; size(x)]).collect();
    terms(layer, |k, o, i, c| dx[k][i] += c * dy[o]);
    dx
}

/// What the op adds to its output wherever the input is: one number per
/// channel, or none.
fn constant(layer: &Layer<'_>) -> Vec<f64> {
    let per_channel = match layer.op {
        Op::Convolution(a) | Op::TransposedConvolution(a) => a.bias.then(|| layer.tensor("bias")),
        Op::InnerProduct(a) => a.bias.then(|| layer.tensor("bias")),
        Op::Scale => Some(layer.tensor("bias")),
        Op::BatchNorm(_) => {
            let means = layer.tensor("mean").into_iter();
            Some(means.zip(factors(layer)).map(|(m, a)| -m * a).collect())
        }
        _ => None,
    };
    let len = size(&layer.y);
    match per_channel {
        Some(b) => (0..len).map(|o| b[o / (len / b.len())]).collect(),
        None => vec![0.0; len],
    }
}

/// Calls `term(k, o, i, c)` for every product `c * x[k][i]` in the sum `y[o]`.
fn terms(layer: &Layer<'_>, mut term: impl FnMut(usize, usize, usize, f64)) {
    let (x, y) = (&layer.x[0], &layer.y);
    match layer.op {
        Op::Convolution(a) => {
            let w = layer.tensor("weight");
            correlation(a, planes(x), planes(y), &w, |o, i, c| term(0, o, i, c));
        }
        // The transpose of the convolution that leads from y to x; it is that
        // convolution's weight in that convolution's layout.
        Op::TransposedConvolution(a) => {
            let w = layer.tensor("weight");
            correlation(a, planes(y), planes(x), &w, |o, i, c| term(0, i, o, c));
        }
        Op::InnerProduct(_) => {
            let w = layer.tensor("weight");
            let units = size(x);
            for (at, &c) in w.iter().enumerate() {
                term(0, at / units, at % units, c);
            }
        }
        Op::Pool(a) => pool::average(a, layer, |o, i, c| term(0, o, i, c)),
        Op::BatchNorm(_) | Op::Scale => {
            let factors = factors(layer);
            let plane = size(x) / factors.len();
            for i in 0..size(x) {
                term(0, i, i, factors[i / plane]);
            }
        }
        Op::Eltwise(a) => {
            for k in 0..layer.x.len() {
                let c = a.coefficients.get(k).map_or(1.0, |&c| f64::from(c));
                for i in 0..size(x) {
                    term(k, i, i, c);
                }
            }
        }
        Op::Concat => {
            let mut o = 0;
            for (k, x) in layer.x.iter().enumerate() {
                for i in 0..size(x) {
                    term(k, o, i, 1.0);
                    o += 1;
                }
            }
        }
        Op::Crop(a) => crop(a, planes(x), |o, i| term(0, o, i, 1.0)),
        Op::Flatten | Op::Reshape(_) | Op::Dropout => {
            for i in 0..size(x) {
                term(0, i, i, 1.0);
            }
        }
        Op::Relu(_) | Op::Sigmoid | Op::Tanh | Op::Lrn(_) | Op::Softmax => {
            unreachable!("{} is not linear", layer.op.name())
        }
    }
}

/// The factor of each channel.
fn factors(layer: &Layer<'_>) -> Vec<f64> {
    match layer.op {
        Op::BatchNorm(a) => {
            let variances = layer.tensor("variance").into_iter();
            variances
                .map(|v| 1.0 / (v + f64::from(a.epsilon)).sqrt())
                .collect()
        }
        _ => layer.tensor("weight"),
    }
}

/// The terms of a convolution from `x` to `y`, both channels, height, width.
/// The weight is `[out, in / groups, kh, kw]`; output channel `o` sees the
/// input channels of group `o / (out / groups)`.
fn correlation(
    a: &Convolution,
    x: [usize; 3],
    y: [usize; 3],
    weight: &[f64],
    mut term: impl FnMut(usize, usize, f64),
) {
    let ([x_channels, xh, xw], [y_channels, yh, yw]) = (x, y);
    let (x_group, y_group) = (x_channels / a.groups, y_channels / a.groups);
    let [kh, kw] = a.kernel;
    for co in 0..y_channels {
        for ci in 0..x_group {
            let channel = co / y_group * x_group + ci;
            for ky in 0..kh {
                for kx in 0..kw {
                    let c = weight[((co * x_group + ci) * kh + ky) * kw + kx];
                    for oy in 0..yh {
                        for ox in 0..yw {
                            let iy = oy * a.stride[0] + ky * a.dilation[0];
                            let ix = ox * a.stride[1] + kx * a.dilation[1];
                            let inside = iy >= a.pad[0]
                                && ix >= a.pad[1]
                                && iy - a.pad[0] < xh
                                && ix - a.pad[1] < xw;
                            if inside {
                                let i = (channel * xh + iy - a.pad[0]) * xw + ix - a.pad[1];
                                term((co * yh + oy) * yw + ox, i, c);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn crop(a: &Crop, [channels, h, w]: [usize; 3], mut copy: impl FnMut(usize, usize)) {
    let [yh, yw] = a.size;
    for c in 0..channels {
        for oy in 0..yh {
            for ox in 0..yw {
                let i = (c * h + oy + a.offset[0]) * w + ox + a.offset[1];
                copy((c * yh + oy) * yw + ox, i);
            }
        }
    }
}
