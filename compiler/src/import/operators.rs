//! The operators that are read, with all that is understood of each: a list of what is allowed.
//!
//! The parser ignores attributes that it does not know, and takes many values on trust. So whatever is not on this list is refused by
//! name before the parser sees it, and `strip` leaves nothing in a file that is not on it.

/// What an attribute may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// 0 or 1.
    Flag,
    /// This integer only: others mean something that is not computed here.
    Only(i64),
    /// An integer from 1 to 2^20.
    Positive,
    /// An integer below 2^31 in magnitude.
    Integer,
    /// An axis.
    Axis,
    /// Axes, none twice.
    Axes,
    /// All axes in some order.
    Permutation,
    /// Extents: each from 1 to 2^20.
    Extents,
    /// Padding: each from 0 to 2^20, as many at the end as at the beginning.
    Pads,
    /// Bounds of slices, or sizes.
    Bounds,
    /// Padding that may be negative.
    Frame,
    /// A finite number.
    Number,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words, in any case.
    Words(&'static [&'static str]),
    /// Finite numbers.
    Numbers,
    /// Labels of axes.
    Equation,
    /// A type of entries.
    Type,
    /// A constant of one entry.
    Single,
    /// A constant.
    Constant,
    /// Without effect when a model is run.
    Idle,
}

/// An attribute: its name, what it may be, and the first and the last operator set that has it.
pub(super) type Attribute = (&'static str, Kind, (i64, i64));

/// An operator: its domain, its name, its attributes, and the positions of the operands that say what a result looks like but do not
/// enter into it.
#[derive(Debug)]
pub(super) struct Operator {
    pub domain: &'static str,
    pub name: &'static str,
    pub attributes: &'static [Attribute],
    pub structure: &'static [usize],
    /// Whether its result has a shape only if all operands are constants.
    pub constant: bool,
}

/// Operator sets whose operators are read.
pub(super) const OPSETS: std::ops::RangeInclusive<i64> = 1..=27;
/// Those of them whose operands are made to fit each other. Before, few operators mean what they do now.
pub(super) const BROADCASTING: std::ops::RangeInclusive<i64> = 7..=27;
/// The operators that have always meant the same.
pub(super) const EARLY: [&str; 18] = [
    "Abs",
    "Ceil",
    "Constant",
    "Conv",
    "Exp",
    "Floor",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Identity",
    "Log",
    "MatMul",
    "Neg",
    "Not",
    "Relu",
    "Sigmoid",
    "Sqrt",
    "Tanh",
    "Transpose",
];
/// The domain of ONNX's own operators under either name.
pub(super) const ONNX: [&str; 2] = ["", "ai.onnx"];
/// Steps of optimisers.
pub(super) const TRAINING: &str = "ai.onnx.preview.training";
/// Operators that onnxruntime's optimiser puts in.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// Operators that [`expand`](super::expand) writes.
pub(super) const OWN: &str = "zktorch";

const ANY: (i64, i64) = (0, i64::MAX);
use Kind::{
    Axes, Axis, Bounds, Constant, Equation, Extents, Flag, Frame, Idle, Integer, Number, Numbers, Only, Pads, Permutation,
    Positive, Single, Type, Word, Words,
};

const AUTO_PAD: Attribute = ("auto_pad", Word(&["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]), ANY);
const KERNEL: [Attribute; 5] =
    [AUTO_PAD, ("dilations", Extents, ANY), ("kernel_shape", Extents, ANY), ("pads", Pads, ANY), ("strides", Extents, ANY)];
const AXIS: &[Attribute] = &[("axis", Axis, ANY)];
const EPSILON: Attribute = ("epsilon", Number, ANY);
const STASH: Attribute = ("stash_type", Only(1), ANY);
const ARG: &[Attribute] = &[("axis", Axis, ANY), ("keepdims", Flag, ANY), ("select_last_index", Flag, ANY)];
const REDUCE: &[Attribute] =
    &[("axes", Axes, (0, 17)), ("keepdims", Flag, ANY), ("noop_with_empty_axes", Flag, (18, i64::MAX))];
const SUM: &[Attribute] =
    &[("axes", Axes, (0, 12)), ("keepdims", Flag, ANY), ("noop_with_empty_axes", Flag, (13, i64::MAX))];
const NORM: &[Attribute] = &[("axis", Axis, ANY), EPSILON, STASH];
const LOSS: &[Attribute] = &[("ignore_index", Integer, ANY), ("reduction", Word(&["none", "mean", "sum"]), ANY)];
const NORM_COEFFICIENT: Attribute = ("norm_coefficient", Number, ANY);
const WINDOW: &[Attribute] = &[("output_datatype", Type, ANY), ("periodic", Flag, ANY)];
const ACTIVATION: Kind = Word(&["Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip"]);
/// Functions that recurrent layers may name, in any case.
pub(super) const ACTIVATIONS: &[&str] = &[
    "Relu",
    "Tanh",
    "Sigmoid",
    "Softsign",
    "Softplus",
    "Affine",
    "LeakyRelu",
    "ThresholdedRelu",
    "ScaledTanh",
    "HardSigmoid",
    "Elu",
];
const LAYER: [Attribute; 7] = [
    ("activation_alpha", Numbers, ANY),
    ("activation_beta", Numbers, ANY),
    ("activations", Words(ACTIVATIONS), ANY),
    ("clip", Number, ANY),
    ("direction", Word(&["forward", "reverse", "bidirectional"]), ANY),
    ("hidden_size", Positive, ANY),
    ("layout", Flag, (14, i64::MAX)),
];
const CUMULATE: &[Attribute] = &[("exclusive", Flag, ANY), ("reverse", Flag, ANY)];

const fn op(name: &'static str, attributes: &'static [Attribute], structure: &'static [usize]) -> Operator {
    Operator { domain: "", name, attributes, structure, constant: false }
}

const fn plain(name: &'static str) -> Operator {
    op(name, &[], &[])
}

const fn constant(name: &'static str) -> Operator {
    Operator { domain: "", name, attributes: &[], structure: &[], constant: true }
}

/// A window of a spectrum: its length is a constant.
const fn window(name: &'static str) -> Operator {
    Operator { domain: "", name, attributes: WINDOW, structure: &[0], constant: true }
}

/// A step of an optimiser.
const fn step(name: &'static str, attributes: &'static [Attribute]) -> Operator {
    Operator { domain: TRAINING, name, attributes, structure: &[], constant: false }
}

const fn contributed(name: &'static str, attributes: &'static [Attribute]) -> Operator {
    Operator { domain: MICROSOFT, name, attributes, structure: &[], constant: false }
}

/// The operator of a node, if it is read.
pub(super) fn operator(domain: &str, name: &str) -> Option<&'static Operator> {
    let domain = if ONNX.contains(&domain) { "" } else { domain };
    OPERATORS.iter().find(|op| op.name == name && op.domain == domain)
}

/// All operators that are read.
pub(super) fn all() -> impl Iterator<Item = &'static Operator> {
    OPERATORS.iter()
}

#[rustfmt::skip]
static OPERATORS: &[Operator] = &[
    plain("Abs"), plain("Acos"), plain("Acosh"), plain("Add"),
    op("AffineGrid", &[("align_corners", Flag, ANY)], &[1]),
    plain("And"),
    op("ArgMax", ARG, &[]),
    op("ArgMin", ARG, &[]),
    plain("Asin"), plain("Asinh"), plain("Atan"), plain("Atanh"),
    op("Attention", &[
        ("is_causal", Flag, ANY), ("kv_num_heads", Positive, ANY), ("q_num_heads", Positive, ANY),
        ("qk_matmul_output_mode", Integer, ANY), ("scale", Number, ANY), ("softcap", Number, ANY), ("softmax_precision", Only(1), ANY),
    ], &[]),
    op("AveragePool", &[
        KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("ceil_mode", Flag, ANY), ("count_include_pad", Flag, ANY),
    ], &[]),
    op("BatchNormalization", &[
        EPSILON, ("momentum", Idle, ANY), ("spatial", Only(1), (0, 8)), ("training_mode", Only(0), ANY),
    ], &[]),
    op("BitShift", &[("direction", Word(&["LEFT", "RIGHT"]), ANY)], &[]),
    plain("BitwiseAnd"), plain("BitwiseNot"), plain("BitwiseOr"), plain("BitwiseXor"),
    op("Cast", &[("to", Type, ANY), ("saturate", Idle, ANY)], &[]),
    op("CastLike", &[("saturate", Idle, ANY)], &[]),
    plain("Ceil"),
    op("CenterCropPad", &[("axes", Axes, ANY)], &[1]),
    op("Celu", &[("alpha", Number, ANY)], &[]),
    op("Clip", &[("min", Number, (0, 10)), ("max", Number, (0, 10))], &[]),
    op("Col2Im", &[KERNEL[1], KERNEL[3], KERNEL[4]], &[1, 2]),
    op("Concat", AXIS, &[]),
    op("Constant", &[
        ("value", Constant, ANY), ("value_float", Number, ANY), ("value_floats", Constant, ANY), ("value_int", Integer, ANY),
        ("value_ints", Constant, ANY),
    ], &[]),
    op("ConstantOfShape", &[("value", Single, ANY)], &[0]),
    op("Conv", &[KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("group", Positive, ANY)], &[]),
    op("ConvTranspose", &[
        KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("group", Positive, ANY), ("output_padding", Bounds, ANY),
        ("output_shape", Extents, ANY),
    ], &[]),
    plain("Cos"), plain("Cosh"),
    op("CumProd", CUMULATE, &[1]), op("CumSum", CUMULATE, &[1]),
    op("DFT", &[("axis", Axis, (17, 19)), ("inverse", Flag, ANY), ("onesided", Flag, ANY)], &[1, 2]),
    op("DeformConv", &[KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("group", Positive, ANY), ("offset_group", Positive, ANY)], &[]),
    op("DepthToSpace", &[("blocksize", Positive, ANY), ("mode", Word(&["DCR", "CRD"]), ANY)], &[]),
    plain("Det"), plain("Div"),
    op("Dropout", &[("ratio", Idle, (0, 11)), ("seed", Idle, ANY)], &[1, 2]),
    op("Einsum", &[("equation", Equation, ANY)], &[]),
    op("Elu", &[("alpha", Number, ANY)], &[]),
    plain("Equal"), plain("Erf"), plain("Exp"),
    op("Expand", &[], &[1]),
    op("EyeLike", &[("dtype", Type, ANY), ("k", Integer, ANY)], &[0]),
    op("Flatten", AXIS, &[]),
    plain("Floor"),
    op("Gather", AXIS, &[1]),
    op("GatherElements", AXIS, &[1]),
    op("GatherND", &[("batch_dims", Axis, ANY)], &[1]),
    op("Gelu", &[("approximate", Word(&["none", "tanh"]), ANY)], &[]),
    op("Gemm", &[("alpha", Number, ANY), ("beta", Number, ANY), ("transA", Flag, ANY), ("transB", Flag, ANY)], &[]),
    op("GRU", &[
        LAYER[0], LAYER[1], LAYER[2], LAYER[3], LAYER[4], LAYER[5], LAYER[6], ("linear_before_reset", Flag, ANY),
    ], &[4]),
    plain("GlobalAveragePool"),
    op("GlobalLpPool", &[("p", Positive, ANY)], &[]),
    plain("GlobalMaxPool"), plain("Greater"), plain("GreaterOrEqual"),
    op("GridSample", &[
        ("align_corners", Flag, ANY), ("mode", Word(&["bilinear", "linear", "nearest", "bicubic", "cubic"]), ANY),
        ("padding_mode", Word(&["zeros", "border", "reflection"]), ANY),
    ], &[]),
    op("GroupNormalization", &[EPSILON, ("num_groups", Positive, ANY), STASH], &[]),
    op("HardSigmoid", &[("alpha", Number, ANY), ("beta", Number, ANY)], &[]),
    plain("HardSwish"),
    op("Hardmax", AXIS, &[]),
    plain("Identity"),
    op("InstanceNormalization", &[EPSILON], &[]),
    op("IsInf", &[("detect_negative", Flag, ANY), ("detect_positive", Flag, ANY)], &[]),
    plain("IsNaN"),
    op("LRN", &[("alpha", Number, ANY), ("beta", Number, ANY), ("bias", Number, ANY), ("size", Positive, ANY)], &[]),
    op("LSTM", &[
        LAYER[0], LAYER[1], LAYER[2], LAYER[3], LAYER[4], LAYER[5], LAYER[6], ("input_forget", Flag, ANY),
    ], &[4]),
    op("LayerNormalization", NORM, &[]),
    op("LeakyRelu", &[("alpha", Number, ANY)], &[]),
    plain("Less"), plain("LessOrEqual"), plain("Log"),
    op("LogSoftmax", AXIS, &[]),
    op("LpNormalization", &[("axis", Axis, ANY), ("p", Positive, ANY)], &[]),
    op("LpPool", &[
        KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("ceil_mode", Flag, ANY), ("p", Positive, ANY),
    ], &[]),
    plain("MatMul"), plain("Max"),
    op("MaxPool", &[
        KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("ceil_mode", Flag, ANY), ("storage_order", Flag, ANY),
    ], &[]),
    plain("Mean"),
    op("MeanVarianceNormalization", &[("axes", Axes, ANY)], &[]),
    plain("Min"), plain("Mish"),
    op("Mod", &[("fmod", Flag, ANY)], &[]),
    plain("Mul"), plain("Neg"),
    constant("NonZero"),
    plain("Not"),
    op("OneHot", AXIS, &[1]),
    plain("Or"), plain("PRelu"),
    op("Pad", &[("mode", Word(&["constant", "reflect", "edge", "wrap"]), ANY), ("pads", Frame, (0, 10)), ("value", Number, (0, 10))], &[1, 3]),
    plain("Pow"),
    op("RMSNormalization", NORM, &[]),
    op("RNN", &LAYER, &[4]),
    constant("Range"),
    plain("Reciprocal"),
    op("ReduceL1", REDUCE, &[1]), op("ReduceL2", REDUCE, &[1]), op("ReduceLogSum", REDUCE, &[1]),
    op("ReduceLogSumExp", REDUCE, &[1]), op("ReduceMax", REDUCE, &[1]), op("ReduceMean", REDUCE, &[1]),
    op("ReduceMin", REDUCE, &[1]), op("ReduceProd", REDUCE, &[1]), op("ReduceSum", SUM, &[1]),
    op("ReduceSumSquare", REDUCE, &[1]),
    plain("Relu"),
    op("Reshape", &[("allowzero", Flag, ANY)], &[1]),
    op("Resize", &[
        ("antialias", Flag, ANY), ("axes", Axes, ANY), ("coordinate_transformation_mode", Word(&[
            "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
        ]), (11, i64::MAX)), ("cubic_coeff_a", Number, ANY), ("exclude_outside", Flag, ANY), ("extrapolation_value", Number, ANY),
        ("keep_aspect_ratio_policy", Word(&["stretch", "not_larger", "not_smaller"]), ANY),
        ("mode", Word(&["nearest", "linear", "cubic"]), ANY),
        ("nearest_mode", Word(&["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]), ANY),
    ], &[1, 2, 3]),
    op("RoiAlign", &[
        ("coordinate_transformation_mode", Word(&["half_pixel", "output_half_pixel"]), (16, i64::MAX)), ("mode", Word(&["avg", "max"]), ANY),
        ("output_height", Positive, ANY), ("output_width", Positive, ANY), ("sampling_ratio", Integer, ANY), ("spatial_scale", Number, ANY),
    ], &[2]),
    op("RotaryEmbedding", &[
        ("interleaved", Flag, ANY), ("num_heads", Integer, ANY), ("rotary_embedding_dim", Integer, ANY),
    ], &[3]),
    plain("Round"),
    op("Scatter", &[("axis", Axis, (0, 10))], &[1]),
    op("ScatterElements", &[("axis", Axis, ANY), ("reduction", Word(&["none", "add", "mul", "max", "min"]), ANY)], &[1]),
    op("ScatterND", &[("reduction", Word(&["none", "add", "mul", "max", "min"]), ANY)], &[1]),
    op("Selu", &[("alpha", Number, ANY), ("gamma", Number, ANY)], &[]),
    op("Shape", &[("start", Integer, ANY), ("end", Integer, ANY)], &[]),
    op("Shrink", &[("bias", Number, ANY), ("lambd", Number, ANY)], &[]),
    plain("Sigmoid"), plain("Sign"),
    op("SimplifiedLayerNormalization", NORM, &[]),
    plain("Sin"), plain("Sinh"), plain("Size"),
    op("Slice", &[("axes", Axes, (0, 9)), ("starts", Bounds, (0, 9)), ("ends", Bounds, (0, 9))], &[1, 2, 3, 4]),
    op("Softmax", AXIS, &[]),
    plain("Softplus"), plain("Softsign"),
    op("SpaceToDepth", &[("blocksize", Positive, ANY)], &[]),
    op("Split", &[("axis", Axis, ANY), ("num_outputs", Positive, ANY), ("split", Bounds, (0, 12))], &[1]),
    plain("Sqrt"),
    op("Squeeze", &[("axes", Axes, (0, 12))], &[1]),
    op("STFT", &[("onesided", Flag, ANY)], &[1, 2, 3]),
    plain("Sub"), plain("Sum"),
    // The parser has no other slope.
    op("Swish", &[("alpha", Only(1), ANY)], &[]),
    plain("Tan"), plain("Tanh"),
    op("ThresholdedRelu", &[("alpha", Number, ANY)], &[]),
    op("Tile", &[], &[1]),
    op("TopK", &[("axis", Axis, ANY), ("largest", Flag, ANY), ("sorted", Flag, ANY)], &[1]),
    op("Transpose", &[("perm", Permutation, ANY)], &[]),
    op("Trilu", &[("upper", Flag, ANY)], &[1]),
    op("Unsqueeze", &[("axes", Axes, (0, 12))], &[1]),
    op("Upsample", &[("mode", Word(&["nearest", "linear", "bilinear"]), ANY), ("scales", Constant, (7, 8))], &[1]),
    op("Where", &[], &[]),
    plain("Xor"),
    Operator { domain: OWN, name: "Descent", attributes: &[], structure: &[1], constant: false },
    Operator {
        domain: OWN, name: "Nearest", attributes: &[("over", Flag, ANY), ("times", Positive, ANY)], structure: &[], constant: false,
    },
    Operator {
        domain: OWN, name: "WholeConv", structure: &[], constant: false,
        attributes: &[KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("group", Positive, ANY)],
    },
    contributed("BiasGelu", &[]),
    contributed("FastGelu", &[]),
    contributed("Gelu", &[]),
    contributed("QuickGelu", &[("alpha", Number, ANY)]),
    contributed("SkipLayerNormalization", &[EPSILON]),
    contributed("SkipSimplifiedLayerNormalization", &[EPSILON]),
    contributed("Attention", &[
        ("num_heads", Positive, ANY), ("qkv_hidden_sizes", Extents, ANY), ("scale", Number, ANY), ("unidirectional", Flag, ANY),
        ("do_rotary", Only(0), ANY), ("mask_filter_value", Idle, ANY),
    ]),
    contributed("EmbedLayerNormalization", &[EPSILON, ("mask_index_type", Idle, ANY)]),
    contributed("FusedConv", &[
        KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("group", Positive, ANY), ("activation", ACTIVATION, ANY),
        ("activation_params", Numbers, ANY),
    ]),
    contributed("FusedGemm", &[
        ("alpha", Number, ANY), ("beta", Number, ANY), ("transA", Flag, ANY), ("transB", Flag, ANY), ("activation", ACTIVATION, ANY),
        ("activation_alpha", Number, ANY), ("activation_beta", Number, ANY),
    ]),
    contributed("FusedMatMul", &[
        ("alpha", Number, ANY), ("transA", Flag, ANY), ("transB", Flag, ANY), ("transBatchA", Only(0), ANY), ("transBatchB", Only(0), ANY),
    ]),
    contributed("RotaryEmbedding", &[
        ("interleaved", Flag, ANY), ("is_packed_batching", Only(0), ANY), ("num_heads", Integer, ANY),
        ("rotary_embedding_dim", Integer, ANY), ("scale", Only(1), ANY),
    ]),
    contributed("MultiHeadAttention", &[
        ("num_heads", Positive, ANY), ("scale", Number, ANY), ("unidirectional", Flag, ANY), ("mask_filter_value", Idle, ANY),
    ]),
    contributed("NhwcConv", &[KERNEL[0], KERNEL[1], KERNEL[2], KERNEL[3], KERNEL[4], ("group", Positive, ANY)]),
    // By their bodies.
    op("CausalConvWithState", &[("activation", Word(&["none", "silu", "swish"]), ANY)], &[]),
    op("LinearAttention", &[
        ("chunk_size", Idle, ANY), ("kv_num_heads", Positive, ANY), ("q_num_heads", Positive, ANY), ("scale", Number, ANY),
        ("update_rule", Word(&["linear", "gated", "delta", "gated_delta"]), ANY),
    ], &[]),
    op("NegativeLogLikelihoodLoss", LOSS, &[1]),
    op("SoftmaxCrossEntropyLoss", LOSS, &[1]),
    step("Adagrad", &[("decay_factor", Number, ANY), EPSILON, NORM_COEFFICIENT]),
    step("Adam", &[
        ("alpha", Number, ANY), ("beta", Number, ANY), EPSILON, NORM_COEFFICIENT, ("norm_coefficient_post", Number, ANY),
    ]),
    step("Momentum", &[
        ("alpha", Number, ANY), ("beta", Number, ANY), ("mode", Word(&["standard", "nesterov"]), ANY), NORM_COEFFICIENT,
    ]),
    // Of constants.
    window("BlackmanWindow"), window("HammingWindow"), window("HannWindow"),
    Operator { domain: "", name: "MelWeightMatrix", attributes: &[("output_datatype", Type, ANY)], structure: &[0, 1, 2, 3, 4], constant: true },
];
