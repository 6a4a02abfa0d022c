//! Which widths to try.

use super::Settings;

/// Bits of a limb where tables cost more than limbs.
const LIMB: u32 = 8;
/// Microseconds of a table row, of a limb (a committed value and a lookup), of a sign (two values, a lookup, a
/// product).
const ROW: f64 = 1.2;
const LIMBED: f64 = 2.6;
const SIGNED: f64 = 4.0;
/// Microseconds of one more bit in an activation.
const BIT: f64 = 0.1;

/// The widths to try, cheapest first: tables cost rows, and every bit costs a little on each activation.
pub(crate) fn candidates(bits: Option<u32>, activations: usize) -> Vec<Settings> {
    let all = match bits {
        Some(bits) => vec![bits],
        None => (9..=16).collect(),
    };
    let mut candidates: Vec<(f64, Settings)> = Vec::new();
    for bits in all {
        let shifts = bits.saturating_sub(1).max(8)..=(bits + 2).min(16);
        candidates.extend(shifts.map(|shift| candidate(bits, shift, activations)));
    }
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    candidates.into_iter().map(|(_, c)| c).collect()
}

/// The widths beyond which nothing gets better: weights of more than 16 bits, remainders in two limbs.
pub(crate) fn finest(bits: Option<u32>, activations: usize) -> [Settings; 2] {
    let bits = bits.unwrap_or(16);
    [(bits + 2).min(16), 20].map(|shift| candidate(bits, shift, activations).1)
}

fn candidate(bits: u32, shift: u32, activations: usize) -> (f64, Settings) {
    let activations = activations as f64;
    let rows = |bits: u32| ROW * (1u64 << bits) as f64;
    let (remainders, shared) = match (LIMBED * activations, rows(shift.min(16))) {
        (limbs, table) if limbs < table => (limbs, LIMB),
        (_, table) => (table, shift.min(16)),
    };
    let (signs, relu) = (SIGNED * activations, rows(bits));
    let cost = remainders + signs.min(relu) + activations * BIT * f64::from(bits);
    (cost, Settings { bits, shift, shared, signs: signs < relu, saturates: false, wide: false })
}
