//! Terms of scores that have one of two values by a bit that depends on inputs, and the masks that these bits are.

use std::collections::HashMap;

use ndarray::{ArrayD, IxDyn};

use super::super::super::{Domain, Graph, NodeId};
use super::super::constants::{combine, uniform};
use super::super::split;
use super::{Connective, Logic, Op, Unary};
use crate::ops::{Add, Broadcast, Compare, Div, Mul, Select, Sub};

/// 0 and 1 as integers.
const BITS: Domain = Domain::Integer { lo: 0, hi: 1 };

/// Entries each of which has one of two values.
#[derive(Clone, Debug)]
pub(super) struct TwoValued {
    /// The bits, of the same shape.
    pub node: NodeId,
    /// The values for 0 and 1: one number, or one by entry, with extents 1 where they are the same.
    pub values: [ArrayD<f64>; 2],
    /// An input of integers that are taken to be bits: others are no mask, and are refused as inputs.
    input: Option<NodeId>,
}

impl TwoValued {
    /// States of an input that it has bits.
    pub fn declare(&self, graph: &mut Graph) {
        let Some(input) = self.input else { return };
        let mut id = self.node;
        while id != input {
            graph.declare(id, BITS);
            id = graph.operands(id).first().copied().unwrap_or(input);
        }
        graph.declare(input, BITS);
    }

    /// The two values, if they are those of all entries.
    pub fn uniform(&self) -> Option<[f64; 2]> {
        Some([uniform(&self.values[0])?, uniform(&self.values[1])?])
    }

    fn of(node: NodeId, values: [f64; 2]) -> Self {
        Self { node, values: values.map(single), input: None }
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.map(|values| values.mapv(&f)), ..self }
    }
}

/// One or the other pair of values, by what a condition is for the bits.
fn chosen(condition: &[ArrayD<f64>; 2], then: &[ArrayD<f64>; 2], otherwise: &[ArrayD<f64>; 2]) -> Option<[ArrayD<f64>; 2]> {
    then.iter().flatten().all(|v| !v.is_nan()).then_some(())?;
    let choose = |bit: usize| {
        if let Some(holds) = uniform(&condition[bit]) {
            return Some(if holds == 0.0 { otherwise[bit].clone() } else { then[bit].clone() });
        }
        let kept = both(&condition[bit], &then[bit], |c, v| if c == 0.0 { f64::NAN } else { v })?;
        both(&kept, &otherwise[bit], |kept, v| if kept.is_nan() { v } else { kept })
    };
    Some([choose(0)?, choose(1)?])
}

fn single(value: f64) -> ArrayD<f64> {
    ArrayD::from_elem(IxDyn(&[]), value)
}

/// Values that are one number as that.
fn compact(values: &ArrayD<f64>) -> ArrayD<f64> {
    uniform(values).map_or_else(|| values.clone(), single)
}

/// A function of two values, each one number or one by entry.
fn both(a: &ArrayD<f64>, b: &ArrayD<f64>, f: impl Fn(f64, f64) -> f64) -> Option<ArrayD<f64>> {
    match (uniform(a), uniform(b)) {
        (Some(a), Some(b)) => Some(single(f(a, b))),
        (Some(a), None) => Some(b.mapv(|b| f(a, b))),
        (None, Some(b)) => Some(a.mapv(|a| f(a, b))),
        (None, None) => combine(a, b, f).map(|values| compact(&values)),
    }
}

/// What has been found, so that layers of a model share it.
#[derive(Default)]
pub(super) struct Found {
    terms: HashMap<NodeId, Option<TwoValued>>,
    kept: HashMap<(NodeId, bool), NodeId>,
    constants: Vec<NodeId>,
    both: HashMap<(NodeId, NodeId), NodeId>,
}

impl Found {
    /// The bits behind a node whose entries are one of two values by them.
    pub fn two_valued(&mut self, graph: &mut Graph, id: NodeId) -> Option<TwoValued> {
        if let Some(known) = self.terms.get(&id) {
            return known.clone();
        }
        let term = self.look(graph, id);
        self.terms.insert(id, term.clone());
        term
    }

    fn look(&mut self, graph: &mut Graph, id: NodeId) -> Option<TwoValued> {
        if graph.behind(id).is_some() {
            return None;
        }
        if graph.domain(id).range() == Some((0, 1)) {
            return Some(TwoValued::of(id, [0.0, 1.0]));
        }
        let op = graph.op(id).clone();
        let operands = graph.operands(id);
        let &first = operands.first().unwrap_or(&id);
        Some(match op {
            Op::Input(_) if graph.domain(id).is_exact() => TwoValued { input: Some(id), ..TwoValued::of(id, [0.0, 1.0]) },
            Op::Unary(function) => {
                let term = self.two_valued(graph, first)?;
                // A test of integers may hold of many.
                (term.input.is_none() || matches!(function, Unary::ToReal | Unary::Neg)).then_some(())?;
                term.map(|v| function.eval(v))
            }
            Op::Select(Select) => {
                let [condition, a, b] = operands[..] else { return None };
                self.choice(graph, condition, a, b)?
            }
            Op::Add(Add) | Op::Sub(Sub) | Op::Mul(Mul) | Op::Div(Div) => {
                let (x, constant, swapped) = split(graph, id)?;
                let term = self.two_valued(graph, x)?;
                let compute = |v: f64, c: f64| {
                    let (a, b) = if swapped { (c, v) } else { (v, c) };
                    match op {
                        Op::Add(Add) => a + b,
                        Op::Sub(Sub) => a - b,
                        Op::Mul(Mul) => a * b,
                        _ => a / b,
                    }
                };
                let [of_false, of_true] = &term.values;
                TwoValued { values: [both(of_false, &constant, compute)?, both(of_true, &constant, compute)?], ..term }
            }
            _ if op.nature().layout && operands.len() == 1 => {
                let inner = self.two_valued(graph, first)?;
                (inner.uniform().is_some() || matches!(op, Op::Broadcast(Broadcast))).then_some(())?;
                let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
                TwoValued { node: graph.add(name, op, &[inner.node], &shape), ..inner }
            }
            _ => return None,
        })
    }

    /// `a` or `b` as a condition says, of which each is a constant or has two values by the bits of the condition.
    fn choice(&mut self, graph: &mut Graph, condition: NodeId, a: NodeId, b: NodeId) -> Option<TwoValued> {
        let (computed, plain) = (self.computed(graph, condition), self.two_valued(graph, condition));
        // What a test of a mask with constants in it gives, no bits alone say.
        let by_entry = computed.as_ref().is_some_and(|term| term.uniform().is_none());
        let conditions = if by_entry { [computed, plain] } else { [plain, computed] };
        conditions.into_iter().flatten().find_map(|condition| {
            let [then, otherwise] = [a, b].map(|id| match graph.behind(id).map(|value| compact(&value)) {
                Some(value) => Some([value.clone(), value]),
                None => self.two_valued(graph, id).filter(|term| term.node == condition.node).map(|term| term.values),
            });
            Some(TwoValued { values: chosen(&condition.values, &then?, &otherwise?)?, ..condition })
        })
    }

    /// What a test of reals, or of what it makes of bits, gives for them.
    fn computed(&mut self, graph: &mut Graph, test: NodeId) -> Option<TwoValued> {
        let (op, &first) = (graph.op(test).clone(), graph.operands(test).first()?);
        match op {
            Op::Compare(Compare(comparison)) => {
                let (x, constant, swapped) = split(graph, test)?;
                (!graph.domain(x).is_exact()).then_some(())?;
                let term = self.two_valued(graph, x)?;
                let holds = |v: f64, c: f64| if swapped { comparison.eval(c, v) } else { comparison.eval(v, c) };
                let [of_false, of_true] = &term.values;
                Some(TwoValued { values: [both(of_false, &constant, holds)?, both(of_true, &constant, holds)?], ..term })
            }
            Op::Unary(function) if graph.domain(first).is_exact() && function != Unary::Not => None,
            Op::Unary(Unary::Not) => self.computed(graph, first).map(|term| term.map(|v| Unary::Not.eval(v))),
            Op::Unary(function) => self.two_valued(graph, first).map(|term| term.map(|v| function.eval(v))),
            Op::Broadcast(Broadcast) => {
                let inner = self.computed(graph, first)?;
                let (name, shape) = (graph.node(test).name.clone(), graph.shape(test).to_vec());
                Some(TwoValued { node: graph.add(name, op, &[inner.node], &shape), ..inner })
            }
            _ => None,
        }
    }

    /// The mask that keeps where bits are 1, or where they are 0, before broadcasts of it.
    pub fn kept(&mut self, graph: &mut Graph, mut bits: NodeId, kept_if: bool) -> NodeId {
        while let (Op::Broadcast(Broadcast), Some(&inner)) = (graph.op(bits), graph.operands(bits).first()) {
            bits = inner;
        }
        if kept_if {
            return bits;
        }
        *self.kept.entry((bits, kept_if)).or_insert_with(|| {
            let node = graph.node(bits).clone();
            graph.add(node.name, Unary::Not, &[bits], &node.shape)
        })
    }

    /// The node of a constant mask, one for all of its entries.
    pub fn constant(&mut self, graph: &mut Graph, name: &str, mask: ArrayD<f64>) -> NodeId {
        let known = self.constants.iter().copied().find(|&id| graph.constant(id).is_some_and(|value| **value == mask));
        known.unwrap_or_else(|| {
            let id = graph.add_constant_of(Domain::Boolean, name, mask);
            self.constants.push(id);
            id
        })
    }

    /// What two masks keep, which broadcast against each other.
    pub fn both(&mut self, graph: &mut Graph, name: &str, a: NodeId, b: NodeId) -> NodeId {
        if let Some(&both) = self.both.get(&(a, b)) {
            return both;
        }
        let shape: Vec<usize> = graph.shape(a).iter().zip(graph.shape(b)).map(|(&a, &b)| a.max(b)).collect();
        let [wide_a, wide_b] = [a, b].map(|mask| match graph.shape(mask) == shape {
            true => mask,
            false => graph.add(name, Broadcast, &[mask], &shape),
        });
        let both = graph.add(name, Logic(Connective::And), &[wide_a, wide_b], &shape);
        self.both.insert((a, b), both);
        both
    }
}
