//! The tiny generator: PPGN's names, and images a little larger than the tiny
//! classifier takes, so that they are cropped.

use netfile::{Channels, CodeSpace, Convolution, Dtype, ImageEncoding, Op, Reshape};

use super::SOURCE;
use super::classifier::CODE;
use super::random::{Draft, Random};
use crate::convert::graph::{Graph, relu};
use crate::convert::origin;

const SEED: u64 = 2;

/// The generator without the statistics of its code.
pub(super) fn make() -> Draft {
    let mut net = Random::new(Graph::new("feat", &[CODE]), SEED);
    net.inner_product("defc6", CODE, 64, Dtype::F16);
    net.graph.then("relu_defc6", relu(0.3));
    net.inner_product("defc5", 64, 8 * 5 * 5, Dtype::F16);
    net.graph.then("relu_defc5", relu(0.3));
    let shape = vec![8, 5, 5];
    net.graph.then("reshape", Op::Reshape(Reshape { shape }));

    // 5x5 to 10x9 to 20x17.
    let doubling = |outputs| Convolution {
        stride: [2, 2],
        pad: [1, 1],
        ..Convolution::new(outputs, [4, 3])
    };
    let keeping = |outputs, groups| Convolution {
        pad: [1, 1],
        groups,
        ..Convolution::new(outputs, [3, 3])
    };
    net.transposed("deconv5", 8, doubling(12), Dtype::F16);
    net.graph.then("relu_deconv5", relu(0.3));
    net.transposed("conv5_1", 12, keeping(12, 2), Dtype::F16);
    net.graph.then("relu_conv5_1", relu(0.3));
    net.transposed("deconv4", 12, doubling(6), Dtype::F16);
    net.graph.then("relu_deconv4", relu(0.3));
    net.transposed("deconv0", 6, keeping(3, 1), Dtype::Bf16);

    let image = ImageEncoding {
        channels: Channels::Rgb,
        scale: 1.0,
        mean: vec![0.5, 0.45, 0.4],
        std: vec![0.25, 0.25, 0.3],
    };
    let mut description = net
        .graph
        .describe("tiny generator", image, origin(SOURCE, None));
    description.code = Some(CodeSpace {
        layer: "relu6".into(),
    });
    Draft {
        description,
        tensors: net.tensors,
    }
}
