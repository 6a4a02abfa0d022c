//! Calibration and scales: how many bits each tensor of the float graph gets.

mod calibration;
mod grid;
mod intervals;
mod note;
mod plan;
mod saturation;
mod search;
mod settings;

pub use calibration::{Calibration, Range};
pub(crate) use grid::is_compared;
pub(crate) use note::Note;
pub(crate) use plan::{Plan, SCALES, is_only_shown};
pub(crate) use saturation::{Domain, saturates};
pub(crate) use search::{candidates, finest};
pub use settings::Settings;
pub(crate) use zktorch_blocks::port::{to_integer, to_real};

use zktorch_blocks::program::Scale;

/// No scale is further from 0.
const FINEST: i32 = 96;

/// The entry of a table for a function's value: rounded, and up from a hair below a half. Functions that tend to the identity come as near to a half
/// as a float can tell, where another library's last bit would make another table.
pub(crate) fn to_entry(value: f64, scale: Scale) -> f64 {
    const HAIR: f64 = 1.0 / (1 << 20) as f64;
    (value * scale.units() + 0.5 + HAIR).floor()
}

/// The largest scale at which `magnitude` stays within `limit`. Where all that was seen is 0 it is that of numbers up to 1: larger ones are
/// out of range then, and smaller ones do not become 0.
pub(crate) fn scale_for(magnitude: f64, limit: f64) -> Scale {
    if !magnitude.is_finite() {
        return Scale(0);
    }
    let magnitude = if magnitude > 0.0 { magnitude } else { 1.0 };
    Scale(((limit / magnitude).log2().floor() as i32).clamp(-FINEST, FINEST))
}
