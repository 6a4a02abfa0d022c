//! Powers whose exponents are tensors (docs/lowerings.md, section 23).

use ndarray::ArrayD;
use zktorch_blocks::program::{Advice, Interval, Scale};

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use super::{Mul, Op, Unary};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Site, Translator};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

/// Powers with one constant exponent are functions of one entry, which ask here for the rest.
pub(super) const IMPORT: Imports = &[];

/// Bits of an exponent, at most: two to such a power is more than there is room for.
const BITS: u32 = 6;

/// `a^b` of two tensors of integers of one shape, where no `b` is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power;

/// A power of a tensor: of integers exactly, of reals by the logarithm of what then has to be positive.
pub(super) fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let (a, b) = (t.operand(site, 0)?, t.operand(site, 1)?);
    let (a, b) = (t.broadcast(site, a, &site.shape), t.broadcast(site, b, &site.shape));
    if t.graph.domain(a).is_exact() && t.graph.domain(b).is_exact() {
        return t.add(site, Power, &[a, b]);
    }
    if was_integer(t, a) {
        // The result would be cut to an integer, which its last digit decides.
        return Err(import::Refusal::Form("powers of integers with exponents that are not integers are not supported"));
    }
    let log = t.add(site, Unary::Log, &[a])?;
    let product = t.add(site, Mul, &[log, b])?;
    t.add(site, Unary::Exp, &[product])
}

/// Whether reals are a cast of integers.
fn was_integer(t: &Translator<'_>, mut id: NodeId) -> bool {
    while let (Op::Reshape(_) | Op::Broadcast(_), Some(&inner)) = (t.graph.op(id), t.graph.operands(id).first()) {
        id = inner;
    }
    matches!(t.graph.op(id), Op::Unary(Unary::ToReal))
}

impl Operator for Power {
    fn name(&self) -> &'static str {
        "Pow"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::ANY
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| a.powf(b).trunc())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::symmetric(at.operand(0).magnitude().max(1.0).powf(at.operand(1).magnitude()))
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    /// The product of `1 + z_j (a^(2^j) - 1)` over the bits `z_j` of `b`.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, a, b) = (at.name(id), at.operand(id, 0)?, at.operand(id, 1)?);
        let (a, b, _) = at.aligned(&name, a, b)?;
        let Interval { lo, hi } = at.builder.interval(b);
        let bits = 64 - hi.max(1).leading_zeros();
        if lo < 0 || bits > BITS {
            return Err(format!("exponents from {lo} to {hi}, expected integers from 0 to {}", (1 << BITS) - 1).into());
        }
        let dims = at.builder.dims(b).to_vec();
        let value = |tensor| Value { tensor, scale: Scale(0), depth: 0 };
        let (mut left, mut square, mut product) = (b, a, None);
        for j in 0..bits {
            let part = |suffix: &str| format!("{name}.{j}.{suffix}");
            let most = (hi >> (j + 1)).max(0);
            let (rest, bit) = match most {
                0 => (None, left),
                _ => {
                    let rule = Advice::Floor { source: left, divisor: 2 };
                    let rest = at.builder.advice(&part("rest"), &dims, rule, Interval::new(0, most), Scale(0));
                    (Some(rest), at.builder.linear(&part("bit"), &[(1, left), (-2, rest)], 0, Scale(0))?)
                }
            };
            at.builder.within(&part("bit"), bit, Interval::new(0, 1))?;
            if j > 0 {
                square = at.product(&part("square"), value(square), value(square))?.tensor;
            }
            let more = at.builder.linear(&part("more"), &[(1, square)], -1, Scale(0))?;
            let chosen = at.product(&part("chosen"), value(bit), value(more))?.tensor;
            let factor = at.builder.linear(&part("factor"), &[(1, chosen)], 1, Scale(0))?;
            product = Some(match product {
                None => factor,
                Some(product) => at.product(&part("product"), value(product), value(factor))?.tensor,
            });
            left = rest.unwrap_or(left);
        }
        let tensor = product.ok_or("an exponent without bits")?;
        Ok(Value { tensor, scale: Scale(0), depth: 1 })
    }
}
