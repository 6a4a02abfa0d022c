//! What an operator has to say of itself.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::program::Scale;

use super::shape::{Misfit, require};
use crate::graph::{Domain, Graph, NodeId};
use crate::import::Import;
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::{Range, Settings};

/// An operation of the typed graph: from its shape to its integers. One type for each, in a file of its own or of its family; the list in
/// [`super`] makes the enum [`Op`](super::Op) of them.
///
/// What has no default has no answer that would be right for most operators: a range that is too small saturates honest runs, a domain
/// that is wrong rounds integers.
pub(crate) trait Operator {
    /// The name in errors and reports.
    fn name(&self) -> &'static str;

    /// The result's shape for operands of these shapes; `None` where it does not follow from them.
    ///
    /// # Errors
    /// If the operands do not fit.
    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit>;

    /// Checks a declared shape: by itself, where operands do not tell it.
    ///
    /// # Errors
    /// If it cannot be the result's.
    fn check(&self, shape: &[usize], operands: &[&[usize]]) -> Result<(), Misfit> {
        let inferred = self.shape(operands)?;
        let fits = inferred.as_deref().is_none_or(|inferred| inferred == shape);
        require(fits, || Misfit::Shape { expected: inferred.unwrap_or_default(), got: shape.to_vec() })
    }

    /// What the result's entries are, by what the operands' are: reals, integers of a range, booleans. Types tell, never values.
    fn domain(&self, operands: &[Domain]) -> Domain;

    /// The result in floats of 64 bits, for operands that fit.
    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64>;

    /// Bounds of the result's entries by those of the operands, where there are no samples.
    fn range(&self, at: &Ranges<'_>) -> Range;

    /// What passes, the plan of scales and the search for widths ask of an operator.
    fn nature(&self) -> Nature;

    /// The largest magnitude that the result can have whatever the operands are, by which errors of it are judged.
    fn bound(&self) -> Option<f64> {
        None
    }

    /// Entries that the result is the mean of, for an operand of this shape: an exact mean adds bits of scale.
    fn averaged(&self, _operand: &[usize]) -> usize {
        1
    }

    /// How finely the first operand is wanted.
    fn demand(&self, _settings: Settings) -> Option<Demand> {
        None
    }

    /// Why the operator has no integers.
    fn unsupported(&self) -> Option<&'static str> {
        None
    }

    /// The integers of a node of this operator, whose operands have theirs.
    ///
    /// # Errors
    /// If no integers hold them, or the operands are not of the kind that is understood.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal>;
}

/// Answers to questions about an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nature {
    /// It only moves entries.
    pub layout: bool,
    /// An accumulator passes through it unrounded.
    pub linear: bool,
    /// It has the scale of its first operand.
    pub keeps_scale: bool,
    /// It looks entries up: widths of activations matter.
    pub rounds: bool,
}

impl Nature {
    /// Entries are moved.
    pub const LAYOUT: Self = Self { layout: true, linear: true, keeps_scale: true, rounds: false };
    /// Sums.
    pub const LINEAR: Self = Self { layout: false, linear: true, keeps_scale: false, rounds: false };
    /// Lookups.
    pub const ROUNDS: Self = Self { layout: false, linear: false, keeps_scale: false, rounds: true };
    /// Products and what else is neither.
    pub const NONE: Self = Self { layout: false, linear: false, keeps_scale: false, rounds: false };
}

/// The scale that a table of so many rows asks of an operand, from which the largest difference of two entries is to fit it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Rows of the table.
    pub rows: usize,
    /// No finer scale is of use.
    pub finest: Scale,
}

/// The operands of a node, for the bounds of its result.
pub(crate) struct Ranges<'a> {
    graph: &'a Graph,
    operands: Vec<NodeId>,
    ranges: Vec<Range>,
}

impl<'a> Ranges<'a> {
    /// Those of a node.
    pub fn of(graph: &'a Graph, id: NodeId, range: impl Fn(NodeId) -> Range) -> Self {
        let operands = graph.operands(id);
        let ranges = operands.iter().map(|&operand| range(operand)).collect();
        Self { graph, operands, ranges }
    }

    /// The range of an operand.
    pub fn operand(&self, n: usize) -> Range {
        self.ranges.get(n).copied().unwrap_or(Range::UNBOUNDED)
    }

    /// The ranges of all operands.
    pub fn all(&self) -> &[Range] {
        &self.ranges
    }

    /// The shape of an operand.
    pub fn shape(&self, n: usize) -> &[usize] {
        self.operands.get(n).map_or(&[], |&operand| self.graph.shape(operand))
    }

    /// Entries of an operand along some axes together.
    pub fn entries(&self, n: usize, axes: &[usize]) -> f64 {
        axes.iter().map(|&axis| self.shape(n)[axis] as f64).product()
    }

    /// The value of an operand that is a constant, before a broadcast of it.
    pub fn constant(&self, n: usize) -> Option<Arc<ArrayD<f64>>> {
        self.graph.behind(*self.operands.get(n)?)
    }
}

/// How an operator of tract becomes nodes of the graph, for all operators of a file.
pub(super) type Imports = &'static [Import];

/// The domain of a first operand.
pub(super) fn first(operands: &[Domain]) -> Domain {
    operands.first().copied().unwrap_or(Domain::Real)
}

/// Any integers, if all operands are integers.
pub(super) fn integers(operands: &[Domain]) -> Domain {
    let exact = !operands.is_empty() && operands.iter().all(|domain| domain.is_exact());
    if exact { Domain::ANY } else { Domain::Real }
}

/// What operands that do not fit give: no entries, which is no node's shape.
pub(super) fn empty() -> ArrayD<f64> {
    ArrayD::zeros(IxDyn(&[0]))
}

/// A function of two entries, for all entries.
pub(super) fn zip(operands: &[&ArrayD<f64>], f: impl Fn(f64, f64) -> f64) -> ArrayD<f64> {
    match operands {
        [a, b] => ndarray::Zip::from(*a).and(*b).map_collect(|&a, &b| f(a, b)),
        _ => empty(),
    }
}

/// Axes in ascending order, each once.
pub(super) fn sorted(axes: &[usize]) -> Vec<usize> {
    let mut axes = axes.to_vec();
    axes.sort_unstable();
    axes.dedup();
    axes
}
