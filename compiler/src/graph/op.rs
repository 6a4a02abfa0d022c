//! The operations of the typed graph.

use std::fmt;
use std::sync::Arc;

use ndarray::ArrayD;

use super::Unary;

/// What a node computes from its operands. Axes count from 0; every shape is known.
#[derive(Clone)]
pub enum Op {
    /// The model's input of this index.
    Input {
        /// Position among the model's inputs.
        index: usize,
    },
    /// A weight or another compile-time tensor.
    Constant(Arc<ArrayD<f64>>),
    /// Convolution (cross-correlation, as in ONNX) with zero padding over one or two spatial axes. Operands:
    /// `x [N, C, spatial..]`, `w [O, C / groups, kernel..]`, optionally `bias [O]`; result `[N, O, spatial..]`.
    Conv {
        /// Geometry over the spatial axes.
        window: Window,
        /// Channel groups; divides both channel counts.
        groups: usize,
    },
    /// Sum of products of two operands over all labels that `out` lacks. Labels are distinct within an operand and
    /// within `out`; every label of `out` occurs in an operand. MatMul, Gemm and batched products are such.
    Einsum {
        /// One label per axis of the left operand.
        lhs: Vec<u8>,
        /// One label per axis of the right operand.
        rhs: Vec<u8>,
        /// One label per axis of the result.
        out: Vec<u8>,
    },
    /// Elementwise sum of two tensors of one shape.
    Add,
    /// Elementwise difference.
    Sub,
    /// Elementwise product.
    Mul,
    /// Elementwise quotient.
    Div,
    /// Elementwise maximum.
    Max,
    /// Elementwise minimum.
    Min,
    /// 1 where the comparison of two tensors of one shape holds, else 0.
    Compare(Comparison),
    /// Operands `condition`, `a`, `b` of one shape: `a` where the condition is not 0, else `b`.
    Select,
    /// A function of each entry.
    Unary(Unary),
    /// `x` where `x >= 0`, else `slope * x`. Operands `x`, `slope`, of one shape.
    PRelu,
    /// Maximum over windows of the trailing spatial axes of `[N, C, spatial..]`; padding takes no part.
    MaxPool(Window),
    /// Mean over windows of the trailing spatial axes of `[N, C, spatial..]`.
    AveragePool {
        /// Geometry over the spatial axes.
        window: Window,
        /// Whether the divisor is the kernel's size (padding counts as zeros) or the number of entries that are not
        /// padding.
        count_include_pad: bool,
    },
    /// Reduction over axes, which stay with extent 1.
    Reduce {
        /// Which reduction.
        kind: ReduceKind,
        /// Ascending, distinct.
        axes: Vec<usize>,
    },
    /// `exp(x) / sum exp(x)` over the given axes together.
    Softmax {
        /// Ascending, distinct.
        axes: Vec<usize>,
    },
    /// The logarithm of the softmax: `x - log sum exp(x)`.
    LogSoftmax {
        /// Ascending, distinct.
        axes: Vec<usize>,
    },
    /// `exp(x) / sum exp(x)` over the given axes together, of the entries that operand 1, a constant of `x`'s shape, has 1 at; 0 at the others.
    /// The model lowers these scores by `gap` at least: whatever they are, they have no weight.
    MaskedSoftmax {
        /// Ascending, distinct.
        axes: Vec<usize>,
        /// Positive, perhaps infinite.
        gap: f64,
    },
    /// Each column (entries of one index of the last axis) times its power of two; the exponents, one for each column.
    ColumnScale(Vec<i32>),
    /// The same entries in row-major order under the node's shape.
    Reshape,
    /// Axis `i` of the result is axis `perm[i]` of the operand.
    Transpose(Vec<usize>),
    /// Concatenation of one or more operands.
    Concat {
        /// Along this axis.
        axis: usize,
    },
    /// Entries `start, start + step, ..` below `end` along one axis.
    Slice {
        /// Along this axis.
        axis: usize,
        /// First index.
        start: usize,
        /// One past the last index.
        end: usize,
        /// At least 1.
        step: usize,
    },
    /// A frame of a constant around the operand.
    Pad {
        /// Entries before, per axis.
        begin: Vec<usize>,
        /// Entries after, per axis.
        end: Vec<usize>,
        /// The frame's value.
        value: f64,
    },
    /// Repetition of axes of extent 1 up to the node's shape, which has the operand's rank.
    Broadcast,
    /// Entries of one axis by constant index: `out[.., i, ..] = x[.., indices[i], ..]`. Also flips and repeats.
    Take {
        /// Along this axis.
        axis: usize,
        /// Below the axis' extent.
        indices: Vec<usize>,
    },
}

/// A comparison of two entries. Greater-than is less-than with swapped operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a == b`
    Equal,
}

impl Comparison {
    /// 1 if the comparison holds, else 0.
    pub fn eval(self, a: f64, b: f64) -> f64 {
        let holds = match self {
            Comparison::Less => a < b,
            Comparison::LessEqual => a <= b,
            Comparison::Equal => a == b,
        };
        f64::from(u8::from(holds))
    }
}

/// How entries are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// Sum.
    Sum,
    /// Arithmetic mean.
    Mean,
    /// Largest entry.
    Max,
    /// Smallest entry.
    Min,
}

/// A sliding window over spatial axes, all vectors one entry per spatial axis. Padding is explicit: `ceil_mode` and
/// `auto_pad` are resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Taps per axis, at least 1.
    pub kernel: Vec<usize>,
    /// Step between windows, at least 1.
    pub strides: Vec<usize>,
    /// Step between taps, at least 1.
    pub dilations: Vec<usize>,
    /// Padding before the first entry.
    pub pads_begin: Vec<usize>,
    /// Padding after the last entry.
    pub pads_end: Vec<usize>,
}

impl Window {
    /// A dense window: strides and dilations 1, no padding.
    pub fn dense(kernel: &[usize]) -> Self {
        let rank = kernel.len();
        Self {
            kernel: kernel.to_vec(),
            strides: vec![1; rank],
            dilations: vec![1; rank],
            pads_begin: vec![0; rank],
            pads_end: vec![0; rank],
        }
    }

    /// The number of spatial axes.
    pub fn rank(&self) -> usize {
        self.kernel.len()
    }

    /// The number of taps of the whole window.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// The result's extent along spatial axis `axis` for the given input extent, or `None` if no window fits.
    pub fn output_extent(&self, axis: usize, extent: usize) -> Option<usize> {
        let span = self.dilations[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?.checked_add(1)?;
        let padded = extent.checked_add(self.pads_begin[axis])?.checked_add(self.pads_end[axis])?;
        Some(padded.checked_sub(span)? / self.strides[axis] + 1)
    }

    /// The input index of tap `tap` of window `position` along `axis`; `None` in the padding.
    pub fn source(&self, axis: usize, position: usize, tap: usize, extent: usize) -> Option<usize> {
        (position * self.strides[axis] + tap * self.dilations[axis])
            .checked_sub(self.pads_begin[axis])
            .filter(|&index| index < extent)
    }
}

/// The name, and of a constant its shape: constants are weights, and an op's parameters may be.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Constant(value) => write!(f, "Constant {:?}", value.shape()),
            other => f.write_str(other.name()),
        }
    }
}

impl Op {
    /// The op's name in errors and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "Input",
            Op::Constant(_) => "Constant",
            Op::Conv { .. } => "Conv",
            Op::Einsum { .. } => "Einsum",
            Op::Add => "Add",
            Op::Sub => "Sub",
            Op::Mul => "Mul",
            Op::Div => "Div",
            Op::Max => "Max",
            Op::Min => "Min",
            Op::Compare(Comparison::Less) => "Less",
            Op::Compare(Comparison::LessEqual) => "LessOrEqual",
            Op::Compare(Comparison::Equal) => "Equal",
            Op::Select => "Where",
            Op::Unary(unary) => unary.name(),
            Op::PRelu => "PRelu",
            Op::MaxPool(_) => "MaxPool",
            Op::AveragePool { .. } => "AveragePool",
            Op::Reduce { kind: ReduceKind::Sum, .. } => "ReduceSum",
            Op::Reduce { kind: ReduceKind::Mean, .. } => "ReduceMean",
            Op::Reduce { kind: ReduceKind::Max, .. } => "ReduceMax",
            Op::Reduce { kind: ReduceKind::Min, .. } => "ReduceMin",
            Op::Softmax { .. } | Op::MaskedSoftmax { .. } => "Softmax",
            Op::ColumnScale(_) => "ColumnScale",
            Op::LogSoftmax { .. } => "LogSoftmax",
            Op::Reshape => "Reshape",
            Op::Transpose(_) => "Transpose",
            Op::Concat { .. } => "Concat",
            Op::Slice { .. } => "Slice",
            Op::Pad { .. } => "Pad",
            Op::Broadcast => "Broadcast",
            Op::Take { .. } => "Take",
        }
    }
}
