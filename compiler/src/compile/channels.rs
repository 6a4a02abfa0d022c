//! Channels within a model that are small beside others of their tensor: powers of two between the weights before and behind them.

use ndarray::{ArrayD, Axis};

use super::task::Task;
use crate::graph::Graph;
use crate::graph::channels::channels;

/// By how many bits a channel may be larger than samples say.
const HEADROOM: i32 = 3;
/// Channels are scaled where their sizes lie so many bits apart, less that.
const APART: i32 = 2;
/// By so many bits at most.
const BITS: i32 = 16;

/// A model's graph with channels of one size, as far as samples show it and weights on both sides take the powers in; none if that changes little.
pub(super) fn equalised(graph: &Graph, task: &Task<'_>) -> Option<Graph> {
    let found = channels(graph);
    if found.is_empty() {
        return None;
    }
    let samples: Vec<_> = task.searched().filter_map(|index| graph.evaluate(&task.samples[index]).ok()).collect();
    let (mut equal, mut changed) = (graph.clone(), false);
    for channels in &found {
        let seen = channels.nodes.iter().flat_map(|&id| samples.iter().filter_map(move |sample| sample.value(id)));
        let exponents = exponents(&sizes(seen, channels.axis));
        if exponents.iter().any(|&e| e >= APART) {
            channels.scale(&mut equal, &exponents);
            changed = true;
        }
    }
    changed.then_some(equal)
}

/// The largest magnitude of each channel.
fn sizes<'v>(values: impl Iterator<Item = &'v ArrayD<f64>>, axis: usize) -> Vec<f64> {
    let mut sizes: Vec<f64> = Vec::new();
    for value in values {
        sizes.resize(value.shape()[axis], 0.0);
        for (size, channel) in sizes.iter_mut().zip(value.axis_iter(Axis(axis))) {
            *size = channel.iter().fold(*size, |size, v| size.max(v.abs()));
        }
    }
    sizes
}

/// By which powers of two channels of these sizes are to be larger. One that is 0 stays as it is: nothing says how large it gets.
fn exponents(sizes: &[f64]) -> Vec<i32> {
    let bits = |size: f64| size.log2().ceil() as i32;
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    let exponent = |size: f64| if size > 0.0 { (bits(largest) - bits(size) - HEADROOM).clamp(0, BITS) } else { 0 };
    sizes.iter().map(|&size| exponent(size)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_channels_are_brought_near_the_largest() {
        assert_eq!(exponents(&[100.0, 0.1, 0.0, 60.0, 1e-9]), [0, 7, 0, 0, 16]);
        assert_eq!(exponents(&[0.0, 0.0]), [0, 0]);
    }
}
