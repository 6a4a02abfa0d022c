//! How much memory a file's messages will take, before any is made.
//!
//! An empty message is two bytes in a file and up to two kilobytes in memory. So the messages are counted where they stand, by the fields
//! of ONNX that hold messages; all else of a file takes a small multiple of its length.

use std::mem::size_of;

use tract_onnx::pb::{
    AttributeProto, FunctionProto, GraphProto, NodeProto, SparseTensorProto, TensorProto, TrainingInfoProto, ValueInfoProto,
};

use super::defect::Defect;

/// Bytes that the messages of a file may take.
const MOST: usize = 1 << 29;
/// And so many for each byte of a large one.
const TIMES: usize = 16;
/// Messages within messages; the decoder goes no deeper.
const DEPTH: usize = 100;
/// A message in a growing vector takes its place up to three times.
const GROWTH: usize = 3;
/// Messages of a few words and texts.
const PLAIN: usize = 96;

#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Value,
    Type,
    Function,
    Training,
    Plain,
}

impl Kind {
    /// The message that a field holds.
    fn field(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) | (Self::Training, 1 | 2) => Self::Graph,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::Sparse, 1 | 2) => Self::Tensor,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::Sparse,
            (Self::Graph, 11..=13) => Self::Value,
            (Self::Node, 5) => Self::Attribute,
            (Self::Value, 2) | (Self::Attribute, 15) => Self::Type,
            // Of a type: its tensor, that one's shape, its extents.
            (Self::Type, 1 | 2) => Self::Type,
            (Self::Model, 8 | 14) | (Self::Graph, 14) | (Self::Tensor, 3 | 13) | (Self::Function, 9) => Self::Plain,
            (Self::Training, 3 | 4) => Self::Plain,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        let bytes = match self {
            Self::Model => 0,
            Self::Graph => size_of::<GraphProto>(),
            Self::Node => size_of::<NodeProto>(),
            Self::Attribute => size_of::<AttributeProto>(),
            Self::Tensor => size_of::<TensorProto>(),
            Self::Sparse => size_of::<SparseTensorProto>(),
            Self::Value => size_of::<ValueInfoProto>(),
            Self::Function => size_of::<FunctionProto>(),
            Self::Training => size_of::<TrainingInfoProto>(),
            Self::Type | Self::Plain => PLAIN,
        };
        GROWTH * bytes
    }
}

/// Refuses a file whose messages would take much more memory than the file. What is malformed is left to the decoder.
pub(super) fn check(file: &[u8]) -> Result<(), Defect> {
    let most = MOST.max(TIMES.saturating_mul(file.len()));
    match walk(Kind::Model, file, DEPTH, most) {
        Some(_) => Ok(()),
        None => Err(Defect::Memory { bytes: file.len(), most }),
    }
}

/// What is left of `most` after the messages within a message; none if they take more.
fn walk(kind: Kind, mut rest: &[u8], depth: usize, most: usize) -> Option<usize> {
    let mut left = most;
    while let Some((number, contents)) = next(&mut rest) {
        let Some(inner) = contents.and_then(|contents| Some((kind.field(number)?, contents))) else { continue };
        left = left.checked_sub(inner.0.bytes())?;
        if depth > 0 {
            left = walk(inner.0, inner.1, depth - 1, left)?;
        }
    }
    Some(left)
}

/// The next field's number, and its bytes if it is of those that have a length; none at the end and where a file is malformed.
fn next<'f>(rest: &mut &'f [u8]) -> Option<(u64, Option<&'f [u8]>)> {
    let tag = varint(rest)?;
    let take = |rest: &mut &'f [u8], count: u64| -> Option<&'f [u8]> {
        let (contents, after) = rest.split_at_checked(usize::try_from(count).ok()?)?;
        *rest = after;
        Some(contents)
    };
    let contents = match tag & 7 {
        0 => varint(rest).map(|_| None)?,
        1 => take(rest, 8).map(|_| None)?,
        2 => {
            let length = varint(rest)?;
            Some(take(rest, length)?)
        }
        5 => take(rest, 4).map(|_| None)?,
        // Groups, which no field of ONNX is.
        _ => None,
    };
    Some((tag >> 3, contents))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use tract_onnx::pb::ModelProto;

    #[test]
    fn a_file_of_empty_messages_is_refused() {
        let node = NodeProto { attribute: vec![AttributeProto::default(); 250_000], ..NodeProto::default() };
        let graph = GraphProto { node: vec![node], ..GraphProto::default() };
        let bytes = ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec();
        assert!(bytes.len() < 1 << 20);
        assert_eq!(check(&bytes), Err(Defect::Memory { bytes: bytes.len(), most: MOST }));
        assert!(crate::import::load::parse(&bytes).unwrap_err().to_string().contains("messages"));
    }

    #[test]
    fn what_is_malformed_is_left_to_the_decoder() {
        for bytes in [&[0xff; 12][..], &[0x3a, 0xff], &[0x3a, 0x05, 1], &[0x0b, 0x0c], &[]] {
            check(bytes).unwrap();
        }
    }
}
