//! Which widths to try.

use super::Settings;

/// Bits of a limb where tables cost more than limbs.
const LIMB: u32 = 8;

/// Widths, and what their tables cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The widths.
    pub settings: Settings,
}

/// The widths to try, cheapest first: tables cost rows, and every bit costs a little on each activation.
pub(crate) fn candidates(bits: Option<u32>, activations: usize) -> Vec<Candidate> {
    let all = match bits {
        Some(bits) => vec![bits],
        None => (9..=16).collect(),
    };
    let mut candidates: Vec<(f64, Candidate)> = Vec::new();
    for bits in all {
        for shift in bits.saturating_sub(1).max(8)..=(bits + 2).min(16) {
            // A table of remainders, or a limb for each of them.
            let table = 1.2 * (1u64 << shift) as f64;
            let limbs = 2.2 * activations as f64;
            let shared = if limbs < table { LIMB } else { shift };
            let cost = 1.2 * (1u64 << bits) as f64 + limbs.min(table) + activations as f64 * 0.1 * f64::from(bits);
            candidates.push((cost, Candidate { settings: Settings { bits, shift, shared } }));
        }
    }
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    candidates.into_iter().map(|(_, c)| c).collect()
}
