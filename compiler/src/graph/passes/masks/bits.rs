//! Terms of scores that have one of two values by a bit that depends on inputs, and the masks that these bits are.

use std::collections::HashMap;

use ndarray::ArrayD;

use super::super::super::{Domain, Graph, NodeId};
use super::super::constants::uniform;
use super::super::split;
use super::{Connective, Logic, Op, Unary};
use crate::ops::{Add, Broadcast, Div, Mul, Select, Sub};

/// 0 and 1 as integers.
const BITS: Domain = Domain::Integer { lo: 0, hi: 1 };

/// Entries of two values.
#[derive(Clone, Copy, Debug)]
pub(super) struct TwoValued {
    /// The bits, of the same shape.
    pub node: NodeId,
    /// The values for 0 and 1.
    pub values: [f64; 2],
    /// An input of integers that are taken to be bits: others are no mask, and are refused as inputs.
    input: Option<NodeId>,
}

impl TwoValued {
    /// States of an input that it has bits.
    pub fn declare(self, graph: &mut Graph) {
        let Some(input) = self.input else { return };
        let mut id = self.node;
        while id != input {
            graph.declare(id, BITS);
            id = graph.operands(id).first().copied().unwrap_or(input);
        }
        graph.declare(input, BITS);
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.map(f), ..self }
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
            return *known;
        }
        let term = self.look(graph, id);
        self.terms.insert(id, term);
        term
    }

    fn look(&mut self, graph: &mut Graph, id: NodeId) -> Option<TwoValued> {
        if graph.behind(id).is_some() {
            return None;
        }
        let values = [0.0, 1.0];
        if graph.domain(id).range() == Some((0, 1)) {
            return Some(TwoValued { node: id, values, input: None });
        }
        let op = graph.op(id).clone();
        let operands = graph.operands(id);
        let &first = operands.first().unwrap_or(&id);
        Some(match op {
            Op::Input(_) if graph.domain(id).is_exact() => TwoValued { node: id, values, input: Some(id) },
            Op::Unary(function) => {
                let term = self.two_valued(graph, first)?;
                // A test of integers may hold of many.
                (term.input.is_none() || matches!(function, Unary::ToReal | Unary::Neg)).then_some(())?;
                term.map(|v| function.eval(v))
            }
            Op::Select(Select) => {
                let [condition, a, b] = operands[..] else { return None };
                let number = |id| graph.behind(id).and_then(|value| uniform(&value));
                TwoValued { node: condition, values: [number(b)?, number(a)?], input: None }
            }
            Op::Add(Add) | Op::Sub(Sub) | Op::Mul(Mul) | Op::Div(Div) => {
                let (x, constant, swapped) = split(graph, id)?;
                let c = uniform(&constant)?;
                self.two_valued(graph, x)?.map(|v| {
                    let (a, b) = if swapped { (c, v) } else { (v, c) };
                    match op {
                        Op::Add(Add) => a + b,
                        Op::Sub(Sub) => a - b,
                        Op::Mul(Mul) => a * b,
                        _ => a / b,
                    }
                })
            }
            _ if op.nature().layout && operands.len() == 1 => {
                let inner = self.two_valued(graph, first)?;
                let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
                TwoValued { node: graph.add(name, op, &[inner.node], &shape), ..inner }
            }
            _ => return None,
        })
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
