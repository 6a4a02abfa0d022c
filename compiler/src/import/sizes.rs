//! Bounds on the values of a model: a few bytes can name a tensor of any shape.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{Gather, Pad, PadMode, StridedSlice, Tile};

use super::defect::Defect;
use super::own::Own;

/// Entries of the largest value.
pub(super) const MOST: usize = 1 << 27;
/// Entries of the largest constant in a small file; in a larger file as many as it has bytes.
pub(super) const MOST_CONSTANT: usize = 1 << 24;
/// Positions that all views by lists have together.
const MOST_POSITIONS: usize = 1 << 25;

/// Checks the shapes of all values, the constants among them against the file's length, and views that become lists of positions.
pub(super) fn check_values(model: &TypedModel, bytes: usize) -> Result<(), Defect> {
    let mut positions = 0usize;
    for node in model.nodes() {
        let edge = node.op_as::<Pad>().is_some_and(|pad| !matches!(pad.mode, PadMode::Constant(_)));
        if edge || node.op_is::<Own>() || node.op_is::<Gather>() || node.op_is::<StridedSlice>() || node.op_is::<Tile>() {
            let extents = node.outputs.iter().filter_map(|output| output.fact.shape.as_concrete());
            positions = extents.flatten().fold(positions, |sum, &extent| sum.saturating_add(extent));
        }
        if positions > MOST_POSITIONS {
            return Err(Defect::Picked { node: node.name.clone(), most: MOST_POSITIONS });
        }
        for fact in node.outputs.iter().map(|output| &output.fact) {
            let Some(shape) = fact.shape.as_concrete() else { continue };
            let most = if fact.konst.is_some() { bytes.max(MOST_CONSTANT) } else { MOST };
            let volume = shape.iter().try_fold(1usize, |volume, &extent| volume.checked_mul(extent.max(1)));
            if volume.is_none_or(|volume| volume > most) {
                return Err(Defect::Large { node: node.name.clone(), shape: shape.to_vec(), most });
            }
        }
    }
    Ok(())
}
