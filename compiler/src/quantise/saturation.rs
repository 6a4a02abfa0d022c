//! Which functions are looked up in tables that end where the functions do (docs/lowerings.md, section 7).

use zktorch_blocks::program::Scale;

use super::scale_for;
use super::settings::Settings;
use crate::graph::{Graph, NodeId};
use crate::ops::{Op, Unary};

/// Bits of scale that saturation must gain to be worth a lookup.
pub(super) const WORTH: i32 = 2;
/// Binary logarithm of the rows of a class, as a part of the table's.
pub(super) const CLASS: u32 = 4;
/// Binary logarithm of the largest reach: half the rows of the table of signs.
pub(crate) const REACH: u32 = 15;

/// No end of a domain is farther from 0, in units of its scale.
const FARTHEST: f64 = (1u64 << 40) as f64;

/// The domain `[lo, hi]` of a saturating table, in units of its scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain {
    /// Scale of the function's argument and result.
    pub scale: Scale,
    /// Where the function begins to change.
    pub lo: i64,
    /// Where it ends to.
    pub hi: i64,
    /// What lies beyond comes back in steps of this, also the rows of a class.
    pub step: i64,
}

impl Domain {
    /// The domain of a function in a table of at most `2^bits` rows; none if it changes everywhere.
    pub fn of(function: &Unary, settings: Settings) -> Option<Self> {
        let (lo, hi) = match *function {
            Unary::Clip { lo, hi } if lo.is_finite() && hi.is_finite() && lo < hi => (lo, hi),
            _ => return None,
        };
        let step = 1i64 << settings.bits.saturating_sub(CLASS);
        // The ends round outwards.
        let rows = (1i64 << settings.bits) - 2 * step - 2;
        let scale = scale_for(hi - lo, rows as f64);
        let unit = scale.units();
        let (lo, hi) = ((lo * unit).floor(), (hi * unit).ceil());
        // Ends that no scale brings together, or that are far from 0 at the one that does.
        (hi - lo <= (rows + 2) as f64 && lo.abs().max(hi.abs()) <= FARTHEST).then_some(Self {
            scale,
            lo: lo as i64,
            hi: hi as i64,
            step,
        })
    }
}

/// The functions of a graph that may saturate, with their operands, where nothing else wants these.
pub(super) fn saturable(graph: &Graph) -> impl Iterator<Item = (NodeId, NodeId, &Unary)> {
    graph.nodes().filter_map(|(id, node)| match &node.op {
        Op::Unary(function) => {
            let operand = *graph.operands(id).first()?;
            let real = ![id, operand].into_iter().any(|id| graph.domain(id).is_exact());
            (real && graph.uses(operand) == 1).then_some((id, operand, function))
        }
        _ => None,
    })
}

/// Whether a graph has a function that may saturate.
pub(crate) fn saturates(graph: &Graph, settings: Settings) -> bool {
    saturable(graph).any(|(_, _, function)| Domain::of(function, settings).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_end_where_clips_do_and_are_small() {
        let settings = Settings { bits: 16, shift: 12, shared: 16, signs: false, saturates: true, wide: false };
        let of = |lo: f64, hi: f64| Domain::of(&Unary::Clip { lo, hi }, settings);
        let domain = of(0.0, 6.0).expect("six units are a table");
        assert!(domain.lo == 0 && (1 << 14..1 << 16).contains(&domain.hi), "{domain:?}");
        assert!(of(1e6, 1e6 + 1.0).is_some());
        for (lo, hi) in [(f32::MIN.into(), f32::MAX.into()), (-1e300, 1e300), (0.0, f32::MAX.into()), (1e6, 1e6 + 1e-9)] {
            assert!(of(lo, hi).is_none(), "a table from {lo} to {hi}: {:?}", of(lo, hi));
        }
    }
}
