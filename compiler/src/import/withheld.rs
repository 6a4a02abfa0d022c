//! Models without their weights: taking the weights out, and numbers that stand in for them.
//!
//! A weight is a tensor of floats with two entries or more that are not all equal. Single numbers and uniform tensors (epsilons, slopes,
//! bounds, zero biases, ones) stay: what a graph computes depends on them. Whatever stands in for a weight has its shape and no structure:
//! numbers in `[1/2, 1)`, no two tensors alike, so that no pass finds anything to simplify that it would not find in trained weights.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, TensorProto};

use super::error::ImportError;
use super::{external, load};

/// A model without its weights.
#[derive(Clone, Debug)]
pub struct Stripped {
    /// The ONNX file. It needs no other file.
    pub bytes: Vec<u8>,
    /// Name and shape of every tensor without its data.
    pub withheld: Vec<(String, Vec<i64>)>,
    /// Name and shape of every tensor of floats that kept them.
    pub kept: Vec<(String, Vec<i64>)>,
}

/// Takes the weights out of an ONNX file. Names, shapes and operators stay; comments and other text of the exporter go, which often holds
/// paths of the machine it ran on.
///
/// # Errors
/// If the bytes are no ONNX model, or weights in other files cannot be read.
pub fn strip(bytes: &[u8], folder: Option<&Path>) -> Result<Stripped, ImportError> {
    let mut proto = load::parse(bytes)?;
    proto.doc_string.clear();
    proto.metadata_props.clear();
    proto.training_info.clear();
    let (mut withheld, mut kept) = (Vec::new(), Vec::new());
    each_tensor(&mut proto, &mut |name, tensor| {
        if is_external(tensor) {
            let bytes = read(tensor, folder).map_err(|reason| external::error(tensor, reason))?;
            forget(tensor);
            tensor.raw_data = bytes;
        }
        if Float::of(tensor).is_none() || !has_data(tensor) {
            return Ok(());
        }
        let weight = entries(tensor).is_some_and(|n| n > 1) && !is_uniform(tensor);
        if weight {
            forget(tensor);
        }
        let list = if weight { &mut withheld } else { &mut kept };
        list.push((name.to_owned(), tensor.dims.clone()));
        Ok(())
    })?;
    each_graph(&mut proto, &mut |graph| {
        graph.doc_string.clear();
        graph.node.iter_mut().for_each(|node| node.doc_string.clear());
        Ok(())
    })?;
    Ok(Stripped { bytes: proto.encode_to_vec(), withheld, kept })
}

/// Gives every tensor of floats that lacks its data some numbers, `most` in all. Tensors in files beside the model lack theirs if the
/// file cannot be used.
///
/// # Errors
/// If more numbers are wanted.
pub(super) fn stand_in(proto: &mut ModelProto, folder: Option<&Path>, most: usize) -> Result<(), ImportError> {
    let mut counter = 0u64;
    let mut left = most;
    each_tensor(proto, &mut |name, tensor| {
        let Some(float) = Float::of(tensor) else { return Ok(()) };
        let there = if is_external(tensor) { external::problem(tensor, folder).is_none() } else { has_data(tensor) };
        if there || entries(tensor) == Some(0) {
            return Ok(());
        }
        let too_many = || ImportError::Withheld { tensor: name.to_owned(), shape: tensor.dims.clone(), most };
        let count = entries(tensor).filter(|&n| n <= left).ok_or_else(too_many)?;
        left -= count;
        forget(tensor);
        tensor.raw_data = (0..count).flat_map(|_| float.number(&mut counter)).collect();
        Ok(())
    })
}

type Visit<'v> = &'v mut dyn FnMut(&mut GraphProto) -> Result<(), ImportError>;

/// The graph of a model, and graphs within its nodes.
fn each_graph(proto: &mut ModelProto, visit: Visit<'_>) -> Result<(), ImportError> {
    // As deep as the parser has let them be.
    fn within(graph: &mut GraphProto, visit: Visit<'_>) -> Result<(), ImportError> {
        visit(graph)?;
        let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
        let mut graphs = attributes.flat_map(|attribute| attribute.g.iter_mut().chain(&mut attribute.graphs));
        graphs.try_for_each(|graph| within(graph, visit))
    }
    proto.graph.as_mut().map_or(Ok(()), |graph| within(graph, visit))
}

/// The tensors of a model, with names: initialisers, and what nodes hold. Lists of floats that are constants become tensors.
fn each_tensor(
    proto: &mut ModelProto,
    visit: &mut dyn FnMut(&str, &mut TensorProto) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    each_graph(proto, &mut |graph| {
        for tensor in &mut graph.initializer {
            tensor.doc_string.clear();
            let name = tensor.name.clone();
            visit(&name, tensor)?;
        }
        for node in &mut graph.node {
            let name = node.output.first().cloned().unwrap_or_default();
            for attribute in &mut node.attribute {
                if node.op_type == "Constant" && attribute.name == "value_floats" {
                    *attribute = listed(std::mem::take(&mut attribute.floats));
                }
                attribute.t.iter_mut().chain(&mut attribute.tensors).try_for_each(|tensor| visit(&name, tensor))?;
            }
        }
        Ok(())
    })
}

/// The attribute of a constant whose value is a list.
fn listed(values: Vec<f32>) -> AttributeProto {
    let tensor = TensorProto { dims: vec![values.len() as i64], data_type: 1, float_data: values, ..TensorProto::default() };
    AttributeProto {
        name: "value".to_owned(),
        r#type: AttributeType::Tensor as i32,
        t: Some(tensor),
        ..AttributeProto::default()
    }
}

/// A type of floats: its bytes, the bits of its numbers in `[1/2, 1)`, and those of their mantissa.
#[derive(Clone, Copy)]
struct Float {
    bytes: usize,
    half: u64,
    mantissa: u64,
}

impl Float {
    /// The type of a tensor's entries, by the numbers that ONNX gives to types.
    fn of(tensor: &TensorProto) -> Option<Self> {
        match tensor.data_type {
            1 => Some(Self { bytes: 4, half: 0x3f00_0000, mantissa: (1 << 23) - 1 }),
            10 => Some(Self { bytes: 2, half: 0x3800, mantissa: (1 << 10) - 1 }),
            11 => Some(Self { bytes: 8, half: 0x3fe0_0000_0000_0000, mantissa: (1 << 52) - 1 }),
            _ => None,
        }
    }

    /// The next number without structure (SplitMix64).
    fn number(self, counter: &mut u64) -> impl Iterator<Item = u8> + use<> {
        *counter += 1;
        let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = self.half | ((z ^ (z >> 31)) & self.mantissa);
        bits.to_le_bytes().into_iter().take(self.bytes)
    }
}

fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// Entries of a tensor's shape.
fn entries(tensor: &TensorProto) -> Option<usize> {
    tensor.dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(usize::try_from(dim).ok()?))
}

fn has_data(tensor: &TensorProto) -> bool {
    let TensorProto { raw_data, float_data, double_data, int32_data, .. } = tensor;
    !(raw_data.is_empty() && float_data.is_empty() && double_data.is_empty() && int32_data.is_empty())
}

fn is_uniform(tensor: &TensorProto) -> bool {
    fn equal<T: PartialEq>(values: &[T]) -> bool {
        values.windows(2).all(|pair| pair[0] == pair[1])
    }
    let bytes = Float::of(tensor).map_or(1, |float| float.bytes);
    let raw: Vec<&[u8]> = tensor.raw_data.chunks(bytes).collect();
    equal(&raw) && equal(&tensor.float_data) && equal(&tensor.double_data) && equal(&tensor.int32_data)
}

fn forget(tensor: &mut TensorProto) {
    tensor.raw_data.clear();
    tensor.float_data.clear();
    tensor.double_data.clear();
    tensor.int32_data.clear();
    tensor.external_data.clear();
    tensor.data_location = None;
}

/// The bytes of a tensor in another file.
fn read(tensor: &TensorProto, folder: Option<&Path>) -> Result<Vec<u8>, String> {
    external::problem(tensor, folder).map_or(Ok(()), Err)?;
    let (location, offset, length) = external::place(tensor);
    let mut bytes = Vec::new();
    let mut copy = || {
        let mut file = std::fs::File::open(folder.unwrap_or(Path::new("")).join(location))?;
        file.seek(SeekFrom::Start(offset))?;
        file.take(length.or(external::bytes(tensor)).unwrap_or(u64::MAX)).read_to_end(&mut bytes)
    };
    copy().map_err(|e: std::io::Error| e.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::NodeProto;

    fn tensor(name: &str, data_type: i32, dims: &[i64], raw: &[u8]) -> TensorProto {
        TensorProto { name: name.into(), data_type, dims: dims.to_vec(), raw_data: raw.to_vec(), ..TensorProto::default() }
    }

    fn model(initializer: Vec<TensorProto>) -> Vec<u8> {
        let graph = GraphProto { initializer, ..GraphProto::default() };
        ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn weights_go_and_structure_stays() {
        let bytes = model(vec![
            tensor("kernel", 1, &[2, 2], &floats(&[1.5, -2.0, 0.25, 3.0])),
            tensor("slope", 1, &[1], &floats(&[0.1])),
            tensor("zeros", 1, &[3], &floats(&[0.0; 3])),
            tensor("shape", 7, &[2], &[1i64, 4].map(i64::to_le_bytes).concat()),
        ]);
        let stripped = strip(&bytes, None).unwrap();
        assert_eq!(stripped.withheld, [("kernel".to_owned(), vec![2, 2])]);
        assert_eq!(stripped.kept, [("slope".to_owned(), vec![1]), ("zeros".to_owned(), vec![3])]);
        let graph = load::parse(&stripped.bytes).unwrap().graph.unwrap();
        assert_eq!(graph.initializer.iter().map(|t| t.raw_data.len()).collect::<Vec<_>>(), [0, 4, 12, 16]);
        assert_eq!(strip(&stripped.bytes, None).unwrap().bytes, stripped.bytes, "stripping twice changes nothing");
    }

    #[test]
    fn weights_in_constants_go_and_so_do_comments() {
        let constant = |attribute: AttributeProto| NodeProto {
            op_type: "Constant".into(),
            output: vec!["c".into()],
            attribute: vec![attribute],
            doc_string: "somebody's path".into(),
            ..NodeProto::default()
        };
        let list = AttributeProto { name: "value_floats".into(), floats: vec![1.25, 7.5], ..AttributeProto::default() };
        let branch =
            GraphProto { initializer: vec![tensor("hidden", 1, &[2], &floats(&[3.0, 4.0]))], ..GraphProto::default() };
        let node = vec![
            constant(listed(vec![2.5, 3.5])),
            constant(list),
            constant(AttributeProto { g: Some(branch), ..AttributeProto::default() }),
        ];
        let graph = GraphProto { node, ..GraphProto::default() };
        let bytes = ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec();
        let stripped = strip(&bytes, None).unwrap();
        assert_eq!(stripped.withheld.len(), 3);
        for bytes in [1.25f32, 7.5, 2.5, 3.5, 3.0, 4.0].map(f32::to_le_bytes) {
            assert!(!stripped.bytes.windows(4).any(|window| window == bytes));
        }
        assert!(!String::from_utf8_lossy(&stripped.bytes).contains("path"));
    }

    #[test]
    fn numbers_stand_in_for_all_types_of_floats() {
        for (data_type, bytes) in [(1, 4), (10, 2), (11, 8)] {
            let mut proto = load::parse(&model(vec![tensor("w", data_type, &[3, 5], &[])])).unwrap();
            stand_in(&mut proto, None, 15).unwrap();
            let raw = &proto.graph.unwrap().initializer[0].raw_data;
            assert_eq!(raw.len(), 15 * bytes);
            let mut distinct: Vec<&[u8]> = raw.chunks(bytes).collect();
            distinct.sort_unstable();
            distinct.dedup();
            assert!(distinct.len() > 10, "no structure");
            if data_type == 1 {
                let values = raw.chunks(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]]));
                assert!(values.into_iter().all(|v| (0.5..1.0).contains(&v)));
            }
        }
    }

    #[test]
    fn no_more_numbers_than_the_key_has_weights() {
        for dims in [&[4, 4][..], &[1 << 40, 1 << 40], &[-1]] {
            let mut proto = load::parse(&model(vec![tensor("w", 1, dims, &[])])).unwrap();
            let error = stand_in(&mut proto, None, 15).unwrap_err();
            assert!(matches!(error, ImportError::Withheld { most: 15, .. }), "{error}");
        }
    }
}
