//! Numbers that stand in for weights that a file lacks.
//!
//! Whatever stands in for a weight has its shape and its type, and no structure: floats in `[1/2, 1)`, integers from 1 to 100, no two
//! tensors alike and none uniform, so that no pass finds anything to simplify that it would not find in trained weights.

use std::path::Path;

use tract_onnx::pb::{ModelProto, TensorProto};

use super::error::ImportError;
use super::external;
use super::tensors::{self, Element};

/// Gives every tensor that lacks its data some numbers, `most` in all. Tensors in files beside the model lack theirs if the file
/// cannot be used.
///
/// # Errors
/// If more numbers are wanted.
pub(super) fn stand_in(proto: &mut ModelProto, folder: Option<&Path>, most: usize) -> Result<(), ImportError> {
    let Some(graph) = &mut proto.graph else { return Ok(()) };
    let mut made = Numbers { counter: 0, left: most, most };
    for tensor in &mut graph.initializer {
        let name = tensor.name.clone();
        made.give(&name, tensor, folder)?;
    }
    for node in &mut graph.node {
        let name = node.output.first().cloned().unwrap_or_default();
        for tensor in node.attribute.iter_mut().filter_map(|attribute| attribute.t.as_mut()) {
            made.give(&name, tensor, folder)?;
        }
    }
    Ok(())
}

/// A stream of numbers without structure.
struct Numbers {
    counter: u64,
    left: usize,
    most: usize,
}

impl Numbers {
    fn give(&mut self, name: &str, tensor: &mut TensorProto, folder: Option<&Path>) -> Result<(), ImportError> {
        let Some(element) = Element::of(tensor.data_type) else { return Ok(()) };
        let outside = tensors::is_external(tensor);
        let there = if outside { external::problem(tensor, folder).is_none() } else { tensors::has_data(tensor) };
        if there || tensors::entries(tensor) == Some(0) {
            return Ok(());
        }
        let most = self.most;
        let too_many = || ImportError::Withheld { tensor: name.to_owned(), shape: tensor.dims.clone(), most };
        let count = tensors::entries(tensor).filter(|&n| n <= self.left).ok_or_else(too_many)?;
        self.left -= count;
        let bytes = (0..count).flat_map(|n| self.number(element, n)).collect();
        tensors::forget(tensor);
        tensor.raw_data = bytes;
        Ok(())
    }

    /// The next number (SplitMix64), for entry `n` of a tensor. The first two entries differ.
    fn number(&mut self, element: Element, n: usize) -> impl Iterator<Item = u8> + use<> {
        self.counter += 1;
        let mut z = self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let bits = match element {
            Element::Float(2) => 0x3800 | z & ((1 << 10) - 1),
            Element::Float(4) => 0x3f00_0000 | z & ((1 << 23) - 1),
            Element::Float(_) => 0x3fe0_0000_0000_0000 | z & ((1 << 52) - 1),
            Element::Bfloat => 0x3f00 | z & ((1 << 7) - 1),
            Element::Bool => {
                if n < 2 {
                    n as u64
                } else {
                    z & 1
                }
            }
            // From halves of the range that do not meet.
            Element::Signed(_) | Element::Unsigned(_) => 1 + z % 50 + if n.is_multiple_of(2) { 0 } else { 50 },
        };
        bits.to_le_bytes().into_iter().take(element.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::GraphProto;

    fn lacking(data_type: i32, dims: &[i64]) -> ModelProto {
        let tensor = TensorProto { name: "w".into(), data_type, dims: dims.to_vec(), ..TensorProto::default() };
        let graph = GraphProto { initializer: vec![tensor], ..GraphProto::default() };
        ModelProto { graph: Some(graph), ..ModelProto::default() }
    }

    #[test]
    fn numbers_stand_in_for_all_types() {
        for data_type in [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16] {
            let mut proto = lacking(data_type, &[3, 5]);
            stand_in(&mut proto, None, 15).unwrap();
            let tensor = &proto.graph.as_ref().unwrap().initializer[0];
            let numbers = tensors::numbers(tensor).expect("as many as the shape says");
            let mut distinct = numbers.clone();
            distinct.sort_unstable_by(f64::total_cmp);
            distinct.dedup();
            let float = Element::of(data_type).unwrap().is_float();
            let (least, range) = match data_type {
                9 => (2, 0.0..2.0),
                _ if float => (9, 0.5..1.0),
                _ => (9, 1.0..101.0),
            };
            assert!(distinct.len() >= least, "no structure: {numbers:?}");
            assert!(numbers.iter().all(|v| range.contains(v)), "{numbers:?}");
            let mut pair = lacking(data_type, &[2]);
            stand_in(&mut pair, None, 2).unwrap();
            assert!(!tensors::is_uniform(&pair.graph.unwrap().initializer[0]));
        }
    }

    #[test]
    fn no_more_numbers_than_the_key_has_weights() {
        for (data_type, dims) in [(1, &[4, 4][..]), (3, &[4, 4]), (1, &[1 << 40, 1 << 40]), (1, &[-1])] {
            let error = stand_in(&mut lacking(data_type, dims), None, 15).unwrap_err();
            assert!(matches!(error, ImportError::Withheld { most: 15, .. }), "{error}");
        }
    }
}
