//! How much work a program may make its verifier do.
//!
//! A verifying key may come from anybody, and a program of a thousand bytes can name tensors of `2^34` entries, or an expression whose
//! expansion doubles at every step. What a verifier does and keeps for a program is therefore counted while it is done, in units of
//! about one multiplication in the field and at most 16 bytes kept. The count depends on the program alone, so that key generation
//! refuses what a verifier would refuse.

use crate::transcript::Reject;

/// Units for the whole of an argument: a few seconds, and less than a gigabyte. Convolutional networks at 224 x 224 take less than a
/// hundredth.
const LIMIT: usize = 1 << 26;

/// Units for a query: its point, its places in the index and among the claims.
pub const QUERY: usize = 256;
/// Units for a term of an expression: it is copied into forms and constraints.
pub const TERM: usize = 32;
/// Units for a hidden scalar: it is a form of its own, and in two constraints.
pub const SCALAR: usize = 64;
/// Units for an entry of a table that is kept, or for a row of a claim.
pub const ENTRY: usize = 4;
/// Units for a token of a text that is hashed.
pub const TOKEN: usize = 2;
/// Units for a hash.
pub const HASH: usize = 32;

/// The work that is left to a program.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    left: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self { left: LIMIT }
    }
}

impl Work {
    /// Takes `count * units` away.
    ///
    /// # Errors
    /// [`Reject::Work`] if less is left; then nothing is.
    pub fn spend(&mut self, count: usize, units: usize) -> Result<(), Reject> {
        let left = count.checked_mul(units).and_then(|cost| self.left.checked_sub(cost));
        self.left = left.unwrap_or(0);
        left.map(drop).ok_or(Reject::Work)
    }

    /// The units spent so far.
    pub fn spent(&self) -> usize {
        LIMIT - self.left
    }
}
