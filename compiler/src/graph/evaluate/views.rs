//! Ops that only move entries.

use ndarray::{ArrayD, Axis, IxDyn, Slice, concatenate};

use super::super::Op;

/// The value of a view. An op that is no view, or does not fit its operands, gives an empty tensor.
pub(super) fn apply(op: &Op, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
    let Some(x) = operands.first() else { return empty() };
    match op {
        Op::Reshape => x.as_standard_layout().into_owned().into_shape_with_order(IxDyn(shape)).unwrap_or_else(|_| empty()),
        Op::Broadcast => x.broadcast(IxDyn(shape)).map_or_else(empty, |view| view.to_owned()),
        Op::Transpose(perm) => x.view().permuted_axes(IxDyn(perm)).to_owned(),
        Op::Concat { axis } => {
            let views: Vec<_> = operands.iter().map(|o| o.view()).collect();
            concatenate(Axis(*axis), &views).unwrap_or_else(|_| empty())
        }
        Op::Slice { axis, start, end, step } => {
            let slice = Slice::new(*start as isize, Some(*end as isize), *step as isize);
            x.slice_axis(Axis(*axis), slice).to_owned()
        }
        Op::Take { axis, indices } => x.select(Axis(*axis), indices),
        Op::Pad { begin, value, .. } => {
            let mut padded = ArrayD::from_elem(IxDyn(shape), *value);
            let mut inner = padded.view_mut();
            for (axis, (&first, &extent)) in begin.iter().zip(x.shape()).enumerate() {
                inner.slice_axis_inplace(Axis(axis), Slice::from(first..first + extent));
            }
            inner.assign(x);
            padded
        }
        _ => empty(),
    }
}

fn empty() -> ArrayD<f64> {
    ArrayD::zeros(IxDyn(&[0]))
}
