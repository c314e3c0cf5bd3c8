//! Caffe's layer types in the words of the network file.

use anyhow::{Context, Result, bail, ensure};
use caffemodel::{Layer, PoolingParameter};
use engine::Shape;
use netfile::{
    BatchNorm, Convolution, Crop, Eltwise, EltwiseOperation, InnerProduct, Lrn, Op, Pool,
    PoolMethod, Relu, Reshape, Rounding,
};

/// What a layer of Caffe is to us.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    /// A layer here too.
    Op,
    /// Its bottom under other names.
    Alias,
    /// It gives inputs to the network.
    Source,
    /// It exists for training only.
    Training,
    /// There is no such op.
    Unknown,
}

/// The role of a layer's type.
pub(super) fn role(kind: &str) -> Role {
    match kind {
        "Convolution" | "Deconvolution" | "InnerProduct" | "ReLU" | "Pooling" | "LRN"
        | "Softmax" | "Sigmoid" | "TanH" | "Dropout" | "BatchNorm" | "Scale" | "Bias" | "Power"
        | "Eltwise" | "Concat" | "Flatten" | "Reshape" | "Crop" => Role::Op,
        "Split" => Role::Alias,
        "Input" | "Data" | "ImageData" | "MemoryData" | "HDF5Data" | "WindowData" | "DummyData"
        | "AnnotatedData" => Role::Source,
        "Accuracy" | "Silence" | "HDF5Output" => Role::Training,
        kind if kind.ends_with("Loss") => Role::Training,
        _ => Role::Unknown,
    }
}

/// How Caffe's blobs become a layer's tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weights {
    /// One blob per tensor, in the same layout.
    Same,
    /// The weight's rows and columns change places.
    Transposed,
    /// Mean, variance, and a factor that both are divided by.
    Averages,
    /// A weight alone; the bias is zero.
    WeightOnly,
    /// A bias alone; the weight is one.
    BiasOnly,
    /// No blobs: the same weight and bias in every channel.
    Constant { weight: f32, bias: f32 },
}

/// Translates a layer whose role is [`Role::Op`] and whose bottoms have the
/// given shapes.
pub(super) fn translate(layer: &Layer, inputs: &[Shape]) -> Result<(Op, Weights)> {
    let op = match layer.kind.as_str() {
        "InnerProduct" => return inner_product(layer),
        "BatchNorm" => return batch_norm(layer),
        "Scale" => return scale(layer, inputs),
        "Bias" => return bias(layer, inputs),
        "Power" => return power(layer),
        "Convolution" => Op::Convolution(convolution(layer)?),
        "Deconvolution" => Op::TransposedConvolution(convolution(layer)?),
        "ReLU" => Op::Relu(Relu {
            negative_slope: layer.relu()?.negative_slope,
        }),
        "Pooling" => Op::Pool(pool(layer.pooling()?, only(inputs)?)?),
        "LRN" => Op::Lrn(lrn(layer)?),
        "Softmax" => {
            channels_only(layer.softmax()?.axis, inputs)?;
            Op::Softmax
        }
        "Sigmoid" => Op::Sigmoid,
        "TanH" => Op::Tanh,
        "Dropout" => Op::Dropout,
        "Eltwise" => Op::Eltwise(eltwise(layer)?),
        "Concat" => {
            channels_only(layer.concat()?.axis, inputs)?;
            Op::Concat
        }
        "Flatten" => flatten(layer, inputs)?,
        "Reshape" => Op::Reshape(Reshape {
            shape: reshape(layer, only(inputs)?)?,
        }),
        "Crop" => Op::Crop(crop(layer, inputs)?),
        kind => bail!("expected a type that there is an op for, found {kind}"),
    };
    Ok((op, Weights::Same))
}

fn only(inputs: &[Shape]) -> Result<&Shape> {
    match inputs {
        [input] => Ok(input),
        _ => bail!("expected one bottom, found {}", inputs.len()),
    }
}

/// The channels are axis 1, or the first of a sample's axes counted from the
/// end.
fn channels_only(axis: i64, inputs: &[Shape]) -> Result<()> {
    let rank = inputs.first().map_or(0, |shape| shape.dims().len());
    ensure!(
        axis == 1 || axis == -(rank as i64),
        "expected axis 1, the channels, found {axis}"
    );
    Ok(())
}

fn convolution(layer: &Layer) -> Result<Convolution> {
    let parameter = layer.convolution()?;
    Ok(Convolution {
        outputs: parameter.num_output,
        kernel: parameter.kernel,
        stride: parameter.stride,
        pad: parameter.pad,
        dilation: parameter.dilation,
        groups: parameter.group,
        bias: parameter.bias_term,
    })
}

fn inner_product(layer: &Layer) -> Result<(Op, Weights)> {
    let parameter = layer.inner_product()?;
    let op = Op::InnerProduct(InnerProduct {
        outputs: parameter.num_output,
        bias: parameter.bias_term,
    });
    let weights = match parameter.transpose {
        true => Weights::Transposed,
        false => Weights::Same,
    };
    Ok((op, weights))
}

fn pool(parameter: PoolingParameter, input: &Shape) -> Result<Pool> {
    let method = match parameter.method {
        caffemodel::PoolMethod::Max => PoolMethod::Max,
        caffemodel::PoolMethod::Average => PoolMethod::Average,
        caffemodel::PoolMethod::Stochastic => {
            bail!("expected pooling MAX or AVE, found STOCHASTIC")
        }
    };
    let rounding = match parameter.rounding {
        caffemodel::Rounding::Ceil => Rounding::Ceil,
        caffemodel::Rounding::Floor => Rounding::Floor,
    };
    let pool = Pool {
        method,
        kernel: parameter.kernel,
        stride: parameter.stride,
        pad: parameter.pad,
        rounding,
    };
    if !parameter.global {
        return Ok(pool);
    }
    let [_, height, width] = input
        .planes()
        .with_context(|| format!("expected planes to pool, found shape {input}"))?;
    Ok(Pool {
        kernel: [height, width],
        stride: [1, 1],
        pad: [0, 0],
        ..pool
    })
}

fn lrn(layer: &Layer) -> Result<Lrn> {
    let parameter = layer.lrn()?;
    ensure!(
        parameter.across_channels,
        "expected normalisation ACROSS_CHANNELS, found WITHIN_CHANNEL, for which there is no op"
    );
    Ok(Lrn {
        size: parameter.local_size,
        alpha: parameter.alpha,
        beta: parameter.beta,
        k: parameter.k,
    })
}

fn batch_norm(layer: &Layer) -> Result<(Op, Weights)> {
    let parameter = layer.batch_norm()?;
    ensure!(
        parameter.use_global_stats != Some(false),
        "expected stored averages, found use_global_stats: false"
    );
    let epsilon = parameter.epsilon;
    let op = Op::BatchNorm(BatchNorm { epsilon });
    Ok((op, Weights::Averages))
}

fn scale(layer: &Layer, inputs: &[Shape]) -> Result<(Op, Weights)> {
    let parameter = layer.scale()?;
    per_channel(parameter.axis, parameter.num_axes, inputs)?;
    let weights = match parameter.bias_term {
        true => Weights::Same,
        false => Weights::WeightOnly,
    };
    Ok((Op::Scale, weights))
}

fn bias(layer: &Layer, inputs: &[Shape]) -> Result<(Op, Weights)> {
    let parameter = layer.bias()?;
    per_channel(parameter.axis, parameter.num_axes, inputs)?;
    Ok((Op::Scale, Weights::BiasOnly))
}

fn per_channel(axis: i64, num_axes: i64, inputs: &[Shape]) -> Result<()> {
    ensure!(
        inputs.len() == 1,
        "expected a factor that is learned, found one from another layer"
    );
    channels_only(axis, inputs)?;
    ensure!(
        num_axes == 1,
        "expected one factor per channel, found num_axes: {num_axes}"
    );
    Ok(())
}

fn power(layer: &Layer) -> Result<(Op, Weights)> {
    let parameter = layer.power()?;
    ensure!(
        parameter.power == 1.0,
        "expected power 1, found {}, for which there is no op",
        parameter.power
    );
    let weights = Weights::Constant {
        weight: parameter.scale,
        bias: parameter.shift,
    };
    Ok((Op::Scale, weights))
}

fn eltwise(layer: &Layer) -> Result<Eltwise> {
    let parameter = layer.eltwise()?;
    let operation = match parameter.operation {
        caffemodel::EltwiseOperation::Product => EltwiseOperation::Product,
        caffemodel::EltwiseOperation::Sum => EltwiseOperation::Sum,
        caffemodel::EltwiseOperation::Max => EltwiseOperation::Max,
    };
    Ok(Eltwise {
        operation,
        coefficients: parameter.coefficients,
    })
}

fn flatten(layer: &Layer, inputs: &[Shape]) -> Result<Op> {
    let parameter = layer.flatten()?;
    let last = only(inputs)?.dims().len() as i64;
    channels_only(parameter.axis, inputs)?;
    ensure!(
        parameter.end_axis == -1 || parameter.end_axis == last,
        "expected every axis but the batch to be flattened, found end_axis: {}",
        parameter.end_axis
    );
    Ok(Op::Flatten)
}

/// The new shape of one sample. A batch that the file fixes is left out: ours
/// is free.
fn reshape(layer: &Layer, input: &Shape) -> Result<Vec<usize>> {
    let parameter = layer.reshape()?;
    let dims = match (parameter.axis, parameter.num_axes, &parameter.dims[..]) {
        (0, -1, [_, sample @ ..]) | (1, -1, sample) => sample,
        (axis, num_axes, _) => bail!(
            "expected a reshape of every axis but the batch, found axis: {axis}, num_axes: {num_axes}"
        ),
    };
    let mut shape = Vec::new();
    for (i, &dim) in dims.iter().enumerate() {
        shape.push(match dim {
            0 => Some(input.dims().get(i).copied().with_context(|| {
                format!("expected an axis {} to copy, found shape {input}", i + 1)
            })?),
            -1 => None,
            dim => Some(usize::try_from(dim).context("expected sizes, 0 or -1")?),
        });
    }
    let known: Option<usize> = shape
        .iter()
        .flatten()
        .try_fold(1, |n: usize, &d| n.checked_mul(d));
    let rest = known.and_then(|known| input.len().checked_div(known));
    ensure!(
        shape.iter().filter(|dim| dim.is_none()).count() <= 1,
        "expected at most one size of -1"
    );
    let shape: Option<Vec<usize>> = shape.into_iter().map(|dim| dim.or(rest)).collect();
    shape.with_context(|| format!("expected sizes that hold {} values", input.len()))
}

/// Cut to the second bottom's plane.
fn crop(layer: &Layer, inputs: &[Shape]) -> Result<Crop> {
    let parameter = layer.crop()?;
    let [_, reference] = inputs else {
        bail!("expected two bottoms, found {}", inputs.len());
    };
    let [_, height, width] = reference
        .planes()
        .with_context(|| format!("expected planes to cut to, found shape {reference}"))?;
    ensure!(
        parameter.axis == 2 || parameter.axis == -2,
        "expected axis 2, the planes, found {}",
        parameter.axis
    );
    let offset = match parameter.offsets[..] {
        [] => [0, 0],
        [both] => [both, both],
        [y, x] => [y, x],
        _ => bail!(
            "expected at most two offsets, found {}",
            parameter.offsets.len()
        ),
    };
    Ok(Crop {
        offset,
        size: [height, width],
    })
}
