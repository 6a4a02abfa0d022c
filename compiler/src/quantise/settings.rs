//! Widths of an attempt.

use zktorch_blocks::program::Program;

/// Widths of one attempt at quantisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bits of activations: tables have `2^bits` rows.
    pub bits: u32,
    /// Bits that a requantisation drops, where a weight can be chosen so: remainders share one table of `2^shift` rows.
    pub shift: u32,
    /// Bits of the range table that everything shares; larger ranges take limbs, or tables of their own.
    pub shared: u32,
    /// Whether ReLU takes the sign from a limb, rather than a table of `2^bits` rows.
    pub signs: bool,
    /// Whether functions that end are looked up in saturating tables, where that gives them more bits.
    pub saturates: bool,
    /// Whether products of two activations have more bits than these: what gates let through has long tails in language models.
    pub wide: bool,
}

impl Settings {
    /// The settings that a program was lowered with, if a compiler made it.
    pub fn of(program: &Program) -> Option<Self> {
        program.annotations.first_chunk().and_then(|notes| Self::of_notes(*notes))
    }

    /// The settings as numbers.
    pub(crate) fn notes(self) -> [i64; 6] {
        let flags = [self.signs, self.saturates, self.wide].map(i64::from);
        [self.bits.into(), self.shift.into(), self.shared.into(), flags[0], flags[1], flags[2]]
    }

    /// Settings from [`Self::notes`]; none if no attempt has such settings.
    pub(crate) fn of_notes([bits, shift, shared, signs, saturates, wide]: [i64; 6]) -> Option<Self> {
        let within = |value: i64, lo, hi| u32::try_from(value).ok().filter(|v| (lo..=hi).contains(v));
        let flag = |value| within(value, 0, 1).map(|flag| flag == 1);
        let (signs, saturates, wide) = (flag(signs)?, flag(saturates)?, flag(wide)?);
        let (bits, shift, shared) = (within(bits, 8, 16)?, within(shift, 8, 20)?, within(shared, 8, 16)?);
        Some(Self { bits, shift, shared, signs, saturates, wide })
    }
}
