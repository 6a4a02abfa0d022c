//! Nodes by others: how an operator is written as what it stands for, so that nothing after knows of it.

use std::collections::HashSet;

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::error::{ImportError, UnsupportedNode};
use super::refusal::Refusal;
use super::tensors;

/// The type of floats of 32 bits.
pub(super) const FLOAT: i32 = 1;

/// Writes each node that `is` one by what `spelled` says.
///
/// # Errors
/// All nodes of which it says that they are not read.
pub(super) fn spell(
    graph: &mut GraphProto,
    is: impl Fn(&NodeProto) -> bool,
    spelled: impl Fn(&mut Spelling<'_>) -> Result<(), Refusal>,
) -> Result<(), ImportError> {
    let values = graph.node.iter().flat_map(|node| &node.output).chain(graph.initializer.iter().map(|tensor| &tensor.name));
    let mut taken: HashSet<String> = values.chain(graph.input.iter().map(|input| &input.name)).cloned().collect();
    let mut refused = Vec::new();
    for node in std::mem::take(&mut graph.node) {
        if !is(&node) {
            graph.node.push(node);
            continue;
        }
        let mut spelling = Spelling { node: &node, nodes: Vec::new(), tensors: Vec::new(), taken: &mut taken };
        if let Err(hint) = spelled(&mut spelling) {
            refused.push(UnsupportedNode { name: node.name.clone(), op: node.op_type.clone(), hint });
            continue;
        }
        let Spelling { mut nodes, mut tensors, .. } = spelling;
        graph.node.append(&mut nodes);
        graph.initializer.append(&mut tensors);
    }
    if refused.is_empty() { Ok(()) } else { Err(ImportError::Unsupported(refused)) }
}

/// An attribute of a node.
pub(super) fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// The nodes and tensors that stand for a node.
pub(super) struct Spelling<'g> {
    pub node: &'g NodeProto,
    pub nodes: Vec<NodeProto>,
    pub tensors: Vec<TensorProto>,
    pub taken: &'g mut HashSet<String>,
}

impl Spelling<'_> {
    /// Extents of a value.
    pub fn extents(&mut self, x: &str, start: i64, end: i64) -> String {
        let shape = self.put("Shape", &[x]);
        self.with("start", start);
        self.with("end", end);
        shape
    }

    /// Lists of extents, joined.
    pub fn concatenated(&mut self, parts: &[&str]) -> String {
        let joined = self.put("Concat", parts);
        self.with("axis", 0);
        joined
    }

    /// A value with its axes in another order.
    pub fn transposed(&mut self, x: &str, order: &[i64]) -> String {
        let transposed = self.put("Transpose", &[x]);
        let perm = AttributeProto { name: "perm".to_owned(), r#type: 7, ints: order.to_vec(), ..AttributeProto::default() };
        self.attribute(perm);
        transposed
    }

    /// A value of another type.
    pub fn cast(&mut self, x: &str, to: i32) -> String {
        let cast = self.put("Cast", &[x]);
        self.with("to", i64::from(to));
        cast
    }

    /// Gives the last node an attribute.
    pub fn with(&mut self, name: &str, i: i64) {
        self.attribute(AttributeProto { name: name.to_owned(), r#type: 2, i, ..AttributeProto::default() });
    }

    /// Gives the last node an attribute.
    pub fn attribute(&mut self, attribute: AttributeProto) {
        self.nodes.last_mut().into_iter().for_each(|node| node.attribute.push(attribute.clone()));
    }

    /// A number.
    pub fn float(&mut self, value: f32) -> String {
        let name = self.fresh("number");
        self.tensors.push(TensorProto {
            data_type: FLOAT,
            float_data: vec![value],
            name: name.clone(),
            ..TensorProto::default()
        });
        name
    }

    /// A list of integers.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let name = self.fresh("extents");
        self.tensors.push(tensors::vector(&name, values));
        name
    }

    /// An integer.
    pub fn scalar(&mut self, value: i64) -> String {
        let name = self.integers(&[value]);
        self.tensors.last_mut().into_iter().for_each(|tensor| tensor.dims.clear());
        name
    }

    /// A value of another shape.
    pub fn shaped(&mut self, x: &str, extents: &[i64]) -> String {
        let shape = self.integers(extents);
        self.put("Reshape", &[x, &shape])
    }

    /// A value with one more axis, of extent 1.
    pub fn unsqueezed(&mut self, x: &str, axis: i64, opset: i64) -> String {
        if opset < 13 {
            let y = self.put("Unsqueeze", &[x]);
            self.attribute(AttributeProto {
                name: "axes".to_owned(),
                r#type: 7,
                ints: vec![axis],
                ..AttributeProto::default()
            });
            return y;
        }
        let axes = self.integers(&[axis]);
        self.put("Unsqueeze", &[x, &axes])
    }

    /// Entries along an axis.
    pub fn along(&mut self, x: &str, indices: &str, axis: i64) -> String {
        let entries = self.put("Gather", &[x, indices]);
        self.with("axis", axis);
        entries
    }

    /// One entry along the first axis, which is gone then.
    pub fn entry(&mut self, x: &str, index: i64) -> String {
        self.entry_at(x, index, 0)
    }

    /// One entry along an axis, which is gone then.
    pub fn entry_at(&mut self, x: &str, index: i64, axis: i64) -> String {
        let index = self.scalar(index);
        self.along(x, &index, axis)
    }

    /// Values one after the other along an axis.
    pub fn joined(&mut self, parts: &[String], axis: i64) -> String {
        match parts {
            [] => String::new(),
            [one] => one.clone(),
            parts => {
                let joined = self.put("Concat", &parts.iter().map(String::as_str).collect::<Vec<_>>());
                self.with("axis", axis);
                joined
            }
        }
    }

    /// A node that makes a value of the graph's.
    pub fn named(&mut self, op: &str, operands: &[&str], name: &str) {
        self.put(op, operands);
        self.nodes.last_mut().into_iter().for_each(|node| node.output = vec![name.to_owned()]);
    }

    /// The result of an operator.
    pub fn put(&mut self, op: &str, operands: &[&str]) -> String {
        let output = self.fresh(op);
        self.nodes.push(NodeProto {
            input: operands.iter().map(|&operand| operand.to_owned()).collect(),
            output: vec![output.clone()],
            name: output.clone(),
            op_type: op.to_owned(),
            ..NodeProto::default()
        });
        output
    }

    fn fresh(&mut self, part: &str) -> String {
        let mut name = format!("{}.{}", self.node.name, part.to_lowercase());
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}
