//! Gradients against central differences, entry by entry.

use netfile::{
    BatchNorm, Convolution, Crop, Eltwise, EltwiseOperation, InnerProduct, Lrn, NetworkFile, Op,
    Pool, PoolMethod, Relu, Reshape, Rounding,
};

use super::super::{forward, gradient};
use super::{convolution, network};

/// Half the distance between the two points of a difference.
const STEP: f64 = 1e-5;
/// Distance between neighbouring values of an input: no step crosses a kink or
/// a tie.
const RUNG: f64 = 0.03;
/// The error of a difference: the step's square times the third derivative,
/// and what f64 loses divided by the step.
const TOLERANCE: f64 = 1e-7;
const SAMPLES: usize = 2;

/// `len` values from below to above zero, none of them twice and none zero, in
/// no order: multiples of a prime visit every remainder.
fn ladder(len: usize, prime: usize) -> Vec<f64> {
    assert!(
        !len.is_multiple_of(prime),
        "a prime that does not divide the length"
    );
    (0..len)
        .map(|i| (i * prime % len) as f64 + 0.5 - len as f64 / 2.0)
        .map(|rung| if rung == 0.0 { 0.25 } else { rung })
        .map(|rung| rung * RUNG)
        .collect()
}

/// Weights without a pattern, so that no two outputs of a layer are equal.
fn weights(shape: &[usize]) -> Vec<f32> {
    let len: usize = shape.iter().product();
    (1..=len).map(|i| ((i * i) as f32).sin()).collect()
}

/// Sum of `<cotangent, activation>` over some nodes.
fn objective(file: &NetworkFile, x: &[f64], cotangents: &[(usize, Vec<f64>)]) -> f64 {
    let activations = forward(file, x, SAMPLES);
    let products = cotangents.iter().flat_map(|(node, cotangent)| {
        let pairs = cotangent.iter().zip(&activations[*node]);
        pairs.map(|(c, a)| c * a)
    });
    products.sum()
}

/// Compares the gradient for cotangents at some nodes with differences, for
/// every entry of the input.
fn check(file: &NetworkFile, nodes: &[usize]) {
    let len = file.description().input.shape.iter().product::<usize>() * SAMPLES;
    let x = ladder(len, 7919);
    let activations = forward(file, &x, SAMPLES);
    let cotangents: Vec<(usize, Vec<f64>)> = nodes
        .iter()
        .map(|&node| (node, ladder(activations[node].len(), 104_729)))
        .collect();
    let found = gradient(file, &activations, &cotangents, SAMPLES);
    assert_eq!(found.len(), len);
    for (i, found) in found.iter().enumerate() {
        let at = |step: f64| {
            let mut x = x.clone();
            x[i] += step;
            objective(file, &x, &cotangents)
        };
        let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        let close = (found - expected).abs() <= TOLERANCE * (1.0 + expected.abs());
        assert!(close, "entry {i}: {found} against {expected}");
    }
}

fn check_op(input: &[usize], op: Op, tensors: &[(&str, &[usize])]) {
    let values: Vec<Vec<f32>> = tensors.iter().map(|(_, shape)| weights(shape)).collect();
    let tensors: Vec<(&str, &[usize], &[f32])> = tensors
        .iter()
        .zip(&values)
        .map(|((name, shape), values)| (*name, *shape, &values[..]))
        .collect();
    check(&network(input, &[("y", op, &["x"])], &tensors), &[1]);
}

#[test]
fn convolution_in_groups() {
    let op = Op::Convolution(Convolution {
        stride: [2, 1],
        pad: [1, 2],
        dilation: [1, 2],
        groups: 2,
        bias: true,
        ..convolution(6, [3, 2])
    });
    check_op(
        &[4, 5, 6],
        op,
        &[("y.weight", &[6, 2, 3, 2]), ("y.bias", &[6])],
    );
}

#[test]
fn transposed_convolution_in_groups() {
    let op = Op::TransposedConvolution(Convolution {
        stride: [2, 3],
        pad: [1, 0],
        dilation: [2, 1],
        groups: 2,
        bias: true,
        ..convolution(6, [3, 2])
    });
    check_op(
        &[4, 3, 2],
        op,
        &[("y.weight", &[4, 3, 3, 2]), ("y.bias", &[6])],
    );
}

#[test]
fn inner_product() {
    let op = Op::InnerProduct(InnerProduct {
        outputs: 5,
        bias: true,
    });
    check_op(&[2, 2, 3], op, &[("y.weight", &[5, 12]), ("y.bias", &[5])]);
}

#[test]
fn activation_functions() {
    let relu = |negative_slope| Op::Relu(Relu { negative_slope });
    for op in [relu(0.0), relu(0.3), Op::Sigmoid, Op::Tanh] {
        check_op(&[3, 3, 5], op, &[]);
    }
}

#[test]
fn pooling() {
    for method in [PoolMethod::Max, PoolMethod::Average] {
        for rounding in [Rounding::Ceil, Rounding::Floor] {
            for pad in [[0, 0], [1, 2]] {
                let op = Op::Pool(Pool {
                    method,
                    kernel: [2, 3],
                    stride: [2, 2],
                    pad,
                    rounding,
                });
                check_op(&[3, 5, 6], op, &[]);
            }
        }
    }
}

#[test]
fn normalisation_across_channels() {
    let op = |size, beta| {
        Op::Lrn(Lrn {
            size,
            alpha: 0.8,
            beta,
            k: 1.5,
        })
    };
    check_op(&[7, 2, 3], op(5, 0.75), &[]);
    check_op(&[4, 2, 3], op(3, 0.6), &[]);
    check_op(&[3, 1, 2], op(9, 1.0), &[]);
}

#[test]
fn softmax() {
    check_op(&[5, 2, 3], Op::Softmax, &[]);
    check_op(&[11], Op::Softmax, &[]);
}

#[test]
fn factors_per_channel() {
    let tensors: [(&str, &[usize]); 2] = [("y.weight", &[3]), ("y.bias", &[3])];
    check_op(&[3, 2, 4], Op::Scale, &tensors);
    let file = network(
        &[3, 2, 4],
        &[("y", Op::BatchNorm(BatchNorm { epsilon: 1e-3 }), &["x"])],
        &[
            ("y.mean", &[3], &[0.5, -0.25, 2.0]),
            ("y.variance", &[3], &[0.5, 4.0, 0.01]),
        ],
    );
    check(&file, &[1]);
}

#[test]
fn copies() {
    let crop = Op::Crop(Crop {
        offset: [1, 2],
        size: [3, 2],
    });
    let reshape = Op::Reshape(Reshape {
        shape: vec![5, 2, 6],
    });
    for op in [crop, reshape, Op::Flatten, Op::Dropout] {
        check_op(&[3, 4, 5], op, &[]);
    }
}

/// Branches of one shape whose values nowhere lie close to each other, so that
/// a maximum over them has no tie.
fn branches(last: (&str, Op, &[&str])) -> NetworkFile {
    let layers = [("a", Op::Tanh, &["x"][..]), ("b", Op::Scale, &["x"]), last];
    let tensors: [(&str, &[usize], &[f32]); 2] = [
        ("b.weight", &[3], &[-0.7, 1.3, 0.4]),
        ("b.bias", &[3], &[0.11, -0.23, 0.31]),
    ];
    network(&[3, 2, 3], &layers, &tensors)
}

#[test]
fn elementwise_combinations() {
    let op = |operation, coefficients: &[f32]| {
        Op::Eltwise(Eltwise {
            operation,
            coefficients: coefficients.to_vec(),
        })
    };
    for op in [
        op(EltwiseOperation::Sum, &[]),
        op(EltwiseOperation::Sum, &[1.0, -2.0, 0.5]),
        op(EltwiseOperation::Product, &[]),
        op(EltwiseOperation::Max, &[]),
    ] {
        check(&branches(("y", op, &["x", "a", "b"])), &[3]);
    }
}

#[test]
fn concatenation() {
    check(&branches(("y", Op::Concat, &["a", "x", "b"])), &[3]);
}

/// A graph in which `x`, `conv` and `relu` are read twice, with cotangents at
/// its end, at layers that are read further on, and at the input itself.
#[test]
fn a_graph_with_fan_out() {
    let pool = Op::Pool(Pool {
        method: PoolMethod::Max,
        kernel: [3, 3],
        stride: [2, 2],
        pad: [0, 0],
        rounding: Rounding::Ceil,
    });
    let lrn = Op::Lrn(Lrn {
        size: 3,
        alpha: 0.5,
        beta: 0.75,
        k: 1.0,
    });
    let sum = Op::Eltwise(Eltwise {
        operation: EltwiseOperation::Sum,
        coefficients: vec![1.0, -0.5],
    });
    let fc = Op::InnerProduct(InnerProduct {
        outputs: 4,
        bias: false,
    });
    let same = Op::Convolution(Convolution {
        pad: [1, 1],
        ..convolution(3, [3, 3])
    });
    let relu = Op::Relu(Relu {
        negative_slope: 0.1,
    });
    let layers: [(&str, Op, &[&str]); 8] = [
        ("conv", same, &["x"]),
        ("relu", relu, &["conv"]),
        ("lrn", lrn, &["relu"]),
        ("sum", sum, &["conv", "lrn"]),
        ("concat", Op::Concat, &["sum", "relu", "x"]),
        ("pool", pool, &["concat"]),
        ("fc", fc, &["pool"]),
        ("prob", Op::Softmax, &["fc"]),
    ];
    let conv = weights(&[3, 2, 3, 3]);
    let fc = weights(&[4, 8 * 2 * 2]);
    let tensors: [(&str, &[usize], &[f32]); 2] = [
        ("conv.weight", &[3, 2, 3, 3], &conv),
        ("fc.weight", &[4, 32], &fc),
    ];
    let file = network(&[2, 4, 4], &layers, &tensors);
    check(&file, &[8, 7, 4, 2, 0]);
}
