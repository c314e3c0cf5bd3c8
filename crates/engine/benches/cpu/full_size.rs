//! Networks of the sizes of PPGN's generator from fc6 and of CaffeNet.

use std::path::{Path, PathBuf};

use half::f16;
use netfile::{
    Channels, CodeSpace, Convolution, Description, Dtype, Error, ImageEncoding, InnerProduct,
    Input, Layer, Lrn, Op, Origin, Pool, PoolMethod, Relu, Reshape, Rounding, TensorData, VERSION,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A layer with weights.
pub(crate) struct Row {
    pub name: &'static str,
    pub op: Op,
    /// Of the weight.
    pub weight: Vec<usize>,
}

/// A layer whose input has this shape.
fn row(name: &'static str, op: Op, input: &[usize]) -> Row {
    let weight = match &op {
        Op::InnerProduct(a) => vec![a.outputs, input.iter().product()],
        Op::TransposedConvolution(a) => {
            vec![input[0], a.outputs / a.groups, a.kernel[0], a.kernel[1]]
        }
        Op::Convolution(a) => vec![a.outputs, input[0] / a.groups, a.kernel[0], a.kernel[1]],
        _ => unreachable!("a row has weights"),
    };
    Row { name, op, weight }
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

/// Writes both networks into a folder of their own and returns it: inner
/// products in `dtype`, all else in single precision.
pub(crate) fn pair(folder: &Path, dtype: Dtype) -> Result<PathBuf, Error> {
    let folder = folder.join(format!("full-size-{dtype:?}").to_lowercase());
    std::fs::create_dir_all(&folder).expect("a folder to write to");
    let file = |part: &str| folder.join(part).with_extension("safetensors");
    if !file("generator").is_file() {
        let mut network = Builder::new(dtype, 1);
        for row in generator() {
            if row.name == "deconv5" {
                let shape = vec![256, 4, 4];
                network.layer("reshape", Op::Reshape(Reshape { shape }));
            }
            let name = row.name;
            network.product(row, if name == "deconv0" { CONTRAST } else { 1.0 });
            if name != "deconv0" {
                network.relu(&format!("relu_{name}"), 0.3);
            }
        }
        network.codes();
        let code = CodeSpace {
            layer: ENCODER.into(),
        };
        network.write(&file("generator"), &[CODE], |of| of.code = Some(code))?;
    }
    if !file("classifier").is_file() {
        let mut network = Builder::new(dtype, 2);
        for row in classifier() {
            let name = row.name;
            network.product(row, 1.0);
            let number = &name[name.len() - 1..];
            if name != "fc8" {
                network.relu(&format!("relu{number}"), 0.0);
            }
            if matches!(name, "conv1" | "conv2" | "conv5") {
                network.layer(&format!("pool{number}"), Op::Pool(POOL));
            }
            if matches!(name, "conv1" | "conv2") {
                network.layer(&format!("norm{number}"), Op::Lrn(LRN));
            }
        }
        network.write(&file("classifier"), &[3, 227, 227], |of| {
            of.encoder = Some(ENCODER.into());
        })?;
    }
    Ok(folder)
}

/// Units of a code.
const CODE: usize = 4096;

/// The layer that is the encoder, and whose space the codes lie in.
const ENCODER: &str = "relu6";

/// What gives the generator's pixels the contrast of photographs.
const CONTRAST: f32 = 13.0;

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

    /// How post-ReLU fc6 is distributed over photographs.
    fn codes(&mut self) {
        let units = [
            (CodeSpace::LOWER, 0.0),
            (CodeSpace::UPPER, 30.0),
            (CodeSpace::MEAN, 0.6),
            (CodeSpace::STD, 3.7),
        ];
        self.tensors.extend(units.map(|(name, value)| TensorData {
            name: name.into(),
            dtype: Dtype::F32,
            shape: vec![CODE],
            values: vec![value; CODE],
        }));
    }

    fn layer(&mut self, name: &str, op: Op) {
        let input = self.layers.last().map_or("data", |layer| &layer.name);
        let layer = Layer::new(name, op, &[input]);
        self.layers.push(layer);
    }

    /// A layer with weights, which are multiplied by `gain`.
    fn product(&mut self, row: Row, gain: f32) {
        let dtype = match row.op {
            Op::InnerProduct(_) => self.dtype,
            _ => Dtype::F32,
        };
        let [mut weight, mut bias] = tensors(&row, dtype, &mut self.random);
        weight.values.iter_mut().for_each(|value| *value *= gain);
        if matches!(row.op, Op::InnerProduct(_)) {
            // So that the network is the same in either precision.
            let round = |value: &mut f32| *value = f16::from_f32(*value).to_f32();
            for tensor in [&mut weight, &mut bias] {
                tensor.values.iter_mut().for_each(round);
            }
        }
        self.tensors.extend([weight, bias]);
        self.layer(row.name, row.op);
    }

    fn relu(&mut self, name: &str, negative_slope: f32) {
        self.layer(name, Op::Relu(Relu { negative_slope }));
    }

    fn write(
        self,
        path: &Path,
        input: &[usize],
        also: impl FnOnce(&mut Description),
    ) -> Result<(), Error> {
        let mut description = description("full size", input, self.layers);
        description.image = Some(ImageEncoding {
            channels: Channels::Bgr,
            scale: 255.0,
            mean: vec![104.0, 117.0, 123.0],
            std: vec![1.0; 3],
        });
        also(&mut description);
        netfile::write(path, &description, &self.tensors)
    }
}
