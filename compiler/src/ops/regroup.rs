//! How the axes of a tensor and of a reshape of it belong together.

use zktorch_blocks::program::{AxisGroup, GroupMap};

/// A reshape as the finest product of reshapes of adjacent axes.
pub(crate) fn reshape_groups(from: &[usize], to: &[usize]) -> Vec<AxisGroup> {
    let mut groups = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        let (first_i, first_j) = (i, j);
        let (mut a, mut b) = (1usize, 1usize);
        loop {
            if a == b && i + j > first_i + first_j {
                break;
            }
            if (a <= b && i < from.len()) || j == to.len() {
                a *= from[i];
                i += 1;
            } else {
                b *= to[j];
                j += 1;
            }
        }
        // A unit axis met alone is inserted or dropped; with its equal on the other side it passes through.
        if a == 1 && i > first_i && j == first_j && to.get(j) == Some(&1) {
            j += 1;
        }
        groups.push(AxisGroup {
            out_axes: (first_j..j).collect(),
            source_axes: (first_i..i).collect(),
            map: GroupMap::Reshape,
        });
    }
    groups
}
