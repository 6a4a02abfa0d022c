//! Bounds on what a model makes out of nothing: a few bytes can name a tensor of any shape, and the parser evaluates whatever depends on
//! constants as soon as it sees it.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};
use tract_onnx::prelude::*;

/// Entries of the largest value.
const MOST: usize = 1 << 27;
/// Entries of the largest constant in a small file; in a larger file as many as it has bytes.
pub(super) const MOST_CONSTANT: usize = 1 << 24;
/// Operators whose result is as large as an operand says.
const GENERATORS: [&str; 12] = [
    "BlackmanWindow",
    "ConstantOfShape",
    "Expand",
    "EyeLike",
    "HammingWindow",
    "HannWindow",
    "OneHot",
    "Pad",
    "Range",
    "Resize",
    "Tile",
    "Upsample",
];

/// Checks the operands that say how large a result is, where they stand in the file.
pub(super) fn check_operands(model: &ModelProto) -> Result<(), String> {
    let Some(graph) = &model.graph else { return Ok(()) };
    let known = known(graph);
    for node in graph.node.iter().filter(|node| GENERATORS.contains(&node.op_type.as_str())) {
        for tensor in node.input.iter().filter_map(|name| known.get(name.as_str())) {
            let extents = integers(tensor);
            let volume = extents.iter().try_fold(1u64, |volume, extent| volume.checked_mul(extent.unsigned_abs().max(1)));
            if volume.is_none_or(|volume| volume > MOST_CONSTANT as u64) {
                return Err(format!(
                    "{} `{}` asks for a tensor of more than {MOST_CONSTANT} entries",
                    node.op_type, node.name
                ));
            }
        }
    }
    Ok(())
}

/// Tensors of the file by the name of their value.
fn known(graph: &GraphProto) -> HashMap<&str, &TensorProto> {
    let constants = graph.node.iter().filter(|node| node.op_type == "Constant");
    let values = constants
        .filter_map(|node| Some((node.output.first()?.as_str(), node.attribute.iter().find_map(|a| a.t.as_ref())?)));
    graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).chain(values).collect()
}

/// The entries of a tensor of 64-bit integers; none of any other.
fn integers(tensor: &TensorProto) -> Vec<i64> {
    const INT64: i32 = 7;
    if tensor.data_type != INT64 {
        return Vec::new();
    }
    let (raw, _) = tensor.raw_data.as_chunks::<8>();
    tensor.int64_data.iter().copied().chain(raw.iter().map(|&bytes| i64::from_le_bytes(bytes))).collect()
}

/// Checks the shapes of all values, and the constants among them against the file's length.
pub(super) fn check_values(model: &TypedModel, bytes: usize) -> Result<(), String> {
    for node in model.nodes() {
        for fact in node.outputs.iter().map(|output| &output.fact) {
            let Some(shape) = fact.shape.as_concrete() else { continue };
            let most = if fact.konst.is_some() { bytes.max(MOST_CONSTANT) } else { MOST };
            let volume = shape.iter().try_fold(1usize, |volume, &extent| volume.checked_mul(extent.max(1)));
            if volume.is_none_or(|volume| volume > most) {
                return Err(format!("a value of node `{}` has the shape {shape:?}, more than {most} entries", node.name));
            }
        }
    }
    Ok(())
}
