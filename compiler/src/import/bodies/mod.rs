//! Operators by the bodies that the standard, or the runtime that they come from, gives them: each is a function that writes a node as
//! nodes of other operators, so that nothing after knows of it.
//!
//! No body needs a shape that has to be inferred. Extents are computed by nodes, which are constants later on; where a number of nodes
//! depends on an extent, it is that of an input or of a tensor of the file.

mod attention;
mod celu;
mod convolution;
pub(super) mod flex;
mod fused;
mod heads;
mod linear;
mod losses;
mod training;

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::error::ImportError;
use super::operators::{MICROSOFT, TRAINING};
use super::refusal::Refusal;
use super::spelling::{self, FLOAT, Spelling};
use super::{ImportOptions, axes};

/// Types of entries, by ONNX's numbers.
const INT64: i32 = 7;
const BOOL: i32 = 9;

/// Writes a node in others.
type Body = fn(&mut Spelling<'_>, &Known) -> Result<(), Refusal>;
/// Whether a node of an operator has a body.
type Which = fn(&NodeProto) -> bool;

/// Operators with a body: the domain, the name, which nodes of them, and the body.
static BODIES: &[(&str, &str, Which, Body)] = &[
    ("", "Attention", always, attention::attention),
    ("", "CausalConvWithState", always, convolution::causal),
    ("", "Celu", |node| node.attribute.iter().any(|a| a.name == "alpha" && a.f != 1.0), celu::celu),
    ("", "LinearAttention", always, linear::attention),
    ("", "NegativeLogLikelihoodLoss", always, losses::likelihood),
    ("", "SoftmaxCrossEntropyLoss", always, losses::cross_entropy),
    (TRAINING, "Adagrad", always, training::adagrad),
    (TRAINING, "Adam", always, training::adam),
    (TRAINING, "Momentum", always, training::momentum),
    (MICROSOFT, "Attention", always, heads::packed),
    (MICROSOFT, "EmbedLayerNormalization", always, fused::embedding),
    (MICROSOFT, "FusedConv", always, fused::convolution),
    (MICROSOFT, "FusedGemm", always, fused::gemm),
    (MICROSOFT, "FusedMatMul", always, fused::product),
    (MICROSOFT, "MultiHeadAttention", always, heads::several),
    (MICROSOFT, "NhwcConv", always, fused::channels_last),
    (MICROSOFT, "RotaryEmbedding", always, fused::rotary),
    (MICROSOFT, "SkipLayerNormalization", always, fused::skip),
    (MICROSOFT, "SkipSimplifiedLayerNormalization", always, fused::skip),
];

fn always(_: &NodeProto) -> bool {
    true
}

fn body(node: &NodeProto) -> Option<Body> {
    let found = BODIES.iter().find(|(domain, name, of, _)| *domain == node.domain && *name == node.op_type && of(node));
    found.map(|(.., body)| *body)
}

/// Writes every node that has a body by it.
///
/// # Errors
/// All nodes of a form that is not read.
pub(super) fn spell(graph: &mut GraphProto, opset: i64, options: &ImportOptions) -> Result<(), ImportError> {
    // A body may have nodes with bodies: those of onnxruntime's attention have ONNX's.
    while graph.node.iter().any(|node| body(node).is_some()) {
        let known = Known::of(graph, opset, options);
        spelling::spell(graph, |node| body(node).is_some(), |s| body(s.node).map_or(Ok(()), |body| body(s, &known)))?;
    }
    Ok(())
}

/// What is known of a graph before anything is inferred.
struct Known {
    opset: i64,
    /// Values of booleans. One that is overlooked is taken for numbers, which the parser refuses.
    booleans: HashSet<String>,
    /// Shapes of inputs and of the file's tensors.
    shapes: HashMap<String, Vec<i64>>,
}

impl Known {
    fn of(graph: &GraphProto, opset: i64, options: &ImportOptions) -> Self {
        let mut shapes: HashMap<String, Vec<i64>> = HashMap::new();
        for (n, input) in axes::inputs(graph).enumerate() {
            let declared = match input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
                Some(Value::TensorType(tensor)) => tensor.shape.as_ref(),
                _ => None,
            };
            let extent = |dim: &tract_onnx::pb::tensor_shape_proto::Dimension| match dim.value {
                Some(dimension::Value::DimValue(extent)) if extent > 0 => Some(extent),
                _ => None,
            };
            let given = options.input_shapes.get(n).map(|shape| shape.iter().map(|&extent| extent as i64).collect());
            let shape = given.or_else(|| declared?.dim.iter().map(extent).collect());
            shapes.extend(shape.map(|shape| (input.name.clone(), shape)));
        }
        shapes.extend(graph.initializer.iter().map(|tensor| (tensor.name.clone(), tensor.dims.clone())));
        Self { opset, booleans: booleans(graph), shapes }
    }
}

/// The values of a graph that are booleans.
fn booleans(graph: &GraphProto) -> HashSet<String> {
    let tensors = graph.initializer.iter().filter(|tensor| tensor.data_type == BOOL).map(|tensor| tensor.name.clone());
    let mut booleans: HashSet<String> = tensors.collect();
    for input in &graph.input {
        let Some(Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else { continue };
        if tensor.elem_type == BOOL {
            booleans.insert(input.name.clone());
        }
    }
    let attribute = |node: &NodeProto, name: &str| node.attribute.iter().find(|a| a.name == name).cloned();
    for node in &graph.node {
        let of = |position: usize| node.input.get(position).is_some_and(|name| booleans.contains(name));
        let boolean = match node.op_type.as_str() {
            "And" | "Or" | "Xor" | "Not" | "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "IsNaN"
            | "IsInf" => true,
            "Cast" => attribute(node, "to").is_some_and(|to| to.i == i64::from(BOOL)),
            "Constant" | "ConstantOfShape" => {
                attribute(node, "value").and_then(|value| value.t).is_some_and(|tensor| tensor.data_type == BOOL)
            }
            "CastLike" | "Where" => of(1),
            "Concat" | "Expand" | "Flatten" | "Gather" | "GatherElements" | "GatherND" | "Identity" | "Pad" | "Reshape"
            | "ScatterElements" | "ScatterND" | "Slice" | "Split" | "Squeeze" | "Tile" | "Transpose" | "Trilu"
            | "Unsqueeze" => of(0),
            _ => false,
        };
        if boolean {
            booleans.extend(node.output.iter().cloned());
        }
    }
    booleans
}

impl Spelling<'_> {
    fn given(&self, name: &str) -> Option<&AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    fn number(&self, name: &str) -> Option<f32> {
        self.given(name).map(|attribute| attribute.f)
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.given(name).map(|attribute| attribute.i)
    }

    fn word(&self, name: &str) -> Option<String> {
        self.given(name).map(|attribute| String::from_utf8_lossy(&attribute.s).into_owned())
    }

    /// An operand that may be left out.
    fn optional(&self, position: usize) -> Option<String> {
        self.node.input.get(position).filter(|name| !name.is_empty()).cloned()
    }

    fn operand(&self, position: usize) -> Result<String, Refusal> {
        self.optional(position).ok_or(Refusal::Missing("it has too few operands"))
    }

    /// Whether a result is asked for.
    fn wants(&self, position: usize) -> bool {
        self.node.output.get(position).is_some_and(|name| !name.is_empty())
    }

    /// Makes a value a result of the node.
    fn result(&mut self, position: usize, value: &str) {
        let Some(name) = self.node.output.get(position).filter(|name| !name.is_empty()).cloned() else { return };
        self.named("Identity", &[value], &name);
        let own = self.node.name.clone();
        if position == 0 {
            self.nodes.last_mut().into_iter().for_each(|node| node.name = own.clone());
        }
    }

    /// Gives the last node the attributes of this one, but for some.
    fn inherit(&mut self, but: &[&str]) {
        let attributes: Vec<AttributeProto> =
            self.node.attribute.iter().filter(|a| !but.contains(&a.name.as_str())).cloned().collect();
        attributes.into_iter().for_each(|attribute| self.attribute(attribute));
    }

    /// Gives the last node a number.
    fn with_number(&mut self, name: &str, f: f32) {
        self.attribute(AttributeProto { name: name.to_owned(), r#type: 1, f, ..AttributeProto::default() });
    }

    /// An operator with axes, which are an operand from an operator set on, and an attribute before.
    fn over(&mut self, op: &str, x: &str, axes: &[i64], (opset, since): (i64, i64)) -> String {
        if opset >= since {
            let axes = self.integers(axes);
            return self.put(op, &[x, &axes]);
        }
        let result = self.put(op, &[x]);
        self.attribute(AttributeProto {
            name: "axes".to_owned(),
            r#type: 7,
            ints: axes.to_vec(),
            ..AttributeProto::default()
        });
        result
    }

    /// A tensor of booleans.
    fn boolean(&mut self, value: bool) -> String {
        let name = self.integers(&[0]);
        self.tensors.last_mut().into_iter().for_each(|tensor| {
            *tensor = TensorProto {
                data_type: BOOL,
                int32_data: vec![i32::from(value)],
                name: name.clone(),
                ..TensorProto::default()
            };
        });
        name
    }
}
