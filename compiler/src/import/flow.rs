//! Where a value of an ONNX file goes: whether its entries say what results look like, or which entries a softmax leaves out, or enter
//! into results as weights do.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::operators::operator;
use super::tensors::{self, Element};

/// Entries of a tensor of shapes, axes or bounds.
const SHAPE: usize = 64;
/// Entries of one of floats: the factors by which axes grow.
const FACTORS: usize = 16;
/// A mask's number in front of a softmax is this or less.
const MASK: f64 = -1e3;

/// Operators that make shapes, axes and indices of others.
const ARITHMETIC: [&str; 36] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Concat",
    "CumSum",
    "Div",
    "Equal",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "Less",
    "LessOrEqual",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "NonZero",
    "Not",
    "Or",
    "Range",
    "ReduceProd",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Sub",
    "Tile",
    "Transpose",
    "Unsqueeze",
];
/// Operators that only move entries of their first operand.
const VIEWS: [&str; 12] = [
    "Cast",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
];
/// Operators whose operands are indices.
const INDEXED: [&str; 5] = ["Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"];

/// The users of all values of a graph.
pub(super) struct Flow<'g> {
    nodes: &'g [NodeProto],
    users: HashMap<&'g str, Vec<(usize, usize)>>,
    outputs: HashSet<&'g str>,
}

/// How a value is used on its way to a softmax.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    /// It is what is added to scores.
    Mask,
    /// It chooses between scores and a number.
    Condition,
    /// It is scores.
    Scores,
}

impl<'g> Flow<'g> {
    pub fn new(graph: &'g GraphProto) -> Self {
        let mut users: HashMap<&str, Vec<(usize, usize)>> = HashMap::new();
        for (n, node) in graph.node.iter().enumerate() {
            for (position, name) in node.input.iter().enumerate() {
                users.entry(name).or_default().push((n, position));
            }
        }
        let outputs = graph.output.iter().map(|output| output.name.as_str()).collect();
        Self { nodes: &graph.node, users, outputs }
    }

    /// The nodes that use a value, with the position at which each does; none if the value is an output of the model too.
    fn users(&self, name: &str) -> Option<&[(usize, usize)]> {
        let inner = !self.outputs.contains(name);
        inner.then(|| self.users.get(name).map_or(&[][..], Vec::as_slice))
    }

    /// Whether a tensor says what results look like, and does nothing else: shapes, axes, bounds, indices.
    pub fn is_structure(&self, name: &str, tensor: &TensorProto) -> bool {
        let (Some(element), Some(entries)) = (Element::of(tensor.data_type), tensors::entries(tensor)) else { return false };
        match self.structure(name) {
            None => false,
            Some(_) if element.is_float() => entries <= FACTORS,
            Some(indices) => indices || entries <= SHAPE,
        }
    }

    /// Whether a value is used as indices alone, if it enters into no result.
    fn structure(&self, name: &str) -> Option<bool> {
        let (mut seen, mut stack) = (HashSet::from([name.to_owned()]), vec![name.to_owned()]);
        let (mut shapes, mut indices) = (0, 0);
        while let Some(name) = stack.pop() {
            for &(n, position) in self.users(&name)? {
                let node = &self.nodes[n];
                let op = node.op_type.as_str();
                if operator(&node.domain, op)?.structure.contains(&position) {
                    *(if INDEXED.contains(&op) { &mut indices } else { &mut shapes }) += 1;
                } else if ARITHMETIC.contains(&op) || op == "Where" {
                    stack.extend(node.output.iter().filter(|name| seen.insert((*name).clone())).cloned());
                } else if !matches!(op, "Shape" | "Size") {
                    return None;
                }
            }
        }
        // What nothing uses need not stay.
        (shapes + indices > 0).then_some(shapes == 0)
    }

    /// Whether a tensor is a mask: two numbers, one of which leaves a score as it is and one of which takes it out of a softmax; or
    /// the condition of a choice between scores.
    pub fn is_mask(&self, name: &str, tensor: &TensorProto) -> bool {
        let Some(element) = Element::of(tensor.data_type) else { return false };
        let Some((_, other)) = tensors::position(tensor, |v| v != 0.0) else { return false };
        let two = tensors::position(tensor, |v| v != 0.0 && v != other).is_none();
        match element.is_float() {
            true => two && other <= MASK && self.reaches_softmax(name, Role::Mask),
            false => two && other == 1.0 && self.reaches_softmax(name, Role::Condition),
        }
    }

    /// Whether a value may be minus infinity: it takes scores out of a softmax, and does nothing else.
    pub fn may_be_infinite(&self, name: &str) -> bool {
        self.reaches_softmax(name, Role::Mask)
    }

    /// Whether a value is used as a lower bound alone, or as an upper one.
    pub fn is_bound(&self, name: &str, lower: bool) -> bool {
        let bound = |&(n, at): &(usize, usize)| match self.nodes[n].op_type.as_str() {
            "Clip" => at == if lower { 1 } else { 2 },
            op => op == if lower { "Max" } else { "Min" },
        };
        self.users(name).is_some_and(|users| users.iter().all(bound))
    }

    /// Whether a value ends in softmaxes alone.
    fn reaches_softmax(&self, name: &str, role: Role) -> bool {
        let (mut seen, mut stack) = (HashSet::new(), vec![(name.to_owned(), role)]);
        let mut reached = false;
        while let Some((name, role)) = stack.pop() {
            let Some(users) = self.users(&name) else { return false };
            for &(n, position) in users {
                let node = &self.nodes[n];
                let next = match (node.op_type.as_str(), role, position) {
                    (view, _, 0) if VIEWS.contains(&view) => role,
                    ("Not" | "And" | "Or", Role::Condition, _) => role,
                    ("Where", Role::Condition, 0) => Role::Scores,
                    ("Where", Role::Mask | Role::Scores, 1 | 2) => Role::Scores,
                    ("Add" | "Max", Role::Mask | Role::Scores, _) | ("Mul" | "Div", Role::Scores, _) => Role::Scores,
                    ("Softmax" | "LogSoftmax", Role::Scores, 0) => {
                        reached = true;
                        continue;
                    }
                    _ => return false,
                };
                let results = node.output.iter().map(|name| (name.clone(), next));
                stack.extend(results.filter(|result| seen.insert(result.clone())));
            }
        }
        reached
    }
}
