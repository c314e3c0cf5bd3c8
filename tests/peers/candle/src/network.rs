//! A network file as a chain of candle's operations.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use netfile::{Convolution, Lrn, NetworkFile, Op, Pool};

use crate::Result;

pub struct Network {
    file: NetworkFile,
    tensors: HashMap<String, Tensor>,
}

impl Network {
    pub fn open(path: &Path) -> Result<Network> {
        let file = NetworkFile::open(path)?;
        let mut tensors = HashMap::new();
        for layer in &file.description().layers {
            for name in ["weight", "bias"].map(|part| format!("{}.{part}", layer.name)) {
                let Some(shape) = file.tensor(&name).map(|tensor| tensor.shape.to_vec()) else {
                    continue;
                };
                let mut tensor = Tensor::from_vec(file.floats(&name)?, shape, &Device::Cpu)?;
                if name.ends_with("weight")
                    && matches!(&layer.op, Op::TransposedConvolution(a) if a.stride == [1, 1])
                {
                    tensor = turned(&tensor)?;
                }
                tensors.insert(name, tensor);
            }
        }
        Ok(Network { file, tensors })
    }

    pub fn side(&self) -> usize {
        self.file.description().input.shape[1]
    }

    /// From the input to a layer.
    pub fn run(&self, x: &Tensor, to: &str) -> Result<Tensor> {
        self.chain(x, 0, to)
    }

    /// From behind one layer to another.
    pub fn run_after(&self, x: &Tensor, from: &str, to: &str) -> Result<Tensor> {
        let layers = &self.file.description().layers;
        let from = layers.iter().position(|layer| layer.name == from);
        self.chain(x, from.ok_or("no such layer")? + 1, to)
    }

    fn chain(&self, x: &Tensor, from: usize, to: &str) -> Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.file.description().layers[from..] {
            x = self.layer(&x, &layer.name, &layer.op)?;
            if layer.name == to {
                return Ok(x);
            }
        }
        Err(format!("no layer {to}").into())
    }

    fn layer(&self, x: &Tensor, name: &str, op: &Op) -> Result<Tensor> {
        let weight = || &self.tensors[&format!("{name}.weight")];
        let with_bias = |y: Tensor| -> Result<Tensor> {
            let Some(bias) = self.tensors.get(&format!("{name}.bias")) else {
                return Ok(y);
            };
            let mut shape = vec![1; y.rank()];
            shape[1] = bias.elem_count();
            Ok(y.broadcast_add(&bias.reshape(shape)?)?)
        };
        Ok(match op {
            Op::InnerProduct(_) => with_bias(x.flatten_from(1)?.matmul(&weight().t()?)?)?,
            Op::Convolution(a) => with_bias(convolution(x, weight(), a, a.pad[0])?)?,
            Op::TransposedConvolution(a) if a.stride == [1, 1] => {
                with_bias(convolution(x, weight(), a, a.kernel[0] - 1 - a.pad[0])?)?
            }
            Op::TransposedConvolution(a) => {
                with_bias(x.conv_transpose2d(weight(), a.pad[0], 0, a.stride[0], a.dilation[0])?)?
            }
            Op::Relu(a) if a.negative_slope == 0.0 => x.relu()?,
            Op::Relu(a) => {
                let slope = f64::from(a.negative_slope);
                ((x.relu()? * (1.0 - slope))? + (x * slope)?)?
            }
            Op::Pool(a) => greatest(x, a)?,
            Op::Lrn(a) => normalised(x, a)?,
            Op::Reshape(a) => x.reshape([&[x.dims()[0]], &a.shape[..]].concat())?,
            Op::Dropout => x.clone(),
            _ => return Err(format!("layer {name}: an op that no peer needs").into()),
        })
    }

    /// A generator's output as pixels.
    pub fn decode(&self, output: &Tensor) -> Result<Tensor> {
        let [scale, mean] = self.encoding()?;
        Ok(output.broadcast_add(&mean)?.broadcast_div(&scale)?)
    }

    /// Pixels as a classifier's input. Both networks of a pair that is measured
    /// here have the same order of channels.
    pub fn encode(&self, pixels: &Tensor) -> Result<Tensor> {
        let [scale, mean] = self.encoding()?;
        Ok(pixels.broadcast_mul(&scale)?.broadcast_sub(&mean)?)
    }

    /// Scale and mean per channel, in units of the standard deviation.
    fn encoding(&self) -> Result<[Tensor; 2]> {
        let image = self.file.description().image.as_ref().ok_or("no pixels")?;
        let of = |value: &dyn Fn(usize) -> f32| -> Result<Tensor> {
            let values: Vec<f32> = (0..image.std.len()).map(value).collect();
            Ok(Tensor::from_vec(
                values,
                (1, image.std.len(), 1, 1),
                &Device::Cpu,
            )?)
        };
        Ok([
            of(&|c| image.scale / image.std[c])?,
            of(&|c| image.mean[c] / image.std[c])?,
        ])
    }
}

/// The kernel of the convolution that a transposed one of stride 1 is.
fn turned(weight: &Tensor) -> Result<Tensor> {
    let reversed = |len: usize| {
        let order: Vec<u32> = (0..len as u32).rev().collect();
        Tensor::from_vec(order, len, &Device::Cpu)
    };
    let (_, _, high, wide) = weight.dims4()?;
    let weight = weight.index_select(&reversed(high)?, 2)?;
    let weight = weight.index_select(&reversed(wide)?, 3)?;
    Ok(weight.transpose(0, 1)?.contiguous()?)
}

fn convolution(x: &Tensor, weight: &Tensor, a: &Convolution, pad: usize) -> Result<Tensor> {
    Ok(x.conv2d(weight, pad, a.stride[0], a.dilation[0], a.groups)?)
}

/// Max pooling as the greatest of as many tensors as a window has taps: candle
/// has no gradient for windows that overlap.
fn greatest(x: &Tensor, a: &Pool) -> Result<Tensor> {
    let taps = |axis: usize, len: usize| -> Result<Vec<Tensor>> {
        let (kernel, stride) = (a.kernel[axis], a.stride[axis]);
        let places = (len - kernel).div_ceil(stride) + 1;
        let tap = |t: usize| {
            // Where a window reaches over the edge, the last pixel stands again.
            let pixel = |p: usize| (p * stride + t).min(len - 1) as u32;
            Tensor::from_vec((0..places).map(pixel).collect(), places, &Device::Cpu)
        };
        Ok((0..kernel).map(tap).collect::<candle_core::Result<_>>()?)
    };
    let along = |x: &Tensor, axis: usize| -> Result<Tensor> {
        let taps = taps(axis, x.dims()[axis + 2])?;
        let mut taps = taps.iter().map(|tap| x.index_select(tap, axis + 2));
        let first = taps.next().ok_or("a window without taps")??;
        Ok(taps.try_fold(first, |most, tap| most.maximum(&tap?))?)
    };
    along(&along(x, 0)?, 1)
}

fn normalised(x: &Tensor, a: &Lrn) -> Result<Tensor> {
    let (half, channels) = (a.size / 2, x.dims()[1]);
    let squares = x.sqr()?.pad_with_zeros(1, half, half)?;
    let mut sum = squares.narrow(1, 0, channels)?;
    for i in 1..a.size {
        sum = (sum + squares.narrow(1, i, channels)?)?;
    }
    let scale = ((sum * f64::from(a.alpha / a.size as f32))? + f64::from(a.k))?;
    Ok((x * scale.powf(f64::from(-a.beta))?)?)
}
