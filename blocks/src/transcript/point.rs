//! Points on the wire, in ZCash's compressed form: `x`, big endian, with three flags in the leading bits.
//!
//! A verifier of a small proof spends a fifth of its time on [square roots](crate::roots) if they are taken bit by bit, like arkworks does.

use crate::roots::roots;
use ark_bls12_381::{Fq, G1Affine};
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use ark_serialize::CanonicalSerialize;

/// Bytes of a point.
pub const POINT_BYTES: usize = 48;
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
fn decode_on_curve(bytes: &[u8; POINT_BYTES]) -> Option<G1Affine> {
    decode_all(std::slice::from_ref(bytes)).pop().flatten()
}

/// The same for points that follow one another, which together are cheaper.
fn decode_all(encoded: &[[u8; POINT_BYTES]]) -> Vec<Option<G1Affine>> {
    let abscissas: Vec<Option<Fq>> = encoded.iter().map(abscissa).collect();
    let square = |x: Fq| x.square() * x + Fq::from(4u64);
    let squares: Vec<Fq> = abscissas.iter().map(|x| x.map_or(Fq::ZERO, square)).collect();
    let roots = roots(&squares).into_iter().zip(&squares).map(|(root, a)| Some(root).filter(|root| root.square() == *a));
    let identity = encode_point(&G1Affine::identity());
    let point = |((bytes, x), root): ((&[u8; POINT_BYTES], Option<Fq>), Option<Fq>)| {
        if *bytes == identity {
            return Some(G1Affine::identity());
        }
        let (x, y) = x.zip(root)?;
        let y = if (y > -y) == flags(bytes)[2] { y } else { -y };
        Some(G1Affine::new_unchecked(x, y))
    };
    encoded.iter().zip(abscissas).zip(roots).map(point).collect()
}

/// What follows on a tape, decoded as points before it is known whether it is any.
#[derive(Default)]
pub(super) struct Ahead(std::vec::IntoIter<([u8; POINT_BYTES], Option<G1Affine>)>);

impl Ahead {
    /// The point of the curve that `bytes` encode; `rest` is what follows them on the tape.
    pub(super) fn next(&mut self, bytes: &[u8; POINT_BYTES], rest: &[u8]) -> Option<G1Affine> {
        let known = self.0.next().filter(|(known, _)| known == bytes);
        let (_, point) = known.or_else(|| {
            let some: Vec<_> = std::iter::once(bytes).chain(rest.as_chunks().0).take(together()).copied().collect();
            let points = decode_all(&some);
            self.0 = some.into_iter().zip(points).collect::<Vec<_>>().into_iter();
            self.0.next()
        })?;
        point
    }
}

/// Points that are decoded together: as many as cost no more than a few do.
fn together() -> usize {
    #[cfg(all(feature = "prover", target_arch = "x86_64"))]
    if crate::lanes::simd().is_some() {
        return crate::lanes::WIDTH;
    }
    1
}

/// What a compressed point says of its `x`, if that is a number below the modulus.
fn abscissa(bytes: &[u8; POINT_BYTES]) -> Option<Fq> {
    let mut x = *bytes;
    if let Some(first) = x.first_mut() {
        *first &= !(FLAGS[0] | FLAGS[2]);
    }
    // Any other flag makes `x` larger than the modulus.
    Fq::from_bigint(big_endian(&x)).filter(|_| flags(bytes)[0])
}

fn flags(bytes: &[u8; POINT_BYTES]) -> [bool; 3] {
    FLAGS.map(|flag| bytes.first().is_some_and(|b| b & flag != 0))
}

fn big_endian(bytes: &[u8; POINT_BYTES]) -> BigInt<6> {
    let mut limbs = [0u64; 6];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    BigInt::new(limbs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::{AdditiveGroup, BigInteger};
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

    /// Points are decoded ahead of what is read, whatever that is.
    #[test]
    fn points_of_a_tape_are_read_ahead() {
        let point = |i: u64| (G1Affine::generator() * ark_bls12_381::Fr::from(i)).into_affine();
        let mut tape: Vec<u8> = (0..30).flat_map(|i| encode_point(&point(i))).collect();
        tape[7 * POINT_BYTES + 40] ^= 1;
        tape[9 * POINT_BYTES] ^= 0x80;
        for shift in [0, 1, 32] {
            let (mut ahead, mut rest, mut read) = (Ahead::default(), &tape[..], 0);
            while let Some((bytes, tail)) = rest.split_first_chunk() {
                rest = tail;
                assert_eq!(ahead.next(bytes, rest), arkworks(bytes, true), "{shift} {read}");
                read += 1;
                // Something else in between.
                rest = &rest[if read % 5 == 0 { shift.min(rest.len()) } else { 0 }..];
            }
            assert!(read >= 25);
        }
    }

    #[test]
    fn unusual_points_are_what_arkworks_reads() {
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
