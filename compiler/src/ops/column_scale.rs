//! Columns times powers of two, which are public: exact.

use ndarray::ArrayD;

use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, one, require};
use crate::graph::{Domain, NodeId};
use crate::lower::{Lowering, Refusal, Value, power};
use crate::quantise::Range;

/// No operator of ONNX: scales per column put it into a graph.
pub(super) const IMPORT: Imports = &[];

/// Each column (entries of one index of the last axis) times its power of two; the exponents, one for each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnScale(pub Vec<i32>);

impl Operator for ColumnScale {
    fn name(&self) -> &'static str {
        "ColumnScale"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let x = one(operands)?;
        require(x.last() == Some(&self.0.len()), || Misfit::Count {
            what: "exponents",
            got: self.0.len(),
            shape: x.to_vec(),
        })?;
        Ok(Some(x.to_vec()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let Some(&x) = operands.first() else { return empty() };
        let mut scaled = x.clone();
        let powers = self.0.iter().cycle().map(|&e| f64::from(e).exp2());
        scaled.iter_mut().zip(powers).for_each(|(value, power)| *value *= power);
        scaled
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let x = at.operand(0);
        Range::hull(self.0.iter().flat_map(|&e| {
            let power = f64::from(e).exp2();
            [x.lo * power, x.hi * power]
        }))
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (operand, name) = (at.operand(id, 0)?, at.name(id));
        let x = at.narrow(operand)?;
        let least = self.0.iter().copied().min().unwrap_or(0);
        let powers = self.0.iter().map(|e| power(e - least)).collect::<Result<Vec<i64>, _>>()?;
        let factors = at.builder.constant(&format!("{name}.columns"), &[powers.len()], powers);
        let all = Label::of(0..at.builder.dims(x.tensor).len());
        let last = &all[all.len().saturating_sub(1)..];
        let tensor = at.builder.einsum(&name, (factors, last), (x.tensor, &all), &all)?;
        let scale = x.scale - least;
        at.builder.set_scale(tensor, scale);
        Ok(Value { tensor, scale, depth: x.depth + 1 })
    }
}
