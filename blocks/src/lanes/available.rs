//! Whether lanes are used.

use super::Simd;
use std::sync::atomic::{AtomicBool, Ordering};

static HIDDEN: AtomicBool = AtomicBool::new(false);

/// The instructions, where the processor has them and nobody hides them.
pub fn simd() -> Option<Simd> {
    if HIDDEN.load(Ordering::Relaxed) { None } else { Simd::try_new() }
}

/// Makes this process work as on a processor without the instructions, or no longer so: for tests that compare the two, and for benchmarks.
/// Not a byte of a proof depends on it.
pub fn hide(hidden: bool) {
    HIDDEN.store(hidden, Ordering::Relaxed);
}
