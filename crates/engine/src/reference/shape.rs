//! Sizes, worked out from the formulas as Caffe states them.

use netfile::{Op, Pool, Rounding};

/// Shape of one sample of an op's output.
pub(super) fn output(op: &Op, inputs: &[Vec<usize>]) -> Vec<usize> {
    let x = &inputs[0];
    match op {
        Op::Convolution(a) => {
            let size = |axis: usize, x: usize| {
                let kernel = a.dilation[axis] * (a.kernel[axis] - 1) + 1;
                (x + 2 * a.pad[axis] - kernel) / a.stride[axis] + 1
            };
            let [_, h, w] = planes(x);
            vec![a.outputs, size(0, h), size(1, w)]
        }
        Op::TransposedConvolution(a) => {
            let size = |axis: usize, x: usize| {
                let kernel = a.dilation[axis] * (a.kernel[axis] - 1) + 1;
                a.stride[axis] * (x - 1) + kernel - 2 * a.pad[axis]
            };
            let [_, h, w] = planes(x);
            vec![a.outputs, size(0, h), size(1, w)]
        }
        Op::InnerProduct(a) => vec![a.outputs],
        Op::Pool(a) => {
            let [c, h, w] = planes(x);
            vec![c, pooled(a, 0, h), pooled(a, 1, w)]
        }
        Op::Concat => {
            let mut y = x.clone();
            y[0] = inputs.iter().map(|x| x[0]).sum();
            y
        }
        Op::Flatten => vec![x.iter().product()],
        Op::Reshape(a) => a.shape.clone(),
        Op::Crop(a) => vec![planes(x)[0], a.size[0], a.size[1]],
        Op::Relu(_)
        | Op::Lrn(_)
        | Op::Softmax
        | Op::Sigmoid
        | Op::Tanh
        | Op::BatchNorm(_)
        | Op::Scale
        | Op::Eltwise(_)
        | Op::Dropout => x.clone(),
    }
}

/// `ceil((x + 2 pad - kernel) / stride) + 1`, or with `floor`. Where there is
/// padding on any side, a last window that would start beyond the image and the
/// padding before it is left out.
fn pooled(a: &Pool, axis: usize, x: usize) -> usize {
    let (pad, stride) = (a.pad[axis], a.stride[axis]);
    let steps = ((x + 2 * pad) as f64 - a.kernel[axis] as f64) / stride as f64;
    let rounded = match a.rounding {
        Rounding::Ceil => steps.ceil(),
        Rounding::Floor => steps.floor(),
    };
    let y = (rounded + 1.0) as usize;
    let padded = a.pad != [0, 0];
    if padded && (y - 1) * stride >= x + pad {
        y - 1
    } else {
        y
    }
}

/// Channels, height and width; a vector is channels of one pixel each.
pub(super) fn planes(shape: &[usize]) -> [usize; 3] {
    match *shape {
        [c] => [c, 1, 1],
        [c, h, w] => [c, h, w],
        _ => panic!("{shape:?} is neither a vector nor planes"),
    }
}
