//! The same small net in every version, binary and text.

use crate::writer::{Writer, message};

pub(crate) const WEIGHT: [f32; 4] = [1.0, -2.0, 0.5, 4.0];
pub(crate) const BIAS: [f32; 2] = [0.25, -8.0];

fn legacy_blob(writer: &mut Writer, dims: [i64; 4], numbers: &[f32]) {
    for (field, dim) in (1..).zip(dims) {
        writer.int(field, dim);
    }
    writer.packed_floats(5, numbers);
    writer.packed_floats(6, numbers);
}

fn blob(writer: &mut Writer, dims: &[i64], numbers: &[f32]) {
    writer.packed_floats(5, numbers);
    writer.message(7, |shape| {
        shape.packed_ints(1, dims);
    });
}

/// A V2 file: convolution, relu in place, and a layer of phase TRAIN.
pub(crate) fn v2() -> Vec<u8> {
    let file = message(|net| {
        net.text(1, "small");
        net.message(100, |layer| {
            layer.text(1, "input").text(2, "Input").text(4, "data");
            layer.message(143, |input| {
                input.message(1, |shape| {
                    shape.packed_ints(1, &[1, 2, 4, 4]);
                });
            });
        });
        net.message(100, |layer| {
            layer.text(1, "conv").text(2, "Convolution");
            layer.text(3, "data").text(4, "conv").int(10, 0);
            layer.message(7, |b| blob(b, &[2, 2, 1, 1], &WEIGHT));
            layer.message(7, |b| blob(b, &[2], &BIAS));
            layer.message(106, |convolution| {
                convolution.int(1, 2).packed_ints(4, &[1]).int(3, 1);
                convolution.message(7, |filler| {
                    filler.text(1, "gaussian").float(6, 0.01);
                });
            });
        });
        net.message(100, |layer| {
            layer.text(1, "relu").text(2, "ReLU");
            layer.text(3, "conv").text(4, "conv");
            layer.message(123, |relu| {
                relu.float(1, 0.25);
            });
        });
        net.message(100, |layer| {
            layer
                .text(1, "loss")
                .text(2, "SoftmaxWithLoss")
                .text(3, "conv");
            layer.message(8, |rule| {
                rule.int(1, 0);
            });
        });
    });
    file.bytes
}

/// The same as V1, with the legacy shapes and the input of that time.
pub(crate) fn v1() -> Vec<u8> {
    let file = message(|net| {
        net.text(1, "small");
        net.message(2, |layer| {
            layer
                .text(2, "data")
                .text(3, "conv")
                .text(4, "conv")
                .int(5, 4);
            layer.message(6, |b| legacy_blob(b, [2, 2, 1, 1], &WEIGHT));
            layer.message(6, |b| legacy_blob(b, [1, 1, 1, 2], &BIAS));
            layer.message(10, |convolution| {
                convolution.int(1, 2).int(4, 1).int(3, 1);
            });
        });
        net.message(2, |layer| {
            layer
                .text(2, "conv")
                .text(3, "conv")
                .text(4, "relu")
                .int(5, 18);
            layer.message(30, |relu| {
                relu.float(1, 0.25);
            });
        });
        net.message(2, |layer| {
            layer.text(2, "conv").text(4, "loss").int(5, 21);
            layer.message(32, |rule| {
                rule.int(1, 0);
            });
        });
        net.text(3, "data");
        for dim in [1, 2, 4, 4] {
            net.int(4, dim);
        }
    });
    file.bytes
}

/// The same as V0, with a padding layer of its own.
pub(crate) fn v0() -> Vec<u8> {
    let file = message(|net| {
        net.text(1, "small");
        net.message(2, |layer| {
            layer.message(1, |v0| {
                v0.text(1, "pad").text(2, "padding").int(7, 1);
            });
            layer.text(2, "data").text(3, "padded");
        });
        net.message(2, |layer| {
            layer.message(1, |v0| {
                v0.text(1, "conv").text(2, "conv").int(3, 2).int(8, 1);
                v0.message(50, |b| legacy_blob(b, [2, 2, 1, 1], &WEIGHT));
                v0.message(50, |b| legacy_blob(b, [1, 1, 1, 2], &BIAS));
            });
            layer.text(2, "padded").text(3, "conv");
        });
        net.message(2, |layer| {
            layer.message(1, |v0| {
                v0.text(1, "relu").text(2, "relu");
            });
            layer.text(2, "conv").text(3, "conv");
        });
        net.text(3, "data");
        net.packed_ints(4, &[1, 2, 4, 4]);
    });
    file.bytes
}

pub(crate) const V2_TEXT: &str = r#"
name: "small" # a comment { "
layer { name: "input" type: "Input" top: "data" input_param { shape { dim: [1, 2, 4, 4] } } }
layer: <
  name: 'con' "v"; type: "Convolution", bottom: "data" top: "conv" phase: TRAIN
  param { lr_mult: 1 decay_mult: -1e-4 [ext.name] { a: 'x' } }
  convolution_param {
    num_output: 0x2 kernel_size: 1 pad: 1
    weight_filler { type: "gaussian" std: 0.01 } engine: CUDNN
  }
  blobs { data: [1, 2.5, inf, -3f] shape { dim: 4 } }
>
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" relu_param { negative_slope: .25 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv" include { phase: TRAIN } }
"#;

pub(crate) const V1_TEXT: &str = r#"
name: "small"
input: "data" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 2 kernel_size: 1 pad: 1 } }
layers { name: "relu" type: 18 bottom: "conv" top: "conv" relu_param { negative_slope: 25e-2 } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "conv" include: { phase: TRAIN } }
"#;

pub(crate) const V0_TEXT: &str = r#"
name: "small"
input: "data" input_dim: [1, 2, 4, 4]
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "padded" }
layers { layer { name: "conv" type: "conv" num_output: 2 kernelsize: 1
    weight_filler { type: "gaussian" } blobs_lr: 1. } bottom: "padded" top: "conv" }
layers { layer { name: "relu" type: "relu" } bottom: "conv" top: "conv" }
"#;
