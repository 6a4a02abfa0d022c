//! Changes to the bytes of a proof.

use ark_bls12_381::{Fq, Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ec::CurveGroup;
use ark_ff::{BigInteger, One, PrimeField, Zero};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use zktorch_blocks::transcript::{EntryKind, MessageEntry, POINT_BYTES, SCALAR_BYTES};

/// What is done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// A point plus the generator; a scalar plus one.
    Offset,
    /// Another group element or scalar in its place: the negative.
    Negate,
    /// The identity; the scalar zero.
    Identity,
    /// All bytes zero: no point.
    ZeroBytes,
    /// A point of the curve outside the subgroup.
    OutsideSubgroup,
    /// An abscissa with no point.
    OffCurve,
    /// The scalar plus the order of the field.
    NonCanonical,
    /// The lowest bit of the last byte flipped.
    LastBit,
    /// The bit that says how a point is encoded flipped.
    FlagBit,
    /// Exchanged with the next message of its kind.
    Swap,
    /// Taken out.
    Remove,
    /// Put in twice.
    Repeat,
    /// The proof ends before it.
    TruncateBefore,
    /// The proof ends in its midst.
    TruncateWithin,
}

/// How a mutated proof must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// At this message: it does not decode.
    Decoding,
    /// At the end of the proof.
    Truncated,
    /// By the check that another value of the message meets.
    Check,
    /// By a check, or further on by a message that does not decode or is missing.
    Any,
}

/// All of them.
pub const ALL: [Mutation; 14] = [
    Mutation::Offset,
    Mutation::Negate,
    Mutation::Identity,
    Mutation::ZeroBytes,
    Mutation::OutsideSubgroup,
    Mutation::OffCurve,
    Mutation::NonCanonical,
    Mutation::LastBit,
    Mutation::FlagBit,
    Mutation::Swap,
    Mutation::Remove,
    Mutation::Repeat,
    Mutation::TruncateBefore,
    Mutation::TruncateWithin,
];

/// Bytes of a message on the wire.
pub fn length(entry: &MessageEntry) -> usize {
    if entry.kind == EntryKind::Scalar { SCALAR_BYTES } else { POINT_BYTES }
}

/// Adds to a scalar of a proof.
///
/// # Panics
/// If there is none.
pub fn add_to_scalar(bytes: &mut [u8], entry: &MessageEntry, by: Fr) {
    let own = &mut bytes[entry.offset..entry.offset + length(entry)];
    let value = Fr::deserialize_compressed(&*own).expect("an honest scalar") + by;
    own.copy_from_slice(&value.into_bigint().to_bytes_le());
}

fn compressed(point: &G1Affine) -> Vec<u8> {
    let mut bytes = Vec::new();
    point.serialize_compressed(&mut bytes).expect("a vector takes all");
    bytes
}

/// A compressed abscissa: flags of a finite point.
fn abscissa(x: u64) -> Vec<u8> {
    let mut bytes = Fq::from(x).into_bigint().to_bytes_be();
    bytes[0] |= 0x80;
    bytes
}

/// A point of the curve that is not in the subgroup, compressed.
pub fn outside_subgroup() -> Vec<u8> {
    let on_curve = |x: u64| G1Affine::get_point_from_x_unchecked(Fq::from(x), false);
    let x = (1..).find(|&x| on_curve(x).is_some_and(|p| !p.is_in_correct_subgroup_assuming_on_curve()));
    abscissa(x.expect("most points are outside"))
}

/// An abscissa with no point of the curve, compressed.
pub fn off_curve() -> Vec<u8> {
    let x = (1..).find(|&x| G1Affine::get_point_from_x_unchecked(Fq::from(x), false).is_none());
    abscissa(x.expect("half of all have none"))
}

impl Mutation {
    /// Whether it can be done to messages of a kind.
    pub fn applies(self, kind: EntryKind) -> bool {
        let point = kind != EntryKind::Scalar;
        match self {
            Self::ZeroBytes | Self::OutsideSubgroup | Self::OffCurve | Self::FlagBit => point,
            Self::NonCanonical => !point,
            _ => true,
        }
    }

    /// How the result must be refused, if done to a message of a kind.
    pub fn expected(self, kind: EntryKind) -> Expected {
        match self {
            // Hidden messages are read as their projection onto the group.
            Self::OutsideSubgroup if kind != EntryKind::Point => Expected::Check,
            Self::ZeroBytes | Self::OutsideSubgroup | Self::OffCurve | Self::NonCanonical | Self::FlagBit => {
                Expected::Decoding
            }
            Self::Offset | Self::Negate | Self::Identity => Expected::Check,
            Self::TruncateBefore | Self::TruncateWithin => Expected::Truncated,
            _ => Expected::Any,
        }
    }

    /// Does it to message `i`; `None` if that leaves the proof as it is.
    pub fn apply(self, bytes: &[u8], log: &[MessageEntry], i: usize) -> Option<Vec<u8>> {
        let (entry, length) = (&log[i], length(&log[i]));
        let range = entry.offset..entry.offset + length;
        let own = &bytes[range.clone()];
        let replaced = |new: &[u8]| [&bytes[..range.start], new, &bytes[range.end..]].concat();
        let mutated = match self {
            Self::Offset | Self::Negate | Self::Identity if entry.kind == EntryKind::Scalar => {
                let value = Fr::deserialize_compressed(own).expect("an honest scalar");
                let new = match self {
                    Self::Offset => value + Fr::one(),
                    Self::Negate => -value,
                    _ => Fr::zero(),
                };
                replaced(&new.into_bigint().to_bytes_le())
            }
            Self::Offset | Self::Negate | Self::Identity => {
                let value = G1Affine::deserialize_compressed(own).expect("an honest point");
                let new = match self {
                    Self::Offset => (value + G1Affine::generator()).into_affine(),
                    Self::Negate => -value,
                    _ => G1Affine::zero(),
                };
                replaced(&compressed(&new))
            }
            Self::ZeroBytes => replaced(&vec![0; length]),
            Self::OutsideSubgroup => replaced(&outside_subgroup()),
            Self::OffCurve => replaced(&off_curve()),
            Self::NonCanonical => {
                let mut big = Fr::deserialize_compressed(own).expect("an honest scalar").into_bigint();
                big.add_with_carry(&Fr::MODULUS);
                replaced(&big.to_bytes_le())
            }
            Self::LastBit => {
                let mut new = own.to_vec();
                new[length - 1] ^= 1;
                replaced(&new)
            }
            Self::FlagBit => {
                let mut new = own.to_vec();
                new[0] ^= 0x80;
                replaced(&new)
            }
            Self::Swap => {
                let same = |e: &&MessageEntry| (e.kind == EntryKind::Scalar) == (entry.kind == EntryKind::Scalar);
                let other = log[i + 1..].iter().find(same)?;
                let there = other.offset..other.offset + length;
                let mut new = replaced(&bytes[there.clone()]);
                new[there].copy_from_slice(own);
                new
            }
            Self::Remove => replaced(&[]),
            Self::Repeat => replaced(&[own, own].concat()),
            Self::TruncateBefore => bytes[..range.start].to_vec(),
            Self::TruncateWithin => bytes[..range.end - 1].to_vec(),
        };
        (mutated != bytes).then_some(mutated)
    }
}
