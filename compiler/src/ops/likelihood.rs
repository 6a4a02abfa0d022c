//! How likely a model finds a text: the sum of the logarithms that it gives to the tokens (docs/lowerings.md, section 21).

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::program::{AxisGroup, GroupMap, Marks, Relation, Role, Scale, TensorId};

use super::gather::ids_behind;
use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::regroup::reshape_groups;
use super::shape::{Misfit, arity, require};
use crate::graph::{Domain, NodeId};
use crate::lower::{Lowering, Refusal, Value, affine, pass};
use crate::quantise::Range;

/// No file has it: it is asked for.
pub(super) const IMPORT: Imports = &[];

/// `sum over t > 0 of counted[t] x[t - 1, ids[t]]`: of logarithms `x` of probabilities, tokens, and bits that say which of these count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likelihood;

impl Operator for Likelihood {
    fn name(&self) -> &'static str {
        "Likelihood"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 3..=3)?;
        let fits = matches!(operands, [[rows, _], [ids], [counted]] if ids == counted && *ids == rows + 1);
        require(fits, || Misfit::Broadcast { from: operands[1].to_vec(), to: operands[0].to_vec() })?;
        Ok(Some(Vec::new()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let [x, ids, counted] = *operands else { return empty() };
        let term = |t: usize| counted[[t]] * x.get([t - 1, ids[[t]] as usize]).copied().unwrap_or(0.0);
        ArrayD::from_elem(IxDyn(&[]), (1..ids.len()).map(term).sum())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let tokens = at.shape(0).first().copied().unwrap_or(0) as f64;
        Range { lo: tokens * at.operand(0).lo.min(0.0), hi: tokens * at.operand(0).hi.max(0.0) }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let [logarithms, ids, counted] = [at.operand(id, 0)?, at.operand(id, 1)?, at.operand(id, 2)?];
        let x = at.value(logarithms)?;
        let name = at.name(id);
        let [rows, extent] = at.builder.dims(x.tensor)[..] else { return Err("logarithms of no text".into()) };
        let behind = ids_behind(at.graph, ids);
        let known = at.value(behind)?.tensor;
        let behind_first = |at: &mut Lowering<'_>, suffix: &str, tensor: TensorId| {
            let dims: Vec<usize> = std::iter::once(rows).chain(at.builder.dims(tensor)[1..].iter().copied()).collect();
            let groups = (0..dims.len()).map(|axis| if axis == 0 { affine(0, 0, 1, 1) } else { pass(axis, axis) }).collect();
            at.builder.view(&format!("{name}.{suffix}"), tensor, &dims, groups)
        };
        let labels = Label::of(0..2);
        let picked = if at.builder.role(known) == Role::Public {
            let marks = Marks { indices: known, relation: Relation::Equal };
            let own = at.builder.marks(&format!("{name}.own"), marks, extent);
            let flat = [rows + 1, extent];
            let groups = reshape_groups(at.builder.dims(own), &flat);
            let own = at.builder.view(&format!("{name}.own.flat"), own, &flat, groups);
            let own = behind_first(at, "own.next", own);
            at.builder.einsum(&format!("{name}.picked"), (x.tensor, &labels), (own, &labels), &labels[..1])?
        } else {
            // The ids are below the vocabulary, so that each stays in its row.
            let ids = at.value(ids)?.tensor;
            let next = behind_first(at, "next", ids);
            let starts = (0..rows as i64).collect();
            let starts = at.builder.constant(&format!("{name}.row"), &[rows], starts);
            let place = at.builder.linear(&format!("{name}.place"), &[(1, next), (extent as i64, starts)], 0, Scale(0))?;
            let group = AxisGroup { out_axes: vec![0], source_axes: vec![0, 1], map: GroupMap::Reshape };
            let flat = at.builder.view(&format!("{name}.flat"), x.tensor, &[rows * extent], vec![group]);
            at.builder.rows(&format!("{name}.picked"), flat, place)
        };
        let counted = at.value(counted)?.tensor;
        let counted = behind_first(at, "counted", counted);
        let tensor = at.builder.einsum(&name, (picked, &labels[..1]), (counted, &labels[..1]), &[])?;
        at.builder.set_scale(tensor, x.scale);
        Ok(Value { tensor, scale: x.scale, depth: 0 })
    }
}
