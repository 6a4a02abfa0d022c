//! Recurrences, step by step.
//!
//! A graph has all steps of a recurrence in one tensor, whose first axis counts them: [`States`](crate::ops::States) before each step, which
//! [`Carry`](crate::ops::Carry) hands on from the step before. What is between them is computed for all steps at once, from states that are
//! computed here, row by row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn, concatenate};

use super::evaluate::{EvaluateError, apply};
use super::{Graph, NodeId};
use crate::ops::{Carry, Concat, Einsum, Label, Norm, Op, Reduce, Slice, Softmax, Take, Transpose};

/// States that are handed on together.
pub(crate) struct Recurrence {
    /// What steps stand on, that is of no step, and has no value yet.
    pub others: Vec<NodeId>,
    /// What depends on states, with these, in order.
    pub body: Vec<NodeId>,
    /// States, and the nodes that hand them on.
    pub states: Vec<(NodeId, NodeId)>,
    /// How many steps there are.
    pub steps: usize,
}

impl Recurrence {
    /// The recurrence of some states, where values are known of all that is not `open`. `order` has all nodes of the graph.
    pub fn of(graph: &Graph, order: &[NodeId], first: NodeId, open: impl Fn(NodeId) -> bool) -> Self {
        let (mut needed, mut stack, mut states) = (BTreeSet::new(), vec![first], Vec::new());
        while let Some(id) = stack.pop() {
            if open(id) && needed.insert(id) {
                stack.extend(graph.operands(id));
                if let Some(carry) = graph.carry(id) {
                    states.push((id, carry));
                    stack.push(carry);
                }
            }
        }
        let mut moving: BTreeSet<NodeId> = states.iter().map(|&(id, _)| id).collect();
        let (mut others, mut body) = (Vec::new(), Vec::new());
        for &id in order.iter().filter(|id| needed.contains(*id)) {
            if moving.contains(&id) || graph.operands(id).iter().any(|operand| moving.contains(operand)) {
                moving.insert(id);
                body.push(id);
            } else {
                others.push(id);
            }
        }
        let steps = graph.shape(first).first().copied().unwrap_or(0);
        Self { others, body, states, steps }
    }

    /// The states before each step, of those that a recurrence has, where all values that it stands on are known.
    pub fn run<'v>(
        &self,
        graph: &Graph,
        value: impl Fn(NodeId) -> Option<&'v ArrayD<f64>>,
    ) -> Result<Vec<(NodeId, ArrayD<f64>)>, EvaluateError> {
        let refuse = |id: NodeId| EvaluateError::Recurrence { node: graph.node(id).name.clone() };
        let cut = |shape: &[usize]| -> Vec<usize> { [&[1], shape.get(1..).unwrap_or_default()].concat() };
        let mut now: HashMap<NodeId, Arc<ArrayD<f64>>> = HashMap::new();
        let mut rows: Vec<Vec<Arc<ArrayD<f64>>>> = vec![Vec::new(); self.states.len()];
        for t in 0..self.steps {
            for ((id, carry), rows) in self.states.iter().zip(&mut rows) {
                let shape = cut(graph.shape(*id));
                let row = match (t, graph.initial(*id)) {
                    (0, None) => Arc::new(ArrayD::zeros(IxDyn(&shape))),
                    (0, Some(initial)) => Arc::new(value(initial).ok_or_else(|| refuse(*id))?.clone()),
                    _ => now.get(carry).cloned().ok_or_else(|| refuse(*id))?,
                };
                if row.shape() != shape {
                    return Err(refuse(*id));
                }
                rows.push(row);
            }
            now = self.states.iter().zip(&rows).filter_map(|((id, _), rows)| Some((*id, rows.last()?.clone()))).collect();
            for &id in self.body.iter().filter(|id| self.states.iter().all(|(states, _)| states != *id)) {
                let by_row = by_row(graph, id, self.steps).ok_or_else(|| refuse(id))?;
                let operands = graph.operands(id).into_iter().zip(by_row).map(|(operand, by_row)| {
                    if let Some(row) = now.get(&operand) {
                        return by_row.then(|| row.clone());
                    }
                    let all = value(operand)?;
                    let row = || all.slice_axis(Axis(0), (t..t + 1).into()).to_owned();
                    Some(Arc::new(if by_row { row() } else { all.clone() }))
                });
                let operands: Vec<Arc<ArrayD<f64>>> = operands.collect::<Option<_>>().ok_or_else(|| refuse(id))?;
                let operands: Vec<&ArrayD<f64>> = operands.iter().map(|operand| &**operand).collect();
                now.insert(id, Arc::new(apply(graph.op(id), &operands, &cut(graph.shape(id)))));
            }
        }
        let all = |((id, _), rows): (&(NodeId, NodeId), &Vec<Arc<ArrayD<f64>>>)| {
            let rows: Vec<_> = rows.iter().map(|row| row.view()).collect();
            let all = concatenate(Axis(0), &rows).map_err(|_| refuse(*id))?;
            Ok((*id, all))
        };
        self.states.iter().zip(&rows).map(all).collect()
    }
}

impl Graph {
    /// The node that hands states on.
    pub(crate) fn carry(&self, states: NodeId) -> Option<NodeId> {
        let carries = |&(user, position): &(NodeId, usize)| matches!(self.op(user), Op::Carry(Carry)) && position == 1;
        let users = || self.users(states).into_iter().find(carries);
        matches!(self.op(states), Op::States(_)).then(users)?.map(|(carry, _)| carry)
    }

    /// The states before the first step, if they are not 0.
    pub(crate) fn initial(&self, states: NodeId) -> Option<NodeId> {
        match self.op(states) {
            Op::States(op) if op.given => self.operands(states).last().copied(),
            _ => None,
        }
    }
}

/// Of each operand, whether a row of a node stands on its row alone; else it stands on all of it. `None` of nodes whose rows stand on more than
/// that, or may.
fn by_row(graph: &Graph, id: NodeId, steps: usize) -> Option<Vec<bool>> {
    let operands = graph.operands(id);
    let rows = |id: NodeId| graph.shape(id).first() == Some(&steps);
    let whole = rows(id) && operands.iter().all(|&operand| rows(operand));
    let each = || whole.then(|| vec![true; operands.len()]);
    let apart = |axes: &[usize]| if axes.contains(&0) { None } else { each() };
    match graph.op(id) {
        Op::Einsum(Einsum { lhs, rhs, out }) => {
            let how = |labels: &[Label]| match labels.iter().position(|own| Some(own) == out.first()) {
                Some(0) => Some(true),
                None => Some(false),
                Some(_) => None,
            };
            Some(vec![how(lhs)?, how(rhs)?])
        }
        op if op.goes_by_entry() => each(),
        Op::Carry(_) | Op::Reshape(_) | Op::Broadcast(_) => each(),
        Op::Concat(Concat { axis }) | Op::Slice(Slice { axis, .. }) | Op::Take(Take { axis, .. }) => apart(&[*axis]),
        Op::Reduce(Reduce { axes, .. }) | Op::Softmax(Softmax { axes }) | Op::Norm(Norm { axes, .. }) => apart(axes),
        Op::Transpose(Transpose(order)) => (order.first() == Some(&0)).then(each)?,
        _ => None,
    }
}
