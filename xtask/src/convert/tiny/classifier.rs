//! The tiny classifier: CaffeNet's names and Caffe's pixels, and in its middle
//! a cell of the ops that CaffeNet lacks.

use netfile::{
    BatchNorm, Channels, Convolution, Crop, Dtype, Eltwise, EltwiseOperation, ImageEncoding, Label,
    Lrn, Op, Pool, PoolMethod, Rounding,
};

use super::SOURCE;
use super::random::{Draft, Random};
use crate::convert::graph::{Graph, overlapping_max_pool, relu};
use crate::convert::origin;

const SEED: u64 = 1;

/// Number of units of `fc6` and `relu6`, and so of a code.
pub(super) const CODE: usize = 48;

/// The classifier without its quantiles.
pub(super) fn make() -> Draft {
    let mut net = Random::new(Graph::new("data", &[3, 17, 15]), SEED);
    stem(&mut net);
    cell(&mut net);
    head(&mut net);
    let image = ImageEncoding {
        channels: Channels::Bgr,
        scale: 255.0,
        mean: vec![104.0, 117.0, 123.0],
        std: vec![1.0; 3],
    };
    let mut description = net
        .graph
        .describe("tiny classifier", image, origin(SOURCE, None));
    description.encoder = Some("relu6".into());
    description.labels = [("fc8".into(), labels())].into();
    Draft {
        description,
        tensors: net.tensors,
    }
}

/// Pixels to `pool2`, [16, 3, 3].
fn stem(net: &mut Random) {
    let conv1 = Convolution {
        stride: [1, 2],
        pad: [2, 2],
        ..Convolution::new(12, [5, 5])
    };
    net.convolution("conv1", 3, conv1, Dtype::F32);
    // Brings pixels of up to 150 to about 1.
    net.multiply("conv1.weight", 1.0 / 32.0);
    net.graph.then("relu1", relu(0.0));
    net.graph.then("pool1", overlapping_max_pool());
    // Strong enough for a wrong window to be seen.
    let norm = Lrn {
        size: 5,
        alpha: 0.5,
        beta: 0.75,
        k: 1.0,
    };
    net.graph.then("norm1", Op::Lrn(norm));
    let conv2 = Convolution {
        pad: [2, 2],
        dilation: [2, 2],
        groups: 2,
        ..Convolution::new(16, [3, 3])
    };
    net.convolution("conv2", 12, conv2, Dtype::Bf16);
    net.channels("bn2.mean", 16, 0.0, 0.3);
    net.channels("bn2.variance", 16, 1.0, 0.1);
    net.graph
        .then("bn2", Op::BatchNorm(BatchNorm { epsilon: 1e-5 }));
    net.channels("scale2.weight", 16, 1.0, 0.2);
    net.channels("scale2.bias", 16, 0.0, 0.2);
    net.graph.then("scale2", Op::Scale);
    net.graph.then("relu2", relu(0.0));
    let pool2 = Pool {
        method: PoolMethod::Max,
        kernel: [3, 2],
        stride: [2, 1],
        pad: [0, 0],
        rounding: Rounding::Floor,
    };
    net.graph.then("pool2", Op::Pool(pool2));
}

/// `pool2` to `concat4`, [32, 2, 2], by way of a gated branch.
fn cell(net: &mut Random) {
    let pad1 = |outputs| Convolution {
        pad: [1, 1],
        ..Convolution::new(outputs, [3, 3])
    };
    let eltwise = |operation, coefficients: &[f32]| {
        Op::Eltwise(Eltwise {
            operation,
            coefficients: coefficients.into(),
        })
    };
    net.convolution("conv3", 16, pad1(16), Dtype::F32);
    net.graph.then("relu3", relu(0.0));
    net.convolution("gate3_1x1", 16, Convolution::new(16, [1, 1]), Dtype::F32);
    net.graph.then("gate3", Op::Sigmoid);
    net.convolution("value3_1x1", 16, Convolution::new(16, [1, 1]), Dtype::F32);
    net.graph.then("value3", Op::Tanh);
    let product = eltwise(EltwiseOperation::Product, &[]);
    net.graph.join("product3", product, &["gate3", "value3"]);
    let sum = eltwise(EltwiseOperation::Sum, &[1.0, -0.5]);
    net.graph.join("sum3", sum, &["relu3", "product3"]);
    let max = eltwise(EltwiseOperation::Max, &[]);
    net.graph.join("max3", max, &["sum3", "pool2"]);
    let average = Pool {
        method: PoolMethod::Average,
        kernel: [3, 3],
        stride: [2, 2],
        pad: [1, 1],
        rounding: Rounding::Ceil,
    };
    net.graph.then("average4", Op::Pool(average));
    let crop = Crop {
        offset: [1, 0],
        size: [2, 2],
    };
    net.graph.join("crop4", Op::Crop(crop), &["max3"]);
    net.graph
        .join("concat4", Op::Concat, &["average4", "crop4"]);
}

/// `concat4` to the classes.
fn head(net: &mut Random) {
    let conv5 = Convolution {
        pad: [1, 1],
        groups: 2,
        ..Convolution::new(24, [3, 3])
    };
    net.convolution("conv5", 32, conv5, Dtype::F16);
    net.graph.then("relu5", relu(0.0));
    net.graph.then("flatten5", Op::Flatten);
    net.inner_product("fc6", 24 * 2 * 2, CODE, Dtype::F16);
    net.graph.then("relu6", relu(0.0));
    net.graph.then("drop6", Op::Dropout);
    net.inner_product("fc7", CODE, 32, Dtype::Bf16);
    net.graph.then("relu7", relu(0.1));
    net.graph.then("drop7", Op::Dropout);
    net.inner_product("fc8", 32, 6, Dtype::F32);
    // Spreads the scores over a few units, as trained ones are.
    net.multiply("fc8.weight", 4.0);
    net.graph.then("prob", Op::Softmax);
}

/// Two units share the name `crane`, as two classes of ImageNet do.
fn labels() -> Vec<Label> {
    let label = |(id, name): (&str, &str)| Label {
        id: id.into(),
        name: name.into(),
    };
    [
        ("n02012849", "crane"),
        ("n03126707", "crane"),
        ("n09472597", "volcano"),
        ("n02099601", "golden retriever"),
        ("n07749582", "lemon"),
        ("n03018349", "china cabinet, china closet"),
    ]
    .map(label)
    .into()
}
