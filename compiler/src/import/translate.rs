//! tract's typed model to the typed graph, node by node.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::EvalContext;
use tract_onnx::tract_core::ops::source::TypedSource;

use super::error::{ImportError, UnsupportedNode};
use super::load::Loaded;
use super::registry;
use super::sizes::MOST_CONSTANT;
use crate::graph::{Domain, EXACT, Graph, NodeId, Op, Unary};

/// Why a node has no translation: a hint for the user.
pub(super) type Refusal = String;

/// Translates a whole model; all nodes without translation are reported at once.
pub(super) fn translate(loaded: &Loaded) -> Result<Graph, ImportError> {
    let model = &loaded.model;
    let mut translator = Translator { model, graph: Graph::new(), values: HashMap::new(), constants: HashMap::new() };
    let inference = |error: TractError| ImportError::Inference { reason: error.to_string() };
    for input in &model.inputs {
        translator.input(*input).map_err(|hint| translator.refusal(loaded, input.node, hint))?;
    }
    let mut refused = Vec::new();
    for id in model.eval_order().map_err(inference)? {
        let node = model.node(id);
        if node.op_is::<TypedSource>() {
            continue;
        }
        if let Err(hint) = translator.node(loaded, id) {
            let name = loaded.names.resolve(&node.name);
            refused.push(UnsupportedNode { name, op: node.op.name().into_owned(), hint });
            translator.stand_in(id);
        }
    }
    if !refused.is_empty() {
        return Err(ImportError::Unsupported(refused));
    }
    for (index, outlet) in model.outputs.iter().enumerate() {
        let name = loaded.output_names.get(index).cloned().unwrap_or_else(|| format!("output_{index}"));
        let node = translator.value(*outlet, &name).map_err(|hint| translator.refusal(loaded, outlet.node, hint))?;
        translator.graph.add_output(name, node);
    }
    translator.graph.remove_dead();
    Ok(translator.graph)
}

/// What a tract outlet is here.
enum Value {
    /// Does not depend on inputs.
    Known(Arc<Tensor>),
    /// A node of the graph.
    Node(NodeId),
}

/// The state of a translation.
pub(super) struct Translator<'m> {
    model: &'m TypedModel,
    pub(super) graph: Graph,
    values: HashMap<OutletId, Value>,
    constants: HashMap<OutletId, NodeId>,
}

/// The node being translated.
pub(super) struct Site<'m> {
    pub(super) node: &'m TypedNode,
    /// The ONNX name, for the nodes that come out.
    pub(super) name: String,
    /// The shape of the node's first output.
    pub(super) shape: Vec<usize>,
}

impl Site<'_> {
    /// The operator, if it is a `T`.
    pub(super) fn op<T: tract_onnx::tract_core::ops::TypedOp>(&self) -> Result<&T, Refusal> {
        self.node.op_as::<T>().ok_or_else(|| "a variant of this operator that is not known".to_owned())
    }
}

impl<'m> Translator<'m> {
    fn refusal(&self, loaded: &Loaded, node: usize, hint: Refusal) -> ImportError {
        let node = self.model.node(node);
        let name = loaded.names.resolve(&node.name);
        ImportError::Unsupported(vec![UnsupportedNode { name, op: node.op.name().into_owned(), hint }])
    }

    fn input(&mut self, outlet: OutletId) -> Result<(), Refusal> {
        let shape = self.shape_of(outlet)?;
        let domain = domain_of(self.model.outlet_fact(outlet).map_err(|e| e.to_string())?.datum_type)?;
        let id = self.graph.add_input_of(domain, self.model.node(outlet.node).name.clone(), &shape);
        self.values.insert(outlet, Value::Node(id));
        Ok(())
    }

    fn node(&mut self, loaded: &Loaded, id: usize) -> Result<(), Refusal> {
        let node = self.model.node(id);
        if self.evaluate(node) {
            return Ok(());
        }
        let handler = registry::handler(&node.op.name()).ok_or("this operator is not supported")?;
        let used =
            |slot: usize| !node.outputs[slot].successors.is_empty() || self.model.outputs.contains(&OutletId::new(id, slot));
        if (1..node.outputs.len()).any(used) {
            return Err("only the first output of this operator is supported".to_owned());
        }
        let outlet = OutletId::new(id, 0);
        let site = Site { node, name: loaded.names.resolve(&node.name), shape: self.shape_of(outlet)? };
        let value = handler(self, &site)?;
        let value = self.of_type(&site, value, node.outputs[0].fact.datum_type)?;
        self.values.insert(outlet, Value::Node(value));
        Ok(())
    }

    /// A result of a declared type. Integers that leave their type's range wrap around, as ONNX says; what is not carried exactly is
    /// no integer.
    fn of_type(&mut self, site: &Site<'_>, value: NodeId, kind: DatumType) -> Result<NodeId, Refusal> {
        let Some((lo, hi)) = domain_of(kind)?.range() else { return Ok(value) };
        let Some((least, most)) = self.graph.domain(value).range() else {
            return Err(format!("this operator on integers ({kind:?}) is not supported: its results would be rounded"));
        };
        if kind == DatumType::Bool {
            let fits = self.graph.domain(value) == Domain::Boolean;
            return if fits { Ok(value) } else { Err("a boolean that is not 0 or 1".to_owned()) };
        }
        if lo <= least && most <= hi { Ok(value) } else { self.add(site, Op::Unary(Unary::Wrap { lo, hi }), &[value]) }
    }

    /// Evaluates a node whose inputs are all known.
    fn evaluate(&mut self, node: &TypedNode) -> bool {
        let konst = |slot: usize| node.outputs[slot].fact.konst.clone();
        if let Some(outputs) = (0..node.outputs.len()).map(konst).collect::<Option<Vec<_>>>() {
            for (slot, tensor) in outputs.into_iter().enumerate() {
                self.values.insert(OutletId::new(node.id, slot), Value::Known(tensor));
            }
            return true;
        }
        let known = |outlet: &OutletId| match self.values.get(outlet) {
            Some(Value::Known(tensor)) => Some(tensor.clone().into_tvalue()),
            _ => None,
        };
        let Some(inputs) = node.inputs.iter().map(known).collect::<Option<TVec<TValue>>>() else { return false };
        let given = inputs.iter().map(|tensor| tensor.len()).fold(MOST_CONSTANT, usize::max);
        let made = |slot| self.shape_of(OutletId::new(node.id, slot)).map_or(0, |shape| shape.iter().product::<usize>());
        if (0..node.outputs.len()).any(|slot| made(slot) > given) {
            return false;
        }
        let Ok(outputs) = node.op.eval(&EvalContext::out_of_plan(), inputs) else { return false };
        for (slot, value) in outputs.into_iter().enumerate() {
            self.values.insert(OutletId::new(node.id, slot), Value::Known(value.into_arc_tensor()));
        }
        true
    }

    /// Lets the translation go on after a refusal, so that later refusals are found too.
    fn stand_in(&mut self, id: usize) {
        for slot in 0..self.model.node(id).outputs.len() {
            let outlet = OutletId::new(id, slot);
            let shape = self.shape_of(outlet).unwrap_or_default();
            let node = self.graph.add("", Op::Reshape, &[], &shape);
            let kind = self.model.outlet_fact(outlet).map(|fact| fact.datum_type);
            if let Some(domain) = kind.ok().and_then(|kind| domain_of(kind).ok()) {
                self.graph.declare(node, domain);
            }
            self.values.insert(outlet, Value::Node(node));
        }
    }

    fn shape_of(&self, outlet: OutletId) -> Result<Vec<usize>, Refusal> {
        let fact = self.model.outlet_fact(outlet).map_err(|e| e.to_string())?;
        fact.shape.as_concrete().map(<[usize]>::to_vec).ok_or_else(|| format!("the shape {:?} is not fixed", fact.shape))
    }

    /// The node of a value; a known one becomes a constant.
    fn value(&mut self, outlet: OutletId, name: &str) -> Result<NodeId, Refusal> {
        let tensor = match self.values.get(&outlet) {
            Some(Value::Node(node)) => return Ok(*node),
            Some(Value::Known(tensor)) => tensor.clone(),
            None => return Err("an operand has no value".to_owned()),
        };
        if let Some(&node) = self.constants.get(&outlet) {
            return Ok(node);
        }
        let node = self.graph.add_constant_of(domain_of(tensor.datum_type())?, name, to_array(&tensor)?);
        self.constants.insert(outlet, node);
        Ok(node)
    }

    /// The node of an operand.
    pub(super) fn operand(&mut self, site: &Site<'_>, index: usize) -> Result<NodeId, Refusal> {
        let outlet = *site.node.inputs.get(index).ok_or("an operand is missing")?;
        let name = self.model.node(outlet.node).name.clone();
        self.value(outlet, &name)
    }

    /// The shape of an operand.
    pub(super) fn operand_shape(&self, site: &Site<'_>, index: usize) -> Result<Vec<usize>, Refusal> {
        self.shape_of(*site.node.inputs.get(index).ok_or("an operand is missing")?)
    }

    /// The element type of an operand.
    pub(super) fn operand_type(&self, site: &Site<'_>, index: usize) -> Result<DatumType, Refusal> {
        let outlet = *site.node.inputs.get(index).ok_or("an operand is missing")?;
        Ok(self.model.outlet_fact(outlet).map_err(|e| e.to_string())?.datum_type)
    }

    /// An operand's tensor, if it does not depend on inputs.
    pub(super) fn known(&self, site: &Site<'_>, index: usize) -> Option<&Arc<Tensor>> {
        match self.values.get(site.node.inputs.get(index)?)? {
            Value::Known(tensor) => Some(tensor),
            Value::Node(_) => None,
        }
    }

    /// The one value of all entries of a known operand.
    pub(super) fn uniform(&self, site: &Site<'_>, index: usize) -> Option<f64> {
        let values = to_array(self.known(site, index)?).ok()?;
        let first = *values.first()?;
        values.iter().all(|&v| v == first).then_some(first)
    }

    /// Adds a node whose shape follows from its operands.
    pub(super) fn add(&mut self, site: &Site<'_>, op: Op, operands: &[NodeId]) -> Result<NodeId, Refusal> {
        self.graph.add_inferred(site.name.clone(), op, operands).map_err(|e| e.to_string())
    }

    /// The same entries under another shape.
    pub(super) fn reshape(&mut self, site: &Site<'_>, x: NodeId, shape: &[usize]) -> NodeId {
        if self.graph.shape(x) == shape { x } else { self.graph.add(site.name.clone(), Op::Reshape, &[x], shape) }
    }

    /// Repeats a node's entries up to a shape, by ONNX's (NumPy's) rule.
    pub(super) fn broadcast(&mut self, site: &Site<'_>, x: NodeId, shape: &[usize]) -> NodeId {
        let own = self.graph.shape(x);
        if own == shape {
            return x;
        }
        let mut padded = vec![1; shape.len().saturating_sub(own.len())];
        padded.extend_from_slice(own);
        let x = self.reshape(site, x, &padded);
        self.graph.add(site.name.clone(), Op::Broadcast, &[x], shape)
    }
}

/// What the entries of a tensor of this type are. Integers of 64 bits are taken to stay below 2^53.
pub(super) fn domain_of(kind: DatumType) -> Result<Domain, Refusal> {
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
        other => Err(format!("tensors of type {other:?} are not supported")),
    }
}

/// A tensor's entries, exactly: floats of 64 bits hold all others and integers up to 2^53.
pub(super) fn to_array(tensor: &Tensor) -> Result<ArrayD<f64>, Refusal> {
    let kind = tensor.datum_type();
    let reason = |e: TractError| format!("a constant of type {kind:?} is not numeric: {e}");
    let values = if kind.is_integer() || kind == DatumType::TDim {
        let integers = to_integers(tensor)?;
        if let Some(position) = integers.iter().position(|v| v.unsigned_abs() > EXACT.unsigned_abs()) {
            return Err(format!(
                "entry {position} of a constant of type {kind:?} is beyond 2^53, where floats lose integers"
            ));
        }
        integers.into_iter().map(|v| v as f64).collect()
    } else {
        let cast = tensor.cast_to::<f64>().map_err(reason)?;
        let plain = cast.try_as_plain_ram().map_err(reason)?;
        plain.as_slice::<f64>().map_err(reason)?.to_vec()
    };
    ArrayD::from_shape_vec(IxDyn(tensor.shape()), values).map_err(|e| e.to_string())
}

/// A tensor's entries as integers.
pub(super) fn to_integers(tensor: &Tensor) -> Result<Vec<i64>, Refusal> {
    let reason = |e: TractError| format!("expected integers, got {:?}: {e}", tensor.datum_type());
    let cast = tensor.cast_to::<i64>().map_err(reason)?;
    let plain = cast.try_as_plain_ram().map_err(reason)?;
    Ok(plain.as_slice::<i64>().map_err(reason)?.to_vec())
}
