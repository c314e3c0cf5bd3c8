//! Cases small enough to be worked out on paper.

use netfile::{
    BatchNorm, Convolution, Crop, Eltwise, EltwiseOperation, InnerProduct, Lrn, NetworkFile, Op,
    Pool, PoolMethod, Relu, Reshape, Rounding,
};

use super::super::{forward, gradient};
use super::{convolution, network};

/// What f64 loses in a handful of operations.
const EXACT: f64 = 1e-14;

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(
        found.len(),
        expected.len(),
        "{found:?} against {expected:?}"
    );
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= EXACT * (1.0 + expected.abs());
        assert!(close, "value {i}: {found} against {expected}");
    }
}

/// A network of one layer, named `y`, with tensors named `y.*`.
fn single(input: &[usize], op: Op, tensors: &[(&str, &[usize], &[f32])]) -> NetworkFile {
    network(input, &[("y", op, &["x"])], tensors)
}

/// The output of a network for one sample.
fn output(file: &NetworkFile, x: &[f64]) -> Vec<f64> {
    forward(file, x, 1).pop().expect("at least the input")
}

/// The gradient that `dy` at the output of a network causes for one sample.
fn input_gradient(file: &NetworkFile, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let activations = forward(file, x, 1);
    let output = activations.len() - 1;
    gradient(file, &activations, &[(output, dy.to_vec())], 1)
}

fn counting(len: usize) -> Vec<f64> {
    (1..=len).map(|i| i as f64).collect()
}

fn pool(method: PoolMethod, size: usize, stride: usize, pad: usize, rounding: Rounding) -> Op {
    Op::Pool(Pool {
        method,
        kernel: [size; 2],
        stride: [stride; 2],
        pad: [pad; 2],
        rounding,
    })
}

#[test]
fn a_last_window_reaches_over_the_edge_when_sizes_round_up() {
    let op = |rounding| pool(PoolMethod::Max, 3, 2, 0, rounding);
    let up = single(&[1, 4, 4], op(Rounding::Ceil), &[]);
    assert_close(&output(&up, &counting(16)), &[11.0, 12.0, 15.0, 16.0]);
    let down = single(&[1, 4, 4], op(Rounding::Floor), &[]);
    assert_close(&output(&down, &counting(16)), &[11.0]);
}

#[test]
fn a_window_that_starts_beyond_the_image_is_left_out() {
    // ceil((3 + 2 - 2) / 2) + 1 = 3 windows, of which the third would start at
    // 2 * 2 >= 3 + 1. The first covers row -1 and row 0, the second 1 and 2.
    let op = pool(PoolMethod::Max, 2, 2, 1, Rounding::Ceil);
    let file = single(&[1, 3, 3], op, &[]);
    assert_close(&output(&file, &counting(9)), &[1.0, 3.0, 7.0, 9.0]);
}

#[test]
fn padding_is_no_candidate_for_a_maximum() {
    let op = pool(PoolMethod::Max, 2, 2, 1, Rounding::Ceil);
    let file = single(&[1, 3, 3], op, &[]);
    let negative: Vec<f64> = counting(9).iter().map(|x| -x).collect();
    assert_close(&output(&file, &negative), &[-1.0, -2.0, -4.0, -5.0]);
}

#[test]
fn padding_counts_in_an_average() {
    let op = pool(PoolMethod::Average, 2, 2, 1, Rounding::Ceil);
    let file = single(&[1, 3, 3], op, &[]);
    assert_close(&output(&file, &counting(9)), &[0.25, 1.25, 2.75, 7.0]);
}

#[test]
fn what_lies_beyond_the_padding_does_not_count_in_an_average() {
    // The windows start at -1, 1, 3, 5; the last one holds pixel 5 and one
    // place of padding.
    let op = Op::Pool(Pool {
        method: PoolMethod::Average,
        kernel: [1, 3],
        stride: [1, 2],
        pad: [0, 1],
        rounding: Rounding::Ceil,
    });
    let file = single(&[1, 1, 6], op, &[]);
    assert_close(&output(&file, &counting(6)), &[1.0, 3.0, 5.0, 3.0]);
    let dy = [3.0, 3.0, 3.0, 2.0];
    let dx = input_gradient(&file, &counting(6), &dy);
    assert_close(&dx, &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
}

#[test]
fn the_first_of_equal_maxima_wins() {
    let op = pool(PoolMethod::Max, 2, 2, 0, Rounding::Ceil);
    let file = single(&[1, 2, 2], op, &[]);
    let dx = input_gradient(&file, &[0.0, 5.0, 5.0, 5.0], &[1.0]);
    assert_close(&dx, &[0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn overlapping_windows_add_their_gradients() {
    let op = Op::Pool(Pool {
        method: PoolMethod::Max,
        kernel: [1, 2],
        stride: [1, 1],
        pad: [0, 0],
        rounding: Rounding::Floor,
    });
    let file = single(&[1, 1, 3], op, &[]);
    let dx = input_gradient(&file, &[1.0, 5.0, 2.0], &[1.0, 10.0]);
    assert_close(&dx, &[0.0, 11.0, 0.0]);
}

#[test]
fn alpha_is_divided_by_the_window() {
    let op = Op::Lrn(Lrn {
        size: 3,
        alpha: 3.0,
        beta: 1.0,
        k: 1.0,
    });
    let file = single(&[3, 1, 1], op, &[]);
    // The scales are 1 + 1 + 4, 1 + 1 + 4 + 9 and 1 + 4 + 9.
    let y = output(&file, &[1.0, 2.0, 3.0]);
    assert_close(&y, &[1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0]);
}

#[test]
fn groups_do_not_see_each_other() {
    let op = Op::Convolution(Convolution {
        groups: 2,
        bias: true,
        ..convolution(2, [1, 1])
    });
    let weight: (&str, &[usize], &[f32]) = ("y.weight", &[2, 2, 1, 1], &[1.0, 10.0, 100.0, 1000.0]);
    let file = single(&[4, 1, 1], op, &[weight, ("y.bias", &[2], &[0.5, 0.25])]);
    assert_close(&output(&file, &counting(4)), &[21.5, 4300.25]);
}

#[test]
fn a_convolution_does_not_turn_its_kernel() {
    let op = Op::Convolution(Convolution {
        stride: [1, 2],
        pad: [0, 1],
        dilation: [1, 2],
        ..convolution(1, [1, 2])
    });
    let file = single(&[1, 1, 5], op, &[("y.weight", &[1, 1, 1, 2], &[1.0, 10.0])]);
    // Taps lie at -1 and 1, at 1 and 3, at 3 and 5.
    assert_close(&output(&file, &counting(5)), &[20.0, 42.0, 4.0]);
}

#[test]
fn rows_come_before_columns() {
    let op = Op::Convolution(convolution(1, [2, 1]));
    let file = single(&[1, 2, 3], op, &[("y.weight", &[1, 1, 2, 1], &[1.0, 10.0])]);
    assert_close(&output(&file, &counting(6)), &[41.0, 52.0, 63.0]);
}

#[test]
fn a_transposed_convolution_scatters_its_kernel() {
    let op = Op::TransposedConvolution(Convolution {
        stride: [1, 2],
        pad: [0, 1],
        bias: true,
        ..convolution(1, [1, 4])
    });
    let weight: (&str, &[usize], &[f32]) = ("y.weight", &[1, 1, 1, 4], &[1.0, 10.0, 100.0, 1000.0]);
    let file = single(&[1, 1, 2], op, &[weight, ("y.bias", &[1], &[0.5])]);
    // The first pixel lands on -1..3, the second on 1..5, and 0..4 stays.
    let y = output(&file, &[1.0, 2.0]);
    assert_close(&y, &[10.5, 102.5, 1020.5, 200.5]);
}

#[test]
fn a_transposed_convolution_has_its_inputs_first_in_the_weight() {
    let op = |outputs, groups| {
        Op::TransposedConvolution(Convolution {
            groups,
            ..convolution(outputs, [1, 1])
        })
    };
    let weight: &[f32] = &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
    let file = single(&[2, 1, 1], op(3, 1), &[("y.weight", &[2, 3, 1, 1], weight)]);
    assert_close(&output(&file, &[1.0, 2.0]), &[21.0, 42.0, 63.0]);
    let weight: &[f32] = &[1.0, 2.0, 3.0, 4.0];
    let file = single(&[2, 1, 1], op(4, 2), &[("y.weight", &[2, 2, 1, 1], weight)]);
    assert_close(&output(&file, &[10.0, 100.0]), &[10.0, 20.0, 300.0, 400.0]);
}

#[test]
fn an_inner_product_flattens_channels_first() {
    let op = Op::InnerProduct(InnerProduct {
        outputs: 2,
        bias: true,
    });
    let weight: &[f32] = &[1.0, 10.0, 100.0, 1000.0, 0.0, 0.0, 1.0, 0.0];
    let tensors: [(&str, &[usize], &[f32]); 2] =
        [("y.weight", &[2, 4], weight), ("y.bias", &[2], &[0.5, 0.0])];
    let file = single(&[2, 1, 2], op, &tensors);
    assert_close(&output(&file, &counting(4)), &[4321.5, 3.0]);
}

#[test]
fn channels_are_normalised_and_scaled() {
    let tensors: [(&str, &[usize], &[f32]); 2] = [
        ("y.mean", &[2], &[1.0, -1.0]),
        ("y.variance", &[2], &[3.0, 0.0]),
    ];
    let op = Op::BatchNorm(BatchNorm { epsilon: 1.0 });
    let file = single(&[2, 1, 2], op, &tensors);
    assert_close(&output(&file, &counting(4)), &[0.0, 0.5, 4.0, 5.0]);
    let tensors: [(&str, &[usize], &[f32]); 2] = [
        ("y.weight", &[2], &[2.0, -1.0]),
        ("y.bias", &[2], &[0.5, 0.0]),
    ];
    let file = single(&[2, 1, 2], Op::Scale, &tensors);
    assert_close(&output(&file, &counting(4)), &[2.5, 4.5, -3.0, -4.0]);
}

#[test]
fn the_slope_at_zero_is_the_one_below_zero() {
    let op = Op::Relu(Relu {
        negative_slope: 0.25,
    });
    let file = single(&[3], op, &[]);
    let x = [-2.0, 0.0, 2.0];
    assert_close(&output(&file, &x), &[-0.5, 0.0, 2.0]);
    let dx = input_gradient(&file, &x, &[1.0; 3]);
    assert_close(&dx, &[0.25, 0.25, 1.0]);
}

#[test]
fn sigmoid_and_tanh_at_zero_and_where_they_saturate() {
    let x = [0.0, 40.0, -40.0];
    let sigmoid = single(&[3], Op::Sigmoid, &[]);
    assert_close(&output(&sigmoid, &x), &[0.5, 1.0, 0.0]);
    assert_close(&input_gradient(&sigmoid, &x, &[1.0; 3]), &[0.25, 0.0, 0.0]);
    let tanh = single(&[3], Op::Tanh, &[]);
    assert_close(&output(&tanh, &x), &[0.0, 1.0, -1.0]);
    assert_close(&input_gradient(&tanh, &x, &[1.0; 3]), &[1.0, 0.0, 0.0]);
}

#[test]
fn softmax_is_taken_at_each_position() {
    let file = single(&[2, 1, 2], Op::Softmax, &[]);
    let y = output(&file, &[0.0, 1000.0, 3f64.ln(), 1000.0]);
    assert_close(&y, &[0.25, 0.5, 0.75, 0.5]);
}

#[test]
fn inputs_are_combined_position_by_position() {
    let double = Op::Scale;
    let tensors: [(&str, &[usize], &[f32]); 2] = [
        ("z.weight", &[2], &[2.0, -1.0]),
        ("z.bias", &[2], &[0.0, 0.0]),
    ];
    let combined = |operation, coefficients: &[f32]| {
        let eltwise = Op::Eltwise(Eltwise {
            operation,
            coefficients: coefficients.to_vec(),
        });
        let layers: [(&str, Op, &[&str]); 2] =
            [("z", double.clone(), &["x"]), ("y", eltwise, &["x", "z"])];
        output(&network(&[2], &layers, &tensors), &[3.0, 5.0])
    };
    assert_close(&combined(EltwiseOperation::Sum, &[]), &[9.0, 0.0]);
    assert_close(&combined(EltwiseOperation::Sum, &[1.0, -0.5]), &[0.0, 7.5]);
    assert_close(&combined(EltwiseOperation::Product, &[]), &[18.0, -25.0]);
    assert_close(&combined(EltwiseOperation::Max, &[]), &[6.0, 5.0]);
}

#[test]
fn the_first_of_equal_inputs_wins() {
    let eltwise = Op::Eltwise(Eltwise {
        operation: EltwiseOperation::Max,
        coefficients: Vec::new(),
    });
    let relu = Op::Relu(Relu {
        negative_slope: 0.5,
    });
    let layers: [(&str, Op, &[&str]); 2] = [("z", relu, &["x"]), ("y", eltwise, &["z", "x"])];
    let file = network(&[2], &layers, &[]);
    // At -2 the relu is greater; at 0 both are equal and it comes first.
    let dx = input_gradient(&file, &[-2.0, 0.0], &[1.0, 1.0]);
    assert_close(&dx, &[0.5, 0.5]);
}

#[test]
fn values_move_without_change() {
    let crop = Op::Crop(Crop {
        offset: [1, 0],
        size: [1, 2],
    });
    let layers: [(&str, Op, &[&str]); 5] = [
        ("crop", crop, &["x"]),
        ("drop", Op::Dropout, &["crop"]),
        ("concat", Op::Concat, &["drop", "crop"]),
        ("flat", Op::Flatten, &["concat"]),
        (
            "y",
            Op::Reshape(Reshape {
                shape: vec![2, 1, 4],
            }),
            &["flat"],
        ),
    ];
    let file = network(&[2, 2, 3], &layers, &[]);
    let cropped = [4.0, 5.0, 10.0, 11.0];
    assert_close(&output(&file, &counting(12)), &[cropped, cropped].concat());
    let dx = input_gradient(&file, &counting(12), &counting(8));
    let expected = [0.0, 0.0, 0.0, 6.0, 8.0, 0.0, 0.0, 0.0, 0.0, 10.0, 12.0, 0.0];
    assert_close(&dx, &expected);
}

#[test]
fn samples_do_not_see_each_other() {
    let op = pool(PoolMethod::Max, 2, 1, 0, Rounding::Floor);
    let file = single(&[1, 2, 2], op, &[]);
    let activations = forward(&file, &counting(8), 2);
    assert_close(&activations[1], &[4.0, 8.0]);
    let dx = gradient(&file, &activations, &[(1, vec![1.0, 2.0])], 2);
    assert_close(&dx, &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0]);
}
