//! `CausalConvWithState`: a convolution of each channel with what is before, which is kept from call to call.

use super::{Known, Spelling};
use crate::import::refusal::Refusal;

/// Entries of a kernel that depends on inputs.
const LONGEST: i64 = 64;

/// As a sum of the shifted operand, each shift by its entry of the kernel.
pub(super) fn causal(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    let (x, kernel) = (s.operand(0)?, s.operand(1)?);
    let Some(&[_, 1, width]) = known.shapes.get(&kernel).map(Vec::as_slice) else {
        return Err(Refusal::Variable("its kernel must be a constant or an input"));
    };
    if !(1..=LONGEST).contains(&width) {
        return Err(Refusal::OutOfRange("the extent of its kernel"));
    }
    let before = match s.optional(3) {
        Some(state) => Some(state),
        None if width == 1 => None,
        None => {
            let (ends, last, zero) = (s.extents(&x, 0, 2), s.integers(&[width - 1]), s.float(0.0));
            let shape = s.concatenated(&[&ends, &last]);
            Some(s.put("Expand", &[&zero, &shape]))
        }
    };
    let padded = match before.filter(|_| width > 1) {
        Some(before) => s.joined(&[before, x], 2),
        None => x,
    };
    let mut sum = s.optional(2).map(|bias| s.shaped(&bias, &[1, -1, 1]));
    for n in 0..width {
        // The last entry of the kernel is beside the present.
        let end = if n + 1 == width { i64::MAX } else { n + 1 - width };
        let shifted = s.part(&padded, n, end, 2);
        let entry = s.part(&kernel, n, n + 1, 2);
        let entry = s.shaped(&entry, &[1, -1, 1]);
        let term = s.put("Mul", &[&shifted, &entry]);
        sum = Some(sum.map_or_else(|| term.clone(), |sum| s.put("Add", &[&sum, &term])));
    }
    let mut result = sum.unwrap_or_default();
    if matches!(s.word("activation").as_deref(), Some("silu" | "swish")) {
        let share = s.put("Sigmoid", &[&result]);
        result = s.put("Mul", &[&result, &share]);
    }
    s.result(0, &result);
    if s.wants(1) {
        if width == 1 {
            return Err(Refusal::Form("what it keeps has no entries: leave this result out"));
        }
        let kept = s.part(&padded, 1 - width, i64::MAX, 2);
        s.result(1, &kept);
    }
    Ok(())
}

impl Spelling<'_> {
    /// Entries of an axis from one on to before another.
    pub(super) fn part(&mut self, x: &str, start: i64, end: i64, axis: i64) -> String {
        let [start, end, axis] = [start, end, axis].map(|number| self.integers(&[number]));
        self.put("Slice", &[x, &start, &end, &axis])
    }
}
