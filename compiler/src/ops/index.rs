//! Indices of an axis that depend on inputs, counted from its beginning (docs/lowerings.md, section 24).

use ndarray::ArrayD;
use zktorch_blocks::program::{Interval, Scale};

use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, one};
use super::unary::Unary;
use crate::graph::{Domain, NodeId};
use crate::import::{Refusal as ImportRefusal, Site, Translator};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

/// Operators that take indices make these.
pub(super) const IMPORT: Imports = &[];

/// Integers that are below an extent, and negative ones that count from its end: each as what counts from the beginning. A run with any other
/// is refused, and there is no proof of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// Of the axis.
    pub extent: usize,
}

/// The entries of an operand as indices of an axis.
pub(super) fn indices(t: &mut Translator<'_>, site: &Site<'_>, x: NodeId, extent: usize) -> Result<NodeId, ImportRefusal> {
    // A one-hot tensor may be asked for at reals, which ONNX casts first.
    let x = if t.graph.domain(x).is_exact() { x } else { t.add(site, Unary::Trunc, &[x])? };
    t.add(site, Index { extent }, &[x])
}

impl Operator for Index {
    fn name(&self) -> &'static str {
        "Index"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        Ok(Some(one(operands)?.to_vec()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Integer { lo: 0, hi: self.extent as i64 - 1 }
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let extent = self.extent as f64;
        operands.first().map_or_else(empty, |x| x.mapv(|v| if v < 0.0 { v + extent } else { v }))
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range { lo: 0.0, hi: self.extent as f64 - 1.0 }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    /// `x + extent (1 - [x >= 0])`, held to the axis.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, operand) = (at.name(id), at.operand(id, 0)?);
        let x = at.value(operand)?;
        let extent = self.extent as i64;
        let mut tensor = x.tensor;
        if at.builder.interval(tensor).lo < 0 {
            let sign = at.nonnegative(&name, tensor)?;
            let terms = [(1, tensor), (-extent, sign)];
            tensor = at.builder.linear(&format!("{name}.counted"), &terms, extent, Scale(0))?;
        }
        at.below(&name, tensor, extent)?;
        // Nothing else has a row behind the axis, or before it.
        let within = Interval::new(0, extent - 1);
        let known = at.builder.interval(tensor);
        let tensor = if within.contains(known.lo) && within.contains(known.hi) {
            tensor
        } else {
            at.builder.copy_within(&format!("{name}.copy"), tensor, within)
        };
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }
}
