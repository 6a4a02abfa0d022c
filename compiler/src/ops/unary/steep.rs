//! Functions of which small arguments count as much as large ones.

use super::Unary;

impl Unary {
    /// Whether equal steps near 0 may be far apart in the function, by its form.
    pub fn is_steep(&self) -> bool {
        match self {
            Self::Sqrt | Self::Rsqrt | Self::Log | Self::Recip => true,
            Self::Pow(exponent) => *exponent < 1.0,
            Self::Composite(function) => function.is_steep(),
            _ => false,
        }
    }
}
