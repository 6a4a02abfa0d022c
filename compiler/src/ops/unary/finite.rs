//! Which floats are no numbers, or infinite: none of those that integers stand for.

/// Floats that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFinite {
    /// What is no number.
    pub nan: bool,
    /// Infinity.
    pub positive: bool,
    /// Less than all numbers.
    pub negative: bool,
}

impl NotFinite {
    /// The operator that asks for them.
    pub fn name(self) -> &'static str {
        if self.nan { "IsNaN" } else { "IsInf" }
    }

    /// 1 if a float is one of these, else 0.
    pub fn eval(self, x: f64) -> f64 {
        let is = self.nan && x.is_nan() || self.positive && x == f64::INFINITY || self.negative && x == f64::NEG_INFINITY;
        f64::from(u8::from(is))
    }
}
