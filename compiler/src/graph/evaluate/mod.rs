//! The float reference: evaluates a graph and keeps the value of every node, for calibration and error reports.

mod conv;
mod einsum;
mod pool;
mod views;

use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn, Zip};
use thiserror::Error;

use super::composite::Binary;
use super::{Graph, NodeId, Op, ReduceKind};

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
        for id in order {
            let node = self.node(id);
            let value = match &node.op {
                Op::Constant(value) => value.clone(),
                Op::Input { index } => {
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
    let value = match (op, operands) {
        (Op::Constant(value), _) => (**value).clone(),
        (Op::Unary(unary), [x]) => x.mapv(|v| unary.eval(v)),
        (Op::Select, [condition, a, b]) => {
            Zip::from(*condition).and(*a).and(*b).map_collect(|&c, &a, &b| if c != 0.0 { a } else { b })
        }
        (Op::Conv { window, groups }, [x, w, bias @ ..]) => conv::conv(window, *groups, x, w, bias.first().copied()),
        (Op::Einsum { lhs, rhs, out }, [a, b]) => einsum::einsum([lhs, rhs], out, [a, b]),
        (Op::MaxPool(window), [x]) => pool::max_pool(window, x, shape),
        (Op::AveragePool { window, count_include_pad }, [x]) => pool::average_pool(window, *count_include_pad, x, shape),
        (Op::Reduce { kind, axes }, [x]) => reduce(*kind, axes, x),
        (Op::Softmax { axes }, [x]) => softmax(axes, x),
        (Op::LogSoftmax { axes }, [x]) => log_softmax(axes, x),
        (Op::MaskedSoftmax { axes, .. }, [x, mask]) => {
            let kept = Zip::from(*x).and(*mask).map_collect(|&x, &kept| if kept != 0.0 { x } else { f64::NEG_INFINITY });
            softmax(axes, &kept)
        }
        (Op::ColumnScale(exponents), [x]) => {
            let mut scaled = (*x).clone();
            let powers = exponents.iter().cycle().map(|&e| f64::from(e).exp2());
            scaled.iter_mut().zip(powers).for_each(|(value, power)| *value *= power);
            scaled
        }
        (op, [a, b]) if Binary::of(op).is_some() => binary(op, a, b),
        (op, operands) => views::apply(op, operands, shape),
    };
    standard(value)
}

/// The same array in row-major memory order.
fn standard(value: ArrayD<f64>) -> ArrayD<f64> {
    if value.is_standard_layout() { value } else { value.as_standard_layout().into_owned() }
}

fn binary(op: &Op, a: &ArrayD<f64>, b: &ArrayD<f64>) -> ArrayD<f64> {
    let zip = Zip::from(a).and(b);
    match Binary::of(op) {
        Some(Binary::Add) => zip.map_collect(|a, b| a + b),
        Some(Binary::Sub) => zip.map_collect(|a, b| a - b),
        Some(Binary::Mul) => zip.map_collect(|a, b| a * b),
        Some(Binary::Div) => zip.map_collect(|a, b| a / b),
        Some(other) => zip.map_collect(|&a, &b| other.eval(a, b)),
        None => ArrayD::zeros(a.raw_dim()),
    }
}

fn reduce(kind: ReduceKind, axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    axes.iter().fold(x.clone(), |x, &axis| {
        let axis = Axis(axis);
        let reduced = match kind {
            ReduceKind::Sum => x.map_axis(axis, |lane| lane.sum()),
            ReduceKind::Mean => x.map_axis(axis, |lane| lane.sum() / lane.len() as f64),
            ReduceKind::Max => x.fold_axis(axis, f64::NEG_INFINITY, |a, b| a.max(*b)),
            ReduceKind::Min => x.fold_axis(axis, f64::INFINITY, |a, b| a.min(*b)),
        };
        reduced.insert_axis(axis)
    })
}

/// `x` less its largest entry along the axes.
fn shifted(axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    let maximum = reduce(ReduceKind::Max, axes, x);
    let Some(maximum) = maximum.broadcast(IxDyn(x.shape())) else { return x.clone() };
    x - &maximum
}

fn softmax(axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    let exponentials = shifted(axes, x).mapv_into(f64::exp);
    let sum = reduce(ReduceKind::Sum, axes, &exponentials);
    let Some(sum) = sum.broadcast(IxDyn(x.shape())) else { return exponentials };
    &exponentials / &sum
}

fn log_softmax(axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    let x = shifted(axes, x);
    let sum = reduce(ReduceKind::Sum, axes, &x.mapv(f64::exp)).mapv_into(f64::ln);
    let Some(sum) = sum.broadcast(IxDyn(x.shape())) else { return x };
    &x - &sum
}
