//! The scalar field, and multilinear extensions over it.
//!
//! A point `p = (p_1, .., p_k)` has `p_1` on the most significant index bit throughout (docs/protocol.md, section 2).

pub use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};

/// The field element of a signed integer.
pub fn from_i64(value: i64) -> Fr {
    Fr::from(value)
}

/// `2^-bits`.
pub fn inverse_power_of_two(bits: usize) -> Fr {
    // Two is invertible in a field of odd order.
    (0..bits).fold(Fr::ONE, |acc, _| acc * HALF)
}

/// One half.
pub const HALF: Fr = ark_ff::MontFp!("26217937587563095239723870254092982918845276250263818911301829349969290592257");

/// `x^0, x^1, .., x^(n-1)`.
pub fn powers(x: Fr, n: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |p| Some(*p * x)).take(n).collect()
}

/// `eq(p, i)` for all `i`, in index order: `2^k` elements.
pub fn eq_table(point: &[Fr]) -> Vec<Fr> {
    eq_table_scaled(point, Fr::ONE)
}

/// `scale * eq(p, i)` for all `i`.
pub fn eq_table_scaled(point: &[Fr], scale: Fr) -> Vec<Fr> {
    let mut table = Vec::with_capacity(1 << point.len());
    table.push(scale);
    // From the last coordinate to the first each one becomes the top bit of the table so far.
    for &r in point.iter().rev() {
        let n = table.len();
        for i in 0..n {
            if let Some(low) = table.get_mut(i) {
                let high = *low * r;
                *low -= high;
                table.push(high);
            }
        }
    }
    table
}

/// `eq(a, b)` of two points of equal length.
pub fn eq(a: &[Fr], b: &[Fr]) -> Fr {
    a.iter().zip(b).map(|(&x, &y)| Fr::ONE - x - y + (x * y).double()).product()
}

/// `eq(p, i)` of a single index.
pub fn eq_index(point: &[Fr], index: usize) -> Fr {
    let k = point.len();
    point.iter().enumerate().map(|(j, &p)| if index >> (k - 1 - j) & 1 == 1 { p } else { Fr::ONE - p }).product()
}

/// MLE of `[i < n]` at a point: `n` may be anything from 0 to `2^k`.
pub fn less_than(n: usize, point: &[Fr]) -> Fr {
    let k = point.len();
    if n >> k != 0 {
        return Fr::ONE;
    }
    let (mut below, mut tied) = (Fr::ZERO, Fr::ONE);
    for (j, &p) in point.iter().enumerate() {
        if n >> (k - 1 - j) & 1 == 1 {
            below += tied * (Fr::ONE - p);
            tied *= p;
        } else {
            tied *= Fr::ONE - p;
        }
    }
    below
}

/// MLE of `i -> i` at a point.
pub fn index_mle(point: &[Fr]) -> Fr {
    point.iter().fold(Fr::ZERO, |acc, p| acc.double() + p)
}

/// MLE of `i -> i [i < n]` at a point: `n` may be anything from 0 to `2^k`.
pub fn index_below(n: usize, point: &[Fr]) -> Fr {
    let k = point.len();
    if n >> k != 0 {
        return index_mle(point);
    }
    // Indices that agree with n so far have the index `prefix` and the weight `tied`.
    let (mut sum, mut prefix, mut tied) = (Fr::ZERO, Fr::ZERO, Fr::ONE);
    for (j, &p) in point.iter().enumerate() {
        let behind = point.get(j + 1..).unwrap_or_default();
        let place = Fr::from(1u64 << behind.len());
        if n >> (k - 1 - j) & 1 == 1 {
            sum += tied * (Fr::ONE - p) * (prefix + index_mle(behind));
            prefix += place;
            tied *= p;
        } else {
            tied *= Fr::ONE - p;
        }
    }
    sum
}

/// The dot product of two slices of equal length.
pub fn dot(a: &[Fr], b: &[Fr]) -> Fr {
    debug_assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| *x * y).sum()
}

/// MLE of a table of `2^k` elements at a point; the table is consumed.
pub fn evaluate(mut table: Vec<Fr>, point: &[Fr]) -> Fr {
    for &r in point {
        let high = table.split_off(table.len() / 2);
        for (low, high) in table.iter_mut().zip(high) {
            *low += r * (high - *low);
        }
    }
    table.first().copied().unwrap_or(Fr::ZERO)
}

/// 64 bytes to a field element, uniform up to `2^-257`.
pub fn from_wide_bytes(bytes: &[u8; 64]) -> Fr {
    Fr::from_le_bytes_mod_order(bytes)
}
