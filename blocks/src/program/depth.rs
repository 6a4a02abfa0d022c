//! How deep a program's expressions are: two bounds, for two reasons.
//!
//! *Nesting* counts what the verifier expands by recursion, and keeps its stack. *Virtual depth* counts what multiplies or rearranges, and keeps a
//! program from computing the challenges of its own proof.

use super::fault::{Fault, Invalid};
use super::{IdVec, Program, Source, Tensor, TensorId};
use crate::permute::is_free_view;

/// Einsums and views that are not free in a row, at most, above what is committed, public or constant.
///
/// Soundness rests on it. The argument is sound for programs that are fixed before its challenges are; a virtual tensor is evaluated after
/// them, and one that is deep enough can compute the hash that they come from (Khovratovich, Rothblum and Soukhanov, ePrint 2025/118). A level
/// doubles the degree at most, so that what this bound allows has degree `2^8` in what was committed. The hash has twelve rounds of at
/// least six levels each (`docs/review.md`). It is a constant, and no choice of a key or a caller.
pub const VIRTUAL_DEPTH: usize = 8;

/// Linear expressions and views in a row, at most.
const NESTING: usize = 512;

impl Tensor {
    /// The virtual depth of this tensor, which stands on earlier ones: `tensors`, of the given depths.
    pub fn depth_over(&self, tensors: &IdVec<TensorId, Tensor>, depths: &IdVec<TensorId, usize>) -> usize {
        let below = |id: TensorId| depths.get(id).copied().unwrap_or(0);
        match &self.source {
            Source::Linear { terms, .. } => terms.iter().map(|&(_, id)| below(id)).max().unwrap_or(0),
            Source::Einsum(einsum) => below(einsum.lhs).max(below(einsum.rhs)) + 1,
            Source::View(view) => {
                let free = tensors.get(view.source).is_some_and(|source| is_free_view(view, &self.shape, &source.shape));
                below(view.source) + usize::from(!free)
            }
            _ => 0,
        }
    }
}

impl Program {
    /// The virtual depth of every tensor: the longest chain of einsums and views that are not free that ends in it.
    pub fn depths(&self) -> IdVec<TensorId, usize> {
        let mut depths = IdVec::default();
        for tensor in &self.tensors {
            depths.push(tensor.depth_over(&self.tensors, &depths));
        }
        depths
    }

    /// Checks both bounds on a program whose tensors name earlier ones only.
    pub(super) fn check_depths(&self) -> Result<(), Invalid> {
        let depths = self.depths();
        let mut nesting = IdVec::<TensorId, usize>::default();
        for ((id, tensor), &depth) in self.tensors.enumerate().zip(&depths) {
            let invalid = |why| Err(Invalid { what: format!("tensor {id} `{}`", tensor.name), why });
            let below = |operand: &TensorId| nesting.get(*operand).copied().unwrap_or(0);
            let nested = match &tensor.source {
                Source::Linear { terms, .. } => terms.iter().map(|(_, operand)| below(operand)).max().unwrap_or(0) + 1,
                Source::View(view) => below(&view.source) + 1,
                _ => 0,
            };
            if nested > NESTING {
                return invalid(Fault::TooMany {
                    what: "linear expressions and views in a row",
                    got: nested,
                    most: NESTING,
                });
            }
            if depth > VIRTUAL_DEPTH {
                return invalid(Fault::Depth { got: depth, most: VIRTUAL_DEPTH });
            }
            nesting.push(nested);
        }
        Ok(())
    }
}
