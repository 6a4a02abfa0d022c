//! The token that a model answers with: that of the largest logit, the first of several (docs/lowerings.md, section 21).

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::program::{Advice, Interval, Marks, Relation, Scale};

use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, require, two};
use crate::graph::{Domain, NodeId};
use crate::lower::{Lowering, Note, Refusal, Value};
use crate::quantise::Range;

/// No file has it: it is asked for.
pub(super) const IMPORT: Imports = &[];

/// How many times further than those of samples logits may lie apart.
const ROOM: f64 = 4.0;
/// Bits of the largest difference of logits.
const WIDEST: i64 = 60;

/// `out[i] = argmax_j x[i, j]`, the lowest index of several, which is held to be the token that operand 1 has at `i`: part of the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greedy;

impl Operator for Greedy {
    fn name(&self) -> &'static str {
        "Greedy"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let [logits, tokens] = two(operands)?;
        let fits = logits.split_last().is_some_and(|(_, rows)| rows == tokens);
        require(fits, || Misfit::Broadcast { from: tokens.to_vec(), to: logits.to_vec() })?;
        Ok(Some(tokens.to_vec()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::ANY
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let Some(logits) = operands.first() else { return empty() };
        let first = |row: ndarray::ArrayView1<'_, f64>| {
            let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter().position(|&logit| logit == best).unwrap_or(0) as f64
        };
        let rows = logits.rows().into_iter().map(first).collect();
        ArrayD::from_shape_vec(IxDyn(shape), rows).unwrap_or_else(|_| empty())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range { lo: 0.0, hi: at.shape(0).last().map_or(0.0, |&extent| extent as f64 - 1.0) }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    /// `x_token - x_j - [j < token]` is not negative, on logits as they are accumulated: none is larger, and none before it as large.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let [logits, tokens] = [at.operand(id, 0)?, at.operand(id, 1)?];
        let [x, wanted] = [at.value(logits)?, at.value(tokens)?];
        let (name, dims) = (at.name(id), at.builder.dims(x.tensor).to_vec());
        let Some((&extent, rows)) = dims.split_last() else { return Err("logits without an axis".into()) };
        let rule = Advice::ArgMax { source: x.tensor };
        let token = at.builder.advice(&name, rows, rule, Interval::new(0, extent as i64 - 1), Scale(0));
        at.builder.show(token);
        let marks = |relation| Marks { indices: token, relation };
        let own = at.builder.marks(&format!("{name}.own"), marks(Relation::Equal), extent);
        let before = at.builder.marks(&format!("{name}.before"), marks(Relation::Below), extent);

        let labels = Label::of(0..dims.len());
        let kept: Vec<usize> = (0..rows.len()).collect();
        let best = at.builder.einsum(&format!("{name}.best"), (x.tensor, &labels), (own, &labels), &labels[..rows.len()])?;
        let best = at.broadcast_axes(&format!("{name}.best.spread"), best, &kept, &dims);
        let ahead = at.builder.linear(&format!("{name}.ahead"), &[(1, best), (-1, x.tensor), (-1, before)], 0, x.scale)?;
        let Interval { lo, hi } = at.builder.interval(x.tensor);
        let most = 64 - (hi - lo).leading_zeros();
        let bits = at.decide(Note::Distance, 1..=WIDEST, |withheld| {
            let Range { lo, hi } = withheld.range(logits);
            let apart = (ROOM * (hi - lo) * x.scale.units()).max(1.0);
            i64::from(most).min(apart.log2().ceil() as i64 + 1)
        })?;
        at.builder.loose_range(&format!("{name}.ahead"), ahead, 0, 1 << bits)?;
        let other = at.builder.linear(&format!("{name}.other"), &[(1, token), (-1, wanted.tensor)], 0, Scale(0))?;
        at.builder.zero(other);
        Ok(Value { tensor: token, scale: Scale(0), depth: 0 })
    }
}
