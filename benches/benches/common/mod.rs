//! Deterministic data for the benchmarks. Everything runs on one thread: unit costs are core-time.

use zktorch_blocks::field::Fr;
use zktorch_prover::Randomness;

/// Lets rayon use one thread. To be called before anything is measured.
pub fn one_thread() {
    // A second call finds the pool made.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
}

/// Full-size scalars.
pub fn scalars(n: usize) -> Vec<Fr> {
    let mut randomness = Randomness::insecure_seed(5);
    (0..n).map(|_| randomness.scalar()).collect()
}

/// Signed integers of some bits, sign included.
pub fn integers(n: usize, bits: u32) -> Vec<i64> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut draw = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as i64
    };
    (0..n).map(|_| draw().rem_euclid(1 << bits) - (1 << (bits - 1))).collect()
}
