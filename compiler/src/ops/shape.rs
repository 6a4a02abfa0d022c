//! What shapes of operands have to be.

use std::ops::RangeInclusive;

use super::label::Label;

/// Why operands do not fit an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Not as many operands as the operator has.
    #[error("expected {}, got {got}", operands(expected))]
    Arity {
        /// How many it has.
        expected: RangeInclusive<usize>,
        /// How many are given.
        got: usize,
    },
    /// Operands that must be of one shape and are not.
    #[error("operands must have one shape, got {}", shapes(.0))]
    Unlike(Vec<Vec<usize>>),
    /// An operator whose result can have several shapes, where none is declared.
    #[error("the result's shape does not follow from operands")]
    Open,
    /// A declared shape that is not the result's.
    #[error("the shape should be {expected:?}, not {got:?}")]
    Shape {
        /// The result's shape.
        expected: Vec<usize>,
        /// The declared shape.
        got: Vec<usize>,
    },
    /// An operand whose axes are not those that the operator goes by.
    #[error("expected an operand of shape {expected}, got {got:?}")]
    Layout {
        /// The axes.
        expected: &'static str,
        /// The operand's shape.
        got: Vec<usize>,
    },
    /// An attribute with more or fewer entries than the shape asks for.
    #[error("{got} {what} for the shape {shape:?}")]
    Count {
        /// What the entries are.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// The operand's shape.
        shape: Vec<usize>,
    },
    /// Axes that are not the operand's, or not in order.
    #[error("axes {axes:?} are not ascending axes of {shape:?}")]
    Axes {
        /// The axes.
        axes: Vec<usize>,
        /// The operand's shape.
        shape: Vec<usize>,
    },
    /// An order of axes that is none.
    #[error("{order:?} does not permute the axes of {shape:?}")]
    Permutation {
        /// The axes in their new order.
        order: Vec<usize>,
        /// The operand's shape.
        shape: Vec<usize>,
    },
    /// A shape that is not reached by repeating entries.
    #[error("{from:?} does not broadcast to {to:?}")]
    Broadcast {
        /// The operand's shape.
        from: Vec<usize>,
        /// The declared shape.
        to: Vec<usize>,
    },
    /// A shape of another number of entries.
    #[error("{from:?} does not have the number of entries of {to:?}")]
    Volume {
        /// The operand's shape.
        from: Vec<usize>,
        /// The declared shape.
        to: Vec<usize>,
    },
    /// An operand that differs from the first along other axes than the joined one.
    #[error("{other:?} does not fit {first:?} beside axis {axis}")]
    Beside {
        /// The joined axis.
        axis: usize,
        /// The first operand's shape.
        first: Vec<usize>,
        /// The other's.
        other: Vec<usize>,
    },
    /// Entries of an axis that it does not have.
    #[error("the range {}..{} step {step} is not within axis {axis} of {shape:?}", bounds[0], bounds[1])]
    Range {
        /// The first entry, and the one behind the last.
        bounds: [usize; 2],
        /// How far they lie apart.
        step: usize,
        /// The axis.
        axis: usize,
        /// The operand's shape.
        shape: Vec<usize>,
    },
    /// An index that the axis does not have.
    #[error("an index is not below {extent}")]
    Index {
        /// The axis' extent.
        extent: usize,
    },
    /// Padding up to an extent that no machine word holds.
    #[error("the padding of {0:?} is too wide")]
    Padding(Vec<usize>),
    /// A window that slides over an axis by no step, or is nothing.
    #[error("kernel, strides and dilations must be positive")]
    Still,
    /// A window of other axes than the operand, or larger than it.
    #[error("a window of {kernel:?} does not fit into {spatial:?}")]
    Window {
        /// The window's taps along each axis.
        kernel: Vec<usize>,
        /// The operand's spatial extents.
        spatial: Vec<usize>,
    },
    /// Weights of a convolution that are not for its operand.
    #[error("weights {weights:?} do not fit x {x:?} with {groups} groups and a window of {kernel:?}")]
    Weights {
        /// The weights' shape.
        weights: Vec<usize>,
        /// The operand's shape.
        x: Vec<usize>,
        /// Groups of channels.
        groups: usize,
        /// The window's taps along each axis.
        kernel: Vec<usize>,
    },
    /// A bias that is not one number for each channel.
    #[error("the bias must be [{channels}], got {got:?}")]
    Bias {
        /// Channels of the result.
        channels: usize,
        /// The bias' shape.
        got: Vec<usize>,
    },
    /// Labels of one operand, or of the result, that name two of its axes alike.
    #[error("labels {0:?} repeat")]
    Repeated(Vec<Label>),
    /// A label of axes that differ in extent.
    #[error("label {label} is {left} on the left and {right} on the right")]
    Extents {
        /// The label.
        label: Label,
        /// The extent in the first operand.
        left: usize,
        /// The extent in the second.
        right: usize,
    },
    /// A label of the result that no operand has.
    #[error("label {0} is in no operand")]
    Unbound(Label),
}

fn operands(expected: &RangeInclusive<usize>) -> String {
    match (*expected.start(), *expected.end()) {
        (0, 0) => "no operands".to_owned(),
        (1, 1) => "1 operand".to_owned(),
        (least, most) if least == most => format!("{least} operands"),
        (least, usize::MAX) => format!("at least {least} operand{}", if least == 1 { "" } else { "s" }),
        (least, most) => format!("{least} to {most} operands"),
    }
}

fn shapes(of: &[Vec<usize>]) -> String {
    of.iter().map(|shape| format!("{shape:?}")).collect::<Vec<_>>().join(" and ")
}

pub(super) fn require(condition: bool, misfit: impl FnOnce() -> Misfit) -> Result<(), Misfit> {
    if condition { Ok(()) } else { Err(misfit()) }
}

/// So many operands.
pub(super) fn arity(operands: &[&[usize]], expected: RangeInclusive<usize>) -> Result<(), Misfit> {
    let got = operands.len();
    if expected.contains(&got) { Ok(()) } else { Err(Misfit::Arity { expected, got }) }
}

/// The only operand.
pub(super) fn one<'a>(operands: &[&'a [usize]]) -> Result<&'a [usize], Misfit> {
    match operands {
        [x] => Ok(x),
        _ => Err(Misfit::Arity { expected: 1..=1, got: operands.len() }),
    }
}

/// Both operands.
pub(super) fn two<'a>(operands: &[&'a [usize]]) -> Result<[&'a [usize]; 2], Misfit> {
    match operands {
        [a, b] => Ok([a, b]),
        _ => Err(Misfit::Arity { expected: 2..=2, got: operands.len() }),
    }
}

/// The shape that all operands have.
pub(super) fn alike(operands: &[&[usize]]) -> Result<Vec<usize>, Misfit> {
    match operands {
        [first, rest @ ..] if rest.iter().all(|shape| shape == first) => Ok(first.to_vec()),
        _ => Err(Misfit::Unlike(operands.iter().map(|shape| shape.to_vec()).collect())),
    }
}

/// The shape of both operands.
pub(super) fn same(operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
    two(operands)?;
    alike(operands).map(Some)
}

/// A shape whose axes include those given, in ascending order.
pub(super) fn with_axes(x: &[usize], axes: &[usize]) -> Result<Vec<usize>, Misfit> {
    let ascending = axes.windows(2).all(|w| w[0] < w[1]) && axes.last().is_none_or(|&a| a < x.len());
    require(ascending, || Misfit::Axes { axes: axes.to_vec(), shape: x.to_vec() })?;
    Ok(x.to_vec())
}
