//! Whether columns of inputs and outputs differ so much in size that they need scales of their own.
//!
//! Samples may say nothing of an input's column (it is 0 in all of them), or little (it is small in one). What the model does with it then shows
//! whether its values may be lost: entries are moved by half a step of the integers, which is how far rounding moves them.

use ndarray::ArrayD;
use zktorch_blocks::program::Element;

use super::attempt::Attempt;
use super::task::Task;
use crate::graph::NodeId;
use crate::graph::columns::Columns;
use crate::quantise::to_real;
use crate::report::{Gap, Measure, by_chance};

/// Errors below this leave nothing to mend.
pub(super) const GOOD: f64 = 0.005;
/// Columns are scaled where their sizes lie so many bits apart.
const APART: i32 = 3;
/// Columns of a tensor that is scaled by columns.
const MOST: usize = 1 << 12;
/// No column is scaled by more bits.
const BITS: i32 = 40;
/// The binary logarithm of what a column is taken to reach of which nothing is known: with all margins it holds numbers up to 1 at least.
const UNKNOWN: i32 = 1;
/// By how many bits a column may be larger than the few samples say in which it is small.
const HEADROOM: i32 = 3;

/// What samples say of a column's size.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    /// It is 0 in all of them.
    Nothing,
    /// It is much smaller than others, which may be an accident.
    Perhaps(f64),
    /// This; that of the largest where it is about as large.
    Known(f64),
}

/// Powers of two that bring all columns to the size of the largest, by what samples say, the likeliest first; none where they would change
/// little. Columns that are small in few samples are as large as the largest in the first, and small in the second.
pub(super) fn wanted(task: &Task<'_>) -> Vec<Columns> {
    let (inputs, outputs) = (seen_inputs(task), seen_outputs(task));
    let by = |few: bool| Columns {
        inputs: inputs.iter().map(|sizes| exponents(sizes, Some(UNKNOWN), few)).collect(),
        outputs: outputs.iter().map(|sizes| exponents(sizes, None, false)).collect(),
    };
    let mut all: Vec<Columns> = [by(false), by(true)].into_iter().filter(|columns| !columns.is_none()).collect();
    all.dedup();
    all
}

fn seen_inputs(task: &Task<'_>) -> Vec<Vec<Size>> {
    seen(task, task.graph.inputs(), |n| task.samples.iter().filter_map(|sample| sample.get(n)).map(largest).collect())
}

fn seen_outputs(task: &Task<'_>) -> Vec<Vec<Size>> {
    let of = |n: usize| task.search.iter().filter_map(|sample| sample.wanted.get(n)).map(largest).collect();
    seen(task, task.graph.outputs(), of)
}

/// Sizes of the columns of real tensors; none of others.
fn seen(task: &Task<'_>, ids: &[NodeId], samples: impl Fn(usize) -> Vec<Vec<f64>>) -> Vec<Vec<Size>> {
    let real = |id: &NodeId| task.graph.element(*id) == Element::Real;
    ids.iter().enumerate().map(|(n, id)| if real(id) { sizes(&samples(n)) } else { Vec::new() }).collect()
}

/// The largest magnitude in each column.
fn largest(values: &ArrayD<f64>) -> Vec<f64> {
    let columns = values.shape().last().copied().unwrap_or(1).max(1);
    let mut sizes = vec![0f64; columns];
    values.iter().enumerate().for_each(|(i, v)| sizes[i % columns] = sizes[i % columns].max(v.abs()));
    sizes
}

fn bits(size: f64) -> i32 {
    size.log2().ceil() as i32
}

/// What samples say of columns, given the largest magnitude of each in each sample.
fn sizes(samples: &[Vec<f64>]) -> Vec<Size> {
    let Some(columns) = samples.first().map(Vec::len).filter(|n| (2..=MOST).contains(n)) else { return Vec::new() };
    let size = |c: usize| samples.iter().map(|sizes| sizes[c]).fold(0.0, f64::max);
    let largest = (0..columns).map(size).fold(0.0, f64::max);
    let values = i32::try_from(samples.len()).unwrap_or(i32::MAX);
    let say = |size: f64| match size {
        0.0 => Size::Nothing,
        size if !by_chance(size / largest, values, columns) => Size::Known(size),
        size if bits(size) - bits(largest) <= -APART => Size::Perhaps(size),
        _ => Size::Known(largest),
    };
    (0..columns).map(|c| say(size(c))).collect()
}

/// Exponents of columns of these sizes, at most 0; of none if there is nothing to scale. Where nothing is known of a column it has a given
/// size, or that of the largest; `few` samples are believed, or not.
fn exponents(sizes: &[Size], unknown: Option<i32>, few: bool) -> Vec<i32> {
    let size = |size: &Size| match *size {
        Size::Nothing => 0.0,
        Size::Perhaps(size) | Size::Known(size) => size,
    };
    let largest = sizes.iter().map(size).fold(0.0, f64::max);
    if largest == 0.0 {
        return Vec::new();
    }
    let exponent = |size: &Size| match *size {
        Size::Nothing => unknown.map_or(0, |bits| bits - self::bits(largest)),
        Size::Perhaps(size) if few => bits(size) + HEADROOM - bits(largest),
        Size::Perhaps(_) => 0,
        Size::Known(size) => bits(size) - bits(largest),
    };
    let exponents: Vec<i32> = sizes.iter().map(|size| exponent(size).clamp(-BITS, 0)).collect();
    if exponents.iter().any(|&e| e <= -APART) { exponents } else { Vec::new() }
}

/// By how much outputs move, relative to their size, where the entries of columns of which samples say nothing or little are moved by half a
/// step of an attempt's integers. 0 where samples say enough.
pub(super) fn unseen(task: &Task<'_>, attempt: &Attempt) -> f64 {
    let inputs = seen_inputs(task);
    let doubtful: Vec<Vec<bool>> =
        inputs.iter().map(|sizes| sizes.iter().map(|size| !matches!(size, Size::Known(_))).collect()).collect();
    if !doubtful.iter().flatten().any(|&d| d) {
        return 0.0;
    }
    let program = &attempt.trial.lowered.program;
    let mut measure = Measure::new(&attempt.trial.outputs, &task.bounds);
    for sample in &task.search {
        let mut inputs = sample.inputs.clone();
        for ((values, doubtful), &id) in inputs.iter_mut().zip(&doubtful).zip(&program.inputs) {
            let half = 0.5 * to_real(1, program.tensors[id].scale);
            let doubtful = doubtful.iter().cycle().chain(std::iter::repeat(&false));
            values
                .iter_mut()
                .zip(doubtful)
                .filter(|(_, doubtful)| **doubtful)
                .for_each(|(value, _)| *value += half.copysign(*value));
        }
        let Ok(moved) = task.graph.evaluate(&inputs) else { continue };
        let moved: Vec<Vec<f64>> = task.outputs(&moved).into_iter().map(|output| output.into_iter().collect()).collect();
        // What a function gives beyond its domain says nothing of the steps.
        if moved.iter().flatten().all(|v| v.is_finite()) {
            measure.take(&moved, &sample.own);
        }
    }
    measure.finish(task.search.len()).error()
}

/// The columns of real inputs that are 0 in all samples, or the same number.
pub(super) fn gaps(task: &Task<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (n, &id) in task.graph.inputs().iter().enumerate() {
        let of = task.graph.shape(id).last().copied().unwrap_or(1);
        if task.graph.element(id) != Element::Real || !(1..=MOST).contains(&of) {
            continue;
        }
        let mut ranges = vec![[f64::INFINITY, f64::NEG_INFINITY]; of];
        for (i, &v) in task.samples.iter().filter_map(|sample| sample.get(n)).flat_map(|values| values.iter().enumerate()) {
            let [lo, hi] = &mut ranges[i % of];
            (*lo, *hi) = (lo.min(v), hi.max(v));
        }
        let input = task.graph.node(id).name.clone();
        let mut gap = |zero: bool, is: &dyn Fn(&[f64; 2]) -> bool| {
            let columns: Vec<usize> = (0..of).filter(|&c| is(&ranges[c])).collect();
            if !columns.is_empty() {
                gaps.push(Gap { input: input.clone(), columns, of, zero });
            }
        };
        gap(true, &|&[lo, hi]| lo == 0.0 && hi == 0.0);
        // In one sample every column is one number.
        if task.samples.len() > 1 {
            gap(false, &|&[lo, hi]| lo == hi && lo != 0.0);
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_small_only_if_several_samples_say_so() {
        let sizes = |count: usize| sizes(&vec![vec![100.0, 1.0, 0.0, 60.0]; count]);
        let of = |count: usize, few: bool| exponents(&sizes(count), None, few);
        assert!(of(1, false).is_empty());
        assert_eq!(of(4, false), [0, -7, 0, 0]);
        assert_eq!(of(1, true), [0, -4, 0, 0]);
        assert_eq!(exponents(&super::sizes(&[vec![50_000.0, 0.03]]), None, false), [0, -21]);
        assert!(exponents(&super::sizes(&vec![vec![5.0]; 9]), None, false).is_empty());
    }

    #[test]
    fn a_column_that_is_zero_in_all_samples_holds_numbers_up_to_one() {
        let of = |samples: &[Vec<f64>]| exponents(&sizes(samples), Some(UNKNOWN), false);
        assert_eq!(of(&vec![vec![100.0, 1.0, 0.0]; 4]), [0, -7, -6]);
        assert_eq!(of(&vec![vec![2e4, 0.0, 1e4]; 4]), [0, -14, 0]);
        assert!(of(&vec![vec![0.1, 0.0, 0.2]; 4]).is_empty());
        assert!(of(&vec![vec![0.0, 0.0]; 4]).is_empty());
    }

    #[test]
    fn sizes_are_those_of_the_last_axis() {
        let values = ArrayD::from_shape_vec(ndarray::IxDyn(&[2, 2]), vec![1.0, -8.0, -3.0, 2.0]).expect("four values");
        assert_eq!(largest(&values), [3.0, 8.0]);
        assert_eq!(largest(&ArrayD::from_elem(ndarray::IxDyn(&[]), -2.0)), [2.0]);
    }
}
