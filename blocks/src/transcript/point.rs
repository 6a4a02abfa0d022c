//! Points on the wire, in ZCash's compressed form: `x`, big endian, with three flags in the leading bits.
//!
//! A verifier of a small proof spends a fifth of its time on square roots, so that theirs has a window; arkworks' goes bit by bit.

use ark_bls12_381::{Fq, G1Affine};
use ark_ff::{BigInt, BigInteger, Field, PrimeField};
use ark_serialize::CanonicalSerialize;

/// Bytes of a point.
pub const POINT_BYTES: usize = 48;
/// Bits of a sliding window of the square root's exponent.
const WINDOW: usize = 5;
/// The flags of the first byte: compressed, the identity, and `y` the larger of the two roots.
const FLAGS: [u8; 3] = [0x80, 0x40, 0x20];

/// A compressed point.
pub fn encode_point(point: &G1Affine) -> [u8; POINT_BYTES] {
    let mut bytes = [0u8; POINT_BYTES];
    // The array has the length of a point.
    drop(point.serialize_compressed(bytes.as_mut_slice()));
    bytes
}

/// A compressed point of the group, checked to be one; the identity has one encoding.
pub fn decode_point(bytes: &[u8; POINT_BYTES]) -> Option<G1Affine> {
    decode_on_curve(bytes).filter(G1Affine::is_in_correct_subgroup_assuming_on_curve)
}

/// A compressed point of the curve, checked to be one; the identity has one encoding. It may have a part of small order.
pub fn decode_on_curve(bytes: &[u8; POINT_BYTES]) -> Option<G1Affine> {
    if *bytes == encode_point(&G1Affine::identity()) {
        return Some(G1Affine::identity());
    }
    let [compressed, _, larger] = FLAGS.map(|flag| bytes.first().is_some_and(|b| b & flag != 0));
    let mut x = *bytes;
    if let Some(first) = x.first_mut() {
        *first &= !(FLAGS[0] | FLAGS[2]);
    }
    // Any other flag makes `x` larger than the modulus.
    let x = Fq::from_bigint(big_endian(&x)).filter(|_| compressed)?;
    let y = square_root(x.square() * x + Fq::from(4u64))?;
    let y = if (y > -y) == larger { y } else { -y };
    Some(G1Affine::new_unchecked(x, y))
}

fn big_endian(bytes: &[u8; POINT_BYTES]) -> BigInt<6> {
    let mut limbs = [0u64; 6];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    BigInt::new(limbs)
}

/// A square root, if there is one: `a^((p + 1) / 4)`, since `p` is 3 modulo 4.
fn square_root(a: Fq) -> Option<Fq> {
    let mut exponent = Fq::MODULUS;
    exponent.add_with_carry(&BigInt::from(1u64));
    exponent >>= 2;
    let square = a.square();
    let odd: Vec<Fq> = std::iter::successors(Some(a), |power| Some(*power * square)).take(1 << (WINDOW - 1)).collect();
    let bit = |j: usize| exponent.get_bit(j);
    let (mut root, mut left) = (Fq::ONE, BigInt::<6>::NUM_LIMBS * 64);
    while left > 0 {
        // The longest window that begins and ends in a one, or a single zero.
        let low = (left.saturating_sub(WINDOW)..left).find(|&j| bit(left - 1) && bit(j)).unwrap_or(left - 1);
        let digit = (low..left).rev().fold(0usize, |digit, j| 2 * digit + usize::from(bit(j)));
        (low..left).for_each(|_| {
            root.square_in_place();
        });
        if let Some(power) = odd.get(digit / 2).filter(|_| digit != 0) {
            root *= power;
        }
        left = low;
    }
    (root.square() == a).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::AdditiveGroup;
    use ark_serialize::CanonicalDeserialize;

    /// What arkworks reads, if it writes it again as it was.
    fn arkworks(bytes: &[u8; POINT_BYTES], on_curve: bool) -> Option<G1Affine> {
        let read = if on_curve { G1Affine::deserialize_compressed_unchecked } else { G1Affine::deserialize_compressed };
        read(bytes.as_slice()).ok().filter(|point| encode_point(point) == *bytes)
    }

    #[test]
    fn points_are_what_arkworks_reads() {
        let mut point = G1Affine::generator();
        let (mut on_curve, mut in_group) = (0, 0);
        for i in 0..200u8 {
            let mut bytes = encode_point(&point);
            // Points of the group; other numbers, half of them on the curve; flags.
            bytes[40] ^= i % 4;
            bytes[0] ^= if i % 7 == 0 { 1 << (i % 8) } else { 0 };
            let expected = [true, false].map(|on_curve| arkworks(&bytes, on_curve));
            assert_eq!([decode_on_curve(&bytes), decode_point(&bytes)], expected, "{bytes:?}");
            on_curve += usize::from(expected[0].is_some());
            in_group += usize::from(expected[1].is_some());
            point = (point + G1Affine::generator()).into_affine();
        }
        assert!(on_curve > in_group + 30 && in_group > 30, "{on_curve} {in_group}");
    }

    #[test]
    fn unusual_points() {
        // Of order three; the identity; numbers around the modulus; the identity with a sign or a coordinate.
        let two = Fq::from(2u64);
        for point in [G1Affine::new_unchecked(Fq::ZERO, two), G1Affine::new_unchecked(Fq::ZERO, -two), G1Affine::identity()]
        {
            assert_eq!(decode_on_curve(&encode_point(&point)), Some(point));
            assert_eq!(decode_point(&encode_point(&point)).is_some(), point.is_zero());
        }
        let modulus: [u8; POINT_BYTES] = Fq::MODULUS.to_bytes_be().try_into().unwrap();
        for (first, last) in [(0x80, 0), (0xa0, 1), (0xe0, 0), (0xc0, 0), (0, 0)] {
            for mut bytes in [modulus, [0; POINT_BYTES], [0xff; POINT_BYTES]] {
                bytes[0] |= first;
                bytes[47] ^= last;
                assert_eq!(decode_on_curve(&bytes), arkworks(&bytes, true), "{bytes:?}");
            }
        }
    }
}
