//! What a file is, by its first bytes.

use zktorch_verifier::codec::{DecodeError, Kind, decode};

/// No header of ours is longer.
pub const HEADER: u64 = 64;

/// The kind that the header states: every kind's reader names what it got instead.
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    match decode::<()>(Kind::Program, bytes) {
        Err(DecodeError::Foreign) => None,
        Err(DecodeError::Kind { got, .. }) => Kind::ALL.into_iter().find(|k| k.name() == got),
        _ => Some(Kind::Program),
    }
}
