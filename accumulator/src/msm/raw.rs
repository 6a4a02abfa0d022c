//! Points as they lie in memory: Montgomery limbs, little endian. Reading them takes no arithmetic.

use super::CurvePoint;
use ark_bls12_381::{Fq, FqConfig};
use ark_ff::{BigInt, MontConfig};

/// Bytes of a point.
pub const BYTES: usize = 96;

/// Points, one after the other.
pub fn bytes_of(points: impl Iterator<Item = CurvePoint>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for point in points {
        let limbs = [point.x, point.y].map(|coordinate| coordinate.0.0);
        limbs.as_flattened().iter().for_each(|limb| bytes.extend(limb.to_le_bytes()));
    }
    bytes
}

/// The inverse of [`bytes_of`]; `None` if there is something that is no pair of coordinates. That it is a point of the curve is not checked.
pub fn points(bytes: &[u8]) -> Option<Vec<CurvePoint>> {
    let (points, []) = bytes.as_chunks::<BYTES>() else { return None };
    points.iter().map(point).collect()
}

fn point(bytes: &[u8; BYTES]) -> Option<CurvePoint> {
    let (x, y) = bytes.split_at(BYTES / 2);
    Some(CurvePoint { x: coordinate(x)?, y: coordinate(y)? })
}

/// The element that some limbs stand for, if they are below the modulus: arithmetic expects no others.
fn coordinate(bytes: &[u8]) -> Option<Fq> {
    let mut limbs = [0u64; 6];
    limbs.iter_mut().zip(bytes.as_chunks().0).for_each(|(limb, bytes)| *limb = u64::from_le_bytes(*bytes));
    let limbs = BigInt(limbs);
    (limbs < FqConfig::MODULUS).then(|| Fq::new_unchecked(limbs))
}
