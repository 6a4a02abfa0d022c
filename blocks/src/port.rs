//! Inputs and outputs of a program as its users know them: real numbers to integers and back.

use crate::program::{Element, Interval, Scale};

/// `floor(real * 2^scale + 1/2)`.
pub fn to_integer(real: f64, scale: Scale) -> f64 {
    (real * scale.units() + 0.5).floor()
}

/// The real number that an integer stands for: exact below 2^53.
pub fn to_real(integer: i64, scale: Scale) -> f64 {
    integer as f64 / scale.units()
}

/// An input or output of a compiled model.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Port {
    /// The ONNX name.
    pub name: String,
    /// Extents.
    pub shape: Vec<usize>,
    /// What its entries are.
    pub element: Element,
    /// `real = value * 2^-scale`; 0 unless entries are real.
    pub scale: Scale,
    /// By which powers of two columns of the last axis are larger than the scale says; empty for none.
    pub columns: Vec<i32>,
    /// Values allowed.
    pub interval: Interval,
}

/// Why a value is no input. No variant has the value: an input may be private, and errors are printed and logged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InputError {
    /// The wrong number of values.
    #[error("input `{name}`: expected {expected} values, got {got}")]
    Length {
        /// The input's name.
        name: String,
        /// Values expected.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// NaN or infinity.
    #[error("input `{name}`: entry {position} is not finite; expected a finite number")]
    NotFinite {
        /// The input's name.
        name: String,
        /// Row-major position.
        position: usize,
    },
    /// A fraction where the model takes integers.
    #[error("input `{name}`: entry {position} is a fraction; the model takes {element} values, from {lo} to {hi}")]
    Fraction {
        /// The input's name.
        name: String,
        /// Row-major position.
        position: usize,
        /// What its entries are.
        element: &'static str,
        /// Smallest value allowed.
        lo: i64,
        /// Largest value allowed.
        hi: i64,
    },
    /// Beyond the calibrated range.
    #[error("input `{name}`: entry {position} is outside [{lo}, {hi}]; compile again with samples like it")]
    OutOfRange {
        /// The input's name.
        name: String,
        /// Row-major position.
        position: usize,
        /// Smallest value allowed.
        lo: f64,
        /// Largest value allowed.
        hi: f64,
    },
}

impl Port {
    /// Integers of an input's entries, row-major.
    ///
    /// # Errors
    /// If there are too few or too many, or one is not finite, a fraction where the model takes integers, or leaves the range.
    pub fn quantise(&self, values: &[f64]) -> Result<Vec<i64>, InputError> {
        let expected = self.shape.iter().product();
        if values.len() != expected {
            return Err(InputError::Length { name: self.name.clone(), expected, got: values.len() });
        }
        let one = |(position, &value): (usize, &f64)| {
            let name = || self.name.clone();
            if !value.is_finite() {
                return Err(InputError::NotFinite { name: name(), position });
            }
            if self.element != Element::Real && value.fract() != 0.0 {
                let (element, Interval { lo, hi }) = (self.element.name(), self.interval);
                return Err(InputError::Fraction { name: name(), position, element, lo, hi });
            }
            let (lo, hi) = (self.interval.lo as f64, self.interval.hi as f64);
            let scale = self.scale_at(position);
            let integer = to_integer(value, scale);
            if integer < lo || integer > hi {
                let [lo, hi] = self.limits(position);
                return Err(InputError::OutOfRange { name: name(), position, lo, hi });
            }
            Ok(integer as i64)
        };
        values.iter().enumerate().map(one).collect()
    }

    /// The real numbers that an output's integers stand for.
    pub fn dequantise(&self, values: &[i64]) -> Vec<f64> {
        values.iter().enumerate().map(|(position, &v)| to_real(v, self.scale_at(position))).collect()
    }

    /// The smallest and the largest real number that an entry may be, by its row-major position.
    pub fn limits(&self, position: usize) -> [f64; 2] {
        let scale = self.scale_at(position);
        [self.interval.lo, self.interval.hi].map(|v| to_real(v, scale))
    }

    /// How far apart the real numbers of an entry's integers lie.
    pub fn step(&self, position: usize) -> f64 {
        to_real(1, self.scale_at(position))
    }

    /// The scale of a row-major position.
    fn scale_at(&self, position: usize) -> Scale {
        self.scale - self.columns.get(position % self.columns.len().max(1)).copied().unwrap_or(0)
    }
}
