//! What a network file says about its network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The whole description of a network; the JSON document of its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Version of this document, [`crate::VERSION`].
    pub version: u32,
    /// A short name for people, e.g. `fashion classifier`.
    pub name: String,
    /// What goes in.
    pub input: Input,
    /// How pixels become the input of a classifier, or the output of a
    /// generator becomes pixels. Absent where neither end is an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageEncoding>,
    /// The code space of a generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeSpace>,
    /// The graph in topological order. The last layer is the network's output.
    pub layers: Vec<Layer>,
    /// Per layer, the names of its units in order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Vec<Label>>,
    /// Per layer (`fc8`) or per pooled layer (`conv5@max`, `conv5@mean`), how
    /// its units are distributed over a reference set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quantiles: BTreeMap<String, Quantiles>,
    /// The layer that is the default encoder `E` (after its activation).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// Where the weights come from.
    pub origin: Origin,
}

/// The input of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The name by which layers refer to it, e.g. `data`.
    pub name: String,
    /// Shape of one sample, without the batch: `[c, h, w]` or `[units]`.
    pub shape: Vec<usize>,
}

/// The pixel encoding: `encoded = (pixel * scale - mean) / std` per channel,
/// where `pixel` is RGB or grey in `[0, 1]`. A generator's output is decoded
/// by the inverse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageEncoding {
    /// The channels' number and order on the network's side.
    pub channels: Channels,
    /// What a pixel of 1 becomes before the mean is taken off, e.g. 255.
    pub scale: f32,
    /// Mean per channel, in the network's order and scale. Ignored where the
    /// file holds the tensor [`ImageEncoding::MEAN_TENSOR`].
    pub mean: Vec<f32>,
    /// Standard deviation per channel, in the network's order and scale.
    pub std: Vec<f32>,
}

impl ImageEncoding {
    /// Name of the optional tensor `[c, h, w]` that replaces `mean`.
    pub const MEAN_TENSOR: &'static str = "image.mean";
}

/// Number and order of an image's channels on the network's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// One channel.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red (Caffe's order).
    Bgr,
}

impl Channels {
    /// Number of channels.
    pub fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::Rgb | Channels::Bgr => 3,
        }
    }
}

/// The code space of a generator. The file also holds the tensors
/// [`CodeSpace::LOWER`], [`CodeSpace::UPPER`], [`CodeSpace::MEAN`] and
/// [`CodeSpace::STD`], each of shape `[units]`, and may hold a [`Mixture`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSpace {
    /// The classifier's layer whose (post-activation) space the code is, e.g.
    /// `relu6`.
    pub layer: String,
}

impl CodeSpace {
    /// Least value of each unit of a code.
    pub const LOWER: &'static str = "code.lower";
    /// Greatest value of each unit of a code.
    pub const UPPER: &'static str = "code.upper";
    /// Mean of each unit over a reference set, for starting codes.
    pub const MEAN: &'static str = "code.mean";
    /// Standard deviation of each unit over a reference set.
    pub const STD: &'static str = "code.std";
}

/// Names of the tensors of a fitted model of codes, a mixture of factor
/// analysers (Ghahramani and Hinton 1996) whose draws are clipped to the
/// code's bounds:
///
/// ```text
/// code = clip(mean_k + factors_k u + noise_k * e)      u, e ~ N(0, I),  k ~ weight
/// ```
///
/// With a lower bound of 0 it is a model of the layer before a rectified
/// linear unit. Either all four tensors are there or none.
pub struct Mixture;

impl Mixture {
    /// Share of each component, `[components]`; they need not add up to 1.
    pub const WEIGHT: &'static str = "code.mixture.weight";
    /// `[components, units]`.
    pub const MEAN: &'static str = "code.mixture.mean";
    /// Directions that units vary in together, `[components, units, rank]`.
    pub const FACTORS: &'static str = "code.mixture.factors";
    /// Standard deviation of each unit by itself, `[components, units]`.
    pub const NOISE: &'static str = "code.mixture.noise";
}

/// The name of one unit of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// A stable identifier, e.g. a WordNet id `n09472597`.
    pub id: String,
    /// The name for people, e.g. `volcano`; synonyms separated by commas.
    pub name: String,
}

/// How the units of a layer are distributed over a reference set. The numbers
/// are the tensors `quantiles.<key>.p` (over all images) and, where `by_label`
/// says so, `quantiles.<key>.c` (over the images of the unit's own label),
/// each of shape `[units, levels]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Percentages in increasing order, from 0 (least) to 100 (greatest).
    /// Between two levels a quantile is interpolated linearly.
    pub levels: Vec<f32>,
    /// Which images, in words.
    pub images: String,
    /// Whether the table over the images of the unit's own label exists.
    pub by_label: bool,
}

impl Quantiles {
    /// Name of the tensor over all images for a key of
    /// [`Description::quantiles`].
    pub fn over_all(key: &str) -> String {
        format!("quantiles.{key}.p")
    }

    /// Name of the tensor over the images of each unit's own label.
    pub fn over_label(key: &str) -> String {
        format!("quantiles.{key}.c")
    }
}

/// Where a network comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The file or the recipe that it was converted from.
    pub source: String,
    /// SHA-256 of that file in hexadecimal, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The licence of the weights.
    pub licence: String,
}

/// One layer of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Its name, by which it is addressed; unique, and not the input's.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The input or earlier layers, by name.
    pub inputs: Vec<String>,
}

impl Layer {
    /// A layer that reads the named inputs.
    pub fn new(name: &str, op: Op, inputs: &[&str]) -> Layer {
        Layer {
            name: name.into(),
            op,
            inputs: inputs.iter().map(|&input| input.into()).collect(),
        }
    }
}

/// What a layer computes. Sizes of two numbers are height, width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Correlation with a learned kernel; tensors `weight`
    /// `[out, in / groups, kh, kw]` and optional `bias` `[out]`.
    Convolution(Convolution),
    /// Caffe's `Deconvolution`, PyTorch's `ConvTranspose2d`; tensors `weight`
    /// `[in, out / groups, kh, kw]` and optional `bias` `[out]`.
    TransposedConvolution(Convolution),
    /// `y = W x + b` over the flattened input; tensors `weight` `[out, in]`
    /// and optional `bias` `[out]`.
    InnerProduct(InnerProduct),
    /// `max(x, 0) + negative_slope * min(x, 0)`.
    Relu(Relu),
    /// Maximum or average over windows.
    Pool(Pool),
    /// Local response normalisation across channels.
    Lrn(Lrn),
    /// Softmax over the channels (or units) of each position.
    Softmax,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Normalisation with stored statistics; tensors `mean` `[c]`, `variance`
    /// `[c]`: `(x - mean) / sqrt(variance + epsilon)` per channel.
    BatchNorm(BatchNorm),
    /// `x * weight + bias` per channel; tensors `weight` `[c]` and `bias` `[c]`.
    Scale,
    /// Element-wise sum, product or maximum of two or more inputs.
    Eltwise(Eltwise),
    /// Inputs one after the other along the channels.
    Concat,
    /// `[c, h, w]` to `[c * h * w]`.
    Flatten,
    /// The same numbers under another shape.
    Reshape(Reshape),
    /// A window of the input's plane.
    Crop(Crop),
    /// The identity: dropout at test time.
    Dropout,
}

impl Op {
    /// The name as it is written in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Convolution(_) => "convolution",
            Op::TransposedConvolution(_) => "transposed_convolution",
            Op::InnerProduct(_) => "inner_product",
            Op::Relu(_) => "relu",
            Op::Pool(_) => "pool",
            Op::Lrn(_) => "lrn",
            Op::Softmax => "softmax",
            Op::Sigmoid => "sigmoid",
            Op::Tanh => "tanh",
            Op::BatchNorm(_) => "batch_norm",
            Op::Scale => "scale",
            Op::Eltwise(_) => "eltwise",
            Op::Concat => "concat",
            Op::Flatten => "flatten",
            Op::Reshape(_) => "reshape",
            Op::Crop(_) => "crop",
            Op::Dropout => "dropout",
        }
    }
}

/// Attributes of a convolution or transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// Number of output channels.
    pub outputs: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Step of the kernel.
    #[serde(default = "ones")]
    pub stride: [usize; 2],
    /// Zeros put around the input (cut off the output, when transposed).
    #[serde(default)]
    pub pad: [usize; 2],
    /// Distance between the taps of the kernel.
    #[serde(default = "ones")]
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other.
    #[serde(default = "one")]
    pub groups: usize,
    /// Whether the tensor `bias` exists.
    #[serde(default = "yes")]
    pub bias: bool,
}

impl Convolution {
    /// A convolution with bias, stride 1, dilation 1, one group and no
    /// padding.
    pub fn new(outputs: usize, kernel: [usize; 2]) -> Convolution {
        Convolution {
            outputs,
            kernel,
            stride: ones(),
            pad: [0, 0],
            dilation: ones(),
            groups: one(),
            bias: yes(),
        }
    }
}

/// Attributes of an inner product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerProduct {
    /// Number of output units.
    pub outputs: usize,
    /// Whether the tensor `bias` exists.
    #[serde(default = "yes")]
    pub bias: bool,
}

/// Attributes of a rectified linear unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {
    /// Slope below zero; 0 for the plain unit.
    #[serde(default)]
    pub negative_slope: f32,
}

/// Attributes of a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Maximum or average.
    pub method: PoolMethod,
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Step of the window.
    #[serde(default = "ones")]
    pub stride: [usize; 2],
    /// Padding around the input. For an average the padded zeros count, as in
    /// Caffe; for a maximum they do not.
    #[serde(default)]
    pub pad: [usize; 2],
    /// How the output size is rounded.
    pub rounding: Rounding,
}

/// What a pooling layer takes of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolMethod {
    /// The greatest value; of equal ones the first in raster order.
    Max,
    /// The mean over the window clipped to the padded input.
    Average,
}

/// How the output size of a pooling layer is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Up, Caffe's default: a last window may reach over the edge.
    Ceil,
    /// Down, PyTorch's default.
    Floor,
}

/// Attributes of local response normalisation:
/// `x * (k + alpha / size * sum of squares over size channels) ^ -beta`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lrn {
    /// Number of neighbouring channels, odd.
    pub size: usize,
    /// Weight of the mean square.
    pub alpha: f32,
    /// Exponent.
    pub beta: f32,
    /// Added constant.
    #[serde(default = "one_f32")]
    pub k: f32,
}

/// Attributes of batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f32,
}

/// Attributes of an element-wise combination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eltwise {
    /// How the inputs are combined.
    pub operation: EltwiseOperation,
    /// For a sum, the factor of each input; empty means 1 for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coefficients: Vec<f32>,
}

/// How an element-wise layer combines its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EltwiseOperation {
    /// Sum, each input times its coefficient.
    Sum,
    /// Product.
    Product,
    /// Maximum; of equal ones the first input.
    Max,
}

/// Attributes of a reshape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// New shape of one sample, without the batch.
    pub shape: Vec<usize>,
}

/// Attributes of a crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// First row and column that stay.
    pub offset: [usize; 2],
    /// Height and width of what stays.
    pub size: [usize; 2],
}

fn one() -> usize {
    1
}

fn one_f32() -> f32 {
    1.0
}

fn ones() -> [usize; 2] {
    [1, 1]
}

fn yes() -> bool {
    true
}
