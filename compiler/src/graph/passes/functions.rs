//! Functions of one entry: groups of elementwise nodes that depend on a single tensor become one node.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::composite::{Binary, Composite, Step};
use super::super::piecewise::Piecewise;
use super::super::{Graph, NodeId};
use super::constants::uniform;
use crate::ops::{Add, Compare, Comparison, Mul, Op, PRelu, Select, Sub, Unary};

/// Merges consecutive clips (ReLU is one).
pub fn merge_clips(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        let Some((lo, hi)) = bounds(graph.op(id)) else { continue };
        let Some(&x) = graph.operands(id).first() else { continue };
        let Some((inner_lo, inner_hi)) = bounds(graph.op(x)) else { continue };
        if graph.uses(id) == 0 || graph.uses(x) > 1 {
            continue;
        }
        let clip = |v: f64| v.max(lo).min(hi);
        let unary = match (clip(inner_lo), clip(inner_hi)) {
            (0.0, f64::INFINITY) => Unary::Relu,
            (lo, hi) => Unary::Clip { lo, hi },
        };
        let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
        let y = graph.operands(x);
        let merged = graph.add(name, unary, &y, &shape);
        graph.replace(id, merged);
        changed = true;
    }
    changed
}

fn bounds(op: &Op) -> Option<(f64, f64)> {
    match op {
        Op::Unary(Unary::Relu) => Some((0.0, f64::INFINITY)),
        Op::Unary(Unary::Clip { lo, hi }) => Some((*lo, *hi)),
        _ => None,
    }
}

/// Fuses elementwise nodes that together are a function of one tensor: GELU, SiLU, ELU and the like, whatever their
/// spelling. What is a [`Unary`] of its own by its structure becomes that, the rest [`Unary::Composite`].
pub fn fuse_functions(graph: &mut Graph) -> bool {
    let mut changed = false;
    let order = graph.order();
    let rank: HashMap<NodeId, usize> = order.iter().enumerate().map(|(i, &id)| (id, i)).collect();
    for &id in order.iter().rev() {
        if graph.uses(id) == 0 || !elementwise(graph.op(id)) {
            continue;
        }
        let fused = match parametric(graph, id) {
            Some(fused) => Some(fused),
            None => Region::around(graph, id, &rank).and_then(|region| region.fuse(graph)),
        };
        if let Some(fused) = fused {
            graph.replace(id, fused);
            changed = true;
        }
    }
    changed
}

fn elementwise(op: &Op) -> bool {
    // A cast to fewer bits may change nothing, which the integers that arrive tell; then it needs no table.
    let wraps = matches!(op, Op::Unary(Unary::Wrap { .. }));
    !wraps && (matches!(op, Op::Unary(_) | Op::Select(Select)) || Binary::of(op).is_some())
}

/// Whether the node is a sum or a product with a constant, or a sum of tensors: cheap on its own.
fn affine(graph: &Graph, id: NodeId) -> bool {
    match graph.op(id) {
        Op::Add(Add) | Op::Sub(Sub) | Op::Unary(Unary::Neg | Unary::Not | Unary::ToReal) => true,
        Op::Mul(Mul) => graph.operands(id).iter().any(|&operand| graph.behind(operand).is_some()),
        _ => false,
    }
}

/// `select(x < 0, x s, x)` or `select(0 < x, x, x s)` with a tensor `s` of slopes.
fn parametric(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let [condition, a, b] = graph.operands(id)[..] else { return None };
    if !matches!(graph.op(id), Op::Select(Select)) {
        return None;
    }
    let Op::Compare(Compare(Comparison::Less | Comparison::LessEqual)) = graph.op(condition) else { return None };
    let [left, right] = graph.operands(condition)[..] else { return None };
    let zero = |id| graph.behind(id).is_some_and(|value| uniform(&value) == Some(0.0));
    let (x, scaled) = if zero(right) && left == b { (b, a) } else { (a, b) };
    let positive_form = zero(left) && right == a;
    if !(matches!(graph.op(scaled), Op::Mul(Mul)) && (x == b || positive_form)) {
        return None;
    }
    let slope = match graph.operands(scaled)[..] {
        [l, r] if l == x => r,
        [l, r] if r == x => l,
        _ => return None,
    };
    if graph.behind(slope).is_some_and(|value| uniform(&value).is_some()) {
        return None;
    }
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    Some(graph.add(name, PRelu, &[x, slope], &shape))
}

/// Elementwise nodes with one result and one variable operand.
struct Region {
    /// The node whose value the region computes.
    root: NodeId,
    /// The nodes inside, users before operands.
    inside: Vec<NodeId>,
    /// The variable.
    variable: NodeId,
}

impl Region {
    /// The region of `root` with the most nodes that are not affine, and of these the smallest.
    fn around(graph: &Graph, root: NodeId, rank: &HashMap<NodeId, usize>) -> Option<Self> {
        let (mut inside, mut leaves) = (vec![root], variables(graph, root)?);
        // One unary node is a function already; one binary node with a constant, or of `x` and `x`, is not.
        let least = if matches!(graph.op(root), Op::Unary(_)) { 2 } else { 1 };
        let mut best: Option<(usize, Self)> = None;
        loop {
            let costly = inside.iter().filter(|&&id| !affine(graph, id)).count();
            if let [variable] = leaves[..]
                && costly >= least
                && best.as_ref().is_none_or(|(most, _)| costly > *most)
            {
                best = Some((costly, Self { root, inside: inside.clone(), variable }));
            }
            let last = leaves.iter().copied().max_by_key(|id| rank.get(id).copied().unwrap_or(0));
            let Some(next) = last.filter(|&id| expandable(graph, id, &inside)) else { break };
            let Some(more) = variables(graph, next) else { break };
            inside.push(next);
            leaves.retain(|&leaf| leaf != next);
            for leaf in more {
                if !leaves.contains(&leaf) {
                    leaves.push(leaf);
                }
            }
        }
        // A comparison of integers is one of all of them, and needs no table.
        let alone = |region: &Self| {
            region.inside.len() == 1 && matches!(graph.op(root), Op::Compare(_)) && graph.domain(region.variable).is_exact()
        };
        best.map(|(_, region)| region).filter(|region| !alone(region))
    }

    /// The one node in the region's place.
    fn fuse(self, graph: &mut Graph) -> Option<NodeId> {
        let mut steps = vec![Step::Variable];
        let mut index: HashMap<NodeId, usize> = HashMap::from([(self.variable, 0)]);
        for &id in self.inside.iter().rev() {
            let mut arguments = Vec::with_capacity(3);
            for operand in graph.operands(id) {
                let argument = match index.get(&operand) {
                    Some(&argument) => argument,
                    None => {
                        let value = uniform(&*graph.behind(operand)?)?;
                        steps.push(Step::Constant(value));
                        steps.len() - 1
                    }
                };
                index.insert(operand, argument);
                arguments.push(argument);
            }
            steps.push(match (graph.op(id), &arguments[..]) {
                (Op::Unary(unary), &[a]) => Step::Unary(unary.clone(), a),
                (Op::Select(Select), &[condition, a, b]) => Step::Select(condition, a, b),
                (op, &[a, b]) => Step::Binary(Binary::of(op)?, a, b),
                _ => return None,
            });
            index.insert(id, steps.len() - 1);
        }
        let unary = recognised(Composite::new(steps));
        // A scale or shift at the end is cheaper outside, unless it belongs to a function with a name.
        if affine(graph, self.root) && matches!(&unary, Unary::Composite(function) if !function.has_name()) {
            return None;
        }
        let (name, shape) = (graph.node(self.root).name.clone(), graph.shape(self.root).to_vec());
        Some(graph.add(name, unary, &[self.variable], &shape))
    }
}

/// The distinct operands that are no constants; `None` if a constant is not the same for all entries.
fn variables(graph: &Graph, id: NodeId) -> Option<Vec<NodeId>> {
    let mut variables = Vec::new();
    for operand in graph.operands(id) {
        match graph.behind(operand) {
            Some(value) => {
                uniform(&value)?;
            }
            None if !variables.contains(&operand) => variables.push(operand),
            None => {}
        }
    }
    Some(variables)
}

/// Whether a leaf can become part of the region: elementwise, and used nowhere else.
fn expandable(graph: &Graph, id: NodeId, inside: &[NodeId]) -> bool {
    elementwise(graph.op(id))
        && !graph.outputs().contains(&id)
        && graph.users(id).iter().all(|(user, _)| inside.contains(user))
}

/// A composite as one of the operators that lowerings treat on their own, if its structure says that it is one: the values that any
/// other has are those of its steps, whatever it is called.
fn recognised(composite: Composite) -> Unary {
    let known = match composite.steps() {
        [Step::Variable, Step::Binary(Binary::Mul, 0, 0)] => Some(Unary::Square),
        [Step::Variable, Step::Constant(1.0), Step::Binary(Binary::Div, 1, 0)]
        | [Step::Constant(1.0), Step::Variable, Step::Binary(Binary::Div, 0, 1)] => Some(Unary::Recip),
        [Step::Variable, Step::Unary(Unary::Sqrt, 0), Step::Unary(Unary::Recip, 1)]
        | [Step::Variable, Step::Unary(Unary::Sqrt, 0), Step::Constant(1.0), Step::Binary(Binary::Div, 2, 1)] => {
            Some(Unary::Rsqrt)
        }
        steps => Piecewise::of(steps).and_then(|function| function.named()),
    };
    known.unwrap_or_else(|| {
        let name = name(&composite);
        Unary::Composite(Arc::new(composite.called(name)))
    })
}

/// What people call a function that has these values. Nothing but words, and the place of a factor at its end, depends on it.
fn name(composite: &Composite) -> Option<&'static str> {
    let value = |x: f64| composite.eval(x);
    let named = [
        Unary::Silu,
        Unary::Gelu,
        Unary::GeluTanh,
        Unary::HardSwish,
        Unary::Mish,
        Unary::Softplus,
        Unary::Softsign,
        Unary::Sigmoid,
        Unary::Tanh,
        Unary::Elu(-value(-30.0) as f32),
    ];
    // From 2^-20 to 2^20, on both sides.
    let magnitudes = || (-160..=160).map(|i| (f64::from(i) / 8.0).exp2());
    let points = || magnitudes().chain(magnitudes().map(|x| -x)).chain((-320..=320).map(|i| f64::from(i) / 32.0 + 1e-3));
    let same = |function: &Unary| {
        points().all(|x| {
            let (a, b) = (value(x), function.eval(x));
            // Spelled-out exponentials overflow where the function itself does not.
            !a.is_finite() || (a - b).abs() <= 2e-6 * (1.0 + b.abs())
        })
    };
    named.iter().find(|function| same(function)).map(Unary::name)
}
