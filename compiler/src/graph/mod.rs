//! The typed float graph: what the importer builds, the passes rewrite, the float reference evaluates and the
//! quantiser and the lowering read.
//!
//! A [`Graph`] is a directed acyclic graph of [`Node`]s. A node has exactly one output, a tensor of `f64` in row-major
//! order whose shape is known; an edge runs from an operand to its user and carries the operand's index. Shapes of
//! elementwise operands are equal: a broadcast is a node of its own.

mod causal;
pub(crate) mod channels;
pub mod columns;
mod composite;
mod domain;
mod error;
pub mod evaluate;
pub mod passes;
mod piecewise;
mod recurrence;
mod steep;

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::ArrayD;
use petgraph::Direction;
use petgraph::algo::toposort;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::{EdgeRef, IntoEdgeReferences};
use zktorch_blocks::program::Element;

use crate::ops::{Broadcast, Constant, Input, MaskedSoftmax, Misfit, Op};

pub(crate) use causal::causal;
pub use causal::{Crossing, NotCausal};
pub use composite::Composite;
pub use domain::{Domain, EXACT};
pub use error::GraphError;
pub use evaluate::{EvaluateError, Evaluation};
pub(crate) use recurrence::Recurrence;

/// The index of a node in its [`Graph`]; stays valid while other nodes are removed.
pub type NodeId = NodeIndex;

/// One operation and the tensor that it produces.
#[derive(Clone, Debug)]
pub struct Node {
    /// The ONNX node's or value's name, for errors and reports. Not necessarily unique, never interpreted.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// The shape of the result.
    pub shape: Vec<usize>,
    /// What its entries are.
    pub domain: Domain,
}

impl Node {
    /// The number of entries of the result.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the result has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A typed float graph. See the [module documentation](self).
#[derive(Clone, Debug, Default)]
pub struct Graph {
    inner: StableDiGraph<Node, usize>,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    output_names: Vec<String>,
    question: BTreeSet<NodeId>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a model input of the given shape; inputs are numbered in the order of their addition.
    pub fn add_input(&mut self, name: impl Into<String>, shape: &[usize]) -> NodeId {
        self.add_input_of(Domain::Real, name, shape)
    }

    /// Adds a model input whose entries are not all reals.
    pub fn add_input_of(&mut self, domain: Domain, name: impl Into<String>, shape: &[usize]) -> NodeId {
        self.add_input_shown(domain, name, shape, false)
    }

    /// Adds a model input that is part of the statement whoever knows the others, if it is `shown`.
    pub(crate) fn add_input_shown(
        &mut self,
        domain: Domain,
        name: impl Into<String>,
        shape: &[usize],
        shown: bool,
    ) -> NodeId {
        let op = Op::Input(Input { index: self.inputs.len(), shown });
        let id = self.inner.add_node(Node { name: name.into(), op, shape: shape.to_vec(), domain });
        self.inputs.push(id);
        id
    }

    /// Adds a constant: integers if all of its entries are. Whether they are does not matter beside reals.
    pub fn add_constant(&mut self, name: impl Into<String>, value: impl Into<Arc<ArrayD<f64>>>) -> NodeId {
        let value = value.into();
        let domain = Domain::of_values(&value);
        self.add_constant_of(domain, name, value)
    }

    /// Adds a constant of a declared domain.
    pub fn add_constant_of(
        &mut self,
        domain: Domain,
        name: impl Into<String>,
        value: impl Into<Arc<ArrayD<f64>>>,
    ) -> NodeId {
        let value = value.into();
        let shape = value.shape().to_vec();
        self.inner.add_node(Node { name: name.into(), op: Op::Constant(Constant(value)), shape, domain })
    }

    /// Adds a node with a given result shape. Nothing is checked here: see [`Graph::validate`].
    pub fn add(&mut self, name: impl Into<String>, op: impl Into<Op>, operands: &[NodeId], shape: &[usize]) -> NodeId {
        let op = op.into();
        let domains: Vec<Domain> = operands.iter().map(|&o| self.inner[o].domain).collect();
        let domain = op.operator().domain(&domains);
        let id = self.inner.add_node(Node { name: name.into(), op, shape: shape.to_vec(), domain });
        for (position, &operand) in operands.iter().enumerate() {
            self.inner.add_edge(operand, id, position);
        }
        id
    }

    /// Adds a node whose shape follows from its operands (every op but `Reshape`, `Broadcast`, inputs and constants).
    ///
    /// # Errors
    /// [`GraphError::Shape`] when the operands do not fit the op.
    pub fn add_inferred(
        &mut self,
        name: impl Into<String>,
        op: impl Into<Op>,
        operands: &[NodeId],
    ) -> Result<NodeId, GraphError> {
        let (name, op) = (name.into(), op.into());
        let shapes: Vec<&[usize]> = operands.iter().map(|&o| self.shape(o)).collect();
        let inferred = op.operator().shape(&shapes);
        let inferred = inferred.and_then(|shape| shape.ok_or(Misfit::Open));
        let shape = inferred.map_err(|reason| GraphError::Shape { node: name.clone(), op: op.name(), reason })?;
        Ok(self.add(name, op, operands, &shape))
    }

    /// Declares a node to be the next output of the model, under the given name. A node may be several outputs.
    pub fn add_output(&mut self, name: impl Into<String>, node: NodeId) {
        self.outputs.push(node);
        self.output_names.push(name.into());
    }

    /// Declares what a model lacks to be what is asked about it.
    pub(crate) fn ask(&mut self, model: &Self) {
        self.question = self.inner.node_indices().filter(|&id| !model.contains(id)).collect();
    }

    /// The nodes that ask about the model, and are none of its own.
    pub(crate) fn question(&self) -> &BTreeSet<NodeId> {
        &self.question
    }

    /// The model's inputs, in order.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The nodes that are the model's outputs, in order.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// The outputs' names, parallel to [`Graph::outputs`].
    pub fn output_names(&self) -> &[String] {
        &self.output_names
    }

    /// The node behind an index. Indices come from this graph: a foreign one panics as slice indexing does.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.inner[id]
    }

    /// The op of a node.
    pub fn op(&self, id: NodeId) -> &Op {
        &self.inner[id].op
    }

    /// The shape of a node's result.
    pub fn shape(&self, id: NodeId) -> &[usize] {
        &self.inner[id].shape
    }

    /// What the entries of a node's result are.
    pub fn domain(&self, id: NodeId) -> Domain {
        self.inner[id].domain
    }

    /// States what a node's entries are; what was known of them stays known.
    pub fn declare(&mut self, id: NodeId, domain: Domain) {
        self.inner[id].domain = self.inner[id].domain.meet(domain);
    }

    /// What the entries of an input or output are.
    pub fn element(&self, id: NodeId) -> Element {
        self.domain(id).element()
    }

    /// Whether the graph (still) has this node.
    pub fn contains(&self, id: NodeId) -> bool {
        self.inner.contains_node(id)
    }

    /// The value of a node that is a constant.
    pub fn constant(&self, id: NodeId) -> Option<&Arc<ArrayD<f64>>> {
        match &self.inner[id].op {
            Op::Constant(Constant(value)) => Some(value),
            _ => None,
        }
    }

    /// The constant behind a node: of the node's rank, with extent 1 where a broadcast repeats it.
    pub(crate) fn behind(&self, id: NodeId) -> Option<Arc<ArrayD<f64>>> {
        match self.op(id) {
            Op::Broadcast(Broadcast) => self.constant(*self.operands(id).first()?).cloned(),
            _ => self.constant(id).cloned(),
        }
    }

    /// Whether a node is the product of two tensors that both depend on inputs.
    pub(crate) fn multiplies(&self, id: NodeId) -> bool {
        matches!(self.op(id), Op::Mul(_)) && self.operands(id).iter().all(|&operand| self.behind(operand).is_none())
    }

    /// Whether convolutions take what gates let through, `x sigmoid(x)`: some of their channels are small beside others, and count as much.
    pub(crate) fn gates_convolutions(&self) -> bool {
        let has = |wanted: fn(&Op) -> bool| self.nodes().any(|(_, node)| wanted(&node.op));
        has(|op| matches!(op, Op::Unary(function) if function.gates())) && has(|op| matches!(op, Op::Conv(_)))
    }

    /// Whether nothing but masks of softmaxes depends on a node.
    pub(crate) fn masks(&self, id: NodeId) -> bool {
        let mask = |&(user, position): &(NodeId, usize)| match self.op(user) {
            Op::MaskedSoftmax(MaskedSoftmax { .. }) => position == 1,
            Op::Logic(_) => self.masks(user),
            op => op.nature().layout && self.masks(user),
        };
        !self.outputs().contains(&id) && self.users(id).iter().all(mask)
    }

    /// The operands of a node, in operand order.
    pub fn operands(&self, id: NodeId) -> Vec<NodeId> {
        let mut edges: Vec<(usize, NodeId)> =
            self.inner.edges_directed(id, Direction::Incoming).map(|e| (*e.weight(), e.source())).collect();
        edges.sort_unstable();
        edges.into_iter().map(|(_, source)| source).collect()
    }

    /// The users of a node's result, each with the operand index at which it is used, by ascending index.
    pub fn users(&self, id: NodeId) -> Vec<(NodeId, usize)> {
        let mut users: Vec<(NodeId, usize)> =
            self.inner.edges_directed(id, Direction::Outgoing).map(|e| (e.target(), *e.weight())).collect();
        users.sort_unstable();
        users
    }

    /// The number of times a node's result is used, by nodes or as an output of the model.
    pub fn uses(&self, id: NodeId) -> usize {
        self.inner.edges_directed(id, Direction::Outgoing).count() + self.outputs.iter().filter(|&&o| o == id).count()
    }

    /// All nodes in an order in which operands come before their users. Deterministic.
    ///
    /// A graph with a cycle (which [`Graph::validate`] reports) yields an empty order.
    pub fn order(&self) -> Vec<NodeId> {
        toposort(&self.inner, None).unwrap_or_default()
    }

    /// All nodes, by ascending index.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.inner.node_indices().map(|id| (id, &self.inner[id]))
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Whether the graph has no node at all.
    pub fn is_empty(&self) -> bool {
        self.inner.node_count() == 0
    }

    /// The number of entries of all constants: the model's parameters.
    pub fn parameters(&self) -> usize {
        self.nodes().filter(|(_, n)| matches!(n.op, Op::Constant(_))).map(|(_, n)| n.len()).sum()
    }

    /// Makes every user of `old`, and every output that is `old`, use `new` instead. `old` stays, without users. What is known of the
    /// entries of `old` is known of those of `new`, which have the same values.
    pub fn replace(&mut self, old: NodeId, new: NodeId) {
        self.inner[new].domain = self.inner[new].domain.meet(self.inner[old].domain);
        for (user, position) in self.users(old) {
            if user != new {
                self.set_operand(user, position, new);
            }
        }
        for output in self.outputs.iter_mut().filter(|o| **o == old) {
            *output = new;
        }
    }

    /// Takes all outputs away.
    pub(crate) fn clear_outputs(&mut self) {
        self.outputs.clear();
        self.output_names.clear();
    }

    /// Makes another node the output at a position.
    pub fn set_output(&mut self, position: usize, node: NodeId) {
        self.outputs[position] = node;
    }

    /// Gives a constant other entries, in the same shape.
    pub(crate) fn set_constant(&mut self, id: NodeId, value: ArrayD<f64>) {
        if let Op::Constant(constant) = &mut self.inner[id].op {
            *constant = Constant(Arc::new(value));
        }
    }

    /// Replaces one operand of a node.
    pub fn set_operand(&mut self, user: NodeId, position: usize, operand: NodeId) {
        let old = self.inner.edges_directed(user, Direction::Incoming).find(|e| *e.weight() == position).map(|e| e.id());
        if let Some(edge) = old {
            self.inner.remove_edge(edge);
        }
        self.inner.add_edge(operand, user, position);
    }

    /// Removes every node that no output depends on. Model inputs stay.
    pub fn remove_dead(&mut self) {
        let mut live: BTreeSet<NodeId> = self.inputs.iter().copied().collect();
        let mut stack = self.outputs.clone();
        while let Some(id) = stack.pop() {
            if live.insert(id) || matches!(self.inner[id].op, Op::Input(_)) {
                stack.extend(self.inner.neighbors_directed(id, Direction::Incoming));
                // States stand on what is handed on to them, though no edge says so.
                stack.extend(self.carry(id));
            }
        }
        self.inner.retain_nodes(|_, id| live.contains(&id));
    }

    /// Checks the graph: no cycle, operands complete, every shape the one that its op and operands imply, labels,
    /// axes and windows in range, inputs and outputs present.
    ///
    /// # Errors
    /// The first violation, with the node's name.
    pub fn validate(&self) -> Result<(), GraphError> {
        toposort(&self.inner, None).map_err(|cycle| GraphError::Cycle { node: self.inner[cycle.node_id()].name.clone() })?;
        for edge in self.inner.edge_references() {
            let user = edge.target();
            if self.operands(user).len() <= *edge.weight() {
                return Err(GraphError::Operand { node: self.inner[user].name.clone(), position: *edge.weight() });
            }
        }
        for (id, node) in self.nodes() {
            let operands = self.operands(id);
            let shapes: Vec<&[usize]> = operands.iter().map(|&o| self.shape(o)).collect();
            node.op.operator().check(&node.shape, &shapes).map_err(|reason| GraphError::Shape {
                node: node.name.clone(),
                op: node.op.name(),
                reason,
            })?;
        }
        if self.outputs.is_empty() {
            return Err(GraphError::NoOutput);
        }
        Ok(())
    }
}
