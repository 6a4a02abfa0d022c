//! Positions in padded index spaces, and where views take them.

use std::ops::Range;
use zktorch_blocks::permute::is_free;
use zktorch_blocks::program::{AxisGroup, GroupMap, Shape, View, index_bits};

/// The coordinates of a padded position.
pub fn coordinates(shape: &Shape, mut at: usize) -> Vec<usize> {
    let mut all: Vec<usize> = shape
        .dims()
        .iter()
        .rev()
        .map(|&extent| {
            let bits = index_bits(extent);
            let own = at & ((1 << bits) - 1);
            at >>= bits;
            own
        })
        .collect();
    all.reverse();
    all
}

/// The padded position of coordinates.
pub fn position(shape: &Shape, coordinates: &[usize]) -> usize {
    coordinates.iter().zip(shape.axis_bits()).fold(0, |at, (own, bits)| at << bits | own)
}

/// The place of a padded position among the valid entries, if it is one.
pub fn entry(shape: &Shape, at: usize) -> Option<usize> {
    let own = coordinates(shape, at);
    let inside = own.iter().zip(shape.dims()).all(|(c, extent)| c < extent);
    inside.then(|| own.iter().zip(shape.dims()).fold(0, |flat, (c, extent)| flat * extent + c))
}

/// All coordinates within ranges, the last fastest.
pub fn within(ranges: &[Range<usize>]) -> Vec<Vec<usize>> {
    ranges.iter().fold(vec![Vec::new()], |all, range| {
        all.into_iter().flat_map(|head| range.clone().map(move |c| [&head[..], &[c]].concat())).collect()
    })
}

/// The positions of a view at which it shows a position of its source.
pub fn shown_at(view: &View, source: &Shape, out: &Shape, at: usize) -> Vec<usize> {
    let own = coordinates(source, at);
    let mut all = vec![vec![0; out.rank()]];
    for group in &view.groups {
        let here: Vec<usize> = group.source_axes.iter().map(|&axis| own[axis]).collect();
        let seen = group_shows(group, source, out, &here);
        all = all
            .into_iter()
            .flat_map(|coordinates| {
                seen.iter().map(move |part| {
                    let mut coordinates = coordinates.clone();
                    group.out_axes.iter().zip(part).for_each(|(&axis, &c)| coordinates[axis] = c);
                    coordinates
                })
            })
            .collect();
    }
    all.iter().map(|coordinates| position(out, coordinates)).collect()
}

/// The same for a group of axes. What is free moves index bits, padding included; all else shows valid entries at valid positions.
fn group_shows(group: &AxisGroup, source: &Shape, out: &Shape, here: &[usize]) -> Vec<Vec<usize>> {
    let pick = |shape: &Shape, axes: &[usize]| Shape(axes.iter().map(|&axis| shape.dims()[axis]).collect());
    let (from, to) = (pick(source, &group.source_axes), pick(out, &group.out_axes));
    let flat = position(&from, here);
    if matches!(group.map, GroupMap::Reshape) && is_free(group, out, source) {
        return vec![coordinates(&to, flat)];
    }
    let Some(index) = entry(&from, flat) else { return Vec::new() };
    let ranges: Vec<Range<usize>> = to.dims().iter().map(|&extent| 0..extent).collect();
    let shows = |(flat, own): (usize, &Vec<usize>)| match &group.map {
        GroupMap::Broadcast => true,
        GroupMap::Reshape => flat == index,
        GroupMap::Affine { strides, offset } => {
            own.iter().zip(strides).map(|(&c, stride)| c as i64 * stride).sum::<i64>() + offset == index as i64
        }
        GroupMap::List(indices) => indices[flat].is_some_and(|shown| shown as usize == index),
        // Lists stand for tensors of indices by now.
        GroupMap::Indices(_) => false,
    };
    within(&ranges).into_iter().enumerate().filter(|(flat, own)| shows((*flat, own))).map(|(_, own)| own).collect()
}
