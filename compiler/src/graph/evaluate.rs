//! The float reference: evaluates a graph and keeps the value of every node, for calibration and error reports.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use ndarray::ArrayD;
use thiserror::Error;

use super::{Graph, NodeId, Recurrence};
use crate::ops::{Constant, Input, Op, is_handed_on};

/// Why inputs cannot be evaluated.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EvaluateError {
    /// The number of inputs is wrong.
    #[error("the model has {expected} inputs, got {got}")]
    InputCount {
        /// Inputs of the model.
        expected: usize,
        /// Inputs given.
        got: usize,
    },
    /// An input has a wrong shape.
    #[error("input `{name}` has shape {expected:?}, got {got:?}")]
    InputShape {
        /// The input's name.
        name: String,
        /// Its shape in the model.
        expected: Vec<usize>,
        /// The given shape.
        got: Vec<usize>,
    },
    /// An input's entry is not of the input's type.
    #[error("input `{name}`: entry {position} is not one of the {element} values that the model takes")]
    Element {
        /// The input's name.
        name: String,
        /// Row-major position.
        position: usize,
        /// What entries are.
        element: &'static str,
    },
    /// A recurrence whose steps cannot be computed one after the other.
    #[error("node `{node}` in a recurrence: what it makes of a step does not follow from that step and the states before")]
    Recurrence {
        /// The node's name.
        node: String,
    },
    /// A node's value has not the shape that the node declares: the graph is not valid.
    #[error("node `{name}` should have shape {expected:?}, its value has {got:?}")]
    Invalid {
        /// The node's name.
        name: String,
        /// The declared shape.
        expected: Vec<usize>,
        /// The value's shape.
        got: Vec<usize>,
    },
}

/// The values of all nodes of a graph on one sample.
#[derive(Clone)]
pub struct Evaluation {
    values: Vec<Option<Arc<ArrayD<f64>>>>,
    outputs: Vec<NodeId>,
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an evaluation of {} nodes", self.values.len())
    }
}

impl Evaluation {
    /// The value of a node; `None` for an index that is not in the graph.
    pub fn value(&self, id: NodeId) -> Option<&ArrayD<f64>> {
        self.values.get(id.index())?.as_deref()
    }

    /// The model's outputs, in order.
    pub fn outputs(&self) -> Vec<&ArrayD<f64>> {
        self.outputs.iter().filter_map(|&id| self.value(id)).collect()
    }
}

impl Graph {
    /// Evaluates the graph in `f64` on one sample: one tensor per model input, of the input's shape.
    ///
    /// The graph must be valid ([`Graph::validate`]).
    ///
    /// # Errors
    /// [`EvaluateError`] when the inputs' number or shapes are wrong.
    pub fn evaluate(&self, inputs: &[ArrayD<f64>]) -> Result<Evaluation, EvaluateError> {
        if inputs.len() != self.inputs().len() {
            return Err(EvaluateError::InputCount { expected: self.inputs().len(), got: inputs.len() });
        }
        let order = self.order();
        let mut values: Vec<Option<Arc<ArrayD<f64>>>> = vec![None; order.iter().map(|n| n.index() + 1).max().unwrap_or(0)];
        let mut queue: VecDeque<NodeId> = order.iter().copied().collect();
        while let Some(id) = queue.pop_front() {
            let node = self.node(id);
            if values[id.index()].is_some() {
                continue;
            }
            let value = match &node.op {
                Op::States(_) => {
                    let recurrence = Recurrence::of(self, &order, id, |id| values[id.index()].is_none());
                    if recurrence.others.is_empty() {
                        let known = |id: NodeId| values[id.index()].as_deref();
                        for (id, states) in recurrence.run(self, known)? {
                            values[id.index()] = Some(Arc::new(states));
                        }
                    } else {
                        queue.push_front(id);
                        recurrence.others.into_iter().rev().for_each(|id| queue.push_front(id));
                    }
                    continue;
                }
                Op::Constant(Constant(value)) => value.clone(),
                Op::Input(Input { index, .. }) => {
                    let input = &inputs[*index];
                    if input.shape() != node.shape {
                        return Err(EvaluateError::InputShape {
                            name: node.name.clone(),
                            expected: node.shape.clone(),
                            got: input.shape().to_vec(),
                        });
                    }
                    if let Some(position) = input.iter().position(|&v| !node.domain.contains(v)) {
                        let (name, element) = (node.name.clone(), node.domain.element().name());
                        return Err(EvaluateError::Element { name, position, element });
                    }
                    Arc::new(standard(input.clone()))
                }
                op => {
                    let operands: Vec<Arc<ArrayD<f64>>> =
                        self.operands(id).iter().filter_map(|o| values[o.index()].clone()).collect();
                    let operands: Vec<&ArrayD<f64>> = operands.iter().map(|o| &**o).collect();
                    if let (Op::Carry(_), &[next, states]) = (op, &operands[..])
                        && !is_handed_on(states, next)
                    {
                        return Err(EvaluateError::Recurrence { node: node.name.clone() });
                    }
                    Arc::new(apply(op, &operands, &node.shape))
                }
            };
            if value.shape() != node.shape {
                return Err(EvaluateError::Invalid {
                    name: node.name.clone(),
                    expected: node.shape.clone(),
                    got: value.shape().to_vec(),
                });
            }
            values[id.index()] = Some(value);
        }
        Ok(Evaluation { values, outputs: self.outputs().to_vec() })
    }
}

/// The value of an op on operands that fit it, in standard layout; `shape` is the result's shape.
pub(super) fn apply(op: &Op, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
    standard(op.operator().evaluate(operands, shape))
}

/// The same array in row-major memory order.
fn standard(value: ArrayD<f64>) -> ArrayD<f64> {
    if value.is_standard_layout() { value } else { value.as_standard_layout().into_owned() }
}
