//! `Attention`, written as the products, the mask and the softmax by which the standard defines it, so that nothing after knows of it.
//!
//! Whether a mask has bits or is added follows from what makes it; extents are computed by nodes, which are constants later on.

use std::collections::HashSet;

use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::error::{ImportError, UnsupportedNode};
use super::refusal::Refusal;
use super::tensors;

const FLOAT: i32 = 1;
const BOOL: i32 = 9;

/// Writes every `Attention` as what it stands for.
///
/// # Errors
/// Those with keys of the past, or with further results.
pub(super) fn spell(graph: &mut GraphProto) -> Result<(), ImportError> {
    if !graph.node.iter().any(is_attention) {
        return Ok(());
    }
    let booleans = booleans(graph);
    let values = graph.node.iter().flat_map(|node| &node.output).chain(graph.initializer.iter().map(|tensor| &tensor.name));
    let mut taken: HashSet<String> = values.chain(graph.input.iter().map(|input| &input.name)).cloned().collect();
    let mut refused = Vec::new();
    for node in std::mem::take(&mut graph.node) {
        if !is_attention(&node) {
            graph.node.push(node);
            continue;
        }
        if let Err(hint) = form(&node) {
            refused.push(UnsupportedNode { name: node.name.clone(), op: node.op_type.clone(), hint });
            continue;
        }
        let mut spelling = Spelling { node: &node, nodes: Vec::new(), tensors: Vec::new(), taken: &mut taken };
        spelling.attention(&booleans);
        let Spelling { mut nodes, mut tensors, .. } = spelling;
        graph.node.append(&mut nodes);
        graph.initializer.append(&mut tensors);
    }
    if refused.is_empty() { Ok(()) } else { Err(ImportError::Unsupported(refused)) }
}

fn is_attention(node: &NodeProto) -> bool {
    node.op_type == "Attention" && node.domain.is_empty()
}

/// What is not spelled.
fn form(node: &NodeProto) -> Result<(), Refusal> {
    let given = |position: usize| node.input.get(position).is_some_and(|name| !name.is_empty());
    if node.output.len() != 1 {
        return Err(Refusal::Form("only its first result is supported"));
    }
    if (4..node.input.len()).any(given) {
        return Err(Refusal::Form("keys and values of the past are not supported: give all of them in one pass"));
    }
    if !(0..3).all(given) {
        return Err(Refusal::Form("it needs queries, keys and values"));
    }
    match attribute(node, "q_num_heads").is_some() == attribute(node, "kv_num_heads").is_some() {
        true => Ok(()),
        false => Err(Refusal::Form("it needs the number of heads of queries and of keys, or of neither")),
    }
}

fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// The values of a graph that are booleans. One that is overlooked is added to floats, which the parser refuses.
fn booleans(graph: &GraphProto) -> HashSet<String> {
    let tensors = graph.initializer.iter().filter(|tensor| tensor.data_type == BOOL).map(|tensor| tensor.name.clone());
    let mut booleans: HashSet<String> = tensors.collect();
    for input in &graph.input {
        let Some(Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else { continue };
        if tensor.elem_type == BOOL {
            booleans.insert(input.name.clone());
        }
    }
    for node in &graph.node {
        let of = |position: usize| node.input.get(position).is_some_and(|name| booleans.contains(name));
        let boolean = match node.op_type.as_str() {
            "And" | "Or" | "Xor" | "Not" | "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "IsNaN"
            | "IsInf" => true,
            "Cast" => attribute(node, "to").is_some_and(|to| to.i == i64::from(BOOL)),
            "Constant" | "ConstantOfShape" => {
                attribute(node, "value").and_then(|value| value.t.as_ref()).is_some_and(|tensor| tensor.data_type == BOOL)
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

/// The nodes and tensors that stand for a node.
struct Spelling<'g> {
    node: &'g NodeProto,
    nodes: Vec<NodeProto>,
    tensors: Vec<TensorProto>,
    taken: &'g mut HashSet<String>,
}

impl Spelling<'_> {
    fn attention(&mut self, booleans: &HashSet<String>) {
        let number = |name: &str| attribute(self.node, name).map(|attribute| attribute.i);
        let heads = number("q_num_heads").zip(number("kv_num_heads"));
        let causal = number("is_causal") == Some(1);
        let [mut q, mut k, mut v] = [0, 1, 2].map(|position| self.node.input[position].clone());
        if let Some((asked, shared)) = heads {
            [q, k, v] = [(q, asked), (k, shared), (v, shared)].map(|(x, heads)| self.split(&x, heads));
        }
        let [k, v] = [self.repeated(&q, &k), self.repeated(&q, &v)];
        let k = self.transposed(&k, &[0, 1, 3, 2]);
        let scores = self.put("MatMul", &[&q, &k]);
        let mut scores = match attribute(self.node, "scale").map(|scale| scale.f) {
            Some(scale) => {
                let scale = self.float(scale);
                self.put("Mul", &[&scores, &scale])
            }
            None => {
                let width = self.extents(&q, 3, 4);
                let width = self.cast(&width, FLOAT);
                let root = self.put("Sqrt", &[&width]);
                self.put("Div", &[&scores, &root])
            }
        };
        let mask = self.node.input.get(3).filter(|mask| !mask.is_empty()).cloned();
        if let Some(mask) = mask {
            scores = match booleans.contains(&mask) {
                true => self.kept(&mask, &scores),
                false => self.put("Add", &[&scores, &mask]),
            };
        }
        if causal {
            let shape = self.extents(&scores, 2, 4);
            let one = self.float(1.0);
            let ones = self.put("Expand", &[&one, &shape]);
            let lower = self.put("Trilu", &[&ones]);
            self.with("upper", 0);
            let kept = self.cast(&lower, BOOL);
            scores = self.kept(&kept, &scores);
        }
        let weights = self.put("Softmax", &[&scores]);
        self.with("axis", -1);
        let mut result = self.put("MatMul", &[&weights, &v]);
        if heads.is_some() {
            let shape = self.integers(&[0, 0, -1]);
            result = self.transposed(&result, &[0, 2, 1, 3]);
            self.put("Reshape", &[&result, &shape]);
        }
        if let Some(last) = self.nodes.last_mut() {
            last.name = self.node.name.clone();
            last.output = self.node.output.clone();
        }
    }

    /// Heads beside each other, as an axis of their own before that of places.
    fn split(&mut self, x: &str, heads: i64) -> String {
        let shape = self.integers(&[0, 0, heads, -1]);
        let split = self.put("Reshape", &[x, &shape]);
        self.transposed(&split, &[0, 2, 1, 3])
    }

    /// Heads of keys or values, each as often as there are heads of queries for it.
    fn repeated(&mut self, q: &str, x: &str) -> String {
        let [asked, heads, rest] = [self.extents(q, 1, 2), self.extents(x, 1, 2), self.extents(x, 2, 4)];
        let (batch, times, axis) = (self.extents(x, 0, 1), self.put("Div", &[&asked, &heads]), self.integers(&[2]));
        let apart = self.put("Unsqueeze", &[x, &axis]);
        let wide = self.concatenated(&[&batch, &heads, &times, &rest]);
        let repeated = self.put("Expand", &[&apart, &wide]);
        let joined = self.concatenated(&[&batch, &asked, &rest]);
        self.put("Reshape", &[&repeated, &joined])
    }

    /// Scores where a mask is true, and else what has no weight.
    fn kept(&mut self, mask: &str, scores: &str) -> String {
        let none = self.float(f32::MIN);
        self.put("Where", &[mask, scores, &none])
    }

    fn extents(&mut self, x: &str, start: i64, end: i64) -> String {
        let shape = self.put("Shape", &[x]);
        self.with("start", start);
        self.with("end", end);
        shape
    }

    fn concatenated(&mut self, parts: &[&str]) -> String {
        let joined = self.put("Concat", parts);
        self.with("axis", 0);
        joined
    }

    fn transposed(&mut self, x: &str, order: &[i64]) -> String {
        let transposed = self.put("Transpose", &[x]);
        let perm = AttributeProto { name: "perm".to_owned(), r#type: 7, ints: order.to_vec(), ..AttributeProto::default() };
        self.attribute(perm);
        transposed
    }

    fn cast(&mut self, x: &str, to: i32) -> String {
        let cast = self.put("Cast", &[x]);
        self.with("to", i64::from(to));
        cast
    }

    /// Gives the last node an attribute.
    fn with(&mut self, name: &str, i: i64) {
        self.attribute(AttributeProto { name: name.to_owned(), r#type: 2, i, ..AttributeProto::default() });
    }

    fn attribute(&mut self, attribute: AttributeProto) {
        self.nodes.last_mut().into_iter().for_each(|node| node.attribute.push(attribute.clone()));
    }

    fn float(&mut self, value: f32) -> String {
        let name = self.fresh("number");
        self.tensors.push(TensorProto {
            data_type: FLOAT,
            float_data: vec![value],
            name: name.clone(),
            ..TensorProto::default()
        });
        name
    }

    fn integers(&mut self, values: &[i64]) -> String {
        let name = self.fresh("extents");
        self.tensors.push(tensors::vector(&name, values));
        name
    }

    fn put(&mut self, op: &str, operands: &[&str]) -> String {
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
