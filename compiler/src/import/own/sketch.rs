//! A node of the file and its operands, and the graph into which its meaning is drawn.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use tract_onnx::pb::{AttributeProto, NodeProto};
use tract_onnx::prelude::Tensor;

use super::super::refusal::Refusal;
use super::super::site::to_array;
use crate::graph::{Graph, NodeId};
use crate::ops::{Op, Reshape, Transpose};

/// Extents of what is made are no larger: views become lists of positions.
pub(super) const LONGEST: usize = 1 << 20;

/// An operand.
pub(super) struct Given {
    pub shape: Vec<usize>,
    /// Its entries, if they are known.
    pub value: Option<Arc<Tensor>>,
    pub node: Result<NodeId, Refusal>,
}

/// What a drawing begins with.
pub(super) struct Sketch<'s> {
    pub graph: &'s mut Graph,
    node: &'s NodeProto,
    pub opset: i64,
    name: &'s str,
    given: Vec<Option<Given>>,
}

impl<'s> Sketch<'s> {
    pub fn new(graph: &'s mut Graph, node: &'s NodeProto, opset: i64, name: &'s str, given: Vec<Option<Given>>) -> Self {
        Self { graph, node, opset, name, given }
    }

    pub fn name(&self) -> &'s str {
        self.name
    }

    fn attribute(&self, name: &str) -> Option<&'s AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub fn integer(&self, name: &str, otherwise: i64) -> i64 {
        self.attribute(name).map_or(otherwise, |a| a.i)
    }

    pub fn float(&self, name: &str, otherwise: f32) -> f64 {
        f64::from(self.attribute(name).map_or(otherwise, |a| a.f))
    }

    pub fn floats(&self, name: &str) -> Option<Vec<f64>> {
        self.attribute(name).map(|a| a.floats.iter().map(|&f| f64::from(f)).collect())
    }

    pub fn word(&self, name: &str, otherwise: &'static str) -> &'s str {
        self.attribute(name).map_or(otherwise, |a| std::str::from_utf8(&a.s).unwrap_or(otherwise))
    }

    /// A list of integers, one for each of so many axes.
    pub fn list(&self, name: &'static str, length: usize) -> Result<Option<Vec<i64>>, Refusal> {
        let Some(list) = self.attribute(name).map(|a| a.ints.clone()) else { return Ok(None) };
        if list.len() != length {
            return Err(Refusal::Count { what: name, got: list.len(), expected: length });
        }
        Ok(Some(list))
    }

    /// A list of positive integers, 1 if it is left out.
    pub fn extents(&self, name: &'static str, length: usize) -> Result<Vec<usize>, Refusal> {
        let list = self.list(name, length)?.unwrap_or_else(|| vec![1; length]);
        list.into_iter().map(|v| usize::try_from(v).map_err(|_| Refusal::OutOfRange(name))).collect()
    }

    /// A list of axes of an operand of this rank.
    pub fn axes(&self, name: &str, rank: usize) -> Result<Option<Vec<usize>>, Refusal> {
        self.attribute(name).map(|a| a.ints.iter().map(|&axis| axis_of(axis, rank)).collect()).transpose()
    }

    fn operand(&self, position: usize) -> Option<&Given> {
        self.given.get(position)?.as_ref()
    }

    pub fn has(&self, position: usize) -> bool {
        self.operand(position).is_some()
    }

    pub fn shape(&self, position: usize) -> Result<Vec<usize>, Refusal> {
        self.operand(position).map(|given| given.shape.clone()).ok_or(Refusal::Missing("an operand is missing"))
    }

    pub fn operand_node(&self, position: usize) -> Result<NodeId, Refusal> {
        self.operand(position).ok_or(Refusal::Missing("an operand is missing"))?.node.clone()
    }

    /// The entries of an operand that must be a constant; none if it is left out, or has no entries.
    pub fn numbers(&self, position: usize, what: &'static str) -> Result<Option<Vec<f64>>, Refusal> {
        let Some(given) = self.operand(position).filter(|given| !given.shape.contains(&0)) else { return Ok(None) };
        let value = given.value.as_ref().ok_or(Refusal::Variable(what))?;
        Ok(Some(to_array(value)?.into_iter().collect()))
    }

    /// A node whose shape follows from its operands.
    pub fn add(&mut self, op: impl Into<Op>, operands: &[NodeId]) -> Result<NodeId, Refusal> {
        Ok(self.graph.add_inferred(self.name, op, operands)?)
    }

    /// A node of the file's numbers.
    pub fn number(&mut self, value: f64, shape: &[usize]) -> NodeId {
        self.numbers_of(ArrayD::from_elem(IxDyn(&vec![1; shape.len()]), value), shape)
    }

    /// A constant, repeated up to a shape of its rank.
    pub fn numbers_of(&mut self, value: ArrayD<f64>, shape: &[usize]) -> NodeId {
        let node = self.graph.add_constant(self.name, value);
        self.repeat(node, shape)
    }

    /// The same entries repeated up to a shape of the same rank.
    pub fn repeat(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        if self.graph.shape(x) == shape { x } else { self.graph.add(self.name, crate::ops::Broadcast, &[x], shape) }
    }

    pub fn shape_of(&self, x: NodeId) -> Vec<usize> {
        self.graph.shape(x).to_vec()
    }

    pub fn reshape(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        if self.graph.shape(x) == shape { x } else { self.graph.add(self.name, Reshape, &[x], shape) }
    }

    pub fn transpose(&mut self, x: NodeId, order: &[usize]) -> Result<NodeId, Refusal> {
        if order.iter().copied().eq(0..order.len()) { Ok(x) } else { self.add(Transpose(order.to_vec()), &[x]) }
    }
}

/// An axis that may be counted from the end.
pub(super) fn axis_of(axis: i64, rank: usize) -> Result<usize, Refusal> {
    let own = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(own).ok().filter(|&axis| axis < rank).ok_or(Refusal::OutOfRange("an axis"))
}
