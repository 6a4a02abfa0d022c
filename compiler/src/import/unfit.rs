//! What is wrong with a node's operands, or with what it makes of them.

use super::contain::Failure;

/// Operands or results of a node that are not what its operator admits.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// An axis that the operand does not have.
    #[error("axis {axis} of {rank}")]
    Axis {
        /// The axis.
        axis: i64,
        /// Axes of the operand.
        rank: usize,
    },
    /// Axes with one twice.
    #[error("the axes {axes:?}, with one of {rank} twice")]
    AxisTwice {
        /// The axes.
        axes: Vec<i64>,
        /// Axes of the operand.
        rank: usize,
    },
    /// An order of more or fewer axes than the operand has.
    #[error("a permutation of {axes} axes, of {rank}")]
    Permutation {
        /// Axes in order.
        axes: usize,
        /// Axes of the operand.
        rank: usize,
    },
    /// More axes than any tensor may have.
    #[error("{0} axes")]
    Rank(usize),
    /// A list of more or fewer entries than there are axes.
    #[error("{got} {what} for {axes} axes")]
    Count {
        /// What the entries are.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// The axes.
        axes: usize,
    },
    /// A list of an attribute that is not one number, or two, for each axis.
    #[error("its attribute `{attribute}` is {got:?}, of {axes} axes")]
    Attribute {
        /// The attribute.
        attribute: &'static str,
        /// The list.
        got: Vec<i64>,
        /// Spatial axes.
        axes: usize,
    },
    /// An attribute or an operand that the node must have.
    #[error("{0}")]
    Missing(&'static str),
    /// An operand whose shape is not known.
    #[error("the shape of an operand is not known")]
    Operand,
    /// A constant that could be of any size.
    #[error("the shape of its result cannot be told before it is computed")]
    Result,
    /// Extents with one that is too small.
    #[error("the extents {extents:?}, one of which is {extent}")]
    Extent {
        /// The extents.
        extents: Vec<i64>,
        /// The one.
        extent: i64,
    },
    /// Extents of which more than one is to be found out.
    #[error("the extents {0:?}, more than one of which is open")]
    TwoOpen(Vec<i64>),
    /// Extents of a tensor that would be too large.
    #[error("a tensor of the extents {extents:?}, more than {most} entries")]
    Extents {
        /// The extents.
        extents: Vec<i64>,
        /// Entries that it may have.
        most: usize,
    },
    /// The largest or the smallest of no entries.
    #[error("its operand has no entries, of which none is the largest or the smallest")]
    Nothing,
    /// A step of 0.
    #[error("a step of 0")]
    Step,
    /// An operand without the axes that windows slide over.
    #[error("expected an operand of shape [N, C, spatial..]")]
    Layout,
    /// A window that is larger than what it slides over.
    #[error("a window of {span} on an axis of {extent} entries")]
    Window {
        /// From the first tap to the last.
        span: i64,
        /// The axis' extent.
        extent: usize,
    },
    /// Padding that a whole window fits into.
    #[error("padding by {pads} on spatial axis {axis}, where a window has {span}: some would lie in it altogether")]
    Padding {
        /// The padding.
        pads: i64,
        /// The axis.
        axis: usize,
        /// The window's extent.
        span: i64,
    },
    /// A kernel of other axes than the operand.
    #[error("an operand of shape {operand:?} and a kernel of shape {kernel:?}")]
    Kernel {
        /// The operand's shape.
        operand: Vec<usize>,
        /// The kernel's shape.
        kernel: Vec<usize>,
    },
    /// A kernel of another shape than is stated.
    #[error("its attribute `kernel_shape` is {stated:?}, its kernel's shape {kernel:?}")]
    KernelShape {
        /// The stated extents.
        stated: Vec<i64>,
        /// The kernel's shape.
        kernel: Vec<usize>,
    },
    /// A kernel without entries.
    #[error("a kernel of shape {0:?}")]
    NoKernel(Vec<usize>),
    /// Channels that are not those of the kernel.
    #[error("{channels} channels in {groups} groups for a kernel of shape {kernel:?}")]
    Channels {
        /// Channels of the operand.
        channels: usize,
        /// Groups of them.
        groups: usize,
        /// The kernel's shape.
        kernel: Vec<usize>,
    },
    /// A bias that is not one number for each channel.
    #[error("a bias of shape {bias:?} for {channels} channels")]
    Bias {
        /// The bias' shape.
        bias: Vec<usize>,
        /// Channels of the result.
        channels: usize,
    },
    /// Negative padding that no slice stands for.
    #[error("the pads {0:?}, which are computed: negative ones must be constants")]
    Cropped(Vec<i64>),
    /// Padding by more than any tensor has.
    #[error("padding by {0}")]
    Pad(i64),
    /// Another number of parts than of results.
    #[error("its attribute `num_outputs` is {stated}, of {results} results")]
    Parts {
        /// The stated number.
        stated: i64,
        /// The node's results.
        results: usize,
    },
    /// Entries that parts of one size do not hold.
    #[error("{entries} entries do not split into {parts} equal parts")]
    Uneven {
        /// The axis' extent.
        entries: usize,
        /// The parts.
        parts: usize,
    },
    /// Sizes that are not those of the parts of an axis.
    #[error("the sizes {sizes:?} for {parts} parts of {entries} entries")]
    Sizes {
        /// The sizes.
        sizes: Vec<i64>,
        /// The parts.
        parts: usize,
        /// The axis' extent.
        entries: usize,
    },
    /// An index that the axis does not have.
    #[error("index {index} of {extent}")]
    Index {
        /// The index.
        index: i64,
        /// The axis' extent.
        extent: i64,
    },
    /// A range that does not end, or not soon.
    #[error("a range from {start} to {limit} by {step}")]
    Range {
        /// Its first number.
        start: f64,
        /// What it stays before.
        limit: f64,
        /// How far numbers lie apart.
        step: f64,
    },
    /// An extent that does not split into parts of a size.
    #[error("an operand of shape {shape:?} by a {attribute} of {by}")]
    Divisor {
        /// The operand's shape.
        shape: Vec<usize>,
        /// The attribute.
        attribute: &'static str,
        /// The size.
        by: usize,
    },
    /// A node with other results than its operator has.
    #[error("it has {got} results, its operator {expected}")]
    Results {
        /// The node's results.
        got: usize,
        /// The operator's.
        expected: usize,
    },
    /// A result with more entries than any may have.
    #[error("its result has the shape {shape:?}, more than {most} entries")]
    Large {
        /// The result's shape.
        shape: Vec<i64>,
        /// Entries that it may have.
        most: usize,
    },
    /// A result that has not the operand's entries.
    #[error("a result of shape {0:?} has not as many entries as the operand")]
    Volume(Vec<i64>),
    /// Constants that would take too much memory together.
    #[error("the model's constants compute to more than {0} entries")]
    Constants(usize),
    /// A step of the parser fails.
    #[error(transparent)]
    Parser(#[from] Failure),
}
