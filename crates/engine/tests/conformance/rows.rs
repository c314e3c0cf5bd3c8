//! The conformance table: a row is a line.

use netfile::{
    BatchNorm, Convolution, Crop, Dtype, Eltwise, EltwiseOperation, InnerProduct, Lrn, Op, Pool,
    PoolMethod, Relu, Reshape, Rounding,
};

use crate::case::Case;
use crate::compare::Tolerance;
use crate::single_op;

const BATCHES: &[usize] = &[1, 2, 3, 7];
/// The last is more than an inner product takes at once.
const LARGE_BATCHES: &[usize] = &[1, 2, 3, 7, 35];

/// Every row, with each type of weights where there are weights.
pub(crate) fn all() -> Vec<Case> {
    let rows = [
        convolutions(),
        winograd(),
        transposed_convolutions(),
        inner_products(),
        pointwise(),
        pools(),
        across_channels(),
        of_several(),
        moves(),
    ];
    let mut cases = Vec::new();
    for row in rows.into_iter().flatten() {
        let weighted = !single_op::tensors(&row.op, &row.inputs).is_empty();
        let narrow = [Dtype::F16, Dtype::Bf16].into_iter().filter(|_| weighted);
        for dtype in narrow {
            cases.push(Case {
                dtype,
                ..row.clone()
            });
        }
        cases.push(row);
    }
    cases
}

fn row(name: &str, op: Op, inputs: &[&[usize]], tolerance: Tolerance) -> Case {
    Case {
        name: format!("{}_{name}", op.name()),
        op,
        inputs: inputs.iter().map(|shape| shape.to_vec()).collect(),
        dtype: Dtype::F32,
        tolerance,
        transformed: None,
        batches: BATCHES,
    }
}

/// 3x3 with a padding of 1, one group, with bias.
fn same(outputs: usize) -> Convolution {
    Convolution {
        outputs,
        kernel: [3, 3],
        stride: [1, 1],
        pad: [1, 1],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    }
}

fn unpadded(outputs: usize, kernel: [usize; 2]) -> Convolution {
    Convolution {
        kernel,
        pad: [0, 0],
        ..same(outputs)
    }
}

#[rustfmt::skip]
fn convolutions() -> Vec<Case> {
    let row = |name, input: &[usize], a: Convolution| {
        let k = input[0].max(a.outputs) / a.groups * a.kernel[0] * a.kernel[1];
        row(name, Op::Convolution(a), &[input], Tolerance::reduced(k))
    };
    let strided = Convolution {
        stride: [2, 2],
        pad: [2, 2],
        groups: 2,
        ..unpadded(4, [5, 5])
    };
    let uneven = Convolution {
        stride: [2, 1],
        pad: [1, 0],
        dilation: [2, 3],
        ..unpadded(5, [3, 2])
    };
    let dilated = Convolution {
        pad: [2, 2],
        dilation: [2, 2],
        groups: 3,
        ..same(6)
    };
    let conv1 = Convolution {
        stride: [4, 4],
        ..unpadded(8, [11, 11])
    };
    let pointwise = unpadded(10, [1, 1]);
    let with_groups = |groups, a| Convolution { groups, ..a };
    vec![
        row("3x3p1", &[5, 7, 5], same(6)),
        row("3x3p1_groups2", &[6, 7, 5], with_groups(2, same(4))),
        row("3x3p1_depthwise", &[5, 5, 7], with_groups(5, same(10))),
        row("5x5s2p2_groups2", &[6, 7, 9], strided),
        row("3x2s2x1p1x0_dilated", &[4, 9, 8], uneven),
        row("3x3p2_dilated_groups3", &[9, 6, 5], dilated),
        row("11x11s4", &[3, 23, 27], conv1),
        row("whole_plane", &[3, 4, 5], unpadded(7, [4, 5])),
        row("more_padding_than_kernel", &[3, 4, 3], Convolution { pad: [3, 3], ..unpadded(4, [2, 2]) }),
        row("sums_of_more_than_512", &[70, 5, 4], same(9)),
        row("gradient_sums_of_more_than_512", &[4, 5, 3], same(70)),
        row("no_bias", &[4, 5, 6], Convolution { bias: false, ..same(3) }),
        row("1x1", &[7, 5, 3], pointwise),
        row("1x1_groups2", &[6, 5, 3], with_groups(2, pointwise)),
        row("1x1s2", &[4, 5, 6], Convolution { stride: [2, 2], ..pointwise }),
        row("1x1p1", &[4, 5, 6], Convolution { pad: [1, 1], ..pointwise }),
        row("of_units", &[9], pointwise),
        row("gradient_of_one_channel", &[1, 9, 35], Convolution { pad: [2, 2], ..unpadded(32, [5, 5]) }),
        row("gradient_of_three_channels_11x11s4", &[3, 27, 35], Convolution { stride: [4, 4], ..unpadded(19, [11, 11]) }),
        row("3x3p1_to_one_channel", &[40, 6, 7], same(1)),
    ]
}

/// Shapes that go by Winograd's transforms: tiles that hang over an edge, channels
/// that do not fill a vector, groups, more tiles than a round takes, and, of 14
/// samples, nearly as many in one round.
#[rustfmt::skip]
fn winograd() -> Vec<Case> {
    let row = |name: &str, input: &[usize], op: fn(Convolution) -> Op, a: Convolution| {
        let k = input[0].max(a.outputs) / a.groups * a.kernel[0] * a.kernel[1];
        Case {
            batches: &[1, 2, 3, 7, 10, 14, 33],
            transformed: Some(Tolerance::transformed(k)),
            ..row(name, op(a), &[input], Tolerance::reduced(k))
        }
    };
    let by_two = |kernel: usize, outputs| Convolution {
        stride: [2, 2],
        pad: [1, 1],
        ..unpadded(outputs, [kernel, kernel])
    };
    let five = |outputs| Convolution { pad: [2, 2], ..unpadded(outputs, [5, 5]) };
    let with_groups = |groups, a| Convolution { groups, ..a };
    use Op::{Convolution as Conv, TransposedConvolution as Transposed};
    vec![
        row("winograd_3x3p1", &[16, 13, 13], Conv, same(16)),
        row("winograd_3x3p1_odd", &[17, 9, 14], Conv, same(37)),
        row("winograd_3x3_groups2", &[40, 12, 11], Conv, with_groups(2, unpadded(34, [3, 3]))),
        row("winograd_5x5p2_groups2", &[36, 13, 10], Conv, with_groups(2, five(66))),
        row("winograd_2x2", &[16, 10, 12], Conv, unpadded(18, [2, 2])),
        row("winograd_4x4s2p1", &[18, 24, 26], Conv, by_two(4, 33)),
        row("winograd_6x6s2p1", &[16, 26, 20], Conv, by_two(6, 16)),
        row("winograd_3x3p1", &[16, 13, 13], Transposed, same(16)),
        row("winograd_5x5p2_groups2", &[36, 13, 10], Transposed, with_groups(2, five(66))),
        row("winograd_4x4s2p1", &[33, 11, 13], Transposed, by_two(4, 18)),
        row("winograd_4x4s2p1_groups2", &[36, 12, 12], Transposed, with_groups(2, by_two(4, 34))),
        row("winograd_6x6s2p1", &[16, 13, 10], Transposed, by_two(6, 17)),
    ]
}

#[rustfmt::skip]
fn transposed_convolutions() -> Vec<Case> {
    let row = |name, input: &[usize], a: Convolution| {
        let k = input[0].max(a.outputs) / a.groups * a.kernel[0] * a.kernel[1];
        let op = Op::TransposedConvolution(a);
        row(name, op, &[input], Tolerance::reduced(k))
    };
    let doubling = |outputs| Convolution {
        stride: [2, 2],
        pad: [1, 1],
        ..unpadded(outputs, [4, 4])
    };
    let dilated = Convolution {
        stride: [2, 2],
        dilation: [2, 2],
        groups: 2,
        ..same(6)
    };
    let uneven = Convolution {
        stride: [1, 3],
        pad: [0, 1],
        dilation: [2, 1],
        ..unpadded(5, [3, 2])
    };
    let apart = Convolution {
        stride: [3, 3],
        ..unpadded(4, [2, 2])
    };
    let pointwise = unpadded(10, [1, 1]);
    let with_groups = |groups, a| Convolution { groups, ..a };
    vec![
        row("4x4s2p1", &[6, 5, 4], doubling(5)),
        row("4x4s2p1_groups3", &[6, 3, 4], with_groups(3, doubling(9))),
        row("3x3p1", &[5, 7, 5], same(7)),
        row("3x3s2p1_dilated_groups2", &[4, 4, 5], dilated),
        row("3x2s1x3p0x1_dilated", &[3, 4, 3], uneven),
        row("2x2s3_leaves_gaps", &[3, 3, 2], apart),
        row("4x4s2p1_to_three_channels", &[33, 9, 18], doubling(3)),
        row("3x3p1_to_one_channel", &[16, 9, 16], same(1)),
        row("3x3s2p1_dilated_to_one_channel", &[20, 7, 17], Convolution { groups: 1, outputs: 1, ..dilated }),
        row("of_one_pixel", &[7, 1, 1], unpadded(3, [4, 5])),
        row("sums_of_more_than_512", &[520, 2, 3], unpadded(3, [2, 1])),
        row("gradient_sums_of_more_than_512", &[4, 5, 3], same(70)),
        row("no_bias", &[4, 5, 3], Convolution { bias: false, ..doubling(3) }),
        row("1x1", &[7, 5, 3], pointwise),
        row("1x1_groups2", &[6, 5, 3], with_groups(2, pointwise)),
        row("1x1s2", &[4, 3, 4], Convolution { stride: [2, 2], ..pointwise }),
        row("of_units", &[9], pointwise),
    ]
}

#[rustfmt::skip]
fn inner_products() -> Vec<Case> {
    let row = |name, input: &[usize], outputs, bias| {
        let k = outputs + input.iter().product::<usize>();
        let op = Op::InnerProduct(InnerProduct { outputs, bias });
        Case {
            batches: LARGE_BATCHES,
            ..row(name, op, &[input], Tolerance::reduced(k))
        }
    };
    vec![
        row("13_to_7", &[13], 7, true),
        row("of_planes_no_bias", &[3, 5, 4], 9, false),
        row("1_to_1", &[1], 1, true),
        row("1_to_300", &[1], 300, true),
        row("7_to_5", &[7], 5, true),
        row("33_to_33", &[33], 33, false),
        row("over_several_blocks", &[4200], 19, true),
        row("of_many_planes", &[33, 3, 5], 17, true),
        row("sums_of_more_than_512", &[1100], 37, true),
        row("gradient_sums_of_more_than_512", &[300], 530, true),
    ]
}

#[rustfmt::skip]
fn pointwise() -> Vec<Case> {
    let relu = |negative_slope| Op::Relu(Relu { negative_slope });
    let norm = Op::BatchNorm(BatchNorm { epsilon: 1e-3 });
    vec![
        row("plain", relu(0.0), &[&[3, 7, 5]], Tolerance::EXACT),
        row("leaky", relu(0.3), &[&[17]], Tolerance::CLOSE),
        row("of_planes", Op::Sigmoid, &[&[3, 5, 7]], Tolerance::CLOSE),
        row("of_planes", Op::Tanh, &[&[3, 5, 7]], Tolerance::CLOSE),
        row("of_planes", norm.clone(), &[&[5, 3, 7]], Tolerance::CLOSE),
        row("of_units", norm, &[&[9]], Tolerance::CLOSE),
        row("of_planes", Op::Scale, &[&[5, 3, 7]], Tolerance::CLOSE),
        row("of_units", Op::Scale, &[&[9]], Tolerance::CLOSE),
        row("many_values", relu(0.0), &[&[3, 41, 37]], Tolerance::EXACT),
    ]
}

#[rustfmt::skip]
fn pools() -> Vec<Case> {
    use PoolMethod::{Average, Max};
    use Rounding::{Ceil, Floor};
    let row = |name, input: &[usize], method, rounding, kernel, stride, pad| {
        let tolerance = match method {
            // Where windows overlap, gradients are summed.
            Max => Tolerance::reduced(1),
            Average => Tolerance::CLOSE,
        };
        let op = Op::Pool(Pool {
            method,
            kernel,
            stride,
            pad,
            rounding,
        });
        row(name, op, &[input], tolerance)
    };
    vec![
        row("max_3x3s2_ceil", &[3, 8, 7], Max, Ceil, [3, 3], [2, 2], [0, 0]),
        row("max_3x3s2_floor", &[3, 8, 7], Max, Floor, [3, 3], [2, 2], [0, 0]),
        row("max_3x3s1p1_floor", &[2, 5, 4], Max, Floor, [3, 3], [1, 1], [1, 1]),
        row("max_2x2s2_ceil", &[5, 7, 5], Max, Ceil, [2, 2], [2, 2], [0, 0]),
        row("max_3x3s2p2_ceil", &[2, 5, 6], Max, Ceil, [3, 3], [2, 2], [2, 2]),
        row("max_2x2s2p1_drops_a_window", &[2, 5, 7], Max, Ceil, [2, 2], [2, 2], [1, 1]),
        row("max_3x2s1x2p1x0_ceil", &[3, 6, 7], Max, Ceil, [3, 2], [1, 2], [1, 0]),
        row("max_whole_plane", &[4, 5, 7], Max, Floor, [5, 7], [1, 1], [0, 0]),
        row("average_3x3s2_ceil", &[3, 8, 7], Average, Ceil, [3, 3], [2, 2], [0, 0]),
        row("average_3x3s2_floor", &[3, 8, 7], Average, Floor, [3, 3], [2, 2], [0, 0]),
        row("average_3x3s2p1_ceil", &[2, 8, 6], Average, Ceil, [3, 3], [2, 2], [1, 1]),
        row("average_2x2s2p1_drops_a_window", &[2, 5, 7], Average, Ceil, [2, 2], [2, 2], [1, 1]),
        row("average_3x2s1x2p1x0_floor", &[3, 6, 7], Average, Floor, [3, 2], [1, 2], [1, 0]),
        row("average_whole_plane", &[5, 4, 3], Average, Floor, [4, 3], [1, 1], [0, 0]),
    ]
}

#[rustfmt::skip]
fn across_channels() -> Vec<Case> {
    let lrn = |size, alpha, beta, k| {
        Op::Lrn(Lrn {
            size,
            alpha,
            beta,
            k,
        })
    };
    let close = Tolerance::CLOSE;
    vec![
        row("size5_as_caffenet", lrn(5, 1e-4, 0.75, 1.0), &[&[10, 7, 5]], close),
        row("size5_strong", lrn(5, 2.0, 0.75, 1.0), &[&[7, 5, 3]], close),
        row("size3", lrn(3, 1.5, 0.5, 2.0), &[&[6, 3, 5]], close),
        row("size5_of_2_channels", lrn(5, 1.0, 1.25, 1.0), &[&[2, 3, 3]], close),
        row("size3_of_1_channel", lrn(3, 1.0, 0.75, 1.0), &[&[1, 3, 5]], close),
        row("size1", lrn(1, 1.0, 0.75, 1.0), &[&[4, 3, 5]], close),
        row("of_units", Op::Softmax, &[&[11]], close),
        row("of_planes", Op::Softmax, &[&[5, 7, 3]], close),
        row("of_one_unit", Op::Softmax, &[&[1]], close),
    ]
}

#[rustfmt::skip]
fn of_several() -> Vec<Case> {
    let eltwise = |operation, coefficients: &[f32]| {
        Op::Eltwise(Eltwise {
            operation,
            coefficients: coefficients.to_vec(),
        })
    };
    let sum = |coefficients| eltwise(EltwiseOperation::Sum, coefficients);
    let product = || eltwise(EltwiseOperation::Product, &[]);
    let max = || eltwise(EltwiseOperation::Max, &[]);
    let planes: &[usize] = &[3, 7, 5];
    let (close, exact) = (Tolerance::CLOSE, Tolerance::EXACT);
    vec![
        row("sum", sum(&[]), &[planes; 2], close),
        row("sum_of_3_with_coefficients", sum(&[1.0, -0.5, 2.0]), &[&[11_usize][..]; 3], close),
        row("product", product(), &[planes; 2], close),
        row("product_of_3", product(), &[planes; 3], close),
        row("max", max(), &[planes; 2], exact),
        row("max_of_3", max(), &[planes; 3], exact),
        row("of_planes", Op::Concat, &[planes, &[1, 7, 5], &[4, 7, 5]], exact),
        row("of_units", Op::Concat, &[&[5], &[8]], exact),
    ]
}

#[rustfmt::skip]
fn moves() -> Vec<Case> {
    let reshape = |shape: &[usize]| {
        Op::Reshape(Reshape {
            shape: shape.to_vec(),
        })
    };
    let crop = |offset, size| Op::Crop(Crop { offset, size });
    let exact = Tolerance::EXACT;
    vec![
        row("of_planes", Op::Flatten, &[&[3, 7, 5]], exact),
        row("of_units", Op::Flatten, &[&[9]], exact),
        row("to_planes", reshape(&[5, 2, 3]), &[&[30]], exact),
        row("to_units", reshape(&[30]), &[&[5, 2, 3]], exact),
        row("middle", crop([2, 1], [3, 4]), &[&[3, 7, 6]], exact),
        row("corner", crop([4, 2], [3, 3]), &[&[2, 7, 5]], exact),
        row("all", crop([0, 0], [7, 5]), &[&[2, 7, 5]], exact),
        row("of_planes", Op::Dropout, &[&[3, 7, 5]], exact),
    ]
}
