//! What can be wrong with a program.

use super::{Interval, Shape, TensorId};

/// Why a program is not well formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Invalid {
    /// The tensor, table or lookup.
    pub what: String,
    /// What is wrong with it.
    pub why: Fault,
}

/// What is wrong with a tensor, a table, a lookup, or what names them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A number of things that is larger than any program may have.
    #[error("{got} {what}, at most {most} are allowed")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there may be.
        most: usize,
    },
    /// A number of things that must be another.
    #[error("{got} {what}, expected {expected}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A number outside of its range.
    #[error("{what} {got}, expected {least} to {most}")]
    Range {
        /// What the number says.
        what: &'static str,
        /// The number.
        got: i64,
        /// The smallest that is allowed.
        least: i64,
        /// The largest that is allowed.
        most: i64,
    },
    /// Something is named that is not there.
    #[error("there is no {what} {index}")]
    Missing {
        /// A tensor, a table, a column, an axis or a word.
        what: &'static str,
        /// Its number.
        index: usize,
    },
    /// An operand that follows the tensor made of it.
    #[error("names tensor {0}, which is not an earlier one")]
    Later(TensorId),
    /// What a recurrence hands on that precedes the tensor which takes it.
    #[error("hands on tensor {0}, which is not a later one")]
    Earlier(TensorId),
    /// A tensor and the list of inputs say different things.
    #[error("tensor {tensor} and the list of inputs disagree on input {input}")]
    Input {
        /// The tensor.
        tensor: TensorId,
        /// The number of the input.
        input: usize,
    },
    /// An output that nobody could be shown.
    #[error("output tensor {0} is neither public nor committed")]
    Output(TensorId),
    /// An interval without an entry, or with one that a value cannot have.
    #[error("interval [{}, {}] is not usable", .0.lo, .0.hi)]
    Interval(Interval),
    /// A declared interval leaves out what the operands' intervals allow.
    #[error("declared interval [{}, {}] does not contain [{}, {}]", declared.lo, declared.hi, possible[0], possible[1])]
    Narrow {
        /// The declared interval.
        declared: Interval,
        /// The smallest and the largest value that are possible.
        possible: Box<[i128; 2]>,
    },
    /// Numbers that do not fit.
    #[error("{what} leaves {bits} bits")]
    Overflow {
        /// What is computed.
        what: &'static str,
        /// Bits that it may have.
        bits: u32,
    },
    /// A tensor and an operand that differ in shape.
    #[error("shape {got}, but operand `{operand}` has shape {expected}")]
    Shape {
        /// The tensor's shape.
        got: Shape,
        /// The operand's name.
        operand: String,
        /// Its shape.
        expected: Shape,
    },
    /// A shape that is not what a reduction leaves.
    #[error("shape {got:?}, but the axes kept are {kept:?}")]
    Kept {
        /// The tensor's shape.
        got: Vec<usize>,
        /// What is left of the operand's.
        kept: Vec<usize>,
    },
    /// Rows of another shape than that of indices and a source's rows.
    #[error("rows of shape {got:?}, expected {expected:?}")]
    Rows {
        /// Their shape.
        got: Vec<usize>,
        /// The indices' shape, and the source's axes behind the first.
        expected: Vec<usize>,
    },
    /// Indices that the statement does not show.
    #[error("indices `{0}` are not public")]
    HiddenIndices(String),
    /// Indices that may lie beyond the axis.
    #[error("indices in [{}, {}] into an axis of {extent}", .interval.lo, .interval.hi)]
    Indices {
        /// Where they lie.
        interval: Interval,
        /// The extent of the axis.
        extent: usize,
    },
    /// Columns of one lookup that differ in shape.
    #[error("columns of different shapes {0:?}")]
    Columns(Vec<Vec<usize>>),
    /// Not one label for each axis.
    #[error("{side}: {got} labels for {expected} axes")]
    Labels {
        /// The operand, or the output.
        side: &'static str,
        /// Its labels.
        got: usize,
        /// Its axes.
        expected: usize,
    },
    /// A label that stands twice on one side of an einsum.
    #[error("{side}: label {label} stands twice")]
    LabelTwice {
        /// The operand, or the output.
        side: &'static str,
        /// The label.
        label: u8,
    },
    /// A label of axes that differ in extent.
    #[error("label {label} has extents {first} and {second}")]
    LabelExtents {
        /// The label.
        label: u8,
        /// The extent of the first axis.
        first: usize,
        /// The extent of another.
        second: usize,
    },
    /// A label of the output that no operand has.
    #[error("output label {0} is in no operand")]
    LabelUnbound(usize),
    /// A label that is summed over in one operand alone.
    #[error("label {0} of one operand alone is not in the output")]
    LabelAlone(usize),
    /// An axis that is used twice.
    #[error("axis {0} is used twice")]
    AxisTwice(usize),
    /// An axis that no group of a view has.
    #[error("a group for every {0} axis is needed")]
    AxisUnused(&'static str),
    /// A reshape that is not one of all entries.
    #[error("reshape of {from:?} into {into:?}")]
    Reshape {
        /// Extents of the source.
        from: Vec<usize>,
        /// Extents of the output.
        into: Vec<usize>,
    },
    /// An index into a source that lies beyond it.
    #[error("index {index} into an axis of {extent}")]
    Index {
        /// The index.
        index: u32,
        /// The extent of the axis.
        extent: usize,
    },
    /// What is wrong with one group of a view.
    #[error("group {index}: {fault}")]
    Group {
        /// The group's number.
        index: usize,
        /// What is wrong with it.
        fault: Box<Self>,
    },
    /// A table that is read by position, and whose first column does not count.
    #[error("column 0 of table `{0}` does not count")]
    Uncounted(String),
    /// Exponents of columns for a tensor that is neither an input nor an output.
    #[error("tensor {0} is neither an input nor an output")]
    Inner(TensorId),
    /// A tensor has exponents of columns twice.
    #[error("tensor {0} has exponents twice")]
    ExponentsTwice(TensorId),
    /// More einsums and views that are not free on one another than soundness allows.
    #[error("virtual depth {got}, at most {most} einsums and views that are not free may stand on one another")]
    Depth {
        /// The tensor's virtual depth.
        got: usize,
        /// The largest that is allowed.
        most: usize,
    },
}
