//! What is read of caffe.proto: names, numbers and kinds of fields. Fields
//! that are not listed are skipped, in binary files and in text alike, unless
//! a message is [`Schema::strict`].

use Kind::*;

/// A message of caffe.proto.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) name: &'static str,
    /// Whether an unknown name in a text is an error. It is where the fields
    /// are read and all of them are listed: a slip of the pen would otherwise
    /// leave a default in place.
    pub(crate) strict: bool,
    pub(crate) fields: &'static [FieldSchema],
}

/// One field of a message.
#[derive(Debug)]
pub(crate) struct FieldSchema {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) repeated: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Signed32,
    Signed64,
    Unsigned32,
    Float,
    Bool,
    Text,
    /// The names of the enumerators with their numbers.
    Enum(&'static [(&'static str, i32)]),
    Message(&'static Schema),
    /// A BlobProto; its numbers stay in the file.
    Blob,
    /// Known, and of no use here.
    Ignored,
}

impl Schema {
    pub(crate) fn by_number(&self, number: u32) -> Option<&'static FieldSchema> {
        self.fields.iter().find(|field| field.number == number)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&'static FieldSchema> {
        self.fields.iter().find(|field| field.name == name)
    }
}

const fn one(number: u32, name: &'static str, kind: Kind) -> FieldSchema {
    FieldSchema {
        number,
        name,
        kind,
        repeated: false,
    }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> FieldSchema {
    FieldSchema {
        repeated: true,
        ..one(number, name, kind)
    }
}

const fn strict(name: &'static str, fields: &'static [FieldSchema]) -> Schema {
    Schema {
        name,
        strict: true,
        fields,
    }
}

const fn lenient(name: &'static str, fields: &'static [FieldSchema]) -> Schema {
    Schema {
        strict: false,
        ..strict(name, fields)
    }
}

/// The number of TEST in the enum Phase.
pub(crate) const TEST: i64 = 1;

const PHASE: Kind = Enum(&[("TRAIN", 0), ("TEST", 1)]);
const POOL_METHOD: Kind = Enum(&[("MAX", 0), ("AVE", 1), ("STOCHASTIC", 2)]);
const ROUND_MODE: Kind = Enum(&[("CEIL", 0), ("FLOOR", 1)]);
const NORM_REGION: Kind = Enum(&[("ACROSS_CHANNELS", 0), ("WITHIN_CHANNEL", 1)]);
const ELTWISE_OPERATION: Kind = Enum(&[("PROD", 0), ("SUM", 1), ("MAX", 2)]);

pub(crate) static NET: Schema = lenient(
    "NetParameter",
    &[
        one(1, "name", Text),
        many(2, "layers", Message(&V1_LAYER)),
        many(3, "input", Text),
        many(4, "input_dim", Signed32),
        many(8, "input_shape", Message(&BLOB_SHAPE)),
        many(100, "layer", Message(&LAYER)),
    ],
);

static LAYER: Schema = lenient(
    "LayerParameter",
    &[
        one(1, "name", Text),
        one(2, "type", Text),
        many(3, "bottom", Text),
        many(4, "top", Text),
        many(7, "blobs", Blob),
        many(8, "include", Message(&NET_STATE_RULE)),
        many(9, "exclude", Message(&NET_STATE_RULE)),
        one(100, "transform_param", Message(&TRANSFORMATION)),
        one(104, "concat_param", Message(&CONCAT)),
        one(106, "convolution_param", Message(&CONVOLUTION)),
        one(109, "dummy_data_param", Message(&DUMMY_DATA)),
        one(110, "eltwise_param", Message(&ELTWISE)),
        one(117, "inner_product_param", Message(&INNER_PRODUCT)),
        one(118, "lrn_param", Message(&LRN)),
        one(121, "pooling_param", Message(&POOLING)),
        one(122, "power_param", Message(&POWER)),
        one(123, "relu_param", Message(&RELU)),
        one(125, "softmax_param", Message(&SOFTMAX)),
        one(126, "slice_param", Message(&SLICE)),
        one(131, "prelu_param", Message(&PRELU)),
        one(133, "reshape_param", Message(&RESHAPE)),
        one(135, "flatten_param", Message(&FLATTEN)),
        one(139, "batch_norm_param", Message(&BATCH_NORM)),
        one(140, "elu_param", Message(&ELU)),
        one(141, "bias_param", Message(&BIAS)),
        one(142, "scale_param", Message(&SCALE)),
        one(143, "input_param", Message(&INPUT)),
        one(144, "crop_param", Message(&CROP)),
    ],
);

static V1_LAYER: Schema = lenient(
    "V1LayerParameter",
    &[
        one(1, "layer", Message(&V0_LAYER)),
        many(2, "bottom", Text),
        many(3, "top", Text),
        one(4, "name", Text),
        one(5, "type", Enum(V1_TYPES)),
        many(6, "blobs", Blob),
        one(9, "concat_param", Message(&CONCAT)),
        one(10, "convolution_param", Message(&CONVOLUTION)),
        one(11, "data_param", Message(&DATA)),
        one(15, "image_data_param", Message(&DATA)),
        one(17, "inner_product_param", Message(&INNER_PRODUCT)),
        one(18, "lrn_param", Message(&LRN)),
        one(19, "pooling_param", Message(&POOLING)),
        one(20, "window_data_param", Message(&DATA)),
        one(21, "power_param", Message(&POWER)),
        one(24, "eltwise_param", Message(&ELTWISE)),
        one(26, "dummy_data_param", Message(&DUMMY_DATA)),
        one(30, "relu_param", Message(&RELU)),
        one(31, "slice_param", Message(&SLICE)),
        many(32, "include", Message(&NET_STATE_RULE)),
        many(33, "exclude", Message(&NET_STATE_RULE)),
        one(36, "transform_param", Message(&TRANSFORMATION)),
        one(39, "softmax_param", Message(&SOFTMAX)),
    ],
);

static V0_LAYER: Schema = lenient(
    "V0LayerParameter",
    &[
        one(1, "name", Text),
        one(2, "type", Text),
        one(3, "num_output", Unsigned32),
        one(4, "biasterm", Bool),
        one(7, "pad", Unsigned32),
        one(8, "kernelsize", Unsigned32),
        one(9, "group", Unsigned32),
        one(10, "stride", Unsigned32),
        one(11, "pool", POOL_METHOD),
        one(13, "local_size", Unsigned32),
        one(14, "alpha", Float),
        one(15, "beta", Float),
        one(17, "scale", Float),
        one(18, "meanfile", Text),
        one(20, "cropsize", Unsigned32),
        one(22, "k", Float),
        many(50, "blobs", Blob),
        one(65, "concat_dim", Unsigned32),
    ],
);

/// V1LayerParameter.LayerType.
const V1_TYPES: &[(&str, i32)] = &[
    ("NONE", 0),
    ("ACCURACY", 1),
    ("BNLL", 2),
    ("CONCAT", 3),
    ("CONVOLUTION", 4),
    ("DATA", 5),
    ("DROPOUT", 6),
    ("EUCLIDEAN_LOSS", 7),
    ("FLATTEN", 8),
    ("HDF5_DATA", 9),
    ("HDF5_OUTPUT", 10),
    ("IM2COL", 11),
    ("IMAGE_DATA", 12),
    ("INFOGAIN_LOSS", 13),
    ("INNER_PRODUCT", 14),
    ("LRN", 15),
    ("MULTINOMIAL_LOGISTIC_LOSS", 16),
    ("POOLING", 17),
    ("RELU", 18),
    ("SIGMOID", 19),
    ("SOFTMAX", 20),
    ("SOFTMAX_LOSS", 21),
    ("SPLIT", 22),
    ("TANH", 23),
    ("WINDOW_DATA", 24),
    ("ELTWISE", 25),
    ("POWER", 26),
    ("SIGMOID_CROSS_ENTROPY_LOSS", 27),
    ("HINGE_LOSS", 28),
    ("MEMORY_DATA", 29),
    ("ARGMAX", 30),
    ("THRESHOLD", 31),
    ("DUMMY_DATA", 32),
    ("SLICE", 33),
    ("MVN", 34),
    ("ABSVAL", 35),
    ("SILENCE", 36),
    ("CONTRASTIVE_LOSS", 37),
    ("EXP", 38),
    ("DECONVOLUTION", 39),
];

static NET_STATE_RULE: Schema = strict(
    "NetStateRule",
    &[
        one(1, "phase", PHASE),
        one(2, "min_level", Signed32),
        one(3, "max_level", Signed32),
        many(4, "stage", Text),
        many(5, "not_stage", Text),
    ],
);

static BLOB_SHAPE: Schema = strict("BlobShape", &[many(1, "dim", Signed64)]);

/// Forks added many fields of their own, which matter to training only.
static TRANSFORMATION: Schema = lenient(
    "TransformationParameter",
    &[
        one(1, "scale", Float),
        one(3, "crop_size", Unsigned32),
        one(4, "mean_file", Text),
        many(5, "mean_value", Float),
    ],
);

/// DataParameter, ImageDataParameter and WindowDataParameter once held what
/// is now a TransformationParameter, under the same numbers.
static DATA: Schema = lenient(
    "DataParameter",
    &[
        one(2, "scale", Float),
        one(3, "mean_file", Text),
        one(5, "crop_size", Unsigned32),
    ],
);

static CONCAT: Schema = strict(
    "ConcatParameter",
    &[one(1, "concat_dim", Unsigned32), one(2, "axis", Signed32)],
);

static CONVOLUTION: Schema = strict(
    "ConvolutionParameter",
    &[
        one(1, "num_output", Unsigned32),
        one(2, "bias_term", Bool),
        many(3, "pad", Unsigned32),
        many(4, "kernel_size", Unsigned32),
        one(5, "group", Unsigned32),
        many(6, "stride", Unsigned32),
        one(7, "weight_filler", Ignored),
        one(8, "bias_filler", Ignored),
        one(9, "pad_h", Unsigned32),
        one(10, "pad_w", Unsigned32),
        one(11, "kernel_h", Unsigned32),
        one(12, "kernel_w", Unsigned32),
        one(13, "stride_h", Unsigned32),
        one(14, "stride_w", Unsigned32),
        one(15, "engine", Ignored),
        one(16, "axis", Signed32),
        one(17, "force_nd_im2col", Ignored),
        many(18, "dilation", Unsigned32),
    ],
);

static DUMMY_DATA: Schema = strict(
    "DummyDataParameter",
    &[
        many(1, "data_filler", Ignored),
        many(2, "num", Unsigned32),
        many(3, "channels", Unsigned32),
        many(4, "height", Unsigned32),
        many(5, "width", Unsigned32),
        many(6, "shape", Message(&BLOB_SHAPE)),
    ],
);

static ELTWISE: Schema = strict(
    "EltwiseParameter",
    &[
        one(1, "operation", ELTWISE_OPERATION),
        many(2, "coeff", Float),
        one(3, "stable_prod_grad", Ignored),
    ],
);

static INNER_PRODUCT: Schema = strict(
    "InnerProductParameter",
    &[
        one(1, "num_output", Unsigned32),
        one(2, "bias_term", Bool),
        one(3, "weight_filler", Ignored),
        one(4, "bias_filler", Ignored),
        one(5, "axis", Signed32),
        one(6, "transpose", Bool),
    ],
);

static LRN: Schema = strict(
    "LRNParameter",
    &[
        one(1, "local_size", Unsigned32),
        one(2, "alpha", Float),
        one(3, "beta", Float),
        one(4, "norm_region", NORM_REGION),
        one(5, "k", Float),
        one(6, "engine", Ignored),
    ],
);

static POOLING: Schema = strict(
    "PoolingParameter",
    &[
        one(1, "pool", POOL_METHOD),
        one(2, "kernel_size", Unsigned32),
        one(3, "stride", Unsigned32),
        one(4, "pad", Unsigned32),
        one(5, "kernel_h", Unsigned32),
        one(6, "kernel_w", Unsigned32),
        one(7, "stride_h", Unsigned32),
        one(8, "stride_w", Unsigned32),
        one(9, "pad_h", Unsigned32),
        one(10, "pad_w", Unsigned32),
        one(11, "engine", Ignored),
        one(12, "global_pooling", Bool),
        one(13, "round_mode", ROUND_MODE),
    ],
);

static POWER: Schema = strict(
    "PowerParameter",
    &[
        one(1, "power", Float),
        one(2, "scale", Float),
        one(3, "shift", Float),
    ],
);

static RELU: Schema = strict(
    "ReLUParameter",
    &[one(1, "negative_slope", Float), one(2, "engine", Ignored)],
);

static PRELU: Schema = strict(
    "PReLUParameter",
    &[one(1, "filler", Ignored), one(2, "channel_shared", Bool)],
);

static ELU: Schema = strict("ELUParameter", &[one(1, "alpha", Float)]);

static SOFTMAX: Schema = strict(
    "SoftmaxParameter",
    &[one(1, "engine", Ignored), one(2, "axis", Signed32)],
);

static SLICE: Schema = strict(
    "SliceParameter",
    &[
        one(1, "slice_dim", Unsigned32),
        many(2, "slice_point", Unsigned32),
        one(3, "axis", Signed32),
    ],
);

static RESHAPE: Schema = strict(
    "ReshapeParameter",
    &[
        one(1, "shape", Message(&BLOB_SHAPE)),
        one(2, "axis", Signed32),
        one(3, "num_axes", Signed32),
    ],
);

static FLATTEN: Schema = strict(
    "FlattenParameter",
    &[one(1, "axis", Signed32), one(2, "end_axis", Signed32)],
);

static BATCH_NORM: Schema = strict(
    "BatchNormParameter",
    &[
        one(1, "use_global_stats", Bool),
        one(2, "moving_average_fraction", Ignored),
        one(3, "eps", Float),
    ],
);

static BIAS: Schema = strict(
    "BiasParameter",
    &[
        one(1, "axis", Signed32),
        one(2, "num_axes", Signed32),
        one(3, "filler", Ignored),
    ],
);

static SCALE: Schema = strict(
    "ScaleParameter",
    &[
        one(1, "axis", Signed32),
        one(2, "num_axes", Signed32),
        one(3, "filler", Ignored),
        one(4, "bias_term", Bool),
        one(5, "bias_filler", Ignored),
    ],
);

static INPUT: Schema = strict("InputParameter", &[many(1, "shape", Message(&BLOB_SHAPE))]);

static CROP: Schema = strict(
    "CropParameter",
    &[one(1, "axis", Signed32), many(2, "offset", Unsigned32)],
);
