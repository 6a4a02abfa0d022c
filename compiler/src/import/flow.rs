//! Where a value of an ONNX file goes: whether its entries say what results look like, or which entries a softmax leaves out, or enter
//! into results as weights do.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::operators::operator;
use super::rewrite;
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
const INDEXED: [&str; 6] = ["Descent", "Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"];

/// The users of all values of a graph.
pub(super) struct Flow<'g> {
    nodes: &'g [NodeProto],
    users: HashMap<&'g str, Vec<(usize, usize)>>,
    outputs: HashSet<&'g str>,
    /// Constants of one number.
    numbers: HashMap<&'g str, f64>,
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
    /// It is one of two numbers (as bits), of which constants may yet make a mask: `-1e4 * (1 - m)`.
    Two([u64; 2]),
}

/// One of two numbers, that of 0 first.
fn two(pair: [f64; 2]) -> Role {
    // Minus zero is zero.
    Role::Two(pair.map(|v| (v + 0.0).to_bits()))
}

/// Whether one number leaves a score, and the other takes it out.
fn masks(pair: [f64; 2]) -> bool {
    pair.contains(&0.0) && pair.iter().any(|&v| v <= MASK)
}

fn bits(pair: [f64; 2]) -> bool {
    pair.iter().all(|v| [0.0, 1.0].contains(v))
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
        let number = |tensor: &TensorProto| {
            tensors::is_uniform(tensor).then(|| tensors::position(tensor, |_| true)).flatten().map(|(_, value)| value)
        };
        let tensors = graph.initializer.iter().filter_map(|tensor| Some((tensor.name.as_str(), number(tensor)?)));
        let constant = |node: &'g NodeProto| {
            let tensor = (node.op_type == "Constant").then(|| rewrite::constant(node)).flatten()?;
            Some((node.output.first()?.as_str(), number(&tensor)?))
        };
        let numbers = tensors.chain(graph.node.iter().filter_map(constant)).collect();
        Self { nodes: &graph.node, users, outputs, numbers }
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
    /// the condition of a choice between scores; or what constants make one of these of.
    pub fn is_mask(&self, name: &str, tensor: &TensorProto) -> bool {
        let Some(element) = Element::of(tensor.data_type) else { return false };
        let Some((_, other)) = tensors::position(tensor, |v| v != 0.0) else { return false };
        if tensors::position(tensor, |v| v != 0.0 && v != other).is_some() {
            return false;
        }
        let plain = match element.is_float() {
            true => other <= MASK && self.reaches_softmax(name, Role::Mask),
            false => other == 1.0 && self.reaches_softmax(name, Role::Condition),
        };
        plain || self.reaches_softmax(name, two([0.0, other]))
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

    /// What a node makes of one of two numbers: a mask, a condition, others; and whether that takes scores out. `None` for anything else.
    fn of_two(&self, node: &NodeProto, position: usize, pair: [f64; 2]) -> Option<(Role, bool)> {
        let op = node.op_type.as_str();
        let number = (node.input.len() == 2)
            .then(|| node.input.get(1 - position))
            .flatten()
            .and_then(|n| self.numbers.get(n.as_str()));
        let with = |f: fn(f64, f64) -> f64, c: f64| {
            let made = pair.map(|v| if position == 0 { f(v, c) } else { f(c, v) });
            made.iter().all(|v| v.is_finite()).then(|| (two(made), false))
        };
        let truth = |f: fn(&f64, &f64) -> bool, c: &f64| {
            let made = pair.map(|v| if position == 0 { f(&v, c) } else { f(c, &v) });
            (two(made.map(|holds| f64::from(u8::from(holds)))), false)
        };
        let mask = |pair: [f64; 2]| masks(pair).then_some((Role::Scores, true));
        match (op, number) {
            ("Cast", _) if !bits(pair) => None,
            (view, _) if VIEWS.contains(&view) && position == 0 => Some((two(pair), false)),
            ("Neg", _) => Some((two(pair.map(|v| -v)), false)),
            ("Not", _) => Some((two(pair.map(|v| 1.0 - v)), false)),
            ("Where", _) => (position == 0).then_some((Role::Scores, true)),
            ("Add", Some(&c)) => with(|a, b| a + b, c),
            ("Sub", Some(&c)) => with(|a, b| a - b, c),
            ("Mul", Some(&c)) => with(|a, b| a * b, c),
            ("Div", Some(&c)) => with(|a, b| a / b, c),
            ("Equal", Some(c)) => Some(truth(|a, b| a == b, c)),
            ("Less", Some(c)) => Some(truth(|a, b| a < b, c)),
            ("LessOrEqual", Some(c)) => Some(truth(|a, b| a <= b, c)),
            ("Greater", Some(c)) => Some(truth(|a, b| a > b, c)),
            ("GreaterOrEqual", Some(c)) => Some(truth(|a, b| a >= b, c)),
            ("Add", None) => mask(pair),
            ("Sub", None) if position == 1 => mask(pair.map(|v| -v)),
            // A score that is set to 0 must be taken out elsewhere.
            ("Mul", None) if bits(pair) => Some((Role::Scores, false)),
            _ => None,
        }
    }

    /// Whether a value ends in softmaxes alone, and takes scores out of them.
    fn reaches_softmax(&self, name: &str, role: Role) -> bool {
        let (mut seen, mut stack) = (HashSet::new(), vec![(name.to_owned(), role)]);
        let (mut reached, mut takes) = (false, !matches!(role, Role::Two(_)));
        while let Some((name, role)) = stack.pop() {
            let Some(users) = self.users(&name) else { return false };
            for &(n, position) in users {
                let node = &self.nodes[n];
                if node.op_type == "Attention" && position == 3 {
                    match role {
                        Role::Mask | Role::Condition | Role::Scores => {}
                        Role::Two(pair) if masks(pair.map(f64::from_bits)) || bits(pair.map(f64::from_bits)) => takes = true,
                        Role::Two(_) => return false,
                    }
                    reached = true;
                    continue;
                }
                let next = match (node.op_type.as_str(), role, position) {
                    (_, Role::Two(pair), _) => match self.of_two(node, position, pair.map(f64::from_bits)) {
                        Some((next, mask)) => {
                            takes |= mask;
                            next
                        }
                        None => return false,
                    },
                    (view, _, 0) if VIEWS.contains(&view) => role,
                    ("Not" | "And" | "Or", Role::Condition, _) => role,
                    ("Where", Role::Condition, 0) => Role::Scores,
                    ("Where", Role::Mask | Role::Scores, 1 | 2) => Role::Scores,
                    ("Add" | "Max", Role::Mask | Role::Scores, _) | ("Mul" | "Div", Role::Scores, _) => Role::Scores,
                    ("Sub", Role::Scores, 0) => Role::Scores,
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
        reached && takes
    }
}
