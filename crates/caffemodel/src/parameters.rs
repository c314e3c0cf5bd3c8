//! The parameters of layers, with caffe.proto's defaults filled in. Pairs are
//! height, width.

/// Of `Convolution` and `Deconvolution` (caffe.proto, ConvolutionParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvolutionParameter {
    /// Output channels; at least 1 and a multiple of `group`.
    pub num_output: usize,
    /// Whether there is a second blob, the bias.
    pub bias_term: bool,
    /// At least 1 each.
    pub kernel: [usize; 2],
    /// At least 1 each.
    pub stride: [usize; 2],
    /// Zeros added at either side.
    pub pad: [usize; 2],
    /// At least 1 each; 1 is a plain convolution.
    pub dilation: [usize; 2],
    /// Groups of channels that see only each other; at least 1.
    pub group: usize,
}

/// Of `InnerProduct` (caffe.proto, InnerProductParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerProductParameter {
    /// At least 1.
    pub num_output: usize,
    /// Whether there is a second blob, the bias.
    pub bias_term: bool,
    /// Whether the weights are stored as inputs x outputs.
    pub transpose: bool,
}

/// Of `Pooling` (caffe.proto, PoolingParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolingParameter {
    /// What is taken from a window.
    pub method: PoolMethod,
    /// At least 1 each; `[0, 0]` where the pooling is global.
    pub kernel: [usize; 2],
    /// At least 1 each.
    pub stride: [usize; 2],
    /// Less than the kernel.
    pub pad: [usize; 2],
    /// One window that is as large as the input.
    pub global: bool,
    /// How the number of windows is rounded.
    pub rounding: Rounding,
}

/// What pooling takes from a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMethod {
    /// The greatest value.
    Max,
    /// The mean, the padding's zeros included.
    Average,
    /// In phase TEST the mean weighted by the values themselves.
    Stochastic,
}

/// How a fraction of a window is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// A window that begins inside counts: Caffe's rule.
    Ceil,
    /// Only whole windows count.
    Floor,
}

/// Of `LRN` (caffe.proto, LRNParameter).
#[derive(Clone, Debug, PartialEq)]
pub struct LrnParameter {
    /// Channels, or side of the square, that are summed; odd.
    pub local_size: usize,
    /// Divided by the number of values summed before it is applied.
    pub alpha: f32,
    /// The exponent.
    pub beta: f32,
    /// What is added to the sum.
    pub k: f32,
    /// Whether neighbouring channels are summed, not neighbouring positions.
    pub across_channels: bool,
}

/// Of `ReLU` (caffe.proto, ReLUParameter).
#[derive(Clone, Debug, PartialEq)]
pub struct ReluParameter {
    /// The slope below zero.
    pub negative_slope: f32,
}

/// Of `PReLU` (caffe.proto, PReLUParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreluParameter {
    /// Whether one slope serves all channels.
    pub channel_shared: bool,
}

/// Of `ELU` (caffe.proto, ELUParameter).
#[derive(Clone, Debug, PartialEq)]
pub struct EluParameter {
    /// The limit far below zero is minus this.
    pub alpha: f32,
}

/// Of `Eltwise` (caffe.proto, EltwiseParameter).
#[derive(Clone, Debug, PartialEq)]
pub struct EltwiseParameter {
    /// How the bottoms are joined.
    pub operation: EltwiseOperation,
    /// Factors of a sum, one for each bottom, or none at all.
    pub coefficients: Vec<f32>,
}

/// How `Eltwise` joins its bottoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EltwiseOperation {
    /// Element by element.
    Product,
    /// With coefficients.
    Sum,
    /// The greatest.
    Max,
}

/// Of `Concat` (caffe.proto, ConcatParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcatParameter {
    /// Counts the batch as axis 0; negative from the end.
    pub axis: i64,
}

/// Of `Slice` (caffe.proto, SliceParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceParameter {
    /// Counts the batch as axis 0; negative from the end.
    pub axis: i64,
    /// Where the second and later tops begin; empty for equal parts.
    pub slice_points: Vec<usize>,
}

/// Of `Softmax` (caffe.proto, SoftmaxParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftmaxParameter {
    /// Counts the batch as axis 0; negative from the end.
    pub axis: i64,
}

/// Of `Scale` (caffe.proto, ScaleParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleParameter {
    /// The first axis that has factors of its own.
    pub axis: i64,
    /// How many axes the factors cover; -1 for all from `axis` on.
    pub num_axes: i64,
    /// Whether a bias is added, too.
    pub bias_term: bool,
}

/// Of `Bias` (caffe.proto, BiasParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BiasParameter {
    /// The first axis that has values of its own.
    pub axis: i64,
    /// How many axes the values cover; -1 for all from `axis` on.
    pub num_axes: i64,
}

/// Of `BatchNorm` (caffe.proto, BatchNormParameter).
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormParameter {
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether the stored mean and variance are used; unset means in phase
    /// TEST.
    pub use_global_stats: Option<bool>,
}

/// Of `Reshape` (caffe.proto, ReshapeParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReshapeParameter {
    /// 0 copies an axis of the bottom, -1 (at most once) is inferred.
    pub dims: Vec<i64>,
    /// The first axis that is replaced.
    pub axis: i64,
    /// How many axes are replaced; -1 for all from `axis` on.
    pub num_axes: i64,
}

/// Of `Flatten` (caffe.proto, FlattenParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlattenParameter {
    /// The first axis that is joined.
    pub axis: i64,
    /// The last one.
    pub end_axis: i64,
}

/// Of `Crop` (caffe.proto, CropParameter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CropParameter {
    /// The first axis that is cropped.
    pub axis: i64,
    /// Where the crop begins: none (at 0), one for all axes, or one each.
    pub offsets: Vec<usize>,
}

/// Of `Power` (caffe.proto, PowerParameter): `(shift + scale * x) ^ power`.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerParameter {
    /// The exponent.
    pub power: f32,
    /// The factor.
    pub scale: f32,
    /// What is added before the power is taken.
    pub shift: f32,
}

/// How a data layer prepares images (caffe.proto, TransformationParameter).
#[derive(Clone, Debug, PartialEq)]
pub struct TransformationParameter {
    /// The factor of a pixel in [0, 255], after the mean was subtracted.
    pub scale: f32,
    /// Subtracted: none, one for all channels, or one for each.
    pub mean_values: Vec<f32>,
    /// The name of the file of the mean image.
    pub mean_file: Option<String>,
    /// Side of the square that is cut out; 0 for the whole image.
    pub crop_size: usize,
}
