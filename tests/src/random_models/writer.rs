//! A writer of ONNX models: nodes and constants in the order in which they come.

use std::collections::BTreeSet;

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value as Extent};
use tract_onnx::pb::type_proto::{Tensor, Value as Kind};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
};

/// An integer attribute.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: value, ..attribute(name, AttributeType::Int) }
}

/// An attribute of integers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

/// A number as attribute.
pub fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto { f: value as f32, ..attribute(name, AttributeType::Float) }
}

/// A word as attribute.
pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: value.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind as i32, ..AttributeProto::default() }
}

/// A model under construction.
pub struct Writer {
    /// The version of the operators.
    pub opset: i64,
    graph: GraphProto,
    names: usize,
    with_axes: BTreeSet<String>,
}

impl Writer {
    /// A model without nodes.
    pub fn new(opset: i64) -> Self {
        let graph = GraphProto { name: "random".to_owned(), ..GraphProto::default() };
        Self { opset, graph, names: 0, with_axes: BTreeSet::new() }
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{}_{}", kind.to_lowercase(), self.names)
    }

    /// An input.
    pub fn input(&mut self, shape: &[usize], element: DataType) -> String {
        let name = self.fresh("input");
        self.graph.input.push(port(&name, Some(shape), element));
        name
    }

    /// A value of floats becomes an output.
    pub fn output(&mut self, name: &str) {
        self.graph.output.push(port(name, None, DataType::Float));
    }

    /// A constant of floats: an initialiser, or a node where `as_node` says so.
    pub fn floats(&mut self, shape: &[usize], values: &[f32], as_node: bool) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(shape, DataType::Float, raw, as_node)
    }

    /// A constant of integers along one axis.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(&[values.len()], DataType::Int64, raw, false)
    }

    /// Whether a constant has axes.
    pub fn has_axis(&self, constant: &str) -> bool {
        self.with_axes.contains(constant)
    }

    fn constant(&mut self, shape: &[usize], kind: DataType, raw_data: Vec<u8>, as_node: bool) -> String {
        let name = self.fresh("constant");
        let dims = shape.iter().map(|&d| d as i64).collect();
        let tensor = TensorProto { dims, data_type: kind as i32, raw_data, name: name.clone(), ..TensorProto::default() };
        let name = if as_node {
            let value = AttributeProto { t: Some(tensor), ..attribute("value", AttributeType::Tensor) };
            self.node("Constant", &[], vec![value])
        } else {
            self.graph.initializer.push(tensor);
            name
        };
        if !shape.is_empty() {
            self.with_axes.insert(name.clone());
        }
        name
    }

    /// A node of one output; an operand without name is left out.
    pub fn node(&mut self, op: &str, operands: &[&str], attributes: Vec<AttributeProto>) -> String {
        self.nodes(op, operands, attributes, 1).remove(0)
    }

    /// A node of several outputs.
    pub fn nodes(&mut self, op: &str, operands: &[&str], attribute: Vec<AttributeProto>, outputs: usize) -> Vec<String> {
        let output: Vec<String> = (0..outputs).map(|_| self.fresh(op)).collect();
        self.graph.node.push(NodeProto {
            input: operands.iter().map(|&o| o.to_owned()).collect(),
            output: output.clone(),
            name: format!("{op}:{}", self.graph.node.len()),
            op_type: op.to_owned(),
            attribute,
            ..NodeProto::default()
        });
        output
    }

    /// The operators, in order, with the names of what they read and make.
    pub fn listing(&self) -> Vec<String> {
        let one = |node: &NodeProto| {
            let attributes: Vec<String> = node.attribute.iter().map(show).collect();
            format!("{} = {}({}) {}", node.output.join(", "), node.op_type, node.input.join(", "), attributes.join(" "))
        };
        self.graph.node.iter().map(one).collect()
    }

    /// The file's bytes.
    pub fn encode(self) -> Vec<u8> {
        let ir_version = match self.opset {
            ..=11 => 6,
            12..=14 => 7,
            15..=18 => 8,
            19..=20 => 9,
            _ => 10,
        };
        let opset = OperatorSetIdProto { domain: String::new(), version: self.opset };
        let graph = Some(self.graph);
        ModelProto { ir_version, opset_import: vec![opset], graph, ..ModelProto::default() }.encode_to_vec()
    }
}

fn show(attribute: &AttributeProto) -> String {
    let value = match attribute.r#type() {
        AttributeType::Int => attribute.i.to_string(),
        AttributeType::Ints => format!("{:?}", attribute.ints),
        AttributeType::Float => attribute.f.to_string(),
        AttributeType::String => String::from_utf8_lossy(&attribute.s).into_owned(),
        _ => "..".to_owned(),
    };
    format!("{}={value}", attribute.name)
}

fn port(name: &str, shape: Option<&[usize]>, element: DataType) -> ValueInfoProto {
    let dimension = |&extent: &usize| Dimension { value: Some(Extent::DimValue(extent as i64)), ..Dimension::default() };
    let shape = shape.map(|shape| TensorShapeProto { dim: shape.iter().map(dimension).collect() });
    let tensor = Tensor { elem_type: element as i32, shape };
    let kind = TypeProto { value: Some(Kind::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..ValueInfoProto::default() }
}
