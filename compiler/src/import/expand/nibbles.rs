//! Integers of four bits, of which a byte has two: where they are only brought back to reals, they are integers of eight bits.

use std::collections::HashSet;

use tract_onnx::pb::{GraphProto, TensorProto};

use crate::import::tensors;

/// ONNX's numbers of types, with those of eight bits in their place.
const TYPES: [(i32, i32); 2] = [(UNSIGNED, 2), (22, 3)];
const UNSIGNED: i32 = 21;

/// Widens the tensors of a file that `DequantizeLinear` alone reads, its scales aside. Others keep their type, which is refused: results of four
/// bits end elsewhere.
pub(super) fn widen(graph: &mut GraphProto) {
    if graph.initializer.iter().all(|tensor| widened(tensor.data_type).is_none()) {
        return;
    }
    let mut read: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    for node in &graph.node {
        let operands = node.input.iter().enumerate();
        let others = operands.filter(|(position, _)| node.op_type != "DequantizeLinear" || *position == 1);
        read.extend(others.map(|(_, name)| name.as_str()));
    }
    let read: HashSet<String> = read.into_iter().map(str::to_owned).collect();
    for tensor in graph.initializer.iter_mut().filter(|tensor| !read.contains(&tensor.name)) {
        if let (Some(data_type), Some(bytes)) = (widened(tensor.data_type), unpacked(tensor)) {
            tensors::forget(tensor);
            (tensor.data_type, tensor.raw_data) = (data_type, bytes);
        }
    }
}

fn widened(data_type: i32) -> Option<i32> {
    TYPES.iter().find(|(narrow, _)| *narrow == data_type).map(|(_, wide)| *wide)
}

/// An entry each byte, of two in a byte, the lower half first; none if there are not as many as the shape says.
fn unpacked(tensor: &TensorProto) -> Option<Vec<u8>> {
    let count = tensors::entries(tensor)?;
    let packed: Vec<u8> = match tensor.raw_data.is_empty() {
        false => tensor.raw_data.clone(),
        true => tensor.int32_data.iter().map(|&pair| u8::try_from(pair & 255).ok()).collect::<Option<_>>()?,
    };
    if packed.len() != count.div_ceil(2) {
        return None;
    }
    let entry = |at: usize| {
        let half = packed[at / 2] >> (4 * (at % 2)) & 15;
        if tensor.data_type != UNSIGNED && half > 7 { half | 0xf0 } else { half }
    };
    Some((0..count).map(entry).collect())
}
