//! Whether columns of inputs and outputs differ so much in size that they need scales of their own.

use ndarray::ArrayD;
use zktorch_blocks::program::Element;

use super::task::Task;
use crate::graph::NodeId;
use crate::graph::columns::Columns;
use crate::report::by_chance;

/// Errors below this leave nothing to mend.
pub(super) const GOOD: f64 = 0.005;
/// Columns are scaled where their sizes lie so many bits apart.
const APART: i32 = 3;
/// Columns of a tensor that is scaled by columns.
const MOST: usize = 1 << 12;
/// No column is scaled by more bits.
const BITS: i32 = 40;

/// The powers of two that bring all columns to the size of the largest, by what samples say; none where that would change little.
pub(super) fn wanted(task: &Task<'_>) -> Option<Columns> {
    let real = |id: &NodeId| task.graph.element(*id) == Element::Real;
    let (inputs, outputs) = (task.graph.inputs(), task.graph.outputs());
    let of = |ids: &[NodeId], values: &dyn Fn(usize) -> Vec<Vec<f64>>| -> Vec<Vec<i32>> {
        ids.iter().enumerate().map(|(n, id)| if real(id) { exponents(&values(n)) } else { Vec::new() }).collect()
    };
    let columns = Columns {
        inputs: of(inputs, &|n| task.samples.iter().filter_map(|sample| sample.get(n)).map(sizes).collect()),
        outputs: of(outputs, &|n| task.search.iter().filter_map(|sample| sample.wanted.get(n)).map(sizes).collect()),
    };
    (!columns.is_none()).then_some(columns)
}

/// The largest magnitude in each column.
fn sizes(values: &ArrayD<f64>) -> Vec<f64> {
    let columns = values.shape().last().copied().unwrap_or(1).max(1);
    let mut sizes = vec![0f64; columns];
    values.iter().enumerate().for_each(|(i, v)| sizes[i % columns] = sizes[i % columns].max(v.abs()));
    sizes
}

/// Exponents of columns of these sizes, at most 0; a column of which nothing is known is as large as the largest.
fn exponents(samples: &[Vec<f64>]) -> Vec<i32> {
    let Some(columns) = samples.first().map(Vec::len).filter(|n| (2..=MOST).contains(n)) else { return Vec::new() };
    let size = |c: usize| samples.iter().map(|sizes| sizes[c]).fold(0.0, f64::max);
    let bits = |size: f64| size.log2().ceil() as i32;
    let largest = (0..columns).map(size).fold(0.0, f64::max);
    let values = i32::try_from(samples.len()).unwrap_or(i32::MAX);
    // One sample says little of a column's size.
    let small = |c: usize| size(c) > 0.0 && !by_chance(size(c) / largest, values);
    let exponent = |c: usize| if small(c) { (bits(size(c)) - bits(largest)).clamp(-BITS, 0) } else { 0 };
    let exponents: Vec<i32> = (0..columns).map(exponent).collect();
    if exponents.iter().any(|&e| e <= -APART) { exponents } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_small_only_if_several_samples_say_so() {
        let samples = |count: usize| vec![vec![100.0, 1.0, 0.0, 60.0]; count];
        assert!(exponents(&samples(1)).is_empty());
        assert_eq!(exponents(&samples(4)), [0, -7, 0, 0]);
        assert_eq!(exponents(&[vec![50_000.0, 0.03]]), [0, -21]);
        assert!(exponents(&vec![vec![5.0]; 9]).is_empty());
    }

    #[test]
    fn sizes_are_those_of_the_last_axis() {
        let values = ArrayD::from_shape_vec(ndarray::IxDyn(&[2, 2]), vec![1.0, -8.0, -3.0, 2.0]).expect("four values");
        assert_eq!(sizes(&values), [3.0, 8.0]);
        assert_eq!(sizes(&ArrayD::from_elem(ndarray::IxDyn(&[]), -2.0)), [2.0]);
    }
}
