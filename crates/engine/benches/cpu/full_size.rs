//! Networks of the sizes of PPGN's generator from fc6 and of CaffeNet.

use std::path::{Path, PathBuf};

use netfile::{
    Convolution, Crop, Description, Dtype, Error, InnerProduct, Input, Layer, Lrn, Op, Origin,
    Pool, PoolMethod, Relu, Reshape, Rounding, TensorData, VERSION,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A layer with its shapes, and what is known of it at no cost.
pub(crate) struct Row {
    pub name: &'static str,
    pub op: Op,
    /// Of one sample of the input.
    pub input: Vec<usize>,
    /// Of the weight.
    pub weight: Vec<usize>,
    /// Multiplications and additions of one sample when done directly.
    pub flops: usize,
}

fn row(name: &'static str, op: Op, input: &[usize]) -> Row {
    let pixels: usize = input[1..].iter().product();
    let (weight, places) = match &op {
        Op::InnerProduct(a) => (vec![a.outputs, input.iter().product()], 1),
        Op::TransposedConvolution(a) => (
            vec![input[0], a.outputs / a.groups, a.kernel[0], a.kernel[1]],
            pixels,
        ),
        Op::Convolution(a) => {
            let side = (input[1] + 2 * a.pad[0] - a.kernel[0]) / a.stride[0] + 1;
            let weight = vec![a.outputs, input[0] / a.groups, a.kernel[0], a.kernel[1]];
            (weight, side * side)
        }
        _ => unreachable!("a row has weights"),
    };
    Row {
        flops: 2 * places * weight.iter().product::<usize>(),
        name,
        op,
        input: input.to_vec(),
        weight,
    }
}

fn window(outputs: usize, kernel: usize, stride: usize, pad: usize) -> Convolution {
    Convolution {
        stride: [stride; 2],
        pad: [pad; 2],
        ..Convolution::new(outputs, [kernel; 2])
    }
}

fn product(outputs: usize) -> Op {
    Op::InnerProduct(InnerProduct {
        outputs,
        bias: true,
    })
}

pub(crate) fn generator() -> Vec<Row> {
    let up = |outputs| Op::TransposedConvolution(window(outputs, 4, 2, 1));
    let same = |outputs| Op::TransposedConvolution(window(outputs, 3, 1, 1));
    vec![
        row("defc7", product(4096), &[4096, 1, 1]),
        row("defc6", product(4096), &[4096, 1, 1]),
        row("defc5", product(4096), &[4096, 1, 1]),
        row("deconv5", up(256), &[256, 4, 4]),
        row("conv5_1", same(512), &[256, 8, 8]),
        row("deconv4", up(256), &[512, 8, 8]),
        row("conv4_1", same(256), &[256, 16, 16]),
        row("deconv3", up(128), &[256, 16, 16]),
        row("conv3_1", same(128), &[128, 32, 32]),
        row("deconv2", up(64), &[128, 32, 32]),
        row("deconv1", up(32), &[64, 64, 64]),
        row("deconv0", up(3), &[32, 128, 128]),
    ]
}

pub(crate) fn classifier() -> Vec<Row> {
    let in_two = |a: Convolution| Op::Convolution(Convolution { groups: 2, ..a });
    vec![
        row(
            "conv1",
            Op::Convolution(window(96, 11, 4, 0)),
            &[3, 227, 227],
        ),
        row("conv2", in_two(window(256, 5, 1, 2)), &[96, 27, 27]),
        row(
            "conv3",
            Op::Convolution(window(384, 3, 1, 1)),
            &[256, 13, 13],
        ),
        row("conv4", in_two(window(384, 3, 1, 1)), &[384, 13, 13]),
        row("conv5", in_two(window(256, 3, 1, 1)), &[384, 13, 13]),
        row("fc6", product(4096), &[256, 6, 6]),
        row("fc7", product(4096), &[4096, 1, 1]),
        row("fc8", product(1000), &[4096, 1, 1]),
    ]
}

/// Weights that keep the scale of the values, and small biases.
pub(crate) fn tensors(row: &Row, dtype: Dtype, random: &mut ChaCha8Rng) -> [TensorData; 2] {
    let inputs = match &row.op {
        Op::TransposedConvolution(a) => {
            row.weight[0] * a.kernel[0] * a.kernel[1] / (a.stride[0] * a.stride[1])
        }
        _ => row.weight[1..].iter().product(),
    };
    let outputs = match &row.op {
        Op::TransposedConvolution(a) | Op::Convolution(a) => a.outputs,
        _ => row.weight[0],
    };
    // Uniform numbers of the variance of He's normal ones.
    let bound = (6.0 / inputs as f32).sqrt();
    let mut uniform = |len: usize, bound: f32| {
        let value = |_| (random.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0) * bound;
        (0..len).map(value).collect()
    };
    let tensor = |suffix, shape: Vec<usize>, values| TensorData {
        name: format!("{}.{suffix}", row.name),
        dtype,
        shape,
        values,
    };
    let weight = uniform(row.weight.iter().product(), bound);
    [
        tensor("weight", row.weight.clone(), weight),
        tensor("bias", vec![outputs], uniform(outputs, 0.01)),
    ]
}

pub(crate) fn description(name: &str, input: &[usize], layers: Vec<Layer>) -> Description {
    Description {
        version: VERSION,
        name: name.into(),
        input: Input {
            name: "data".into(),
            shape: input.to_vec(),
        },
        image: None,
        code: None,
        layers,
        labels: Default::default(),
        quantiles: Default::default(),
        encoder: None,
        origin: Origin {
            source: "random numbers".into(),
            sha256: None,
            licence: "none".into(),
        },
    }
}

/// Writes both networks, inner products in `dtype` and all else in single
/// precision; the generator's output is cropped to what the classifier takes.
pub(crate) fn pair(folder: &Path, dtype: Dtype) -> Result<[PathBuf; 2], Error> {
    let [generator_file, classifier_file] = ["generator", "classifier"]
        .map(|part| folder.join(format!("{part}-{dtype:?}.safetensors").to_lowercase()));
    if !generator_file.is_file() {
        let mut network = Builder::new(dtype, 1);
        for row in generator() {
            let first = row.name == "deconv5";
            if first {
                let shape = vec![256, 4, 4];
                network.layer("reshape", Op::Reshape(Reshape { shape }));
            }
            let last = row.name == "deconv0";
            network.product(row);
            if !last {
                network.relu(0.3);
            }
        }
        let (offset, size) = ([14, 14], [227, 227]);
        network.layer("crop", Op::Crop(Crop { offset, size }));
        network.write(&generator_file, &[4096])?;
    }
    if !classifier_file.is_file() {
        let mut network = Builder::new(dtype, 2);
        for row in classifier() {
            let name = row.name;
            network.product(row);
            if name != "fc8" {
                network.relu(0.0);
            }
            if matches!(name, "conv1" | "conv2" | "conv5") {
                network.layer(&format!("pool_{name}"), Op::Pool(POOL));
            }
            if matches!(name, "conv1" | "conv2") {
                network.layer(&format!("norm_{name}"), Op::Lrn(LRN));
            }
        }
        network.write(&classifier_file, &[3, 227, 227])?;
    }
    Ok([generator_file, classifier_file])
}

const POOL: Pool = Pool {
    method: PoolMethod::Max,
    kernel: [3, 3],
    stride: [2, 2],
    pad: [0, 0],
    rounding: Rounding::Ceil,
};

const LRN: Lrn = Lrn {
    size: 5,
    alpha: 1e-4,
    beta: 0.75,
    k: 1.0,
};

/// A chain of layers.
struct Builder {
    dtype: Dtype,
    random: ChaCha8Rng,
    layers: Vec<Layer>,
    tensors: Vec<TensorData>,
}

impl Builder {
    fn new(dtype: Dtype, seed: u64) -> Builder {
        Builder {
            dtype,
            random: ChaCha8Rng::seed_from_u64(seed),
            layers: Vec::new(),
            tensors: Vec::new(),
        }
    }

    fn layer(&mut self, name: &str, op: Op) {
        let input = self.layers.last().map_or("data", |layer| &layer.name);
        let layer = Layer::new(name, op, &[input]);
        self.layers.push(layer);
    }

    fn product(&mut self, row: Row) {
        let dtype = match row.op {
            Op::InnerProduct(_) => self.dtype,
            _ => Dtype::F32,
        };
        self.tensors.extend(tensors(&row, dtype, &mut self.random));
        self.layer(row.name, row.op);
    }

    fn relu(&mut self, negative_slope: f32) {
        let before = self.layers.last().map_or("data", |layer| &layer.name);
        let name = format!("relu_{before}");
        self.layer(&name, Op::Relu(Relu { negative_slope }));
    }

    fn write(self, path: &Path, input: &[usize]) -> Result<(), Error> {
        let description = description("full size", input, self.layers);
        netfile::write(path, &description, &self.tensors)
    }
}
