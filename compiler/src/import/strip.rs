//! Models without their weights.
//!
//! The stripped file is written anew from what is on the list of [`operators`](super::operators): nodes, their operands, the attributes
//! that are understood, shapes, and names. Of the tensors those stay that say what is computed and not with which numbers: single numbers
//! and uniform tensors (epsilons, slopes, bounds, biases of zeros), shapes, axes and indices, masks in front of a softmax. Everything else
//! is left out, of every type and wherever it stands; a field that nobody thought of is not copied.

use std::collections::BTreeSet;
use std::path::Path;

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
};

use super::check::{check_attribute, display_name};
use super::error::ImportError;
use super::flow::Flow;
use super::operators::{self, Kind};
use super::tensors::{self, Element};
use super::{ImportOptions, bodies, branches, control, expand, external, inline, load, rewrite, twins};

/// Name and shape of a tensor.
pub type Named = (String, Vec<i64>);

/// A model without its weights.
#[derive(Clone, Debug, Default)]
pub struct Stripped {
    /// The ONNX file. It needs no other file.
    pub bytes: Vec<u8>,
    /// Every tensor without its data, and every list of numbers that was left out with its attribute.
    pub withheld: Vec<Named>,
    /// Every single number and uniform tensor of floats.
    pub kept: Vec<Named>,
    /// Every other tensor that stays: shapes, axes, indices, masks.
    pub structure: Vec<Named>,
}

/// Takes the weights out of an ONNX file. Names, shapes and operators stay; functions are put in the place of their calls; comments and
/// other text of the exporter go, which often holds paths of the machine it ran on.
///
/// # Errors
/// If the bytes are no ONNX model, or weights in other files cannot be read.
pub fn strip(bytes: &[u8], folder: Option<&Path>) -> Result<Stripped, ImportError> {
    let mut proto = load::parse(bytes)?;
    inline::inline(&mut proto)?;
    branches::fold(&mut proto, &|part| load::known(part, folder, &ImportOptions::default()));
    bodies::flex::spell(&mut proto)?;
    // What cannot be replaced is refused when the model is read.
    control::flatten(&mut proto).ok();
    expand::expand(&mut proto)?;
    let mut graph = proto.graph.take().unwrap_or_default();
    rewrite::remove_dead(&mut graph);
    external::read_all(&mut graph, folder)?;
    let mut copy = Copy { flow: Flow::new(&graph), stripped: Stripped::default() };
    let initializer = graph.initializer.iter().map(|tensor| copy.tensor(&tensor.name, &tensor.name, tensor)).collect();
    for sparse in &graph.sparse_initializer {
        let name = sparse.values.as_ref().map_or("", |values| &values.name);
        copy.stripped.withheld.push((name.to_owned(), sparse.dims.clone()));
    }
    let node = graph.node.iter().map(|node| copy.node(node)).collect();
    let mut stripped = copy.stripped;
    let mut copied = GraphProto {
        node,
        initializer,
        input: graph.input.iter().map(value_info).collect(),
        output: graph.output.iter().map(value_info).collect(),
        ..GraphProto::default()
    };
    twins::merge_lost(&graph, &mut copied);
    let domains: BTreeSet<&str> = graph.node.iter().map(|node| node.domain.as_str()).chain(operators::ONNX).collect();
    let imports = proto.opset_import.iter().filter(|import| domains.contains(import.domain.as_str()));
    let model = ModelProto {
        ir_version: proto.ir_version,
        opset_import: imports
            .map(|import| OperatorSetIdProto { domain: import.domain.clone(), version: import.version })
            .collect(),
        graph: Some(copied),
        ..ModelProto::default()
    };
    stripped.bytes = model.encode_to_vec();
    Ok(stripped)
}

/// Copies what is allowed, and lists what stays and what does not.
struct Copy<'g> {
    flow: Flow<'g>,
    stripped: Stripped,
}

impl Copy<'_> {
    /// A tensor that is the value `value`, with its entries where they may stay.
    fn tensor(&mut self, name: &str, value: &str, tensor: &TensorProto) -> TensorProto {
        let empty = TensorProto {
            dims: tensor.dims.clone(),
            data_type: tensor.data_type,
            name: tensor.name.clone(),
            ..TensorProto::default()
        };
        if !tensors::has_data(tensor) || tensors::entries(tensor) == Some(0) {
            return empty;
        }
        let named = (name.to_owned(), tensor.dims.clone());
        let stays = tensors::is_uniform(tensor);
        let structure = || self.flow.is_structure(value, tensor) || self.flow.is_mask(value, tensor);
        let raw = tensors::raw(tensor).filter(|_| stays || structure());
        let Some(raw) = raw else {
            self.stripped.withheld.push(named);
            return empty;
        };
        let float = Element::of(tensor.data_type).is_some_and(Element::is_float);
        let list = if stays && float { &mut self.stripped.kept } else { &mut self.stripped.structure };
        list.push(named);
        TensorProto { raw_data: raw.into_owned(), ..empty }
    }

    fn node(&mut self, node: &NodeProto) -> NodeProto {
        let name = display_name(node);
        let mut attributes = Vec::new();
        if let Some(tensor) = (node.op_type == "Constant").then(|| rewrite::constant(node)).flatten() {
            let value = node.output.first().cloned().unwrap_or_default();
            attributes.push(value_attribute(self.tensor(&name, &value, &tensor)));
        } else {
            attributes.extend(node.attribute.iter().filter_map(|attribute| self.attribute(node, &name, attribute)));
        }
        NodeProto {
            input: node.input.clone(),
            output: node.output.clone(),
            name: node.name.clone(),
            op_type: node.op_type.clone(),
            domain: node.domain.clone(),
            attribute: attributes,
            ..NodeProto::default()
        }
    }

    /// An attribute that is understood, with the one field that its type has. Of any other the name stays, so that nobody takes the
    /// operator for one without it.
    fn attribute(&mut self, node: &NodeProto, name: &str, attribute: &AttributeProto) -> Option<AttributeProto> {
        let operator = operators::operator(&node.domain, &node.op_type);
        let known = operator.and_then(|op| op.attributes.iter().find(|(known, _, _)| *known == attribute.name));
        let kind = known.map(|(_, kind, _)| *kind);
        let good = kind.is_some_and(|kind| check_attribute(attribute, kind).is_ok());
        let bare = AttributeProto { name: attribute.name.clone(), ..AttributeProto::default() };
        let empty = AttributeProto { r#type: attribute.r#type, ..bare.clone() };
        let declared = AttributeType::try_from(attribute.r#type).unwrap_or(AttributeType::Undefined);
        match (kind, declared) {
            (Some(Kind::Idle), _) => None,
            (Some(Kind::Single), AttributeType::Tensor) if good => {
                Some(value_attribute(self.tensor(name, "", attribute.t.as_ref()?)))
            }
            // A number that is refused stays: it is what the operator is refused for.
            (Some(_), AttributeType::Int) => Some(AttributeProto { i: attribute.i, ..empty }),
            (Some(_), AttributeType::Ints) if good => Some(AttributeProto { ints: attribute.ints.clone(), ..empty }),
            (Some(_), AttributeType::Float) if good => Some(AttributeProto { f: attribute.f, ..empty }),
            (Some(Kind::Numbers), _) if good => Some(AttributeProto { floats: attribute.floats.clone(), ..empty }),
            (Some(_), AttributeType::String) if good => Some(AttributeProto { s: attribute.s.clone(), ..empty }),
            (Some(Kind::Numbers), _) if good => Some(AttributeProto { floats: attribute.floats.clone(), ..empty }),
            (Some(Kind::Words(_)), _) if good => Some(AttributeProto { strings: attribute.strings.clone(), ..empty }),
            _ => {
                if *attribute != bare {
                    let AttributeProto { floats, ints, strings, .. } = attribute;
                    let numbers = floats.len().max(ints.len()).max(strings.len()).max(1);
                    self.stripped.withheld.push((format!("{name}: {}", attribute.name), vec![numbers as i64]));
                }
                Some(bare)
            }
        }
    }
}

/// The attribute `value`, a tensor.
fn value_attribute(tensor: TensorProto) -> AttributeProto {
    AttributeProto {
        name: "value".to_owned(),
        r#type: AttributeType::Tensor as i32,
        t: Some(tensor),
        ..AttributeProto::default()
    }
}

/// Name, type and shape of an input or output.
fn value_info(info: &ValueInfoProto) -> ValueInfoProto {
    let value = info.r#type.as_ref().and_then(|t| t.value.as_ref()).map(|Value::TensorType(tensor)| {
        let dims = |shape: &TensorShapeProto| {
            let dim = |dim: &Dimension| Dimension { value: dim.value.clone(), ..Dimension::default() };
            TensorShapeProto { dim: shape.dim.iter().map(dim).collect() }
        };
        Value::TensorType(Tensor { elem_type: tensor.elem_type, shape: tensor.shape.as_ref().map(dims) })
    });
    let r#type = info.r#type.as_ref().map(|_| TypeProto { value, ..TypeProto::default() });
    ValueInfoProto { name: info.name.clone(), r#type, ..ValueInfoProto::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::{FunctionProto, SparseTensorProto, StringStringEntryProto};

    fn tensor(name: &str, data_type: i32, dims: &[i64], raw: &[u8]) -> TensorProto {
        TensorProto { name: name.into(), data_type, dims: dims.to_vec(), raw_data: raw.to_vec(), ..TensorProto::default() }
    }

    fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
        tensor(name, 1, dims, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        let input = inputs.iter().map(|name| (*name).to_owned()).collect();
        NodeProto { op_type: op.into(), input, output: vec![output.into()], ..NodeProto::default() }
    }

    /// A graph whose outputs are the results of all nodes that nothing uses.
    fn graph(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> GraphProto {
        let used = |name: &String| node.iter().any(|n| n.input.contains(name));
        let ends = node.iter().flat_map(|n| &n.output).filter(|name| !used(name));
        let output = ends.map(|name| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() }).collect();
        let input = vec![ValueInfoProto { name: "x".into(), ..ValueInfoProto::default() }];
        GraphProto { node, initializer, input, output, ..GraphProto::default() }
    }

    fn model(graph: GraphProto) -> ModelProto {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
        ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() }
    }

    fn stripped(model: &ModelProto) -> (Stripped, GraphProto) {
        let stripped = strip(&model.encode_to_vec(), None).unwrap();
        let again = strip(&stripped.bytes, None).unwrap();
        assert_eq!(again.bytes, stripped.bytes, "stripping twice changes nothing");
        assert_eq!(again.withheld, []);
        let graph = load::parse(&stripped.bytes).unwrap().graph.unwrap();
        (stripped, graph)
    }

    fn names(list: &[Named]) -> Vec<&str> {
        list.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn weights_of_every_type_go_and_structure_stays() {
        let mut initializer = vec![
            floats("kernel", &[2, 2], &[1.5, -2.0, 0.25, 3.0]),
            floats("slope", &[1], &[0.1]),
            floats("zeros", &[3], &[0.0; 3]),
            tensor("shape", 7, &[2], &[1i64, 4].map(i64::to_le_bytes).concat()),
            tensor("indices", 7, &[3], &[2i64, 0, 1].map(i64::to_le_bytes).concat()),
            tensor("starts", 6, &[2], &[0i32, 1].map(i32::to_le_bytes).concat()),
        ];
        let mut nodes = vec![
            node("MatMul", &["x", "kernel"], "a"),
            node("PRelu", &["a", "slope"], "b"),
            node("Add", &["b", "zeros"], "c"),
            node("Concat", &["shape", "shape"], "shapes"),
            node("Reshape", &["c", "shapes"], "d"),
            node("Gather", &["d", "indices"], "e"),
            node("Slice", &["e", "starts", "starts"], "f"),
        ];
        // Integers that reach a product by way of a cast are weights.
        for (data_type, bytes) in [(2, 1), (3, 1), (4, 2), (5, 2), (6, 4), (7, 8), (9, 1), (12, 4), (13, 8), (16, 2)] {
            let raw: Vec<u8> = (0..4 * bytes).map(|n| (n / bytes) as u8 % 2).collect();
            initializer.push(tensor(&format!("w{data_type}"), data_type, &[4], &raw));
            nodes.push(node("Cast", &[&format!("w{data_type}")], &format!("f{data_type}")));
            nodes.push(node("Mul", &["x", &format!("f{data_type}")], &format!("p{data_type}")));
        }
        // A shape that is a factor too is a weight.
        initializer.push(tensor("both", 7, &[2], &[1i64, 4].map(i64::to_le_bytes).concat()));
        nodes.push(node("Reshape", &["x", "both"], "g"));
        nodes.push(node("Cast", &["both"], "h"));
        let (stripped, graph) = stripped(&model(graph(nodes, initializer)));
        assert_eq!(names(&stripped.kept), ["slope", "zeros"]);
        assert_eq!(names(&stripped.structure), ["shape", "indices", "starts"]);
        let withheld = ["kernel", "w2", "w3", "w4", "w5", "w6", "w7", "w9", "w12", "w13", "w16", "both"];
        assert_eq!(names(&stripped.withheld), withheld);
        for tensor in &graph.initializer {
            assert_eq!(tensors::has_data(tensor), !withheld.contains(&tensor.name.as_str()), "{}", tensor.name);
        }
    }

    #[test]
    fn masks_in_front_of_a_softmax_stay() {
        let mask = |name, far: f32| floats(name, &[2, 2], &[0.0, far, 0.0, 0.0]);
        let initializer = vec![
            mask("mask", -1e9),
            mask("infinite", f32::NEG_INFINITY),
            mask("small", -3.0),
            mask("elsewhere", -1e9),
            tensor("chosen", 9, &[2, 2], &[1, 0, 1, 1]),
            tensor("choice", 9, &[2, 2], &[1, 0, 1, 1]),
        ];
        let nodes = vec![
            node("Unsqueeze", &["mask", ""], "wide"),
            node("Add", &["x", "wide"], "a"),
            node("Add", &["infinite", "a"], "b"),
            node("Add", &["b", "small"], "c"),
            node("Where", &["chosen", "c", "x"], "d"),
            node("Softmax", &["d"], "y"),
            node("Add", &["x", "elsewhere"], "e"),
            node("Relu", &["e"], "z"),
            node("Where", &["choice", "x", "z"], "v"),
        ];
        let (stripped, _) = stripped(&model(graph(nodes, initializer)));
        assert_eq!(names(&stripped.structure), ["mask", "infinite", "chosen"]);
        assert_eq!(names(&stripped.withheld), ["small", "elsewhere", "choice"]);
    }

    /// Everything else that a file can hold, each with a text or numbers that must not be in the stripped file.
    #[test]
    fn nothing_else_is_copied() {
        let secret = "somebody's secret path";
        let entry = || StringStringEntryProto { key: secret.into(), value: secret.into() };
        let list = |name: &str| AttributeProto {
            name: name.into(),
            doc_string: secret.into(),
            floats: vec![1.25, 7.5],
            ints: vec![0x7365_6372_6574],
            strings: vec![secret.into()],
            r#type: AttributeType::Floats as i32,
            ..AttributeProto::default()
        };
        let mut regressor = node("SVMClassifier", &["x"], "r");
        regressor.domain = "ai.onnx.ml".into();
        regressor.attribute = vec![list("coefficients")];
        let mut constant = node("Constant", &[], "c");
        constant.attribute = vec![list("value_floats")];
        let mut leaky = node("LeakyRelu", &["c"], "l");
        leaky.doc_string = secret.into();
        leaky.attribute = vec![AttributeProto { r#type: AttributeType::Float as i32, f: 0.25, ..list("alpha") }];
        let mut branch = node("If", &["x"], "i");
        let inner = GraphProto { doc_string: secret.into(), ..GraphProto::default() };
        branch.attribute = vec![AttributeProto { g: Some(inner), ..list("then_branch") }];
        let mut call = node("twice", &["l"], "t");
        call.domain = "own".into();
        let function = FunctionProto {
            name: Some("twice".into()),
            domain: Some("own".into()),
            doc_string: Some(secret.into()),
            input: vec!["a".into()],
            output: vec!["b".into()],
            node: vec![node("Add", &["a", "a"], "b")],
            ..FunctionProto::default()
        };
        let mut graph = graph(vec![regressor, constant, leaky, branch, call], Vec::new());
        graph.doc_string = secret.into();
        graph.name = secret.into();
        graph.sparse_initializer = vec![SparseTensorProto {
            values: Some(floats("sparse", &[2], &[1.25, 7.5])),
            indices: Some(tensor(secret, 7, &[1], &[7; 8])),
            dims: vec![9],
        }];
        graph.value_info = vec![ValueInfoProto { name: secret.into(), ..ValueInfoProto::default() }];
        graph.input[0].doc_string = secret.into();
        let mut model = model(graph);
        model.functions = vec![function];
        model.metadata_props = vec![entry()];
        (model.producer_name, model.producer_version) = (secret.into(), secret.into());
        (model.domain, model.doc_string) = (secret.into(), secret.into());
        model.opset_import.push(OperatorSetIdProto { domain: secret.into(), version: 1 });
        // A field that the parser does not know.
        let mut bytes = model.encode_to_vec();
        bytes.extend([0xfa, 0x01, secret.len() as u8]);
        bytes.extend(secret.as_bytes());
        let stripped = strip(&bytes, None).unwrap();
        let text = String::from_utf8_lossy(&stripped.bytes);
        assert!(!text.contains("secret") && !text.contains("terces"), "{text:?}");
        for bytes in [1.25f32, 7.5].map(f32::to_le_bytes) {
            assert!(!stripped.bytes.windows(4).any(|window| window == bytes));
        }
        let graph = load::parse(&stripped.bytes).unwrap().graph.unwrap();
        assert_eq!(
            graph.node.iter().map(|n| n.op_type.as_str()).collect::<Vec<_>>(),
            ["SVMClassifier", "Constant", "LeakyRelu", "If", "Add"]
        );
        assert_eq!(graph.node[2].attribute[0].f, 0.25);
        assert_eq!(names(&stripped.withheld), ["sparse", "r: coefficients", "c", "i: then_branch"]);
        assert_eq!(strip(&stripped.bytes, None).unwrap().bytes, stripped.bytes);
    }
}
