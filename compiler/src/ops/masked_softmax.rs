//! Softmax of masked scores: entries that the mask takes out have weight 0, whatever their scores are.
//!
//! The mask `M` is 1 for the entries that count: a public constant, or bits that depend on inputs. An entry that counts has the gap `d = m - y` to the largest of those that count; one that
//! does not has the gap `D`, the last row of the table of exponentials, by `M (x - 2^k m) - (1 - M) 2^k D` in place of `x - 2^k m`. The mask is
//! a column of that table, so that the last row serves entries that do not count, and no others.

use ndarray::{ArrayD, Zip};
use zktorch_blocks::program::{Advice, Interval, Marks, Relation, Scale, TensorId};

use super::label::Label;
use super::operator::{Demand, Imports, Nature, Operator, Ranges, empty};
use super::regroup::reshape_groups;
use super::shape::{Misfit, require, two, with_axes};
use super::softmax::{self, softmax};
use crate::graph::{Domain, NodeId};
use crate::lower::{Gaps, Lowering, Refusal, Value, kept_axes};
use crate::quantise::{Range, Settings, to_real};

/// A pass finds masks in what exporters write.
pub(super) const IMPORT: Imports = &[];

/// A score that is lower by more has no weight in floats of 32 bits: `exp(-104) = 0`.
const NOTHING: f64 = 104.0;

/// `exp(x) / sum exp(x)` over the given axes together, of the entries that operand 1 has 1 at; 0 at the others. Operand 1 is a constant or
/// booleans, of `x`'s shape or with extents 1 where it does not vary. A row that has no entry is refused when a model runs.
/// The model lowers these scores by `gap` at least: whatever they are, they have no weight.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskedSoftmax {
    /// Ascending, distinct.
    pub axes: Vec<usize>,
    /// Positive, perhaps infinite.
    pub gap: f64,
}

impl Operator for MaskedSoftmax {
    fn name(&self) -> &'static str {
        "Softmax"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let [x, mask] = two(operands)?;
        let fits = x.len() == mask.len() && x.iter().zip(mask).all(|(x, mask)| x == mask || *mask == 1);
        require(fits, || Misfit::Broadcast { from: mask.to_vec(), to: x.to_vec() })?;
        with_axes(x, &self.axes).map(Some)
    }

    fn bound(&self) -> Option<f64> {
        Some(1.0)
    }

    fn demand(&self, settings: Settings) -> Option<Demand> {
        // The last row is for entries that do not count.
        Some(Demand { rows: softmax::rows(settings) - 1, finest: Scale(10) })
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let [x, mask] = *operands else { return empty() };
        let Some(mask) = mask.broadcast(x.raw_dim()) else { return empty() };
        let kept = Zip::from(x).and(mask).map_collect(|&x, &kept| if kept != 0.0 { x } else { f64::NEG_INFINITY });
        softmax(&self.axes, &kept)
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let name = at.name(id);
        let scores = at.operand(id, 0)?;
        let x = out_of_reach(at, scores, self.gap)?;
        let mask = mask(at, id)?;
        let dims = at.builder.dims(x.tensor).to_vec();
        let kept: Vec<usize> = (0..dims.len()).filter(|a| !self.axes.contains(a)).collect();
        let rows = softmax::rows(at.settings);
        let scale = at.plan.scale(scores);

        let d = masked_gaps(at, &name, x, (scale, rows as i64 - 2), &mask, (&self.axes, &kept))?;
        let gaps = Gaps { d, scale, rows, mask: Some(mask.spread), axes: &self.axes, kept: &kept };
        at.probabilities(&name, gaps, softmax::normaliser(at, id, &self.axes))
    }
}

/// A mask: its entries on the axes along which it varies, their labels, and the same for all entries.
struct Mask {
    compact: TensorId,
    labels: Vec<Label>,
    spread: TensorId,
}

/// Scores that `gap` less leaves nothing of the weight of, by their declared interval: a loose range of private inputs is wider
/// (docs/lowerings.md, section 15). Masked entries have weight 0 in any case.
fn out_of_reach(at: &mut Lowering<'_>, scores: NodeId, gap: f64) -> Result<Value, Refusal> {
    let reach = |lowering: &Lowering<'_>, x: Value| {
        let Interval { lo, hi } = lowering.builder.interval(x.tensor);
        to_real(lo, x.scale).abs().max(to_real(hi, x.scale).abs())
    };
    let x = at.value(scores)?;
    if 2.0 * reach(at, x) + NOTHING <= gap {
        return Ok(x);
    }
    let x = at.narrow(scores)?;
    let reach = reach(at, x);
    if 2.0 * reach + NOTHING <= gap {
        return Ok(x);
    }
    Err(format!("scores reach {reach:.0}: an entry that the mask lowers by {gap:.0} may have weight, expected a lower mask")
        .into())
}

fn mask(at: &mut Lowering<'_>, id: NodeId) -> Result<Mask, Refusal> {
    let operand = at.operand(id, 1)?;
    let (name, dims) = (at.name(id), at.graph.shape(id).to_vec());
    let constant = at.constant(operand);
    let shape = constant.as_ref().map_or_else(|| at.graph.shape(operand).to_vec(), |mask| mask.shape().to_vec());
    let varies = kept_axes(&shape, dims.len());
    let compact_dims: Vec<usize> = varies.iter().map(|&a| dims[a]).collect();
    let compact = match constant {
        Some(mask) => known_mask(at, &format!("{name}.mask"), &compact_dims, mask.mask()),
        None => {
            // Committed where it follows from others and is small: all layers use it.
            at.condition(operand)?;
            let bits = at.narrow(operand)?;
            at.builder.view(&format!("{name}.mask"), bits.tensor, &compact_dims, reshape_groups(&shape, &compact_dims))
        }
    };
    let spread = at.broadcast_axes(&format!("{name}.mask.spread"), compact, &varies, &dims);
    Ok(Mask { compact, labels: Label::of(varies), spread })
}

/// A mask that everybody knows: by the lengths of its rows where each keeps what comes first, as causal ones do, else by its entries.
fn known_mask(at: &mut Lowering<'_>, name: &str, dims: &[usize], mask: Vec<i64>) -> TensorId {
    let Some((&extent, rows)) = dims.split_last() else { return at.builder.constant(name, dims, mask) };
    let lengths: Vec<i64> = mask.chunks(extent).map(|row| row.iter().sum()).collect();
    let comes_first = |(row, &length): (&[i64], &i64)| row[..length as usize].iter().all(|&kept| kept == 1);
    if !mask.chunks(extent).zip(&lengths).all(comes_first) {
        return at.builder.constant(name, dims, mask);
    }
    let indices = at.builder.constant(&format!("{name}.lengths"), rows, lengths);
    at.builder.marks(name, Marks { indices, relation: Relation::Below }, extent)
}

/// `d = m - y` for entries that count, where `y` is `x` rounded to the scale and `m` the largest such; `last` for the others.
fn masked_gaps(
    at: &mut Lowering<'_>,
    name: &str,
    x: Value,
    (scale, last): (Scale, i64),
    mask: &Mask,
    (axes, kept): (&[usize], &[usize]),
) -> Result<TensorId, Refusal> {
    let dims = at.builder.dims(x.tensor).to_vec();
    let labels = Label::of(0..dims.len());
    let (x, divisor) = at.shifted(name, x, scale)?;
    let Interval { lo, .. } = at.builder.interval(x);
    let bound = (1i64 << 20).min(at.builder.interval(x).magnitude() / divisor + 1);
    // Entries that do not count are as small as any can be.
    let counted = at.builder.einsum(&format!("{name}.counted"), (mask.compact, &mask.labels), (x, &labels), &labels)?;
    let lowest = at.builder.linear(&format!("{name}.lowest"), &[(1, counted), (-lo, mask.spread)], lo, Scale(0))?;
    let kept_dims: Vec<usize> = kept.iter().map(|&a| dims[a]).collect();
    let rule = Advice::Max { source: lowest, axes: axes.to_vec(), divisor };
    let m = at.builder.advice(&format!("{name}.max"), &kept_dims, rule, Interval::new(-bound, bound), scale);
    at.builder.loose_range(&format!("{name}.max"), m, -bound, 2 * bound + 1)?;
    let spread = at.broadcast_axes(&format!("{name}.max.spread"), m, kept, &dims);
    let below = at.builder.linear(&format!("{name}.below"), &[(1, x), (-divisor, spread)], 0, Scale(0))?;
    let below = at.builder.einsum(&format!("{name}.masked"), (mask.compact, &mask.labels), (below, &labels), &labels)?;
    let away = divisor.checked_mul(last).ok_or_else(|| Refusal::Width("a requantisation by too many bits".to_owned()))?;
    let below = at.builder.linear(&format!("{name}.placed"), &[(1, below), (away, mask.spread)], -away, Scale(0))?;
    let zero = at.builder.fill(&format!("{name}.zero"), &dims, 0);
    let rule = Advice::Gap { reference: zero, source: below, divisor };
    let d = at.builder.advice(&format!("{name}.gap"), &dims, rule, Interval::new(0, last), scale);
    let remainder = at.builder.linear(&format!("{name}.remainder"), &[(1, below), (divisor, d)], divisor / 2, Scale(0))?;
    at.builder.remainder(&format!("{name}.remainder"), remainder, divisor)?;
    Ok(d)
}
