//! Files: a header, a payload, a digest. The only module that knows the encoding, so that it can be replaced in one place.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::ops::Range;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A compiled program.
    Program,
    /// A proving key.
    ProvingKey,
    /// A verifying key.
    VerifyingKey,
    /// A proof.
    Proof,
    /// A proof about the weights of a key.
    ModelProof,
    /// Commitments to private inputs and outputs.
    Commitment,
    /// What opens them.
    Opening,
}

/// Version of every file format. Files of other versions are refused. Since 2 an input or output says what its entries are, so that
/// integers are shown as such and fractions refused. Since 3 a program has lookups of rows. Since 4 a model proof names a model, not a key.
/// Since 5 a proving key ends in raw numbers, so that reading it is no more than reading a file.
pub const VERSION: u16 = 5;

const MAGIC: [u8; 6] = *b"zktrch";
const HEADER: usize = MAGIC.len() + 1 + 2;
const DIGEST: usize = 32;
/// Raw numbers begin at multiples of this, counted from the beginning of the file.
const ALIGNMENT: usize = 64;
/// Largest payload, as far as memory can be addressed.
const LIMIT: usize = 1 << payload_bits(usize::BITS);
/// Bytes of a value that a byte of payload may stand for, as the decoder counts: a variable-length integer takes one and counts eight.
const EXPANSION: usize = 16;
/// Payloads up to these sizes are decoded under these limits.
const SMALL: usize = 1 << 16;
const MEDIUM: usize = 1 << 22;

/// Binary logarithm of the largest payload where a word has so many bits.
const fn payload_bits(word: u32) -> u32 {
    if word > 34 { 34 } else { word - 1 }
}

impl Kind {
    const fn tag(self) -> u8 {
        match self {
            Self::Program => b'c',
            Self::ProvingKey => b'k',
            Self::VerifyingKey => b'v',
            Self::Proof => b'p',
            Self::ModelProof => b'm',
            Self::Commitment => b'b',
            Self::Opening => b'o',
        }
    }

    /// The kind in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::ProvingKey => "proving key",
            Self::VerifyingKey => "verifying key",
            Self::Proof => "proof",
            Self::ModelProof => "model proof",
            Self::Commitment => "commitment",
            Self::Opening => "opening",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Program,
        Self::ProvingKey,
        Self::VerifyingKey,
        Self::Proof,
        Self::ModelProof,
        Self::Commitment,
        Self::Opening,
    ];
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not one of our files.
    #[error("not a zktorch file: it does not begin with `zktrch`")]
    Foreign,
    /// Another kind of file.
    #[error("expected a {expected}, got a {got}")]
    Kind {
        /// What was asked for.
        expected: &'static str,
        /// What it is.
        got: &'static str,
    },
    /// Of another version.
    #[error("the file has format version {0}, this zktorch reads version {VERSION}")]
    Version(u16),
    /// Too short, or its digest is wrong.
    #[error("the {0} is truncated or corrupt: its digest does not match")]
    Corrupt(&'static str),
    /// The payload does not decode.
    #[error("the {kind} does not decode: {why}")]
    Payload {
        /// What was read.
        kind: &'static str,
        /// The decoder's complaint.
        why: String,
    },
}

fn config() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// The canonical bytes of a value, without header.
///
/// # Errors
/// If the value cannot be encoded.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, DecodeError> {
    bincode::serde::encode_to_vec(value, config()).map_err(|e| DecodeError::Payload { kind: "value", why: e.to_string() })
}

/// The bytes of a file.
///
/// # Errors
/// If the value cannot be encoded.
pub fn encode<T: Serialize>(kind: Kind, value: &T) -> Result<Vec<u8>, DecodeError> {
    Ok(seal(kind, &canonical(value)?))
}

/// The file of a payload: header, payload, digest.
pub fn seal(kind: Kind, payload: &[u8]) -> Vec<u8> {
    finish(begin(kind, payload, payload.len()))
}

fn begin(kind: Kind, payload: &[u8], all: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + all + DIGEST);
    bytes.extend(MAGIC);
    bytes.push(kind.tag());
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(payload);
    bytes
}

fn finish(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    bytes
}

/// The bytes of a file whose payload ends in raw sections, each of which begins aligned. The value says how long they are.
///
/// # Errors
/// If the value cannot be encoded.
pub fn encode_with_sections<T: Serialize>(kind: Kind, value: &T, sections: &[&[u8]]) -> Result<Vec<u8>, DecodeError> {
    let payload = canonical(value)?;
    let room = sections.iter().map(|section| section.len() + ALIGNMENT).sum::<usize>();
    let mut bytes = begin(kind, &payload, payload.len() + room);
    for section in sections {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes.extend(*section);
    }
    Ok(finish(bytes))
}

/// What is left of a payload that ends in raw sections.
#[derive(Clone, Debug)]
pub struct Sections {
    kind: Kind,
    /// The next byte of the file, and the first one that is none of the payload.
    at: usize,
    end: usize,
}

impl Sections {
    /// The next section's place in the file.
    ///
    /// # Errors
    /// If the payload does not have so many bytes.
    pub fn next(&mut self, len: usize) -> Result<Range<usize>, DecodeError> {
        let start = self.at.checked_next_multiple_of(ALIGNMENT);
        let section = start.and_then(|start| Some(start..start.checked_add(len)?)).filter(|s| s.end <= self.end);
        let section = section.ok_or_else(|| self.failed("a section is longer than what there is".into()))?;
        self.at = section.end;
        Ok(section)
    }

    /// That there is nothing behind the last section.
    ///
    /// # Errors
    /// If there is.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.end - self.at {
            0 => Ok(()),
            left => Err(self.failed(format!("{left} of its bytes are left over"))),
        }
    }

    /// The error that a payload does not decode.
    pub fn failed(&self, why: String) -> DecodeError {
        DecodeError::Payload { kind: self.kind.name(), why }
    }
}

/// Reads a file whose payload ends in raw sections: the value before them, which is a small one, and where they begin.
///
/// # Errors
/// If it is foreign, of another kind or version, corrupt, or does not begin with the value.
pub fn decode_with_sections<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<(T, Sections), DecodeError> {
    let payload = open(kind, bytes)?;
    let (value, read) = value(kind, payload.get(..MEDIUM).unwrap_or(payload))?;
    Ok((value, Sections { kind, at: HEADER + read, end: HEADER + payload.len() }))
}

/// The payload of a file.
///
/// # Errors
/// If the file is foreign, of another kind or version, or corrupt.
pub fn open(kind: Kind, bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let (header, _) = bytes.split_at_checked(HEADER).ok_or(DecodeError::Foreign)?;
    let (magic, rest) = header.split_at_checked(MAGIC.len()).ok_or(DecodeError::Foreign)?;
    let [tag, version @ ..] = rest else { return Err(DecodeError::Foreign) };
    if magic != MAGIC {
        return Err(DecodeError::Foreign);
    }
    let got = Kind::ALL.into_iter().find(|k| k.tag() == *tag).ok_or(DecodeError::Foreign)?;
    if got != kind {
        return Err(DecodeError::Kind { expected: kind.name(), got: got.name() });
    }
    let version = u16::from_le_bytes(version.try_into().map_err(|_| DecodeError::Foreign)?);
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let corrupt = DecodeError::Corrupt(kind.name());
    let split = bytes.len().checked_sub(DIGEST).filter(|&at| at >= HEADER);
    let (body, digest) = split.and_then(|at| bytes.split_at_checked(at)).ok_or(corrupt.clone())?;
    if Sha256::digest(body).as_slice() != digest {
        return Err(corrupt);
    }
    Ok(body.get(HEADER..).unwrap_or_default())
}

/// The decoder's words, where it wraps those of others in names of its own.
fn words(error: bincode::error::DecodeError) -> String {
    use bincode::error::DecodeError::{Other, OtherString};
    match error {
        Other(words) => words.to_owned(),
        OtherString(words) => words,
        own => own.to_string(),
    }
}

/// Reads a file.
///
/// # Errors
/// If it is foreign, of another kind or version, corrupt, or holds more than the value.
pub fn decode<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, DecodeError> {
    let payload = open(kind, bytes)?;
    let (value, read) = value(kind, payload)?;
    if read != payload.len() {
        let why = format!("{} of its bytes are left over", payload.len() - read);
        return Err(DecodeError::Payload { kind: kind.name(), why });
    }
    Ok(value)
}

/// The value that a payload begins with, and its length.
fn value<T: DeserializeOwned>(kind: Kind, payload: &[u8]) -> Result<(T, usize), DecodeError> {
    // The decoder allocates what a length asks for before it finds the bytes missing; its limit is a constant of its type.
    if payload.len() <= SMALL {
        bincode::serde::decode_from_slice(payload, config().with_limit::<{ EXPANSION * SMALL }>())
    } else if payload.len() <= MEDIUM {
        bincode::serde::decode_from_slice(payload, config().with_limit::<{ EXPANSION * MEDIUM }>())
    } else {
        bincode::serde::decode_from_slice(payload, config())
    }
    .map_err(|e| DecodeError::Payload { kind: kind.name(), why: words(e) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_payload_can_be_addressed() {
        assert_eq!([16, 32, 34, 64, 128].map(payload_bits), [15, 31, 33, 34, 34]);
        assert_eq!(LIMIT.ilog2(), payload_bits(usize::BITS));
    }

    #[test]
    fn what_does_not_decode_says_why() {
        let read =
            |payload: &[u8]| decode::<Result<u8, u8>>(Kind::Proof, &seal(Kind::Proof, payload)).map_err(|e| e.to_string());
        let refused = |why: &str| Err(format!("the proof does not decode: {why}"));
        assert_eq!(read(&[0, 1]), Ok(Ok(1)));
        assert_eq!(read(&[7, 1]), refused("invalid value: integer `7`, expected `Ok` or `Err`"));
        assert_eq!(read(&[0, 1, 2]), refused("1 of its bytes are left over"));
    }

    #[test]
    fn sections_are_where_the_file_has_them() {
        let sections: [&[u8]; 3] = [&[1, 2, 3], &[], &[4; 70]];
        let file = encode_with_sections(Kind::ProvingKey, &(7u32, 9u64), &sections).unwrap();
        let (value, mut at) = decode_with_sections::<(u32, u64)>(Kind::ProvingKey, &file).unwrap();
        assert_eq!(value, (7, 9));
        for section in sections {
            let range = at.next(section.len()).unwrap();
            assert!(range.start.is_multiple_of(ALIGNMENT));
            assert_eq!(&file[range], section);
        }
        assert!(at.clone().next(1).is_err() && at.clone().next(usize::MAX).is_err());
        at.finish().unwrap();
        let (_, mut at) = decode_with_sections::<(u32, u64)>(Kind::ProvingKey, &file).unwrap();
        at.next(3).unwrap();
        let why = "the proving key does not decode: 131 of its bytes are left over";
        assert_eq!(at.finish().map_err(|e| e.to_string()), Err(why.to_owned()));
    }
}
