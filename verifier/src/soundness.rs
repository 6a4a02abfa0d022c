//! The soundness error, phase by phase, from the program.
//!
//! Every term is the numerator of a fraction over `|F|` (about `2^254.86`): the number of bad challenges at most. The sum
//! bounds the statistical error of the interactive argument. A prover who tries `Q` transcripts succeeds with at most `Q` times
//! that (round by round), so that bits are work: the least of argument, sponge and group counts.

use crate::key::Relation;
use crate::size::ProofSize;
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_blocks::lookup::TOP_LAYERS;

/// `floor(log2 |F|)`.
const FIELD_BITS: f64 = 254.0;
/// TurboSHAKE128's claim.
const SPONGE_BITS: f64 = 128.0;
/// Generic discrete logarithms in `G1`.
const GENERIC_BITS: f64 = 127.0;
/// Discrete logarithms in the pairing's target group.
const TARGET_GROUP_BITS: f64 = 117.0;

/// One phase's share.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Share {
    /// The phase.
    pub phase: &'static str,
    /// Binary logarithm of its error.
    pub error_log2: f64,
}

/// The shares of all phases.
pub fn shares(relation: &Relation<'_>, size: &ProofSize) -> Vec<Share> {
    let program = relation.program;
    let share = |phase, numerator: f64| Share { phase, error_log2: numerator.max(1.0).log2() - FIELD_BITS };
    let (tree, fingerprints) = relation.leaves.as_ref().map_or((0.0, 0.0), |leaves| {
        let layers: f64 = (TOP_LAYERS.min(leaves.bits)..leaves.bits).map(|k| 3.0 * count(k) + 2.0).sum();
        (layers + count(TOP_LAYERS), count(leaves.active) * (count(leaves.width) + 1.0 + count(program.row_bits())))
    });
    let bits = program.tensors.iter().map(|t| t.shape.bits()).max().unwrap_or(0);
    let statements = count(program.lookups.len() + program.zeros.len() + program.tensors.len());
    let scalars = count(size.hidden_scalars);
    vec![
        share("fingerprints", fingerprints),
        share("fraction tree", tree),
        share("linear constraints", statements * count(bits)),
        // A wave has at most one instance a hidden scalar, and at most three times the bits of the largest tensor.
        share("waves", scalars + 3.0 * count(bits) * scalars),
        share("accumulator", scalars + 2.0 * 64.0),
        share("products", count(size.constraints) + 2.0 * 64.0 + 2.0),
        // A challenge for constraints, one for slots, the mask's, and two a level of the fold of the masked vectors.
        share("closing", count(size.constraints + 2 * size.messages) + 1.0 + 2.0 * 64.0),
        share("decider", 8.0 * count(relation.columns())),
    ]
}

/// Bits of the statistical error over all phases.
pub fn statistical_bits(shares: &[Share]) -> f64 {
    -shares.iter().map(|s| s.error_log2.exp2()).sum::<f64>().log2()
}

/// Bits of security of what was argued with these errors, proofs of a run and of a model alike: the least of what the arguments
/// together, the sponge and the group offer; 0 for a setup that lets anyone forge.
///
/// The group: generic attacks on a discrete logarithm in `G1` cost `2^127`; with `m` powers of `tau` published, Cheon's attack
/// (EUROCRYPT 2006) saves a factor of `sqrt(m)` in the worst case; the number field sieve in the pairing's target group is
/// put at `2^117` to `2^126` (Guillevic and Singh, ePrint 2019/885), of which the lower counts. Of an imported setup the powers that
/// were read are counted; whoever made the file may have published more.
pub fn bits(shares: &[Share], setup: &VerifierSetup) -> f64 {
    let group = match setup {
        VerifierSetup::Insecure { .. } => return 0.0,
        VerifierSetup::Transparent { .. } => GENERIC_BITS,
        VerifierSetup::Ethereum | VerifierSetup::Imported { .. } => {
            TARGET_GROUP_BITS.min(GENERIC_BITS - count(setup.columns()).log2() / 2.0)
        }
    };
    statistical_bits(shares).min(SPONGE_BITS).min(group)
}

/// Sizes that need more than 53 bits count as the next number that does not.
fn count(n: usize) -> f64 {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    let [low, high] = [n & 0xffff_ffff, n >> 32].map(|half| u32::try_from(half).map_or(f64::INFINITY, f64::from));
    low + high * 32f64.exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_do_not_saturate() {
        for bits in [0, 1, 31, 32, 33, 52].into_iter().filter(|&bits| bits < usize::BITS) {
            assert_eq!(count((1 << bits) - 1), f64::from(bits).exp2() - 1.0);
        }
    }

    #[test]
    fn errors_of_several_arguments_add_up() {
        let one = Share { phase: "one", error_log2: -100.0 };
        assert_eq!(statistical_bits(&[one; 1024]), 90.0);
        assert_eq!(bits(&[one; 1024], &VerifierSetup::Ethereum), 90.0);
        assert_eq!(bits(&[], &VerifierSetup::Ethereum), 117.0);
        assert_eq!(bits(&[], &VerifierSetup::Insecure { log2: 5 }), 0.0);
    }
}
