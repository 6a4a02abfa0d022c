//! Which widths to try.

use super::Settings;

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
            let rows = (1u64 << bits) + (1u64 << shift);
            let range = if shift < bits { 1u64 << bits } else { 0 };
            let cost = 1.2 * (rows + range) as f64 + activations as f64 * 0.1 * f64::from(bits);
            candidates.push((cost, Candidate { settings: Settings { bits, shift } }));
        }
    }
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    candidates.into_iter().map(|(_, c)| c).collect()
}
