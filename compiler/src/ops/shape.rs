//! What shapes of operands have to be.

/// Why operands do not fit an operator.
pub(crate) type Reason = String;

pub(super) fn require(condition: bool, reason: impl FnOnce() -> Reason) -> Result<(), Reason> {
    if condition { Ok(()) } else { Err(reason()) }
}

/// The only operand.
pub(super) fn one<'a>(operands: &[&'a [usize]]) -> Result<&'a [usize], Reason> {
    match operands {
        [x] => Ok(x),
        _ => Err(format!("expected 1 operand, got {}", operands.len())),
    }
}

/// Both operands.
pub(super) fn two<'a>(operands: &[&'a [usize]]) -> Result<[&'a [usize]; 2], Reason> {
    match operands {
        [a, b] => Ok([a, b]),
        _ => Err(format!("expected 2 operands, got {}", operands.len())),
    }
}

/// The shape of both operands.
pub(super) fn same(operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Reason> {
    let [a, b] = two(operands)?;
    require(a == b, || format!("operands must have one shape, got {a:?} and {b:?}"))?;
    Ok(Some(a.to_vec()))
}

/// A shape whose axes include those given, in ascending order.
pub(super) fn with_axes(x: &[usize], axes: &[usize]) -> Result<Vec<usize>, Reason> {
    let ascending = axes.windows(2).all(|w| w[0] < w[1]) && axes.last().is_none_or(|&a| a < x.len());
    require(ascending, || format!("axes {axes:?} are not ascending axes of {x:?}"))?;
    Ok(x.to_vec())
}
