//! The node that is being translated, and what translations of operators have to work with.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{AxisOp, DimLike};
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::element_wise::ElementWiseMiniOp;

use super::contain::Failure;
use super::refusal::Refusal;
use crate::graph::{Domain, EXACT, Graph, NodeId};
use crate::ops::{Broadcast, Op, Reshape, Transpose, Unary};

/// Translates one node into nodes of the graph and returns the one that is its output.
pub(crate) type Handler = fn(&mut Translator<'_>, &Site<'_>) -> Result<NodeId, Refusal>;

/// The same for a node of several outputs.
pub(crate) type HandlerOfSeveral = fn(&mut Translator<'_>, &Site<'_>) -> Result<Vec<NodeId>, Refusal>;

/// The same for a function of two entries; `None` if another file has it.
pub(crate) type BinaryHandler = fn(&mut Translator<'_>, &Site<'_>, &dyn BinMiniOp) -> Option<Result<NodeId, Refusal>>;

/// How an operator of tract's typed model becomes nodes of the graph.
pub(crate) enum Import {
    /// The operator of this name.
    Named(&'static str, Handler),
    /// The operator of this name, which has several outputs.
    Several(&'static str, HandlerOfSeveral),
    /// Operators whose names begin so.
    Family(&'static str, Handler),
    /// Functions of one entry, which tract keeps behind a wrapper.
    Unary(fn(&dyn ElementWiseMiniOp) -> Option<Unary>),
    /// Functions of two entries, likewise.
    Binary(BinaryHandler),
}

/// What a tract outlet is here.
pub(super) enum Value {
    /// Does not depend on inputs.
    Known(Arc<Tensor>),
    /// A node of the graph.
    Node(NodeId),
}

/// The state of a translation.
pub(crate) struct Translator<'m> {
    pub(super) model: &'m TypedModel,
    pub(crate) graph: Graph,
    pub(super) values: HashMap<OutletId, Value>,
    pub(super) constants: HashMap<OutletId, NodeId>,
    /// Constants that are transposes of others, with the orders of axes.
    pub(super) transposed: HashMap<OutletId, (OutletId, Vec<usize>)>,
}

/// The node being translated.
pub(crate) struct Site<'m> {
    pub(crate) node: &'m TypedNode,
    /// The ONNX name, for the nodes that come out.
    pub(crate) name: String,
    /// The shape of the node's first output.
    pub(crate) shape: Vec<usize>,
}

impl Site<'_> {
    /// The operator, if it is a `T`.
    pub(crate) fn op<T: tract_onnx::tract_core::ops::TypedOp>(&self) -> Result<&T, Refusal> {
        self.node.op_as::<T>().ok_or(Refusal::Form("a variant of this operator that is not known"))
    }
}

impl Translator<'_> {
    /// The shape of an outlet.
    pub(super) fn shape_of(&self, outlet: OutletId) -> Result<Vec<usize>, Refusal> {
        let fact = self.model.outlet_fact(outlet)?;
        let open = || Refusal::Open { what: "the shape", dim: format!("{:?}", fact.shape) };
        fact.shape.as_concrete().map(<[usize]>::to_vec).ok_or_else(open)
    }

    /// The node of a value; a known one becomes a constant.
    pub(super) fn value(&mut self, outlet: OutletId, name: &str) -> Result<NodeId, Refusal> {
        let tensor = match self.values.get(&outlet) {
            Some(Value::Node(node)) => return Ok(*node),
            Some(Value::Known(tensor)) => tensor.clone(),
            None => return Err(Refusal::Missing("an operand has no value")),
        };
        if let Some(&node) = self.constants.get(&outlet) {
            return Ok(node);
        }
        let node = match self.rearranged(outlet, name)? {
            Some(node) => node,
            None => self.graph.add_constant_of(domain_of(tensor.datum_type())?, name, to_array(&tensor)?),
        };
        self.constants.insert(outlet, node);
        Ok(node)
    }

    /// A constant that is another one with its axes rearranged, if that one has other users too: as such, so that both stay one weight.
    fn rearranged(&mut self, outlet: OutletId, name: &str) -> Result<Option<NodeId>, Refusal> {
        let behind = |outlet: OutletId| {
            let node = self.model.node(outlet.node);
            Some((node.op_as::<AxisOp>()?, *node.inputs.first()?))
        };
        let shape = self.shape_of(outlet)?;
        if let Some((source, order)) = self.transposed.get(&outlet).cloned() {
            let from = self.shape_of(source)?;
            let moved = order.len() == from.len() && order.iter().map(|&axis| from.get(axis)).eq(shape.iter().map(Some));
            if let Some(weight) = self.model.outlet_fact(source)?.konst.clone() {
                self.values.entry(source).or_insert(Value::Known(weight));
            }
            let source = self.value(source, name)?;
            return Ok(moved.then(|| self.graph.add(name, Transpose(order), &[source], &shape)));
        }
        let Some((op, source)) = behind(outlet) else { return Ok(None) };
        let mut root = source;
        while let Some((_, source)) = behind(root) {
            root = source;
        }
        let shared = self.transposed.contains_key(&root) || self.model.outlet_successors(root).len() > 1;
        let known = matches!(self.values.get(&source), Some(Value::Known(_)));
        if !shared || !known || shape.iter().product::<usize>() < 2 {
            return Ok(None);
        }
        let op = match *op {
            AxisOp::Move(axis, to) => Op::Transpose(Transpose::moving(shape.len(), axis, to)),
            AxisOp::Add(_) | AxisOp::Rm(_) | AxisOp::Reshape(..) => Op::Reshape(Reshape),
        };
        let source = self.value(source, name)?;
        Ok(Some(self.graph.add(name, op, &[source], &shape)))
    }

    /// The node of an operand.
    pub(crate) fn operand(&mut self, site: &Site<'_>, index: usize) -> Result<NodeId, Refusal> {
        let outlet = *site.node.inputs.get(index).ok_or(Refusal::Missing("an operand is missing"))?;
        let name = self.model.node(outlet.node).name.clone();
        self.value(outlet, &name)
    }

    /// The shape of an operand.
    pub(crate) fn operand_shape(&self, site: &Site<'_>, index: usize) -> Result<Vec<usize>, Refusal> {
        self.shape_of(*site.node.inputs.get(index).ok_or(Refusal::Missing("an operand is missing"))?)
    }

    /// The element type of an operand.
    pub(crate) fn operand_type(&self, site: &Site<'_>, index: usize) -> Result<DatumType, Refusal> {
        let outlet = *site.node.inputs.get(index).ok_or(Refusal::Missing("an operand is missing"))?;
        Ok(self.model.outlet_fact(outlet)?.datum_type)
    }

    /// An operand's tensor, if it does not depend on inputs.
    pub(crate) fn known(&self, site: &Site<'_>, index: usize) -> Option<&Arc<Tensor>> {
        match self.values.get(site.node.inputs.get(index)?)? {
            Value::Known(tensor) => Some(tensor),
            Value::Node(_) => None,
        }
    }

    /// The one value of all entries of a known operand.
    pub(crate) fn uniform(&self, site: &Site<'_>, index: usize) -> Option<f64> {
        let values = to_array(self.known(site, index)?).ok()?;
        let first = *values.first()?;
        values.iter().all(|&v| v == first).then_some(first)
    }

    /// Adds a node whose shape follows from its operands.
    pub(crate) fn add(&mut self, site: &Site<'_>, op: impl Into<Op>, operands: &[NodeId]) -> Result<NodeId, Refusal> {
        Ok(self.graph.add_inferred(site.name.clone(), op, operands)?)
    }

    /// The same entries under another shape.
    pub(crate) fn reshape(&mut self, site: &Site<'_>, x: NodeId, shape: &[usize]) -> NodeId {
        if self.graph.shape(x) == shape { x } else { self.graph.add(site.name.clone(), Reshape, &[x], shape) }
    }

    /// A function of both operands' entries, which may change places.
    pub(crate) fn binary(&mut self, site: &Site<'_>, op: impl Into<Op>, swapped: bool) -> Result<NodeId, Refusal> {
        let (a, b) = (self.operand(site, usize::from(swapped))?, self.operand(site, usize::from(!swapped))?);
        let a = self.broadcast(site, a, &site.shape);
        let b = self.broadcast(site, b, &site.shape);
        self.add(site, op, &[a, b])
    }

    /// Repeats a node's entries up to a shape, by ONNX's (NumPy's) rule.
    pub(crate) fn broadcast(&mut self, site: &Site<'_>, x: NodeId, shape: &[usize]) -> NodeId {
        let own = self.graph.shape(x);
        if own == shape {
            return x;
        }
        let mut padded = vec![1; shape.len().saturating_sub(own.len())];
        padded.extend_from_slice(own);
        let x = self.reshape(site, x, &padded);
        self.graph.add(site.name.clone(), Broadcast, &[x], shape)
    }
}

/// What the entries of a tensor of this type are. Integers of 64 bits are taken to stay below 2^53.
pub(crate) fn domain_of(kind: DatumType) -> Result<Domain, Refusal> {
    let integers = |lo: i64, hi: i64| Ok(Domain::Integer { lo, hi });
    match kind {
        DatumType::Bool => Ok(Domain::Boolean),
        DatumType::U8 => integers(0, u8::MAX.into()),
        DatumType::U16 => integers(0, u16::MAX.into()),
        DatumType::U32 => integers(0, u32::MAX.into()),
        DatumType::U64 => integers(0, EXACT),
        DatumType::I8 => integers(i8::MIN.into(), i8::MAX.into()),
        DatumType::I16 => integers(i16::MIN.into(), i16::MAX.into()),
        DatumType::I32 => integers(i32::MIN.into(), i32::MAX.into()),
        DatumType::I64 | DatumType::TDim => Ok(Domain::ANY),
        DatumType::F16 | DatumType::F32 | DatumType::F64 => Ok(Domain::Real),
        other => Err(Refusal::Element(format!("{other:?}"))),
    }
}

/// A tensor's entries, exactly: floats of 64 bits hold all others and integers up to 2^53.
pub(crate) fn to_array(tensor: &Tensor) -> Result<ArrayD<f64>, Refusal> {
    let kind = tensor.datum_type();
    let reason = |e| not_of("numbers", kind, e);
    let values = if kind.is_integer() || kind == DatumType::TDim {
        let integers = to_integers(tensor)?;
        if let Some(position) = integers.iter().position(|v| v.unsigned_abs() > EXACT.unsigned_abs()) {
            return Err(Refusal::Inexact { position, kind: format!("{kind:?}") });
        }
        integers.into_iter().map(|v| v as f64).collect()
    } else {
        let cast = tensor.cast_to::<f64>().map_err(reason)?;
        let plain = cast.try_as_plain_ram().map_err(reason)?;
        plain.as_slice::<f64>().map_err(reason)?.to_vec()
    };
    let of_shape = ArrayD::from_shape_vec(IxDyn(tensor.shape()), values);
    of_shape.map_err(|e| not_of("numbers", kind, e.into()))
}

/// A tensor's entries as integers.
pub(crate) fn to_integers(tensor: &Tensor) -> Result<Vec<i64>, Refusal> {
    let reason = |e| not_of("integers", tensor.datum_type(), e);
    let cast = tensor.cast_to::<i64>().map_err(reason)?;
    let plain = cast.try_as_plain_ram().map_err(reason)?;
    Ok(plain.as_slice::<i64>().map_err(reason)?.to_vec())
}

/// Why a tensor is not read as entries of a kind.
fn not_of(expected: &'static str, got: DatumType, why: TractError) -> Refusal {
    Refusal::Entries { expected, got: format!("{got:?}"), why: Failure::from(why) }
}

/// A bound that is fixed.
pub(crate) fn integer(dim: &TDim) -> Result<i64, Refusal> {
    dim.to_i64().map_err(|_| open(dim))
}

/// An extent that is fixed.
pub(crate) fn extent(dim: &TDim) -> Result<usize, Refusal> {
    dim.to_usize().map_err(|_| open(dim))
}

fn open(dim: &TDim) -> Refusal {
    Refusal::Open { what: "the bound", dim: dim.to_string() }
}
