//! Models of one or a few nodes, by the parser's own messages.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
};

use crate::graph::Graph;
use crate::import::{ImportError, ImportOptions, load_bytes};

/// An attribute with its value.
pub(super) enum Attr<'a> {
    Int(i64),
    Ints(&'a [i64]),
    Float(f32),
    Text(&'a str),
    Floats(&'a [f32]),
    Texts(&'a [&'a str]),
    Graph(&'a GraphProto),
}

/// A node.
pub(super) fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, Attr<'_>)]) -> NodeProto {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let attribute = |(name, value): &(&str, Attr<'_>)| {
        let own = |r#type: AttributeType| AttributeProto {
            name: (*name).to_owned(),
            r#type: r#type as i32,
            ..AttributeProto::default()
        };
        match value {
            Attr::Int(i) => AttributeProto { i: *i, ..own(AttributeType::Int) },
            Attr::Ints(ints) => AttributeProto { ints: ints.to_vec(), ..own(AttributeType::Ints) },
            Attr::Float(f) => AttributeProto { f: *f, ..own(AttributeType::Float) },
            Attr::Floats(floats) => AttributeProto { floats: floats.to_vec(), ..own(AttributeType::Floats) },
            Attr::Texts(texts) => {
                let strings = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
                AttributeProto { strings, ..own(AttributeType::Strings) }
            }
            Attr::Graph(graph) => AttributeProto { g: Some((*graph).clone()), ..own(AttributeType::Graph) },
            Attr::Text(s) => AttributeProto { s: s.as_bytes().to_vec(), ..own(AttributeType::String) },
        }
    };
    NodeProto {
        op_type: op.to_owned(),
        name: format!("the {op}"),
        input: names(inputs),
        output: names(outputs),
        attribute: attributes.iter().map(attribute).collect(),
        ..NodeProto::default()
    }
}

/// A tensor of floats.
pub(super) fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let (dims, float_data) = (dims.to_vec(), values.to_vec());
    TensorProto { name: name.to_owned(), dims, data_type: 1, float_data, ..TensorProto::default() }
}

/// A tensor of 64-bit integers.
pub(super) fn integers(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    let (dims, int64_data) = (dims.to_vec(), values.to_vec());
    TensorProto { name: name.to_owned(), dims, data_type: 7, int64_data, ..TensorProto::default() }
}

fn value_info(name: &str, elem_type: i32, dims: Option<&[i64]>) -> ValueInfoProto {
    let dim = |&dim: &i64| Dimension { value: Some(dimension::Value::DimValue(dim)), ..Dimension::default() };
    let shape = dims.map(|dims| TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let r#type = TypeProto { value: Some(Value::TensorType(Tensor { elem_type, shape })), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..ValueInfoProto::default() }
}

/// A graph within a node.
pub(super) fn graph(inputs: &[&str], outputs: &[&str], node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> GraphProto {
    let ports = |names: &[&str]| names.iter().map(|name| value_info(name, 1, None)).collect();
    GraphProto { node, initializer, input: ports(inputs), output: ports(outputs), ..GraphProto::default() }
}

/// A model whose input `x` has this shape, with one output `y`, in operator set 17.
pub(super) fn model(shape: &[i64], node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    let graph = GraphProto {
        node,
        initializer,
        input: vec![value_info("x", 1, Some(shape))],
        output: vec![value_info("y", 1, None)],
        ..GraphProto::default()
    };
    ModelProto { ir_version: 8, graph: Some(graph), ..ModelProto::default() }.opset("", 17)
}

/// Changes of a model.
pub(super) trait Change: Sized {
    /// Under another version of a domain's operators.
    fn opset(self, domain: &str, version: i64) -> Self;
    /// With another output.
    fn output(self, name: &str) -> Self;
    /// With an input of another type.
    fn input_type(self, data_type: i32) -> Self;
    /// Imported.
    fn import(&self) -> Result<Graph, ImportError>;
    /// Why it is not imported.
    fn refusal(&self) -> String;
}

impl Change for ModelProto {
    fn opset(mut self, domain: &str, version: i64) -> Self {
        self.opset_import.retain(|import| import.domain != domain);
        self.opset_import.push(OperatorSetIdProto { domain: domain.to_owned(), version });
        self
    }

    fn output(mut self, name: &str) -> Self {
        self.graph.as_mut().unwrap().output.push(value_info(name, 1, None));
        self
    }

    fn input_type(mut self, data_type: i32) -> Self {
        let graph = self.graph.as_mut().unwrap();
        let shape = graph.input[0].r#type.take().and_then(|t| t.value).and_then(|Value::TensorType(t)| t.shape);
        let value = Value::TensorType(Tensor { elem_type: data_type, shape });
        graph.input[0].r#type = Some(TypeProto { value: Some(value), ..TypeProto::default() });
        self
    }

    fn import(&self) -> Result<Graph, ImportError> {
        load_bytes(&self.encode_to_vec(), &ImportOptions::default())
    }

    fn refusal(&self) -> String {
        match self.import() {
            Ok(_) => panic!("it imports"),
            Err(error) => error.to_string(),
        }
    }
}
