//! Comparisons, and the choice between two tensors (docs/lowerings.md, section 20).

use ndarray::{ArrayD, Zip};
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::logic::{CompEq, CompGT, CompGTE, CompLT, CompLTE};
use zktorch_blocks::program::Scale;

use super::operator::{Imports, Nature, Operator, Ranges, empty, zip};
use super::shape::{Misfit, alike, arity, same};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, finest, power};
use crate::quantise::{Range, to_integer};

pub(super) const IMPORT: Imports = &[Import::Binary(compare), Import::Named("Iff", select)];

/// Bits of scale that such a constant may add to the other tensor.
const FINER: i32 = 8;
/// No number that is chosen is larger.
const FAR: f64 = (1u64 << 60) as f64;

/// 1 where the comparison of two tensors of one shape holds, else 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compare(pub Comparison);

/// Operands `condition`, `a`, `b` of one shape: `a` where the condition is not 0, else `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Select;

/// A comparison of two entries. Greater-than is less-than with swapped operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a == b`
    Equal,
}

impl Comparison {
    /// 1 if the comparison holds, else 0.
    pub fn eval(self, a: f64, b: f64) -> f64 {
        let holds = match self {
            Comparison::Less => a < b,
            Comparison::LessEqual => a <= b,
            Comparison::Equal => a == b,
        };
        f64::from(u8::from(holds))
    }
}

fn compare(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    let (comparison, swapped) = match () {
        () if op.is::<CompLT>() => (Comparison::Less, false),
        () if op.is::<CompGT>() => (Comparison::Less, true),
        () if op.is::<CompLTE>() => (Comparison::LessEqual, false),
        () if op.is::<CompGTE>() => (Comparison::LessEqual, true),
        () if op.is::<CompEq>() => (Comparison::Equal, false),
        () => return None,
    };
    Some(t.binary(site, Compare(comparison), swapped))
}

/// `where(condition, a, b)`; a known, uniform condition picks its branch.
fn select(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    if let Some(condition) = t.uniform(site, 0) {
        let branch = t.operand(site, if condition != 0.0 { 1 } else { 2 })?;
        return Ok(t.broadcast(site, branch, &site.shape));
    }
    let mut operands = Vec::with_capacity(3);
    for index in 0..3 {
        let operand = t.operand(site, index)?;
        operands.push(t.broadcast(site, operand, &site.shape));
    }
    t.add(site, Select, &operands)
}

impl Operator for Compare {
    fn name(&self) -> &'static str {
        match self.0 {
            Comparison::Less => "Less",
            Comparison::LessEqual => "LessOrEqual",
            Comparison::Equal => "Equal",
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Boolean
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| self.0.eval(a, b))
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
        for (x, t, swapped) in [(a, b, false), (b, a, true)] {
            if let (false, Some(thresholds)) = (at.exact(x), at.constant(t)) {
                return at.against(id, x, &thresholds, (self.0, swapped));
            }
        }
        let name = at.name(id);
        let tensor = match self.0 {
            Comparison::LessEqual => {
                let gap = at.gap(&format!("{name}.gap"), a, b, false)?;
                at.nonnegative(&name, gap)?
            }
            Comparison::Less => {
                let gap = at.gap(&format!("{name}.less"), a, b, true)?;
                at.nonnegative(&name, gap)?
            }
            Comparison::Equal => {
                let mut bits = Vec::with_capacity(2);
                for (a, b, suffix) in [(a, b, "least"), (b, a, "most")] {
                    let gap = at.gap(&format!("{name}.{suffix}"), a, b, false)?;
                    let tensor = at.nonnegative(&format!("{name}.{suffix}"), gap)?;
                    bits.push(Value { tensor, scale: Scale(0), depth: 0 });
                }
                at.product(&name, bits[0], bits[1])?.tensor
            }
        };
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }
}

/// A tensor that is chosen, or one number.
enum Branch {
    Tensor(Value),
    Number(f64),
}

impl Branch {
    fn of(at: &mut Lowering<'_>, id: NodeId) -> Result<Self, Refusal> {
        let number = at.constant(id).and_then(|constant| constant.single());
        number.map_or_else(|| at.value(id).map(Self::Tensor), |number| Ok(Self::Number(number)))
    }

    /// The finest scale that it is of use at.
    fn finest(&self) -> Scale {
        match self {
            Self::Tensor(value) => value.scale,
            Self::Number(number) => finest(*number),
        }
    }
}

impl Operator for Select {
    fn name(&self) -> &'static str {
        "Where"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 3..=3)?;
        alike(operands).map(Some)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        operands.get(1).zip(operands.get(2)).map_or(Domain::Real, |(a, b)| a.join(*b))
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let [condition, a, b] = *operands else { return empty() };
        Zip::from(condition).and(a).and(b).map_collect(|&c, &a, &b| if c != 0.0 { a } else { b })
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::hull(at.all().iter().skip(1).flat_map(|r| [r.lo, r.hi]))
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    /// `c a + (1 - c) b`.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (c, a, b) = (at.operand(id, 0)?, at.operand(id, 1)?, at.operand(id, 2)?);
        let name = at.name(id);
        let condition = at.condition(c)?;
        let other = at.negated(&format!("{name}.other"), condition)?;
        if at.graph.domain(id) == Domain::Boolean {
            let (a, b) = (at.condition(a)?, at.condition(b)?);
            let first = at.product(&format!("{name}.first"), condition, a)?;
            let second = at.product(&format!("{name}.second"), other, b)?;
            return at.either(&name, first, second);
        }
        let branches = [(condition, Branch::of(at, a)?), (other, Branch::of(at, b)?)];
        let finest = branches.iter().map(|(_, branch)| branch.finest()).max().unwrap_or_default();
        let tensors =
            branches.iter().filter_map(|(_, branch)| if let Branch::Tensor(x) = branch { Some(x.scale) } else { None });
        let scale = match tensors.max() {
            _ if at.exact(id) => Scale(0),
            Some(scale) => finest.min(scale + FINER),
            None => finest,
        };
        let (mut terms, mut depth) = (Vec::new(), condition.depth);
        for ((bit, branch), suffix) in branches.into_iter().zip(["first", "second"]) {
            match branch {
                Branch::Tensor(x) => {
                    let chosen = at.product(&format!("{name}.{suffix}"), bit, x)?;
                    depth = depth.max(chosen.depth);
                    terms.push((power(scale - x.scale)?, chosen.tensor));
                }
                Branch::Number(number) => match to_integer(number, scale) {
                    integer if integer.abs() < FAR => terms.push((integer as i64, bit.tensor)),
                    _ => return Err(format!("a choice of {number} beside numbers of the size of activations").into()),
                },
            }
        }
        let tensor = at.builder.linear(&name, &terms, 0, scale)?;
        Ok(Value { tensor, scale, depth })
    }
}
