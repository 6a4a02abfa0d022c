//! How unlikely it is that a false statement is accepted.

use zktorch_accumulator::setup::VerifierSetup;
use zktorch_blocks::program::Program;

/// Work, in binary logarithm, that breaks the curve: BLS12-381's pairing group is estimated at 2^117 to 2^126.
const CURVE_BITS: u32 = 117;
/// `floor(log2 |F|)`.
const FIELD_BITS: f64 = 254.0;

/// Bits of the interactive argument alone: `-log2` of a bound on the probability that random challenges let a false statement
/// pass. Every challenge is a uniform field element (up to `2^-257`).
///
/// The sum, over `|F|`, of: the roots of the LogUp identity in `alpha` (one a looked-up tuple or table row) and in `beta` (degree
/// the tuple's width with its tag); the degree of every sumcheck round and of every layer of the tree (at most 8 for each of 64
/// rounds of 64 layers or waves); and the powers of batching challenges, one for each claim or constraint (at most 16 a tensor
/// and lookup column).
pub fn argument_bits(program: &Program) -> u32 {
    let lookups: usize =
        program.lookups.iter().filter_map(|l| program.tensors.get(*l.columns.first()?)).map(|t| t.shape.padded_len()).sum();
    let rows: usize = program.tables.iter().map(|t| t.padded_rows()).sum();
    let width = program.tables.iter().map(|t| t.columns.len() + 1).max().unwrap_or(1);
    let columns: usize = program.lookups.iter().map(|l| l.columns.len()).sum();
    let logup = (lookups + rows) as f64 * (1 + width) as f64;
    let sumchecks = 8.0 * 64.0 * 64.0;
    let batching = 16.0 * (program.tensors.len() + columns + program.zeros.len()) as f64;
    (FIELD_BITS - (logup + sumchecks + batching).log2()).floor().max(0.0) as u32
}

/// Bits of security against a prover that may also attack the curve; 0 for setups that let anyone forge.
pub fn soundness_bits(program: &Program, setup: &VerifierSetup) -> u32 {
    if setup.is_insecure() { 0 } else { argument_bits(program).min(CURVE_BITS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_bottleneck() {
        let program = Program::default();
        assert!(argument_bits(&program) > 200);
        assert_eq!(soundness_bits(&program, &VerifierSetup::Ethereum), CURVE_BITS);
        assert_eq!(soundness_bits(&program, &VerifierSetup::Insecure { log2: 5 }), 0);
    }
}
