//! tract's typed model to the typed graph, node by node.

use std::collections::HashMap;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::EvalContext;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::source::TypedSource;

use super::contain::Failure;
use super::error::{ImportError, UnsupportedNode};
use super::load::Loaded;
use super::own::Own;
use super::refusal::Refusal;
use super::site::{Import, Site, Translator, Value, domain_of};
use super::sizes::MOST_CONSTANT;
use crate::graph::{Domain, Graph, NodeId};
use crate::ops::{IMPORTS, Reshape, Unary};

/// Translates a whole model; all nodes without translation are reported at once.
pub(super) fn translate(loaded: &Loaded) -> Result<Graph, ImportError> {
    let model = &loaded.model;
    let transposed = transposed(loaded);
    let mut translator =
        Translator { model, graph: Graph::new(), values: HashMap::new(), constants: HashMap::new(), transposed };
    let inference = |error: TractError| ImportError::inference(Failure::from(error));
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

impl<'m> Translator<'m> {
    fn refusal(&self, loaded: &Loaded, node: usize, hint: Refusal) -> ImportError {
        let node = self.model.node(node);
        let name = loaded.names.resolve(&node.name);
        ImportError::Unsupported(vec![UnsupportedNode { name, op: node.op.name().into_owned(), hint }])
    }

    fn input(&mut self, outlet: OutletId) -> Result<(), Refusal> {
        let shape = self.shape_of(outlet)?;
        let domain = domain_of(self.model.outlet_fact(outlet)?.datum_type)?;
        let id = self.graph.add_input_of(domain, self.model.node(outlet.node).name.clone(), &shape);
        self.values.insert(outlet, Value::Node(id));
        Ok(())
    }

    fn node(&mut self, loaded: &Loaded, id: usize) -> Result<(), Refusal> {
        let node = self.model.node(id);
        if self.evaluate(node) {
            return Ok(());
        }
        let name = loaded.names.resolve(&node.name);
        let site = Site { node, name, shape: self.shape_of(OutletId::new(id, 0))? };
        let values = translated(self, &site)?;
        let used =
            |slot: usize| !node.outputs[slot].successors.is_empty() || self.model.outputs.contains(&OutletId::new(id, slot));
        if (values.len()..node.outputs.len()).any(used) {
            return Err(Refusal::Form("only the first output of this operator is supported"));
        }
        for (slot, value) in values.into_iter().enumerate() {
            let value = self.of_type(&site, value, node.outputs[slot].fact.datum_type)?;
            self.values.insert(OutletId::new(id, slot), Value::Node(value));
        }
        Ok(())
    }

    /// A result of a declared type. Integers that leave their type's range wrap around, as ONNX says; what is not carried exactly is
    /// no integer.
    fn of_type(&mut self, site: &Site<'_>, value: NodeId, kind: DatumType) -> Result<NodeId, Refusal> {
        let Some((lo, hi)) = domain_of(kind)?.range() else { return Ok(value) };
        let Some((least, most)) = self.graph.domain(value).range() else {
            return Err(Refusal::Rounded(format!("{kind:?}")));
        };
        if kind == DatumType::Bool {
            let fits = self.graph.domain(value) == Domain::Boolean;
            return if fits { Ok(value) } else { Err(Refusal::Form("a boolean that is not 0 or 1")) };
        }
        if lo <= least && most <= hi { Ok(value) } else { self.add(site, Unary::Wrap { lo, hi }, &[value]) }
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
            let node = self.graph.add("", Reshape, &[], &shape);
            let kind = self.model.outlet_fact(outlet).map(|fact| fact.datum_type);
            if let Some(domain) = kind.ok().and_then(|kind| domain_of(kind).ok()) {
                self.graph.declare(node, domain);
            }
            self.values.insert(outlet, Value::Node(node));
        }
    }
}

/// Constants that are transposes of other constants.
fn transposed(loaded: &Loaded) -> HashMap<OutletId, (OutletId, Vec<usize>)> {
    let nodes = loaded.model.nodes().iter().filter(|node| node.op_is::<Const>());
    let constants: HashMap<String, OutletId> =
        nodes.map(|node| (loaded.names.resolve(&node.name), OutletId::new(node.id, 0))).collect();
    let known = |name: &String| constants.get(name).copied();
    let pairs = loaded.transposed.iter();
    pairs.filter_map(|(result, weight, order)| Some((known(result)?, (known(weight)?, order.clone())))).collect()
}

/// The nodes by the operator's own rule, of the first outputs.
fn translated(t: &mut Translator<'_>, site: &Site<'_>) -> Result<Vec<NodeId>, Refusal> {
    if let Some(own) = site.node.op_as::<Own>() {
        return own.translate(t, site);
    }
    let name = site.node.op.name();
    for import in IMPORTS.iter().copied().flatten() {
        if let Import::Several(known, handler) = *import
            && known == name
        {
            return handler(t, site);
        }
        let found = match *import {
            Import::Named(known, handler) if known == name => Some(handler(t, site)),
            Import::Family(known, handler) if name.starts_with(known) => Some(handler(t, site)),
            Import::Unary(function) => {
                let function = site.node.op_as::<ElementWiseOp>().and_then(|op| function(&*op.0));
                function.map(|function| t.operand(site, 0).and_then(|x| t.add(site, function, &[x])))
            }
            Import::Binary(handler) => site.node.op_as::<TypedBinOp>().and_then(|op| handler(t, site, &*op.0)),
            Import::Named(..) | Import::Family(..) | Import::Several(..) => None,
        };
        if let Some(found) = found {
            return found.map(|node| vec![node]);
        }
    }
    Err(Refusal::Operator)
}
