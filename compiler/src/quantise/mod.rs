//! Calibration and scales: how many bits each tensor of the float graph gets.

mod calibration;
mod intervals;
mod plan;
mod saturation;
mod search;

pub use calibration::{Calibration, Range};
pub use plan::Settings;
pub(crate) use plan::{Plan, SCALES, is_tiling, softmax_rows};
pub(crate) use saturation::{Domain, saturates};
pub(crate) use search::{candidates, finest};

/// `floor(real * 2^scale + 1/2)`.
pub(crate) fn to_integer(real: f64, scale: i32) -> f64 {
    (real * f64::from(scale).exp2() + 0.5).floor()
}

/// The real number that an integer stands for: exact below 2^53.
pub fn to_real(integer: i64, scale: i32) -> f64 {
    integer as f64 * f64::from(-scale).exp2()
}

/// The largest scale at which `magnitude` stays within `limit`.
pub(crate) fn scale_for(magnitude: f64, limit: f64) -> i32 {
    if magnitude <= 0.0 || !magnitude.is_finite() {
        return 0;
    }
    ((limit / magnitude).log2().floor() as i32).clamp(-40, 40)
}
