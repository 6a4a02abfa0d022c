//! `MaxPool` with the places of its maxima: an order of the entries of each window (docs/lowerings.md, section 22).

use std::sync::Arc;

use super::super::refusal::Refusal;
use super::pools::windows;
use super::sketch::{LONGEST, Sketch};
use crate::graph::NodeId;
use crate::ops::{Einsum, Label, Mix, Take, TopK};

pub(super) fn max_pool(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let axes = windows(s, &shape)?;
    let spatial = &shape[2..];
    let (planes, plane) = (shape[0] * shape[1], spatial.iter().product::<usize>());
    let longest = |axis: &Vec<Vec<usize>>| axis.iter().map(Vec::len).max().unwrap_or(0);
    let entries = axes.iter().try_fold(planes, |all, axis| all.checked_mul(axis.len())?.checked_mul(longest(axis)));
    if axes.iter().flatten().any(Vec::is_empty) {
        return Err(Refusal::Form("a window lies in the padding altogether: it has no maximum"));
    }
    if entries.is_none_or(|entries| entries > LONGEST) || planes == 0 {
        return Err(Refusal::Form(
            "its windows have more than 2^20 entries, too many for their places; leave its second result out",
        ));
    }
    let columns_first = s.integer("storage_order", 0) == 1;
    // Of each window the entries that are there: where they stand in the plane, and what their place is called.
    let mut places = vec![vec![(0, 0)]];
    for (n, axis) in axes.iter().enumerate() {
        let ahead: usize = spatial[..n].iter().product();
        let step = |(flat, called): (usize, usize), index: usize| {
            let flat = flat * spatial[n] + index;
            (flat, if columns_first { called + index * ahead } else { flat })
        };
        let longer = |window: &Vec<(usize, usize)>, sources: &Vec<usize>| -> Vec<(usize, usize)> {
            window.iter().flat_map(|&entry| sources.iter().map(move |&index| step(entry, index))).collect()
        };
        places = places.iter().flat_map(|window| axis.iter().map(move |sources| longer(window, sources))).collect();
    }
    let taps = places.iter().map(Vec::len).max().unwrap_or(0);
    let x = s.operand_node(0)?;
    let x = s.reshape(x, &[planes, plane]);
    // Further ones repeat the first, and come behind it.
    let filled = |window: &Vec<(usize, usize)>| -> Vec<(usize, usize)> {
        window.iter().copied().chain(std::iter::repeat(window[0])).take(taps).collect()
    };
    let places: Vec<Vec<(usize, usize)>> = places.iter().map(filled).collect();
    let indices = places.iter().flatten().map(|&(flat, _)| flat).collect();
    let entries = s.add(Take { axis: 1, indices }, &[x])?;
    let entries = s.reshape(entries, &[planes, places.len(), taps]);
    let bits = s.add(TopK { top: 1, largest: true, last: false }, &[entries])?;
    let [n, p, k, t] = [0, 1, 2, 3].map(|label| Label::of([label])[0]);
    let values = s.add(Einsum { lhs: vec![n, p, k, t], rhs: vec![n, p, t], out: vec![n, p, k] }, &[bits, entries])?;
    let flat = s.reshape(bits, &[planes * places.len() * taps]);
    let rows = (0..planes).flat_map(|at| places.iter().map(move |window| (at, window))).enumerate();
    let rows = rows.map(|(row, (at, window))| {
        let called = window.iter().map(move |&(_, called)| (at * plane + called) as f64);
        called.enumerate().map(|(tap, called)| (row * taps + tap, called)).collect()
    });
    let rows = Arc::new(rows.collect());
    let called = s.add(Mix { axis: 0, rows }, &[flat])?;
    let out: Vec<usize> = shape[..2].iter().copied().chain(axes.iter().map(Vec::len)).collect();
    Ok(vec![s.reshape(values, &out), s.reshape(called, &out)])
}
