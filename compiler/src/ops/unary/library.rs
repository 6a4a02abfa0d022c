//! Tables are the same whichever library of float functions makes them: two machines lower an architecture to one program.

use zktorch_blocks::program::Scale;

use super::Unary;
use crate::quantise::{to_entry, to_real};

/// Libraries differ in the last bits: by more than they do, in units of the last bit.
const APART: f64 = 16.0;

/// All whose values come out of a library; the others take operations that IEEE 754 rounds in one way.
fn transcendental() -> Vec<Unary> {
    vec![
        Unary::Sigmoid,
        Unary::Tanh,
        Unary::Erf,
        Unary::Gelu,
        Unary::GeluTanh,
        Unary::Silu,
        Unary::Mish,
        Unary::Exp,
        Unary::Log,
        Unary::Pow(1.7),
        Unary::Softplus,
        Unary::Elu(1.0),
        Unary::Selu { alpha: 1.673_263_2, gamma: 1.050_701 },
        Unary::Celu(2.0),
        Unary::Sin,
        Unary::Cos,
        Unary::Tan,
        Unary::Asin,
        Unary::Acos,
        Unary::Atan,
        Unary::Sinh,
        Unary::Cosh,
        Unary::Asinh,
        Unary::Acosh,
        Unary::Atanh,
    ]
}

#[test]
fn no_entry_of_a_table_hangs_on_the_last_bits_of_a_float() {
    let mut entries = 0;
    for (function, scale) in transcendental().iter().flat_map(|f| [8, 10, 12, 15].map(|s| (f, Scale(s)))) {
        for x in -(1 << 15)..1 << 15 {
            let value = function.eval(to_real(x, scale));
            // What a table of 16 bits does not hold is no entry.
            let Some(finest) = [15, 12, 8, 4].into_iter().map(Scale).find(|s| value.abs() * s.units() < 32_768.0) else {
                continue;
            };
            let [less, more] = [-APART, APART].map(|bits| to_entry(value * (1.0 + bits * f64::EPSILON), finest));
            assert_eq!(less, more, "{} of {x} at scale {scale}", function.name());
            entries += 1;
        }
    }
    assert!(entries > 4_000_000, "{entries}");
}
