//! Which functions are looked up in tables that end where the functions do (docs/lowerings.md, section 7).

use super::{Settings, scale_for};
use crate::graph::{Graph, NodeId};
use crate::ops::{Op, Unary};

/// Bits of scale that saturation must gain to be worth a lookup.
pub(super) const WORTH: i32 = 2;
/// Binary logarithm of the rows of a class, as a part of the table's.
pub(super) const CLASS: u32 = 4;
/// Binary logarithm of the largest reach: half the rows of the table of signs.
pub(crate) const REACH: u32 = 15;

/// The domain `[lo, hi]` of a saturating table, in units of its scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain {
    /// Scale of the function's argument and result.
    pub scale: i32,
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
        let unit = f64::from(scale).exp2();
        Some(Self { scale, lo: (lo * unit).floor() as i64, hi: (hi * unit).ceil() as i64, step })
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
