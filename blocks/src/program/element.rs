//! What the entries of a model's inputs and outputs are.

use super::Scale;
use serde::{Deserialize, Serialize};

/// What an entry of an input or output stands for, as the model's file declares it. Integers and booleans have scale 0, in every column: they
/// are what they say, and a fraction is none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Element {
    /// A real number, rounded to a multiple of a power of two.
    #[default]
    Real,
    /// An integer.
    Integer,
    /// 0 or 1.
    Boolean,
}

impl Element {
    /// The kind in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
        }
    }

    /// Whether a tensor of this scale and interval can hold such entries.
    pub const fn admits(self, scale: Scale, lo: i64, hi: i64) -> bool {
        match self {
            Self::Real => true,
            Self::Integer => scale.0 == 0,
            Self::Boolean => scale.0 == 0 && lo >= 0 && hi <= 1,
        }
    }
}
